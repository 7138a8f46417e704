"""Whether an answer contains the expected fact: its numbers with their units, or its content words."""

from __future__ import annotations

import re

from workbench.scoring.quantities import (
    MONTHS,
    REFERENCES,
    SMALL,
    Quantity,
    Token,
    clause_before,
    denied,
    disowned,
    plain,
    read_quantities,
    stem,
    tokens,
)

WEEKDAYS = set("monday tuesday wednesday thursday friday saturday sunday".split())
SAME_WORD = dict.fromkeys("employee team people personnel worker colleague department member".split(), "staff")
SIDES = {**dict.fromkeys(("by", "until", "till", "before"), "upper"), **dict.fromkeys(("after", "from", "since"), "lower")}
LAST_DAYS = re.compile(
    r"\b(?:31(?:st)?(?: of)? (january|march|may|july|august|october|december)"
    r"|30(?:th)?(?: of)? (april|june|september|november)"
    r"|(january|march|may|july|august|october|december) 31(?:st)?|(april|june|september|november) 30(?:th)?)\b"
)
CITATION = re.compile(r"\s*\[[\w.:/#-]{1,80}(?:[,;] ?[\w.:/#-]{1,80}){0,20}\]")
# How passages are named, here and in most handbooks: letters that end in a number. A mask such as [NAME_1] looks alike.
LIKE_AN_ID = re.compile(r"[A-Za-z][\w.:/#-]*\d[a-z]?")
MASK = re.compile(r"[A-Z][A-Z_]*(?:_\d+)?")
# The documents say nothing: they don't state it, don't hold it, it isn't stated, I don't know. "You do not provide a
# receipt" and "the company does not cover more" are facts.
SILENT = re.compile(
    r"(?<!you )\b(?:do|does|did|can|could) not (?:\w+ )?"
    r"(?:say|state|mention|specify|address|indicate|discuss|describe|tell|answer)\b"
    r"|\b(?:documents?|polic(?:y|ies)|texts?|passages?|context|sources?|sections?|handbook|guidelines)\b[^.;!?]{0,60}"
    r"\b(?:do|does|did) not (?:\w+ )?(?:contain|cover|include|provide|define|give|have)\b"
    r"|\b(?:is|are|was|were|be) (?:not|nowhere) (?:\w+ )?(?:mentioned|stated|specified|found|covered|answered|known|addressed"
    r"|provided|defined|in the (?:documents?|polic(?:y|ies)|texts?|passages?))\b"
    r"|(?:^|[.;!?\n] ?)not (?:mentioned|stated|specified|found|covered|answered|known|addressed|provided|available)\b"
    r"|\b(?:do|does|did|can|could) not (?:find|know|determine|be (?:answered|found|determined)|provide an answer)\b"
    r"|\binformation is not (?:available|given|included)\b"
    r"|\bnone of the (?:\w+ )?(?:documents|policies|passages|texts|sections)\b"
    r"|\b(?:do|does) not have (?:that|this|the|any|enough) (?:\w+ )?information\b"
    r"|\bno (?:\w+ )?(?:information|answer|mention)\b|\bunable to (?:find|answer|say|determine)\b"
    r"|\bnothing (?:is |was )?(?:said|about|on|in the)\b|\b(?:documents|policies) are silent\b"
    r"|^(?:unknown|n/a)\b|\bunanswerable\b"
)
# "Yes or no" answers nothing.
BOTH_POLES = re.compile(r"\W*(?:yes\W+(?:or|and)\W+no|no\W+(?:or|and)\W+yes|yes ?/ ?no)\b", re.IGNORECASE)
AT_MOST_WORDS = 25


def without_citations(text: str) -> str:
    """The text without names of sources in square brackets, such as [travel-4] or [1]; lists and masks stay."""
    # An answer that stands in brackets as a whole is no source.
    rest = CITATION.sub(lambda m: "" if all(map(_like_a_source, bracketed(m.group()))) else m.group(), text)
    return rest if re.search(r"\w", rest) else text


def bracketed(group: str) -> list[str]:
    """The names in a group in square brackets that CITATION found."""
    return [name.strip() for name in re.split(r"[,;]", group.strip().strip("[]"))]


