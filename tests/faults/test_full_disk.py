"""The disk fills up, fails, or holds less than was announced: uploads are refused, nobody dies.

A full disk is made by a limit on the size of files (``RLIMIT_FSIZE``) that is put on the running
server and taken away again, and, where the system lets us mount one, by a tiny file system.
"""

import os
import select
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil
import pytest

from core.errors import StorageFull
from core.store.disk_blobs import DiskBlobs
from core.store.embedded import EmbeddedRedis
from core.store.preallocation import set_aside
from core.store.redis_blobs import RedisBlobs
from scripts.ports import claim_port
from server.settings import ServerSettings
from tests.faults.serving import (
    ServerProcess,
    Wire,
    partials_in,
    served,
    settings_for,
    uploads_in,
)
from tests.integration.stack import PATIENCE_S, poselift, surroundings
from tests.server.clips import MP4, code, of_size
from tests.server.sending import send
from tests.waiting import wait_for

GIB = 1 << 30


def is_refused_for_room(answer: httpx.Response) -> bool:
    return code(answer) == (507, "storage_full") and int(answer.headers["retry-after"]) > 0


# --- It fills up, or is killed, under a server of its own ----------------------------------------


@pytest.fixture(scope="module")
def process(
    redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("server")
    with ServerProcess(folder, redis_server.url, POSELIFT_SWEEP_EVERY_S=0.1) as process:
        yield process


@pytest.fixture
def api(process: ServerProcess, redis_url: str) -> Iterator[httpx.Client]:
    shutil.rmtree(process.data_dir / "blobs", ignore_errors=True)
    with httpx.Client(base_url=process.url, timeout=60) as api:
        yield api


@pytest.mark.skipif(not hasattr(psutil, "RLIMIT_FSIZE"), reason="only Linux limits from outside")
@pytest.mark.parametrize("in_chunks", [False, True])
def test_a_full_disk_is_a_507_and_the_server_lives(
    process: ServerProcess, api: httpx.Client, in_chunks: bool
) -> None:
    large = of_size(3 << 20)
    server = psutil.Process(process.running.process.pid)
    unlimited = server.rlimit(psutil.RLIMIT_FSIZE)
    server.rlimit(psutil.RLIMIT_FSIZE, (2 << 20, unlimited[1]))
    try:
        assert is_refused_for_room(api.post("/jobs", content=iter([large]) if in_chunks else large))
        assert uploads_in(process.data_dir) == partials_in(process.data_dir) == []
        assert send(api).status_code == 202  # this one still fits
    finally:
        server.rlimit(psutil.RLIMIT_FSIZE, unlimited)
    assert api.post("/jobs", content=large).status_code == 202


def test_a_folder_that_fails_is_a_503_and_works_again_once_it_is_mended(
    process: ServerProcess, api: httpx.Client
) -> None:
    """A file stands where the folder was: nothing can be written, whoever runs the server."""
    kept = send(api).json()["id"]
    blobs, aside = process.data_dir / "blobs", process.data_dir / "aside"
    blobs.rename(aside)
    blobs.write_bytes(b"")
    try:
        refused = send(api)
        assert code(refused) == (503, "storage_unavailable")
        assert int(refused.headers["retry-after"]) > 0
        assert str(process.data_dir) not in refused.text
        assert api.get(f"/jobs/{kept}").json()["state"] == "queued"
    finally:
        blobs.unlink()
        aside.rename(blobs)
    assert send(api).status_code == 202


def test_what_a_killed_server_left_is_swept(process: ServerProcess, api: httpx.Client) -> None:
    with Wire(process.url).begin(8 << 20, of_size(1 << 20)):
        wait_for(lambda: any(path.stat().st_size for path in partials_in(process.data_dir)), 30)
        process.kill()
    (left,) = partials_in(process.data_dir)
    process.start_again()
    with Wire(process.url).begin(8 << 20, of_size(1 << 20)) as living:
        wait_for(lambda: len(partials_in(process.data_dir)) == 2, 30)
        for path in partials_in(process.data_dir):
            os.utime(path, (1, 1))  # both look old, but one is still being written
        wait_for(lambda: not left.exists(), 30)
        assert len(partials_in(process.data_dir)) == 1
        living.send(bytes(7 << 20))
        assert living.answer()[0] == 202
    assert partials_in(process.data_dir) == []


# --- Several uploads at once ---------------------------------------------------------------------


def keeps_room(folder: Path) -> bool:
    with (folder / "try").open("wb") as file:
        return set_aside(file.fileno(), 1 << 20)


@pytest.fixture
def room_for_three_gib(redis_url: str, tmp_path: Path) -> ServerSettings:
    """As far as the server is concerned; so much that what others write does not matter."""
    free_bytes = shutil.disk_usage(tmp_path).free
    if free_bytes < 5 * GIB or not keeps_room(tmp_path):
        pytest.skip("the disk is too full, or cannot set room aside")
    reserve_bytes = free_bytes - 3 * GIB
    return settings_for(
        redis_url, tmp_path, disk_reserve_bytes=reserve_bytes, upload_limit_bytes=4 * GIB
    )


def is_let_in(url: str, folder: Path) -> bool:
    """Whether a large upload begins, or is refused."""
    with Wire(url).begin(2 * GIB) as wire:
        while not partials_in(folder):
            if select.select([wire.socket], [], [], 0.01)[0]:
                return False
        return True


def test_two_uploads_that_fit_alone_but_not_together(
    room_for_three_gib: ServerSettings, tmp_path: Path
) -> None:
    with (
        served(room_for_three_gib) as server,
        httpx.Client(base_url=server.url, timeout=60) as api,
        Wire(server.url) as second,
    ):
        with Wire(server.url).begin(2 * GIB):
            wait_for(
                lambda: any(p.stat().st_blocks >= 2 * GIB // 512 for p in partials_in(tmp_path))
            )
            status, problem, _ = second.begin(2 * GIB, b"").answer()
            assert (status, problem["code"]) == (507, "storage_full")  # before it has sent a byte
            assert send(api).status_code == 202  # a small one fits beside it
        wait_for(lambda: partials_in(tmp_path) == [])
        wait_for(lambda: is_let_in(server.url, tmp_path))  # a disk takes a while to free so much


def test_room_that_was_not_needed_is_given_back(tmp_path: Path) -> None:
    if not keeps_room(tmp_path):
        pytest.skip("the file system cannot set room aside")
    blobs = DiskBlobs(tmp_path, reserve_bytes=0)
    with blobs.open_upload("uploads/a", limit_bytes=GIB, announced_bytes=64 << 20) as writer:
        writer.write(MP4)
        (partial,) = (tmp_path / "partial").iterdir()
        assert partial.stat().st_blocks * 512 >= 64 << 20
        assert partial.stat().st_size == len(MP4)
    kept = tmp_path / "uploads" / "a"
    assert kept.read_bytes() == MP4
    assert kept.stat().st_blocks * 512 < 1 << 20


def test_uploads_into_redis_share_its_memory(redis, redis_url: str) -> None:
    blobs = [RedisBlobs(redis, ttl_s=60) for _ in range(2)]  # of two servers
    redis.config_set("maxmemory", int(redis.info("memory")["used_memory"]) + (32 << 20))
    try:
        with ExitStack() as first:
            writer = first.enter_context(
                blobs[0].open_upload("uploads/a", limit_bytes=GIB, announced_bytes=20 << 20)
            )
            assert not blobs[1].has_room(20 << 20)
            writer.write(bytes(4 << 20))  # counted once, not as stored and as promised
            assert blobs[1].has_room(8 << 20)
        assert blobs[1].has_room(20 << 20)
    finally:
        redis.config_set("maxmemory", 0)


def test_of_many_that_come_at_once_only_as_many_begin_as_fit(tmp_path: Path) -> None:
    free_bytes = shutil.disk_usage(tmp_path).free
    if free_bytes < 12 * GIB or not keeps_room(tmp_path):
        pytest.skip("the disk is too full, or cannot set room aside")
    blobs = DiskBlobs(tmp_path / "blobs", reserve_bytes=free_bytes - 9 * GIB)
    begun: list[int] = []
    at_once, hold = threading.Barrier(8), threading.Barrier(8)

    def upload(number: int) -> None:
        at_once.wait()
        with ExitStack() as stack:
            try:
                stack.enter_context(
                    blobs.open_upload(
                        f"uploads/{number}", limit_bytes=4 * GIB, announced_bytes=2 * GIB
                    )
                )
                begun.append(number)
            except StorageFull:
                pass
            hold.wait()

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(begun) == 4


# --- A real file system that is full, and then read-only -----------------------------------------

MOUNT = ["unshare", "--user", "--map-root-user", "--mount"]


def can_mount() -> bool:
    if shutil.which("unshare") is None or shutil.which("nsenter") is None:
        return False
    command = [*MOUNT, "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(command, capture_output=True).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="this system lets nobody mount a file system")
def test_a_tiny_disk_and_one_that_turns_read_only(redis_url: str, tmp_path: Path) -> None:
    disk, log = tmp_path / "disk", tmp_path / "log"
    disk.mkdir()
    port = claim_port("127.0.0.1", 0)
    serve = " ".join(map(str, poselift("serve", "--port", port)))
    script = f"mount -t tmpfs -o size=4m none {disk} && exec {serve}"
    environment = surroundings(
        POSELIFT_REDIS_URL=redis_url, POSELIFT_DATA_DIR=disk, POSELIFT_DISK_RESERVE_BYTES=1 << 20
    )
    with log.open("wb") as file:
        server = subprocess.Popen(
            [*MOUNT, "sh", "-c", script], env=environment, stdout=file, stderr=file
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as api:
            wait_for(lambda: _answers(api, server, log), PATIENCE_S)
            assert is_refused_for_room(api.post("/jobs", content=of_size(7 << 19)))
            assert is_refused_for_room(api.post("/jobs", content=iter([of_size(7 << 19)])))
            assert api.post("/jobs", content=of_size(2 << 20)).status_code == 202
            assert is_refused_for_room(api.post("/jobs", content=of_size(2 << 20)))
            inside = ["nsenter", "-U", "-m", "--preserve-credentials", "-t", str(server.pid)]
            for mode, expected in [("ro", 503), ("rw", 202)]:
                subprocess.run([*inside, "mount", "-o", f"remount,{mode}", disk], check=True)
                assert send(api).status_code == expected
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(60) == 0, log.read_text()


def _answers(api: httpx.Client, server: "subprocess.Popen[bytes]", log: Path) -> bool:
    assert server.poll() is None, log.read_text()
    try:
        return api.get("/healthz").is_success
    except httpx.TransportError:
        return False
