"""A Scorecard: one arm's answers and scores on a set of rows, with what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from workbench.errors import Mismatch
from workbench.result import Result, html_table
from workbench.scoring.intervals import Interval, mean_interval, paired_interval

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class ScoredRow:
    """One row's answer. `score` is None where the answer could not be judged."""

    row_id: str
    score: float | None
    answer: str
    prompt_tokens: int
    answer_tokens: int
    cut: bool


@dataclass(frozen=True, repr=False)
class Scorecard(Result):
    """What one arm did on one set of rows.

    Attributes:
        arm: the arm's key; `title` is for the reader.
        recipe: a hash of everything that decides the answers; a saved card with another one is not used.
        data: the fingerprint of the rows.
        seconds_per_call: wall seconds per row, in batches, on `machine`.
        training_seconds: what training cost, 0 for arms without.
    """

    arm: str
    title: str
    recipe: str
    data: str
    model: str
    precision: str
    scorer: str
    max_new_tokens: int
    rows: tuple[ScoredRow, ...]
    seconds_per_call: float
    training_seconds: float
    machine: str

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the rows back as ScoredRow."""
        return cls(**{**fields, "rows": tuple(ScoredRow(**row) for row in fields["rows"])})

    def __repr__(self) -> str:
        return f"{self.title}: {self.interval()} on {self.n} rows"

    @property
    def scores(self) -> dict[str, float]:
        """Row id to score, unscorable rows left out."""
        return {row.row_id: row.score for row in self.rows if row.score is not None}

    @property
    def n(self) -> int:
        """Rows that could be scored."""
        return len(self.scores)

    @property
    def unscorable(self) -> int:
        """Rows that could not be judged; never counted as wrong."""
        return len(self.rows) - self.n

    @property
    def cut(self) -> int:
        """Answers that reached the limit on their length."""
        return sum(row.cut for row in self.rows)

    @property
    def tokens_per_call(self) -> float:
        """Mean tokens of prompt and answer together."""
        return sum(row.prompt_tokens + row.answer_tokens for row in self.rows) / max(1, len(self.rows))

    def interval(self, level: float = 0.95) -> Interval:
        """Mean score with its interval."""
        return mean_interval(list(self.scores.values()), level)

    def minus(self, other: Scorecard, level: float = 0.95) -> Interval:
        """This arm's mean score less the other's, paired over the rows that both could be scored on.

        Raises:
            Mismatch: the two were scored on different rows or by different scorers.
        """
        if (self.data, self.scorer) != (other.data, other.scorer):
            raise Mismatch(
                f"{self.title!r} and {other.title!r} were scored on different rows or in different ways "
                f"({self.scorer} on {self.data}, {other.scorer} on {other.data}), so their difference means nothing. "
                "Score both again on the same test rows."
            )
        mine, theirs = self.scores, other.scores
        shared = [row_id for row_id in mine if row_id in theirs]
        return paired_interval([mine[i] for i in shared], [theirs[i] for i in shared], level)

    def _repr_html_(self) -> str:
        # A look at a few rows; table() has them all.
        return html_table(self.table().head(5), caption=f"{self!r}; the first five:")

    def table(self) -> pandas.DataFrame:
        """One row a test row: id, score, answer, tokens, whether it was cut."""
        import pandas

        return pandas.DataFrame(
            [(r.row_id, r.score, r.answer, r.prompt_tokens, r.answer_tokens, r.cut) for r in self.rows],
            columns=["row", "score", "answer", "prompt tokens", "answer tokens", "cut"],
        )


def score_answers(
    *, arm: str, title: str, recipe: str, dataset, answers, scorer, model, precision, max_new_tokens,
    training_seconds: float, machine: str,
) -> Scorecard:
    """Put answers and their scores together on a Scorecard.

    Args:
        dataset: the rows, in the order of `answers`.
        answers: what `generate_answers` returned.
        scorer: how to judge them.
    """
    scores = scorer.score([e.answer for e in dataset], [a.text for a in answers])
    rows = tuple(
        # What was too long to be asked wasn't answered wrongly.
        ScoredRow(e.row_id, s if a.asked else None, a.text, a.prompt_tokens, a.answer_tokens, a.cut)
        for e, a, s in zip(dataset, answers, scores, strict=True)
    )
    seconds = sum(a.seconds for a in answers) / max(1, len(answers))
    return Scorecard(
        arm, title, recipe, dataset.fingerprint, model, precision, scorer.kind, max_new_tokens, rows,
        seconds, training_seconds, machine,
    )
