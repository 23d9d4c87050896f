from core.contracts import Progress, Stage
from core.progress import REPORT_EVERY_S, ProgressMeter


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def metered(frames_total: int | None) -> tuple[ProgressMeter, Clock, list[Progress]]:
    heard: list[Progress] = []
    clock = Clock()
    meter = ProgressMeter(heard.append, clock=clock)
    meter.expect(frames_total)
    return meter, clock, heard


def test_rate_and_time_to_go_follow_the_clock() -> None:
    meter, clock, heard = metered(100)
    for _ in range(50):
        clock.now_s += 0.1
        meter.advance()
    assert heard[-1].fps == 10.0
    assert heard[-1].frames_total == 100
    assert heard[-1].eta_s == (100 - heard[-1].frames_done) / 10


def test_frames_that_were_known_already_count_and_say_nothing_about_the_rate() -> None:
    meter, clock, heard = metered(200)
    for _ in range(100):
        clock.now_s += 0.001
        meter.known()
    clock.now_s += 10.0  # on the way to the first one that is not
    meter.tick()
    assert (heard[-1].frames_done, heard[-1].fps, heard[-1].eta_s) == (100, None, None)
    for _ in range(50):
        clock.now_s += 0.1
        meter.advance()
    assert heard[-1].fps == 10.0


def test_reports_are_rare_however_fast_frames_pass() -> None:
    meter, clock, heard = metered(None)
    for _ in range(10_000):
        clock.now_s += 0.001
        meter.advance()
    assert len(heard) <= 1 + 10 / REPORT_EVERY_S


def test_a_wrong_estimate_never_shows_more_done_than_there_is() -> None:
    meter, clock, heard = metered(3)
    for _ in range(10):
        clock.now_s += 1
        meter.advance()
    assert all(p.frames_total is not None and p.frames_done <= p.frames_total for p in heard)
    assert all(p.eta_s is None or p.eta_s >= 0 for p in heard)


def test_at_the_end_the_total_is_what_was_done() -> None:
    meter, clock, heard = metered(50)
    for _ in range(40):
        clock.now_s += 1
        meter.advance()
    meter.stage(Stage.WRITING)
    assert (heard[-1].stage, heard[-1].frames_done, heard[-1].frames_total) == ("writing", 40, 40)


def test_without_an_estimate_there_is_no_time_to_go() -> None:
    meter, clock, heard = metered(None)
    clock.now_s += 1
    meter.advance()
    assert heard[-1].eta_s is None
    assert heard[-1].fps == 1.0


def test_the_way_to_the_first_frame_is_reported_and_is_no_part_of_the_rate() -> None:
    meter, clock, heard = metered(100)
    for _ in range(200):
        clock.now_s += 0.05
        meter.tick()
    assert len(heard) > 10
    assert heard[-1].frames_done == 0
    assert heard[-1].fps is None
    for _ in range(20):
        clock.now_s += 0.1
        meter.advance()
    assert heard[-1].fps is not None
    assert 7 < heard[-1].fps <= 10


def test_the_way_between_frames_is_part_of_the_rate() -> None:
    meter, clock, heard = metered(None)
    for step in range(6000):
        clock.now_s += 0.01
        meter.advance() if step % 100 == 99 else meter.tick()
    assert heard[-1].fps is not None
    assert 0.7 < heard[-1].fps < 1.3
