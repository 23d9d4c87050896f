"""The lens that a file states, where it states one that can be."""

import pytest

from core.lenses import stored_lens_35mm
from core.video.stream import probe
from tests.videos import make_video

TAG = "com.apple.quicktime.camera.focal_length.35mm_equivalent"


@pytest.mark.parametrize("ending", [".mov", ".mp4"])
def test_it_is_read_from_the_file(tmp_path, ending):
    video = make_video(tmp_path / f"phone{ending}", frames=2, tags={TAG: "26"}, rotation_deg=90)
    assert probe(video).focal_length_35mm == 26
    assert probe(make_video(tmp_path / f"other{ending}", frames=2)).focal_length_35mm is None


@pytest.mark.parametrize("stated", ["", "0", "-13", "7.9", "1201", "nan", "inf", "26 mm", "1e999"])
def test_what_is_no_lens_is_not_believed(stated):
    assert stored_lens_35mm({TAG: stated}) is None


def test_the_track_knows_better_than_the_file():
    assert stored_lens_35mm({TAG: "13.5"}, {TAG: "26"}) == 13.5
    assert stored_lens_35mm({TAG: "0"}, {TAG: "26"}) == 26
    assert stored_lens_35mm({}, {}) is None
