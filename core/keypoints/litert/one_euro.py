"""The filter with which MediaPipe calms whom it tracks."""

import math

import numpy as np
from jaxtyping import Float64

_SPEED_CUTOFF_HZ = 1.0


class OneEuro:
    """Low-pass filters numbers over time, the less the faster they change.

    Args:
        min_cutoff_hz: for numbers that rest.
        beta: by how much the cutoff rises, Hz for a change of one unit a second.

    Source: Casiez, Roussel and Vogel, "1 euro filter", CHI 2012; the details, such as a speed that
        is taken between unfiltered numbers, from ``one_euro_filter.cc`` of MediaPipe.
    """

    def __init__(self, min_cutoff_hz: float, beta: float) -> None:
        self._min_cutoff_hz = min_cutoff_hz
        self._beta = beta
        self._last_s: float | None = None
        self._raw = self._filtered = self._speed = np.zeros(0)

    def __call__(
        self, time_s: float, values: Float64[np.ndarray, "..."], unit: float = 1.0
    ) -> Float64[np.ndarray, "..."]:
        """The next numbers, filtered.

        Args:
            time_s: of these; if it is not later than the last, they pass as they are.
            values: always of one shape.
            unit: in which a change is measured.
        """
        if self._last_s is None:
            self._filtered, self._speed = values, np.zeros_like(values)
        else:
            step_s = time_s - self._last_s
            if step_s <= 0:
                return values
            speed = (values - self._raw) / (unit * step_s)
            self._speed = self._speed + _share(_SPEED_CUTOFF_HZ, step_s) * (speed - self._speed)
            cutoff_hz = self._min_cutoff_hz + self._beta * np.abs(self._speed)
            self._filtered = self._filtered + _share(cutoff_hz, step_s) * (values - self._filtered)
        self._raw, self._last_s = values, time_s
        return self._filtered


def _share(cutoff_hz: np.ndarray | float, step_s: float) -> np.ndarray | float:
    """How much of the way to a new value is gone at once."""
    turned = 2 * math.pi * step_s * cutoff_hz
    return turned / (1 + turned)
