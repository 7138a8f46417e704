"""The sources that an answer names in square brackets, and whether they hold what it says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from workbench.dataset import Example
from workbench.scoring.facts import CITATION, bracketed, contains, like_an_id, says_nothing

CITES = "cites a source"


class Cited(Protocol):
    """What is cited: a passage of a document."""

    passage_id: str
    text: str


def read_citations(answer: str, shown: Iterable[str] = ()) -> tuple[str, tuple[str, ...]]:
    """An answer without the names of sources in square brackets, and these names, each once, in their order.

    A group in brackets names sources if one of them was shown, wherever it stands; else only if it ends the answer and
    all in it look like names of passages. A list in JSON and a mask such as [EMAIL] are part of the answer.

    Args:
        shown: names of the passages that were shown.
    """
    known = {name.casefold() for name in shown}
    groups = list(CITATION.finditer(answer))
    taken = []
    for group in groups:
        names = bracketed(group.group())
        ends = group is groups[-1] and not re.search(r"\w", answer[group.end():])
        if any(name.casefold() in known for name in names) or (ends and all(map(like_an_id, names))):
            taken.append((group, names))
    without = answer
    for group, _ in reversed(taken):
        without = without[: group.start()] + without[group.end():]
    # An answer that stands in brackets as a whole is no source.
    if not taken or not re.search(r"\w", without):
        return answer.strip(), ()
    return without.strip(), tuple(dict.fromkeys(name for _, names in taken for name in names))


def supported(expected: str, passages: Sequence[Cited], phrase: str = "") -> bool:
    """Whether one of the passages contains the expected fact; that there is no answer is supported by none.

    Args:
        phrase: the task's own for "there is no answer".
    """
    return not says_nothing(expected, phrase) and any(contains(expected, passage.text) for passage in passages)


def citation_aspects(example: Example, answer: str, passages: Sequence[Cited], phrase: str = "") -> dict[str, float]:
    """How well an answer names its sources.

    Args:
        example: the row; one without an answer in the documents has no source to name, and gets nothing.
        answer: as given, with its citations.
        passages: those that were shown with the question.
        phrase: the task's own for "there is no answer".

    Returns:
        "cites a source": 1 when it names at least one, and only such as were shown. "cited source has the answer": the
        share of the named ones that contain the expected answer, 0 when none is named.
    """
    if not example.answer.strip() or says_nothing(example.answer, phrase):
        return {}
    shown = {passage.passage_id.casefold(): passage for passage in passages}
    named = [shown.get(name.casefold()) for name in read_citations(answer, shown)[1]]
    holding = sum(passage is not None and supported(example.answer, [passage], phrase) for passage in named)
    return {
        CITES: float(bool(named) and None not in named),
        "cited source has the answer": holding / len(named) if named else 0.0,
    }
