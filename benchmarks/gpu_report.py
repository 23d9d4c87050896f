"""The GPU benchmark's report: JSON for programs, Markdown for people."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.gpu_step import Finding, Setting
from benchmarks.measurement import machine


@dataclass(frozen=True)
class Outcome:
    """What became of one step.

    Attributes:
        name: of the step.
        what: it is about.
        findings: until it ended, however it ended.
        seconds: that it took.
        absent: why it was not taken, or not to its end.
        error: what stopped it.
    """

    name: str
    what: str
    findings: tuple[Finding, ...]
    seconds: float
    absent: str | None = None
    error: str | None = None

    @property
    def broken(self) -> list[Finding]:
        """Findings that are not what we promise."""
        return [finding for finding in self.findings if finding.kept is False]

    @property
    def state(self) -> str:
        if self.error is not None:
            return "failed"
        return "absent" if self.absent is not None else "done"


def circumstances(setting: Setting, device: Mapping[str, Any]) -> dict[str, Any]:
    """When and where; what the device says of itself comes from a step, in a process that may."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "command": "python -m benchmarks gpu"
        + ("" if setting.has_gpu else " --device cpu")
        + (" --quick" if setting.quick else ""),
        "rehearsal": setting.quick or not setting.has_gpu,
        "machine": machine(),
        "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "python": platform.python_version(),
        "driver": _driver() if setting.has_gpu else None,
        **device,
    }


def write(folder: Path, stem: str, where: Mapping[str, Any], outcomes: Sequence[Outcome]) -> None:
    """Both files, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    steps = [
        {
            **asdict(outcome),
            "state": outcome.state,
            "findings": [{**asdict(one), "kept": one.kept} for one in outcome.findings],
        }
        for outcome in outcomes
    ]
    content = json.dumps({**where, "steps": steps}, indent=1) + "\n"
    paths = folder / f"{stem}.json", folder / f"{stem}.md"
    for path, text in zip(paths, (content, markdown(where, outcomes)), strict=True):
        partial = path.with_suffix(f"{path.suffix}.partial")
        partial.write_text(text)
        partial.replace(path)


def markdown(where: Mapping[str, Any], outcomes: Sequence[Outcome]) -> str:
    """The tables as they stand in the docs."""
    parts = ["# On a GPU", f"```sh\n{where['command']}\n```", _where(where)]
    if where["rehearsal"]:
        parts.append(
            "**A rehearsal**: it shows that the steps run. Its numbers say nothing about a GPU."
        )
    parts.append(_overview(outcomes))
    for outcome in outcomes:
        parts.append(f"## {outcome.what}")
        if outcome.findings:
            parts.append(_table(outcome.findings))
        if outcome.absent is not None:
            parts.append(f"Not measured: {outcome.absent}.")
        if outcome.error is not None:
            parts.append(f"**Failed:**\n\n```\n{outcome.error}\n```")
    return "\n\n".join(parts) + "\n"


def _where(where: Mapping[str, Any]) -> str:
    rows = ["| | |", "|---|---|"]
    for name in ("date", "device", "driver", "memory", "torch", "cuda", "cudnn", "python"):
        if where.get(name) is not None:
            rows.append(f"| {name} | {where[name]} |")
    cpu = where["machine"]
    rows.append(f"| CPU | {cpu['cpu']}, {where.get('usable_cores') or cpu['cores']} cores |")
    return "\n".join(rows)


def _overview(outcomes: Sequence[Outcome]) -> str:
    rows = ["| step | state | promises kept | seconds |", "|---|---|---|---|"]
    for outcome in outcomes:
        promised = [one for one in outcome.findings if one.kept is not None]
        kept = f"{len(promised) - len(outcome.broken)} of {len(promised)}" if promised else "-"
        state = outcome.state if outcome.absent is None else outcome.absent
        rows.append(f"| {outcome.what} | {state} | {kept} | {outcome.seconds:.1f} |")
    return "\n".join(rows)


def _table(findings: Sequence[Finding]) -> str:
    rows = ["| what | value | promise | |", "|---|---|---|---|"]
    marks = {True: "kept", False: "**not kept**", None: ""}
    for one in findings:
        promise = ""
        if one.at_most is not None:
            promise = f"at most {one.at_most:g}"
        if one.at_least is not None:
            promise = f"at least {one.at_least:g}"
        rows.append(f"| {one.what} | {_value(one)} | {promise} | {marks[one.kept]} |")
    return "\n".join(rows)


def _value(one: Finding) -> str:
    if isinstance(one.value, str):
        return one.value
    large = 100
    number = f"{one.value:,.0f}" if abs(one.value) >= large else f"{one.value:.4g}"
    return f"{number} {one.unit}".strip()


def _driver() -> str | None:
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return asked.stdout.splitlines()[0].strip() if asked.stdout.strip() else None
