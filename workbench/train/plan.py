"""A Plan: every setting of a training run, chosen to fit the data, the model and the machine, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import TYPE_CHECKING

from workbench.dataset import Dataset
from workbench.errors import BadInput
from workbench.files import fingerprint
from workbench.models import ModelChoice
from workbench.result import Result

if TYPE_CHECKING:
    import pandas

LONGEST_ROW = 2048
QLORA, LORA, FULL = "qlora", "lora", "full"
FLAVOURS = {
    QLORA: "the base in 4 bits (NF4) and frozen, a small adapter is learnt; the least memory on a GPU",
    LORA: "the base in 16 bits and frozen, a small adapter is learnt",
    FULL: "every weight is learnt; the most memory, and the result is a whole model",
}
# The rate for models under a billion parameters, and for larger ones. An adapter starts from nothing and wants more.
RATES = {QLORA: (1e-3, 2e-4), LORA: (1e-3, 2e-4), FULL: (5e-4, 2e-5)}
# A small data set isn't run over more often than this: from there on it is learnt by heart.
PASSES = 8


@dataclass(frozen=True)
class Setting:
    """What a setting does, and between which values most runs do well."""

    what: str
    healthy: str
    least: float = 1
    most: float | None = None
    whole: bool = True


SETTINGS = {
    "flavour": Setting("what is learnt, and in how many bits the rest is held", "qlora; lora if 4 bits fail; full for small models"),
    "steps": Setting("optimiser steps", "1 to 8 passes over the rows"),
    "batch_size": Setting("rows at once; memory grows with it", "2 to 16"),
    "accumulation": Setting("batches that are summed before a step; the same step with less memory", "1 to 16"),
    "learning_rate": Setting("how far a step goes", "1e-4 to 2e-3 for adapters, 1e-5 to 5e-4 for all weights", 0, 1, False),
    "rank": Setting("size of the adapter's matrices", "8 to 64"),
    "alpha": Setting("how strongly the adapter counts", "the rank, or twice the rank"),
    "layers": Setting("how many of the last layers get an adapter; 0 for all", "0, or the last half where the model forgets", 0),
    "warmup_steps": Setting("steps over which the learning rate rises; then it falls in a straight line to zero", "3 to 10 % of the steps"),
    "save_every": Setting("steps between checkpoints", "a few minutes' worth of steps"),
    "score_every": Setting("steps between scorings of validation rows; 0 for never", "4 to 10 times in a run", 0),
    "patience": Setting("scorings without a new best after which training ends; 0 for never", "2 to 5", 0),
    "all_answers": Setting("whether every answer in a conversation is learnt, or its last one", "yes for conversations"),
    "seed": Setting("decides the order of rows and the adapter's first values", "any; three runs show how much it matters", 0),
    "max_length": Setting("longest row in tokens; longer rows are left out and counted", "as long as your longest row"),
}


@dataclass(frozen=True, repr=False)
class Plan(Result):
    """Settings of one run: loss on the answers only, adapters (if any) on all seven projections of a layer.

    Attributes:
        data, validation: fingerprints of the rows to train on and to watch.
        batch_size: rows that go through the model at once, on all processes together.
        accumulation: batches summed before a step; a step sees batch_size * accumulation rows.
        reasons: why a setting is what it is, by its name. No part of the fingerprint.
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
    flavour: str = QLORA
    accumulation: int = 1
    layers: int = 0
    score_every: int = 0
    patience: int = 0
    all_answers: bool = False
    reasons: dict = field(default_factory=dict, compare=False)

    def __repr__(self) -> str:
        return f"Plan: {self.steps} steps of {self.rows_per_step} rows ({self.passes:.1f} passes over {self.rows} rows), {self.flavour}"

    @property
    def rows_per_step(self) -> int:
        """Rows that one step learns from."""
        return self.batch_size * self.accumulation

    @property
    def passes(self) -> float:
        """How often each row is seen."""
        return self.steps * self.rows_per_step / max(1, self.rows)

    @property
    def fingerprint(self) -> str:
        """A hash of every setting; a saved run with another one is not taken up again."""
        settings = self.to_dict()
        del settings["reasons"]
        # A setting that came later and is as it was before leaves the fingerprint of earlier runs alone.
        usual = {f.name: f.default for f in fields(self) if f.default is not MISSING}
        return fingerprint({name: value for name, value in settings.items() if name not in usual or value != usual[name]})

    def change(self, **settings: object) -> Plan:
        """A copy with some settings changed.

        Raises:
            BadInput: there is no such setting, or its value can't be.
        """
        for name, value in settings.items():
            _check(name, value)
        changed = {name: value for name, value in settings.items() if value != getattr(self, name)}
        return replace(self, **changed, reasons={**self.reasons, **dict.fromkeys(changed, "set by you")})

    def table(self) -> pandas.DataFrame:
        """One row a setting: its value, what it does, why it has this value, and what is usual."""
        import pandas

        rows = [
            (name, _shown(getattr(self, name)), setting.what, self.reasons.get(name, "the usual value"), setting.healthy)
            for name, setting in SETTINGS.items()
        ]
        return pandas.DataFrame(rows, columns=["setting", "value", "what it is", "why this value", "healthy"])


