"""A real API and a real slot, watched while hostile files go through them."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote
from zlib import crc32

import httpx
import psutil

from core.contracts import LIFT_QUEUE
from core.store.connection import connect
from core.store.embedded import EmbeddedRedis
from core.store.heartbeats import Heartbeats
from scripts.ports import claim_port
from tests.faults.hostile.baits import Baits
from tests.faults.hostile.clips import honest_clips
from tests.faults.hostile.corpus import HostileFile
from tests.faults.hostile.openings import Openings, can_trace, traced
from tests.faults.hostile.variant import Material
from tests.waiting import wait_for
from worker.crew import Crew, Member

_PATIENCE_S = 120.0
_LOOK_S = 0.02


@dataclass(frozen=True)
class Verdict:
    """How one file ended.

    Attributes:
        file: which one.
        code: ``succeeded``, or the code of its failure, or of its refusal by the server.
        seconds: from the first byte sent until it was known.
        problem: what should not have happened, empty if all is well.
    """

    file: HostileFile
    code: str
    seconds: float
    problem: str = ""


class Arena:
    """Redis, the API and one slot, started and stopped with the block.

    Args:
        folder: for data, logs and encoding.
        job_timeout_s: how long one file may keep the slot.
    """

    def __init__(self, folder: Path, *, job_timeout_s: float = 20.0) -> None:
        self._folder = folder
        self._job_timeout_s = job_timeout_s
        self._deaths: list[str] = []
        self.data_dir = folder / "data"

    def __enter__(self) -> Self:
        self._stack = contextlib.ExitStack()
        with self._stack:
            self._redis = self._stack.enter_context(EmbeddedRedis(self._folder / "redis"))
            self._baits = self._stack.enter_context(Baits(self._folder / "bait"))
            scratch = self._folder / "scratch"
            scratch.mkdir()
            self.material = Material(honest_clips(scratch), self._baits.bait, scratch)
            port = claim_port("127.0.0.1", 0)
            self._crew = self._stack.enter_context(Crew(self._members(port), tell=self._tell))
            self.api = self._stack.enter_context(
                httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)
            )
            wait_for(self._is_up, _PATIENCE_S)
            self._first_pids = self._crew.pids
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def deaths(self) -> list[str]:
        """What was said of every process that ended while it should not."""
        return list(self._deaths)

    @property
    def baits_taken(self) -> list[str]:
        return self._baits.taken

    def openings(self, since_s: float) -> set[str]:
        """What the API or the slot reached for since then, that is none of their business."""
        own = [self.data_dir.resolve()]
        logs = [self._trace(name) for name in ("api", "slot")]
        return {found for log in logs for found in Openings(log, own).strange(since_s)}

    def rss_bytes(self) -> dict[str, int]:
        """Resident memory of the API and of the slot, each with its children."""
        return {name: _family_rss_bytes(pid) for name, pid in self._crew.pids.items()}

    @contextlib.contextmanager
    def peak_bytes(self) -> Iterator[list[int]]:
        """The slot's largest resident memory while the block runs, in a list of one."""
        peak, ended = [0], threading.Event()

        def watch() -> None:
            while not ended.wait(_LOOK_S):
                peak[0] = max(peak[0], self.rss_bytes().get("slot", 0))

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield peak
        finally:
            ended.set()
            watcher.join()

    def warm_up(self, rounds: int = 1) -> None:
        """Honest videos, so that everything that is loaded late is there."""
        for _ in range(rounds):
            for name, content in self.material.clips.items():
                reply = self.api.post("/jobs", files={"file": (name, content)})
                state, code = self._ended(reply.json()["id"])
                assert state == "succeeded", f"{name}: {code}"

    def judge(self, file: HostileFile) -> Verdict:
        """Send one file and wait for its end, then remove it."""
        deaths, started = len(self._deaths), time.monotonic()
        try:
            reply = self._send(file)
            code, problem = self._outcome(reply)
        except (httpx.HTTPError, AssertionError) as error:
            code, problem = "no answer", f"{type(error).__name__}: {error}"
        seconds = time.monotonic() - started
        died = "; ".join(self._deaths[deaths:])
        return Verdict(file, code, seconds, problem or died)

    def _outcome(self, reply: httpx.Response) -> tuple[str, str]:
        body = reply.json()
        if reply.status_code != 202:
            wrong = reply.status_code >= 500 or not body.get("detail")
            return body.get("code", "none"), f"status {reply.status_code}" if wrong else ""
        state, code = self._ended(body["id"])
        removed = self.api.delete(f"/jobs/{body['id']}").status_code
        wrong = state not in ("succeeded", "failed") or code == "internal_error" or removed != 204
        return code, f"{state} [{code}], removed with {removed}" if wrong else ""

    def _ended(self, job_id: str) -> tuple[str, str]:
        job = {"state": "queued"}

        def has_ended() -> bool:
            job.update(self.api.get(f"/jobs/{job_id}", params={"wait": "20"}).json())
            return job["state"] not in ("queued", "running")

        wait_for(has_ended, _PATIENCE_S + 3 * self._job_timeout_s)
        error = job.get("error") or {}
        return job["state"], error.get("code", job["state"])

    def _send(self, file: HostileFile) -> httpx.Response:
        """As a form, as a raw body with a name in the query, or with it in the path."""
        content, name = file.variant.content, file.variant.name
        way = crc32(file.label.encode()) % 3
        quoted = quote(name.encode("utf-8", "surrogatepass"), safe="")
        # Longer names than this are no request any more.
        if way == 0 or len(quoted) > 4000:
            return self._send_form(content, name)
        if way == 1:
            return self.api.post(f"/jobs?filename={quoted}", content=content)
        return self.api.put(f"/jobs/{quoted.replace('.', '%2E')}", content=content)

    def _send_form(self, content: bytes, name: str) -> httpx.Response:
        """Written by hand: a client that means harm quotes nothing."""
        edge = b"frontier-" + str(crc32(content)).encode()
        raw_name = name.encode("utf-8", "surrogatepass")
        head = b'Content-Disposition: form-data; name="file"; filename="' + raw_name + b'"'
        body = b"--" + edge + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n--" + edge + b"--\r\n"
        kind = f"multipart/form-data; boundary={edge.decode()}"
        return self.api.post("/jobs", content=body, headers={"content-type": kind})

    def _members(self, port: int) -> list[Member]:
        surroundings = {
            "POSELIFT_REDIS_URL": self._redis.url,
            "POSELIFT_DATA_DIR": str(self.data_dir),
            "POSELIFT_DISK_RESERVE_BYTES": "0",
            "POSELIFT_UPLOAD_LIMIT_BYTES": str(256 << 20),
            "POSELIFT_JOB_TIMEOUT_S": str(self._job_timeout_s),
            "POSELIFT_STALL_TIMEOUT_S": str(self._job_timeout_s),
            "POSELIFT_STUCK_S": str(6 * self._job_timeout_s),
            "POSELIFT_LEASE_S": "120",  # nobody is killed, and a busy machine is no harm
            "POSELIFT_THREADS": "2",
            "POSELIFT_DECODER_MEMORY_MIB": "2048",
        }
        serve = ["-m", "scripts.cli", "serve", "--port", str(port), "--log-level", "warning"]
        slot = ["-m", "tests.faults.hostile.decoding_slot", "slot"]
        return [
            Member(name, self._watched(name, [sys.executable, *words]), surroundings)
            for name, words in (("api", serve), ("slot", slot))
        ]

    def _watched(self, name: str, command: list[str]) -> list[str]:
        return traced(command, self._trace(name)) if can_trace() else command

    def _trace(self, name: str) -> Path:
        return self._folder / f"{name}.trace"

    def _tell(self, name: str, line: str) -> None:
        with (self._folder / f"{name}.log").open("a") as log:
            log.write(f"{line}\n")
        if line.startswith("ended with"):
            self._deaths.append(f"{name} {line}")

    def _is_up(self) -> bool:
        self._crew.check()
        with connect(self._redis.url) as redis, contextlib.suppress(httpx.TransportError):
            return bool(Heartbeats(redis).alive(LIFT_QUEUE)) and (
                self.api.get("/healthz").is_success
            )
        return False


def _family_rss_bytes(pid: int) -> int:
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        me = psutil.Process(pid)
        for one in (me, *me.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += one.memory_info().rss
    return total
