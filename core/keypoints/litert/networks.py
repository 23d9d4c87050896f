"""Detector and landmark network of one bundle, run by LiteRT: a picture in, people out."""

from pathlib import Path
from typing import Self

import numpy as np
from jaxtyping import Float32, UInt8

from core.assets.bundle import read_networks
from core.keypoints.blazepose.crops import (
    Alignment,
    Placement,
    to_picture,
    turned,
    whole_picture,
)
from core.keypoints.blazepose.networks import DETECTOR_OUTPUTS, LANDMARK_OUTPUTS, People
from core.keypoints.blazepose.person_boxes import PersonBoxes, decode_boxes
from core.keypoints.blazepose.sampling import Beyond
from core.keypoints.litert.landmarks import KEYPOINTS, decode_landmarks
from core.keypoints.litert.network import LiteNetwork
from core.keypoints.litert.sampling import cut_crop


class LiteNetworks:
    """The two networks of a bundle. Thread-safe, and without a memory of earlier pictures.

    Args:
        detector: finds people.
        landmarker: finds landmarks.
    """

    def __init__(self, detector: LiteNetwork, landmarker: LiteNetwork) -> None:
        self._detector = detector
        self._landmarker = landmarker

    @classmethod
    def load(cls, bundle: Path) -> Self:
        """Load a ``.task`` bundle.

        Raises:
            AssetCorrupt: it holds no networks, or others than the pose networks we know.
        """
        detector, landmarker = read_networks(bundle)
        return cls(
            LiteNetwork(detector, DETECTOR_OUTPUTS, black=-1.0),
            LiteNetwork(landmarker, LANDMARK_OUTPUTS),
        )

    def rehearse(self, threads: int) -> None:
        """Load and run both once for each of so many threads, so that they have all they need."""
        self._detector.rehearse(threads)
        self._landmarker.rehearse(threads)

    def detect(self, rgb: UInt8[np.ndarray, "height width 3"]) -> Alignment:
        """Alignment points of the people in a picture, the surest first."""
        height, width, _ = rgb.shape
        placement = whole_picture(width, height)
        crop = cut_crop(rgb, placement[0], self._detector.side, Beyond.BLACK)
        points = self._detector(crop, _decode_boxes).alignment
        return to_picture(placement, points.reshape(1, -1, 2)).reshape(-1, 2, 2)

    def read(self, rgb: UInt8[np.ndarray, "height width 3"], placement: Placement) -> People:
        """Whoever stands upright in each crop."""
        return People.joined([self._read(rgb, one[None]) for one in placement])

    def _read(self, rgb: UInt8[np.ndarray, "height width 3"], placement: Placement) -> People:
        crop = cut_crop(rgb, placement[0], self._landmarker.side, Beyond.EDGE)
        seen = self._landmarker(crop, decode_landmarks)
        points_px = to_picture(placement, seen.points[None])
        return People(
            keypoints_px=points_px[:, :KEYPOINTS].astype(np.float32),
            alignment=points_px[:, KEYPOINTS:],
            confidence=seen.confidence[None],
            hint_m=turned(placement, seen.world_m[None]).astype(np.float32),
            presence=np.array([seen.presence], np.float32),
        )


def _decode_boxes(
    guesses: Float32[np.ndarray, "anchors 12"], logits: Float32[np.ndarray, "anchors 1"]
) -> PersonBoxes:
    return decode_boxes(guesses, logits[:, 0])
