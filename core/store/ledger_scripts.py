"""The ledger's transitions, each one Lua script, so that none is ever half done.

Keys, all under one prefix (a single Redis, not a cluster):

- ``job:ID`` hash: the record, plus ``seq`` (order of arrival), ``losses`` (workers that died) and
  ``failures`` (attempts that the machine spoilt).
- ``jobs`` and ``jobs:STATE`` sorted sets, scored by ``seq``: listings and the queue's order.
- ``owner:OWNER`` and ``owner:OWNER:STATE``: the same of one owner's jobs alone.
- ``leases`` sorted set: running jobs, scored by when their lease ends.
- ``outbox`` sorted set: queued jobs that must still be handed to the transport, scored by when
  that was last tried. A claimed or sent job is not in it.
- ``webhooks`` sorted set: jobs that ended and have a webhook to tell, see ``webhooks.py``.
- ``barred:ID``: no job of this id may come to be any more, for a while.
- ``leftovers`` set: jobs that ended and whose files are still to be put in order, see
  ``leftovers.py``.
- ``expiry`` and ``tombstones`` sorted sets: finished jobs by when their files and record go.
- ``counters`` hash: how often each transition was made, counted in the same step, see
  ``counters.py``.

A connection may break after a transition and before its reply; the client library then sends the
same again. So repeating one changes nothing and gives the same answer: a claim carries a nonce, an
end and a release remember whose they were.

A hash may be gone without us (a Redis that evicts, an operator's DEL): its id is then forgotten by
whoever stumbles over it, so that one lost job does not stop the upkeep of all others.

Times are Redis's own clock in seconds, so that machines need not agree on the time.
"""

PRELUDE = """
local P = 'poselift:'
local id = ARGV[1]
local key = P .. 'job:' .. id
local function clock()
  local t = redis.call('TIME')
  return tonumber(t[1]) + tonumber(t[2]) / 1000000
end
local now = clock()
local function stamp(x) return string.format('%.6f', x) end
local function get(field) return redis.call('HGET', key, field) end
local function changed() redis.call('PUBLISH', P .. 'changes', id) end
local function count(what) redis.call('HINCRBY', P .. 'counters', what, 1) end
local function move(to)
  local seq, from, owner = get('seq'), get('state'), get('owner')
  redis.call('ZREM', P .. 'jobs:' .. from, id)
  redis.call('ZADD', P .. 'jobs:' .. to, seq, id)
  if owner then
    redis.call('ZREM', P .. 'owner:' .. owner .. ':' .. from, id)
    redis.call('ZADD', P .. 'owner:' .. owner .. ':' .. to, seq, id)
  end
  redis.call('HSET', key, 'state', to)
end
local function finish(to, retention)
  move(to)
  redis.call('HSET', key, 'finished_at', stamp(now), 'expires_at', stamp(now + retention))
  redis.call('ZREM', P .. 'leases', id)
  redis.call('ZREM', P .. 'outbox', id)
  redis.call('ZADD', P .. 'expiry', stamp(now + retention), id)
  redis.call('SADD', P .. 'leftovers', id)
  if get('webhook_url') then
    redis.call('HSET', key, 'webhook_state', 'pending', 'webhook_event', 'job.' .. to,
      'webhook_due', stamp(now))
    redis.call('ZADD', P .. 'webhooks', stamp(now), id)
  end
  count('jobs_ended ' .. to)
  local why = get('error')
  if to == 'failed' and why then count('job_failures ' .. cjson.decode(why)['code']) end
  changed()
end
local function requeue(job)
  id, key = job, P .. 'job:' .. job
  move('queued')
  redis.call('HDEL', key, 'worker', 'progress')
  redis.call('ZREM', P .. 'leases', id)
  redis.call('ZADD', P .. 'outbox', 0, id)
  changed()
end
local function forget()
  local owner, state = get('owner'), get('state')
  if owner then
    redis.call('ZREM', P .. 'owner:' .. owner, id)
    redis.call('ZREM', P .. 'owner:' .. owner .. ':' .. state, id)
  end
  for _, index in ipairs({
    'jobs', 'jobs:queued', 'jobs:running', 'jobs:succeeded', 'jobs:failed', 'jobs:canceled',
    'jobs:expired', 'leases', 'outbox', 'expiry', 'tombstones', 'webhooks',
  }) do
    redis.call('ZREM', P .. index, id)
  end
  redis.call('DEL', key)
end
local function fenced(token)
  return get('attempt') ~= token or get('state') ~= 'running'
end
"""

