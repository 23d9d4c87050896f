"""What a queued message says: the same words, whoever queues it."""

from typing import Any

SHOWN_S = 86_400
"""How long RQ's own lists show a handled message."""
RETRIES = 3
"""RQ may send a message again that a dead worker had, should it notice before we do."""
_NO_TIMEOUT = -1
"""RQ's timeout is an alarm signal that a broad ``except`` can eat; the worker has its own."""


def message(function: str, subject_id: str, *, shown_s: int = SHOWN_S) -> dict[str, Any]:
    """Arguments for RQ's ``Queue.enqueue_call``.

    Args:
        function: ``LIFT_JOB`` or ``POSE_JOB`` of :mod:`core.contracts`.
        subject_id: of the job or the picture; the message has the same.
        shown_s: how long RQ shows it after it was handled.
    """
    return {
        "func": function,
        "args": (subject_id,),
        "job_id": subject_id,
        "description": f"{function.rpartition('.')[2]} {subject_id}",
        "timeout": _NO_TIMEOUT,
        "result_ttl": shown_s,
        "failure_ttl": shown_s,
    }
