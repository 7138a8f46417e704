"""A Plan: every setting of a training run, chosen to fit the data and the machine, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from workbench.dataset import Dataset
from workbench.errors import BadInput
from workbench.files import fingerprint
from workbench.models import ModelChoice
from workbench.result import Result

if TYPE_CHECKING:
    import pandas

LONGEST_ROW = 2048

WHY = {
    "steps": "optimiser steps; on the embedded model, steps moved the score more than rows did",
    "batch_size": "rows per step",
    "learning_rate": "small models want a higher one than the 2e-4 that is usual for large ones",
    "rank": "size of the adapter's matrices",
    "alpha": "how strongly the adapter counts; twice the rank is usual",
    "warmup_steps": "the learning rate rises over these, then falls in a straight line to zero",
    "save_every": "steps between checkpoints; a killed run goes on from the last one",
    "seed": "decides the order of rows and the adapter's first values",
    "max_length": "longest row in tokens; longer rows are left out and counted",
}


@dataclass(frozen=True, repr=False)
class Plan(Result):
    """Settings of one QLoRA run (NF4 base, LoRA adapter on all projections, loss on the answers only).

    Attributes:
        data, validation: fingerprints of the rows to train on and to watch.
    """

    model: str
    data: str
    validation: str
    rows: int
    steps: int
    batch_size: int
    learning_rate: float
    rank: int
    alpha: int
    warmup_steps: int
    save_every: int
    seed: int
    max_length: int

    def __repr__(self) -> str:
        passes = self.steps * self.batch_size / max(1, self.rows)
        return f"Plan: {self.steps} steps of {self.batch_size} rows ({passes:.1f} passes over {self.rows} rows)"

    @property
    def fingerprint(self) -> str:
        """A hash of every setting; a saved run with another one is not taken up again."""
        return fingerprint(self.to_dict())

    def change(self, **settings: object) -> Plan:
        """A copy with some settings changed.

        Raises:
            BadInput: there is no such setting, or its value can't be.
        """
        unknown = sorted(set(settings) - set(WHY))
        if unknown:
            raise BadInput(f"A plan has no setting {unknown[0]!r}; it has {', '.join(WHY)}.")
        for name, value in settings.items():
            whole = name != "learning_rate"
            if whole and not (isinstance(value, int) and value >= (0 if name == "seed" else 1)):
                raise BadInput(f"{name} = {value!r} can't be; give a whole number{'' if name == 'seed' else ' above 0'}.")
            if not whole and not (isinstance(value, int | float) and 0 < value < 1):
                raise BadInput(f"{name} = {value!r} can't be; give a number between 0 and 1, such as 0.0002.")
        return replace(self, **settings)

    def table(self) -> pandas.DataFrame:
        """One row a setting, with what it does."""
        import pandas

        fields = self.to_dict()
        return pandas.DataFrame([(n, str(fields[n]), why) for n, why in WHY.items()], columns=["setting", "value", "why"])


def plan(choice: ModelChoice, train: Dataset, validation: Dataset, steps: int, batch_size: int, seed: int = 0) -> Plan:
    """Settings that fit the data and the model.

    Args:
        choice: the base model.
        train, validation: the rows to learn from and to watch.
        steps, batch_size: how much, from the project's depth.
        seed: for the order of rows and the adapter's start.
    """
    # A small data set isn't run over more than eight times: from there on it is learnt by heart.
    steps = max(10, min(steps, 8 * len(train) // batch_size))
    return Plan(
        model=choice.reference,
        data=train.fingerprint,
        validation=validation.fingerprint,
        rows=len(train),
        steps=steps,
        batch_size=batch_size,
        learning_rate=1e-3 if choice.is_small else 2e-4,
        rank=16,
        alpha=32,
        warmup_steps=max(1, steps // 20),
        save_every=10,
        seed=seed,
        max_length=LONGEST_ROW,
    )
