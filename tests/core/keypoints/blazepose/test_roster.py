"""Who is followed, with made-up sightings."""

import numpy as np

from core.keypoints.blazepose.roster import Roster

PICTURE = (1000, 500)


def person(x: float, y: float = 250, radius: float = 100) -> np.ndarray:
    return np.array([[x, y], [x, y - radius]], float)


def people(*alignments) -> np.ndarray:
    return np.array(alignments).reshape(-1, 2, 2)


def nowhere(around):
    return [None] * len(around)


def test_somebody_keeps_their_number_while_they_walk():
    roster = Roster(2)
    for step in range(20):
        seen = people(person(100 + 30 * step), person(900 - 30 * step, radius=140))
        at = roster.update(step / 6, seen[:: 1 - 2 * (step % 2)], PICTURE, nowhere)
        assert sorted(at) == [0, 1]
        numbers = {round(one[0, 1] - one[1, 1]): number for number, one in at.items()}
        assert numbers[140] == 0  # the more prominent at first


def test_who_is_overlooked_is_looked_for_where_they_were():
    roster, asked = Roster(1), []

    def found(around):
        asked.append(around)
        return [around[0] + 10]

    roster.update(0.0, people(person(500)), PICTURE, nowhere)
    at = roster.update(0.17, people(), PICTURE, found)
    np.testing.assert_array_equal(asked, [people(person(500))])
    np.testing.assert_array_equal(at[0], person(500) + 10)


def test_somebody_elsewhere_or_upside_down_is_not_them():
    for other in (person(800), person(500, radius=-100), person(500, radius=300)):
        roster = Roster(1)
        roster.update(0.0, people(person(500)), PICTURE, nowhere)
        assert 0 not in roster.update(0.17, people(other), PICTURE, lambda _, one=other: [one])


def test_who_is_gone_is_waited_for_a_second():
    roster, asked_at = Roster(1), []
    roster.update(0.0, people(person(500)), PICTURE, nowhere)
    for time_s in np.arange(1, 12) / 6:

        def nobody(around, now_s=time_s):
            asked_at.append(now_s)
            return [None] * len(around)

        assert roster.update(float(time_s), people(), PICTURE, nobody) == {}
    assert 0.9 < max(asked_at) <= 1.0


def test_the_most_prominent_take_the_places():
    seen = people(person(20), person(500, radius=50), person(500, radius=200))
    at = Roster(1).update(0.0, seen, PICTURE, nowhere)
    np.testing.assert_array_equal(at[0], seen[2])


def test_a_newcomer_may_take_over_in_the_first_seconds_only():
    for joins_s, taken_over in ((0.5, True), (3.0, False)):
        roster = Roster(1)
        for time_s in np.arange(0, joins_s, 0.1):
            roster.update(float(time_s), people(person(200, radius=50)), PICTURE, nowhere)
        both = people(person(200, radius=50), person(600, radius=150))
        assert (0 not in roster.update(joins_s, both, PICTURE, nowhere)) == taken_over


def test_two_who_end_up_on_one_person_become_one():
    roster = Roster(2)
    roster.update(0.0, people(person(450, radius=101), person(550)), PICTURE, nowhere)
    at = roster.update(0.17, people(), PICTURE, lambda around: [person(500), person(501)])
    assert list(at) == [0]
