"""The client against a server that misbehaves in every way a network can."""

import asyncio
import base64
import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from core.contracts import JobOptions, JobState
from core.errors import ConfigInvalid, JobNotFound, ServerUnreachable
from scripts.client import JobClient

CONTENT = bytes(range(256)) * 40


def client(answer: Callable[[httpx.Request], httpx.Response], **kwargs) -> JobClient:
    http = httpx.AsyncClient(base_url="http://server", transport=httpx.MockTransport(answer))
    return JobClient(http, **({"first_pause_s": 0.001, "poll_s": 0.001} | kwargs))


def job(state: str = "queued") -> httpx.Response:
    return httpx.Response(200, json={"id": "abc", "state": state})


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(CONTENT)
    return path


def test_a_repeated_upload_is_whole_and_carries_the_same_key(video):
    seen: list[tuple[str, bool]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.headers["idempotency-key"], CONTENT in request.content))
        if len(seen) == 1:
            raise httpx.ReadError("cut off")
        return httpx.Response(503) if len(seen) == 2 else job()

    sent: list[int] = []
    view = asyncio.run(client(answer).submit(video, JobOptions(stride=2), on_sent=sent.append))
    assert view.id == "abc"
    assert len(seen) == 3
    assert len(set(seen)) == 1
    assert seen[0][1]
    assert max(sent) == len(CONTENT)


def test_only_changed_options_are_sent(video):
    bodies: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return job()

    options = JobOptions(smoothing=False, height_m=1.8)
    asyncio.run(client(answer).submit(video, options, on_sent=lambda _: None))
    assert b'name="smoothing"\r\n\r\nfalse' in bodies[0]
    assert b'name="height_m"\r\n\r\n1.8' in bodies[0]
    assert b"stride" not in bodies[0]


def test_a_problem_becomes_the_error_of_its_code():
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(404, json={"code": "job_not_found", "detail": "No job."})

    with pytest.raises(JobNotFound, match="No job"):
        asyncio.run(client(answer).get("abc"))


def test_a_server_that_stays_away_is_given_up():
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(ServerUnreachable, match="refused"):
        asyncio.run(client(answer, patience_s=0.02).get("abc"))


def test_one_that_never_answered_is_given_up_sooner():
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(ServerUnreachable, match="poselift up"):
        asyncio.run(client(answer, first_patience_s=0.02).get("abc"))


def test_one_that_has_answered_is_waited_for():
    asked = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        if asked == 1:
            return httpx.Response(503)
        if asked < 5:
            time.sleep(0.02)  # each time as long as one would be waited for that never answered
            raise httpx.ConnectError("refused")
        return job()

    assert asyncio.run(client(answer, first_patience_s=0.02).get("abc")).id == "abc"
    assert asked == 5


def test_one_that_says_not_yet_your_turn_is_asked_for_as_long_as_it_takes():
    started_s = time.monotonic()

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(429) if time.monotonic() - started_s < 0.2 else job()

    one = client(answer, patience_s=0.02, first_patience_s=0.02)
    assert asyncio.run(one.get("abc")).id == "abc"


@pytest.mark.parametrize("status", [404, 405])
def test_somebody_elses_server(status: int):
    one = client(lambda request: httpx.Response(status, text="Apache"))
    with pytest.raises(ConfigInvalid, match="http://server/jobs/abc"):
        asyncio.run(one.get("abc"))


def test_following_ends_with_the_job():
    states = iter(["queued", "running", "succeeded"])

    async def follow() -> list[JobState]:
        one = client(lambda request: job(next(states)))
        return [view.state async for view in one.follow("abc")]

    assert asyncio.run(follow()) == [JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED]


def test_a_job_far_back_in_the_queue_is_seldom_asked_about():
    async def asked(position: int, *, enough: int) -> int:
        count = 0

        def answer(request: httpx.Request) -> httpx.Response:
            nonlocal count
            count += 1
            waiting = {"id": "abc", "state": "queued", "progress": {"queue_position": position}}
            return httpx.Response(200, json=waiting)

        with suppress(TimeoutError):
            async with asyncio.timeout(0.3 if enough > 100 else None):
                async for _ in client(answer, poll_s=0.02).follow("abc"):
                    if count >= enough:
                        break
        return count

    assert asyncio.run(asked(1000, enough=1000)) == 1  # the next time after 0.4 s
    assert asyncio.run(asked(1, enough=3)) == 3


def digest(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


class Cut(httpx.AsyncByteStream):
    """Half a body, then a broken connection."""

    async def __aiter__(self):
        yield CONTENT[:5000]
        raise httpx.ReadError("cut off")


def test_a_download_goes_on_where_it_was_cut_off(tmp_path):
    ranges: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        ranges.append(request.headers.get("range"))
        headers = {"etag": '"v1"'}
        if len(ranges) == 1:
            return httpx.Response(200, stream=Cut(), headers=headers)
        assert request.headers["if-range"] == '"v1"'
        return httpx.Response(206, content=CONTENT[5000:], headers=headers)

    target = tmp_path / "deep" / "pose.npz"
    asyncio.run(client(answer).download("abc", target))
    assert ranges == [None, "bytes=5000-"]
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["pose.npz"]


def test_a_result_that_changed_meanwhile_is_fetched_anew(tmp_path):
    answers = iter(
        [
            httpx.Response(200, stream=Cut(), headers={"etag": '"v1"'}),
            httpx.Response(200, content=b"new", headers={"etag": '"v2"'}),
        ]
    )
    target = tmp_path / "pose.npz"
    asyncio.run(client(lambda request: next(answers)).download("abc", target))
    assert target.read_bytes() == b"new"


def test_a_download_that_is_given_up_leaves_nothing(tmp_path):
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Cut(), headers={"etag": '"v1"'})

    with pytest.raises(ServerUnreachable, match="cut off"):
        asyncio.run(client(answer, patience_s=0.02).download("abc", tmp_path / "pose.npz"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("stated", "arrives"), [(CONTENT, True), (b"something else", False)])
def test_a_damaged_result_is_not_kept(tmp_path, stated, arrives):
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=CONTENT, headers={"content-digest": digest(stated)})

    target = tmp_path / "pose.npz"
    if arrives:
        asyncio.run(client(answer).download("abc", target))
    else:
        with pytest.raises(ServerUnreachable, match="damaged"):
            asyncio.run(client(answer).download("abc", target))
    assert target.exists() == arrives
    assert len(list(tmp_path.iterdir())) == arrives
