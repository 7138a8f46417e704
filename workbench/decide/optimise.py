"""A search for a better prompt: instructions and example sets tried on validation rows, the weaker ones dropped each round."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from workbench.dataset import Dataset
from workbench.decide.arms import EXAMPLES, Arm, FixedShots, Form, choose_examples
from workbench.errors import Mismatch, Prerequisite
from workbench.files import fingerprint
from workbench.result import Result
from workbench.scoring.answers import PromptsTooLong
from workbench.scoring.intervals import Interval, mean_interval

if TYPE_CHECKING:
    import pandas

    from workbench.decide.compare import Bench

Progress = Callable[[str, int, int], None]
# A changed search makes a saved one stale; this number is part of its recipe.
METHOD = 1
SAVED = "decide/search.json"
SAME_FORM = "Answer in exactly the form of the examples."


@dataclass(frozen=True)
class Candidate:
    """A prompt that was tried.

    Attributes:
        wording: which instructions: "as given", "short" or "none".
        rows: ids of its examples, in order.
        how: in what way the examples were drawn.
        scores: on the validation rows it was tried on, in their order; None where one couldn't be scored.
        note: why it was left out, if it was.
    """

    wording: str
    rows: tuple[str, ...]
    how: str
    scores: tuple[float | None, ...] = ()
    note: str = ""

    @property
    def score(self) -> float:
        """Mean over the rows that could be scored; nothing scored counts as the worst."""
        scored = [s for s in self.scores if s is not None]
        return sum(scored) / len(scored) if scored else -1.0

    def interval(self) -> Interval:
        """The mean with its 95 % interval. For the best of many it is too hopeful: that is what test rows are for."""
        return mean_interval([s for s in self.scores if s is not None])


@dataclass(frozen=True, repr=False)
class Optimised(Result):
    """What the search tried, the best first.

    Attributes:
        recipe: a hash of everything that decides the search.
        rounds: candidates and rows of each round.
        calls: answers that the search asked for.
    """

    recipe: str
    tried: tuple[Candidate, ...]
    rounds: tuple[tuple[int, int], ...]
    calls: int

    @classmethod
    def from_dict(cls, fields: dict) -> Optimised:
        """Read a search back."""
        tried = tuple(Candidate(**{**c, "rows": tuple(c["rows"]), "scores": tuple(c["scores"])}) for c in fields["tried"])
        return cls(fields["recipe"], tried, tuple(map(tuple, fields["rounds"])), fields["calls"])

    def __repr__(self) -> str:
        best = self.tried[0]
        return (
            f"Best of {len(self.tried)} prompts on validation rows: instructions {best.wording}, {len(best.rows)} examples "
            f"({best.how}), {best.interval()} on {len(best.scores)} rows; {self.calls} answers asked for"
        )

    def table(self) -> pandas.DataFrame:
        """One row a prompt that was tried."""
        import pandas

        rows = [
            (c.wording, len(c.rows), c.how, len(c.scores), round(c.score, 3) if c.score >= 0 else "", str(c.interval()), c.note)
            for c in self.tried
        ]
        columns = ["instructions", "examples", "how they were drawn", "validation rows", "score", "95 % interval", "left out"]
        table = pandas.DataFrame(rows, columns=columns)
        return table if any(c.note for c in self.tried) else table.drop(columns="left out")

    def arm(self, bench: Bench) -> Arm:
        """The best prompt as an arm."""
        best = self.tried[0]
        title = f"Optimised prompt ({len(best.rows)} examples)"
        return Arm("optimised", title, _form(bench, best), f"{EXAMPLES}, searched again for each new base")


def optimise(bench: Bench, progress: Progress | None = None) -> Optimised:
    """Try instructions and sets of examples on validation rows, by successive halving (Jamieson and Talwalkar 2016).

    Every candidate is asked a few rows; the better third goes on to more rows, until all validation rows are used.
    Test rows are not looked at.

    Args:
        bench: the project's rows, base model and scorer.
        progress: called with what, rounds' rows done and in all.

    Raises:
        Prerequisite: no prompt that was tried fits the model's window, or none could be judged.
    """
    candidates = propose(bench)
    recipe = fingerprint([
        METHOD, bench.untuned().identity, bench.validation.fingerprint, bench.train.fingerprint, bench.task.to_dict(),
        bench.max_new_tokens, [[c.wording, c.rows] for c in candidates], bench.scorer.kind, bench.scorer.what,
    ])
    path = bench.project.path(SAVED)
    if path.exists() and (found := Optimised.load(path)).recipe == recipe:
        return found
    sizes = _sizes(len(candidates), len(bench.validation))
    alive, out, calls = candidates, [], 0
    for number, (count, rows) in enumerate(sizes):
        alive, dropped = alive[:count], alive[count:]
        out = dropped + out
        few = bench.validation.head(rows)
        scored = []
        for i, candidate in enumerate(alive):
            if progress:
                progress(f"Prompt search, round {number + 1} of {len(sizes)}", i, len(alive))
            scored.append(_scored(bench, candidate, few, number, i))
            calls += len(scored[-1].scores)
        alive = sorted(scored, key=lambda c: -c.score)
        if progress:
            progress(f"Prompt search, round {number + 1} of {len(sizes)}", len(alive), len(alive))
    if alive[0].score < 0:
        raise Prerequisite(
            f"None of the {len(candidates)} prompts that were tried got an answer that could be judged. "
            + (alive[0].note or "Look at the answers in decide/search in the project's folder, and at how they are judged.")
        )
    found = Optimised(recipe, (*alive, *out), tuple(sizes), calls)
    found.save(path)
    return found


def propose(bench: Bench) -> list[Candidate]:
    """The prompts to try: draws of examples under the task's instructions, then other wordings and numbers of examples."""
    depth = bench.project.depth
    k, thorough = depth.examples_in_prompt, depth.name == "thorough"
    seeds = range(1, 9 if thorough else 4)
    draws = [Candidate("as given", _ids(choose_examples(bench.train, k, seed)), f"draw {seed}") for seed in seeds]
    several = [
        Candidate("short", draws[0].rows, "draw 1"),
        Candidate("none", draws[0].rows, "draw 1"),
        Candidate("as given", draws[0].rows[: max(1, k // 2)], "draw 1, half of it"),
    ]
    spread = Candidate("as given", _ids(_spread(bench, k)), "far apart in meaning")
    if thorough:
        several.append(Candidate("as given", _ids(choose_examples(bench.train, 2 * k, 1)), "draw 1, twice as many"))
    return [draws[0], spread, *draws[1:], *several]


def _ids(examples: Dataset) -> tuple[str, ...]:
    return tuple(e.row_id for e in examples)


def _spread(bench: Bench, k: int) -> Dataset:
    """Examples far apart in meaning, each the farthest from those before it (Gonzalez 1985)."""
    import numpy

    vectors = bench.index.vectors
    # From the middle outwards: the first is the most ordinary row.
    chosen = [int(numpy.argmax(vectors @ vectors.mean(axis=0)))]
    nearest = vectors @ vectors[chosen[0]]
    while len(chosen) < min(k, len(vectors)):
        # Rows that are all alike lie no farther away than those chosen; no row is to come twice.
        nearest[chosen] = numpy.inf
        chosen.append(int(numpy.argmin(nearest)))
        nearest = numpy.maximum(nearest, vectors @ vectors[chosen[-1]])
    return Dataset("spread", tuple(bench.train.examples[i] for i in chosen))


def _sizes(candidates: int, rows: int) -> list[tuple[int, int]]:
    """(candidates, rows) of each round: a third of the candidates goes on, to three times the rows."""
    rounds = max(1, math.ceil(math.log(candidates, 3)))
    shares = [3 ** (rounds - 1 - i) for i in range(rounds)]
    return [(math.ceil(candidates / 3**i), rows if share == 1 else max(2, round(rows / share))) for i, share in enumerate(shares)]


def _form(bench: Bench, candidate: Candidate) -> Form:
    rows = {e.row_id: e for e in bench.train}
    if any(row_id not in rows for row_id in candidate.rows):
        raise Mismatch(
            "The prompt that the search found has examples that are no longer among the training rows. "
            "Run 02_prompt_rag_or_finetune.ipynb again: it searches anew."
        )
    instructions = {"as given": bench.task.instructions, "short": SAME_FORM, "none": ""}[candidate.wording]
    return Form(instructions, FixedShots(Dataset("examples", tuple(rows[i] for i in candidate.rows))))


def _scored(bench: Bench, candidate: Candidate, rows: Dataset, number: int, index: int) -> Candidate:
    arm = Arm(f"search-{number}-{index}", "Prompt search", _form(bench, candidate), EXAMPLES)
    path = bench.project.path(f"decide/search/{number}-{index}.json")
    try:
        card = bench.score(arm, rows, path, bench.untuned(), test_look=False)
    except PromptsTooLong as error:
        return replace(candidate, scores=(), note=str(error))
    scores: Sequence[float | None] = [row.score for row in card.rows]
    return replace(candidate, scores=tuple(scores), note="")
