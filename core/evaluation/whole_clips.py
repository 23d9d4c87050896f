"""Held-out people lifted as users get them: whole clips, of every kind of 2D.

Training measures windows of 27 frames. What a user gets went through overlapping windows, their
blend, and smoothing; here errors and sigma are those. Every subject counts the same, however many
of their clips there are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch

from core.evaluation.circumstances_seen import circumstances_of
from core.evaluation.clip_watching import ClipWatchingDice
from core.evaluation.predictions import CAMERA, lift_clips, track_of
from core.evaluation.stretches import ClipPoses
from core.models import Lifter
from core.skeleton import KEYPOINT_NAMES
from core.training.dice import Dice
from core.training.heldout import in_layout
from core.training.motion import MotionLibrary
from core.training.sampler import CLEAN, HINTED, NOISY, Batch, Difficulty, draw_batch

CLIP_FRAMES = 135
"""Two of the lifter's windows with their overlap; 4.5 s at 30 frames a second."""
_CLIPS_AT_ONCE = 16


@dataclass(frozen=True)
class Condition:
    """What kind of 2D.

    Attributes:
        difficulty: how the keypoints are drawn.
        limb_hidden: whether one arm or leg is missing for a part of the clip.
        layout: the keypoints that there are; None for all 33.
    """

    difficulty: Difficulty
    limb_hidden: bool = False
    layout: str | None = None


CONDITIONS: Mapping[str, Condition] = {
    "clean": Condition(CLEAN),
    "noisy": Condition(NOISY),
    "hinted": Condition(HINTED),
    "hidden": Condition(NOISY, limb_hidden=True),
    "clean, coco17": Condition(CLEAN, layout="coco17"),
    "clean, h36m17": Condition(CLEAN, layout="h36m17"),
}
"""Exact keypoints; a detector's; a detector's with its own 3D; a detector's without a limb; exact
ones, but only those of another layout."""


def _limb(side: str, parts: tuple[str, ...]) -> list[int]:
    return [KEYPOINT_NAMES.index(f"{side}_{part}") for part in parts]


_ARM = ("elbow", "wrist", "pinky", "index", "thumb")
_LEG = ("knee", "ankle", "heel", "foot_index")
LIMBS = tuple(_limb(side, parts) for side in ("left", "right") for parts in (_ARM, _LEG))
"""Keypoints of left arm, left leg, right arm and right leg."""


def lift_held_out(
    model: torch.nn.Module,
    library: MotionLibrary,
    condition: Condition,
    *,
    clips: int,
    seed: int,
    device: torch.device,
    actions: Mapping[str, str] | None = None,
    smoothing: bool = True,
    tells: Lifter | None = None,
) -> Iterator[ClipPoses]:
    """Draw clips of each subject in turn, and lift them.

    Args:
        model: a :class:`core.models.Lifter` or its like, on ``device``, in evaluation mode.
        library: of held-out subjects.
        condition: what kind of 2D.
        clips: how many of each subject.
        seed: of clips, cameras and noise.
        device: where the model is.
        actions: what a clip is counted under, by its name; ``all`` for clips that are missing.
        smoothing: false leaves out the last step of what a user gets.
        tells: the model's lifter, if it goes by circumstances and they are wanted too.
    """
    actions = actions or {}
    for subject in sorted(set(library.subjects)):
        theirs = library.of_subjects([subject], inside=True)
        dice = ClipWatchingDice(seed, theirs.weights)
        for start in range(0, clips, _CLIPS_AT_ONCE):
            batch = draw_clips(theirs, dice, min(_CLIPS_AT_ONCE, clips - start), condition)
            names = [theirs.names[clip] for clip in dice.clips[-1]]
            kinds = [actions.get(name, "all") for name in names]
            lifted = lift_clips(model, batch, names, kinds, device, smoothing=smoothing)
            yield from (
                lifted if tells is None else _with_circumstances(lifted, batch, tells, device)
            )


def _with_circumstances(
    lifted: list[ClipPoses], batch: Batch, lifter: Lifter, device: torch.device
) -> Iterator[ClipPoses]:
    for row, stretch in enumerate(lifted):
        told = circumstances_of(lifter, track_of(batch, row), CAMERA, device)
        yield replace(stretch, circumstances=told)


def draw_clips(library: MotionLibrary, dice: Dice, clips: int, condition: Condition) -> Batch:
    """Clips of :data:`CLIP_FRAMES` frames from random cameras, as the condition has them."""
    batch = draw_batch(library, dice, clips, CLIP_FRAMES, condition.difficulty)
    if condition.layout is not None:
        batch = in_layout(batch, condition.layout)
    return _without_a_limb(batch, dice) if condition.limb_hidden else batch


def _without_a_limb(batch: Batch, dice: Dice) -> Batch:
    """Hide one limb of each clip for a third of its frames up to all of them."""
    clips, frames = batch.confidence.shape[:2]
    limbs = torch.zeros(len(LIMBS), len(KEYPOINT_NAMES), dtype=torch.bool)
    for row, points in enumerate(LIMBS):
        limbs[row, points] = True
    limb = limbs[dice.integers((clips,), len(LIMBS))]  # (B, P)
    share = dice.uniform((clips, 1), 1 / 3, 1.0)
    start = dice.uniform((clips, 1)) * (1 - share)
    place = torch.arange(frames) / frames  # (T)
    while_hidden = (place >= start) & (place < start + share)  # (B, T)
    hidden = while_hidden[..., None] & limb[:, None]
    confidence = batch.confidence.masked_fill(hidden, 0)
    return batch._replace(
        confidence=confidence,
        rays=batch.rays.masked_fill(hidden[..., None], torch.nan),
        present=(confidence > 0).any(-1),
    )
