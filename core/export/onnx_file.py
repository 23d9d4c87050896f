"""A lifter as ONNX: runs in ONNX Runtime and its like, without torch."""

import io
from types import ModuleType
from typing import Any

import torch
from torch import nn

from core.export.description import DESCRIPTION_KEY
from core.export.exportable import (
    INPUTS,
    OUTPUTS,
    ExportableLifter,
    example_inputs,
    quiet_tracing,
)
from core.export.extra import optional

OPSET = 17
"""The oldest one with layer normalisation: ONNX Runtime reads it since 1.12."""
_AXES = {0: "batch", 1: "frames"}


def onnx_file(lifter: nn.Module, description: str) -> bytes:
    """The content of an ``.onnx`` file.

    Inputs ``rays, confidence, time_s, hint_m`` and outputs ``joints_m, sigma_m`` are float32 and
    mean what they mean for the lifter; batch and frames are free.

    Args:
        lifter: a :class:`core.models.lifter.Lifter` or its like, on the CPU.
        description: of :func:`core.export.description.describe`.

    Raises:
        ExtraMissing: the package ``onnx`` is not installed.
    """
    onnx = optional("onnx")
    content = io.BytesIO()
    with quiet_tracing(), torch.inference_mode():
        torch.onnx.export(
            ExportableLifter(lifter),
            example_inputs(),
            content,  # pyright: ignore[reportArgumentType]  tracing takes streams too
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_axes=dict.fromkeys((*INPUTS, *OUTPUTS), _AXES),
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_model_from_string(content.getvalue())
    _declare(onnx, model.graph.input, INPUTS)
    _declare(onnx, model.graph.output, OUTPUTS)
    model.producer_name, model.producer_version = "poselift", ""
    model.graph.name = "lifter"
    onnx.helper.set_model_props(model, {DESCRIPTION_KEY: description})
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def _declare(onnx: ModuleType, entries: Any, shapes: dict[str, tuple[int, ...]]) -> None:  # noqa: ANN401
    """Replace a graph's inputs or outputs by all that there are, with full shapes.

    Tracing drops an input that is not used, but callers need not know whether a lifter reads hints;
    and it does not find out every size.
    """
    del entries[:]
    entries.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [*_AXES.values(), *shape])
        for name, shape in shapes.items()
    )
