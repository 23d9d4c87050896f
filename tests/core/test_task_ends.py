"""Tasks end, however they take being told to."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from core.task_ends import end_tasks

PATIENCE_S = 60.0


async def waits() -> None:
    await asyncio.Event().wait()


async def keeps_the_first_to_itself() -> None:
    with suppress(asyncio.CancelledError):
        await waits()
    await waits()


async def fails_when_told() -> None:
    try:
        await waits()
    finally:
        raise RuntimeError("the handler is closed")


async def has_failed() -> None:
    raise RuntimeError("long ago")


async def has_ended() -> None:
    pass


Work = Callable[[], Awaitable[None]]


@pytest.mark.parametrize(
    "work", [waits, keeps_the_first_to_itself, fails_when_told, has_failed, has_ended]
)
def test_it_ends_and_nothing_is_raised(work: Work) -> None:
    async def main() -> None:
        tasks = [asyncio.create_task(one()) for one in (waits, work, waits)]
        await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE_S):
            await end_tasks(*tasks, again_s=0.01)
        assert all(task.done() for task in tasks)

    asyncio.run(main())


def test_no_tasks_have_ended() -> None:
    asyncio.run(end_tasks())


@pytest.mark.parametrize("work", [fails_when_told, has_failed])
def test_what_it_ends_with_is_told(work: Work, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        task = asyncio.create_task(work(), name="the listener")
        await asyncio.sleep(0)
        await end_tasks(task)

    caplog.set_level(logging.WARNING)
    asyncio.run(main())
    assert "the listener ended with an error: RuntimeError" in caplog.text
