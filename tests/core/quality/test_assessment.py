import pytest

from core.quality.assessment import assess
from core.tracking.tracks import TrackReport
from core.video.frames import DecodeReport


def report(**changes) -> TrackReport:
    """Two of three slots held somebody in a video of 100 frames."""
    fields = {
        "max_persons": 3,
        "frames": 100,
        "observed_frames": [80, 0, 40],
        "interpolated_frames": [5, 0, 1],
        "low_confidence_frames": [12, 0, 0],
        "most_people": 2,
    }
    return TrackReport(**{**fields, **changes})


def test_shares_are_of_the_people_who_appear() -> None:
    quality = assess(report(), DecodeReport())
    assert (quality.frames_used, quality.persons, quality.notes) == (100, 2, ())
    assert quality.observed_share == 0.6
    assert quality.interpolated_share == 0.03
    assert quality.low_confidence_share == 0.1
    assert quality.tracks["observed_frames"] == [80, 0, 40]


def test_nobody_at_all_divides_by_nothing() -> None:
    nobody = report(observed_frames=[0] * 3, interpolated_frames=[0] * 3, most_people=0)
    quality = assess(nobody, DecodeReport())
    assert (quality.persons, quality.observed_share, quality.notes) == (0, 0.0, ("no_person",))


@pytest.mark.parametrize(
    ("tracking", "decoding", "note"),
    [
        (report(most_people=4), DecodeReport(), "people_not_followed"),
        (report(reentry_count=1), DecodeReport(), "identity_assumed_after_absence"),
        (report(), DecodeReport(truncated=True), "video_damaged"),
        (report(), DecodeReport(decode_errors=1), "video_damaged"),
    ],
)
def test_what_is_worth_knowing_is_noted(tracking, decoding, note) -> None:
    assert assess(tracking, decoding).notes == (note,)


def test_what_happened_while_decoding_is_told() -> None:
    quality = assess(report(), DecodeReport(decode_errors=3, times_repaired=2, truncated=True))
    assert (quality.decode_errors, quality.times_repaired, quality.truncated) == (3, 2, True)
