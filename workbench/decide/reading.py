"""The comparison for a reader: a paragraph for a mail, and the rows on which the arms differ most."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.dataset import Example
from workbench.decide.costs import CostReport, shown_money
from workbench.decide.recommendation import DECIDED, NONE, Goal, Ladder, Recommendation, rows_needed
from workbench.decide.rule import ALLOWED_ERRORS
from workbench.errors import Prerequisite
from workbench.result import Paragraph, Result, html_table
from workbench.scoring.seeds import singles

if TYPE_CHECKING:
    import pandas


def best_two(cards: Sequence[Any]) -> tuple[Any, Any]:
    """The two best-scoring arms, the better first: between them people are asked to choose."""
    ranked = sorted((card for card in cards if card.n), key=lambda card: -card.interval().value)
    if len(ranked) < 2:
        raise Prerequisite("Fewer than two arms could be scored, so there are no two answers to choose between.")
    return ranked[0], ranked[1]


def mail_paragraph(
    recommendation: Recommendation, cards: Sequence[Any], costs: CostReport, goal: Goal,
    counts: Mapping[str, int] | None = None, ladder: Ladder | None = None, looks: int = 0,
) -> Paragraph:
    """Five to eight plain sentences with their numbers, and no text of any row.

    Args:
        cards: Scorecards or Seeds, in the order of upkeep.
        counts: rows to learn from, under "train", for the reader to know how many there were.
        ladder: the arms written down beforehand; all of them count in the correction, and a late one is told.
        looks: how often the test rows were looked at so far, these cards included.
    """
    card = next((c for c in cards if c.arm == recommendation.arm), cards[0])
    sentences = [
        _compared(cards, _rows(card), (counts or {}).get("train"), ladder, looks),
        _outcome(recommendation, card, cards, goal),
        recommendation.answer,
        _rival(card, [c for c in cards if c is not card and c.n], len(ladder.rungs) if ladder else len(cards)),
        _cost(card, costs),
        _cheaper(card, cards, costs, goal),
        _change(recommendation, card, goal),
        _late(goal, ladder),
    ]
    return Paragraph(" ".join(filter(None, sentences)))


def _compared(cards: Sequence[Any], rows: int, learnt: int | None, ladder: Ladder | None, looks: int) -> str:
    scored = {c.arm for c in cards if c.n}
    titles = {c.arm: c.title for c in cards} | ({rung.key: rung.title for rung in ladder.rungs} if ladder else {})
    lost = [title for arm, title in titles.items() if arm not in scored]
    if not scored:
        return f"No way of answering could be scored on the {rows:,} test rows: {', '.join(lost)}."
    ways = f"{len(scored)} ways of answering" if len(scored) > 1 else "one way of answering"
    own = sum(len(singles(card)) for card in cards)
    seen = "which none of them had seen" if looks <= own else (
        f"which none of them had learnt from, though they were looked at {looks} times, {looks - own} of them before or beside "
        "this comparison, which makes scores too hopeful"
    )
    return (
        f"We compared {ways} on the same {rows:,} test rows, {seen}"
        + (f"; {learnt:,} other rows were there to learn from" if learnt else "")
        + _trained_once(cards, ladder)
        + (f"; {len(lost)} more could not be scored ({', '.join(lost)})." if lost else ".")
    )


def _trained_once(cards: Sequence[Any], ladder: Ladder | None) -> str:
    tuned = {rung.key for rung in ladder.rungs if rung.tuned} if ladder else {c.arm for c in cards if c.training_seconds > 0}
    once = [c.title for c in cards if c.arm in tuned and c.n and len(getattr(c, "scored", (c,))) < 2]
    if not once:
        return ""
    were = "were each" if len(once) > 1 else "was"
    return f"; {', '.join(once)} {were} trained on one seed only, and what another seed would change is not in the intervals"


def _late(goal: Goal, ladder: Ladder | None) -> str:
    late = [name for name, is_late in (("goal", goal.late), ("list of ways", ladder is not None and ladder.late)) if is_late]
    if not late:
        return ""
    were = "were" if len(late) > 1 else "was"
    return f"The {' and the '.join(late)} {were} changed after test rows had been scored, so this is no longer a fair test."


def _rows(card: Any) -> int:
    return card.n + card.unscorable


def _outcome(recommendation: Recommendation, card: Any, cards: Sequence[Any], goal: Goal) -> str:
    span = card.interval()
    score = f"{span.value:.2f} out of 1, with a 95 % interval from {span.low:.2f} to {span.high:.2f} on {card.n:,} rows"
    score += f" ({card.unscorable:,} more could not be judged)" if card.unscorable else ""
    if not card.n:
        return f"The matter is not decided: no answer of {card.title} could be scored."
    if recommendation.outcome == DECIDED:
        return f"We recommend {card.title}: it scores {score}, and {goal.good_enough:.2f} had been set as good enough."
    if recommendation.outcome == NONE:
        return (
            f"None of them is good enough: {goal.good_enough:.2f} had been set, and the choice among them, {card.title}, "
            f"scores {score}."
        )
    # The rule keeps a cheaper way that is not shown to be beaten, also where another scores higher.
    behind = any(c.n and c.interval().value > span.value for c in cards)
    return (
        f"The matter is not decided: {card.title} {'stands so far by the rule' if behind else 'is ahead'} and scores {score}, "
        f"where {goal.good_enough:.2f} had been set as good enough."
    )


def _rival(card: Any, others: Sequence[Any], arms: int) -> str:
    if not others or not card.n:
        return ""
    rival = max(others, key=lambda c: c.interval().value)
    # Which one is the best of the others is known only after looking, so all pairs of arms share the errors.
    pairs = arms * (arms - 1) // 2
    d = card.minus(rival, 1 - ALLOWED_ERRORS / max(1, pairs))
    verdict = "which is more than chance" if d.low > 0 or d.high < 0 else "which may be chance"
    allowed = f", with {pairs} pairs of ways allowed for" if pairs > 1 else ""
    return (
        f"The best of the others, {rival.title}, scores {rival.interval().value:.2f}: a difference of {d.value:+.2f} "
        f"(from {d.low:+.2f} to {d.high:+.2f}{allowed}), {verdict}."
    )


def _cost(card: Any, costs: CostReport) -> str:
    if card.arm not in {arm.key for arm in costs.arms}:
        return "What it costs could not be measured."
    arm, currency = costs[card.arm], costs.usage.currency
    call, year = arm.per_1000_calls, arm.year
    money = (
        "" if call.money is None or year.money is None
        else f"{shown_money(call.money)} {currency} per 1,000 calls and {shown_money(year.money)} {currency} in the first "
        + "12 months"
        + (f" (without {', '.join(year.without)})" if year.without else "") + ": "
    )
    machine = "of waiting for the server" if arm.traits.remote else "of a machine that answers in batches"
    return (
        f"At {costs.usage.calls_per_month:,.0f} calls a month it costs {money}{year.seconds / 3600:,.1f} hours {machine} "
        f"and {year.hours:,.1f} hours of a person."
    )


def _cheaper(card: Any, cards: Sequence[Any], costs: CostReport, goal: Goal) -> str:
    """The cheapest way that may reach the goal, if it isn't this one."""
    basis, arms = costs.comparable(lambda arm: arm.year)
    price = {arm.key: costs.value(arm.year, basis) for arm in arms}
    may = [c for c in cards if c.n and c.arm in price and c.interval().high >= goal.good_enough]
    if card.arm not in price or not may:
        return ""
    cheap = min(may, key=lambda c: price[c.arm])
    if price[cheap.arm] >= price[card.arm]:
        return "Of those whose cost is known, no way that may be good enough costs less."
    return (
        f"Of those whose cost is known, the cheapest way that may be good enough is {cheap.title}: it takes "
        f"{shown_money(price[cheap.arm])} {basis} in 12 months against {shown_money(price[card.arm])}, and scores "
        f"{cheap.interval()}."
    )


