"""One client's haste is its own trouble: it is told to slow down, and others are served."""

from pathlib import Path

import httpx
from redis import Redis

from core.store.ledger import JobLedger
from server.connections import PatientProtocol
from tests.faults.callers import FromElsewhere, client, id_of, new_key, submit
from tests.faults.serving import served, settings_for, uploads_in
from tests.server.clips import MP4, code
from tests.server.running import RunningServer
from tests.server.sending import send


def limits(answer: httpx.Response, name: str) -> list[str]:
    """The items of a list of items with parameters. Source: RFC 9651, section 3.1."""
    return [item.strip() for item in answer.headers[name].split(",")]


def test_uploads_a_minute(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    settings = settings_for(redis_url, tmp_path, uploads_per_minute=2)
    with served(settings) as server:
        with (
            client(server.url, new_key(redis)) as hasty,
            client(server.url, new_key(redis)) as calm,
        ):
            first, second, refused = send(hasty), send(hasty), send(hasty)
            assert [first.status_code, second.status_code] == [202, 202]
            assert code(refused) == (429, "quota_exceeded")
            assert refused.json()["retriable"] is True
            assert 1 <= int(refused.headers["retry-after"]) <= 30
            assert limits(refused, "ratelimit-policy") == ['"uploads";q=2;w=60']
            left, full = limits(refused, "ratelimit")[0].split(";")[1:]
            assert left == "r=0"
            assert 30 < int(full.removeprefix("t=")) <= 60
            assert limits(first, "ratelimit-policy") == [
                '"uploads";q=2;w=60',
                '"waiting-jobs";q=1000',
            ]
            assert limits(first, "ratelimit")[0].startswith('"uploads";r=1;t=')
            assert hasty.get("/jobs").status_code == 200  # who only looks takes none of it
            assert code(hasty.post("/poses", content=MP4)) == (429, "quota_exceeded")
            assert send(calm).status_code == 202
        assert len(uploads_in(tmp_path)) == 3


def test_jobs_that_wait(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    with served(settings_for(redis_url, tmp_path, max_queue_per_key=2)) as server:
        with (
            client(server.url, new_key(redis)) as hasty,
            client(server.url, new_key(redis)) as calm,
        ):
            first = submit(hasty)
            assert limits(send(hasty), "ratelimit")[1] == '"waiting-jobs";r=1'
            refused = send(hasty)
            assert code(refused) == (429, "quota_exceeded")
            assert int(refused.headers["retry-after"]) >= 1
            assert limits(refused, "ratelimit")[1] == '"waiting-jobs";r=0'
            assert submit(calm)
            attempt = JobLedger(redis, retention_s=600).claim(first, worker="w", lease_s=30)
            assert attempt is not None
            assert send(hasty).status_code == 202
        assert len(uploads_in(tmp_path)) == 4


def test_the_quota_holds_though_uploads_arrive_together(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    """Each saw room when it began; what counts is decided when the job is made."""
    settings = settings_for(redis_url, tmp_path, max_queue_per_key=1)
    key = new_key(redis)
    with served(settings) as server, client(server.url, key) as api:

        def slow() -> object:
            yield MP4[:2000]
            ledger = JobLedger(redis, retention_s=600).owned_by(id_of(key))
            if not ledger.own_waiting():
                submit(api)  # another one is quicker
            yield MP4[2000:]

        with client(server.url, key) as other:
            assert code(other.post("/jobs", content=slow())) == (429, "quota_exceeded")
        assert len(api.get("/jobs").json()["jobs"]) == 1
        assert len(uploads_in(tmp_path)) == 1


def test_without_keys_addresses_are_counted(redis_url: str, tmp_path: Path) -> None:
    class Elsewhere(FromElsewhere):
        """Every connection from another address of the same /64."""

        count = 0

        def connection_made(self, transport) -> None:
            super().connection_made(transport)
            Elsewhere.count += 1
            self.client = (f"2001:db8:1:2::{Elsewhere.count:x}", 50_000)

    settings = settings_for(redis_url, tmp_path, uploads_per_minute=1, insecure=True)
    for protocol, expected in ((Elsewhere, [202, 429]), (PatientProtocol, [202, 429])):
        server = RunningServer(settings, protocol=protocol)
        try:
            found = []
            for _ in range(2):
                with client(server.url) as api:
                    found.append(send(api).status_code)
            assert found == expected
        finally:
            server.stop()


def test_zero_is_no_quota(redis_url: str, tmp_path: Path, redis: Redis) -> None:
    settings = settings_for(redis_url, tmp_path, uploads_per_minute=0)
    with served(settings) as server, client(server.url) as api:
        answer = send(api)
    assert answer.status_code == 202
    assert "ratelimit" not in answer.headers
    assert redis.keys("poselift:quota:*") == []
