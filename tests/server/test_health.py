"""What operators and orchestrators ask."""

from collections.abc import Callable

import httpx

from server.settings import ServerSettings
from tests.server.clips import code
from tests.server.running import RunningServer
from tests.waiting import wait_for


def test_alive(api: httpx.Client) -> None:
    assert api.get("/healthz").json() == {"status": "ok"}


def test_ready(api: httpx.Client, alive: None) -> None:
    answer = asked_until(api, 200)
    assert (answer.status_code, answer.json()["ready"]) == (200, True)


def asked_until(api: httpx.Client, status: int) -> httpx.Response:
    """The answer, once it is no longer that of the test before: it is kept for a second."""
    answers: list[httpx.Response] = []

    def is_as_expected() -> bool:
        answers.append(api.get("/readyz"))
        return answers[-1].status_code == status

    wait_for(is_as_expected)
    return answers[-1]


def test_not_ready_without_a_worker(api: httpx.Client) -> None:
    answer = asked_until(api, 503)
    assert code(answer) == (503, "not_ready")
    assert [check["name"] for check in answer.json()["checks"] if not check["ok"]] == ["workers"]
    assert "No worker" in answer.json()["detail"]


def test_not_ready_but_alive_without_redis_and_room(
    serve: Callable[[ServerSettings], RunningServer], settings: ServerSettings
) -> None:
    broken = {"redis_url": "redis://127.0.0.1:1", "disk_reserve_bytes": 1 << 60}
    server = serve(settings.model_copy(update=broken))
    with httpx.Client(base_url=server.url, timeout=60) as api:
        assert api.get("/healthz").status_code == 200
        answer = api.get("/readyz")
        assert code(answer) == (503, "not_ready")
        assert not any(check["ok"] for check in answer.json()["checks"])
        assert "poselift_store_up 0.0" in api.get("/metrics").text


def test_details_tell_what_to_look_after(
    serve: Callable[[ServerSettings], RunningServer], settings: ServerSettings, alive: None
) -> None:
    vast = settings.model_copy(update={"upload_limit_bytes": 1 << 60, "max_queue": 0})
    with httpx.Client(base_url=serve(vast).url, timeout=60) as api:
        answer = api.get("/readyz")
    assert (answer.status_code, answer.json()["degraded"]) == (200, True)
    degraded = {c["name"]: c["detail"] for c in answer.json()["checks"] if c["degraded"]}
    assert set(degraded) == {"storage", "queue"}
    assert "largest size" in degraded["storage"]
    assert "refused" in degraded["queue"]
