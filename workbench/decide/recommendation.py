"""The recommendation: which arm, by a rule that is fixed before the test rows are scored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from workbench.decide.pairwise import Contest, Pairwise, Scored, line_up, pairwise
from workbench.decide.rule import (
    RULE,
    Goal,
    Ladder,
    Rung,
    best_untuned,
    power_statement,
    rungs,
    set_goal,
    set_ladder,
    walk,
)
from workbench.files import fingerprint
from workbench.result import Result
from workbench.scoring.intervals import Interval
from workbench.scoring.seeds import Seeds, shared_rows, singles

if TYPE_CHECKING:
    import pandas

__all__ = [
    "DECIDED", "NONE", "NOT_DECIDED", "RULE", "Goal", "Ladder", "Pairwise", "Recommendation", "Rung", "pairwise",
    "power_statement", "recipes", "recommend", "rows_needed", "rungs", "set_goal", "set_ladder", "walk",
]

DECIDED, NOT_DECIDED, NONE = "decided", "not decided", "none is good enough"
YES, NO = "yes", "no"


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
        tuned: whether the chosen arm is a tuned one.
        fine_tune: "yes", "no" or "not decided".
        answer: what to do about fine-tuning, in one sentence.
    """

    outcome: str
    arm: str
    title: str
    good_enough: float
    margin: float
    reasons: tuple[str, ...]
    data: str
    cards: str
    tuned: bool = False
    fine_tune: str = NOT_DECIDED
    answer: str = ""

    @classmethod
    def from_dict(cls, fields: dict) -> Recommendation:
        """Read a recommendation back."""
        return cls(**{**fields, "reasons": tuple(fields["reasons"])})

    def __repr__(self) -> str:
        if self.outcome == DECIDED:
            return f"Recommendation: {self.title}"
        return f"Recommendation: {self.outcome}; stands so far by the rule: {self.title}"

    @property
    def tuning_wins(self) -> bool:
        """Whether fine-tuning is recommended; otherwise training on is for learning."""
        return self.outcome == DECIDED and self.tuned

    @property
    def advice(self) -> Advice:
        """What notebooks 3 and 4 say first."""
        if self.tuning_wins:
            return Advice(f"Fine-tuning is recommended: {self.reasons[-1]}")
        if self.tuned:
            return Advice(
                f"Fine-tuning is ahead, but not recommended yet ({self.outcome}): the short pilot isn't shown to reach "
                f"{self.good_enough:.2f}. The longer run may; notebook 5 measures it on the test rows."
            )
        return Advice(
            f"For learning, not recommended: the comparison says {self.outcome!r}; {self.title!r} stands so far by the rule. "
            "What follows runs all the same, so that you can see what tuning does."
        )

    def table(self) -> pandas.DataFrame:
        """One row a reason, the answer first."""
        import pandas

        return pandas.DataFrame({"why": ([self.answer] if self.answer else []) + list(self.reasons)})


def recommend(cards: Sequence[Scored], goal: Goal, ladder: Ladder | None = None, looks: int = 0) -> Recommendation:
    """Apply the rule to what was scored.

    Args:
        cards: one an arm, on the same rows. An arm of which no row could be scored is told and never chosen.
        goal: what would do, said before looking.
        ladder: the arms in order, said before looking. Without one: the order of the cards, and an arm that took
            training time is a tuned one.
        looks: how often the test rows were looked at so far, these cards included.

    Raises:
        Mismatch: the cards are not of the same rows, or of an arm that isn't on the ladder.
        BadInput: no card, or two of one arm.
    """
    ladder = ladder or Ladder(tuple(Rung(c.arm, c.title, "", c.training_seconds > 0) for c in cards))
    contest, reasons = line_up(cards, goal, ladder)
    if not contest.cards:
        rung = ladder.rungs[0]
        nothing = f"No answer of {rung.title} could be scored, so nothing can be said about it."
        return Recommendation(
            NOT_DECIDED, rung.key, rung.title, goal.good_enough, goal.margin, (*reasons, nothing), cards[0].data,
            recipes(cards), False, NOT_DECIDED, "Not decided: no arm could be scored.",
        )
    choices = contest.choices()
    steps = [_step(contest, j, choices[j - 1], choices[j] == j) for j in range(1, len(choices))]
    chosen = contest.cards[choices[-1]]
    outcome, last = _outcome(contest, choices[-1])
    fine_tune, answer, open_question = _fine_tune(contest, choices[-1], outcome)
    reasons = [*steps, *reasons, *_single_runs(contest), *([open_question] if open_question else [])]
    own = sum(len(singles(card)) for card in cards)
    if looks > own:
        reasons.append(
            f"The test rows were looked at {looks} times, {looks - own} of them before or beside this comparison. What is "
            "changed in the light of test scores makes them too hopeful."
        )
    if goal.late:
        reasons.append("The goal was changed after test rows had been scored, so it is no longer a fair test of it.")
    if ladder.late:
        reasons.append(
            "The arms or their order were changed after test rows had been scored, so the rule was not fixed before looking."
        )
    return Recommendation(
        outcome, chosen.arm, chosen.title, goal.good_enough, goal.margin, (*reasons, last), chosen.data,
        recipes(cards), contest.tuned[choices[-1]], fine_tune, answer,
    )


