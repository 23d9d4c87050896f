"""Finished stretches of a running job on their way to clients: welcome, but never fatal."""

import logging
from collections.abc import Callable

from core.chunks import PoseChunk
from core.errors import AttemptSuperseded, ResourceError
from core.results.chunk_bytes import chunk_to_bytes
from core.store.ledger import Attempt
from core.store.live_frames import LiveFrames
from worker.halt import Halt, Reason

log = logging.getLogger(__name__)


class ChunkPublisher:
    """Shows each chunk to clients as it comes, until that fails once: the result has it anyway.

    Args:
        frames: where clients look.
        attempt: whose chunks.
        halt: told when a newer attempt owns the job.
        already_shown: asked once, before the first chunk: how many frames an earlier attempt has
            shown that are the very same as ours.
    """

    def __init__(
        self,
        frames: LiveFrames,
        attempt: Attempt,
        halt: Halt,
        already_shown: Callable[[], int] = lambda: 0,
    ) -> None:
        self._frames = frames
        self._attempt = attempt
        self._halt = halt
        self._already_shown = already_shown
        self._skipped: int | None = None
        self._shown = 0
        self._broken = False

    def __call__(self, chunk: PoseChunk) -> None:
        start, self._shown = self._shown, self._shown + len(chunk)
        if self._broken:
            return
        try:
            if self._skipped is None:
                self._skipped = self._already_shown()
            if self._shown <= self._skipped:
                return
            self._frames.append(self._attempt, start, len(chunk), chunk_to_bytes(chunk))
        except AttemptSuperseded:
            self._halt.ask(Reason.SUPERSEDED)
        except ResourceError as error:
            # A hole would look as if the frames after it came right before it.
            self._broken = True
            log.warning("job=%s shows no more frames: %s", self._attempt.job_id, error.detail)
