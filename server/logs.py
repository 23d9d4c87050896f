"""How the API logs: one line per event on standard error, uvicorn's lines among them."""

from typing import Any

from core.event_log.config import logging_config
from core.event_log.lines import LogFormat


def server_logging(log_format: LogFormat, *, level: str) -> dict[str, Any]:
    """For uvicorn's ``log_config``: it sets this up in every process it starts.

    Requests are logged by our own middleware, which knows route, job and problem code; uvicorn's
    access log is to be switched off.
    """
    config = logging_config(log_format, level=level, process="api")
    # Their handlers are uvicorn's own default; without any, lines go to the root's.
    config["loggers"]["uvicorn"] = {"handlers": [], "propagate": True}
    config["loggers"]["uvicorn.error"] = {"handlers": [], "propagate": True}
    return config
