"""`poselift train`: train a lifter from a YAML config, or go on with a run that was cut off."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.training.config import TrainingConfig
    from core.training.run import Report

_INTERRUPTED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("config", type=Path, metavar="CONFIG.yaml", help="what to train, and how")
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        metavar="FOLDER",
        help="where state, log and weights go; a run found there goes on (default: runs/NAME)",
    )
    what = parser.add_argument_group("instead of what the config says")
    source = what.add_mutually_exclusive_group()
    source.add_argument("--motion", metavar="NPZ", help="motion file to learn from")
    source.add_argument(
        "--pairs", metavar="PATH", help="2D with its 3D: mpi_inf_combined.npz, annot.mat or folder"
    )
    budget = what.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=float, help="wall time")
    budget.add_argument("--steps", type=int, help="updates")
    budget.add_argument("--epochs", type=int, help="times every pair is seen")
    what.add_argument("--start-from", metavar="WEIGHTS", help="checkpoint to begin with")
    what.add_argument("--device", help="auto, cpu or cuda")
    what.add_argument("--seed", type=int, help="of weights and batches")


def run(args: argparse.Namespace) -> int:
    """Train and print progress, one line per report. Ctrl-C saves everything and ends."""
    from rich.console import Console

    from core.training.config import read_config
    from core.training.host_memory import keep_freed_memory
    from core.training.loop import Ending, train
    from scripts.stop_signals import stop_event

    console = Console(highlight=False, soft_wrap=True)
    config = _changed(read_config(args.config), args)
    folder = args.out or Path("runs") / config.name
    keep_freed_memory()
    with stop_event() as stopping:
        outcome = train(
            config,
            folder,
            lambda report: console.print(_line(report)),
            on_note=lambda words: console.print(words, markup=False),
            should_stop=stopping.is_set,
        )
    if outcome.ending is Ending.INTERRUPTED:
        console.print(f"Stopped; everything is saved in '{folder}': the same command goes on.")
        return _INTERRUPTED
    if outcome.ending is Ending.STOPPED_EARLY:
        console.print("The held-out error has not improved for long: stopped early.")
    console.print(
        f"Weights are in {outcome.weights}, those of the best evaluation in {outcome.best}"
    )
    return 0


def _changed(config: "TrainingConfig", args: argparse.Namespace) -> "TrainingConfig":
    """What the flags say in place of the config; one bound or source takes the place of another."""
    from dataclasses import replace

    changes: dict[str, Any] = {}
    for names in (("motion", "pairs"), ("minutes", "steps", "epochs")):
        if any(getattr(args, name) is not None for name in names):
            changes |= {name: getattr(args, name) for name in names}
    for name in ("start_from", "device", "seed"):
        if getattr(args, name) is not None:
            changes[name] = getattr(args, name)
    return replace(config, **changes)


def _line(report: "Report") -> str:
    line = (
        f"{report.share_done:6.1%}  step {report.step}  loss {report.loss_m:.4f}  "
        f"rate {report.learning_rate:.2g}  {report.frames_per_s:,.0f} frames/s  "
        f"{report.eta_s / 60:.1f} min left"
    )
    for name, value in (report.measured_mm or {}).items():
        line += f"  {name} {value:g}"
    return line
