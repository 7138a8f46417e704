"""How often a search finds the passage that answers, so that a failing RAG can be told from a failing search."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Self

from workbench.dataset import Example
from workbench.decide.retrieval.passages import Passage
from workbench.decide.retrieval.search import Retriever
from workbench.errors import BadInput
from workbench.result import Result
from workbench.scoring.citations import supported
from workbench.scoring.facts import SAME_WORD
from workbench.scoring.intervals import Interval, mean_interval, wilson
from workbench.scoring.quantities import read_quantities, stem, tokens

if TYPE_CHECKING:
    import pandas

KS = (1, 3, 5)
SHOWN = 3
SOURCE = "source_section"
# Passages may overlap or repeat a fact; an answer that more of them contain, such as a label, is no sign of any.
MOST_GOLD = 3


@dataclass(frozen=True)
class Found:
    """What one retriever found.

    Attributes:
        key, title: of the retriever.
        ranks: per question, the place of the first passage that answers it, from 1; 0 where none was among those looked at.
    """

    key: str
    title: str
    ranks: tuple[int, ...]


@dataclass(frozen=True, repr=False)
class RetrievalReport(Result):
    """How often each retriever finds the passage that answers.

    Attributes:
        ks: how many passages are looked at.
        questions: those asked.
        gold: per question, the ids of the passages that answer it; one of them is enough.
        found: per retriever.
        without_answer: questions left out because no passage answers them.
        undecided: questions left out because it isn't known which passage answers them.
    """

    ks: tuple[int, ...]
    questions: tuple[str, ...]
    gold: tuple[tuple[str, ...], ...]
    found: tuple[Found, ...]
    without_answer: int = 0
    undecided: int = 0

    def recall(self, key: str, k: int) -> Interval:
        """The share of questions of which an answering passage is among the first k, with Wilson's interval."""
        ranks = self._of(key).ranks
        return wilson(sum(0 < rank <= k for rank in ranks), len(ranks))

    def reciprocal_rank(self, key: str) -> Interval:
        """The mean of 1 / place of the first answering passage, 0 where it is not among the first max(ks)."""
        return mean_interval([1 / rank if rank else 0.0 for rank in self._of(key).ranks])

    @property
    def order(self) -> list[str]:
        """The keys of the retrievers, the best first: by the share found among the passages that are shown, then by place."""
        if not self.questions:
            return [found.key for found in self.found]
        k = min(self.ks, key=lambda k: abs(k - SHOWN))
        value = {f.key: (self.recall(f.key, k).value, self.reciprocal_rank(f.key).value) for f in self.found}
        return sorted(value, key=lambda key: value[key], reverse=True)

    def missed(self, key: str, k: int = SHOWN) -> list[str]:
        """The questions of which no answering passage is among the first k: here the search failed, not the model."""
        return [question for question, rank in zip(self.questions, self._of(key).ranks, strict=True) if not 0 < rank <= k]

    def _of(self, key: str) -> Found:
        return next(found for found in self.found if found.key == key)

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the ranks back."""
        found = tuple(Found(f["key"], f["title"], tuple(f["ranks"])) for f in fields["found"])
        gold = tuple(tuple(ids) for ids in fields["gold"])
        ks, questions = tuple(fields["ks"]), tuple(fields["questions"])
        return cls(ks, questions, gold, found, fields["without_answer"], fields["undecided"])

    def __repr__(self) -> str:
        left = f"; left out: {self.without_answer} that no passage answers" if self.without_answer else ""
        left += f"; left out: {self.undecided} of which it isn't known which passage answers" if self.undecided else ""
        if not self.questions or not self.found:
            return f"Search in documents: no question to measure it on{left}"
        best, k = self._of(self.order[0]), min(self.ks, key=lambda k: abs(k - SHOWN))
        return (f"Search in documents, {len(self.questions)} questions: {best.title} finds the passage that answers among the "
                f"first {k} for {self.recall(best.key, k)} of them{left}")

    def table(self) -> pandas.DataFrame:
        """One row a retriever: recall at each k and the mean reciprocal rank, with 95% intervals, and how many are missed."""
        import pandas

        rows = []
        for found in self.found:
            shares = {f"recall@{k}": str(self.recall(found.key, k)) for k in self.ks}
            rank = {f"mean reciprocal rank, first {max(self.ks)}": str(self.reciprocal_rank(found.key))}
            rows.append({"search": found.title, **shares, **rank, f"missed in the first {SHOWN}": len(self.missed(found.key))})
        return pandas.DataFrame(rows)


def recall(
    searches: Mapping[str, Retriever], questions: Sequence[tuple[str, set[str]]], ks: Sequence[int] = KS
) -> RetrievalReport:
    """Search for each question and note the place of the first passage that answers it.

    Args:
        searches: retrievers by key.
        questions: each with the ids of the passages that answer it; without any it is left out and counted.
        ks: how many passages are looked at, each at least 1.

    Raises:
        BadInput: `ks` has no number, or one below 1.
    """
    if not ks or min(ks) < 1:
        raise BadInput(f"recall@k needs numbers of passages from 1 on; got {list(ks)}. Take (1, 3, 5).")
    asked = [(question, gold) for question, gold in questions if gold]
    found = []
    for key, search in searches.items():
        ranks = tuple(_rank(search.search(question, max(ks)), gold) for question, gold in asked)
        found.append(Found(key, search.name, ranks))
    texts, gold = tuple(q for q, _ in asked), tuple(tuple(sorted(ids)) for _, ids in asked)
    return RetrievalReport(tuple(sorted(set(ks))), texts, gold, tuple(found), len(questions) - len(asked))


def recall_of(
    searches: Mapping[str, Retriever], examples: Iterable[Example], ks: Sequence[int] = KS, source: str = SOURCE,
    passages: Sequence[Passage] | None = None,
) -> RetrievalReport:
    """The same for rows, whose answering passages are found out by `gold_passages`.

    Args:
        source: the column that names the passage, where rows have it.
        passages: those searched; where left out, the ones in memory of the first retriever that has them.
    """
    if passages is None:
        passages = next((s.passages for s in searches.values() if hasattr(s, "passages")), ())
    gold = [(example.input, gold_passages(example, passages, source)) for example in examples]
    report = recall(searches, [(question, ids) for question, ids in gold if ids is not None], ks)
    undecided = sum(ids is None for _, ids in gold)
    return RetrievalReport(report.ks, report.questions, report.gold, report.found, report.without_answer, undecided)


def gold_passages(example: Example, passages: Sequence[Passage], source: str = SOURCE) -> set[str] | None:
    """The ids of the passages that answer a row.

    The row's source column decides, where it has one; several ids stand with commas between them. Else it is the passages
    that contain the expected answer, and of these the ones that the question names, if it names any: the answer "payroll"
    to a message about BH-81 stands in the passage BH-81, whatever else says payroll.

    Returns:
        Ids; empty where no passage answers; None where it can't be told, because more than three contain the answer.
    """
    columns = example.provenance.get("columns", {})
    if source in columns:
        named = {name.strip().casefold() for name in re.split(r"[,;]", columns[source])}
        return {p.passage_id for p in passages if p.passage_id.casefold() in named}
    wanted = _traits(example.answer)
    holding = {p.passage_id for p in passages if wanted & _traits(p.text) and supported(example.answer, [p])}
    words = {word.rstrip(".-").casefold() for word in re.findall(r"[\w.-]+", example.input)}
    named = {passage_id for passage_id in holding if passage_id.casefold() in words}
    if named:
        return named
    return holding if len(holding) <= MOST_GOLD else None


@lru_cache(maxsize=100_000)
def _traits(text: str) -> frozenset[str | float]:
    """The words and numbers of a text, read once: what shares none with an answer needs no closer look for it.

    The closer look takes half a millisecond, and there are as many as questions times passages.
    """
    read = tokens(text)
    words = {"staff" if stem(token.text) in SAME_WORD else stem(token.text) for token in read}
    numbers = {float(f"{value:.6g}") for q in read_quantities(read) for value in (*q.values, *q.raw)}
    return frozenset(words | numbers)


def _rank(found: Sequence[Passage], gold: set[str]) -> int:
    return next((rank for rank, passage in enumerate(found, start=1) if passage.passage_id in gold), 0)