def recipes(cards: Sequence[Scored]) -> str:
    """One hash for what all these Scorecards were made of."""
    return fingerprint([card.recipe for card in cards])


def _step(contest: Contest, j: int, before: int, better: bool) -> str:
    card, chosen, margin = contest.cards[j], contest.cards[before], contest.goal.margin
    d = contest.minus(j, before)
    found = (
        f"{card.title} scores {contest.means[j]:.2f}, {chosen.title} {contest.means[before]:.2f}: "
        f"a difference of {d.signed(2)}{_rows_lost(card, chosen)}. "
    )
    if better:
        return found + f"The lower bound exceeds the margin of {margin:.2f}, so it takes its place."
    rival, against = contest.hurdle(j, before)
    if rival == before:
        return found + f"The lower bound does not exceed the margin of {margin:.2f}, so {chosen.title} stays."
    return found + (
        f"But {contest.cards[rival].title}, which needs no tuning, scores {contest.means[rival]:.2f}: the "
        f"difference to it, {against.signed(2)}, is not shown to exceed the margin of {margin:.2f}, so {chosen.title} stays."
    )


def _rows_lost(card: Scored, other: Scored) -> str:
    shared, most = len(shared_rows(card, other)), max(_asked(card), _asked(other))
    return "" if shared == most else f" on the {shared} of {most} rows that both could be scored on"


def _asked(card: Scored) -> int:
    return card.n + card.unscorable


def _single_runs(contest: Contest) -> list[str]:
    once = [
        card.title for card, tuned in zip(contest.cards, contest.tuned, strict=True)
        if tuned and not (isinstance(card, Seeds) and len(card.scored) > 1)
    ]
    lost = [
        f"{len(card.cards) - len(card.scored)} of {len(card.cards)} trainings of {card.title} could not be scored; whoever "
        "trains it may meet that one, and its score is that of the others."
        for card in contest.cards if isinstance(card, Seeds) and len(card.scored) < len(card.cards)
    ]
    if not once:
        return lost
    return [
        *lost,
        f"Trained on one seed only: {', '.join(once)}. How much another seed would change the score is not in the intervals, "
        "so they are too narrow; three seeds would put it in."
    ]


def _fine_tune(contest: Contest, choice: int, outcome: str) -> tuple[str, str, str]:
    """Whether to fine-tune, as a word and as a sentence, and what is still open about the best tuned arm."""
    if contest.tuned[choice]:
        return *_tuned_ahead(contest, choice, outcome), ""
    margin, title = f"{contest.goal.margin:.2f}", contest.cards[choice].title
    standing = _standing(contest, choice, outcome)
    rivals = [j for j, tuned in enumerate(contest.tuned) if tuned]
    if not rivals:
        if any(rung.tuned for rung in contest.ladder.rungs):
            # The outcome is about the arm; this sentence must not seem to deny it.
            return NOT_DECIDED, f"Whether to fine-tune is not decided: {standing}, and no tuned arm could be scored.", ""
        if outcome == DECIDED:
            return NO, f"Don't fine-tune: {standing} without it.", ""
        return NOT_DECIDED, f"Not decided: {standing}, and no tuned arm was compared.", ""
    best = max(rivals, key=lambda j: contest.means[j])
    hurdle = contest.hurdle(best, choice)[0] if best > choice else choice
    # The rule says "not shown"; where every upper bound lies below the margin, more can be said.
    excluded = all(contest.minus(j, choice).high <= contest.goal.margin for j in rivals)
    compared = f"no tuned arm is {'' if excluded else 'shown to be '}better by more than {margin}"
    if hurdle != choice:
        compared += f" than {contest.cards[hurdle].title}, which needs no tuning"
    question = _open_question(contest, best, choice)
    if outcome == DECIDED:
        return NO, f"Don't fine-tune: {standing}, and {compared}.", question
    if outcome == NONE:
        return NO, f"Don't fine-tune on this: {standing}, the tuned ones included.", question
    if excluded:
        return NO, f"Don't fine-tune: {compared} than {title}. As to that arm itself, {standing}.", question
    return NOT_DECIDED, f"Not decided: {standing}, and {compared}.", question


