"""How fast an upload must come: a byte now and then would hold a place for ever."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable

from core.errors import UploadTooSlow


class Pace:
    """At least so many bytes in every stretch of waiting for the client.

    Only waiting counts. While our own disk is slow the client may not send, and is not to blame.
    Bytes that come early do not pay for later: an upload that was fast once must go on.

    Args:
        stall_s: how long a stretch is, and so the longest silence.
        min_bytes_per_s: what a stretch must bring on average.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        *,
        stall_s: float,
        min_bytes_per_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stall_s = stall_s
        self._wanted_bytes = max(1, math.ceil(stall_s * min_bytes_per_s))
        self._clock = clock
        self._begin_stretch()

    async def kept(self, arriving: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """What arrives, as it arrives.

        Raises:
            UploadTooSlow: too few bytes came in this stretch.
        """
        while (piece := await self._next(arriving)) is not None:
            yield piece

    async def _next(self, arriving: AsyncIterator[bytes]) -> bytes | None:
        began = self._clock()
        try:
            async with asyncio.timeout(self._left_s):
                piece = await anext(arriving, None)
        except TimeoutError:
            raise self._too_slow() from None
        self._left_s -= self._clock() - began
        self._missing_bytes -= len(piece or b"")
        if self._missing_bytes <= 0:
            self._begin_stretch()
        elif self._left_s <= 0 and piece is not None:
            raise self._too_slow()
        return piece

    def _begin_stretch(self) -> None:
        self._left_s = self._stall_s
        self._missing_bytes = self._wanted_bytes

    def _too_slow(self) -> UploadTooSlow:
        return UploadTooSlow(
            f"In {self._stall_s:g} s fewer than {self._wanted_bytes} bytes came. Check the "
            "connection and send the video again."
        )
