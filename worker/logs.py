"""One line per event on standard error, with no secrets in it."""

import logging
import re
import sys

_PASSWORD = re.compile(r"(?P<scheme>\w+://)[^@/\s]*@")


def mask(text: str) -> str:
    """The text without the user and password of any URL in it."""
    return _PASSWORD.sub(r"\g<scheme>***@", text)


class MaskingFormatter(logging.Formatter):
    """Masks the whole finished line, the traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


def set_up_logging(level: str, *, name: str) -> None:
    """Send everything to standard error; RQ's own chatter only from warnings up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        MaskingFormatter(f"%(asctime)s %(levelname)s {name} %(message)s", "%Y-%m-%dT%H:%M:%S")
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in ("rq.worker", "rq.job", "rq.queue", "rq.registry"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
