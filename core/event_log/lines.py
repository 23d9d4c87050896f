"""Log records as lines: one each, whatever is in them, with no secret in it."""

import json
import logging
import os
import re
from datetime import UTC, datetime
from enum import StrEnum

from core.event_log.events import job_fields

_SECRETS = (
    (re.compile(r"(?P<kept>\w+://)[^@/\s]*@"), r"\g<kept>***@"),
    (re.compile(r"(?P<kept>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}", re.I), r"\g<kept>***"),
    (re.compile(r"(?P<kept>\bposelift_[0-9a-f]{12}_)[0-9a-f]+"), r"\g<kept>***"),
    (re.compile(r"(?P<kept>\bwhsec_)[A-Za-z0-9+/=_-]+"), r"\g<kept>***"),
)
# Also what terminals and editors take for a line's end, or for a reason to turn it around.
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class LogFormat(StrEnum):
    """How log lines look: ``text`` is for people, ``json`` for machines."""

    TEXT = "text"
    JSON = "json"


def mask(text: str) -> str:
    """The text without passwords in URLs, credentials of requests and webhook secrets."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def one_line(text: str) -> str:
    """The text with its line breaks and control characters spelled out: it cannot fake a line."""
    return _BREAKS.sub(lambda found: json.dumps(found.group())[1:-1], text)


class TextLines(logging.Formatter):
    """``time LEVEL process message``; a traceback follows, indented.

    Args:
        process: what this process is called.
    """

    def __init__(self, process: str) -> None:
        super().__init__(datefmt="%Y-%m-%dT%H:%M:%S")
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        words = [self.formatTime(record, self.datefmt), record.levelname, self._process]
        words.append(one_line(record.getMessage()))
        if not hasattr(record, "event"):
            words += [f"{name}={value}" for name, value in job_fields().items()]
        lines = [" ".join(words)]
        if record.exc_info:
            trace = self.formatException(record.exc_info)
            lines += [f"    {one_line(line)}" for line in trace.splitlines()]
        return mask("\n".join(lines))


class JsonLines(logging.Formatter):
    """One JSON object a line; a traceback is one of its fields.

    Args:
        process: what this process is called.
    """

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "process": self._process,
            "pid": os.getpid(),
            "logger": record.name,
        }
        event = getattr(record, "event", None)
        if event is None:
            line |= {**job_fields(), "message": record.getMessage()}
        else:
            line |= {"event": event, **getattr(record, "event_fields", {})}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        # ASCII only: no reader mistakes anything inside for a line's end.
        return json.dumps({name: _masked(value) for name, value in line.items()}, ensure_ascii=True)


def _masked(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_masked(one) for one in value]
    return mask(str(value))
