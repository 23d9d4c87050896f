"""Sparse constants become whole arrays."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.errors import AssetCorrupt
from core.keypoints.blazepose.sparse_weights import densify


def listed(values) -> SimpleNamespace:
    return SimpleNamespace(values=np.asarray(values))


def last_axis_compressed(whole: np.ndarray) -> tuple[np.ndarray, SimpleNamespace]:
    """The form in which the person detector's convolutions are stored."""
    rows = whole.reshape(-1, whole.shape[-1])
    segments = np.concatenate([[0], np.cumsum((rows != 0).sum(1))])
    dense = [SimpleNamespace(format=0, denseSize=size) for size in whole.shape[:-1]]
    compressed = SimpleNamespace(
        format=1, arraySegments=listed(segments), arrayIndices=listed(np.nonzero(rows)[1])
    )
    sparsity = SimpleNamespace(
        traversalOrder=range(whole.ndim), blockMap=None, dimMetadata=[*dense, compressed]
    )
    return rows[rows != 0], sparsity


@given(arrays(np.float32, (3, 1, 2, 5), elements=st.sampled_from([0.0, 1.0, -2.5])))
def test_packing_then_unpacking_changes_nothing(whole):
    values, sparsity = last_axis_compressed(whole)
    np.testing.assert_array_equal(densify(values, sparsity, whole.shape), whole)


def test_a_compressed_dimension_in_the_middle():
    """Source: worked by hand; only the rows 1 and 2 of the 3 x 2 array are stored."""
    rows = SimpleNamespace(format=1, arraySegments=listed([0, 2]), arrayIndices=listed([1, 2]))
    columns = SimpleNamespace(format=0, denseSize=2)
    sparsity = SimpleNamespace(traversalOrder=[0, 1], blockMap=[], dimMetadata=[rows, columns])
    whole = densify(np.array([1, 2, 3, 4]), sparsity, (3, 2))
    np.testing.assert_array_equal(whole, [[0, 0], [1, 2], [3, 4]])


@pytest.mark.parametrize(("order", "blocks"), [([1, 0], None), ([0, 1], [0])])
def test_what_is_not_known_is_refused(order, blocks):
    sparsity = SimpleNamespace(traversalOrder=order, blockMap=blocks, dimMetadata=[])
    with pytest.raises(AssetCorrupt, match="sparse order"):
        densify(np.zeros(4, np.float32), sparsity, (2, 2))
