"""Answers that are missing, not in the form of the others, cut off, refusing, or not backed by their input."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from workbench.curate.checks import backing, endings, phrases
from workbench.curate.checks.check import FAULT, REVIEW, Check, CheckContext, Remark
from workbench.curate.checks.closed import closed_list, misspelt, shown
from workbench.curate.checks.text import without_control_tokens, without_hidden_characters
from workbench.dataset import Dataset, Example, normalise
from workbench.scoring.scorers import read_number, read_object

# A remark, and whether it is near to certain.
Judged = tuple[Remark, bool]

# A key of so many rows belongs in every row; a slip is as rare as this.
NEARLY_ALL, RARE = 0.95, 0.02
# Numbers in words, and what stands where there is none; German, French, Spanish and Italian beside English.
NUMBER_WORDS = frozenset(
    """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
    nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion half third thirds quarter
    quarters fifth tenth dozen couple once twice double triple pair single first second infinity infinite pi
    none no not nothing nobody never nil null nan na unknown unclear undefined unspecified missing unavailable tbd any all
    eins ein eine zwei drei vier fünf sechs sieben acht neun zehn elf zwölf zwanzig dreißig hundert tausend halb hälfte
    drittel viertel kein keine keiner nichts nie unbekannt nicht
    zéro un une deux trois quatre cinq sept huit neuf dix onze douze vingt trente cent mille demi moitié tiers quart
    aucun aucune rien inconnu inconnue pas jamais
    cero uno una dos tres cuatro cinco seis siete ocho nueve diez once doce veinte treinta cien mil medio mitad tercio
    cuarto ninguno ninguna nada desconocido desconocida sin
    due tre quattro cinque sei sette otto nove dieci undici dodici venti trenta cento mezzo metà terzo
    nessuno nessuna niente sconosciuto sconosciuta non
    """.split()
)


def empty_answers(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows without an answer, or with one of control tokens and hidden characters alone."""
    return [Remark(e.row_id, "the answer is empty") for e in dataset if _empty(e.answer)]


def _empty(answer: str) -> bool:
    if not answer.strip() or len(answer) > 200:
        return not answer.strip()
    return not without_hidden_characters(without_control_tokens(answer)).strip()