def like_an_id(name: str) -> bool:
    """Whether a name looks like that of a passage (travel-4, BH-06), and not like a mask (NAME_1, EMAIL)."""
    return LIKE_AN_ID.fullmatch(name) is not None and MASK.fullmatch(name) is None


def _like_a_source(name: str) -> bool:
    return like_an_id(name) or re.fullmatch(r"\d{1,2}", name) is not None


def says_nothing(text: str, phrase: str = "") -> bool:
    """Whether a text says that the documents don't answer the question: by the phrase, or in a usual way."""
    made = " ".join(plain(text).split())
    return SILENT.search(made) is not None or bool(phrase.strip() and " ".join(plain(phrase).split()).rstrip(".") in made)


def fact(expected: str, answer: str, unanswerable: str = "") -> float | None:
    """1 when the answer contains the expected fact and nothing against it, 0 when not, None without an expected fact.

    Numbers: every number of the expected text has to be in the answer, in the same order within a unit, in digits
    or words, with thousands and decimals grouped either way. What it is an amount of (euros, hours, a counted noun),
    what it is per (a day, a night, once) and the side of a bound (up to, at least, before, after) must agree where both
    texts state one. Another number of the same unit makes the answer wrong, and so does a denial of the right one.
    The other words of such a fact are not looked at, and "more than" is not told from "at least".

    Without a number: all content words have to be there, undenied; plurals count as singulars. Weekdays and months
    must be the expected ones and no others in either case.

    Where the expected text says that there is no answer, the answer is right if it says so and states no amount. To say
    so where there is an answer is wrong. Sources in square brackets are taken off first. Number words, most units and
    denials are read in English only.

    Args:
        expected: the fact, as short as it can be said.
        answer: what was answered.
        unanswerable: the task's own phrase for "there is no answer", beside the usual ones.
    """
    wanted, given = without_citations(expected).strip(), without_citations(answer).strip()
    if not wanted:
        return None
    if wanted.casefold().split() == given.casefold().split():
        return 1.0
    if BOTH_POLES.match(given) and re.match(r"\W*(?:yes|no)\b", wanted, re.IGNORECASE):
        return 0.0
    silent = says_nothing(given, unanswerable)
    words, said = tokens(_dates(wanted)), tokens(_dates(given))
    needed, stated = read_quantities(words), read_quantities(said)
    if says_nothing(wanted, unanswerable) and len(words) <= AT_MOST_WORDS and not needed:
        return float(silent and not any(q.stated and not q.ordinal and q.unit != "times" and q.digits for q in stated))
    if silent or not said or not _same_days(words, said):
        return 0.0
    amounts = [q for q in needed if not q.denied]
    return float(_has_amounts(amounts, stated, said) if amounts else _has_words(words, said))


def contains(expected: str, text: str) -> bool:
    """Whether a text such as a passage says the expected fact undenied, whatever else it says."""
    words, said = tokens(_dates(without_citations(expected))), tokens(_dates(text))
    amounts = [q for q in read_quantities(words) if not q.denied]
    days = {t for names in (WEEKDAYS, MONTHS) for _, t in _named(words, names)}
    if not days <= {t for names in (WEEKDAYS, MONTHS) for i, t in _named(said, names) if not _denied(said, i)}:
        return False
    if amounts:
        return _matching(amounts, read_quantities(said)) is not None
    return bool(words) and _has_words(words, said, alone=False)


def _dates(text: str) -> str:
    return LAST_DAYS.sub(lambda m: "end of " + next(filter(None, m.groups())), plain(text))


def _has_amounts(needed: list[Quantity], stated: list[Quantity], said: list[Token]) -> bool:
    matched = _matching(needed, stated)
    others = [q for q in stated if not q.denied and q not in (matched or [])]
    return matched is not None and not any(_against(q, needed, matched, said) for q in others)


def _matching(needed: list[Quantity], stated: list[Quantity]) -> list[Quantity] | None:
    """The stated amounts that agree with each one needed, in the same order within a unit; None where one is lacking."""
    open_to = [q for q in stated if not q.denied]
    at: dict[str, int] = {}
    matched: list[Quantity] = []
    for quantity in needed:
        place = at.get(quantity.unit, -1)
        found = next((q for q in open_to if q.start > place and q not in matched and quantity.agrees(q)), None)
        if found is None:
            return None
        at[quantity.unit] = found.start
        matched.append(found)
    return matched


