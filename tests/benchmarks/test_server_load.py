"""The load generator: it counts what it is answered, and reads answers to their end."""

import asyncio
import threading
from collections.abc import Iterator

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


class Answering(asyncio.Protocol):
    """Answers each request in two pieces, every third one with a refusal."""

    count = 0

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        assert data.startswith(b"GET /jobs/x HTTP/1.1\r\n")
        Answering.count += 1
        self.transport.write(ANSWER[:30].replace(b"200", b"500" if self.count % 3 == 0 else b"200"))
        asyncio.get_running_loop().call_soon(self.transport.write, ANSWER[30:])


class HangingUp(asyncio.Protocol):
    def connection_made(self, transport):
        transport.close()


def _serving(protocol: type[asyncio.Protocol]) -> Iterator[int]:
    loop, ports = asyncio.new_event_loop(), []
    server = loop.run_until_complete(loop.create_server(protocol, "127.0.0.1", 0))
    ports.append(server.sockets[0].getsockname()[1])
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def port() -> Iterator[int]:
    Answering.count = 0
    yield from _serving(Answering)


@pytest.fixture
def rude_port() -> Iterator[int]:
    yield from _serving(HangingUp)


def test_every_answer_is_counted_and_refusals_are_told(port):
    load = asyncio.run(ask(port, "/jobs/x", connections=3, seconds=0.2))
    assert load.answers == Answering.count >= 3
    assert load.refused == load.answers // 3
    assert 0 < load.p50_ms <= load.p99_ms
    assert load.own_us > 0
    assert load.per_s == pytest.approx(load.answers / load.seconds)


def test_a_server_that_hangs_up_is_an_error_and_no_wait(rude_port):
    with pytest.raises(ConnectionError):
        asyncio.run(ask(rude_port, "/jobs/x", connections=1, seconds=5))
