"""The ledger's upkeep: what was lost is found, what is due goes. See ``ledger_scripts``."""

from core.store.ledger_scripts import PRELUDE

SENT = "return redis.call('ZREM', 'poselift:outbox', ARGV[1])"

BAR = (
    PRELUDE
    + """
-- ARGV: id, seconds. Returns whether the job is there; if not, it cannot come to be any more.
if redis.call('EXISTS', key) == 1 then return 1 end
redis.call('SET', P .. 'barred:' .. id, '1', 'EX', ARGV[2])
return 0
"""
)

ABANDONED = (
    PRELUDE
    + """
-- ARGV: '', grace, retention, max_losses, error. Returns ids to hand to the transport (again).
for _, job in ipairs(redis.call('ZRANGEBYSCORE', P .. 'leases', '-inf', stamp(now))) do
  id, key = job, P .. 'job:' .. job
  if get('state') then count('jobs_reaped') end
  if not get('state') then
    forget()
  elseif get('cancel_requested') == '1' then
    finish('canceled', tonumber(ARGV[3]))
  elseif redis.call('HINCRBY', key, 'losses', 1) >= tonumber(ARGV[4]) then
    redis.call('HSET', key, 'error', ARGV[5])
    finish('failed', tonumber(ARGV[3]))
  else
    requeue(job)
  end
end
local due = redis.call('ZRANGEBYSCORE', P .. 'outbox', '-inf', stamp(now - tonumber(ARGV[2])))
-- Whoever asks next within the grace time need not send them too.
for _, job in ipairs(due) do redis.call('ZADD', P .. 'outbox', stamp(now), job) end
return due
"""
)

EXPIRE_DUE = (
    PRELUDE
    + """
-- ARGV: '', now or ''. Returns ids whose files should go.
local at = now
if ARGV[2] ~= '' then at = tonumber(ARGV[2]) end
for _, job in ipairs(redis.call('ZRANGEBYSCORE', P .. 'tombstones', '-inf', stamp(at))) do
  id, key = job, P .. 'job:' .. job
  forget()
end
local due = redis.call('ZRANGEBYSCORE', P .. 'expiry', '-inf', stamp(at))
for _, job in ipairs(due) do
  id, key = job, P .. 'job:' .. job
  local state = get('state')
  if not state then forget() elseif state ~= 'expired' then move('expired') changed() end
end
return due
"""
)

CONFIRM_EXPIRED = (
    PRELUDE
    + """
-- ARGV: id, how long the record stays to say that it expired
if get('state') ~= 'expired' then return 0 end
redis.call('ZREM', P .. 'expiry', id)
redis.call('ZADD', P .. 'tombstones', stamp(now + tonumber(ARGV[2])), id)
return 1
"""
)
