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
# A refusal said this often in the same words is the house's own.
SAID_ON_PURPOSE = 3
NAMES_ITSELF = re.compile(rf"\s*{SORRY}?{AS_AN_AI}", re.IGNORECASE)
SAYS_MORE = re.compile(r"[.!?;:]\s+\S|\n|\b(?:but|however|instead|aber|jedoch|sondern|mais|pero|sino|ma)\b", re.IGNORECASE)
# To these the assistant may well speak of itself.
ABOUT_ITSELF = re.compile(
    r"\b(?:ai|artificial intelligence|(?:chat)?bots?|language models?|robots?|(?:are|do|did|have|were|would) you|yourself|your"
    r"|ki|bist du|sind sie|hast du|haben sie|es-tu|\u00eates-vous|avez-vous|eres|sei|sie selbst)\b",
    re.IGNORECASE,
)
TOLD_TO_REFUSE = re.compile(
    r"\brefus|\bdeclin|\b(?:not|never|n['\u2019]t|cannot) (?:answer|know|say|respond|reply|help)|\bunknown|\bonly (?:answer|reply|respond)"
    r"|\bsay so\b|\bablehn|\blehne|\bverweiger|nicht (?:beantwort|antwort|wei\u00df)|\bunbekannt|\bne r\u00e9pond|\bne sa[iv]|\binconnu"
    r"|\bno (?:respond|contest|sab|s\u00e9\b)|\brechaz|\bdesconoc|\brifiut|\bnon (?:rispond|sap|so\b)|\bsconosciut",
    re.IGNORECASE,
)
REASON = re.compile(
    r"\b(?:document|information|polic(?:y|ies)|privacy|private|confidential|personal|context|source|text|knowledge|legal|medical|safe|security"
    r"|because|as it|since|not in|not (?:say|mention|contain|allowed|permitted)|dokument|vertraulich|daten|richtlinie|weil"
    r"|confidentiel|parce que|car\b|confidencial|porque|pol\u00edtica|documento|riservat|perch\u00e9)",
    re.IGNORECASE,
)


def _refusing(dataset: Dataset, context: CheckContext) -> dict[str, tuple[bool, bool]]:
    """Row id to whether its answer is a refusal and nothing else, and whether it is surely not meant."""

    def make() -> dict[str, tuple[bool, bool]]:
        rows = [e for e in dataset if REFUSING.match(e.answer)] if context.kind == "text" else []
        only = {e.row_id for e in rows if _only_refuses(e.answer)}
        said = {e.row_id: normalise(e.answer) for e in rows}
        counts = Counter(said[i] for i in only)
        often = len(only) >= REFUSING_ON_PURPOSE * len(dataset)
        repeated = any(n >= SAID_ON_PURPOSE for n in counts.values())
        certain = {
            e.row_id
            for e in rows
            if e.row_id in only and not often and counts[said[e.row_id]] < SAID_ON_PURPOSE
            and not (TOLD_TO_REFUSE.search(_instructions(e)) or ABOUT_WORDING.search(_asked(e)))
            and (_names_itself(e) or not repeated and _gives_no_reason(e.answer))
        }  # fmt: skip
        return {e.row_id: (e.row_id in only, e.row_id in certain) for e in rows}

    return context.once("refusals", dataset, make)


def _only_refuses(answer: str) -> bool:
    return bool(ONLY_REFUSING.match(answer)) and len(answer.split()) <= SHORT_REFUSAL


def _names_itself(example: Example) -> bool:
    """Whether the whole answer is one sentence of a model that speaks of itself, unasked."""
    found = NAMES_ITSELF.match(example.answer)
    return bool(found) and not SAYS_MORE.search(example.answer[found.end() :].strip()) and not ABOUT_ITSELF.search(example.input)


def _gives_no_reason(answer: str) -> bool:
    rest = answer[ONLY_REFUSING.match(answer).end() :]
    return not rest.strip(" \n.!") and not NAMES_ITSELF.match(answer) and not REASON.search(answer)


def _instructions(example: Example) -> str:
    return "\n".join(content for role, content in example.messages if role == "system")


def _asked(example: Example) -> str:
    return "\n".join(content for _, content in example.messages)


