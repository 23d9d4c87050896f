"""A file on its way to a writer that is slower than the network, or fails."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from hashlib import sha256

import pytest

from core.errors import StorageFull, UploadIncomplete
from core.store.blobs import BlobWriter, no_room
from server.receiving import Receiver
from server.threads import Threads
from tests.server.clips import of_size

BIT = of_size(256 << 10)
FAST = of_size(1 << 20)
PATIENCE_S = 60


class HeldWriter(BlobWriter):
    """Writes nothing before it may, and then as it is told."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__(None)
        self.may_write, self.is_writing = threading.Event(), threading.Event()
        self.is_hashed = threading.Event()
        self._error = error

    def _append(self, piece: bytes) -> None:
        self.is_writing.set()
        assert self.may_write.wait(PATIENCE_S)
        if self._error is not None:
            raise self._error

    def hash(self, piece: bytes) -> None:
        super().hash(piece)
        self.is_hashed.set()


def receive_into(
    writer: HeldWriter, work: Callable[[Receiver], Awaitable[None]], *, threads: int = 1
) -> None:
    async def run() -> None:
        async with (
            asyncio.timeout(PATIENCE_S),
            Receiver(writer, limit_bytes=1 << 30, threads=Threads(threads)) as receiver,
        ):
            await work(receiver)

    try:
        asyncio.run(run())
    finally:
        writer.may_write.set()


def test_bits_come_while_others_are_written_but_not_without_end() -> None:
    writer = HeldWriter()

    async def work(receiver: Receiver) -> None:
        for _ in range(4):  # the first is being written, three are held
            await receiver.push(BIT)
        waiting = asyncio.create_task(receiver.push(BIT))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        writer.may_write.set()
        await waiting
        facts = await receiver.finish()
        assert (facts.size_bytes, facts.sha256) == (5 * len(BIT), sha256(5 * BIT).hexdigest())

    receive_into(writer, work)


@pytest.mark.parametrize(("bit", "threads"), [(BIT, 1), (FAST, 2)])
def test_what_could_not_be_written_is_told_with_what_comes_next(bit: bytes, threads: int) -> None:
    writer = HeldWriter(no_room())

    async def work(receiver: Receiver) -> None:
        await receiver.push(bit)
        writer.may_write.set()
        with pytest.raises(StorageFull):
            await receiver.finish()

    receive_into(writer, work, threads=threads)


def test_what_comes_fast_is_hashed_while_it_is_written() -> None:
    writer = HeldWriter()

    async def work(receiver: Receiver) -> None:
        await receiver.push(FAST)
        assert await asyncio.to_thread(writer.is_hashed.wait, PATIENCE_S)
        assert not writer.may_write.is_set()
        writer.may_write.set()
        await receiver.push(FAST)
        await receiver.push(BIT)
        facts = await receiver.finish()
        whole = FAST + FAST + BIT
        assert (facts.size_bytes, facts.sha256) == (len(whole), sha256(whole).hexdigest())

    receive_into(writer, work, threads=2)


def test_what_comes_fast_does_with_one_thread() -> None:
    writer = HeldWriter()
    writer.may_write.set()

    async def work(receiver: Receiver) -> None:
        for _ in range(3):
            await receiver.push(FAST)
        facts = await receiver.finish()
        assert facts.sha256 == sha256(3 * FAST).hexdigest()

    receive_into(writer, work)


def test_who_leaves_waits_for_the_write_and_keeps_the_first_error() -> None:
    writer = HeldWriter(no_room())
    left_while_writing: list[bool] = []

    async def work(receiver: Receiver) -> None:
        await receiver.push(BIT)
        await asyncio.to_thread(writer.is_writing.wait, PATIENCE_S)

        def let_go() -> None:
            left_while_writing.append(not writer.may_write.is_set())
            writer.may_write.set()

        asyncio.get_running_loop().call_later(0.01, let_go)
        raise UploadIncomplete("gone")

    with pytest.raises(UploadIncomplete):
        receive_into(writer, work)
    assert left_while_writing == [True]


def test_a_drip_is_one_bit_in_the_end() -> None:
    writer = HeldWriter()
    writer.may_write.set()
    content = BIT[:3000]

    async def work(receiver: Receiver) -> None:
        for start in range(len(content)):
            await receiver.push(content[start : start + 1])
        facts = await receiver.finish()
        assert (facts.size_bytes, facts.sha256) == (3000, sha256(content).hexdigest())

    receive_into(writer, work)
