"""How long an error lasts: bias over seconds, drift over tenths of a second, jitter.

The mean product of a difference with itself some time later falls as fast as the error forgets
itself. Two decaying exponentials and a spike at zero are fitted to it, none of them negative.
Nothing is subtracted before, so that an offset that lasts for a whole clip counts as bias.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float64

BIAS_MEMORIES_S = (1.0, 2.0, 4.0, 8.0, 16.0, 60.0)
DRIFT_MEMORIES_S = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
LONGEST_S = 8.0
_SLOW_S = 0.06  # between frames; from here on drift cannot be told from jitter
_FEWEST_PAIRS = 20
_ENOUGH_PAIRS = 2000
_OUTLIER = 4.0  # robust standard deviations


@dataclass(frozen=True)
class Spectrum:
    """Standard deviations by how long an error lasts, in the unit of what was measured.

    Attributes:
        bias: lasts for seconds, or for the whole clip.
        drift: lasts for tenths of a second.
        jitter: new in every frame; NaN where frames are too far apart to tell it from drift,
            which then holds both.
        bias_memory_s: time constant; the longest that is tried means "as long as the clips".
        drift_memory_s: time constant.
    """

    bias: float
    drift: float
    jitter: float
    bias_memory_s: float
    drift_memory_s: float

    @property
    def total(self) -> float:
        return float(np.sqrt(np.nansum(np.square([self.bias, self.drift, self.jitter]))))


def autocovariance(
    error: Float64[np.ndarray, "frames *series"], step_s: float
) -> tuple[Float64[np.ndarray, "lags"], Float64[np.ndarray, "lags"], Float64[np.ndarray, "lags"]]:
    """Lags in seconds, mean product at each over all series, and how many products there were.

    Args:
        error: series of one clip at a steady rate; NaN where unknown.
        step_s: between frames.
    """
    series = without_outliers(error.reshape(len(error), -1))
    most = min(len(series) - 1, int(LONGEST_S / step_s))
    lags = np.unique(np.round(np.geomspace(1, max(most, 1), 24)).astype(int))
    lags = np.concatenate([[0], lags[lags <= most]])
    products = [series[lag:] * series[: len(series) - lag] for lag in lags]
    counts = np.array([np.isfinite(product).sum() for product in products], np.float64)
    sums = np.array([np.nansum(product) for product in products])
    return lags * step_s, sums / np.maximum(counts, 1), counts


def without_outliers(series: Float64[np.ndarray, "frames series"]) -> np.ndarray:
    """Each series clipped to a few robust standard deviations: bursts are counted apart."""
    spread = np.full(series.shape[1], np.inf)
    known = np.isfinite(series).any(0)
    spread[known] = _OUTLIER * 1.4826 * np.nanmedian(np.abs(series[:, known]), 0)
    return np.clip(series, -spread, spread)


def fit_spectrum(error: Float64[np.ndarray, "frames *series"], step_s: float) -> Spectrum | None:
    """The spectrum of one clip's series; None if too little is known."""
    lags_s, products, counts = autocovariance(error, step_s)
    enough = counts >= _FEWEST_PAIRS
    if enough.sum() < 4 or not enough[0]:
        return None
    weight = np.sqrt(np.minimum(counts, _ENOUGH_PAIRS))[enough]
    weight[0] *= 3  # the variances should add up to what is there
    lags_s, products = lags_s[enough], products[enough]
    spike = (lags_s == 0).astype(np.float64)
    slow = step_s > _SLOW_S
    if slow:
        spike[:] = 0
    memories_s = np.array([(a, b) for a in BIAS_MEMORIES_S for b in DRIFT_MEMORIES_S])
    decays = np.exp(-lags_s[None, :, None] / memories_s[:, None, :])  # (trials, lags, 2)
    spikes = np.broadcast_to(spike[None, :, None], (*decays.shape[:2], 1))
    parts = np.concatenate([decays, spikes], 2)
    losses, variances = non_negative(parts * weight[:, None], products * weight)
    best = int(losses.argmin())
    bias, drift, jitter = (float(part) for part in np.sqrt(variances[best]))
    slow_s, quick_s = (float(memory) for memory in memories_s[best])
    return Spectrum(bias, drift, np.nan if slow else jitter, slow_s, quick_s)


def non_negative(
    parts: Float64[np.ndarray, "trials rows parts"], goal: Float64[np.ndarray, "rows"]
) -> tuple[Float64[np.ndarray, "trials"], Float64[np.ndarray, "trials parts"]]:
    """Least squares with no negative share, for many trials at once.

    Every subset of a handful of parts is solved; the best without a negative share is the answer.

    Returns:
        Squared loss of each trial, and its shares.
    """
    trials, _, count = parts.shape
    losses = np.full(trials, float((goal**2).sum()))
    best = np.zeros((trials, count))
    for size in range(1, count + 1):
        for chosen in map(list, combinations(range(count), size)):
            some = parts[:, :, chosen]
            turned = np.swapaxes(some, 1, 2)
            # A part may be all zeros, such as the spike of a slow clip.
            square = turned @ some + 1e-12 * np.eye(size)
            shares = np.linalg.solve(square, (turned @ goal)[..., None])[..., 0]
            loss = (((some @ shares[..., None])[..., 0] - goal) ** 2).sum(1)
            better = (shares >= 0).all(1) & (loss < losses)
            losses[better] = loss[better]
            best[better] = 0
            best[np.ix_(better, chosen)] = shares[better]
    return losses, best


def pooled(spectra: Sequence[Spectrum | None]) -> Spectrum | None:
    """Clips taken together: mean variances, median time constants, every clip counting the same."""
    known = [one for one in spectra if one is not None]
    if not known:
        return None
    # A component that is absent says nothing about how long it would last.
    slow = [one.bias_memory_s for one in known if one.bias > 0] or [BIAS_MEMORIES_S[-1]]
    quick = [one.drift_memory_s for one in known if one.drift > 0] or [DRIFT_MEMORIES_S[-1]]
    bias, drift = (
        float(np.sqrt(np.mean([getattr(one, part) ** 2 for one in known])))
        for part in ("bias", "drift")
    )
    jitters = [one.jitter for one in known if np.isfinite(one.jitter)]
    jitter = float(np.sqrt(np.mean(np.square(jitters)))) if jitters else float("nan")
    return Spectrum(bias, drift, jitter, float(np.median(slow)), float(np.median(quick)))
