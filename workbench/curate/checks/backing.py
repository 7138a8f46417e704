"""Answers with values that their input lacks, in data sets where answers are taken from the input."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from workbench.curate.checks.check import FAULT, REVIEW, Check, CheckContext, Remark
from workbench.curate.checks.closed import closed_list
from workbench.curate.coverage import ADDRESS
from workbench.curate.personal import mask
from workbench.dataset import Dataset, Example
from workbench.scoring.scorers import read_object

FIGURE = re.compile(r"\d+(?:[.,:/-]\d+)*")
TOKEN = re.compile(r"[\w-]+")
DIGIT = re.compile(r"\d")
MEASURE = re.compile(r"\d+[^\W\d]*(?:-[^\W\d]+)*")
PAGE = re.compile(r"(?:https?://|www\.)[^\s<>\"')\]]+")
SEPARATORS = re.compile(r"[\s_\u2010-\u2015-]+")
DAYS = (
    "monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag freitag samstag sonntag "
    "lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes mi\u00e9rcoles jueves viernes s\u00e1bado domingo "
    "luned\u00ec marted\u00ec mercoled\u00ec gioved\u00ec venerd\u00ec sabato domenica"
)
DAY = re.compile(rf"\b(?:{'|'.join(DAYS.split())})\b")
# How many of the rows must copy before a row that doesn't is remarked on, and before it is taken for a fault.
MOSTLY, NEARLY_ALWAYS = 0.9, 0.97
FEWEST_TO_LEARN = 20


def _unbacked(dataset: Dataset, context: CheckContext) -> dict[str, tuple[str, bool]]:
    """Row id to what its answer says that its input doesn't, and whether that is certain."""

    def make() -> dict[str, tuple[str, bool]]:
        if context.kind == "json":
            return _unbacked_fields(dataset)
        return _unbacked_figures(dataset) if context.kind == "text" else {}

    return context.once("unbacked", dataset, make)


def _unbacked_fields(dataset: Dataset) -> dict[str, tuple[str, bool]]:
    fields: dict[str, dict[str, tuple[bool, bool]]] = defaultdict(dict)
    values: dict[str, Counter] = defaultdict(Counter)
    for example in dataset:
        answer, given = read_object(example.answer) or {}, _plain(_given(example))
        for key, value in answer.items():
            if isinstance(value, str) and value.strip():
                fields[key][example.row_id] = _plain(value) in given, _has_code(value)
                values[key][value] += 1
    found: dict[str, tuple[str, bool]] = {}
    for key, copied in fields.items():
        share = sum(is_copied for is_copied, _ in copied.values()) / len(copied)
        if len(copied) < FEWEST_TO_LEARN or share < MOSTLY:
            continue
        # A value of a closed list may be meant where other words say it, and a date or an amount may be written in
        # another way; a code that nobody wrote, in a field of codes, was made up.
        of_codes = sum(is_code for _, is_code in copied.values()) >= MOSTLY * len(copied) and not closed_list(values[key])
        for row_id, (is_copied, is_code) in copied.items():
            if not is_copied:
                certain = share >= NEARLY_ALWAYS and of_codes and is_code
                said = f"{mask(key)} is not in the input, though in {100 * share:.0f} % of the rows it is copied from there"
                found[row_id] = (said, certain or found.get(row_id, ("", False))[1])
    return found


def _unbacked_figures(dataset: Dataset) -> dict[str, tuple[str, bool]]:
    facts = {e.row_id: said for e in dataset if (said := _facts(e.answer))}
    if len(facts) < FEWEST_TO_LEARN:
        return {}
    # An address in several answers is the house's own.
    counts = Counter(fact for said in facts.values() for fact in said if fact[0] == "address")
    missing = {}
    for example in dataset:
        if example.row_id in facts:
            given = _given(example)
            lacking = facts[example.row_id] - _facts(given)
            plain = _plain(given) if lacking else ""
            missing[example.row_id] = sum(
                not (kind == "code" and _plain(fact) in plain or counts[kind, fact] > 1) for kind, fact in lacking
            )
    share = sum(not n for n in missing.values()) / len(missing)
    if share < MOSTLY:
        return {}
    how = f"though {100 * share:.0f} % of the answers only use what their input has"
    # What free text says may be said in other words, so none of it is certain.
    return {i: (f"{_things(n)} in the answer not in the input, {how}", False) for i, n in missing.items() if n}


def _things(n: int) -> str:
    return "1 figure, code or day" if n == 1 else f"{n} figures, codes or days"


def _given(example: Example) -> str:
    return "\n".join(content for _, content in example.messages)


def _plain(text: str) -> str:
    return SEPARATORS.sub("", text.casefold())


def _facts(text: str) -> set[tuple[str, str]]:
    """Figures, codes, addresses of mail and of pages, and days in a text, in a form in which they can be compared."""
    text = text.casefold()
    found = set()
    for address in (ADDRESS, PAGE) if "@" in text or "://" in text or "www." in text else ():
        found |= {("address", a.group().rstrip(".,;:!?")) for a in address.finditer(text)}
        text = address.sub(" ", text)
    found |= {("day", day) for day in DAY.findall(text)}
    if DIGIT.search(text):
        codes = {token for token in TOKEN.findall(text) if _is_code(token)}
        found |= {("code", code) for code in codes}
        plain = TOKEN.sub(lambda token: " " if token.group() in codes else token.group(), text) if codes else text
        found |= {("figure", re.sub(r"[.,]", "", figure)) for figure in FIGURE.findall(plain)}
    return found


def _has_code(value: str) -> bool:
    return any(_is_code(token) for token in TOKEN.findall(value))


def _is_code(token: str) -> bool:
    """Whether letters and digits are mixed as in "A-1000"; a number with its unit, such as "15kg" or "24-hour", is none."""
    mixed = 4 <= len(token) <= 40 and DIGIT.search(token) is not None and any(map(str.isalpha, token))
    return mixed and not MEASURE.fullmatch(token)


def invented_values(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows with a field of codes whose code the input lacks, where nearly all others are copied from it."""
    return [Remark(i, said) for i, (said, certain) in _unbacked(dataset, context).items() if certain]


def unbacked_answers(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose answer has a value that its input lacks, where most others are copied from it."""
    return [Remark(i, said) for i, (said, certain) in _unbacked(dataset, context).items() if not certain]


CHECKS = (
    Check(
        "invented value", "An answer that its input doesn't back teaches the model to make things up.", FAULT, "drop",
        invented_values,
    ),
    Check("unbacked answer", "What the input doesn't say, the model can only guess.", REVIEW, "keep", unbacked_answers),
)
