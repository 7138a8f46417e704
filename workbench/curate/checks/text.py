"""Faults of the text itself: leftovers of templates and web pages, hidden and broken characters, odd turns."""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from workbench.curate.checks.check import FAULT, REVIEW, Check, CheckContext, Remark
from workbench.dataset import Dataset, Example
from workbench.scoring.scorers import read_object

MANY_TURNS = 40
# Above this share, what looks like a fault is how the data set is written.
HABIT = 0.5


def places(example: Example) -> Iterator[tuple[str, str]]:
    """Each text of a row with the words for where it stands."""
    for role, content in example.messages[:-1]:
        yield ("the system turn" if role == "system" else "an earlier turn"), content
    yield "the input", example.input
    yield "the answer", example.answer
    if example.rejected:
        yield "the rejected answer", example.rejected


def _where(example: Example, what: Callable[[str], list[str]]) -> Iterator[tuple[str, list[str]]]:
    return ((place, found) for place, text in places(example) if text and (found := what(text)))


# Tokens of chat templates

CONTROL = re.compile(
    r"<\|im_start\|>(?:(?:system|user|assistant|tool)\b)?\n?"
    r"|<\|start_header_id\|>(?:\w{1,20}<\|end_header_id\|>)?\n{0,2}"
    r"|<start_of_turn>(?:(?:user|model)\b)?\n?"
    r"|<\|[a-z][a-z0-9_]{1,40}\|>|<\uff5c[^\uff5c<>\s]{1,40}\uff5c>|<(?:end_of_turn|bos|eos)>|\[/?INST\]|<</?SYS>>"
    # In the middle of a text these two mean "struck out" in HTML.
    r"|\A\s*<s>|</s>(?=\s*(?:<s>|\Z))|(?<=</s>)<s>"
)
QUOTED = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)


def _outside_code(text: str) -> list[tuple[bool, str]]:
    """The text in parts, each with whether it is code between backticks."""
    parts, at = [], 0
    for found in QUOTED.finditer(text) if "`" in text else ():
        parts += [(False, text[at : found.start()]), (True, found.group())]
        at = found.end()
    return [*parts, (False, text[at:])]


# A token that opens a turn and is not spoken of: on a line of its own, behind another token, or at the very start.
TURN = re.compile(
    r"(?:^|>)[ \t]*(?:<\|im_start\|>(?:system|user|assistant|tool)\b|<start_of_turn>(?:user|model)\b)"
    r"|(?:<\|im_start\|>(?:system|user|assistant|tool)|<start_of_turn>(?:user|model))[ \t]*\n"
    r"|<\|start_header_id\|>\w{1,20}<\|end_header_id\|>[ \t]*\n|\A\s*(?:<s>\s*)?\[INST\]",
    re.MULTILINE,
)
# A sentence that has no end without the token speaks of it.
SPEAKS_OF = re.compile(
    r"(?:[=,\"'(]|\b(?:is|are|with|by|and|or|the|a|an|called|as|in|on|from|of|to|write|print|use|sign|mark|symbol"
    r"|ist|mit|durch|und|oder|est|par|et|es|con|por|y|\u00e8|e))\s*\Z",
    re.IGNORECASE,
)
ABOUT_TOKENS = re.compile(
    r"\b(?:tokens?|tokeni[sz]\w*|templates?|prompts?|chatml|eos|bos|im_end|im_start|endoftext|delimiters?|special (?:sign|symbol|marker)s?"
    r"|vorlagen?|gabarits?|plantillas?|llama|qwen|gpt)\b",
    re.IGNORECASE,
)


def _control_tokens(text: str) -> list[str]:
    if not ("<" in text or "INST]" in text) or not CONTROL.search(text):
        return []
    return [found.group() for code, part in _outside_code(text) if not code for found in CONTROL.finditer(part)]


def without_control_tokens(text: str) -> str:
    """The text without the tokens of chat templates, save where backticks show that they are spoken of."""
    if not _control_tokens(text):
        return text
    return "".join(part if code else CONTROL.sub("", part) for code, part in _outside_code(text)).strip()


def _without_any_token(text: str) -> str:
    return without_control_tokens(text) or text


