"""Numbers for Prometheus, of one app."""

import time
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.contracts import JobState
from core.errors import StoreUnavailable
from core.store.heartbeats import Heartbeats
from core.store.ledger import JobLedger

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """A registry of its own, so that two apps in one process do not share numbers."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._uploads = Counter(
            "poselift_uploads", "Videos received completely", registry=self._registry
        )
        self._upload_bytes = Counter(
            "poselift_upload_bytes", "Bytes of videos received", registry=self._registry
        )
        self._seconds = Histogram(
            "poselift_request_seconds",
            "Time from a request's arrival to the end of its answer",
            ("method", "route", "status"),
            buckets=_SECONDS,
            registry=self._registry,
        )

    def watch(self, ledger: JobLedger, beats: Heartbeats) -> None:
        """Ask these at every scrape for what is not counted here."""
        self._registry.register(_Jobs(ledger, beats))

    def uploaded(self, size_bytes: int) -> None:
        self._uploads.inc()
        self._upload_bytes.inc(size_bytes)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        self._seconds.labels(method, route, str(status)).observe(seconds)

    def expose(self) -> bytes:
        """Everything in Prometheus's text format; asks Redis, so call it from a thread."""
        return generate_latest(self._registry)


class _Jobs(Collector):
    def __init__(self, ledger: JobLedger, beats: Heartbeats) -> None:
        self._ledger = ledger
        self._beats = beats

    def describe(self) -> Iterator[GaugeMetricFamily]:
        return iter(())  # else registering would already ask Redis

    def collect(self) -> Iterator[GaugeMetricFamily]:
        up = GaugeMetricFamily("poselift_store_up", "Whether Redis answers")
        try:
            counts, workers = self._ledger.counts(), self._beats.alive()
        except StoreUnavailable:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        jobs = GaugeMetricFamily("poselift_jobs", "Jobs by state", labels=["state"])
        for state, count in counts.items():
            jobs.add_metric([state.value], count)
        yield jobs
        depth = GaugeMetricFamily("poselift_queue_depth", "Jobs that wait for a worker")
        depth.add_metric([], counts[JobState.QUEUED])
        yield depth
        slots = GaugeMetricFamily("poselift_workers", "Living workers", labels=["queue", "doing"])
        doing = [(worker.queue, "busy" if worker.job_id else "idle") for worker in workers]
        for labels in sorted(set(doing)):
            slots.add_metric(labels, doing.count(labels))
        yield slots


class RequestTimer:
    """Middleware that counts and times requests by route, not by path: ids are not labels."""

    def __init__(
        self, app: ASGIApp, metrics: Metrics, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = self._clock(), 500

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note_status)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            # A client may invent methods without end; each would become a series of its own.
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.answered(method, route, status, self._clock() - began)
