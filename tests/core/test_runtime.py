"""The warm parts of a process, with the real lifter; with the real 2D networks where marked."""

import shutil
import threading
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.box.sandbox import Sandbox
from core.checkpoints import PACKAGED_WEIGHTS
from core.contracts import JobOptions, PersonPose
from core.errors import CheckpointInvalid, ConfigInvalid, ImageInvalid, OutOfMemory
from core.keypoints.files import KeypointFile
from core.pipeline import Listener
from core.results.reader import read_result
from core.runs import join_poses
from core.runtime import Runtime, RuntimeConfig
from core.skeleton import BODY
from core.video.stream import Frame
from tests.core.tracking.walkers import figure

OFFLINE = Path("/nowhere")  # whoever asks this cache for a model fails


@pytest.fixture(scope="module", autouse=True)
def threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def lifting_only() -> Iterator[Runtime]:
    config = RuntimeConfig(device="cpu", pose_model=None, cache_dir=OFFLINE)
    with Runtime.load(config) as runtime:
        yield runtime


@pytest.fixture(scope="module")
def runtime(full_bundle: Path, asset_cache: Path) -> Iterator[Runtime]:
    with Runtime.load(RuntimeConfig(device="cpu", cache_dir=asset_cache)) as runtime:
        yield runtime


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def mirror_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("mirror")}


def walking(frames: int) -> KeypointFile:
    keypoints_px = np.stack([figure(300 + 2 * i, 400, 200).keypoints_px for i in range(frames)])
    confidence = np.full((frames, 33), 0.9, np.float32)
    return KeypointFile(keypoints_px, confidence, np.arange(frames) / 30, 640, 480)


def as_png(rgb: np.ndarray) -> bytes:
    content = BytesIO()
    Image.fromarray(rgb).save(content, "PNG")
    return content.getvalue()


def test_own_keypoints_need_no_2d_model(lifting_only, tmp_path):
    keypoints = walking(120)
    keypoints.keypoints_px[50:55], keypoints.keypoints_px[80:110] = np.nan, np.nan
    summary = lifting_only.lift_keypoints(keypoints, tmp_path / "pose.npz", JobOptions())
    poses = read_result(tmp_path / "pose.npz")
    there = np.ones(120, bool)
    there[80:110] = False
    np.testing.assert_array_equal(np.isfinite(poses.joints_3d).all(axis=(0, 2, 3)), there)
    np.testing.assert_array_equal(np.isnan(poses.joints_3d).any(axis=(0, 2, 3)), ~there)
    assert (poses.joints_3d[0, there, BODY.root] == 0).all()
    assert (poses.joints_3d_sigma[0, there] > 0).all()
    assert (summary.frames, summary.persons) == (120, 1)
    assert poses.manifest.models.keys() == {"lifter"}
    lifter = poses.manifest.models["lifter"]
    assert lifter.sha256 == digest(PACKAGED_WEIGHTS)
    assert lifter.sigma_radii is not None
    assert list(lifter.sigma_radii) == ["0.5", "0.8", "0.9", "0.95"]


def test_somebody_who_stands_is_lifted_upright(lifting_only, tmp_path):
    """Axes: x right, y down; the made-up person faces us, so their left is on our right."""
    lifting_only.lift_keypoints(walking(30), tmp_path / "pose.npz", JobOptions(height_m=1.8))
    joints = dict(zip(BODY.names, read_result(tmp_path / "pose.npz").joints_3d[0, 15], strict=True))
    assert joints["head_top"][1] < joints["neck"][1] < 0 < joints["left_knee"][1]
    assert joints["left_knee"][1] < joints["left_ankle"][1]
    assert joints["left_shoulder"][0] > 0 > joints["right_shoulder"][0]
    assert 1.4 < joints["left_ankle"][1] - joints["head_top"][1] < 2.0


def test_one_job_leaves_no_trace_in_the_next(lifting_only, tmp_path):
    first, other, again = (tmp_path / name for name in ("a.npz", "b.npz", "c.npz"))
    lifting_only.lift_keypoints(walking(100), first, JobOptions())
    lifting_only.lift_keypoints(walking(37), other, JobOptions(smoothing=False, height_m=2.0))
    lifting_only.lift_keypoints(walking(100), again, JobOptions())
    assert first.read_bytes() == again.read_bytes() != other.read_bytes()


@pytest.mark.parametrize("budget_mib", [0, 1])
def test_a_budget_that_holds_no_window_is_refused_at_once(budget_mib):
    config = RuntimeConfig(device="cpu", pose_model=None, host_budget_mib=budget_mib)
    with pytest.raises(OutOfMemory, match=f"budget is {budget_mib} MiB"):
        Runtime.load(config)


@pytest.mark.parametrize(
    ("threads", "budget_mib", "beside"), [(1, 512, 0), (2, 512, 1), (2, 24, 0)]
)
def test_a_window_and_its_mirror_image_are_lifted_at_once_where_there_is_room(
    threads, budget_mib, beside, lifting_only, tmp_path
):
    config = RuntimeConfig(
        device="cpu", pose_model=None, threads=threads, host_budget_mib=budget_mib
    )
    before = mirror_threads()
    with Runtime.load(config) as runtime:
        runtime.lift_keypoints(walking(100), tmp_path / "a.npz", JobOptions())
        assert len(mirror_threads() - before) == beside
    assert mirror_threads() == before
    lifting_only.lift_keypoints(walking(100), tmp_path / "b.npz", JobOptions())
    first, second = (read_result(tmp_path / name).joints_3d for name in ("a.npz", "b.npz"))
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_what_cannot_be_loaded_is_explained(tmp_path):
    with pytest.raises(CheckpointInvalid, match="Cannot read"):
        Runtime.load(RuntimeConfig(pose_model=None, checkpoint=tmp_path / "none.safetensors"))


