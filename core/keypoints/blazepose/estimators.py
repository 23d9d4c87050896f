"""Makes a PyTorch estimator for one video after another from networks that stay loaded."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8

from core.closing import Closing
from core.contracts import PoseModel
from core.keypoints.blazepose.estimator import BlazePoseEstimator
from core.keypoints.blazepose.networks import PoseNetworks
from core.keypoints.loaded import LoadedNetworks
from core.keypoints.protocol import Detection
from core.keypoints.stills import read_still
from core.video.frames import Frame


class TorchPoseEstimators(Closing):
    """The 2D models of one process, on one device. Thread-safe.

    Args:
        bundle_of: path of a pose model's bundle; asked once per model.
        device: where the networks run.
        second_pass: read everybody twice; steadier on people who are hard to see, half as fast.
    """

    name = "torch"

    def __init__(
        self,
        bundle_of: Callable[[PoseModel], Path],
        device: torch.device,
        *,
        second_pass: bool = False,
    ) -> None:
        self._second_pass = second_pass
        self._networks = LoadedNetworks(bundle_of, partial(PoseNetworks.load, device=device))

    def open(self, pose_model: PoseModel, max_persons: int = 1) -> BlazePoseEstimator:
        """An estimator for one video, as if nothing had been estimated before.

        Raises:
            AssetUnavailable: the model is not in the cache and cannot be fetched.
            AssetCorrupt: the bundle holds other networks than we know.
        """
        networks = self._networks[pose_model]
        return BlazePoseEstimator(networks, max_persons, second_pass=self._second_pass)

    def warm_up(self, pose_model: PoseModel, threads: int = 1) -> None:
        """Load a model now, for any threads, so that the first video does not wait for it.

        Raises:
            AssetUnavailable: the model is not in the cache and cannot be fetched.
            AssetCorrupt: the bundle holds other networks than we know.
        """
        self._networks[pose_model].rehearse()

    def estimate_image(
        self,
        rgb: UInt8[np.ndarray, "height width 3"],
        pose_model: PoseModel,
        max_persons: int = 1,
    ) -> Sequence[Detection]:
        """People in a single picture, the most prominent first, at most ``max_persons``.

        Raises:
            AssetUnavailable: the model is not in the cache and cannot be fetched.
            AssetCorrupt: the bundle holds other networks than we know.
        """
        return read_still(_Reader(self._networks[pose_model]), rgb)[:max_persons]

    def close(self) -> None:
        """Let go of the networks; estimators that are still open keep theirs."""
        self._networks.clear()


class _Reader:
    """Reads pictures that have nothing to do with each other."""

    def __init__(self, networks: PoseNetworks) -> None:
        self._networks = networks

    def read(self, rgb: UInt8[np.ndarray, "height width 3"], time_s: float) -> Sequence[Detection]:
        frame = Frame(0, time_s, rgb)
        return BlazePoseEstimator(self._networks, 1).estimate(frame)
