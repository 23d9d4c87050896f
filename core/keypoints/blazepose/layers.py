"""The ten kinds of operator that the pose networks are made of, as modules.

Notation: B pictures, C channels, H rows, W columns. TensorFlow Lite keeps four-dimensional tensors
as (B, H, W, C), we as (B, C, H, W) in channels-last memory, which is the same bytes.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from core.errors import AssetCorrupt
from core.keypoints.blazepose.graph import Graph, Node

_SAME = 0  # pad so that only the stride makes the picture smaller
_ACTIVATIONS: Mapping[int, Callable[[Tensor], Tensor]] = {
    0: lambda values: values,
    1: lambda values: values.clamp_(min=0),
    3: lambda values: values.clamp_(min=0, max=6),
}
_PICTURE_AXES = {0: 0, 1: 2, 2: 3, 3: 1}  # from (B, H, W, C) to (B, C, H, W)
_PICTURE_RANK = 4


class Convolution(nn.Module):
    """Padding, convolution (of each channel by itself for ``DEPTHWISE_CONV_2D``), activation."""

    def __init__(self, graph: Graph, node: Node) -> None:
        super().__init__()
        kernel = torch.from_numpy(graph.constants[node.inputs[1]].copy())
        if node.kind == "DEPTHWISE_CONV_2D":
            weight = kernel.permute(3, 0, 1, 2)  # (1, H, W, C) -> (C, 1, H, W)
            groups = graph.shapes[node.inputs[0]][3]
        else:
            weight = kernel.permute(0, 3, 1, 2)  # (out, H, W, in) -> (out, in, H, W)
            groups = 1
        self.weight = nn.Parameter(weight.contiguous(), requires_grad=False)
        bias = torch.from_numpy(graph.constants[node.inputs[2]].copy())
        self.bias = nn.Parameter(bias, requires_grad=False)
        self._stride = (int(node.options["strideH"]), int(node.options["strideW"]))
        self._dilation = (
            int(node.options["dilationHFactor"]),
            int(node.options["dilationWFactor"]),
        )
        self._groups = groups
        self._activation = _activation(node)
        sides = _padding(graph, node, weight.shape[2:], self._stride, self._dilation)
        left, right, top, bottom = sides
        even = left == right and top == bottom
        self._padding = (top, left) if even else (0, 0)
        self._uneven_padding = None if even else sides

    def forward(
        self, picture: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch out_channels out_height out_width"]:
        if self._uneven_padding is not None:
            picture = functional.pad(picture, self._uneven_padding)
        filtered = functional.conv2d(
            picture,
            self.weight,
            self.bias,
            self._stride,
            self._padding,
            self._dilation,
            self._groups,
        )
        return self._activation(filtered)


class Addition(nn.Module):
    """Sum of two tensors of one shape, then activation."""

    def __init__(self, graph: Graph, node: Node) -> None:
        super().__init__()
        self._activation = _activation(node)

    def forward(self, one: Float[Tensor, "*shape"], other: Float[Tensor, "*shape"]) -> Tensor:
        return self._activation(one + other)


class Concatenation(nn.Module):
    """Several tensors, one behind another along one axis."""

    def __init__(self, graph: Graph, node: Node) -> None:
        super().__init__()
        rank = len(graph.shapes[node.output])
        axis = int(node.options["axis"]) % rank
        self._axis = _PICTURE_AXES[axis] if rank == _PICTURE_RANK else axis

    def forward(self, *parts: Float[Tensor, "..."]) -> Tensor:
        return torch.cat(parts, self._axis)


class Padding(nn.Module):
    """Zeros around a picture, and behind its channels."""

    def __init__(self, graph: Graph, node: Node) -> None:
        super().__init__()
        _, rows, columns, channels = graph.constants[node.inputs[1]].tolist()
        self._sides = (*columns, *rows, *channels)  # functional.pad starts at the last axis

    def forward(self, picture: Float[Tensor, "batch channels height width"]) -> Tensor:
        return functional.pad(picture, self._sides)


class MaxPooling(nn.Module):
    """The largest value of each window."""

    def __init__(self, graph: Graph, node: Node) -> None:
        super().__init__()
        self._size = (int(node.options["filterHeight"]), int(node.options["filterWidth"]))
        self._stride = (int(node.options["strideH"]), int(node.options["strideW"]))
        if any(_padding(graph, node, self._size, self._stride, (1, 1))):
            raise AssetCorrupt("The pose network pads before it pools, which is not supported.")

    def forward(self, picture: Float[Tensor, "batch channels height width"]) -> Tensor:
        return functional.max_pool2d(picture, self._size, self._stride)


class Resizing(nn.Module):
    """Bilinear, pixels being areas: the corners of the first pixel coincide, not its centres."""

    def __init__(self, graph: Graph, node: Node) -> None:
        super().__init__()
        if node.options["alignCorners"] or not node.options["halfPixelCenters"]:
            raise AssetCorrupt("The pose network resizes in a way that is not supported.")
        self._size = tuple(map(int, graph.shapes[node.output][1:3]))

    def forward(self, picture: Float[Tensor, "batch channels height width"]) -> Tensor:
        return functional.interpolate(
            picture, self._size, mode="bilinear", align_corners=False, antialias=False
        )


class DepthToSpace(nn.Module):
    """Channels become pixels; the row and column are the slowest part of a channel's number.

    Shape: ``(B, block * block * C, H, W)`` to ``(B, C, H * block, W * block)``.
    """

    def __init__(self, graph: Graph, node: Node) -> None:
        super().__init__()
        self._block = int(node.options["blockSize"])

    def forward(self, picture: Float[Tensor, "batch channels height width"]) -> Tensor:
        batch, channels, height, width = picture.shape
        block, kept = self._block, channels // self._block**2
        cells = picture.reshape(batch, block, block, kept, height, width)
        cells = cells.permute(0, 3, 4, 1, 5, 2)  # (B, C, H, block, W, block)
        return cells.reshape(batch, kept, height * block, width * block)


class Reshaping(nn.Module):
    """Flattens a picture in the order (H, W, C); what comes out is no picture any more."""

    def __init__(self, graph: Graph, node: Node) -> None:
        super().__init__()
        self._shape = graph.shapes[node.output][1:]
        if len(self._shape) == _PICTURE_RANK - 1:
            raise AssetCorrupt("The pose network makes a picture of numbers: not supported.")

    def forward(self, values: Float[Tensor, "batch ..."]) -> Tensor:
        if values.ndim == _PICTURE_RANK:
            values = values.permute(0, 2, 3, 1)  # (B, C, H, W) -> (B, H, W, C)
        return values.reshape(len(values), *self._shape)


class Logistic(nn.Module):
    """The logistic function of each number."""

    def __init__(self, graph: Graph, node: Node) -> None:
        super().__init__()

    def forward(self, logits: Float[Tensor, "..."]) -> Tensor:
        return logits.sigmoid()


_MODULES: Mapping[str, Callable[[Graph, Node], nn.Module]] = {
    "ADD": Addition,
    "CONCATENATION": Concatenation,
    "CONV_2D": Convolution,
    "DEPTHWISE_CONV_2D": Convolution,
    "DEPTH_TO_SPACE": DepthToSpace,
    "LOGISTIC": Logistic,
    "MAX_POOL_2D": MaxPooling,
    "PAD": Padding,
    "RESHAPE": Reshaping,
    "RESIZE_BILINEAR": Resizing,
}


def make_layer(graph: Graph, node: Node) -> nn.Module:
    """The module of one operator, with its constants.

    Raises:
        AssetCorrupt: the operator or one of its settings is none that the pose networks use.
    """
    if node.kind not in _MODULES:
        raise AssetCorrupt(f"The pose network holds an operator {node.kind} that is not supported.")
    return _MODULES[node.kind](graph, node)


def _activation(node: Node) -> Callable[[Tensor], Tensor]:
    number = int(node.options["fusedActivationFunction"])
    if number not in _ACTIVATIONS:
        raise AssetCorrupt(f"The pose network holds an activation {number} that is not supported.")
    return _ACTIVATIONS[number]


def _padding(
    graph: Graph,
    node: Node,
    kernel: Sequence[int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
) -> tuple[int, int, int, int]:
    """Left, right, top, bottom; an odd pixel of padding goes to the right and to the bottom.

    Source: ``ComputePaddingWithOffset`` in ``padding.h`` of TensorFlow Lite.
    """
    if node.options["padding"] != _SAME:
        return 0, 0, 0, 0
    ends: list[int] = []
    for axis in (1, 0):  # columns first, as functional.pad wants it
        size = graph.shapes[node.inputs[0]][1 + axis]
        reach = (kernel[axis] - 1) * dilation[axis] + 1
        total = max(0, (-(-size // stride[axis]) - 1) * stride[axis] + reach - size)
        ends += [total // 2, total - total // 2]
    left, right, top, bottom = ends
    return left, right, top, bottom
