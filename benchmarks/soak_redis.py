"""Promise: Redis goes away in the middle of uploads and jobs; what was acknowledged is kept."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from urllib.parse import unquote

import httpx
import psutil

from benchmarks.soak_promise import Entries, Figure, Setting, Trial
from benchmarks.soak_site import LEASE_S, dead, has_ended, short_clip
from core.contracts import JobState
from core.store.embedded import EmbeddedRedis
from tests.faults.cut_wire import CutWire
from tests.faults.serving import ServerProcess
from tests.faults.worksite import PATIENCE_S, Worksite
from tests.waiting import wait_for

REQUESTS = 12
"""An upload asks Redis at most so often."""


@dataclass
class Uploader:
    """A client that sends one video after the other, each until it is accepted."""

    url: str
    content: bytes
    accepted: list[str] = field(default_factory=list)
    refused: int = 0
    strange: list[str] = field(default_factory=list)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        ended = threading.Event()
        thread = threading.Thread(target=self._work, args=(ended,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(60)

    def _work(self, ended: threading.Event) -> None:
        number = 0
        with httpx.Client(base_url=self.url, timeout=60) as api:
            while not ended.is_set():
                job_id = self._ask(api, f"soak-{number}")
                if job_id is not None:
                    self.accepted.append(job_id)
                    number += 1
                ended.wait(0.1)

    def _ask(self, api: httpx.Client, key: str) -> str | None:
        try:
            reply = api.post("/jobs", content=self.content, headers={"Idempotency-Key": key})
        except httpx.TransportError as error:
            self.strange.append(f"no answer: {type(error).__name__}")
            return None
        if reply.status_code == httpx.codes.ACCEPTED:
            return reply.json()["id"]
        self.refused += 1
        code = reply.json().get("code", "none")
        expected = ("store_unavailable", "idempotency_in_flight", "server_busy")
        if code not in expected or "retry-after" not in reply.headers:
            self.strange.append(f"{reply.status_code} {code}")
        return None


def redis_away(setting: Setting) -> Entries:
    """Killed and started again, cut off for a while, or cut off after so many requests."""
    dice, folder = setting.dice, setting.folder
    content = short_clip(folder)
    with ExitStack() as stack:
        store = stack.enter_context(EmbeddedRedis(folder / "redis"))
        wire = CutWire(folder, unquote(store.url.removeprefix("unix://")))
        stack.callback(wire.close)
        site = stack.enter_context(Worksite(folder, store.url, lease_s=LEASE_S))
        server = stack.enter_context(
            ServerProcess(folder, wire.url, POSELIFT_IDEMPOTENCY_LEASE_S=1)
        )
        slot = site.start("slot", POSELIFT_REDIS_URL=wire.url)
        uploader = Uploader(server.url, content)
        with uploader.at_work():
            _wait_for_progress(site, uploader)
            for number in setting.rounds(each_s=15):
                strange = len(uploader.strange)
                if number % 3 == 0:
                    _kill(store)
                    time.sleep(dice.uniform(0, 1.5))
                    store = stack.enter_context(EmbeddedRedis(folder / "redis"))
                else:
                    _cut(wire, dice, at_request=number % 3 == 1)
                back_s = time.monotonic()
                _wait_for_progress(site, uploader)
                yield Trial(
                    recovery_s=time.monotonic() - back_s,
                    dead=dead(slot) + int(server.running.process.poll() is not None),
                    problem="; ".join(uploader.strange[strange:]),
                )
        yield from _settled(site, uploader)


def _wait_for_progress(site: Worksite, uploader: Uploader) -> None:
    """Until another upload is accepted, and has become a result."""
    before = len(uploader.accepted)
    wait_for(lambda: len(uploader.accepted) > before, PATIENCE_S)
    wait_for(lambda: has_ended(site, uploader.accepted[before]), PATIENCE_S)


def _kill(store: EmbeddedRedis) -> None:
    assert store.pid is not None
    process = psutil.Process(store.pid)
    os.kill(store.pid, signal.SIGKILL)
    wait_for(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)


def _cut(wire: CutWire, dice: Random, *, at_request: bool) -> None:
    if at_request:
        wire.cut_at(dice.randrange(REQUESTS), "before" if dice.random() < 0.5 else "after")
        time.sleep(dice.uniform(0.3, 1.0))
    else:
        wire.cut()
        time.sleep(dice.uniform(0.1, 1.5))
    wire.mend()


def _settled(site: Worksite, uploader: Uploader) -> Entries:
    """In the end: every job that was answered by 202 has succeeded, and there are no others."""
    with suppress(AssertionError):
        wait_for(lambda: all(has_ended(site, one) for one in uploader.accepted), 60.0)
    accepted = set(uploader.accepted)
    lost = sum(site.state(one) is not JobState.SUCCEEDED for one in accepted)
    # The last upload may have been accepted without its answer being waited for.
    others = set(site.ledger.ids(JobState.SUCCEEDED)) - accepted
    twice = len(uploader.accepted) - len(accepted)
    yield Trial(times=0, lost=lost, double=max(0, len(others) - 1) + twice)
    yield Figure("jobs accepted meanwhile", len(uploader.accepted))
    yield Figure("uploads told to come back", uploader.refused)
