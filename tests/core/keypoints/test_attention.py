"""Whether one estimator may go on in place of another."""

import pytest

from core.keypoints.attention import Attention, continues
from core.tracking.sightings import measure
from tests.core.tracking.walkers import figure


def attention(*people, is_settled=True):
    sightings = [measure(figure(x, 200, 120)) for x in people]
    return Attention(sightings, is_settled)


@pytest.mark.parametrize(
    ("earlier", "later", "expected"),
    [
        (attention(300), attention(301), True),
        (attention(), attention(), True),
        (attention(300, 500), attention(501, 299), True),
        (attention(300), attention(360), False),
        (attention(300), attention(), False),
        (attention(), attention(300), False),
        (attention(300), attention(300, 500), False),
        (attention(300, 500), attention(300, 302), False),
        (attention(300, is_settled=False), attention(300), False),
        (attention(is_settled=False), attention(), False),
        (attention(300), attention(300, is_settled=False), True),
    ],
    ids=[
        "the same person",
        "nobody in either",
        "the same two in another order",
        "somebody beside them",
        "overlooked",
        "seen by the later one only",
        "one more",
        "one of two, seen twice",
        "somebody may still take over",
        "somebody is hidden",
        "the later one is always new",
    ],
)
def test_only_who_follows_the_same_people_goes_on(earlier, later, expected):
    assert continues([earlier], [later]) is expected


@pytest.mark.parametrize(
    ("earlier", "later", "expected"),
    [
        ((300, 301, 320), (300, 301, 302), True),
        ((300, 320, 302), (300, 301, 302), True),
        ((300, 320, 322), (300, 301, 302), False),
        ((300, 301, 362), (300, 301, 302), False),
        ((900, 300, 301), (300, 301), True),
        ((900, 320, 301), (300, 301), False),
    ],
    ids=[
        "thrown off in the newest",
        "thrown off before",
        "thrown off in most",
        "somebody else in the newest",
        "what only one has seen does not count",
        "half is not most",
    ],
)
def test_one_frame_in_which_a_tracker_is_thrown_off_does_not_count(earlier, later, expected):
    """Somebody whose body size is 36 pixels."""
    assert continues([attention(x) for x in earlier], [attention(x) for x in later]) is expected


def test_who_is_hidden_in_the_newest_frame_is_awaited():
    sure, unsure = attention(300), attention(300, is_settled=False)
    assert continues([unsure, sure], [sure, sure])
    assert not continues([sure, unsure], [sure, sure])
