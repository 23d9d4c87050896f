"""Our smoothing against One-Euro filters, on held-out people through the real lifter.

``python -m benchmarks.smoothing --motion NPZ`` lifts clips of the subjects that training held out,
with and without a detector's noise, without smoothing; then smooths them in every way there is to
compare. One-Euro has parameters, so it is tried with a grid of them, and each comparison takes
the setting that suits it best.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64
from rich.console import Console
from rich.table import Table

from benchmarks.measurement import Measurement, save
from benchmarks.one_euro import one_euro
from core.checkpoints import load_lifter
from core.chunks import PoseChunk
from core.evaluation.metrics import mpjpe
from core.evaluation.motion_metrics import jitter, velocity_error
from core.evaluation.predictions import CAMERA, lift_track, track_of
from core.evaluation.whole_clips import CONDITIONS, draw_clips
from core.models.mirror import MirrorAveraged
from core.runs import join_poses
from core.smoothing import HALF_WIDTH_S, smooth
from core.training.dice import Dice
from core.training.motion import HELD_OUT_SUBJECTS, MotionLibrary, load_motion

HALF_WIDTHS_S = (0.08, 0.1, 0.12, 0.15, 0.18, 0.2, 0.22, 0.25, 0.3, 0.4)
MIN_CUTOFFS_HZ = (0.1, 0.3, 0.6, 1.0, 1.7, 3.0, 5.0, 8.0, 13.0, 20.0)
BETAS = (0.0, 0.3, 1.0, 2.0, 4.0, 8.0, 16.0, 40.0, 100.0)
RATES_HZ = (23.0, 62.0)
"""What most video has; at 10 frames a second there is nothing to smooth."""
LITTLE_LAG_S = 0.005
CLIPS = 32
_SEED = 77
_CPU = torch.device("cpu")

Joints = Float64[np.ndarray, "clips frames joints 3"]


@dataclass(frozen=True, eq=False)
class Lifted:
    """Clips as the lifter gave them, before any smoothing.

    Attributes:
        poses: of each clip.
        joints_m: the same as one array.
        truth_m: where the joints were.
        time_s: of the frames.
    """

    poses: tuple[PoseChunk, ...]
    joints_m: Joints
    truth_m: Joints
    time_s: Float64[np.ndarray, "clips frames"]


@dataclass(frozen=True)
class Smoothness:
    """What smoothing is good for, and what it costs.

    Attributes:
        name: of the filter and its setting.
        error_mm: MPJPE.
        velocity_error_mm_s: distance between velocities: noise raises it, and so does blur.
        jitter_m_s3: length of the third derivative.
        lag_ms: by how much the movement comes later than unsmoothed.
    """

    name: str
    error_mm: float
    velocity_error_mm_s: float
    jitter_m_s3: float
    lag_ms: float


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and keep the noisy case as the baseline."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.smoothing")
    parser.add_argument("--motion", type=Path, required=True, metavar="NPZ")
    parser.add_argument("--checkpoint", type=Path, help="another lifter than the packaged one")
    parser.add_argument("--clips", type=int, default=CLIPS, help="drawn of each subject")
    args = parser.parse_args(argv)
    console = Console(highlight=False, soft_wrap=True)
    loaded = load_lifter(args.checkpoint)
    library = load_motion(args.motion).of_subjects(HELD_OUT_SUBJECTS, inside=True)
    cases = {
        name: lift(MirrorAveraged(loaded.model).eval(), library, name, args.clips)
        for name in ("noisy", "clean")
    }
    for name, lifted in cases.items():
        console.print(f"\n{loaded.name} ({loaded.sha256[:12]}), {name}: {len(lifted.poses)} clips")
        console.print(_table([unsmoothed(lifted), *ours(lifted), *chosen_one_euros(lifted)]))
    best_s = best_half_width_s(list(cases.values()))
    console.print(f"least velocity error over both: half-width {best_s:g} s; ours {HALF_WIDTH_S:g}")
    measurement = measure(cases["noisy"])
    for name, ratio in measurement.ratios.items():
        console.print(f"{name}: {ratio:g} (promised: at most {measurement.at_most[name]:g})")
    console.print(f"Written to {save('smoothing', measurement)}")
    return 1 if measurement.broken else 0


def lift(model: torch.nn.Module, library: MotionLibrary, condition: str, clips: int) -> Lifted:
    """Clips of every subject at the frame rates of video, with the person there all the time."""
    poses, truths = [], []
    for subject in sorted(set(library.subjects)):
        theirs = library.of_subjects([subject], inside=True)
        batch = draw_clips(theirs, Dice(_SEED), clips, CONDITIONS[condition])
        for row in range(clips):
            rate_hz = 1 / float(batch.time_s[row].diff().median())
            if not batch.present[row].all() or not RATES_HZ[0] < rate_hz < RATES_HZ[1]:
                continue
            track = track_of(batch, row)
            joints_m, sigma_m = lift_track(model, track, CAMERA, _CPU, smoothing=False)
            poses.append(PoseChunk(track, joints_m[None], sigma_m[None]))
            truths.append(batch.joints_m[row].numpy().astype(np.float64))
    return Lifted(
        poses=tuple(poses),
        joints_m=np.concatenate([chunk.joints_m for chunk in poses]).astype(np.float64),
        truth_m=np.stack(truths),
        time_s=np.stack([chunk.track.frame_time_s for chunk in poses]),
    )


def unsmoothed(lifted: Lifted) -> Smoothness:
    """As the lifter gave it."""
    return _judge("none", lifted.joints_m, lifted)


def ours(lifted: Lifted, half_widths_s: Sequence[float] = HALF_WIDTHS_S) -> Iterator[Smoothness]:
    """Our smoothing, by half-width."""
    for half_width_s in half_widths_s:
        smoothed = [
            join_poses(list(smooth([chunk], half_width_s=half_width_s))) for chunk in lifted.poses
        ]
        joints_m = np.concatenate([chunk.joints_m for chunk in smoothed]).astype(np.float64)
        yield _judge(f"ours, {half_width_s:g} s", joints_m, lifted)


def one_euros(lifted: Lifted) -> list[Smoothness]:
    """One-Euro with every setting of the grid."""
    return [
        _judge(
            f"One-Euro, {cutoff_hz:g} Hz, beta {beta:g}",
            one_euro(lifted.joints_m, lifted.time_s, cutoff_hz, beta),
            lifted,
        )
        for cutoff_hz, beta in product(MIN_CUTOFFS_HZ, BETAS)
    ]


def chosen_one_euros(lifted: Lifted) -> list[Smoothness]:
    """The settings that come nearest to ours in one thing each."""
    tried = one_euros(lifted)
    (mine,) = ours(lifted, [HALF_WIDTH_S])
    as_steady = [each for each in tried if each.jitter_m_s3 <= mine.jitter_m_s3]
    as_prompt = [each for each in tried if each.lag_ms <= 1000 * LITTLE_LAG_S]
    return [
        min(tried, key=lambda each: each.error_mm),
        min(tried, key=lambda each: each.velocity_error_mm_s),
        *_least(as_steady, lambda each: each.error_mm),
        *_least(as_prompt, lambda each: each.jitter_m_s3),
    ]


def best_half_width_s(cases: Sequence[Lifted]) -> float:
    """Where velocities are best, over all cases alike: neither shaken nor blurred."""
    totals = np.sum([[s.velocity_error_mm_s for s in ours(lifted)] for lifted in cases], axis=0)
    return HALF_WIDTHS_S[int(totals.argmin())]


def measure(lifted: Lifted) -> Measurement:
    """Ours over the best that any One-Euro setting does."""
    tried = one_euros(lifted)
    (mine,) = ours(lifted, [HALF_WIDTH_S])
    prompt = [each for each in tried if each.lag_ms <= 1000 * LITTLE_LAG_S]
    steady = [each for each in tried if each.jitter_m_s3 <= mine.jitter_m_s3]
    better = [each for each in steady if each.lag_ms <= max(0.0, mine.lag_ms)]
    ratios = {
        "error_over_best_one_euro": mine.error_mm / min(each.error_mm for each in tried),
        "velocity_error_over_best_one_euro": (
            mine.velocity_error_mm_s / min(each.velocity_error_mm_s for each in tried)
        ),
        "jitter_over_one_euro_within_5_ms": (
            mine.jitter_m_s3 / min((each.jitter_m_s3 for each in prompt), default=np.inf)
        ),
        "lag_over_one_euro_as_steady": (
            abs(mine.lag_ms) / min((each.lag_ms for each in steady), default=np.inf)
        ),
        "error_over_one_euro_as_steady": (
            mine.error_mm / min((each.error_mm for each in steady), default=np.inf)
        ),
        "settings_better_in_jitter_and_lag": float(len(better)),
    }
    promises = dict.fromkeys(ratios, 1.0) | {"settings_better_in_jitter_and_lag": 0.0}
    rows = [unsmoothed(lifted), mine, *chosen_one_euros(lifted)]
    return Measurement(
        ratios={name: round(float(ratio), 4) for name, ratio in ratios.items()},
        at_most=promises,
        rows=[_rounded(row) for row in rows],
        note=f"{len(lifted.poses)} noisy clips of held-out subjects at {RATES_HZ[0]:g} to "
        f"{RATES_HZ[1]:g} frames a second; {len(tried)} One-Euro settings.",
    )


def _judge(name: str, joints_m: Joints, lifted: Lifted) -> Smoothness:
    clips = list(zip(joints_m, lifted.truth_m, lifted.time_s, strict=True))
    velocity = np.concatenate(
        [
            np.gradient(truth, time_s, axis=0)[None]
            for truth, time_s in zip(lifted.truth_m, lifted.time_s, strict=True)
        ]
    )
    moved = joints_m - lifted.joints_m
    return Smoothness(
        name=name,
        error_mm=1000 * float(mpjpe(joints_m, lifted.truth_m).mean()),
        velocity_error_mm_s=1000 * _mean(velocity_error(*clip) for clip in clips),
        jitter_m_s3=_mean(jitter(joints, time_s) for joints, _, time_s in clips),
        # The shift in time that explains best what the filter changed, to first order: less than
        # the truth for a filter that flattens the movement as well.
        lag_ms=-1000 * float((moved * velocity).sum() / np.square(velocity).sum()),
    )


def _mean(values: Iterator[np.ndarray]) -> float:
    return float(np.concatenate(list(values)).mean())


def _least(settings: list[Smoothness], by: Callable[[Smoothness], float]) -> list[Smoothness]:
    return [min(settings, key=by)] if settings else []


def _rounded(row: Smoothness) -> dict[str, float | int | str]:
    return {
        "filter": row.name,
        "error_mm": round(row.error_mm, 2),
        "velocity_error_mm_s": round(row.velocity_error_mm_s, 1),
        "jitter_m_s3": round(row.jitter_m_s3, 1),
        "lag_ms": round(row.lag_ms, 2),
    }


def _table(rows: Sequence[Smoothness]) -> Table:
    columns = list(_rounded(rows[0]))
    table = Table(*columns)
    for row in rows:
        table.add_row(*(str(value) for value in _rounded(row).values()))
    return table


if __name__ == "__main__":
    sys.exit(main())
