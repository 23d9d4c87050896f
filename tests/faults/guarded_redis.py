"""A real Redis that asks for a login, and a way to it through TLS."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from redis import Redis

from core.store.connection import connect
from core.store.embedded import EmbeddedRedis

USER, PASSWORD = "poselift", "s3cret-of-redis"
RIGHTS = (
    "resetkeys ~poselift:* ~rq:* resetchannels &poselift:* &rq:* +@all -@admin -@dangerous "
    "+info +config|get"
)
"""Of the only user, as docs/operations.md says them."""


@contextmanager
def guarded() -> Iterator[tuple[Redis, str, Path]]:
    """An administrator's client, the URL of a user with few rights, and the socket."""
    with TemporaryDirectory() as folder, EmbeddedRedis(Path(folder)) as server:
        path = Path(folder) / "redis.sock"
        with connect(server.url) as admin:
            admin.execute_command("ACL", "SETUSER", USER, "on", f">{PASSWORD}", *RIGHTS.split())
            admin.execute_command("ACL", "SETUSER", "boss", "on", ">boss", "~*", "&*", "+@all")
        with connect(f"unix://boss:boss@{quote(str(path))}") as admin:
            admin.execute_command("ACL", "SETUSER", "default", "off")
            try:
                yield admin, f"unix://{USER}:{PASSWORD}@{quote(str(path))}", path
            finally:
                admin.execute_command("ACL", "SETUSER", "default", "on")


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key, made by the machine's own OpenSSL."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    more = [
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    ]
    subprocess.run(["openssl", *words, *more], check=True, capture_output=True)
    return certificate, key


@contextmanager
def through_tls(target: Path, certificate: Path, key: Path) -> Iterator[int]:
    """A port of 127.0.0.1 that speaks TLS and passes all of it on to a Unix socket."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, context, target), daemon=True).start()
        yield listener.getsockname()[1]
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, context: ssl.SSLContext, target: Path) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(plain, context, target), daemon=True).start()


def _serve(plain: socket.socket, context: ssl.SSLContext, target: Path) -> None:
    with suppress(OSError), plain, socket.socket(socket.AF_UNIX) as redis:
        redis.connect(str(target))
        with context.wrap_socket(plain, server_side=True) as client:
            threading.Thread(target=_pass_on, args=(redis, client), daemon=True).start()
            _pass_on(client, redis)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError, ValueError):
        while content := source.recv(1 << 16):
            target.sendall(content)
        target.shutdown(socket.SHUT_RDWR)
