"""The rule of the recommendation and what is fixed before the test rows are scored: the goal and the ladder of arms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy

from workbench.errors import BadInput
from workbench.files import read_json
from workbench.project import Project
from workbench.result import Paragraph, Result

if TYPE_CHECKING:
    import pandas

    from workbench.decide.arms import Arm

RULE = (
    "Walk the arms from the least upkeep to the most. A dearer arm takes the place of the choice so far only if it is "
    "better by more than the margin: the lower bound of its paired difference exceeds it. A tuned arm must also be "
    "better by more than the margin than the best-scoring untuned arm before it. Errors of 5 % are shared "
    "among the comparisons: the walk's intervals are at 1 - 5 % / (arms - 1), those against the best untuned arm at "
    "1 - 5 % / (tuned arms); arms that could not be scored still count. If the upper bound of every arm lies below "
    "'good enough', none is good enough. If the lower bound of the chosen arm lies below it, the matter is not decided."
)
ALLOWED_ERRORS = 0.05
# What `benchmarks/verdict.py` simulates for the power.
ASSUMED = (
    "So it was in simulations with answers that are right or wrong, other arms right on 40 rows of 100, arms that are right "
    "on much the same rows (correlation 0.3), and one training seed."
)
POWER = Path(__file__).with_name("power.json")


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
class Rung:
    """One arm on the ladder.

    Attributes:
        upkeep: what keeping it costs, in words.
        tuned: whether it needs training.
        recipe: a hash of its prompts; empty where it isn't known.
    """

    key: str
    title: str
    upkeep: str = ""
    tuned: bool = False
    recipe: str = ""


@dataclass(frozen=True, repr=False)
class Ladder(Result):
    """The arms from the least upkeep to the most, written down before the test rows are scored.

    Attributes:
        late: whether arms were added, left out, moved, called tuned or asked otherwise after test rows had been scored.
    """

    rungs: tuple[Rung, ...]
    late: bool = False

    @classmethod
    def from_dict(cls, fields: dict) -> Ladder:
        """Read the rungs back."""
        return cls(tuple(Rung(**rung) for rung in fields["rungs"]), fields["late"])

    def __repr__(self) -> str:
        late = "; changed after test rows had been scored" if self.late else ""
        return f"Ladder of {len(self.rungs)} arms, {sum(rung.tuned for rung in self.rungs)} of them tuned{late}"

    @property
    def level(self) -> float:
        """The level of the walk's intervals: the errors shared among all comparisons (Bonferroni)."""
        return 1 - ALLOWED_ERRORS / max(1, len(self.rungs) - 1)

    @property
    def tuned_level(self) -> float:
        """The level of a tuned arm's interval against the best untuned arm.

        The chosen arm must pass this comparison besides its own step, so only the tuned arms share the errors.
        """
        return 1 - ALLOWED_ERRORS / max(1, sum(rung.tuned for rung in self.rungs))

    def table(self) -> pandas.DataFrame:
        """One row an arm, the least upkeep first."""
        import pandas

        rows = [(r.title, "yes" if r.tuned else "no", r.upkeep) for r in self.rungs]
        return pandas.DataFrame(rows, columns=["arm", "tuned", "upkeep"])


def rungs(arms: Sequence[Arm]) -> tuple[Rung, ...]:
    """The rungs of these arms, in the order given."""
    return tuple(Rung(arm.key, arm.title, arm.upkeep, arm.tuned, arm.recipe) for arm in arms)


def set_ladder(project: Project, rungs: Sequence[Rung]) -> Ladder:
    """Write down the arms in their order; a ladder set or changed after test rows were scored is late, for good.

    Raises:
        BadInput: no arm, or one twice.
    """
    keys = [rung.key for rung in rungs]
    if not keys or len(set(keys)) < len(keys):
        raise BadInput(
            f"The ladder needs at least one arm and each arm once; got {', '.join(keys) or 'none'}. "
            "Give every arm its own key."
        )
    path = project.path("decide/ladder.json")
    before = Ladder.load(path) if path.exists() else None
    changed = before is None or len(before.rungs) != len(rungs) or any(map(_differs, before.rungs, rungs))
    late = (before.late if before else False) or (changed and bool(project.test_looks()))
    ladder = Ladder(tuple(rungs), late)
    ladder.save(path)
    return ladder


