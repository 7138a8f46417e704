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
UNFINISHED = re.compile(r"(?:,|\b(?:and|or|the|because|und|oder|dass|weil|et|mais|parce que|pero|porque|el|gli|della))\Z")
# In a shorter answer such a word may be what the answer is about.
WORDS_OF_A_SENTENCE = 12
ABOUT_WORDS = re.compile(
    r"\b(?:words?|grammar|grammatical|conjunctions?|articles?|prepositions?|pronouns?|nouns?|verbs?|adverbs?|translat\w*|spell\w*|commas?"
    r"|punctuation|sentences?|lines?|poems?|verses?|lyrics|stanzas?|w\u00f6rter|wort|grammatik|artikel|konjunktion\w*|\u00fcbersetz\w*|kommas?"
    r"|satz|gedicht|vers|mots?|grammaire|tradu\w*|virgule|phrase|po\u00e8me|palabras?|gram\u00e1tica|coma|verso|parol[ae]|grammatica|virgola)\b",
    re.IGNORECASE,
)
FENCE = re.compile(r"^\s*```", re.MULTILINE)
# What a whole word takes on; a word that lacks no more than this is most likely whole.
INFLECTIONS = set("s es d ed r er ers ly y n en e em es t st te".split())
# "Regards, the lamp desk" ends a letter without a line of its own.
SIGN_OFF = re.compile(r"(?:\A|[.!?\n])\s*[^\W\d_][\w']*(?: [\w']+){0,2},\s+[^\s.!?,]+(?: [^\s.!?,]+){0,3}\Z")
# What may close each; an interval such as [0, 1) has two kinds, and a straight quotation mark closes any.
BRACKETS = {"(": ")]", "[": ")]", "{": "}", "\u201c": "\u201d\"", "\u00ab": "\u00bb\"", "\u201e": "\u201c\u201d\"\u201f"}
WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class _Endings:
    """The answers long enough to have an ending, and those of them that lack one.

    Attributes:
        long: how many answers are long enough.
        open_ended: the ids of those without an end.
        cut: row id to what shows that its answer was cut off.
        perhaps: row id to what lets it seem so.
    """

    long: int
    open_ended: list[str]
    cut: dict[str, str]
    perhaps: dict[str, str]


def _endings(dataset: Dataset, context: CheckContext) -> _Endings:
    def make() -> _Endings:
        long = [e for e in dataset if len(e.answer.strip()) >= LONG_ENOUGH] if context.kind == "text" else []
        texts = {e.row_id: without_control_tokens(e.answer).rstrip() for e in long}
        tails = Counter(map(_tail, texts.values()))
        # Words with which very many answers end, such as a signature, are an ending too.
        signed = {tail for tail, n in tails.items() if n >= max(FEWEST_ANSWERS, 0.2 * len(long))}
        usual = sum(tails[tail] for tail in signed) / max(1, len(long))
        open_ended = {
            e.row_id: e
            for e in long
            if not (_tail(texts[e.row_id]) in signed or _ends_properly(texts[e.row_id]) or _is_verse(texts[e.row_id]))
        }
        fenced = [e for e in long if len(FENCE.findall(e.answer)) % 2 and not len(FENCE.findall(e.input)) % 2]
        perhaps = {e.row_id: "a code block is never closed" for e in fenced}
        cut = {}
        if len(long) >= FEWEST_ANSWERS and len(open_ended) <= 0.1 * len(long):
            words = _cut_words(dataset, open_ended.values())
            for row_id, example in open_ended.items():
                # A text that merely lacks its full stop is no proof; one that stops in the middle of something is.
                if _unfinished(texts[row_id], example):
                    cut[row_id] = "the answer stops in the middle of a sentence, as few others do"
                elif words.get(row_id):
                    cut[row_id] = "the answer stops in the middle of a word"
                elif row_id in words:
                    perhaps.setdefault(row_id, "the answer seems to stop in the middle of a word")
                elif opened := _left_open(texts[row_id]):
                    perhaps.setdefault(row_id, f"the answer stops within {opened}")
                elif usual >= 0.9:
                    perhaps.setdefault(row_id, f"the answer lacks the ending that {100 * usual:.0f} % of the answers have")
        return _Endings(len(long), list(open_ended), cut, {i: how for i, how in perhaps.items() if i not in cut})

    return context.once("endings", dataset, make)


def _tail(answer: str) -> str:
    return normalise(" ".join(answer[-60:].split()[-2:]))


def _unfinished(answer: str, example: Example) -> bool:
    long = len(answer.split()) >= WORDS_OF_A_SENTENCE
    return long and bool(UNFINISHED.search(answer[-30:])) and not any(map(ABOUT_WORDS.search, (*example.texts, answer)))


def _is_verse(answer: str) -> bool:
    """Whether a text is several short lines, which end where the poet, or the list, wants them to."""
    lines = [len(line) for line in answer.split("\n") if line.strip()]
    return len(lines) >= 3 and "```" not in answer and sorted(lines)[len(lines) // 2] <= 60 and lines[-1] <= 60


def truncated_answers(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose answer breaks off within a word or a sentence, where others end properly."""
    return [Remark(row_id, how) for row_id, how in _endings(dataset, context).cut.items()]


def possible_truncations(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose answer breaks off within a bracket or a code block, or lacks an end where nearly all others have one."""
    endings = _endings(dataset, context)
    yield from (Remark(row_id, how) for row_id, how in endings.perhaps.items())
    if endings.long < FEWEST_ANSWERS or len(endings.open_ended) > 0.05 * endings.long:
        return
    said = "the answer ends without a full stop, as few others do"
    yield from (Remark(i, said) for i in endings.open_ended if i not in endings.cut and i not in endings.perhaps)


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
        if at > 0 and not smiley and not closes and not any(sign in answer[at + 1 :] for sign in closing):
            return "a quotation" if opening in "\u201c\u00ab\u201e" else "a bracket"
    return ""


def _cut_words(dataset: Dataset, open_ended: Iterable[Example]) -> dict[str, bool]:
    """Row id to whether it is sure, where the last word is no word of the data set but the beginning of one.

    It is sure where the whole word follows the same word elsewhere, and more than an inflection is missing.
    """
    last = {}
    for example in open_ended:
        words = WORD.findall(example.answer[-80:])
        if words and example.answer.rstrip().endswith(words[-1]) and words[-1].islower() and len(words[-1]) >= 2:
            last[example.row_id] = words[-2].lower() if len(words) > 1 else "", words[-1]
    if not last:
        return {}
    counts: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    before = {word for word, _ in last.values()}
    for example in dataset:
        for text in example.texts:
            words = WORD.findall(text.lower())
            counts.update(words)
            pairs.update(pair for pair in zip(words, words[1:], strict=False) if pair[0] in before)
    known = sorted(word for word, n in counts.items() if n > 1)
    ended = Counter(word for _, word in last.values())
    found = {}
    for row_id, (previous, word) in last.items():
        at = bisect_right(known, word)
        # No letter stands behind U+FFFF in these languages, so all words that begin with this one lie between.
        longer = known[at : bisect_right(known, word + "\uffff")]
        if counts[word] <= ended[word] and longer:
            whole = any(w[len(word) :] in INFLECTIONS for w in longer)
            found[row_id] = not whole and any(pairs[previous, w] > 1 for w in longer)
    return found


CHECKS = (
    Check("truncated answer", "The model would learn to stop in the middle.", FAULT, "drop", truncated_answers),
    Check(
        "possible truncation", "An answer that was cut off teaches the model to stop in the middle.", REVIEW, "keep",
        possible_truncations,
    ),
)
