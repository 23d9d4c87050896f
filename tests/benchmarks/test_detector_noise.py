import json

import numpy as np
import pytest

from benchmarks.__main__ import main as benchmarks_main
from benchmarks.detector_noise import HEAVY_ERROR_MM, fitted, main, truth_share
from benchmarks.detector_noise_model import modelled_pairs
from benchmarks.detector_noise_pairs import compare, person_scale
from benchmarks.detector_noise_runs import REFERENCE, SETTINGS, fingerprint
from benchmarks.detector_noise_summary import PARTS, summarise
from tests.benchmarks.detector_runs import perfect_run, shaken
from tests.core.training.motion_files import write_motion
from tests.videos import make_video


@pytest.fixture
def studied(tmp_path):
    """A video whose runs are there already: the reference, and others that err by 2 and 4 cm."""
    video = make_video(tmp_path / "clip.mp4", frames=2)
    for number, setting in enumerate(SETTINGS):
        run = perfect_run(90)
        if setting != REFERENCE:
            run = shaken(run, np.random.default_rng(number), keypoints_m=0.02, hint_m=0.04)
        run.save(tmp_path / "runs" / f"{fingerprint(video)}-{setting}.npz")
    return video


def test_a_study_is_written_down(studied, tmp_path, capsys):
    words = ["detector-noise", str(studied), "-o", str(tmp_path / "docs")]
    assert benchmarks_main([*words, "--runs", str(tmp_path / "runs")]) == 0
    found = json.loads((tmp_path / "docs" / "detector-noise.json").read_text())
    assert found["clips"][0]["frames_compared"] == 90
    assert found["pairs"]["heavy / full"]["hint"]["pa_mm"]["mean"] == pytest.approx(60, rel=0.15)
    assert found["truth_over_difference"] == pytest.approx(
        HEAVY_ERROR_MM / found["pairs"]["heavy / full"]["hint"]["pa_mm"]["mean"], abs=0.01
    )
    assert set(found["fitted"]) == set(PARTS)
    for name in ("parts", "confidence"):
        picture = tmp_path / "docs" / f"detector-noise-{name}.png"
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.stat().st_size < 80_000
    assert "wrist" in capsys.readouterr().out


@pytest.mark.parametrize("content", [None, b"no video"])
def test_a_bad_video_is_a_sentence_and_an_exit_code(content, tmp_path, capsys):
    video = tmp_path / "broken.mp4"
    if content is not None:
        video.write_bytes(content)
    assert main([str(video), "--runs", str(tmp_path), "-o", str(tmp_path / "docs")]) == 1
    said = capsys.readouterr().out
    assert "Traceback" not in said
    assert said.strip()
    assert not (tmp_path / "docs").exists()


def test_fitted_noise_is_the_difference_times_the_share_of_truth():
    run = perfect_run(120)
    other = shaken(run, np.random.default_rng(5), keypoints_m=0.01, hint_m=0.02)
    summary = summarise([compare(run, other, person_scale(run))])
    share = truth_share(summary)
    assert share == pytest.approx(HEAVY_ERROR_MM / summary["hint"]["pa_mm"]["mean"])
    measured = summary["parts"]["knee"]["keypoints_cm"]["spectrum"]
    scaled = fitted(summary, share)["knee"]["keypoints_cm"]
    assert scaled["jitter"] == pytest.approx(share * measured["jitter"], abs=0.01)
    assert scaled["drift_memory_s"] == measured["drift_memory_s"]


def test_the_noise_of_training_can_be_measured_like_a_run(tmp_path):
    pairs = modelled_pairs(write_motion(tmp_path / "motion.npz", frames=400), windows=6)
    summary = summarise(pairs)
    assert summary["frames"] > 300
    wrist, shoulder = (
        summary["parts"][part]["keypoints_cm"]["median"] for part in ("wrist", "shoulder")
    )
    assert 0.3 < shoulder < wrist < 15
    assert 20 < summary["hint"]["pa_mm"]["median"] < 200
