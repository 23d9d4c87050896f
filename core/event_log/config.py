"""How a process logs, in the standard library's terms."""

from typing import Any

from core.event_log.lines import JsonLines, LogFormat, TextLines


def logging_config(
    log_format: LogFormat, *, level: str, process: str, quiet: tuple[str, ...] = ()
) -> dict[str, Any]:
    """For :func:`logging.config.dictConfig`: everything goes to standard error, in one form.

    Args:
        log_format: of the lines.
        level: what is less important is left out.
        process: what this process is called in each line.
        quiet: loggers of libraries that are heard from warnings up.
    """
    formatter = JsonLines if log_format is LogFormat.JSON else TextLines
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": formatter, "process": process}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "lines",
                "stream": "ext://sys.stderr",
            }
        },
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {name: {"level": "WARNING"} for name in quiet},
    }
