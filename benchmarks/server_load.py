"""A load of requests over kept connections, from a process of its own; writes a line of JSON.

``python -m benchmarks.server_load PORT CONNECTIONS SECONDS PATH`` asks for the same path on every
connection, again as soon as it has the answer, and says how many answers came, how long they took
and what the asking itself cost. It reads no more of an answer than it must.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Coroutine
from dataclasses import asdict, dataclass, field
from typing import Any, cast

_LENGTH = b"content-length:"
_GRACE_S = 30.0
"""A server that has stopped answering ends the measurement, not the patience of who waits."""


@dataclass(frozen=True)
class Load:
    """What came of a load.

    Attributes:
        answers: how many came.
        refused: how many of them were no 200.
        seconds: from the first request to the last answer.
        p50_ms: half of the answers took no longer.
        p99_ms: all but one in a hundred took no longer.
        own_us: processor time of the generator, a request.
    """

    answers: int
    refused: int
    seconds: float
    p50_ms: float
    p99_ms: float
    own_us: float

    @property
    def per_s(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds


@dataclass
class Times:
    """How long each answer took, in seconds, and how many were no 200."""

    took_s: list[float] = field(default_factory=list)
    refused: int = 0


class Asking(asyncio.Protocol):
    """One connection that asks until it is told to stop.

    Args:
        request: what to send.
        times: where answers are counted.
        until_s: on the clock of :func:`time.perf_counter`.
    """

    def __init__(self, request: bytes, times: Times, until_s: float) -> None:
        self._request, self._times, self._until_s = request, times, until_s
        self._answer = b""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        size_bytes = answer_bytes(self._answer)
        if size_bytes is None or len(self._answer) < size_bytes:
            return
        now_s = time.perf_counter()
        self._times.took_s.append(now_s - self._asked_s)
        self._times.refused += not self._answer.startswith(b"HTTP/1.1 200")
        if now_s < self._until_s:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None or time.perf_counter() < self._until_s:
            self.ended.set_exception(exc or ConnectionError("the server hung up"))
        else:
            self.ended.set_result(None)

    def _ask(self) -> None:
        self._answer = b""
        self._asked_s = time.perf_counter()
        self._transport.write(self._request)


def answer_bytes(begun: bytes) -> int | None:
    """How long the answer that begins so will be; None while that cannot be told."""
    head_bytes = begun.find(b"\r\n\r\n") + 4
    if head_bytes < 4:  # the end of the headers is still to come
        return None
    _, _, rest = begun[:head_bytes].lower().partition(_LENGTH)
    return head_bytes + int(rest.partition(b"\r\n")[0] or 0)


def percentile(took_s: list[float], share: float) -> float:
    """The time that this share of answers did not exceed, by nearest rank."""
    ordered = sorted(took_s)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def ask(port: int, path: str, *, connections: int, seconds: float) -> Load:
    """Ask on so many connections at once, for so long.

    Raises:
        ConnectionError: the server ended a connection.
    """
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    times, loop = Times(), asyncio.get_running_loop()
    began_s, cpu_s = time.perf_counter(), time.process_time()
    making = (
        loop.create_connection(lambda: Asking(request, times, began_s + seconds), "127.0.0.1", port)
        for _ in range(connections)
    )
    asking = [asyncio.create_task(_to_its_end(one)) for one in making]
    try:
        async with asyncio.timeout(seconds + _GRACE_S):
            await asyncio.gather(*asking)
    finally:
        for one in asking:
            one.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    count = len(times.took_s)
    return Load(
        answers=count,
        refused=times.refused,
        seconds=time.perf_counter() - began_s,
        p50_ms=1e3 * percentile(times.took_s, 0.5),
        p99_ms=1e3 * percentile(times.took_s, 0.99),
        own_us=1e6 * (time.process_time() - cpu_s) / count,
    )


async def _to_its_end(making: Coroutine[Any, Any, tuple[asyncio.Transport, Asking]]) -> None:
    """Have a connection ask; it is closed before this ends, also when others fail."""
    transport, asking = await making
    try:
        await asyncio.shield(asking.ended)
    finally:
        transport.abort()
        await asyncio.wait([asking.ended])


def load(port: int, path: str, *, connections: int, seconds: float) -> Load:
    """The same from a process of its own, so that it takes no time from who measures."""
    words = [port, connections, seconds, path]
    command = [sys.executable, "-m", "benchmarks.server_load", *map(str, words)]
    reply = subprocess.run(command, check=True, capture_output=True, text=True)
    return Load(**json.loads(reply.stdout))


def main() -> None:
    """Ask, and say what came of it."""
    import uvloop

    parser = argparse.ArgumentParser(prog="python -m benchmarks.server_load")
    parser.add_argument("port", type=int)
    parser.add_argument("connections", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("path")
    args = parser.parse_args()
    asking = ask(args.port, args.path, connections=args.connections, seconds=args.seconds)
    sys.stdout.write(json.dumps(asdict(uvloop.run(asking))) + "\n")


if __name__ == "__main__":
    main()
