"""How many processor cores there are for us."""

import os


def usable_cores() -> int:
    """Those that this process may run on; pinning and most containers allow only some."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
