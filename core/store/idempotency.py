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
-- KEYS: job, lock. ARGV: new job id, holder, lease in ms, ttl
local job = redis.call('GET', KEYS[1])
if job and redis.call('EXISTS', 'poselift:job:' .. job) == 1 then return {job, 'replay'} end
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[2] then return {'', 'busy'} end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[4])
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return {ARGV[1], 'first'}
"""
_RENEW = """
-- KEYS: job, lock. ARGV: job id, holder, lease in ms, ttl. Returns whether it is still held.
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[2] then return 0 end
-- It may have run out while Redis was away. Whoever came in between named another job.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 1
"""
_END = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"

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

    Args:
        redis: the client.
        lease_s: a holder that died without a word stands in the way for this long.
    """

    def __init__(self, redis: Redis, *, lease_s: float = 20.0) -> None:
        self._redis: Any = redis  # its stubs mix awaitables in
        self._lease_s = lease_s

    @contextmanager
    def hold(self, client_key: str, *, owner: str | None = None) -> Iterator["HeldKey"]:
        """Reserve the key while its request is under way.

        Args:
            client_key: as the client made it up.
            owner: whose it is; two owners may well make up the same.

        Raises:
            IdempotencyInFlight: another request with this key has not ended.
        """
        whole_key = f"{owner or ''}/{client_key}"
        name = f"poselift:idempotency:{sha256(whole_key.encode()).hexdigest()}"
        holder, lease_ms = new_id(), int(1000 * self._lease_s)
        with store_errors():
            job_id, outcome = self._redis.eval(
                _BEGIN, 2, name, f"{name}:lock", new_id(), holder, lease_ms, _TTL_S
            )
        if outcome == b"busy":
            raise IdempotencyInFlight(
                "A request with this Idempotency-Key is still under way. Try again when it ended."
            )
        claim = Claim(job_id.decode(), is_replay=outcome == b"replay")
        held = HeldKey(self._redis, name, holder, claim, self._lease_s)
        try:
            yield held
        finally:
            held.let_go()


class HeldKey:
    """A reservation; renew it while a long upload goes on. Thread-safe."""

    def __init__(
        self,
        redis: Any,  # noqa: ANN401
        name: str,
        holder: str,
        claim: Claim,
        lease_s: float,
    ) -> None:
        self._redis = redis
        self._name = name
        self._holder = holder
        self._lease_s = lease_s
        self.claim = claim

    @property
    def renew_every_s(self) -> float:
        """Several may fail before it runs out."""
        return self._lease_s / 4

    def renew(self) -> None:
        """Keep it for another while; do so at once before the job is made.

        Raises:
            IdempotencyInFlight: it ran out, and another request has it now, or had it.
        """
        with store_errors():
            is_held = self._redis.eval(
                _RENEW,
                2,
                self._name,
                f"{self._name}:lock",
                self.claim.job_id,
                self._holder,
                int(1000 * self._lease_s),
                _TTL_S,
            )
        if not is_held:
            raise IdempotencyInFlight(
                "The same request came once more while the job store was away, and that one "
                "counts. Ask again with the same Idempotency-Key."
            )

    def let_go(self) -> None:
        with suppress(StoreUnavailable), store_errors():  # else it runs out by itself
            self._redis.eval(_END, 1, f"{self._name}:lock", self._holder)
