import asyncio
import threading

import pytest

from core.errors import ServerBusy
from server.threads import Threads


def test_a_queue_that_does_not_move_sends_the_next_away() -> None:
    moving = threading.Event()

    async def crowd() -> list[object]:
        threads = Threads(2, patience_s=0.05)
        first = [asyncio.create_task(threads.run(moving.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(ServerBusy):
            await threads.run(lambda: None)
        moving.set()
        return [*await asyncio.gather(*first), await threads.run(lambda: "free again")]

    assert asyncio.run(crowd()) == [True, True, "free again"]


def test_leaving_a_context_has_all_patience() -> None:
    moving, left = threading.Event(), threading.Event()

    class Room:
        def __enter__(self) -> "Room":
            return self

        def __exit__(self, *failure: object) -> None:
            left.set()

    async def leave_while_all_is_taken() -> None:
        threads = Threads(1, patience_s=0.01)
        async with threads.entered(Room()):
            stuck = asyncio.create_task(threads.run(moving.wait))
            await asyncio.sleep(0)
            asyncio.get_running_loop().call_later(0.05, moving.set)
        assert await stuck

    asyncio.run(leave_while_all_is_taken())
    assert left.is_set()
