"""Uploads that are refused, or given up: nothing is left behind."""

import itertools
import shutil
import socket

import httpx
import pytest

from server.settings import ServerSettings
from tests.server.clips import MP4, code, of_size
from tests.server.running import RunningServer
from tests.server.sending import form, nothing_was_kept, send, stored
from tests.waiting import wait_for


class TestRefused:
    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (b"", (422, "upload_empty")),
            (b"hello, this is text", (415, "not_a_video")),
            (b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1/secret\n", (415, "not_a_video")),
            (b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(2000), (415, "not_a_video")),
            (b"ID3\x04" + bytes(2000), (415, "video_audio_only")),
            (b"OggS" + bytes(2000), (415, "codec_unsupported")),
        ],
    )
    @pytest.mark.parametrize("raw", [False, True])
    def test_what_is_no_video(
        self,
        api: httpx.Client,
        settings: ServerSettings,
        content: bytes,
        expected: tuple[int, str],
        raw: bool,
    ) -> None:
        answer = api.post("/jobs", content=content) if raw else send(api, content)
        assert code(answer) == expected
        assert nothing_was_kept(api, settings)

    def test_right_name_wrong_content(self, api: httpx.Client) -> None:
        files = {"file": ("clip.mp4", b"PK\x03\x04" + bytes(3000), "video/mp4")}
        assert code(api.post("/jobs", files=files)) == (415, "not_a_video")

    def test_no_file(self, api: httpx.Client, settings: ServerSettings) -> None:
        assert code(api.post("/jobs", **form(("stride", None, b"2")))) == (422, "upload_missing")
        assert nothing_was_kept(api, settings)

    def test_a_file_by_another_name(self, api: httpx.Client, settings: ServerSettings) -> None:
        answer = api.post("/jobs", **form(("video", "a.mp4", MP4)))
        assert code(answer) == (422, "upload_missing")
        assert "'video'" in answer.json()["detail"]
        assert nothing_was_kept(api, settings)

    def test_two_files(self, api: httpx.Client, settings: ServerSettings) -> None:
        body = form(("file", "a.mp4", MP4), ("file", "b.mp4", MP4))
        assert code(api.post("/jobs", **body)) == (400, "request_invalid")
        assert nothing_was_kept(api, settings)

    @pytest.mark.parametrize(
        ("options", "expected", "word"),
        [
            ({"max_person": "2"}, "option_unknown", "max_persons"),
            ({"max_persons": "9"}, "option_out_of_range", "max_persons"),
            ({"stride": "fast"}, "option_out_of_range", "stride"),
            ({"pose_model": "huge"}, "option_out_of_range", "pose_model"),
            ({"start_s": "5", "end_s": "2"}, "option_out_of_range", "end_s"),
            ({"max_fps": "nan"}, "option_out_of_range", "max_fps"),
        ],
    )
    @pytest.mark.parametrize("raw", [False, True])
    def test_options(
        self,
        api: httpx.Client,
        settings: ServerSettings,
        options: dict[str, str],
        expected: str,
        word: str,
        raw: bool,
    ) -> None:
        answer = api.post("/jobs", content=MP4, params=options) if raw else send(api, **options)
        assert code(answer) == (422, expected)
        assert word in answer.json()["detail"]
        assert nothing_was_kept(api, settings)

    @pytest.mark.parametrize(
        "body",
        [
            {"content": b"--x", "headers": {"Content-Type": "multipart/form-data"}},
            {
                "content": b"no boundary in here",
                "headers": {"Content-Type": "multipart/form-data; boundary=x"},
            },
            form(*[("stride", None, b"2")] * 101, ("file", "a.mp4", MP4)),
            form(("stride", None, b"2" * 5000), ("file", "a.mp4", MP4)),
        ],
        ids=["no boundary", "not multipart", "many parts", "long field"],
    )
    def test_broken_forms(
        self, api: httpx.Client, settings: ServerSettings, body: dict[str, object]
    ) -> None:
        assert code(api.post("/jobs", **body)) == (400, "request_invalid")
        assert nothing_was_kept(api, settings)

    def test_form_without_its_end(self, api: httpx.Client, settings: ServerSettings) -> None:
        body = form(("file", "a.mp4", MP4))
        body["content"] = bytes(body["content"])[:-20]  # type: ignore[arg-type]
        assert code(api.post("/jobs", **body)) == (400, "upload_incomplete")
        assert nothing_was_kept(api, settings)

    def test_full_queue(self, serve, settings: ServerSettings, alive: None) -> None:
        server: RunningServer = serve(settings.model_copy(update={"max_queue": 1}))
        with httpx.Client(base_url=server.url, timeout=60) as api:
            assert send(api).status_code == 202
            refused = send(api)
            assert code(refused) == (429, "queue_full")
            assert int(refused.headers["retry-after"]) > 0
            assert len(stored(settings)) == 1  # the first one's

    def test_full_disk(self, serve, settings: ServerSettings) -> None:
        server: RunningServer = serve(settings.model_copy(update={"disk_reserve_bytes": 1 << 60}))
        with httpx.Client(base_url=server.url, timeout=60) as api:
            refused = send(api)
            assert code(refused) == (507, "storage_full")
            assert int(refused.headers["retry-after"]) > 0
            assert nothing_was_kept(api, settings)

    def test_disk_that_fills_up_under_an_upload(self, serve, settings: ServerSettings) -> None:
        free_bytes = shutil.disk_usage(settings.data_dir).free
        reserve_bytes = free_bytes - (200 << 20)  # it is another's disk, too: leave it some play
        limits = {"disk_reserve_bytes": reserve_bytes, "upload_limit_bytes": 1 << 30}
        server: RunningServer = serve(settings.model_copy(update=limits))
        pieces = itertools.chain([MP4], itertools.repeat(bytes(1 << 20), 1000))
        with httpx.Client(base_url=server.url, timeout=60) as api:
            assert code(api.post("/jobs", content=pieces)) == (507, "storage_full")
            assert nothing_was_kept(api, settings)

    def test_redis_away(self, serve, settings: ServerSettings) -> None:
        server: RunningServer = serve(
            settings.model_copy(update={"redis_url": "redis://127.0.0.1:1"})
        )
        with httpx.Client(base_url=server.url, timeout=60) as api:
            for refused in (send(api), api.get("/jobs"), api.get("/jobs/feed")):
                assert code(refused) == (503, "store_unavailable")
                assert int(refused.headers["retry-after"]) > 0
            assert stored(settings) == []


