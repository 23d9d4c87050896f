"""Promise: whoever asked is told that a job ended, also where the server is killed as it tells."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from benchmarks.soak_promise import Entries, Figure, Setting, Trial
from benchmarks.soak_site import worksite
from core.contracts import JobOptions, WebhookState
from core.store.keys import new_id
from tests.core.store.accepting import SOME_FILE
from tests.faults.serving import ServerProcess
from tests.faults.worksite import Worksite
from tests.server.webhooks.receiver import SECRET, receiving, status
from tests.waiting import wait_for

JOBS = 5
LEASE_S = 60.0
"""What a killed server was sending is sent again after so long."""
SLOW_S = 0.1
PATIENCE_S = LEASE_S + 20


@dataclass
class Batch:
    """Jobs that ended just before their server was killed."""

    jobs: list[str]
    killed_s: float


@dataclass
class Waiting:
    """Batches of which somebody has not been told yet."""

    site: Worksite
    batches: list[Batch] = field(default_factory=list)

    def told(self) -> Iterator[Trial]:
        """Of each batch that is done."""
        for batch in list(self.batches):
            if all(self._is_told(job_id) for job_id in batch.jobs):
                self.batches.remove(batch)
                yield Trial(recovery_s=time.monotonic() - batch.killed_s)

    def untold(self) -> list[str]:
        jobs = (job_id for batch in self.batches for job_id in batch.jobs)
        return [job_id for job_id in jobs if not self._is_told(job_id)]

    def _is_told(self, job_id: str) -> bool:
        webhook = self.site.ledger.get(job_id).webhook
        return webhook is not None and webhook.state is WebhookState.DELIVERED


def webhooks(setting: Setting) -> Entries:
    """A few jobs end, and the server dies while it tells of them."""
    dice = setting.dice
    with receiving() as receiver, worksite(setting.folder) as site:
        receiver.replies = [_slowly]
        waiting, jobs = Waiting(site), []
        with ServerProcess(
            setting.folder,
            site.redis_url,
            POSELIFT_WEBHOOK_SECRET=SECRET,
            POSELIFT_WEBHOOK_ALLOW_PRIVATE="true",
        ) as server:
            for _ in setting.rounds(each_s=PATIENCE_S):
                ended = [_end(site, receiver.url) for _ in range(JOBS)]
                jobs += ended
                time.sleep(dice.uniform(0, 4 * SLOW_S))
                server.kill()
                waiting.batches.append(Batch(ended, time.monotonic()))
                server.start_again()
                yield from waiting.told()
            with suppress(AssertionError):
                wait_for(lambda: not waiting.untold(), PATIENCE_S)
            yield from waiting.told()
        received = Counter(receiver.ids())
        unheard = sum(f"msg_{job_id}" not in received for job_id in jobs)
        yield Trial(times=len(waiting.batches), lost=max(unheard, len(waiting.untold())))
        yield Figure("webhooks", len(jobs))
        yield Figure("of them sent more than once", sum(n > 1 for n in received.values()))


def _end(site: Worksite, url: str) -> str:
    job_id = new_id()
    site.ledger.create(
        job_id=job_id, filename="c.mp4", options=JobOptions(), upload=SOME_FILE, webhook_url=url
    )
    attempt = site.ledger.claim(job_id, worker="w", lease_s=30.0)
    assert attempt is not None
    site.ledger.succeed(attempt, SOME_FILE, 1)
    return job_id


def _slowly(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(SLOW_S)
    status(204)(handler)