CREATE = (
    PRELUDE
    + """
-- ARGV: id, retention, max_queued, max_queued of the same owner (-1: no limit), owner or '',
-- then field, value, ...
if redis.call('EXISTS', key) == 1 then
  -- The same again is the client library asking twice, because the first reply got lost.
  for i = 6, #ARGV, 2 do if get(ARGV[i]) ~= ARGV[i + 1] then return 'exists' end end
  return 'created'
end
if redis.call('EXISTS', P .. 'barred:' .. id) == 1 then return 'barred' end
local limit = tonumber(ARGV[3])
if limit >= 0 and redis.call('ZCARD', P .. 'jobs:queued') >= limit then return 'full' end
local own_limit, owner = tonumber(ARGV[4]), ARGV[5]
local owned = P .. 'owner:' .. owner
if owner ~= '' and own_limit >= 0 and redis.call('ZCARD', owned .. ':queued') >= own_limit then
  -- A job whose hash was dropped without us would take up its owner's quota for ever.
  for _, job in ipairs(redis.call('ZRANGE', owned .. ':queued', 0, -1)) do
    if redis.call('HGET', P .. 'job:' .. job, 'state') ~= 'queued' then
      redis.call('ZREM', owned .. ':queued', job)
    end
  end
  if redis.call('ZCARD', owned .. ':queued') >= own_limit then return 'owner full' end
end
local seq = redis.call('INCR', P .. 'seq')
for i = 6, #ARGV, 2 do redis.call('HSET', key, ARGV[i], ARGV[i + 1]) end
redis.call('HSET', key, 'id', id, 'seq', seq, 'state', 'queued', 'attempt', 0,
  'created_at', stamp(now), 'expires_at', stamp(now + tonumber(ARGV[2])))
redis.call('ZADD', P .. 'jobs', seq, id)
redis.call('ZADD', P .. 'jobs:queued', seq, id)
if owner ~= '' then
  redis.call('HSET', key, 'owner', owner)
  redis.call('ZADD', owned, seq, id)
  redis.call('ZADD', owned .. ':queued', seq, id)
end
redis.call('ZADD', P .. 'outbox', stamp(now), id)
count('jobs_accepted')
changed()
return 'created'
"""
)

READ = (
    PRELUDE
    + """
-- ARGV: id, id, ... Returns for each {fields, queue rank or -1}, an unknown one as {{}, -1}.
local found = {stamp(now)}
for i = 1, #ARGV do
  id, key = ARGV[i], P .. 'job:' .. ARGV[i]
  local rank = -1
  if get('state') == 'queued' then rank = redis.call('ZRANK', P .. 'jobs:queued', id) or -1 end
  found[#found + 1] = {redis.call('HGETALL', key), rank}
end
return found
"""
)

LIST = """
-- ARGV: state or '', cursor (a seq, exclusive) or '', limit, owner or '' for everybody's.
-- Returns {id, seq, id, seq, ...}.
local index = 'poselift:jobs'
if ARGV[4] ~= '' then index = 'poselift:owner:' .. ARGV[4] end
if ARGV[1] ~= '' then index = index .. ':' .. ARGV[1] end
local from = '+inf'
if ARGV[2] ~= '' then from = '(' .. ARGV[2] end
return redis.call('ZREVRANGEBYSCORE', index, from, '-inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])
"""

