"""The same row twice, the same question with two answers, a question that is also in the test."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from workbench.curate.checks.check import FAULT, Check, CheckContext, Remark, group_key
from workbench.dataset import Dataset, Example, normalise


def _by_input(dataset: Dataset, context: CheckContext) -> list[list[Example]]:
    def make() -> list[list[Example]]:
        groups: dict[tuple, list[Example]] = defaultdict(list)
        for example in dataset:
            groups[group_key(example)].append(example)
        return list(groups.values())

    return context.once("by input", dataset, make)


def exact_duplicates(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Every copy of a row after the first, case, spacing and punctuation aside."""
    for group in _by_input(dataset, context):
        seen: dict[tuple[str, str], str] = {}
        for example in group if len(group) > 1 else ():
            answers = normalise(example.answer), normalise(example.rejected)
            if answers in seen:
                yield Remark(example.row_id, f"the same as {seen[answers]}", seen[answers])
            else:
                seen[answers] = example.row_id


def contradictions(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows with the same input and different answers; which one is right, only a person can say."""
    for group in _by_input(dataset, context):
        if len(group) > 1 and len({normalise(e.answer) for e in group if e.answer.strip()}) > 1:
            for example in group:
                others = [e for e in group if e.row_id != example.row_id]
                different = next((e for e in others if normalise(e.answer) != normalise(example.answer)), others[0])
                listed = ", ".join(e.row_id for e in others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
                yield Remark(example.row_id, f"another answer in {listed}", different.row_id)


def test_leaks(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose question is also in the test set that came with the data."""
    if context.test is None:
        return
    tested = {group_key(e): e.row_id for e in context.test}
    for group in _by_input(dataset, context):
        if (found := tested.get(group_key(group[0]))) is not None:
            for example in group:
                yield Remark(example.row_id, f"the same question as test row {found}", found)


CHECKS = (
    Check("contradiction", "Two answers to one question pull the model both ways.", FAULT, "drop", contradictions),
    Check("exact duplicate", "A row seen twice counts twice, and may end up in training and test.", FAULT, "drop", exact_duplicates),
    Check("in the test set", "A question that was trained on is no test.", FAULT, "drop", test_leaks),
)
