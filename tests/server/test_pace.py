import asyncio
from collections.abc import AsyncIterator

import pytest

from core.errors import UploadTooSlow
from server.pace import Pace


class Clock:
    """Moves as the client lets us wait."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def bring(*pieces: tuple[float, int], pause_s: float = 0.0) -> int:
    """Bytes that got through of pieces given as (seconds waited for it, bytes); we are slow too."""
    clock = Clock()
    pace = Pace(stall_s=10.0, min_bytes_per_s=100.0, clock=clock)

    async def arrive() -> AsyncIterator[bytes]:
        for waited_s, size_bytes in pieces:
            clock.now += waited_s
            yield bytes(size_bytes)

    async def count() -> int:
        taken = 0
        async for piece in pace.kept(arrive()):
            taken += len(piece)
            clock.now += pause_s
        return taken

    return asyncio.run(count())


def test_fast_enough() -> None:
    assert bring(*[(5.0, 500)] * 100) == 50_000


def test_a_little_now_and_then_is_too_slow() -> None:
    with pytest.raises(UploadTooSlow, match="1000 bytes"):
        bring(*[(1.0, 50)] * 100)


def test_a_fast_start_does_not_pay_for_a_slow_end() -> None:
    with pytest.raises(UploadTooSlow):
        bring((0.1, 10_000_000), *[(5.0, 10)] * 3)


def test_a_short_body_may_end_whenever_it_likes() -> None:
    assert bring((9.0, 5)) == 5


def test_only_waiting_for_the_client_counts() -> None:
    assert bring(*[(0.1, 50)] * 100, pause_s=100.0) == 5000


def test_silence_ends_without_a_byte() -> None:
    async def silence() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    async def listen() -> None:
        async for _ in Pace(stall_s=0.01, min_bytes_per_s=1.0).kept(silence()):
            pass

    with pytest.raises(UploadTooSlow):
        asyncio.run(listen())
