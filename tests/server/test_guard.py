import asyncio

from server.http.connection_limits import OVERLOADED, Guard
from server.settings import ServerSettings


def test_only_requests_that_are_not_done_count_as_open() -> None:
    async def ask() -> None:
        guard = Guard(ServerSettings(maximum_open_requests=20), workers=1)
        done = {asyncio.create_task(asyncio.sleep(0)) for _ in range(20)}
        await asyncio.wait(done)
        assert guard.refusal("", done, 0.0) is None
        waiting = {asyncio.create_task(asyncio.sleep(60)) for _ in range(20)}
        assert guard.refusal("", waiting, 0.0) is OVERLOADED
        for task in waiting:
            task.cancel()

    asyncio.run(ask())
