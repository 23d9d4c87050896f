"""Cutting the segmentation off the landmark networks changes nothing but the time they take."""

import sys
import time

import mediapipe as mp
import numpy as np
import pytest
from mediapipe.tasks.metadata import schema_py_generated as schema
from mediapipe.tasks.python.core.base_options import BaseOptions
from mediapipe.tasks.python.vision.core.vision_task_running_mode import VisionTaskRunningMode
from mediapipe.tasks.python.vision.pose_landmarker import PoseLandmarker, PoseLandmarkerOptions

from core.assets.bundle import assemble
from core.assets.cache import cached_path, is_cached
from core.assets.landmark_network import prepare_landmark_network
from core.assets.manifest import POSE_DETECTOR, POSE_LANDMARKS
from core.contracts import PoseModel
from core.errors import AssetCorrupt

pytestmark = pytest.mark.assets


@pytest.fixture(params=list(PoseModel))
def network(request, full_bundle, asset_cache):
    asset = POSE_LANDMARKS[request.param]
    if not is_cached(asset_cache, asset):
        pytest.skip(f"{asset.name} is not cached: `poselift assets fetch --models all` brings it")
    return cached_path(asset_cache, asset).read_bytes()


@pytest.fixture
def detector(full_bundle, asset_cache):
    return cached_path(asset_cache, POSE_DETECTOR).read_bytes()


def landmarks(bundle, frames):
    """Every number that MediaPipe says about every frame, and the seconds it took."""
    options = PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_buffer=bundle),
        running_mode=VisionTaskRunningMode.VIDEO,
    )
    said = []
    with PoseLandmarker.create_from_options(options) as landmarker:
        started = time.perf_counter()
        for frame in frames:
            image = mp.Image(mp.ImageFormat.SRGB, frame.rgb)
            result = landmarker.detect_for_video(image, round(frame.time_s * 1000))
            for person in (*result.pose_landmarks, *result.pose_world_landmarks):
                said += [(frame.index, p.x, p.y, p.z, p.visibility, p.presence) for p in person]
        return np.array(said), time.perf_counter() - started


def test_landmarks_are_bit_identical_and_come_sooner(network, detector, demo_frames):
    frames = demo_frames[8:32]
    whole, whole_s = landmarks(
        assemble(detector, prepare_landmark_network(network, prune=False)), frames
    )
    pruned, pruned_s = landmarks(assemble(detector, prepare_landmark_network(network)), frames)
    sys.stdout.write(f"{len(frames)} frames: {whole_s:.2f} s whole, {pruned_s:.2f} s pruned\n")
    assert len(np.unique(whole[:, 0])) > len(frames) / 2
    np.testing.assert_array_equal(pruned, whole)


def test_the_segmentation_is_gone_and_the_presence_stands_in_for_it(network):
    whole, pruned = (
        schema.Model.GetRootAsModel(prepare_landmark_network(network, prune=prune), 0)
        for prune in (False, True)
    )
    names = [tensor_names(model) for model in (whole, pruned)]
    assert names[0] == ["Identity", "Identity_1", "Identity_2", "Identity_3", "Identity_4"]
    assert names[1] == ["Identity", "Identity_1", "Identity_1", "Identity_3", "Identity_4"]
    assert pruned.Subgraphs(0).OperatorsLength() < whole.Subgraphs(0).OperatorsLength()


def tensor_names(model):
    graph = model.Subgraphs(0)
    return [graph.Tensors(place).Name().decode() for place in graph.OutputsAsNumpy()]


def test_weights_are_aligned_so_that_they_can_be_mapped(network):
    prepared = prepare_landmark_network(network)
    model = schema.Model.GetRootAsModel(prepared, 0)
    whole = np.frombuffer(prepared, np.uint8).ctypes.data
    for place in range(model.BuffersLength()):
        weights = model.Buffers(place).DataAsNumpy()
        if isinstance(weights, np.ndarray):
            assert (weights.ctypes.data - whole) % 16 == 0


def test_other_files_are_refused(detector):
    with pytest.raises(AssetCorrupt, match="not a TensorFlow Lite file"):
        prepare_landmark_network(b"PK\x03\x04 something else")
    with pytest.raises(AssetCorrupt, match="2 outputs"):
        prepare_landmark_network(detector)
