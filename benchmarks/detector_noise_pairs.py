"""By how much two runs over the same video differ, frame by frame.

2D differences are in metres at the person's depth: pixels over the scale that best maps the
reference's own 3D onto its keypoints. MediaPipe's 3D has an average body's size, so these are
metres on somebody with a trunk of 47 cm.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from benchmarks.detector_noise_alignment import rotation_vector_deg, similarity
from benchmarks.detector_noise_runs import Run
from core.skeleton import KEYPOINT_MIRROR, KEYPOINT_NAMES

LIMB_JOINTS = [
    row
    for row, name in enumerate(KEYPOINT_NAMES)
    if name.split("_")[-1] in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
]
HIPS = [KEYPOINT_NAMES.index(f"{side}_hip") for side in ("left", "right")]


def rows(*parts: str) -> list[int]:
    """Keypoints of both sides, by the part's name."""
    return [KEYPOINT_NAMES.index(f"{side}_{part}") for part in parts for side in ("left", "right")]


CHAINS: Mapping[str, list[int]] = {
    "shoulders": rows("shoulder"),
    "arms": rows("elbow", "wrist", "pinky", "index", "thumb"),
    "legs": rows("knee", "ankle", "heel", "foot_index"),
    "legs and hips": rows("hip", "knee", "ankle", "heel", "foot_index"),
}
"""What may have left and right exchanged together."""
MERGEABLE = ("arms", "legs")
"""Chains whose two sides a detector may put onto one place."""

_SWAP_IS_CLOSER = 0.6  # exchanging left and right must bring the runs at least this near
_SWAP_WORTH_M = 0.08  # smaller differences are no swap, whatever exchanging them does
_SIDES_APART_M = 0.10
_MERGED_M = 0.05
_SEEN = 0.4  # mean confidence of the limb joints in a frame that counts
_EDGE = 0.01  # of the picture's side
_STEADY_S = 0.5


@dataclass(frozen=True, eq=False)
class Pair:
    """Two runs of one clip. NaN, or False, in frames that cannot be compared.

    Attributes:
        step_s: typical time between frames.
        keypoints_m: the second run's keypoints minus the first's, metres at the person's depth.
        hint_m: the same for the 3D, after the similarity that fits the limb joints best; camera
            axes. Only where the whole body is in the picture.
        apart_m: the same for the hip-centred 3D without any fit.
        turn_deg: rotation vector from the second run's 3D to the first's, about camera x, y, z.
        log_scale: of that similarity.
        log_depth: log ratio of how far the limb joints spread along the line of sight.
        confidence: the lower one.
        comparable: frames in which both see the person.
        inside: keypoints that both see within the picture.
        swapped_2d: per chain, where left and right are exchanged between the runs.
        swapped_3d: the same in the 3D.
        merged: per chain, where one run puts both sides onto one place and the other does not.
    """

    step_s: float
    keypoints_m: Float64[np.ndarray, "frames 33 2"]
    hint_m: Float64[np.ndarray, "frames 33 3"]
    apart_m: Float64[np.ndarray, "frames 33 3"]
    turn_deg: Float64[np.ndarray, "frames 3"]
    log_scale: Float64[np.ndarray, "frames"]
    log_depth: Float64[np.ndarray, "frames"]
    confidence: Float64[np.ndarray, "frames 33"]
    comparable: Bool[np.ndarray, "frames"]
    inside: Bool[np.ndarray, "frames 33"]
    swapped_2d: dict[str, Bool[np.ndarray, "frames"]]
    swapped_3d: dict[str, Bool[np.ndarray, "frames"]]
    merged: dict[str, Bool[np.ndarray, "frames"]]

    @property
    def any_swap(self) -> Bool[np.ndarray, "frames"]:
        return np.any([*self.swapped_2d.values(), *self.swapped_3d.values()], axis=0)


