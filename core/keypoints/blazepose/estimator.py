"""MediaPipe's networks in PyTorch as a keypoint estimator for one video.

The detector looks at every fifth frame. In between each person's crop is interpolated, so that all
crops of a stretch of video go through the landmark network as one batch, none waiting for another.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from types import TracebackType
from typing import Self

import numpy as np

from core.keypoints.blazepose.crops import upright_crops
from core.keypoints.blazepose.networks import People, Pictures, PoseNetworks
from core.keypoints.blazepose.roster import Followed, Roster
from core.keypoints.blazepose.search import PRESENT, look_around, look_closer, look_into_parts
from core.keypoints.blazepose.second_pass import smoothed
from core.keypoints.blazepose.stretches import Stretch, stretches
from core.keypoints.plausibility import looks_like_a_body
from core.keypoints.protocol import Detection
from core.keypoints.repeats import without_repeats
from core.video.frames import Frame

_MORE_PLACES = 2  # the main person may not be among those whom the detector likes best


class BlazePoseEstimator:
    """Finds people in the frames of one video, up to two more than asked for.

    ``confidence`` is visibility times presence: how likely the keypoint is in the picture, and not
    hidden behind anything.

    Args:
        networks: stay loaded when the estimator is closed.
        max_persons: how many people are wanted.
        second_pass: read everybody twice, the second time in crops that follow from the first.
    """

    def __init__(
        self, networks: PoseNetworks, max_persons: int, *, second_pass: bool = False
    ) -> None:
        self._networks = networks
        self._roster = Roster(max_persons + _MORE_PLACES)
        self._second_pass = second_pass
        self._at_first_key: Followed | None = None
        self._seen_before: Followed = {}

    def estimate(self, frame: Frame) -> Sequence[Detection]:
        """People in this frame, as if every frame were a key frame; slower than :meth:`observe`."""
        stretch = Stretch((frame,), (0,), is_last=True)
        self._at_first_key = None
        ((_, people),) = self._read(stretch)
        return people

    def observe(self, frames: Iterable[Frame]) -> Iterator[tuple[Frame, Sequence[Detection]]]:
        """People in each frame, looking ahead by one stretch of frames."""
        for stretch in stretches(frames):
            yield from self._read(stretch)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing to give back: the networks belong to whoever made them."""

    def _read(self, stretch: Stretch) -> Iterator[tuple[Frame, Sequence[Detection]]]:
        pictures = self._networks.upload([frame.rgb for frame in stretch.frames])
        at_keys = self._follow(stretch, pictures)
        crops = [_between(stretch, at_keys, place) for place in range(len(stretch.frames))]
        wanted = len(crops) - (not stretch.is_last)
        if self._second_pass:
            seen = list(map(_moved, self._people(pictures, crops), crops))
            crops = smoothed(seen, self._seen_before)
            self._seen_before = seen[wanted - 1]
        everybody = self._people(pictures, crops[:wanted])
        for frame, people in zip(stretch.frames[:wanted], everybody, strict=True):
            yield frame, _detections(people, frame)

    def _follow(self, stretch: Stretch, pictures: Pictures) -> list[Followed]:
        """Who is where at each key frame."""
        known = [] if self._at_first_key is None else [self._at_first_key]
        keys = list(stretch.keys[len(known) :])
        _, height, width, _ = pictures.shape
        for key, seen in zip(keys, look_around(self._networks, pictures, keys), strict=True):
            if not len(seen) and self._roster.is_empty:
                seen = look_into_parts(self._networks, pictures, key)
            followed = self._roster.update(
                stretch.frames[key].time_s,
                seen,
                (width, height),
                partial(look_closer, self._networks, pictures, key),
            )
            known.append(followed)
        self._at_first_key = known[-1]
        return known

    def _people(self, pictures: Pictures, crops: Sequence[Followed]) -> list[People]:
        """Whoever stands in the crops of each picture."""
        places = [place for place, followed in enumerate(crops) for _ in followed]
        alignment = np.array([one for followed in crops for one in followed.values()])
        people = self._networks.read(pictures, places, upright_crops(alignment.reshape(-1, 2, 2)))
        stops = np.cumsum([len(followed) for followed in crops])
        return [
            people.part(slice(stop - len(followed), stop))
            for stop, followed in zip(stops.tolist(), crops, strict=True)
        ]


def _moved(people: People, followed: Followed) -> Followed:
    """Where the landmark network saw everybody; those whom it did not see stay."""
    return {
        number: people.alignment[row] if people.presence[row] >= PRESENT else former
        for row, (number, former) in enumerate(followed.items())
    }


def _between(stretch: Stretch, at_keys: Sequence[Followed], place: int) -> Followed:
    """Where everybody is in a frame, from the key frames before and after it.

    Somebody who is in one of the two only is looked for where they are there.
    """
    after = int(np.searchsorted(stretch.keys, place))
    if stretch.keys[after] == place:
        return at_keys[after]
    earlier, later = at_keys[after - 1], at_keys[after]
    times = [
        stretch.frames[at].time_s for at in (stretch.keys[after - 1], place, stretch.keys[after])
    ]
    share = (times[1] - times[0]) / (times[2] - times[0])
    there = {**later, **earlier}
    return {
        number: (1 - share) * there[number] + share * later.get(number, there[number])
        for number in sorted(there)
    }


def _detections(people: People, frame: Frame) -> Sequence[Detection]:
    """Those who are there indeed, everybody once."""
    height, width = frame.rgb.shape[:2]
    found = [
        Detection(people.keypoints_px[row], people.confidence[row], people.hint_m[row])
        for row in np.flatnonzero(people.presence >= PRESENT)
    ]
    return without_repeats([d for d in found if looks_like_a_body(d, width, height)], ())
