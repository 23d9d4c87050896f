"""API keys: who may use the server. Redis has their hashes, only their holders have the keys."""

import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from redis import Redis

from core.store.connection import store_errors

_KEYS = "poselift:api-keys"
"""A hash: the id of each key, and its ``ApiKey`` as JSON."""

# The first word tells people and secret scanners what it is; the id finds the record.
_FORM = re.compile(r"poselift_(?P<id>[0-9a-f]{12})_(?P<secret>[0-9a-f]{64})")


class ApiKey(BaseModel):
    """What is kept of a key.

    Its hash is a plain SHA-256: slow hashes protect what people can remember, while nobody guesses
    256 random bits.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    hashed: Annotated[str, Field(repr=False)]
    created_at: datetime
    revoked_at: datetime | None = None


_NOBODYS = ApiKey(id="", name="", hashed="0" * 64, created_at=datetime.fromtimestamp(0, UTC))


class ApiKeys:
    """The deployment's keys in Redis; thread-safe.

    Revoked keys are kept: a deployment whose last key was revoked is closed to everybody, while
    one that never had a key is open. Every method raises ``StoreUnavailable`` while Redis is away.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its stubs mix awaitables in

    def create(self, name: str) -> tuple[ApiKey, str]:
        """A new key's record, and the key itself, which nobody will see again."""
        key_id, secret = secrets.token_hex(6), secrets.token_hex(32)
        made = ApiKey(id=key_id, name=name, hashed=_hash(secret), created_at=datetime.now(UTC))
        with store_errors():
            self._redis.hset(_KEYS, key_id, made.model_dump_json())
        return made, f"poselift_{key_id}_{secret}"

    def all(self) -> dict[str, ApiKey]:
        """All keys by their id, the revoked ones too, oldest first."""
        with store_errors():
            found = map(ApiKey.model_validate_json, self._redis.hgetall(_KEYS).values())
        return {key.id: key for key in sorted(found, key=lambda key: (key.created_at, key.id))}

    def revoke(self, key_id: str) -> ApiKey | None:
        """End a key at once; None if there is no such key. Its jobs stay, and stay its own."""
        return self._change(key_id, revoked_at=datetime.now(UTC))

    def replace(self, key_id: str) -> tuple[ApiKey, str] | None:
        """Another secret for the same owner, who keeps their jobs; the old one ends at once."""
        secret = secrets.token_hex(32)
        changed = self._change(key_id, hashed=_hash(secret), revoked_at=None)
        return None if changed is None else (changed, f"poselift_{key_id}_{secret}")

    def forget(self, key_id: str) -> bool:
        """Drop a key's record; false if there is no such key. Without any, the server is open."""
        with store_errors():
            return bool(self._redis.hdel(_KEYS, key_id))

    def _change(self, key_id: str, **fields: Any) -> ApiKey | None:  # noqa: ANN401
        with store_errors():
            found = self._redis.hget(_KEYS, key_id)
            if found is None:
                return None
            key = ApiKey.model_validate_json(found).model_copy(update=fields)
            self._redis.hset(_KEYS, key_id, key.model_dump_json())
        return key


def matching(keys: Mapping[str, ApiKey], text: str) -> ApiKey | None:
    """The valid one among these keys that a client's text is.

    Takes the same time wherever the text differs from it, and whether there is a key of its id.
    """
    form = _FORM.fullmatch(text)
    key_id, secret = (form["id"], form["secret"]) if form else ("", "")
    key = keys.get(key_id, _NOBODYS)
    is_right = hmac.compare_digest(key.hashed, _hash(secret))
    return key if is_right and key.revoked_at is None else None


def could_be_a_key(text: str) -> bool:
    """Whether this has the form of a key."""
    return _FORM.fullmatch(text) is not None


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