def test_a_decoders_box_has_no_gpu():
    with pytest.raises(ConfigInvalid, match="turn the sandbox off"):
        Runtime.load(RuntimeConfig(pose_model=None, decode_on="auto", sandbox=Sandbox.AUTO))


def test_without_a_gpu_videos_are_decoded_as_ever():
    config = RuntimeConfig(device="cpu", pose_model=None, decode_on="auto")
    with Runtime.load(config) as runtime:
        assert runtime.decoder == "this process"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_asked_for(lifting_only):
    with pytest.raises(ConfigInvalid, match="--device cpu"):
        Runtime.load(RuntimeConfig(device="cuda", pose_model=None))
    assert lifting_only.device == "cpu"


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_refused_before_any_model_is_loaded(lifting_only, content):
    with pytest.raises(ImageInvalid):
        lifting_only.lift_image(content)


def test_what_is_served_is_decoded_in_a_box_and_was_tried_before():
    config = RuntimeConfig(
        device="cpu", pose_model=None, cache_dir=OFFLINE, sandbox=Sandbox.AUTO, serves="pictures"
    )
    with Runtime.load(config) as runtime:
        assert "limits" in runtime.image_decoder
        assert "unknown" in runtime.decoder  # nobody asked for a video's box
        with pytest.raises(ImageInvalid):
            runtime.lift_image(b"no picture")


@pytest.mark.assets
def test_a_real_clip_twice_gives_the_same_bytes_and_names_its_models(
    runtime, demo_clip, full_bundle, tmp_path
):
    chunks = []
    options = JobOptions(end_s=0.5)
    first, again = tmp_path / "first.npz", tmp_path / "again.npz"
    runtime.lift_video(demo_clip, first, options, source_name="demo.mp4")
    listener = Listener(on_chunk=chunks.append)
    summary = runtime.lift_video(
        demo_clip, again, options, source_name="demo.mp4", listener=listener
    )
    assert first.read_bytes() == again.read_bytes()

    poses = read_result(first)
    assert (len(poses), poses.persons) == (15, 1) == (summary.frames, summary.persons)
    assert poses.observed.mean() > 0.3
    assert np.isfinite(poses.joints_3d[poses.observed]).all()
    np.testing.assert_array_equal(join_poses(chunks).joints_m, poses.joints_3d)
    models = poses.manifest.models
    assert models["keypoints"].name == f"litert/{full_bundle.stem}"
    assert models["keypoints"].sha256 == digest(full_bundle)
    assert models["lifter"].sha256 == digest(PACKAGED_WEIGHTS)


@pytest.mark.assets
def test_a_picture_of_one_man_holds_one_pose(runtime, demo_frames: list[Frame]):
    rgb = demo_frames[30].rgb
    (person,) = runtime.lift_image(as_png(rgb))
    joints_m, keypoints_px = np.array(person.joints_3d), np.array(person.keypoints_2d)
    assert joints_m.shape == (28, 3)
    assert len(person.joints_3d_sigma) == 28
    assert len(person.keypoints_confidence) == 33
    assert joints_m[BODY.root].tolist() == [0, 0, 0]
    assert joints_m[BODY.index("head_top")][1] < 0 < joints_m[BODY.index("left_foot")][1]
    assert abs(keypoints_px[:, 0].mean() - 320) < 60
    assert PersonPose.model_validate_json(person.model_dump_json()) == person
    assert runtime.lift_image(as_png(np.zeros_like(rgb))) == []


@pytest.mark.assets
def test_the_2d_networks_in_torch(full_bundle, asset_cache, demo_clip, tmp_path):
    config = RuntimeConfig(device="cpu", pose_backend="torch", cache_dir=asset_cache)
    with Runtime.load(config) as runtime:
        summary = runtime.lift_video(demo_clip, tmp_path / "pose.npz", JobOptions(end_s=0.4))
    poses = read_result(tmp_path / "pose.npz")
    assert (len(poses), poses.persons) == (12, 1) == (summary.frames, summary.persons)
    assert poses.observed.mean() > 0.7
    assert np.isfinite(poses.joints_3d[poses.observed]).all()
    assert poses.manifest.models["keypoints"].name == f"torch/{full_bundle.stem}"


@pytest.mark.assets
def test_the_users_own_bundle_goes_by_its_own_name(full_bundle, demo_clip, tmp_path):
    own = tmp_path / "mine.task"
    shutil.copy(full_bundle, own)
    config = RuntimeConfig(device="cpu", pose_task=own, pose_model=None, cache_dir=OFFLINE)
    options = JobOptions(pose_model="heavy", end_s=0.03)
    with Runtime.load(config) as runtime:
        runtime.lift_video(demo_clip, tmp_path / "pose.npz", options)
    facts = read_result(tmp_path / "pose.npz").manifest.models["keypoints"]
    assert (facts.name, facts.sha256) == ("litert/mine", digest(own))
