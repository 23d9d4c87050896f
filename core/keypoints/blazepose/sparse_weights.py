"""Unpacks sparse constants of TensorFlow Lite, in which most of the person detector is stored."""

from typing import Any

import numpy as np
from jaxtyping import Int64, Num

from core.errors import AssetCorrupt

_DENSE, _COMPRESSED = 0, 1


def densify(
    values: Num[np.ndarray, "stored"],
    sparsity: Any,  # noqa: ANN401  generated classes carry no types
    shape: tuple[int, ...],
) -> Num[np.ndarray, "..."]:
    """The whole array, zero where nothing was stored.

    Dimension by dimension every stored prefix of an index branches: into all values of a dense
    dimension, into the listed ones of a compressed dimension.

    Args:
        values: the stored numbers, in the order in which their indices unfold.
        sparsity: ``SparsityParametersT`` of the schema.
        shape: of the whole array.

    Raises:
        AssetCorrupt: the array is stored in blocks or out of order, which no pose network does.

    Source: ``SparsityParameters`` in ``schema.fbs`` of TensorFlow Lite.
    """
    in_order = list(sparsity.traversalOrder) == list(range(len(shape)))
    if not in_order or (sparsity.blockMap is not None and len(sparsity.blockMap)):
        raise AssetCorrupt("The pose network holds weights in a sparse order that is not known.")
    place = np.zeros(1, np.int64)
    for size, dimension in zip(shape, sparsity.dimMetadata, strict=True):
        if dimension.format == _DENSE:
            place = (place[:, None] * size + np.arange(size)).reshape(-1)
        elif dimension.format == _COMPRESSED:
            place = _branch(place, size, dimension)
    whole = np.zeros(int(np.prod(shape)), values.dtype)
    whole[place] = values[: len(place)]
    return whole.reshape(shape)


def _branch(
    place: Int64[np.ndarray, "prefixes"],
    size: int,
    dimension: Any,  # noqa: ANN401
) -> Int64[np.ndarray, "longer_prefixes"]:
    """Prefix ``p`` goes on with the listed indices ``segments[p]`` to ``segments[p + 1]``."""
    segments = np.asarray(dimension.arraySegments.values, np.int64)
    listed = np.asarray(dimension.arrayIndices.values, np.int64)
    return np.repeat(place, np.diff(segments)) * size + listed
