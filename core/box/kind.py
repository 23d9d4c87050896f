"""What a box is for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BoxKind:
    """What is decoded in a box, and by which code.

    Attributes:
        noun: of what is decoded, as users are told of it: ``video``, ``picture``.
        module: what is run in it.
    """

    noun: str
    module: str
