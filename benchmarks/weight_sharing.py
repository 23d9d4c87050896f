"""One table over the graph choices of one lifter, all trained the same way.

``python -m benchmarks weight-sharing --motion FILE`` trains the ``small`` lifter once per choice:
the same batches in the same order, the same steps, the same first seed. All are trained side by
side, each batch drawn once, so that a busy machine cannot favour one of them.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.lifter_costs import FRAMES, counts, peak_training_bytes, training_loss
from benchmarks.measurement import Measurement, save
from core.errors import LiftError
from core.lifting.memory_cost import MIB
from core.models import GraphWeights, Lifter, LifterConfig, Neighbour, Topology
from core.models.config import PRESETS
from core.training.dice import Dice
from core.training.heldout import HeldOutSet, measure
from core.training.motion import HELD_OUT_SUBJECTS, load_motion
from core.training.sampler import CLEAN, NOISY, Batch, Difficulty, draw_batch

PLAIN = replace(PRESETS["small"], reads_hint=False)
PER_KIND = replace(PLAIN, graph_weights=GraphWeights.PER_KIND)
PER_EDGE = replace(PLAIN, graph_weights=GraphWeights.PER_EDGE)
CHOICES: Mapping[str, LifterConfig] = {
    "shared": replace(PLAIN, graph_weights=GraphWeights.SHARED),
    "per_kind": PER_KIND,
    "per_joint": PLAIN,
    "per_joint, another seed": PLAIN,
    "per_edge": PER_EDGE,
    "per_edge, another seed": PER_EDGE,
    "per_joint + part pooling": replace(PLAIN, part_pooling=True),
    "per_joint + forward, backward": replace(PLAIN, neighbours=tuple(Neighbour)),
    "per_kind + masked_learnable": replace(PER_KIND, topology=Topology.MASKED_LEARNABLE),
    "per_kind + dense": replace(PER_KIND, topology=Topology.DENSE),
}
"""What is compared; a second seed shows how far two equal lifters end apart."""

LEARNING_RATE = 2e-3
_TRAINING = Difficulty(hint=0.0)
_HELD_OUT_SEED = 1234


@dataclass(frozen=True)
class Budget:
    """How much each choice gets.

    Attributes:
        steps: updates.
        windows: of 27 frames, in each batch.
        held_out_windows: to measure on, clean and again as noisy.
    """

    steps: int = 200
    windows: int = 32
    held_out_windows: int = 256


@dataclass(frozen=True)
class Apprentice:
    """One choice while it is trained."""

    model: Lifter
    optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler

    @classmethod
    def begin(cls, config: LifterConfig, seed: int, steps: int) -> "Apprentice":
        torch.manual_seed(seed)
        model = Lifter(config)
        optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, LEARNING_RATE, total_steps=steps, pct_start=0.1
        )
        return cls(model, optimiser, schedule)

    def learn(self, batch: Batch) -> float:
        """One update; CPU seconds it took."""
        start_s = process_time()
        self.model.train()
        self.optimiser.zero_grad()
        training_loss(self.model, batch).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.schedule.step()
        return process_time() - start_s


def main(argv: Sequence[str] | None = None) -> int:
    """Count the sizes, then train, measure, print the table.

    Returns:
        0, or 1 with a sentence if the motion cannot be read.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks weight-sharing")
    parser.add_argument(
        "--motion", type=Path, help="an .npz of clips of 28 joints; without, sizes are counted only"
    )
    parser.add_argument("--steps", type=int, default=Budget.steps)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    console = Console()
    torch.set_num_threads(1)
    console.print(_table([{"size": name, **counts(Lifter(PRESETS[name]))} for name in PRESETS]))
    if args.motion is None:
        return 0
    try:
        measurement = compare(args.motion, Budget(args.steps), args.seed, console)
    except LiftError as error:
        console.print(f"[red]{error.detail}[/]")
        return 1
    console.print(_table(measurement.rows))
    written = save("weight-sharing", measurement)
    console.print(f"{measurement.note}\nWritten to {written}", soft_wrap=True)
    return 0


def compare(motion: Path, budget: Budget, seed: int, console: Console) -> Measurement:
    """Train every choice and measure it.

    Raises:
        MotionInvalid: the motion cannot be read.
    """
    library = load_motion(motion)
    learnt = library.of_subjects(HELD_OUT_SUBJECTS, inside=False)
    unseen = library.of_subjects(HELD_OUT_SUBJECTS, inside=True)
    dice = Dice(seed)
    apprentices = {
        name: Apprentice.begin(config, seed + name.endswith("another seed"), budget.steps)
        for name, config in CHOICES.items()
    }
    spent_s = dict.fromkeys(apprentices, 0.0)
    for _ in track(range(budget.steps), "training", console=console):
        batch = draw_batch(learnt, dice, budget.windows, FRAMES, _TRAINING)
        for name, apprentice in apprentices.items():
            spent_s[name] += apprentice.learn(batch)
    held_out = {
        name: HeldOutSet.draw(unseen, Dice(_HELD_OUT_SEED), budget.held_out_windows, difficulty)
        for name, difficulty in (("clean", CLEAN), ("noisy", NOISY))
    }
    batch = draw_batch(learnt, dice, budget.windows, FRAMES, _TRAINING)
    rows = [
        {
            "choice": name,
            **dict(_errors(apprentice.model, held_out)),
            **counts(apprentice.model),
            "peak_mib": round(peak_training_bytes(apprentice.model, batch) / MIB),
            "ms_per_step": round(1000 * spent_s[name] / budget.steps),
        }
        for name, apprentice in apprentices.items()
    ]
    return Measurement(
        ratios={},
        rows=rows,
        note=f"{budget.steps} steps of {budget.windows} windows of {FRAMES} frames, seed {seed}, "
        f"the `small` lifter without hints; MPJPE and PA-MPJPE in mm over "
        f"{budget.held_out_windows} windows of unseen subjects; multiply-adds per frame in "
        "thousands, products of matrices alone; peak memory of one training step beyond weights "
        "and batch; CPU milliseconds of one core.",
    )


def _table(rows: Sequence[Mapping[str, object]]) -> Table:
    table = Table(*(name.replace("_", " ") for name in rows[0]))
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    return table


def _errors(model: Lifter, held_out: Mapping[str, HeldOutSet]) -> Iterator[tuple[str, float]]:
    for name, chosen in held_out.items():
        found = measure(model, chosen, torch.device("cpu"))
        yield f"{name}_mm", round(found["mpjpe_mm"], 1)
        yield f"{name}_pa_mm", round(found["pa_mpjpe_mm"], 1)
