"""What children write, passed on."""

import io
import json

from scripts.child_lines import ChildJson, ChildLines


def test_for_people_names_stand_in_front() -> None:
    out = io.StringIO()
    ChildLines(out)("cpu-0", "ready")
    assert out.getvalue() == "cpu-0   | ready\n"


def test_for_machines_every_line_is_an_object() -> None:
    out = io.StringIO()
    tell = ChildJson(out)
    event = '{"event": "job_started", "process": "cpu-0"}'
    for line in (event, "Traceback:", '"text"', "", "redis://u:hunter2@h"):
        tell("cpu-0", line)
    first, *others = out.getvalue().splitlines()
    assert first == event
    assert [json.loads(line) for line in others] == [
        {"process": "cpu-0", "message": message}
        for message in ("Traceback:", '"text"', "", "redis://***@h")
    ]
