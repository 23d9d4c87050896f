"""What a job has seen so far, kept aside so that a later attempt need not look for it again.

Looking for people takes nearly all of a job's time; who is who, lifting and smoothing take a few
per cent. So what is kept are observations, as :func:`core.segments.observe.observe_in_segments`
gives them; an attempt that goes on sends them through the other stages once more. Where it may go
on is where a fresh run relieved the one before: what comes then depends on nothing earlier. See
``docs/decisions/0011``.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Protocol, runtime_checkable

from core.contracts import JobOptions
from core.results.manifest import ModelFacts, software_versions
from core.segments.plan import CUTTING
from core.tracking.association import Observation

SECTION_FRAMES = 256
"""At most so many observations are held back before they are kept; a segment has fewer."""
_FORMAT = 1


@runtime_checkable
class ObservationSpool(Protocol):
    """Observations of one job, in order from its first used frame."""

    @property
    def frames(self) -> int:
        """How many an earlier attempt left; a fresh run goes on behind them."""
        ...

    def read(self) -> Iterator[Observation]:
        """Those that an earlier attempt left."""
        ...

    def add(self, seen: Sequence[Observation], *, resumable: bool) -> None:
        """Keep the next ones. Storage that cannot take them must not end the job.

        Args:
            seen: at least one.
            resumable: a fresh run goes on behind them, so that another attempt may, too.
        """
        ...


OpenSpool = Callable[[str], ObservationSpool]
"""Opens the spool of what was made with the same things, as :func:`made_with` names them."""


class NoSpool:
    """Nothing was kept, and nothing is."""

    frames = 0

    def read(self) -> Iterator[Observation]:
        return iter(())

    def add(self, seen: Sequence[Observation], *, resumable: bool) -> None:
        pass


def no_spool(_: str) -> ObservationSpool:
    """For whoever does not expect to be interrupted."""
    return NoSpool()


def made_with(options: JobOptions, models: Mapping[str, ModelFacts]) -> str:
    """A name for everything but the video that decides what is seen: only equals may be mixed."""
    deciding = {
        "format": _FORMAT,
        "plan": CUTTING,
        "options": options.model_dump(mode="json"),
        "models": {name: facts.model_dump(mode="json") for name, facts in models.items()},
        "software": software_versions(),
    }
    return sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()


class Spooling:
    """Puts observations into a spool, section by section, while they pass."""

    def __init__(self, spool: ObservationSpool) -> None:
        self._spool = spool
        self._held: list[Observation] = []

    def passing(self, seen: Iterable[Observation]) -> Iterator[Observation]:
        """Pass them on; what is held back at the end is not worth keeping any more."""
        for observation in seen:
            if len(self._held) >= SECTION_FRAMES:
                self._keep(resumable=False)
            self._held.append(observation)
            yield observation

    def relieved(self) -> None:
        """A fresh run saw what comes next."""
        if self._held:
            self._keep(resumable=True)

    def _keep(self, *, resumable: bool) -> None:
        held, self._held = self._held, []
        self._spool.add(held, resumable=resumable)
