"""A Scorecard: one arm's answers and scores on a set of rows, with what they cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from workbench.result import Result, html_table
from workbench.scoring.intervals import Interval, mean_interval
from workbench.scoring.seeds import Seeds, difference

if TYPE_CHECKING:
    import pandas

TOO_LONG = "Question and answer don't fit the model's window, so it was not asked."


@dataclass(frozen=True)
class ScoredRow:
    """One row's answer.

    Attributes:
        score: between 0 and 1; None where the answer could not be judged.
        cut: the answer was still going on when the limit on its length was reached.
        aspects: parts of the score by name, such as "valid JSON".
        error: why nothing came back, if nothing did; such a row has no score.
    """

    row_id: str
    score: float | None
    answer: str
    prompt_tokens: int
    answer_tokens: int
    cut: bool
    aspects: dict[str, float] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True, repr=False)
class Scorecard(Result):
    """What one arm did on one set of rows.

    Attributes:
        arm: the arm's key; `title` is for the reader.
        recipe: a hash of everything that decides the answers; a saved card with another one is not used.
        data: the fingerprint of the rows.
        seconds_per_call: wall seconds per row that was answered, in batches, on `machine`.
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
        """Read the rows back as ScoredRow; those of an older card have no aspects."""
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
        """Mean tokens of prompt and answer together, over the rows that were answered."""
        answered = [row for row in self.rows if not row.error]
        return sum(row.prompt_tokens + row.answer_tokens for row in answered) / max(1, len(answered))

    @property
    def finished(self) -> bool:
        """Whether asking again would bring nothing more: no row failed, though some may be too long to be asked."""
        return not any(row.error and row.error != TOO_LONG for row in self.rows)

    @property
    def first_error(self) -> str:
        """Why the first of the rows that nothing came back for has no answer; empty where all have one."""
        return next((row.error for row in self.rows if row.error), "")

    def interval(self, level: float = 0.95) -> Interval:
        """Mean score with its interval."""
        return mean_interval(list(self.scores.values()), level)

    def aspects(self, level: float = 0.95) -> dict[str, Interval]:
        """Each part of the score by name: its mean over the rows that have it, with its interval."""
        names = dict.fromkeys(name for row in self.rows for name in row.aspects)
        return {name: mean_interval([r.aspects[name] for r in self.rows if name in r.aspects], level) for name in names}

    def minus(self, other: Scorecard | Seeds, level: float = 0.95) -> Interval:
        """This arm's mean score less the other's, paired over the rows that both could be scored on.

        Raises:
            Mismatch: the two were scored on different rows or by different scorers.
        """
        return difference(self, other, level)

    def _repr_html_(self) -> str:
        # A look at a few rows; table() has them all.
        return html_table(self.table().head(5), caption=f"{self!r}; the first five:")

    def table(self) -> pandas.DataFrame:
        """One row a test row: id, score, answer, tokens, whether it was cut, and each part of the score."""
        import pandas

        table = pandas.DataFrame(
            [(r.row_id, r.score, r.answer, r.prompt_tokens, r.answer_tokens, r.cut) for r in self.rows],
            columns=["row", "score", "answer", "prompt tokens", "answer tokens", "cut"],
        )
        for name in self.aspects():
            table[name] = [r.aspects.get(name) for r in self.rows]
        return table.assign(error=[r.error for r in self.rows]) if any(r.error for r in self.rows) else table


def score_answers(
    *, arm: str, title: str, recipe: str, dataset, answers, scorer, model, precision, max_new_tokens,
    training_seconds: float, machine: str,
) -> Scorecard:
    """Put answers and their scores together on a Scorecard.

    Args:
        dataset: the rows, in the order of `answers`.
        answers: what `generate_answers` returned; those with an error, or never asked for, get no score.
        scorer: how to judge them.

    Raises:
        ValueError: there are more rows than answers, or fewer.
    """
    pairs = list(zip(dataset, answers, strict=True))
    # What was too long to be asked, or failed on its way, wasn't answered wrongly.
    came = [(e, a) for e, a in pairs if a.asked and not a.error]
    judged = dict(zip((e.row_id for e, _ in came), scorer.judge([e for e, _ in came], [a.text for _, a in came]), strict=True))
    rows = tuple(
        ScoredRow(e.row_id, judged[e.row_id].score, a.text, a.prompt_tokens, a.answer_tokens, a.cut, judged[e.row_id].aspects)
        if e.row_id in judged
        else ScoredRow(e.row_id, None, a.text, a.prompt_tokens, a.answer_tokens, a.cut, error=a.error or TOO_LONG)
        for e, a in pairs
    )
    # A row that nothing came back for cost nothing; a call that is answered costs what the others did.
    seconds = sum(a.seconds for _, a in came) / max(1, len(came))
    return Scorecard(
        arm, title, recipe, dataset.fingerprint, model, precision, scorer.kind, max_new_tokens, rows,
        seconds, training_seconds, machine,
    )
