"""The arms that could be scored, in order of upkeep, and how each compares with the cheapest and with the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy

from workbench.decide.rule import ALLOWED_ERRORS, Goal, Ladder, Rung, best_untuned, walk
from workbench.errors import BadInput, Mismatch
from workbench.result import Result
from workbench.scoring.intervals import Interval
from workbench.scoring.scorecard import Scorecard
from workbench.scoring.seeds import Seeds, shared_rows

if TYPE_CHECKING:
    import pandas

BETTER, WORSE, NO_DIFFERENCE, NOT_SCORED = "better", "worse", "no difference shown", "could not be scored"

Scored = Scorecard | Seeds


@dataclass(frozen=True)
class Contest:
    """The arms that could be scored, in order, and the numbers that the sentences need."""

    cards: tuple[Scored, ...]
    tuned: tuple[bool, ...]
    ladder: Ladder
    goal: Goal

    def minus(self, j: int, i: int, level: float | None = None) -> Interval:
        """Arm j less arm i, at the ladder's level unless told."""
        return self.cards[j].minus(self.cards[i], level or self.ladder.level)

    def low(self, level: float) -> numpy.ndarray:
        """The lower bound of each arm less each cheaper one, shape (arms, arms)."""
        arms = range(len(self.cards))
        return numpy.array([[self.minus(j, i, level).low if i < j else -1.0 for i in arms] for j in arms])

    @cached_property
    def spans(self) -> list[Interval]:
        """Each arm's own score with its 95 % interval."""
        return [card.interval() for card in self.cards]

    @property
    def means(self) -> numpy.ndarray:
        """Each arm's own score, shape (arms,)."""
        return numpy.array([span.value for span in self.spans])

    def choices(self) -> list[int]:
        """The choice after each arm."""
        level, tuned_level = self.ladder.level, self.ladder.tuned_level
        walked = walk(self.low(level), self.low(tuned_level), self.means, self.tuned, self.goal.margin)
        return [int(choice) for choice in walked]

    def hurdle(self, j: int, choice: int) -> tuple[int, Interval]:
        """What arm j still has to beat to replace the choice, and its difference to it: the choice, else the rival."""
        d, rival = self.minus(j, choice), best_untuned(self.means, self.tuned, j)
        if not self.tuned[j] or rival is None or d.low <= self.goal.margin:
            return choice, d
        against = self.minus(j, int(rival), self.ladder.tuned_level)
        return (choice, d) if against.low > self.goal.margin else (int(rival), against)


def line_up(cards: Sequence[Scored], goal: Goal, ladder: Ladder) -> tuple[Contest, list[str]]:
    """The arms that could be scored, in the ladder's order, and a sentence for each of the others."""
    found = {card.arm: card for card in cards}
    if not cards or len(found) < len(cards):
        raise BadInput(
            f"The rule needs one Scorecard an arm; got {', '.join(card.arm for card in cards) or 'none'}. "
            "Put the seeds of one arm together with Seeds."
        )
    if strange := sorted(set(found) - {rung.key for rung in ladder.rungs}):
        raise Mismatch(
            f"{', '.join(strange)} is not on the ladder of arms that was written down before the test rows were scored, so "
            "the rule has no place for it. Set the ladder again with it; it is then marked as late."
        )
    out = []
    for rung in ladder.rungs:
        if rung.key not in found:
            out.append(f"{rung.title} was not scored, so it can't be chosen; the correction counts it all the same.")
        elif not found[rung.key].n:
            out.append(
                f"{rung.title} could not be scored on any row{_error(found[rung.key])}, so it can't be chosen; the "
                "correction counts it all the same."
            )
    rungs = [rung for rung in ladder.rungs if rung.key in found and found[rung.key].n]
    return Contest(tuple(found[r.key] for r in rungs), tuple(r.tuned for r in rungs), ladder, goal), out


def _error(card: Scored) -> str:
    """The first error an arm met, if its answers hold one."""
    return f" ({card.first_error.rstrip('.')})" if card.first_error else ""


@dataclass(frozen=True)
class Pair:
    """One arm against another on the same rows; `difference` is None where either could not be scored."""

    title: str
    against: str
    other: str
    difference: Interval | None
    rows: int
    verdict: str


@dataclass(frozen=True, repr=False)
class Pairwise(Result):
    """Every arm against the cheapest and against the best-scoring one, with corrected intervals.

    Attributes:
        pairs: the intervals against the cheapest share 5 % among the other arms. Which arm is best is known only after
            looking, so those against it share 5 % among all pairs of arms.
    """

    pairs: tuple[Pair, ...]
    cheapest: str
    best: str

    @classmethod
    def from_dict(cls, fields: dict) -> Pairwise:
        """Read the pairs back."""
        pairs = (
            Pair(**{**pair, "difference": pair["difference"] and Interval(*pair["difference"])}) for pair in fields["pairs"]
        )
        return cls(**{**fields, "pairs": tuple(pairs)})

    def __repr__(self) -> str:
        return f"Paired differences to the cheapest arm ({self.cheapest}) and to the best ({self.best})"

    def table(self) -> pandas.DataFrame:
        """One row a pair: the paired difference with its corrected interval, the rows shared, and a verdict."""
        import pandas

        rows = [
            (p.title, f"{p.against}: {p.other}", *(p.difference or (None,) * 3), p.rows, p.verdict) for p in self.pairs
        ]
        return pandas.DataFrame(rows, columns=["arm", "against", "difference", "low", "high", "rows", "verdict"])


def pairwise(cards: Sequence[Scored], goal: Goal, ladder: Ladder | None = None) -> Pairwise:
    """Compare every arm with the cheapest and with the best-scoring one.

    Raises:
        Mismatch, BadInput: as `recommend`.
    """
    ladder = ladder or Ladder(tuple(Rung(c.arm, c.title, "", c.training_seconds > 0) for c in cards))
    contest, _ = line_up(cards, goal, ladder)
    arms = len(ladder.rungs)
    if not contest.cards:
        return Pairwise((), ladder.rungs[0].title, ladder.rungs[0].title)
    best = int(contest.means.argmax())
    levels = {"cheapest": (0, ladder.level), "best": (best, 1 - ALLOWED_ERRORS / max(1, arms * (arms - 1) // 2))}
    if best == 0:
        # One comparison for both; the stricter level holds for either.
        levels = {"cheapest and best": levels["best"]}
    place = {card.arm: j for j, card in enumerate(contest.cards)}
    pairs = tuple(
        _pair(contest, rung, place.get(rung.key), against, i, level)
        for against, (i, level) in levels.items() for rung in ladder.rungs if place.get(rung.key) != i
    )
    return Pairwise(pairs, contest.cards[0].title, contest.cards[best].title)


def _pair(contest: Contest, rung: Rung, j: int | None, against: str, i: int, level: float) -> Pair:
    other = contest.cards[i]
    rows = 0 if j is None else len(shared_rows(contest.cards[j], other))
    if not rows:
        return Pair(rung.title, against, other.title, None, 0, NOT_SCORED)
    d = contest.minus(j, i, level)
    verdict = BETTER if d.low > 0 else WORSE if d.high < 0 else NO_DIFFERENCE
    return Pair(contest.cards[j].title, against, other.title, d, rows, verdict)
