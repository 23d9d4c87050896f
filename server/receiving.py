"""An upload on its way into the store: counted, hashed and looked at while it passes."""

from core.contracts import BlobFacts
from core.errors import UploadEmpty
from core.store.blobs import BlobWriter, too_large
from core.video.signatures import HEAD_BYTES, sniff
from server.threads import Threads

_PIECE_BYTES = 256 << 10
"""Each of hundreds of slow uploads may hold as much in memory."""


class HashOnly(BlobWriter):
    """Keeps nothing, for a request that was made before: is it really the same file?"""

    def _append(self, piece: bytes) -> None:
        pass


class Receiver:
    """Takes a file in network-sized bits and writes it in threads, a piece at a time.

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
        self._held = bytearray()
        self._size_bytes = 0
        self._is_known = False

    async def push(self, bit: bytes) -> None:
        """Take the next bit.

        Raises:
            UploadTooLarge: it passes the limit.
            NotAVideo: the beginning is plainly no video; likewise the other refusals of ``sniff``.
        """
        self._size_bytes += len(bit)
        if self._size_bytes > self._limit_bytes:
            raise too_large(self._limit_bytes)
        self._held += bit
        if len(self._held) >= HEAD_BYTES:
            self._look()
        if len(self._held) >= _PIECE_BYTES:
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
        await self._flush()
        return self._writer.facts

    def _look(self) -> None:
        if not self._is_known:
            sniff(bytes(self._held[:HEAD_BYTES]))
            self._is_known = True

    async def _flush(self) -> None:
        piece = bytes(self._held)
        self._held.clear()
        await self._threads.run(self._writer.write, piece)
