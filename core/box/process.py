"""A decoder's box from the outside: started, waited for, and ended, whatever becomes of it."""

import json
import logging
import mmap
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from time import monotonic

import psutil

from core.box.channel import Channel, Message, Nonsense
from core.box.kind import BoxKind
from core.box.limits import BoxLimits
from core.box.memory import mapped, shared_memory
from core.box.pages import PageReader
from core.box.planes import Run
from core.box.walls import Walls
from core.closing import Closing
from core.errors import DecoderCrashed, DecoderLimits, DecoderLost, LiftError

log = logging.getLogger(__name__)

LOOK_UP_S = 0.05
"""How often a wait is interrupted to see whether it is still worth it."""
_RENEW_S = 1.0
_LAST_WORDS_BYTES = 4096
_CODE_ROOT = Path(__file__).parents[2]


class Box(Closing):
    """One process, for one file. It starts at once and gets ready while we do something else.

    To be used by one thread at a time.

    Args:
        limits: how much it may take.
        filtered: whether it refuses system calls that decoding does not need.
        kind: what it is for.

    Raises:
        DecoderLost: no process can be started now.
    """

    def __init__(self, limits: BoxLimits, kind: BoxKind, *, filtered: bool = True) -> None:
        self._limits = limits
        self._kind = kind
        self._walls: Walls | None = None
        self._renewed_at = self._started_at = monotonic()
        self._slots: mmap.mmap | None = None
        try:
            self._start(filtered)
        except OSError as error:
            raise DecoderLost(f"The decoder cannot be started: {error.strerror}.") from error

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._slots is not None and self._process.poll() is None

    def walls(self, on_step: Callable[[], None] = lambda: None) -> Walls:
        """What stands around it, as soon as it stands.

        Raises:
            DecoderLost: it died before.
        """
        if self._walls is None:
            try:
                message = self._wait(self._started_at, self._limits.start_s, on_step)
            except (EOFError, Nonsense):
                status, words = self._end()
                log.error("the decoder's box did not start (%s): %s", status, words)
                raise DecoderLost("The decoder could not be started.") from None
            if message is None:
                self.close()
                raise DecoderLost("The decoder did not start in time.")
            walls = message["walls"]  # said before it has seen any file: to be believed
            self._walls = Walls(tuple(walls["made_of"]), tuple(walls["open"]))
        return self._walls

    def give(self, file: int, on_step: Callable[[], None] = lambda: None) -> None:
        """Hand the open file over, once the walls stand.

        Raises:
            DecoderLost: the box died before it had seen the file.
        """
        self.walls(on_step)
        try:
            self._channel.send_file(file)
        except OSError:
            raise self._post_mortem() from None

    def send(self, message: Mapping[str, object]) -> None:
        """Ask for something, or give a slot back.

        Raises:
            VideoError: the box has died, and the file made it die.
            DecoderLost: somebody else did.
        """
        try:
            self._channel.send(message)
        except OSError:
            raise self._post_mortem() from None

    def receive(self, on_step: Callable[[], None]) -> Message:
        """Its next message, which may come from an attacker by now.

        Args:
            on_step: called at every message, and often while none comes; may raise.

        Raises:
            Nonsense: it is no message.
            VideoError: the box has died or gone silent, and the file made it do so.
            DecoderLost: somebody else ended it.
        """
        try:
            message = self._wait(monotonic(), self._limits.silence_s, on_step)
        except EOFError:
            raise self._post_mortem() from None
        if message is None:
            self.close()
            raise DecoderLimits(
                f"The decoder got nowhere for {self._limits.silence_s:g} s and was stopped. "
                f"Convert the {self._kind.noun} to another format and try again."
            )
        self._renew()
        on_step()
        return message

    def runs(
        self, planes: Sequence[tuple[int, int]], next_message: Callable[[], Message]
    ) -> Iterator[tuple[Run, memoryview]]:
        """The rows of a picture whose header has come; see :meth:`PageReader.runs`."""
        assert self._slots is not None  # noqa: S101 - asked only of an open box
        return self._pages.runs(self._slots, planes, next_message, self._give_back)

    def distrust(self, nonsense: Exception) -> DecoderCrashed:
        """End a box that was taken over, or has gone mad."""
        log.error("the decoder's box sent %s", nonsense)
        self.close()
        return self._crashed()

    def close(self) -> None:
        """End the process, if it has not ended, and leave nothing of it."""
        if self._slots is None:
            return
        self._process.kill()
        self._end()

    def _give_back(self) -> None:
        self.send({"free": 1})

    def _start(self, filtered: bool) -> None:
        with ExitStack() as theirs, ExitStack() as ours:
            connection, other_end = socket.socketpair()
            ours.callback(connection.close)
            theirs.callback(other_end.close)
            slots = shared_memory()
            theirs.callback(os.close, slots)
            memory = mapped(slots)
            ours.callback(memory.close)
            leash, self._leash = os.pipe()
            theirs.callback(os.close, leash)
            ours.callback(os.close, self._leash)
            self._words, words = os.pipe()
            theirs.callback(os.close, words)
            ours.callback(os.close, self._words)
            os.set_blocking(words, False)  # who talks too much is not listened to, nor held up
            os.set_blocking(self._words, False)
            argv = [str(other_end.fileno()), str(slots), json.dumps(asdict(self._limits))]
            # A session of its own: Ctrl-C in a terminal is for us, and we end the box.
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [
                    *(sys.executable, "-P", "-S", "-B", "-m", self._kind.module, *argv),
                    "filtered" if filtered else "unfiltered",
                ],
                stdin=leash,
                stdout=subprocess.DEVNULL,
                stderr=words,
                pass_fds=(other_end.fileno(), slots),
                cwd="/",
                env=_environment(),
                start_new_session=True,
            )
            self._slots, self._pages, self._channel = memory, PageReader(), Channel(connection)
            ours.pop_all()

    def _wait(self, since: float, patience_s: float, on_step: Callable[[], None]) -> Message | None:
        while True:
            message = self._channel.receive(LOOK_UP_S)
            if message is not None or monotonic() - since > patience_s:
                return message
            on_step()

    def _renew(self) -> None:
        """It lives: from now on it may use as much processor time as before."""
        if sys.platform != "linux" or monotonic() - self._renewed_at < _RENEW_S:
            return
        import resource

        self._renewed_at = monotonic()
        with suppress(psutil.Error, OSError):
            used = psutil.Process(self.pid).cpu_times()
            _, most_s = resource.prlimit(self.pid, resource.RLIMIT_CPU)
            soft_s = int(used.user + used.system) + self._limits.cpu_s
            resource.prlimit(self.pid, resource.RLIMIT_CPU, (soft_s, most_s))

    def _post_mortem(self) -> LiftError:
        """Why the box is gone."""
        status, words = self._end()
        if status == -signal.SIGKILL:
            return DecoderLost(
                "The decoder was killed, perhaps because the machine ran out of memory."
            )
        if status == -signal.SIGXCPU:
            return DecoderLimits(
                f"The decoder took {self._limits.cpu_s} s of processor time and got nowhere. "
                f"Convert the {self._kind.noun} to another format and try again."
            )
        log.error("the decoder's box ended with %s: %s", _in_words(status), words)
        return self._crashed()

    def _crashed(self) -> DecoderCrashed:
        noun = self._kind.noun
        return DecoderCrashed(
            f"The decoder crashed on this {noun}: the file is damaged, or made to do harm. Convert "
            f"the {noun} to another format and try again."
        )

    def _end(self) -> tuple[int, str]:
        """Wait for its end, and give everything back; its exit status and last words."""
        try:
            status = self._process.wait(_RENEW_S)
        except subprocess.TimeoutExpired:  # it closed its end of the channel, and goes on
            self._process.kill()
            self._process.wait()
            status = -signal.SIGABRT
        words = b""
        with suppress(BlockingIOError):
            words = os.read(self._words, _LAST_WORDS_BYTES)
        self._let_go()
        return status, words.decode(errors="backslashreplace").strip()

    def _let_go(self) -> None:
        if self._slots is not None:
            self._channel.close()
            os.close(self._leash)
            os.close(self._words)
            with suppress(BufferError):  # somebody still looks: it goes with the last view
                self._slots.close()
            self._slots = None


def _in_words(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"status {status}"


def _environment() -> dict[str, str]:
    """Where its code is, and nothing of ours: a worker's variables hold passwords."""
    path = [str(_CODE_ROOT), *filter(None, sys.path)]
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "TZ") if name in os.environ}
    # Walls bind the threads that there are: libraries must not bring any of their own.
    alone = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return kept | alone | {"PYTHONPATH": os.pathsep.join(path)}
