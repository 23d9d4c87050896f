"""Drives jobs through the ledger as a worker does, without lifting anything."""

from dataclasses import dataclass

from core.contracts import JobError
from core.errors import LiftError
from core.store.blobs import BlobStore
from core.store.keys import result_key
from core.store.ledger import Attempt, JobLedger
from core.store.live_frames import LiveFrames


@dataclass
class FakeWorker:
    ledger: JobLedger
    blobs: BlobStore
    frames: LiveFrames

    def claim(self, job_id: str) -> Attempt:
        attempt = self.ledger.claim(job_id, worker="fake", lease_s=30.0)
        assert attempt is not None
        return attempt

    def succeed(self, job_id: str, content: bytes = b"the result", persons: int = 1) -> None:
        self.finish(self.claim(job_id), content, persons)

    def finish(self, attempt: Attempt, content: bytes, persons: int = 1) -> None:
        facts = self.blobs.put_bytes(result_key(attempt.job_id, attempt.token), content)
        self.ledger.succeed(attempt, facts, persons)

    def fail(self, job_id: str, error: LiftError) -> None:
        self.ledger.fail(self.claim(job_id), JobError.of(error))
