"""How weights move: AdamW, or Muon for what multiplies features and AdamW for the rest."""

import math
from collections.abc import Iterable
from enum import StrEnum

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

_MOMENTUM = 0.95
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_LEAST_NORM = 1e-7
_HIDDEN = ("encoder.", "pool.", "temporal.", "unpool.", "decoder.")
"""Parts between what goes in and what comes out: there a weight maps features to features."""


class Kind(StrEnum):
    """Which rule moves the weights."""

    ADAMW = "adamw"
    MUON = "muon"


def optimisers_for(
    model: nn.Module, kind: Kind, rate: float, weight_decay: float, products: torch.dtype
) -> tuple[Optimizer, ...]:
    """One or two optimisers that move every parameter of a lifter once.

    Args:
        model: whose parameters.
        kind: of rule.
        rate: of learning; both rules are scaled to move weights equally far.
        weight_decay: for matrices; biases and norms are left alone.
        products: number format of Muon's own matrix products.
    """
    named = list(model.named_parameters())
    decayed = [(name, p) for name, p in named if name.endswith("weight") and p.ndim > 1]
    hidden = [p for name, p in decayed if kind is Kind.MUON and name.startswith(_HIDDEN)]
    chosen = {id(p) for p in hidden}
    matrices = [p for _, p in decayed if id(p) not in chosen]
    chosen |= {id(p) for p in matrices}
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": [p for _, p in named if id(p) not in chosen], "weight_decay": 0.0},
    ]
    adamw = AdamW(groups, lr=rate, betas=(0.9, 0.98), fused=True)
    return (Muon(hidden, rate, weight_decay, products), adamw) if hidden else (adamw,)


class Muon(Optimizer):
    """Steps whose singular values are all about 1: no direction of a matrix is left behind.

    As :class:`torch.optim.Muon` with ``match_rms_adamw``, for stacks of matrices too: the weights
    of a graph convolution are one matrix per joint and kind of neighbour.

    Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024; the
    scale of the steps from Liu et al., "Muon is scalable for LLM training", 2025, equation 4.

    Args:
        params: of two or more axes; the last two are a matrix, the others count matrices.
        lr: root mean square of a step is a fifth of it, as AdamW's usually is.
        weight_decay: decoupled.
        products: number format in which steps are made orthogonal.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float,
        weight_decay: float,
        products: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})
        self._products = products

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # no closure is used
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group["lr"], group["weight_decay"])

    def _move(self, parameter: Tensor, gradient: Tensor, rate: float, weight_decay: float) -> None:
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(gradient)
        momentum = state["momentum"].lerp_(gradient, 1 - _MOMENTUM)
        step = orthogonal(gradient.lerp(momentum, _MOMENTUM), self._products)
        scale = 0.2 * math.sqrt(max(parameter.shape[-2:]))
        parameter.mul_(1 - rate * weight_decay).add_(step.to(parameter.dtype), alpha=-rate * scale)


def orthogonal(
    matrices: Float[Tensor, "*stack rows columns"], products: torch.dtype
) -> Float[Tensor, "*stack rows columns"]:
    """The nearest orthogonal matrices, roughly: singular values come out between 0.7 and 1.2.

    A quintic Newton-Schulz iteration whose coefficients rise fast from 0.
    """
    a, b, c = _NEWTON_SCHULZ
    turned = matrices.shape[-2] > matrices.shape[-1]
    x = (matrices.mT if turned else matrices).to(products)
    shape = x.shape
    x = x.reshape(-1, *shape[-2:])
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=_LEAST_NORM)
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        gram = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        x = torch.baddbmm(x, gram, x, beta=a)
    x = x.reshape(shape)
    return x.mT if turned else x
