"""Which rows a search in the documents is measured on, and the report of it, kept so that it isn't measured twice."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.dataset import Example
from workbench.decide.retrieval import Passage, RetrievalReport, Retriever, gold_passages, recall_of
from workbench.decide.retrieval.recall import SOURCE
from workbench.files import fingerprint, read_json, write_json

Progress = Callable[[str, int, int], None]
# A changed way of measuring makes a kept report stale; this number is part of its recipe.
METHOD = 1
MOST_QUESTIONS = 300
ENOUGH_VALIDATION = 40


def questions_to_find(train: Sequence[Example], validation: Sequence[Example], passages: Sequence[Passage]) -> list[Example]:
    """The rows that searches are measured on: at most 300, drawn by a fixed seed, validation rows before training rows.

    Validation rows alone where 40 of them have an answer in the documents: training rows often repeat the documents'
    words, which makes every search look better than it is.
    """
    draw = random.Random(0)
    held_out = draw.sample(list(validation), min(len(validation), MOST_QUESTIONS))
    if sum(bool(gold_passages(e, passages)) for e in held_out) >= ENOUGH_VALIDATION:
        return held_out
    return held_out + draw.sample(list(train), min(len(train), MOST_QUESTIONS - len(held_out)))


def found_in(
    searches: Mapping[str, Retriever], rows: Sequence[Example], passages: Sequence[Passage], path: Path,
    progress: Progress | None = None,
) -> RetrievalReport:
    """How often each search finds the passage that answers: the report in `path` if it is of this, else measured now.

    Args:
        progress: called with the search's name, questions done and in all.
    """
    asked = [(e.row_id, e.input, e.answer, e.provenance.get("columns", {}).get(SOURCE)) for e in rows]
    recipe = fingerprint([METHOD, [(key, search.recipe) for key, search in searches.items()], asked])
    if path.exists() and (kept := read_json(path)).get("recipe") == recipe:
        return RetrievalReport.from_dict(kept["report"])
    # Of questions that no passage answers nothing is looked up.
    total = sum(bool(gold_passages(e, passages)) for e in rows) if progress else 0
    watched = {key: Watched(search, progress, total) for key, search in searches.items()} if progress else searches
    report = recall_of(watched, rows, passages=passages)
    write_json(path, {"recipe": recipe, "report": report.to_dict()})
    return report


@dataclass
class Watched:
    """A search that says how many questions it was asked."""

    search_in: Retriever
    progress: Progress
    total: int
    done: int = 0

    @property
    def name(self) -> str:
        """The search's own."""
        return self.search_in.name

    @property
    def recipe(self) -> tuple:
        """The search's own."""
        return self.search_in.recipe

    def search(self, question: str, k: int) -> list[Passage]:
        """What the search finds."""
        found = self.search_in.search(question, k)
        self.done += 1
        self.progress(f"Search by {self.name}", self.done, self.total)
        return found
