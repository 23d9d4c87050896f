"""A job's webhook over HTTP: asked for, refused, seen, and told."""

import json
from collections.abc import Callable, Iterator

import httpx
import pytest
from pydantic import SecretStr

from core.contracts import JobError
from core.errors import NotAVideo
from server.settings import ServerSettings
from tests.server.clips import MP4, code
from tests.server.fake_worker import FakeWorker
from tests.server.running import RunningServer
from tests.server.sending import form, nothing_was_kept, send
from tests.server.webhooks.receiver import SECRET, Receiver, receiving, status
from tests.waiting import wait_for

HOOK = "https://hooks.example/in?token=t0ken"
Serve = Callable[[ServerSettings], RunningServer]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def signing(settings: ServerSettings, serve: Serve) -> Iterator[httpx.Client]:
    """A client of a server that signs webhooks, for receivers in its own network too."""
    changes = {"webhook_secret": SecretStr(SECRET), "webhook_allow_private": True}
    server = serve(settings.model_copy(update=changes))
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


@pytest.fixture
def strict(settings: ServerSettings, serve: Serve) -> Iterator[httpx.Client]:
    """A client of a server that signs webhooks, for public receivers."""
    server = serve(settings.model_copy(update={"webhook_secret": SecretStr(SECRET)}))
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


class TestAsking:
    @pytest.mark.parametrize("raw", [False, True])
    def test_refused_where_none_are_sent(
        self, api: httpx.Client, settings: ServerSettings, raw: bool
    ) -> None:
        if raw:
            answer = api.post("/jobs", content=MP4, params={"webhook_url": HOOK})
        else:
            answer = send(api, webhook_url=HOOK)
        assert code(answer) == (422, "webhooks_disabled")
        assert nothing_was_kept(api, settings)

    @pytest.mark.parametrize(
        "url", ["http://hooks.example/", "https://10.0.0.1/", "https://a:b@hooks.example/", "x"]
    )
    def test_refused_urls(self, strict: httpx.Client, settings: ServerSettings, url: str) -> None:
        assert code(send(strict, webhook_url=url)) == (422, "webhook_url_invalid")
        assert nothing_was_kept(strict, settings)

    def test_field_after_the_file(self, strict: httpx.Client) -> None:
        body = form(("file", "a.mp4", MP4), ("webhook_url", None, HOOK.encode()))
        assert strict.post("/jobs", **body).json()["webhook"]["state"] == "waiting"
        body = form(("file", "a.mp4", MP4), ("webhook_url", None, b"ftp://x"))
        assert code(strict.post("/jobs", **body)) == (422, "webhook_url_invalid")

    def test_seen_without_its_url(self, strict: httpx.Client) -> None:
        job = send(strict, webhook_url=HOOK, stride="2")
        assert job.status_code == 202
        shown = strict.get(job.headers["location"])
        assert shown.json()["webhook"] == {
            "state": "waiting",
            "attempts": 0,
            "next_attempt_at": None,
            "last_status": None,
            "last_error": None,
        }
        assert "t0ken" not in job.text + shown.text + strict.get("/jobs").text
        assert shown.json()["options"]["stride"] == 2
        assert send(strict).json()["webhook"] is None

    def test_part_of_what_an_idempotency_key_stands_for(self, strict: httpx.Client) -> None:
        def again(url: str) -> httpx.Response:
            headers = {"Idempotency-Key": "mine"}
            return strict.post("/jobs", content=MP4, params={"webhook_url": url}, headers=headers)

        first = again(HOOK)
        assert again(HOOK).json()["id"] == first.json()["id"]
        assert code(again(f"{HOOK}2")) == (422, "idempotency_conflict")


class TestTelling:
    def job(self, api: httpx.Client, receiver: Receiver) -> str:
        answer = send(api, webhook_url=receiver.url)
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    def state(self, api: httpx.Client, job_id: str) -> str:
        return api.get(f"/jobs/{job_id}").json()["webhook"]["state"]

    def test_the_job_as_get_shows_it(
        self, signing: httpx.Client, receiver: Receiver, worker: FakeWorker
    ) -> None:
        job_id = self.job(signing, receiver)
        worker.succeed(job_id)
        wait_for(lambda: self.state(signing, job_id) == "delivered")
        message = json.loads(receiver.requests[0].body)
        shown = signing.get(f"/jobs/{job_id}").json()
        assert message["data"] == shown | {"webhook": None}

    @pytest.mark.parametrize("ending", ["failed", "canceled"])
    def test_other_ends(
        self, signing: httpx.Client, receiver: Receiver, worker: FakeWorker, ending: str
    ) -> None:
        job_id = self.job(signing, receiver)
        if ending == "failed":
            worker.ledger.fail(worker.claim(job_id), JobError.of(NotAVideo("It is none.")))
        else:
            assert signing.delete(f"/jobs/{job_id}").status_code == 202
        wait_for(lambda: self.state(signing, job_id) == "delivered")
        message = json.loads(receiver.requests[0].body)
        assert (message["type"], message["data"]["state"]) == (f"job.{ending}", ending)

    def test_deleted_jobs_are_forgotten(
        self, signing: httpx.Client, receiver: Receiver, worker: FakeWorker
    ) -> None:
        receiver.replies = [status(500)]
        job_id = self.job(signing, receiver)
        worker.succeed(job_id)
        wait_for(lambda: len(receiver.requests) == 1)
        assert signing.delete(f"/jobs/{job_id}").status_code == 204
        assert worker.ledger._redis.zcard("poselift:webhooks") == 0
