"""Deliveries that are owed: jobs that ended and whose webhook has not been told yet.

The ledger makes the entry in the very step that ends the job (``finish`` in ``ledger_scripts``), so
that no crash can come between. It is a few fields of the job's own hash, which go with the job:

- ``webhook_url``: where to; written when the job is made.
- ``webhook_state``, ``webhook_event``: since the job ended, what to tell.
- ``webhook_attempts``: how often a deliverer took it, ``webhook_due``: when it is up again.
- ``webhook_status``, ``webhook_error``: what came of the last attempt.
- ``webhook_body``: what is sent, from the first attempt until the last.

``webhooks`` is a sorted set of the jobs that are ``pending``, scored by ``webhook_due``.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from redis import Redis

from core.contracts import WebhookState
from core.store.connection import store_errors
from core.store.ledger_scripts import PRELUDE

_ENTRY = """
local function due_at(at)
  redis.call('HSET', key, 'webhook_due', stamp(at))
  redis.call('ZADD', P .. 'webhooks', stamp(at), id)
end
local function close(state)
  redis.call('HSET', key, 'webhook_state', state)
  redis.call('HDEL', key, 'webhook_due', 'webhook_body')
  redis.call('ZREM', P .. 'webhooks', id)
  changed()
end
"""

_TAKE = (
    PRELUDE
    + _ENTRY
    + """
-- ARGV: '', lease, max_attempts. Returns {id, attempt, url, event, ended at, body or ''} or nil.
while true do
  local due = redis.call('ZRANGEBYSCORE', P .. 'webhooks', '-inf', stamp(now), 'LIMIT', 0, 1)[1]
  if not due then return false end
  id, key = due, P .. 'job:' .. due
  local attempts = tonumber(get('webhook_attempts') or '0')
  if get('webhook_state') ~= 'pending' then
    redis.call('ZREM', P .. 'webhooks', id)
  elseif attempts >= tonumber(ARGV[3]) then
    close('failed')  -- whoever had the last attempt died with it
  else
    redis.call('HSET', key, 'webhook_attempts', attempts + 1)
    due_at(now + tonumber(ARGV[2]))
    return {id, attempts + 1, get('webhook_url'), get('webhook_event'), get('finished_at'),
      get('webhook_body') or ''}
  end
end
"""
)

_KEEP = (
    PRELUDE
    + """
-- ARGV: id, body. Returns the body that holds: whoever came first made it.
if get('webhook_state') ~= 'pending' then return false end
redis.call('HSETNX', key, 'webhook_body', ARGV[2])
return get('webhook_body')
"""
)

_SETTLE = (
    PRELUDE
    + _ENTRY
    + """
-- ARGV: id, attempt, outcome, status or '', error or '', pause, max_attempts
-- Returns the state that holds.
if get('webhook_state') ~= 'pending' then return get('webhook_state') end
-- A late yes still is one. Any other late news is older than what the next attempt will find.
if ARGV[3] == 'pending' and get('webhook_attempts') ~= ARGV[2] then return 'pending' end
redis.call('HDEL', key, 'webhook_status', 'webhook_error')
if ARGV[4] ~= '' then redis.call('HSET', key, 'webhook_status', ARGV[4]) end
if ARGV[5] ~= '' then redis.call('HSET', key, 'webhook_error', ARGV[5]) end
if ARGV[3] ~= 'pending' then
  close(ARGV[3])
elseif tonumber(ARGV[2]) >= tonumber(ARGV[7]) then
  close('failed')
else
  due_at(now + tonumber(ARGV[6]))
  changed()
end
return get('webhook_state')
"""
)


@dataclass(frozen=True)
class Delivery:
    """One attempt to tell one webhook; ours until the lease ends.

    Attributes:
        job_id: the job that ended.
        attempt: 1 for the first.
        url: where to; may hold secrets, so keep it out of logs.
        event: such as ``job.succeeded``.
        ended_at: when the job ended.
        body: what an earlier attempt sent, None if there was none.
    """

    job_id: str
    attempt: int
    url: str
    event: str
    ended_at: datetime
    body: bytes | None


class WebhookOutbox:
    """Deliveries in Redis, for any number of deliverers; thread-safe.

    Args:
        redis: a client from :func:`core.store.connection.connect`.
        max_attempts: after so many a delivery has failed.

    Every method raises ``StoreUnavailable`` while Redis is away, full or read-only.
    """

    def __init__(self, redis: Redis, *, max_attempts: int) -> None:
        self._redis: Any = redis  # its stubs mix awaitables in
        self._max_attempts = max_attempts

    def take(self, *, lease_s: float) -> Delivery | None:
        """The delivery that has been due the longest; None if none is.

        Nobody else gets it within the lease. If it is not settled by then, it is due again.
        """
        found = self._run(_TAKE, "", lease_s, self._max_attempts)
        if found is None:
            return None
        job_id, attempt, url, event, ended_at, body = found
        return Delivery(
            job_id=job_id.decode(),
            attempt=int(attempt),
            url=url.decode(),
            event=event.decode(),
            ended_at=datetime.fromtimestamp(float(ended_at), UTC),
            body=body or None,
        )

    def keep_body(self, delivery: Delivery, body: bytes) -> bytes | None:
        """Fix what is sent, so that each attempt sends the same; None if the job was deleted."""
        kept: bytes | None = self._run(_KEEP, delivery.job_id, body)
        return kept

    def settle(
        self,
        delivery: Delivery,
        outcome: WebhookState,
        *,
        status: int | None,
        error: str | None,
        pause_s: float,
    ) -> WebhookState | None:
        """Enter what came of an attempt, and return the state that holds; None without a job.

        Args:
            delivery: the attempt.
            outcome: ``delivered`` or ``gone``; ``pending`` to try again, unless this was the last.
            status: the HTTP status, if the receiver answered.
            error: one word for why it did not.
            pause_s: until the next attempt.
        """
        state: bytes | None = self._run(
            _SETTLE,
            delivery.job_id,
            delivery.attempt,
            outcome.value,
            "" if status is None else status,
            error or "",
            pause_s,
            self._max_attempts,
        )
        return None if state is None else WebhookState(state.decode())

    def _run(self, script: str, *args: str | int | float | bytes) -> Any:  # noqa: ANN401 - replies differ
        with store_errors():
            return self._redis.register_script(script)(args=args)
