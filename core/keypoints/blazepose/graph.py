"""Reads what a TensorFlow Lite file computes, with everything constant already computed.

The pose networks are stored with half-precision weights behind a dequantising operator each, and
the detector's with a decompressing one as well. What is left after those are folded are ten kinds
of operator.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Num

from core.errors import AssetCorrupt
from core.keypoints.blazepose.sparse_weights import densify

_TFLITE_IDENTIFIER = b"TFL3"
_FOLDED = ("DENSIFY", "DEQUANTIZE")


@dataclass(frozen=True)
class Node:
    """One operator.

    Attributes:
        kind: TensorFlow Lite's name, such as ``CONV_2D``.
        inputs: numbers of the tensors it reads; -1 for an optional one that is not given.
        output: number of the tensor it makes.
        options: its settings under their names in the schema.
    """

    kind: str
    inputs: tuple[int, ...]
    output: int
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Graph:
    """A network: nodes in the order of execution.

    Attributes:
        nodes: everything that depends on the input.
        constants: by tensor number; floating-point ones in single precision.
        shapes: of every tensor as stored: one picture, channels last.
        input: number of the one tensor that goes in.
        outputs: numbers of the tensors that come out.
    """

    nodes: tuple[Node, ...]
    constants: Mapping[int, Num[np.ndarray, "..."]]
    shapes: Mapping[int, tuple[int, ...]]
    input: int
    outputs: tuple[int, ...]

    def output_shaped(self, shape: tuple[int, ...]) -> int:
        """Number of the output of this shape.

        Raises:
            AssetCorrupt: there is none.
        """
        for number in self.outputs:
            if self.shapes[number] == shape:
                return number
        raise AssetCorrupt(f"The pose network has no output of shape {shape}.")

    def leading_to(self, outputs: Sequence[int]) -> tuple[Node, ...]:
        """The nodes without which these outputs cannot be computed."""
        wanted, kept = set(outputs), []
        for node in reversed(self.nodes):
            if node.output in wanted:
                wanted.update(node.inputs)
                kept.append(node)
        return tuple(reversed(kept))


def read_graph(network: bytes) -> Graph:
    """Read the first graph of a ``.tflite`` file.

    Raises:
        AssetCorrupt: the bytes are no such file, or it is damaged.
    """
    # Most of a second; a process that runs MediaPipe's own landmarkers does without.
    from mediapipe.tasks.metadata import schema_py_generated as schema

    if network[4:8] != _TFLITE_IDENTIFIER:
        raise AssetCorrupt("The pose network is not a TensorFlow Lite file.")
    try:
        model: Any = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(network, 0))
        return _fold(model, schema)
    except (struct.error, ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise AssetCorrupt(f"The pose network cannot be read: {error}") from error


def _fold(model: Any, schema: Any) -> Graph:  # noqa: ANN401  generated classes carry no types
    stored = model.subgraphs[0]
    kinds = {number: name for name, number in vars(schema.BuiltinOperator).items()}
    formats = {
        schema.TensorType.FLOAT32: np.dtype(np.float32),
        schema.TensorType.FLOAT16: np.dtype(np.float16),
        schema.TensorType.INT32: np.dtype(np.int32),
    }
    shapes = {number: tuple(map(int, tensor.shape)) for number, tensor in enumerate(stored.tensors)}
    constants: dict[int, np.ndarray] = {}
    for number, tensor in enumerate(stored.tensors):
        content = model.buffers[tensor.buffer].data
        if content is not None and len(content):
            values = np.frombuffer(content.tobytes(), formats[tensor.type])
            constants[number] = (
                values.reshape(shapes[number])
                if tensor.sparsity is None
                else densify(values, tensor.sparsity, shapes[number])
            )
    nodes: list[Node] = []
    for operator in stored.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        kind = kinds[max(code.builtinCode, code.deprecatedBuiltinCode)]
        inputs, output = tuple(map(int, operator.inputs)), int(operator.outputs[0])
        if kind in _FOLDED and inputs[0] in constants:
            constants[output] = constants[inputs[0]]
            continue
        options = vars(operator.builtinOptions) if operator.builtinOptions else {}
        nodes.append(Node(kind, inputs, output, dict(options)))
    return Graph(
        nodes=tuple(nodes),
        constants={
            number: values.astype(np.float32) if values.dtype == np.float16 else values
            for number, values in constants.items()
        },
        shapes=shapes,
        input=int(stored.inputs[0]),
        outputs=tuple(map(int, stored.outputs)),
    )
