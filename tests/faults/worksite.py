"""A Redis, a data folder, and real worker processes that a test may hurt."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from redis import Redis

from core.contracts import LIFT_QUEUE, JobOptions, JobState
from core.store.connection import connect
from core.store.disk_blobs import DiskBlobs
from core.store.keys import new_id, result_key, seen_index, upload_key
from core.store.ledger import JobLedger
from tests.waiting import wait_for
from worker.message import open_queue, send

ROOT = Path(__file__).parents[2]
PATIENCE_S = 200.0
"""For a machine that is busy with other things; waiting ends as soon as it can."""
LEASE_S = 120
"""A process that is busy for long may not lose its job by that; see ``Worksite.end_lease``."""


@dataclass
class Slot:
    """A worker process, the file with what it says, and the one with the frames it searched."""

    process: subprocess.Popen[bytes]
    log: Path
    frames: Path

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    @property
    def searched(self) -> set[int]:
        lines = self.frames.read_text().splitlines() if self.frames.exists() else []
        return set(map(int, lines))

    def kill(self) -> None:
        """As `kill -9` does, and the machine that runs out of memory."""
        self.process.kill()
        self.process.wait()

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def ends(self) -> int:
        """The exit status, once there is one."""
        return self.process.wait(PATIENCE_S)


@dataclass
class Worksite:
    """A context manager that ends its processes.

    Attributes:
        folder: for the data folder and logs.
        redis_url: of an empty Redis.
        lease_s: how long a job stays a dead worker's.
    """

    folder: Path
    redis_url: str
    lease_s: float = LEASE_S
    module: str = "tests.faults.searching_slot"
    slots: list[Slot] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.redis: Redis = connect(self.redis_url)
        self.ledger = JobLedger(self.redis, retention_s=600.0)
        self.blobs = DiskBlobs(self.folder / "data" / "blobs", reserve_bytes=0)
        self.queue = open_queue(LIFT_QUEUE, self.redis)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for slot in self.slots:
            slot.kill()
        self.redis.close()

    def start(self, name: str, **environment: object) -> Slot:
        """Start a worker process with one slot."""
        log, frames = self.folder / f"{name}.log", self.folder / f"{name}.frames"
        frames.unlink(missing_ok=True)  # of an earlier one of this name
        settings = {
            "POSELIFT_REDIS_URL": self.redis_url,
            "POSELIFT_DATA_DIR": self.folder / "data",
            "POSELIFT_LEASE_S": self.lease_s,
            "FAULT_SEARCHED": frames,
        } | environment
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", self.module, name],
                cwd=ROOT,
                env=os.environ | {key: str(value) for key, value in settings.items()},
                stdin=subprocess.DEVNULL,
                stderr=file,
            )
        self.slots.append(Slot(process, log, frames))
        return self.slots[-1]

    def submit(self, content: bytes, name: str = "clip.mp4") -> str:
        """Accept and queue a job the way the server does."""
        job_id = new_id()
        upload = self.blobs.put_bytes(upload_key(job_id), content)
        self.ledger.create(job_id=job_id, filename=name, options=JobOptions(), upload=upload)
        send(self.queue, job_id)
        self.ledger.sent(job_id)
        return job_id

    def end_lease(self, job_id: str) -> None:
        """As if its time had passed since its worker died."""
        self.redis.zadd("poselift:leases", {job_id: 1})

    def state(self, job_id: str) -> JobState:
        return self.ledger.get(job_id).state

    def sections(self, job_id: str) -> int:
        """How many sections of what was seen are kept."""
        return max(0, self.redis.llen(seen_index(job_id)) - 1)

    def wait_for_state(self, job_id: str, state: JobState) -> float:
        """Wait until the job has got there; how long that took."""
        return wait_for(lambda: self.state(job_id) is state, PATIENCE_S)

    def result(self, job_id: str) -> bytes:
        """The bytes of the result that counts, once the job has succeeded."""
        self.wait_for_state(job_id, JobState.SUCCEEDED)
        return b"".join(self.blobs.read(result_key(job_id, self.ledger.get(job_id).attempt)))

    def files(self, job_id: str) -> list[str]:
        """The job's files, relative to the data folder."""
        root = self.folder / "data"
        found = (path for path in root.rglob("*") if job_id in str(path) and path.is_file())
        return sorted(str(path.relative_to(root)) for path in found)