def _change(recommendation: Recommendation, card: Any, goal: Goal) -> str:
    span = card.interval()
    if not card.n:
        return "The answer would change as soon as answers can be scored."
    if recommendation.outcome == DECIDED:
        return (
            f"The answer would change if more than {span.low:.2f} were asked for, or if being better by less than the "
            f"margin of {goal.margin:.2f} were worth more upkeep."
        )
    if recommendation.outcome == NONE:
        return (
            f"The answer would change if {span.low:.2f} were enough, or with a way that was not tried: other rows, another "
            "model."
        )
    if span.high < goal.good_enough:
        return f"What would change that: another way that is shown to be better by more than the margin of {goal.margin:.2f}."
    more = rows_needed(span, card.n, goal.good_enough)
    settled = f"about {more:,} more test rows would settle it, if the score stays as it is" if more else ""
    return f"What would change that: {settled or 'another way, as more test rows will not soon settle it'}."


@dataclass(frozen=True)
class Said:
    """What one arm answered to a row; `score` is None where it could not be judged."""

    answer: str
    score: float | None

    @property
    def shown(self) -> str:
        """The score above the answer."""
        return f"{'not judged' if self.score is None else f'{self.score:.2f}'}\n{self.answer}"


@dataclass(frozen=True)
class DifferingRow:
    """A row with the answers of the arms side by side, in the order of `Differing.titles`."""

    row_id: str
    question: str
    expected: str
    spread: float
    said: tuple[Said, ...]


