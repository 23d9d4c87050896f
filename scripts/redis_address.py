"""Where Redis is, told without telling its password to everybody on the machine."""

from urllib.parse import urlsplit

from core.errors import SecretInArguments


def without_secret(redis_url: str | None) -> str | None:
    """The value of ``--redis-url``, if it may stand there.

    Raises:
        SecretInArguments: it holds a password, which belongs into ``POSELIFT_REDIS_URL``.
    """
    if redis_url is not None and _has_secret(redis_url):
        raise SecretInArguments(
            "Everybody on this machine can read the arguments of a process. Put a Redis URL with a "
            "password into the environment variable POSELIFT_REDIS_URL instead of --redis-url."
        )
    return redis_url


def _has_secret(redis_url: str) -> bool:
    try:
        parts = urlsplit(redis_url)
    except ValueError:
        return False
    return bool(parts.password) or "password=" in parts.query
