"""Promise: hundreds of slow uploads do not keep others from asking how their job is doing."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx
import numpy as np

from benchmarks.soak_promise import Entries, Figure, Setting, Trial
from benchmarks.soak_site import worksite
from tests.faults.serving import ServerProcess, Wire, partials_in, uploads_in
from tests.server.clips import code
from tests.server.sending import send
from tests.waiting import wait_for

MANY, HURRIED = 500, 20
SIZE_BYTES, BEGUN_BYTES, DROP_BYTES = 8 << 20, 100, 2048
POLLING_S = 15.0
PAUSE_S = 0.01
P99_MS = 50.0


def overload(setting: Setting) -> Entries:
    """Each sends two KiB a second; meanwhile a client polls a hundred times a second, at most."""
    polls_s: list[float] = []
    with ExitStack() as stack:
        site = stack.enter_context(worksite(setting.folder))
        server = stack.enter_context(
            ServerProcess(
                setting.folder,
                site.redis_url,
                POSELIFT_MAX_UPLOADS=MANY,
                POSELIFT_UPLOADS_PER_MINUTE=0,
            )
        )
        api = stack.enter_context(httpx.Client(base_url=server.url, timeout=60))
        job_id = send(api).json()["id"]
        polling_s = min(POLLING_S, max(2.0, setting.share_s / 3))
        for _ in setting.rounds(each_s=polling_s + 10):
            yield _round(server, api, job_id, polls_s, polling_s)
    for share in (50, 99, 100):
        name = {50: "median", 99: "p99", 100: "slowest"}[share]
        value_ms = 1e3 * float(np.percentile(polls_s, share))
        at_most = P99_MS if share == 99 else None
        yield Figure(f"{name} of GET /jobs/{{id}} meanwhile", value_ms, "ms", at_most)
    yield Figure("polls", len(polls_s))


def _round(
    server: ServerProcess, api: httpx.Client, job_id: str, polls_s: list[float], polling_s: float
) -> Trial:
    before = len(uploads_in(server.data_dir))
    problem = ""
    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(server.url).begin(SIZE_BYTES)) for _ in range(MANY)]
        wait_for(lambda: len(partials_in(server.data_dir)) == MANY, 60)
        with _dripping(wires[HURRIED:]):
            if code(send(api)) != (503, "server_busy"):
                problem = "one upload too many was let in"
            ends_s = time.monotonic() + polling_s
            while time.monotonic() < ends_s:
                asked_s = time.monotonic()
                assert api.get(f"/jobs/{job_id}").json()["state"] == "queued"
                polls_s.append(time.monotonic() - asked_s)
                time.sleep(PAUSE_S)
            for wire in wires[:HURRIED]:
                wire.send(bytes(SIZE_BYTES - BEGUN_BYTES))
            accepted = [wire.answer()[0] for wire in wires[:HURRIED]].count(202)
    since_s = time.monotonic()
    wait_for(lambda: partials_in(server.data_dir) == [] and send(api).status_code == 202, 60)
    kept = len(uploads_in(server.data_dir)) - before - 1
    return Trial(
        times=MANY,
        lost=HURRIED - accepted + max(0, accepted - kept),
        double=max(0, kept - accepted),
        dead=int(server.running.process.poll() is not None),
        recovery_s=time.monotonic() - since_s,
        problem=problem,
    )


@contextmanager
def _dripping(wires: list[Wire]) -> Iterator[None]:
    """A drop for each of them every second, spread over it."""
    ended = threading.Event()

    def drip() -> None:
        while not ended.is_set():
            for wire in wires:
                if ended.wait(1 / MANY):
                    return
                with suppress(OSError):
                    wire.send(bytes(DROP_BYTES))

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
