"""`poselift evaluate`: how good a lifter is, with intervals, on poses it never saw."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from core.checkpoints import LoadedLifter
    from core.evaluation.protocols import Outcome, Request

PROTOCOL_NAMES = ("cmu-heldout", "cmu-clips", "mpi-inf-3dhp", "h36m", "humaneva15")
_ON_MOTION = ("cmu-heldout", "cmu-clips")
_OF_PROTOCOLS = ("protocol", "motion", "data", "keypoints", "clips", "plots", "reliability")
_OF_PEERS = ("video", "reference", "pose_model", "cache", "pose_task")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `poselift evaluate`."""
    parser.add_argument(
        "--protocol",
        choices=PROTOCOL_NAMES,
        help="cmu-heldout (default): windows as training measures them; cmu-clips: whole clips as "
        "users get them; the others: datasets",
    )
    parser.add_argument("--motion", type=Path, metavar="NPZ", help="motion file (cmu-...)")
    parser.add_argument(
        "--data", type=Path, metavar="PATH", help="the dataset's 3D: a file, or a folder of them"
    )
    parser.add_argument(
        "--keypoints", type=Path, metavar="NPZ", help="the dataset's 2D (h36m, humaneva15)"
    )
    parser.add_argument(
        "--checkpoint",
        type=Path,
        help="a lifter of yours, or the name of a packaged one: base (default), small",
    )
    parser.add_argument(
        "--clips",
        type=int,
        metavar="N",
        help="how many windows (cmu-heldout: 384), clips of each subject (cmu-clips: 48) or "
        "sequences (else: all) to score",
    )
    parser.add_argument("--seed", type=int, default=0, help="of draws and intervals (default: 0)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--single-pass",
        action="store_true",
        help="the lifter alone, as training logs it; lifting also averages with the mirror image",
    )
    parser.add_argument(
        "--no-smoothing", action="store_true", help="cmu-clips without the last step of lifting"
    )
    parser.add_argument("--per-joint", action="store_true", help="errors of every joint as well")
    parser.add_argument("--per-action", action="store_true", help="a row for every action as well")
    parser.add_argument("--by-sigma", action="store_true", help="coverage by size of sigma as well")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write everything here as well")
    parser.add_argument(
        "--plots", type=Path, metavar="DIR", help="pictures of the first, median and worst clip"
    )
    parser.add_argument(
        "--reliability",
        type=Path,
        metavar="FILE",
        help="plot of what sigma promises against what was found (.svg, .png or .pdf)",
    )
    peers = parser.add_argument_group("beside the 2D estimator's own 3D, on video")
    peers.add_argument("--peer", choices=("mediapipe",), help="score its world landmarks as well")
    peers.add_argument("--video", type=Path, nargs="+", metavar="V", help="one or more videos")
    peers.add_argument(
        "--reference",
        type=Path,
        nargs="+",
        metavar="NPZ",
        help="for each video, where the joints really were: see docs/evaluation.md",
    )
    peers.add_argument("--pose-model", choices=("lite", "full", "heavy"), help="default: heavy")
    peers.add_argument("--pose-task", type=Path, help="your own MediaPipe .task bundle")
    peers.add_argument("--cache", type=Path, metavar="DIR", help="where model files are kept")


def run(args: argparse.Namespace) -> int:
    """Measure, and print a table of each case."""
    from core.errors import OptionError

    idle = [name for name in (_OF_PROTOCOLS if args.peer else _OF_PEERS) if getattr(args, name)]
    if idle:
        which = "no effect beside --peer" if args.peer else "an effect only with --peer"
        raise OptionError(f"--{idle[0].replace('_', '-')} has {which}.")
    if args.seed < 0:
        from core.errors import OptionOutOfRange

        raise OptionOutOfRange("Option 'seed' must not be negative.")
    if args.peer:
        from scripts.peer_evaluation import run_peers

        return run_peers(args)
    return _run_protocol(args)


def _run_protocol(args: argparse.Namespace) -> int:
    from rich.console import Console

    args.protocol = args.protocol or PROTOCOL_NAMES[0]
    _check(args)

    from dataclasses import replace

    from core.checkpoints import load_lifter
    from core.evaluation.calibration import ASSUMED
    from core.evaluation.protocols import PROTOCOLS
    from core.models.mirror import MirrorAveraged
    from scripts.evaluation_tables import show_outcome

    console = Console(highlight=False, soft_wrap=True)
    loaded = load_lifter(args.checkpoint)
    regions = loaded.regions or ASSUMED
    request = replace(_request(args), regions=regions, smoothing=not args.no_smoothing)
    model = loaded.model if args.single_pass else MirrorAveraged(loaded.model).eval()
    outcome = PROTOCOLS[args.protocol](model.to(request.device), request)
    passes = "single pass" if args.single_pass else "averaged with the mirror image"
    console.print(f"{_title(loaded, args)}, {passes}, seed {args.seed}")
    show_outcome(
        console,
        outcome,
        per_joint=args.per_joint,
        per_action=args.per_action,
        by_sigma=args.by_sigma,
    )
    measured_on = regions.measured_on or "the law of training, not measured"
    console.print(f"note: regions of sigma: {measured_on}")
    _write(console, loaded, outcome, args)
    return 0


def _title(loaded: "LoadedLifter", args: argparse.Namespace) -> str:
    return f"{loaded.name} ({loaded.sha256[:12]}) on {args.protocol}"


def _write(
    console: "Console", loaded: "LoadedLifter", outcome: "Outcome", args: argparse.Namespace
) -> None:
    """The files that were asked for."""
    if args.json:
        import json

        from core.evaluation.report import plain

        head: dict[str, Any] = {
            "protocol": args.protocol,
            "lifter": {"name": loaded.name, "sha256": loaded.sha256},
            "passes": 1 if args.single_pass else 2,
            "seed": args.seed,
        }
        args.json.write_text(json.dumps({**head, **plain(outcome)}, indent=1), encoding="utf-8")
    if args.plots:
        from core.evaluation.pictures import draw_example

        args.plots.mkdir(parents=True, exist_ok=True)
        for name, examples in outcome.examples.items():
            for example in examples:
                out = args.plots / f"{name.replace(' ', '_')}-{example.why}.png"
                draw_example(example, outcome.joints, out)
                console.print(f"wrote {out}")
    if args.reliability:
        from core.evaluation.reliability_plot import draw_reliability

        draw_reliability(outcome.cases, _title(loaded, args), args.reliability)
        console.print(f"wrote {args.reliability}")


def _check(args: argparse.Namespace) -> None:
    """Refuse contradictions before anything is loaded."""
    from core.errors import OptionError, OptionOutOfRange

    own, other = ("motion", "data") if args.protocol in _ON_MOTION else ("data", "motion")
    if getattr(args, own) is None or getattr(args, other) is not None:
        raise OptionError(f"The protocol {args.protocol} needs --{own}, and has no --{other}.")
    if args.clips is not None and args.clips < 1:
        raise OptionOutOfRange("Option 'clips' must be at least 1.")
    if args.reliability:
        from core.evaluation.reliability_plot import check_format

        check_format(args.reliability)


def _request(args: argparse.Namespace) -> "Request":
    import torch

    from core.errors import OptionError
    from core.evaluation.protocols import Request

    usable = torch.cuda.is_available()
    if args.device == "cuda" and not usable:
        raise OptionError("There is no usable CUDA device here: choose --device cpu.")
    device = torch.device("cuda" if usable and args.device != "cpu" else "cpu")
    return Request(args.motion or args.data, args.keypoints, args.clips, args.seed, device)
