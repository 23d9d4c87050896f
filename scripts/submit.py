"""`poselift submit`: many videos to a server, one line each."""

import argparse
import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from core.contracts import JobError, JobOptions, JobState
from core.errors import ConfigInvalid, LiftError
from scripts.api_key import VARIABLE, authorization, read_api_key
from scripts.client import JobClient, JobView
from scripts.found_videos import Errand, plan_errands
from scripts.job_lines import JobLine, JobLines
from scripts.options import add_option_arguments, options_from

DEFAULT_SERVER = "http://127.0.0.1:8000"
FAILED, INTERRUPTED = 1, 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `poselift submit`."""
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO", help="files and folders")
    parser.add_argument(
        "--server",
        default=os.environ.get("POSELIFT_SERVER", DEFAULT_SERVER),
        help="base URL of the API (default: %(default)s)",
    )
    parser.add_argument(
        "--api-key-file",
        type=Path,
        metavar="FILE",
        help="has your API key (default: the environment variable POSELIFT_API_KEY)",
    )
    parser.add_argument("--wait", action="store_true", help="wait, and download the results")
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        help="where results go: a folder, or X.npz for one video; implies --wait",
    )
    parser.add_argument(
        "--uploads", type=int, default=3, help="how many at the same time (default: %(default)s)"
    )
    add_option_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Send everything; 1 if anything failed, 130 if interrupted."""
    console = Console(stderr=True)
    _check_address(args.server)
    errands = plan_errands(args.videos, args.out)
    submission = Submission(
        errands,
        options_from(args),
        wait=args.wait or args.out is not None,
        uploads=max(1, args.uploads),
        lines=JobLines(console),
        api_key=read_api_key(args.api_key_file),
    )
    try:
        asyncio.run(submission.run(args.server))
    except KeyboardInterrupt:
        _say_how_to_look(console, submission, args.server)
        return INTERRUPTED
    _show_summary(console, submission, args.server)
    return FAILED if any(end.error for end in submission.ends.values()) else 0


def _check_address(server: str) -> None:
    """Before anything is tried: httpx takes an address without a scheme for a server that is away.

    Raises:
        ConfigInvalid: it is no web address.
    """
    try:
        url = httpx.URL(server)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigInvalid(f"--server {server}: write the address as {DEFAULT_SERVER}.")


@dataclass
class End:
    """What became of one video."""

    view: JobView | None = None
    error: str = ""


class Submission:
    """All errands of one call, side by side: a few uploads at a time, any number of waits.

    Args:
        errands: what to send.
        options: for every job.
        wait: whether to follow each job and fetch its result.
        uploads: how many at the same time.
        lines: where it shows.
        api_key: sent along, if there is one.
    """

    def __init__(
        self,
        errands: Sequence[Errand],
        options: JobOptions,
        *,
        wait: bool,
        uploads: int,
        lines: JobLines,
        api_key: str | None = None,
    ) -> None:
        self._errands = errands
        self._options = options
        self._wait = wait
        self._uploads = asyncio.Semaphore(uploads)
        self._lines = lines
        self._headers = authorization(api_key)
        self.ends: dict[Errand, End] = {errand: End() for errand in errands}

    @property
    def has_key(self) -> bool:
        """Whether an API key is sent along."""
        return bool(self._headers)

    @property
    def sent(self) -> list[JobView]:
        """Jobs that the server has, as last seen."""
        return [end.view for end in self.ends.values() if end.view is not None]

    async def run(self, server: str) -> None:
        """Do all errands; what fails is in :attr:`ends`, and does not stop the others."""
        async with httpx.AsyncClient(
            base_url=server,
            headers=self._headers,
            # Of a thousand jobs most wait here for a connection; that is no fault of the server.
            timeout=httpx.Timeout(60.0, connect=5.0, pool=None),
            limits=httpx.Limits(max_connections=64),
        ) as http:
            client = JobClient(http)
            with self._lines:
                await asyncio.gather(*(self._send(client, errand) for errand in self._errands))

    async def _send(self, client: JobClient, errand: Errand) -> None:
        end = self.ends[errand]
        async with self._uploads:
            line = self._lines.add(errand.name, errand.video)
            try:
                end.view = await client.submit(errand.video, self._options, on_sent=line.sent)
            except (LiftError, OSError) as error:
                end.error = _in_words(error)
                line.finish(end.error, failed=True)
                return
        if not self._wait:
            line.finish(f"sent as job {end.view.id}")
            return
        try:
            await self._see_through(client, errand, end, end.view.id, line)
        except (LiftError, OSError) as error:
            end.error = _in_words(error)
        line.finish(end.error or f"{errand.result}", failed=bool(end.error))

    async def _see_through(
        self, client: JobClient, errand: Errand, end: End, job_id: str, line: JobLine
    ) -> None:
        async for view in client.follow(job_id):
            end.view = view
            line.show(view)
        match end.view:
            case JobView(state=JobState.SUCCEEDED):
                await client.download(job_id, errand.result)
            case JobView(error=error) if error is not None:
                end.error = _in_words(error)
            case JobView(state=state):
                end.error = f"The job is {state.value}, without a result. [{state.value}]"


def _in_words(error: LiftError | JobError | OSError) -> str:
    if isinstance(error, OSError):
        return f"{error} [file_unusable]"
    return f"{error.title}: {error.detail} [{error.code}]"


def _show_summary(console: Console, submission: Submission, server: str) -> None:
    ends = submission.ends
    if len(ends) > 1:
        table = Table("video", "job", "state", "persons", "result")
        for errand, end in ends.items():
            view = end.view
            state = view.state.value if view else "not sent"
            there = str(errand.result) if view and view.state is JobState.SUCCEEDED else end.error
            persons = "" if view is None or view.persons is None else str(view.persons)
            table.add_row(errand.name, view.id if view else "", state, persons, there)
        console.print(table)
    failed = sum(bool(end.error) for end in ends.values())
    if failed:
        console.print(f"{failed} of {len(ends)} failed", style="bold red")
    if any(not view.state.is_final for view in submission.sent):
        _say_how_to_look(console, submission, server)


def _say_how_to_look(console: Console, submission: Submission, server: str) -> None:
    live = [view for view in submission.sent if not view.state.is_final]
    if not live:
        return
    console.print(f"\n{len(live)} job{'s' if len(live) > 1 else ''} on the server. To look:")
    curl = f'curl -H "Authorization: Bearer ${VARIABLE}"' if submission.has_key else "curl"
    for view in live[:5]:
        console.print(f"  {curl} {server.rstrip('/')}/jobs/{view.id}", highlight=False)
    if len(live) > 5:
        console.print(f"  {curl} '{server.rstrip('/')}/jobs?limit=100'", highlight=False)
