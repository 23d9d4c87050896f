"""The reliability plot: what sigma promises against what was found."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from core.errors import OptionError
from core.evaluation.scoring import Evaluation
from core.visualize.whole_files import whole_file

FORMATS = (".svg", ".png", ".pdf")
_COLOURS = ("#2b7bba", "#e07a3f", "#4f9d69", "#8b6fc0", "#c2504d", "#6b7280")
_WITHIN = 2.0
"""The band about the diagonal, in points."""
_OF_BINS = 0.8


def check_format(out: Path) -> None:
    """Refuse a file name before hours of measuring.

    Raises:
        OptionError: the ending is none of :data:`FORMATS`.
    """
    if out.suffix.lower() not in FORMATS:
        raise OptionError(f"'{out.name}': a plot's name must end in {', '.join(FORMATS)}.")


def draw_reliability(cases: Mapping[str, Evaluation], title: str, out: Path) -> None:
    """Write a plot of two panels, one line for each case.

    Left: nominal against measured coverage, with the band within two points. Right: measured
    coverage of the 80 % region where sigma is small and where it is large; bins of less than a
    hundredth of a case's joints are left out.

    Args:
        cases: those without sigma are left out.
        title: above it all.
        out: its ending, one of :data:`FORMATS`, says what is written.

    Raises:
        OptionError: the ending is another.
    """
    check_format(out)
    drawn = {name: case for name, case in cases.items() if case.within}
    figure = Figure(figsize=(9.6, 4.4), dpi=120, layout="constrained")
    figure.suptitle(title, fontsize=10)
    overall, by_sigma = figure.subplots(1, 2)
    _draw_overall(overall, drawn)
    _draw_by_sigma(by_sigma, drawn)
    kind = out.suffix.lower().removeprefix(".")
    # No date and no random names: the same numbers give the same file.
    with mpl.rc_context({"svg.hashsalt": "poselift"}), whole_file(out) as partial:
        dated = {"svg": "Date", "pdf": "CreationDate"}.get(kind)
        figure.savefig(partial, format=kind, metadata={dated: None} if dated else None)


def _draw_overall(panel: Axes, cases: Mapping[str, Evaluation]) -> None:
    panel.fill_between([0, 100], [-_WITHIN, 98], [_WITHIN, 102], color="#e5e7eb", linewidth=0)
    panel.plot([0, 100], [0, 100], color="#9ca3af", linewidth=1)
    for (name, case), colour in zip(cases.items(), _COLOURS, strict=False):
        nominal = [100 * p for p in case.within]
        panel.plot(
            nominal,
            [score.value for score in case.within.values()],
            "o-", color=colour, label=name, markersize=4, linewidth=1.4,
        )  # fmt: skip
    panel.set(xlabel="nominal coverage, %", ylabel="measured, %", xlim=(40, 100), ylim=(30, 101))
    panel.legend(frameon=False, fontsize=9)


def _draw_by_sigma(panel: Axes, cases: Mapping[str, Evaluation]) -> None:
    panel.axhspan(100 * _OF_BINS - _WITHIN, 100 * _OF_BINS + _WITHIN, color="#e5e7eb", linewidth=0)
    panel.axhline(100 * _OF_BINS, color="#9ca3af", linewidth=1)
    for case, colour in zip(cases.values(), _COLOURS, strict=False):
        least = 0.01 * sum(each.joints for each in case.bins)
        shown = [each for each in case.bins if each.joints > least]
        panel.plot(
            [100 * each.mean_sigma_m for each in shown],
            [each.within[_OF_BINS] for each in shown],
            "o-", color=colour, markersize=4, linewidth=1.4,
        )  # fmt: skip
    panel.set(xlabel="sigma, cm (mean of its bin)", ylabel="measured in the 80 % region, %")
    panel.set_ylim(50, 101)
