"""What the arms cost at one usage: per call, to set up, a month, and when the dearer one has paid for itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from workbench.decide.arm_cost import ALWAYS_ON, THIS_MACHINE, Amount, ArmCost, Line, Traits, Usage, arm_cost
from workbench.decide.prices import Prices
from workbench.errors import BadInput
from workbench.result import Result, html_table
from workbench.scoring.answers import ROWS_PER_BATCH
from workbench.scoring.seeds import singles

if TYPE_CHECKING:
    import pandas

    from workbench.decide.arms import Arm

MACHINE_HOURS = "machine hours"
# Two monthly costs nearer than this are called the same: seconds vary from run to run.
WORTH_SAYING = 0.10
BATCHES = (
    f"They are a batch's, divided by its calls: calls were answered in batches of up to {ROWS_PER_BATCH} that share their "
    "beginning. A single call takes longer, most of all with a long prompt."
)
WAITING = "Seconds of an endpoint are those a call was waited for; it is paid by the token."


@dataclass(frozen=True)
class BreakEven:
    """When the arm that is dearer to set up has paid for itself.

    Attributes:
        months, calls: at the usage of the report; None for never.
        basis: "EUR" or another currency, or "machine hours" where prices are missing.
        calls_for_a_year: the calls a month from which it would pay within 12 months; None where no number would.
        reason: a sentence.
    """

    first: str
    later: str
    months: float | None
    calls: float | None
    basis: str
    calls_for_a_year: float | None
    reason: str

    def __repr__(self) -> str:
        return self.reason


@dataclass(frozen=True, repr=False)
class CostReport(Result):
    """What every arm costs at one usage, in the order of upkeep.

    Attributes:
        left_out: titles of arms without an answer that could be scored: their calls weren't measured.
        measured_on: the machine whose seconds these are.
    """

    usage: Usage
    arms: tuple[ArmCost, ...]
    left_out: tuple[str, ...]
    measured_on: str

    @classmethod
    def from_dict(cls, fields: dict) -> CostReport:
        """Read the nested parts back."""

        def arm(one: dict) -> ArmCost:
            lines = tuple(Line(**line) for line in one["lines"])
            return ArmCost(**{**one, "traits": Traits(**one["traits"]), "lines": lines})

        arms = tuple(map(arm, fields["arms"]))
        return cls(Usage(**fields["usage"]), arms, tuple(fields["left_out"]), fields["measured_on"])

    def __repr__(self) -> str:
        u = self.usage
        return f"Cost of {len(self.arms)} arms at {u.calls_per_month:,.0f} calls a month, in {u.currency} on {u.machine}"

    def __getitem__(self, key: str) -> ArmCost:
        for arm in self.arms:
            if arm.key == key:
                return arm
        raise BadInput(f"There is no cost of an arm {key!r}; there are {', '.join(a.key for a in self.arms) or 'none'}.")

    def basis(self, amounts: Sequence[Amount]) -> str:
        """The currency where all of these are whole, else "machine hours": a sum with holes can't be compared."""
        return self.usage.currency if all(a.whole for a in amounts) else MACHINE_HOURS

    def comparable(self, *parts: Callable[[ArmCost], Amount]) -> tuple[str, list[ArmCost]]:
        """The currency and the arms of which these parts are whole; where one alone or none is, machine hours and all."""
        whole = [arm for arm in self.arms if all(part(arm).whole for part in parts)]
        if len(whole) > 1 or len(whole) == len(self.arms):
            return self.usage.currency, whole
        return MACHINE_HOURS, list(self.arms)

    def value(self, amount: Amount, basis: str) -> float:
        """An amount on a basis that `basis` gave."""
        return amount.seconds / 3600 if basis == MACHINE_HOURS else float(amount.money or 0.0)

    def table(self) -> pandas.DataFrame:
        """One row an arm; money is blank where nothing is priced, and "without" names what a sum leaves out."""
        import pandas

        calls = f"{self.usage.calls_per_month:,.0f}"
        return pandas.DataFrame([
            {
                "arm": a.title,
                "tokens in, out per call": "" if a.tokens_in is None else f"{a.tokens_in:.0f}, {a.tokens_out:.0f}",
                "seconds per call, in batches": f"{a.seconds:.2f}" + (" (waiting)" if a.traits.remote else ""),
                f"1,000 calls ({self.usage.currency})": shown_money(a.per_1000_calls.money),
                f"to set up ({self.usage.currency})": shown_money(a.once.money),
                f"a month of {calls} calls ({self.usage.currency})": shown_money(a.month.money),
                f"12 months ({self.usage.currency})": shown_money(a.year.money),
                "machine hours, 12 months": f"{a.year.seconds / 3600:,.1f}",
                "person hours, 12 months": f"{a.year.hours:,.1f}",
                "without": ", ".join(a.year.without),
            }
            for a in self.arms
        ])

    def details(self) -> pandas.DataFrame:
        """One row a thing to pay for, of every arm."""
        import pandas

        return pandas.DataFrame([
            {"arm": a.title, "what": x.what, "when": x.when, "machine seconds": x.seconds, "person hours": x.hours,
             self.usage.currency: x.money}
            for a in self.arms for x in a.lines
        ])

    def frontier(self, cards: Sequence[Any]) -> tuple[str, ...]:
        """Keys of the arms that no other beats on both score and cost per 1,000 calls, the cheapest first.

        An arm is out if another scores as high or higher for no more, and is better in one of the two. Scores are means;
        their intervals may overlap.
        """
        scores = {card.arm: card.interval().value for card in cards if card.n}
        arms = [a for a in self.arms if a.key in scores]
        basis = self.basis([a.per_1000_calls for a in arms])
        points = {a.key: (self.value(a.per_1000_calls, basis), -scores[a.key]) for a in arms}
        best = [
            key for key, (cost, lost) in points.items()
            if not any((c <= cost and s <= lost) and (c, s) != (cost, lost) for c, s in points.values())
        ]
        return tuple(sorted(best, key=points.__getitem__))

    def break_even(self, a: str, b: str, basis: str = "") -> BreakEven:
        """When the one of two arms that is dearer to set up has paid for itself by being cheaper to run.

        months = (setting up later - setting up first) / (month of first - month of later).

        Args:
            basis: what to count in; the currency where both are wholly priced, else machine hours.
        """
        one, two = self[a], self[b]
        basis = basis or self.basis([x for arm in (one, two) for x in (arm.once, arm.month)])
        first, later = sorted((one, two), key=lambda arm: self.value(arm.once, basis))
        more = self.value(later.once, basis) - self.value(first.once, basis)
        saved = self.value(first.month, basis) - self.value(later.month, basis)
        enough = self._calls_for_a_year(first, later, more, basis)
        at = f"At {self.usage.calls_per_month:,.0f} calls a month, "
        if saved <= 0 and more > 0:
            reason = (
                f"{at}{later.title} never pays for itself: it costs more to set up than {first.title}, and no less a month."
            )
            reason += f" From about {enough:,.0f} calls a month on, it would within a year." if enough else ""
            return BreakEven(first.key, later.key, None, None, basis, enough, reason + self._on(basis))
        if more == 0:
            cheaper = "the same" if saved == 0 else f"{abs(saved):,.2f} {basis} {'less' if saved > 0 else 'more'}"
            reason = f"{later.title} costs as much to set up as {first.title}, and {cheaper} a month, from the first call on."
            at_once = 0.0 if saved > 0 else None
            return BreakEven(first.key, later.key, at_once, at_once, basis, enough, reason + self._on(basis))
        months = more / saved
        calls = months * self.usage.calls_per_month
        reason = (
            f"{at}{later.title} costs {more:,.2f} {basis} more to set up than {first.title} and {saved:,.2f} less a month: "
            f"it has paid for itself after {months:,.1f} months, or {calls:,.0f} calls."
        )
        return BreakEven(first.key, later.key, months, calls, basis, enough, reason + self._on(basis))

    def _on(self, basis: str) -> str:
        return " Prices are missing, so this counts machine time only, and no person's hours." if basis == MACHINE_HOURS else ""

    def _calls_for_a_year(self, first: ArmCost, later: ArmCost, more: float, basis: str) -> float | None:
        # A machine rented around the clock costs the same whatever the calls.
        if self.usage.machine == ALWAYS_ON:
            return None
        a_call = self.value(first.amount(calls=1), basis) - self.value(later.amount(calls=1), basis)
        upkeep = self.value(later.amount(months=1), basis) - self.value(first.amount(months=1), basis)
        return (more / 12 + upkeep) / a_call if a_call > 0 and more / 12 + upkeep > 0 else None

    @property
    def order(self) -> str:
        """A sentence where the arms' order by upkeep is not their order by monthly cost; empty where it is."""
        basis, arms = self.comparable(lambda arm: arm.month)
        cost = {a.title: self.value(a.month, basis) for a in arms}
        titles = list(cost)
        turned = [
            (late, early) for i, early in enumerate(titles) for late in titles[i + 1:]
            if cost[late] < cost[early] * (1 - WORTH_SAYING)
        ]
        if not turned:
            return ""
        late, early = max(turned, key=lambda pair: cost[pair[1]] - cost[pair[0]])
        return (
            f"The arms stand in the order of their upkeep, and at {self.usage.calls_per_month:,.0f} calls a month that is "
            f"not the order of their cost: {late} costs {shown_money(cost[late])} {basis} a month, {early}, which stands "
            f"before it, {shown_money(cost[early])}"
            + (f"; {len(turned) - 1} more pairs are turned round." if turned[1:] else ".")
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader has to know to read the numbers."""
        notes = [f"Seconds were measured on this machine: {self.measured_on}."]
        if not all(a.traits.remote for a in self.arms):
            notes.append(BATCHES)
        if self.usage.machine != THIS_MACHINE:
            notes.append("They are priced as if the rented GPU took as long; a faster one makes calls cheaper than this.")
        elif any(a.traits.retrieves for a in self.arms):
            notes.append("An index on this machine is hosted at no price of its own.")
        if any(a.traits.tuned for a in self.arms):
            notes.append("Training is counted as long as the pilot's.")
        if any(a.traits.remote for a in self.arms):
            notes.append(WAITING)
        notes.append("Labelling the test rows is the same for every arm and left out.")
        if self.left_out:
            notes.append(f"Not measured, so left out: {', '.join(self.left_out)}.")
        return (*filter(None, [self.order]), *notes)

    def _repr_html_(self) -> str:
        return html_table(self.table(), caption=repr(self)) + "".join(f"<p>{escape(note)}</p>" for note in self.notes)


def shown_money(value: float | None) -> str:
    """Two decimals, or three digits that matter where it is less than one; blank where there is no price."""
    if value is None:
        return ""
    return f"{value:,.2f}" if value >= 1 or value == 0 else f"{value:.3g}"


def costs(
    arms: Sequence[Arm], cards: Sequence[Any], usage: Usage, prices: Prices, index_seconds: Mapping[str, float] | None = None,
    index_tokens: Mapping[str, int] | None = None,
) -> CostReport:
    """What the arms cost at a usage.

    Args:
        arms: those that were compared; others are not looked at.
        cards: their Scorecards or Seeds, in the order of upkeep.
        index_seconds: arm key to the seconds that embedding its index took; 0 for an index without vectors.
        index_tokens: arm key to the tokens embedded, for an embedding that is bought.
    """
    by_key = {arm.key: arm for arm in arms}
    cards = [card for card in cards if card.arm in by_key]
    found = tuple(
        arm_cost(by_key[card.arm], card, usage, prices, (index_seconds or {}).get(card.arm), (index_tokens or {}).get(card.arm))
        for card in cards if card.n
    )
    machines = dict.fromkeys(single.machine for card in cards if card.n for single in singles(card))
    return CostReport(usage, found, tuple(card.title for card in cards if not card.n), "; ".join(machines))
