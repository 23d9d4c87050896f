"""How much a decoder's box may take."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BoxLimits:
    """What one box may use up before it is ended.

    Attributes:
        memory_bytes: address space beyond what the empty box has. One of the largest pictures that
            are accepted takes 100 MB at 8 bits, and a decoder may hold twenty of them.
        cpu_s: processor time of all threads together between two signs of life.
        silence_s: wall time between two signs of life, while somebody waits for one.
        start_s: wall time from the start until the walls stand; a busy machine may take long.
        open_files: descriptors, the highest number plus one.
    """

    memory_bytes: int = 4 << 30
    cpu_s: int = 120
    silence_s: float = 120.0
    start_s: float = 60.0
    open_files: int = 16
