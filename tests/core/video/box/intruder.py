"""What may happen once a file has taken over its decoder: the "video" says what is tried.

Runs in a box, in the decoder's place: ``DecoderBoxes(module="tests.core.video.box.intruder")``.
"""

import ctypes
import mmap
import os
import resource
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from core.box.channel import Channel
from core.video.box.inside import Pages, answer, main


def _start_thread():
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()


def _grab():
    bytearray(600 << 20)


def _grab_shared():
    mmap.mmap(-1, 600 << 20).close()


def _open_many():
    return [os.dup(0) for _ in range(64)]


def _spin():
    while True:
        pass


def _chatter(channel):
    while True:
        channel.send({"alive": True})
        time.sleep(0.01)


def _lift_time_limit():
    resource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _run_code_from_memory():
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def _connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.connect(address)


TRIALS = {
    # What decoding needs must work, or the other answers mean nothing.
    "read the input": lambda: os.pread(FILE, 4, 0) or 1 / 0,
    "start a thread": _start_thread,
    "take a little memory": lambda: bytearray(8 << 20),
    # Files
    "read a file": lambda: os.open("/etc/passwd", os.O_RDONLY),
    "read our own memory": lambda: os.open("/proc/self/mem", os.O_RDONLY),
    "read our parent's variables": lambda: os.open(f"/proc/{os.getppid()}/environ", os.O_RDONLY),
    "open the input again for writing": lambda: os.open(f"/proc/self/fd/{FILE}", os.O_RDWR),
    "write to the input": lambda: os.write(FILE, b"x"),
    "list a folder": lambda: os.listdir("/"),  # noqa: PTH208
    "write a file": lambda: os.open("/tmp/poselift-intruder", os.O_CREAT | os.O_WRONLY),  # noqa: S108
    "remove a file": lambda: Path("/tmp/poselift-intruder").unlink(),  # noqa: S108
    # Network
    "make a socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "make a local socket": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
    "reach a local port": lambda: _connect(socket.AF_INET, ("127.0.0.1", 6379)),
    # Processes
    "fork": lambda: os.fork() or os._exit(0),
    "run a program": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606
    "spawn a program": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "kill the parent": lambda: os.kill(os.getppid(), signal.SIGTERM),
    "run code from memory": _run_code_from_memory,
    # Limits
    "take much memory": _grab,
    "take much shared memory": _grab_shared,
    "open many files": _open_many,
    "lift the time limit": _lift_time_limit,
    "let go of the leash": lambda: __import__("fcntl").fcntl(0, 4, 0),
}
FATAL = {
    "segfault": lambda _: ctypes.string_at(0),
    "abort": lambda _: os.abort(),
    "raise": lambda _: 1 / 0,
    "leave": lambda _: os._exit(3),
    "hang up": lambda channel: (channel.close(), time.sleep(600)),
    "spin": lambda _: _spin(),
    "sleep": lambda _: time.sleep(600),
    "talk much": lambda _: [os.write(2, b"x" * 1000) for _ in range(500)] and 1 / 0,
    "chatter": _chatter,
    "nonsense": lambda channel: channel._socket.sendall(b"\0\0\0\2[]"),
    "other words": lambda channel: channel.send({"facts": {"width_px": 10**12}}),
}
FILE = -1


def serve(file: int, channel: Channel, pages: Pages) -> None:
    global FILE
    FILE = file
    order = os.pread(file, 100, 0)
    if order == b"everything":
        channel.send({"tried": {what: outcome(trial) for what, trial in TRIALS.items()}})
        channel.receive()
    elif order.decode(errors="replace") in FATAL:
        FATAL[order.decode()](channel)
    else:
        answer(file, channel, pages)  # an honest video


def outcome(trial) -> str:
    try:
        trial()
    except (OSError, MemoryError, ValueError) as error:
        return f"refused: {type(error).__name__}"
    return "worked"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], serve))
