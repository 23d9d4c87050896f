"""Whether sigma keeps its word: how often the truth lies within the region that it names.

The lifter's sigma is the scale of an isotropic 3D Laplace law (:mod:`core.training.losses`): the
error's length r has a density that falls as ``r**2 exp(-r / b)``, a Gamma law of shape 3 and scale
``b = sigma * MEAN_LENGTH / 3``. The region of nominal coverage p is the ball about the joint whose
radius is the p quantile of that law.
"""

import math

import numpy as np
from jaxtyping import Bool, Float

from core.training.losses import MEAN_LENGTH

NOMINAL = (0.5, 0.8, 0.9, 0.95)


def region_radius(nominal: float) -> float:
    """Radius of the ball that should hold the truth with this probability, in sigmas.

    Inverts the Gamma distribution of shape 3, ``1 - exp(-x) (1 + x + x**2 / 2)``, by bisection.
    """
    low, high = 0.0, 64.0
    for _ in range(80):
        middle = (low + high) / 2
        inside = 1 - math.exp(-middle) * (1 + middle + middle**2 / 2)
        low, high = (middle, high) if inside < nominal else (low, middle)
    return low * MEAN_LENGTH / 3


def within_region(
    error_m: Float[np.ndarray, "*batch"], sigma_m: Float[np.ndarray, "*batch"], nominal: float
) -> Bool[np.ndarray, "*batch"]:
    """Where the truth lies in the region of this nominal coverage; never where a number is NaN."""
    return error_m <= region_radius(nominal) * sigma_m
