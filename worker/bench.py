"""What a worker has at hand for every job: the warm model, and where things are kept."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from core.contracts import JobOptions, PersonPose
from core.pipeline import Listener
from core.results.manifest import Quality
from core.resuming import OpenSpool
from core.store.blobs import BlobStore
from core.store.counters import Tally
from core.store.ledger import JobLedger
from core.store.leftovers import Leftovers
from core.store.live_frames import LiveFrames
from core.store.pose_exchange import PoseExchange
from core.store.seen_frames import SeenFrames
from worker.heartbeat import Pace


class Summary(Protocol):
    """What is known of a lifted video."""

    @property
    def frames(self) -> int: ...

    @property
    def persons(self) -> int: ...

    @property
    def first_frame_s(self) -> float:
        """From the call until the first picture was searched for people."""
        ...

    @property
    def quality(self) -> Quality: ...


class Lifts(Protocol):
    """The warm runtime: loaded once per process, used for every job."""

    @property
    def device(self) -> str: ...

    def lift_image(self, image: bytes) -> list[PersonPose]:
        """Everybody in a picture; raises ``ImageInvalid`` if it is none."""
        ...

    def lift_video(
        self,
        video: Path,
        result: Path,
        options: JobOptions,
        *,
        listener: Listener,
        source_name: str,
        open_spool: OpenSpool,
    ) -> Summary:
        """Lift a video into a result file; raises ``Canceled`` if the listener stops it."""
        ...


@dataclass(frozen=True)
class Bench:
    """One slot's place of work.

    Attributes:
        worker: this slot's name, as clients and ``rq info`` show it.
        runtime: what lifts.
        ledger: the truth about jobs.
        blobs: uploads and results.
        frames: finished frames of running jobs.
        seen: what running jobs have seen, to go on there after an interruption.
        leftovers: what ended jobs no longer need.
        exchange: single pictures and their answers.
        scratch: a folder for results in the making, on the blobs' own disk if they are on disk.
        pace: of heartbeats.
        job_timeout_s: how long one job may take.
        stall_timeout_s: how long one may go without progress.
        max_failures: so many failures are final, even retriable ones.
        tally: what is counted for ``/metrics``, until somebody writes it down.
    """

    worker: str
    runtime: Lifts
    ledger: JobLedger
    blobs: BlobStore
    frames: LiveFrames
    seen: SeenFrames
    leftovers: Leftovers
    exchange: PoseExchange
    scratch: Path
    pace: Pace
    job_timeout_s: float
    stall_timeout_s: float
    max_failures: int
    tally: Tally = field(default_factory=Tally)
