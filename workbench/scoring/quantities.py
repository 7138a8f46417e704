"""Reads what a text counts: numbers in digits or words, with their units, what they are per, and how they are bounded."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

# Unit to (what it measures, how much of it): units that measure the same are compared by amount.
UNITS = {
    **dict.fromkeys(("€", "eur", "euro"), ("money in euros", 1)), **dict.fromkeys(("cent", "ct"), ("money in euros", 0.01)),
    **dict.fromkeys(("$", "usd", "dollar"), ("money in dollars", 1)), **dict.fromkeys(("£", "gbp", "pound"), ("pounds", 1)),
    **dict.fromkeys(("chf", "franc"), ("francs", 1)), **dict.fromkeys(("%", "percent"), ("percent", 1)),
    **dict.fromkeys(("second", "sec"), ("minutes", 1 / 60)), **dict.fromkeys(("minute", "min"), ("minutes", 1)),
    **dict.fromkeys(("hour", "h", "hr"), ("minutes", 60)), "day": ("days", 1), **dict.fromkeys(("week", "wk"), ("days", 7)),
    "night": ("nights", 1), "month": ("months", 1), **dict.fromkeys(("year", "yr"), ("months", 12)),
    "workday": ("working days", 1), "o'clock": ("time of day", 1), "time": ("times", 1),
    **dict.fromkeys(("mm", "millimetre", "millimeter"), ("metres", 0.001)),
    **dict.fromkeys(("cm", "centimetre", "centimeter"), ("metres", 0.01)),
    **dict.fromkeys(("m", "metre", "meter"), ("metres", 1)),
    **dict.fromkeys(("km", "kilometre", "kilometer"), ("metres", 1000)), "mile": ("miles", 1), "inch": ("inches", 1),
    **dict.fromkeys(("g", "gram"), ("grams", 1)), **dict.fromkeys(("kg", "kilo", "kilogram"), ("grams", 1000)),
    **dict.fromkeys(("°", "degree"), ("degrees", 1)), **dict.fromkeys(("character", "letter", "symbol"), ("characters", 1)),
    **dict.fromkeys(("person", "people", "head"), ("persons", 1)),
}
PER = {
    "diem": "day", "daily": "day", "nightly": "night", "weekly": "week", "wk": "week", "monthly": "month", "hourly": "hour",
    "h": "hour", "annum": "year", "yr": "year", "yearly": "year", "annual": "year", "annually": "year",
    "head": "person", "capita": "person", "people": "person", "guest": "person", "kilometre": "km", "kilometer": "km",
}
PERIODS = {"day", "night", "week", "month", "year", "hour", "minute", "person", "head", "kilometre", "kilometer", "km"}
ADVERBS = {"daily", "nightly", "weekly", "monthly", "yearly", "annual", "annually", "hourly"}
ONES = dict(zip(
    ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
     "eighteen nineteen").split(), range(20), strict=True))
TENS = dict(zip("twenty thirty forty fifty sixty seventy eighty ninety".split(), range(20, 100, 10), strict=True))
ORDINALS = dict(zip(
    ("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
     "sixteenth seventeenth eighteenth nineteenth twentieth").split(), range(1, 21), strict=True))
# How a bound is said before the amount and after it. Whether the bound itself is allowed is not looked at.
BEFORE_IT = (
    (r"(?:no|not) (?:more|longer|higher|later|over|above)(?: than)?|(?:not|never) exceed(?:ing)?|up to|at most"
     r"|max(?:imum)?(?: of)?|below|under|(?:less|fewer|shorter|lower|earlier) than|within|until|till|by", "upper"),
    (r"(?:no|not) (?:less|fewer|shorter|lower|earlier|under|below)(?: than)?|at least|min(?:imum)?(?: of)?|over|above"
     r"|exceed(?:s|ing)?|(?:more|longer|higher|greater|later) than|after|from|starting(?: from)?|since", "lower"),
    (r"last|past|previous|preceding", "past"), (r"next|following|coming", "future"),
)
BEHIND_IT = (
    (r"or (?:more|longer|over|above|higher)|and (?:more|above|over)|(?:as a )?minimum|at least", "lower"),
    (r"or (?:less|fewer|shorter|under|below)|(?:as a )?maximum|at most|at the most|tops", "upper"),
    (r"(?:\w+ )?(?:ahead|before|beforehand|in advance|prior|earlier)", "before"), (r"after|later", "after"),
)
OPPOSITE = {("upper", "lower"), ("before", "after"), ("before", "upper"), ("past", "future")}
NUMBER = r"\d{1,3}(?:[ ,.'\u00a0\u202f]\d{3})+(?![\d])(?:[.,]\d{1,2})?|\d+(?:[.,]\d+)?|(?<!\d)\.\d+"
TOKEN = re.compile(
    rf"(?P<name>[a-z]{{1,40}}(?:[-_][a-z]{{0,40}}){{0,6}}[-_]?\d\w*)|(?P<clock>\d{{1,2}}:\d{{2}})"
    rf"|(?P<ordinal>\d+(?=(?:st|nd|rd|th)\b)\w\w)"
    rf"|(?P<number>(?:(?<![\w-])-)?(?:{NUMBER}))|(?P<word>o'clock|[^\W\d_]+(?:'[^\W\d_]+)?)"
    r"|(?P<sign>[€$£%°/-])|(?P<stop>[.,;:!?()\n])"
)
SMALL = set((
    "a an the of in on at to for from by with and or but is are was were be been being it its this that these those you "
    "your we our they their he she i my me us them his her as if so then than there here do does did has have had can "
    "may must will would shall should could per each every not no nor never only just also any all some such up about "
    "around approximately exactly within after before until till ahead least most more less over under below above "
    "maximum minimum max min once twice total off who whoever which what when where how why into out back between during"
).split())
SCALES = {"k": 1_000, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
LOOK_BACK = 30
JOINED = (["or"], ["to"], ["and"], ["-"], ["until"], ["till"])
NOT = {"not", "never", "neither", "nor"}
MONTHS = set("january february march april may june july august september october november december".split())
REFERENCES = set("section paragraph page article chapter rule clause document passage source item no".split())
CURRENCIES = {"€", "eur", "euro", "$", "usd", "dollar", "£", "gbp", "pound", "chf", "franc"}
WAIVED = re.compile(r"need|requir|necessar|oblig|ask|demand")


def plain(text: str) -> str:
    """Text in lower case, with one way to write quotes, dashes, negations, halves and the time of day."""
    text = text.replace("½", " half ")
    text = unicodedata.normalize("NFKC", text).casefold()
    text = re.sub(r"[\u2019\u2018\u00b4`]", "'", text)
    text = re.sub(r"[\u2010-\u2015\u2212]", "-", text)
    text = re.sub(r"n't\b|nnot\b", lambda m: "n not" if m.group() == "nnot" else " not", text)
    text = re.sub(r"\b([ap])\. ?m\b\.?", r"\1m", text)
    text = re.sub(r"\bper cent\b", "percent", text)
    text = re.sub(r"\b(eur|usd|gbp|chf)(?=\d)", r"\1 ", text)
    text = re.sub(r"(?<=\d)\s?(?:\"|''|\u2033)", " inch ", text)
    text = re.sub(r"\bhalf an hour\b", "30 minutes", text)
    text = re.sub(r"\bone and a half\b|\b1 and a half\b", "1.5", text)
    text = re.sub(r"\b(?:one )?half\b(?! hour| day| year| month)", "50 percent", text)
    text = re.sub(r"\b(?:one-off|one-time|one time only|a single time)\b", "once", text)
    return re.sub(r"[*_]{1,3}(?=\w)|(?<=\w)[*_]{1,3}", "", text)


def stem(word: str) -> str:
    """A word without its plural ending; light, for English."""
    word = re.sub(r"'s?$", "", word) if word != "o'clock" else word
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if word == "inches" or (len(word) > 4 and re.search(r"(?:sh|ch|x|ss)es$", word)):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


@dataclass(frozen=True)
class Token:
    """A word, number, sign or stop of a text."""

    kind: str
    text: str

    @property
    def unit(self) -> str:
        """The unit that the token names, if it names one."""
        return next((u for u in (self.text, stem(self.text)) if u in UNITS), "") if self.kind in ("word", "sign") else ""


@dataclass
class Quantity:
    """An amount as a text states it.

    Attributes:
        values: what the number may mean; 1.000 is a thousand or one.
        unit: what is measured, such as "days"; empty where no known unit is stated.
        nouns: what is counted, where it is no known unit.
        per: "day", "person" ... or "once".
        bounds: "upper", "lower", "before", "after", "past", "future".
        ordinal: a place in an order (the fourth day), no amount (four days).
        denied: the text says that it is not this.
        name: the word before a bare number (room 12).
        digits: written in digits.
        start: where it begins, in tokens; it ends before `end`, its unit behind it included.
        raw: the number as it is written, before it was multiplied by the `scale` of its unit.
    """

    values: frozenset[float]
    start: int
    end: int
    unit: str = ""
    nouns: frozenset[str] = frozenset()
    per: frozenset[str] = frozenset()
    bounds: set[str] = field(default_factory=set)
    ordinal: bool = False
    denied: bool = False
    name: str = ""
    digits: bool = True
    raw: frozenset[float] = frozenset()
    scale: float = 1.0

    def same_value(self, other: Quantity) -> bool:
        """Whether the two numbers can be equal."""
        return any(abs(a - b) <= 1e-9 * max(1.0, abs(a)) for a in self.values for b in other.values)

    def agrees(self, other: Quantity) -> bool:
        """Whether the other states the same; what only one of the two states is no difference."""
        if not self.same_value(other):
            # Where only one has a unit that converts, the bare number is meant: "30" for 30 cents.
            if bool(self.unit) == bool(other.unit) or not self.raw & other.raw:
                return False
        if self.ordinal != other.ordinal and (other.ordinal or other.unit or other.nouns):
            return False
        if self.stated and other.stated and (self.unit != other.unit or (self.nouns and not self.nouns & other.nouns)):
            return False
        if self.per and other.per and not self.per & other.per:
            return False
        if not self.stated and self.name and other.name and self.name != other.name:
            return False
        return not any(
            ((e, a) in OPPOSITE or (a, e) in OPPOSITE) and e not in other.bounds and a not in self.bounds
            for e in self.bounds for a in other.bounds
        )

    @property
    def stated(self) -> bool:
        """Whether it says of what it is an amount."""
        return bool(self.unit or self.nouns)


def tokens(text: str) -> list[Token]:
    """The tokens of a text made plain; a name such as travel-4 is one token and no number."""
    return [Token(m.lastgroup, m.group()) for m in TOKEN.finditer(plain(text))]


def read_value(digits: str) -> frozenset[float]:
    """What a number in digits may mean: 1,000 a thousand, 4,80 four and eight tenths, 1.000 either."""
    bare = digits.lstrip("-")
    sign = -1.0 if digits.startswith("-") else 1.0
    grouped = re.fullmatch(r"(\d{1,3}(?:([ ,.'\u00a0\u202f])\d{3})(?:\2\d{3})*)(?:[.,](\d+))?", bare)
    found = set()
    if grouped:
        found.add(float(re.sub(r"\D", "", grouped[1]) + "." + (grouped[3] or "0")))
    if re.fullmatch(r"\d*\.\d+|\d+", bare) or (re.fullmatch(r"\d+,\d+", bare) and not grouped):
        found.add(float(bare.replace(",", ".")))
    return frozenset(sign * v for v in found) or frozenset({float(re.sub(r"\D", "", bare) or "nan")})


def read_quantities(words: list[Token]) -> list[Quantity]:
    """The amounts in a text's tokens, in the order they stand in."""
    found = _numbers(words)
    for quantity in found:
        _read_unit(words, quantity)
    _share_units(words, found)
    starts = {q.start for q in found}
    for quantity in found:
        _read_clock_or_scale(words, quantity)
        _read_bounds(words, quantity)
        _read_per(words, quantity, starts)
    # A number word that counts nothing is mostly no number: "one may stay at home".
    return [q for q in _once(words, _summed(words, found)) if q.stated or q.ordinal or q.per or q.digits or len(words) <= 3]


