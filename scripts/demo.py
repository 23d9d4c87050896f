"""`poselift demo`: one real clip all the way, through real processes, and something to look at."""

import argparse
import asyncio
import os
import tempfile
import threading
from pathlib import Path

import httpx
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from core.assets.cache import default_cache_folder
from core.assets.fetching import fetch
from core.assets.manifest import DEMO_CLIP, Asset, pose_assets
from core.contracts import JobOptions, JobState
from core.errors import Canceled, LiftError
from core.results.reader import PoseResult, read_result
from scripts.client import JobClient, JobView
from scripts.deployment import Deployment, Site
from scripts.fetch_lines import FetchLines
from scripts.job_lines import JobLines
from scripts.ports import claim_port
from worker.launcher import find_gpus, member_of, plan_slots
from worker.settings import WorkerSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `poselift demo`."""
    parser.add_argument(
        "--out", type=Path, default=Path("demo"), help="folder to write to (default: %(default)s)"
    )
    parser.add_argument(
        "--video", type=Path, help="a video of your own (default: a clip that is fetched)"
    )


def run(args: argparse.Namespace) -> int:
    """Fetch, start everything, upload, wait, download, stop everything, draw."""
    console = Console()
    out: Path = args.out
    out.mkdir(parents=True, exist_ok=True)
    settings = WorkerSettings.read()
    video = _fetch(console, settings, args.video)
    view, device = _lift_on_a_server(console, settings, video, out)
    result = read_result(out / "pose.npz")
    _draw(console, result, video, out)
    console.print(summary(result, view, device))
    console.print(f"See {out / 'pose.mp4'} and {out / 'pose.png'}.")
    return 0


def summary(result: PoseResult, view: JobView, device: str) -> Table:
    """What came out, how long it took, and how far to trust it."""
    quality = result.manifest.quality
    seconds = view.seconds
    table = Table("", "", show_header=False)
    table.add_row("frames", str(len(result)))
    table.add_row("persons", str(result.persons))
    table.add_row("seconds", f"{seconds:.1f}")
    table.add_row("frames per second", f"{len(result) / seconds:.1f}" if seconds else "-")
    table.add_row("device", device)
    table.add_row(
        "quality",
        f"seen in {quality.observed_share:.0%} of the frames, "
        f"interpolated in {quality.interpolated_share:.0%}, "
        f"seen badly in {quality.low_confidence_share:.0%}",
    )
    if np.isfinite(result.joints_3d_sigma).any():
        sigma_mm = 1000 * float(np.nanmedian(result.joints_3d_sigma))
        table.add_row("uncertainty", f"{sigma_mm:.0f} mm a joint (median)")
    if quality.notes:
        table.add_row("notes", ", ".join(quality.notes))
    return table


def _fetch(console: Console, settings: WorkerSettings, own_video: Path | None) -> Path:
    """The clip's path; the networks are fetched along, so that the worker starts at once."""
    wanted: list[Asset] = [] if settings.pose_task else [*pose_assets(JobOptions().pose_model)]
    if own_video is None:
        wanted.append(DEMO_CLIP)
    with FetchLines(console) as lines:
        paths = fetch(wanted, settings.cache_dir or default_cache_folder(), lines.show)
    return own_video or paths[-1]


def _lift_on_a_server(
    console: Console, settings: WorkerSettings, video: Path, out: Path
) -> tuple[JobView, str]:
    console.print("Starting Redis, the API and one worker ...")
    plan = plan_slots(settings.device, find_gpus(os.environ)[:1])[0]
    log = _Log(out / "demo.log")
    with tempfile.TemporaryDirectory(prefix="poselift-demo-") as folder:
        site = Site("127.0.0.1", claim_port("127.0.0.1", 0), Path(folder))
        try:
            with Deployment(site, [member_of(plan, os.environ)], tell=log) as deployment:
                view = asyncio.run(_lift(console, site.url, video, out / "pose.npz"))
                device = ", ".join(deployment.devices.values())
        except LiftError:
            console.print(log.last_lines(), style="dim", markup=False, highlight=False)
            raise
    return view, device


async def _lift(console: Console, url: str, video: Path, result: Path) -> JobView:
    async with httpx.AsyncClient(base_url=url, timeout=60.0) as http:
        client = JobClient(http)
        with JobLines(console) as lines:
            line = lines.add(video.name, video)
            sent = view = await client.submit(video, JobOptions(), on_sent=line.sent)
            async for view in client.follow(sent.id):
                line.show(view)
            if view.state is not JobState.SUCCEEDED:
                line.finish(view.state.value, failed=True)
                raise _failure(view)
            await client.download(view.id, result)
            line.finish(str(result))
    return view


def _failure(view: JobView) -> LiftError:
    if view.error is None:
        return Canceled("The job was canceled.")
    return LiftError.from_code(view.error.code, view.error.detail)


def _draw(console: Console, result: PoseResult, video: Path, out: Path) -> None:
    # Here and not above: matplotlib and fonts take a while, and the worker needs the processor.
    from core.visualize import render_picture, render_video

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("drawing", total=len(result))
        render_video(
            result,
            video,
            out / "pose.mp4",
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    render_picture(result, video, out / "pose.png")


class _Log:
    """What the processes say goes into a file; the demo has its own things to show."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        path.write_text("")

    def __call__(self, name: str, line: str) -> None:
        with self._lock, self._path.open("a") as file:
            file.write(f"{name:<7} | {line}\n")

    def last_lines(self, count: int = 20) -> str:
        return "\n".join(self._path.read_text().splitlines()[-count:])
