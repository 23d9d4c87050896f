"""One promise of the soak, tried in a process of its own: what it breaks, the others do not see."""

import json
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil

from benchmarks.soak_outcome import INTERRUPTED, Outcome
from benchmarks.soak_promise import Figure, Promise, Setting, Trial
from benchmarks.soak_time import ENDING_S

_LOOK_S = 0.2
CLEARING_UP_S = 45.0
"""A promise that is stopped may take so long to end the processes it started."""


def hold(
    promise: Promise, folder: Path, seed: int, share_s: float, interrupted: threading.Event
) -> Outcome:
    """Try a promise for so long, or until it is interrupted."""
    folder.mkdir()
    started_s = time.monotonic()
    setting = Setting(folder, seed, share_s, started_s + share_s)
    journal = folder / "journal.jsonl"
    processes = multiprocessing.get_context("forkserver")  # one import serves all
    processes.set_forkserver_preload(["benchmarks.soak"])
    process = processes.Process(target=keep_journal, args=(promise, setting, journal))
    process.start()
    limit = share_s + ENDING_S
    while process.is_alive() and not interrupted.is_set():
        if time.monotonic() > started_s + limit:
            break
        process.join(_LOOK_S)
    too_long = process.is_alive()
    _end(process)
    entries, ending = read(journal)
    if ending is None:
        ending = f"exit code {process.exitcode}"
    if too_long:
        ending = f"ended after {limit:.0f} s"
    failure = INTERRUPTED if interrupted.is_set() and too_long else ending or None
    return Outcome(promise, entries, time.monotonic() - started_s, failure)


def _end(process: BaseProcess) -> None:
    """First let it end what it started, then kill what is left of it all."""
    assert process.pid is not None
    family: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
    if process.is_alive():
        os.kill(process.pid, signal.SIGINT)  # alone: it is in a session of its own
        process.join(CLEARING_UP_S)
        process.kill()
    process.join()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for one in family:
        with suppress(psutil.NoSuchProcess):
            one.kill()


def keep_journal(promise: Promise, setting: Setting, journal: Path) -> None:
    """In its own process: write down each entry as it comes, then how it ended."""
    os.setsid()
    with (setting.folder / "stderr").open("wb") as file:  # encoders are talkative
        os.dup2(file.fileno(), 2)
    # Whoever started us in the background may have had it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_follow_parent, daemon=True).start()
    _forget_settings()
    ending = ""
    with journal.open("w") as lines:
        try:
            for entry in promise.hold(setting):
                kind = type(entry).__name__
                lines.write(json.dumps({"kind": kind, "entry": asdict(entry)}) + "\n")
                lines.flush()
        except BaseException as error:
            where = traceback.extract_tb(error.__traceback__)
            lately = " < ".join(f"{Path(at.filename).name}:{at.lineno}" for at in where[-1:-4:-1])
            ending = f"{type(error).__name__}: {error} ({lately})"
        lines.write(json.dumps({"kind": "end", "entry": ending}) + "\n")


def read(journal: Path) -> tuple[tuple[Trial | Figure, ...], str | None]:
    """What was written, and what stopped it: empty if nothing did, None if it could not say."""
    kinds: dict[str, type[Trial | Figure]] = {"Trial": Trial, "Figure": Figure}
    found = list(_entries(journal))
    entries = tuple(kinds[kind](**entry) for kind, entry in found if kind in kinds)
    return entries, next((entry for kind, entry in found if kind == "end"), None)


def _entries(journal: Path) -> Iterator[tuple[str, Any]]:
    for line in journal.read_text().splitlines() if journal.exists() else ():
        with suppress(ValueError):  # the process was killed while it wrote
            found = json.loads(line)
            yield found["kind"], found["entry"]


def _forget_settings() -> None:
    """Those of whoever runs us, but for the folder of fetched models."""
    for name in list(os.environ):
        if name.startswith("POSELIFT_") and name != "POSELIFT_CACHE_DIR":
            del os.environ[name]


def _follow_parent() -> None:
    """End when it does, kill -9 included."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGINT)


@contextmanager
def ctrl_c() -> Iterator[threading.Event]:
    """Set by a Ctrl-C, however often it is pressed; nothing is interrupted by itself."""
    pressed = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: pressed.set())
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
