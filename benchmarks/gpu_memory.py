"""Budgets of device memory: kept by one worker, and by two that share a card."""

import json
import subprocess
import sys
from contextlib import ExitStack

from benchmarks.gpu_memory_run import BEYOND, Took
from benchmarks.gpu_step import NEEDS_GPU, Finding, Findings, NotHere, Setting

_BUDGETS_MIB = (1024, 4096, 16384)
_SHARED_MIB = 4096


def within_budgets(setting: Setting) -> Findings:
    """One worker after another, each with a budget of its own."""
    digests = set()
    for budget_mib in (512,) if setting.quick else _BUDGETS_MIB:
        (took,) = _work(setting, budget_mib, workers=1)
        digests.add(took.digest)
        name = f"budget {budget_mib} MiB"
        yield from _of_one(setting, name, budget_mib, took)
        if setting.has_gpu:
            words = f"{name}: taken from the device, CUDA's own part included"
            yield Finding(words, took.device_mib, "MiB")
        yield Finding(f"{name}: lifting 2D that is there", took.frames_per_s, "frames/s")
        if took.video_fps:
            yield Finding(f"{name}: a video from end to end", took.video_fps, "frames/s")
    # The batch follows from the budget, and products of other sizes may round otherwise.
    yield Finding("different results", len(digests))


def two_workers(setting: Setting) -> Findings:
    """At the same time on one card, against one of them alone."""
    budget_mib = 512 if setting.quick else _SHARED_MIB
    (alone,) = _work(setting, budget_mib, workers=1)
    both = _work(setting, budget_mib, workers=2)
    for number, took in enumerate(both, start=1):
        yield from _of_one(setting, f"worker {number}", budget_mib, took)
    digests = {took.digest for took in (alone, *both)}
    yield Finding("results that differ from one worker's", len(digests) - 1, at_most=0)
    for what in ("frames_per_s", "video_fps"):
        one, sum_of_both = getattr(alone, what), sum(getattr(took, what) for took in both)
        if one:
            words = "lifting" if what == "frames_per_s" else "a video from end to end"
            yield Finding(f"{words}: both over one alone", round(sum_of_both / one, 2))


def _of_one(setting: Setting, name: str, budget_mib: int, took: Took) -> Findings:
    if not setting.has_gpu:
        yield Finding(f"{name}: peak of GPU memory", NEEDS_GPU)
        return
    share = round(took.reserved_mib / budget_mib, 3)
    yield Finding(f"{name}: peak reserved", took.reserved_mib, "MiB")
    yield Finding(f"{name}: peak over budget", share, at_most=BEYOND)
    refuses = "refused" if took.refuses_more else "granted"
    yield Finding(f"{name}: a block larger than the budget", refuses)
    yield Finding(f"{name}: such blocks granted", int(not took.refuses_more), at_most=0)


def _work(setting: Setting, budget_mib: int, workers: int) -> list[Took]:
    """So many workers, which begin to work together once all of them are ready."""
    command = [
        sys.executable, "-m", "benchmarks.gpu_memory_run",
        setting.device_name, str(budget_mib), str(setting.cache_folder),
        str(setting.lifter), str(setting.pose_model), "100" if setting.quick else "20000",
        _video(setting),
    ]  # fmt: skip
    with ExitStack() as ends:
        crew: list[subprocess.Popen[str]] = []
        for _ in range(workers):
            one = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            ends.enter_context(one)
            ends.callback(one.kill)
            crew.append(one)
        for one in crew:
            assert one.stdout is not None
            if one.stdout.readline().strip() != "ready":
                raise RuntimeError(f"a worker with {budget_mib} MiB did not start; see above")
        answers = []
        for one in crew:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        for one in crew:
            assert one.stdout is not None
            answers.append(one.stdout.readline())
            if one.wait() != 0:
                raise RuntimeError(f"a worker with {budget_mib} MiB ended with {one.returncode}")
    return [Took(**json.loads(answer)) for answer in answers]


def _video(setting: Setting) -> str:
    """A real one if it is there; a rehearsal leaves it out, end to end has its own step."""
    if setting.quick:
        return "-"
    try:
        setting.bundle(setting.pose_model)
        return str(setting.demo_clip())
    except NotHere:
        return "-"
