"""The lifter's answer to what a protocol asks, beside the truth."""

import numpy as np
import torch
from jaxtyping import Float32

from core.cameras import Camera
from core.chunks import TrackChunk
from core.errors import DatasetInvalid
from core.evaluation.stretches import ClipPoses, ScoredJoints
from core.lifting.batching import BatchPlanner
from core.lifting.lift import lift_tracks
from core.runs import join_poses
from core.skeleton import BODY, KEYPOINT_NAMES
from core.smoothing import smooth
from core.training.formats.joint_layouts import JointLayout
from core.training.formats.sequence import PoseSequence
from core.training.sampler import Batch

_SIDE_PX = 1000
_WINDOWS_AT_ONCE = 8
_STILLS_AT_ONCE = 256

CAMERA = Camera.assumed(_SIDE_PX, _SIDE_PX)
"""Of training windows, which know rays but no pixels."""


@torch.inference_mode()
def lift_windows(
    model: torch.nn.Module, batch: Batch, clips: list[str], actions: list[str], device: torch.device
) -> list[ClipPoses]:
    """Lift training windows; frames in which nothing is known have no prediction.

    Args:
        model: a :class:`core.models.Lifter` or its like, on ``device``, in evaluation mode.
        batch: windows with their truth.
        clips: whose clip each window is from.
        actions: what each window is counted under.
        device: where the model is.
    """
    moved = batch.to(device)
    pose = model(moved.rays, moved.confidence, moved.time_s, moved.hint_m)
    present = batch.present[..., None]
    joints_m = torch.where(present[..., None], pose.joints_m.cpu(), torch.nan).numpy()
    sigma_m = torch.where(present, pose.sigma_m.cpu(), torch.nan).numpy()
    truth_m, time_s, seen = batch.joints_m.numpy(), batch.time_s.numpy(), batch.rays.numpy()
    return [
        ClipPoses(clip, action, joints_m[i], truth_m[i], time_s[i], sigma_m[i], seen[i])
        for i, (clip, action) in enumerate(zip(clips, actions, strict=True))
    ]


def lift_clips(
    model: torch.nn.Module,
    batch: Batch,
    clips: list[str],
    actions: list[str],
    device: torch.device,
    *,
    smoothing: bool = True,
) -> list[ClipPoses]:
    """Lift training windows of any length as a user's video would be.

    That is in overlapping windows of the lifter's own length, blended, and smoothed over time.

    Args:
        model: a :class:`core.models.Lifter` or its like, on ``device``, in evaluation mode.
        batch: clips with their truth.
        clips: whose clip each is from.
        actions: what each is counted under.
        device: where the model is.
        smoothing: false leaves the last step out.
    """
    return [
        _lift_clip(model, batch, row, clip, action, device, smoothing=smoothing)
        for row, (clip, action) in enumerate(zip(clips, actions, strict=True))
    ]


def track_of(batch: Batch, row: int) -> TrackChunk:
    """One window as a track in a square picture of :data:`CAMERA`'s size."""
    rays, present = batch.rays[row].numpy(), batch.present[row].numpy()
    hint_m = None if batch.hint_m is None else batch.hint_m[row].numpy()[None]
    return TrackChunk(
        frame_index=np.arange(len(rays)),
        frame_time_s=batch.time_s[row].numpy().astype(np.float64),
        keypoints_px=CAMERA.pixels(rays)[None],
        confidence=np.where(present[:, None], batch.confidence[row].numpy(), np.nan)[None],
        observed=present[None],
        hint_m=hint_m,
    )


def _lift_clip(
    model: torch.nn.Module,
    batch: Batch,
    row: int,
    clip: str,
    action: str,
    device: torch.device,
    *,
    smoothing: bool,
) -> ClipPoses:
    track = track_of(batch, row)
    joints_m, sigma_m = lift_track(model, track, CAMERA, device, smoothing=smoothing)
    return ClipPoses(
        clip=clip,
        action=action,
        predicted_m=joints_m,
        truth_m=batch.joints_m[row].numpy(),
        time_s=track.frame_time_s,
        sigma_m=sigma_m,
        seen=track.keypoints_px[0],
    )


def scored_joints(layout: JointLayout) -> ScoredJoints:
    """The joints that a dataset shares with us."""
    return ScoredJoints(layout.names, layout.bones, layout.names.index("pelvis"))


