"""How honest sigma is where it is small and where it is large."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from core.evaluation.calibration import within_region
from core.evaluation.metrics import joint_errors
from core.evaluation.stretches import ClipPoses
from core.regions import NOMINAL, SigmaRegions

SIGMA_EDGES_M = (0.0, 0.02, 0.03, 0.045, 0.07, 0.12, float("inf"))
"""Where one bin of sigma ends and the next begins; the same for every lifter, to compare them."""


@dataclass(frozen=True)
class SigmaBin:
    """The joints whose sigma lay in a range.

    Attributes:
        least_m: where the range begins.
        most_m: where it ends; this value itself is in the next bin.
        joints: how many there were; all else is NaN if there were none.
        mean_sigma_m: of these joints.
        mean_error_m: of these joints.
        within: measured coverage in percent of each nominal region.
    """

    least_m: float
    most_m: float
    joints: int
    mean_sigma_m: float
    mean_error_m: float
    within: dict[float, float]


def errors_and_sigmas(
    stretch: ClipPoses, root: int | None
) -> tuple[Float64[np.ndarray, "values"], Float64[np.ndarray, "values"]]:
    """Error and sigma, metres, of every joint that has both; the root is the origin and has none.

    What is NaN on either side is left out: it says nothing of sigma, good or bad.
    """
    if stretch.sigma_m is None:
        return np.empty(0), np.empty(0)
    errors = joint_errors(stretch.predicted_m, stretch.truth_m).astype(np.float64)
    known = np.isfinite(errors) & np.isfinite(stretch.sigma_m)
    if root is not None:
        known[:, root] = False
    return errors[known], stretch.sigma_m[known].astype(np.float64)


def sigma_bins(
    stretches: Iterable[ClipPoses], root: int | None, regions: SigmaRegions
) -> tuple[SigmaBin, ...]:
    """Coverage by the lifter's own sigma, for each range of :data:`SIGMA_EDGES_M`.

    A sigma may be honest on average and still lie everywhere: too large where it is small, too
    small where it is large. Here that shows. Empty for a method without sigma.
    """
    pairs = [errors_and_sigmas(stretch, root) for stretch in stretches]
    errors = np.concatenate([error for error, _ in pairs])
    sigmas = np.concatenate([sigma for _, sigma in pairs])
    if not len(errors):
        return ()
    place = np.digitize(sigmas, SIGMA_EDGES_M[1:-1])
    return tuple(
        _bin(number, errors[place == number], sigmas[place == number], regions)
        for number in range(len(SIGMA_EDGES_M) - 1)
    )


def _bin(number: int, errors: np.ndarray, sigmas: np.ndarray, regions: SigmaRegions) -> SigmaBin:
    def mean(values: np.ndarray) -> float:
        return float(values.mean()) if len(values) else float("nan")

    return SigmaBin(
        least_m=SIGMA_EDGES_M[number],
        most_m=SIGMA_EDGES_M[number + 1],
        joints=len(errors),
        mean_sigma_m=mean(sigmas),
        mean_error_m=mean(errors),
        within={
            nominal: 100 * mean(within_region(errors, sigmas, regions.radius(nominal)))
            for nominal in NOMINAL
        },
    )
