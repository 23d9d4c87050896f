"""The setting that says whether files are decoded in a box; see ``docs/decisions/0012``."""

from enum import StrEnum


class Sandbox(StrEnum):
    """Whether videos and pictures are decoded in a box."""

    OFF = "off"
    AUTO = "auto"
    """With all the walls that this system has."""
    REQUIRE = "require"
    """With every wall, or not at all."""