@dataclass(frozen=True, repr=False)
class Differing(Result):
    """The rows whose scores lie furthest apart, the widest spread first.

    Attributes:
        titles: of the arms, in their order.
        of: how many rows the arms differ on in all; `test_rows` how many there are.
    """

    titles: tuple[str, ...]
    rows: tuple[DifferingRow, ...]
    of: int
    test_rows: int

    @classmethod
    def from_dict(cls, fields: dict) -> Differing:
        """Read the rows back."""
        rows = tuple(DifferingRow(**{**row, "said": tuple(Said(**said) for said in row["said"])}) for row in fields["rows"])
        return cls(tuple(fields["titles"]), rows, fields["of"], fields["test_rows"])

    def __repr__(self) -> str:
        return (
            f"The {len(self.rows)} rows on which the arms differ most, of {self.of} on which they differ and "
            f"{self.test_rows} in all"
        )

    def table(self) -> pandas.DataFrame:
        """One row a question: what was expected, and a column an arm with its score and answer."""
        import pandas

        rows = [[row.question, row.expected, *(said.shown for said in row.said)] for row in self.rows]
        return pandas.DataFrame(rows, columns=["question", "expected", *self.titles])

    def _repr_html_(self) -> str:
        return f"<div style='overflow-x:auto'>{html_table(self.table(), caption=repr(self))}</div>"


def most_different(
    cards: Sequence[Any], examples: Sequence[Example], shown_text: Callable[[str], str], rows: int = 20
) -> Differing:
    """The rows on which the arms' scores lie furthest apart, side by side.

    Args:
        cards: Scorecards or Seeds. Of several seeds, the score is their mean and the answer the first one's.
        examples: the test rows, in any order.
        shown_text: masks a text before it is looked at.
        rows: at most so many.
    """
    scores = [card.scores for card in cards]
    answers = [{row.row_id: row.answer for row in getattr(card, "cards", (card,))[0].rows} for card in cards]

    def spread(row_id: str) -> float:
        found = [s[row_id] for s in scores if row_id in s]
        return max(found) - min(found) if len(found) > 1 else 0.0

    spreads = [(spread(e.row_id), e) for e in examples]
    differing = sorted((pair for pair in spreads if pair[0] > 0), key=lambda pair: -pair[0])
    shown = tuple(
        DifferingRow(
            e.row_id, shown_text(e.input), shown_text(e.answer), width,
            tuple(Said(shown_text(a.get(e.row_id, "")), s.get(e.row_id)) for a, s in zip(answers, scores, strict=True)),
        )
        for width, e in differing[:rows]
    )
    return Differing(tuple(card.title for card in cards), shown, len(differing), len(examples))
