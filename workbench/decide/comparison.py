"""What a comparison shows: the table of the arms, the parts of their scores, rows before and after a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from workbench.dataset import Example
from workbench.decide.arms import Form
from workbench.decide.pairwise import NOT_SCORED
from workbench.result import NotRun, Result
from workbench.scoring.citations import CITES, citation_aspects, read_citations
from workbench.scoring.intervals import Interval
from workbench.scoring.scorecard import Scorecard, ScoredRow
from workbench.scoring.scorers import Judged, Scorer
from workbench.scoring.seeds import Seeds

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, repr=False)
class SideBySide(Result):
    """Rows as (input, expected, before, after)."""

    rows: tuple[tuple[str, str, str, str], ...]

    def __repr__(self) -> str:
        return f"{len(self.rows)} held-out rows, before and after"

    def table(self) -> pandas.DataFrame:
        """One row a question."""
        import pandas

        return pandas.DataFrame(self.rows, columns=["input", "expected", "base model", "tuned model"])


@dataclass(frozen=True, repr=False)
class Comparison(Result):
    """Scores of all arms on the same rows.

    Attributes:
        notes: what a server left out or would not take.
        macro_f1: arm to mean F1 over the labels, with its interval; empty where answers are no labels.
    """

    cards: tuple[Scorecard | Seeds, ...]
    notes: tuple[str, ...] = ()
    macro_f1: Mapping[str, Interval] = field(default_factory=dict)

    def __repr__(self) -> str:
        notes = f" ({' '.join(self.notes)})" if self.notes else ""
        return f"{len(self.cards)} arms on the same {self.cards[0].n + self.cards[0].unscorable} test rows{notes}"

    def table(self) -> pandas.DataFrame:
        """One row an arm; see `comparison_table`."""
        table = comparison_table(self.cards)
        if self.macro_f1:
            table.insert(3, "macro-F1", [self._macro_f1(card) for card in self.cards])
        return table

    def _macro_f1(self, card: Scorecard | Seeds) -> str:
        found = str(self.macro_f1.get(card.arm, ""))
        return f"{found}, one seed" if found and isinstance(card, Seeds) else found

    def aspects(self) -> pandas.DataFrame | NotRun:
        """One row an arm, one column an aspect of its answers (valid JSON, meaning, cited source ...), with 95 % intervals.

        Blank where an arm has none; NotRun where no answer has parts.
        """
        import pandas

        found = [{"arm": card.title, **{name: str(span) for name, span in card.aspects().items()}} for card in self.cards]
        if not any(len(row) > 1 for row in found):
            kind = self.cards[0].scorer
            return NotRun(f"Answers that are judged as {kind} have no parts to look at; the score is all there is.")
        return pandas.DataFrame(found).fillna("")


def without_sources(card: Scorecard) -> list[ScoredRow]:
    """A card's rows with the label alone as their answer, where arms with passages put a source behind it."""
    if not any(CITES in row.aspects for row in card.rows):
        return list(card.rows)
    return [replace(row, answer=read_citations(next(iter(row.answer.strip().splitlines()), ""))[0]) for row in card.rows]


def citing(judge: Scorer, form: Form, phrase: str = "") -> Scorer:
    """The same scorer for answers that name passages: the names are taken off, and looked at by themselves.

    Args:
        phrase: the task's own for "there is no answer".
    """

    def judge_all(examples: Sequence[Example], answers: Sequence[str]) -> list[Judged]:
        shown = [form.passages(example) for example in examples]
        names = [[passage.passage_id for passage in passages] for passages in shown]
        judged = judge.judge(examples, [read_citations(a, n)[0] for a, n in zip(answers, names, strict=True)])
        return [
            replace(j, aspects={**j.aspects, **citation_aspects(e, a, passages, phrase)})
            for j, e, a, passages in zip(judged, examples, answers, shown, strict=True)
        ]

    return replace(judge, judge=judge_all)


def comparison_table(cards: Sequence[Scorecard | Seeds]) -> pandas.DataFrame:
    """One row an arm: score with interval, difference to the last scored arm before it, and what a call costs."""
    import pandas

    rows, above = [], None
    for i, card in enumerate(cards):
        score = card.interval()
        rows.append({
            "arm": card.title,
            "score": round(score.value, 3) if card.n else "",
            "95 % interval": f"{score.low:.3f} to {score.high:.3f}" if card.n else NOT_SCORED,
            "rows": card.n,
            "not judged": card.unscorable,
            "against the arm above": _difference(card, above, above is cards[i - 1]) if above and card.n else "",
            "tokens per call": round(card.tokens_per_call) if card.n else "",
            "seconds per call, in batches": round(card.seconds_per_call, 2) if card.n else "",
            "training seconds": round(card.training_seconds) if card.n else "",
            "cut answers": card.cut,
            "held in": card.precision,
            "why not": card.first_error,
        })
        above = card if card.n else above
    table = pandas.DataFrame(rows)
    return table if any(card.first_error for card in cards) else table.drop(columns="why not")


def _difference(card: Scorecard | Seeds, other: Scorecard | Seeds, next_to: bool) -> str:
    return card.minus(other).signed() + ("" if next_to else f", against {other.title}")
