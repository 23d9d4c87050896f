"""How a job is shown, listed, followed, canceled and removed."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from redis import Redis

from core.contracts import JobState, Progress, Stage
from core.errors import VideoTruncated
from core.store.keys import result_key
from core.store.ledger import Attempt
from server.settings import ServerSettings
from tests.server.clips import MP4, code
from tests.server.fake_worker import FakeWorker
from tests.server.sending import stored

PATIENCE_S, FOR_LONG = 45.0, {"wait": 60}
"""Who is not answered before the wait is over has lost patience: that is an error."""
UNKNOWN = ["0" * 32, "x", "..%2f..%2fetc", "a" * 3000, "%00", "*"]


def submit(api: httpx.Client) -> str:
    return api.post("/jobs", content=MP4).json()["id"]


@contextmanager
def later(delay_s: float, act: Callable[[], object]) -> Iterator[None]:
    """Do something beside the block, which does not end before it is done."""
    timer = threading.Timer(delay_s, act)
    timer.start()
    try:
        yield
    finally:
        timer.join()


class TestGet:
    def test_from_queued_to_succeeded(self, api: httpx.Client, worker: FakeWorker) -> None:
        job_id = submit(api)
        path = f"/jobs/{job_id}"
        assert api.get(path).headers["retry-after"] == "1"
        attempt = worker.claim(job_id)
        worker.ledger.report(
            attempt,
            Progress(stage=Stage.LIFTING, frames_done=30, frames_total=90, fps=15.0, eta_s=4.0),
        )
        running = api.get(path).json()
        assert (running["state"], running["attempt"]) == ("running", 1)
        assert running["progress"] == {
            "stage": "lifting",
            "frames_done": 30,
            "frames_total": 90,
            "fps": 15.0,
            "eta_s": 4.0,
            "queue_position": None,
        }
        assert running["links"]["result"] is None
        worker.finish(attempt, b"poses", persons=0)
        answer = api.get(path)
        done = answer.json()
        assert "retry-after" not in answer.headers
        assert (done["state"], done["persons"], done["error"]) == ("succeeded", 0, None)
        assert done["result"]["size_bytes"] == 5
        assert done["links"]["result"] == f"{path}/result"
        assert done["created_at"] <= done["started_at"] <= done["finished_at"] < done["expires_at"]

    def test_failure_tells_why(self, api: httpx.Client, worker: FakeWorker) -> None:
        job_id = submit(api)
        worker.fail(job_id, VideoTruncated("It is cut off. Copy it again."))
        job = api.get(f"/jobs/{job_id}").json()
        assert job["state"] == "failed"
        assert job["error"] == {
            "code": "video_truncated",
            "title": "The video is cut off or damaged",
            "detail": "It is cut off. Copy it again.",
            "retriable": False,
        }

    @pytest.mark.parametrize("job_id", UNKNOWN)
    @pytest.mark.parametrize("rest", ["", "/result", "/frames", "/events", "?wait=1"])
    def test_unknown(self, api: httpx.Client, job_id: str, rest: str) -> None:
        answer = api.get(f"/jobs/{job_id}{rest}")
        assert answer.status_code == 404
        assert code(answer)[1] in ("job_not_found", "not_found")

    def test_internals_are_not_shown(self, api: httpx.Client, worker: FakeWorker) -> None:
        job_id = submit(api)
        worker.claim(job_id)
        text = api.get(f"/jobs/{job_id}").text
        assert "fake" not in text  # the worker's name
        assert "rq" not in text

    def test_one_question_to_redis_per_poll(self, api: httpx.Client, redis: Redis) -> None:
        job_id = submit(api)
        path = f"/jobs/{job_id}"
        api.get(path)
        with redis.monitor() as monitor:
            for _ in range(10):
                api.get(path)
            redis.echo("that was all")
            # Other threads of the server ask for other things, and scripts for what they need.
            asked: list[str] = []
            while not (command := monitor.next_command())["command"].startswith("ECHO"):
                if job_id in command["command"] and command["client_type"] != "lua":
                    asked.append(command["command"].split()[0])
        assert asked == ["EVALSHA"] * 10


class TestWait:
    def test_answers_when_the_state_changes(self, api: httpx.Client, worker: FakeWorker) -> None:
        job_id = submit(api)
        with later(0.3, lambda: worker.claim(job_id)):
            job = api.get(f"/jobs/{job_id}", params=FOR_LONG, timeout=PATIENCE_S).json()
        assert job["state"] == "running"

    def test_progress_alone_does_not_answer(self, api: httpx.Client, worker: FakeWorker) -> None:
        attempt, answered = worker.claim(submit(api)), threading.Event()

        def work() -> None:
            done = 0
            while not answered.wait(0.02):
                done += 1
                worker.ledger.report(attempt, Progress(frames_done=done))

        with ThreadPoolExecutor(1) as pool:
            working = pool.submit(work)
            began = time.monotonic()
            job = api.get(f"/jobs/{attempt.job_id}", params={"wait": 0.5}).json()
            waited_s = time.monotonic() - began
            answered.set()
            working.result()
        assert job["state"] == "running"
        assert waited_s > 0.49

    def test_ended_job_is_not_waited_for(self, api: httpx.Client, worker: FakeWorker) -> None:
        job_id = submit(api)
        worker.succeed(job_id)
        answer = api.get(f"/jobs/{job_id}", params=FOR_LONG, timeout=PATIENCE_S)
        assert answer.json()["state"] == "succeeded"

    @pytest.mark.parametrize("wait", ["-1", "61", "soon", "nan"])
    def test_not_for_ever(self, api: httpx.Client, wait: str) -> None:
        answer = api.get(f"/jobs/{submit(api)}", params={"wait": wait})
        assert code(answer) == (422, "parameter_invalid")
        assert "'wait'" in answer.json()["detail"]


class TestEvents:
    def test_life_of_a_job(self, api: httpx.Client, worker: FakeWorker) -> None:
        job_id = submit(api)
        seen: list[tuple[str, int]] = []
        kinds: set[str] = set()
        # Each step is taken when the one before was heard of: none can be missed.
        steps = {
            ("queued", 0): lambda: attempts.append(worker.claim(job_id)),
            ("running", 0): lambda: worker.ledger.report(
                attempts[0], Progress(stage=Stage.LIFTING, frames_done=9)
            ),
            ("running", 9): lambda: worker.finish(attempts[0], b"poses"),
        }
        attempts: list[Attempt] = []
        with api.stream("GET", f"/jobs/{job_id}/events") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    kinds.add(value)
                if name == "data":
                    job = json.loads(value)
                    seen.append((job["state"], job["progress"]["frames_done"]))
                    steps.pop(seen[-1], lambda: None)()
        assert kinds == {"job"}
        assert steps == {}
        assert seen[-1][0] == "succeeded"

    def test_ends_with_a_cancel(self, api: httpx.Client, worker: FakeWorker) -> None:
        job_id = submit(api)
        cancel = later(0.2, lambda: worker.ledger.request_cancel(job_id))
        with cancel, api.stream("GET", f"/jobs/{job_id}/events") as answer:
            text = "".join(answer.iter_text())
        assert '"state":"canceled"' in text

    def test_removed_meanwhile(self, api: httpx.Client, worker: FakeWorker, redis: Redis) -> None:
        job_id = submit(api)

        def remove() -> None:
            with redis.pipeline() as pipe:  # nobody sees it canceled before it is gone
                pipe.hset(f"poselift:job:{job_id}", "state", "failed")
                pipe.delete(f"poselift:job:{job_id}")
                pipe.publish("poselift:changes", job_id)
                pipe.execute()

        with later(0.2, remove), api.stream("GET", f"/jobs/{job_id}/events") as answer:
            text = "".join(answer.iter_text())
        assert "event: gone" in text


class TestList:
    def test_pages(self, api: httpx.Client) -> None:
        jobs = [submit(api) for _ in range(5)][::-1]
        answer, seen = api.get("/jobs?limit=2"), []
        while True:
            seen += [job["id"] for job in answer.json()["jobs"]]
            if answer.json()["next"] is None:
                break
            answer = api.get(answer.links["next"]["url"])
        assert seen == jobs
        assert "link" not in answer.headers

    def test_by_state(self, api: httpx.Client, worker: FakeWorker) -> None:
        first, second = submit(api), submit(api)
        worker.succeed(first)
        found = api.get("/jobs", params={"state": "queued", "limit": 1}).json()
        assert [job["id"] for job in found["jobs"]] == [second]

    @pytest.mark.parametrize("cursor", ["last", "-1", "٣", "9" * 400])
    def test_nonsense_cursor_is_no_error(self, api: httpx.Client, cursor: str) -> None:
        submit(api)
        assert len(api.get("/jobs", params={"cursor": cursor}).json()["jobs"]) == 1

    @pytest.mark.parametrize("query", ["state=asleep", "limit=0", "limit=1000"])
    def test_bad_questions(self, api: httpx.Client, query: str) -> None:
        assert code(api.get(f"/jobs?{query}")) == (422, "parameter_invalid")


class TestDelete:
    def test_queued_job_is_canceled_and_its_video_gone(
        self, api: httpx.Client, settings: ServerSettings
    ) -> None:
        job_id = submit(api)
        answer = api.delete(f"/jobs/{job_id}")
        assert (answer.status_code, answer.json()["state"]) == (202, "canceled")
        assert stored(settings) == []

    def test_of_a_job_that_was_handed_back_its_frames_go_too(
        self, api: httpx.Client, worker: FakeWorker, settings: ServerSettings
    ) -> None:
        attempt = worker.claim(submit(api))
        worker.frames.append(attempt, 0, 1, b"chunk")
        worker.ledger.release(attempt)
        assert api.delete(f"/jobs/{attempt.job_id}").json()["state"] == "canceled"
        assert stored(settings) == []

    def test_a_canceled_job_has_no_result(self, api: httpx.Client) -> None:
        job_id = submit(api)
        api.delete(f"/jobs/{job_id}")
        assert code(api.get(f"/jobs/{job_id}/result")) == (409, "job_has_no_result")

    def test_running_job_is_asked_to_stop(self, api: httpx.Client, worker: FakeWorker) -> None:
        attempt = worker.claim(submit(api))
        answer = api.delete(f"/jobs/{attempt.job_id}")
        job = answer.json()
        assert (answer.status_code, job["state"]) == (202, "running")
        assert job["cancel_requested"]
        assert answer.headers["retry-after"] == "1"
        assert worker.ledger.renew(attempt, 30.0) is True
        assert api.delete(f"/jobs/{attempt.job_id}").status_code == 202  # once more does no harm

    def test_ended_job_is_removed_with_its_files(
        self, api: httpx.Client, worker: FakeWorker, settings: ServerSettings
    ) -> None:
        attempt = worker.claim(submit(api))
        worker.frames.append(attempt, 0, 1, b"chunk")
        worker.finish(attempt, b"poses")
        answer = api.delete(f"/jobs/{attempt.job_id}")
        assert (answer.status_code, answer.content) == (204, b"")
        assert code(api.get(f"/jobs/{attempt.job_id}")) == (404, "job_not_found")
        assert code(api.delete(f"/jobs/{attempt.job_id}")) == (404, "job_not_found")
        assert stored(settings) == []


class TestExpired:
    def test_swept(self, api: httpx.Client, worker: FakeWorker) -> None:
        job_id = submit(api)
        worker.succeed(job_id)
        assert worker.ledger.expire_due(time.time() + 700) == [job_id]
        worker.blobs.delete(result_key(job_id, 1))
        job = api.get(f"/jobs/{job_id}").json()
        assert (job["state"], job["links"]["result"]) == (JobState.EXPIRED, None)
        assert code(api.get(f"/jobs/{job_id}/result")) == (410, "result_expired")
        assert code(api.get(f"/jobs/{job_id}/frames")) == (410, "result_expired")
        assert api.delete(f"/jobs/{job_id}").status_code == 204

    def test_file_lost_before_its_time(self, api: httpx.Client, worker: FakeWorker) -> None:
        job_id = submit(api)
        worker.succeed(job_id)
        worker.blobs.delete(result_key(job_id, 1))
        assert code(api.get(f"/jobs/{job_id}/result")) == (410, "file_missing")
        assert code(api.get(f"/jobs/{job_id}/frames")) == (410, "file_missing")
