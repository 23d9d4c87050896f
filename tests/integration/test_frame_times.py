"""True presentation times reach the result, whatever the file does with time."""

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from core.results.reader import read_result
from tests.integration.stack import ended, submit
from tests.videos import make_video, packet_times

pytestmark = [pytest.mark.assets, pytest.mark.timeout(900)]

UNEVEN_S = np.cumsum([0.0, *np.random.default_rng(1).uniform(0.01, 0.2, 24).round(3)])
FILES = {
    "variable.mp4": {"times_s": UNEVEN_S.tolist()},
    "variable.mkv": {"times_s": UNEVEN_S.tolist()},
    "rotated.mov": {"rotation_deg": 90, "frames": 20},
    "ntsc.mp4": {"fps": Fraction(30_000, 1001), "frames": 20, "b_frames": 2},
}


@pytest.mark.parametrize("name", FILES)
def test_times_are_those_of_the_packets(api, tmp_path, name):
    video = make_video(tmp_path / name, **FILES[name])
    job = ended(api, submit(api, video))
    assert job["state"] == "succeeded", job
    result = read_result(api.get(f"/jobs/{job['id']}/result").content)
    expected_s = told_by_ffprobe(video) if shutil.which("ffprobe") else packet_times(video)
    assert len(result) == len(expected_s)
    assert np.abs(result.frame_time_s - expected_s).max() < 1e-3
    assert result.manifest.source.rotation_deg == FILES[name].get("rotation_deg", 0)


def told_by_ffprobe(video: Path) -> list[float]:
    """Presentation times of the packets, in their order."""
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_packets", "-of", "json"]
    packets = json.loads(subprocess.check_output([*command, video]))["packets"]
    return sorted(float(packet["pts_time"]) for packet in packets)
