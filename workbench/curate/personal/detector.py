"""Detectors: the rules of this package, and names from a spaCy model where one is installed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from workbench.curate.personal.credentials import credentials, quoted_credentials
from workbench.curate.personal.identities import identities
from workbench.curate.personal.numbers import cards, emails, ibans, network, phones
from workbench.curate.personal.people import people
from workbench.curate.personal.places import details, places
from workbench.curate.personal.spans import MASK, REVIEW, Detector, Span, resolve
from workbench.curate.personal.view import view
from workbench.errors import Prerequisite

# A number shorter than these is no telephone number, and no id, IBAN or card.
PHONE_DIGITS, ID_DIGITS, LONG_DIGITS = 6, 4, 12
# spaCy refuses texts of a million characters; pieces keep its memory small.
PIECE = 50_000
MOST_NAME_LETTERS, MOST_NAME_WORDS = 60, 5


@dataclass(frozen=True)
class Rules:
    """The workbench's own rules.

    Attributes:
        regions: country codes such as "DE", whose telephone numbers are known without a leading +.
    """

    regions: tuple[str, ...] = ()

    def find(self, text: str) -> list[Span]:
        """All spans, in order, none overlapping."""
        return self._find(text, loose=True)

    def sure(self, text: str) -> list[Span]:
        """Those of the tier "mask" alone, which is several times as quick."""
        return self._find(text, loose=False)

    def _find(self, text: str, loose: bool) -> list[Span]:
        seen = view(text)
        spans = [*self._structured(seen.text, loose)]
        if loose:
            spans += [*people(seen.text), *places(seen.text), *details(seen.text)]
        # Which quote ends a string, only the text as it is written tells.
        return resolve([*quoted_credentials(text), *(seen.back(span) for span in spans)])

    def _structured(self, text: str, loose: bool) -> Iterator[Span]:
        yield from emails(text)
        yield from credentials(text)
        if ":" in text or "." in text or "-" in text:
            yield from network(text)
        digits = sum(map(str.isdigit, text))
        if digits >= LONG_DIGITS:
            yield from cards(text)
        if digits >= ID_DIGITS:
            yield from ibans(text)
            yield from identities(text, loose)
        if digits >= PHONE_DIGITS:
            yield from phones(text, self.regions, loose)


@dataclass(frozen=True)
class SpacyNames:
    """Names of persons from a spaCy pipeline, all for review.

    Attributes:
        model: an installed model package, or the path of a model's folder.
    """

    model: str

    @cached_property
    def _pipeline(self) -> Any:
        try:
            import spacy
        except ImportError as error:
            raise Prerequisite(
                "The package spacy is not installed, so its models can't look for names. "
                "Install it, or use the rules alone."
            ) from error
        try:
            return spacy.load(self.model, exclude=["tagger", "parser", "lemmatizer", "attribute_ruler", "morphologizer"])
        except (OSError, ValueError, ImportError) as error:
            raise Prerequisite(
                f"The spaCy model {self.model!r} is not installed or does not fit this version of spaCy. "
                "Install a model, or give the path of its folder, or use the rules alone."
            ) from error

    def find(self, text: str) -> list[Span]:
        """The model's persons, less what can't be a name.

        Raises:
            Prerequisite: spaCy or the model is not there.
        """
        found = []
        for at, piece in _pieces(text):
            for entity in self._pipeline(piece).ents:
                if entity.label_ in ("PERSON", "PER") and _may_be_a_name(entity.text):
                    start, end = at + entity.start_char, at + entity.end_char
                    found.append(Span(start, end, "PERSON", REVIEW, "name from a spaCy model"))
        return resolve(found)


@dataclass(frozen=True)
class WithNames:
    """Rules and a model for names together; where both find something, the rules' sure finds win.

    Attributes:
        rules: the first detector.
        names: the second, such as `SpacyNames`.
    """

    rules: Detector = field(default_factory=Rules)
    names: Detector = field(default_factory=lambda: SpacyNames("en_core_web_sm"))

    def find(self, text: str) -> list[Span]:
        """The spans of both, in order, none overlapping."""
        return resolve([*self.rules.find(text), *self.names.find(text)])


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    at = 0
    while at < len(text):
        end = at + PIECE
        if end < len(text):
            end = max(text.rfind(" ", at + PIECE // 2, end), text.rfind("\n", at + PIECE // 2, end)) + 1 or end
        yield at, text[at:end]
        at = end


def _may_be_a_name(text: str) -> bool:
    words = text.split()
    if not 1 < len(text) <= MOST_NAME_LETTERS or not 0 < len(words) <= MOST_NAME_WORDS:
        return False
    if re.search(r"[\d_@/\\<>{}=]", text):
        return False
    return words[0][0].isupper() and words[-1][0].isupper() and (len(words) > 1 or not text.isupper())


def find_personal(text: str, regions: tuple[str, ...] = ()) -> list[Span]:
    """Where personal data and secrets stand.

    Args:
        text: any text.
        regions: country codes such as "DE", whose telephone numbers are known without a leading +.

    Returns:
        The spans in order, none overlapping; those of the tier "mask" are sure, those of "review" want a person's eye.
    """
    return Rules(tuple(regions)).find(text)


def select(spans: list[Span], tiers: tuple[str, ...] = (MASK,)) -> list[Span]:
    """The spans of these tiers."""
    return [span for span in spans if span.tier in tiers]
