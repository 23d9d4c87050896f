"""The same request again is the same job."""

import socket

import httpx
import pytest
from redis import Redis

from core.contracts import LIFT_QUEUE
from server.settings import ServerSettings
from tests.server.clips import MP4, code
from tests.server.sending import stored
from tests.waiting import wait_for


class TestIdempotency:
    def post(self, api: httpx.Client, content: bytes = MP4, **options: str) -> httpx.Response:
        return api.post(
            "/jobs", content=content, headers={"Idempotency-Key": "mine-1"}, params=options
        )

    def test_same_again_is_the_same_job(
        self, api: httpx.Client, redis: Redis, settings: ServerSettings
    ) -> None:
        first, second = self.post(api), self.post(api)
        assert (first.status_code, second.status_code) == (202, 202)
        assert first.json()["id"] == second.json()["id"]
        assert "idempotency-replayed" not in first.headers
        assert second.headers["idempotency-replayed"] == "true"
        assert len(api.get("/jobs").json()["jobs"]) == 1
        assert redis.llen(f"rq:queue:{LIFT_QUEUE}") == 1
        assert len(stored(settings)) == 1

    @pytest.mark.parametrize("change", [{"content": MP4 + b"x"}, {"stride": "2"}])
    def test_other_request_is_refused(self, api: httpx.Client, change: dict[str, object]) -> None:
        self.post(api)
        assert code(self.post(api, **change)) == (422, "idempotency_conflict")
        assert len(api.get("/jobs").json()["jobs"]) == 1

    def test_failed_request_may_be_tried_again(self, api: httpx.Client) -> None:
        assert code(self.post(api, b"no video"))[0] == 415
        assert self.post(api).status_code == 202

    def test_only_one_at_a_time(self, url: str, api: httpx.Client, redis: Redis) -> None:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as wire:
            wire.sendall(
                f"POST /jobs HTTP/1.1\r\nHost: {host}\r\nIdempotency-Key: mine-1\r\n"
                f"Content-Length: {len(MP4)}\r\n\r\n".encode()
                + MP4[:100]
            )
            wait_for(lambda: redis.keys("poselift:idempotency:*:lock") != [])
            assert code(self.post(api)) == (409, "idempotency_in_flight")

    def test_key_with_no_text(self, api: httpx.Client) -> None:
        answer = api.post("/jobs", content=MP4, headers={"Idempotency-Key": ""})
        assert code(answer) == (400, "request_invalid")