class TestTooLarge:
    def test_refused_by_its_length_before_it_is_sent(self, api: httpx.Client) -> None:
        answer = api.post("/jobs", content=of_size((3 << 20) + 1))
        assert code(answer) == (413, "upload_too_large")
        assert "3 MiB" in answer.json()["detail"]

    @pytest.mark.parametrize("in_form", [False, True])
    def test_stopped_at_the_limit_and_nothing_kept(
        self, url: str, api: httpx.Client, settings: ServerSettings, in_form: bool
    ) -> None:
        """A client that names no length and never stops is told to, and soon."""
        host, port = url.removeprefix("http://").split(":")
        kind = "multipart/form-data; boundary=x" if in_form else "video/mp4"
        head = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n' if in_form else b""
        with socket.create_connection((host, int(port)), timeout=60) as wire:
            wire.sendall(
                f"POST /jobs HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\n"
                "Transfer-Encoding: chunked\r\n\r\n".encode()
            )
            sent, piece = 0, head + of_size(64 << 10)
            while sent < 40 << 20:
                try:
                    wire.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
                except OSError:
                    break
                sent, piece = sent + len(piece), bytes(64 << 10)
                if sent > 4 << 20:
                    break
            answer = b""
            while not answer.endswith(b"}") and (more := wire.recv(65536)):
                answer += more
        assert answer.startswith(b"HTTP/1.1 413")
        assert b"upload_too_large" in answer
        assert nothing_was_kept(api, settings)

    def test_answer_reaches_a_client_that_only_listens_afterwards(self, api: httpx.Client) -> None:
        def endless() -> object:
            yield of_size(1 << 20)
            for _ in range(6):
                yield bytes(1 << 20)

        answer = api.post("/jobs", content=endless())
        assert code(answer) == (413, "upload_too_large")
        assert answer.headers["connection"] == "close"


def test_client_that_vanishes_leaves_nothing(
    url: str, api: httpx.Client, settings: ServerSettings
) -> None:
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as wire:
        wire.sendall(
            f"POST /jobs HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3000000\r\n\r\n".encode()
        )
        wire.sendall(of_size(2_000_000))
        wait_for(lambda: bool(stored(settings)))
    wait_for(lambda: not stored(settings))
    assert nothing_was_kept(api, settings)
