"""How a worker logs: one line per event on standard error, RQ's lines among them."""

import logging
from logging.config import dictConfig

from core.event_log.config import logging_config
from core.event_log.lines import LogFormat, mask

__all__ = ["mask", "set_up_logging"]

_CHATTY = ("rq.worker", "rq.job", "rq.queue", "rq.registry")


def set_up_logging(level: str, *, name: str, log_format: LogFormat = LogFormat.TEXT) -> None:
    """Send everything to standard error; RQ's own chatter only from warnings up."""
    dictConfig(logging_config(log_format, level=level, process=name, quiet=_CHATTY))
    logging.captureWarnings(True)