def _differs(one: Rung, other: Rung) -> bool:
    # A ladder that was written down without recipes can't tell whether they changed.
    recipes = (one.recipe, other.recipe)
    return (one.key, one.tuned) != (other.key, other.tuned) or (all(recipes) and recipes[0] != recipes[1])


def walk(
    low: numpy.ndarray, low_tuned: numpy.ndarray, means: numpy.ndarray, tuned: Sequence[bool], margin: float
) -> numpy.ndarray:
    """The rule's walk over arms in order of upkeep, for any number of samples at once.

    Args:
        low: shape (arms, arms, ...), [j, i] the lower bound of arm j less arm i at the ladder's level, for i < j.
        low_tuned: the same at the level of tuned arms against the best untuned one.
        means: shape (arms, ...), each arm's score.
        tuned: whether each arm is a tuned one.
        margin: what a lower bound must exceed.

    Returns:
        Shape (arms, ...): which arm is the choice once this one was looked at; the last is the walk's choice.
    """
    choices = [numpy.zeros(means.shape[1:], dtype=int)]
    for j in range(1, len(means)):
        better = _pick(low[j], choices[-1]) > margin
        rival = best_untuned(means, tuned, j)
        if tuned[j] and rival is not None:
            better &= _pick(low_tuned[j], rival) > margin
        choices.append(numpy.where(better, j, choices[-1]))
    return numpy.stack(choices)


def best_untuned(means: numpy.ndarray, tuned: Sequence[bool], before: int) -> numpy.ndarray | None:
    """The best-scoring untuned arm ahead of arm `before`, the cheapest where scores are equal; None without one."""
    untuned = [i for i in range(before) if not tuned[i]]
    return numpy.array(untuned)[means[untuned].argmax(axis=0)] if untuned else None


def _pick(bounds: numpy.ndarray, arm: numpy.ndarray) -> numpy.ndarray:
    return numpy.take_along_axis(bounds, arm[None], axis=0)[0]


def power_statement(n: int, arms: int, margin: float | None = None) -> Paragraph:
    """What `n` test rows can and cannot decide among `arms` arms, before anything is scored.

    From simulation: `benchmarks/verdict.py --write` finds the advantage that is found four times in five and writes
    it to `power.json`. Between and beyond its rows and arms, the advantage less the margin shrinks with the square
    root of the rows and grows with the logarithm of the arms.

    Args:
        margin: of the goal; the one that was simulated where none is given.

    Raises:
        BadInput: no rows, or fewer than two arms.
    """
    if n < 1 or arms < 2:
        raise BadInput(f"{n} rows and {arms} arms can't be compared. It takes at least one row and two arms.")
    power = read_json(POWER)
    beyond_margin = (numpy.array(power["found"]) - power["margin"]) * numpy.sqrt(power["rows"])
    by_arms = [numpy.interp(n, power["rows"], row) for row in beyond_margin]
    margin = power["margin"] if margin is None else margin
    gap = margin + numpy.interp(math.log(arms), numpy.log(power["arms"]), by_arms) / math.sqrt(n)
    if gap >= 0.5:
        return Paragraph(
            f"{n} test rows and {arms} arms can't decide much at a margin of {margin:.2f}: even a tuned arm that is 50 points "
            f"of 100 better than the others would often be missed. {ASSUMED}"
        )
    return Paragraph(
        f"With {n} test rows and {arms} arms, at a margin of {margin:.2f}, a tuned arm that is truly about {100 * gap:.0f} "
        "points of 100 better than the others is found four times in five. A smaller one is missed more often, and then the cheaper "
        f"arm stays. {ASSUMED}"
    )
