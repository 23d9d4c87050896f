"""Checks that take their time."""

import asyncio
import threading

from core.errors import StorageUnavailable
from server.readiness import Check, ReadinessChecks, StandingCheck

WELL = Check(name="disk", ok=True, detail="well")


def test_what_hangs_is_asked_once_however_often_it_is_asked_for() -> None:
    released, begun = threading.Event(), []

    def look() -> Check:
        begun.append(1)
        released.wait(30)
        return WELL

    async def run() -> list[Check]:
        check = StandingCheck("disk", look)
        found = [await check.answer(patience_s=0.01) for _ in range(5)]
        released.set()
        return [*found, await check.answer(patience_s=30)]

    *while_it_hung, at_last = asyncio.run(run())
    assert not any(check.ok for check in while_it_hung)
    assert "no answer within" in while_it_hung[0].detail
    assert (at_last, begun) == (WELL, [1])


def test_answers_are_kept_for_a_while_and_shared() -> None:
    now, begun = [0.0], []

    def look() -> Check:
        begun.append(1)
        return WELL

    async def run() -> list[int]:
        checks = ReadinessChecks([StandingCheck("disk", look)], clock=lambda: now[0])
        await asyncio.gather(*(checks.answers() for _ in range(5)))
        asked = [len(begun)]
        now[0] = 1.0
        assert await checks.answers() == [WELL]
        return [*asked, len(begun)]

    assert asyncio.run(run()) == [1, 2]


def test_a_failure_is_told_in_its_own_words() -> None:
    def look() -> Check:
        raise StorageUnavailable("The data folder cannot be written to just now.")

    check = asyncio.run(StandingCheck("storage", look).answer(5))
    assert (check.ok, check.detail) == (False, "The data folder cannot be written to just now.")