def _summed(words: list[Token], found: list[Quantity]) -> list[Quantity]:
    """Amounts with what is said in two units taken as one: 4 euros and 80 cents, an hour and 30 minutes."""
    summed: list[Quantity] = []
    for quantity in found:
        last = summed[-1] if summed else None
        if last and quantity.unit and last.unit == quantity.unit and 0 < quantity.scale < last.scale:
            if [t.text for t in words[last.end : quantity.start]] in ([], ["and"], [","]):
                last.values = frozenset(a + b for a in last.values for b in quantity.values)
                last.end, last.per, last.bounds = quantity.end, last.per or quantity.per, last.bounds | quantity.bounds
                continue
        summed.append(quantity)
    return summed


def _numbers(words: list[Token]) -> list[Quantity]:
    found, i = [], 0
    while i < len(words):
        kind, text = words[i].kind, words[i].text
        if kind == "number" and not _numbers_a_line(words, i):
            scale = SCALES.get(words[i + 1].text, 1) if i + 1 < len(words) else 1
            found.append(Quantity(frozenset(v * scale for v in read_value(text)), i, i + (1 if scale == 1 else 2)))
        elif kind == "clock":
            hours, minutes = map(int, text.split(":"))
            found.append(Quantity(frozenset({hours + minutes / 60}), i, i + 1, unit="time of day"))
        elif kind == "ordinal":
            found.append(Quantity(frozenset({float(text[:-2])}), i, i + 1, ordinal=True))
        elif kind == "word" and text in ORDINALS and not (text == "second" and i and words[i - 1].kind == "number"):
            found.append(Quantity(frozenset({float(ORDINALS[text])}), i, i + 1, ordinal=True))
        elif kind == "word" and (text in ONES or text in TENS or text == "hundred"):
            value, end = _spelled(words, i)
            found.append(Quantity(frozenset({value}), i, end, digits=False))
            i = end - 1
        i += 1
    for quantity in found:
        quantity.raw = quantity.values
    return found


