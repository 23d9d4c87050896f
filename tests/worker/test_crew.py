"""Children are started, told apart, restarted, and stopped."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.errors import ConfigInvalid
from tests.waiting import wait_for
from worker.crew import CANNOT_START, HOPELESS_DEATHS, Crew, Member

SLEEPER = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *a: (print("bye"), sys.exit(0)))
print("hello")
while True: time.sleep(0.05)
"""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf')\n" + (
    "while True: time.sleep(0.05)"
)


def member(name: str, code: str, **environment: str) -> Member:
    return Member(name, [sys.executable, "-c", code], environment)


@pytest.fixture
def heard() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def tell(heard):
    return lambda name, line: heard.append((name, line))


def test_members_are_told_apart_and_stopped(heard, tell):
    with Crew([member("a", SLEEPER), member("b", SLEEPER)], tell=tell):
        wait_for(lambda: {("a", "hello"), ("b", "hello")} <= set(heard))
    assert sorted(heard[-2:]) == [("a", "bye"), ("b", "bye")]


def test_a_member_that_dies_is_started_again(heard, tell):
    with Crew([member("a", SLEEPER)], tell=tell) as crew:
        wait_for(lambda: ("a", "hello") in heard)
        first = crew.pids["a"]
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: heard.count(("a", "hello")) == 2)
        assert crew.pids["a"] != first
        crew.check()
    assert ("a", "ended with signal SIGKILL; starting again in 0.5 s") in heard


def test_a_member_that_cannot_be_started_again_does_not_stop_the_care_for_others(
    heard, tell, tmp_path
):
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho hello\nsleep 9\n")  # a grandchild that keeps the pipe
    program.chmod(0o755)
    with Crew([Member("a", [str(program)]), member("b", SLEEPER)], tell=tell) as crew:
        wait_for(lambda: {("a", "hello"), ("b", "hello")} <= set(heard))
        program.unlink()
        os.kill(crew.pids["a"], signal.SIGKILL)
        wait_for(lambda: any("cannot be started" in line for name, line in heard))
        os.kill(crew.pids["b"], signal.SIGKILL)
        wait_for(lambda: heard.count(("b", "hello")) == 2)


def test_a_member_with_wrong_settings_is_not_started_again(heard, tell):
    code = f"print('error: no'); raise SystemExit({CANNOT_START})"
    with Crew([member("a", code)], tell=tell) as crew:
        with pytest.raises(ConfigInvalid, match="'a' cannot start"):
            wait_for(lambda: crew.check() is not None)
        time.sleep(0.7)
    assert heard == [("a", "error: no")]


def test_a_member_that_keeps_dying_at_its_start_ends_the_crew(heard, tell):
    with (
        Crew([member("a", "raise SystemExit(1)")], tell=tell) as crew,
        pytest.raises(ConfigInvalid, match="3 times"),
    ):
        wait_for(lambda: crew.check() is not None)


def test_one_that_is_killed_again_and_again_is_started_again_every_time(heard, tell):
    # By its first job, say: that one will fail in the end, and the others must not wait for ever.
    code = "import os, signal; print('hello', flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    with Crew([member("a", code)], tell=tell) as crew:
        wait_for(lambda: heard.count(("a", "hello")) > HOPELESS_DEATHS, 60)
        crew.check()


def test_members_that_do_not_listen_are_killed_after_their_grace_time(heard, tell):
    names = "abc"
    with Crew([member(name, DEAF) for name in names], tell=tell, grace_s=1.0):
        wait_for(lambda: all((name, "deaf") in heard for name in names))
        left = time.monotonic()
    assert time.monotonic() - left >= 1.0
    assert heard[-3:] == [(name, "did not stop in time; killed") for name in names]


def test_the_environment_of_a_member_is_set_before_it_starts(heard, tell):
    code = "import os, time; print(os.environ['CUDA_VISIBLE_DEVICES']); time.sleep(60)"
    with Crew([member("a", code, CUDA_VISIBLE_DEVICES="3")], tell=tell):
        wait_for(lambda: ("a", "3") in heard)


def test_children_end_when_their_parent_is_killed(tmp_path: Path):
    child = "from worker.leash import follow_parent; import time; follow_parent(); print('up')\n"
    child += "while True: time.sleep(0.05)"
    parent = f"""
import sys, time
from worker.crew import Crew, Member
with Crew([Member("a", [sys.executable, "-c", {child!r}])], tell=lambda n, line: print(line)) as c:
    time.sleep(0.01); print(c.pids["a"], flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL
    )
    with process:
        lines = {process.stdout.readline().strip(), process.stdout.readline().strip()}
        pid = int((lines - {"up"}).pop())
        process.kill()
    wait_for(lambda: not _alive(pid))


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_who_leaves_while_a_restart_is_pending_starts_nobody(heard, tell):
    with Crew([member("a", "raise SystemExit(1)")], tell=tell) as crew:
        wait_for(lambda: any("starting again" in line for name, line in heard))
        told = len(heard)
    assert crew.pids == {}
    time.sleep(0.7)  # longer than the pause before a restart
    assert len(heard) == told
