"""One estimator on its way through a video, and what it has seen."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.keypoints.attention import Attention, StartsAnywhere
from core.tracking.association import Observation


@dataclass(eq=False)
class Findings:
    """What was seen in one segment; read from the front while it grows at the back.

    Attributes:
        observations: those that nobody has drawn yet.
        is_complete: no more will come.
        is_relief: a fresh run saw them, which owes nothing to what was seen before.
    """

    observations: deque[Observation] = field(default_factory=deque)
    is_complete: bool = False
    is_relief: bool = False


@dataclass(eq=False)
class Run:
    """An estimator that began at some segment. All but the estimator is guarded by the relay.

    Attributes:
        segment: which one it is at, or has just finished.
        place: the used frame that it will look at next.
        estimator: None until it is opened.
        findings: of this segment.
        is_busy: a thread is at it.
        is_dropped: it turned out to follow somebody else, and must stop.
        has_ended: it has seen the last frame of the video.
        at_start: whom it followed in the last frames of its warm-up, the newest last.
        at_end: whom it followed in the last frames of the segment that it has finished.
    """

    segment: int
    place: int
    estimator: StartsAnywhere | None = None
    findings: Findings = field(default_factory=Findings)
    is_busy: bool = False
    is_dropped: bool = False
    has_ended: bool = False
    at_start: Sequence[Attention] | None = None
    at_end: Sequence[Attention] | None = None

    def close(self) -> None:
        """Give the estimator's landmarkers back; may be called twice."""
        estimator, self.estimator = self.estimator, None
        if estimator is not None:
            estimator.__exit__(None, None, None)
