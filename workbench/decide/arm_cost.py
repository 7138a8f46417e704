"""What there is to pay for in one arm: calls, a person's hours, training, an index; measured, times prices."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.decide.prices import EMBEDDING, HOSTING, PERSON, TOKENS_IN, TOKENS_OUT, Prices
from workbench.errors import BadInput
from workbench.scoring.seeds import singles

if TYPE_CHECKING:
    from workbench.decide.arms import Arm

THIS_MACHINE, RENTED, ALWAYS_ON = "this machine", "rented GPU, while it works", "rented GPU, around the clock"
MACHINES = (THIS_MACHINE, RENTED, ALWAYS_ON)
HOURS_PER_MONTH = 365.25 * 24 / 12
PROMPTING, RETRIEVAL, TUNING, COMBINATION = "prompting", "retrieval", "fine-tuning", "combination"
ONCE, CALL, MONTH = "once", "per call", "per month"


@dataclass(frozen=True)
class Traits:
    """What there is to pay for in an arm.

    Attributes:
        tuned: it is asked of a model tuned on rows.
        retrieves: it looks passages up in documents.
        uses_examples: its prompts hold worked examples.
        remote: it is asked of a server that is paid per token.
        knows_facts: the facts stand in its weights, so that it is tuned again when they change.
        shots: how many rows its prompts need labelled, where they are always the same; 0 otherwise.
        indexes_rows: it looks examples up among all labelled rows.
    """

    tuned: bool
    retrieves: bool
    uses_examples: bool
    remote: bool
    knows_facts: bool
    shots: int = 0
    indexes_rows: bool = False

    @property
    def technique(self) -> str:
        """Prompting, retrieval, fine-tuning, or the last two together."""
        if self.tuned:
            return COMBINATION if self.retrieves else TUNING
        return RETRIEVAL if self.retrieves else PROMPTING


def arm_traits(arm: Arm) -> Traits:
    """Read off an arm what has to be made and kept for it."""
    form, tuned = arm.form, arm.trained is not None
    shots = form.shots
    fixed = len(shots.chosen) if hasattr(shots, "chosen") else 0
    return Traits(
        tuned, form.lookup is not None, shots is not None, arm.endpoint is not None, tuned and form.lookup is None,
        fixed, shots is not None and not fixed,
    )


@dataclass(frozen=True)
class Usage:
    """How it would be used: what no test can measure, and only the person knows.

    Attributes:
        labelled_rows: rows that arms which learn or look up examples need.
        minutes_per_row: a person's, to label or check one.
        curating_hours: a person's, to bring those rows into order once.
        rows_per_change: labelled rows to be put right when a fact changes.
        checking_hours: a person's, each time a model is tuned or the base is a new one.
        currency: three letters.
        machine: what answers and trains: "this machine", or a GPU rented while it works or around the clock.
    """

    calls_per_month: float
    fact_changes_per_year: float
    base_changes_per_year: float
    labelled_rows: int
    minutes_per_row: float
    currency: str = "EUR"
    machine: str = THIS_MACHINE
    curating_hours: float = 0.0
    rows_per_change: int = 0
    checking_hours: float = 1.0

    def __post_init__(self) -> None:
        below = [n for n, v in vars(self).items() if not isinstance(v, str) and not v >= 0]
        if below or self.calls_per_month == 0:
            name = below[0] if below else "calls_per_month"
            raise BadInput(f"{name} is {getattr(self, name)}, so no cost can be told. Give a number above 0.")
        if self.machine not in MACHINES:
            raise BadInput(f"There is no machine {self.machine!r} to price. Choose one of {', '.join(MACHINES)}.")
        if not re.fullmatch(r"[A-Z]{3}", self.currency):
            raise BadInput(f"{self.currency!r} is no currency. Write its three letters, such as EUR.")


@dataclass(frozen=True)
class Line:
    """One thing to pay for.

    Attributes:
        when: "once", "per call" or "per month".
        seconds: of a machine; hours: of a person; None where they weren't measured.
        money: None where a price is missing.
    """

    what: str
    when: str
    seconds: float | None
    hours: float
    money: float | None


@dataclass(frozen=True)
class Amount:
    """A sum of lines.

    Attributes:
        money: what is priced, None where nothing is.
        without: names of what has no price or wasn't measured; empty where the sum is whole.
    """

    money: float | None
    seconds: float
    hours: float
    without: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether everything in it is priced."""
        return not self.without and self.money is not None


@dataclass(frozen=True)
class ArmCost:
    """What one arm costs at a usage. Tokens and seconds are means per call, as measured.

    Attributes:
        seconds: on this machine, a batch's divided by its calls; of an endpoint, a call's own wait.
        tokens_in, tokens_out: None where a server doesn't count them.
    """

    key: str
    title: str
    traits: Traits
    tokens_in: float | None
    tokens_out: float | None
    seconds: float
    calls_per_month: float
    lines: tuple[Line, ...]

    def amount(self, once: float = 0.0, calls: float = 0.0, months: float = 0.0) -> Amount:
        """The sum of so many times setting up, calls, and months of upkeep."""
        times = {ONCE: once, CALL: calls, MONTH: months}
        lines = [(line, times[line.when]) for line in self.lines if times[line.when]]
        priced = [line.money * n for line, n in lines if line.money is not None]
        return Amount(
            sum(priced) if priced or not lines else None,
            sum((line.seconds or 0.0) * n for line, n in lines),
            sum(line.hours * n for line, n in lines),
            tuple(dict.fromkeys(line.what for line, _ in lines if line.money is None)),
        )

    @property
    def per_1000_calls(self) -> Amount:
        """A thousand calls, without setting up and upkeep."""
        return self.amount(calls=1000)

    @property
    def once(self) -> Amount:
        """Setting it up."""
        return self.amount(once=1)

    @property
    def month(self) -> Amount:
        """A month's calls and upkeep."""
        return self.amount(calls=self.calls_per_month, months=1)

    @property
    def year(self) -> Amount:
        """Setting it up and 12 months."""
        return self.amount(once=1, calls=12 * self.calls_per_month, months=12)


