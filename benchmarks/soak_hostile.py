"""Promise: whatever is sent as a video ends in success or a code, and nobody dies."""

import time

from benchmarks.soak_promise import Entries, Setting, Trial
from tests.faults.hostile.arena import Arena
from tests.faults.hostile.corpus import LONG, hostile_file
from tests.faults.hostile.openings import can_trace


def hostile_sample(setting: Setting) -> Entries:
    """Files of the corpus, drawn by lot; ``python -m benchmarks hostile`` takes all of them."""
    labels = [f"{family}/{index}" for family, count in LONG.items() for index in range(count)]
    setting.dice.shuffle(labels)
    with Arena(setting.folder) as arena:
        arena.warm_up()
        started_s = time.time()
        for number in setting.rounds(len(labels), each_s=5):
            deaths = len(arena.deaths)
            verdict = arena.judge(hostile_file(arena.material, labels[number], setting.seed))
            problem = f"{labels[number]}: {verdict.problem}" if verdict.problem else ""
            yield Trial(
                lost=int(verdict.code == "no answer"),
                dead=len(arena.deaths) - deaths,
                problem=problem,
            )
        if setting.has(0):
            arena.warm_up()  # honest ones are served as ever
        strange = arena.openings(started_s) if can_trace() else set()
        touched = sorted({*strange, *arena.baits_taken})
        yield Trial(times=0, problem=f"reached for {', '.join(touched)}" if touched else "")
