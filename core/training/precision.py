"""Arithmetic with fewer bits: where it is used, and how small gradients survive it."""

from contextlib import AbstractContextManager
from enum import StrEnum

import torch
from torch.amp import GradScaler

from core.errors import ConfigInvalid


class Autocast(StrEnum):
    """Number format of the lifter's matrix products while it trains; the loss stays in float32."""

    OFF = "off"
    BF16 = "bf16"
    FP16 = "fp16"


_KINDS = {Autocast.BF16: torch.bfloat16, Autocast.FP16: torch.float16}


class Precision:
    """One choice of :class:`Autocast` on one device.

    Half precision has so small a range that gradients vanish in it: ``fp16`` scales the loss up
    and the gradients down again, by a factor that is found while training
    (Micikevicius et al., "Mixed Precision Training", ICLR 2018). ``bf16`` needs none of it.

    Attributes:
        device: what the run is on.
        scaler: does nothing but for ``fp16``.
    """

    def __init__(self, autocast: Autocast, device: torch.device) -> None:
        if device.type == "cuda" and autocast is Autocast.BF16 and not _has_bf16():
            raise ConfigInvalid("This GPU has no bf16: set training field 'autocast' to fp16.")
        self.scaler = GradScaler(device.type, enabled=autocast is Autocast.FP16)
        self.device = device
        self._kind = _KINDS.get(autocast)

    @property
    def orthogonal_steps(self) -> torch.dtype:
        """Format of the optimiser's own matrix products: half the bits where the run has bf16."""
        return torch.bfloat16 if self._kind is torch.bfloat16 else torch.float32

    def lifting(self) -> AbstractContextManager[object]:
        """In here matrix products take the chosen format."""
        return torch.autocast(self.device.type, self._kind, enabled=self._kind is not None)


def _has_bf16() -> bool:
    return torch.cuda.is_bf16_supported()


def chosen_device(name: str) -> torch.device:
    """``auto``, or a device by its name in torch.

    Raises:
        ConfigInvalid: there is no such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise ConfigInvalid(f"Training field 'device' is auto, cpu or cuda, and not {name!r}.")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigInvalid("There is no usable CUDA device here: set training field 'device'.")
    return device
