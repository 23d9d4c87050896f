"""What is turned away at the door: hosts that are not ours, foreign pages, endless headers."""

import socket
from collections.abc import Callable, Iterator

import httpx
import pytest

from server.gate import LARGEST_HEAD_BYTES
from server.settings import ServerSettings
from tests.faults.callers import FromElsewhere
from tests.server.clips import MP4, code
from tests.server.running import RunningServer
from tests.server.sending import nothing_was_kept

Serve = Callable[[ServerSettings], RunningServer]

PAGE = "https://lab.example.org"


class TestHosts:
    @pytest.mark.parametrize(
        "host",
        ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000", "192.0.2.7", "[fe80::1]"],
    )
    def test_numbers_and_localhost_are_ours(self, url: str, host: str) -> None:
        assert httpx.get(f"{url}/jobs", headers={"Host": host}, timeout=60).status_code == 200

    @pytest.mark.parametrize(
        "host", ["evil.example", "localhost.evil.example:8000", "127.0.0.1.nip"]
    )
    def test_a_name_that_somebody_made_point_here_is_not(self, url: str, host: str) -> None:
        for path in ("/jobs", "/docs", "/nowhere"):
            refused = httpx.get(url + path, headers={"Host": host}, timeout=60)
            assert code(refused) == (421, "host_not_allowed")
            assert "POSELIFT_ALLOWED_HOSTS" in refused.json()["detail"]
            assert host not in refused.text

    def test_an_upload_is_refused_so_that_the_client_can_read_why(
        self, url: str, api: httpx.Client, settings: ServerSettings
    ) -> None:
        refused = api.post("/jobs", content=bytes(2 << 20), headers={"Host": "evil.example"})
        assert code(refused) == (421, "host_not_allowed")
        assert nothing_was_kept(api, settings)

    @pytest.mark.parametrize(
        ("host", "status"),
        [
            ("poses.example.org", 200),
            ("Poses.Example.org:8000", 200),
            ("poses.example.org.", 200),
            ("a.b.example.com", 200),
            ("example.com", 421),
            ("notexample.com", 421),
            ("192.0.2.7", 421),
            ("127.0.0.1", 200),  # health checks from within
        ],
    )
    def test_a_list_is_kept_to(
        self, serve: Serve, settings: ServerSettings, host: str, status: int
    ) -> None:
        named = {"allowed_hosts": ("poses.example.org", "*.example.com")}
        server = serve(settings.model_copy(update=named))
        assert (
            httpx.get(f"{server.url}/jobs", headers={"Host": host}, timeout=60).status_code
            == status
        )

    def test_from_elsewhere_any_name_will_do(self, settings: ServerSettings) -> None:
        """Strangers need a key there, which no web page has."""
        server = RunningServer(settings, protocol=FromElsewhere)
        try:
            answer = httpx.get(f"{server.url}/healthz", headers={"Host": "api:8000"}, timeout=60)
            assert answer.status_code == 200
        finally:
            server.stop()


class TestOrigins:
    def test_a_foreign_page_may_not_upload(
        self, api: httpx.Client, settings: ServerSettings
    ) -> None:
        """Browsers send such a form without asking first, and only hide the answer."""
        refused = api.post("/jobs", files={"file": ("clip.mp4", MP4)}, headers={"Origin": PAGE})
        assert code(refused) == (403, "origin_not_allowed")
        assert nothing_was_kept(api, settings)
        assert code(api.post("/jobs", content=MP4, headers={"Origin": "null"}))[0] == 403

    def test_our_own_pages_may(self, api: httpx.Client, url: str) -> None:
        assert api.post("/jobs", content=MP4, headers={"Origin": url}).status_code == 202

    def test_by_default_no_page_may_read_anything(self, api: httpx.Client) -> None:
        asked = {"Origin": PAGE, "Access-Control-Request-Method": "GET"}
        for answer in (api.options("/jobs", headers=asked), api.get("/jobs", headers=asked)):
            assert not [name for name in answer.headers if name.startswith("access-control")]

    @pytest.fixture
    def shared(self, serve: Serve, settings: ServerSettings) -> Iterator[httpx.Client]:
        server = serve(settings.model_copy(update={"cors_origins": (PAGE,)}))
        with httpx.Client(base_url=server.url, timeout=60) as api:
            yield api

    def test_named_pages_may(self, shared: httpx.Client) -> None:
        asked = {
            "Origin": PAGE,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, idempotency-key",
        }
        allowed = shared.options("/jobs", headers=asked)
        assert allowed.status_code == 200
        assert allowed.headers["access-control-allow-origin"] == PAGE
        assert "access-control-allow-credentials" not in allowed.headers
        answer = shared.post("/jobs", content=MP4, headers={"Origin": PAGE})
        assert answer.status_code == 202
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert "RateLimit" in answer.headers["access-control-expose-headers"]

    def test_others_still_may_not(self, shared: httpx.Client) -> None:
        other = {"Origin": "https://lab.example.org.evil.example"}
        assert code(shared.post("/jobs", content=MP4, headers=other))[0] == 403
        assert "access-control-allow-origin" not in shared.get("/jobs", headers=other).headers


class TestHeads:
    def test_headers_that_are_a_little_too_long_are_explained(self, api: httpx.Client) -> None:
        refused = api.get("/jobs", headers={"X-Long": "x" * LARGEST_HEAD_BYTES})
        assert code(refused) == (431, "headers_too_large")

    def test_a_long_address_is_refused_too(self, api: httpx.Client) -> None:
        refused = api.get(f"/jobs?cursor={'1' * LARGEST_HEAD_BYTES}")
        assert code(refused) == (431, "headers_too_large")

    @pytest.mark.parametrize("bit", [b"x" * 4096, b"y\r\nX-More: "])
    def test_headers_that_do_not_end_are_hung_up_on(self, url: str, bit: bytes) -> None:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as wire:
            wire.sendall(f"GET /jobs HTTP/1.1\r\nHost: {host}\r\nX-Long: ".encode())
            sent_bytes = 0
            try:
                while sent_bytes < 4 << 20:
                    wire.sendall(bit * 16)
                    sent_bytes += 16 * len(bit)
                answer = wire.recv(4096)
            except OSError:  # it was hung up on while it was still sending
                answer = b""
            assert sent_bytes < 4 << 20 or answer.startswith(b"HTTP/1.1 431")

    def test_the_next_request_of_a_connection_is_counted_anew(self, api: httpx.Client) -> None:
        for _ in range(6):
            answer = api.get("/healthz", headers={"X-Long": "x" * (LARGEST_HEAD_BYTES // 2)})
            assert answer.status_code == 200
