"""One line per event, whatever is in it, and no secret."""

import json
import logging
import sys
import threading
from collections.abc import Callable
from contextvars import copy_context

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.event_log.events import about_job, job_fields, log_event
from core.event_log.lines import JsonLines, TextLines, mask

log = logging.getLogger("tests.event_log")
FAKE = "x\n2026-01-01T00:00:00 ERROR api job_failed job_id=1\r\u2028\x1b[2J\u202e.mp4"


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> Callable[[], list[logging.LogRecord]]:
    caplog.set_level(logging.INFO, logger=log.name)
    return lambda: caplog.records


def test_an_event_names_its_job_and_its_fields(records) -> None:
    with about_job("f00d", 2):
        log_event(log, "job_failed", code="out_of_memory", detail=None, seconds=1.25, last=True)
    (record,) = records()
    line = json.loads(JsonLines("cpu-0").format(record))
    assert line["time"].endswith("Z")
    for name in ("time", "pid"):
        line.pop(name)
    assert line == {
        "level": "info",
        "process": "cpu-0",
        "logger": log.name,
        "event": "job_failed",
        "job_id": "f00d",
        "attempt": 2,
        "code": "out_of_memory",
        "seconds": 1.25,
        "last": True,
    }
    words = TextLines("cpu-0").format(record).split(" ", 1)[1]
    assert words == (
        "INFO cpu-0 job_failed job_id=f00d attempt=2 code=out_of_memory seconds=1.25 last=true"
    )


def test_what_others_log_about_a_job_names_it_too(records) -> None:
    with about_job("f00d", 1):
        log.warning("redis is %s", "slow")
        text, line = (form("w").format(records()[0]) for form in (TextLines, JsonLines))
    assert text.endswith("WARNING w redis is slow job_id=f00d attempt=1")
    assert {"message": "redis is slow", "job_id": "f00d"}.items() <= json.loads(line).items()
    assert job_fields() == {}


def test_a_thread_takes_part_in_a_copied_context() -> None:
    seen = []
    with about_job("f00d"):
        run = copy_context().run
        thread = threading.Thread(target=run, args=(lambda: seen.append(job_fields()),))
        thread.start()
        thread.join()
    assert seen == [{"job_id": "f00d"}]


@pytest.mark.parametrize("form", [TextLines, JsonLines])
def test_a_file_name_cannot_fake_a_line(records, form) -> None:
    log_event(log, "job_accepted", filename=FAKE)
    log.info("got %s", FAKE)
    for record in records():
        line = form("api").format(record)
        assert line.splitlines() == [line]
        assert line.isprintable()


@given(st.text())
def test_no_text_at_all_can(text: str) -> None:
    record = log.makeRecord(log.name, logging.INFO, "", 0, "%s", (text,), None)
    for form in (TextLines, JsonLines):
        line = form("api").format(record)
        assert line.splitlines() == [line]


def test_json_gives_back_the_very_text(records) -> None:
    log_event(log, "job_accepted", filename=FAKE)
    assert json.loads(JsonLines("api").format(records()[0]))["filename"] == FAKE


def test_a_traceback_stays_with_its_line_and_cannot_fake_one(records) -> None:
    try:
        raise ValueError(FAKE)
    except ValueError:
        log.exception("oh")
    (record,) = records()
    first, *trace = TextLines("w").format(record).splitlines()
    assert first.endswith("oh")
    assert trace
    assert all(line.startswith("    ") and line.isprintable() for line in trace)
    line = JsonLines("w").format(record)
    assert line.splitlines() == [line]
    assert "ValueError" in json.loads(line)["exception"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://:hunter2@host:6379/0", "redis://***@host:6379/0"),
        ("rediss://me:hunter2@host", "rediss://***@host"),
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("unix:///tmp/redis.sock", "unix:///tmp/redis.sock"),
        ("Authorization: Bearer abcDEF123_-x", "Authorization: Bearer ***"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_***"),
    ],
)
def test_secrets_are_masked(text: str, shown: str) -> None:
    assert mask(f"cannot use {text}!") == f"cannot use {shown}!"


@pytest.mark.parametrize("form", [TextLines, JsonLines])
def test_secrets_are_masked_wherever_they_stand(form) -> None:
    url = "redis://u:hunter2@host"
    try:
        raise ValueError(url)
    except ValueError:
        trace = sys.exc_info()
    record = log.makeRecord(
        log.name, logging.ERROR, "", 0, "at %s", (url,), trace,
        extra={"event": "oh", "event_fields": {"url": url, "urls": [url]}},
    )  # fmt: skip
    line = form("w").format(record)
    assert "ValueError" in line
    assert "hunter2" not in line
