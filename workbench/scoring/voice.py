"""Whether a reply keeps a house's voice, by a checklist, and says what it has to, by patterns and facts of its row."""

from __future__ import annotations

import re
from collections.abc import Mapping

from workbench.dataset import Example
from workbench.errors import BadInput
from workbench.scoring.quantities import read_quantities, tokens

SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[A-Z])|\s*\n\s*")
# What denies a promise a few words behind it in the same sentence: "not a refund", "instead of a new one".
DENIES = re.compile(r"\b(?:no|not|never|cannot|without|instead of|rather than|\w+n't)(?:\s+[\w']+){0,3}\s*$")


def check_rules(rules: Mapping | None) -> tuple[dict, dict]:
    """The checklist of the voice and the rules of the meaning.

    Raises:
        BadInput: one of the two is missing, has no events or has a pattern that can't be read.
    """
    voice, meaning = (dict((rules or {}).get(name) or {}) for name in ("voice", "meaning"))
    if not voice or not meaning.get("events") or not meaning.get("event_column"):
        raise BadInput(
            "Replies are judged by voice only with a checklist of the voice and the phrases that say each event, and this "
            "project has none. Choose another way to judge, or start from the sample brand_voice to see what they look like."
        )
    patterns = [p for listed in meaning["events"].values() for p in listed]
    patterns += [meaning[f"{column}_pattern"] for column in meaning.get("fact_columns", []) if f"{column}_pattern" in meaning]
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise BadInput(
                f"The pattern {pattern!r} of the voice's meanings can't be read ({error}). Mend it in its file."
            ) from error
    return voice, meaning


def style_checks(reply: str, voice: Mapping, columns: Mapping[str, str]) -> dict[str, float]:
    """Each point of the checklist by name, 1 where it is kept. Points that the checklist doesn't have are left out."""
    reply, low = reply.strip(), _straight(reply)
    checks: dict[str, bool] = {}
    if "starts_with" in voice:
        checks["starts as it should"] = reply.startswith(voice["starts_with"])
    if "ends_with" in voice:
        checks["ends as it should"] = reply.endswith(voice["ends_with"])
    if "next_step_marker" in voice:
        checks["next step"] = reply.count(voice["next_step_marker"]) == voice.get("next_steps", 1)
    if "most_words_per_sentence" in voice:
        checks["short sentences"] = max(len(s.split()) for s in SENTENCE.split(reply)) <= voice["most_words_per_sentence"]
    if "forbidden" in voice:
        checks["nothing forbidden"] = not any(_straight(phrase) in low for phrase in voice["forbidden"])
    due = [columns[name] for name in voice.get("must_name", ()) if columns.get(name, "").strip()]
    if "must_name" in voice:
        checks["names what is due"] = all(_straight(value) in low for value in due)
    return {name: float(kept) for name, kept in checks.items()}


def events_said(reply: str, meaning: Mapping) -> set[str]:
    """The events that a reply promises; one that it denies ("this is no refund") is none."""
    low = _straight(reply)
    return {event for event, patterns in meaning["events"].items() if any(_promised(low, pattern) for pattern in patterns)}


def _promised(text: str, pattern: str) -> bool:
    for found in re.finditer(pattern, text):
        sentence = re.split(r"[.,;:!?\n](?!\d)", text[: found.start()])[-1]
        if not DENIES.search(sentence):
            return True
    return False


def right_meaning(reply: str, meaning: Mapping, columns: Mapping[str, str]) -> bool:
    """Whether a reply says its row's event, no other event, and no other amount or weekday than the row's."""
    if events_said(reply, meaning) != {columns[meaning["event_column"]].strip()}:
        return False
    low = _straight(reply)
    for column in meaning.get("fact_columns", []):
        due = _straight(columns.get(column, "")).strip()
        if f"{column}_pattern" in meaning and set(re.findall(meaning[f"{column}_pattern"], low)) - {due}:
            return False
    # Sums that are written otherwise than the pattern expects, such as EUR 45 for 45.00.
    return "amount" not in meaning.get("fact_columns", []) or _sums(low) <= _sums("€ " + columns.get("amount", ""))


def _sums(text: str) -> set[float]:
    return {min(q.values) for q in read_quantities(tokens(text)) if q.unit == "money in euros"}


def _straight(text: str) -> str:
    return text.lower().replace("\u2019", "'")


def voice_score(example: Example, reply: str, voice: Mapping, meaning: Mapping) -> tuple[float | None, dict[str, float]]:
    """The share of the checklist that a reply keeps, 0 where its meaning is wrong, and the parts of it.

    Returns:
        The score, None for a row that doesn't say in its columns what is due; and each check, "style" (the share)
        and "meaning" (1 or 0).
    """
    columns = example.provenance.get("columns", {})
    if not columns.get(meaning["event_column"], "").strip():
        return None, {}
    checks = style_checks(reply, voice, columns)
    style = sum(checks.values()) / len(checks) if checks else 1.0
    right = right_meaning(reply, meaning, columns)
    return style * right, {**checks, "style": style, "meaning": float(right)}
