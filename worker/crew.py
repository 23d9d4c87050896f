"""A few child processes that belong together: started, watched, restarted, stopped."""

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from core.errors import ConfigInvalid, LiftError
from worker.leash import LEASH_VARIABLE

log = logging.getLogger(__name__)

CANNOT_START = 78
"""Exit status of a child whose settings are wrong: starting it again would not help."""
POLL_S = 0.1
SETTLED_S = 10.0
"""A child that lived this long had started properly."""
HOPELESS_DEATHS = 3
LONGEST_PAUSE_S = 30.0


@dataclass(frozen=True)
class Member:
    """One child: what it is called, how it is started, and what its environment adds to ours."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


class Crew:
    """Child processes as a context manager; a thread restarts whoever dies.

    Each child runs in a session of its own, so that a Ctrl-C in the terminal reaches only us, and
    we give each of them time to put its work down. Nest crews that must stop one after the other.

    Args:
        members: in the order in which they start.
        tell: called with a member's name and each line it writes; from several threads.
        grace_s: how long they may take to stop, together, before they are killed.
    """

    def __init__(
        self,
        members: Sequence[Member],
        *,
        tell: Callable[[str, str], None],
        grace_s: float = 20.0,
    ) -> None:
        self._children = [_Child(member, tell) for member in members]
        self._tell = tell
        self._grace_s = grace_s
        self._stopping = threading.Event()
        self._failure: LiftError | None = None
        self._thread = threading.Thread(target=self._tend, name="crew", daemon=True)

    def __enter__(self) -> Self:
        try:
            for child in self._children:
                child.start()
        except BaseException:
            self._stop_children()
            raise
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join()
        self._stop_children()

    @property
    def pids(self) -> dict[str, int]:
        """The process of each member that is alive now."""
        return {child.name: child.pid for child in self._children if child.is_alive}

    def check(self) -> None:
        """Raise if the crew cannot go on.

        Raises:
            ConfigInvalid: a member cannot start; its own message was told before.
        """
        if self._failure is not None:
            raise self._failure

    def _tend(self) -> None:
        while not self._stopping.wait(POLL_S) and self._failure is None:
            for child in self._children:
                self._failure = self._failure or child.tend()

    def _stop_children(self) -> None:
        for child in self._children:
            child.ask_to_stop()
        kill_at = time.monotonic() + self._grace_s
        for child in self._children:
            child.wait_or_kill(kill_at)


class _Child:
    def __init__(self, member: Member, tell: Callable[[str, str], None]) -> None:
        self._member = member
        self._tell = tell
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._started_at = 0.0
        self._restart_at: float | None = None
        self._quick_deaths = 0
        self._had_settled = False

    @property
    def name(self) -> str:
        return self._member.name

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None  # noqa: S101 - asked only of the living
        return self._process.pid

    def start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own commands
            list(self._member.command),
            env=os.environ
            | {"PYTHONUNBUFFERED": "1", LEASH_VARIABLE: "1"}
            | _same_code(os.environ)
            | dict(self._member.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._started_at = time.monotonic()
        self._restart_at = None
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stdout,), name=f"read {self.name}", daemon=True
        )
        self._reader.start()

    def tend(self) -> LiftError | None:
        """Start it again if it died and its pause is over; what makes that pointless, if so."""
        if self.is_alive or self._process is None:
            return None
        if self._restart_at is None:
            return self._mourn(self._process.returncode)
        if time.monotonic() >= self._restart_at:
            self._close()
            self._start_again()
        return None

    def _start_again(self) -> None:
        try:
            self.start()
        except OSError as error:  # too many processes, say; the other members are tended on
            self._tell(self.name, f"cannot be started: {error}")
            self._restart_at = time.monotonic() + LONGEST_PAUSE_S

    def ask_to_stop(self) -> None:
        if self._process is not None and self.is_alive:
            self._process.send_signal(signal.SIGTERM)

    def wait_or_kill(self, kill_at: float) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, kill_at - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._tell(self.name, "did not stop in time; killed")
            self._process.kill()
            self._process.wait()
        self._close()

    def _mourn(self, status: int) -> LiftError | None:
        lived_s = time.monotonic() - self._started_at
        if status == CANNOT_START:
            return ConfigInvalid(f"'{self.name}' cannot start; the reason is in its lines above.")
        if lived_s >= SETTLED_S:
            self._quick_deaths, self._had_settled = 0, True
        self._quick_deaths += 1
        if status < 0:
            # Killed, or crashed in native code: by its first job, perhaps, which is given up in the
            # end. Who cannot start at all says so by a status.
            self._had_settled = True
        if self._quick_deaths >= HOPELESS_DEATHS and not self._had_settled:
            return ConfigInvalid(
                f"'{self.name}' ended {HOPELESS_DEATHS} times right after its start; the reason is "
                "in its lines above."
            )
        pause_s = min(0.5 * 2.0 ** (self._quick_deaths - 1), LONGEST_PAUSE_S)
        self._tell(self.name, f"ended with {_in_words(status)}; starting again in {pause_s:g} s")
        self._restart_at = time.monotonic() + pause_s
        return None

    def _read(self, lines: IO[str]) -> None:
        with lines:
            for line in lines:
                with suppress(OSError):  # nobody reads us; the child must not block on that
                    self._tell(self.name, line.rstrip("\n"))

    def _close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        if self._reader is not None:
            # Closes the other pipe at its end, which a grandchild may hold open for long.
            self._reader.join(timeout=2)


def _same_code(environment: Mapping[str, str]) -> dict[str, str]:
    """Have children import what we run, also from a source tree that is not installed."""
    root = Path(__file__).parents[1]
    if root.name in ("site-packages", "dist-packages"):
        return {}
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(root), environment.get("PYTHONPATH")]))}


def _in_words(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
