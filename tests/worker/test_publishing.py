import numpy as np
import pytest

from core.chunks import PoseChunk, TrackChunk
from core.errors import StorageFull
from core.pipeline import Listener
from core.results.chunk_bytes import bytes_to_chunk
from worker.halt import Halt, Reason
from worker.publishing import ChunkPublisher


def chunk(frames: int, first: int) -> PoseChunk:
    index = np.arange(first, first + frames, dtype=np.int64)
    track = TrackChunk(
        frame_index=index,
        frame_time_s=index / 30.0,
        keypoints_px=np.zeros((1, frames, 33, 2), np.float32),
        confidence=np.ones((1, frames, 33), np.float32),
        observed=np.ones((1, frames), bool),
    )
    joints = np.full((1, frames, 28, 3), first, np.float32)
    return PoseChunk(track, joints, np.ones((1, frames, 28), np.float32))


@pytest.fixture
def attempt(ledger, submit):
    return ledger.claim(submit(), worker="w", lease_s=30.0)


def test_chunks_are_shown_in_order_while_the_job_runs(bench, attempt):
    publish = Listener(on_chunk=ChunkPublisher(bench.frames, attempt, Halt())).on_chunk
    publish(chunk(4, first=0))
    publish(chunk(3, first=4))
    assert bench.frames.stop_index(attempt.job_id) == 7
    ((stretch, content),) = bench.frames.read(attempt.job_id, 5, 6)
    assert (stretch.start, stretch.stop) == (4, 7)
    assert bytes_to_chunk(content).joints_m[0, 0, 0, 0] == 4


def test_what_an_earlier_attempt_has_shown_is_not_shown_again(bench, attempt):
    earlier = ChunkPublisher(bench.frames, attempt, Halt())
    earlier(chunk(4, first=0))
    earlier(chunk(3, first=4))
    asked: list[int] = []

    def already_shown() -> int:
        asked.append(bench.frames.stop_index(attempt.job_id))
        return asked[-1]

    later = ChunkPublisher(bench.frames, attempt, Halt(), already_shown)
    for first, frames in ((0, 4), (4, 3), (7, 5)):
        later(chunk(frames, first=first + 100))
    assert asked == [7]
    shown = list(bench.frames.read(attempt.job_id, 0, 99))
    assert [(one.start, one.stop) for one, _ in shown] == [(0, 4), (4, 7), (7, 12)]
    assert [bytes_to_chunk(content).track.frame_index[0] for _, content in shown] == [0, 4, 107]


def test_a_newer_attempt_stops_this_one(bench, attempt, redis, ledger):
    halt = Halt()
    redis.zadd("poselift:leases", {attempt.job_id: 1})
    ledger.claim(attempt.job_id, worker="newer", lease_s=30.0)
    ChunkPublisher(bench.frames, attempt, halt)(chunk(2, first=0))
    assert halt.reason is Reason.SUPERSEDED


def test_after_one_failure_nothing_more_is_shown_and_the_job_goes_on(attempt):
    class Full:
        calls = 0

        def append(self, *_):
            self.calls += 1
            raise StorageFull("The disk is full.")

    full = Full()
    publish = ChunkPublisher(full, attempt, halt := Halt())
    publish(chunk(2, first=0))
    publish(chunk(2, first=2))
    assert full.calls == 1
    assert halt.reason is None
