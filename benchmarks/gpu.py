"""Everything that needs a GPU, checked and measured by one command in less than eight minutes.

``python -m benchmarks gpu`` takes every step in a process of its own: what one step breaks, another
does not see. It writes ``gpu.json`` and ``gpu.md``, anew after every step, so that a run that is
cut off has left what it found. Nothing is fetched: pose models and the demo's clip must be in the
cache (``poselift assets fetch --models all``), and steps that lack them say so.

``--device cpu --quick`` takes the same steps through the same code with tiny sizes. It measures
nothing; it shows that the command runs.
"""

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

import psutil
import torch
from rich.console import Console

from benchmarks import (
    gpu_decode,
    gpu_lifting,
    gpu_memory,
    gpu_pipeline,
    gpu_pose,
    gpu_training,
)
from benchmarks.gpu_report import Outcome, circumstances, write
from benchmarks.gpu_step import Finding, Findings, NotHere, Setting, Step
from core.assets.cache import default_cache_folder

LIMIT_S = 470
_CALLED_OFF = "no time was left"


def _device(setting: Setting) -> Findings:
    for name, value in gpu_pipeline.facts_of_the_device(setting).items():
        yield Finding(name, value)
    float(torch.ones(8, device=setting.device).sum())


STEPS = (
    Step("device", "The device", _device),
    Step("pose", "2D networks: the CPU's answers", gpu_pose.same_answers, 90),
    Step("recordings", "2D networks: recorded graphs", gpu_pose.recordings),
    Step("pose-batches", "2D networks: any batch", gpu_pose.same_in_any_batch),
    Step("lifter", "Lifter: the CPU's answers", gpu_lifting.same_answers),
    Step("lifter-batches", "Lifter: any batch", gpu_lifting.same_in_any_batch),
    Step("pose-rates", "2D networks: rates", gpu_pose.rates, 120),
    Step("lifter-rates", "Lifter: rates", gpu_lifting.rates, 90),
    Step("together", "2D and lifting, without decoding", gpu_pipeline.together, 120),
    Step("decoding", "Decoding on the GPU", gpu_decode.on_gpu, 60),
    Step("end-to-end", "A video from end to end", gpu_pipeline.end_to_end, 150),
    Step("budgets", "Memory within budgets", gpu_memory.within_budgets, 120),
    Step("two-workers", "Two workers on one card", gpu_memory.two_workers, 90),
    Step("lifter-memory", "Lifter: out of memory", gpu_lifting.out_of_memory),
    Step("pose-memory", "2D networks: out of memory", gpu_pose.out_of_memory),
    Step("going-on", "Training goes on exactly", gpu_training.going_on, 60),
    Step("training", "Training: rates", gpu_training.rates, 120),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Take the steps and write the report.

    Returns:
        1 if a step failed or a promise is not kept, else 0.
    """
    args = _arguments(argv)
    console = Console(soft_wrap=True, highlight=False)
    outcomes: list[Outcome] = []
    stem = "gpu" if args.device == "cuda" and not args.quick else "gpu-rehearsal"
    processes = fresh_processes(args.device)
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(
            device_name=args.device,
            quick=args.quick,
            folder=Path(folder),
            cache_folder=args.cache_dir,
            motion=args.motion,
        )
        ends_s = time.monotonic() + args.limit_s
        for step in STEPS:
            if args.only and step.name not in args.only and step.name != "device":
                continue
            outcome = take(step, setting, ends_s, processes)
            outcomes.append(outcome)
            _say(console, outcome)
            where = circumstances(setting, _facts(outcomes))
            write(args.out, stem, where, outcomes)
    console.print(f"Written to {args.out / stem}.json and .md")
    bad = [one for one in outcomes if one.error is not None or one.broken]
    return 1 if bad else 0


def fresh_processes(device: str) -> BaseContext:
    """How they are started: CUDA does not survive a fork; without it, one import serves all."""
    if device == "cuda":
        return multiprocessing.get_context("spawn")
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["benchmarks.gpu"])
    return processes


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks gpu")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: a rehearsal")
    parser.add_argument("-o", "--out", type=Path, default=Path("docs"), help="folder of the report")
    parser.add_argument(
        "--cache-dir", type=Path, default=default_cache_folder(), help="of fetched model files"
    )
    parser.add_argument("--motion", type=Path, help="an .npz of motion to train on")
    parser.add_argument("--limit-s", type=float, default=LIMIT_S, help="for everything together")
    names = [step.name for step in STEPS]
    parser.add_argument("--only", nargs="+", choices=names, metavar="STEP", help=", ".join(names))
    return parser.parse_args(argv)


def take(step: Step, setting: Setting, ends_s: float, processes: BaseContext) -> Outcome:
    """One step in a process of its own, for as long as it may take."""
    left_s = ends_s - time.monotonic()
    if left_s <= 0:
        return Outcome(step.name, step.what, (), 0.0, absent=_CALLED_OFF)
    own = replace(setting, folder=setting.folder / step.name)
    own.folder.mkdir()
    journal = own.folder / "findings.jsonl"
    start_s = time.monotonic()
    process = processes.Process(target=run_step, args=(step, own, journal))  # pyright: ignore[reportAttributeAccessIssue]
    process.start()
    # A rehearsal is about nothing being wrong, however busy the machine.
    limit_s = left_s if setting.quick else min(step.limit_s, left_s)
    process.join(limit_s)
    too_long = process.is_alive()
    if too_long:
        _end(psutil.Process(process.pid))
        process.join()
    seconds = time.monotonic() - start_s
    findings, ended = _read(journal)
    if not ended:
        reason = f"ended after {limit_s:.0f} s" if too_long else f"exit code {process.exitcode}"
        ended = {"error": reason}
    return Outcome(step.name, step.what, findings, seconds, ended.get("absent"), ended.get("error"))


def _end(process: psutil.Process) -> None:
    """With the processes that it started."""
    family = [process, *process.children(recursive=True)]
    for one in family:
        with suppress(psutil.NoSuchProcess):
            one.kill()


def run_step(step: Step, setting: Setting, journal: Path) -> None:
    """In its own process: write down each finding as it comes, then how the step ended."""
    torch.set_num_threads(1)  # as in a worker
    ended: dict[str, str] = {"done": ""}
    with journal.open("w") as lines:
        try:
            for finding in step.take(setting):
                lines.write(json.dumps(asdict(finding)) + "\n")
                lines.flush()
        except NotHere as reason:
            ended = {"absent": str(reason)}
        except BaseException:
            ended = {"error": traceback.format_exc(limit=-6).strip()}
        lines.write(json.dumps(ended) + "\n")


def _read(journal: Path) -> tuple[tuple[Finding, ...], dict[str, str]]:
    """What a step wrote before it ended; nothing about how, if it could not."""
    lines = journal.read_text().splitlines() if journal.exists() else []
    entries: list[dict[str, Any]] = [json.loads(line) for line in lines]
    findings = tuple(Finding(**entry) for entry in entries if "what" in entry)
    return findings, next((entry for entry in entries if "what" not in entry), {})


def _facts(outcomes: Sequence[Outcome]) -> Mapping[str, Any]:
    (device,) = [outcome for outcome in outcomes if outcome.name == "device"]
    return {finding.what: finding.value for finding in device.findings}


def _say(console: Console, outcome: Outcome) -> None:
    console.print(f"[bold]{outcome.what}[/] ({outcome.seconds:.1f} s)")
    for finding in outcome.findings:
        mark = " [red]not kept[/]" if finding.kept is False else ""
        console.print(f"  {finding.what}: {finding.value} {finding.unit}{mark}")
    if outcome.absent is not None:
        console.print(f"  [yellow]{outcome.absent}[/]")
    if outcome.error is not None:
        console.print(f"  [red]failed[/]: {outcome.error}", markup=True)


if __name__ == "__main__":
    sys.exit(main())
