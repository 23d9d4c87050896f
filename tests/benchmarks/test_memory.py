"""Peak memory by length and people: the stand-ins, and what is compared with what."""

import numpy as np
import pytest

from benchmarks.looped_video import loop, shrink
from benchmarks.memory import GROWTH, compared
from benchmarks.memory_run import Crowd, open_runtime
from core.contracts import JobOptions
from core.video.frames import Frame


def test_lengths_are_compared_for_each_number_of_people_and_people_at_the_shortest():
    peaks = {(1, 10): 500, (1, 60): 505, (1, 7200): 510, (2, 10): 520, (2, 60): 546}
    rows = [{"persons": p, "seconds": s, "peak_mib": mib} for (p, s), mib in peaks.items()]
    found = compared(rows)
    assert found.ratios == {
        "long_over_short": 1.02,
        "long_over_short: 2 persons": 1.05,
        "2 persons over 1": 1.04,
    }
    assert found.at_most == {"long_over_short": GROWTH, "long_over_short: 2 persons": GROWTH}
    assert found.broken == []


def test_growth_breaks_the_promise():
    rows = [{"persons": 1, "seconds": s, "peak_mib": mib} for s, mib in ((10, 500), (60, 600))]
    assert compared(rows).broken == ["long_over_short"]


@pytest.mark.parametrize("persons", [1, 4])
def test_the_stand_ins_see_so_many_people_who_all_get_into_the_result(tmp_path, persons):
    clip, result = _moving(tmp_path, frames=40), tmp_path / "poses.npz"
    with open_runtime(real=False) as runtime:
        summary = runtime.lift_video(clip, result, JobOptions(max_persons=persons))
    assert summary.persons == persons
    with np.load(result) as fields:
        assert fields["joints_3d"].shape[:2] == (persons, 40)


def test_the_stand_ins_move():
    rgb = np.zeros((90, 160, 3), np.uint8)
    with Crowd(2) as crowd:
        first, later = (crowd.estimate(Frame(0, time_s, rgb)) for time_s in (0.0, 0.5))
    assert len(first) == len(later) == 2
    assert (later[0].keypoints_px[:, 0] > first[0].keypoints_px[:, 0]).all()


def _moving(folder, *, frames):
    import av

    source, small, clip = (folder / name for name in ("a.mp4", "b.mp4", "c.mp4"))
    with av.open(source, "w") as output:
        stream = output.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for number in range(10):
            picture = np.full((96, 160, 3), 20 * number, np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        output.mux(stream.encode(None))
    shrink(source, small, width=160, height=96)
    loop(small, clip, frames=frames)
    return clip
