"""A runtime that goes the real way from a video to a result; only the two networks are made up."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import sin
from pathlib import Path

import numpy as np

from core.contracts import JobOptions, PersonPose
from core.keypoints.attention import Attention
from core.keypoints.protocol import Detection
from core.pipeline import LiftsTracks, LiftSummary, Listener, lift_video
from core.results.manifest import ModelFacts
from core.resuming import OpenSpool, no_spool
from core.tracking.sightings import measure
from core.video.frames import Frame
from tests.core.lifting_fakes import fake_lift
from tests.core.tracking.walkers import figure

MODEL = ModelFacts(name="walker", sha256="0" * 64)


class Walker:
    """Follows one person, and is a little off at first, as trackers are: it matters who saw what.

    Args:
        runtime: told each frame before it is searched.
    """

    def __init__(self, runtime: "SearchingRuntime") -> None:
        self._runtime = runtime
        self._age = 0
        self._now = Attention([], is_settled=True)

    def estimate(self, frame: Frame) -> list[Detection]:
        self._runtime.look(frame.index)
        self._age += 1
        if frame.index % 50 in (30, 31, 32):  # gaps, to be bridged
            return []
        x_px = 48 + 6 * sin(frame.index / 9) + 1 / self._age
        person = figure(x_px, 90, 80)
        hint_m = np.full((33, 3), x_px, np.float32) if frame.index % 7 else None
        settled = frame.index not in self._runtime.unsure
        self._now = Attention([measure(person)], is_settled=settled)
        return [replace(person, hint_m=hint_m)]

    def attention(self) -> Attention:
        return self._now

    def settle(self) -> None:
        pass

    def __enter__(self) -> "Walker":
        return self

    def __exit__(self, *_: object) -> None:
        pass


@dataclass
class SearchingRuntime:
    """Keeps the frames it searched.

    Attributes:
        on_frame: called with each frame's index before it is searched; in several threads.
        lift: what lifts.
        model: what the search claims to be made with.
        unsure: frames at which nobody else may take over.
    """

    device: str = "fake"
    threads: int = 2
    on_frame: Callable[[int], None] = lambda _: None
    lift: LiftsTracks = fake_lift
    model: ModelFacts = MODEL
    unsure: frozenset[int] = frozenset()
    searched: list[int] = field(default_factory=list)
    started: threading.Event = field(default_factory=threading.Event)

    def look(self, index: int) -> None:
        self.searched.append(index)
        self.started.set()
        self.on_frame(index)

    def lift_video(
        self,
        video: Path,
        result: Path,
        options: JobOptions,
        *,
        listener: Listener | None = None,
        source_name: str | None = None,
        open_spool: OpenSpool = no_spool,
    ) -> LiftSummary:
        return lift_video(
            video,
            result,
            options,
            open_estimator=lambda _: Walker(self),
            lift=self.lift,
            models={"keypoints": self.model},
            threads=self.threads,
            listener=listener,
            source_name=source_name,
            open_spool=open_spool,
        )

    def lift_image(self, image: bytes) -> list[PersonPose]:
        raise NotImplementedError
