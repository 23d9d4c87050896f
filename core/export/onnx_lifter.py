"""ONNX Runtime in the lifter's place, on the CPU."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from core.checkpoints import LoadedLifter
from core.export.description import describe
from core.export.exportable import INPUTS
from core.export.extra import optional
from core.export.onnx_file import onnx_file
from core.models import LiftedPose

_FATAL = 4
_OUT_OF_MEMORY = ("bad_alloc", "bad allocation", "Failed to allocate memory")
"""Words that ONNX Runtime uses when memory runs out; it has no type for it."""


class OnnxLifter(nn.Module):
    """An exported file in a lifter's place: what lifts with one, lifts with the other.

    Args:
        content: of an ``.onnx`` file.

    Shape:
        as :class:`core.models.lifter.Lifter`'s; tensors on the CPU.

    Raises:
        ExtraMissing: the package ``onnxruntime`` is not installed.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__()
        runtime = optional("onnxruntime")
        options = runtime.SessionOptions()
        # The lifter is small: more threads only spin against MediaPipe's and other processes'.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # An arena would keep the largest batch's memory for good.
        options.enable_cpu_mem_arena = False
        options.log_severity_level = _FATAL  # errors are raised; no need to print them as well
        self._session = runtime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )

    @classmethod
    def of(cls, loaded: LoadedLifter) -> "OnnxLifter":
        """The same network, exported on the spot: no file that could be out of date.

        Raises:
            ExtraMissing: ``onnx`` or ``onnxruntime`` is not installed.
        """
        return cls(onnx_file(loaded.model, describe(loaded)))

    def forward(
        self,
        rays: Float[Tensor, "batch frames 33 2"],
        confidence: Float[Tensor, "batch frames 33"],
        time_s: Float[Tensor, "batch frames"],
        hint_m: Float[Tensor, "batch frames 33 3"] | None = None,
    ) -> LiftedPose:
        if hint_m is None:
            hint_m = torch.full((*rays.shape[:-1], 3), torch.nan)
        tensors = (rays, confidence, time_s, hint_m)
        feed = {
            name: tensor.detach().float().contiguous().numpy()
            for name, tensor in zip(INPUTS, tensors, strict=True)
        }
        try:
            joints_m, sigma_m = self._session.run(None, feed)
        except Exception as error:  # its types share no base class
            if any(word in str(error) for word in _OUT_OF_MEMORY):
                raise MemoryError(str(error)) from None
            raise
        return LiftedPose(torch.from_numpy(joints_m), torch.from_numpy(sigma_m))
