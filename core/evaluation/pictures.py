"""Pictures of clips: what was seen, what was lifted from it, and what was true."""

from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from core.evaluation.examples import Example
from core.evaluation.metrics import joint_errors
from core.evaluation.stretches import ClipPoses, ScoredJoints
from core.skeleton import KEYPOINT_NAMES
from core.visualize.overlay import LIMBS
from core.visualize.palette import LEFT, RIGHT
from core.visualize.whole_files import whole_file

MOMENTS = 3
_TRUTH, _MIDLINE = "#3a3f4b", "#8b6fc0"
_VIEWS = (("as the camera sees it", 0), ("from the person's side, camera at the left", 2))
"""Title of each view, and the coordinate that runs to the right in it; y is up in both."""


def draw_example(example: Example, joints: ScoredJoints, out: Path) -> None:
    """Write a PNG: three moments of the clip below each other, each from two sides.

    Lifted bones are coloured by side of the body, each joint with a disc of one sigma; the truth is
    dark and thin. Axes are metres from the root.

    Args:
        example: the clip, and why it is shown.
        joints: what its joints are.
        out: written anew, when whole.
    """
    stretch = example.stretch
    moments = _moments(stretch)
    figure = Figure(figsize=(10, 3.4 * len(moments) + 0.6), dpi=90)
    figure.suptitle(f"{example.why}: {stretch.clip}, mean error {example.mpjpe_mm:.0f} mm")
    axes = figure.subplots(len(moments), 1 + len(_VIEWS), squeeze=False)
    top = 1 - 0.6 / figure.get_figheight()
    figure.subplots_adjust(left=0.02, right=0.98, bottom=0.03, top=top, hspace=0.2, wspace=0.12)
    reach_m = _reach_m(stretch, moments)
    for row, moment in zip(axes, moments, strict=True):
        _draw_seen(row[0], stretch, moment)
        for panel, (title, across) in zip(row[1:], _VIEWS, strict=True):
            _draw_view(panel, stretch, moment, joints, across)
            panel.set_title(title, fontsize=9)
            panel.set(xlim=(-reach_m, reach_m), ylim=(-reach_m, reach_m), aspect="equal")
            panel.tick_params(labelsize=7)
    with whole_file(out) as partial:
        figure.savefig(partial, format="png")


def _moments(stretch: ClipPoses) -> list[int]:
    """Frames spread over what was predicted."""
    known = np.flatnonzero(np.isfinite(stretch.predicted_m).all((1, 2)))
    shares = (np.arange(MOMENTS) + 0.5) / MOMENTS
    return sorted({int(known[int(share * len(known))]) for share in shares})


def _reach_m(stretch: ClipPoses, moments: list[int]) -> float:
    shown = np.concatenate([stretch.predicted_m[moments], stretch.truth_m[moments]])
    return 1.08 * max(0.5, float(np.abs(shown).max()))


def _draw_seen(panel: Axes, stretch: ClipPoses, moment: int) -> None:
    panel.set_title(f"2D input, frame {moment}", fontsize=9)
    panel.set(xticks=[], yticks=[], aspect="equal")
    if stretch.seen is None:
        return
    points = stretch.seen[moment]
    known = np.isfinite(points).all(-1)
    limbs = [pair for pair in LIMBS if known[list(pair)].all()]
    names = [KEYPOINT_NAMES[end] for _, end in limbs]
    panel.add_collection(
        LineCollection([points[list(pair)] for pair in limbs], colors=_colours(names), linewidths=2)
    )
    panel.scatter(*points[known].T, s=4, color=_TRUTH, zorder=3)
    panel.autoscale_view()
    if not panel.yaxis_inverted():
        panel.invert_yaxis()


def _draw_view(
    panel: Axes, stretch: ClipPoses, moment: int, joints: ScoredJoints, across: int
) -> None:
    lifted = _flat(stretch.predicted_m[moment], across)
    truth = _flat(stretch.truth_m[moment], across)
    names = [joints.names[child] for child, _ in joints.bones]
    bones = [list(bone) for bone in joints.bones]
    if stretch.sigma_m is not None:
        radii = np.nan_to_num(stretch.sigma_m[moment])
        discs = [Circle((x, y), r) for (x, y), r in zip(lifted, radii, strict=True)]
        colours = _colours(joints.names)
        panel.add_collection(PatchCollection(discs, facecolors=colours, alpha=0.22, linewidths=0))
    panel.add_collection(
        LineCollection([lifted[bone] for bone in bones], colors=_colours(names), linewidths=2.6)
    )
    panel.add_collection(
        LineCollection([truth[bone] for bone in bones], colors=_TRUTH, linewidths=1.1)
    )
    error_mm = 1000 * float(
        joint_errors(stretch.predicted_m[moment], stretch.truth_m[moment]).mean()
    )
    panel.text(0.02, 0.02, f"{error_mm:.0f} mm", transform=panel.transAxes, fontsize=8)


def _flat(joints_m: Float[np.ndarray, "joints 3"], across: int) -> Float[np.ndarray, "joints 2"]:
    return np.stack([joints_m[:, across], -joints_m[:, 1]], axis=1)


def _colours(names: list[str] | tuple[str, ...]) -> list[str]:
    return [_colour(name) for name in names]


def _colour(name: str) -> str:
    for side, colour in (("left", LEFT), ("right", RIGHT)):
        if side in name:
            return "#{:02x}{:02x}{:02x}".format(*colour)
    return _MIDLINE
