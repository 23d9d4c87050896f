"""How wrong the 2D detector and its own 3D are, measured on real video without any reference.

``python -m benchmarks detector-noise VIDEO... -o docs`` runs MediaPipe over the same videos again
and again (:mod:`benchmarks.detector_noise_runs`) and writes by how much its answers differ.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.detector_noise_alone import bone_spread, lateness_ms, own_projection, whole_body
from benchmarks.detector_noise_model import modelled_pairs
from benchmarks.detector_noise_numbers import Numbers
from benchmarks.detector_noise_pairs import Pair, compare, person_scale
from benchmarks.detector_noise_pictures import draw
from benchmarks.detector_noise_runs import REFERENCE, Run, Setting, fingerprint, run_all
from benchmarks.detector_noise_summary import PARTS, summarise
from benchmarks.detector_noise_tables import tables
from core.assets.cache import default_cache_folder
from core.contracts import PoseModel
from core.errors import LiftError

NETWORKS = tuple(Setting(model) for model in (PoseModel.HEAVY, PoseModel.FULL, PoseModel.LITE))
HEAVY, FULL, LITE = NETWORKS
KINDS: Mapping[str, tuple[Setting, Setting]] = {
    "heavy / full": (HEAVY, FULL),
    "heavy / lite": (HEAVY, LITE),
    "full / lite": (FULL, LITE),
    **{f"{one.model} / mirrored": (one, Setting(one.model, "mirrored")) for one in NETWORKS},
    **{
        f"{one.model} / unsmoothed": (one, Setting(one.model, "unsmoothed")) for one in NETWORKS[:2]
    },
    **{
        f"full / {view}": (FULL, Setting(PoseModel.FULL, view))
        for view in ("smaller", "shifted", "later")
    },
}
MAIN_KIND = "heavy / full"
HEAVY_ERROR_MM = 82.0
"""Mean PA-MPJPE of ``heavy``'s 3D over the 12 limb joints, against a four-camera recording.

The one number here with a reference: it says how much of the error two runs have in common.
"""


@dataclass(frozen=True, eq=False)
class Clip:
    """A video's file and everything the detector said about it."""

    path: Path
    runs: dict[Setting, Run]


def main(argv: Sequence[str] | None = None) -> int:
    """Run, measure, write.

    Returns:
        0, or 1 with a sentence if a video cannot be read.
    """
    args = _parser().parse_args(argv)
    console = Console()
    try:
        clips = [
            Clip(video, run_all(video, default_cache_folder(), args.runs, console.print))
            for video in args.videos
        ]
        modelled = summarise(modelled_pairs(args.motion)) if args.motion else None
    except (LiftError, OSError) as error:
        console.print(f"[red]{error}[/]")
        return 1
    found = measure(clips, modelled)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "detector-noise.json").write_text(json.dumps(found, indent=1) + "\n")
    draw(found, args.out)
    for table in tables(found):
        console.print(table)
    return 0


def measure(clips: Sequence[Clip], modelled: Numbers | None = None) -> dict[str, Any]:
    """All numbers of the study.

    Args:
        clips: the videos with their runs.
        modelled: the same summary for the noise that training plays.
    """
    pairs = {kind: [_pair(clip, *kinds) for clip in clips] for kind, kinds in KINDS.items()}
    summaries = {kind: summarise(found) for kind, found in pairs.items()}
    share = truth_share(summaries[MAIN_KIND])
    return {
        "clips": [_facts(clip, pair) for clip, pair in zip(clips, pairs[MAIN_KIND], strict=True)],
        "pairs": summaries,
        "by_clip": {
            clip.path.name: summarise([pair])["hint"]
            for clip, pair in zip(clips, pairs[MAIN_KIND], strict=True)
        },
        "alone": {str(one.model): _alone(clips, pairs[MAIN_KIND], one) for one in (HEAVY, FULL)},
        "late": {
            str(one.model): {
                clip.path.name: lateness_ms(clip.runs[one], clip.runs[other], pair)
                for clip, pair in zip(clips, pairs[f"{one.model} / unsmoothed"], strict=True)
            }
            for one in (HEAVY, FULL)
            for other in (Setting(one.model, "unsmoothed"),)
        },
        "truth_over_difference": round(share, 2),
        "fitted": fitted(summaries[MAIN_KIND], share),
        "modelled": modelled,
    }


def truth_share(summary: Numbers) -> float:
    """A run's own error over its difference from the other run, from the one known error."""
    return HEAVY_ERROR_MM / summary["hint"]["pa_mm"]["mean"]


def fitted(summary: Numbers, share: float) -> Numbers:
    """What to train with: one run against the truth, standard deviations per axis in centimetres.

    Differences times ``share``. That 2D runs have as much of their error in common as the 3D is an
    assumption; nothing here can tell.
    """

    def scaled(spectrum: Numbers | None) -> Numbers | None:
        if spectrum is None:
            return None
        times = {k: v and round(share * v, 2) for k, v in spectrum.items() if "memory" not in k}
        return {**spectrum, **times}

    return {
        name: {
            "keypoints_cm": scaled(summary["parts"][name]["keypoints_cm"]["spectrum"]),
            "hint_sideways_cm": scaled(summary["parts"][name]["hint_sideways_cm"]),
            "hint_depth_cm": scaled(summary["parts"][name]["hint_depth_cm"]),
        }
        for name in PARTS
    }


def _pair(clip: Clip, one: Setting, other: Setting) -> Pair:
    return compare(clip.runs[one], clip.runs[other], person_scale(clip.runs[REFERENCE]))


def _alone(clips: Sequence[Clip], pairs: Sequence[Pair], setting: Setting) -> Numbers:
    runs = [
        (clip.runs[setting], whole_body(clip.runs[setting], pair))
        for clip, pair in zip(clips, pairs, strict=True)
    ]
    return {"bones": bone_spread(runs), "own_projection_cm": own_projection(runs)}


def _facts(clip: Clip, pair: Pair) -> Numbers:
    width, height = clip.runs[REFERENCE].size_px
    return {
        "name": clip.path.name,
        "sha256_starts": fingerprint(clip.path),
        "width_px": int(width),
        "height_px": int(height),
        "frames_a_second": round(1 / pair.step_s, 1),
        "frames": len(pair.comparable),
        "frames_compared": int(pair.comparable.sum()),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks detector-noise")
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO", help="with people in them")
    parser.add_argument("-o", "--out", type=Path, default=Path("docs"), help="folder to write to")
    parser.add_argument(
        "--runs",
        type=Path,
        default=Path("runs/detector-noise"),
        help="folder that keeps what the detector said, so that it is asked once only",
    )
    parser.add_argument(
        "--motion", type=Path, help="captured motion, to measure the noise of training as well"
    )
    return parser
