import threading

import pytest
from redis import Redis

from core.contracts import PersonPose
from core.errors import BlobMissing, ImageInvalid, NoWorkerFree
from core.store.pose_exchange import PoseExchange

SOMEBODY = PersonPose(
    joints_3d=[(0.0, 0.1, 0.2), None],
    joints_3d_sigma=[0.05, None],
    keypoints_2d=[(1.0, 2.0)],
    keypoints_confidence=[0.5],
)


def test_there_and_back(redis: Redis) -> None:
    exchange = PoseExchange(redis)
    exchange.put("feed", b"\xff\xd8picture")

    def work() -> None:
        assert exchange.image("feed") == b"\xff\xd8picture"
        exchange.answer("feed", [SOMEBODY])

    worker = threading.Thread(target=work)
    worker.start()
    assert exchange.wait("feed", 5.0) == [SOMEBODY]
    worker.join()
    assert redis.keys("*") == []


def test_nobody_in_the_picture(redis: Redis) -> None:
    exchange = PoseExchange(redis)
    exchange.answer("feed", [])
    assert exchange.wait("feed", 5.0) == []


def test_refusal_is_raised_as_it_was_meant(redis: Redis) -> None:
    exchange = PoseExchange(redis)
    exchange.refuse("feed", ImageInvalid("Only JPEG and PNG."))
    with pytest.raises(ImageInvalid, match="Only JPEG and PNG"):
        exchange.wait("feed", 5.0)


def test_nobody_answers_and_the_picture_is_withdrawn(redis: Redis) -> None:
    exchange = PoseExchange(redis)
    exchange.put("feed", b"picture")
    with pytest.raises(NoWorkerFree):
        exchange.wait("feed", 0.05)
    with pytest.raises(BlobMissing):
        exchange.image("feed")


def test_answer_nobody_fetches_goes_away(redis: Redis) -> None:
    PoseExchange(redis).answer("feed", [])
    assert all(redis.ttl(name) > 0 for name in redis.keys("*"))
