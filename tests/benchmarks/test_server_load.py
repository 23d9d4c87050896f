"""The load generator: it counts what it is answered, and reads answers to their end."""

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import pytest

from benchmarks.server_load import answer_bytes, ask, percentile

ANSWER = b"HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 5\r\n\r\nhello"


@pytest.mark.parametrize(
    ("begun", "size_bytes"),
    [
        (ANSWER, len(ANSWER)),
        (ANSWER[:-3], len(ANSWER)),
        (ANSWER[:20], None),
        (b"", None),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 27),
    ],
)
def test_the_end_of_an_answer_is_known_from_its_headers(begun, size_bytes):
    assert answer_bytes(begun) == size_bytes


def test_a_percentile_is_one_of_the_times():
    took_s = [0.001 * number for number in range(100, 0, -1)]
    assert percentile(took_s, 0.5) == pytest.approx(0.051)
    assert percentile(took_s, 0.99) == pytest.approx(0.1)
    assert percentile([2.0], 0.99) == 2.0


class Line(asyncio.Protocol):
    """The server's end of a connection."""

    def __init__(self):
        self.lost = asyncio.Event()

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, exc):
        self.lost.set()


class Answering(Line):
    """Answers each request in two pieces, every third one with a refusal."""

    count = 0

    def data_received(self, data):
        assert data.startswith(b"GET /jobs/x HTTP/1.1\r\n")
        Answering.count += 1
        self.transport.write(ANSWER[:30].replace(b"200", b"500" if self.count % 3 == 0 else b"200"))
        asyncio.get_running_loop().call_soon(self.transport.write, ANSWER[30:])


class HangingUp(Line):
    def connection_made(self, transport):
        super().connection_made(transport)
        transport.close()


class HangingUpOnce(Answering):
    """Leaves the first to come without an answer, and serves the others."""

    def data_received(self, data):
        if Answering.count == 0:
            self.transport.close()
        super().data_received(data)


@contextmanager
def serving(kind: type[Line]) -> Iterator[int]:
    """A server in a thread; all its connections have ended before its loop does.

    One that is left to the garbage collector fails whatever test runs by then.
    """
    started: Future[tuple[int, Callable[[], object]]] = Future()

    async def serve():
        lines, loop, ends = [], asyncio.get_running_loop(), asyncio.Event()

        def line():
            lines.append(kind())
            return lines[-1]

        server = await loop.create_server(line, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        started.set_result((port, lambda: loop.call_soon_threadsafe(ends.set)))
        await ends.wait()
        server.close()
        for one in lines:
            one.transport.abort()
            await one.lost.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    port, end = started.result()
    try:
        yield port
    finally:
        end()
        thread.join()


@pytest.fixture
def port() -> Iterator[int]:
    Answering.count = 0
    with serving(Answering) as port:
        yield port


def test_every_answer_is_counted_and_refusals_are_told(port):
    load = asyncio.run(ask(port, "/jobs/x", connections=3, seconds=0.2))
    assert load.answers == Answering.count >= 3
    assert load.refused == load.answers // 3
    assert 0 < load.p50_ms <= load.p99_ms
    assert load.own_us > 0
    assert load.per_s == pytest.approx(load.answers / load.seconds)


@pytest.mark.parametrize(("kind", "connections"), [(HangingUp, 1), (HangingUpOnce, 3)])
def test_a_server_that_hangs_up_is_an_error_and_leaves_nothing_open(kind, connections):
    Answering.count = 0
    with serving(kind) as port:
        with pytest.raises(ConnectionError):
            asyncio.run(ask(port, "/jobs/x", connections=connections, seconds=600))
        gc.collect()  # a transport that is still open says so, which is an error here