def _without_certain_tokens(text: str) -> str:
    """The text without tokens that open turns, or stand before its first or behind its last sentence."""
    if not _control_tokens(text):
        return text
    if TURN.search("".join(part for code, part in _outside_code(text) if not code)):
        return without_control_tokens(text) or text
    spans, at = [], 0
    for code, part in _outside_code(text):
        spans += [] if code else [(at + found.start(), at + found.end()) for found in CONTROL.finditer(part)]
        at += len(part)
    start, end = 0, len(text)
    for token_start, token_end in spans:
        if text[start:token_start].strip():
            break
        start = token_end
    for token_start, token_end in reversed(spans):
        if token_start < start or text[token_end:end].strip():
            break
        end = token_start
    # "<s> opens a text", "it ends with </s>": a sentence that lacks a part without the token is about the token.
    start = 0 if text[start:].lstrip()[:1].islower() else start
    end = len(text) if SPEAKS_OF.search(text[max(0, end - 20) : end]) else end
    left = text[start:end].strip()
    return left if left and (start, end) != (0, len(text)) else text


def _said(example: Example) -> str:
    """What the turns and the answer say, without the system turn, which speaks for every row alike."""
    return "\n".join([content for role, content in example.messages if role != "system"] + [example.answer])


def _fix_control_tokens(example: Example) -> Example:
    texts = example.input, example.answer
    if not any(map(_control_tokens, example.texts)) or ABOUT_TOKENS.search(CONTROL.sub(" ", _said(example))):
        return example
    given, answered = ({token.strip() for token in _control_tokens(text)} for text in texts)
    if given & answered and not all(map(TURN.search, texts)):
        return example
    return example.with_texts(_without_certain_tokens, "control tokens removed")


def _changes(example: Example, fix: Callable[[Example], Example]) -> Iterator[tuple[str, str, str]]:
    """Each text that a fix changes: where it stands, as it is, and as it would be."""
    for (place, text), (_, better) in zip(places(example), places(fix(example)), strict=True):
        if text != better:
            yield place, text, better


