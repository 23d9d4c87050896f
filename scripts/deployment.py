"""All of PoseLift on this machine: Redis, workers and the API, each a process of its own."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import psutil
from filelock import FileLock, Timeout

from core.errors import ConfigInvalid, StoreUnavailable
from core.store.connection import connect
from core.store.embedded import EmbeddedRedis
from core.store.heartbeats import Heartbeats
from server.exposure import Exposure, check_exposure
from worker.crew import Crew, Member

START_S = 300.0
"""A worker loads torch and the networks first; on a cold disk, or a machine that is busy with other
things, that takes a while. Whoever cannot start at all says so earlier."""
API_GRACE_S = 10.0
WORKER_GRACE_S = 30.0


@dataclass(frozen=True)
class Site:
    """Where a deployment listens and keeps its files.

    Attributes:
        host: address of the API.
        port: free when it starts.
        data_dir: uploads, results, and the embedded Redis's file.
        redis_url: of a Redis that runs already; None starts one.
        insecure: whether other machines may come though there are no API keys.
    """

    host: str
    port: int
    data_dir: Path
    redis_url: str | None = None
    insecure: bool = False

    @property
    def url(self) -> str:
        """Of the API, as seen from this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


class Deployment:
    """Redis, workers and API as a context manager: ready when entered, stopped in order when left.

    At the end the API goes first, so that nothing new arrives; then the workers hand their jobs
    back; Redis, which keeps all of it, goes last.

    Args:
        site: where it runs.
        slots: the worker processes; told where Redis and the files are.
        tell: called with a process's name and each line it writes.
        stop_early: asked while it starts; true gives up waiting.
    """

    def __init__(
        self,
        site: Site,
        slots: Sequence[Member],
        *,
        tell: Callable[[str, str], None],
        stop_early: Callable[[], bool] = lambda: False,
    ) -> None:
        self._site = site
        self._slots = slots
        self._tell = tell
        self._stop_early = stop_early
        self._crews: list[Crew] = []
        self._devices: dict[str, str] = {}
        self._redis: EmbeddedRedis | None = None
        self.exposure = Exposure.UNKNOWN
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            self._site.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            redis_url = self._site.redis_url or self._start_redis()
            self.exposure = check_exposure(
                redis_url, host=self._site.host, insecure=self._site.insecure
            )
            shared = {
                "POSELIFT_REDIS_URL": redis_url,
                "POSELIFT_DATA_DIR": str(self._site.data_dir.resolve()),
                "POSELIFT_INSECURE": str(int(self._site.insecure)),
            }
            slots = [_with(slot, shared) for slot in self._slots]
            self._start(slots, WORKER_GRACE_S)
            self._start([_with(api_member(self._site.host, self._site.port), shared)], API_GRACE_S)
            self._wait_until_ready(redis_url)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def site(self) -> Site:
        """Where it runs."""
        return self._site

    @property
    def devices(self) -> dict[str, str]:
        """What each worker said it runs on, by the worker's full name."""
        return dict(self._devices)

    def check(self) -> None:
        """Find out whether all of it can go on.

        Raises:
            ConfigInvalid: a process cannot be kept running.
            StoreUnavailable: the embedded Redis has ended.
        """
        if self._redis is not None and _has_ended(self._redis.pid):
            raise StoreUnavailable(
                f"The embedded Redis has ended; {self._site.data_dir / 'redis' / 'redis.log'} may "
                "say why. Jobs are safe; start again."
            )
        for crew in self._crews:
            crew.check()

    @property
    def pids(self) -> dict[str, int]:
        """The process of each part that is alive now."""
        return {name: pid for crew in self._crews for name, pid in crew.pids.items()}

    def _start_redis(self) -> str:
        folder = self._site.data_dir / "redis"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            # Two servers on one append-only file would ruin it.
            self._stack.enter_context(FileLock(folder / "lock", timeout=0))
        except Timeout:
            raise ConfigInvalid(
                f"Another PoseLift uses {self._site.data_dir}; stop it, or choose another folder "
                "with --data-dir."
            ) from None
        self._redis = self._stack.enter_context(EmbeddedRedis(folder))
        return self._redis.url

    def _start(self, members: Sequence[Member], grace_s: float) -> None:
        self._crews.append(
            self._stack.enter_context(Crew(members, tell=self._tell, grace_s=grace_s))
        )

    def _wait_until_ready(self, redis_url: str) -> None:
        give_up_at = time.monotonic() + START_S
        with connect(redis_url) as redis, httpx.Client(base_url=self._site.url) as http:
            workers = Heartbeats(redis)
            while not (_answers(http) and self._all_there(workers)):
                self.check()
                if self._stop_early():
                    raise KeyboardInterrupt
                if time.monotonic() > give_up_at:
                    raise StoreUnavailable(
                        f"Not everything was ready within {START_S:g} s; see the lines above."
                    )
                time.sleep(0.1)

    def _all_there(self, workers: Heartbeats) -> bool:
        pids = {str(pid) for pid in self.pids.values()}
        ours = [beat for beat in workers.alive() if beat.name.rpartition(".")[2] in pids]
        self._devices = {beat.name: beat.device for beat in ours}
        return len(ours) >= len(self._slots)


def api_member(host: str, port: int) -> Member:
    """The API's process."""
    command = [sys.executable, "-P", "-m", "scripts.cli", "serve"]
    flags = ["--host", host, "--port", str(port), "--log-level", "warning"]
    return Member("api", [*command, *flags])


def _with(member: Member, shared: Mapping[str, str]) -> Member:
    return replace(member, environment=dict(shared) | dict(member.environment))


def _has_ended(pid: int | None) -> bool:
    try:
        return psutil.Process(pid).status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return True


def _answers(http: httpx.Client) -> bool:
    try:
        return http.get("/healthz", timeout=2.0).is_success
    except httpx.TransportError:
        return False
