"""One slot: a process with a warm runtime that takes jobs from one queue until it is stopped."""

import logging
import os
import signal
import socket
import threading
from contextlib import ExitStack
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING
from uuid import uuid4

from rq import Queue

from core.contracts import LIFT_JOB, LIFT_QUEUE, POSE_JOB, POSE_QUEUE
from core.event_log.events import log_event
from core.store.connection import connect
from core.store.counters import Counters
from core.store.heartbeats import Heartbeats
from core.store.ledger import JobLedger
from core.store.leftovers import Leftovers
from core.store.live_frames import LiveFrames
from core.store.opening import open_blobs
from core.store.pose_exchange import PoseExchange
from core.store.seen_frames import SeenFrames
from worker.bench import Bench, Lifts
from worker.heartbeat import Pace
from worker.jobs import lift, pose
from worker.memory import memory_bytes
from worker.message import open_queue, send
from worker.settings import WorkerSettings
from worker.signs import LifeSigns
from worker.supervise import keep_working
from worker.sweeper import Sweeper, SweeperThread, Turn
from worker.worker import WORKER_TTL_S, LiftWorker

if TYPE_CHECKING:
    from core.runtime import Runtime

log = logging.getLogger(__name__)

SWEEP_S = 10.0


class Slot:
    """Hires workers one after the other, and passes signals on to the one at work.

    Args:
        settings: this process's.
        name: of the slot, unique on this machine: ``gpu0-1``, ``cpu-0``, ``poses``.
        queue_name: the one queue it serves.
        runtime: the warm runtime.
    """

    def __init__(
        self, settings: WorkerSettings, *, name: str, queue_name: str, runtime: Lifts
    ) -> None:
        self._settings = settings
        self._name = f"{socket.gethostname()}.{name}.{os.getpid()}"
        self._queue_name = queue_name
        self._redis = connect(settings.redis_url)
        self._bench = make_bench(settings, worker=self._name, runtime=runtime)
        self._stopping = threading.Event()
        self._signs = LifeSigns(
            Heartbeats(self._redis),
            name=self._name,
            queue=queue_name,
            device=runtime.device,
            counters=Counters(self._redis),
            tally=self._bench.tally,
            measure=partial(memory_bytes, runtime),
        )
        self._worker: LiftWorker | None = None

    def run(self) -> None:
        """Work until a signal asks to stop."""
        signal.signal(signal.SIGINT, self.on_signal)
        signal.signal(signal.SIGTERM, self.on_signal)
        with ExitStack() as stack:
            stack.enter_context(self._signs)
            log_event(
                log,
                "worker_started",
                worker=self._name,
                queue=self._queue_name,
                device=self._bench.runtime.device,
            )
            if self._queue_name == LIFT_QUEUE:
                stack.enter_context(self._sweeper())
            keep_working(self._hire, self._stopping)
        log_event(log, "worker_stopped")

    def on_signal(self, signum: int, frame: FrameType | None) -> None:
        again = self._stopping.is_set()
        self._stopping.set()
        if self._worker is None:
            if again:
                os._exit(128 + signum)
        elif again:
            self._worker.request_force_stop(signum, frame)
        else:
            self._worker.request_stop(signum, frame)

    def _hire(self) -> LiftWorker:
        if self._worker is not None:
            self._worker.connection.close()
        self._worker = LiftWorker(
            self._queue_name,
            functions={
                LIFT_JOB: partial(lift, bench=self._bench),
                POSE_JOB: partial(pose, bench=self._bench),
            },
            connection=connect(self._settings.redis_url, timeout_s=float(WORKER_TTL_S)),
            # RQ refuses a name that did not say goodbye, which it cannot while Redis is away.
            name=f"{self._name}.{uuid4().hex[:4]}",
            hand_back=self._hand_back,
            on_busy=self._signs.busy_with,
        )
        return self._worker

    def _hand_back(self, queue: Queue, job_id: str) -> None:
        send(queue, job_id, at_front=True)
        self._bench.ledger.sent(job_id)

    def _sweeper(self) -> SweeperThread:
        sweeper = Sweeper(
            self._bench.ledger,
            open_queue(LIFT_QUEUE, self._redis),
            self._bench.blobs,
            self._bench.frames,
            scratch=self._bench.scratch,
            leftovers=self._bench.leftovers,
        )
        turn = Turn(self._redis, self._name, hold_s=3 * SWEEP_S)
        return SweeperThread(sweeper, turn, every_s=SWEEP_S)


def make_bench(settings: WorkerSettings, *, worker: str, runtime: Lifts) -> Bench:
    """Everything one slot needs, as its settings say."""
    redis = connect(settings.redis_url)
    blobs = open_blobs(
        settings.result_store,
        data_dir=settings.data_dir,
        redis=redis,
        retention_s=settings.retention_s,
    )
    frames = LiveFrames(redis, blobs, ttl_s=settings.retention_s)
    ledger = JobLedger(redis, retention_s=settings.retention_s, max_losses=settings.max_losses)
    return Bench(
        worker=worker,
        runtime=runtime,
        ledger=ledger,
        blobs=blobs,
        frames=frames,
        leftovers=Leftovers(redis, ledger, blobs, frames),
        seen=SeenFrames(redis, blobs, ttl_s=settings.retention_s),
        exchange=PoseExchange(redis),
        scratch=settings.data_dir / "scratch",
        pace=Pace(lease_s=settings.lease_s, stuck_s=settings.stuck_s),
        job_timeout_s=settings.job_timeout_s,
        stall_timeout_s=settings.stall_timeout_s,
        max_failures=settings.max_failures,
    )


def load_runtime(settings: WorkerSettings, queue_name: str) -> "Runtime":
    """The warm runtime: torch, the networks and their weights, on the device. To be closed.

    Args:
        settings: this process's.
        queue_name: the one queue it will serve.
    """
    from core.runtime import Runtime, RuntimeConfig

    return Runtime.load(
        RuntimeConfig(
            device=settings.device.value,  # pyright: ignore[reportArgumentType]
            checkpoint=settings.checkpoint,
            lifter_backend=settings.lifter_backend.value,  # pyright: ignore[reportArgumentType]
            pose_backend=settings.pose_backend.value,
            cache_dir=settings.cache_dir,
            pose_task=settings.pose_task,
            vram_budget_mib=settings.vram_budget_mib,
            host_budget_mib=settings.host_budget_mib,
            threads=settings.threads,
            sandbox=settings.sandbox,
            decoder_memory_mib=settings.decoder_memory_mib,
            decode_on=settings.decode_on.value,
            serves="pictures" if queue_name == POSE_QUEUE else "videos",
        )
    )
