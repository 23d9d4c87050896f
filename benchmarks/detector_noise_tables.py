"""The study's numbers as tables for a terminal."""

from collections.abc import Iterator
from typing import Any

from rich.table import Table


def tables(found: dict[str, Any]) -> Iterator[Table]:
    """Differences by kind of pair, the fitted noise by part, swaps."""
    yield _by_kind(found)
    yield _by_part("one run against the truth, cm per axis: bias / drift / jitter", found["fitted"])
    if found["modelled"]:
        yield _by_part("the noise of training, cm per axis", _flat(found["modelled"]["parts"]))
    yield _swaps(found)


def _by_kind(found: dict[str, Any]) -> Table:
    table = Table(
        "runs", "2D wrist, cm", "2D ankle, cm", "3D, mm", "tilt", "yaw", "roll", "depth / sideways",
        title="differences: median / 90th percentile",
    )  # fmt: skip
    kinds = dict(found["pairs"])
    if found["modelled"]:
        kinds["training's noise / truth"] = found["modelled"]
    for kind, summary in kinds.items():
        hint = summary["hint"]
        table.add_row(
            kind,
            _spread(summary["parts"]["wrist"]["keypoints_cm"]),
            _spread(summary["parts"]["ankle"]["keypoints_cm"]),
            _spread(hint["pa_mm"]),
            *(_spread(hint["turn_deg"][axis]) for axis in ("tilt", "yaw", "roll")),
            str(hint["depth_over_sideways"]),
        )
    return table


def _by_part(title: str, parts: dict[str, Any]) -> Table:
    table = Table("part", "keypoints", "3D sideways", "3D depth", title=title)
    for name, part in parts.items():
        table.add_row(
            name,
            *(_three(part[k]) for k in ("keypoints_cm", "hint_sideways_cm", "hint_depth_cm")),
        )
    return table


def _flat(parts: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {**part, "keypoints_cm": part["keypoints_cm"]["spectrum"]}
        for name, part in parts.items()
    }


def _swaps(found: dict[str, Any]) -> Table:
    table = Table(
        "chain", "runs", "share", "a minute", "lasts, s", "2D frames", "of them 3D", "3D frames",
        title="left and right exchanged",
    )  # fmt: skip
    kinds = {kind: found["pairs"][kind] for kind in ("heavy / full", "heavy / lite")}
    if found["modelled"]:
        kinds["training's noise / truth"] = found["modelled"]
    for kind, summary in kinds.items():
        for chain, swap in summary["swaps"].items():
            keys = ("share", "a_minute", "median_s", "frames_2d", "frames_both", "frames_3d")
            table.add_row(chain, kind, *(str(swap[key]) for key in keys))
    return table


def _spread(numbers: dict[str, Any]) -> str:
    return f"{numbers['median']} / {numbers['p90']}"


def _three(spectrum: dict[str, Any] | None) -> str:
    if spectrum is None:
        return "-"
    return " / ".join(str(spectrum[part]) for part in ("bias", "drift", "jitter"))
