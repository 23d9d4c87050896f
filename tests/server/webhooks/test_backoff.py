from server.webhooks.backoff import Backoff


def test_pauses_grow_to_hours_and_no_further() -> None:
    backoff = Backoff()
    pauses_s = [backoff.average_s(attempt) for attempt in range(1, backoff.attempts)]
    assert pauses_s == [5, 20, 80, 320, 1280, 5120, 18000, 18000, 18000]
    assert 12 * 3600 < sum(pauses_s) < 24 * 3600


def test_no_two_pauses_are_alike_and_none_is_far_off() -> None:
    pauses_s = [Backoff().pause_s(3) for _ in range(200)]
    assert len(set(pauses_s)) > 190
    assert min(pauses_s) >= 40
    assert max(pauses_s) <= 120
    assert max(pauses_s) - min(pauses_s) > 40


def test_many_attempts_do_not_overflow() -> None:
    assert Backoff(attempts=5000).average_s(100) == 18000
