"""From the outbox to the receiver: until it says yes, with the same message each time."""

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest
from redis import Redis

from core.contracts import JobState, WebhookProgress, WebhookState
from core.store.ledger import JobLedger
from core.store.webhooks import WebhookOutbox
from server.webhooks.addresses import SystemResolver
from server.webhooks.backoff import Backoff
from server.webhooks.delivering import Deliverer
from server.webhooks.posting import Answer, Poster
from tests.server.webhooks.conftest import MakeDeliverer
from tests.server.webhooks.receiver import SECRET, Receiver, status

EndJob = Callable[[str], str]
PATIENCE_S = 60.0
LATER = Backoff(first_s=1000.0, spread=0.1)


def run_until(true: Callable[[], bool], *deliverers: Deliverer) -> None:
    async def run() -> None:
        async with AsyncExitStack() as stack, asyncio.timeout(PATIENCE_S):
            for deliverer in deliverers:
                await stack.enter_async_context(deliverer)
            while not true():
                await asyncio.sleep(0.01)

    asyncio.run(run())


@pytest.fixture
def webhook(ledger: JobLedger) -> Callable[[str], WebhookProgress]:
    def webhook(job_id: str) -> WebhookProgress:
        progress = ledger.get(job_id).webhook
        assert progress is not None
        return progress

    return webhook


def is_settled(webhook, job_id: str) -> Callable[[], bool]:
    return lambda: webhook(job_id).state is not WebhookState.PENDING


def test_the_message(receiver: Receiver, end_job: EndJob, deliverer: MakeDeliverer, webhook):
    job_id = end_job(receiver.url)
    assert webhook(job_id).state is WebhookState.PENDING
    run_until(is_settled(webhook, job_id), deliverer())
    assert webhook(job_id) == WebhookProgress(
        state=WebhookState.DELIVERED, attempts=1, last_status=204
    )
    (request,) = receiver.requests
    message = json.loads(request.body)
    assert set(message) == {"type", "timestamp", "data"}
    assert message["type"] == "job.succeeded"
    assert message["data"]["id"] == job_id
    assert message["data"]["state"] == "succeeded"
    assert message["data"]["links"]["result"] == f"/jobs/{job_id}/result"
    assert message["timestamp"] == message["data"]["finished_at"]
    assert "t0ken" not in request.body.decode()
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == f"msg_{job_id}"
    assert abs(int(request.headers["webhook-timestamp"]) - time.time()) < 60

    head = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}."
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    digest = hmac.new(key, head.encode() + request.body, hashlib.sha256).digest()
    assert request.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


def test_again_after_no_with_the_same_message(
    receiver: Receiver, end_job: EndJob, deliverer: MakeDeliverer, webhook
):
    receiver.replies = [status(500), status(302, Location="/elsewhere"), status(429), status(200)]
    job_id = end_job(receiver.url)
    run_until(is_settled(webhook, job_id), deliverer())
    assert webhook(job_id).state is WebhookState.DELIVERED
    assert webhook(job_id).attempts == len(receiver.requests) == 4
    assert {request.path for request in receiver.requests} == {"/hook?token=t0ken"}
    assert len(set(receiver.ids())) == 1
    assert len({request.body for request in receiver.requests}) == 1


def test_again_after_silence(receiver: Receiver, end_job, deliverer, webhook, redis: Redis):
    hanging, answers = threading.Event(), threading.Event()

    def reply(handler) -> None:
        if answers.is_set():
            status(200)(handler)
        else:
            hanging.wait(PATIENCE_S)

    receiver.replies = [reply]
    job_id = end_job(receiver.url)
    impatient = deliverer(total_s=0.3, backoff=LATER)
    run_until(lambda: webhook(job_id).last_error == "timeout", impatient)
    redis.zadd("poselift:webhooks", {job_id: 1})
    answers.set()
    run_until(is_settled(webhook, job_id), deliverer())
    hanging.set()
    assert webhook(job_id).state is WebhookState.DELIVERED
    assert webhook(job_id).last_error is None


def test_given_up_in_the_end(end_job, deliverer, webhook, redis: Redis):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
    job_id = end_job(url)
    run_until(is_settled(webhook, job_id), deliverer(backoff=Backoff(0.01, 1.0, attempts=3)))
    assert webhook(job_id) == WebhookProgress(
        state=WebhookState.FAILED, attempts=3, last_error="unreachable"
    )
    assert redis.zcard("poselift:webhooks") == 0
    assert not redis.hexists(f"poselift:job:{job_id}", "webhook_body")


def test_a_receiver_that_wants_no_more(receiver, end_job, deliverer, webhook):
    receiver.replies = [status(410)]
    job_id = end_job(receiver.url)
    run_until(is_settled(webhook, job_id), deliverer())
    assert (webhook(job_id).state, webhook(job_id).attempts) == (WebhookState.GONE, 1)


def test_a_forbidden_address_is_never_called(receiver, end_job, deliverer, webhook):
    job_id = end_job(receiver.url)
    strict = Poster(resolve=SystemResolver(), allow_private=False)
    run_until(lambda: webhook(job_id).last_error is not None, deliverer(poster=strict))
    assert webhook(job_id).last_error == "address_refused"
    assert receiver.requests == []


def test_two_deliverers_send_each_message_once(receiver, end_job, deliverer, webhook):
    jobs = [end_job(receiver.url) for _ in range(20)]
    run_until(
        lambda: all(webhook(job_id).state is WebhookState.DELIVERED for job_id in jobs),
        deliverer(),
        deliverer(),
    )
    assert sorted(receiver.ids()) == sorted(f"msg_{job_id}" for job_id in jobs)


