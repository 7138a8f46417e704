"""The sources that an answer names in square brackets, and whether they hold what it says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from workbench.dataset import Example
from workbench.scoring.facts import CITATION, contains, says_nothing, without_citations


class Cited(Protocol):
    """What is cited: a passage of a document."""

    passage_id: str
    text: str


def read_citations(answer: str) -> tuple[str, tuple[str, ...]]:
    """An answer without the names of sources in square brackets, and these names, each once, in their order."""
    found = [name.strip() for m in CITATION.finditer(answer) for name in re.split(r"[,;]", m.group().strip().strip("[]"))]
    without = without_citations(answer).strip()
    return without, tuple(dict.fromkeys(found)) if without != answer.strip() else ()


def supported(expected: str, passages: Sequence[Cited]) -> bool:
    """Whether one of the passages contains the expected fact; that there is no answer is supported by none."""
    return not says_nothing(expected) and any(contains(expected, passage.text) for passage in passages)


def citation_aspects(example: Example, answer: str, passages: Sequence[Cited]) -> dict[str, float]:
    """How well an answer names its sources.

    Args:
        example: the row; one without an answer in the documents has no source to name, and gets nothing.
        answer: as given, with its citations.
        passages: those that were shown with the question.

    Returns:
        "cites a source": 1 when it names at least one, and only such as were shown. "cited source has the answer": the
        share of the named ones that contain the expected answer, 0 when none is named.
    """
    if not example.answer.strip() or says_nothing(example.answer):
        return {}
    shown = {passage.passage_id.casefold(): passage for passage in passages}
    named = [shown.get(name.casefold()) for name in read_citations(answer)[1]]
    holding = sum(passage is not None and supported(example.answer, [passage]) for passage in named)
    return {
        "cites a source": float(bool(named) and None not in named),
        "cited source has the answer": holding / len(named) if named else 0.0,
    }
