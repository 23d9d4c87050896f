"""The two functions a message may name: a whole video, and a single picture."""

import logging
import os
import time
from collections.abc import Callable
from functools import partial

from core.contracts import JobError, Progress
from core.errors import BlobMissing, LiftError, StoreUnavailable
from core.event_log.events import about_job, log_event
from core.pipeline import Listener
from core.store.keys import result_key, upload_key
from core.store.ledger import Attempt
from worker.attempt_events import AttemptEvents
from worker.bench import Bench
from worker.deadline import Deadline
from worker.ending import Ending, Lifted, Outcome, as_lift_error, settle
from worker.halt import Halt, Reason
from worker.heartbeat import keep_alive
from worker.memory import give_back_freed
from worker.publishing import ChunkPublisher
from worker.reporting import ProgressReporter
from worker.resuming import JobSpool
from worker.scratch import scratch_folder

log = logging.getLogger(__name__)

STUCK_EXIT = 75
"""Exit status of a process that ended itself because its job would not stop."""


def lift(job_id: str, *, bench: Bench, halt: Halt, beat: Callable[[], None]) -> Ending:
    """Claim a job, lift its video, store the result, enter the end. Never raises for the job.

    Args:
        job_id: which job.
        bench: this worker's place of work.
        halt: asked when the job should stop.
        beat: tells RQ that the message is being worked on.
    """
    claimed_at = time.monotonic()
    attempt = bench.ledger.claim(job_id, worker=bench.worker, lease_s=bench.pace.lease_s)
    if attempt is None:
        log_event(log, "job_skipped", job_id=job_id)
        return Ending(Outcome.NOTHING_TO_DO)
    with about_job(job_id, attempt.token):
        ending = _run(attempt, bench, halt, beat, claimed_at)
    give_back_freed()  # the job's threads have ended, and left it behind
    return ending


def _run(
    attempt: Attempt, bench: Bench, halt: Halt, beat: Callable[[], None], claimed_at: float
) -> Ending:
    events = AttemptEvents(attempt, bench.tally, worker=bench.worker)
    events.started()
    deadline = Deadline(total_s=bench.job_timeout_s, stall_s=bench.stall_timeout_s)
    alive = keep_alive(
        bench.ledger,
        attempt,
        halt,
        pace=bench.pace,
        deadline=deadline,
        sign=beat,
        on_stuck=partial(_give_up, bench, attempt, deadline),
    )
    with alive:
        work = partial(_lift_and_store, bench, attempt, halt, deadline, claimed_at, events)
        ending = settle(
            bench.ledger,
            attempt,
            halt,
            work,
            deadline=deadline,
            max_failures=bench.max_failures,
        )
    _clean_up(bench, attempt, ending.outcome)
    events.ended(ending)
    return ending


def pose(pose_id: str, *, bench: Bench, halt: Halt, beat: Callable[[], None]) -> Ending:
    """Lift the people in one picture for a client who waits for it.

    Args:
        pose_id: under which the server left the picture, and waits for the answer.
        bench: this worker's place of work.
        halt: not asked; a picture takes no time.
        beat: not needed either.
    """
    try:
        image = bench.exchange.image(pose_id)
    except BlobMissing:
        return Ending(Outcome.NOTHING_TO_DO)
    try:
        bench.exchange.answer(pose_id, bench.runtime.lift_image(image))
    except StoreUnavailable:
        raise
    except Exception as error:  # whatever it is, the client must not wait in vain
        refusal = as_lift_error(error)
        bench.exchange.refuse(pose_id, refusal)
        return Ending(Outcome.FAILED, JobError.of(refusal))
    return Ending(Outcome.SUCCEEDED)


def _lift_and_store(
    bench: Bench,
    attempt: Attempt,
    halt: Halt,
    deadline: Deadline,
    claimed_at: float,
    events: AttemptEvents,
) -> Lifted:
    record = attempt.record
    spool = JobSpool(bench.seen, attempt, halt)

    def already_shown() -> int:
        return bench.frames.stop_index(record.id) if spool.frames else 0

    def open_spool(made_with: str) -> JobSpool:
        spool.open(made_with)
        events.goes_on_at(spool.frames)
        return spool

    report = ProgressReporter(bench.ledger, attempt, halt, deadline)

    def on_progress(progress: Progress) -> None:
        events.progressed(progress)
        report(progress)

    listener = Listener(
        on_progress=on_progress,
        on_chunk=ChunkPublisher(bench.frames, attempt, halt, already_shown),
        should_stop=halt,
    )
    with (
        scratch_folder(bench.scratch) as folder,
        bench.blobs.local_path(upload_key(record.id)) as video,
    ):
        result = folder / "pose.npz"
        prepared_s = time.monotonic() - claimed_at
        summary = bench.runtime.lift_video(
            video,
            result,
            record.options,
            listener=listener,
            source_name=record.filename,
            open_spool=open_spool,
        )
        events.lifted(summary, prepared_s + summary.first_frame_s)
        facts = bench.blobs.put_file(result_key(record.id, attempt.token), result)
    return Lifted(facts, summary.persons)


def _clean_up(bench: Bench, attempt: Attempt, outcome: Outcome) -> None:
    """An attempt that did not count leaves no result: its key is its own, so no other one goes.

    Frames shown while the job ran, and what was seen, go at its end, and stay for a next attempt if
    it has not ended. A canceled job's upload goes, too.
    """
    try:
        if outcome is not Outcome.SUCCEEDED:
            bench.blobs.delete(result_key(attempt.job_id, attempt.token))
        if outcome in (Outcome.SUCCEEDED, Outcome.FAILED, Outcome.CANCELED):
            bench.leftovers.tidy(attempt.job_id)
    except LiftError as error:
        log.warning("job=%s leftovers stay until they expire: %s", attempt.job_id, error.detail)


def _give_up(bench: Bench, attempt: Attempt, deadline: Deadline, reason: Reason) -> None:
    """The job's thread is caught somewhere that never asks: only a new process helps."""
    log.critical("job=%s attempt=%d did not stop (%s); ending this process",
                 attempt.job_id, attempt.token, reason.value)  # fmt: skip
    try:
        match reason:
            case Reason.TIMEOUT:
                bench.ledger.fail(attempt, JobError.of(deadline.error()))
            case Reason.CANCELED:
                bench.ledger.cancel(attempt)
            case Reason.SHUTDOWN:
                bench.ledger.release(attempt)
            case Reason.SUPERSEDED:
                pass
    except LiftError as error:
        log.error("job=%s end not entered, the lease will run out: %s", attempt.job_id, error)
    finally:
        os._exit(STUCK_EXIT)