def test_the_next_attempt_can_be_seen(receiver, end_job, deliverer, webhook):
    receiver.replies = [status(503)]
    job_id = end_job(receiver.url)
    run_until(lambda: webhook(job_id).last_status == 503, deliverer(backoff=LATER))
    seen = webhook(job_id)
    assert (seen.state, seen.attempts) == (WebhookState.PENDING, 1)
    assert 800 < seen.next_attempt_at.timestamp() - time.time() < 1101


def test_a_job_deleted_meanwhile_is_not_told(receiver, end_job, deliverer, webhook, ledger):
    receiver.replies = [status(500)]
    gone, stays = end_job(receiver.url), end_job(receiver.url)
    ledger.delete(gone)
    run_until(lambda: webhook(stays).last_status == 500, deliverer())
    assert set(receiver.ids()) == {f"msg_{stays}"}


def test_deleted_while_its_message_is_under_way(receiver, end_job, deliverer, ledger, redis):
    job_id = end_job(receiver.url)
    deleted = threading.Event()

    def delete_first(handler) -> None:
        ledger.delete(job_id)
        deleted.set()
        status(500)(handler)

    receiver.replies = [delete_first]
    run_until(deleted.is_set, deliverer())
    assert redis.keys("poselift:job:*") == []
    assert redis.zcard("poselift:webhooks") == 0


def test_a_bug_in_between_stops_nothing(receiver, end_job, deliverer, webhook):
    class Stumbling:
        calls = 0

        async def post(self, url, headers, body) -> Answer:
            self.calls += 1
            if self.calls == 1:
                raise ValueError("a bug")
            return Answer(status=200)

        async def aclose(self) -> None:
            pass

    jobs = [end_job(receiver.url) for _ in range(2)]
    run_until(
        lambda: all(webhook(job_id).state is WebhookState.DELIVERED for job_id in jobs),
        deliverer(poster=Stumbling(), lease_s=0.2, backoff=Backoff(0.01, 1.0, attempts=1000)),
    )


def test_stopping_waits_for_what_is_under_way(receiver, end_job, deliverer, webhook):
    begun, slow = threading.Event(), threading.Event()

    def slowly(handler) -> None:
        begun.set()
        slow.wait(0.1)
        status(200)(handler)

    receiver.replies = [slowly]
    job_id = end_job(receiver.url)
    run_until(begun.is_set, deliverer())
    assert webhook(job_id).state is WebhookState.DELIVERED


class TestOutbox:
    """Whoever takes a delivery has it for a while; what they say late does no harm."""

    @pytest.fixture
    def outbox(self, redis: Redis) -> WebhookOutbox:
        return WebhookOutbox(redis, max_attempts=3)

    def test_taken_once_until_the_lease_ends(self, outbox, end_job, redis, webhook):
        job_id = end_job("https://a.example/")
        first = outbox.take(lease_s=30.0)
        assert (first.job_id, first.attempt, first.body) == (job_id, 1, None)
        assert outbox.take(lease_s=30.0) is None
        redis.zadd("poselift:webhooks", {job_id: 1})  # the lease ran out
        assert outbox.take(lease_s=30.0).attempt == 2

    def test_the_first_body_holds(self, outbox, end_job, redis):
        job_id = end_job("https://a.example/")
        first = outbox.take(lease_s=30.0)
        assert outbox.keep_body(first, b"one") == b"one"
        assert outbox.keep_body(first, b"two") == b"one"
        redis.zadd("poselift:webhooks", {job_id: 1})
        assert outbox.take(lease_s=30.0).body == b"one"

    def test_late_news(self, outbox, end_job, redis, webhook):
        job_id = end_job("https://a.example/")
        late = outbox.take(lease_s=30.0)
        redis.zadd("poselift:webhooks", {job_id: 1})
        outbox.take(lease_s=30.0)
        outbox.settle(late, WebhookState.PENDING, status=500, error=None, pause_s=0.0)
        assert webhook(job_id).last_status is None
        assert outbox.take(lease_s=30.0) is None  # the other attempt is still under way
        outbox.settle(late, WebhookState.DELIVERED, status=200, error=None, pause_s=0.0)
        assert webhook(job_id).state is WebhookState.DELIVERED

    def test_deliverers_that_die_again_and_again_have_an_end(self, outbox, end_job, redis, webhook):
        job_id = end_job("https://a.example/")
        for _ in range(3):
            assert outbox.take(lease_s=30.0) is not None
            redis.zadd("poselift:webhooks", {job_id: 1})
        assert outbox.take(lease_s=30.0) is None
        assert webhook(job_id).state is WebhookState.FAILED

    def test_a_record_that_went_missing_is_passed_over(self, outbox, end_job, redis):
        redis.delete(f"poselift:job:{end_job('https://a.example/')}")
        other = end_job("https://a.example/")
        assert outbox.take(lease_s=30.0).job_id == other
        assert redis.zcard("poselift:webhooks") == 1

    def test_an_expired_job_is_still_told_of_its_success(self, outbox, end_job, ledger, redis):
        job_id = end_job("https://a.example/")
        redis.zadd("poselift:expiry", {job_id: 1})
        ledger.expire_due()
        assert outbox.take(lease_s=30.0).event == "job.succeeded"
        assert ledger.get(job_id).state is JobState.EXPIRED
