"""Where a video is cut. Depends on the video alone, so that its result does not depend on us."""

from dataclasses import dataclass
from math import ceil
from typing import Self

from core.contracts import PoseModel

LENGTH_FRAMES = 150
"""Five seconds at 30 frames a second: a start costs about a twentieth of it, and pictures of
one segment fit into some 120 MB."""
WARM_UP_FRAMES = 3
"""After so many frames a tracker that starts afresh says the same as one that has been at work, up
to MediaPipe's own noise."""

COMPARED_FRAMES = 3
"""The newest frames that two runs have both seen, in which they are held against each other."""

_WORTH_CUTTING = 90
"""From so many frames on a second search is worth its start: with two cores a third less time at
360p and a sixth at 1080p, for a tenth more work. In two seconds of video there is less to gain."""
_STRETCHED = 1.1  # a little more in each segment is better than one more start
_FIRST_LONGER = 1.1
"""The first segment is searched while those after it wait for their first picture."""
_PIXELS_PER_SEARCH = {PoseModel.LITE: 3.5e6, PoseModel.FULL: 5.4e6, PoseModel.HEAVY: 19e6}
"""So much is decoded in the time in which a person is found in one picture, by one core each."""
_MOST_DECODING = 0.5
_USUAL_DECODING = 0.2
_LAST_SHORTER = 0.45
"""Two threads are half a segment apart. So they come to the end together."""
_MISCOUNTED = 2  # headers are a picture or two wrong, and one left over would be a segment
CUTTING = (
    LENGTH_FRAMES,
    WARM_UP_FRAMES,
    COMPARED_FRAMES,
    _WORTH_CUTTING,
    _STRETCHED,
    _FIRST_LONGER,
    tuple(_PIXELS_PER_SEARCH.values()),
    _MOST_DECODING,
    _USUAL_DECODING,
    _LAST_SHORTER,
    _MISCOUNTED,
)
"""All that decides where a video is cut, and who goes on there, besides its length."""


@dataclass(frozen=True)
class SegmentPlan:
    """Segments of equal length in used frames, but for the first and the last.

    Attributes:
        length: of a segment, in used frames; only the last may be shorter.
        first: the length of the first one; as the others if None.
        warm_up: so many frames before a segment are searched too, and what is found there thrown
            away.
    """

    length: int = LENGTH_FRAMES
    warm_up: int = WARM_UP_FRAMES
    first: int | None = None

    @classmethod
    def of(cls, expected_frames: int | None, decoding: float = _USUAL_DECODING) -> Self:
        """One segment; or two, of which the first is longer; or at least four.

        Of two threads the second waits until the first segment is decoded, and so long one that
        searches gets a core to itself. With the first longer by ``1 / (1 - decoding)`` they end
        together. Of four or more, the first is a tenth longer and the last half as long. Three
        would leave one of two threads with nothing to do for most of the last one.

        Args:
            expected_frames: about so many used frames; None if nobody knows.
            decoding: what decoding a picture takes, over what searching it does, below 1.
        """
        if expected_frames is None:
            return cls()
        frames, longest = expected_frames + _MISCOUNTED, LENGTH_FRAMES * _STRETCHED
        if expected_frames < _WORTH_CUTTING:
            return cls(frames)
        if expected_frames <= 2 * longest:
            longer = 1 / (1 - decoding)
            length = ceil(frames / (1 + longer))
            return cls(length, first=ceil(length * longer))
        beside_middle = _FIRST_LONGER + _LAST_SHORTER  # in middle ones
        middle = max(2, ceil(expected_frames / longest - beside_middle))
        length = ceil(frames / (middle + beside_middle))
        return cls(length, first=ceil(length * _FIRST_LONGER))

    @property
    def longest(self) -> int:
        """The length of the longest segment."""
        return max(self.length, self.first or 0)

    def start(self, segment: int) -> int:
        """The first used frame of a segment, counted from 0."""
        return 0 if segment == 0 else self._second + (segment - 1) * self.length

    def segment_at(self, frame: int) -> int:
        """The segment that begins at a used frame; there must be one."""
        if frame == 0:
            return 0
        later, rest = divmod(frame - self._second, self.length)
        assert not rest and later >= 0, f"no segment begins at frame {frame}"  # noqa: S101, PT018 - runs begin at segments
        return 1 + later

    def warm_up_start(self, segment: int) -> int:
        """The first used frame that a run for this segment looks at."""
        return max(0, self.start(segment) - self.warm_up)

    @property
    def _second(self) -> int:
        return self.length if self.first is None else self.first


def decoding_over_searching(picture_px: int, pose_model: PoseModel) -> float:
    """What decoding a picture of so many pixels takes, over what searching it does; up to 0.5.

    Measured for h264. For much larger pictures the first segment would become most of the video.
    """
    return min(_MOST_DECODING, picture_px / _PIXELS_PER_SEARCH[pose_model])
