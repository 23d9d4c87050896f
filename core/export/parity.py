"""Does an exported lifter compute what the original does? Measured, on windows of every kind."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from core.skeleton import KEYPOINT_NAMES

MOST_DIFFERENCE_M = 1e-4
"""A tenth of a millimetre, far below what a lifter knows; both count in float32."""
_KEYPOINTS = len(KEYPOINT_NAMES)


class Windows(NamedTuple):
    """Inputs of a lifter, in its order."""

    rays: Tensor
    confidence: Tensor
    time_s: Tensor
    hint_m: Tensor | None


@dataclass(frozen=True)
class Parity:
    """The largest differences found, in metres, and on how many kinds of windows."""

    joints_m: float
    sigma_m: float
    cases: int

    @property
    def holds(self) -> bool:
        """False for NaN as well."""
        return self.joints_m <= MOST_DIFFERENCE_M and self.sigma_m <= MOST_DIFFERENCE_M


def measure_parity(original: nn.Module, exported: nn.Module) -> Parity:
    """Compare two lifters on the CPU over all of :func:`cases`."""
    joints_m, sigma_m = [], []
    with torch.inference_mode():
        for windows in cases().values():
            expected, found = original(*windows), exported(*windows)
            joints_m.append((expected.joints_m - found.joints_m).abs().amax())
            sigma_m.append((expected.sigma_m - found.sigma_m).abs().amax())
    # amax keeps NaN, which Python's max may lose
    worst = (float(torch.stack(values).amax()) for values in (joints_m, sigma_m))
    return Parity(*worst, cases=len(joints_m))


def cases() -> dict[str, Windows]:
    """Windows by what is special about them; always the same ones."""
    return dict(_cases())


def _cases() -> Iterator[tuple[str, Windows]]:
    yield "one frame", _windows(1, 1)
    yield "one frame, no hint", _windows(1, 1)._replace(hint_m=None)
    yield "a full batch", _windows(8, 81)
    yield "a few windows, no hint", _windows(3, 27)._replace(hint_m=None)
    yield "a long window", _windows(1, 400)

    seen = _windows(3, 20)
    unknown = seen.confidence < 0.4
    rays = seen.rays.masked_fill(unknown[..., None], torch.nan)
    yield "NaN rays", seen._replace(rays=rays, confidence=seen.confidence * ~unknown)
    yield "NaN rays that claim confidence", seen._replace(rays=rays)

    confidence = seen.confidence.clone()
    confidence[:, 4:9] = 0  # a gap for all,
    confidence[1, 12:] = 0  # an early end,
    confidence[2] = 0  # and nobody at all
    time_s = seen.time_s.masked_fill(confidence.amax(-1) == 0, torch.nan)
    yield "gaps", seen._replace(confidence=confidence, time_s=time_s)

    hint_m = _hint(3, 20)
    hint_m[:, ::3] = torch.nan
    hint_m[0, :, 5:] = torch.nan
    yield "hints here and there", seen._replace(hint_m=hint_m)


def _windows(batch: int, frames: int) -> Windows:
    """People of 20 or so degrees, who stand anywhere and wobble, seen at uneven times."""
    draw = torch.Generator().manual_seed(batch * 1000 + frames)
    place = torch.randn(batch, 1, 1, 2, generator=draw) * 0.2
    shape = torch.randn(batch, 1, _KEYPOINTS, 2, generator=draw) * 0.15
    wobble = torch.randn(batch, frames, _KEYPOINTS, 2, generator=draw) * 0.02
    confidence = torch.rand(batch, frames, _KEYPOINTS, generator=draw) * 0.9 + 0.1
    time_s = torch.rand(batch, frames, generator=draw).cumsum(1) / 15
    return Windows(place + shape + wobble, confidence, time_s, _hint(batch, frames))


def _hint(batch: int, frames: int) -> Tensor:
    draw = torch.Generator().manual_seed(batch * 1000 + frames + 1)
    return torch.randn(batch, frames, _KEYPOINTS, 3, generator=draw) * 0.3
