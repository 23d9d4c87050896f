"""The soak's report: the table for people, and the same in JSON for programs."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.measurement import machine
from benchmarks.soak_outcome import Outcome

COLUMNS = ("promise", "trials", "lost", "double", "mixed", "dead", "seconds to recover", "")
HARMS = ("lost", "double", "mixed", "dead")
LEGEND = (
    "`lost`: acknowledged, then neither kept nor ended. `double`: there once too often. `mixed`: "
    "not what an undisturbed run makes. `dead`: processes that ended though nobody killed them. "
    "`seconds to recover`: median / longest; workers' leases last two seconds here, in service 30."
)


def row(outcome: Outcome) -> tuple[str, ...]:
    """A line of the table."""
    wanted, times = outcome.promise.wanted, outcome.times
    recovery = outcome.recovery
    return (
        outcome.promise.what,
        f"{times} of {wanted}" if wanted is not None and times < wanted else str(times),
        *(str(outcome.total(harm)) for harm in HARMS),
        "-" if recovery is None else f"{recovery[0]:.1f} / {recovery[1]:.1f}",
        outcome.verdict,
    )


def remarks(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Numbers that have no column, and each problem once, with how often it came."""
    for outcome in outcomes:
        name = outcome.promise.name
        for figure in outcome.figures:
            promised = "" if figure.at_most is None else f" (at most {figure.at_most:g})"
            yield f"{name}, {figure.what}: {figure.value:.4g} {figure.unit}".rstrip() + promised
        for problem in dict.fromkeys(outcome.problems):
            times = outcome.problems.count(problem)
            yield f"{name}, PROBLEM: {problem}" + (f" ({times} times)" if times > 1 else "")


def circumstances(minutes: float, seed: int, root: Path) -> dict[str, Any]:
    """When, where and of what."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _commit(root),
        "command": f"python -m benchmarks soak --minutes {minutes:g} --seed {seed}",
        "machine": machine(),
        "usable_cores": cores,
        "load_before": round(os.getloadavg()[0], 1),
    }


def write(folder: Path, where: Mapping[str, Any], outcomes: Sequence[Outcome]) -> None:
    """``soak.json`` and ``soak.md``, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    promises = [
        {
            "name": outcome.promise.name,
            "what": outcome.promise.what,
            "kept": outcome.is_kept,
            "trials": outcome.times,
            "wanted": outcome.promise.wanted,
            **{harm: outcome.total(harm) for harm in HARMS},
            "recovery_s": outcome.recovery,
            "seconds": round(outcome.seconds, 1),
            "figures": [asdict(figure) for figure in outcome.figures],
            "problems": outcome.problems,
        }
        for outcome in outcomes
    ]
    content = json.dumps({**where, "promises": promises}, indent=1) + "\n"
    for name, text in (("soak.json", content), ("soak.md", page(where, outcomes))):
        partial = folder / f"{name}.partial"
        partial.write_text(text)
        partial.replace(folder / name)


def page(where: Mapping[str, Any], outcomes: Sequence[Outcome]) -> str:
    """The report as it is committed."""
    minutes = sum(outcome.seconds for outcome in outcomes) / 60
    cpu = where["machine"]["cpu"]
    lines = [
        "# What holds when things go wrong for a quarter of an hour",
        "",
        "Real `redis-server`, server and worker processes, real kills; only the 2D networks are "
        "stand-ins. Each promise is tried by itself; they are said in "
        "[guarantees](../docs/guarantees.md).",
        "",
        f"```sh\n{where['command']}\n```",
        "",
        f"{where['date']}, commit {where['commit']}, {minutes:.1f} minutes, {cpu}, "
        f"{where['usable_cores']} cores (load at the start: {where['load_before']}).",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "---|" * len(COLUMNS),
        *("| " + " | ".join(row(outcome)) + " |" for outcome in outcomes),
        "",
        LEGEND,
        "",
        *(f"- {remark}" for remark in remarks(outcomes)),
        "",
    ]
    return "\n".join(lines)


def _commit(root: Path) -> str:
    """The commit that is checked out, and whether the files are others."""
    try:
        asked = [
            subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True)  # noqa: S607
            for words in (["rev-parse", "--short=10", "HEAD"], ["status", "--porcelain", "-uno"])
        ]
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    name, changes = (one.stdout.strip() for one in asked)
    return f"{name} with changes" if changes else name
