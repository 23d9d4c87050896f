"""``poselift train``: train a lifter from a YAML config, or go on with a run that was cut off."""

import argparse
from pathlib import Path


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
    parser.add_argument("--motion", metavar="NPZ", help="motion file, instead of the config's")
    parser.add_argument("--minutes", type=float, help="wall time, instead of the config's budget")


def run(args: argparse.Namespace) -> int:
    """Train and print progress, one line per report."""
    from dataclasses import replace

    from rich.console import Console

    from core.training.config import read_config
    from core.training.host_memory import keep_freed_memory
    from core.training.loop import Report, train

    console = Console(highlight=False, soft_wrap=True)
    config = read_config(args.config)
    if args.motion:
        config = replace(config, motion=args.motion)
    if args.minutes:
        config = replace(config, minutes=args.minutes, steps=None)
    keep_freed_memory()

    def show(report: Report) -> None:
        line = (
            f"{report.share_done:6.1%}  step {report.step}  loss {report.loss_m:.4f}  "
            f"{report.frames_per_s:,.0f} frames/s  {report.eta_s / 60:.1f} min left"
        )
        for name, value in (report.measured_mm or {}).items():
            line += f"  {name} {value:g}"
        console.print(line)

    weights = train(config, args.out or Path("runs") / config.name, show)
    console.print(f"Weights are in {weights}")
    return 0