def _numbers_a_line(words: list[Token], i: int) -> bool:
    """Whether a number only counts the lines of a list: "1. The company pays 32 euros"."""
    opens = i == 0 or words[i - 1].text == "\n"
    return opens and i + 2 < len(words) and words[i + 1].text in (".", ")") and any(t.kind == "number" for t in words[i + 2 :])


def _spelled(words: list[Token], i: int) -> tuple[float, int]:
    total, part = 0, 0
    while i < len(words):
        text = words[i].text
        if text in ONES and part % 10 == 0 and (part % 100 >= 20 or part % 100 == 0):
            part += ONES[text]
        elif text in TENS and part % 100 == 0:
            part += TENS[text]
        elif text == "hundred":
            part = (part or 1) * 100
        elif text == "thousand":
            total, part = total + (part or 1) * 1000, 0
        elif not (text == "-" and i + 1 < len(words) and words[i + 1].text in ONES and part in TENS.values()):
            break
        i += 1
    return float(total + part), i


def _read_unit(words: list[Token], quantity: Quantity) -> None:
    before = words[quantity.start - 1] if quantity.start else None
    if quantity.unit:
        return
    if before and before.unit in CURRENCIES:
        _set_unit(quantity, before.unit)
    elif before and before.kind == "word" and before.text == "day" and not _unit_behind(words, quantity)[1]:
        # Day 4 is the fourth day.
        quantity.ordinal, quantity.unit = True, "days"
    else:
        nouns, unit, end = _unit_behind(words, quantity)
        if unit == "day" and nouns & {"working", "business", "work"}:
            unit = "workday"
        if unit:
            _set_unit(quantity, unit)
        else:
            quantity.nouns = frozenset(nouns)
        quantity.end = end
        if before and before.kind == "word" and before.text not in SMALL:
            quantity.name = stem(before.text)


