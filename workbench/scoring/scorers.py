"""How an answer is judged: JSON fields, a label, a number, a fact, a voice, the likeness of free text, or a user's own way."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import isfinite
from numbers import Real

from workbench.dataset import Example, normalise
from workbench.errors import BadInput
from workbench.files import fingerprint, strict_json
from workbench.scoring.facts import fact, says_nothing
from workbench.scoring.voice import check_rules, voice_score

Score = float | None


@dataclass(frozen=True)
class Judged:
    """What one answer got.

    Attributes:
        score: between 0 and 1; None where the answer could not be judged.
        aspects: parts of it by name, each between 0 and 1, such as "valid JSON" or "meaning".
    """

    score: Score
    aspects: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Scorer:
    """A way to judge answers.

    Attributes:
        kind: the name it is chosen by.
        what: one sentence for the reader; scores are made again when it changes.
        judge: takes rows and their answers, in the same order and number, and returns what each got.
    """

    kind: str
    what: str
    judge: Callable[[Sequence[Example], Sequence[str]], list[Judged]]


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
    return judge_json(expected, answer).score


def judge_json(expected: str, answer: str, fits: Callable[[str], bool] | None = None) -> Judged:
    """What an answer of JSON got, with the parts "valid JSON", "right keys", "all fields right" and each "field: ...".

    Args:
        fits: whether an answer fits a schema, for the part "fits the schema".
    """
    wanted, given = read_object(expected), read_object(answer)
    if not wanted:
        return Judged(None)
    right = {key: float(given is not None and key in given and _same(given[key], wanted[key])) for key in wanted}
    keys = given is not None and set(given) == set(wanted)
    score = sum(right.values()) / len(right) if keys else 0.0
    aspects = {"valid JSON": float(given is not None), "right keys": float(keys), "all fields right": float(score == 1.0)}
    aspects |= {"fits the schema": float(fits(answer))} if fits else {}
    return Judged(score, aspects | {f"field: {key}": value for key, value in right.items()})


def schema_valid(answer: str, schema: dict) -> bool:
    """Whether an answer is a JSON object that fits a JSON Schema; schemas elsewhere are never fetched.

    Raises:
        BadInput: the schema itself is none, or refers to one that isn't in it.
    """
    return _schema_check(schema)(answer)


def _schema_check(schema: dict) -> Callable[[str], bool]:
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    refused = "Answers can't be held against this JSON schema ({}). Mend the schema, or judge without one."
    kind = validator_for(schema)
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        raise BadInput(refused.format(error.message)) from error
    validator = kind(schema, registry=Registry())

    def fits(answer: str) -> bool:
        value = read_object(answer)
        try:
            return value is not None and validator.is_valid(value)
        except Unresolvable as error:
            raise BadInput(refused.format(error)) from error
        except RecursionError:
            return False

    return fits


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
    return float(read_label(answer) == normalise(expected)) if expected.strip() else None


def read_label(answer: str) -> str:
    """The label that an answer gives: its first line, as labels are compared."""
    return normalise(answer.strip().splitlines()[0]) if answer.strip() else ""


def exact(expected: str, answer: str) -> Score:
    """1 when the whole answer is the expected text, whatever its case, punctuation and white space."""
    return float(normalise(answer) == normalise(expected)) if expected.strip() else None


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


def likeness(vectors: Callable[[list[str]], object], expected: Sequence[str], answers: Sequence[str]) -> list[Score]:
    """Likeness of free texts: cosine similarity of the two texts' embeddings, cut off at 0.

    It measures likeness, not truth: two answers that differ in one decisive word are very alike.

    Args:
        vectors: texts to unit vectors, such as `Embedder.vectors`.
    """
    if not answers:
        return []
    cosine = (vectors(list(expected)) * vectors(list(answers))).sum(axis=1)
    return [
        None if not e.strip() else (0.0 if not a.strip() else float(min(1.0, max(0.0, c))))
        for e, a, c in zip(expected, answers, cosine, strict=True)
    ]


SCORER_KINDS = {
    "json": "Share of JSON fields that are right; 0 when it is not JSON with exactly the right keys.",
    "label": "1 when the first line is the right label, else 0.",
    "number": "1 when the first number is the right one, else 0.",
    "text": "Likeness of meaning (cosine of embeddings, 0 to 1). Likeness is not truth: read some rows too.",
    "exact": "1 when the whole answer is the expected text, whatever its case and punctuation, else 0.",
    "fact": "1 when the answer contains the expected fact, its numbers with their units, and nothing against it, else 0. "
            "Of a yes or no only the beginning is read, and a list may hold more than was expected.",
    "voice": "Share of the voice's checklist that the reply keeps; 0 when it promises something else than its row says.",
}
# Kinds whose answers are prose to whoever looks at their form.
FREE_TEXT = ("text", "exact", "fact", "voice")


def scorer(
    kind: str, vectors: Callable[[list[str]], object] | None = None, rules: Mapping | None = None
) -> Scorer:
    """The scorer of a kind.

    Args:
        kind: one of SCORER_KINDS.
        vectors: texts to unit vectors; "text" needs it.
        rules: what a kind goes by beside the rows: "voice" and "meaning" for "voice", which needs both; "schema" for
            "json", a JSON Schema to hold answers against; "unanswerable" for "fact", the task's phrase for no answer.

    Raises:
        BadInput: there is no such kind, or its rules are missing or faulty.
    """
    rules = dict(rules or {})
    if kind not in SCORER_KINDS:
        raise BadInput(f"{kind!r} is no way to judge answers; choose one of {', '.join(SCORER_KINDS)}.")
    if kind == "voice":
        voice, meaning = check_rules(rules)
        return Scorer(kind, _with_rules(kind, [voice, meaning]), _rows(lambda e, a: Judged(*voice_score(e, a, voice, meaning))))
    if kind == "text":
        if vectors is None:
            raise ValueError("The scorer for free text needs an embedding model: pass vectors=embedder.vectors.")
        return Scorer(kind, SCORER_KINDS[kind], lambda rows, answers: list(map(
            Judged, likeness(vectors, [e.answer for e in rows], answers))))
    if kind == "json":
        schema = rules.get("schema")
        judge = partial(judge_json, fits=_schema_check(schema) if schema else None)
        what = _with_rules(kind, schema) if schema else SCORER_KINDS[kind]
        return Scorer(kind, what, _rows(lambda e, a: judge(e.answer, a)))
    if kind == "fact":
        phrase = rules.get("unanswerable", "")
        what = _with_rules(kind, phrase) if phrase else SCORER_KINDS[kind]
        return Scorer(kind, what, _rows(lambda e, a: _judge_fact(e.answer, a, phrase)))
    function = {"label": label, "number": number, "exact": exact}[kind]
    return Scorer(kind, SCORER_KINDS[kind], _rows(lambda e, a: Judged(function(e.answer, a))))


def _with_rules(kind: str, rules: object) -> str:
    # A change of the rules makes new scores.
    return f"{SCORER_KINDS[kind]} Rules {fingerprint(rules)[:8]}."


def _rows(judge: Callable[[Example, str], Judged]) -> Callable[[Sequence[Example], Sequence[str]], list[Judged]]:
    return lambda rows, answers: [judge(example, answer) for example, answer in zip(rows, answers, strict=True)]


def _judge_fact(expected: str, answer: str, phrase: str) -> Judged:
    score = fact(expected, answer, phrase)
    if score is None:
        return Judged(None)
    return Judged(score, {"says when there is no answer" if says_nothing(expected, phrase) else "has the fact": score})


def custom_scorer(what: str, score: Callable[[str, str], Score]) -> Scorer:
    """A user's own way to judge.

    Args:
        what: one sentence that says what counts as right. Scores are kept under it: change it with the function.
        score: takes the expected answer and the given one, and returns a number from 0 to 1, or None for "can't be
            judged". A row on which it fails counts as unscorable, never as wrong.

    Raises:
        BadInput: when judging: a score is none of these (the message names the row), or it failed on every row.
    """
    if not what.strip():
        raise BadInput("A scorer of your own needs a sentence that says what counts as right; scores are kept under it.")

    def judge(rows: Sequence[Example], answers: Sequence[str]) -> list[Judged]:
        judged, failures = [], []
        for example, answer in zip(rows, answers, strict=True):
            try:
                given = score(example.answer, answer)
            except Exception as error:
                failures.append(error)
                given = None
            if given is not None and not (isinstance(given, Real) and isfinite(given) and 0 <= given <= 1):
                raise BadInput(
                    f"Your scorer gave row {example.row_id} {given!r:.80}. A score is a number from 0 to 1, or None for "
                    "what can't be judged; change the function so that it returns that."
                )
            judged.append(Judged(None if given is None else float(given)))
        if failures and len(failures) == len(judged):
            raise BadInput(
                f"Your scorer failed on every row, the first time with {type(failures[0]).__name__}: {failures[0]!s:.200}. "
                "Mend the function; it takes the expected answer and the given one, both as text."
            ) from failures[0]
        return judged

    return Scorer("custom", what, judge)


def guess_scorer(answers: Sequence[str]) -> tuple[str, str]:
    """Which scorer suits these answers, and the reason as a sentence.

    Free text is never judged by exact match: texts that are long or mostly unique get "text". That is also what short
    facts get: whether a text is a fact to be contained is for a person to say.
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
