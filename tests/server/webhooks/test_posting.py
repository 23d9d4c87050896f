"""One request: to a checked address, once, and no longer than it may take."""

import asyncio
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from pathlib import Path

import pytest

from server.webhooks.addresses import Address, Resolve, SystemResolver
from server.webhooks.posting import Answer, Poster, Trouble
from tests.server.webhooks.conftest import BELIEVES_NOBODY
from tests.server.webhooks.receiver import Receiver, receiving, status

HEADERS = {"webhook-id": "msg_1", "Content-Type": "application/json"}


class Names:
    """A name server that answers each question with the next of its answers."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        self.asked.append((host, port))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [ip_address(text) for text in answer]


def post(
    url: str,
    *,
    names: Resolve | None = None,
    allow_private: bool = True,
    total_s: float = 60.0,
    tls: ssl.SSLContext | None = BELIEVES_NOBODY,
) -> Answer:
    async def run() -> Answer:
        poster = Poster(
            resolve=names or SystemResolver(),
            allow_private=allow_private,
            total_s=total_s,
            tls=tls,
        )
        try:
            return await poster.post(url, HEADERS, b'{"a": 1}')
        finally:
            await poster.aclose()

    return asyncio.run(run())


class TestRequest:
    def test_what_arrives(self, receiver: Receiver) -> None:
        names = Names(["127.0.0.1"])
        url = f"http://hooks.example:{receiver.port}/in/box?token=a%20b"
        assert post(url, names=names) == Answer(status=204)
        assert names.asked == [("hooks.example", receiver.port)]
        (request,) = receiver.requests
        assert (request.path, request.body) == ("/in/box?token=a%20b", b'{"a": 1}')
        assert request.headers["host"] == f"hooks.example:{receiver.port}"
        assert request.headers["webhook-id"] == "msg_1"
        assert request.headers["connection"] == "close"

    @pytest.mark.parametrize("number", [200, 301, 302, 307, 410, 429, 500, 503])
    def test_a_redirect_is_an_answer_like_any_other(self, receiver: Receiver, number: int) -> None:
        receiver.replies = [status(number, Location=receiver.url, Set_Cookie="a=b")]
        answer = post(receiver.url)
        assert answer == Answer(status=number)
        assert (answer.is_yes, answer.is_gone) == (number == 200, number == 410)
        assert len(receiver.requests) == 1

    def test_no_proxy_from_the_environment(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        assert post(receiver.url).status == 204

    def test_the_first_address_that_listens(self, receiver: Receiver) -> None:
        names = Names(["127.9.9.9", "127.0.0.1"])
        assert post(f"http://two.example:{receiver.port}/", names=names).status == 204


class TestForbidden:
    """The receiver is there and would answer: only the check keeps us from it."""

    @pytest.mark.parametrize(
        "answer",
        [
            ["127.0.0.1"],
            ["::1"],
            ["::ffff:127.0.0.1"],
            ["10.0.0.1"],
            ["169.254.169.254"],
            ["100.64.0.1"],
            ["224.0.0.1"],
            ["0.0.0.0"],  # noqa: S104
            ["64:ff9b::7f00:1"],
            ["1.1.1.1", "127.0.0.1"],
            ["127.0.0.1", "1.1.1.1"],
        ],
    )
    def test_name_that_leads_into_our_network(self, receiver: Receiver, answer: list[str]) -> None:
        url = f"http://innocent.example:{receiver.port}/"
        refused = post(url, names=Names(answer), allow_private=False)
        assert refused == Answer(trouble=Trouble.ADDRESS_REFUSED)
        assert receiver.requests == []

    def test_the_address_that_was_checked_is_the_one_connected_to(self, receiver: Receiver) -> None:
        """A name that leads elsewhere when asked again: it is asked once, by us."""
        names = Names(["127.0.0.1"], ["127.0.0.2"], ["10.0.0.1"])
        assert post(f"http://localhost.invalid:{receiver.port}/", names=names).status == 204
        assert len(names.asked) == 1

    def test_metadata_even_if_private_is_allowed(self) -> None:
        answer = post("http://clever.example/", names=Names(["169.254.169.254"]))
        assert answer.trouble is Trouble.ADDRESS_REFUSED

    @pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "127.1", "[::1]"])
    def test_spellings_of_this_machine(self, receiver: Receiver, host: str) -> None:
        answer = post(f"http://{host}:{receiver.port}/", allow_private=False)
        assert answer.trouble is Trouble.ADDRESS_REFUSED
        assert receiver.requests == []


class TestTrouble:
    def test_nobody_listens(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        assert post(f"http://127.0.0.1:{port}/").trouble is Trouble.UNREACHABLE

    def test_unknown_name(self) -> None:
        async def unknown(host: str, port: int) -> Sequence[Address]:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")

        assert post("http://nowhere.example/", names=unknown).trouble is Trouble.NAME_UNKNOWN
        assert post("http://no.example/", names=Names([])).trouble is Trouble.NAME_UNKNOWN

    def test_a_resolver_that_hangs(self) -> None:
        async def hang(host: str, port: int) -> Sequence[Address]:
            await asyncio.sleep(600)
            return []

        assert post("http://slow.example/", names=hang, total_s=0.1).trouble is Trouble.TIMEOUT

    def test_what_is_not_http(self) -> None:
        with _saying(b"220 mail.example ESMTP\r\n\r\n") as port:
            assert post(f"http://127.0.0.1:{port}/").trouble is Trouble.BROKEN_OFF

    def test_no_answer(self) -> None:
        with _saying(b"") as port:
            assert post(f"http://127.0.0.1:{port}/", total_s=0.2).trouble is Trouble.TIMEOUT

    def test_an_answer_in_drops(self) -> None:
        with _saying(b"HTTP/1.1 200 OK\r\n", again=b"X: y\r\n") as port:
            assert post(f"http://127.0.0.1:{port}/", total_s=0.5).trouble is Trouble.TIMEOUT

    def test_endless_headers(self) -> None:
        with _saying(b"HTTP/1.1 200 OK\r\nX: ", again=b"y" * 60_000) as port:
            assert post(f"http://127.0.0.1:{port}/").trouble is Trouble.BROKEN_OFF

    def test_an_endless_answer_is_left_alone(self, receiver: Receiver) -> None:
        written: list[int] = []
        ended = threading.Event()

        def endless(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.end_headers()
            try:
                while True:
                    written.append(handler.wfile.write(bytes(1 << 16)))
            finally:
                ended.set()

        receiver.replies = [endless]
        assert post(receiver.url).is_yes
        assert ended.wait(60)  # the connection was closed
        assert sum(written) < 64 << 20  # no more than the system's buffers took


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of hooks.example, signed by itself."""
    folder = tmp_path_factory.mktemp("certificate")
    subject = ["-subj", "/CN=hooks.example", "-addext", "subjectAltName=DNS:hooks.example"]
    out = ["-keyout", str(folder / "both.pem"), "-out", str(folder / "certificate.pem")]
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    try:
        subprocess.run(
            [*make, "-nodes", "-days", "2", *subject, *out], check=True, capture_output=True
        )
    except FileNotFoundError:
        pytest.skip("there is no openssl to make a certificate with")
    with (folder / "both.pem").open("a") as file:
        file.write((folder / "certificate.pem").read_text())
    return folder / "both.pem"


