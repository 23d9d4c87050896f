"""Named events with fields, and which job they are about."""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_JOB: ContextVar[Mapping[str, object]] = ContextVar("job", default={})  # noqa: B039 - never changed
_PLAIN = re.compile(r"[A-Za-z0-9_./:+@<>()\[\]*-]+")


@contextmanager
def about_job(job_id: str, attempt: int | None = None) -> Iterator[None]:
    """Everything that is logged in this block, by anybody, names the job and the attempt.

    It follows calls and tasks. A thread that is started inside must run in a copied context
    (``contextvars.copy_context().run``) to take part.
    """
    fields: dict[str, object] = {"job_id": job_id}
    if attempt is not None:
        fields["attempt"] = attempt
    token = _JOB.set(fields)
    try:
        yield
    finally:
        _JOB.reset(token)


def job_fields() -> Mapping[str, object]:
    """What :func:`about_job` says here and now; empty outside of it."""
    return _JOB.get()


def log_event(
    log: logging.Logger,
    event: str,
    *,
    level: int = logging.INFO,
    error: BaseException | None = None,
    **fields: object,
) -> None:
    """Log that something happened.

    Args:
        log: the module's logger.
        event: a stable name in snake case, such as ``job_started``: people search for it.
        level: of :mod:`logging`.
        error: an unexpected one, shown with its traceback.
        fields: plain values by name; None leaves a field out. Text may be anybody's: it is escaped.
    """
    if not log.isEnabledFor(level):
        return
    told = {name: v for name, v in {**job_fields(), **fields}.items() if v is not None}
    words = [event, *(f"{name}={_shown(value)}" for name, value in told.items())]
    # The words are for text and for handlers that know nothing of events, such as a test's.
    extra = {"event": event, "event_fields": told}
    log.log(level, "%s", " ".join(words), exc_info=error, extra=extra)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, bool | int):
        return str(value).lower()
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
