"""`poselift lift`: no server; a video, or 2D keypoints of one's own."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from core.keypoints.layouts import LAYOUTS
from core.results.reader import PoseResult, read_result
from core.skeleton import KEYPOINT_NAMES
from scripts import cli
from tests.integration.conftest import FRAMES, HEIGHT, WIDTH
from tests.integration.stack import poselift, surroundings

pytestmark = [pytest.mark.assets, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def lifted(tmp_path_factory, clip, asset_cache) -> PoseResult:
    """The clip, by the command as a user types it."""
    out = tmp_path_factory.mktemp("lifted") / "made" / "clip.npz"
    done = subprocess.run(
        poselift("lift", clip, "-o", out, "--device", "cpu", "--cache", asset_cache),
        env=surroundings(),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "1 person" in done.stderr
    assert [path.name for path in out.parent.iterdir()] == ["clip.npz"]
    return read_result(out)


@pytest.fixture
def fields(lifted) -> dict[str, np.ndarray]:
    """What a user's own estimator might have said of the clip, as COCO has its joints."""
    joints = [KEYPOINT_NAMES.index(name) for name in coco_names()]
    return {
        "keypoints": lifted.keypoints_2d[0][:, joints],
        "confidence": np.nan_to_num(lifted.keypoints_confidence[0][:, joints]),
        "frame_time_s": lifted.frame_time_s,
        "width": np.array(WIDTH),
        "height": np.array(HEIGHT),
    }


def coco_names() -> list[str]:
    sides = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    return ["nose", *(f"{side}_{part}" for part in sides for side in ("left", "right"))]


def lift(folder: Path, fields: dict[str, np.ndarray], *flags: str) -> tuple[int, Path]:
    np.savez(folder / "K.npz", **fields)
    out = folder / "K.pose.npz"
    words = ["lift", "--keypoints", folder / "K.npz", "--layout", "coco17", "-o", out, *flags]
    return cli.main([str(word) for word in (*words, "--device", "cpu", "-q")]), out


def test_own_keypoints_give_nearly_the_same_poses(lifted, fields, tmp_path):
    assert "coco17" in LAYOUTS
    status, out = lift(tmp_path, fields)
    assert status == 0
    own = read_result(out)
    assert own.joints_3d.shape == (1, FRAMES, 28, 3)
    assert own.frame_time_s.tolist() == lifted.frame_time_s.tolist()
    assert own.manifest.source.filename == "K.npz"
    assert own.manifest.models.keys() == {"lifter"}
    both = own.observed[0] & lifted.observed[0]
    assert both.mean() > 0.8
    assert np.isfinite(own.joints_3d[0, both]).all()
    # Feet and hands are missing in COCO; elbows, knees and the rest say the same.
    apart_m = np.linalg.norm(own.joints_3d[0, both] - lifted.joints_3d[0, both], axis=-1)
    assert np.median(apart_m) < 0.15


def test_the_lens_can_be_told(fields, tmp_path):
    status, out = lift(tmp_path, fields, "--focal-length-35mm", "24")
    assert status == 0
    manifest = read_result(out).manifest
    told_px = 24 / 36 * max(WIDTH, HEIGHT)
    assert (manifest.focal_length_px, manifest.focal_length_source) == (told_px, "told")


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"keypoints": np.zeros((5, 16, 2), np.float32)}, "17"),
        ({"keypoints": np.zeros((5, 17, 3), np.float32)}, "keypoints"),
        ({"confidence": np.full((FRAMES, 17), 7.0)}, "confidence"),
        ({"frame_time_s": np.zeros(FRAMES)}, "frame_time_s"),
        ({"width": np.array(-4)}, "width"),
        ({"keypoints": np.full((FRAMES, 17, 2), 0.5, np.float32)}, "pixels"),
        ({"keypoints": np.array([{}], dtype=object)}, "objects"),
    ],
)
def test_bad_keypoints_have_a_code(fields, tmp_path, capsys, change, hint):
    status, out = lift(tmp_path, fields | change)
    assert status == 1
    said = capsys.readouterr().err
    assert "[keypoints_invalid]" in said
    assert hint in said
    assert not out.exists()


def test_a_missing_field_has_a_code(fields, tmp_path, capsys):
    del fields["height"]
    assert lift(tmp_path, fields)[0] == 1
    assert "no field 'height' [keypoints_invalid]" in capsys.readouterr().err.replace("'.", "'")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["nothing.mp4"], "not_a_video"),
        (["--keypoints", "nothing.npz", "--layout", "coco17"], "keypoints_invalid"),
        (["--keypoints", "K.npz"], "option_invalid"),
        (["a.mp4", "--keypoints", "K.npz", "--layout", "coco17"], "option_invalid"),
        ([], "option_invalid"),
        (["a.mp4", "-o", "a.txt"], "option_invalid"),
        (["a.mp4", "-o", "folder.npz"], "option_invalid"),
        (["folder.npz"], "not_a_video"),
        (["a.mp4", "--height-m", "18"], "option_out_of_range"),
    ],
)
def test_wrong_words_have_a_code(tmp_path, monkeypatch, capsys, words, code):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.mp4").touch()
    (tmp_path / "K.npz").touch()
    (tmp_path / "folder.npz").mkdir()
    assert cli.main(["lift", *words]) in (1, 2)
    assert f"[{code}]" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["K.npz", "a.mp4", "folder.npz"]
