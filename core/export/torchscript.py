"""A lifter as TorchScript: runs wherever libtorch does, in C++ too, on CPU and CUDA."""

import io
from zipfile import ZipFile

import torch
from torch import nn

from core.export.description import DESCRIPTION_KEY
from core.export.exportable import ExportableLifter, example_inputs, quiet_tracing
from core.models import LiftedPose


def torchscript_file(lifter: nn.Module, description: str) -> bytes:
    """The content of a ``.pt`` file for ``torch.jit.load``.

    Its ``forward`` takes ``rays, confidence, time_s, hint_m`` and gives ``joints_m, sigma_m``, as
    the lifter does; any number of windows and frames.

    Args:
        lifter: a :class:`core.models.lifter.Lifter` or its like, on the CPU.
        description: of :func:`core.export.description.describe`.
    """
    content = io.BytesIO()
    with quiet_tracing(), torch.inference_mode():
        traced = torch.jit.trace(ExportableLifter(lifter), example_inputs(), check_trace=False)
        torch.jit.save(traced, content, _extra_files={DESCRIPTION_KEY: description})
    return _without_source_paths(content)


def _without_source_paths(archive: io.BytesIO) -> bytes:
    """Drop the debug records: they name this machine's folders, and loading does without."""
    content = io.BytesIO()
    with ZipFile(archive) as traced, ZipFile(content, "w") as kept:
        for member in traced.infolist():
            if not member.filename.endswith(".debug_pkl"):
                record = traced.read(member)
                member.extra = b""  # padding that was made for the record's old place
                kept.writestr(member, record)
    return content.getvalue()


class TorchScriptLifter(nn.Module):
    """An exported file in a lifter's place.

    Shape:
        as :class:`core.models.lifter.Lifter`'s.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__()
        with quiet_tracing():
            self.script = torch.jit.load(io.BytesIO(content))

    def forward(
        self,
        rays: torch.Tensor,
        confidence: torch.Tensor,
        time_s: torch.Tensor,
        hint_m: torch.Tensor | None = None,
    ) -> LiftedPose:
        if hint_m is None:
            hint_m = torch.full((*rays.shape[:-1], 3), torch.nan, device=rays.device)
        return LiftedPose(*self.script(rays, confidence, time_s, hint_m))
