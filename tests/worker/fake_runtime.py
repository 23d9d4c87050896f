"""A runtime that lifts nothing, but keeps the real one's promises."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from core.contracts import JobOptions, PersonPose, Progress, Stage
from core.errors import Canceled, ImageInvalid
from core.pipeline import Listener
from core.results.manifest import Quality
from core.resuming import OpenSpool, no_spool


@dataclass(frozen=True)
class FakeSummary:
    frames: int = 3
    first_frame_s: float = 0.001
    persons: int = 1
    quality: Quality = field(default_factory=Quality)


@dataclass
class FakeRuntime:
    """Copies the video's bytes into the result; the video's text says how to behave."""

    device: str = "fake"
    lifted: list[str] = field(default_factory=list)
    started: threading.Event = field(default_factory=threading.Event)
    behave: Callable[[], None] = lambda: None

    def lift_video(
        self,
        video: Path,
        result: Path,
        options: JobOptions,
        *,
        listener: Listener,
        source_name: str,
        open_spool: OpenSpool = no_spool,
    ) -> FakeSummary:
        content = video.read_bytes()
        listener.on_progress(Progress(stage=Stage.PROBING))
        listener.on_progress(Progress(stage=Stage.LIFTING, frames_total=3))
        self.lifted.append(source_name)
        self.started.set()
        self.behave()
        while content.endswith(b"deaf"):
            time.sleep(0.01)
        while content.endswith(b"endless"):
            time.sleep(0.01)
            if listener.should_stop():
                raise Canceled("stopped")
        listener.on_progress(Progress(stage=Stage.WRITING, frames_done=3, frames_total=3))
        result.write_bytes(b"poses of " + content)
        return FakeSummary()

    def lift_image(self, image: bytes) -> list[PersonPose]:
        if image == b"bug":
            raise ZeroDivisionError
        if image != b"picture":
            raise ImageInvalid("This is no picture.")
        return [
            PersonPose(
                joints_3d=[None], joints_3d_sigma=[None], keypoints_2d=[], keypoints_confidence=[]
            )
        ]
