"""Where `poselift up` keeps jobs and files."""

import os
from pathlib import Path


def default_folder() -> Path:
    """Not the current folder: the jobs of yesterday should be there wherever we start today."""
    named = os.environ.get("POSELIFT_DATA_DIR")
    if named:
        return Path(named)
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "poselift"
