"""Jobs whose webhook is a real receiver, and deliverers that try again soon."""

import ssl
from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from core.contracts import JobOptions
from core.store.keys import new_id
from core.store.ledger import JobLedger
from core.store.webhooks import WebhookOutbox
from server.webhooks.addresses import SystemResolver
from server.webhooks.backoff import Backoff
from server.webhooks.delivering import Deliverer
from server.webhooks.posting import Poster
from server.webhooks.signing import SigningKeys
from tests.core.store.accepting import SOME_FILE
from tests.server.webhooks.receiver import SECRET, Receiver, receiving

BELIEVES_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Quickly made; most tests do without TLS."""
SOON = Backoff(first_s=0.02, factor=1.0, attempts=5)
MakeDeliverer = Callable[..., Deliverer]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def ledger(redis: Redis) -> JobLedger:
    return JobLedger(redis, retention_s=600.0)


@pytest.fixture
def end_job(ledger: JobLedger) -> Callable[[str], str]:
    """Makes a job that has a webhook, and ends it; its id."""

    def end_job(url: str) -> str:
        job_id = new_id()
        ledger.create(
            job_id=job_id,
            filename="clip.mp4",
            options=JobOptions(),
            upload=SOME_FILE,
            webhook_url=url,
        )
        attempt = ledger.claim(job_id, worker="w", lease_s=30.0)
        assert attempt is not None
        ledger.succeed(attempt, SOME_FILE, 1)
        return job_id

    return end_job


@pytest.fixture
def deliverer(redis: Redis, ledger: JobLedger) -> MakeDeliverer:
    """Makes deliverers, to be entered inside an event loop."""

    def make(
        *,
        backoff: Backoff = SOON,
        total_s: float = 60.0,
        lease_s: float = 120.0,
        poster: Poster | None = None,
    ) -> Deliverer:
        return Deliverer(
            WebhookOutbox(redis, max_attempts=backoff.attempts),
            ledger,
            poster
            or Poster(
                resolve=SystemResolver(), allow_private=True, total_s=total_s, tls=BELIEVES_NOBODY
            ),
            SigningKeys.parse(SECRET),
            backoff=backoff,
            poll_s=0.02,
            lease_s=lease_s,
            stop_s=20.0,
        )

    return make