def _shown(value: object) -> str:
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def _check(name: str, value: object) -> None:
    if name not in SETTINGS:
        raise BadInput(f"A plan has no setting {name!r}; it has {', '.join(SETTINGS)}.")
    setting = SETTINGS[name]
    if name == "flavour":
        if value not in FLAVOURS:
            raise BadInput(f"flavour = {value!r} can't be; choose one of {', '.join(FLAVOURS)}.")
    elif name == "all_answers":
        if not isinstance(value, bool):
            raise BadInput(f"all_answers = {value!r} can't be; give True or False.")
    elif setting.whole:
        if isinstance(value, bool) or not isinstance(value, int) or value < setting.least:
            raise BadInput(f"{name} = {value!r} can't be; give a whole number{' above 0' if setting.least else ''}.")
    elif not (isinstance(value, int | float) and setting.least < value < setting.most):
        raise BadInput(f"{name} = {value!r} can't be; give a number between 0 and 1, such as 0.0002.")


def plan(
    choice: ModelChoice, train: Dataset, validation: Dataset, steps: int, batch_size: int, seed: int = 0, flavour: str = QLORA
) -> Plan:
    """Settings that fit the data and the model.

    Args:
        choice: the base model.
        train, validation: the rows to learn from and to watch.
        steps, batch_size: how much, from the project's depth.
        seed: for the order of rows and the adapter's start.
        flavour: what is learnt, one of FLAVOURS.

    Raises:
        BadInput: there is no such flavour.
    """
    _check("flavour", flavour)
    most = PASSES * len(train) // batch_size
    taken = max(10, min(steps, most))
    rate = RATES[flavour][0 if choice.is_small else 1]
    talks = sum(any(role == "assistant" for role, _ in e.messages) for e in train)
    reasons = {
        "flavour": FLAVOURS[flavour],
        "steps": f"what this depth has time for: {taken * batch_size / max(1, len(train)):.1f} passes over {len(train)} rows"
        if taken == steps
        else f"{len(train)} rows are few: {PASSES} passes over them, and not the {steps} steps this depth has time for",
        "batch_size": "what this depth trains with; fits small memories",
        "accumulation": "memory holds the whole batch",
        "learning_rate": f"usual for {'small models' if choice.is_small else 'models of a billion parameters and more'}"
        f" when {'all weights are' if flavour == FULL else 'an adapter is'} learnt",
        "rank": "enough for one task; 4 times as much changes little" if flavour != FULL else "not used: all weights are learnt",
        "alpha": "twice the rank" if flavour != FULL else "not used: all weights are learnt",
        "layers": "all layers",
        "warmup_steps": "5 % of the steps",
        "save_every": "at most this many steps are lost when a run is killed",
        "score_every": "no scoring of answers on the way; the loss is watched all the same",
        "patience": "the run goes to its last step",
        "all_answers": f"{talks} of {len(train)} rows are conversations with earlier answers" if talks else "no row has an earlier answer",
        "seed": "the first of the seeds",
        "max_length": f"nothing that fits the model's window is cut: the longest row has about {_longest(train):,} tokens",
    }
    return Plan(
        model=choice.reference,
        data=train.fingerprint,
        validation=validation.fingerprint,
        rows=len(train),
        steps=taken,
        batch_size=batch_size,
        learning_rate=rate,
        rank=16,
        alpha=32,
        warmup_steps=max(1, taken // 20),
        save_every=10,
        seed=seed,
        max_length=LONGEST_ROW,
        flavour=flavour,
        all_answers=bool(talks),
        reasons=reasons,
    )


def usual_rate(of: Plan, flavour: str) -> float:
    """The usual learning rate for a plan's model when trained in another flavour."""
    return RATES[flavour][0 if ModelChoice(of.model, "").is_small else 1]


def _longest(rows: Sequence) -> int:
    """About how many tokens the longest row has: a token is about three bytes of text, and a turn costs a few more."""
    return max((sum(len(text.encode()) for text in e.texts) // 3 + 8 * len(e.messages) for e in rows), default=0)
