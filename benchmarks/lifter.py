"""What our lifters cost beside two published kinds, as clips grow and as there are more of them.

``python -m benchmarks lifter`` runs every lifter on the same clips, each in a process of its own
and one after another, round by round, and writes ``lifter-costs.md``. Processor time of one core is
compared on a CPU, so that a busy machine disturbs little; ratios within one run are what counts.
"""

import argparse
import multiprocessing
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
import torch
from rich.console import Console

from benchmarks.lifter_run import Cost, cost
from benchmarks.measurement import Measurement, machine, save

LENGTHS = (27, 81, 243, 2430)
CLIPS = (1, 4, 8)
FRAMES = 243
TOGETHER = 8
WHOLE = (
    "small", "small mirrored", "small in a job", "base", "base mirrored", "base in a job",
    "videopose3d", "videopose3d mirrored", "agformer", "agformer mirrored",
)  # fmt: skip
GROWING = ("small in a job", "base in a job", "videopose3d", "agformer")
WORDS = {
    "small": "`small`, the network alone",
    "base": "`base`, the network alone",
    "videopose3d": "VideoPose3D, 243 frames",
    "agformer": "MotionAGFormer-XS-sized, 27 frames",
}
_NOTE = """\
- `small` and `base` are the packaged lifters, in windows of 81 frames. *In a job* is what users
  get: averaged with the mirror image, in windows that overlap by a third and are blended, in
  batches of 8 at most on a CPU, from 2D tracks to joints with sigma.
- VideoPose3D is written anew from Pavllo et al., CVPR 2019: 1024 channels, filter widths
  3, 3, 3, 3, 3, 17.0 M parameters. A clip goes through at once, so no frame is computed twice;
  121 repeated frames go before and after it, which short clips pay for.
- The MotionAGFormer-XS-sized lifter is of the size and shape of Mehraban et al., WACV 2024
  (attention and graph streams, 12 layers of 64 channels, 2.2 M parameters, windows of 27 frames
  that do not overlap), not a copy of it.
- Both have random weights and 17 joints: they are here for their cost only. *Mirrored* is averaged
  with the mirror image, as both papers evaluate; as clips grow they look once, ours twice.
- *multiply-adds* are products of matrices per frame of the clip; *tensors* is the peak of live
  tensors beyond the weights, *process* by how much the process grew."""


@dataclass(frozen=True)
class Case:
    """One lifter on so many clips of so many frames."""

    lifter: str
    clips: int
    frames: int


@dataclass(frozen=True)
class Costs:
    """Of all cases, the least of all rounds."""

    by_case: Mapping[Case, Cost]

    def ms(self, case: Case) -> float:
        return self.by_case[case].ms_per_frame


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and write tables and ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks lifter")
    parser.add_argument("-o", "--out", type=Path, default=Path("docs"), help="folder of the tables")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1.5, help="for each lifter in each case")
    args = parser.parse_args(argv)
    console = Console(soft_wrap=True)
    costs = measure(args.device, args.rounds, args.seconds, console)
    args.out.mkdir(parents=True, exist_ok=True)
    suffix = "" if args.device == "cpu" else f"-{args.device}"
    path = args.out / f"lifter-costs{suffix}.md"
    path.write_text(document(costs, args.device, args.rounds))
    written = save(f"lifter{suffix}", measurement(costs))
    console.print(f"Written to {path} and {written}")
    return 0


def cases() -> list[Case]:
    """Every case once."""
    whole = [Case(lifter, TOGETHER, FRAMES) for lifter in WHOLE]
    longer = [Case(lifter, 1, frames) for frames in LENGTHS for lifter in GROWING]
    more = [Case(lifter, clips, FRAMES) for clips in CLIPS for lifter in GROWING]
    return list(dict.fromkeys([*whole, *longer, *more]))


def measure(device: str, rounds: int, seconds: float, console: Console) -> Costs:
    """All cases round by round, so that whatever else the machine does hits all of them."""
    found: dict[Case, Cost] = {}
    for number in range(1, rounds + 1):
        for case in cases():
            took = apart(case, device, seconds)
            console.print(f"round {number}: {case.lifter}, {case.clips} x {case.frames}: {took}")
            best = found.get(case)
            if best is None or took.ms_per_frame < best.ms_per_frame:
                found[case] = took
    return Costs(found)


def apart(case: Case, device: str, seconds: float) -> Cost:
    """In a fresh process, whose peak is nobody else's."""
    # CUDA does not survive a fork; without it, one import of torch serves all.
    processes = multiprocessing.get_context("spawn" if device == "cuda" else "forkserver")
    if device != "cuda":
        processes.set_forkserver_preload(["benchmarks.lifter_run"])  # pyright: ignore[reportAttributeAccessIssue]
    with processes.Pool(1) as pool:
        return pool.apply(cost, (case.lifter, case.clips, case.frames, device, seconds))


