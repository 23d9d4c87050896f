"""Promise: a full disk refuses uploads and fails jobs with a code; nobody dies of it."""

import time
from contextlib import ExitStack

import httpx
import psutil

from benchmarks.soak_promise import Entries, Setting, Trial
from benchmarks.soak_site import dead, has_ended, short_clip, worksite
from core.contracts import JobState
from tests.faults.clips import three_segments
from tests.faults.searching_slot import FULL
from tests.faults.serving import ServerProcess, partials_in, uploads_in
from tests.faults.worksite import PATIENCE_S, Slot, Worksite
from tests.server.clips import of_size
from tests.waiting import wait_for

ROOM_BYTES, LARGE = 2 << 20, of_size(3 << 20)


def full_disks(setting: Setting) -> Entries:
    """A limit on the size of files stands for the full disk, put on and taken away."""
    short = short_clip(setting.folder)
    large = three_segments(setting.folder).read_bytes()
    with ExitStack() as stack:
        site = stack.enter_context(worksite(setting.folder))
        server = stack.enter_context(ServerProcess(setting.folder, site.redis_url))
        api = stack.enter_context(httpx.Client(base_url=server.url, timeout=60))
        slot = site.start("slot", POSELIFT_MAX_FAILURES=2)
        for _ in setting.rounds(each_s=5):
            yield _of_the_server(server, api, site, short)
            yield _of_the_worker(slot, site, large, short)


def _of_the_server(server: ServerProcess, api: httpx.Client, site: Worksite, short: bytes) -> Trial:
    process = psutil.Process(server.running.process.pid)
    unlimited = process.rlimit(psutil.RLIMIT_FSIZE)
    before = uploads_in(server.data_dir)
    process.rlimit(psutil.RLIMIT_FSIZE, (ROOM_BYTES, unlimited[1]))
    try:
        refused = api.post("/jobs", content=LARGE)
        left = len(uploads_in(server.data_dir)) - len(before) + len(partials_in(server.data_dir))
        fits = api.post("/jobs", content=short)
    finally:
        process.rlimit(psutil.RLIMIT_FSIZE, unlimited)
    since_s = time.monotonic()
    wait_for(lambda: api.post("/jobs", content=LARGE).is_success, 60)
    recovery_s = time.monotonic() - since_s
    kept = fits.is_success and _succeeds(site, fits.json()["id"])
    told = (refused.status_code, refused.json()["code"])
    problem = "" if told == (507, "storage_full") else f"a full disk was answered by {told}"
    is_dead = server.running.process.poll() is not None
    return Trial(
        lost=int(not kept), double=left, dead=int(is_dead), recovery_s=recovery_s, problem=problem
    )


def _of_the_worker(slot: Slot, site: Worksite, large: bytes, short: bytes) -> Trial:
    job_id, following = site.submit(large + FULL), site.submit(short)
    wait_for(lambda: has_ended(site, job_id), PATIENCE_S)
    since_s = time.monotonic()
    kept = _succeeds(site, following)
    error = site.ledger.get(job_id).error
    code = error.code if error else "no error"
    return Trial(
        lost=int(not kept),
        dead=dead(slot),
        recovery_s=time.monotonic() - since_s,
        problem="" if code == "storage_full" else f"a worker's full disk ended as {code}",
    )


def _succeeds(site: Worksite, job_id: str) -> bool:
    wait_for(lambda: has_ended(site, job_id), PATIENCE_S)
    return site.state(job_id) is JobState.SUCCEEDED
