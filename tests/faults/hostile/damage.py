"""What transfers and failing disks do to a file: ends, flips, insertions, mixed-up pieces."""

from random import Random

from tests.faults.hostile.variant import Material, Variant

_HEAD_BYTES = 600
"""Damage here hits headers in every container."""


def truncated(material: Material, dice: Random, index: int) -> Variant:
    """A file that ends early: by a byte, within its first bytes, or anywhere."""
    name, content = material.pick(dice, index)
    turn = index // len(material.clips)
    stop = {
        0: len(content) * 6 // 10,
        1: len(content) - 1,
        2: dice.randrange(1, 64),
        3: dice.randrange(64, _HEAD_BYTES),
    }.get(turn, dice.randrange(1, len(content)))
    return Variant(content[:stop], f"{name} cut to {stop} of {len(content)} bytes", name)


def flipped(material: Material, dice: Random, index: int) -> Variant:
    """A file with some bits turned, in its headers or anywhere."""
    name, content = material.pick(dice, index)
    damaged = bytearray(content)
    reach = (_HEAD_BYTES, len(content), len(content))[index // len(material.clips) % 3]
    # The signature stays: files without one are refused before anybody decodes them.
    first = 12 if dice.random() < 0.9 else 0
    flips = dice.choice((1, 1, 3, 10, 100))
    for _ in range(flips):
        damaged[dice.randrange(first, min(reach, len(content)))] ^= 1 << dice.randrange(8)
    return Variant(bytes(damaged), f"{name} with {flips} bits turned below {reach}", name)


def inserted(material: Material, dice: Random, index: int) -> Variant:
    """A file with bytes put in, taken out, or written over, so that nothing is where it was."""
    name, content = material.pick(dice, index)
    at = dice.randrange(12, len(content))
    size = dice.choice((1, 2, 4, 7, 100, 1000, 70_000))
    junk = dice.choice((bytes(size), b"\xff" * size, dice.randbytes(size), content[at:][:size]))
    kind = ("in", "out", "over")[index // len(material.clips) % 3]
    rest = {"in": content[at:], "out": content[at + size :], "over": content[at + size :]}[kind]
    middle = b"" if kind == "out" else junk
    return Variant(content[:at] + middle + rest, f"{name}: {size} bytes {kind} at {at}", name)


def shuffled(material: Material, dice: Random, index: int) -> Variant:
    """Pieces of one or two files in a new order."""
    name, content = material.pick(dice, index)
    other_name, other = material.pick(dice, dice.randrange(len(material.clips)))
    first, second = sorted(dice.sample(range(len(content)), 2))
    at = dice.randrange(len(other))
    mixed = (
        content[:first] + content[second:] + content[first:second],
        content[:first] + other[at:],
        content + other,
        content[:second] + content[first:],
        content[:second] * 3,
    )[index // 2 % 5]
    return Variant(mixed, f"{name} and {other_name}, cut at {first}, {second} and {at}", name)
