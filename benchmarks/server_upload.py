"""One large upload through the API, against a raw copy of the same bytes from socket to file."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from statistics import median

import httpx

from benchmarks.server_site import HEAD, ServerSite

MIB = 1 << 20
_LOOK_S = 0.02
_WARM_UP_BYTES = 16 * MIB


def make_content(path: Path, size_bytes: int) -> Path:
    """A file that begins like a video and goes on with noise, which no disk can make smaller."""
    with path.open("wb") as file:
        file.write(HEAD)
        while (left := size_bytes - file.tell()) > 0:
            file.write(os.urandom(min(left, 8 * MIB)))
        os.fsync(file.fileno())
    return path


def compare(
    site: ServerSite, folder: Path, *, size_bytes: int, rounds: int
) -> dict[str, float | int | str]:
    """Upload and copy in turn so often, and take the medians."""
    small = make_content(folder / "small.mp4", min(size_bytes, _WARM_UP_BYTES))
    large = make_content(folder / "large.mp4", size_bytes)
    upload(site, small)  # what is loaded late is not growth
    took_s: dict[str, list[float]] = {"upload": [], "copy": []}
    grown_mib, cpu_s = 0.0, site.cpu_s()
    with _copying(folder / "copy.mp4") as port:
        for _ in range(rounds):
            took_s["copy"].append(_send_raw(port, large))
            with _growth_mib(site) as growth:
                took_s["upload"].append(upload(site, large))
            grown_mib = max(grown_mib, growth[0])
    upload_s, copy_s = median(took_s["upload"]), median(took_s["copy"])
    return {
        "upload_mib": round(size_bytes / MIB),
        "upload_s": round(upload_s, 3),
        "raw_copy_s": round(copy_s, 3),
        "upload_mib_per_s": round(size_bytes / MIB / upload_s),
        "cpu_ms_per_mib": round(1e3 * (site.cpu_s() - cpu_s) / rounds / size_bytes * MIB, 3),
        "grown_mib": round(grown_mib, 1),
    }


def upload(site: ServerSite, path: Path) -> float:
    """Seconds from the first byte to the answer; the job is removed again."""
    with socket.create_connection(("127.0.0.1", site.port)) as connection:
        began_s = time.perf_counter()
        job_id = post(connection, path)
        took_s = time.perf_counter() - began_s
    for _ in range(2):  # cancels it, then removes it
        httpx.delete(f"{site.url}/jobs/{job_id}").raise_for_status()
    return took_s


def post(connection: socket.socket, path: Path) -> str:
    """Send the file as a raw body, copied by the kernel; the new job's id.

    Raises:
        RuntimeError: it was not accepted.
    """
    head = f"POST /jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {path.stat().st_size}\r\n"
    connection.sendall(f"{head}\r\n".encode())
    with path.open("rb") as file:
        connection.sendfile(file)
    response = HTTPResponse(connection)
    response.begin()
    body = json.loads(response.read())
    if response.status != 202:
        raise RuntimeError(f"the upload was refused: {body}")
    return body["id"]


@contextmanager
def uploads_under_way(site: ServerSite, path: Path, *, count: int) -> Iterator[None]:
    """So many clients who upload the file again and again while the block runs."""
    ended = threading.Event()
    failed: list[Exception] = []

    def keep_sending() -> None:
        try:
            while not ended.is_set():
                upload(site, path)
        except Exception as error:
            failed.append(error)

    clients = [threading.Thread(target=keep_sending) for _ in range(count)]
    for client in clients:
        client.start()
    try:
        yield
    finally:
        ended.set()
        for client in clients:
            client.join()
    if failed:
        raise failed[0]


@contextmanager
def _growth_mib(site: ServerSite) -> Iterator[list[float]]:
    """By how much the API's memory was ever above what it was at the start of the block."""
    before, growth, ended = site.rss_bytes(), [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(_LOOK_S):
            growth[0] = max(growth[0], (site.rss_bytes() - before) / MIB)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield growth
    finally:
        ended.set()
        watcher.join()


@contextmanager
def _copying(target: Path) -> Iterator[int]:
    """The port of a process that copies what it is sent into the file."""
    command = [sys.executable, "-m", "benchmarks.server_copy", str(target)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.communicate()
    target.unlink()


def _send_raw(port: int, path: Path) -> float:
    with socket.create_connection(("127.0.0.1", port)) as connection, path.open("rb") as file:
        began_s = time.perf_counter()
        connection.sendfile(file)
        connection.shutdown(socket.SHUT_WR)
        if connection.recv(1) != b"!":
            raise RuntimeError("the raw copy ended early")
        return time.perf_counter() - began_s
