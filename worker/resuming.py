"""Keeps what a job has seen, and has a later attempt go on there: welcome, but never fatal."""

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from hashlib import sha256

from core.errors import (
    AttemptSuperseded,
    BlobMissing,
    LiftError,
    ResourceError,
    StorageUnavailable,
)
from core.event_log.events import log_event
from core.results.observation_bytes import bytes_to_observations, observations_to_bytes
from core.store.ledger import Attempt
from core.store.seen_frames import Section, SeenFrames
from core.tracking.association import Observation
from worker.halt import Halt, Reason

log = logging.getLogger(__name__)

MOST_WAITING = 8
"""So many sections wait in memory for a store that is away; then the rest is not kept."""


class JobSpool:
    """One attempt's spool, a :class:`core.resuming.ObservationSpool`; to be opened before use.

    Args:
        store: where sections are kept.
        attempt: whose they are.
        halt: told when a newer attempt owns the job.
    """

    def __init__(self, store: SeenFrames, attempt: Attempt, halt: Halt) -> None:
        self._store = store
        self._attempt = attempt
        self._halt = halt
        self._known: list[Section] = []
        self._waiting: deque[tuple[int, Section, bytes]] = deque()
        self._next = 0
        self._stop = 0
        self._broken = False

    def open(self, made_with: str) -> "JobSpool":
        """Find what an earlier attempt left, if it saw the same video in the same way."""
        made_with = sha256(f"{made_with} {self._attempt.record.upload.sha256}".encode()).hexdigest()
        try:
            self._known = self._usable(self._store.open(self._attempt, made_with))
        except AttemptSuperseded:
            self._halt.ask(Reason.SUPERSEDED)
            self._broken = True
        except ResourceError as error:
            self._give_up(error)
        self._next, self._stop = len(self._known), self.frames
        return self

    @property
    def frames(self) -> int:
        return self._known[-1].stop if self._known else 0

    def read(self) -> Iterator[Observation]:
        for section in self._known:
            try:
                content = self._store.read(self._attempt.job_id, section)
            except BlobMissing:
                raise StorageUnavailable("What was seen before is gone.") from None
            yield from bytes_to_observations(content)

    def add(self, seen: Sequence[Observation], *, resumable: bool) -> None:
        if self._broken:
            return
        content = observations_to_bytes(seen)
        start, self._stop = self._stop, self._stop + len(seen)
        digest = sha256(content).hexdigest()
        section = Section(start, self._stop, self._attempt.token, resumable, digest)
        self._waiting.append((self._next, section, content))
        self._next += 1
        self._send()

    def _send(self) -> None:
        try:
            while self._waiting:
                self._store.append(self._attempt, *self._waiting[0])
                self._waiting.popleft()
        except AttemptSuperseded:
            self._halt.ask(Reason.SUPERSEDED)
            self._broken = True
        except ResourceError as error:
            if len(self._waiting) >= MOST_WAITING:
                self._give_up(error)

    def _give_up(self, error: LiftError) -> None:
        # A hole would make an attempt that goes on later skip frames.
        self._broken = True
        self._waiting.clear()
        log_event(log, "job_no_longer_resumable", level=logging.WARNING, detail=error.detail)

    def _usable(self, sections: Sequence[Section]) -> list[Section]:
        """Those from the start that are whole, up to the last behind which one may go on."""
        whole, stop = 0, 0
        for number, section in enumerate(sections):
            if section.start != stop or not self._is_whole(section):
                break
            stop = section.stop
            if section.resumable:
                whole = number + 1
        return list(sections[:whole])

    def _is_whole(self, section: Section) -> bool:
        if self._halt():
            return False
        try:
            self._store.read(self._attempt.job_id, section)
        except LiftError as error:
            log_event(
                log,
                "seen_frames_lost",
                level=logging.WARNING,
                from_frame=section.start,
                detail=error.detail,
            )
            return False
        return True
