"""Plain numbers for JSON: rounded, in handy units, None where too little is known."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.detector_noise_pairs import Pair
from benchmarks.detector_noise_spectrum import Spectrum, fit_spectrum, pooled

FEWEST = 30
"""Fewer values than this are not worth a number."""

Numbers = dict[str, Any]


def steady(pair: Pair, values: np.ndarray) -> np.ndarray:
    """Without frames in which anything is swapped: those are counted apart."""
    blank = pair.any_swap.reshape(-1, *[1] * (values.ndim - 1))
    return np.where(blank, np.nan, values)


def quantiles(values: np.ndarray, unit: float = 1.0) -> Numbers:
    """Median, 90th and 99th percentile of what is known."""
    known = values[np.isfinite(values)]
    if len(known) < FEWEST:
        return {"median": None, "p90": None, "p99": None}
    found = np.percentile(known, (50, 90, 99)) / unit
    return dict(zip(("median", "p90", "p99"), (round(float(v), 2) for v in found), strict=True))


def spectrum_numbers(spectrum: Spectrum | None, unit: float = 1.0) -> Numbers | None:
    """Rounded, in units of ``unit``."""
    if spectrum is None:
        return None
    return {
        "bias": round(spectrum.bias / unit, 2),
        "drift": round(spectrum.drift / unit, 2),
        "jitter": None if np.isnan(spectrum.jitter) else round(spectrum.jitter / unit, 2),
        "bias_memory_s": spectrum.bias_memory_s,
        "drift_memory_s": spectrum.drift_memory_s,
    }


def spectrum_of(pairs: Sequence[Pair], series: Sequence[np.ndarray], unit: float) -> Numbers | None:
    """How long a kind of error lasts, over all clips; frames with anything swapped left out."""
    fits = [
        fit_spectrum(steady(pair, values), pair.step_s)
        for pair, values in zip(pairs, series, strict=True)
    ]
    return spectrum_numbers(pooled(fits), unit)


def rounded(value: float, digits: int = 2) -> float | None:
    """For JSON that people read; NaN becomes None."""
    return round(float(value), digits) if np.isfinite(value) else None


def mean_of(values: np.ndarray, unit: float = 1.0, digits: int = 3) -> float | None:
    """Mean of what is known."""
    known = values[np.isfinite(values)]
    return rounded(float(known.mean()) / unit, digits) if len(known) >= FEWEST else None
