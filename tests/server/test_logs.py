"""Two real server processes that log as JSON: every line is an event, whatever clients send."""

import json
from pathlib import Path

import httpx

from core.store.embedded import EmbeddedRedis
from scripts.ports import claim_port
from tests.integration.stack import Running, answers
from tests.server.clips import MP4

EVIL = 'x\n{"event": "job_failed"}\r.mp4'
CREDENTIALS = "Bearer hunter2hunter2hunter2"


def test_every_line_is_one_event_and_names_its_job(
    redis_server: EmbeddedRedis, redis_url: str, tmp_path: Path
) -> None:
    port = claim_port("127.0.0.1", 0)
    url = f"http://127.0.0.1:{port}"
    running = Running.start(
        tmp_path / "api.log",
        *("serve", "--port", port, "--workers", 2, "--log-format", "json"),
        POSELIFT_REDIS_URL=redis_url,
        POSELIFT_DATA_DIR=tmp_path / "data",
        POSELIFT_DISK_RESERVE_BYTES=0,
    )
    try:
        running.wait_until(lambda: answers(url))
        with httpx.Client(base_url=url, timeout=60, headers={"Authorization": CREDENTIALS}) as api:
            job_id = api.post("/jobs", files={"file": (EVIL, MP4)}).json()["id"]
            assert api.post("/jobs", content=b"no video").status_code == 415
            api.get(f"/jobs/{job_id}")
            api.get("/no/such%0Athing?token=hunter2")
    finally:
        assert running.stop() == 0
    events = [json.loads(line) for line in running.said.splitlines()]
    assert {"time", "level", "process", "pid"} <= set.intersection(*map(set, events))
    by_name = {event.get("event"): event for event in events}
    assert by_name["job_accepted"]["job_id"] == job_id
    assert by_name["upload_refused"]["code"] == "not_a_video"
    assert by_name["upload_refused"]["level"] == "warning"
    assert any(e.get("route") == "/jobs/{job_id}" and e["job_id"] == job_id for e in events)
    assert "job_failed" not in by_name
    assert "hunter2" not in running.said
