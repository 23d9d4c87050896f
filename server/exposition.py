"""How the deployment's counts are called in Prometheus's terms."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from core.store.counters import JOB_BOUNDS_S, REQUEST_BOUNDS_S, Count

Counts = Mapping[tuple[str, ...], float]


@dataclass(frozen=True)
class _Described:
    what: Count
    help: str
    labels: tuple[str, ...] = ()
    bounds_s: tuple[float, ...] = ()


_FAMILIES = (
    _Described(Count.UPLOADS, "Videos received completely"),
    _Described(Count.UPLOAD_BYTES, "Bytes of videos received completely"),
    _Described(Count.UPLOADS_REFUSED, "Uploads that became no job, by problem code", ("code",)),
    _Described(Count.JOBS_ACCEPTED, "Jobs accepted"),
    _Described(Count.JOB_ATTEMPTS, "Attempts at jobs that workers began"),
    _Described(Count.JOBS_RESUMED, "Attempts that went on where an earlier one had stopped"),
    _Described(Count.JOBS_ENDED, "Jobs that reached an end", ("state",)),
    _Described(Count.JOB_FAILURES, "Jobs that failed, by error code", ("code",)),
    _Described(Count.JOB_RETRIES, "Attempts the machine spoilt, to be tried again", ("code",)),
    _Described(Count.JOBS_HANDED_BACK, "Jobs that stopping workers put back into the queue"),
    _Described(Count.JOBS_REAPED, "Attempts whose worker died or went silent"),
    _Described(
        Count.JOB_WAIT_SECONDS, "From acceptance to the first attempt", bounds_s=JOB_BOUNDS_S
    ),
    _Described(Count.JOB_RUN_SECONDS, "How long attempts ran", ("outcome",), JOB_BOUNDS_S),
    _Described(Count.STAGE_SECONDS, "Time that attempts spent in each stage", ("stage",)),
    _Described(Count.FRAMES, "Frames of finished videos"),
    _Described(Count.QUALITY_NOTES, "Finished videos by quality code", ("code",)),
    _Described(
        Count.REQUEST_SECONDS,
        "Time from a request's arrival to the end of its answer",
        ("method", "route", "status"),
        REQUEST_BOUNDS_S,
    ),
)


def families(counts: Counts) -> Iterator[Metric]:
    """Every count as a metric family; one without labels that never happened is 0."""
    for described in _FAMILIES:
        yield _histogram(described, counts) if described.bounds_s else _counter(described, counts)


def _counter(described: _Described, counts: Counts) -> CounterMetricFamily:
    family = CounterMetricFamily(_name(described), described.help, labels=described.labels)
    rows = dict(_rows(counts, described.what, len(described.labels)))
    if not described.labels:
        rows.setdefault((), 0.0)
    for labels, value in sorted(rows.items()):
        family.add_metric(labels, value)
    return family


def _histogram(described: _Described, counts: Counts) -> HistogramMetricFamily:
    family = HistogramMetricFamily(_name(described), described.help, labels=described.labels)
    found: defaultdict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    for (*labels, bound), count in _rows(
        counts, f"{described.what}_bucket", len(described.labels) + 1
    ):
        found[tuple(labels)][bound] = count
    sums = dict(_rows(counts, f"{described.what}_sum", len(described.labels)))
    bounds = [*(f"{bound:g}" for bound in described.bounds_s), "+Inf"]
    for labels, in_bucket in sorted(found.items()):
        so_far, buckets = 0.0, []
        for bound in bounds:
            so_far += in_bucket.get(bound, 0.0)
            buckets.append((bound, so_far))
        family.add_metric(labels, buckets, sums.get(labels, 0.0))
    return family


def _rows(counts: Counts, name: str, labels: int) -> Iterator[tuple[tuple[str, ...], float]]:
    """Labels and value of each count of this name; those of another release's labels are left."""
    return (
        (field[1:], value)
        for field, value in counts.items()
        if field[0] == name and len(field) == labels + 1
    )


def _name(described: _Described) -> str:
    return f"poselift_{described.what}"