class TestCertificates:
    @pytest.fixture
    def secure(self, certificate: Path) -> Iterator[Receiver]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        with receiving(context) as receiver:
            yield receiver

    @pytest.fixture
    def trusting(self, certificate: Path) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=certificate)

    def test_it_is_that_of_the_name_not_of_the_address(
        self, secure: Receiver, trusting: ssl.SSLContext
    ) -> None:
        url = f"https://hooks.example:{secure.port}/"
        assert post(url, names=Names(["127.0.0.1"]), tls=trusting).status == 204

    def test_of_another_name(self, secure: Receiver, trusting: ssl.SSLContext) -> None:
        url = f"https://other.example:{secure.port}/"
        answer = post(url, names=Names(["127.0.0.1"]), tls=trusting)
        assert answer.trouble is Trouble.CERTIFICATE
        assert secure.requests == []

    def test_of_nobody_we_know(self, secure: Receiver) -> None:
        url = f"https://hooks.example:{secure.port}/"
        answer = post(url, names=Names(["127.0.0.1"]), tls=None)
        assert answer.trouble is Trouble.CERTIFICATE
        assert secure.requests == []

    def test_two_names_at_one_address_share_no_connection(
        self, secure: Receiver, trusting: ssl.SSLContext
    ) -> None:
        async def both() -> list[Answer]:
            names = Names(["127.0.0.1"])
            poster = Poster(resolve=names, allow_private=True, tls=trusting)
            urls = [f"https://{host}.example:{secure.port}/" for host in ("hooks", "other")]
            answers = [await poster.post(url, HEADERS, b"{}") for url in urls]
            await poster.aclose()
            return answers

        assert [answer.trouble for answer in asyncio.run(both())] == [None, Trouble.CERTIFICATE]


@contextmanager
def _saying(first: bytes, *, again: bytes = b"") -> Iterator[int]:
    """A server that says something to whoever connects, and then something else again and again."""
    ended = threading.Event()

    def serve() -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):  # who has heard enough hangs up
            connection.sendall(first)
            while not ended.wait(0.02):
                connection.sendall(again)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            ended.set()
