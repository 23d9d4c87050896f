import json
from pathlib import Path

import numpy as np
import pytest

from core.contracts import JobOptions
from core.evaluation.reference import LIMB_JOINTS, read_reference
from core.results.reader import read_result
from core.skeleton import BODY
from scripts.cli import main
from scripts.peer_evaluation import compare
from tests.core.evaluation.reference_files import limbs, write_reference
from tests.core.evaluation.test_peers import poses


def test_only_the_part_of_the_video_that_the_reference_covers_is_lifted(tmp_path):
    truth = limbs(30)
    path = write_reference(tmp_path / "r.npz", truth, frame_time_s=10 + np.arange(30) / 30)
    asked: list[tuple[Path, JobOptions]] = []

    def lift(video, options):
        asked.append((video, options))
        made = poses(truth, truth)
        made.track.frame_time_s[:] += 10
        return [made]

    (clip,) = compare([Path("v.mp4")], [read_reference(path)], lift, JobOptions())
    assert len(clip.time_s) == 30
    ((video, options),) = asked
    assert (video, options.start_s) == (Path("v.mp4"), 9.5)
    assert options.end_s == pytest.approx(10 + 29 / 30 + 0.5)
    assert options.max_persons == 1


@pytest.mark.assets
def test_against_our_own_result_as_the_reference_we_are_perfect_and_the_peer_is_not(
    tmp_path, demo_clip: Path, asset_cache: Path, capsys: pytest.CaptureFixture[str]
):
    """No real reference recording is at hand: this one shows that frames and joints meet."""
    result = tmp_path / "pose.npz"
    cache = ["--cache", str(asset_cache), "--device", "cpu"]
    words = ["lift", str(demo_clip), "-o", str(result), "--end-s", "1.5", "--pose-model", "full"]
    assert main([*words, *cache, "--quiet"]) == 0
    lifted = read_result(result)
    joints_m = lifted.joints_3d[0][:, [BODY.index(name) for name in LIMB_JOINTS]]
    there = slice(10, 40)  # nobody is found in the first frames
    reference = write_reference(
        tmp_path / "reference.npz", joints_m[there], frame_time_s=lifted.frame_time_s[there]
    )
    flags = ["--video", str(demo_clip), "--reference", str(reference), "--pose-model", "full"]
    out = ["--json", str(tmp_path / "peers.json")]
    assert main(["evaluate", "--peer", "mediapipe", *flags, *out, *cache, "--per-joint"]) == 0
    assert "frames compared, on twelve limb joints" in capsys.readouterr().out
    scores = json.loads((tmp_path / "peers.json").read_text())
    assert scores["compared"] >= 28
    # Not 0: another part of the video is lifted, which begins elsewhere.
    assert scores["overall_mm"]["poselift"]["pa_mpjpe"]["value"] < 6
    assert scores["overall_mm"]["mediapipe"]["pa_mpjpe"]["value"] > 15