def measurement(costs: Costs) -> Measurement:
    """The ratios that are kept: cost of theirs over ours, and ours as clips grow."""
    ratios: dict[str, float] = {}
    for peer in ("videopose3d mirrored", "agformer mirrored"):
        theirs = costs.ms(Case(peer, TOGETHER, FRAMES))
        for ours in ("small in a job", "base in a job"):
            ratio = theirs / costs.ms(Case(ours, TOGETHER, FRAMES))
            ratios[f"{peer} over {ours}"] = round(ratio, 2)
    for ours in ("small in a job", "base in a job"):
        longest, typical = (costs.ms(Case(ours, 1, frames)) for frames in (LENGTHS[-1], FRAMES))
        ratios[f"{ours}, {LENGTHS[-1]} frames over {FRAMES}"] = round(longest / typical, 2)
    rows: list[dict[str, float | int | str]] = [
        {
            "lifter": case.lifter,
            "clips": case.clips,
            "frames": case.frames,
            "ms_per_frame": round(one.ms_per_frame, 4),
            "tensors_mib": one.tensors_mib,
            "process_mib": one.process_mib,
        }
        for case, one in costs.by_case.items()
    ]
    return Measurement(ratios=ratios, rows=rows, note="Milliseconds of one core on a CPU.")


def document(costs: Costs, device: str, rounds: int) -> str:
    """The tables as they stand in the docs."""
    return "\n\n".join(
        [
            "# What lifting costs",
            "```sh\npython -m benchmarks lifter\n```",
            _circumstances(device, rounds),
            f"{TOGETHER} clips of {FRAMES} frames at once:",
            _beside_each_other(costs),
            "Milliseconds per frame as one clip gets longer:",
            _as_it_grows(costs, [(1, frames) for frames in LENGTHS], "{1} frames"),
            "Peak of live tensors in MiB, likewise:",
            _as_it_grows(costs, [(1, frames) for frames in LENGTHS], "{1} frames", memory=True),
            f"Milliseconds per frame as there are more clips of {FRAMES} frames; in a job they are "
            "people:",
            _as_it_grows(costs, [(clips, FRAMES) for clips in CLIPS], "{0} at once"),
            _NOTE,
        ]
    ) + "\n"  # fmt: skip


def _circumstances(device: str, rounds: int) -> str:
    day = datetime.now(UTC).date().isoformat()
    if device == "cuda":
        where = f"{torch.cuda.get_device_name()}; wall time"
    else:
        cores = psutil.cpu_count() or 1
        busy = psutil.getloadavg()[0]
        words = f", which was busy (load {busy:.0f} on {cores} cores)" if busy > cores else ""
        where = f"one core of {machine()['cpu']}{words}; processor time"
    return (
        f"Measured {day} with torch {torch.__version__} on {where}, the least of {rounds} rounds, "
        "every row in a fresh process. Times are of this machine; the ratios count."
    )


def _beside_each_other(costs: Costs) -> str:
    ours = costs.ms(Case("base in a job", TOGETHER, FRAMES))
    rows = [
        "| lifter | parameters, M | multiply-adds, M | frames/s | cost over `base` in a job | "
        "tensors, MiB | process, MiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in WHOLE:
        one = costs.by_case[Case(name, TOGETHER, FRAMES)]
        rows.append(
            f"| {_in_words(name)} | {one.parameters_k / 1e3:.1f} | {one.madds_k / 1e3:.1f} | "
            f"{1000 / one.ms_per_frame:,.0f} | {one.ms_per_frame / ours:.2f} | "
            f"{one.tensors_mib:.0f} | {one.process_mib:.0f} |"
        )
    return "\n".join(rows)


def _as_it_grows(
    costs: Costs, sizes: Sequence[tuple[int, int]], heading: str, *, memory: bool = False
) -> str:
    headings = [heading.format(*size) for size in sizes]
    rows = [f"| lifter | {' | '.join(headings)} |", "|---" * (1 + len(sizes)) + "|"]
    for name in GROWING:
        found = [costs.by_case[Case(name, *size)] for size in sizes]
        cells = [f"{one.tensors_mib:.0f}" if memory else f"{one.ms_per_frame:.2f}" for one in found]
        rows.append(f"| {_in_words(name)} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _in_words(name: str) -> str:
    which, _, how = name.partition(" ")
    if how == "in a job":
        return f"`{which}` in a job"
    return f"{WORDS[which]}{', mirrored' if how else ''}"


if __name__ == "__main__":
    sys.exit(main())
