from redis import Redis

from core.store.heartbeats import Heartbeats, WorkerBeat


def beat(name: str, queue: str = "poselift") -> WorkerBeat:
    return WorkerBeat(name=name, queue=queue, device="cpu")


def test_living_workers_by_queue(redis: Redis) -> None:
    beats = Heartbeats(redis)
    beats.announce(beat("b"))
    beats.announce(beat("a"))
    beats.announce(beat("p", "poselift-poses"))
    assert [worker.name for worker in beats.alive("poselift")] == ["a", "b"]
    assert [worker.name for worker in beats.alive()] == ["a", "b", "p"]


def test_latest_word_counts(redis: Redis) -> None:
    beats = Heartbeats(redis)
    beats.announce(beat("a"))
    busy = beat("a").model_copy(update={"job_id": "feed"})
    beats.announce(busy)
    assert beats.alive() == [busy]


def test_gone_by_goodbye_or_by_silence(redis: Redis) -> None:
    beats = Heartbeats(redis)
    beats.announce(beat("polite"))
    beats.announce(beat("killed"))
    beats.leave("polite")
    assert [worker.name for worker in beats.alive()] == ["killed"]
    redis.zadd("poselift:workers:until", {"killed": 1})  # as if its time had run out
    assert beats.alive() == []
    assert redis.keys("*") == []
