"""`poselift evaluate`: how good a lifter is, with intervals, on poses it never saw."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from core.evaluation.protocols import Outcome, Request
    from core.evaluation.scoring import Score

PROTOCOL_NAMES = ("cmu-heldout", "mpi-inf-3dhp", "h36m", "humaneva15")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `poselift evaluate`."""
    parser.add_argument("--protocol", choices=PROTOCOL_NAMES, default=PROTOCOL_NAMES[0])
    parser.add_argument("--motion", type=Path, metavar="NPZ", help="motion file (cmu-heldout)")
    parser.add_argument(
        "--data", type=Path, metavar="PATH", help="the dataset's 3D: a file, or a folder of them"
    )
    parser.add_argument(
        "--keypoints", type=Path, metavar="NPZ", help="the dataset's 2D (h36m, humaneva15)"
    )
    parser.add_argument("--checkpoint", type=Path, help="another lifter than the packaged one")
    parser.add_argument(
        "--clips",
        type=int,
        metavar="N",
        help="how many windows (cmu-heldout: 384) or sequences (else: all) to score",
    )
    parser.add_argument("--seed", type=int, default=0, help="of draws and intervals (default: 0)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--per-joint", action="store_true", help="errors of every joint as well")
    parser.add_argument("--per-action", action="store_true", help="a row for every action as well")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write everything here as well")


def run(args: argparse.Namespace) -> int:
    """Measure, and print a table of each case."""
    import json

    from rich.console import Console

    request = _request(args)

    from core.checkpoints import load_lifter
    from core.evaluation.protocols import PROTOCOLS
    from core.evaluation.report import plain

    console = Console(highlight=False, soft_wrap=True)
    loaded = load_lifter(args.checkpoint)
    outcome = PROTOCOLS[args.protocol](loaded.model.to(request.device), request)
    console.print(f"{loaded.name} ({loaded.sha256[:12]}) on {args.protocol}, seed {args.seed}")
    _show(console, outcome, args)
    if args.json:
        lifter = {"name": loaded.name, "sha256": loaded.sha256}
        head = {"protocol": args.protocol, "lifter": lifter, "seed": args.seed}
        args.json.write_text(json.dumps({**head, **plain(outcome)}, indent=1), encoding="utf-8")
    return 0


def _request(args: argparse.Namespace) -> "Request":
    from core.errors import OptionError, OptionOutOfRange

    own, other = ("motion", "data") if args.protocol == "cmu-heldout" else ("data", "motion")
    if getattr(args, own) is None or getattr(args, other) is not None:
        raise OptionError(f"The protocol {args.protocol} needs --{own}, and has no --{other}.")
    if args.clips is not None and args.clips < 1:
        raise OptionOutOfRange("Option 'clips' must be at least 1.")
    if args.seed < 0:
        raise OptionOutOfRange("Option 'seed' must not be negative.")

    import torch

    from core.evaluation.protocols import Request

    usable = torch.cuda.is_available()
    if args.device == "cuda" and not usable:
        raise OptionError("There is no usable CUDA device here: choose --device cpu.")
    device = torch.device("cuda" if usable and args.device != "cpu" else "cpu")
    return Request(getattr(args, own), args.keypoints, args.clips, args.seed, device)


def _show(console: "Console", outcome: "Outcome", args: argparse.Namespace) -> None:
    from core.evaluation.scoring import UNITS

    for name, case in outcome.cases.items():
        console.print(
            f"\n[bold]{name}[/bold]: clips: {case.clips}; {case.scored_poses} of {case.poses} "
            f"poses predicted ({case.coverage:.1%})"
        )
        _table(console, case.overall, UNITS)
        regions = {f"within the {nominal:.0%} region": s for nominal, s in case.within.items()}
        if regions:
            _table(console, regions, dict.fromkeys(regions, "%"))
        if args.per_joint:
            _wide_table(console, "joint", case.per_joint, ("mpjpe", "pa_mpjpe"))
        if args.per_action:
            _wide_table(console, "action", case.per_action, ("mpjpe", "n_mpjpe", "pa_mpjpe"))
    for note in outcome.notes:
        console.print(f"note: {note}")


def _table(console: "Console", scores: "dict[str, Score]", units: dict[str, str]) -> None:
    from rich.table import Table

    table = Table("", "mean", "95 % interval by clip", "unit", "values")
    for name, score in scores.items():
        interval = f"{_figure(score.low)} .. {_figure(score.high)}"
        table.add_row(name, _figure(score.value), interval, units[name], str(score.count))
    console.print(table)


def _wide_table(
    console: "Console",
    kind: str,
    rows: "dict[str, dict[str, Score]]",
    metrics: tuple[str, ...],
) -> None:
    from rich.table import Table

    table = Table(kind, *(f"{metric}, mm" for metric in metrics))
    for name, scores in rows.items():
        table.add_row(
            name,
            *(
                f"{_figure(scores[metric].value)} "
                f"({_figure(scores[metric].low)} .. {_figure(scores[metric].high)})"
                for metric in metrics
            ),
        )
    console.print(table)


def _figure(value: float) -> str:
    return "none" if value != value else f"{value:.1f}"
