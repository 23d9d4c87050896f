"""MediaPipe's pose landmarker, rebuilt around the bare networks: arrays in, detections out.

It looks where MediaPipe would look, and filters what MediaPipe would filter, so the same people
come out of it up to MediaPipe's own noise. What falls away is MediaPipe's graph of calculators,
which costs a third of the time, and its state that cannot be reset: forgetting is exact here.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from core.closing import Closing
from core.keypoints.blazepose.crops import Alignment, OnePerson, radius_px, upright_crops
from core.keypoints.blazepose.networks import People
from core.keypoints.blazepose.search import PRESENT
from core.keypoints.landmarker import Mode
from core.keypoints.litert.networks import LiteNetworks
from core.keypoints.litert.one_euro import OneEuro
from core.keypoints.plausibility import looks_like_a_body
from core.keypoints.protocol import Detection

_SAME_PERSON_IOU = 0.5  # MediaPipe's `min_tracking_confidence`
_CROP_RADII = 2.5  # side of the square that a person is read in


class LiteLandmarker(Closing):
    """Reads people out of pictures. Not thread-safe; landmarkers side by side are.

    Args:
        networks: may be shared with other landmarkers.
        mode: what is carried from picture to picture.
        max_persons: how many people at most; a tracker has one.

    Source: ``pose_landmarker_graph.cc`` and ``pose_landmarks_detector_graph.cc`` of MediaPipe.
    """

    def __init__(self, networks: LiteNetworks, mode: Mode, max_persons: int = 1) -> None:
        self.mode = mode
        self._networks = networks
        self._max_persons = max_persons
        self._tracked: Alignment = np.zeros((0, 2, 2))
        self._calm = _Calm()

    def read(self, rgb: UInt8[np.ndarray, "height width 3"], time_s: float) -> list[Detection]:
        """People in this picture, in no stable order.

        Args:
            rgb: an upright picture.
            time_s: later than the picture before.
        """
        people = self._networks.read(rgb, upright_crops(self._where(rgb)))
        rows = np.flatnonzero(people.presence >= PRESENT)
        if self.mode is not Mode.STILL:
            self._tracked = people.alignment[rows]
        found = [self._detection(people, row, time_s) for row in rows.tolist()]
        height, width = rgb.shape[:2]
        return [person for person in found if looks_like_a_body(person, width, height)]

    def forget(self) -> bool:
        """Lose whoever is tracked; the next picture is a fresh start.

        Returns:
            Whether it worked, which it does.
        """
        self._tracked = np.zeros((0, 2, 2))
        self._calm = _Calm()
        return True

    def take_over(self, detection: Detection, time_s: float) -> bool:
        """Track on who was seen in the picture of this time, as if it had been seen here."""
        self.forget()
        if detection.alignment_px is None or detection.hint_m is None:
            return False
        self._tracked = detection.alignment_px[None]
        self._calmed(detection.keypoints_px, detection.hint_m, detection.alignment_px, time_s)
        return True

    def close(self) -> None:
        """Nothing to give back: the networks belong to whoever made them."""

    def _where(self, rgb: UInt8[np.ndarray, "height width 3"]) -> Alignment:
        """The people to read, those who were tracked here included."""
        if len(self._tracked) >= self._max_persons:
            return self._tracked
        everybody = _associate([*self._tracked, *self._networks.detect(rgb)])
        return np.array(everybody[: self._max_persons]).reshape(-1, 2, 2)

    def _detection(self, people: People, row: int, time_s: float) -> Detection:
        keypoints_px, hint_m = people.keypoints_px[row], people.hint_m[row]
        alignment_px = people.alignment[row]
        if self.mode is Mode.TRACKING:
            keypoints_px, hint_m = self._calmed(keypoints_px, hint_m, alignment_px, time_s)
        return Detection(keypoints_px, people.confidence[row], hint_m, alignment_px)

    def _calmed(
        self, keypoints_px: np.ndarray, hint_m: np.ndarray, alignment_px: OnePerson, time_s: float
    ) -> tuple[np.ndarray, np.ndarray]:
        side_px = _CROP_RADII * float(radius_px(alignment_px[None])[0])
        return self._calm(time_s, keypoints_px, side_px, hint_m)


class _Calm:
    """The two filters behind whoever is tracked, with MediaPipe's settings."""

    def __init__(self) -> None:
        self._keypoints = OneEuro(min_cutoff_hz=0.05, beta=80.0)
        self._hint = OneEuro(min_cutoff_hz=0.1, beta=40.0)

    def __call__(
        self, time_s: float, keypoints_px: np.ndarray, side_px: float, hint_m: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        calm_px = self._keypoints(time_s, keypoints_px.astype(np.float64), side_px)
        calm_m = self._hint(time_s, hint_m.astype(np.float64))
        return calm_px.astype(np.float32), calm_m.astype(np.float32)


def _associate(people: Sequence[OnePerson]) -> list[OnePerson]:
    """Everybody once: of two who share a place, the later one stays.

    Source: ``association_calculator.h`` of MediaPipe.
    """
    kept: list[OnePerson] = []
    for one in people:
        kept = [other for other in kept if _overlap(one, other) <= _SAME_PERSON_IOU]
        kept.append(one)
    return kept


def _overlap(one: OnePerson, other: OnePerson) -> float:
    """Intersection over union of two people's squares, as if they were not turned."""
    sides = _CROP_RADII * radius_px(np.stack([one, other]))
    apart = np.abs(one[0] - other[0])
    shared = np.clip(sides.mean() - apart, 0, sides.min()).prod()
    union = float((sides**2).sum() - shared)
    return float(shared) / union if union > 0 else 0.0