def control_tokens(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows in which tokens of a chat template were left standing around a text, or where turns begin."""
    for example in dataset:
        for place, text, better in _changes(example, _fix_control_tokens):
            n = len(_control_tokens(text)) - len(_control_tokens(better))
            yield Remark(example.row_id, f"{_number(n, 'token')} of a chat template in {place}")


def possible_control_tokens(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows with tokens of a chat template that may be spoken of."""
    for example in dataset:
        for place, found in _where(_fix_control_tokens(example), _control_tokens):
            yield Remark(example.row_id, f"{_number(len(found), 'token')} of a chat template in {place}, which may be meant")


def _number(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


# Characters that nobody sees

ALWAYS_HIDDEN = "\u00ad\u2060\ufeff\u202d\u202e\u2028\u2029"
JOINERS = "\u200b\u200c\u200d"
DIRECTION = "\u200e\u200f\u061c\u202a\u202b\u202c\u2066\u2067\u2068\u2069"
# Tags are legitimate in the flags of regions alone; elsewhere they smuggle text that nobody sees.
FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f")
CANDIDATE = re.compile(
    f"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f{ALWAYS_HIDDEN}{JOINERS}{DIRECTION}\U000e0000-\U000e007f]"
)


def _hidden(text: str) -> list[re.Match]:
    if not CANDIDATE.search(text):
        return []
    flags = {i for flag in FLAG.finditer(text) for i in range(*flag.span())} if "\U0001f3f4" in text else set()
    leftward = any(unicodedata.bidirectional(c) in ("R", "AL") for c in text)
    return [f for f in CANDIDATE.finditer(text) if f.start() not in flags and not _legitimate(text, f.start(), leftward)]


def _legitimate(text: str, at: int, leftward: bool) -> bool:
    """Joiners hold emoji together and shape Persian, Indic and South-East Asian words; Hebrew and Arabic need directions."""
    if text[at] in DIRECTION:
        return leftward
    before = text[at - 1] if at else " "
    has_case = before.lower() != before.upper()
    return text[at] in JOINERS and not (before.isascii() or before.isspace() or has_case or before in JOINERS)


def without_hidden_characters(text: str) -> str:
    """The text without characters that nobody sees; those that stand for a line break or a quotation mark become that."""
    found = {f.start() for f in _hidden(text)}
    return "".join(_shown(c) if i in found else c for i, c in enumerate(text)) if found else text


def _shown(character: str) -> str:
    if character in "\u2028\u2029\x85\x0b\x0c":
        return "\n"
    if "\x80" <= character <= "\x9f":
        # Windows has quotation marks and dashes where Latin-1 has control characters.
        return character.encode("latin-1").decode("cp1252", "ignore")
    return ""


def hidden_characters(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows with characters that nobody sees and that their script doesn't need."""
    for example in dataset:
        for place, text in places(example):
            if found := _hidden(text):
                names = sorted({unicodedata.name(f.group(), "control character").lower() for f in found})
                listed = ", ".join(names[:3]) + (" and others" if len(names) > 3 else "")
                yield Remark(example.row_id, f"{_number(len(found), 'hidden character')} in {place}: {listed}")


# What a terminal is sent

COLOUR = re.compile(r"\x1b(?:\[[0-9;?]{0,20}[A-Za-z])?")


def _without_colours(text: str) -> str:
    return COLOUR.sub("", text)


def terminal_codes(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows with the codes by which a terminal shows colours; in what a terminal printed they may be meant."""
    for example in dataset:
        for place, found in _where(example, COLOUR.findall):
            yield Remark(example.row_id, f"{_number(len(found), 'terminal code')} in {place}")


# Text that was decoded wrongly

ABOUT_ENCODING = re.compile(
    r"\b(?:(?:en|de)cod\w*|mojibake|utf-?\d*\w*|unicode|latin-?1|iso-?8859\S*|cp-?1252|windows-?1252|charsets?|code ?pages?|garbled|bytes?"
    r"|(?:en|de|um)?kodier\w*|zeichens\u00e4tze?|zeichensatz\w*|zeichensalat|codificaci\w*|d\u00e9cod\w*|codifica\w*)\b",
    re.IGNORECASE,
)


def _ungarbled(text: str) -> str:
    if text.isascii():
        return text
    from ftfy import fix_encoding
    from ftfy.badness import is_bad

    return fix_encoding(text) if is_bad(text) else text


def _ungarbled_prose(text: str) -> str:
    return "".join(part if code else _ungarbled(part) for code, part in _outside_code(text))


def _fix_garbled(example: Example) -> Example:
    better = example.with_texts(_ungarbled_prose, "encoding put right")
    return example if better is example or ABOUT_ENCODING.search(_said(example)) else better


def garbled_text(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows with text that was written in one encoding and read in another, and that can be put right."""
    for example in dataset:
        for place, text, better in _changes(example, _fix_garbled):
            fewer = max(1, len(text) - len(better))
            said = f"{place} was decoded wrongly; putting it right removes {_number(fewer, 'stray character')}"
            yield Remark(example.row_id, said)


def possible_garbled_text(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows that show text decoded wrongly, as is meant where the row is about that, or in code."""
    for example in dataset:
        for place, text in places(_fix_garbled(example)):
            if _ungarbled(text) != text:
                yield Remark(example.row_id, f"{place} shows text decoded wrongly, which may be meant")


def lost_characters(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows with the mark that a decoder leaves where it could not read a character."""
    for example in dataset:
        for place, text in places(example):
            if lost := text.count("\ufffd"):
                yield Remark(example.row_id, f"{_number(lost, 'character')} of {place} could not be decoded")


# Web pages

NAMES = "p|br|hr|div|span|a|b|i|u|em|strong|ul|ol|li|table|thead|tbody|tr|td|th|h[1-6]|img|font|blockquote|center|script|style"
TAG = re.compile(rf"<(/?)({NAMES})(?=[\s/>])([^<>]{{0,2000}})>", re.IGNORECASE)
# `class=big` and `class="big"`, and not the `i = 3;` of a program.
ATTRIBUTE = re.compile(r"[\w:.@*#()\[\]-]{1,100}\s{0,20}=\s{0,20}[^\s=;<>]{1,2000}(?:\s|/|\Z)")
VALUE = re.compile(r"\w=[\"']")
# Without its tag the answer would lose where it leads to.
LINK = re.compile(r"<(?:a\s[^<>]{0,500}\bhref|img\s)", re.IGNORECASE)
ENTITY = re.compile(r"&(?:[A-Za-z]{2,8}|#\d{2,6}|#[xX][0-9a-fA-F]{2,5});")
LINE = re.compile(r"p|br|hr|div|ul|ol|table|tr|h[1-6]|blockquote", re.IGNORECASE)
ABOUT_CODE = re.compile(
    r"```|\b(?:html|css|xml|xhtml|svg|markup|markdown|tags?|javascript|typescript|php|jsx|source code|selectors?"
    r"|angular\w*|vue\w*|react\w*|svelte|elements?|templates?|components?|web ?pages?|browsers?|dom)\b",
    re.IGNORECASE,
)
# Attributes that only the source of a program has.
PROGRAM = re.compile(r"<[a-z][^<>\s]{0,40}\s{1,20}(?:[*@#:\[(]|v-|ng-|x-|hx-|className\b)", re.IGNORECASE)


def _tags(text: str) -> Iterator[re.Match]:
    """Tags; between a name and its bracket they have an attribute, a slash or nothing, unlike "a <b and c> d"."""
    return (found for found in TAG.finditer(text) if _is_tag(found))


def _is_tag(found: re.Match) -> bool:
    inner = found[3].strip()
    return not inner or inner.endswith("/") or bool(ATTRIBUTE.match(inner) or VALUE.search(inner))


def _without_tags(text: str) -> str:
    return TAG.sub(lambda found: "" if _is_tag(found) else found.group(), text)


def _html(text: str) -> list[str]:
    """Tags that come in pairs, carry an attribute or stand alone by nature, and entities."""
    if "<" not in text and "&" not in text:
        return []
    tags = [(bool(f[1]), f[2].lower(), bool(f[3].strip(" /"))) for f in _tags(text)]
    paired = {name for closing, name, _ in tags if closing} & {name for closing, name, _ in tags if not closing}
    found = [name for _, name, attribute in tags if name in paired or attribute or name in ("br", "hr")]
    return found + [f.group() for f in ENTITY.finditer(text) if html.unescape(f.group()) != f.group()]


def _html_places(example: Example) -> list[tuple[str, int]]:
    # Tags inside a JSON answer are values; taking entities out could break the JSON.
    return [
        (place, len(found))
        for place, found in _where(example, _html)
        if not (place.endswith("answer") and read_object(example.answer) is not None)
    ]


def _html_meant(example: Example) -> bool:
    """Whether a row is about code, shows tags between backticks, links to something, or is a page and nothing else."""
    answer = example.answer.strip()
    if LINK.search(answer) or answer.startswith("<") and answer.endswith(">") and _html(answer):
        return True
    if any(PROGRAM.search(text) or ABOUT_CODE.search(_without_tags(text)) for text in example.texts):
        return True
    return any(code and "<" in part for text in example.texts for code, part in _outside_code(text))


def _with_html(dataset: Dataset, context: CheckContext) -> tuple[dict[str, list[tuple[str, int]]], set[str]]:
    """Row id to where HTML stands, and the rows in which that may be meant."""

    def make() -> tuple[dict[str, list[tuple[str, int]]], set[str]]:
        found = {e.row_id: where for e in dataset if (where := _html_places(e))}
        if len(found) > HABIT * len(dataset) and len(found) > 1:
            return found, set(found)
        tagged = [e for e in dataset if e.row_id in found]
        return found, {e.row_id for e in tagged if _html_meant(e) or _fix_html(e) is e}

    return context.once("html", dataset, make)


def pasted_html(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows of prose that still have the tags or entities of the page they were copied from."""
    found, meant = _with_html(dataset, context)
    for row_id, where in found.items():
        if row_id not in meant:
            for place, n in where:
                yield Remark(row_id, f"{n} HTML tag{'' if n == 1 else 's'} or entit{'y' if n == 1 else 'ies'} in {place}")


def markup(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows with HTML that may be meant: it is all of the answer, the row is about code, or most rows have it."""
    found, meant = _with_html(dataset, context)
    for row_id, where in found.items():
        if row_id in meant:
            yield from (Remark(row_id, f"HTML in {place}, which may be meant") for place, _ in where)


def without_html(text: str) -> str:
    """The text that a browser would show, with lines where it would break them. Other angle brackets stay.

    A text of which nothing would be left stays as it is.
    """
    if not _html(text):
        return text
    whole = text
    for name in ("script", "style"):
        text = _without_element(text, name)

    def shown(tag: re.Match) -> str:
        if not _is_tag(tag):
            return tag.group()
        if tag[2].lower() == "li":
            return "" if tag[1] else "\n- "
        return "\n" if LINE.fullmatch(tag[2]) else " " if tag[2].lower() in ("td", "th") else ""

    text = html.unescape(TAG.sub(shown, text)).replace("\xa0", " ")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.strip() for line in text.split("\n"))).strip() or whole


def _without_element(text: str, name: str) -> str:
    # With plain searches the time grows with the text's length alone, however many elements are left open.
    opening, closing = re.compile(rf"<{name}\b", re.IGNORECASE), re.compile(rf"</{name}\s*>", re.IGNORECASE)
    kept, at = [], 0
    while (start := opening.search(text, at)) and (end := closing.search(text, start.end())):
        kept.append(text[at : start.start()])
        at = end.end()
    return "".join([*kept, text[at:]])


def _fix_html(example: Example) -> Example:
    if _html_meant(example):
        return example
    if read_object(example.answer) is None:
        return example.with_texts(without_html, "HTML turned into text")
    fixed = tuple((role, without_html(content)) for role, content in example.messages)
    return example if fixed == example.messages else example.changed(fixed, example.answer, "HTML turned into text")


# Text that wants to be run or obeyed

SCRIPT = re.compile(
    r"<script\b|<iframe\b|<[a-z][^<>]{0,500}\son[a-z]{3,15}\s{0,3}=|\bjavascript:\s{0,3}[\w.]{1,40}\(|\bdata:text/html[;,]",
    re.IGNORECASE,
)
INJECTION = re.compile(
    r"\b(?:ignore|disregard|forget|override)\s+(?:(?:all|any|every|the|your|my|of|these|those)\s+){0,3}"
    r"(?:previous|prior|above|earlier|preceding|foregoing)\s+(?:instruction|prompt|rule|direction|message|command|guideline)s?\b"
    r"|\b(?:reveal|print|show|repeat|output)\s+(?:me\s+)?(?:your|the)\s+(?:hidden\s+|full\s+|entire\s+|initial\s+)?system\s+prompt\b"
    r"|\byou are now (?:dan\b|in (?:developer|jailbreak|god) mode)"
    r"|\b(?:ignorier|vergiss|vergess|missacht|verwirf)\w*\s+(?:sie\s+)?(?:(?:alle|die|deine|ihre|s\u00e4mtliche)\s+){0,2}"
    r"(?:vorherigen|vorigen|vorhergehenden|bisherigen|obigen|fr\u00fcheren)\s+(?:anweisung|instruktion|befehl|regel|vorgabe)\w*"
    r"|\b(?:ignor|oubli)\w+\s+(?:toutes\s+)?(?:les|vos|tes|ces)\s+(?:instruction|consigne|r\u00e8gle|directive)s?"
    r"\s+(?:pr\u00e9c\u00e9dente|ant\u00e9rieure|ci-dessus)s?"
    r"|\b(?:ignor|olvid|omit)\w+\s+(?:todas\s+)?(?:las|tus|sus)\s+(?:instrucciones|\u00f3rdenes|reglas|indicaciones)\s+(?:anteriores|previas)"
    r"|\b(?:ignor|dimentic)\w+\s+(?:tutte\s+)?(?:le|tue|sue)\s+(?:istruzioni|regole|indicazioni)\s+precedenti"
    r"|\b(?:ignor|esque\u00e7)\w+\s+(?:todas\s+)?(?:as|suas)\s+(?:instru\u00e7\u00f5es|regras)\s+anteriores"
    r"|\bигнорируй\w*\s+(?:все\s+)?(?:предыдущие|прежние)\s+(?:инструкции|указания)"
    r"|忽略(?:掉)?(?:之前|以上|前面|先前|上述)(?:的)?(?:所有|全部)?(?:指令|指示|说明|提示)"
    r"|(?:以前|これまで|上記)の(?:すべての)?(?:指示|命令)を(?:無視|忘れ)",
    re.IGNORECASE,
)


# A text without any of these needs no closer look, which takes far longer.
STEMS = (
    "ignor", "disregard", "forget", "overrid", "system prompt", "you are now", "vergiss", "vergess", "missacht", "verwirf",
    "oubli", "olvid", "omit", "dimentic", "esqueç", "игнор", "忽略", "指示を", "命令を",
)


def _injects(text: str) -> bool:
    lower = text.lower()
    return any(stem in lower for stem in STEMS) and bool(INJECTION.search(text))


def script_or_injection(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows with text that a browser would run or that tells a model to drop its instructions."""
    for example in dataset:
        for place, text in places(example):
            if ("<" in text or "javascript:" in text.lower() or "data:" in text) and SCRIPT.search(text):
                yield Remark(example.row_id, f"{place} has script that a browser would run")
            if place != "the system turn" and _injects(text):
                yield Remark(example.row_id, f"{place} tells a model to drop its instructions")


# Turns


def turns(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose turns are in an unusual order, empty, very many, or under instructions that other rows don't have."""
    systems = Counter(_system(e) for e in dataset)
    usual, most = systems.most_common(1)[0] if systems else ("", 0)
    for example in dataset:
        roles = [role for role, _ in example.messages]
        system = _system(example)
        if system != usual and most >= 0.9 * len(dataset) and systems[system] <= max(2, 0.01 * len(dataset)):
            if usual and system:
                how = "its system turn differs from the usual one"
            else:
                how = f"has {'a' if system else 'no'} system turn, as few rows do"
            yield Remark(example.row_id, f"{how} ({_number(systems[system], 'row')} of {len(dataset):,})")
        twice = next((a for a, b in zip(roles, roles[1:], strict=False) if a == b), None)
        if twice:
            yield Remark(example.row_id, f"two {twice} turns in a row")
        if "system" in roles[1:]:
            yield Remark(example.row_id, "a system turn in the middle")
        if any(not content.strip() for _, content in example.messages):
            yield Remark(example.row_id, "a turn is empty" if example.input.strip() else "the input is empty")
        if len(roles) > MANY_TURNS:
            yield Remark(example.row_id, f"{len(roles)} turns before the answer")


def _system(example: Example) -> str:
    return example.messages[0][1].strip() if example.messages[0][0] == "system" else ""


# White space

BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){3,}")


def without_padding(text: str) -> str:
    """The text without white space around it and without runs of three or more empty lines. Code keeps its indentation."""
    bare = text.rstrip()
    lines = bare.lstrip("\r\n").splitlines()
    indented = any(line[:1] in (" ", "\t") for line in lines[1:])
    bare = re.sub(r"\A(?:[ \t]*\r?\n)+", "", bare) if indented else bare.lstrip()
    return "".join(part if code else BLANK_LINES.sub("\n\n", part) for code, part in _outside_code(bare))


def padding(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows with white space around a text or with runs of empty lines in it."""
    for example in dataset:
        for place, text in places(example):
            if text.strip() and (extra := len(text) - len(without_padding(text))):
                yield Remark(example.row_id, f"{_number(extra, 'character')} of needless white space in {place}")


def _fix(change: Callable[[str], str], how: str) -> Callable[[Example], Example]:
    return lambda example: example.with_texts(change, how)


CHECKS = (
    Check("control tokens", "The model would learn to print its own control tokens, or to stop where it should not.", FAULT, "fix",
          control_tokens, _fix_control_tokens),
    Check("garbled text", "Text decoded wrongly teaches letters that no language has.", FAULT, "fix",
          garbled_text, _fix_garbled),
    Check("hidden characters", "Words with hidden characters are other words to the model, and can hide instructions.", FAULT, "fix",
          hidden_characters, _fix(without_hidden_characters, "hidden characters removed")),
    Check("pasted HTML", "Tags copied along with a text teach the model to write tags.", FAULT, "fix", pasted_html, _fix_html),
    Check("padding", "White space that says nothing takes room and is learnt like words.", FAULT, "fix",
          padding, _fix(without_padding, "white space trimmed")),
    Check("possible control tokens", "Control tokens are learnt as text; only where they are spoken of is that right.", REVIEW, "keep",
          possible_control_tokens, _fix(_without_any_token, "control tokens removed")),
    Check("possible garbled text", "Text decoded wrongly is only right to learn where it is the matter.", REVIEW, "keep",
          possible_garbled_text, _fix(_ungarbled, "encoding put right")),
    Check("terminal codes", "Codes for a terminal's colours are learnt as text.", REVIEW, "keep",
          terminal_codes, _fix(_without_colours, "terminal codes removed")),
    Check("lost characters", "Where characters are lost the model learns the gap.", REVIEW, "keep", lost_characters),
    Check("markup", "Markup is learnt as part of the answer; only where it is meant is that right.", REVIEW, "keep", markup),
    Check("script or injection", "Text that wants to be run or obeyed may have been planted.", REVIEW, "keep", script_or_injection),
    Check("turns", "A conversation unlike the others teaches an order of turns that will not come up again.", REVIEW, "keep", turns),
)
