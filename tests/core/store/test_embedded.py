import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import unquote

import psutil
import pytest

from core.errors import StoreUnavailable
from core.store.connection import connect
from core.store.embedded import EmbeddedRedis
from tests.waiting import wait_for


def test_keeps_what_it_was_told(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path / "redis") as server, connect(server.url) as redis:
        redis.set("a", "1")
    with EmbeddedRedis(tmp_path / "redis") as server, connect(server.url) as redis:
        assert redis.get("a") == b"1"


@pytest.mark.parametrize("name", ["a folder?", "deep" * 40])
def test_is_private_and_leaves_no_socket(tmp_path: Path, name: str) -> None:
    with EmbeddedRedis(tmp_path / name) as server, connect(server.url) as redis:
        assert redis.ping()
        socket = Path(unquote(server.url.removeprefix("unix://")))
        assert socket.stat().st_mode & 0o077 == 0
        assert socket.parent.stat().st_mode & 0o077 == 0
        assert (tmp_path / name).stat().st_mode & 0o077 == 0
        process = psutil.Process(server.pid)
        assert process.net_connections("inet") == []
    assert not process.is_running()
    assert not socket.exists()
    assert not (len(name) > 100 and socket.parent.exists())


def test_a_start_that_fails_says_where_to_look(tmp_path: Path) -> None:
    (tmp_path / "appendonly.aof").write_bytes(b"this is no append-only file")
    with pytest.raises(StoreUnavailable, match=r"redis\.log"), EmbeddedRedis(tmp_path):
        pass


def test_a_start_that_is_refused_leaves_the_other_servers_socket_alone(tmp_path: Path) -> None:
    """Where the folder's path is too long for a socket, a link there leads to it."""
    folder = tmp_path / ("deep" * 40)
    with EmbeddedRedis(folder) as server:
        with (
            pytest.raises(StoreUnavailable, match="earlier redis-server"),
            EmbeddedRedis(folder, patience_s=0.1),
        ):
            pass
        link = (folder / "redis.sock").readlink()
        assert str(link) == unquote(server.url.removeprefix("unix://"))
        assert link.is_socket()


def test_one_server_a_folder_also_after_its_starter_was_killed(tmp_path: Path) -> None:
    """Two on one append-only file would ruin it; the earlier one may still be ending."""
    with EmbeddedRedis(tmp_path) as server, connect(server.url) as redis:
        redis.set("a", "1")
        with (
            pytest.raises(StoreUnavailable, match="earlier redis-server"),
            EmbeddedRedis(tmp_path, patience_s=0.1),
        ):
            pass
        assert redis.get("a") == b"1"
        ending = threading.Timer(0.3, os.kill, (server.pid, signal.SIGTERM))
        ending.start()
        with EmbeddedRedis(tmp_path, patience_s=60.0) as again, connect(again.url) as later:
            assert later.get("a") == b"1"
        ending.join()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_ends_with_a_killed_parent_and_loses_nothing(tmp_path: Path) -> None:
    program = f"""
import time
from pathlib import Path
from urllib.parse import unquote
from core.store.connection import connect
from core.store.embedded import EmbeddedRedis
with EmbeddedRedis(Path({str(tmp_path)!r})) as server:
    connect(server.url).set("a", "1")
    print(server.pid, flush=True)
    time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        server = psutil.Process(int(parent.stdout.readline()))
        os.kill(parent.pid, signal.SIGKILL)
    wait_for(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE)
    with EmbeddedRedis(tmp_path) as again, connect(again.url) as redis:
        assert redis.get("a") == b"1"
