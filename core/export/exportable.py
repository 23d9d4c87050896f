"""The lifter in the form that the exporters take: four tensors in, two out, plain operations."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.jit import TracerWarning  # pyright: ignore[reportPrivateImportUsage]
from torch.overrides import TorchFunctionMode

from core.skeleton import BODY, KEYPOINT_NAMES

INPUTS: dict[str, tuple[int, ...]] = {
    "rays": (len(KEYPOINT_NAMES), 2),
    "confidence": (len(KEYPOINT_NAMES),),
    "time_s": (),
    "hint_m": (len(KEYPOINT_NAMES), 3),
}
"""Names in order, and what follows the axes batch and frames."""
OUTPUTS: dict[str, tuple[int, ...]] = {"joints_m": (len(BODY), 3), "sigma_m": (len(BODY),)}
"""As ``INPUTS``."""


class ExportableLifter(nn.Module):
    """Calls a lifter with every input given and its answer as a plain pair.

    Exported graphs have a fixed number of inputs, so ``hint_m`` is always there; NaN is unknown.

    Args:
        lifter: a :class:`core.models.lifter.Lifter` or its like.

    Shape:
        as the lifter's.
    """

    def __init__(self, lifter: nn.Module) -> None:
        super().__init__()
        self.lifter = lifter
        self.eval()

    def forward(
        self, rays: Tensor, confidence: Tensor, time_s: Tensor, hint_m: Tensor
    ) -> tuple[Tensor, Tensor]:
        with _PlainOperations(time_s[0]):
            pose = self.lifter(rays, confidence, time_s, hint_m)
        return pose.joints_m, pose.sigma_m


def example_inputs() -> tuple[Tensor, ...]:
    """Something to trace with. Sizes differ from each other and from 1, where tracing errs."""
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.rand(2, 5, *shape, generator=generator) for shape in INPUTS.values())


@contextmanager
def quiet_tracing() -> Iterator[None]:
    """Without the warnings that tracing is deprecated, and that shape checks are not recorded.

    ``docs/export.md`` says why it is used all the same.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", TracerWarning)
        yield


class _PlainOperations(TorchFunctionMode):
    """Says some of the lifter's operations in words that travel.

    A traced ``eye`` is tied to the device it was traced on, and ONNX Runtime has no boolean one.
    ``mT`` is unknown to the ONNX exporter. A slice of a shape is recorded as the numbers it had,
    so the first size of an ``unflatten`` is left to be inferred, which is always possible.
    """

    def __init__(self, frame: Tensor) -> None:
        super().__init__()
        self._frame = frame  # anything with one entry per frame

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        if func is torch.eye:
            number = torch.ones_like(self._frame, dtype=torch.int64).cumsum(0)
            return number[:, None] == number
        if func == torch.Tensor.mT.__get__:  # pyright: ignore[reportAttributeAccessIssue]
            (matrix,) = args
            return matrix.transpose(-2, -1)
        if func is torch.Tensor.unflatten:
            tensor, axis, (_, *rest) = args
            return func(tensor, axis, (-1, *rest))
        return func(*args, **(kwargs or {}))
