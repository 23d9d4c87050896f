"""Accepts jobs as a server does, without an upload."""

from core.contracts import BlobFacts, JobOptions
from core.store.keys import new_id
from core.store.ledger import Attempt, JobLedger

SOME_FILE = BlobFacts(size_bytes=5, sha256="ab" * 32)


class Accept:
    def __init__(self, ledger: JobLedger) -> None:
        self._ledger = ledger

    def __call__(self, name: str = "clip.mp4", **more: object) -> str:
        job_id = new_id()
        self._ledger.create(
            job_id=job_id, filename=name, options=JobOptions(), upload=SOME_FILE, **more
        )
        return job_id

    def running(self, lease_s: float = 30.0) -> Attempt:
        attempt = self._ledger.claim(self(), worker="one", lease_s=lease_s)
        assert attempt is not None
        return attempt
