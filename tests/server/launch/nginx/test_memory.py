"""Nginx's share of the memory."""

import pytest

from server.launch.nginx.memory import BYTES_PER_CONNECTION, BYTES_PER_PROCESS, NginxLimits
from server.settings import ServerSettings

MEBIBYTE = 2**20
SERVER = ServerSettings(workers=2)


@pytest.mark.parametrize(("mebibytes", "share"), [(512, 96), (1_024, 192), (2_048, 384)])
def test_nginx_takes_its_share_of_a_small_memory(mebibytes: int, share: int) -> None:
    limits = NginxLimits.of(SERVER, mebibytes * MEBIBYTE)
    connections = limits.worker_connections(SERVER) * BYTES_PER_CONNECTION
    each = BYTES_PER_PROCESS + connections + limits.transfer_bytes
    assert limits.processes * each <= share * MEBIBYTE
    assert limits.connections >= 100


def test_a_large_memory_is_not_used_up() -> None:
    limits = NginxLimits.of(SERVER, 64 * 2**30)
    assert limits.connections == 4_096
    assert limits.processes * limits.transfer_bytes <= 128 * MEBIBYTE


def test_settings_come_first() -> None:
    server = ServerSettings(
        workers=2, maximum_connections=1_000, maximum_body_memory_bytes=MEBIBYTE
    )
    limits = NginxLimits.of(server, 512 * MEBIBYTE)
    assert limits.connections == 1_000
    assert limits.processes * limits.transfer_bytes == MEBIBYTE
