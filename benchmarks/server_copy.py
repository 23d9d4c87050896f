"""The least that receiving a file can cost: one socket read into one file, nothing looked at.

``python -m benchmarks.server_copy FILE`` listens, says on which port, takes one connection to its
end, has the file on the disk (fsync, as the API has), answers with one byte, and goes on with the
next connection until standard input ends.
"""

import os
import socket
import sys
import threading
from pathlib import Path

PIECE_BYTES = 256 << 10
"""Read and written at once."""


def receive(listener: socket.socket, target: Path) -> None:
    """Take one file."""
    connection, _ = listener.accept()
    buffer = memoryview(bytearray(PIECE_BYTES))
    with connection, target.open("wb", buffering=0) as file:
        while count := connection.recv_into(buffer):
            rest = buffer[:count]
            while rest:  # an unbuffered write may be short
                rest = rest[file.write(rest) :]
        os.fsync(file.fileno())
        connection.sendall(b"!")


def main() -> None:
    """Take files until nobody is left who could send one."""

    def leave() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=leave, daemon=True).start()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            receive(listener, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