def _unit_behind(words: list[Token], quantity: Quantity) -> tuple[set[str], str, int]:
    nouns: set[str] = set()
    for i in range(quantity.end, min(quantity.end + 4, len(words))):
        token = words[i]
        if token.text == "-" and i == quantity.end:
            continue
        if token.kind not in ("word", "sign") or token.text == "/" or token.text in ADVERBS:
            break
        if token.text in ("am", "pm"):
            return nouns, "o'clock", i + 1
        if token.unit:
            return nouns, token.unit, i + 1
        if token.text in SMALL or token.kind == "sign" or token.text.endswith("ly") or token.text in ONES:
            break
        nouns.add(stem(token.text))
    return nouns - MONTHS, "", quantity.end + (1 if nouns else 0)


def _set_unit(quantity: Quantity, unit: str) -> None:
    quantity.unit, quantity.scale = UNITS[unit]
    quantity.values = frozenset(v * quantity.scale for v in quantity.raw)


def _share_units(words: list[Token], found: list[Quantity]) -> None:
    """In "32 or 38 euros" and "from 6 to 21 o'clock" the unit behind the last is that of each."""
    for first, second in reversed(list(zip(found, found[1:], strict=False))):
        between = [t.text for t in words[first.end : second.start]]
        currency = between and between[-1] in ("€", "$", "£", "eur")
        joined = between[:-1] if currency else between
        if not between and not first.stated:
            # Two 24-inch screens: what is counted stands behind the second.
            first.nouns = frozenset(_unit_behind(words, second)[0])
        elif words[first.start - 1].text in REFERENCES and first.start:
            continue
        elif not first.stated and first.ordinal == second.ordinal and (joined in JOINED or joined in ([","], ["/"])):
            first.unit, first.nouns, first.scale = second.unit, second.nouns, second.scale
            first.values = frozenset(v * second.scale for v in first.raw)
        elif not second.stated and first.unit and joined in JOINED:
            second.unit = first.unit


