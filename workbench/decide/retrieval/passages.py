"""Documents cut into passages: short enough to stand in a prompt, each under a name that an answer can cite."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from workbench.curate.reading import Document

WORDS = 120
# A sentence longer than this is no sentence but a table or a list; repeating it would be half of the next piece.
LONGEST_OVERLAP = 40
LONGEST_ID = 40
HEADING = re.compile(r" {0,3}#{1,6}[ \t]+")
FENCE = re.compile(r" {0,3}(```|~~~)")
# Letters that end in a number, such as travel-4, BH-06 or remote_work-2. A bare number ("3.1 Scope") is in every document.
LIKE_AN_ID = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*\d[a-z]?")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[^\W\d_a-z]|\d|[\"'(\[])|(?<=[。！？])")
BLANK_LINES = re.compile(r"\n\s*\n")


@dataclass(frozen=True)
class Passage:
    """A piece of a document.

    Attributes:
        passage_id: unique among the passages, of letters, digits and ._- alone, so that it can stand in square brackets.
        document: the name of the document.
        title: its heading, or the document's name without an ending.
        text: one line, since passages are shown line by line and none may look like two.
    """

    passage_id: str
    document: str
    title: str
    text: str

    @property
    def searched(self) -> str:
        """What is searched: the title and the text."""
        return self.text if self.title == self.passage_id and self.title in self.text else f"{self.title}: {self.text}"

    @property
    def shown(self) -> str:
        """The passage as it stands in a prompt: [id] title: text."""
        return f"[{self.passage_id}] {self.searched}"


@dataclass(frozen=True)
class _Piece:
    document: str
    named: str
    title: str
    text: str


def passages_of(documents: Iterable[Document]) -> list[Passage]:
    """The passages of documents, in their order; a document without a word has none (`documents_without` names it).

    Markdown is cut at its headings. A heading that starts with an id ("travel-4 Meals on a trip") gives that id to its
    passage; others are numbered within their document. Text without headings (also of PDFs), and a section much longer
    than others, is cut at paragraphs into pieces of about 120 words. A piece starts with the last sentence of the one
    before: a sentence such as "It costs 5 euros." says nothing without the one before it.
    """
    pieces = [piece for document in documents for piece in _pieces(document)]
    # Ids that people gave come first: a number that is counted out must not take one of them.
    used: set[str] = set()
    named = [_unused(piece.named, used) if piece.named else "" for piece in pieces]
    counts: dict[str, int] = {}
    passages = []
    for piece, passage_id in zip(pieces, named, strict=True):
        passage_id = passage_id or _counted(_safe(_stem(piece.document)) or "document", counts, used)
        passages.append(Passage(passage_id, piece.document, piece.title or passage_id, piece.text))
    return passages


def documents_without(documents: Iterable[Document], passages: Iterable[Passage]) -> list[str]:
    """The names of documents that gave no passage: they have headings at most."""
    cut = {passage.document for passage in passages}
    return [document.name for document in documents if document.name not in cut]


def _pieces(document: Document) -> Iterator[_Piece]:
    markdown = document.name.lower().endswith(".md")
    for heading, body in _sections(document.text) if markdown else [("", document.text)]:
        first, _, rest = heading.partition(" ")
        named = first.rstrip(":.") if len(first) <= LONGEST_ID and LIKE_AN_ID.fullmatch(first.rstrip(":.")) else ""
        title = (rest.strip() if named else heading) or named or _stem(document.name)
        for text in _cut(body):
            yield _Piece(document.name, named, title, text)


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """Yield (heading, what stands beneath it until the next one). A # in a block of code is no heading."""
    heading, lines, fence = "", [], ""
    for line in text.split("\n"):
        mark = FENCE.match(line)
        if mark:
            fence = mark[1] if not fence else "" if fence == mark[1] else fence
        found = None if fence else HEADING.match(line)
        if found:
            yield heading, "\n".join(lines)
            words = line[found.end() :].split()
            # Markdown lets a heading end as it starts, with a # or more.
            heading, lines = " ".join(words[:-1] if words and not words[-1].strip("#") else words), []
        else:
            lines.append(line)
    yield heading, "\n".join(lines)


def _cut(text: str) -> Iterator[str]:
    """Yield pieces of about WORDS words, each one line."""
    held: list[str] = []
    size = fresh = 0
    for part in _parts(text):
        length = len(part.split())
        if fresh and size + length > WORDS:
            yield " ".join(held)
            last = SENTENCE_END.split(held[-1])[-1]
            held = [last] if len(last.split()) <= LONGEST_OVERLAP and len(last.split()) + length <= WORDS else []
            size, fresh = sum(len(h.split()) for h in held), 0
        held.append(part)
        size, fresh = size + length, fresh + 1
    # What has no letter or digit, such as a ruler of hyphens, says nothing.
    if fresh and re.search(r"[^\W_]", " ".join(held)):
        yield " ".join(held)


def _parts(text: str) -> Iterator[str]:
    """Yield paragraphs; of one that is too long, its sentences; of such a sentence, its runs of words."""
    for paragraph in BLANK_LINES.split(text):
        words = paragraph.split()
        if len(words) <= WORDS:
            yield from [" ".join(words)] if words else []
            continue
        for sentence in SENTENCE_END.split(" ".join(words)):
            run = sentence.split()
            yield from (" ".join(run[i : i + WORDS]) for i in range(0, len(run), WORDS))


def _stem(name: str) -> str:
    return re.sub(r"\.[A-Za-z0-9]{1,5}$", "", name.rsplit("/", 1)[-1])


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name)[: LONGEST_ID - 10].strip("-.")


def _counted(stem: str, counts: dict[str, int], used: set[str]) -> str:
    """The next free of stem-1, stem-2 ..."""
    while True:
        counts[stem] = counts.get(stem, 0) + 1
        found = f"{stem}-{counts[stem]}"
        if found.casefold() not in used:
            return _unused(found, used)


def _unused(wanted: str, used: set[str]) -> str:
    """The id, or with .2, .3 ... behind it; capitals don't tell two apart, since answers get them wrong."""
    found, number = wanted, 1
    while found.casefold() in used:
        number += 1
        found = f"{wanted}.{number}"
    used.add(found.casefold())
    return found
