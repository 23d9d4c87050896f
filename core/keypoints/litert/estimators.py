"""Makes an estimator for one video after another from networks that stay loaded."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from core.closing import Closing
from core.contracts import PoseModel
from core.keypoints.landmarker import Mode
from core.keypoints.litert.landmarker import LiteLandmarker
from core.keypoints.litert.networks import LiteNetworks
from core.keypoints.loaded import LoadedNetworks
from core.keypoints.protocol import Detection
from core.keypoints.scouting import ScoutingEstimator
from core.keypoints.stills import read_still


class LiteEstimators(Closing):
    """The 2D models of one process. Thread-safe.

    Args:
        bundle_of: path of a pose model's bundle; asked once per model.
    """

    name = "litert"

    def __init__(self, bundle_of: Callable[[PoseModel], Path]) -> None:
        self._networks = LoadedNetworks(bundle_of, LiteNetworks.load)

    def open(self, pose_model: PoseModel, max_persons: int = 1) -> ScoutingEstimator:
        """An estimator for one video, as if nothing had been estimated before.

        Raises:
            AssetUnavailable: the model is not in the cache and cannot be fetched.
            AssetCorrupt: the bundle cannot be loaded.
        """
        networks = self._networks[pose_model]
        # One more than wanted: the main person may not be the one whom the detector likes best.
        scout = LiteLandmarker(networks, Mode.SCOUTING, max_persons + 1)
        return ScoutingEstimator(
            scout, partial(LiteLandmarker, networks, Mode.TRACKING), max_persons
        )

    def warm_up(self, pose_model: PoseModel, threads: int = 1) -> None:
        """Load a model now, for so many threads, so that the first video does not wait for it.

        Raises:
            AssetUnavailable: the model is not in the cache and cannot be fetched.
            AssetCorrupt: the bundle cannot be loaded.
        """
        self._networks[pose_model].rehearse(threads)

    def estimate_image(
        self,
        rgb: UInt8[np.ndarray, "height width 3"],
        pose_model: PoseModel,
        max_persons: int = 1,
    ) -> Sequence[Detection]:
        """People in a single picture, the most prominent first, at most ``max_persons``.

        Raises:
            AssetUnavailable: the model is not in the cache and cannot be fetched.
            AssetCorrupt: the bundle cannot be loaded.
        """
        landmarker = LiteLandmarker(self._networks[pose_model], Mode.STILL, max_persons)
        return read_still(landmarker, rgb)[:max_persons]

    def close(self) -> None:
        """Let go of the networks; estimators that are still open keep theirs."""
        self._networks.clear()