def arm_cost(
    arm: Arm, card: Any, usage: Usage, prices: Prices, index_seconds: float | None, index_tokens: int | None
) -> ArmCost:
    """What one arm costs.

    Args:
        card: its Scorecard or Seeds, with at least one scored row.
        index_seconds, index_tokens: what embedding its index took; None where that wasn't measured.
    """
    rows = [row for single in singles(card) for row in single.rows]
    asked = [row for row in rows if not getattr(row, "error", "")]
    traits = arm_traits(arm)
    # A server that doesn't count leaves 0 for a prompt, which no prompt has: such a row measured nothing.
    counted = [row for row in asked if row.prompt_tokens or not traits.remote]
    tokens_in = sum(row.prompt_tokens for row in counted) / len(counted) if counted else None
    tokens_out = sum(row.answer_tokens for row in counted) / len(counted) if counted else None
    seconds = card.seconds_per_call
    lines = [
        *_calls(traits, usage, prices, singles(card)[0].model, tokens_in, tokens_out, seconds),
        *_people(traits, usage, prices),
        *(_training(traits, usage, prices, card.training_seconds) if traits.tuned else ()),
        *(_index(traits, usage, prices, index_seconds, index_tokens) if traits.retrieves or traits.indexes_rows else ()),
    ]
    return ArmCost(arm.key, card.title, traits, tokens_in, tokens_out, seconds, usage.calls_per_month, tuple(lines))


def _second(prices: Prices, usage: Usage) -> float | None:
    return prices.second(usage.currency, rented=usage.machine != THIS_MACHINE)


def _times(price: float | None, quantity: float | None) -> float | None:
    return None if price is None or quantity is None else price * quantity


def _calls(
    traits: Traits, usage: Usage, prices: Prices, model: str, tokens_in: float | None, tokens_out: float | None, seconds: float
) -> list[Line]:
    if traits.remote:
        sent = _times(_times(prices.price(TOKENS_IN, usage.currency, model), tokens_in), 1e-6)
        answered = _times(_times(prices.price(TOKENS_OUT, usage.currency, model), tokens_out), 1e-6)
        return [Line("tokens sent", CALL, seconds, 0.0, sent), Line("tokens answered", CALL, 0.0, 0.0, answered)]
    # Around the clock, the idle seconds are paid by the calls there are.
    paid = max(seconds, HOURS_PER_MONTH * 3600 / usage.calls_per_month) if usage.machine == ALWAYS_ON else seconds
    return [Line("machine time of calls", CALL, paid, 0.0, _times(_second(prices, usage), paid))]


def _people(traits: Traits, usage: Usage, prices: Prices) -> list[Line]:
    an_hour = prices.price(PERSON, usage.currency)
    learns = traits.tuned or traits.indexes_rows
    rows = usage.labelled_rows if learns else min(traits.shots, usage.labelled_rows)
    stale = min(usage.rows_per_change, rows) if traits.knows_facts or traits.uses_examples else 0
    checks = usage.base_changes_per_year + (usage.fact_changes_per_year if traits.knows_facts else 0)
    hours = [
        ("labelling", ONCE, rows * usage.minutes_per_row / 60),
        ("curating", ONCE, usage.curating_hours if learns else 0.0),
        ("checking", ONCE, usage.checking_hours if traits.tuned else 0.0),
        ("checking again", MONTH, usage.checking_hours * checks / 12),
        ("labelling what changed", MONTH, stale * usage.minutes_per_row / 60 * usage.fact_changes_per_year / 12),
    ]
    return [Line(what, when, 0.0, h, _times(an_hour, h)) for what, when, h in hours if h]


def _training(traits: Traits, usage: Usage, prices: Prices, seconds: float) -> list[Line]:
    a_second = _second(prices, usage)
    again = usage.base_changes_per_year + (usage.fact_changes_per_year if traits.knows_facts else 0)
    lines = [Line("training", ONCE, seconds, 0.0, _times(a_second, seconds))]
    if again:
        monthly = seconds * again / 12
        lines.append(Line("training again", MONTH, monthly, 0.0, _times(a_second, monthly)))
    return lines


def _index(traits: Traits, usage: Usage, prices: Prices, seconds: float | None, tokens: int | None) -> list[Line]:
    bought = prices.price(EMBEDDING, usage.currency)
    if bought is not None and tokens is not None:
        money: float | None = bought * tokens / 1e6
    else:
        money = None if seconds is None else _times(_second(prices, usage), seconds)
    again = usage.fact_changes_per_year / 12
    lines = [Line("embedding of the index", ONCE, seconds, 0.0, money)]
    if again:
        lines.append(Line("embedding again", MONTH, None if seconds is None else seconds * again, 0.0, _times(money, again)))
    if usage.machine != THIS_MACHINE:
        lines.append(Line("hosting of the index", MONTH, 0.0, 0.0, prices.price(HOSTING, usage.currency)))
    return lines
