"""What a lifter was told of each joint, taken the way that its sigma takes."""

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

from core.cameras import Camera
from core.chunks import TrackChunk
from core.evaluation.predictions import lift_track
from core.models import LiftedPose, Lifter


class TellsCircumstances(nn.Module):
    """Says a lifter's circumstances where its joints and sigma go, three and one.

    So they are cut into windows and blended as sigma is, by the same code: it treats all four
    numbers of a joint alike.

    Args:
        lifter: that goes by circumstances.

    Shape:
        as the lifter's.
    """

    def __init__(self, lifter: Lifter) -> None:
        super().__init__()
        if lifter.steadiness is None or lifter.circumstances is None:
            raise ValueError("this lifter does not go by circumstances")
        self.look = lifter.look
        self.steadiness, self.circumstances = lifter.steadiness, lifter.circumstances

    def forward(
        self,
        rays: Float[Tensor, "batch frames 33 2"],
        confidence: Float[Tensor, "batch frames 33"],
        time_s: Float[Tensor, "batch frames"],
        hint_m: Float[Tensor, "batch frames 33 3"] | None = None,
    ) -> LiftedPose:
        view, seconds = self.look(rays, confidence, time_s)
        told = self.circumstances(view, self.steadiness(view, seconds), hint_m)
        return LiftedPose(told[..., :3], told[..., 3])


def circumstances_of(
    lifter: Lifter, track: TrackChunk, camera: Camera, device: torch.device
) -> Float32[np.ndarray, "frames 28 told"]:
    """Of the track's one person, NaN in frames without them.

    Args:
        lifter: that goes by circumstances, on ``device``.
        track: as it is lifted.
        camera: as it is lifted.
        device: where the lifter is.
    """
    three, fourth = lift_track(TellsCircumstances(lifter), track, camera, device, smoothing=False)
    return np.concatenate([three, fourth[..., None]], -1)