def _read_clock_or_scale(words: list[Token], quantity: Quantity) -> None:
    """Hours of the afternoon: 9 pm is 21; in "1 to 3 pm" both are, in "10 to 3 pm" only the second is."""
    if quantity.unit != "time of day":
        return
    half = next((t.text for t in words[quantity.start + 1 : quantity.start + 5] if t.text in ("am", "pm")), "")
    value = next(iter(quantity.values))
    behind = words[quantity.start + 1 : quantity.start + 4]
    later = [float(t.text) for t in behind if t.kind == "number" and t.text.isdecimal()]
    if half == "pm" and value < 12 and not (later and later[0] < value):
        quantity.values = frozenset({value + 12})
    elif half == "am" and value == 12:
        quantity.values = frozenset({0.0})


def clause_before(words: list[Token], i: int) -> list[str]:
    """The words before a place, back to the nearest stop or "but", and no more than LOOK_BACK."""
    first = max(0, i - LOOK_BACK)
    start = next((j + 1 for j in range(i - 1, first - 1, -1) if words[j].kind == "stop" or words[j].text == "but"), first)
    return [t.text for t in words[start:i]]


def _read_bounds(words: list[Token], quantity: Quantity) -> None:
    before = clause_before(words, quantity.start)
    while before and (before[-1] in ("the", "a", "an", "about", "around", "-", "day") or before[-1] in CURRENCIES):
        before = before[:-1]
    said = " ".join(before)
    matches = [(m.start(), bound) for pattern, bound in BEFORE_IT if (m := re.search(rf"(?:^| )(?:{pattern})$", said))]
    if matches:
        # The longest is meant: "no less than" ends with "less than".
        start, bound = min(matches)
        quantity.bounds.add(bound)
        said = said[:start]
    behind = " ".join(t.text for t in words[quantity.end : quantity.end + 8] if t.kind != "stop" or t.text == ",")
    behind = re.sub(r"^(?:,? ?(?:a|per|each|every) \w+ )?(?:of \w+ )?", "", behind) if not behind.startswith("a ") else behind
    for pattern, bound in BEHIND_IT:
        if re.match(rf"(?:{pattern})\b", behind):
            quantity.bounds.add(bound)
    quantity.denied = denied(said.split(), quantity.bounds) or disowned(words, quantity.start)


