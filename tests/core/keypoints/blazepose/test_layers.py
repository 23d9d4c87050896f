"""Operators against their definitions, on made-up graphs of one node."""

import numpy as np
import pytest
import torch

from core.errors import AssetCorrupt
from core.keypoints.blazepose.graph import Graph, Node
from core.keypoints.blazepose.layers import make_layer

NO_ACTIVATION, RELU6 = 0, 3
SAME, VALID = 0, 1


def one_node(kind, shapes, constants=None, **options) -> tuple[Graph, Node]:
    """A node that reads all tensors but the last and makes the last."""
    node = Node(kind, tuple(range(len(shapes) - 1)), len(shapes) - 1, options)
    return Graph((node,), constants or {}, dict(enumerate(shapes)), 0, (node.output,)), node


def channels_first(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(picture).permute(0, 3, 1, 2)


def channels_last(picture: torch.Tensor) -> np.ndarray:
    return picture.permute(0, 2, 3, 1).numpy()


def test_depth_becomes_space_block_by_block():
    """Source: the TensorFlow operator's own example."""
    layer = make_layer(*one_node("DEPTH_TO_SPACE", [(1, 1, 1, 12), (1, 2, 2, 3)], blockSize=2))
    picture = np.arange(1, 13, dtype=np.float32).reshape(1, 1, 1, 12)
    expected = [[[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]]]]
    np.testing.assert_array_equal(channels_last(layer(channels_first(picture))), expected)


@pytest.mark.parametrize("padding", [SAME, VALID])
@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize(("size", "stride"), [(8, 1), (8, 2), (7, 2)])
def test_convolution_by_its_definition(padding, depthwise, size, stride):
    """An even picture at stride 2 is padded on its right and bottom only."""
    dice = np.random.default_rng(0)
    channels, kernel = 4, 3
    picture = dice.normal(size=(1, size, size, channels)).astype(np.float32)
    weight = dice.normal(size=(channels, kernel, kernel, channels)).astype(np.float32)
    if depthwise:
        weight = weight[:1]
    bias = dice.normal(size=channels).astype(np.float32)
    out = -(-size // stride) if padding == SAME else (size - kernel) // stride + 1
    shapes = [picture.shape, weight.shape, bias.shape, (1, out, out, channels)]
    layer = make_layer(
        *one_node(
            "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D",
            shapes,
            {1: weight, 2: bias},
            strideH=stride,
            strideW=stride,
            dilationHFactor=1,
            dilationWFactor=1,
            padding=padding,
            fusedActivationFunction=RELU6,
        )
    )
    before = max(0, (out - 1) * stride + kernel - size) // 2 if padding == SAME else 0
    padded = np.pad(picture, [(0, 0), (before, kernel), (before, kernel), (0, 0)])
    expected = np.empty((1, out, out, channels), np.float32)
    for row in range(out):
        for column in range(out):
            top, left = row * stride, column * stride
            window = padded[0, top : top + kernel, left : left + kernel]
            product = "hwc,hwc->c" if depthwise else "ohwc,hwc->o"
            found = np.einsum(product, weight[0] if depthwise else weight, window)
            expected[0, row, column] = np.clip(found + bias, 0, 6)
    actual = channels_last(layer(channels_first(picture)))
    np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_numbers_are_flattened_channels_last():
    layer = make_layer(*one_node("RESHAPE", [(1, 2, 2, 3), (2,), (1, 12)]))
    picture = np.arange(24, dtype=np.float32).reshape(2, 2, 2, 3)
    np.testing.assert_array_equal(layer(channels_first(picture)), picture.reshape(2, 12))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("SOFTMAX", {}),
        ("ADD", {"fusedActivationFunction": 9}),
        ("RESIZE_BILINEAR", {"alignCorners": True, "halfPixelCenters": False}),
    ],
)
def test_what_no_pose_network_holds_is_refused(kind, options):
    with pytest.raises(AssetCorrupt, match="supported"):
        make_layer(*one_node(kind, [(1, 4, 4, 1), (1, 4, 4, 1)], **options))
