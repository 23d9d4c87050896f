"""What every route may use: made once when the app starts, passed through the lifespan's state."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, TypedDict

from fastapi import Depends, FastAPI, Request

from core.store.blobs import BlobStore
from core.store.changes import JobChanges
from core.store.connection import connect
from core.store.heartbeats import Heartbeats
from core.store.idempotency import IdempotencyKeys
from core.store.ledger import JobLedger
from core.store.live_frames import LiveFrames
from core.store.opening import open_blobs
from core.store.pose_exchange import PoseExchange
from server.metrics import Metrics
from server.queue import Transport
from server.seats import Seats
from server.settings import ServerSettings
from server.threads import Threads

_LEDGER_THREADS = 16
_FILE_THREADS = 16


class Draining:
    """Whether the server was told to stop: long answers then end early. Safe in signal handlers."""

    def __init__(self) -> None:
        self.is_on = False

    def begin(self) -> None:
        self.is_on = True


@dataclass(frozen=True)
class Services:
    """Everything a request needs.

    Attributes:
        settings: this process's.
        ledger: the truth about jobs.
        blobs: uploads and results.
        frames: finished frames of running jobs.
        transport: carries job ids to workers.
        beats: which workers live.
        exchange: single pictures to workers and back.
        idempotency: clients' keys.
        changes: wakes who waits for a job.
        metrics: what ``/metrics`` shows.
        draining: whether the server is about to stop.
        looks: threads for short questions to Redis.
        files: threads for reading and writing blobs.
        seats: for clients that wait for the answer to a picture.
        waits: threads to wait in, one a seat.
    """

    settings: ServerSettings
    ledger: JobLedger
    blobs: BlobStore
    frames: LiveFrames
    transport: Transport
    beats: Heartbeats
    exchange: PoseExchange
    idempotency: IdempotencyKeys
    changes: JobChanges
    metrics: Metrics
    draining: Draining
    looks: Threads
    files: Threads
    seats: Seats
    waits: Threads


class LifespanState(TypedDict):
    """What the framework hands to each request as its state."""

    services: Services


def lifespan_for(settings: ServerSettings, metrics: Metrics, draining: Draining):  # noqa: ANN201
    """The app's lifespan. Redis need not be there yet; it is only asked when a request comes."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[LifespanState]:
        async with AsyncExitStack() as stack:
            redis = stack.enter_context(connect(settings.redis_url))
            # An answer may take as long as a client waits for it.
            patient = stack.enter_context(
                connect(settings.redis_url, timeout_s=settings.poses_wait_s + 5)
            )
            blobs = open_blobs(
                settings.result_store,
                data_dir=settings.data_dir,
                redis=redis,
                retention_s=settings.retention_s,
                reserve_bytes=settings.disk_reserve_bytes,
            )
            changes = await stack.enter_async_context(JobChanges(settings.redis_url))
            services = Services(
                settings=settings,
                ledger=JobLedger(redis, retention_s=settings.retention_s),
                blobs=blobs,
                frames=LiveFrames(redis, blobs, ttl_s=settings.retention_s),
                transport=Transport(redis),
                beats=Heartbeats(redis),
                exchange=PoseExchange(patient),
                idempotency=IdempotencyKeys(redis),
                changes=changes,
                metrics=metrics,
                draining=draining,
                looks=Threads(_LEDGER_THREADS),
                files=Threads(_FILE_THREADS),
                seats=Seats(settings.max_poses),
                waits=Threads(settings.max_poses),
            )
            metrics.watch(services.ledger, services.beats)
            yield {"services": services}

    return lifespan


def _services(request: Request) -> Services:
    return request.state.services


Use = Annotated[Services, Depends(_services)]
"""A route's parameter of this type gets the services."""