def compare(first: Run, second: Run, px_per_m: Float64[np.ndarray, "frames"]) -> Pair:
    """Compare two runs over the same frames.

    Args:
        first: one run.
        second: another.
        px_per_m: at the person's depth, from :func:`person_scale`; NaN where unknown.
    """
    confidence = np.minimum(first.confidence, second.confidence)
    known = np.isfinite(confidence).all(1) & np.isfinite(px_per_m)
    comparable = known & (np.where(known[:, None], confidence, 0)[:, LIMB_JOINTS].mean(1) > _SEEN)
    inside = comparable[:, None] & _inside(first) & _inside(second)
    whole = inside[:, LIMB_JOINTS].all(1)
    scale = np.where(comparable, px_per_m, np.nan)
    one, other = (run.keypoints_px / scale[:, None, None] for run in (first, second))
    one_3d, other_3d = (
        np.where(comparable[:, None, None], _hip_centred(run.hint_m), np.nan)
        for run in (first, second)
    )
    hint_m = np.full_like(one_3d, np.nan)
    turn_deg, log_scale = np.full((len(scale), 3), np.nan), np.full(len(scale), np.nan)
    log_depth = np.full(len(scale), np.nan)
    if whole.any():
        target, source = (_centred(pose[whole]) for pose in (one_3d, other_3d))
        rotation, size = similarity(source[:, LIMB_JOINTS], target[:, LIMB_JOINTS])
        hint_m[whole] = size[:, None, None] * source @ np.swapaxes(rotation, 1, 2) - target
        turn_deg[whole], log_scale[whole] = rotation_vector_deg(rotation), np.log(size)
        depth = [pose[:, LIMB_JOINTS, 2].std(1) for pose in (source, target)]
        log_depth[whole] = np.log(depth[0] / depth[1])
    return Pair(
        step_s=float(np.median(np.diff(first.time_s))),
        keypoints_m=other - one,
        hint_m=hint_m,
        apart_m=other_3d - one_3d,
        turn_deg=turn_deg,
        log_scale=log_scale,
        log_depth=log_depth,
        confidence=confidence,
        comparable=comparable,
        inside=inside,
        swapped_2d={name: _swapped(one, other, inside, chain) for name, chain in CHAINS.items()},
        swapped_3d={
            name: _swapped(one_3d, other_3d, inside, chain) for name, chain in CHAINS.items()
        },
        merged={name: _merged(one, other, inside, CHAINS[name]) for name in MERGEABLE},
    )


def person_scale(run: Run) -> Float64[np.ndarray, "frames"]:
    """Pixels a metre at the person's depth: keypoints over the 3D, steadied over a second."""
    flat, seen = (
        points - points.mean(1, keepdims=True)
        for points in (run.hint_m[:, LIMB_JOINTS, :2], run.keypoints_px[:, LIMB_JOINTS])
    )
    scale = np.sqrt((seen**2).sum((1, 2)) / (flat**2).sum((1, 2)))
    reach = max(1, int(_STEADY_S / np.median(np.diff(run.time_s))))
    around = [scale[max(0, n - reach) : n + reach + 1] for n in range(len(scale))]
    return np.array(
        [
            np.nanmedian(values) if np.isfinite(scale[n]) else np.nan
            for n, values in enumerate(around)
        ]
    )


def _centred(poses: np.ndarray) -> np.ndarray:
    return poses - poses[:, LIMB_JOINTS].mean(1, keepdims=True)


def _hip_centred(poses: np.ndarray) -> np.ndarray:
    return poses - poses[:, HIPS].mean(1, keepdims=True)


def _inside(run: Run) -> Bool[np.ndarray, "frames 33"]:
    margin = _EDGE * run.size_px
    with np.errstate(invalid="ignore"):
        within = (run.keypoints_px > margin) & (run.keypoints_px < run.size_px - margin)
    return np.all(within, axis=-1)


def _distance(one: np.ndarray, other: np.ndarray) -> Float64[np.ndarray, "frames"]:
    return np.linalg.norm(one - other, axis=-1).mean(1)


def _swapped(
    one: np.ndarray, other: np.ndarray, inside: np.ndarray, chain: list[int]
) -> np.ndarray:
    """Where exchanging left and right of a chain makes two runs agree that do not otherwise."""
    exchanged = KEYPOINT_MIRROR[chain]
    as_it_is = _distance(one[:, chain], other[:, chain])
    with np.errstate(invalid="ignore"):
        return (
            inside[:, chain].all(1)
            & (_distance(one[:, chain], other[:, exchanged]) < _SWAP_IS_CLOSER * as_it_is)
            & (as_it_is > _SWAP_WORTH_M)
            & (_distance(one[:, chain], one[:, exchanged]) > _SIDES_APART_M)
        )


def _merged(one: np.ndarray, other: np.ndarray, inside: np.ndarray, chain: list[int]) -> np.ndarray:
    exchanged = KEYPOINT_MIRROR[chain]
    apart = [_distance(points[:, chain], points[:, exchanged]) for points in (one, other)]
    with np.errstate(invalid="ignore"):
        return (
            inside[:, chain].all(1)
            & (np.minimum(*apart) < _MERGED_M)
            & (np.maximum(*apart) > 3 * _MERGED_M)
        )
