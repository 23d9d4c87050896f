"""Which files and hosts a process and its children reach for, as the kernel sees it.

``strace`` tells, where it is installed and allowed; a trace costs little, because only the few
calls that open or connect are stopped at.
"""

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

_CALLS = "open,openat,openat2,creat,connect,execve,symlink,symlinkat,link,linkat,mkdir,mkdirat"
_LINE = re.compile(r"^(?P<pid>\d+) +(?P<time_s>\d+\.\d+) (?P<call>\w+)\((?P<arguments>.*)$")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ADDRESS = re.compile(r"\{.*\}")
_NUMBER = re.compile(r"\d+")
_ROOT = Path(__file__).parents[3]
_LIBC = frozenset({"/proc/sys/vm/overcommit_memory"})  # asked when much memory is given back


@cache
def can_trace() -> bool:
    """Whether processes can be traced here."""
    strace = shutil.which("strace")
    if strace is None:
        return False
    probe = [strace, "-f", "--seccomp-bpf", "-e", "trace=openat", "-o", "/dev/null", "true"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def traced(command: Sequence[str], log: Path) -> list[str]:
    """The command, so that everything that it opens is written down; it keeps its process id."""
    flags = ["-D", "-f", "-q", "--seccomp-bpf", "-ttt", "-s", "4096", "-e", f"trace={_CALLS}"]
    return ["strace", *flags, "-o", str(log), *command]


class Openings:
    """What one process reached for, read from its trace.

    Args:
        log: of the trace.
        own: folders that are its own business.
    """

    def __init__(self, log: Path, own: Iterable[Path]) -> None:
        self._log = log
        self._own = tuple(f"{folder}/" for folder in own)

    def strange(self, since_s: float) -> set[str]:
        """What it reached for after a moment, that is not its own and not usual before.

        Code that is loaded late is usual too: a module of Python, or a library.

        Args:
            since_s: seconds since 1970.
        """
        calls = list(self._calls())
        usual = {_general(target) for time_s, target in calls if time_s < since_s}
        later = {target for time_s, target in calls if time_s >= since_s}
        return {
            target
            for target in later
            if not (_general(target) in usual | _LIBC or self._is_own(target) or _is_code(target))
        }

    def _is_own(self, target: str) -> bool:
        return target.startswith(self._own) and "/../" not in target

    def _calls(self) -> Iterator[tuple[float, str]]:
        if not self._log.exists():
            return
        with self._log.open(errors="replace") as lines:
            for line in lines:
                found = _LINE.match(line)
                if found is None:
                    continue
                named = _TEXT.search(found["arguments"])
                target = named[1] if named else found["arguments"]
                if found["call"] == "connect":
                    # What follows says how it went, or that another thread's call came between.
                    address = _ADDRESS.search(found["arguments"])
                    target = f"connect {address[0] if address else found['arguments']}"
                yield float(found["time_s"]), target


def _general(target: str) -> str:
    """Numbers of processes, sockets and threads differ from time to time."""
    return _NUMBER.sub("#", target)


def _is_code(target: str) -> bool:
    """Part of Python, of an installed package, of the system's libraries, or of our own modules."""
    if "/../" in target:
        return False
    if "/lib/python3" in target:
        return True
    folders = ("/usr/", "/lib", f"{_ROOT}/")
    is_module = target.endswith((".py", ".pyc", ".so")) or "/__pycache__" in target
    return target.startswith(folders) and (is_module or Path(target).is_dir())
