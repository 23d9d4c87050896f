"""Two small pictures of the study."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # before pyplot, which would look for a screen

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_PACES = ("bias", "drift", "jitter")
_COLOURS = ("#35618f", "#5aa9c9", "#c9dfe8")
_DPI = 80


def draw(found: dict[str, Any], folder: Path) -> None:
    """Write ``detector-noise-parts.png`` and ``detector-noise-confidence.png``."""
    figure, places = plt.subplots(1, 3, figsize=(12, 3.6), sharey=True)
    columns = {
        "keypoints_cm": "2D",
        "hint_sideways_cm": "3D, sideways",
        "hint_depth_cm": "3D, depth",
    }
    for place, (column, title) in zip(places, columns.items(), strict=True):
        _stack(place, {name: part[column] for name, part in found["fitted"].items()})
        place.set_title(title)
    places[0].set_ylabel("standard deviation per axis, cm")
    places[0].legend(_PACES, frameon=False)
    _finish(figure, folder / "detector-noise-parts.png")

    figure, place = plt.subplots(figsize=(6, 3.4))
    for kind, colour in (("heavy / full", _COLOURS[0]), ("heavy / mirrored", _COLOURS[1])):
        steps = found["pairs"][kind]["confidence"]
        names = [f"{step['from']:g}-{step['to']:g}" for step in steps]
        for quantile, line in (("median", "-"), ("p90", "--")):
            heights = [step["keypoints_cm"][quantile] or np.nan for step in steps]
            place.plot(names, heights, line, color=colour, label=f"{kind}, {quantile}")
    place.set_xlabel("confidence")
    place.set_ylabel("2D difference, cm")
    place.legend(frameon=False)
    _finish(figure, folder / "detector-noise-confidence.png")


def _stack(place: Axes, parts: dict[str, Any]) -> None:
    """Bars whose heights add up in squares: the top is the whole standard deviation."""
    names = [name for name, part in parts.items() if part is not None]
    below = np.zeros(len(names))
    for pace, colour in zip(_PACES, _COLOURS, strict=True):
        values = np.array([parts[name][pace] or 0.0 for name in names])
        top = np.sqrt(below**2 + values**2)
        place.bar(names, top - below, bottom=below, color=colour)
        below = top
    place.tick_params(axis="x", rotation=60)
    place.spines[["top", "right"]].set_visible(False)


def _finish(figure: Figure, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, dpi=_DPI)
    plt.close(figure)
