"""Our lifted joints beside the 2D estimator's own 3D, against one reference.

MediaPipe hands out world landmarks with its keypoints. Whoever lifts them anew has to show that it
pays: on the same frames, over the twelve limb joints that all sources share.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from core.chunks import PoseChunk
from core.errors import DatasetInvalid
from core.evaluation.bootstrap import block_interval
from core.evaluation.metrics import (
    joint_errors,
    mpjpe,
    n_mpjpe,
    pa_mpjpe,
    procrustes_aligned,
)
from core.evaluation.reference import LIMB_JOINTS, PoseReference
from core.evaluation.scoring import Score
from core.skeleton import BODY, KEYPOINT_NAMES

OURS, DIFFERENCE = "poselift", "difference"
BLOCK_S = 2.0
"""Length of a block of the bootstrap: a movement, after which errors begin anew."""

_OUR_PLACES = [BODY.index(name) for name in LIMB_JOINTS]
_HINT_PLACES = [KEYPOINT_NAMES.index(name) for name in LIMB_JOINTS]
_HIPS = [LIMB_JOINTS.index(name) for name in ("left_hip", "right_hip")]


@dataclass(frozen=True, eq=False)
class LimbPoses:
    """One recording: the limb joints as two methods have them, and as they were.

    All metres, relative to the middle of the hips, in one order of joints; only frames in which
    everybody has everything.

    Attributes:
        name: of the recording.
        frames: of the video that lie in the reference's span, compared or not.
        time_s: of the compared frames.
        ours_m: what was lifted.
        peer_m: what the 2D estimator said.
        truth_m: the reference.
        in_camera_axes: whether the truth can be compared without turning it.
    """

    name: str
    frames: int
    time_s: Float64[np.ndarray, "frames"]
    ours_m: Float64[np.ndarray, "frames 12 3"]
    peer_m: Float64[np.ndarray, "frames 12 3"]
    truth_m: Float64[np.ndarray, "frames 12 3"]
    in_camera_axes: bool


@dataclass(frozen=True)
class PeerScores:
    """Two methods on the same frames, millimetres.

    Attributes:
        frames: of the videos that lie in the references' spans.
        compared: how many of them both methods and the reference have in full.
        overall: by method, then by metric; ``difference`` is ours less the peer's, frame by frame.
        per_joint: by method, then by joint: error after Procrustes alignment of all twelve.
        per_clip: PA-MPJPE by recording, then by method.
    """

    frames: int
    compared: int
    overall: dict[str, dict[str, Score]]
    per_joint: dict[str, dict[str, Score]]
    per_clip: dict[str, dict[str, Score]]


def limb_poses(poses: Iterable[PoseChunk], reference: PoseReference) -> LimbPoses:
    """Bring the main person of a lifted video and a reference together.

    Frames count where the person was seen (not interpolated).

    Raises:
        DatasetInvalid: no frame can be compared; says why.
    """
    chunks = list(poses)
    if not chunks or all(chunk.track.hint_m is None for chunk in chunks):
        raise DatasetInvalid(f"'{reference.name}': the estimator found nobody, or has no 3D.")
    time_s = np.concatenate([chunk.track.frame_time_s for chunk in chunks])
    ours_m = np.concatenate([chunk.joints_m[0][:, _OUR_PLACES] for chunk in chunks])
    peer_m = np.concatenate([_hint(chunk)[:, _HINT_PLACES] for chunk in chunks])
    seen = np.concatenate([chunk.track.observed[0] for chunk in chunks])
    truth_m = reference.at(time_s)
    in_span = (time_s >= reference.time_s[0]) & (time_s <= reference.time_s[-1])
    if not in_span.any():
        raise DatasetInvalid(
            f"'{reference.name}': its times ({reference.time_s[0]:.2f} to "
            f"{reference.time_s[-1]:.2f} s) and the video's ({time_s[0]:.2f} to "
            f"{time_s[-1]:.2f} s) do not meet."
        )
    whole = seen.copy()
    for joints_m in (ours_m, peer_m, truth_m):
        whole &= np.isfinite(joints_m).all((1, 2))
    if not whole.any():
        raise DatasetInvalid(
            f"'{reference.name}': no frame has all twelve joints of the reference, the lifter and "
            "the 2D estimator."
        )
    ours_m, peer_m, truth_m = (
        _from_hips(joints_m[whole].astype(np.float64)) for joints_m in (ours_m, peer_m, truth_m)
    )
    return LimbPoses(
        name=reference.name,
        frames=int(in_span.sum()),
        time_s=time_s[whole],
        ours_m=ours_m,
        peer_m=peer_m,
        truth_m=truth_m,
        in_camera_axes=reference.R_camera_world is not None,
    )


def score_peers(clips: Sequence[LimbPoses], peer: str, seed: int = 0) -> PeerScores:
    """Mean errors of both, and of their difference, with 95 % intervals by blocks of frames.

    PA-MPJPE always; MPJPE and N-MPJPE, from the middle of the hips, if every reference knows its
    camera.

    Args:
        clips: at least one.
        peer: what to call the other method.
        seed: of the bootstrap.
    """
    metrics = {"pa_mpjpe": pa_mpjpe}
    if all(clip.in_camera_axes for clip in clips):
        metrics = {"mpjpe": mpjpe, "n_mpjpe": n_mpjpe, **metrics}
    values = {
        method: {
            metric: [1000 * measure(joints_m, clip.truth_m) for clip, joints_m in both]
            for metric, measure in metrics.items()
        }
        for method, both in _by_method(clips, peer).items()
    }
    values[DIFFERENCE] = {
        metric: [ours - theirs for ours, theirs in zip(rows, values[peer][metric], strict=True)]
        for metric, rows in values[OURS].items()
    }
    blocks = [_block_frames(clip) for clip in clips]
    names = [clip.name for clip in clips]
    return PeerScores(
        frames=sum(clip.frames for clip in clips),
        compared=sum(len(clip.time_s) for clip in clips),
        overall={
            method: {metric: _score(rows, blocks, seed) for metric, rows in of_method.items()}
            for method, of_method in values.items()
        },
        per_joint=_per_joint(clips, peer, blocks, seed),
        per_clip={
            name if names.count(name) == 1 else f"{name} ({place + 1})": {
                method: _score([of_method["pa_mpjpe"][place]], [blocks[place]], seed)
                for method, of_method in values.items()
            }
            for place, name in enumerate(names)
        },
    )


_Joints = Float64[np.ndarray, "frames 12 3"]


def _by_method(
    clips: Sequence[LimbPoses], peer: str
) -> Mapping[str, list[tuple[LimbPoses, _Joints]]]:
    return {
        OURS: [(clip, clip.ours_m) for clip in clips],
        peer: [(clip, clip.peer_m) for clip in clips],
    }


def _per_joint(
    clips: Sequence[LimbPoses], peer: str, blocks: list[int], seed: int
) -> dict[str, dict[str, Score]]:
    table = {}
    for method, both in _by_method(clips, peer).items():
        errors = [
            1000 * joint_errors(procrustes_aligned(joints_m, clip.truth_m), clip.truth_m)
            for clip, joints_m in both
        ]
        table[method] = {
            name: _score([rows[:, place] for rows in errors], blocks, seed)
            for place, name in enumerate(LIMB_JOINTS)
        }
    return table


def _score(rows: list[Float64[np.ndarray, "_"]], blocks: list[int], seed: int) -> Score:
    together = np.concatenate(rows)
    return Score(float(together.mean()), *block_interval(rows, blocks, seed), len(together))


def _block_frames(clip: LimbPoses) -> int:
    if len(clip.time_s) < 2:
        return 1
    return max(1, round(BLOCK_S / float(np.median(np.diff(clip.time_s)))))


def _hint(chunk: PoseChunk) -> np.ndarray:
    if chunk.track.hint_m is None:
        return np.full((len(chunk), len(KEYPOINT_NAMES), 3), np.nan)
    return chunk.track.hint_m[0]


def _from_hips(joints_m: _Joints) -> _Joints:
    return joints_m - joints_m[:, _HIPS].mean(axis=1, keepdims=True)
