"""One update of the weights: lift, punish, step, however much memory there is."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from core.errors import OutOfMemory, TrainingDiverged
from core.lifting.memory_cost import is_out_of_memory, release_cached_memory
from core.training.config import TrainingConfig
from core.training.losses import Divisors, loss_terms, weighted_sum
from core.training.sampler import Batch
from core.training.state import TrainingState

MOST_SKIPPED = 100
"""Updates in a row without a finite gradient; fp16 needs some twenty to find its scale."""


class Losses(NamedTuple):
    """Of one batch: the weighted sum, and its terms before weighting."""

    total: float
    terms: dict[str, float]


class Updater:
    """Takes batches, and moves the weights of a run.

    A batch may go through the network in parts: the gradients of the parts add up to those of the
    whole. When memory runs out, the same batch is tried again in twice as many.
    """

    def __init__(
        self, config: TrainingConfig, state: TrainingState, most_skipped: int = MOST_SKIPPED
    ) -> None:
        self._config = config
        self._state = state
        self._most_skipped = most_skipped
        self._skipped = 0

    def update(self, batch: Batch, rate: float) -> Losses:
        """One update at this learning rate.

        Raises:
            OutOfMemory: not even one window at a time fits.
            TrainingDiverged: gradients have not been finite for many updates.
        """
        losses = self._gradients(batch)
        while losses is None:
            # Out here the error is gone, and with it the tensors that its traceback held.
            self._state.forget_gradients()
            release_cached_memory(self._state.precision.device)
            if self._state.parts >= len(batch.rays):
                raise OutOfMemory(
                    "Training ran out of memory with one window at a time. Choose a smaller model, "
                    "or shorter windows in training field 'window_frames'."
                )
            self._state.parts = min(2 * self._state.parts, len(batch.rays))
            losses = self._gradients(batch)
        self._step(rate)
        return losses

    def _gradients(self, batch: Batch) -> Losses | None:
        """Gradients of the whole batch, on the parameters; None when memory ran out."""
        state = self._state
        state.model.train()
        state.forget_gradients()
        divisors = Divisors.of(batch.present)
        parts: list[dict[str, Float[Tensor, ""]]] = []
        try:
            for part in _parts(batch, state.parts):
                parts.append(self._backward(part.to(state.precision.device), divisors))
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return None
        names = list(parts[0])
        # One wait for the device, and not one per term.
        values = torch.stack([torch.stack([part[name] for name in names]) for part in parts]).sum(0)
        terms = dict(zip(names, values.tolist(), strict=True))
        return Losses(sum(getattr(self._config.loss, name) * terms[name] for name in names), terms)

    def _backward(self, part: Batch, divisors: Divisors) -> dict[str, Float[Tensor, ""]]:
        with self._state.precision.lifting():
            pose = self._state.model(part.rays, part.confidence, part.time_s, part.hint_m)
        terms = loss_terms(pose, part, self._config.loss, divisors)
        loss = weighted_sum(terms, self._config.loss)
        self._state.precision.scaler.scale(loss).backward()
        return {name: term.detach() for name, term in terms.items()}

    def _step(self, rate: float) -> None:
        state, scaler = self._state, self._state.precision.scaler
        for optimiser in state.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate
            scaler.unscale_(optimiser)
        norm = torch.nn.utils.clip_grad_norm_(state.model.parameters(), self._config.clip_norm)
        if torch.isfinite(norm):  # one bad batch must not poison a run of hours
            for optimiser in state.optimisers:
                scaler.step(optimiser)
            self._average()
            self._skipped = 0
        else:
            self._skipped += 1
        scaler.update()
        state.step += 1
        if self._skipped >= self._most_skipped:
            raise TrainingDiverged(
                f"The last {self._skipped} updates until step {state.step} had no finite gradient. "
                "Lower training field 'learning_rate', or set 'autocast' to off."
            )

    @torch.no_grad()
    def _average(self) -> None:
        state = self._state
        # Early on, a long average would remember the random start.
        decay = min(self._config.ema_decay, (1 + state.step) / (10 + state.step))
        pairs = zip(state.average.parameters(), state.model.parameters(), strict=True)
        for old, new in pairs:
            old.lerp_(new, 1 - decay)


def _parts(batch: Batch, parts: int) -> list[Batch]:
    """The windows of a batch in so many parts, or one by one if they are fewer."""
    size = -(-len(batch.rays) // parts)
    cuts = [slice(start, start + size) for start in range(0, len(batch.rays), size)]
    return [
        Batch(
            rays=batch.rays[cut],
            confidence=batch.confidence[cut],
            time_s=batch.time_s[cut],
            joints_m=batch.joints_m[cut],
            present=batch.present[cut],
            hint_m=None if batch.hint_m is None else batch.hint_m[cut],
        )
        for cut in cuts
    ]
