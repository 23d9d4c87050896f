"""What many pairs of runs say together: tables of plain numbers, ready for JSON."""

from collections.abc import Sequence

import numpy as np

from benchmarks.detector_noise_episodes import bursts, marked, swaps
from benchmarks.detector_noise_hint import summarise_hint
from benchmarks.detector_noise_numbers import Numbers, quantiles, spectrum_of, steady
from benchmarks.detector_noise_pairs import CHAINS, LIMB_JOINTS, MERGEABLE, Pair, rows

PARTS: dict[str, list[int]] = {
    "face": list(range(11)),
    "shoulder": rows("shoulder"),
    "elbow": rows("elbow"),
    "wrist": rows("wrist"),
    "hand": rows("pinky", "index", "thumb"),
    "hip": rows("hip"),
    "knee": rows("knee"),
    "ankle": rows("ankle"),
    "heel": rows("heel"),
    "toe": rows("foot_index"),
}
CONFIDENCE_STEPS = (0.0, 0.1, 0.3, 0.6, 0.8, 0.95, 0.99, 1.0)


def summarise(pairs: Sequence[Pair]) -> Numbers:
    """Everything about one kind of pair, over all clips."""
    return {
        "frames": int(sum(pair.comparable.sum() for pair in pairs)),
        "frames_3d": int(sum(np.isfinite(pair.log_scale).sum() for pair in pairs)),
        "hint": summarise_hint(pairs),
        "parts": {name: _part(pairs, part) for name, part in PARTS.items()},
        "confidence": _by_confidence(pairs),
        "swaps": {name: swaps(pairs, name) for name in CHAINS},
        "merges": {
            name: marked(pairs, [pair.merged[name] for pair in pairs], name) for name in MERGEABLE
        },
    }


def _part(pairs: Sequence[Pair], part: list[int]) -> Numbers:
    flat = [np.where(p.inside[..., None], p.keypoints_m, np.nan)[:, part] for p in pairs]
    lengths = np.concatenate([np.linalg.norm(values, axis=-1).ravel() for values in flat])
    hint = [pair.hint_m[:, part] for pair in pairs]
    return {
        "keypoints_cm": {**quantiles(lengths, 0.01), "spectrum": spectrum_of(pairs, flat, 0.01)},
        "hint_sideways_cm": spectrum_of(pairs, [values[..., :2] for values in hint], 0.01),
        "hint_depth_cm": spectrum_of(pairs, [values[..., 2:] for values in hint], 0.01),
        "bursts": bursts(pairs, part),
    }


def _by_confidence(pairs: Sequence[Pair]) -> list[Numbers]:
    flat, solid, sure = (
        np.concatenate([values[:, LIMB_JOINTS].ravel() for values in all_])
        for all_ in (
            [
                np.where(p.inside, np.linalg.norm(steady(p, p.keypoints_m), axis=-1), np.nan)
                for p in pairs
            ],
            [np.linalg.norm(steady(p, p.hint_m), axis=-1) for p in pairs],
            [p.confidence for p in pairs],
        )
    )
    steps = zip(CONFIDENCE_STEPS, (*CONFIDENCE_STEPS[1:-1], 1.001), strict=False)
    return [
        {
            "from": low,
            "to": min(high, 1.0),
            "joints": int(((sure >= low) & (sure < high) & np.isfinite(flat)).sum()),
            "keypoints_cm": quantiles(flat[(sure >= low) & (sure < high)], 0.01),
            "hint_cm": quantiles(solid[(sure >= low) & (sure < high)], 0.01),
        }
        for low, high in steps
    ]
