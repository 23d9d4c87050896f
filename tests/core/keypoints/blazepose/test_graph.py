"""What is read from the real files."""

import zipfile

import numpy as np
import pytest

from core.assets.bundle import DETECTOR_MEMBER, LANDMARKS_MEMBER
from core.assets.fetching import fetch
from core.assets.manifest import POSE_LANDMARKS
from core.contracts import PoseModel
from core.errors import AssetCorrupt
from core.keypoints.blazepose.graph import read_graph

pytestmark = pytest.mark.assets

TEN_KINDS = {
    "ADD",
    "CONCATENATION",
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "DEPTH_TO_SPACE",
    "LOGISTIC",
    "MAX_POOL_2D",
    "PAD",
    "RESHAPE",
    "RESIZE_BILINEAR",
}


@pytest.fixture(scope="module")
def stored(full_bundle):
    with zipfile.ZipFile(full_bundle) as bundle:
        return [bundle.read(name) for name in (DETECTOR_MEMBER, LANDMARKS_MEMBER)]


def test_what_is_left_after_folding(stored):
    graphs = [read_graph(network) for network in stored]
    assert {node.kind for graph in graphs for node in graph.nodes} == TEN_KINDS
    for graph in graphs:
        assert {v.dtype for v in graph.constants.values()} == {np.dtype("f4"), np.dtype("i4")}


def test_most_of_the_detectors_sparse_weights_are_zero(stored):
    graph = read_graph(stored[0])
    kernels = [graph.constants[n.inputs[1]] for n in graph.nodes if n.kind == "CONV_2D"]
    shares = [(kernel == 0).mean() for kernel in kernels]
    assert max(shares) > 0.5
    assert min(shares) < 0.01


def test_the_segmentation_of_a_network_as_published_is_left_out(full_bundle, asset_cache, stored):
    (published,) = fetch([POSE_LANDMARKS[PoseModel.FULL]], asset_cache)
    whole, pruned = read_graph(published.read_bytes()), read_graph(stored[1])
    counts = []
    for graph in (whole, pruned):
        shapes = ((1, 195), (1, 1), (1, 64, 64, 39), (1, 117))
        counts.append(len(graph.leading_to([graph.output_shaped(shape) for shape in shapes])))
    assert counts[0] == counts[1] == len(pruned.nodes) < len(whole.nodes)


@pytest.mark.parametrize("cut", [0, 5, 2000])
def test_what_is_no_network_is_refused(stored, cut):
    with pytest.raises(AssetCorrupt, match="pose network"):
        read_graph(stored[1][:cut])


def test_an_output_that_is_not_there(stored):
    with pytest.raises(AssetCorrupt, match=r"no output of shape \(7,\)"):
        read_graph(stored[1]).output_shaped((7,))
