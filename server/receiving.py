"""An upload on its way into the store: counted, hashed and looked at while it passes."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from anyio import CancelScope

from core.contracts import BlobFacts
from core.errors import UploadEmpty
from core.store.blobs import BlobWriter, too_large
from core.video.signatures import HEAD_BYTES, sniff
from server.threads import Threads

_PIECE_BYTES = 256 << 10
"""Written as soon as nothing else of the file is: hundreds of slow uploads hold no more."""
_MOST_HELD_BYTES = 1 << 20
"""Going to a thread has a price, so what comes faster than it is written goes in larger pieces."""
_MOST_BITS = 64
"""Of so many one is made: each has a price, too, in memory and when it is written."""


class HashOnly(BlobWriter):
    """Keeps nothing, for a request that was made before: is it really the same file?"""

    def _append(self, piece: bytes) -> None:
        pass


class Receiver:
    """Takes a file in network-sized bits and writes it in threads, a piece at a time.

    While one piece is hashed and written, the next one arrives; no more than these two are held.
    What comes faster than that is hashed in one thread and written in another. As a context it
    waits at its end for the piece that is still being written, whatever happened: the writer must
    not be closed before.

    Args:
        writer: where to.
        limit_bytes: the upload is refused at this, not after it.
        threads: where the blocking writes happen.
    """

    def __init__(
        self,
        writer: BlobWriter,
        *,
        limit_bytes: int,
        threads: Threads,
    ) -> None:
        self._writer = writer
        self._limit_bytes = limit_bytes
        self._threads = threads
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._size_bytes = 0
        self._is_known = False
        self._writing: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writing:
            with CancelScope(shield=True):
                await asyncio.wait(self._writing)
            for task in self._writing:
                if not task.cancelled():
                    task.exception()  # seen; what was refused first is what is told

    async def push(self, bit: bytes) -> None:
        """Take the next bit.

        Raises:
            UploadTooLarge: it passes the limit.
            NotAVideo: the beginning is plainly no video; likewise the other refusals of ``sniff``.
            StorageFull: there was no room for what came before; likewise other failures to write.
        """
        self._size_bytes += len(bit)
        if self._size_bytes > self._limit_bytes:
            raise too_large(self._limit_bytes)
        self._held.append(bit)
        self._held_bytes += len(bit)
        if len(self._held) >= _MOST_BITS:
            self._held = [b"".join(self._held)]
        if self._held_bytes >= HEAD_BYTES:
            self._look()
        if self._held_bytes >= (_MOST_HELD_BYTES if self._is_writing else _PIECE_BYTES):
            await self._flush()

    async def finish(self) -> BlobFacts:
        """Everything has come; size and hash of it.

        Raises:
            UploadEmpty: nothing has.
            NotAVideo: as for ``push``, for a file that is all beginning.
        """
        if self._size_bytes == 0:
            raise UploadEmpty("The uploaded file is empty. Check that it was saved completely.")
        self._look()
        if self._held:
            await self._flush()
        await self._written()
        return self._writer.facts

    def _look(self) -> None:
        if not self._is_known:
            sniff(b"".join(self._held)[:HEAD_BYTES])
            self._is_known = True

    @property
    def _is_writing(self) -> bool:
        return not all(task.done() for task in self._writing)

    async def _flush(self) -> None:
        await self._written()
        piece, is_fast = self._held, self._held_bytes >= _MOST_HELD_BYTES
        self._held, self._held_bytes = [], 0
        halves = (self._writer.keep, self._writer.hash) if is_fast else (self._writer.write,)
        for take in halves:
            self._writing.append(await self._threads.start(_each, take, piece))

    async def _written(self) -> None:
        if self._writing:
            await asyncio.wait(self._writing)
            for task in self._writing:
                task.result()
            self._writing = []


def _each(take: Callable[[bytes], None], piece: list[bytes]) -> None:
    for bit in piece:
        take(bit)
