"""Writes the frozen lists of names beside this file from Faker's (MIT licence); run by hand, not by the workbench.

In an environment of its own with Faker installed: `python make_names.py`.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import textwrap
import unicodedata
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).parent
LATIN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
# The most a list may hold, so that each file stays small; the names of the most languages go in first.
MOST_LETTERS = 225_000
SHARED = 4


def values(provider: type, what: str) -> set[str]:
    """All entries of a provider's lists whose attribute's name begins with `what`."""
    found: set[str] = set()
    for attribute in dir(provider):
        entries = getattr(provider, attribute)
        if attribute.startswith(what) and isinstance(entries, tuple | list | dict | set | frozenset):
            found |= {entry for entry in entries if isinstance(entry, str)}
    return found


def collect(room: str, what: tuple[str, ...], whole: bool = False) -> dict[str, set[str]]:
    """Each word of the wanted lists of one kind of provider, to the languages that have it; Latin script only.

    `whole` leaves out entries of several words: "Santa Maria" makes neither of the two a place.
    """
    package = importlib.import_module(f"faker.providers.{room}")
    found: dict[str, set[str]] = defaultdict(set)
    for module in pkgutil.iter_modules(package.__path__):
        provider = importlib.import_module(f"faker.providers.{room}.{module.name}").Provider
        for name in what:
            for entry in values(provider, name):
                if whole and " " in entry:
                    continue
                for word in LATIN.findall(unicodedata.normalize("NFC", entry)):
                    if "LATIN" in unicodedata.name(word[0], ""):
                        found[word.casefold()].add(module.name.split("_")[0])
    return found


def write(name: str, words: dict[str, set[str]] | set[str]) -> None:
    """A JSON list of lines, each with some words, in order: small, and readable when it changes."""
    ranked = sorted(words, key=lambda word: (-len(words[word]) if isinstance(words, dict) else 0, word))
    kept, letters = [], 0
    for word in ranked:
        letters += len(word.encode("utf-8")) + 1
        if letters > MOST_LETTERS:
            break
        kept.append(word)
    lines = textwrap.wrap(" ".join(sorted(kept)), 110, break_long_words=False, break_on_hyphens=False)
    text = json.dumps(lines, ensure_ascii=False, indent=0) + "\n"
    (HERE / name).write_text(text, encoding="utf-8", newline="\n")


def main() -> None:
    """Write first_names.json, last_names.json and common_words.json."""
    first = {w: l for w, l in collect("person", ("first_name",)).items() if len(w) > 1}
    last = {w: l for w, l in collect("person", ("last_name",)).items() if len(w) > 1}
    prose = collect("lorem", ("word_list", "common_words", "parts_of_speech"))
    places = set(collect("address", ("city", "cities", "countr", "state", "province", "counties"), whole=True))
    write("first_names.json", first)
    write("last_names.json", last)
    names = first.keys() | last.keys()
    # A name that many languages share is one, even where some town or some rare word is called the same.
    common = {word for word, where in prose.items() if "en" in where or len(first.get(word, ())) < SHARED}
    common |= {word for word in places if len(first.get(word, ())) < SHARED}
    write("common_words.json", common & names)


if __name__ == "__main__":
    main()
