"""Detector and landmark network of one bundle on one device: pictures in, people out.

Everything here works on batches, whatever frames and people the crops are of; what comes out does
not depend on how they were batched.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from threading import Lock
from typing import Self, TypeVar

import numpy as np
import torch
from jaxtyping import Float32, Float64, UInt8
from torch import Tensor

from core.assets.bundle import read_networks
from core.keypoints.blazepose.crops import Placement, to_picture, turned, whole_picture
from core.keypoints.blazepose.graph import read_graph
from core.keypoints.blazepose.landmarks import KEYPOINTS, LANDMARKS, Landmarks, decode_landmarks
from core.keypoints.blazepose.network import GraphNetwork
from core.keypoints.blazepose.person_boxes import (
    ANCHORS,
    GUESS_NUMBERS,
    PersonBoxes,
    decode_boxes,
)
from core.keypoints.blazepose.replay import Replayed
from core.keypoints.blazepose.sampling import Beyond, sample_crops
from core.lifting.batching import BatchRunner

DETECTOR_OUTPUTS = ((1, ANCHORS, GUESS_NUMBERS), (1, ANCHORS, 1))
LANDMARK_OUTPUTS = ((1, LANDMARKS * 5), (1, 1), (1, 64, 64, LANDMARKS), (1, LANDMARKS * 3))

Pictures = UInt8[Tensor, "pictures height width 3"]
Read = TypeVar("Read")


@dataclass(frozen=True, eq=False)
class People:
    """Who was seen in some crops, one row a crop, in the picture's pixels.

    Attributes:
        keypoints_px: MediaPipe's 33 landmarks.
        alignment: the hips' middle and the point on the circle, for further crops.
        confidence: visibility times presence, in [0, 1].
        hint_m: hip-centred, metres, x right, y down, z away.
        presence: whether there is a person in the crop at all, in [0, 1].
    """

    keypoints_px: Float32[np.ndarray, "crops 33 2"]
    alignment: Float64[np.ndarray, "crops 2 2"]
    confidence: Float32[np.ndarray, "crops 33"]
    hint_m: Float32[np.ndarray, "crops 33 3"]
    presence: Float32[np.ndarray, "crops"]

    @classmethod
    def joined(cls, batches: Sequence[Self]) -> Self:
        """All crops of the batches, in order."""
        if len(batches) == 1:
            return batches[0]
        if not batches:
            shapes = ((0, 33, 2), (0, 2, 2), (0, 33), (0, 33, 3), (0,))
            kinds = (np.float32, np.float64, np.float32, np.float32, np.float32)
            return cls(*map(np.zeros, shapes, kinds))
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(b, name) for b in batches]) for name in names))

    def part(self, crops: slice) -> Self:
        """Some of the crops."""
        names = [field.name for field in fields(self)]
        return replace(self, **{name: getattr(self, name)[crops] for name in names})


class PoseNetworks:
    """The two networks of a bundle. Thread-safe.

    Args:
        detector: finds people; outputs guesses and their logits.
        landmarker: finds landmarks; outputs landmarks, presence, heat maps and world landmarks.
        device: where they run.
        batch: crops that go through a network at once.
        dtype: half precision on a GPU if None, and single on a CPU.
    """

    def __init__(
        self,
        detector: GraphNetwork,
        landmarker: GraphNetwork,
        device: torch.device,
        *,
        batch: int = 32,
        dtype: torch.dtype | None = None,
    ) -> None:
        self.device = device
        self._batch = batch
        self._one_at_a_time = Lock()
        # bfloat16 would not do: it moves landmarks by a quarter of a pixel.
        usual = torch.float16 if device.type == "cuda" else torch.float32
        self._dtype = dtype or usual
        self._sides = detector.side, landmarker.side
        for network in (detector, landmarker):
            network.eval().to(device, self._dtype)
            network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self._detector = Replayed(detector, batch)
        self._landmarker = Replayed(landmarker, batch)

    @classmethod
    def load(
        cls,
        bundle: Path,
        device: torch.device,
        *,
        batch: int = 32,
        dtype: torch.dtype | None = None,
    ) -> Self:
        """Load a ``.task`` bundle.

        Raises:
            AssetCorrupt: it holds no networks, or others than the pose networks we know.
        """
        detector, landmarker = read_networks(bundle)
        return cls(
            _network(detector, DETECTOR_OUTPUTS),
            _network(landmarker, LANDMARK_OUTPUTS),
            device,
            batch=batch,
            dtype=dtype,
        )

    def rehearse(self) -> None:
        """Run both networks once on a full batch, which on a GPU records them."""
        pictures = self.upload([np.zeros((8, 8, 3), np.uint8)])
        crops = self._batch if self.device.type == "cuda" else 1
        placement = np.repeat(whole_picture(8, 8), crops, axis=0)
        self.detect(pictures, [0] * crops, placement)
        self.read(pictures, [0] * crops, placement)

    def upload(self, pictures: Sequence[UInt8[np.ndarray, "height width 3"]]) -> Pictures:
        """Pictures of one size on the device."""
        stacked = torch.from_numpy(np.stack(pictures))
        if self.device.type != "cuda":
            return stacked
        return stacked.pin_memory().to(self.device, non_blocking=True)

    def detect(
        self, pictures: Pictures, picture_of: Sequence[int], placement: Placement
    ) -> list[PersonBoxes]:
        """People in each crop; boxes in sides of the crop, alignment points in picture pixels.

        Raises:
            OutOfMemory: not even one crop fits.
        """

        def detect(part: slice) -> list[PersonBoxes]:
            crops = self._cut(pictures, picture_of, placement, part, self._sides[0], Beyond.BLACK)
            guesses, logits = self._detector(((crops - 127.5) / 127.5).to(self._dtype))
            return [
                _placed(decode_boxes(guess, logit[:, 0]), placement[part][row])
                for row, (guess, logit) in enumerate(
                    zip(_host(guesses), _host(logits), strict=True)
                )
            ]

        return [boxes for batch in self._batches(len(placement), detect) for boxes in batch]

    def read(self, pictures: Pictures, picture_of: Sequence[int], placement: Placement) -> People:
        """Whoever stands upright in each crop.

        Raises:
            OutOfMemory: not even one crop fits.
        """

        def read(part: slice) -> People:
            crops = self._cut(pictures, picture_of, placement, part, self._sides[1], Beyond.EDGE)
            seen = decode_landmarks(*self._landmarker((crops / 255).to(self._dtype)))
            return _in_picture(seen, placement[part])

        return People.joined(list(self._batches(len(placement), read)))

    @torch.inference_mode()
    def _batches(self, crops: int, run: Callable[[slice], Read]) -> list[Read]:
        with self._one_at_a_time:
            return list(BatchRunner(self._batch, self.device).run(crops, run))

    def _cut(
        self,
        pictures: Pictures,
        picture_of: Sequence[int],
        placement: Placement,
        part: slice,
        side: int,
        beyond: Beyond,
    ) -> Float32[Tensor, "crops 3 side side"]:
        pictured = torch.tensor(picture_of[part], dtype=torch.int64).to(self.device)
        placed = torch.from_numpy(placement[part]).to(self.device)
        return sample_crops(pictures, pictured, placed, side, beyond)


def _network(stored: bytes, outputs: Sequence[tuple[int, ...]]) -> GraphNetwork:
    graph = read_graph(stored)
    return GraphNetwork(graph, [graph.output_shaped(shape) for shape in outputs])


def _host(values: Tensor) -> Float32[np.ndarray, "..."]:
    return values.float().cpu().numpy()


def _placed(boxes: PersonBoxes, placement: Float64[np.ndarray, "2 3"]) -> PersonBoxes:
    """With alignment points in pixels of the picture."""
    points = boxes.alignment.reshape(1, -1, 2)
    return replace(boxes, alignment=to_picture(placement[None], points).reshape(-1, 2, 2))


def _in_picture(seen: Landmarks, placement: Placement) -> People:
    points_px = to_picture(placement, _host(seen.points).astype(np.float64))
    world_m = turned(placement, _host(seen.world_m).astype(np.float64))
    return People(
        keypoints_px=points_px[:, :KEYPOINTS].astype(np.float32),
        alignment=points_px[:, KEYPOINTS:],
        confidence=_host(seen.confidence),
        hint_m=world_m.astype(np.float32),
        presence=_host(seen.presence),
    )
