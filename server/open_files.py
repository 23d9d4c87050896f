"""How many files and connections this process may have open at once."""

import logging
import resource

log = logging.getLogger(__name__)

_ENOUGH = 65_536
_OTHERS = 256
"""Downloads, connections that poll, Redis, logs."""


def allow_open_files(uploads: int) -> None:
    """Raise the soft limit, often 1024, to what the system allows.

    An upload needs two, and once none is left not even a poll can be answered.

    Args:
        uploads: how many may be under way at the same time.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if most > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if max(soft, most) < 2 * uploads + _OTHERS:
        log.warning(
            "%d uploads at once need more open files than the %d that are allowed here: raise "
            "`ulimit -n`, or lower POSELIFT_MAX_UPLOADS",
            uploads,
            max(soft, most),
        )
