"""Endless training windows: motion, a body, a camera and a detector, all drawn anew each time."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from core.skeleton import BODY
from core.training.bodies import other_people
from core.training.dice import Dice
from core.training.hiding import draw_known
from core.training.landmarks import place_landmarks
from core.training.motion import MotionLibrary
from core.training.noise import detect
from core.training.second_opinion import draw_hint
from core.training.tempo import draw_windows, frame_times
from core.training.viewpoints import draw_viewpoint, to_image


class Batch(NamedTuple):
    """Inputs and targets of the lifter.

    Attributes:
        rays: NaN where unknown.
        confidence: 0 where unknown.
        time_s: seconds of each frame.
        joints_m: the truth, metres, pelvis-relative, camera frame.
        present: frames with at least one known keypoint.
        hint_m: the detector's own 3D; NaN where it is not given, None if nowhere.
    """

    rays: Float[Tensor, "batch frames 33 2"]
    confidence: Float[Tensor, "batch frames 33"]
    time_s: Float[Tensor, "batch frames"]
    joints_m: Float[Tensor, "batch frames 28 3"]
    present: Bool[Tensor, "batch frames"]
    hint_m: Float[Tensor, "batch frames 33 3"] | None = None

    def to(self, device: torch.device) -> "Batch":
        return Batch(
            self.rays.to(device),
            self.confidence.to(device),
            self.time_s.to(device),
            self.joints_m.to(device),
            self.present.to(device),
            None if self.hint_m is None else self.hint_m.to(device),
        )


@dataclass(frozen=True)
class Difficulty:
    """What is drawn at random besides motion and camera.

    Attributes:
        bodies: other proportions, mirror images, recombined and tilted bodies, other tempo.
        exact: share of windows whose keypoints are where the joints say, without noise: projected
            mocap, or somebody's careful clicks.
        noise: share of the other windows that are seen through a detector.
        definitions: their landmarks wander about their nominal places from clip to clip; of exact
            windows, in one of two.
        fitted: share of the windows whose hips and shoulders are those of a motion capture's
            skeleton, mostly with the keypoints of Human3.6M-17.
        hiding: other layouts, cropped bodies, missing frames.
        hint: share of the windows with the detector's noise, and all its keypoints, that come
            with its own 3D as well.
        told: share of the windows whose focal length the user's side knows.
    """

    bodies: bool = True
    exact: float = 0.15
    noise: float = 0.95
    definitions: bool = True
    fitted: float = 0.1
    hiding: bool = True
    hint: float = 0.6
    told: float = 0.15


NOISY = Difficulty(bodies=False, exact=0.0, noise=1.0, fitted=0.0, hiding=False, hint=0.0)
CLEAN = replace(NOISY, noise=0.0, definitions=False)
HINTED = replace(NOISY, hint=1.0)
"""Noisy, with the detector's own 3D beside its keypoints: what a video gives."""


def draw_batch(
    library: MotionLibrary, dice: Dice, batch: int, frames: int, difficulty: Difficulty
) -> Batch:
    """Draw windows; the same dice state gives the same batch."""
    times = frame_times(dice, batch, frames)
    motion = draw_windows(library, dice, times, change_tempo=difficulty.bodies)
    world_m = motion.positions_m
    if difficulty.bodies:
        world_m = other_people(dice, world_m, motion.retargeted)
    exact = torch.zeros(batch, dtype=torch.bool)
    if difficulty.exact > 0:
        exact = dice.chance((batch,), difficulty.exact)
    vary = torch.full_like(exact, difficulty.definitions)
    if difficulty.definitions and difficulty.exact > 0:
        vary = ~exact | dice.chance((batch,), 0.5)
    fitted = None
    if difficulty.fitted > 0:
        fitted = dice.chance((batch,), difficulty.fitted)
    marks_m = place_landmarks(dice, world_m, times, vary=vary, fitted=fitted)
    view = draw_viewpoint(dice, world_m, difficulty.told)
    root = world_m[:, :, BODY.root : BODY.root + 1]
    joints_m = (world_m - root) @ view.rotation[:, None].mT
    points_m = (marks_m - root) @ view.rotation[:, None].mT + view.root_m[:, :, None]
    image = to_image(points_m, view.focal)
    confidence = torch.ones(image.shape[:-1])
    hint_m = torch.full_like(points_m, torch.nan)
    if difficulty.noise > 0:
        noisy = detect(dice, image, points_m, times, view.focal, view.frame)
        through = dice.chance((batch, 1, 1), difficulty.noise) & ~exact[:, None, None]
        image = torch.where(through[..., None], noisy.image, image)
        confidence = torch.where(through, noisy.confidence, confidence)
        if difficulty.hint > 0:
            given = through & dice.chance((batch, 1, 1), difficulty.hint)
            opinion = draw_hint(dice, points_m, times, noisy.error_m, noisy.swapped)
            hint_m = torch.where(given[..., None], opinion, hint_m)
    if difficulty.hiding:
        known = draw_known(dice, batch, frames, fitted)
        confidence = confidence * known
        # Only the detector that gives all keypoints gives a hint, and only with them.
        everything = known.any(1, keepdim=True).all(-1, keepdim=True)
        hint_m = torch.where(
            (everything & known.any(-1, keepdim=True))[..., None], hint_m, torch.nan
        )
    rays = image / view.assumed_focal[:, None, None, None]
    rays = torch.where(confidence[..., None] > 0, rays, torch.nan)
    return Batch(rays, confidence, times, joints_m, (confidence > 0).any(-1), hint_m)
