"""A worker that takes a job from one that still works on it, as after a pause of its machine."""

from redis import Redis

from core.store.ledger import Attempt, JobLedger


def take_over(ledger: JobLedger, redis: Redis, job_id: str) -> Attempt:
    """Have the lease run out, and claim the job before it is renewed: try until that succeeds."""
    while True:
        redis.zadd("poselift:leases", {job_id: 1})
        attempt = ledger.claim(job_id, worker="other", lease_s=600.0)
        if attempt is not None:
            return attempt
