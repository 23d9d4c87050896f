import pytest

from core.contracts import JobOptions
from core.results.manifest import ModelFacts
from core.resuming import SECTION_FRAMES, Spooling, made_with, no_spool
from core.tracking.association import Observation


class Kept:
    """Writes down what it is given."""

    frames = 0

    def __init__(self) -> None:
        self.sections: list[tuple[list[int], bool]] = []

    def read(self):
        return iter(())

    def add(self, seen, *, resumable: bool) -> None:
        self.sections.append(([one.frame_index for one in seen], resumable))


def pass_on(frames: int, reliefs: set[int]) -> tuple[Kept, list[int]]:
    """So many observations; a fresh run takes over before those numbers."""
    kept = Kept()
    spooling = Spooling(kept)

    def seen():
        for number in range(frames):
            if number in reliefs:
                spooling.relieved()
            yield Observation(number, number / 30, [])

    return kept, [one.frame_index for one in spooling.passing(seen())]


@pytest.mark.parametrize("reliefs", [set(), {5}, {5, 9}, {SECTION_FRAMES}, {SECTION_FRAMES + 1}])
def test_sections_end_where_somebody_was_relieved(reliefs):
    frames = SECTION_FRAMES + 40
    kept, passed = pass_on(frames, reliefs)
    assert passed == list(range(frames))
    kept_frames = [number for section, _ in kept.sections for number in section]
    assert kept_frames == list(range(len(kept_frames)))
    ends = {section[-1] + 1 for section, resumable in kept.sections if resumable}
    assert ends == reliefs
    assert all(0 < len(section) <= SECTION_FRAMES for section, _ in kept.sections)


def test_the_last_section_is_not_worth_keeping():
    kept, _ = pass_on(20, {5})
    assert kept.sections == [([0, 1, 2, 3, 4], True)]


def test_without_relief_sections_are_kept_all_the_same_for_one_that_may_come():
    kept, _ = pass_on(2 * SECTION_FRAMES + 1, set())
    assert [resumable for _, resumable in kept.sections] == [False, False]


def test_no_spool_holds_nothing():
    spool = no_spool("x")
    spool.add([Observation(0, 0.0, [])], resumable=True)
    assert (spool.frames, list(spool.read())) == (0, [])


def test_whatever_decides_what_is_seen_is_in_the_name_of_how_it_was_made():
    names = [
        made_with(options, {"keypoints": ModelFacts(name=name, sha256="0" * 64)})
        for options in (JobOptions(), JobOptions(max_persons=2), JobOptions(stride=2))
        for name in ("full", "heavy")
    ]
    assert len(set(names)) == len(names)
    again = made_with(JobOptions(), {"keypoints": ModelFacts(name="full", sha256="0" * 64)})
    assert again == names[0]
