"""`poselift export`: a lifter as ONNX or TorchScript, for programs without PoseLift."""

import argparse
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.export.files import Exported, ExportFormat


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `poselift export`."""
    parser.add_argument(
        "--checkpoint",
        type=Path,
        help="a lifter of yours, or the name of a packaged one: base (default), small",
    )
    parser.add_argument(
        "--format", metavar="FORMAT", help="onnx or torchscript (default: both, or as OUT ends)"
    )
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        default=Path(),
        metavar="OUT",
        help="a file that ends in .onnx or .pt, or a folder (default: this one)",
    )
    parser.add_argument(
        "--mirror-averaged",
        action="store_true",
        help="answer as `poselift lift` does: the mean over each window and its mirror image, "
        "a little better, twice the time",
    )
    parser.add_argument("--force", action="store_true", help="write over files that are there")
    parser.add_argument(
        "--speed", action="store_true", help="measure how fast each file runs here, next to torch"
    )


def run(args: argparse.Namespace) -> int:
    """Export, prove, write, and say what came out."""
    from rich.console import Console

    from core.checkpoints import PACKAGED_WEIGHTS, load_lifter
    from core.errors import OutputExists
    from core.export.files import export_lifter

    outputs = _outputs(args, (args.checkpoint or PACKAGED_WEIGHTS).stem)
    for path in outputs.values():  # none is written if one cannot be
        if path.exists() and not args.force:
            raise OutputExists(f"{path} is there already; --force writes over it.")
    loaded = load_lifter(args.checkpoint)
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{loaded.name}, weights {loaded.sha256[:12]}")
    for kind, path in outputs.items():
        exported = export_lifter(
            loaded, kind, path, mirror_averaged=args.mirror_averaged, overwrite=args.force
        )
        console.print(_line(exported))
        if args.speed:
            console.print(_speed(exported))
    return 0


def _outputs(args: argparse.Namespace, name: str) -> "dict[ExportFormat, Path]":
    """Which files to write.

    Raises:
        OptionError: the format is unknown, or is not the one that the file's name says.
    """
    from core.errors import OptionError
    from core.export.files import ExportFormat

    wanted = None if args.format is None else _format(args.format)
    out: Path = args.out
    if out.is_dir() or not out.suffix:
        kinds = list(ExportFormat) if wanted is None else [wanted]
        return {kind: out / f"{name}{kind.suffix}" for kind in kinds}
    by_suffix = {kind.suffix: kind for kind in ExportFormat}
    named = by_suffix.get(out.suffix.lower())
    if named is None:
        raise OptionError(f"-o {out.name}: the name must end in {' or '.join(by_suffix)}.")
    if wanted not in (None, named):
        raise OptionError(f"-o {out.name}: the name of {wanted} must end in {wanted.suffix}.")
    return {named: out}


def _format(name: str) -> "ExportFormat":
    from core.errors import OptionOutOfRange
    from core.export.files import ExportFormat

    try:
        return ExportFormat(name.lower())
    except ValueError:
        near = get_close_matches(name.lower(), list(ExportFormat), n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(ExportFormat)}."
        raise OptionOutOfRange(f"There is no format '{name}'; {hint}") from None


def _line(exported: "Exported") -> str:
    parity = exported.parity
    return (
        f"wrote {exported.path}, {exported.size_bytes / 1e6:.1f} MB; differs from torch by at most "
        f"{parity.joints_m:.1e} m (joints) and {parity.sigma_m:.1e} m (sigma) "
        f"on {parity.cases} kinds of windows"
    )


def _speed(exported: "Exported") -> str:
    from core.export.speed import relative_time

    batch, frame = (
        relative_time(exported.original, exported.lifter, case)
        for case in ("a full batch", "one frame")
    )
    return (
        f"  on one CPU thread takes {batch:.2f} x torch's time for 8 windows of 81 frames, "
        f"{frame:.2f} x for a single frame"
    )
