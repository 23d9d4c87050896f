"""A Redis of its own with a worksite: where a promise of the soak is tried."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.contracts import JobState
from core.errors import JobNotFound
from core.store.embedded import EmbeddedRedis
from tests.faults.worksite import Slot, Worksite
from tests.videos import make_video

LEASE_S = 2.0
"""Dead workers' jobs are soon somebody else's."""


@contextmanager
def worksite(folder: Path) -> Iterator[Worksite]:
    """A real ``redis-server`` that keeps what it acknowledges, and processes to hurt."""
    with (
        EmbeddedRedis(folder / "redis") as store,
        Worksite(folder, store.url, lease_s=LEASE_S) as site,
    ):
        yield site


def short_clip(folder: Path, frames: int = 6) -> bytes:
    """A video that is done in a moment."""
    return make_video(folder / f"short-{frames}.mp4", frames=frames, size=(96, 96)).read_bytes()


def state_of(site: Worksite, job_id: str) -> JobState | None:
    """None once the job's record is gone."""
    with suppress(JobNotFound):
        return site.state(job_id)
    return None


def has_ended(site: Worksite, job_id: str) -> bool:
    """Whether its state is final, or it was removed after it was."""
    state = state_of(site, job_id)
    return state is None or state.is_final


def holder(site: Worksite, job_id: str) -> int | None:
    """The process that runs the job, as far as is known."""
    record = site.ledger.get(job_id)
    found = re.search(r"\.(\d+)$", record.worker or "")
    return int(found[1]) if found and record.state is JobState.RUNNING else None


def dead(*slots: Slot) -> int:
    """How many of these, which nobody has ended, have."""
    return sum(slot.process.poll() is not None for slot in slots)


def spare_results(site: Worksite, job_id: str) -> list[str]:
    """Files of results that do not count."""
    attempt = site.ledger.get(job_id).attempt
    results = [path for path in site.files(job_id) if path.startswith("blobs/results/")]
    return [path for path in results if path != f"blobs/results/{job_id}/{attempt}"]
