"""Texts compared strictly enough to delete by: equal but for white space, case that says nothing, and a last full stop."""

from __future__ import annotations

import json
import re
import unicodedata

from workbench.dataset import Example
from workbench.scoring.scorers import read_object

# So few words may be a name or a sign, whose case and punctuation matter.
FEW_WORDS = 3
ENDS_SENTENCE = re.compile(r"[.!?:]\W*$")
OWN_FORM = ("<super>", "<sub>", "<fraction>")


def plain(text: str) -> str:
    """A text with single spaces, in one Unicode form, without its last full stop where it has three words or more."""
    # The compatible form would make 5² of 52, and ½ of 1/2.
    own = not text.isascii() and any(unicodedata.decomposition(c).startswith(OWN_FORM) for c in text)
    text = " ".join(unicodedata.normalize("NFC" if own else "NFKC", text).replace("\u2019", "'").split())
    cut = text.rstrip(".!?").rstrip()
    return cut if len(cut.split()) >= FEW_WORDS else text


def same_case(one: str, other: str) -> bool:
    """Whether two texts that differ in case at most are the same; a single word in the middle may be a name."""
    words = one.split(" ")
    if one == other:
        return True
    if len(words) < FEW_WORDS:
        return False
    if one.isupper() or other.isupper():
        return True
    odd = [i for i, (a, b) in enumerate(zip(words, other.split(" "), strict=False)) if a != b]
    return len(odd) > 1 or not odd or odd[0] == 0 or bool(ENDS_SENTENCE.search(words[odd[0] - 1]))


def answer_texts(example: Example, kind: str) -> list[str]:
    """What of a row's answers is compared; of JSON, what it says."""
    if kind == "json" and (value := read_object(example.answer)) is not None:
        return ["json", json.dumps(value, sort_keys=True), plain(example.rejected)]
    # The case of a label says nothing; to one question, Yes and yes are one answer, though Mb and MB are two.
    answer = plain(example.answer)
    return [answer.casefold() if kind == "label" else answer[:1].lower() + answer[1:], plain(example.rejected)]


def same_text(one: str, other: str) -> bool:
    """Whether two texts, made plain, say the same by these rules."""
    # Not casefold, to which Maßen and Massen are one word.
    return one == other or (one.lower() == other.lower() and same_case(one, other))


def same_answers(one: Example, other: Example, kind: str) -> bool:
    """Whether two rows have the same answer, and the same rejected one."""
    texts = answer_texts(one, kind), answer_texts(other, kind)
    return len(texts[0]) == len(texts[1]) and all(map(same_text, *texts))
