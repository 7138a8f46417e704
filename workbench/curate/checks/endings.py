"""Answers that were cut off: within a word, a sentence, a bracket or a code block, or before the usual ending."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from workbench.curate.checks.check import FAULT, REVIEW, Check, CheckContext, Remark
from workbench.curate.checks.text import without_control_tokens
from workbench.dataset import Dataset, Example, normalise

LONG_ENOUGH = 40
FEWEST_ANSWERS = 20
ITEM = re.compile(r"\s*(?:[-*+\u2022\u2023\u25e6>#|]|\d{1,3}[.):-]|[A-Za-z][.)]\s)")
# Words with which no sentence ends, even one that lacks its full stop.
UNFINISHED = re.compile(r"(?:,|\b(?:and|or|the|because|und|oder|dass|weil|ein|eine|et|mais|une|parce que|pero|porque|el|gli|della))\Z")
# "Regards, the lamp desk" ends a letter without a line of its own.
SIGN_OFF = re.compile(r"(?:\A|[.!?\n])\s*[^\W\d_][\w']*(?: [\w']+){0,2},\s+[^\s.!?,]+(?: [^\s.!?,]+){0,3}\Z")
BRACKETS = {"(": ")", "[": "]", "{": "}", "\u201c": "\u201d", "\u00ab": "\u00bb", "\u201e": "\u201c"}
WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class _Endings:
    """The answers long enough to have an ending, those of them that lack one, and what shows that they were cut off."""

    long: int
    open_ended: list[str]
    cut: dict[str, str]


def _endings(dataset: Dataset, context: CheckContext) -> _Endings:
    def make() -> _Endings:
        long = [e for e in dataset if len(e.answer.strip()) >= LONG_ENOUGH] if context.kind == "text" else []
        texts = {e.row_id: without_control_tokens(e.answer).rstrip() for e in long}
        tails = Counter(map(_tail, texts.values()))
        # Words with which very many answers end, such as a signature, are an ending too.
        signed = {tail for tail, n in tails.items() if n >= max(FEWEST_ANSWERS, 0.2 * len(long))}
        usual = sum(tails[tail] for tail in signed) / max(1, len(long))
        open_ended = {
            e.row_id: e for e in long if _tail(texts[e.row_id]) not in signed and not _ends_properly(texts[e.row_id])
        }
        fenced = [e for e in long if e.answer.count("```") % 2 and not e.input.count("```") % 2]
        cut = {e.row_id: "a code block is never closed" for e in fenced}
        if len(long) >= FEWEST_ANSWERS and len(open_ended) <= 0.1 * len(long):
            words = _cut_words(dataset, open_ended.values())
            for row_id, example in open_ended.items():
                # A text that merely lacks its full stop is no proof; one that stops in the middle of something is.
                if how := _cut_off(texts[row_id], row_id in words):
                    cut.setdefault(row_id, how)
                elif usual >= 0.9:
                    cut.setdefault(row_id, f"the answer lacks the ending that {100 * usual:.0f} % of the answers have")
        return _Endings(len(long), list(open_ended), cut)

    return context.once("endings", dataset, make)


def _tail(answer: str) -> str:
    return normalise(" ".join(answer[-60:].split()[-2:]))


def _cut_off(answer: str, within_word: bool) -> str:
    if UNFINISHED.search(answer[-30:]):
        return "the answer stops in the middle of a sentence, as few others do"
    if within_word:
        return "the answer stops in the middle of a word"
    opened = _left_open(answer)
    return f"the answer stops within {opened}" if opened else ""


def truncated_answers(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose answer breaks off within a word, a sentence, a bracket or a code block, where others end properly."""
    return [Remark(row_id, how) for row_id, how in _endings(dataset, context).cut.items()]


def possible_truncations(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose answer lacks an end where nearly all others have one, and which nothing else shows to be cut off."""
    endings = _endings(dataset, context)
    if endings.long < FEWEST_ANSWERS or len(endings.open_ended) > 0.05 * endings.long:
        return []
    said = "the answer ends without a full stop, as few others do"
    return [Remark(i, said) for i in endings.open_ended if i not in endings.cut]


def _ends_properly(answer: str) -> bool:
    """Whether a text ends as sentences, lists, tables, letters, links and code do."""
    answer = answer.rstrip()
    head, _, last = answer.rpartition("\n")
    if UNFINISHED.search(answer[-30:]):
        # "Kind regards," on a line of its own ends a letter.
        return bool(head) and answer.endswith(",") and len(last.split()) <= 4
    if not answer[-1:].isalnum() or SIGN_OFF.search(answer[-90:]):
        return True
    if head and (ITEM.match(last) or len(last.split()) <= 5 or last[:1].isspace()):
        return True
    final = answer.split()[-1]
    return "://" in final or final[:1] in "#@" or answer.count("```") >= 2 or final[-1:].isdigit()


def _left_open(answer: str) -> str:
    for opening, closing in BRACKETS.items():
        at = answer.rfind(opening)
        smiley = at > 0 and answer[at - 1] in ":;-=8"
        # What opens a quotation in English closes it in German.
        closes = opening == "\u201c" and "\u201e" in answer
        if at > 0 and not smiley and not closes and closing not in answer[at + 1 :]:
            return "a quotation" if opening in "\u201c\u00ab\u201e" else "a bracket"
    return ""


def _cut_words(dataset: Dataset, open_ended: Iterable[Example]) -> dict[str, str]:
    """Row id to its last word, where that is no word of the data set but the beginning of one."""
    last = {}
    for example in open_ended:
        words = WORD.findall(example.answer[-80:])
        if words and example.answer.rstrip().endswith(words[-1]) and words[-1].islower() and len(words[-1]) >= 2:
            last[example.row_id] = words[-1]
    if not last:
        return {}
    counts: Counter[str] = Counter()
    for example in dataset:
        for text in example.texts:
            counts.update(WORD.findall(text.lower()))
    known = sorted(word for word, n in counts.items() if n > 1)
    ended = Counter(last.values())

    def cut(word: str) -> bool:
        at = bisect_right(known, word)
        return counts[word] <= ended[word] and at < len(known) and known[at].startswith(word)

    return {i: word for i, word in last.items() if cut(word)}


CHECKS = (
    Check("truncated answer", "The model would learn to stop in the middle.", FAULT, "drop", truncated_answers),
    Check(
        "possible truncation", "An answer that was cut off teaches the model to stop in the middle.", REVIEW, "keep",
        possible_truncations,
    ),
)
