"""One detection, measured: how large the body is, and how far two of them lie apart.

Lengths here are in *body sizes*, so that a child at the back and an adult in front obey the same
thresholds. One body size is the confidence-weighted root mean square distance of the main
keypoints from their centre: about 0.3 of a standing person's height, half a metre for an adult.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float32, Float64

from core.keypoints.protocol import Detection
from core.skeleton import KEYPOINT_MIRROR, KEYPOINT_NAMES

_MAIN_NAMES = ("nose", *(
    f"{side}_{part}"
    for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in ("left", "right")
))  # fmt: skip
MAIN_KEYPOINTS = np.array([KEYPOINT_NAMES.index(name) for name in _MAIN_NAMES], np.int64)
"""The keypoints every layout has and that span the body: nose and the twelve limb joints."""

_MIN_CONFIDENCE = 0.05  # a keypoint below this says nothing about where the person is
_MIN_KEYPOINTS = 4  # fewer main keypoints than this do not locate a body
_MIN_SIZE_PX = 1.0  # all keypoints in one point: a failed detection, not a person
# An estimator looks at one detection from half a dozen sides, and measuring it is half of its work
# outside the networks. Enough for all threads of a job.
_REMEMBERED = 256
_DUPLICATE_DISTANCE = 0.3  # body sizes; half of two people's keypoints are not within 15 cm


@dataclass(frozen=True, eq=False)
class Sighting:
    """One person in one frame, cleaned and measured.

    Attributes:
        keypoints_px: pixels of the upright frame; NaN where the keypoint is missing.
        confidence: in [0, 1]; 0 where the keypoint is missing.
        hint_m: the estimator's own 3D in metres, if it gave one; NaN where missing.
        centre_px: confidence-weighted centre of the main keypoints.
        size_px: one body size in pixels.
        body_confidence: mean confidence of the main keypoints.
    """

    keypoints_px: Float32[np.ndarray, "33 2"]
    confidence: Float32[np.ndarray, "33"]
    hint_m: Float32[np.ndarray, "33 3"] | None
    centre_px: Float64[np.ndarray, "2"]
    size_px: float
    body_confidence: float


@dataclass(frozen=True, eq=False)
class Displacement:
    """How the body of one sighting lies relative to another's.

    Attributes:
        weights: of the main keypoints that both have; they sum to 1.
        moved_px: from where to where each of these went.
        shift_px: their mean movement.
        size_ratio: how much larger the second body is.
        size_px: one body size, of both.
    """

    weights: Float64[np.ndarray, "shared"]
    moved_px: Float64[np.ndarray, "shared 2"]
    shift_px: Float64[np.ndarray, "2"]
    size_ratio: float
    size_px: float

    @property
    def distance(self) -> float:
        """How unlike the two are, in body sizes: 0 is the same pose in the same place."""
        return self._distance(self.shift_px, self.moved_px)

    def distance_from(self, expected_shift_px: Float64[np.ndarray, "2"]) -> float:
        """The same, had the first body moved by so much as a whole."""
        return self._distance(self.shift_px - expected_shift_px, self.moved_px - expected_shift_px)

    def _distance(
        self, shift_px: Float64[np.ndarray, "2"], moved_px: Float64[np.ndarray, "shared 2"]
    ) -> float:
        """The mean of how far the body as a whole lies off and how far its keypoints do.

        They are scaled by body size and weighted by confidence, in the spirit of object keypoint
        similarity. Half the logarithm of the size ratio is added: being 1.5 times as large costs
        0.2 body sizes.

        Source: Lin et al., "Microsoft COCO", ECCV 2014, for scale-normalised keypoint similarity.
        """
        off_px = np.hypot(shift_px[0], shift_px[1])
        off_px += self.weights @ np.hypot(moved_px[:, 0], moved_px[:, 1])
        return 0.5 * float(off_px) / self.size_px + 0.5 * abs(float(np.log(self.size_ratio)))


@lru_cache(maxsize=_REMEMBERED)
def measure(detection: Detection) -> Sighting | None:
    """Clean and measure a detection; None if it does not show a body.

    Keypoints with a coordinate or confidence that is not finite count as missing. A detection is
    dropped when fewer than four main keypoints are left, or when they all lie in one point.
    """
    keypoints_px = detection.keypoints_px.astype(np.float32)
    confidence = np.minimum(np.maximum(detection.confidence, 0), 1).astype(np.float32)
    known = np.isfinite(keypoints_px).all(1) & np.isfinite(detection.confidence)
    if not known.all():
        confidence[~known], keypoints_px[~known] = 0, np.nan
    main = confidence[MAIN_KEYPOINTS]
    usable = main >= _MIN_CONFIDENCE
    if usable.sum() < _MIN_KEYPOINTS:
        return None
    weights = main[usable].astype(np.float64)
    weights /= weights.sum()
    points = keypoints_px[MAIN_KEYPOINTS[usable]].astype(np.float64)
    centre_px = weights @ points
    size_px = float(np.sqrt(weights @ ((points - centre_px) ** 2).sum(1)))
    if size_px < _MIN_SIZE_PX:
        return None
    return Sighting(
        keypoints_px=keypoints_px,
        confidence=confidence,
        hint_m=detection.hint_m,
        centre_px=centre_px,
        size_px=size_px,
        body_confidence=float(main.mean()),
    )


@lru_cache(maxsize=_REMEMBERED)
def compare(first: Sighting, second: Sighting) -> Displacement | None:
    """How ``second`` lies relative to ``first``; a pair is compared five times.

    Returns:
        None if the two share no usable keypoint.
    """
    shared = _usable(first.confidence) & _usable(second.confidence)
    if not shared.any():
        return None
    main = MAIN_KEYPOINTS[shared]
    weights = np.sqrt(first.confidence[main].astype(np.float64) * second.confidence[main])
    weights /= weights.sum()
    moved_px = second.keypoints_px[main].astype(np.float64) - first.keypoints_px[main]
    return Displacement(
        weights=weights,
        moved_px=moved_px,
        shift_px=weights @ moved_px,
        size_ratio=second.size_px / first.size_px,
        size_px=float(np.sqrt(first.size_px * second.size_px)),
    )


def distinct(detections: Iterable[Detection]) -> list[Sighting]:
    """Measured detections without duplicates, in an order that depends only on their content.

    The estimator may return one person twice; of two that lie closer than people can, the more
    confident one stays.
    """
    measured = [sighting for d in detections if (sighting := measure(d)) is not None]
    kept: list[Sighting] = []
    for sighting in sorted(measured, key=_content_order):
        if not any(_is_duplicate(sighting, other) for other in kept):
            kept.append(sighting)
    return kept


def _usable(confidence: Float32[np.ndarray, "33"]) -> Bool[np.ndarray, "13"]:
    return confidence[MAIN_KEYPOINTS] >= _MIN_CONFIDENCE


def _content_order(sighting: Sighting) -> tuple[float, float, tuple[float, ...], bytes]:
    centre = (float(sighting.centre_px[0]), float(sighting.centre_px[1]))
    content = sighting.keypoints_px.tobytes()
    return (-sighting.body_confidence, -sighting.size_px, centre, content)


def _is_duplicate(sighting: Sighting, other: Sighting) -> bool:
    """Whether most of both bodies coincide; a second guess may differ in a limb or swap sides."""
    size_px = min(sighting.size_px, other.size_px)
    for order in (MAIN_KEYPOINTS, KEYPOINT_MIRROR[MAIN_KEYPOINTS]):
        usable = other.confidence[order] >= _MIN_CONFIDENCE
        shared = _usable(sighting.confidence) & usable
        apart_px = sighting.keypoints_px[MAIN_KEYPOINTS[shared]] - other.keypoints_px[order[shared]]
        if len(apart_px) and np.median(np.hypot(*apart_px.T)) < _DUPLICATE_DISTANCE * size_px:
            return True
    return False
