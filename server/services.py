"""What every route may use: made once when the app starts, passed through the lifespan's state."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, TypedDict

from fastapi import Depends, FastAPI, Request
from redis import Redis

from core.errors import NoWorkerFree, ServerBusy
from core.store.api_keys import ApiKeys
from core.store.blobs import BlobStore
from core.store.changes import JobChanges
from core.store.connection import connect
from core.store.counters import Counters
from core.store.heartbeats import Heartbeats
from core.store.idempotency import IdempotencyKeys
from core.store.ledger import JobLedger
from core.store.live_frames import LiveFrames
from core.store.opening import open_blobs
from core.store.pose_exchange import PoseExchange
from core.store.probe import StoreProbe
from core.store.quotas import UploadQuota
from server.deployment_numbers import DeploymentNumbers, disk_room
from server.doubts import Doubts
from server.housekeeping import chores, looked_after
from server.key_ring import KeyRing
from server.metrics import Metrics
from server.queue import Transport
from server.readiness import ReadinessChecks, readiness_checks
from server.seats import Seats
from server.settings import ServerSettings
from server.shared_looks import SharedLooks
from server.threads import Threads
from server.webhooks.opening import webhooks_delivered

_LEDGER_THREADS = 16
_LOOK_PATIENCE_S = 5.0
_FILE_THREADS = 16
_INTAKE_THREADS = 16
_CLAIM_THREADS = 8


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
        polls: single jobs out of it, for many who ask at once; whoever owns them.
        blobs: uploads and results.
        frames: finished frames of running jobs.
        transport: carries job ids to workers.
        beats: which workers live.
        exchange: single pictures to workers and back.
        idempotency: clients' keys.
        keys: who may use the API.
        upload_quota: of uploads a minute; None if any number may come.
        changes: wakes who waits for a job.
        metrics: what ``/metrics`` shows.
        readiness: what ``/readyz`` asks.
        draining: whether the server is about to stop.
        doubts: uploads whose job may have come to be or not.
        looks: threads for short questions to Redis, but none of uploads.
        files: threads for reading and removing blobs.
        uploads: seats for videos on their way in.
        claims: threads in which uploads ask Redis.
        intake: threads in which uploads are written.
        seats: for clients that wait for the answer to a picture.
        waits: threads to wait in, one a seat.
        owner: the API key of the request's sender, whose jobs alone the ledger shows.
    """

    settings: ServerSettings
    ledger: JobLedger
    polls: SharedLooks
    blobs: BlobStore
    frames: LiveFrames
    transport: Transport
    beats: Heartbeats
    exchange: PoseExchange
    idempotency: IdempotencyKeys
    keys: KeyRing
    upload_quota: UploadQuota | None
    changes: JobChanges
    metrics: Metrics
    readiness: ReadinessChecks
    draining: Draining
    doubts: Doubts
    looks: Threads
    files: Threads
    uploads: Seats
    claims: Threads
    intake: Threads
    seats: Seats
    waits: Threads
    owner: str | None = None


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
            everybodys = JobLedger(redis, retention_s=settings.retention_s)
            frames = LiveFrames(redis, blobs, ttl_s=settings.retention_s)
            doubts = Doubts(everybodys, blobs)
            looks = Threads(_LEDGER_THREADS, patience_s=_LOOK_PATIENCE_S)
            services = Services(
                settings=settings,
                ledger=JobLedger(redis, retention_s=settings.retention_s),
                polls=SharedLooks(everybodys, looks),
                blobs=blobs,
                frames=LiveFrames(redis, blobs, ttl_s=settings.retention_s),
                transport=Transport(redis),
                beats=Heartbeats(redis),
                exchange=PoseExchange(patient),
                idempotency=IdempotencyKeys(redis, lease_s=settings.idempotency_lease_s),
                keys=KeyRing(ApiKeys(redis)),
                upload_quota=_upload_quota(redis, settings),
                changes=changes,
                metrics=metrics,
                readiness=readiness_checks(
                    probe=StoreProbe(redis),
                    blobs=blobs,
                    beats=Heartbeats(redis),
                    ledger=JobLedger(redis, retention_s=settings.retention_s),
                    upload_limit_bytes=settings.upload_limit_bytes,
                    max_queue=settings.max_queue,
                ),
                draining=draining,
                doubts=doubts,
                looks=looks,
                files=Threads(_FILE_THREADS),
                uploads=Seats(settings.max_uploads, _too_many_uploads),
                claims=Threads(_CLAIM_THREADS, patience_s=_LOOK_PATIENCE_S),
                intake=Threads(_INTAKE_THREADS),
                seats=Seats(settings.max_poses, _too_many_pictures),
                waits=Threads(settings.max_poses),
            )
            counters = Counters(redis)
            metrics.show(
                DeploymentNumbers(services.ledger, services.beats, counters, disk_room(settings))
            )
            await stack.enter_async_context(metrics.written_to(counters, services.looks))
            await stack.enter_async_context(
                webhooks_delivered(settings, redis, services.ledger, app.root_path.rstrip("/"))
            )
            work = chores(everybodys, blobs, frames, doubts, sweep_every_s=settings.sweep_every_s)
            await stack.enter_async_context(looked_after(work))
            yield {"services": services}

    return lifespan


def _upload_quota(redis: Redis, settings: ServerSettings) -> UploadQuota | None:
    most = settings.uploads_per_minute
    return UploadQuota(redis, per_minute=most) if most else None


def _too_many_uploads() -> ServerBusy:
    return ServerBusy("Too many uploads are under way. Try again in a few seconds.")


def _too_many_pictures() -> NoWorkerFree:
    return NoWorkerFree("Too many pictures are waited for. Try again in a few seconds.")


async def _services(request: Request) -> Services:  # not async, it would cost a thread
    return request.state.services


Use = Annotated[Services, Depends(_services)]
"""A route's parameter of this type gets the services."""
