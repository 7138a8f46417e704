"""Answers that are missing, not in the form of the others, cut off, refusing, or not backed by their input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from workbench.curate.checks import backing, endings, phrases
from workbench.curate.checks.check import FAULT, Check, CheckContext, Remark
from workbench.curate.checks.closed import closed_list
from workbench.curate.checks.text import without_control_tokens, without_hidden_characters
from workbench.curate.personal import mask
from workbench.dataset import Dataset, Example, normalise
from workbench.scoring.scorers import read_number, read_object


def empty_answers(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows without an answer, or with one of control tokens and hidden characters alone."""
    return [Remark(e.row_id, "the answer is empty") for e in dataset if _empty(e.answer)]


def _empty(answer: str) -> bool:
    if not answer.strip() or len(answer) > 200:
        return not answer.strip()
    return not without_hidden_characters(without_control_tokens(answer)).strip()


def answer_format(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose answer is not in the form that the task's other answers have."""
    filled = [e for e in dataset if not _empty(e.answer)]
    if context.kind == "json":
        return _json_format(filled)
    if context.kind == "number":
        return [Remark(e.row_id, "the answer holds no number") for e in filled if read_number(e.answer) is None]
    if context.kind == "label":
        return _rare_values({e.row_id: e.answer for e in filled}, "the label", normalise)
    return []


def _json_format(examples: list[Example]) -> list[Remark]:
    objects = {e.row_id: read_object(e.answer) for e in examples}
    faults = [Remark(row_id, "the answer is not a JSON object") for row_id, value in objects.items() if value is None]
    valid = {row_id: value for row_id, value in objects.items() if value is not None}
    if not valid:
        return faults
    usual, most = Counter(frozenset(value) for value in valid.values()).most_common(1)[0]
    if most >= 0.8 * len(valid):
        odd = {row_id for row_id, value in valid.items() if set(value) != usual}
        faults += [Remark(row_id, f"its keys differ from the usual {_listed(usual)}") for row_id in valid if row_id in odd]
        valid = {row_id: value for row_id, value in valid.items() if row_id not in odd}
    # Where no set of keys is usual, some of them are optional, and only what a key holds can be compared.
    for key in sorted({key for value in valid.values() for key in value}):
        faults += _field_format({i: v[key] for i, v in valid.items() if key in v}, key)
    return faults


def _field_format(values: dict[str, object], key: str) -> Iterator[Remark]:
    """Remarks on one field: a closed list left, a type that others don't have, keys within it that others don't have."""
    key = mask(key)
    yield from _rare_values({i: v for i, v in values.items() if isinstance(v, str)}, key)
    kinds = {i: kind for i, v in values.items() if (kind := _json_kind(v)) != "null"}
    yield from _rare_values(kinds, f"the type of {key}")
    inner = [(i, part) for i, v in values.items() for part in (v if isinstance(v, list) else [v]) if isinstance(part, dict)]
    if not inner:
        return
    usual, most = Counter(frozenset(part) for _, part in inner).most_common(1)[0]
    if most >= 0.95 * len(inner):
        odd = dict.fromkeys(i for i, part in inner if set(part) != usual)
        yield from (Remark(i, f"the keys within {key} differ from the usual {_listed(usual)}") for i in odd)


def _listed(keys: Iterable[str]) -> str:
    return ", ".join(map(mask, sorted(keys)))


def _json_kind(value: object) -> str:
    if value is None:
        return "null"
    names = {bool: "true or false", int: "number", float: "number", str: "text", list: "list", dict: "object"}
    return names[type(value)]


def _rare_values(values: dict[str, str], what: str, form: Callable[[str], str] = str) -> list[Remark]:
    """Values outside a closed list, where the list is what nearly all rows use."""
    usual = closed_list(Counter(map(form, values.values())))
    odd = [i for i, v in values.items() if form(v) not in usual] if usual else []
    if not odd:
        return []
    listed = ", ".join(sorted({form(mask(v)) for v in set(values.values()) if form(v) in usual}))
    return [Remark(i, f"{what} is outside the usual list ({listed})") for i in odd]


CHECKS = (
    Check("empty answer", "The model would learn to say nothing.", FAULT, "drop", empty_answers),
    Check("answer format", "One malformed answer teaches that malformed answers are fine.", FAULT, "drop", answer_format),
    *endings.CHECKS,
    *phrases.CHECKS,
    *backing.CHECKS,
)
