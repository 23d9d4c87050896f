"""One way to connect to Redis, and one way for its failures to leave this room."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ConnectionError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,
)
from redis.retry import Retry

from core.errors import ConfigInvalid, StoreUnavailable

_PASSING_REPLIES = ("BUSY", "MISCONF", "LOADING", "MASTERDOWN", "NOREPLICAS", "OOM", "READONLY")
"""Error replies of a Redis that is there, but cannot serve us just now."""


def connect(url: str, *, timeout_s: float = 5.0, retries: int = 1) -> Redis:
    """A thread-safe client that checks its connections and retries a dropped one.

    Nothing is sent before the first command. Values stay bytes, as RQ needs them.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.
        timeout_s: for connecting and for every reply; blocking reads must ask for less.
        retries: how often a command is tried again after a lost connection.

    Raises:
        ConfigInvalid: the URL cannot be understood.
    """
    try:
        return Redis.from_url(
            url,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            health_check_interval=30,
            retry=Retry(ExponentialBackoff(cap=1.0, base=0.05), retries),
        )
    except ValueError as error:
        # The URL may hold a password, so it is not repeated here.
        raise ConfigInvalid(f"The Redis URL cannot be used: {error}.") from None


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn a Redis that is away, busy, full or read-only into ``StoreUnavailable``.

    Anything else (a script of ours that is wrong, say) is a bug and passes unchanged.
    """
    try:
        yield
    except (ConnectionError, TimeoutError, BusyLoadingError, OutOfMemoryError, ReadOnlyError) as e:
        raise StoreUnavailable(_explain(e)) from e
    except NoPermissionError as error:  # a login with too few rights, or changed ones
        raise StoreUnavailable(_explain(error)) from error
    except ResponseError as error:
        if not _is_passing(str(error)):
            raise
        raise StoreUnavailable(_explain(error)) from error


def _is_passing(reply: str) -> bool:
    # A failure inside one of our scripts wraps the reply in a sentence.
    return reply.startswith(_PASSING_REPLIES) or any(
        f" -{word}" in reply or f" {word} " in reply for word in _PASSING_REPLIES
    )


def _explain(error: Exception) -> str:
    reply = str(error)
    if isinstance(error, OutOfMemoryError) or reply.startswith("OOM"):
        return "The job store is out of memory. Try again later."
    if isinstance(error, AuthenticationError | NoPermissionError):
        return (
            "The job store (Redis) refuses our login, or what it may do. Whoever runs this must "
            "see to POSELIFT_REDIS_URL and Redis's access list."
        )
    if isinstance(error, ConnectionError | TimeoutError):
        return "The job store (Redis) does not answer. Try again in a few seconds."
    return "The job store (Redis) cannot take requests just now. Try again in a few seconds."
