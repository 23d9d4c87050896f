"""What became of the hostile files: the numbers, the table, and the page that keeps them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.faults.hostile.arena import Verdict

COLUMNS = ("family", "files", "succeeded", "failed", "dead", "seconds", "peak MiB")
MIB = 1 << 20


@dataclass
class Tally:
    """What became of the files of one family.

    Attributes:
        codes: how often each ending occurred.
        problems: those that ended as they should not, by label.
        dead: processes that ended while they should not.
        seconds: from the first file's first byte to the last one's end.
        peak_bytes: the slot's largest resident memory, its decoder's box included.
    """

    codes: Counter[str] = field(default_factory=Counter)
    problems: dict[str, str] = field(default_factory=dict)
    dead: int = 0
    seconds: float = 0.0
    peak_bytes: int = 0

    def add(self, verdict: Verdict, dead: int, peak_bytes: int) -> None:
        """Count one file."""
        self.codes[verdict.code] += 1
        self.seconds += verdict.seconds
        self.dead += dead
        self.peak_bytes = max(self.peak_bytes, peak_bytes)
        if verdict.problem:
            self.problems[verdict.file.label] = verdict.problem

    def row(self, family: str) -> tuple[str, ...]:
        """A line of the table."""
        failed = [(code, count) for code, count in self.codes.most_common() if code != "succeeded"]
        return (
            family,
            str(self.codes.total()),
            str(self.codes["succeeded"]),
            ", ".join(f"{code} {count}" for code, count in failed) or "-",
            str(self.dead),
            f"{self.seconds:.0f}",
            f"{self.peak_bytes / MIB:.0f}",
        )


@dataclass(frozen=True)
class Report:
    """A whole run.

    Attributes:
        tallies: by family.
        before_bytes: resident memory of each process before the first file, after honest ones.
        after_bytes: after the last one, and honest ones again.
        openings: what was reached for outside the data folder; None where nothing can be traced.
        baits: what was touched of that which nobody should.
    """

    tallies: Mapping[str, Tally]
    before_bytes: Mapping[str, int]
    after_bytes: Mapping[str, int]
    openings: set[str] | None
    baits: list[str]

    @property
    def is_good(self) -> bool:
        """Whether the promise was kept."""
        bad = any(tally.problems or tally.dead for tally in self.tallies.values())
        return not (bad or self.openings or self.baits)


def rows(report: Report) -> Iterator[tuple[str, ...]]:
    """The table: a line for each family, and one for all."""
    yield from (tally.row(family) for family, tally in report.tallies.items())
    total = Tally()
    for tally in report.tallies.values():
        total.codes += tally.codes
        total.dead += tally.dead
        total.seconds += tally.seconds
        total.peak_bytes = max(total.peak_bytes, tally.peak_bytes)
    yield total.row("all")


def findings(report: Report) -> Iterator[str]:
    """What is not a matter of families, and every file that broke the promise."""
    for name, before in report.before_bytes.items():
        after = report.after_bytes[name]
        yield f"Memory of the {name}: {before / MIB:.0f} MiB before, {after / MIB:.0f} MiB after."
    if report.openings is None:
        yield "What was opened could not be traced here; only the baits tell."
    else:
        strange = ", ".join(sorted(report.openings)) or "nothing"
        yield f"Reached for outside the data folder, by trace: {strange}."
    yield f"Baits taken: {', '.join(report.baits) or 'none'}."
    for tally in report.tallies.values():
        yield from (f"{label}: {problem}" for label, problem in tally.problems.items())


def page(report: Report, seed: int, timeout_s: float) -> str:
    """The page for ``docs``."""
    lines = [
        "# Hostile files",
        "",
        "Videos made to break a decoder or to lead it astray, through the real API, Redis and a "
        "real slot with its decoder's box; only the 2D networks are stand-ins. Every file ended in "
        "success or in a coded failure."
        if report.is_good
        else "**The promise was not kept.**",
        "",
        "```",
        f"python -m benchmarks hostile --seed {seed} --timeout {timeout_s:g} --write",
        "```",
        "",
        f"Run on {datetime.now(UTC).date().isoformat()}. One file again: add its name, such as "
        "`'bit flips/17'`. The families are described in `tests/faults/hostile/`.",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "---|" * len(COLUMNS),
        *("| " + " | ".join(row) + " |" for row in rows(report)),
        "",
        "`dead`: processes that ended while they should not. `peak MiB`: resident memory of the "
        "slot and its box together, the runtime's own included. Whether memory grows from file to "
        "file shows in the families without large files; what the largest pictures took is partly "
        "kept by the allocator for the next ones, once.",
        "",
        *(f"- {finding}" for finding in findings(report)),
        "",
    ]
    return "\n".join(lines)
