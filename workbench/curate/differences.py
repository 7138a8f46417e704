"""In what two texts differ: word by word to look at, and whether any word that carries meaning is touched."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from difflib import SequenceMatcher
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

SAME, REMOVED, ADDED = "same", "removed", "added"
# Beyond this many words on either side a comparison word by word takes seconds; then the middle is shown as replaced.
LONGEST = 2_000
PIECE = re.compile(r"(\w+|[^\w\s]|^)(\s*)")
SENTENCE_END = (".", "!", "?", "…", ":")
QUOTES = "\"'“”‘«»„`"

# Words that may come or go without a change of meaning, and where. Anything else counts as meaning, so that a wrong
# entry here deletes rows and a missing one only asks a person.
PLEASE = {"please", "pls", "plz", "kindly", "bitte"}
BEFORE_PLEASE = {"you", "me", "us", "and"}
# Here the word itself is meant: "how do you say please".
BEFORE_MENTION = {
    "say", "says", "said", "word", "words", "for", "of", "spell", "translate", "write", "as", "to", "mean", "means", "is", "are",
    "with", "without", "or", "not", "the", "a", "your", "my", "eine", "die", "keine", "heißt", "sag", "sagen", "von", "für",
}  # fmt: skip
PHRASES = (("s'il", "vous", "plaît"), ("s'il", "te", "plaît"), ("por", "favor"), ("per", "favore"), ("per", "cortesia"))
GREETINGS = (
    ("good", "morning"), ("good", "afternoon"), ("good", "evening"), ("good", "day"), ("hi", "there"), ("hello", "there"),
    ("guten", "morgen"), ("guten", "tag"), ("guten", "abend"), ("buenos", "días"), ("buenas", "tardes"), ("buon", "giorno"),
    ("dear", "team"), ("hi",), ("hello",), ("hey",), ("hallo",), ("moin",), ("bonjour",), ("bonsoir",), ("salut",),
    ("hola",), ("ciao",), ("buongiorno",), ("salve",),
)  # fmt: skip
THANKS = (
    ("thank", "you", "very", "much"), ("thank", "you", "so", "much"), ("thank", "you", "in", "advance"), ("thanks", "in", "advance"),
    ("many", "thanks"), ("thanks", "a", "lot"), ("thank", "you"), ("thanks",), ("thx",), ("vielen", "dank"), ("danke", "schön"),
    ("besten", "dank"), ("danke",), ("merci", "beaucoup"), ("merci", "d'avance"), ("merci",), ("muchas", "gracias"),
    ("gracias",), ("mille", "grazie"), ("grazie", "mille"), ("grazie",), ("cheers",), ("best", "regards"), ("kind", "regards"),
    ("regards",), ("mit", "freundlichen", "grüßen"), ("cordialement",), ("saludos",), ("cordiali", "saluti"),
)  # fmt: skip
# Only these show that a greeting is over: "hello kitty" is a name, and "Hello, Dolly" a play.
OPENERS = {
    "what", "where", "when", "why", "who", "how", "which", "can", "could", "would", "will", "is", "are", "do", "does", "did",
    "i", "i'm", "i'd", "i've", "my", "please", "was", "wie", "wo", "wann", "warum", "wer", "ich", "mein", "meine", "können",
    "comment", "où", "quand", "pourquoi", "qui", "je", "mon", "ma", "cómo", "dónde", "cuándo", "por", "qué", "mi", "come",
    "dove", "quando", "perché", "chi", "io", "bitte", "we", "there", "tell", "give", "show", "explain", "help", "reset",
    "cancel", "change", "find", "write", "translate", "summarise", "summarize", "list", "describe", "calculate", "send",
}  # fmt: skip
# An article may be left out only between one of these and a plain word: "hepatitis a", "2 a day", "with the child",
# "the Who" and "what is the time" keep theirs. Nowhere may it be exchanged: the director is not a director.
BEFORE_ARTICLE = {"get", "need", "want", "reset", "change", "cancel", "open", "find", "send", "return", "using"}
NOT_AFTER_ARTICLE = {
    "few", "little", "lot", "bit", "one", "other", "number", "question", "front", "most", "more", "less", "least", "many",
    "first", "second", "third", "fourth", "fifth", "half", "quarter", "dozen", "hundred", "thousand", "million", "majority",
    "minute", "hour", "day", "week", "month", "year", "same", "best", "only", "whole", "all", "and", "or", "not", "no",
    "a", "an", "the", "deaf", "poor", "rich", "old", "young", "dead", "blind", "sick", "good", "bad", "point", "fact", "rule",
}  # fmt: skip
ARTICLES = {"the", "a", "an"}
# The sign behind one of these may turn a sentence round: "No. Penicillin was given".
NEGATIONS = {
    "no", "not", "never", "none", "nor", "cannot", "nein", "nicht", "nie", "kein", "keine", "keinen", "non", "ne", "pas",
    "jamais", "rien", "nunca", "nada", "mai", "niente", "não", "nee", "niet",
}  # fmt: skip
# So short a word may be a unit or a name, mg or Paul, unless it is one of those that start sentences.
SHORT = 4
STARTERS = OPENERS | ARTICLES | BEFORE_ARTICLE | {
    "it", "if", "in", "at", "on", "you", "he", "she", "they", "this", "that", "to", "for", "of", "and", "but", "or", "so", "no",
    "not", "yes", "as", "by", "all", "any", "has", "have", "let", "set", "put", "add", "use", "make", "take", "turn", "go", "may",
    "am", "be", "your", "our", "from", "with", "der", "die", "das", "ein", "eine", "es", "er", "sie", "wir", "du", "und", "wenn",
    "für", "kann", "ist", "sind", "hat", "le", "la", "les", "un", "une", "el", "los", "las", "il", "lo", "est", "es",
}  # fmt: skip
BEFORE_JUST, AFTER_JUST = {"i", "you", "we"}, {"want", "wanted", "need", "needed", "wonder", "wondered", "tell", "show"}


def word_diff(before: str, after: str) -> list[tuple[str, str]]:
    """What to strike out of one text and to put in to get the other, in words, punctuation and spaces.

    Args:
        before, after: any two texts.

    Returns:
        (op, text) parts in order: "same", "removed" or "added". What is same or removed joins to `before`, what is same
        or added to `after`. Of very long texts, all between the common start and the common end is one replacement.
    """
    one, two = PIECE.findall(before), PIECE.findall(after)
    head = _common(one, two)
    tail = _common(one[head:][::-1], two[head:][::-1])
    parts = [(SAME, _joined(one[:head]))]
    parts += _middle(one[head : len(one) - tail], two[head : len(two) - tail])
    parts.append((SAME, _joined(one[len(one) - tail :])))
    return _merged(parts)


def _common(one: list[tuple[str, str]], two: list[tuple[str, str]]) -> int:
    same = 0
    for a, b in zip(one, two, strict=False):
        if a != b:
            break
        same += 1
    return same


def _joined(pieces: list[tuple[str, str]]) -> str:
    return "".join(word + space for word, space in pieces)


def _middle(one: list[tuple[str, str]], two: list[tuple[str, str]]) -> list[tuple[str, str]]:
    if max(len(one), len(two)) > LONGEST:
        return [(REMOVED, _joined(one)), (ADDED, _joined(two))]
    parts: list[tuple[str, str]] = []
    # Words alone are matched: were spaces too, there would be as many ways to match as pairs of spaces.
    matcher = SequenceMatcher(None, [word for word, _ in one], [word for word, _ in two])
    for op, i, j, k, m in matcher.get_opcodes():
        if op != "equal":
            parts += [(REMOVED, _joined(one[i:j])), (ADDED, _joined(two[k:m]))]
            continue
        for (word, space), (_, other) in zip(one[i:j], two[k:m], strict=True):
            parts += [(SAME, word + space)] if space == other else [(SAME, word), (REMOVED, space), (ADDED, other)]
    return parts


def _merged(parts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    filled = [part for part in parts if part[1]]
    return [(op, "".join(text for _, text in group)) for op, group in groupby(filled, key=itemgetter(0))]


def words_apart(before: list[str], after: list[str]) -> int:
    """In how many words two texts differ, wherever these stand; 0 where only their order does."""
    one, two = Counter(before), Counter(after)
    return max((one - two).total(), (two - one).total())


def same_meaning(before: str, after: str) -> bool:
    """Whether two texts differ in nothing but courtesy, articles, spacing, and punctuation and case where they don't matter.

    Word order, numbers, names, codes, pronouns and every word outside a short closed list count as meaning. In doubt
    the answer is no.
    """
    one, two = _meaning(before), _meaning(after)
    if len(one) != len(two) or not one:
        return False
    # Somebody who never types a capital means the same by "polish"; somebody who types both does not.
    careless = before.islower() or after.islower()
    return all(_same_word(a, b, careless) for a, b in zip(one, two, strict=True))


class _Word(NamedTuple):
    text: str
    opens: bool  # a sentence, courtesy before it aside
    article: str  # that stood before it and was passed over


def _same_word(one: _Word, two: _Word, careless: bool) -> bool:
    # Not casefold: in German, "in Maßen" and "in Massen" are opposites.
    if one.text.lower() != two.text.lower():
        return False
    if one.article and two.article and (one.article == "the") != (two.article == "the"):
        return False
    if one.text == two.text:
        return True
    # At the start of a sentence a capital says nothing; inside, it tells a name from a word, and MW from mW.
    plain = all(word.text[1:] == word.text[1:].lower() for word in (one, two))
    if len(one.text) <= SHORT and one.text.lower() not in STARTERS:
        return False
    short = len(one.text) <= SHORT and one.text.lower() != "i"
    return plain and ((careless and not short) or any(word.opens and word.text[:1].isupper() for word in (one, two)))


def _meaning(text: str) -> list[_Word]:
    """The words that carry meaning."""
    raw = unicodedata.normalize("NFC", text).replace("\u2019", "'").split()
    tokens = [(stripped, ending) for token in raw for stripped, ending in [_strip(token)] if stripped]
    low = [word.lower() for word, _ in tokens]
    # Behind a colon or a quote stands what is spoken of: there, "please" may be the very question.
    said = next((n for n, token in enumerate(raw) if token[0] in QUOTES or token[-1] == ":"), len(raw))
    spoken = len(tokens) - len([token for token in raw[said:] if _strip(token)[0]])
    start, end = _inside(tokens, low, spoken)
    kept: list[_Word] = []
    opens, article, place = True, "", start
    while place < end:
        skipped = _courtesy(tokens, low, place, start, end) if place < spoken else 0
        if skipped:
            article = low[place] if low[place] in ARTICLES else article
        else:
            sign = tokens[place][1][:1] if place + 1 < end and _negates(low[place]) else ""
            kept.append(_Word(tokens[place][0] + sign, opens, article))
            opens, article = False, ""
        opens |= tokens[place + max(skipped, 1) - 1][1].endswith(SENTENCE_END)
        place += max(skipped, 1)
    return kept


def _strip(token: str) -> tuple[str, str]:
    """A word without the punctuation around it, and what stood behind it. Signs that may be part of it stay."""
    ending = token[len(token.rstrip(".,;:!?…\"'“”‘«»)]")) :]
    if any(character.isnumeric() for character in token):
        # A minus, a bracket, an inch or a factorial belongs to its number.
        word = token.rstrip(".,;?")
    else:
        word = token.lstrip("\"'“”‘«»„([¿¡").rstrip(".,;:!?…\"'“”‘«»)]")
        if 0 < len(word) <= 2:
            # f' is a derivative, and n! a factorial.
            word += "".join(character for character in ending if character in "'\"!”")
    if not word:
        # Signs that stand alone: a comma says nothing; an operator, a dash, an emoji or a pair of quotes does.
        word = token.strip(".,;?…¿¡")
    return word, ending


def _negates(word: str) -> bool:
    return word in NEGATIONS or word.endswith("n't")


def _inside(tokens: list[tuple[str, str]], low: list[str], spoken: int) -> tuple[int, int]:
    """Where the text starts after a greeting, and where it ends before thanks."""
    start, end = 0, len(tokens)
    for phrase in GREETINGS:
        size = len(phrase)
        if tuple(low[:size]) == phrase and size < end and low[size] in OPENERS:
            start = size
            break
    for phrase in THANKS:
        size = len(phrase)
        # Only behind a full stop or a comma: "to say thanks" asks for something.
        if end == spoken and end - size > start and tuple(low[end - size : end]) == phrase and tokens[end - size - 1][1]:
            end -= size
            break
    return start, end


def _courtesy(tokens: list[tuple[str, str]], low: list[str], place: int, start: int, end: int) -> int:
    """How many words from here on say nothing."""
    word = tokens[place][0]
    if word[1:] != word[1:].lower():
        return 0
    before = low[place - 1] if place > start else ""
    after = tokens[place + 1][0] if place + 1 < end else ""
    if low[place] in PLEASE:
        opens = not before or tokens[place - 1][1].endswith(SENTENCE_END)
        aside = opens or not after or tokens[place][1] or tokens[place - 1][1]
        spoken_of = before in BEFORE_MENTION or any(sign in tokens[place][1] for sign in "\"'”’»")
        return int((opens or word.islower()) and (aside or before in BEFORE_PLEASE) and not spoken_of)
    for phrase in PHRASES:
        if tuple(low[place : place + len(phrase)]) == phrase and place + len(phrase) <= end:
            return len(phrase)
    if low[place] == "just" and before in BEFORE_JUST and after in AFTER_JUST:
        return 1
    if low[place] in ARTICLES and word.islower() and not tokens[place][1] and before in BEFORE_ARTICLE:
        return int(after.isalpha() and after.islower() and len(after) > 2 and after not in NOT_AFTER_ARTICLE)
    return 0
