"""How much a mean would change with other clips: frames of one clip are no independent samples."""

import numpy as np
from jaxtyping import Float

DRAWS = 1000
LEVEL = 0.95


def clip_interval(
    sums: Float[np.ndarray, "clips"],
    counts: Float[np.ndarray, "clips"],
    seed: int,
    *,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> tuple[float, float]:
    """Percentile bootstrap of ``sum(sums) / sum(counts)``, clips drawn with replacement.

    Args:
        sums: of the metric over each clip.
        counts: how many values each sum has; a clip without any says nothing and is left out.
        seed: of the draws; the same seed gives the same interval.
        draws: how many times the clips are drawn anew.
        level: nominal coverage of the interval, 0 to 1.

    Returns:
        The lower and the upper end; NaN when fewer than two clips have values.

    Source: Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 1979;
        over clusters, Davison and Hinkley, "Bootstrap Methods and their Application", 1997.
    """
    used = counts > 0
    clips = int(used.sum())
    if clips < 2:
        return float("nan"), float("nan")
    times_drawn = np.random.default_rng(seed).multinomial(
        clips, np.full(clips, 1 / clips), size=draws
    )
    means = (times_drawn @ sums[used]) / (times_drawn @ counts[used])
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
