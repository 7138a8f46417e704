"""Phrases that a model should not learn: refusals, and openings and closings that answer nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from workbench.curate.checks.check import FAULT, REVIEW, Check, CheckContext, Remark
from workbench.dataset import Dataset, Example, normalise

# Answers that refuse

SORRY = (
    r"(?:(?:i(?:['\u2019]m| am) (?:very |so |really )?sorry|sorry|i apologi[sz]e|unfortunately|my apologies"
    r"|es tut mir (?:sehr )?leid|tut mir leid|leider|entschuldigung"
    r"|je suis (?:vraiment )?d\u00e9sol\u00e9e?|d\u00e9sol\u00e9e?|malheureusement"
    r"|lo siento(?: mucho)?|lamentablemente|mi dispiace|purtroppo)[,.:;!]?\s*(?:(?:but|aber|mais|pero|ma)\s+)?)"
)
AS_AN_AI = (
    r"(?:(?:as an? (?:ai|a\.i\.|artificial intelligence|(?:large )?language model)"
    r"|als (?:ki|k\u00fcnstliche intelligenz|(?:gro\u00dfes )?sprachmodell)"
    r"|en tant qu(?:e |['\u2019])(?:ia|intelligence artificielle|mod\u00e8le de langage?)"
    r"|como (?:una? )?(?:ia|inteligencia artificial|modelo de lenguaje)"
    r"|(?:come|in quanto) (?:un['\u2019]?\s?)?(?:ia|intelligenza artificiale|modello (?:di linguaggio|linguistico)))\b[^,.\n]{0,40},?\s*)"
)
CANNOT = (
    r"(?:i(?:['\u2019]m| am) (?:not able|unable|not allowed|not permitted) to|i (?:can['\u2019]?t|can ?not|won['\u2019]?t|will not|could not|must decline to)"
    r"|(?:(?:dabei |damit |das )?(?:kann|darf) ich|ich (?:kann|darf)) (?:ihnen |dir |das |dabei |damit |diese \w+ )*nicht"
    r"|je ne (?:peux|puis)(?: malheureusement)? pas|je ne suis pas en mesure (?:de |d['\u2019])"
    r"|no puedo|no me es posible|non posso|non sono in grado di)"
)
# What follows names the request and nothing of its matter; an answer that says what it can't do and why is no mere refusal.
THAT = r"(?: (?:that|this|it|your|such|these|those)(?: (?:request|question|task|topic)s?)?)"
STOP = r"\s*(?:[.!,;]|\Z|because|as it)"
HELP = (
    r"\s+(?:help|assist|comply|answer|respond|fulfil?l|do|complete|engage|(?:provide|give)(?: you with)? an answer)"
    r"(?: you)?(?: (?:with|in|to))?"
)
ABROAD = (
    r"\s+(?:\w+ )?(?:helfen|weiterhelfen|beantworten|behilflich sein|nachkommen)\s*(?:[.!,;]|\Z)"
    r"|\s*(?:vous |t['\u2019])?(?:aider|r\u00e9pondre|assister)(?: (?:avec|\u00e0|sur) (?:cela|\u00e7a|cette (?:demande|question)))?\s*(?:[.!,;]|\Z)"
    r"|\s+(?:ayudar|responder|cumplir|asistir)(?:te|le|les)?(?: (?:con|a) (?:eso|esto|esa|esta)(?: (?:solicitud|pregunta|petici\u00f3n))?)?\s*(?:[.!,;]|\Z)"
    r"|\s+(?:aiutar|rispondere|assister)(?:ti|la|vi|e)?(?: (?:con|a|in) (?:questo|questa|ci\u00f2)(?: (?:richiesta|domanda))?)?\s*(?:[.!,;]|\Z)"
)
# Without an apology, or naming itself an AI, the sentence must say that it is the request which is refused.
BARE = rf"{CANNOT}(?:{HELP}{THAT}{STOP}|{ABROAD})"
ONLY_REFUSING = re.compile(
    rf"\s*(?:{BARE}|{SORRY}{{1,2}}{CANNOT}{HELP}{THAT}?{STOP}|{SORRY}{{1,2}}{BARE}"
    rf"|{SORRY}?{AS_AN_AI}(?:{CANNOT}|i (?:do not|don['\u2019]t))\b)",
    re.IGNORECASE,
)
REFUSING = re.compile(
    rf"{ONLY_REFUSING.pattern}|\s*{SORRY}?{AS_AN_AI}"
    rf"|\s*{SORRY}{{1,2}}{CANNOT}\s+(?:help|assist|comply|create|write|generate|produce|provide|engage|promote|participate)\b",
    re.IGNORECASE,
)
SHORT_REFUSAL = 45
REFUSING_ON_PURPOSE = 0.2


def _refusing(dataset: Dataset, context: CheckContext) -> tuple[dict[str, bool], bool]:
    """Row id to whether its answer is a refusal and nothing else, and whether the data set refuses on purpose."""

    def make() -> tuple[dict[str, bool], bool]:
        rows = dataset if context.kind == "text" else ()
        found = {e.row_id: _only_refuses(e.answer) for e in rows if REFUSING.match(e.answer)}
        return found, sum(found.values()) >= REFUSING_ON_PURPOSE * len(dataset)

    return context.once("refusals", dataset, make)


def _only_refuses(answer: str) -> bool:
    return bool(ONLY_REFUSING.match(answer)) and len(answer.split()) <= SHORT_REFUSAL


def refusals(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose answer is a refusal and nothing else, unless so many are that the data set refuses on purpose."""
    found, on_purpose = _refusing(dataset, context)
    return [Remark(i, "the answer is a refusal and nothing else") for i, only in found.items() if only and not on_purpose]


