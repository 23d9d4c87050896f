"""What operators and orchestrators ask."""

from collections.abc import Callable

import httpx
from prometheus_client.parser import text_string_to_metric_families

from server.settings import ServerSettings
from tests.server.clips import MP4, code
from tests.server.running import RunningServer


def test_alive(api: httpx.Client) -> None:
    assert api.get("/healthz").json() == {"status": "ok"}


def test_ready(api: httpx.Client, alive: None) -> None:
    answer = api.get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)


def test_not_ready_without_a_worker(api: httpx.Client) -> None:
    answer = api.get("/readyz")
    assert code(answer) == (503, "not_ready")
    assert [check["name"] for check in answer.json()["checks"] if not check["ok"]] == ["workers"]
    assert "No worker" in answer.json()["detail"]


def test_not_ready_but_alive_without_redis_and_room(
    serve: Callable[[ServerSettings], RunningServer], settings: ServerSettings
) -> None:
    broken = {"redis_url": "redis://127.0.0.1:1", "disk_reserve_bytes": 1 << 60}
    server = serve(settings.model_copy(update=broken))
    with httpx.Client(base_url=server.url) as api:
        assert api.get("/healthz").status_code == 200
        answer = api.get("/readyz")
        assert code(answer) == (503, "not_ready")
        assert not any(check["ok"] for check in answer.json()["checks"])
        metrics = numbers(api)
        assert metrics["poselift_store_up", ()] == 0


def numbers(api: httpx.Client) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(api.get("/metrics").text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_metrics(
    serve: Callable[[ServerSettings], RunningServer], settings: ServerSettings, alive: None
) -> None:
    server = serve(settings)  # its own, so that its counters begin at zero
    with httpx.Client(base_url=server.url) as api:
        api.post("/jobs", content=MP4)
        api.post("/jobs", content=b"no video")
        for job_id in ("feed", "f00d"):
            api.get(f"/jobs/{job_id}")
        api.get("/no/such/thing")
        api.request("PROPFIND", "/healthz")
        found = numbers(api)
    assert found["poselift_uploads_total", ()] == 1
    assert found["poselift_upload_bytes_total", ()] == len(MP4)
    assert found["poselift_jobs", (("state", "queued"),)] == 1
    assert found["poselift_queue_depth", ()] == 1
    assert found["poselift_workers", (("doing", "idle"), ("queue", "poselift"))] == 1

    def count(method: str, route: str, status: int) -> float:
        labels = (("method", method), ("route", route), ("status", str(status)))
        return found["poselift_request_seconds_count", labels]

    assert count("POST", "/jobs", 202) == 1
    assert count("POST", "/jobs", 415) == 1
    assert count("GET", "/jobs/{job_id}", 404) == 2  # by route, not by id
    assert count("GET", "none", 404) == 1
    assert count("other", "/healthz", 405) == 1  # nor by whatever a client makes up
