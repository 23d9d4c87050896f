"""`poselift show`: a picture and a film of a result, and what it holds in a few lines."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from core.results.reader import PoseResult

_PICTURE_SUFFIX, _FILM_SUFFIX = ".png", ".mp4"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `poselift show`."""
    parser.add_argument("result", type=Path, metavar="X.npz", help="a result of poselift")
    parser.add_argument(
        "--video", type=Path, metavar="V", help="the video it was made from, to show beside the 3D"
    )
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        metavar="OUT",
        help="OUT.png or OUT.mp4 makes only that one (default: X.png and X.mp4 beside X.npz, or "
        "X.pose.mp4 if X.mp4 is the video)",
    )
    parser.add_argument("--picture", action="store_true", help="only the picture")
    parser.add_argument("--video-out", action="store_true", help="only the film")
    parser.add_argument(
        "--height", type=int, default=540, metavar="PX", help="of the film (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Read the result, say what it holds, and draw it."""
    from rich.console import Console

    from core.errors import OptionOutOfRange
    from core.results.reader import read_result
    from core.visualize import render_picture

    if not 120 <= args.height <= 2160:
        raise OptionOutOfRange("--height must be between 120 and 2160 pixels.")
    outputs = _outputs(args)
    result = read_result(args.result)
    console = Console()
    console.print(_summary(result, args.result))
    for out in outputs:
        if out.suffix.lower() == _PICTURE_SUFFIX:
            render_picture(result, args.video, out)
        else:
            _render_film(console, result, args.video, out, args.height)
        console.print(f"wrote {out}", highlight=False)
    return 0


def _outputs(args: argparse.Namespace) -> list[Path]:
    """Which files to write.

    Raises:
        OptionError: the flags contradict each other, or the suffix is neither .png nor .mp4.
    """
    from core.errors import OptionError

    wanted = {_PICTURE_SUFFIX: args.picture, _FILM_SUFFIX: args.video_out}
    if not any(wanted.values()):
        wanted = dict.fromkeys(wanted, True)
    if args.out is None:
        names = [args.result.with_suffix(suffix) for suffix, on in wanted.items() if on]
        return [
            name.with_suffix(f".pose{name.suffix}") if _is_video(name, args) else name
            for name in names
        ]
    if _is_video(args.out, args):
        raise OptionError(f"-o {args.out} is the video itself; give the film another name.")
    suffix = args.out.suffix.lower()
    if suffix not in wanted:
        raise OptionError(f"-o {args.out.name}: the name must end in .png or .mp4.")
    if not wanted[suffix]:
        raise OptionError(f"-o {args.out.name} does not fit --picture or --video-out.")
    return [args.out]


def _is_video(out: Path, args: argparse.Namespace) -> bool:
    """Whether writing there would destroy the video that is shown."""
    return args.video is not None and out.resolve() == args.video.resolve()


def _render_film(
    console: "Console", result: "PoseResult", video: Path | None, out: Path, height_px: int
) -> None:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from core.visualize import render_video

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(out.name, total=len(result))

        def advance(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        render_video(result, video, out, on_progress=advance, max_height_px=height_px)


def _summary(result: "PoseResult", path: Path) -> "object":
    import numpy as np
    from rich.table import Table

    span_s = float(result.frame_time_s[-1] - result.frame_time_s[0]) if len(result) else 0.0
    notes = result.manifest.quality.notes
    title = f"{path.name}: {len(result)} frames, {span_s:.2f} s"
    caption = ", ".join(notes) if notes else None
    if result.persons == 0:
        caption = "nobody was seen"
    table = Table(title=title, caption=caption, title_justify="left", title_style="bold")
    for heading in ("person", "seen", "interpolated", "absent", "2D confidence", "uncertainty"):
        table.add_column(heading, justify="right")
    for row in range(result.persons):
        present = np.isfinite(result.joints_3d[row, :, 0, 0])
        seen = result.observed[row]
        confidence = result.keypoints_confidence[row][seen]
        sigma_m = result.joints_3d_sigma[row][present]
        table.add_row(
            str(int(result.track_id[row])),
            str(int(seen.sum())),
            str(int((present & ~seen).sum())),
            str(int((~present).sum())),
            f"{float(np.nanmean(confidence)):.2f}" if confidence.size else "-",
            f"{100 * float(np.nanmedian(sigma_m)):.1f} cm" if sigma_m.size else "-",
        )
    return table