def possible_refusals(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose answer starts by refusing but says more, or refuses where many others do."""
    found, on_purpose = _refusing(dataset, context)
    for row_id, only in found.items():
        if on_purpose or not only:
            yield Remark(row_id, "the answer is a refusal, as many here are" if only else "the answer opens like a refusal")


# Openings and closings that say nothing

OPENING = re.compile(
    r"\s*(?:"
    r"(?:sure(?: thing)?|certainly|of course|absolutely|gladly|no problem|great question)[!,.]*\s+"
    r"(?:here(?:['\u2019]s| is| are)|below (?:is|are))\b[^\n:]{0,150}:"
    r"|here(?:['\u2019]s| is) (?:a|the|one|my) (?:\w+ )?(?:answer|response|reply):"
    r"|(?:gerne?|nat\u00fcrlich|selbstverst\u00e4ndlich|klar|sicher)[!,.]*\s+hier (?:ist|sind|kommt|finden|findest|haben)\b[^\n:]{0,150}:"
    r"|(?:bien s\u00fbr|certainement|avec plaisir)\s*[!,.]*\s+voici\b[^\n:]{0,150}:"
    r"|\u00a1?(?:claro(?: que s\u00ed)?|por supuesto|con gusto)[!,.]*\s+aqu\u00ed (?:tienes?|est\u00e1n?|hay|va)\b[^\n:]{0,150}:"
    r"|(?:certo|certamente|volentieri)[!,.]*\s+ecco\b[^\n:]{0,150}:"
    r"|(?:(?:sure(?: thing)?|certainly|of course|absolutely)[!,.]*\s+)i(?:['\u2019]d| would) be (?:happy|glad|delighted) to "
    r"(?:help|assist)(?: you)?(?: with (?:that|this|your (?:question|request)))?[.!]"
    r"|(?:(?:that['\u2019]s|what) an? )?(?:very |really )?(?:great|good|excellent|fantastic) question[.!]"
    r"|(?P<yes>sure(?: thing)?|certainly|of course|absolutely|nat\u00fcrlich|bien s\u00fbr|claro|certo)\s?!"
    r")\s+(?=\S)",
    re.IGNORECASE,
)
# What asks for more than a yes or a no.
ASKS_WHAT = re.compile(
    r"\b(?:what|when|where|which|who|whom|whose|why|how|was|wann|wo|wohin|welche\w*|wer|wem|warum|wieso|wie|quand|o\u00f9|quelle?s?|qui|pourquoi"
    r"|comment|combien|qu\u00e9|cu\u00e1ndo|d\u00f3nde|cu\u00e1l\w*|qui\u00e9n|c\u00f3mo|cosa|quando|dove|quale|chi|perch\u00e9|come)\b",
    re.IGNORECASE,
)
MORE = (
    r"(?:anything else|something else|any(?:thing)? (?:other|further|more|additional)|any questions"
    r"|(?:any |more |further |other )+(?:questions|help|information|assistance|details))"
)
CLOSING = re.compile(
    r"(?<!\w)(?:"
    rf"(?:please )?(?:let me know|feel free to (?:ask|let me know|reach out))\b(?: me)?(?:,? (?:if|whether|should)[^.!?\n]{{0,60}})?\s?\b{MORE}"
    r"[^.!?\n]{0,60}[.!]*"
    rf"|if (?:you|there)[^.!?\n]{{0,40}}{MORE}[^.!?\n]{{0,60}}(?:let me know|feel free|just ask|don['\u2019]t hesitate)[^.!?\n]{{0,40}}[.!]*"
    r"|(?:i )?hope (?:this|that|it) (?:helps|is helpful|was helpful|answers your question)[^.!?\n]{0,40}[.!]*"
    r"|is there anything else (?:i can|you)[^.!?\n]{0,60}\?"
    r"|ich hoffe,? (?:das|dies) (?:hilft|war hilfreich)[^.!?\n]{0,40}[.!]*"
    r"|(?:lass|lassen sie)(?: es)? mich(?: bitte)?(?: gerne)? wissen, (?:wenn|falls|ob)[^.!?\n]{0,100}[.!]*"
    r"|j['\u2019]esp\u00e8re que (?:cela|\u00e7a|ceci) (?:vous |t['\u2019])?aide[^.!?\n]{0,40}[.!]*"
    r"|n['\u2019]h\u00e9site[zs] pas \u00e0 (?:me )?(?:demander|poser|contacter|revenir)[^.!?\n]{0,80}[.!]*"
    r"|espero que (?:esto|eso) (?:te |le |les )?(?:ayude|sirva|sea \u00fatil)[^.!?\n]{0,40}[.!]*"
    r"|(?:av\u00edsame|h\u00e1zmelo saber|h\u00e1game saber|no dudes en preguntar)[^.!?\n]{0,80}[.!]*"
    r"|spero che (?:questo |ci\u00f2 )?(?:ti |le |vi )?(?:aiuti|sia utile|sia d['\u2019]aiuto)[^.!?\n]{0,40}[.!]*"
    r"|(?:fammi|mi faccia) sapere se[^.!?\n]{0,80}[.!]*"
    r")\s*\Z",
    re.IGNORECASE,
)
# After these words the phrase is part of the sentence before it.
JOINED = {"and", "so", "but", "that", "as", "because", "which", "und", "aber", "dass", "et", "mais", "que", "y", "pero", "e", "ma", "che"}
# A phrase in more of the rows than this is how the house speaks.
HOUSE_STYLE = 0.3
TAIL = 400


def _opening(example: Example) -> re.Match | None:
    found = OPENING.match(example.answer)
    if found and found["yes"] and "?" in example.input and not ASKS_WHAT.search(example.input):
        # To a question of yes or no, this is the answer.
        return None
    return found


def _closing(answer: str) -> tuple[int, str] | None:
    start = max(0, len(answer) - TAIL)
    found = CLOSING.search(answer[start:])
    before = answer[: start + found.start()].rstrip() if found else ""
    if not before or before[-1].isalnum() and (found.group()[0].islower() or before.split()[-1].lower() in JOINED):
        return None
    return len(before), found.group()


def _unusual(dataset: Dataset, phrases: dict[str, str]) -> list[str]:
    """The rows whose phrase isn't in so many others that it is the house's style."""
    said = {i: normalise(phrase) for i, phrase in phrases.items()}
    counts = Counter(said.values())
    return [i for i, phrase in said.items() if counts[phrase] <= max(1, HOUSE_STYLE * len(dataset))]


def boilerplate_openings(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose answer opens with a phrase that answers nothing."""
    found = {e.row_id: f.group() for e in dataset if (f := _opening(e))} if context.kind == "text" else {}
    return [Remark(i, f"the answer opens with {_words(found[i])} that say nothing") for i in _unusual(dataset, found)]


def boilerplate_closings(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose answer closes with a phrase that answers nothing."""
    found = {e.row_id: f[1] for e in dataset if (f := _closing(e.answer))} if context.kind == "text" else {}
    return [Remark(i, f"the answer closes with {_words(found[i])} that say nothing") for i in _unusual(dataset, found)]


def _words(phrase: str) -> str:
    n = len(phrase.split())
    return "words" if n == 1 else f"{n} words"


def _fix_opening(example: Example) -> Example:
    found = _opening(example)
    return example.changed(example.messages, example.answer[found.end() :], "opening phrase removed") if found else example


def _fix_closing(example: Example) -> Example:
    found = _closing(example.answer)
    return example.changed(example.messages, example.answer[: found[0]], "closing phrase removed") if found else example


CHECKS = (
    Check("refusal", "An answer that refuses teaches refusing.", FAULT, "drop", refusals),
    Check(
        "boilerplate opening", "A phrase that answers nothing is learnt first, as it stands first.", FAULT, "fix",
        boilerplate_openings, _fix_opening,
    ),
    Check(
        "boilerplate closing", "A phrase that answers nothing is learnt, and paid for, with every answer.", FAULT, "fix",
        boilerplate_closings, _fix_closing,
    ),
    Check(
        "possible refusal", "Refusing is learnt fast; it should only be learnt where it is meant.", REVIEW, "keep",
        possible_refusals,
    ),
)
