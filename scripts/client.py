"""The job API from outside: upload, follow, download, patient with a server that is away."""

import asyncio
import base64
import hashlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from io import FileIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from pydantic import BaseModel

from core.contracts import JobError, JobOptions, JobState, Progress
from core.errors import ConfigInvalid, LiftError, ServerUnreachable

PASSING = (429, 502, 503, 504)
"""Answers that mean: not now."""
TURN = 429
"""The one among them that means: it is somebody else's turn, or you had enough for now."""


class JobView(BaseModel):
    """What the API says about a job, as far as we need it."""

    id: str
    state: JobState
    progress: Progress = Progress()
    error: JobError | None = None
    persons: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def seconds(self) -> float:
        """From the start of the work to its end; 0 while that is not known."""
        if self.started_at is None or self.finished_at is None:
            return 0.0
        return (self.finished_at - self.started_at).total_seconds()


class JobClient:
    """One server's job API.

    Args:
        http: with the server's base URL.
        patience_s: how long a server may be away before a request is given up. One that answers
            429 is there, and is asked again for as long as it takes.
        first_patience_s: the same for one that has never answered: it may not be running at all.
        first_pause_s: doubled after each failed try, with jitter, up to ten seconds.
        poll_s: between two looks at a job that runs; far back in the queue they are fewer.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        patience_s: float = 120.0,
        first_patience_s: float = 15.0,
        first_pause_s: float = 0.5,
        poll_s: float = 0.5,
    ) -> None:
        self._http = http
        self._patience_s = patience_s
        self._first_patience_s = min(first_patience_s, patience_s)
        self._first_pause_s = first_pause_s
        self._poll_s = poll_s
        self._has_answered = False

    async def submit(
        self, video: Path, options: JobOptions, *, on_sent: Callable[[int], None]
    ) -> JobView:
        """Upload a video; a try that was cut off is repeated without making a second job.

        Args:
            video: the file.
            options: only those that differ from the defaults are sent.
            on_sent: told how many bytes have gone out, from 0 again with every try.

        Raises:
            LiftError: the server does not want it; of the kind that the server named.
            ServerUnreachable: it did not answer for too long.
        """
        fields = {name: _as_field(value) for name, value in _changed(options).items()}
        headers = {"Idempotency-Key": str(uuid4())}

        async def post() -> httpx.Response:
            with _CountedFile(video, on_sent) as file:
                part = (video.name, file, "application/octet-stream")
                return await self._http.post(
                    "/jobs", files={"file": part}, data=fields, headers=headers
                )

        return JobView.model_validate((await self._insist(post)).json())

    async def get(self, job_id: str) -> JobView:
        """The job as it stands now."""
        reply = await self._insist(lambda: self._http.get(f"/jobs/{job_id}"))
        return JobView.model_validate(reply.json())

    async def follow(self, job_id: str) -> AsyncIterator[JobView]:
        """The job again and again, until it has ended.

        Short questions rather than long polls: those answer only when the state changes, while
        progress should show, and would keep a connection busy for each of a thousand jobs.
        """
        while True:
            view = await self.get(job_id)
            yield view
            if view.state.is_final:
                return
            place = view.progress.queue_position or 0
            await asyncio.sleep(self._poll_s * min(1 + place / 5, 20))

    async def download(self, job_id: str, target: Path) -> None:
        """Fetch the result; a download that was cut off goes on where it stopped.

        Raises:
            LiftError: there is no result; of the kind that the server named.
            ServerUnreachable: it did not answer for too long, or sent something damaged.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        part.unlink(missing_ok=True)  # of an earlier run, maybe of another job
        etag: list[str] = []

        async def fetch() -> httpx.Response:
            have = part.stat().st_size if part.exists() else 0
            headers = {"Accept-Encoding": "identity"}
            if have and etag:
                headers |= {"Range": f"bytes={have}-", "If-Range": etag[0]}
            async with self._http.stream("GET", f"/jobs/{job_id}/result", headers=headers) as reply:
                if reply.status_code >= 400:
                    await reply.aread()
                    return reply
                etag[:] = [reply.headers["etag"]] if "etag" in reply.headers else []
                with part.open("ab" if reply.status_code == 206 else "wb") as file:
                    async for piece in reply.aiter_bytes():  # as it comes: a cut loses nothing
                        file.write(piece)
                return reply

        try:
            reply = await self._insist(fetch)
            _check_digest(part, reply)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    async def _insist(self, request: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        loop = asyncio.get_running_loop()
        started_s, pause_s = loop.time(), self._first_pause_s
        while True:
            try:
                reply = await request()
            except httpx.TransportError as error:
                reason, wanted_s = str(error) or type(error).__name__, 0.0
            else:
                self._has_answered = True
                if not _is_passing(reply):
                    return _accepted(reply)
                if reply.status_code == TURN:
                    # The server is well. A thousand videos may well have to wait for hours.
                    started_s, pause_s = loop.time(), self._first_pause_s
                reason, wanted_s = _detail(reply), _retry_after_s(reply)
            if loop.time() - started_s > self._longest_wait_s:
                hint = "" if self._has_answered else " Is it running? `poselift up` starts one."
                raise ServerUnreachable(
                    f"{self._http.base_url} does not serve us: {reason.rstrip('.')}.{hint}"
                )
            # Jitter, so that a thousand clients do not come back in the same moment.
            await asyncio.sleep(max(wanted_s, pause_s * random.uniform(0.5, 1.5)))  # noqa: S311
            pause_s = min(2 * pause_s, 10.0)

    @property
    def _longest_wait_s(self) -> float:
        return self._patience_s if self._has_answered else self._first_patience_s


class _CountedFile(FileIO):
    """A file that tells how far it was read."""

    def __init__(self, path: Path, on_read: Callable[[int], None]) -> None:
        super().__init__(path, "rb")
        self._on_read = on_read

    def read(self, size: int | None = -1) -> bytes | None:
        piece = super().read(-1 if size is None else size)
        self._on_read(self.tell())
        return piece


def _changed(options: JobOptions) -> dict[str, Any]:
    return options.model_dump(mode="json", exclude_defaults=True)


def _as_field(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_passing(reply: httpx.Response) -> bool:
    if reply.status_code in PASSING:
        return True
    return reply.status_code >= 400 and _problem(reply).get("retriable") is True


def _accepted(reply: httpx.Response) -> httpx.Response:
    if reply.status_code < 400:
        return reply
    error = LiftError.from_code(str(_problem(reply).get("code")), _detail(reply))
    if type(error) is LiftError and reply.status_code in (404, 405):
        raise ConfigInvalid(f"There is no job API at {reply.request.url}: check --server.")
    raise error


def _problem(reply: httpx.Response) -> dict[str, Any]:
    try:
        problem = reply.json()
    except ValueError:
        problem = None
    return problem if isinstance(problem, dict) else {}


def _detail(reply: httpx.Response) -> str:
    problem = _problem(reply)
    return str(problem.get("detail") or problem.get("title") or f"HTTP {reply.status_code}.")


def _retry_after_s(reply: httpx.Response) -> float:
    wanted = reply.headers.get("retry-after", "")
    return min(float(wanted), 60.0) if wanted.isdecimal() else 0.0


def _check_digest(file: Path, reply: httpx.Response) -> None:
    """Hold the file against ``Content-Digest: sha-256=:...:`` of a whole answer (RFC 9530)."""
    stated = reply.headers.get("repr-digest") or (
        reply.headers.get("content-digest") if reply.status_code == 200 else None
    )
    if stated is None or not stated.startswith("sha-256=:"):
        return
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").digest()
    if base64.b64decode(stated.removeprefix("sha-256=:").split(":")[0]) != found:
        raise ServerUnreachable("The result arrived damaged. Try again.")
