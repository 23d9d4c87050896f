"""The corpus: all families, file by file, each reproducible by its label and the seed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

from tests.faults.hostile.bombs import exploding
from tests.faults.hostile.clocks import ticking
from tests.faults.hostile.colours import coloured
from tests.faults.hostile.damage import flipped, inserted, shuffled, truncated
from tests.faults.hostile.lies import lying
from tests.faults.hostile.names import named
from tests.faults.hostile.nests import nested
from tests.faults.hostile.references import referring
from tests.faults.hostile.scripts import disguised
from tests.faults.hostile.shapes import shaped
from tests.faults.hostile.sparse import sparse
from tests.faults.hostile.streams import crowded
from tests.faults.hostile.variant import Family, Material, Variant

SEED = 20261121

FAMILIES: Mapping[str, Family] = {
    "truncations": truncated,
    "bit flips": flipped,
    "insertions": inserted,
    "mixed pieces": shuffled,
    "lying headers": lying,
    "scripts": disguised,
    "references": referring,
    "names": named,
    "shapes": shaped,
    "many streams": crowded,
    "bombs": exploding,
    "colours": coloured,
    "clocks": ticking,
    "sparse": sparse,
    "nests": nested,
}
LONG: Mapping[str, int] = {
    "truncations": 112,
    "bit flips": 140,
    "insertions": 98,
    "mixed pieces": 56,
    "lying headers": 160,
    "scripts": 168,
    "references": 40,
    "names": 72,
    "shapes": 60,
    "many streams": 28,
    "bombs": 27,
    "colours": 35,
    "clocks": 84,
    "sparse": 57,
    "nests": 45,
}
"""How many files of each family are made in the long form; well over a thousand."""
SHORT: Mapping[str, int] = dict.fromkeys(FAMILIES, 4) | {"bombs": 6}
"""The first of each family: they are ordered so that these are the most different ones."""


@dataclass(frozen=True)
class HostileFile:
    """One file of the corpus.

    Attributes:
        label: family and number; with the seed it says everything about the file.
    """

    label: str
    family: str
    variant: Variant


def hostile_files(
    material: Material, counts: Mapping[str, int], seed: int = SEED
) -> Iterator[HostileFile]:
    """The first files of each family; only one of them is in memory at a time."""
    for family, count in counts.items():
        for index in range(count):
            yield hostile_file(material, f"{family}/{index}", seed)


def hostile_file(material: Material, label: str, seed: int = SEED) -> HostileFile:
    """The file with this label, such as ``bit flips/17``."""
    family, _, index = label.rpartition("/")
    dice = Random(f"{seed}/{label}")
    return HostileFile(label, family, FAMILIES[family](material, dice, int(index)))
