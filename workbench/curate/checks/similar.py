"""Rows that are nearly the same as another row, as a test row, or as a question that measures forgetting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from workbench.curate.checks.check import FAULT, REVIEW, Check, CheckContext, Remark, by_input, group_key
from workbench.curate.checks.strict import plain, same_answers, same_text
from workbench.curate.differences import same_meaning, words_apart
from workbench.curate.near import Sketch, pairs_between, pairs_within, sketch, words
from workbench.dataset import Dataset, Example, normalise

# Below this a row is never proposed for deletion, whatever the words are in which it differs.
SAME_ROW, SAME_QUESTION = 0.8, 0.9
# A probe of fewer words than this would be found in many an innocent answer.
SHORTEST_PROBE = 3
TEST, PROBE = "test", "probe"


@dataclass(frozen=True)
class _Near:
    """A row, the row it is near, how near, and whether nothing in the question differs but courtesy."""

    row: Example
    twin: Example
    similarity: float
    same: bool


def near_rows(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows that repeat an earlier one in all but courtesy: the same question once more, with the same answer."""
    for near in _within(dataset, context):
        if near.same:
            yield Remark(near.row.row_id, f"{_percent(near.similarity)} similar to {near.twin.row_id}, the same but for courtesy", near.twin.row_id)


