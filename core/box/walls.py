"""What stands around a decoder's box, as it found out itself."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Walls:
    """What stands around a box.

    Attributes:
        made_of: what the kernel has of ``limits``, ``no-new-privileges``, ``landlock-7`` (version
            7 of it) and ``seccomp``.
        open: what was tried from the inside and worked; nothing, if all walls stand. Of ``memory``,
            ``processor time``, ``files``, ``network``, ``processes``, ``signals``.
    """

    made_of: tuple[str, ...]
    open: tuple[str, ...]

    def __str__(self) -> str:
        gaps = f"; NOT closed: {', '.join(self.open)}" if self.open else ""
        return f"{', '.join(self.made_of)}{gaps}"
