"""Detector and landmark network of one bundle, run by LiteRT: a picture in, people out."""

import zipfile
from pathlib import Path
from typing import Self

import numpy as np
import torch
from jaxtyping import UInt8

from core.assets.bundle import DETECTOR_MEMBER, LANDMARKS_MEMBER
from core.errors import AssetCorrupt
from core.keypoints.blazepose.crops import Alignment, Placement, to_picture, whole_picture
from core.keypoints.blazepose.landmarks import decode_landmarks
from core.keypoints.blazepose.networks import (
    DETECTOR_OUTPUTS,
    LANDMARK_OUTPUTS,
    People,
    in_picture,
)
from core.keypoints.blazepose.person_boxes import decode_boxes
from core.keypoints.blazepose.sampling import Beyond
from core.keypoints.litert.network import LiteNetwork
from core.keypoints.litert.sampling import cut_crop

_BLACK_TO_WHITE = 255.0


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
        try:
            with zipfile.ZipFile(bundle) as members:
                detector, landmarker = map(members.read, (DETECTOR_MEMBER, LANDMARKS_MEMBER))
        except (OSError, zipfile.BadZipFile, KeyError) as error:
            raise AssetCorrupt(f"Cannot read the pose networks in {bundle.name}: {error}") from None
        return cls(
            LiteNetwork(detector, DETECTOR_OUTPUTS), LiteNetwork(landmarker, LANDMARK_OUTPUTS)
        )

    def detect(self, rgb: UInt8[np.ndarray, "height width 3"]) -> Alignment:
        """Alignment points of the people in a picture, the surest first."""
        height, width, _ = rgb.shape
        placement = whole_picture(width, height)
        crop = cut_crop(rgb, placement[0], self._detector.side, Beyond.BLACK)
        scale = np.float32(2 / _BLACK_TO_WHITE)
        guesses, logits = self._detector(crop * scale - np.float32(1))
        points = decode_boxes(guesses[0], logits[0, :, 0]).alignment
        return to_picture(placement, points.reshape(1, -1, 2)).reshape(-1, 2, 2)

    @torch.inference_mode()
    def read(self, rgb: UInt8[np.ndarray, "height width 3"], placement: Placement) -> People:
        """Whoever stands upright in each crop."""
        return People.joined([self._read(rgb, one[None]) for one in placement])

    def _read(self, rgb: np.ndarray, placement: Placement) -> People:
        crop = cut_crop(rgb, placement[0], self._landmarker.side, Beyond.EDGE)
        outputs = self._landmarker(crop * np.float32(1 / _BLACK_TO_WHITE))
        landmarks, presence, heat_maps, world = map(torch.from_numpy, outputs)
        seen = decode_landmarks(landmarks, presence, heat_maps.permute(0, 3, 1, 2), world)
        return in_picture(seen, placement)


