"""`poselift evaluate --peer`: our 3D and the 2D estimator's own, against a reference, on video."""

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from core.chunks import PoseChunk
from core.contracts import JobOptions, PoseModel
from core.errors import NotAVideo, OptionError
from core.evaluation.peers import LimbPoses, PeerScores, limb_poses, score_peers
from core.evaluation.reference import PoseReference, read_reference
from core.evaluation.report import plain_peers
from core.pipeline import Listener
from core.runtime import Runtime, RuntimeConfig
from scripts.evaluation_tables import show_peers
from scripts.fetch_lines import FetchLines

_MARGIN_S = 0.5
"""Of video on both sides of the reference: what trackers and windows need to settle."""

Lift = Callable[[Path, JobOptions], list[PoseChunk]]
"""A video to the poses of its main person, with the estimator's own 3D beside them."""


def run_peers(args: argparse.Namespace) -> int:
    """Lift the videos, score both against their references, print a table."""
    videos, references = _pairs(args)
    options = JobOptions(pose_model=PoseModel(args.pose_model or "heavy"))
    console = Console(highlight=False, soft_wrap=True)
    config = RuntimeConfig(
        device=args.device,
        checkpoint=args.checkpoint,
        cache_dir=args.cache,
        pose_task=args.pose_task,
        pose_model=options.pose_model,
    )
    with FetchLines(console) as lines:
        runtime = Runtime.load(config, lines.show)
    with runtime, tempfile.TemporaryDirectory() as folder:

        def lift(video: Path, chosen: JobOptions) -> list[PoseChunk]:
            chunks: list[PoseChunk] = []
            listener = Listener(on_chunk=chunks.append)
            runtime.lift_video(video, Path(folder) / "pose.npz", chosen, listener=listener)
            return chunks

        clips = compare(videos, references, lift, options)
    scores = score_peers(clips, args.peer, args.seed)
    show_peers(console, scores, per_joint=args.per_joint)
    if args.json:
        _write(args, scores)
    return 0


def compare(
    videos: list[Path], references: list[PoseReference], lift: Lift, options: JobOptions
) -> list[LimbPoses]:
    """Lift each video around its reference's time, and bring the two together."""
    clips = []
    for video, reference in zip(videos, references, strict=True):
        around = options.model_copy(
            update={
                "start_s": max(0.0, float(reference.time_s[0]) - _MARGIN_S),
                "end_s": max(1e-3, float(reference.time_s[-1]) + _MARGIN_S),
            }
        )
        clips.append(limb_poses(lift(video, around), reference))
    return clips


def _pairs(args: argparse.Namespace) -> tuple[list[Path], list[PoseReference]]:
    videos, paths = args.video or [], args.reference or []
    if not videos or len(videos) != len(paths):
        raise OptionError(
            f"--peer needs a --reference for each --video; there are {len(paths)} for "
            f"{len(videos)}."
        )
    for video in videos:
        if not video.is_file():
            raise NotAVideo(f"There is no file {video}.")
    return videos, [read_reference(path) for path in paths]


def _write(args: argparse.Namespace, scores: PeerScores) -> None:
    head: dict[str, Any] = {"peer": args.peer, "seed": args.seed}
    text = json.dumps({**head, **plain_peers(scores)}, indent=1)
    args.json.write_text(text, encoding="utf-8")
