"""Whether a server may listen where it was told to: strangers find either keys or a closed door."""

from enum import StrEnum

from core.errors import ServerUnprotected, StoreUnavailable
from core.store.api_keys import ApiKeys
from core.store.connection import connect
from server.addresses import is_loopback


class Exposure(StrEnum):
    """Who gets in, in words for whoever started the server."""

    CLOSED = "API keys are in use: every request needs one."
    LOCAL = "No API keys: only this machine can reach the server, and everybody on it may use it."
    INSECURE = "No API keys, and strangers may come: whoever reaches the server may use all of it."
    UNKNOWN = "Whether there are API keys is not known while Redis is away; nobody gets in so long."


def check_exposure(redis_url: str, *, host: str, insecure: bool) -> Exposure:
    """What listening on this address would mean.

    Args:
        redis_url: of the Redis that has the keys.
        host: address or name to listen on.
        insecure: whether the operator accepts to do without keys.

    Raises:
        ServerUnprotected: others could reach the server, there are no keys, and nobody said that
            this is meant.
    """
    try:
        with connect(redis_url) as redis:
            has_keys = bool(ApiKeys(redis).all())
    except StoreUnavailable:  # requests are held back by the same rule, whenever it comes back
        return Exposure.UNKNOWN
    if has_keys:
        return Exposure.CLOSED
    if is_loopback(host):
        return Exposure.LOCAL
    if insecure:
        return Exposure.INSECURE
    raise ServerUnprotected(
        f"Other machines can reach {host}, and there are no API keys. Make one with "
        "`poselift keys create NAME` (same Redis or data folder), listen on 127.0.0.1, or say "
        "--insecure (POSELIFT_INSECURE=1) if something else keeps strangers out."
    )
