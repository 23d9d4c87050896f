"""``python -m benchmarks lenses --motion NPZ``: what telling the lens is worth, by lens.

The same held-out windows are seen by ever longer lenses, each from as far away as fills the picture
alike, and lifted three times: with the lens assumed, told, and told as users' are
(:data:`core.cameras.LONGEST_SHOWN`).
"""

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from rich.console import Console
from rich.table import Table
from torch import Tensor

from core.cameras import ASSUMED_FOCAL, LONGEST_SHOWN
from core.checkpoints import load_lifter
from core.evaluation.metrics import mpjpe, pa_mpjpe
from core.lenses import FILM_WIDTH_MM
from core.models.mirror import MirrorAveraged
from core.skeleton import BODY
from core.training.dice import Dice
from core.training.landmarks import place_landmarks
from core.training.motion import HELD_OUT_SUBJECTS, MotionLibrary, load_motion
from core.training.tempo import draw_windows
from core.training.viewpoints import camera_axes, to_image

LENSES_MM = (11, 18, 26, 40, 83, 144, 288, 720)
_FRAMES, _RATE = 27, 30.0
_PERSON_M, _FILLED, _ASPECT = 1.75, 0.8, 9 / 16
_PITCH = 0.1


@dataclass(frozen=True)
class Scene:
    """Windows of people before a camera a few degrees above level, all in the middle.

    Attributes:
        joints_m: the truth, pelvis-relative, camera frame.
        marks_m: what a detector sees of it, likewise.
        time_s: of each frame.
    """

    joints_m: Float[Tensor, "windows frames 28 3"]
    marks_m: Float[Tensor, "windows frames 33 3"]
    time_s: Float[Tensor, "windows frames"]


def draw_scene(library: MotionLibrary, dice: Dice, windows: int) -> Scene:
    """Motion at 30 frames a second, from all round."""
    time_s = (torch.arange(_FRAMES) / _RATE).expand(windows, -1)
    world_m = draw_windows(library, dice, time_s, change_tempo=False).positions_m
    never = torch.zeros(windows, dtype=torch.bool)
    marks_m = place_landmarks(dice, world_m, time_s, vary=never)
    yaw = dice.uniform((windows,), -math.pi, math.pi)
    axes = camera_axes(yaw, torch.full_like(yaw, _PITCH), torch.zeros_like(yaw))[:, None].mT
    root = world_m[:, :, BODY.root : BODY.root + 1]
    return Scene((world_m - root) @ axes, (marks_m - root) @ axes, time_s)


def distance_m(focal: float) -> float:
    """From where somebody fills four fifths of the height of a 16:9 picture."""
    return _PERSON_M * focal / (_FILLED * _ASPECT)


@torch.inference_mode()
def errors_mm(
    model: torch.nn.Module, scene: Scene, focal: float, shown: float
) -> tuple[float, float]:
    """MPJPE and PA-MPJPE through a lens, when the lifter is shown another one.

    Args:
        model: the lifter.
        scene: what is seen.
        focal: true focal length over the picture's longer side.
        shown: the one that rays are computed with.
    """
    points_m = scene.marks_m + torch.tensor([0.0, 0.0, distance_m(focal)])
    rays = to_image(points_m, torch.full((len(points_m),), focal)) / shown
    pose = model(rays, torch.ones(rays.shape[:-1]), scene.time_s)
    predicted, true = (each.flatten(0, 1).numpy() for each in (pose.joints_m, scene.joints_m))
    mean, aligned = (1000 * float(f(predicted, true).mean()) for f in (mpjpe, pa_mpjpe))
    return mean, aligned


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks lenses", description=__doc__)
    parser.add_argument("--motion", type=Path, required=True, metavar="NPZ")
    parser.add_argument("--checkpoint", type=Path, help="a lifter (default: base)")
    parser.add_argument("--windows", type=int, default=192)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    library = load_motion(args.motion).of_subjects(HELD_OUT_SUBJECTS, inside=True)
    scene = draw_scene(library, Dice(args.seed), args.windows)
    loaded = load_lifter(args.checkpoint)
    model = MirrorAveraged(loaded.model).eval()
    table = Table("lens, mm", "distance, m", "assumed", "told", "told, as users' are")
    for lens_mm in LENSES_MM:
        focal = lens_mm / FILM_WIDTH_MM
        found = [
            errors_mm(model, scene, focal, shown)
            for shown in (ASSUMED_FOCAL, focal, min(focal, LONGEST_SHOWN))
        ]
        cells = [f"{mean:.1f} / {aligned:.1f}" for mean, aligned in found]
        table.add_row(str(lens_mm), f"{distance_m(focal):.1f}", *cells)
    console = Console()
    console.print(table)
    console.print(
        f"MPJPE / PA-MPJPE in mm from exact 2D, {args.windows} windows of {_FRAMES} frames of "
        f"held-out people, '{loaded.name}' {loaded.sha256[:12]}.",
        soft_wrap=True,
    )
    return 0
