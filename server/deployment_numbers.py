"""How the deployment stands at this moment: jobs, queue, workers, room, and everybody's counts."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from core.contracts import JobState
from core.errors import JobNotFound, StoreUnavailable
from core.store.counters import Counters
from core.store.heartbeats import Heartbeats, WorkerBeat
from core.store.ledger import JobLedger
from core.store.opening import ResultStore
from server.exposition import families
from server.settings import ServerSettings

STORE_AWAY = """# HELP poselift_store_up Whether Redis answers
# TYPE poselift_store_up gauge
poselift_store_up 0.0
"""
"""All that is known while Redis is away."""


class DeploymentNumbers(Collector):
    """Asks Redis at every scrape. While it is away only that is said: no number beats a wrong one.

    Args:
        ledger: of jobs.
        beats: of workers.
        counters: of what happened.
        free_bytes: room for files; None where it cannot be told.
    """

    def __init__(
        self,
        ledger: JobLedger,
        beats: Heartbeats,
        counters: Counters,
        free_bytes: Callable[[], int | None],
    ) -> None:
        self._ledger = ledger
        self._beats = beats
        self._counters = counters
        self._free_bytes = free_bytes

    def describe(self) -> Iterator[Metric]:
        return iter(())  # else registering would already ask Redis

    def collect(self) -> Iterator[Metric]:
        yield from self._storage()
        try:
            found = [*self._jobs(), *self._workers(), *families(self._counters.read())]
        except StoreUnavailable:
            found = None
        yield _gauge("store_up", "Whether Redis answers", 0 if found is None else 1)
        yield from found or ()

    def _storage(self) -> Iterator[Metric]:
        free_bytes = self._free_bytes()
        if free_bytes is not None:
            yield _gauge("storage_free_bytes", "Room on the disk that files are on", free_bytes)

    def _jobs(self) -> Iterator[Metric]:
        counts = self._ledger.counts()
        jobs = _family("jobs", "Jobs by state", "state")
        for state, count in counts.items():
            jobs.add_metric([state.value], count)
        yield jobs
        yield _gauge("queue_depth", "Jobs that wait for a worker", counts[JobState.QUEUED])
        oldest_s = self._ledger.longest_wait_s()
        yield _gauge("queue_oldest_seconds", "Age of the oldest waiting job", oldest_s or 0.0)

    def _workers(self) -> Iterator[Metric]:
        workers = self._beats.alive()
        slots = _family("workers", "Living workers", "queue", "doing")
        doing = Counter((w.queue, "busy" if w.job_id else "idle") for w in workers)
        for labels, count in sorted(doing.items()):
            slots.add_metric(labels, count)
        yield slots
        rates = _family("worker_fps", "Frames a second of the job a worker is at", "worker")
        memory = _family("worker_memory_bytes", "Memory of a worker", "worker", "kind")
        for worker in workers:
            rates.add_metric([worker.name], self._fps(worker))
            for kind, size_bytes in sorted(worker.memory_bytes.items()):
                memory.add_metric([worker.name, kind], size_bytes)
        yield rates
        yield memory

    def _fps(self, worker: WorkerBeat) -> float:
        if worker.job_id is None:
            return 0.0
        try:
            return self._ledger.get(worker.job_id).progress.fps or 0.0
        except JobNotFound:  # a single picture is no job
            return 0.0


def disk_room(settings: ServerSettings) -> Callable[[], int | None]:
    """Asks how many bytes are free where files are kept; None if they are in Redis."""

    def ask() -> int | None:
        if settings.result_store is not ResultStore.DISK:
            return None
        try:
            return shutil.disk_usage(settings.data_dir).free
        except OSError:
            return None

    return ask


def _family(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"poselift_{name}", meaning, labels=labels)


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"poselift_{name}", meaning, value)
