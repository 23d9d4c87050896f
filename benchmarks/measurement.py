"""What a benchmark found, and how it is kept."""

import json
import os
import platform
import resource
import sys
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

BASELINES = Path(__file__).parent / "baselines"


@dataclass(frozen=True)
class Measurement:
    """Ratios, with the numbers they come from.

    Attributes:
        ratios: by name; what is compared between machines and over time.
        at_most: the largest ratio we promise, for those with a promise.
        rows: the numbers behind them, one dictionary per line of the printed table.
        note: what one must know to read them.
    """

    ratios: dict[str, float]
    at_most: dict[str, float] = field(default_factory=dict)
    rows: list[dict[str, float | int | str]] = field(default_factory=list)
    note: str = ""

    @property
    def broken(self) -> list[str]:
        """Ratios that are not what we promise."""
        return [name for name, most in self.at_most.items() if self.ratios[name] > most]


def save(name: str, measurement: Measurement) -> Path:
    """Write the measurement, with date and machine, as the new baseline."""
    path = BASELINES / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    content = {
        "name": name,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        **asdict(measurement),
    }
    path.write_text(json.dumps(content, indent=2) + "\n")
    return path


def machine() -> dict[str, Any]:
    """What it was measured on."""
    return {"cpu": _cpu_model(), "cores": os.cpu_count(), "system": platform.system()}


def resident_peak_bytes(used: resource.struct_rusage) -> int:
    """The most memory a process ever had, of what it used as the system counts it."""
    return used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)  # macOS counts in bytes


def committed_ratios(name: str) -> dict[str, Any]:
    """Ratios of the baseline that is there now; empty if there is none."""
    path = BASELINES / f"{name}.json"
    return json.loads(path.read_text())["ratios"] if path.exists() else {}


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
