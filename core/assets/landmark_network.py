"""Makes MediaPipe's bare pose landmark networks fit for MediaPipe Tasks, and faster.

The published ``.tflite`` files lack the normalisation that Tasks asks for, and carry a person
segmentation branch which costs up to half of the time. Nothing downstream of the branch feeds the
landmarks, so cutting it leaves them bit-identical.

Tasks splits the network's outputs by position: landmarks (195), presence (1), segmentation
(256 x 256), heat map (64 x 64 x 39), world landmarks (117). The third is read only when a mask is
asked for, but it has to exist: the presence logit stands in for it.

Source: ``pose_landmarks_detector_graph.cc`` of google-ai-edge/mediapipe (the order of the outputs);
``metadata_schema.fbs`` of TensorFlow Lite support (NormalizationOptions).
"""

from typing import Any

import flatbuffers
import numpy as np

from core.errors import AssetCorrupt

_PRESENCE, _SEGMENTATION, _OUTPUT_COUNT = 1, 2, 5
_METADATA_NAME = b"TFLITE_METADATA"
_TFLITE_IDENTIFIER = b"TFL3"
_METADATA_IDENTIFIER = b"M001"
# TensorFlow Lite maps weights in place and wants them at multiples of 16 bytes (`force_align`).
_BUFFER_ALIGNMENT_BYTES = 16


def prepare_landmark_network(network: bytes, *, prune: bool = True) -> bytes:
    """Give a landmark network the input normalisation Tasks needs, and drop its segmentation.

    Args:
        network: a ``pose_landmark_*.tflite`` file as published.
        prune: cut the segmentation branch; landmarks do not change by a bit.

    Raises:
        AssetCorrupt: the bytes are no landmark network with its five outputs.
    """
    # Importing these costs most of a second, and a finished bundle does without them.
    from mediapipe.tasks.metadata import schema_py_generated as schema

    if network[4:8] != _TFLITE_IDENTIFIER:
        raise AssetCorrupt("The pose landmark network is not a TensorFlow Lite file.")
    model: Any = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(network, 0))
    graph = model.subgraphs[0]
    if len(graph.outputs) != _OUTPUT_COUNT:
        raise AssetCorrupt(
            f"The pose landmark network has {len(graph.outputs)} outputs instead of "
            f"{_OUTPUT_COUNT}; it is not the one PoseLift knows."
        )
    if prune:
        outputs = list(graph.outputs)
        outputs[_SEGMENTATION] = outputs[_PRESENCE]
        graph.outputs = outputs
        _drop_unreached(model)
    # Pixels 0..255 become 0..1.
    _attach_metadata(model, schema, _normalization(mean=0.0, std=255.0))
    return _pack(model, _TFLITE_IDENTIFIER)


def _drop_unreached(model: Any) -> None:  # noqa: ANN401  generated classes carry no types
    """Keep only operators, tensors and buffers that lead to an output."""
    graph = model.subgraphs[0]
    wanted = {int(tensor) for tensor in graph.outputs}
    kept = []
    for operator in reversed(graph.operators):  # stored in execution order
        if wanted.intersection(int(tensor) for tensor in operator.outputs):
            wanted.update(int(tensor) for tensor in operator.inputs if tensor >= 0)
            wanted.update(int(tensor) for tensor in operator.outputs)
            kept.append(operator)
    graph.operators = kept[::-1]
    wanted.update(int(tensor) for tensor in graph.inputs)

    place = {old: new for new, old in enumerate(sorted(wanted))}
    place[-1] = -1  # an optional input that is not given
    graph.tensors = [graph.tensors[old] for old in sorted(wanted)]
    for operator in graph.operators:
        operator.inputs = [place[int(tensor)] for tensor in operator.inputs]
        operator.outputs = [place[int(tensor)] for tensor in operator.outputs]
    graph.inputs = [place[int(tensor)] for tensor in graph.inputs]
    graph.outputs = [place[int(tensor)] for tensor in graph.outputs]

    # Buffer 0 is by convention the empty one.
    owners = [*graph.tensors, *(model.metadata or [])]
    used = sorted({0, *(owner.buffer for owner in owners)})
    buffer_place = {old: new for new, old in enumerate(used)}
    model.buffers = [model.buffers[old] for old in used]
    for owner in owners:
        owner.buffer = buffer_place[owner.buffer]


def _normalization(*, mean: float, std: float) -> bytes:
    """TFLite metadata for one RGB image input, ``(pixel - mean) / std``."""
    from mediapipe.tasks.metadata import metadata_schema_py_generated as schema

    options = schema.NormalizationOptionsT(mean=[mean], std=[std])
    unit = schema.ProcessUnitT(
        optionsType=schema.ProcessUnitOptions.NormalizationOptions, options=options
    )
    image = schema.TensorMetadataT(
        name="image",
        content=schema.ContentT(
            contentPropertiesType=schema.ContentProperties.ImageProperties,
            contentProperties=schema.ImagePropertiesT(colorSpace=schema.ColorSpaceType.RGB),
        ),
        processUnits=[unit],
        stats=schema.StatsT(max=[1.0], min=[0.0]),
    )
    graph = schema.SubGraphMetadataT(inputTensorMetadata=[image])
    whole = schema.ModelMetadataT(
        name="Pose landmarks", subgraphMetadata=[graph], minParserVersion="1.0.0"
    )
    return _pack(whole, _METADATA_IDENTIFIER)


def _attach_metadata(model: Any, schema: Any, metadata: bytes) -> None:  # noqa: ANN401
    model.buffers.append(schema.BufferT(data=np.frombuffer(metadata, np.uint8)))
    entry = schema.MetadataT(name=_METADATA_NAME, buffer=len(model.buffers) - 1)
    others = [old for old in model.metadata or [] if old.name != _METADATA_NAME]
    model.metadata = [*others, entry]


class _AligningBuilder(flatbuffers.Builder):
    """Keeps byte vectors aligned; the generated Python classes forget ``force_align``."""

    def CreateNumpyVector(self, x: np.ndarray) -> int:  # noqa: N802  flatbuffers' own name
        if x.dtype != np.uint8:
            return super().CreateNumpyVector(x)
        self.StartVector(1, x.size, _BUFFER_ALIGNMENT_BYTES)
        self.head -= x.size
        self.Bytes[self.head : self.head + x.size] = x.tobytes()
        self.vectorNumElems = x.size
        return self.EndVector()


def _pack(table: Any, identifier: bytes) -> bytes:  # noqa: ANN401
    builder = _AligningBuilder(1 << 20)
    builder.Finish(table.Pack(builder), file_identifier=identifier)
    return bytes(builder.Output())
