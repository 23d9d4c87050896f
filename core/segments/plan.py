"""Where a video is cut. Depends on the video alone, so that its result does not depend on us."""

from dataclasses import dataclass
from math import ceil
from typing import Self

LENGTH_FRAMES = 150
"""Five seconds at 30 frames a second: a start costs about a tenth of it, and pictures of one
segment fit into some 120 MB."""
WARM_UP_FRAMES = 6
"""After so many frames a tracker that starts afresh says the same as one that has been at work, up
to MediaPipe's own noise."""

_STRETCHED = 1.1  # a little more in each segment is better than a short one at the end
_MISCOUNTED = 2  # headers are a picture or two wrong, and one left over would be a segment


@dataclass(frozen=True)
class SegmentPlan:
    """Segments of equal length in used frames; only the last may be shorter.

    Attributes:
        length: of a segment, in used frames.
        warm_up: so many frames before a segment are searched too, and what is found there thrown
            away.
    """

    length: int = LENGTH_FRAMES
    warm_up: int = WARM_UP_FRAMES

    @classmethod
    def of(cls, expected_frames: int | None) -> Self:
        """Equal parts for a video of about so many used frames; None if nobody knows."""
        if expected_frames is None:
            return cls()
        parts = max(1, ceil(expected_frames / (LENGTH_FRAMES * _STRETCHED)))
        return cls(ceil(expected_frames / parts) + _MISCOUNTED)

    def start(self, segment: int) -> int:
        """The first used frame of a segment, counted from 0."""
        return segment * self.length

    def segment_at(self, frame: int) -> int:
        """The segment that begins at a used frame; there must be one."""
        segment, rest = divmod(frame, self.length)
        assert not rest, f"no segment begins at frame {frame}"  # noqa: S101 - runs begin at segments
        return segment

    def warm_up_start(self, segment: int) -> int:
        """The first used frame that a run for this segment looks at."""
        return max(0, self.start(segment) - self.warm_up)
