"""What the GPU benchmark works on: pictures of a real man, and a drawn figure that sways."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32

from core.cameras import assumed_focal_px
from core.chunks import TrackChunk
from core.keypoints.files import KeypointFile
from core.skeleton import BODY
from core.training.dice import Dice
from core.training.motion import MotionLibrary, load_motion
from core.training.sampler import HINTED, Batch, draw_batch
from core.video.frames import Frame
from core.video.stream import probe, stream_frames

FPS = 30
SIZE_PX = (1280, 720)
_SUBJECTS = ("01", "02", "05", "09")
_CAPTURE_FPS = 60
_UNIT_M = 0.00025
# Around the man who stands and gestures, before a woman walks by below him.
_MAN = (slice(60, 420), slice(320, 960))
_FIRST, _FRAMES = 10, 75
_OFFSETS_M = {
    "spine4": (0, 0.12), "spine": (0, 0.12), "spine2": (0, 0.08), "spine3": (0, 0.07),
    "neck": (0, 0.15), "head": (0, 0.1), "head_top": (0, 0.2), "clavicle": (0.05, 0.1),
    "shoulder": (0.13, 0), "elbow": (0.03, -0.28), "wrist": (0.02, -0.25), "hand": (0, -0.08),
    "hip": (0.1, 0), "knee": (0, -0.42), "ankle": (0, -0.42), "foot": (0, -0.06),
    "toe": (0, -0.02),
}  # fmt: skip
_FORWARD_M = {"foot": 0.1, "toe": 0.07}


def pictures_of_a_man(
    clip: Path, count: int, *, whole: bool = False
) -> list[Float32[np.ndarray, "height width 3"]]:
    """From the demo's clip: around one man, 640 x 360, or whole pictures."""
    last = _FIRST + min(count, _FRAMES)
    frames = islice(stream_frames(clip, probe(clip)), _FIRST, last)
    return [frame.rgb if whole else np.ascontiguousarray(frame.rgb[_MAN]) for frame in frames]


def back_and_forth(pictures: list[np.ndarray], count: int) -> Iterator[Frame]:
    """So many frames of a video in memory; nobody ever jumps."""
    there_and_back = [*pictures, *pictures[-2:0:-1]]
    for number in range(count):
        picture = there_and_back[number % len(there_and_back)]
        yield Frame(number, float(Fraction(number, FPS)), picture)


def motion_file(folder: Path, frames: int = 240) -> Path:
    """A figure that sways, in the format of motion files: enough to train for speed, not to learn.

    Args:
        folder: where it goes.
        frames: of each of a few clips.
    """
    path = folder / "swaying.npz"
    clips = [_swaying(frames, seed) for seed in range(len(_SUBJECTS))]
    np.savez(
        path,
        pos=np.round(np.concatenate(clips) / _UNIT_M).astype(np.int16),
        ptr=np.arange(len(clips) + 1) * frames,
        unit_m=np.float32(_UNIT_M),
        clip=np.array([f"{subject}_01" for subject in _SUBJECTS]),
        subject=np.array(_SUBJECTS),
        skel=np.array(["own"] * len(_SUBJECTS)),
        joint_names=np.array(BODY.names),
        parents=np.array(BODY.parents),
        fps=np.float32(_CAPTURE_FPS),
    )
    return path


def swaying(folder: Path) -> MotionLibrary:
    """The same, read."""
    return load_motion(motion_file(folder))


def windows(folder: Path, count: int, frames: int) -> Batch:
    """Input of the lifter, as a detector with hints sees the figure."""
    batch = draw_batch(swaying(folder), Dice(0), count, frames, HINTED)
    time_s = torch.arange(frames, dtype=torch.float32).repeat(count, 1) / FPS
    return batch._replace(rays=batch.rays.nan_to_num(), time_s=time_s)


def track(folder: Path, persons: int, frames: int) -> TrackChunk:
    """The same as people of one video."""
    batch = windows(folder, persons, frames)
    width_px, height_px = SIZE_PX
    middle_px = torch.tensor([width_px / 2, height_px / 2])
    keypoints_px = batch.rays * assumed_focal_px(width_px, height_px) + middle_px
    return TrackChunk(
        frame_index=np.arange(frames),
        frame_time_s=np.arange(frames) / FPS,
        keypoints_px=keypoints_px.numpy(),
        confidence=batch.confidence.numpy(),
        observed=np.ones((persons, frames), bool),
        hint_m=None if batch.hint_m is None else batch.hint_m.numpy(),
    )


def keypoint_file(folder: Path, frames: int) -> KeypointFile:
    """The same as one person's keypoints that a user brings."""
    one = track(folder, 1, frames)
    return KeypointFile(one.keypoints_px[0], one.confidence[0], one.frame_time_s, *SIZE_PX)


def _swaying(frames: int, seed: int) -> Float32[np.ndarray, "frames 28 3"]:
    """Each bone swings about its rest, all at their own pace; metres, y up, on the ground."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(frames) / _CAPTURE_FPS
    positions = np.zeros((frames, len(BODY), 3))
    placed = {BODY.root}
    while len(placed) < len(BODY):
        for joint, parent in enumerate(BODY.parents):
            if joint not in placed and parent in placed:
                rest = _offset_m(BODY.names[joint])
                swing = 0.15 * np.linalg.norm(rest) * np.sin(
                    2 * np.pi * rng.uniform(0.3, 1.2, 3) * time_s[:, None] + rng.uniform(0, 6, 3)
                )  # fmt: skip
                positions[:, joint] = positions[:, parent] + rest + swing
                placed.add(joint)
    positions[..., 1] -= positions[..., 1].min()
    return positions.astype(np.float32)


def _offset_m(name: str) -> np.ndarray:
    side, _, part = name.rpartition("_") if name.startswith(("left", "right")) else ("", "", name)
    across, up = _OFFSETS_M[part]
    return np.array([-across if side == "right" else across, up, _FORWARD_M.get(part, 0.0)])
