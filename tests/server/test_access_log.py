import asyncio
import os

import pytest

from server.http import access_log
from server.http.access_log import LONGEST_PART, AccessLog


def test_lines_are_written_together_and_whole() -> None:
    source, sink = os.pipe()

    async def write() -> None:
        log = AccessLog(sink)
        for number in range(100):
            log.add(b"%099d\n" % number)
        assert len(os.read(source, LONGEST_PART * 2)) == LONGEST_PART // 100 * 100 * 2
        log.flush()
        assert os.read(source, LONGEST_PART).endswith(b"99\n")

    asyncio.run(write())
    os.close(source)
    os.close(sink)


def test_a_line_waits_only_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "SECONDS_LATE", 0.01)
    source, sink = os.pipe()

    async def write() -> bytes:
        AccessLog(sink).add(b"line\n")
        return await asyncio.to_thread(os.read, source, 100)

    assert asyncio.run(write()) == b"line\n"
    os.close(source)
    os.close(sink)
