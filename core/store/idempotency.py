"""Makes a repeated request safe: the same key leads to the same job."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from redis import Redis

from core.errors import IdempotencyInFlight, StoreUnavailable
from core.store.connection import store_errors
from core.store.keys import new_id

_BEGIN = """
-- KEYS: job, lock. ARGV: new job id, owner, lease, ttl
local job = redis.call('GET', KEYS[1])
if job and redis.call('EXISTS', 'poselift:job:' .. job) == 1 then return {job, 'replay'} end
local owner = redis.call('GET', KEYS[2])
if owner and owner ~= ARGV[2] then return {'', 'busy'} end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[4])
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
return {ARGV[1], 'first'}
"""
_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('EXPIRE', KEYS[1], ARGV[2])
"""
_END = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"

_LEASE_S = 120
_TTL_S = 86_400


@dataclass(frozen=True)
class Claim:
    """What a key stands for: a job to be made under this id, or one that is there already."""

    job_id: str
    is_replay: bool


class IdempotencyKeys:
    """Clients' keys in Redis, hashed, for a day.

    A key points to the id that its job has or will have. Whether the first request went through is
    not written down again: it did if the ledger knows the job.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its stubs mix awaitables in

    @contextmanager
    def hold(self, client_key: str) -> Iterator["HeldKey"]:
        """Reserve the key while its request is under way.

        Raises:
            IdempotencyInFlight: another request with this key has not ended.
        """
        name = f"poselift:idempotency:{sha256(client_key.encode()).hexdigest()}"
        owner = new_id()
        with store_errors():
            job_id, outcome = self._redis.eval(
                _BEGIN, 2, name, f"{name}:lock", new_id(), owner, _LEASE_S, _TTL_S
            )
        if outcome == b"busy":
            raise IdempotencyInFlight(
                "A request with this Idempotency-Key is still under way. Try again when it ended."
            )
        held = HeldKey(
            self._redis, f"{name}:lock", owner, Claim(job_id.decode(), outcome == b"replay")
        )
        try:
            yield held
        finally:
            held.let_go()


class HeldKey:
    """A reservation; renew it while a long upload goes on."""

    renew_every_s = _LEASE_S / 4

    def __init__(self, redis: Any, lock: str, owner: str, claim: Claim) -> None:  # noqa: ANN401
        self._redis = redis
        self._lock = lock
        self._owner = owner
        self.claim = claim

    def renew(self) -> None:
        with store_errors():
            self._redis.eval(_RENEW, 1, self._lock, self._owner, _LEASE_S)

    def let_go(self) -> None:
        with suppress(StoreUnavailable), store_errors():  # else it runs out by itself
            self._redis.eval(_END, 1, self._lock, self._owner)
