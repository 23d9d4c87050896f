"""Whatever is sent as a video ends in success or a code; nobody dies, nothing else is opened.

The short form, of a few files of each family; ``python -m benchmarks hostile`` runs all of them.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.hostile.arena import Arena, Verdict
from tests.faults.hostile.baits import Baits
from tests.faults.hostile.corpus import (
    FAMILIES,
    LONG,
    SHORT,
    hostile_file,
    hostile_files,
)
from tests.faults.hostile.openings import Openings, can_trace, traced
from tests.waiting import wait_for

MOST_GROWTH_BYTES = {"api": 32 << 20, "slot": 64 << 20}
"""Of resident memory; one of the bombs alone takes a gigabyte from whoever opens it."""


@dataclass(frozen=True)
class Ordeal:
    """What an arena went through, and how it looked before and after."""

    arena: Arena
    verdicts: list[Verdict]
    started_s: float
    before_bytes: dict[str, int]
    after_bytes: dict[str, int]


@pytest.fixture(scope="module")
def ordeal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ordeal]:
    with Arena(tmp_path_factory.mktemp("arena")) as arena:
        arena.warm_up()
        before, started_s = arena.rss_bytes(), time.time()
        verdicts = [arena.judge(file) for file in hostile_files(arena.material, SHORT)]
        arena.warm_up()
        yield Ordeal(arena, verdicts, started_s, before, arena.rss_bytes())


@pytest.mark.slow
def test_every_file_ends_in_success_or_a_code(ordeal: Ordeal) -> None:
    assert len(ordeal.verdicts) >= 60
    problems = {verdict.file.label: verdict.problem for verdict in ordeal.verdicts}
    assert {label: problem for label, problem in problems.items() if problem} == {}
    codes = {verdict.code for verdict in ordeal.verdicts}
    # Neither did everything fail, nor did everything for one reason.
    assert {"succeeded", "video_truncated", "video_too_large", "video_audio_only"} <= codes


def test_nobody_died(ordeal: Ordeal) -> None:
    assert ordeal.arena.deaths == []


def test_nothing_outside_the_data_folder_was_reached_for(ordeal: Ordeal) -> None:
    assert ordeal.arena.baits_taken == []
    assert ordeal.arena.openings(ordeal.started_s) == set()


def test_memory_is_back_at_its_baseline(ordeal: Ordeal) -> None:
    for name, most_bytes in MOST_GROWTH_BYTES.items():
        assert ordeal.after_bytes[name] - ordeal.before_bytes[name] < most_bytes, name


def test_jobs_that_were_removed_leave_no_file(ordeal: Ordeal) -> None:
    """All that is left is what the honest videos were made into."""
    api = ordeal.arena.api
    jobs = api.get("/jobs", params={"limit": "200"}).json()["jobs"]
    assert {job["filename"] for job in jobs} == set(ordeal.arena.material.clips)
    kept = {job["id"] for job in jobs}
    files = [path for path in ordeal.arena.data_dir.rglob("*") if path.is_file()]
    assert files
    strays = [path for path in files if not any(job_id in str(path) for job_id in kept)]
    assert strays == []


def test_the_same_seed_makes_the_same_files(ordeal: Ordeal) -> None:
    material = ordeal.arena.material
    labels = [f"{family}/{index}" for family in FAMILIES for index in (0, 5)]
    first, again = ([hostile_file(material, label) for label in labels] for _ in range(2))
    assert first == again
    assert sum(LONG.values()) >= 1000
    others = [hostile_file(material, label, seed=1) for label in labels]
    assert [file.variant for file in first] != [file.variant for file in others]


REACH = """
import socket, sys
open(sys.argv[1]).close()
socket.create_connection(("127.0.0.1", int(sys.argv[2]))).close()
open(sys.argv[3], "w").close()
"""


def test_the_baits_notice_who_takes_them(tmp_path: Path) -> None:
    with Baits(tmp_path / "bait") as baits:
        bait = baits.bait
        assert baits.taken == []
        words = [str(bait.file), str(bait.port), str(bait.touched)]
        subprocess.run([sys.executable, "-c", REACH, *words], check=True)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"hello", ("127.0.0.1", bait.port))
        wait_for(lambda: len(baits.taken) == 4)
        assert set(baits.taken) == {
            "opened the file", "connected to the port", "sent a datagram", "made a file",
        }  # fmt: skip


@pytest.mark.skipif(not can_trace(), reason="strace is not installed, or not allowed here")
def test_a_trace_shows_what_a_process_reaches_for(tmp_path: Path) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    for folder in (own, other):
        folder.mkdir()
        (folder / "file").write_text("")
    code = f"open({str(own / 'file')!r}); open({str(other / 'file')!r}); open('/etc/passwd')"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code += f"; import socket; socket.create_connection(('127.0.0.1', {port}))"
        log = tmp_path / "trace"
        subprocess.run(traced([sys.executable, "-W", "ignore", "-c", code], log), check=True)
        wait_for(lambda: "exited with 0" in log.read_text())
        strange = Openings(log, [own]).strange(since_s=0)
    assert {str(other / "file"), "/etc/passwd"} <= strange
    assert str(own / "file") not in strange
    assert any(f"htons({port})" in target for target in strange)


def test_a_call_that_another_thread_came_between_is_the_same_call(tmp_path: Path) -> None:
    log, own = tmp_path / "trace", '{sa_family=AF_UNIX, sun_path="/data/redis.sock"}'
    log.write_text(
        f"7 10.0 connect(3, {own}, 57) = 0\n"
        f"8 20.0 connect(9, {own}, 57 <unfinished ...>\n"
        '8 20.1 connect(9, {sa_family=AF_UNIX, sun_path="/other"}, 9 <unfinished ...>\n'
    )
    strange = Openings(log, []).strange(since_s=15)
    assert strange == {'connect {sa_family=AF_UNIX, sun_path="/other"}'}