def _against(other: Quantity, needed: list[Quantity], matched: list[Quantity], said: list[Token]) -> bool:
    """Whether another amount of the answer contradicts the expected ones."""
    before = said[other.start - 1].text if other.start else ""
    if not other.stated and (before in REFERENCES or not other.digits or any(1900 <= v < 2100 for v in other.values)):
        return False
    for quantity in [*needed, *matched]:
        same_nouns = not other.nouns or not quantity.nouns or bool(other.nouns & quantity.nouns)
        comparable = other.unit == quantity.unit and same_nouns
        if other.ordinal == quantity.ordinal and (comparable or not other.stated):
            if not any(other.same_value(q) or (not other.stated and other.raw & q.raw) for q in needed):
                return True
            if quantity.same_value(other) and quantity.per and other.per and not quantity.per & other.per:
                return True
    return False


def _same_days(words: list[Token], said: list[Token]) -> bool:
    """Whether weekdays and months are those expected, where some are expected."""
    for names in (WEEKDAYS, MONTHS):
        wanted = {name for _, name in _named(words, names)}
        if wanted and wanted != {name for i, name in _named(said, names) if not _denied(said, i)}:
            return False
    return True


def _named(words: list[Token], names: set[str]) -> list[tuple[int, str]]:
    found = [(i, stem(t.text)) for i, t in enumerate(words) if stem(t.text) in names]
    return [(i, name) for i, name in found if name != "may" or _is_month(words, i)]


def _is_month(words: list[Token], i: int) -> bool:
    """Whether a "may" is the month: beside a number, or behind a word such as in."""
    beside = words[max(0, i - 1) : i] + words[i + 1 : i + 2]
    return any(t.kind in ("number", "ordinal") or t.text in ("in", "of", "since", "until", "by") for t in beside)


def _denied(said: list[Token], i: int) -> bool:
    return denied(clause_before(said, i), set()) or disowned(said, i)


def _content(word: str) -> str:
    return SAME_WORD.get(stem(word), stem(word))


def _has_words(words: list[Token], said: list[Token], alone: bool = True) -> bool:
    needed = [_content(t.text) for t in words if t.kind in ("word", "name") and t.text not in SMALL]
    # "Sales and service" are the staff in sales and service.
    needed = [word for word in needed if word != "staff"] or needed
    # A fact of small words alone ("yes", "no", "never") is compared as it stands.
    if not needed:
        wanted, given = " ".join(t.text for t in words if t.kind != "stop"), " ".join(t.text for t in said if t.kind != "stop")
        return given == wanted or given.startswith(wanted + " ") and wanted != ""
    places: dict[str, int] = {}
    for i, token in enumerate(said):
        if token.kind in ("word", "name") and not _denied(said, i):
            places.setdefault(_content(token.text), i)
    if not set(needed) <= set(places):
        return False
    first = places[needed[0]]
    return not _other_side(words, said, first) and not (alone and _one_more(set(needed), said))


def _other_side(words: list[Token], said: list[Token], first: int) -> bool:
    """Whether one text says "by" or "until" a point and the other "after" or "from" it."""
    start = next(i for i, t in enumerate(words) if t.kind in ("word", "name") and t.text not in SMALL)
    one, other = ({SIDES[w] for w in clause_before(text, i)[-2:] if w in SIDES} for text, i in ((words, start), (said, first)))
    return bool(one and other and not one & other)


def _one_more(needed: set[str], said: list[Token]) -> bool:
    """Whether a list of what is expected ends with one thing more: sales, service and marketing."""
    for i in range(1, len(said) - 1):
        if said[i].text in ("and", "or") and _content(said[i - 1].text) in needed:
            extra = said[i + 1]
            closes = i + 2 == len(said) or said[i + 2].kind == "stop" or _content(said[i + 2].text) in needed
            if extra.kind == "word" and extra.text not in SMALL and _content(extra.text) not in needed and closes:
                return True
    return False
