"""What a hostile file is, and what it is made from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random


@dataclass(frozen=True)
class Variant:
    """A hostile file before it has a place in the corpus.

    Attributes:
        content: its bytes.
        what: what is wrong with it, in a few words.
        name: under which it is uploaded.
    """

    content: bytes
    what: str
    name: str = "clip.mp4"


@dataclass(frozen=True)
class Bait:
    """What a hostile file tries to reach: whoever opens one of these was led astray.

    Attributes:
        file: an existing file outside the data folder.
        url: of a server that should never be asked.
        port: of that server.
        touched: a file that does not exist, and must not come to.
    """

    file: Path
    url: str
    port: int
    touched: Path


@dataclass(frozen=True)
class Material:
    """What every family makes its files from.

    Attributes:
        clips: honest videos by name, such as ``h264.mp4``.
        bait: where the tricks point.
        folder: to encode further clips in.
    """

    clips: Mapping[str, bytes]
    bait: Bait
    folder: Path

    def pick(self, dice: Random, index: int) -> tuple[str, bytes]:
        """A clip, another one for each index, so that few files already cover all containers."""
        name = list(self.clips)[index % len(self.clips)]
        return name, self.clips[name]


Family = Callable[[Material, Random, int], Variant]
"""Makes the file with this index; the same index and dice give the same file."""
