"""The deliverer of a server, as its settings say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis import Redis

from core.store.ledger import JobLedger
from core.store.webhooks import WebhookOutbox
from server.settings import ServerSettings
from server.webhooks.addresses import SystemResolver
from server.webhooks.backoff import Backoff
from server.webhooks.delivering import Deliverer
from server.webhooks.posting import Poster


@asynccontextmanager
async def webhooks_delivered(
    settings: ServerSettings, redis: Redis, ledger: JobLedger, root: str
) -> AsyncIterator[None]:
    """Deliver webhooks while the context lasts; without a secret what is owed waits for one.

    Args:
        settings: the server's.
        redis: its client.
        ledger: its ledger.
        root: path under which the API is mounted, without a slash at its end.
    """
    keys = settings.webhook_keys
    if keys is None:
        yield
        return
    backoff = Backoff()
    deliverer = Deliverer(
        WebhookOutbox(redis, max_attempts=backoff.attempts),
        ledger,
        Poster(resolve=SystemResolver(), allow_private=settings.webhook_allow_private),
        keys,
        backoff=backoff,
        root=root,
    )
    async with deliverer:
        yield