def answer_format(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose answer is not in the form that the task's other answers have, near to certain.

    These are answers that can't be read, keys and types of one row alone, and slips in a usual key or value.
    """
    return _unlike(dataset, context)[0]


def rare_answers(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose answer is unlike nearly all others and may be meant so: a rare class, an optional key."""
    return _unlike(dataset, context)[1]


def _unlike(dataset: Dataset, context: CheckContext) -> tuple[list[Remark], list[Remark]]:
    """(near to certain, for review), each row once in the first."""
    return context.once(f"unlike {context.kind}", dataset, lambda: _sorted_out(_judged(dataset, context.kind), dataset))


def _judged(dataset: Dataset, kind: str) -> Iterable[Judged]:
    filled = [e for e in dataset if not _empty(e.answer)]
    if kind == "json":
        return _json_format(filled)
    if kind == "number":
        return _number_format(filled)
    if kind == "label":
        return _rare_values({e.row_id: e.answer for e in filled}, "the label", normalise)
    return ()


def _sorted_out(judged: Iterable[Judged], dataset: Dataset) -> tuple[list[Remark], list[Remark]]:
    judged = list(judged)
    faulty = {remark.row_id for remark, sure in judged if sure}
    if len(faulty) > 0.5 * sum(not _empty(e.answer) for e in dataset):
        said = "{}, as most are; the way of judging may be the wrong one for them"
        return [], [remark._replace(evidence=said.format(remark.evidence)) if sure else remark for remark, sure in judged]
    return [r for r, sure in judged if sure], [r for r, sure in judged if not sure and r.row_id not in faulty]


def _number_format(examples: list[Example]) -> Iterator[Judged]:
    without = {e.row_id: normalise(e.answer) for e in examples if read_number(e.answer) is None}
    counts = Counter(without.values())
    for row_id, text in without.items():
        said = counts[text] > 1 or _says_number(text)
        yield Remark(row_id, "the answer holds no number in figures" if said else "the answer holds no number"), not said


def _says_number(text: str) -> bool:
    """Whether a text without figures may say a number, or that there is none."""
    words = {*text.replace("-", " ").split(), "".join(text.split())}
    symbols = any(unicodedata.numeric(c, None) is not None or unicodedata.category(c) == "Sm" for c in text)
    return symbols or not any(map(str.isalpha, text)) or bool(words & NUMBER_WORDS) or len(text) < 3


def _json_format(examples: list[Example]) -> Iterator[Judged]:
    objects = {e.row_id: read_object(e.answer) for e in examples}
    yield from ((Remark(i, "the answer is not a JSON object"), True) for i, value in objects.items() if value is None)
    valid = {i: value for i, value in objects.items() if value is not None}
    yield from _odd_keys([(i, frozenset(value)) for i, value in valid.items()], "its keys", 0.8)
    for key in sorted({key for value in valid.values() for key in value}):
        yield from _field_format({i: v[key] for i, v in valid.items() if key in v}, key)


def _odd_keys(rows: list[tuple[str, frozenset[str]]], what: str, least: float) -> Iterator[Judged]:
    """Rows whose keys are not the usual ones; where no set of keys is usual, some are optional and none is odd."""
    usual, most = Counter(keys for _, keys in rows).most_common(1)[0] if rows else (frozenset(), 0)
    if not most or most < least * len(rows):
        return
    counts = Counter(key for _, keys in rows for key in keys)
    needed = {key for key, n in counts.items() if n >= NEARLY_ALL * len(rows)}
    # Where rows often have a key of their own, keys are what the answer says.
    own = sum(any(counts[key] == 1 for key in keys) for _, keys in rows) <= (1 - NEARLY_ALL) * len(rows)
    said = f"{what} differ from the usual {_listed(usual)}"
    for row_id, keys in dict.fromkeys(rows):
        if keys != usual:
            extra = keys - needed
            sure = needed - keys or any(own and counts[k] == 1 or counts[k] <= RARE * len(rows) and misspelt(k, needed) for k in extra)
            yield Remark(row_id, said), bool(sure)


def _field_format(values: dict[str, object], key: str) -> Iterator[Judged]:
    """On one field: a closed list left, a type that others don't have, keys within it that others don't have."""
    key = shown(key)
    yield from _rare_values({i: v for i, v in values.items() if isinstance(v, str)}, key)
    kinds = {i: kind for i, v in values.items() if (kind := _json_kind(v)) != "null"}
    yield from _rare_kinds(kinds, f"the type of {key}")
    inner = [(i, frozenset(part)) for i, v in values.items() for part in (v if isinstance(v, list) else [v]) if isinstance(part, dict)]
    yield from _odd_keys(inner, f"the keys within {key}", NEARLY_ALL)


def _listed(keys: Iterable[str]) -> str:
    return ", ".join(map(shown, sorted(keys)))


def _json_kind(value: object) -> str:
    if value is None:
        return "null"
    names = {bool: "true or false", int: "number", float: "number", str: "text", list: "list", dict: "object"}
    return names[type(value)]


def _rare_values(values: dict[str, str], what: str, form: Callable[[str], str] = str) -> Iterator[Judged]:
    """Values outside a closed list, where the list is what nearly all rows use; a slip in one row alone is a fault."""
    counts = Counter(map(form, values.values()))
    usual = closed_list(counts)
    odd = [i for i, v in values.items() if form(v) not in usual] if usual else []
    if not odd:
        return
    listed = ", ".join(sorted({form(shown(v)) for v in set(values.values()) if form(v) in usual}))
    said = f"{what} is outside the usual list ({listed})"
    for row_id in odd:
        yield Remark(row_id, said), counts[value := form(values[row_id])] == 1 and misspelt(value, usual)


def _rare_kinds(kinds: dict[str, str], what: str) -> Iterator[Judged]:
    counts = Counter(kinds.values())
    usual = closed_list(counts)
    said = f"{what} is outside the usual list ({', '.join(sorted(usual))})"
    yield from ((Remark(i, said), counts[kind] == 1) for i, kind in kinds.items() if usual and kind not in usual)


CHECKS = (
    Check("empty answer", "The model would learn to say nothing.", FAULT, "drop", empty_answers),
    Check("answer format", "One malformed answer teaches that malformed answers are fine.", FAULT, "drop", answer_format),
    Check("rare answer", "A rare class or an optional key is worth learning; a slip is not.", REVIEW, "keep", rare_answers),
    *endings.CHECKS,
    *phrases.CHECKS,
    *backing.CHECKS,
)
