"""`poselift calibrate`: make a lifter's sigma honest, and write down what it promises."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from core.evaluation.recalibration import Seen
    from core.models import Lifter
    from core.training.motion import MotionLibrary

SUFFIX = ".calibrated.safetensors"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `poselift calibrate`."""
    parser.add_argument("weights", type=Path, metavar="WEIGHTS.safetensors", help="a lifter")
    parser.add_argument(
        "--motion",
        type=Path,
        required=True,
        metavar="NPZ",
        help="motion file with the subjects that training held out",
    )
    parser.add_argument(
        "-o", "--out", type=Path, metavar="OUT", help=f"default: WEIGHTS{SUFFIX} beside the input"
    )
    parser.add_argument("--force", action="store_true", help="write over OUT, or over WEIGHTS")
    parser.add_argument(
        "--clips", type=int, default=96, metavar="N", help="of each subject (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=1000, help="of the draws (default: %(default)s)"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")


def run(args: argparse.Namespace) -> int:
    """Fit the correction, check it across subjects, write the corrected lifter."""
    from rich.console import Console

    out = _target(args)

    from core.checkpoints import load_lifter, save_lifter
    from core.evaluation.calibration import ASSUMED
    from core.evaluation.recalibration import recalibrate
    from core.evaluation.sigma_correction import folded, heeding_circumstances
    from core.evaluation.whole_clips import CONDITIONS
    from core.training.motion import HELD_OUT_SUBJECTS, load_motion
    from scripts.evaluation_tables import show_check, show_mean_check

    console = Console(highlight=False, soft_wrap=True)
    loaded = load_lifter(args.weights)
    model = heeding_circumstances(loaded.model)
    library = load_motion(args.motion).of_subjects(HELD_OUT_SUBJECTS, inside=True)
    subjects = _subjects(library)
    seen = _lift(console, model, library, args)
    measured_on = (
        f"held-out subjects {', '.join(subjects)} of the motion capture; 2D {'; '.join(CONDITIONS)}"
        f" in equal parts; {args.clips} clips of each, seed {args.seed}"
    )
    halves = subjects[: len(subjects) // 2], subjects[len(subjects) // 2 :]
    found = recalibrate(seen, halves, measured_on, loaded.regions or ASSUMED)
    for check in found.checks:
        show_check(console, check)
    show_mean_check(console, found.checks)
    radii = ", ".join(
        f"{nominal}: {radius:.3f}"
        for nominal, radius in found.regions.to_dict()["radius_sigmas"].items()
    )
    console.print(f"\nradii in sigmas by nominal coverage, from all subjects: {radii}")
    save_lifter(out, folded(model, found.correction), loaded.name, found.regions)
    console.print(f"wrote {out}")
    return 0


def _target(args: argparse.Namespace) -> Path:
    from core.errors import OptionOutOfRange, OutputExists

    if args.clips < 1:
        raise OptionOutOfRange("Option 'clips' must be at least 1.")
    if args.seed < 0:
        raise OptionOutOfRange("Option 'seed' must not be negative.")
    out: Path = args.out or args.weights.with_name(args.weights.stem + SUFFIX)
    if out.exists() and not args.force:
        raise OutputExists(f"There is a file {out} already: add --force to write over it.")
    return out


def _subjects(library: "MotionLibrary") -> tuple[str, ...]:
    from core.errors import DatasetInvalid

    subjects = tuple(sorted(set(library.subjects)))
    if len(subjects) < 2:
        raise DatasetInvalid(
            f"Only subject {', '.join(subjects)} of those held out is in the motion file: a "
            "calibration needs two at least, to be checked on somebody else."
        )
    return subjects


def _lift(
    console: "Console",
    model: "Lifter",
    library: "MotionLibrary",
    args: argparse.Namespace,
) -> "Seen":
    """Errors of every condition and subject, lifted as users' videos are."""
    import torch

    from core.errors import OptionError
    from core.evaluation.sigma_correction import ErrorsUnderDoubt
    from core.evaluation.whole_clips import CONDITIONS, lift_held_out
    from core.models.mirror import MirrorAveraged

    usable = torch.cuda.is_available()
    if args.device == "cuda" and not usable:
        raise OptionError("There is no usable CUDA device here: choose --device cpu.")
    device = torch.device("cuda" if usable and args.device != "cpu" else "cpu")
    averaged = MirrorAveraged(model).eval().to(device)
    seen: dict[str, dict[str, ErrorsUnderDoubt]] = {}
    for place, (name, condition) in enumerate(CONDITIONS.items()):
        console.print(f"lifting: {name} ({place + 1} of {len(CONDITIONS)})")
        seen[name] = {
            subject: ErrorsUnderDoubt.of(
                lift_held_out(
                    averaged,
                    library.of_subjects([subject], inside=True),
                    condition,
                    clips=args.clips,
                    seed=args.seed + place,
                    device=device,
                    tells=model,
                )
            )
            for subject in _subjects(library)
        }
    model.cpu()
    return seen
