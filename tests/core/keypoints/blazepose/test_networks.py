"""Held to MediaPipe's own run of the same networks, picture by picture."""

import numpy as np
import pytest
import torch

from core.errors import AssetCorrupt, OutOfMemory
from core.keypoints.blazepose.crops import to_picture, upright_crops, whole_picture
from core.keypoints.blazepose.graph import Graph
from core.keypoints.blazepose.network import GraphNetwork
from core.keypoints.blazepose.networks import PoseNetworks
from core.keypoints.landmarker import Landmarker, Mode

pytestmark = pytest.mark.assets


@pytest.fixture(scope="module")
def still(full_bundle):
    with Landmarker(full_bundle, Mode.STILL) as landmarker:
        yield landmarker


def as_mediapipe_does(networks, rgb):
    """The surest person of the picture, in the crop that follows from the detector."""
    height, width, _ = rgb.shape
    pictures = networks.upload([rgb])
    (boxes,) = networks.detect(pictures, [0], whole_picture(width, height))
    return networks.read(pictures, [0], upright_crops(boxes.alignment[:1]))


def assert_same(networks, still, frames):
    apart_px, hint_apart_m, confidence_apart = [], [], []
    for frame in frames:
        (theirs,) = still.read(frame.rgb, 0.0)
        ours = as_mediapipe_does(networks, frame.rgb)
        assert ours.presence[0] > 0.5
        apart_px.append(np.hypot(*(ours.keypoints_px[0] - theirs.keypoints_px).T))
        hint_apart_m.append(np.abs(ours.hint_m[0] - theirs.hint_m))
        confidence_apart.append(np.abs(ours.confidence[0] - theirs.confidence))
    assert np.median(apart_px) < 0.05
    assert np.percentile(apart_px, 95) < 0.5
    assert np.median(hint_apart_m) < 0.0005
    assert np.percentile(hint_apart_m, 95) < 0.005
    assert np.percentile(confidence_apart, 95) < 0.01


def test_landmarks_of_a_gesturing_man_are_mediapipes(networks, still, man):
    assert_same(networks, still, man[::6])


def test_landmarks_of_a_dancer_are_mediapipes(networks, still, dancer):
    assert_same(networks, still, dancer[::10])


def test_many_at_once_are_each_alone(networks, man):
    """Batches hold three crops here, so seven end in a batch of one."""
    pictures = networks.upload([frame.rgb for frame in man[:2]])
    places = [0, 1, 1, 0, 0, 1, 0]
    shift = np.arange(7.0)[:, None, None]
    alignment = np.array([[[120.0, 120.0], [125.0, 30.0]]]) + shift
    together = networks.read(pictures, places, upright_crops(alignment))
    for row, place in enumerate(places):
        alone = networks.read(pictures, [place], upright_crops(alignment[row : row + 1]))
        np.testing.assert_allclose(
            together.keypoints_px[row], alone.keypoints_px[0], atol=1e-2, rtol=0
        )
        np.testing.assert_allclose(together.hint_m[row], alone.hint_m[0], atol=1e-4)
        np.testing.assert_allclose(together.presence[row], alone.presence[0], atol=1e-4)


def test_nobody_asked_for(networks, man):
    pictures = networks.upload([man[0].rgb])
    people = networks.read(pictures, [], np.zeros((0, 2, 3)))
    assert (len(people.presence), people.alignment.shape) == (0, (0, 2, 2))
    assert networks.detect(pictures, [], np.zeros((0, 2, 3))) == []


def test_a_turned_picture_turns_everything_with_it(networks, man):
    """A quarter turn clockwise: what pointed right points down."""
    crop = upright_crops(as_mediapipe_does(networks, man[0].rgb).alignment)
    upright = networks.read(networks.upload([man[0].rgb]), [0], crop)
    turned_rgb = np.ascontiguousarray(np.rot90(man[0].rgb, -1))
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    top_right = np.array([man[0].rgb.shape[0] - 1.0, 0.0])  # pixels are points
    turned_crop = np.concatenate(
        [turn @ crop[:, :, :2], (turn @ crop[:, :, 2:]) + top_right[:, None]], axis=2
    )
    seen = networks.read(networks.upload([turned_rgb]), [0], turned_crop)
    expected_px = upright.keypoints_px[0].astype(np.float64) @ turn.T + top_right
    assert np.median(np.abs(seen.keypoints_px[0] - expected_px)) < 0.05
    assert np.median(np.abs(seen.hint_m[0, :, :2] - upright.hint_m[0, :, :2] @ turn.T)) < 0.001


def test_a_bundle_that_holds_something_else(tmp_path):
    (tmp_path / "mine.task").write_bytes(b"no bundle")
    with pytest.raises(AssetCorrupt, match=r"mine\.task"):
        PoseNetworks.load(tmp_path / "mine.task", torch.device("cpu"))


class Hungry(GraphNetwork):
    """A detector that has memory for so many pictures and sees nobody."""

    def __init__(self, most: int) -> None:
        super().__init__(Graph((), {}, {0: (1, 224, 224, 3)}, 0, ()), ())
        self.most, self.batches = most, []

    def forward(self, pictures):
        if len(pictures) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        self.batches.append(len(pictures))
        return torch.zeros(len(pictures), 2254, 12), torch.full((len(pictures), 2254, 1), -9.0)


def test_when_memory_runs_out_batches_are_halved():
    detector = Hungry(most=2)
    networks = PoseNetworks(detector, Hungry(0), torch.device("cpu"), batch=8)
    pictures = networks.upload([np.zeros((8, 8, 3), np.uint8)])
    seen = networks.detect(pictures, [0] * 7, np.repeat(whole_picture(8, 8), 7, axis=0))
    assert [len(boxes.score) for boxes in seen] == [0] * 7
    assert detector.batches == [1] * 7
    with pytest.raises(OutOfMemory):
        PoseNetworks(Hungry(0), Hungry(0), torch.device("cpu")).detect(
            pictures, [0], whole_picture(8, 8)
        )


def test_points_of_boxes_are_pixels_of_the_picture(networks, man):
    """The man's hips lie where the landmark network sees them, whatever crop the detector saw."""
    pictures = networks.upload([man[0].rgb])
    hips = as_mediapipe_does(networks, man[0].rgb).alignment[0, 0]
    placement = whole_picture(260, 260)
    placement[0, :, 2] += (20, -10)
    (boxes,) = networks.detect(pictures, [0], placement)
    assert np.hypot(*(boxes.alignment[0, 0] - hips)) < 15
    box = to_picture(placement, boxes.box.reshape(1, -1, 2)[:, :2])[0]
    assert (box[0] < hips).all()