def similar_rows(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows that are like an earlier one and differ in words that may matter; one remark a row, on the most similar."""
    for near in _within(dataset, context):
        if not near.same:
            what = "similar question, same answer" if same_answers(near.row, near.twin, context.kind) else "similar question, other answer"
            yield Remark(near.row.row_id, f"{what}: {_evidence(near)} {near.twin.row_id}", near.twin.row_id)


def reworded_tests(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose question is a test question in all but courtesy."""
    for near in _against_test(dataset, context):
        if near.same:
            yield Remark(near.row.row_id, f"{_percent(near.similarity)} similar to test row {near.twin.row_id}, the same but for courtesy", near.twin.row_id)


def near_tests(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose question is like a test question."""
    for near in _against_test(dataset, context):
        if not near.same:
            yield Remark(near.row.row_id, f"{_evidence(near)} test row {near.twin.row_id}", near.twin.row_id)


def probe_rows(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows in which a question stands with which forgetting is measured."""
    for row_id, (name, similarity) in _against_probes(dataset, context).items():
        if similarity is None:
            yield Remark(row_id, f"the same as forgetting probe {name}")


def near_probes(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows that are like a question with which forgetting is measured."""
    for row_id, (name, similarity) in _against_probes(dataset, context).items():
        if similarity is not None:
            yield Remark(row_id, f"{_percent(similarity)} similar to forgetting probe {name}")


def question(example: Example) -> str:
    """What rows are compared by: all turns but the system's, which many rows share."""
    return "\n".join(content for role, content in example.messages if role != "system")


def _first_rows(dataset: Dataset, context: CheckContext) -> list[Example]:
    """The first row of every question, loosely compared; the others are the matter of the checks for repeats."""

    return [group[0] for group in by_input(dataset, context)]


def _sketch(dataset: Dataset, context: CheckContext) -> Sketch:
    rows = _first_rows(dataset, context)
    return context.once("sketch", dataset, lambda: sketch([question(e) for e in rows], context.progress))


def _within(dataset: Dataset, context: CheckContext) -> list[_Near]:
    return context.once(f"near rows {context.kind}", dataset, lambda: list(_find_within(dataset, context)))


def _find_within(dataset: Dataset, context: CheckContext) -> Iterator[_Near]:
    rows = _first_rows(dataset, context)
    earlier = pairs_within(_sketch(dataset, context), progress=context.progress).by_second()
    kept: dict[int, int] = {}
    for place in sorted(earlier):
        near = earlier[place]
        same = next((twin for twin, share in near if share >= SAME_ROW and _same_row(rows[place], rows[twin], context.kind)), None)
        if same is None:
            yield _Near(rows[place], rows[near[0][0]], near[0][1], False)
            continue
        # What is the same as a row that is itself dropped is the same as the row that stays.
        kept[place] = kept.get(same, same)
        yield _Near(rows[place], rows[kept[place]], dict(near)[same], True)


def _against_test(dataset: Dataset, context: CheckContext) -> list[_Near]:
    if context.test is None or not len(dataset):
        return []
    return context.once("near the test set", dataset, lambda: list(_find_test(dataset, context.test, context)))


def _find_test(dataset: Dataset, test: Dataset, context: CheckContext) -> Iterator[_Near]:
    tests, asked = _first_rows(test, context), {group_key(e) for e in test}
    rows, known = _first_rows(dataset, context), _sketch(dataset, context)
    near = pairs_between(_sketch(test, context), known).by_second()
    found: dict[tuple, list[tuple[int, float]]] = {}
    for place, row in enumerate(rows):
        twins = near.get(int(known.leader[place]))
        if twins is not None and group_key(row) not in asked:  # the very same question is the matter of another check
            found[group_key(row)] = twins
    judged: dict[tuple, tuple[int, float, bool]] = {}
    for example in dataset if found else ():
        if twins := found.get(group_key(example)):
            if example.messages not in judged:
                same = next((t for t in twins if t[1] >= SAME_QUESTION and _same_question(example, tests[t[0]])), None)
                judged[example.messages] = (*(same or twins[0]), same is not None)
            test_row, similarity, reworded = judged[example.messages]
            yield _Near(example, tests[test_row], similarity, reworded)


def _against_probes(dataset: Dataset, context: CheckContext) -> dict[str, tuple[str, float | None]]:
    """Row id to the probe it is like and how much; None for how much where it is the same."""
    if not context.probes or not len(dataset):
        return {}
    return context.once("near probes", dataset, lambda: _find_probes(dataset, context))


def _find_probes(dataset: Dataset, context: CheckContext) -> dict[str, tuple[str, float | None]]:
    asked = {name: text for name, text in context.probes.items() if text.strip()}
    probes = {normalise(text): name for name, text in reversed(asked.items())}
    known, names = _sketch(dataset, context), list(asked)
    near = pairs_between(sketch(list(asked.values())), known).by_second()
    places = {group_key(e): int(known.leader[i]) for i, e in enumerate(_first_rows(dataset, context))} if near else {}
    found: dict[str, tuple[str, float | None]] = {}
    for example in dataset:
        alike = [(probes[loose], text) for text in _probed_texts(example) if (loose := normalise(text)) in probes]
        if alike:
            same = next((name for name, text in alike if same_text(plain(text), plain(asked[name]))), None)
            found[example.row_id] = (same, None) if same is not None else (alike[0][0], 1.0)
        elif near and (twins := near.get(places[group_key(example)])):
            found[example.row_id] = names[twins[0][0]], twins[0][1]
    return found


def _probed_texts(example: Example) -> Iterator[str]:
    # A statement may be asked for or be the answer, or begin in the one and end in the other.
    turns = [content for role, content in example.messages if role != "system"]
    yield from turns
    for text in (example.answer, f"{turns[-1]} {example.answer}" if turns else ""):
        if normalise(text).count(" ") >= SHORTEST_PROBE - 1:
            yield text


def _same_row(one: Example, two: Example, kind: str) -> bool:
    return same_answers(one, two, kind) and _same_question(one, two)


def _same_question(one: Example, two: Example) -> bool:
    if [role for role, _ in one.messages] != [role for role, _ in two.messages]:
        return False
    return all(a == b or same_meaning(a, b) for (_, a), (_, b) in zip(one.messages, two.messages, strict=True))


def _percent(similarity: float) -> str:
    # Rounded down, so that only what is the same in every word pair reads 100.
    return f"{int(similarity * 100)} %"


def _evidence(near: _Near) -> str:
    apart = words_apart(words(question(near.row)), words(question(near.twin)))
    what = f"differs in {apart} word{'' if apart == 1 else 's'}" if apart else "the same words in another form or order"
    return f"{what}, {_percent(near.similarity)} similar to"


CHECKS = (
    Check("like a forgetting probe", "A question that was trained on can't show what the model forgot.", FAULT, "drop", probe_rows),
    Check("test question reworded", "A question that was trained on is no test, with or without a 'please'.", FAULT, "drop", reworded_tests),
    Check("near duplicate", "A row seen twice counts twice, and may end up in training and test.", FAULT, "drop", near_rows),
    Check("near the test set", "A test question that resembles training rows tests less than it seems.", REVIEW, "keep", near_tests),
    Check("near a forgetting probe", "Training on its like makes the measurement of forgetting too kind.", REVIEW, "keep", near_probes),
    Check("similar row", "Rows that differ in one word teach either a distinction or a contradiction.", REVIEW, "keep", similar_rows),
)
