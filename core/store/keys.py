"""The names under which jobs and their files are kept. We make them; no user input is in them."""

import re
import secrets

PREFIX = "poselift"
"""Every Redis key of ours starts with this."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def new_id() -> str:
    """An identifier that nobody can guess: 128 random bits in 32 hex digits."""
    return secrets.token_hex(16)


def is_id(text: str) -> bool:
    """Whether text could be one of our identifiers; anything else never reaches a key or path."""
    return _ID.fullmatch(text) is not None


def upload_key(job_id: str) -> str:
    """Where a job's video is kept."""
    return f"uploads/{job_id}"


def result_key(job_id: str, token: int) -> str:
    """Where one attempt leaves its result: attempts never share a file.

    The one that counts is the last: ``result_key(record.id, record.attempt)``.
    """
    return f"results/{job_id}/{token}"


def frames_key(job_id: str, token: int, start_index: int) -> str:
    """Where an attempt leaves the finished frames that begin at a used-frame index."""
    return f"frames/{job_id}/{token}-{start_index}"


def seen_key(job_id: str, token: int, start_index: int) -> str:
    """Where an attempt leaves what it saw from a used-frame index on."""
    return f"frames/{job_id}/seen-{token}-{start_index}"


def seen_index(job_id: str) -> str:
    """The list of what was seen in a job so far."""
    return f"{PREFIX}:seen:{job_id}"
