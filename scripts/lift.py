"""`poselift lift`: one video, or the user's own 2D keypoints, lifted here without a server."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.options import add_option_arguments, options_from

if TYPE_CHECKING:
    from rich.console import Console

    from core.contracts import JobOptions
    from core.pipeline import LiftSummary, Listener
    from core.runtime import Runtime

LAYOUT_NAMES = ("coco17", "h36m17", "halpe26", "mediapipe33")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `poselift lift`."""
    parser.add_argument("video", nargs="?", type=Path, metavar="VIDEO", help="a video file")
    parser.add_argument(
        "--keypoints",
        type=Path,
        metavar="K.npz",
        help="your own 2D instead of a video: keypoints (T, J, 2) in pixels, confidence (T, J), "
        "fps or frame_time_s, width, height",
    )
    parser.add_argument(
        "--layout", choices=LAYOUT_NAMES, help="which joints the keypoints are, in which order"
    )
    parser.add_argument(
        "-o", "--out", type=Path, metavar="X.npz", help="default: beside the input, .pose.npz"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--checkpoint",
        type=Path,
        help="a lifter of yours, or the name of a packaged one: base (default), small",
    )
    parser.add_argument(
        "--lifter-backend",
        choices=("torch", "onnx"),
        default="torch",
        help="what computes the lifter; onnx is ONNX Runtime, on the CPU (default: torch)",
    )
    parser.add_argument(
        "--pose-backend",
        choices=("auto", "litert", "mediapipe", "torch"),
        default="litert",
        help="what computes the 2D networks; auto: torch on a GPU, else litert (the default)",
    )
    parser.add_argument("--pose-task", type=Path, help="your own MediaPipe .task bundle")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="where model files are kept")
    parser.add_argument("--budget-mib", type=int, help="memory for batches of windows, in MiB")
    parser.add_argument(
        "--threads",
        type=_thread_count,
        metavar="N",
        help="how many cores search the video for people; the result is the same (default: all)",
    )
    parser.add_argument(
        "--sandbox",
        action="store_true",
        help="decode the video in a process of its own, with limits and without files and network: "
        "for files from strangers",
    )
    parser.add_argument(
        "--decode-on",
        choices=("cpu", "auto"),
        default="cpu",
        help="auto: decode on the GPU what it decodes faster, without --sandbox (default: cpu)",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress, no summary")
    add_option_arguments(parser)


def _thread_count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of threads: 1 or more")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Lift, and say what came out."""
    from rich.console import Console

    source, out = _source(args), _target(args)
    options = options_from(args)
    console = Console(stderr=True, quiet=args.quiet, highlight=False)
    if args.keypoints is not None:
        from core.keypoints.files import read_keypoints

        _refuse_idle(options)
        keypoints = read_keypoints(source, args.layout)
        with _load(args, console) as runtime, _Line(console, source.name) as line:
            summary = runtime.lift_keypoints(
                keypoints, out, options, listener=line.listener, source_name=source.name
            )
    else:
        with _load(args, console) as runtime, _Line(console, source.name) as line:
            summary = runtime.lift_video(
                source, out, options, listener=line.listener, source_name=source.name
            )
    _say(console, summary, out)
    return 0


def _source(args: argparse.Namespace) -> Path:
    from core.errors import KeypointsInvalid, NotAVideo, OptionError

    if (args.video is None) == (args.keypoints is None):
        raise OptionError("Name one VIDEO, or give --keypoints K.npz.")
    if (args.keypoints is None) != (args.layout is None):
        raise OptionError("--keypoints and --layout belong together.")
    source: Path = args.video or args.keypoints
    unusable = NotAVideo if args.keypoints is None else KeypointsInvalid
    if source.is_dir():
        raise unusable(f"{source} is a folder; `poselift submit` takes folders of videos.")
    if not source.is_file():
        raise unusable(f"There is no file {source}.")
    return source


def _target(args: argparse.Namespace) -> Path:
    from core.errors import OptionError

    source: Path = args.video or args.keypoints
    out: Path = args.out or source.with_suffix(".pose.npz")
    if out.suffix != ".npz":
        raise OptionError(f"The result is an .npz file: call it {out.with_suffix('.npz')}.")
    if out.is_dir():  # noticed only at the very end, this would cost all the work
        raise OptionError(f"{out} is a folder; name a file in it.")
    if out.resolve() == source.resolve():
        raise OptionError(f"{out} is the input itself; give the result another name.")
    return out


def _refuse_idle(options: "JobOptions") -> None:
    """Options that would have no effect are refused rather than ignored."""
    from core.errors import OptionError
    from core.pipeline import KEYPOINT_OPTIONS

    for name in sorted(options.model_fields_set - KEYPOINT_OPTIONS):
        flag = name.replace("_", "-")
        raise OptionError(f"--{flag} is about videos and has no effect on --keypoints.")


def _load(args: argparse.Namespace, console: "Console") -> "Runtime":
    from core.box.sandbox import Sandbox
    from core.runtime import Runtime, RuntimeConfig
    from scripts.fetch_lines import FetchLines

    cache = args.cache or os.environ.get("POSELIFT_CACHE_DIR")
    config = RuntimeConfig(
        device=args.device,
        checkpoint=args.checkpoint,
        lifter_backend=args.lifter_backend,
        pose_backend=args.pose_backend,
        cache_dir=Path(cache) if cache else None,
        pose_task=args.pose_task,
        pose_model=None if args.keypoints else options_from(args).pose_model,
        vram_budget_mib=args.budget_mib,
        host_budget_mib=args.budget_mib,
        threads=args.threads,
        sandbox=Sandbox.AUTO if args.sandbox else Sandbox.OFF,
        decode_on=args.decode_on,
    )
    with FetchLines(console) as lines:
        return Runtime.load(config, lines.show)


class _Line:
    """The progress line of the one job."""

    def __init__(self, console: "Console", name: str) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed} frames  {task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task(name, total=None, rate="")

    @property
    def listener(self) -> "Listener":
        from core.contracts import Progress
        from core.pipeline import Listener

        def show(now: Progress) -> None:
            self._progress.update(
                self._task,
                completed=now.frames_done,
                total=now.frames_total,
                rate="" if now.fps is None else f"{now.fps:.0f} frames/s",
            )

        return Listener(on_progress=show)

    def __enter__(self) -> "_Line":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def _say(console: "Console", summary: "LiftSummary", out: Path) -> None:
    rate = summary.frames / summary.seconds if summary.seconds else 0.0
    people = {0: "nobody was seen", 1: "1 person"}.get(
        summary.persons, f"{summary.persons} persons"
    )
    console.print(
        f"{out}: {people}, {summary.frames} frames in {summary.seconds:.1f} s "
        f"({rate:.0f} frames/s)",
        soft_wrap=True,
    )
    if summary.quality.notes:
        console.print(f"notes: {', '.join(summary.quality.notes)}", soft_wrap=True)