CLAIM = (
    PRELUDE
    + """
-- ARGV: id, worker, lease, retention, max_losses, error of a job that kills its workers, nonce
local state = get('state')
if not state then forget() return false end
if state == 'running' and get('claim') == ARGV[7] then return tonumber(get('attempt')) end
if state == 'running' then
  local lease = redis.call('ZSCORE', P .. 'leases', id)
  if lease and tonumber(lease) > now then return false end
  redis.call('HINCRBY', key, 'losses', 1)
  count('jobs_reaped')
elseif state ~= 'queued' then
  return false
end
if get('cancel_requested') == '1' then finish('canceled', tonumber(ARGV[4])) return false end
if tonumber(get('losses') or '0') >= tonumber(ARGV[5]) then
  redis.call('HSET', key, 'error', ARGV[6])
  finish('failed', tonumber(ARGV[4]))
  return false
end
move('running')
local token = redis.call('HINCRBY', key, 'attempt', 1)
redis.call('HSET', key, 'worker', ARGV[2], 'claim', ARGV[7])
redis.call('HSETNX', key, 'started_at', stamp(now))
redis.call('HDEL', key, 'progress')
redis.call('ZADD', P .. 'leases', stamp(now + tonumber(ARGV[3])), id)
redis.call('ZREM', P .. 'outbox', id)
count('job_attempts')
changed()
return token
"""
)

RENEW = (
    PRELUDE
    + """
-- ARGV: id, token, lease. Returns whether a cancel was asked for.
if fenced(ARGV[2]) then return 'superseded' end
redis.call('ZADD', P .. 'leases', stamp(now + tonumber(ARGV[3])), id)
return get('cancel_requested') or '0'
"""
)

REPORT = (
    PRELUDE
    + """
-- ARGV: id, token, progress
if fenced(ARGV[2]) then return 'superseded' end
redis.call('HSET', key, 'progress', ARGV[3])
changed()
return 'ok'
"""
)

FINISH = (
    PRELUDE
    + """
-- ARGV: id, token, state, retention, then field, value, ... Returns the state that now holds.
if get('ended_by') == ARGV[2] then return get('state') end
if fenced(ARGV[2]) then return 'superseded' end
local to = ARGV[3]
-- Whoever asked for a cancel was told it would happen: it wins over a late end of the work.
if get('cancel_requested') == '1' then to = 'canceled' end
if to == ARGV[3] then
  for i = 5, #ARGV, 2 do redis.call('HSET', key, ARGV[i], ARGV[i + 1]) end
end
redis.call('HSET', key, 'ended_by', ARGV[2])
finish(to, tonumber(ARGV[4]))
return to
"""
)

RELEASE = (
    PRELUDE
    + """
-- ARGV: id, token, retention, how many failures are too many (0: this is none), error of the last
-- Returns the state that now holds.
if get('ended_by') == ARGV[2] then return get('state') end
if get('released_by') == ARGV[2] then return 'queued' end
if fenced(ARGV[2]) then return 'superseded' end
local to, limit = 'queued', tonumber(ARGV[4])
if get('cancel_requested') == '1' then
  to = 'canceled'
elseif limit > 0 and redis.call('HINCRBY', key, 'failures', 1) >= limit then
  to = 'failed'
  redis.call('HSET', key, 'error', ARGV[5])
end
if to == 'queued' then
  redis.call('HSET', key, 'released_by', ARGV[2])
  if limit > 0 then
    count('job_retries ' .. cjson.decode(ARGV[5])['code'])
  else
    count('jobs_handed_back')
  end
  requeue(id)
else
  redis.call('HSET', key, 'ended_by', ARGV[2])
  finish(to, tonumber(ARGV[3]))
end
return to
"""
)

REQUEST_CANCEL = (
    PRELUDE
    + """
-- ARGV: id, retention
local state = get('state')
if not state then return 'unknown' end
if state ~= 'queued' and state ~= 'running' then return 'final' end
redis.call('HSET', key, 'cancel_requested', '1')
if state == 'queued' then finish('canceled', tonumber(ARGV[2])) else changed() end
return 'ok'
"""
)

DELETE = (
    PRELUDE
    + """
-- ARGV: id
local state = get('state')
if not state then return 'unknown' end
if state == 'queued' or state == 'running' then return 'live' end
forget()
changed()
return 'ok'
"""
)
