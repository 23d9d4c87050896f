"""Exported files on disk: which formats there are, and writing one that is proven first."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from torch import nn

from core.checkpoints import LoadedLifter
from core.errors import ExportInexact, OutputExists
from core.export.description import describe
from core.export.onnx_file import onnx_file
from core.export.onnx_lifter import OnnxLifter
from core.export.parity import MOST_DIFFERENCE_M, Parity, measure_parity
from core.export.torchscript import TorchScriptLifter, torchscript_file
from core.models.mirror import MirrorAveraged


class ExportFormat(StrEnum):
    """What a lifter can be exported to."""

    ONNX = "onnx"
    TORCHSCRIPT = "torchscript"

    @property
    def suffix(self) -> str:
        return {ExportFormat.ONNX: ".onnx", ExportFormat.TORCHSCRIPT: ".pt"}[self]


_WAYS = {
    ExportFormat.ONNX: (onnx_file, OnnxLifter),
    ExportFormat.TORCHSCRIPT: (torchscript_file, TorchScriptLifter),
}
"""How to make a file's content, and how to open it again."""


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Attributes:
        path: where it is.
        size_bytes: how large it is.
        parity: how far its answers are from the original's.
        original: what was exported.
        lifter: the file's content, opened, in a lifter's place.
    """

    path: Path
    size_bytes: int
    parity: Parity
    original: nn.Module
    lifter: nn.Module


def export_lifter(
    loaded: LoadedLifter,
    kind: ExportFormat,
    path: Path,
    *,
    mirror_averaged: bool = False,
    overwrite: bool = False,
) -> Exported:
    """Export, open what came out, compare it with the original, and only then write it.

    Args:
        loaded: the lifter, on the CPU.
        kind: which format.
        path: the file to write; its folder is made if need be.
        mirror_averaged: export the mean over each window and its mirror image.
        overwrite: write over a file that is there.

    Raises:
        OutputExists: there is such a file, and nobody said to write over it.
        ExtraMissing: a package that the format needs is not installed.
        ExportInexact: the exported network answers otherwise than the original; nothing is written.
    """
    if path.exists() and not overwrite:
        raise OutputExists(f"{path} is there already; --force writes over it.")
    original = MirrorAveraged(loaded.model) if mirror_averaged else loaded.model
    make, reopen = _WAYS[kind]
    content = make(original, describe(loaded, mirror_averaged=mirror_averaged))
    lifter = reopen(content)
    parity = measure_parity(original, lifter)
    if not parity.holds:
        raise ExportInexact(
            f"The {kind} form of '{loaded.name}' differs from the original by "
            f"{max(parity.joints_m, parity.sigma_m):.1e} m, where {MOST_DIFFERENCE_M:.0e} m is "
            "the limit. Nothing was written; try the pinned versions of torch and onnx."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    partial.replace(path)
    return Exported(path, len(content), parity, original, lifter)