def denied(before: list[str], bounds: set[str]) -> bool:
    """Whether the words before something in its clause say that it is not so.

    In "may not spend over 250" it is the bound that is denied: it is turned round in `bounds`.
    """
    for back, word in enumerate(reversed(before[-3:])):
        if word in NOT or (word == "no" and back == 0):
            between = before[len(before) - back :]
            if between[:1] == ["only"] or between[:1] == ["later"] or any(map(WAIVED.match, between)):
                return False
            if "lower" not in bounds:
                return True
            bounds.remove("lower")
            bounds.add("upper")
            return False
    return " ".join(before[-2:]) in ("rather than", "instead of", "no longer") or before[-1:] == ["without"]


DISOWNED = re.compile(
    r"\b(?:wrong|false|incorrect|untrue|outdated)\b|\bnot (?:true|right|correct|the case|valid|think|believe)\b"
)


def disowned(words: list[Token], i: int) -> bool:
    """Whether the sentence around a place says of itself that it isn't true."""
    first, last = max(0, i - LOOK_BACK), min(len(words), i + LOOK_BACK)
    stops = [j for j in range(first, last) if words[j].text == "but" or (words[j].kind == "stop" and words[j].text in ".;!?\n")]
    start = max((j + 1 for j in stops if j < i), default=first)
    end = min((j for j in stops if j >= i), default=last)
    return DISOWNED.search(" ".join(t.text for t in words[start:end])) is not None


def _period(words: list[Token], i: int) -> str:
    """What an amount is per, if the tokens at a place say so."""
    text = words[i].text
    if text in ADVERBS:
        return PER[text]
    if text in ("per", "each", "every", "/", "a", "an") and i + 1 < len(words) and words[i + 1].kind == "word":
        j = i + 2 if words[i + 1].text in ("calendar", "working", "single") and i + 2 < len(words) else i + 1
        word = stem(words[j].text)
        before = words[i - 1].text if i else ""
        if text in ("a", "an") and (word not in PERIODS or before in ("in", "before", "after", "within", "on")):
            return ""
        return "" if word in SMALL else PER.get(word, word)
    return ""


def _read_per(words: list[Token], quantity: Quantity, others: set[int]) -> None:
    said = set()
    for i in range(quantity.end, min(quantity.end + 7, len(words))):
        if words[i].kind == "stop" and words[i].text != "(" or i in others:
            break
        if per := _period(words, i):
            said.add(per)
        elif said and words[i - 1].text == "and" and stem(words[i].text) in PERIODS:
            said.add(PER.get(stem(words[i].text), stem(words[i].text)))
    if said:
        quantity.per = frozenset(said)
        return
    for i in range(quantity.start - 1, max(-1, quantity.start - 1 - LOOK_BACK), -1):
        if (words[i].kind == "stop" and words[i].text not in ",:") or i in others:
            break
        if words[i].text not in ("a", "an") and (per := _period(words, i)):
            quantity.per = frozenset({per})
            return


def _once(words: list[Token], found: list[Quantity]) -> list[Quantity]:
    """Once and twice: how often something is, or that an amount is paid a single time."""
    more: list[Quantity] = []
    for i, token in enumerate(words):
        if token.text not in ("once", "twice") or token.kind != "word":
            continue
        per = _period(words, i + 1) if i + 1 < len(words) else ""
        nearest = next((q for q in reversed(found) if q.end <= i <= q.end + 3), None)
        if nearest:
            nearest.per = frozenset({per or token.text})
        else:
            count = frozenset({1.0 if token.text == "once" else 2.0})
            made = Quantity(count, i, i + 1, "times", per=frozenset({per} - {""}), raw=count)
            made.denied = denied(clause_before(words, i), made.bounds) or disowned(words, i)
            more.append(made)
    if not found and not more:
        for i in range(len(words)):
            if words[i].text not in ("a", "an") and (per := _period(words, i)):
                # "Yearly" and "every year" are once a year.
                return [Quantity(frozenset({1.0}), i, i + 1, "times", per=frozenset({per}), raw=frozenset({1.0}))]
    return sorted(found + more, key=lambda q: q.start)
