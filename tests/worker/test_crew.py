"""Children are started, told apart, restarted, and stopped."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from core.errors import ConfigInvalid
from tests.waiting import wait_for
from worker.crew import CANNOT_START, Crew, Member

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


def test_a_member_that_does_not_listen_is_killed(heard, tell):
    started = time.monotonic()
    with Crew([member("a", DEAF)], tell=tell, grace_s=0.3):
        wait_for(lambda: ("a", "deaf") in heard)
    assert time.monotonic() - started < 5
    assert heard[-1] == ("a", "did not stop within 0.3 s; killed")


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


def test_leaving_is_prompt_even_while_a_restart_is_pending(tell):
    started = time.monotonic()
    with Crew([member("a", "raise SystemExit(1)")], tell=tell):
        threading.Event().wait(0.3)
    assert time.monotonic() - started < 3
