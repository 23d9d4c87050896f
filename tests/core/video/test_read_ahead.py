"""A generator in a thread of its own."""

import threading
from itertools import count
from threading import Event

import pytest

from core.video.read_ahead import ReadAhead

WAIT_S = 5.0


def test_items_come_in_order_and_then_the_end():
    with ReadAhead(lambda _: (number for number in range(100)), 3) as items:
        assert list(items) == list(range(100))
        assert next(items, None) is None


def test_no_more_items_wait_than_allowed():
    made = []
    full = Event()

    def make(_):
        for number in count():
            made.append(number)
            if number == 4:
                full.set()
            yield number

    with ReadAhead(make, 4) as items:
        assert full.wait(WAIT_S)
        assert not items.ready(0) or made[-1] <= 5
        assert made == [0, 1, 2, 3, 4]  # the last one is made and cannot be handed over
        assert next(items) == 0


def test_an_error_comes_after_the_items_before_it_and_once():
    def make(_):
        yield 1
        raise ZeroDivisionError

    with ReadAhead(make, 5) as items:
        assert next(items) == 1
        with pytest.raises(ZeroDivisionError):
            next(items)
        assert next(items, None) is None


def test_leaving_ends_the_thread_and_closes_the_generator_in_it():
    threads = []

    def make(_):
        try:
            yield from count()
        finally:
            threads.append(threading.current_thread().name)

    before = threading.active_count()
    with ReadAhead(make, 2, name="counter") as items:
        assert next(items) == 0
    assert threads == ["counter"]
    assert threading.active_count() == before


def test_a_long_way_to_the_next_item_can_be_cut_short():
    steps = count()
    under_way = Event()

    def make(go_on):
        for step in steps:
            go_on()
            if step == 1000:
                under_way.set()
        yield "never"

    with ReadAhead(make, 2) as items:
        assert under_way.wait(WAIT_S)
        assert not items.ready(0)