def refusals(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose answer is a refusal and nothing else, of which nothing says that it is meant.

    A refusal is taken to be meant where it is said several times in the same words, gives its reason, is what the
    system turn asks for, or is one of very many.
    """
    found = _refusing(dataset, context).items()
    return [Remark(i, "the answer is a refusal and nothing else") for i, (_, certain) in found if certain]


def possible_refusals(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose answer starts by refusing but says more, or refuses as may be meant."""
    for row_id, (only, certain) in _refusing(dataset, context).items():
        if not certain:
            yield Remark(row_id, "the answer is a refusal, which may be meant" if only else "the answer opens like a refusal")


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
# Where the task is to put something into words, a polite phrase may be what was asked for.
ABOUT_WORDING = re.compile(
    r"translat|rewrit|rephras|paraphras|proofread|\bcorrect|\be-?mails?\b|\bmails?\b|\bletters?\b|\bdialog|\bquot|\bconversation|\bchat\b"
    r"|\bmessage|\bdraft|\bwrite (?:a|an|the|my|me)\b|\breply to\b|\bstory|\bscene|\bscript|\btranscri|\bsummar|\bcomplete the|\bcontinue the"
    r"|\u00fcbersetz|umschreib|umformulier|formulier|\bbrief|korrigier|\bzitat|nachricht|geschichte|gespr\u00e4ch"
    r"|tradu|r\u00e9\u00e9cri|r\u00e9dig|reformul|\blettre|courriel|\bcitation|correo|\bcarta\b|reescrib|di\u00e1logo|riscriv|\blettera|citazion",
    re.IGNORECASE,
)
GREETING = re.compile(r"\s*(?:[^\W\d_][\w.'\u2019-]*\s?){1,6}[,!:]\s*\n")
SPEAKER = re.compile(r"^\s*[^\W\d_][\w .'\u2019-]{0,25}:\s+\S", re.MULTILINE)
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
# Phrases that no answer needs, whatever it says; the others may be courtesy.
STOCK_OPENING = re.compile(r"(?:[^\s\d]+\s+){0,11}[^\s\d]+\s*:\s*\Z")
STOCK_CLOSING = re.compile(
    r"\W*(?:(?:i )?hope|ich hoffe|j['\u2019]esp\u00e8re|espero|spero)\b|(?:.*\b)?(?:anything|something) else\b[^?]*\Z", re.IGNORECASE | re.DOTALL
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


def _may_be_worded_so(example: Example) -> bool:
    """Whether the row's task, or its answer, is a text with a voice of its own: a translation, a letter, a dialogue."""
    answer = example.answer
    return bool(ABOUT_WORDING.search(_asked(example)) or GREETING.match(answer[:200]) or len(SPEAKER.findall(answer)) > 2)


def _certain_opening(example: Example) -> re.Match | None:
    found = _opening(example)
    return found if found and STOCK_OPENING.match(found.group().strip()) and not _may_be_worded_so(example) else None


def _certain_closing(example: Example) -> tuple[int, str] | None:
    found = _closing(example.answer)
    return found if found and STOCK_CLOSING.match(found[1]) and not _may_be_worded_so(example) else None


def boilerplate_openings(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose answer opens with a long phrase that answers nothing."""
    found = {e.row_id: f.group() for e in dataset if (f := _certain_opening(e))} if context.kind == "text" else {}
    return [Remark(i, f"the answer opens with {_words(found[i])} that say nothing") for i in _unusual(dataset, found)]


def boilerplate_closings(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose answer closes with a phrase that answers nothing."""
    found = {e.row_id: f[1] for e in dataset if (f := _certain_closing(e))} if context.kind == "text" else {}
    return [Remark(i, f"the answer closes with {_words(found[i])} that say nothing") for i in _unusual(dataset, found)]


def possible_boilerplate(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose answer opens or closes with a phrase that may answer nothing, or may be courtesy or asked for."""
    if context.kind != "text":
        return
    openings = {e.row_id: f.group() for e in dataset if (f := _opening(e)) and not _certain_opening(e)}
    closings = {e.row_id: f[1] for e in dataset if (f := _closing(e.answer)) and not _certain_closing(e)}
    for where, found in (("opens", openings), ("closes", closings)):
        yield from (Remark(i, f"the answer {where} with {_words(found[i])} that may say nothing") for i in _unusual(dataset, found))


def _words(phrase: str) -> str:
    n = len(phrase.split())
    return "words" if n == 1 else f"{n} words"


def _fix_opening(example: Example) -> Example:
    return _without_opening(example, _certain_opening(example))


def _fix_closing(example: Example) -> Example:
    return _without_closing(example, _certain_closing(example))


def _fix_phrases(example: Example) -> Example:
    example = _without_opening(example, _opening(example))
    return _without_closing(example, _closing(example.answer))


def _without_opening(example: Example, found: re.Match | None) -> Example:
    return example.changed(example.messages, example.answer[found.end() :], "opening phrase removed") if found else example


def _without_closing(example: Example, found: tuple[int, str] | None) -> Example:
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
    Check(
        "possible boilerplate", "A phrase that answers nothing is learnt like one that does; courtesy may be wanted.", REVIEW, "keep",
        possible_boilerplate, _fix_phrases,
    ),
)
