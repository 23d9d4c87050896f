"""One picture in, poses out: answered by a thread that plays the worker."""

import socket
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from redis import Redis

from core.contracts import POSE_JOB, POSE_QUEUE, PersonPose
from core.errors import ImageInvalid, LiftError
from core.store.heartbeats import Heartbeats, WorkerBeat
from core.store.pose_exchange import PoseExchange
from server.settings import ServerSettings
from tests.server.clips import code
from tests.server.running import RunningServer
from tests.waiting import wait_for

PICTURE = b"\xff\xd8\xff\xe0 a picture"
SOMEBODY = PersonPose(
    joints_3d=[(0.0, 0.1, 0.2), None],
    joints_3d_sigma=[0.05, None],
    keypoints_2d=[(1.0, 2.0)],
    keypoints_confidence=[0.5],
)


@pytest.fixture
def pose_worker(redis: Redis) -> None:
    beat = WorkerBeat(name="p", queue=POSE_QUEUE, device="cpu")
    Heartbeats(redis).announce(beat)


@pytest.fixture
def hasty(serve: Callable[[ServerSettings], RunningServer], settings: ServerSettings):
    """A client of a server that waits for a worker no longer than a moment."""
    server = serve(settings.model_copy(update={"poses_wait_s": 0.5}))
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


@contextmanager
def answering_one(redis: Redis, answer: list[PersonPose] | LiftError) -> Iterator[list[bytes]]:
    """Take one message from the queue and answer it; the list will hold its picture."""
    seen: list[bytes] = []

    def work() -> None:
        wait_for(lambda: redis.llen(f"rq:queue:{POSE_QUEUE}") > 0)
        pose_id = redis.lpop(f"rq:queue:{POSE_QUEUE}")
        message = zlib.decompress(redis.hget(f"rq:job:{pose_id.decode()}", "data"))
        assert f'"{POSE_JOB}"'.encode() in message
        exchange = PoseExchange(redis)
        seen.append(exchange.image(pose_id.decode()))
        if isinstance(answer, LiftError):
            exchange.refuse(pose_id.decode(), answer)
        else:
            exchange.answer(pose_id.decode(), answer)

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        yield seen
        working.result()


@pytest.mark.parametrize("raw", [False, True])
def test_there_and_back(api: httpx.Client, redis: Redis, pose_worker: None, raw: bool) -> None:
    with answering_one(redis, [SOMEBODY]) as pictures:
        if raw:
            answer = api.post("/poses", content=PICTURE, headers={"Content-Type": "image/jpeg"})
        else:
            answer = api.post("/poses", files={"file": ("me.jpg", PICTURE)})
    assert answer.status_code == 200
    assert answer.json() == {"persons": [SOMEBODY.model_dump(mode="json")]}
    assert pictures == [PICTURE]


def test_picture_that_cannot_be_used(api: httpx.Client, redis: Redis, pose_worker: None) -> None:
    refusal = ImageInvalid("It cannot be decoded. Send JPEG or PNG.")
    with answering_one(redis, refusal):
        assert code(api.post("/poses", content=PICTURE)) == (422, "image_invalid")


def test_no_worker_at_all(api: httpx.Client) -> None:
    answer = api.post("/poses", content=PICTURE)
    assert code(answer) == (503, "no_worker_free")
    assert int(answer.headers["retry-after"]) > 0


def test_worker_does_not_answer_in_time(
    hasty: httpx.Client, redis: Redis, pose_worker: None
) -> None:
    answer = hasty.post("/poses", content=PICTURE)
    assert code(answer) == (503, "no_worker_free")
    assert int(answer.headers["retry-after"]) > 0
    assert redis.keys("poselift:pose:*") == []


def test_no_slot_free(api: httpx.Client, pose_worker: None, redis: Redis) -> None:
    queue = f"rq:queue:{POSE_QUEUE}"
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(api.post, "/poses", content=PICTURE)
        wait_for(lambda: redis.llen(queue) == 1)
        # The first one has the seat and waits for a worker; others are not even queued.
        for _ in range(3):
            answer = api.post("/poses", content=PICTURE)
            assert code(answer) == (503, "no_worker_free")
            assert "Too many" in answer.json()["detail"]
        assert redis.llen(queue) == 1
        with answering_one(redis, [SOMEBODY]):
            assert first.result().status_code == 200


def test_picture_on_its_way_takes_a_seat(hasty: httpx.Client, pose_worker: None) -> None:
    host, port = hasty.base_url.host, hasty.base_url.port
    half = b"POST /poses HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n\r\nhalf a picture"

    def is_sent_away() -> bool:
        with socket.create_connection((host, port)) as slow:
            slow.sendall(half)
            time.sleep(0.2)  # it should have its seat by now; if not, we have it, and try again
            return "Too many" in hasty.post("/poses", content=PICTURE).json()["detail"]

    wait_for(is_sent_away)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"content": b""}, (422, "upload_empty")),
        ({"files": {"other": ("a.jpg", PICTURE)}}, (422, "upload_missing")),
        ({"content": bytes(100_001)}, (413, "upload_too_large")),
        ({"files": {"file": ("a.jpg", bytes(100_001))}}, (413, "upload_too_large")),
    ],
)
def test_refused(
    api: httpx.Client, pose_worker: None, request_: dict[str, object], expected: tuple[int, str]
) -> None:
    assert code(api.post("/poses", **request_)) == expected
