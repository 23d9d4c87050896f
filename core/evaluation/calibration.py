"""Whether sigma keeps its word: how often the truth lies within the region that it names.

The lifter's sigma is the scale of an isotropic 3D Laplace law (:mod:`core.training.losses`): the
error's length r has a density that falls as ``r**2 exp(-r / b)``, a Gamma law of shape 3 and scale
``b = sigma * MEAN_LENGTH / 3``. Before a lifter is calibrated, its region of nominal coverage p is
the ball about the joint whose radius is the p quantile of that law; afterwards the radii are
measured ones (:class:`core.regions.SigmaRegions`).
"""

import math

import numpy as np
from jaxtyping import Bool, Float

from core.regions import NOMINAL, SigmaRegions
from core.training.losses import MEAN_LENGTH


def region_radius(nominal: float) -> float:
    """Radius of the ball that should hold the truth with this probability, in sigmas, by the law.

    Inverts the Gamma distribution of shape 3, ``1 - exp(-x) (1 + x + x**2 / 2)``, by bisection.
    """
    low, high = 0.0, 64.0
    for _ in range(80):
        middle = (low + high) / 2
        inside = 1 - math.exp(-middle) * (1 + middle + middle**2 / 2)
        low, high = (middle, high) if inside < nominal else (low, middle)
    return low * MEAN_LENGTH / 3


ASSUMED = SigmaRegions(tuple(region_radius(nominal) for nominal in NOMINAL))
"""What sigma promises by the law that it was trained under."""


def within_region(
    error_m: Float[np.ndarray, "*batch"], sigma_m: Float[np.ndarray, "*batch"], radius: float
) -> Bool[np.ndarray, "*batch"]:
    """Where the truth lies within so many sigmas; never where a number is NaN."""
    return error_m <= radius * sigma_m
