"""The same row twice, the same question with two answers, a question that is also in the test.

`normalise` makes questions equal that only a person can tell apart (1^1 and 1.1, Polish and polish). It finds the
groups; what is acted on must be equal in all but white space, case where case says nothing, and the full stop.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from workbench.curate.checks.check import FAULT, REVIEW, Check, CheckContext, Remark, by_input, group_key
from workbench.curate.checks.strict import answer_texts, plain, same_case
from workbench.dataset import Dataset, Example, normalise
from workbench.scoring.scorers import read_number, read_object

# From this many votes and this share on, one of several answers is the right one.
MOST_VOTES, MOST_SHARE = 3, 0.8
# Where so many rows, and such a share, have a question with other answers, several answers are likely meant.
MANY_ROWS, MANY_SHARE = 20, 0.2
MOST_VARIANTS = 20
LISTED = 5


def _by_strict_input(dataset: Dataset, context: CheckContext) -> list[list[list[Example]]]:
    """For each question that several rows ask, loosely compared: the rows, by their input strictly compared."""
    return context.once(
        "by strict input", dataset, lambda: [_strictly(group, _turns) for group in by_input(dataset, context) if len(group) > 1]
    )


def _turns(example: Example) -> list[str]:
    return [plain(content) for _, content in example.messages]


def _strictly(examples: Sequence[Example], texts: Callable[[Example], list[str]]) -> list[list[Example]]:
    """Rows by texts that are equal in all but case that says nothing."""
    groups: dict[tuple[str, ...], list[list[Example]]] = {}
    variants: dict[tuple[str, ...], list[list[str]]] = {}
    known: dict[tuple[str, ...], list[Example]] = {}
    for example in examples:
        own = texts(example)
        if (exact := tuple(own)) in known:
            known[exact].append(example)
            continue
        folded = tuple(text.lower() for text in own)
        seen = variants.setdefault(folded, [])
        found = next((n for n, other in enumerate(seen[:MOST_VARIANTS]) if all(map(same_case, own, other))), None)
        if found is None:
            seen.append(own)
            groups.setdefault(folded, []).append([])
            found = len(seen) - 1
        known[exact] = groups[folded][found]
        known[exact].append(example)
    return [group for parts in groups.values() for group in parts]


def exact_duplicates(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Every copy of a row after the first; an answer of JSON is compared by what it says."""
    for parts in _by_strict_input(dataset, context):
        for part in parts:
            for first, *copies in _strictly(part, lambda e: answer_texts(e, context.kind)):
                yield from (Remark(e.row_id, f"the same as {first.row_id}", first.row_id) for e in copies)


def loose_repeats(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows that are as another, or as a test row, but for punctuation or case that may matter."""
    for parts in _by_strict_input(dataset, context):
        first = parts[0][0]
        for part in parts:
            copies = [group[0] for group in _strictly(part, lambda e: answer_texts(e, context.kind))]
            if part is not parts[0]:
                said = f"the same question as {first.row_id} but for punctuation or case"
                yield from (Remark(e.row_id, said, first.row_id) for e in copies)
                continue
            seen: dict[tuple[str, str], str] = {}
            for example in copies:
                twin = seen.setdefault((normalise(example.answer), normalise(example.rejected)), example.row_id)
                if twin != example.row_id:
                    yield Remark(example.row_id, f"the same as {twin} but for punctuation or case in the answer", twin)
    for tested, group, strict in _tested(dataset, context):
        for example in group if not strict else ():
            yield Remark(example.row_id, f"the same question as test row {tested} but for punctuation or case", tested)


def contradictions(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows with the same input and different answers, where a question has one; which is right, a person must say.

    Where one answer has three votes and four in five, it is right, and only the others are remarked on.
    """
    return _disagreements(dataset, context)[0]


def several_answers(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows with the same input and different answers, where that may be meant: free text, pairs of preference."""
    return _disagreements(dataset, context)[1]


def _disagreements(dataset: Dataset, context: CheckContext) -> tuple[list[Remark], list[Remark]]:
    def make() -> tuple[list[Remark], list[Remark]]:
        sure, unsure = [], []
        rows = 0
        for part in (part for parts in _by_strict_input(dataset, context) for part in parts):
            keys = {e.row_id: key for e in part if (key := _vote(e, context.kind))}
            votes = Counter(keys.values())
            certain = context.kind in ("label", "number", "json") and not any(e.rejected for e in part)
            if len(votes) > 1:
                rows += len(keys)
                (sure if certain else unsure).extend(_against(keys, votes, certain))
        many = len(sure) >= MANY_ROWS and rows >= MANY_SHARE * len(dataset)
        return ([], unsure + sure) if many else (sure, unsure)

    return context.once(f"disagreements {context.kind}", dataset, make)


def _vote(example: Example, kind: str) -> str:
    """What an answer says, or nothing where it doesn't say it in the form of the task."""
    if kind == "json":
        value = read_object(example.answer)
        return "" if value is None else normalise(json.dumps(value, sort_keys=True, ensure_ascii=False))
    if kind == "number":
        value = read_number(example.answer)
        return "" if value is None else repr(value)
    return normalise(example.answer)


def _against(keys: dict[str, str], votes: Counter, certain: bool) -> Iterator[Remark]:
    top, most = votes.most_common(1)[0]
    if certain and most >= MOST_VOTES and most >= MOST_SHARE * len(keys):
        right = next(row_id for row_id, key in keys.items() if key == top)
        said = f"another answer in {most:,} of {len(keys):,} rows"
        yield from (Remark(row_id, said, right) for row_id, key in keys.items() if key != top)
        return
    # Once a vote and not once a row: a question may stand before every row.
    others = {vote: list(islice((i for i, key in keys.items() if key != vote), LISTED)) for vote in votes}
    for row_id, key in keys.items():
        more = len(keys) - votes[key] - len(others[key])
        yield Remark(row_id, f"another answer in {', '.join(others[key])}" + (f" and {more:,} more" if more else ""), others[key][0])


def test_leaks(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose question is also in the test set that came with the data."""
    for tested, group, strict in _tested(dataset, context):
        for example in group if strict else ():
            yield Remark(example.row_id, f"the same question as test row {tested}", tested)


def _tested(dataset: Dataset, context: CheckContext) -> Iterator[tuple[str, list[Example], bool]]:
    """(test row, rows that ask the same, whether strictly compared)."""
    tested: dict[tuple, list[Example]] = defaultdict(list)
    for example in context.test or ():
        tested[group_key(example)].append(example)
    for group in by_input(dataset, context) if tested else ():
        if found := tested.get(group_key(group[0])):
            # By object, as a row of the one set may have the id of a row of the other.
            ours, theirs = {id(e) for e in group}, {id(e) for e in found}
            for part in _strictly([*found, *group], _turns):
                rows = [e for e in part if id(e) in ours]
                test = next((e for e in part if id(e) in theirs), None)
                if rows:
                    yield (test or found[0]).row_id, rows, test is not None


CHECKS = (
    Check("contradiction", "Two answers to one question pull the model both ways.", FAULT, "drop", contradictions),
    Check("exact duplicate", "A row seen twice counts twice, and may end up in training and test.", FAULT, "drop", exact_duplicates),
    Check("in the test set", "A question that was trained on is no test.", FAULT, "drop", test_leaks),
    Check("several answers", "One question may have many good answers, or one of them may be wrong.", REVIEW, "keep", several_answers),
    Check(
        "same but for punctuation", "A sign or a capital letter may make another question, or the same row twice.",
        REVIEW, "keep", loose_repeats,
    ),
)