def lift_sequence(
    model: torch.nn.Module, sequence: PoseSequence, device: torch.device
) -> ClipPoses:
    """Lift a dataset's 2D as a user's would be, and keep the joints that both have.

    Raises:
        DatasetInvalid: the sequence has no 2D, or its 3D is not in camera axes.
    """
    if sequence.keypoints_px is None or sequence.axes != "camera":
        raise DatasetInvalid(f"Clip '{sequence.name}' has no 2D to lift: give the 2D file too.")
    keypoints_px, confidence = _keypoints(sequence)
    camera = Camera.assumed(sequence.width_px or 1, sequence.height_px or 1)
    if sequence.fps is None:
        time_s = None
        joints_m, sigma_m = _lift_stills(model, camera.rays(keypoints_px), confidence, device)
    else:
        time_s = np.arange(len(sequence)) / sequence.fps
        track = TrackChunk(
            frame_index=np.arange(len(sequence)),
            frame_time_s=time_s,
            keypoints_px=keypoints_px[None],
            confidence=confidence[None],
            observed=np.any(confidence > 0, axis=1)[None],
        )
        joints_m, sigma_m = lift_track(model, track, camera, device, smoothing=False)
    ours = [BODY.index(name) for name in sequence.layout.names]
    theirs = [sequence.layout.body[name] for name in sequence.layout.names]
    root = sequence.layout.body["pelvis"]
    truth_m = sequence.joints_m - sequence.joints_m[:, root : root + 1]
    return ClipPoses(
        clip=sequence.name,
        action=sequence.action,
        predicted_m=joints_m[:, ours],
        truth_m=truth_m[:, theirs],
        time_s=time_s,
        sigma_m=sigma_m[:, ours],
        seen=keypoints_px,
    )


def _keypoints(
    sequence: PoseSequence,
) -> tuple[Float32[np.ndarray, "frames 33 2"], Float32[np.ndarray, "frames 33"]]:
    """The dataset's 2D in the places of our 33; what it lacks is NaN with confidence 0."""
    pixels = sequence.keypoints_px
    keypoints_px = np.full((len(sequence), len(KEYPOINT_NAMES), 2), np.nan, np.float32)
    confidence = np.zeros(keypoints_px.shape[:2], np.float32)
    for name, place in sequence.layout.keypoints.items():
        spot = KEYPOINT_NAMES.index(name)
        keypoints_px[:, spot] = np.nan if pixels is None else pixels[:, place]
        confidence[:, spot] = 1 if sequence.confidence is None else sequence.confidence[:, place]
    unknown = ~np.isfinite(keypoints_px).all(-1) | ~(confidence > 0)
    keypoints_px[unknown], confidence[unknown] = np.nan, 0
    return keypoints_px, confidence


_Lifted = tuple[Float32[np.ndarray, "frames 28 3"], Float32[np.ndarray, "frames 28"]]


def lift_track(
    model: torch.nn.Module,
    track: TrackChunk,
    camera: Camera,
    device: torch.device,
    *,
    smoothing: bool,
) -> _Lifted:
    """Joints and sigma of the track's one person, NaN in frames without them."""
    lifted = lift_tracks(
        [track],
        lifter=model,
        planner=BatchPlanner(_WINDOWS_AT_ONCE),
        camera=camera,
        device=device,
    )
    poses = join_poses(list(smooth(lifted) if smoothing else lifted))
    return poses.joints_m[0], poses.sigma_m[0]


@torch.inference_mode()
def _lift_stills(
    model: torch.nn.Module,
    rays: Float32[np.ndarray, "frames 33 2"],
    confidence: Float32[np.ndarray, "frames 33"],
    device: torch.device,
) -> _Lifted:
    """Every frame by itself."""
    joints_m, sigma_m = [], []
    for start in range(0, len(rays), _STILLS_AT_ONCE):
        part = slice(start, start + _STILLS_AT_ONCE)
        seen = torch.from_numpy(confidence[part])[:, None]
        places = torch.from_numpy(rays[part])[:, None]
        pose = model(places.to(device), seen.to(device), torch.zeros(seen.shape[:2]).to(device))
        unseen = ~(seen > 0).any(-1)[..., None]
        joints_m.append(pose.joints_m.cpu().masked_fill(unseen[..., None], torch.nan)[:, 0].numpy())
        sigma_m.append(pose.sigma_m.cpu().masked_fill(unseen, torch.nan)[:, 0].numpy())
    return np.concatenate(joints_m), np.concatenate(sigma_m)
