"""Training windows from recorded pairs: the 2D of a dataset, and the 3D that belongs to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from core.cameras import assumed_focal_px, pixels_to_rays
from core.errors import ConfigInvalid, DatasetInvalid
from core.skeleton import BODY, KEYPOINT_MIRROR, KEYPOINT_NAMES
from core.training.bodies import mirrored
from core.training.dice import Dice
from core.training.formats.sequence import PoseSequence
from core.training.hiding import draw_known
from core.training.sampler import Batch, Difficulty
from core.training.sources import WindowMix

_TRUNK_M = (0.2, 1.5)
"""From pelvis to head top, of anybody: in other units a body is far outside."""
_MIRROR = torch.from_numpy(KEYPOINT_MIRROR)


@dataclass(frozen=True, eq=False)
class PairLibrary:
    """Frames of all sequences end to end, in the lifter's terms.

    Attributes:
        rays: NaN where unknown; keypoints that the dataset never has are left out.
        confidence: 0 where unknown.
        keypoints: which of our 33 the columns of ``rays`` are.
        joints_m: metres, pelvis-relative, camera frame.
        starts: of each sequence.
        lengths: of each sequence.
        fps: of each sequence; NaN where frames stand alone.
    """

    rays: Float32[Tensor, "frames known 2"]
    confidence: Float32[Tensor, "frames known"]
    keypoints: Int64[Tensor, "known"]
    joints_m: Float32[Tensor, "frames 28 3"]
    starts: Int64[Tensor, "sequences"]
    lengths: Int64[Tensor, "sequences"]
    fps: Float[Tensor, "sequences"]

    @classmethod
    def of(cls, sequences: Sequence[PoseSequence]) -> Self:
        """Bring sequences of one layout into the lifter's terms.

        Raises:
            DatasetInvalid: there is no 2D, the layout lacks some of our joints, or numbers are not
                what they should be; names clip and frame.
        """
        layout = sequences[0].layout
        if len(layout.body) < len(BODY):
            raise DatasetInvalid(
                f"'{sequences[0].name}' has the joints of {layout.name}, {len(layout.body)} of our "
                f"{len(BODY)}: it can be measured on, but a lifter cannot learn all joints from it."
            )
        spots = list(layout.keypoints.values())
        seen = [_seen(each, spots) for each in sequences]
        joints = np.concatenate([each.joints_m for each in sequences])
        joints = joints[:, [layout.body[name] for name in BODY.names]]
        lengths = torch.tensor([len(each) for each in sequences])
        return cls(
            rays=torch.from_numpy(np.concatenate([rays for rays, _ in seen])),
            confidence=torch.from_numpy(np.concatenate([sure for _, sure in seen])),
            keypoints=torch.tensor([KEYPOINT_NAMES.index(name) for name in layout.keypoints]),
            joints_m=torch.from_numpy(joints - joints[:, BODY.root, None]),
            starts=lengths.cumsum(0) - lengths,
            lengths=lengths,
            fps=torch.tensor([each.fps or torch.nan for each in sequences]),
        )


@dataclass(frozen=True, eq=False)
class PairSource:
    """Windows of recorded frames, each frame once an epoch, in an order drawn for each epoch.

    Of the difficulties only mirror images (``bodies``) and ``hiding`` apply: the 2D has its own
    noise, from its own camera.

    Raises:
        ConfigInvalid: windows of several frames are asked for where frames stand alone.
    """

    library: PairLibrary
    difficulty: Difficulty
    mix: WindowMix
    seed: int

    def __post_init__(self) -> None:
        if max(self.mix.shares) > 1 and self.library.fps.isnan().any():
            raise ConfigInvalid(
                "The frames of these pairs stand alone, at no known frame rate: set training field "
                "'window_frames' to {1: 1}."
            )

    @property
    def steps_per_epoch(self) -> int:
        """The last one may be smaller."""
        return -(-len(self.library.joints_m) // self.mix.frames_per_step)

    def draw(self, dice: Dice, step: int) -> Batch:
        frames = self.mix.draw_length(dice)
        epoch, place = divmod(step, self.steps_per_epoch)
        order = _order(len(self.library.joints_m), self.seed, epoch)
        budget = self.mix.frames_per_step
        around = order[place * budget : (place + 1) * budget : frames].contiguous()
        batch = self.windows_around(around, frames)
        if self.difficulty.bodies:
            batch = _mirrored_by_half(dice, batch)
        if self.difficulty.hiding:
            batch = _hidden(batch, draw_known(dice, len(batch.rays), frames))
        return batch

    def windows_around(self, around: Int64[Tensor, "windows"], frames: int) -> Batch:
        """Windows that hold these frames; sequences that are too short end in absent frames."""
        library = self.library
        clip = torch.searchsorted(library.starts, around, right=True) - 1
        first, end = library.starts[clip], library.starts[clip] + library.lengths[clip]
        start = torch.maximum(torch.minimum(around, end - frames), first)
        rows = start[:, None] + torch.arange(frames)
        inside = rows < end[:, None]
        rows = torch.minimum(rows, end[:, None] - 1)
        count = len(KEYPOINT_NAMES)
        rays = torch.full((*rows.shape, count, 2), torch.nan)
        confidence = torch.zeros(*rows.shape, count)
        rays[:, :, library.keypoints] = library.rays[rows]
        confidence[:, :, library.keypoints] = library.confidence[rows]
        time_s = torch.arange(frames) / library.fps[clip].nan_to_num(1.0)[:, None]
        joints_m = library.joints_m[rows]
        whole = Batch(rays, confidence, time_s, joints_m, inside)
        return _hidden(whole, inside[..., None].expand_as(confidence))


@lru_cache(maxsize=4)
def _order(frames: int, seed: int, epoch: int) -> Int64[Tensor, "frames"]:
    # Epochs of one seed and of neighbouring seeds must not share their orders.
    mixed = int(np.random.SeedSequence((seed, epoch, 1)).generate_state(1, np.uint64)[0])
    return torch.randperm(frames, generator=torch.Generator().manual_seed(mixed))


def _hidden(batch: Batch, known: Tensor) -> Batch:
    confidence = batch.confidence * known
    rays = torch.where(confidence[..., None] > 0, batch.rays, torch.nan)
    return batch._replace(rays=rays, confidence=confidence, present=(confidence > 0).any(-1))


def _mirrored_by_half(dice: Dice, batch: Batch) -> Batch:
    flip = dice.chance((len(batch.rays), 1, 1), 0.5)
    across = torch.tensor([-1.0, 1.0])
    rays = torch.where(flip[..., None], batch.rays[:, :, _MIRROR] * across, batch.rays)
    confidence = torch.where(flip, batch.confidence[:, :, _MIRROR], batch.confidence)
    joints_m = torch.where(flip[..., None], mirrored(batch.joints_m), batch.joints_m)
    return batch._replace(rays=rays, confidence=confidence, joints_m=joints_m)


def _seen(
    sequence: PoseSequence, spots: list[int]
) -> tuple[Float32[np.ndarray, "frames known 2"], Float32[np.ndarray, "frames known"]]:
    """Rays and confidence of the keypoints that we have as well; refuses what cannot be learnt."""
    name = sequence.name
    if sequence.keypoints_px is None or sequence.axes != "camera":
        raise DatasetInvalid(f"Clip '{name}' has no 2D with its 3D in camera axes.")
    _refuse_other_units(sequence)
    width, height = sequence.width_px or 1, sequence.height_px or 1
    pixels = sequence.keypoints_px[:, spots]
    rays = pixels_to_rays(pixels, width, height, assumed_focal_px(width, height))
    confidence = np.ones(rays.shape[:2], np.float32)
    if sequence.confidence is not None:
        confidence = sequence.confidence[:, spots].astype(np.float32)
        bad = np.flatnonzero(~((confidence >= 0) & (confidence <= 1)).all(1))
        if len(bad):
            raise DatasetInvalid(
                f"Clip '{name}' has a confidence that is not between 0 and 1 in frame {bad[0]}."
            )
    known = np.isfinite(rays).all(-1) & (confidence > 0)
    return np.where(known[..., None], rays, np.float32(np.nan)), confidence * known


def _refuse_other_units(sequence: PoseSequence) -> None:
    body = sequence.layout.body
    trunk = sequence.joints_m[:, body["head_top"]] - sequence.joints_m[:, body["pelvis"]]
    height_m = float(np.median(np.linalg.norm(trunk, axis=-1)))
    if not _TRUNK_M[0] < height_m < _TRUNK_M[1]:
        raise DatasetInvalid(
            f"Clip '{sequence.name}' shows bodies whose head is {height_m:.3g} m from the pelvis: "
            "its 3D is in other units than the format says."
        )