def _tuned_ahead(contest: Contest, choice: int, outcome: str) -> tuple[str, str]:
    title, goal = contest.cards[choice].title, contest.goal
    better = f"{title} is better by more than {goal.margin:.2f} than the best untuned arm with less upkeep"
    if best_untuned(contest.means, contest.tuned, choice) is None:
        better = f"{title} has the least upkeep"
    if outcome == DECIDED:
        return YES, f"Fine-tune: {better}, and it is good enough."
    if outcome == NONE:
        return NO, f"Don't fine-tune on this: {better}, but no arm is good enough, the tuned ones included."
    return NOT_DECIDED, f"Not decided: {better}, but it is not shown to reach the {goal.good_enough:.2f} that is good enough."


def _standing(contest: Contest, choice: int, outcome: str) -> str:
    card, good_enough = contest.cards[choice], contest.goal.good_enough
    if outcome == DECIDED:
        return f"{card.title} is good enough"
    if outcome == NONE:
        return "no arm is good enough"
    if contest.spans[choice].high < good_enough:
        return f"{card.title} does not reach the {good_enough:.2f} that is good enough"
    return f"it is not settled whether {card.title} reaches the {good_enough:.2f} that is good enough"


def _open_question(contest: Contest, j: int, choice: int) -> str:
    """What is known of the best tuned arm against what it would have to beat, and how many rows would settle it."""
    if j < choice:
        return ""
    card, margin = contest.cards[j], contest.goal.margin
    rival, d = contest.hurdle(j, choice)
    other = contest.cards[rival]
    about = f"{card.title}, the best tuned arm, against {other.title}: {d.signed(2)}, so "
    if d.high <= margin:
        return about + f"it is not better by more than {margin:.2f}."
    more = rows_needed(d, len(shared_rows(card, other)), margin)
    return about + f"whether it is better by more than {margin:.2f} is not settled. " + _rows_wanted(more, "difference", card)


def _rows_wanted(more: int | None, what: str, card: Scored) -> str:
    if more is None:
        return "It lies so near that more rows won't soon settle it."
    seeds = isinstance(card, Seeds) and len(card.scored) > 1
    return f"About {more} more test rows would, if the {what} stays as it is." + (
        " More rows don't narrow what lies between training seeds; more seeds do." if seeds else ""
    )


def _outcome(contest: Contest, choice: int) -> tuple[str, str]:
    chosen, score, good_enough = contest.cards[choice], contest.spans[choice], contest.goal.good_enough
    if all(span.high < good_enough for span in contest.spans):
        return _none(contest)
    if score.low >= good_enough:
        return DECIDED, (
            f"{chosen.title} scores {score}: its lower bound reaches the {good_enough:.2f} that would be good enough."
        )
    if score.high < good_enough:
        return NOT_DECIDED, (
            f"{chosen.title} scores {score}, below the {good_enough:.2f} that would be good enough. Another arm may reach "
            "it, but isn't shown to be better by the margin."
        )
    return NOT_DECIDED, (
        f"{chosen.title} scores {score}: good enough is {good_enough:.2f}, and the interval doesn't settle it. "
        + _rows_wanted(rows_needed(score, chosen.n, good_enough), "score", chosen)
    )


def _none(contest: Contest) -> tuple[str, str]:
    """None that could be scored is good enough; where no tuned arm could, that isn't the last word."""
    scored = {card.arm for card in contest.cards}
    others = [rung for rung in contest.ladder.rungs if rung.key not in scored]
    said = f"upper bound lies below the {contest.goal.good_enough:.2f} that would be good enough"
    if not others:
        return NONE, f"Every arm's {said}."
    said = f"For every arm that could be scored, the {said}; not scored: {', '.join(rung.title for rung in others)}."
    if any(rung.tuned for rung in others) and not any(contest.tuned):
        return NOT_DECIDED, f"{said} A tuned arm might reach it, and none could be scored."
    return NONE, said


def rows_needed(score: Interval, n: int, good_enough: float) -> int | None:
    """About how many more test rows would bring an interval clear of a line, such as `good_enough` or the margin.

    The half-width shrinks with the square root of the rows. None where that would take over 100,000.
    """
    gap = abs(score.value - good_enough)
    half = score.value - score.low if score.value >= good_enough else score.high - score.value
    if gap == 0 or (needed := math.ceil(n * (half / gap) ** 2)) > 100_000:
        return None
    return max(1, needed - n)
