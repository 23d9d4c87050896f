"""PoseLift as its user starts it: `poselift ...` processes that share a Redis and a folder."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psutil

from core.contracts import LIFT_QUEUE, POSE_QUEUE
from core.store.connection import connect
from core.store.embedded import EmbeddedRedis
from core.store.heartbeats import Heartbeats
from scripts.ports import claim_port
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
PATIENCE_S = 200.0
"""A machine that is busy with other things starts torch slowly; waiting ends as soon as it can."""


def poselift(*arguments: object) -> list[str]:
    """The command line of `poselift ...`, whatever is on the PATH."""
    return [sys.executable, "-m", "scripts.cli", *map(str, arguments)]


def surroundings(**variables: object) -> dict[str, str]:
    """Our environment without the settings of whoever runs the tests, but for the model cache."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("POSELIFT_") or name == "POSELIFT_CACHE_DIR"
    }
    return kept | {name: str(value) for name, value in variables.items()}


@dataclass(frozen=True)
class Running:
    """A `poselift` process, and the file that has what it says."""

    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, log: Path, *arguments: object, **environment: object) -> Self:
        with log.open("wb") as file:
            process = subprocess.Popen(
                poselift(*arguments),
                cwd=ROOT,
                env=surroundings(**environment),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(process, log)

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def family(self) -> list[psutil.Process]:
        """The process with all its descendants."""
        me = psutil.Process(self.process.pid)
        return [me, *me.children(recursive=True)]

    def wait_until(self, true: Callable[[], bool]) -> None:
        """Wait for something that this process must live to see."""

        def came_true() -> bool:
            assert self.process.poll() is None, self.said
            return true()

        wait_for(came_true, PATIENCE_S)

    def ask_to_stop(self) -> None:
        """Ctrl-C."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)

    def stop(self) -> int:
        """Ctrl-C, and the exit status."""
        self.ask_to_stop()
        return self.end()

    def end(self) -> int:
        """The exit status, once it has one."""
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            for one in self.family():
                one.kill()
            raise


@dataclass
class Stack:
    """A Redis, an API, and as many workers as a test wants; a context manager that ends them all.

    Attributes:
        folder: for data and logs.
        settings: environment variables of every process.
    """

    folder: Path
    settings: dict[str, object] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._redis_server = EmbeddedRedis(self.folder / "redis")
        self._redis_server.__enter__()
        self.redis = connect(self._redis_server.url)
        self._started: list[Running] = []
        self.data_dir = self.folder / "data"
        port = claim_port("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{port}"
        self.api = self.start("api", "serve", "--port", port)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for running in self._started:
            running.ask_to_stop()
        ends = {running.log.name: running.end() for running in self._started}
        self.redis.close()
        self._redis_server.__exit__(kind, error, trace)
        assert kind is not None or set(ends.values()) == {0}, ends

    def start(self, name: str, *arguments: object, **environment: object) -> Running:
        """Start another `poselift ...` that knows our Redis and folder."""
        shared = {
            "POSELIFT_REDIS_URL": self._redis_server.url,
            "POSELIFT_DATA_DIR": self.data_dir,
            "POSELIFT_DISK_RESERVE_BYTES": 0,
        }
        variables = shared | self.settings | environment
        self._started.append(Running.start(self.folder / f"{name}.log", *arguments, **variables))
        return self._started[-1]

    def start_workers(self, name: str, *arguments: object) -> Running:
        """Start `poselift worker --device cpu ...`."""
        return self.start(name, "worker", "--device", "cpu", *arguments)

    def stop(self, running: Running) -> int:
        """Ctrl-C for one of the processes, and its exit status."""
        self._started.remove(running)
        return running.stop()

    def wait_for_workers(self, *, lift: int, poses: int = 0) -> None:
        """Until so many slots say that they live, and the API answers."""
        beats = Heartbeats(self.redis)

        def are_there() -> bool:
            for running in self._started:
                assert running.process.poll() is None, running.said
            slots = len(beats.alive(LIFT_QUEUE)), len(beats.alive(POSE_QUEUE))
            return slots == (lift, poses) and answers(self.url)

        wait_for(are_there, PATIENCE_S)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=60).is_success
    except httpx.TransportError:
        return False


def submit(api: httpx.Client, video: Path, **options: str) -> str:
    """Upload a video; the new job's id."""
    with video.open("rb") as file:
        reply = api.post("/jobs", files={"file": (video.name, file)}, data=options)
    assert reply.status_code == 202, reply.text
    return reply.json()["id"]


def ended(api: httpx.Client, job_id: str) -> dict[str, Any]:
    """The job once it has ended, however it did."""
    job: dict[str, Any] = {}

    def has_ended() -> bool:
        job.update(api.get(f"/jobs/{job_id}", params={"wait": "20"}).json())
        return job["state"] not in ("queued", "running")

    wait_for(has_ended, PATIENCE_S)
    return job
