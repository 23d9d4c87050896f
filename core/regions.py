"""Where the truth may be: balls about a joint that hold it with a stated probability.

A lifter's sigma is a scale, not a promise. The promise is a table of radii in sigmas, measured on
people whom the lifter never saw: in ``nominal`` of all cases the true joint lies no farther than
``radius`` sigmas from where it is said to be.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

NOMINAL = (0.5, 0.8, 0.9, 0.95)
"""The coverages that are measured and published."""


@dataclass(frozen=True)
class SigmaRegions:
    """Radii of the regions of nominal coverage.

    Attributes:
        radii: in sigmas, one for each of :data:`NOMINAL`, rising.
        measured_on: in words, what the radii were measured on; None if they are a law's.
    """

    radii: tuple[float, ...]
    measured_on: str | None = None

    def __post_init__(self) -> None:
        rising = all(a < b for a, b in zip(self.radii, self.radii[1:], strict=False))
        finite = len(self.radii) == len(NOMINAL) and 0 < self.radii[0] < self.radii[-1] < math.inf
        if not rising or not finite:
            raise ValueError(f"regions need {len(NOMINAL)} rising radii above 0")

    def radius(self, nominal: float) -> float:
        """Of the region of one of the coverages in :data:`NOMINAL`, in sigmas."""
        return self.radii[NOMINAL.index(nominal)]

    def to_dict(self) -> dict[str, Any]:
        return {
            "radius_sigmas": {f"{p:g}": r for p, r in zip(NOMINAL, self.radii, strict=True)},
            "measured_on": self.measured_on,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_dict` wrote.

        Raises:
            ValueError, TypeError, KeyError: these are no regions.
        """
        radii = values["radius_sigmas"]
        said = values.get("measured_on")
        return cls(tuple(float(radii[f"{p:g}"]) for p in NOMINAL), said and str(said))
