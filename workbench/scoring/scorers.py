"""How an answer is judged: JSON fields, a label, a number, or the likeness of free text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.dataset import normalise
from workbench.files import strict_json

Score = float | None


@dataclass(frozen=True)
class Scorer:
    """A way to judge answers. Scores lie between 0 and 1; None means "could not be judged".

    Attributes:
        kind: the name it is chosen by.
        what: one sentence for the reader.
        score: takes expected answers and given answers, both as lists of the same length.
    """

    kind: str
    what: str
    score: Callable[[Sequence[str], Sequence[str]], list[Score]]


def read_object(text: str) -> dict | None:
    """The JSON object that an answer consists of, or None. A code fence around it is allowed, prose isn't."""
    text = text.strip()
    fenced = re.fullmatch(r"```(?:json)?\s*(.*?)\s*```", text, flags=re.DOTALL)
    try:
        value = strict_json(fenced.group(1) if fenced else text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def json_fields(expected: str, answer: str) -> Score:
    """Share of the expected fields that the answer has right; 0 unless it is JSON with exactly these keys."""
    wanted, given = read_object(expected), read_object(answer)
    if wanted is None or not wanted:
        return None
    if given is None or set(given) != set(wanted):
        return 0.0
    return sum(_same(given[key], wanted[key]) for key in wanted) / len(wanted)


def _same(given: object, wanted: object) -> bool:
    if isinstance(given, str) and isinstance(wanted, str):
        return given.strip().casefold() == wanted.strip().casefold()
    if isinstance(given, list) and isinstance(wanted, list):
        return len(given) == len(wanted) and all(map(_same, given, wanted))
    if isinstance(given, dict) and isinstance(wanted, dict):
        return set(given) == set(wanted) and all(_same(given[key], wanted[key]) for key in wanted)
    return isinstance(given, bool) == isinstance(wanted, bool) and given == wanted


def label(expected: str, answer: str) -> Score:
    """1 when the answer's first line is the expected label, whatever its case and punctuation."""
    if not expected.strip():
        return None
    first = answer.strip().splitlines()[0] if answer.strip() else ""
    return float(normalise(first) == normalise(expected))


def read_number(text: str) -> float | None:
    """The first number in a text; thousands may be grouped with commas or spaces. None where there is none."""
    text = text.replace("\u2212", "-")
    found = re.search(r"(?:(?<!\w)-)?(?:\d{1,3}(?:[ ,]\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|(?<!\d)\.\d+)", text)
    return float(re.sub(r"[ ,]", "", found.group())) if found else None


DECIMAL_COMMA = re.compile(r"\d,(?!\d{3}(?!\d))\d|\d\.\d{3}(?:\.\d{3})*,\d")


def number(expected: str, answer: str) -> Score:
    """1 when the first number in the answer equals the first number expected.

    Where the expected number has a decimal comma (12,50 or 1.234,56), both are read that way.
    """
    if DECIMAL_COMMA.search(expected):
        expected, answer = (text.replace(".", "").replace(",", ".") for text in (expected, answer))
    wanted, given = read_number(expected), read_number(answer)
    if wanted is None:
        return None
    return float(given is not None and abs(given - wanted) <= 1e-9 * max(1.0, abs(wanted)))


def _each(score: Callable[[str, str], Score]) -> Callable[[Sequence[str], Sequence[str]], list[Score]]:
    def score_all(expected: Sequence[str], answers: Sequence[str]) -> list[Score]:
        return [score(e, a) for e, a in zip(expected, answers, strict=True)]

    return score_all


def likeness(vectors: Callable[[list[str]], object]) -> Callable[[Sequence[str], Sequence[str]], list[Score]]:
    """A scorer for free text: cosine similarity of the two texts' embeddings, cut off at 0.

    It measures likeness, not truth: two answers that differ in one decisive word are very alike.

    Args:
        vectors: texts to unit vectors, such as `Embedder.vectors`.
    """

    def score_all(expected: Sequence[str], answers: Sequence[str]) -> list[Score]:
        cosine = (vectors(list(expected)) * vectors(list(answers))).sum(axis=1)
        return [
            None if not e.strip() else (0.0 if not a.strip() else float(min(1.0, max(0.0, c))))
            for e, a, c in zip(expected, answers, cosine, strict=True)
        ]

    return score_all


SCORER_KINDS = {
    "json": "Share of JSON fields that are right; 0 when it is not JSON with exactly the right keys.",
    "label": "1 when the first line is the right label, else 0.",
    "number": "1 when the first number is the right one, else 0.",
    "text": "Likeness of meaning (cosine of embeddings, 0 to 1). Likeness is not truth: read some rows too.",
}


def scorer(kind: str, vectors: Callable[[list[str]], object] | None = None) -> Scorer:
    """The scorer of a kind; "text" needs `vectors`, a function from texts to unit vectors."""
    if kind == "text":
        if vectors is None:
            raise ValueError("The scorer for free text needs an embedding model: pass vectors=embedder.vectors.")
        return Scorer(kind, SCORER_KINDS[kind], likeness(vectors))
    functions = {"json": json_fields, "label": label, "number": number}
    return Scorer(kind, SCORER_KINDS[kind], _each(functions[kind]))


def guess_scorer(answers: Sequence[str]) -> tuple[str, str]:
    """Which scorer suits these answers, and the reason as a sentence.

    Free text is never judged by exact match: texts that are long or mostly unique get "text".
    """
    filled = [a for a in answers if a.strip()]
    n = len(filled)
    if n == 0:
        return "text", "There are no answers to look at."
    objects = sum(bool(read_object(a)) for a in filled)
    if objects >= 0.8 * n:
        return "json", f"{objects} of {n} answers are JSON objects."
    numbers = sum(re.fullmatch(r"[-+]?[\d ,]*\.?\d+\s*%?", a.strip()) is not None for a in filled)
    if numbers >= 0.9 * n:
        return "number", f"{numbers} of {n} answers are numbers."
    distinct = Counter(normalise(a) for a in filled)
    longest = max(len(a) for a in filled)
    if len(distinct) <= max(min(2, n - 1), min(30, n // 5)) and longest <= 80:
        return "label", f"{n} answers are made of {len(distinct)} different short texts."
    return "text", f"{len(distinct)} of {n} answers are different texts, up to {longest} characters long."
