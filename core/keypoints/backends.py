"""Which implementation finds the 2D keypoints: MediaPipe's own, or its networks without it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self, runtime_checkable

import numpy as np
import torch
from jaxtyping import UInt8

from core.contracts import PoseModel
from core.keypoints.blazepose.estimators import TorchPoseEstimators
from core.keypoints.estimators import PoseEstimators
from core.keypoints.litert.estimators import LiteEstimators
from core.keypoints.protocol import Detection, KeypointEstimator

PoseBackend = Literal["auto", "litert", "mediapipe", "torch"]
"""``auto`` is PyTorch on a GPU and LiteRT, which is far faster there, on a CPU."""


@runtime_checkable
class MakesEstimators(Protocol):
    """The 2D models of one process.

    Attributes:
        name: of the implementation, for the manifest of a result.
    """

    name: str

    def open(self, pose_model: PoseModel, max_persons: int = 1) -> KeypointEstimator:
        """An estimator for one video, as if nothing had been estimated before."""
        ...

    def warm_up(self, pose_model: PoseModel, threads: int = 1) -> None:
        """Load a model now, for so many threads, so that the first video does not wait for it."""
        ...

    def estimate_image(
        self,
        rgb: UInt8[np.ndarray, "height width 3"],
        pose_model: PoseModel,
        max_persons: int = 1,
    ) -> Sequence[Detection]:
        """People in a single picture, the most prominent first, at most ``max_persons``."""
        ...

    def close(self) -> None:
        """Give memory and threads back."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def make_estimators(
    backend: PoseBackend, bundle_of: Callable[[PoseModel], Path], device: torch.device
) -> MakesEstimators:
    """The chosen implementation; nothing is loaded yet.

    Args:
        backend: as the user asked.
        bundle_of: path of a pose model's bundle.
        device: where PyTorch runs; the others run on the CPU.
    """
    if backend == "torch" or (backend == "auto" and device.type == "cuda"):
        return TorchPoseEstimators(bundle_of, device)
    return PoseEstimators(bundle_of) if backend == "mediapipe" else LiteEstimators(bundle_of)
