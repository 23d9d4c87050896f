"""Redis and ``poselift serve`` as they run in service, for measuring them."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from core.store.changes import CHANNEL
from core.store.connection import connect
from core.store.embedded import EmbeddedRedis
from scripts.ports import claim_port
from tests.integration.stack import Running, answers

HEAD = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2"
"""What is sent begins like a video: the server looks no further, and no worker does."""


class ServerSite:
    """A Redis that survives power cuts, and an API of so many processes, ended with the block.

    Args:
        folder: for data and logs.
        processes: of the API.
    """

    def __init__(self, folder: Path, *, processes: int) -> None:
        self._folder = folder
        self._processes = processes

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._folder.mkdir(parents=True, exist_ok=True)
            redis = stack.enter_context(EmbeddedRedis(self._folder / "redis"))
            self._redis: Any = stack.enter_context(connect(redis.url))
            self.port = claim_port("127.0.0.1", 0)
            flags = ("--port", self.port, "--workers", self._processes, "--log-level", "warning")
            self._running = Running.start(
                self._folder / "api.log",
                *("serve", *flags),
                POSELIFT_REDIS_URL=redis.url,
                POSELIFT_DATA_DIR=self._folder / "data",
                POSELIFT_DISK_RESERVE_BYTES=0,
                POSELIFT_UPLOADS_PER_MINUTE=0,
            )
            stack.callback(self._running.stop)
            self._running.wait_until(self._is_up)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def rss_bytes(self) -> int:
        """Resident memory of all processes of the API."""
        return sum(one.memory_info().rss for one in self._running.family())

    def cpu_s(self) -> float:
        """Processor time of all processes of the API, since they started; Redis's not included."""
        spent = [one.cpu_times() for one in self._running.family()]
        return sum(times.user + times.system for times in spent)

    def _is_up(self) -> bool:
        """All processes: the first to listen answers for those that still start."""
        [(_, listening)] = self._redis.pubsub_numsub(CHANNEL)
        return listening == self._processes and answers(self.url)
