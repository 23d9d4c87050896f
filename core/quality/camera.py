"""Whether the camera moved, told from small grey pictures of what is behind the people.

Every half second of video a picture that was decoded anyway is made about a hundred pixels wide.
How far must one be shifted to lie on the one before, if people are left out? A search over whole
pixels and a parabola around the best answer that to a fraction of a pixel, for a few milliseconds
of work a second of video. Turning and shaking the camera shift the picture; zooming and walking
towards something do so only in part, and may go unnoticed.
"""

import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from jaxtyping import Bool, Float32

from core.keypoints.protocol import Detection
from core.tracking.association import Observation
from core.video.facts import VideoFacts
from core.video.stored import StoredPicture

SAMPLE_S = 0.5
MOVED_SHARE = 0.005
"""Of the picture's longer side, from one sample to the next; what less does is noise."""
_LONGEST_SIDE = 96
_REACH = 5
"""How far is searched, in pixels of the small picture: a twentieth of its longer side."""
_MARGIN = 0.15
"""Of a person's size, around their keypoints: hair, hands, clothes."""
_LEAST_BACKGROUND = 0.1
_LEAST_CONTRAST = 4.0
"""Mean squared grey levels by which the best shift must beat the usual one: on a bare wall nothing
can be told."""


@dataclass
class CameraReport:
    """Pairs of samples half a second apart, valid once a video has been seen to its end.

    Attributes:
        pairs: of which it can be told whether the camera moved in between.
        moved: those where it did.
    """

    pairs: int = 0
    moved: int = 0

    @property
    def moved_share(self) -> float | None:
        """Share of the pairs in which it moved, in [0, 1]; None if nothing could be told."""
        return self.moved / self.pairs if self.pairs else None


@dataclass
class _Every:
    """Which frames of a stream are samples: decided by their times alone."""

    last_s: float = float("-inf")

    def is_due(self, time_s: float) -> bool:
        if time_s < self.last_s + SAMPLE_S:
            return False
        self.last_s = time_s
        return True


@dataclass(frozen=True, eq=False)
class _Sample:
    grey: Float32[np.ndarray, "height width"]
    background: Bool[np.ndarray, "height width"]


Boxes = Float32[np.ndarray, "people 4"]


@dataclass
class CameraWatch:
    """Brings pictures and people together, from the threads that decode and that follow.

    Either may be ahead: pictures wait for their people and people for their pictures, two small
    things a second.

    Attributes:
        report: what came out.
    """

    report: CameraReport = field(default_factory=CameraReport)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pictures: dict[int, Float32[np.ndarray, "height width"]] = field(default_factory=dict)
    _people: dict[int, Boxes] = field(default_factory=dict)
    _last: _Sample | None = None

    def pictures(
        self, pictures: Iterable[StoredPicture], facts: VideoFacts
    ) -> Generator[StoredPicture]:
        """Pass on all used pictures of a video, in order."""
        due, small = _Every(), _Small(facts)
        for picture in pictures:
            if due.is_due(picture.time_s):
                self._meet(picture.index, grey=small(picture))
            yield picture

    def people(self, seen: Iterable[Observation], facts: VideoFacts) -> Iterator[Observation]:
        """Pass on who is in all used frames of a video, in order."""
        due, size_px = _Every(), np.array([facts.width_px, facts.height_px], np.float32)
        for observation in seen:
            if due.is_due(observation.time_s):
                self._meet(observation.frame_index, boxes=_boxes(observation.detections, size_px))
            yield observation

    def _meet(
        self,
        index: int,
        grey: Float32[np.ndarray, "height width"] | None = None,
        boxes: Boxes | None = None,
    ) -> None:
        with self._lock:
            if grey is not None:
                self._pictures[index] = grey
            if boxes is not None:
                self._people[index] = boxes
            if index in self._pictures and index in self._people:
                self._add(self._pictures.pop(index), self._people.pop(index))

    def _add(self, grey: Float32[np.ndarray, "height width"], boxes: Boxes) -> None:
        sample, before = _Sample(grey, ~_covered(boxes, grey.shape)), self._last
        self._last = sample
        if before is None:
            return
        shift = background_shift(before.grey, sample.grey, before.background & sample.background)
        if shift is not None:
            self.report.pairs += 1
            self.report.moved += shift > MOVED_SHARE * max(grey.shape)


