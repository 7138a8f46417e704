"""What a check is, and what it may know."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from workbench.dataset import Dataset, Example, normalise
from workbench.scoring.scorers import FREE_TEXT

# How sure a check is of itself: a fault is acted on by default, a matter for review is kept until a person decides.
FAULT, REVIEW = "fault", "review"


class Remark(NamedTuple):
    """What a check says of one row.

    Attributes:
        row_id: the row.
        evidence: one line on what was found; never repeats personal data.
        twin: the id of the row (of the data set, or of the test set) it was compared with, if any.
    """

    row_id: str
    evidence: str
    twin: str = ""


@dataclass(frozen=True)
class CheckContext:
    """What checks may know beside the rows.

    Attributes:
        kind: the form that answers have: json, label, number or text; the task's scorer kind says which. Kinds that
            judge prose some other way (exact, fact, voice) are text here.
        test: a test set that came with the data; its questions must not be trained on.
        probes: name to text of the questions with which forgetting is measured later.
        count_tokens: examples to (tokens of the prompt, tokens of the answer) each, as the model will see them;
            None where no model is loaded.
        window: the most tokens a row may have, prompt and answer together; 0 where no model is loaded.
        restricted: whether the rows may not leave the building; then what is only possibly personal is masked too.
        regions: country codes such as "DE", in whose form phone numbers without a leading + are read.
        progress: called with (what, done, total) while checks run.
    """

    kind: str
    test: Dataset | None = None
    probes: Mapping[str, str] = field(default_factory=dict)
    count_tokens: Callable[[list[Example]], list[tuple[int, int]]] | None = None
    window: int = 0
    restricted: bool = False
    regions: tuple[str, ...] = ()
    progress: Callable[[str, int, int], None] = lambda what, done, total: None
    _memo: dict = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.kind in FREE_TEXT:
            object.__setattr__(self, "kind", "text")

    def once(self, what: str, dataset: Dataset, make: Callable[[], Any]) -> Any:
        """`make()`, kept, so that two checks that need the same search run it once."""
        key = (what, dataset.fingerprint)
        if key not in self._memo:
            self._memo[key] = make()
        return self._memo[key]


@dataclass(frozen=True)
class Check:
    """A kind of fault.

    Attributes:
        name: what it is called in tables, charts and decisions.
        why: one sentence: what it does to a model.
        severity: FAULT or REVIEW.
        action: the recommended decision: "drop", "mask", "fix" or "keep".
        find: takes the data set and the context; yields remarks.
        fix: for action "fix": a row to the row as it should be.
        if_restricted: the recommended decision where the rows may not leave the building; `action` if empty.
    """

    name: str
    why: str
    severity: str
    action: str
    find: Callable[[Dataset, CheckContext], Iterable[Remark]]
    fix: Callable[[Example], Example] | None = None
    if_restricted: str = ""


def group_key(example: Example) -> tuple:
    """Rows with the same key are the same question: their turns are equal once normalised."""
    return tuple((role, normalise(content)) for role, content in example.messages)


def by_input(dataset: Dataset, context: CheckContext) -> list[list[Example]]:
    """Rows by their input, compared loosely."""

    def make() -> list[list[Example]]:
        groups: dict[tuple, list[Example]] = defaultdict(list)
        for example in dataset:
            groups[group_key(example)].append(example)
        return list(groups.values())

    return context.once("by input", dataset, make)
