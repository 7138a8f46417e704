"""The recommendation: which arm, by a rule that is fixed before the test rows are scored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from workbench.errors import BadInput
from workbench.files import fingerprint
from workbench.project import Project
from workbench.result import Result
from workbench.scoring.intervals import Interval
from workbench.scoring.scorecard import Scorecard

if TYPE_CHECKING:
    import pandas

RULE = (
    "Walk the arms from the least upkeep to the most. A dearer arm takes the place of the choice so far only if it is "
    "better by more than the margin: the lower bound of its paired difference, corrected for the number of arms, "
    "exceeds it. If the upper bound of every arm lies below 'good enough', none is good enough. If the lower bound "
    "of the chosen arm lies below it, the matter is not decided."
)
DECIDED, NOT_DECIDED, NONE = "decided", "not decided", "none is good enough"


@dataclass(frozen=True, repr=False)
class Goal(Result):
    """What would do, said before the test rows are scored.

    Attributes:
        good_enough: the score that would be good enough, between 0 and 1.
        margin: by how much a dearer arm must be better to be worth its upkeep.
        late: whether it was changed after test rows had been scored.
    """

    good_enough: float
    margin: float
    late: bool = False

    def __repr__(self) -> str:
        late = "; changed after test rows had been scored" if self.late else ""
        return f"Goal: {self.good_enough:.2f} is good enough, margin {self.margin:.2f}{late}"

    def table(self) -> pandas.DataFrame:
        """The goal and the rule it is used in."""
        import pandas

        return pandas.DataFrame(
            [("good enough", f"{self.good_enough:.2f}"), ("margin", f"{self.margin:.2f}"), ("rule", RULE)],
            columns=["what", "value"],
        )


def set_goal(project: Project, good_enough: float, margin: float) -> Goal:
    """Write down the goal; one set or changed after test rows were scored is marked as late, for good.

    Raises:
        BadInput: a number outside 0 to 1.
    """
    if not (0 < good_enough <= 1 and 0 <= margin < 1):
        raise BadInput(
            f"Good enough ({good_enough}) and margin ({margin}) are scores between 0 and 1; for 85 % write 0.85."
        )
    path = project.path("decide/goal.json")
    before = Goal.load(path) if path.exists() else None
    changed = before is None or (before.good_enough, before.margin) != (good_enough, margin)
    late = (before.late if before else False) or (changed and bool(project.test_looks()))
    goal = Goal(good_enough, margin, late)
    goal.save(path)
    return goal


@dataclass(frozen=True)
class Advice:
    """A sentence for the top of a notebook."""

    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<p><b>{escape(self.text)}</b></p>"


@dataclass(frozen=True, repr=False)
class Recommendation(Result):
    """Which arm to use, with the reasons.

    Attributes:
        outcome: "decided", "not decided" or "none is good enough".
        arm, title: the arm chosen by the walk, whatever the outcome.
        reasons: sentences with their numbers.
        data: fingerprint of the test rows.
        cards: fingerprint of the recipes of the Scorecards it was made from.
    """

    outcome: str
    arm: str
    title: str
    good_enough: float
    margin: float
    reasons: tuple[str, ...]
    data: str
    cards: str

    @classmethod
    def from_dict(cls, fields: dict) -> Recommendation:
        """Read a recommendation back."""
        return cls(**{**fields, "reasons": tuple(fields["reasons"])})

    def __repr__(self) -> str:
        if self.outcome == DECIDED:
            return f"Recommendation: {self.title}"
        return f"Recommendation: {self.outcome}; ahead so far: {self.title}"

    @property
    def tuning_wins(self) -> bool:
        """Whether fine-tuning is recommended; otherwise training on is for learning."""
        return self.outcome == DECIDED and self.arm == "pilot"

    @property
    def advice(self) -> Advice:
        """What notebooks 3 and 4 say first."""
        if self.tuning_wins:
            return Advice(f"Fine-tuning is recommended: {self.reasons[-1]}")
        if self.arm == "pilot":
            return Advice(
                f"Fine-tuning is ahead, but not recommended yet ({self.outcome}): the short pilot isn't shown to reach "
                f"{self.good_enough:.2f}. The longer run may; notebook 5 measures it on the test rows."
            )
        return Advice(
            f"For learning, not recommended: the comparison says {self.outcome!r}, with {self.title!r} ahead. "
            "What follows runs all the same, so that you can see what tuning does."
        )

    def table(self) -> pandas.DataFrame:
        """One row a reason."""
        import pandas

        return pandas.DataFrame({"why": self.reasons})


def recommend(cards: Sequence[Scorecard], goal: Goal) -> Recommendation:
    """Apply the rule to Scorecards in order of upkeep.

    Args:
        cards: one per arm, on the same rows, the least upkeep first.
        goal: what would do, said before looking.

    Raises:
        Mismatch: the cards are not of the same rows.
    """
    level = 1 - 0.05 / max(1, len(cards) - 1)
    chosen, reasons = cards[0], []
    for card in cards[1:]:
        d = card.minus(chosen, level)
        better = d.low > goal.margin
        reasons.append(_step(card, chosen, d, goal.margin, better))
        chosen = card if better else chosen
    score = chosen.interval()
    outcome, last = _outcome(cards, chosen, score, goal.good_enough)
    if goal.late:
        reasons.append("The goal was changed after test rows had been scored, so it is no longer a fair test of it.")
    reasons.append(last)
    return Recommendation(
        outcome, chosen.arm, chosen.title, goal.good_enough, goal.margin, tuple(reasons), chosen.data,
        recipes(cards),
    )


def recipes(cards: Sequence[Scorecard]) -> str:
    """One hash for what all these Scorecards were made of."""
    return fingerprint([card.recipe for card in cards])


def _step(card: Scorecard, chosen: Scorecard, d: Interval, margin: float, better: bool) -> str:
    found = f"{card.title} scores {card.interval().value:.2f}, {chosen.title} {chosen.interval().value:.2f}: "
    found += f"a difference of {d.value:+.2f} [{d.low:+.2f}, {d.high:+.2f}]. "
    if better:
        return found + f"The lower bound exceeds the margin of {margin:.2f}, so it takes its place."
    return found + f"The lower bound does not exceed the margin of {margin:.2f}, so {chosen.title} stays."


def _outcome(
    cards: Sequence[Scorecard], chosen: Scorecard, score: Interval, good_enough: float
) -> tuple[str, str]:
    if chosen.n == 0:
        return NOT_DECIDED, f"No answer of {chosen.title} could be scored, so nothing can be said about it."
    if all(card.interval().high < good_enough for card in cards):
        return NONE, f"Every arm's upper bound lies below the {good_enough:.2f} that would be good enough."
    if score.low >= good_enough:
        return DECIDED, (
            f"{chosen.title} scores {score}: its lower bound reaches the {good_enough:.2f} that would be good enough."
        )
    if score.high < good_enough:
        return NOT_DECIDED, (
            f"{chosen.title} scores {score}, below the {good_enough:.2f} that would be good enough. Another arm may reach "
            "it, but isn't shown to be better by the margin."
        )
    more = rows_needed(score, chosen.n, good_enough)
    return NOT_DECIDED, (
        f"{chosen.title} scores {score}: good enough is {good_enough:.2f}, and the interval doesn't settle it. "
        + (f"About {more} more test rows would, if the score stays as it is." if more else "It lies so near that more rows won't soon settle it.")
    )


def rows_needed(score: Interval, n: int, good_enough: float) -> int | None:
    """About how many more test rows would bring the interval clear of `good_enough`.

    The half-width shrinks with the square root of the rows. None where that would take over 100,000.
    """
    gap = abs(score.value - good_enough)
    half = score.value - score.low if score.value >= good_enough else score.high - score.value
    if gap == 0 or (needed := math.ceil(n * (half / gap) ** 2)) > 100_000:
        return None
    return max(1, needed - n)