def background_shift(
    before: Float32[np.ndarray, "height width"],
    after: Float32[np.ndarray, "height width"],
    background: Bool[np.ndarray, "height width"],
) -> float | None:
    """How many pixels the background moved, up to about ``_REACH``; None if it cannot be told.

    Args:
        before: grey levels.
        after: half a second later.
        background: where neither shows a person.
    """
    inner = (slice(_REACH, -_REACH),) * 2
    counted = background[inner]
    if not counted.size or counted.mean() < _LEAST_BACKGROUND:
        return None
    # Light that changes is no movement.
    after = after - (after[background].mean() - before[background].mean())
    fixed = np.where(counted, before[inner], 0)
    weight = counted.astype(np.float32)
    squares = cv2.matchTemplate(after, fixed, cv2.TM_SQDIFF, mask=weight)
    apart = squares / weight.sum()  # (shifts down, shifts right)
    row, column = np.unravel_index(int(apart.argmin()), apart.shape)
    if np.median(apart) - apart[row, column] < _LEAST_CONTRAST:
        return None
    down = row - _REACH + _vertex(apart[:, column], int(row))
    right = column - _REACH + _vertex(apart[row], int(column))
    return float(np.hypot(down, right))


def _vertex(apart: Float32[np.ndarray, "shifts"], best: int) -> float:
    """Where between its neighbours a parabola through the best and them is lowest."""
    if not 0 < best < len(apart) - 1:
        return 0.0
    before, here, after = apart[best - 1 : best + 2]
    bend = before - 2 * here + after
    return float((before - after) / (2 * bend)) if bend > 0 else 0.0


class _Small:
    """Small, grey and upright."""

    def __init__(self, facts: VideoFacts) -> None:
        self._turns = facts.rotation_deg // 90
        scale = _LONGEST_SIDE / max(facts.width_px, facts.height_px)
        size = (max(2, round(facts.width_px * scale)), max(2, round(facts.height_px * scale)))
        self._width, self._height = size[::-1] if self._turns % 2 else size
        self._reformatter = VideoReformatter()

    def __call__(self, picture: StoredPicture) -> Float32[np.ndarray, "height width"]:
        small = self._reformatter.reformat(
            picture.image, self._width, self._height, "gray",
            interpolation=Interpolation.AREA, threads=1,
        )  # fmt: skip
        return np.rot90(small.to_ndarray(), -self._turns).astype(np.float32)


def _boxes(people: Sequence[Detection], size_px: Float32[np.ndarray, "2"]) -> Boxes:
    """Left, top, right and bottom of each, as shares of the picture."""
    boxes = np.zeros((len(people), 4), np.float32)
    for row, person in enumerate(people):
        known = person.keypoints_px[np.isfinite(person.keypoints_px).all(axis=-1)]
        if len(known):
            low, high = known.min(axis=0), known.max(axis=0)
            margin = _MARGIN * (high - low).max()
            boxes[row] = np.concatenate([(low - margin) / size_px, (high + margin) / size_px])
    return boxes


def _covered(boxes: Boxes, shape: tuple[int, ...]) -> Bool[np.ndarray, "height width"]:
    covered = np.zeros(shape, bool)
    height, width = shape
    for left, top, right, bottom in np.clip(boxes, 0, 1):
        rows = slice(int(top * height), int(np.ceil(bottom * height)))
        covered[rows, int(left * width) : int(np.ceil(right * width))] = True
    return covered
