"""The API under load: a large upload, polling with one process and with two, a long queue.

Real Redis (which keeps what it acknowledged through a power cut), real ``poselift serve``, no
worker: jobs wait. Each number stands beside one that does the same with less, in the same run: an
upload beside a copy from socket to file, polling beside ``/healthz``, which asks nobody.
``python -m benchmarks.server --help`` has smaller forms, which write no baseline.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.measurement import Measurement
from benchmarks.server_load import Load, load
from benchmarks.server_queue import fill, first_page_ms, list_all
from benchmarks.server_site import ServerSite
from benchmarks.server_upload import MIB, compare, make_content, uploads_under_way

Row = dict[str, float | int | str]

PROMISED_PER_S = 1500
UPLOADERS = 2
_SIDE_UPLOAD_BYTES = 32 * MIB


@dataclass(frozen=True)
class Plan:
    """How much is done.

    Attributes:
        upload_mib: size of the large upload.
        rounds: how often it is made, in turn with the raw copy.
        connections: that poll at once.
        seconds: each load lasts.
        jobs: in the long queue.
    """

    upload_mib: int = 1024
    rounds: int = 3
    connections: int = 32
    seconds: float = 10.0
    jobs: int = 1000


def measure(plan: Plan | None = None) -> Measurement:
    """All three, each on a site of its own."""
    plan = plan or Plan()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ServerSite(folder / "one", processes=1) as site:
            uploading = compare(site, folder, size_bytes=plan.upload_mib * MIB, rounds=plan.rounds)
            one = _polled(site, plan)
            queue = _queued(site, plan)
        with ServerSite(folder / "two", processes=2) as site:
            two = _polled(site, plan)
            side_upload = make_content(folder / "side.mp4", _SIDE_UPLOAD_BYTES)
            with uploads_under_way(site, side_upload, count=UPLOADERS):
                busy = _loaded(site, plan, _path(site))
    return _measurement(plan, uploading, one, two, busy, queue)


@dataclass(frozen=True)
class Polling:
    """What polling came to.

    Attributes:
        load: as clients saw it.
        cpu_us: processor time of the API's processes, an answer.
    """

    load: Load
    cpu_us: float


@dataclass(frozen=True)
class Polled:
    """Polling beside the same load on a route that asks nobody."""

    jobs: Polling
    bare: Polling


@dataclass(frozen=True)
class Queued:
    """A long queue beside a short one.

    Attributes:
        polling: the job at its end.
        submitted_per_s: by one client that waits for each answer.
        short_page_ms: the first page of a queue of one page.
        long_page_ms: the first page of the long one.
        listed: how many jobs all pages had.
        list_s: to read them.
    """

    polling: Polling
    submitted_per_s: float
    short_page_ms: float
    long_page_ms: float
    listed: int
    list_s: float


def _polled(site: ServerSite, plan: Plan) -> Polled:
    path = _path(site)
    load(site.port, path, connections=plan.connections, seconds=plan.seconds / 10)
    return Polled(jobs=_loaded(site, plan, path), bare=_loaded(site, plan, "/healthz"))


def _queued(site: ServerSite, plan: Plan) -> Queued:
    few = max(1, min(50, plan.jobs // 2))
    fill(site, few)
    short_page_ms = first_page_ms(site)
    ids, submitted_per_s = fill(site, plan.jobs - few)
    long_page_ms = first_page_ms(site)
    listed, list_s = list_all(site)
    polling = _loaded(site, plan, f"/jobs/{ids[-1]}")
    return Queued(polling, submitted_per_s, short_page_ms, long_page_ms, listed, list_s)


def _path(site: ServerSite) -> str:
    (job_id,), _ = fill(site, 1)
    return f"/jobs/{job_id}"


def _loaded(site: ServerSite, plan: Plan, path: str) -> Polling:
    before_s = site.cpu_s()
    done = load(site.port, path, connections=plan.connections, seconds=plan.seconds)
    if done.refused:
        raise RuntimeError(f"{done.refused} of {done.answers} answers to {path} were no 200")
    return Polling(done, 1e6 * (site.cpu_s() - before_s) / done.answers)


def _measurement(
    plan: Plan, uploading: Row, one: Polled, two: Polled, busy: Polling, queue: Queued
) -> Measurement:
    ratios = {
        "upload: time over the raw copy's": float(uploading["upload_s"])
        / float(uploading["raw_copy_s"]),
        "upload: growth of memory over 32 MiB": float(uploading["grown_mib"]) / 32,
        "polling: processor time over a bare answer's": one.jobs.cpu_us / one.bare.cpu_us,
        "polling: 2 processes over 1": two.jobs.load.per_s / one.jobs.load.per_s,
        "polling: 1,500 a second over 2 processes'": PROMISED_PER_S / two.jobs.load.per_s,
        "polling: p99 with uploads over without": busy.load.p99_ms / two.jobs.load.p99_ms,
        "queue: processor time of polling, long over short": queue.polling.cpu_us / one.jobs.cpu_us,
        "queue: first page, long over short": queue.long_page_ms / queue.short_page_ms,
    }
    return Measurement(
        ratios={name: round(value, 3) for name, value in ratios.items()},
        at_most={
            "upload: time over the raw copy's": round(1 / 0.7, 3),
            "upload: growth of memory over 32 MiB": 1.0,
            "polling: 1,500 a second over 2 processes'": 1.0,
        },
        rows=_rows(uploading, one, two, busy, queue),
        note=f"{plan.upload_mib} MiB, {plan.rounds} rounds in turn with the raw copy, which hashes "
        "nothing and ends with the same fsync; medians. The API also hashes, and stores the job. "
        f"Polling: {plan.connections} kept connections that ask again at once, "
        f"{plan.seconds:g} s, from a process on the same cores, whose own cost is `generator`; "
        f"with uploads: {UPLOADERS} clients that send {_SIDE_UPLOAD_BYTES // MIB} MiB again and "
        f"again. The queue has {plan.jobs} jobs. Processor time is that of the API's processes, "
        "without Redis.",
    )


def _rows(uploading: Row, one: Polled, two: Polled, busy: Polling, queue: Queued) -> list[Row]:
    """One number a row: they have little in common."""
    numbers: Row = {f"upload: {name}": value for name, value in uploading.items()}
    loads = {
        "1 process": one.jobs,
        "1 process, /healthz": one.bare,
        "2 processes": two.jobs,
        "2 processes, /healthz": two.bare,
        "2 processes, uploads": busy,
        "1 process, long queue": queue.polling,
    }
    for name, polling in loads.items():
        numbers[f"{name}: answers a second"] = round(polling.load.per_s)
        numbers[f"{name}: p50 ms"] = round(polling.load.p50_ms, 2)
        numbers[f"{name}: p99 ms"] = round(polling.load.p99_ms, 2)
        numbers[f"{name}: API, us an answer"] = round(polling.cpu_us)
        numbers[f"{name}: generator, us an answer"] = round(polling.load.own_us)
    numbers["queue: accepted a second, one client"] = round(queue.submitted_per_s)
    numbers["queue: first page ms"] = round(queue.long_page_ms, 2)
    numbers["queue: jobs listed"] = queue.listed
    numbers["queue: all pages s"] = round(queue.list_s, 2)
    return [{"what": what, "value": value} for what, value in numbers.items()]


def main(argv: Sequence[str]) -> None:
    """``python -m benchmarks.server``: as large as asked for; prints, and writes no baseline."""
    usual = Plan()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server")
    parser.add_argument("--upload-mib", type=int, default=usual.upload_mib)
    parser.add_argument("--rounds", type=int, default=usual.rounds)
    parser.add_argument("--connections", type=int, default=usual.connections)
    parser.add_argument("--seconds", type=float, default=usual.seconds)
    parser.add_argument("--jobs", type=int, default=usual.jobs)
    found = measure(Plan(**vars(parser.parse_args(argv))))
    sys.stdout.write(json.dumps(asdict(found), indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
