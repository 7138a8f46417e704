"""Examples and data sets: rows that know where they came from, and a hash of what is in them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from workbench.errors import BadInput
from workbench.files import fingerprint, read_jsonl, write_jsonl
from workbench.result import Result

if TYPE_CHECKING:
    import pandas

# Punctuation that is meant: a minus or a hyphen beside a digit, a grade such as "A-", C#, 5 * 3, 5 / 3, 5 %.
MEANT = re.compile(r"-(?=\s*\d)|(?<=\d)-|(?<=\d )-|(?<=\w)-(?!\s*\w)|(?<=\w)#|(?:(?<=\d)|(?<=\d ))[*/](?=\s*\d)|[%&@]")
NO_WORD = re.compile(r"[^\w\s]")
ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class Example:
    """One example: the turns the model is given and the answer it should give.

    Attributes:
        row_id: unique in its data set, and kept through every step.
        messages: the turns before the answer, as (role, content) pairs; the last is the user's.
        answer: the text to be learnt or matched.
        provenance: where the row came from (source, line, sha256), on what terms (licence, legal_basis), whom it is
            about (subject_ids, keyed hashes) and what was done to it (transformations).
        rejected: of a preference pair, the answer that was not preferred; empty for other rows.
    """

    row_id: str
    messages: tuple[tuple[str, str], ...]
    answer: str
    provenance: dict = field(default_factory=dict)
    rejected: str = ""

    @property
    def texts(self) -> list[str]:
        """Every text of the row: the turns, the answer and the rejected answer if there is one."""
        return [content for _, content in self.messages] + [self.answer] + ([self.rejected] if self.rejected else [])

    @property
    def text_hash(self) -> str:
        """A hash of the texts alone: the same row in a newer version of the file has the same one."""
        return fingerprint([self.messages, self.answer, self.rejected])

    @property
    def input(self) -> str:
        """The text of the last user turn."""
        return self.messages[-1][1]

    def changed(
        self, messages: tuple[tuple[str, str], ...], answer: str, how: str, rejected: str | None = None
    ) -> Example:
        """A copy with other text; `how` is added to the transformations in its provenance."""
        provenance = {**self.provenance, "transformations": [*self.provenance.get("transformations", []), how]}
        rejected = self.rejected if rejected is None else rejected
        return replace(self, messages=messages, answer=answer, rejected=rejected, provenance=provenance)

    def with_texts(self, change: Callable[[str], str], how: str) -> Example:
        """A copy with every text changed alike, or the row itself where nothing changes."""
        messages = tuple((role, change(content)) for role, content in self.messages)
        answer, rejected = change(self.answer), change(self.rejected)
        if (messages, answer, rejected) == (self.messages, self.answer, self.rejected):
            return self
        return self.changed(messages, answer, how, rejected)

    def to_dict(self) -> dict:
        """The row as it stands in a JSONL file."""
        turns = [{"role": role, "content": content} for role, content in self.messages]
        row = {"row_id": self.row_id, "messages": turns, "answer": self.answer, "provenance": self.provenance}
        return {**row, "rejected": self.rejected} if self.rejected else row

    @classmethod
    def from_dict(cls, row: dict) -> Self:
        """The inverse of `to_dict`."""
        turns = tuple((turn["role"], turn["content"]) for turn in row["messages"])
        return cls(row["row_id"], turns, row["answer"], row.get("provenance", {}), row.get("rejected", ""))


@dataclass(frozen=True, repr=False)
class Dataset(Result):
    """An ordered set of examples under a name (such as "train")."""

    name: str
    examples: tuple[Example, ...]

    def __post_init__(self) -> None:
        ids = [example.row_id for example in self.examples]
        if len(set(ids)) != len(ids):
            double = next(row_id for row_id in ids if ids.count(row_id) > 1)
            raise BadInput(f"Row id {double!r} occurs twice in {self.name!r}; ids tell rows apart, so each must be unique.")

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[Example]:
        return iter(self.examples)

    def __repr__(self) -> str:
        return f"Dataset {self.name!r}: {len(self)} rows, fingerprint {self.fingerprint}"

    @cached_property
    def fingerprint(self) -> str:
        """A hash of ids, turns and answers in order. Provenance is not part of it."""
        return fingerprint(
            [[e.row_id, e.messages, e.answer, e.rejected] if e.rejected else [e.row_id, e.messages, e.answer] for e in self.examples]
        )

    def select(self, keep: Callable[[Example], bool], name: str | None = None) -> Dataset:
        """The examples for which `keep` is true, in the same order."""
        return Dataset(name or self.name, tuple(e for e in self.examples if keep(e)))

    def head(self, n: int) -> Dataset:
        """The first `n` examples."""
        return Dataset(self.name, self.examples[:n])

    def table(self) -> pandas.DataFrame:
        """One row an example: id, input, answer, source line."""
        import pandas

        return pandas.DataFrame(
            [
                {"row": e.row_id, "input": e.input, "answer": e.answer, "line": e.provenance.get("line")}
                for e in self.examples
            ],
            columns=["row", "input", "answer", "line"],
        )

    def _repr_html_(self) -> str:
        return self.head(5)._head_html(repr(self))

    def _head_html(self, caption: str) -> str:
        from workbench.result import html_table

        return html_table(self.table(), caption=caption)

    def save(self, path: Path) -> Path:
        """Write JSONL, one example a line."""
        return write_jsonl(path, (e.to_dict() for e in self.examples))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote; the name is the file's."""
        return cls(Path(path).stem, tuple(Example.from_dict(row) for row in read_jsonl(path)))


def normalise(text: str) -> str:
    """Text as duplicates are compared: NFKC, lower case, no punctuation, single spaces.

    Signs that carry meaning stay: operators, currencies, emoji, and marks that are part of a letter.
    """
    text = unicodedata.normalize("NFKC", text).casefold().replace("\u2212", "-")

    def kept(found: re.Match) -> str:
        character = found.group()
        if MEANT.match(text, found.start()) or _is_symbol(character):
            return f" {character} "
        return character if unicodedata.category(character)[0] == "M" else " "

    # Letters, digits and the underscore stay; only what is none of these is looked at, as that is far quicker.
    plain = NO_WORD.sub(kept, text)
    # Text of punctuation alone has no words; it is then compared as it stands.
    return " ".join(plain.split()) or text.strip()


def _is_symbol(character: str) -> bool:
    return unicodedata.category(character) in ("Sm", "Sc", "So")
