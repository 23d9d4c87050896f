"""What a worker has at hand for every job: the warm model, and where things are kept."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core.contracts import JobOptions, PersonPose
from core.pipeline import Listener
from core.store.blobs import BlobStore
from core.store.ledger import JobLedger
from core.store.live_frames import LiveFrames
from core.store.pose_exchange import PoseExchange
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
        exchange: single pictures and their answers.
        scratch: a folder for results in the making, on the blobs' own disk if they are on disk.
        pace: of heartbeats.
        job_timeout_s: how long one job may take.
        stall_timeout_s: how long one may go without progress.
        max_failures: so many failures are final, even retriable ones.
    """

    worker: str
    runtime: Lifts
    ledger: JobLedger
    blobs: BlobStore
    frames: LiveFrames
    exchange: PoseExchange
    scratch: Path
    pace: Pace
    job_timeout_s: float
    stall_timeout_s: float
    max_failures: int
