"""Weights of another run as the beginning of this one."""

from dataclasses import dataclass
from pathlib import Path

from core.checkpoints import load_lifter
from core.errors import CheckpointInvalid
from core.models import Lifter
from core.training.state import differences

_MOST_NAMED = 3


@dataclass(frozen=True)
class WarmStart:
    """What was taken over.

    Attributes:
        name: of the lifter whose weights they are.
        taken: how many arrays of numbers were found by name.
        fresh: names that the other lifter does not have; they keep their random start.
        unused: names that only the other lifter has.
    """

    name: str
    taken: int
    fresh: tuple[str, ...]
    unused: tuple[str, ...]

    def __str__(self) -> str:
        words = f"Started from the weights of '{self.name}': {self.taken} arrays taken over."
        if self.fresh:
            words += f" New here, and random: {_listed(self.fresh)}."
        if self.unused:
            words += f" Not used here: {_listed(self.unused)}."
        return words


def start_from(path: Path, model: Lifter) -> WarmStart:
    """Load weights by name into a model that may have more or fewer of them.

    Raises:
        CheckpointInvalid: the file is no checkpoint, is for another schema or skeleton, or arrays
            of the same name have other shapes; says which, and which model fields differ.
    """
    loaded = load_lifter(path)
    theirs, ours = loaded.model.state_dict(), model.state_dict()
    shared = [name for name in ours if name in theirs]
    unfit = [name for name in shared if theirs[name].shape != ours[name].shape]
    if unfit or not shared:
        shapes = [
            f"{name} {tuple(theirs[name].shape)} where {tuple(ours[name].shape)} belongs"
            for name in unfit
        ]
        raise CheckpointInvalid(
            f"The weights in '{path.name}' do not fit this model: {_listed(tuple(shapes))}. Model "
            f"fields: {differences(loaded.config.to_dict(), model.config.to_dict())}."
        )
    model.load_state_dict({**ours, **{name: theirs[name] for name in shared}})
    return WarmStart(
        name=loaded.name,
        taken=len(shared),
        fresh=tuple(name for name in ours if name not in theirs),
        unused=tuple(name for name in theirs if name not in ours),
    )


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - _MOST_NAMED
    return "; ".join(names[:_MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
