"""What the generators of the sample data share: planting common faults, checking rows, writing files.

A generator makes clean rows, plants faults among them with a `Planter`, numbers the rows, checks them and
writes them. Only the standard library is used, and the same random numbers give the same bytes.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

# example.com, example.org and example.net are reserved for documentation (RFC 2606).
EMAILS = ["green.door@example.com", "p.hill@example.org", "attic42@example.net", "second.shelf@example.com",
          "mail+home@example.org", "long_road@example.net"]
# 202-555-01xx and 020 7946 0xxx are set aside for fiction.
PHONES = ["+1 202 555 0106", "+44 20 7946 0321", "+1-202-555-0182", "+44 20 7946 0754"]

REFUSALS = [
    "As an AI language model, I cannot help with that request.",
    "I'm sorry, but I can't assist with this.",
    "As an AI, I do not have access to that information.",
    "I cannot provide an answer to this question, as it may be confidential.",
]
BOILERPLATE = [
    "Sure! Here is the answer: {answer}",
    "Certainly! {answer} I hope this helps!",
    "Great question! {answer} Let me know if you need anything else.",
    "Here is a possible answer: {answer}",
]
FILLERS = ["Hi, {text}", "{text} Thanks.", "Well, {text}", "{text} Cheers.", "So, {text}", "{text} Thank you.",
           "Hello, {text}", "Okay, {text}"]
PASTED_HTML = [
    '<div class="msg"><p>{text}</p><br>&nbsp;</div>',
    '<p style="margin:0">{text}</p><span class="sig">Sent from the web form</span>',
]
# Written as UTF-8 and read as cp1252, each of these turns into a row of odd characters.
ACCENTED = ["It’s me again – I wrote this at the café.", "That’s all – see you at the fête."]
CHAT_TOKENS = ["<|im_end|>", "<|im_start|>assistant"]
OVERLONG_WORDS = 8000

RUN_LENGTH = 6  # words; no run of this length may be in both training and test
MOST_ALIKE = 0.7  # clean rows with one answer share at most this much of their word pairs


@dataclass(eq=False)
class Row:
    """One row of a table.

    Attributes:
        cells: column name to text.
        facts: what the generator knows about the row and no column holds.
        fault: the name of its planted fault, or nothing.
        partner: the row that a planted row repeats, or is repeated by.
        is_original: a planted row repeats this one, so it takes no fault itself.
        line_style: "" or how its line in the file is broken: "comma without quotes" or "cell left out".
        row_id: given when the rows are numbered.
        line: its line in the file; the header is line 1.
    """

    cells: dict[str, str]
    facts: dict = field(default_factory=dict)
    fault: str = ""
    partner: Row | None = None
    is_original: bool = False
    line_style: str = ""
    row_id: str = ""
    line: int = 0

    def copy(self, fault: str, **changes: str) -> Row:
        """A new row with the same cells but for `changes`; its partner is this row."""
        return Row({**self.cells, **changes}, self.facts, fault, self)


class Deck:
    """Deals the given items in random order, and all of them before any repeats."""

    def __init__(self, items: Iterable, rng: random.Random) -> None:
        self.items, self.rng, self.pile = list(items), rng, []

    def deal(self):
        """The next item."""
        if not self.pile:
            self.pile = list(self.items)
            self.rng.shuffle(self.pile)
        return self.pile.pop()


@dataclass(frozen=True)
class Table:
    """The columns of a table: all of them in order, and which hold the id, the input and the answer."""

    header: tuple[str, ...]
    id: str
    input: str
    answer: str


class Planter:
    """Plants faults among the rows of a table, never two in one row."""

    def __init__(self, table: Table, rows: list[Row], rng: random.Random) -> None:
        self.table, self.rows, self.rng = table, rows, rng

    def take(self, count: int, suits: Callable[[Row], bool] = lambda row: True) -> list[Row]:
        """Clean rows that no fault and no copy has used yet, chosen at random.

        Raises:
            ValueError: there are fewer than `count` that suit.
        """
        return self.rng.sample([r for r in self.rows if not r.fault and not r.is_original and suits(r)], count)

    def spoil(self, fault: str, column: str, spoilers: Sequence[Callable[[Row], str]],
              suits: Callable[[Row], bool] = lambda row: True) -> None:
        """Replace one cell in as many rows as there are spoilers."""
        for row, spoil in zip(self.take(len(spoilers), suits), spoilers, strict=True):
            row.cells[column], row.fault = spoil(row), fault

    def insert(self, row: Row, behind: Row | None = None) -> None:
        """Put a row at a random place, behind another one if told."""
        first = 0 if behind is None else next(i for i, r in enumerate(self.rows) if r is behind) + 1
        self.rows.insert(self.rng.randint(first, len(self.rows)), row)

    def duplicates(self, count: int) -> None:
        """Copies behind their originals, word for word but for white space and case in the last two."""
        restyles = [str] * (count - 2) + [str.upper, lambda text: f" {text}  "]
        for original, restyle in zip(self.take(count), restyles, strict=True):
            original.is_original = True
            copy = original.copy("duplicate", **{self.table.input: restyle(original.cells[self.table.input])})
            self.insert(copy, original)

    def near_duplicates(self, count: int) -> None:
        """Copies behind their originals with a filler word or two more and the same answer."""
        fillers = Deck(FILLERS, self.rng)
        for original in self.take(count):
            original.is_original = True
            self.insert(self.filled("near_duplicate", original, fillers), original)

    def filled(self, fault: str, original: Row, fillers: Deck) -> Row:
        """A copy of the row with filler words around its input."""
        filler, text = fillers.deal(), original.cells[self.table.input]
        if not filler.startswith("{") and not re.match(r"I\b|[A-Z]{2}", text):
            text = text[0].lower() + text[1:]
        text = filler.format(text=text)
        return original.copy(fault, **{self.table.input: text})

    def contradictions(self, count: int, other_answer: Callable[[Row], str],
                       suits: Callable[[Row], bool] = lambda row: True) -> None:
        """Pairs of rows with one input and two answers."""
        for row in self.take(count, suits):
            other = row.copy("contradiction", **{self.table.answer: other_answer(row)})
            row.fault, row.partner = "contradiction", other
            self.insert(other)

    def test_leaks(self, test_rows: list[Row], exact: int, near: int) -> None:
        """Copies of test rows among the training rows: some word for word, some with filler words."""
        leaked = self.rng.sample(test_rows, exact + near)
        for row in leaked[:exact]:
            self.insert(row.copy("test_leak"))
        for row in leaked[exact:]:
            self.insert(self.filled("near_test_leak", row, Deck(FILLERS, self.rng)))

    def empty_answers(self, count: int) -> None:
        """Rows without an answer."""
        self.spoil("empty_answer", self.table.answer, [lambda row: ""] * count)

    def truncated_answers(self, count: int, fewest_words: int) -> None:
        """Answers cut in the middle: the last third of their words is gone."""
        def cut(row: Row) -> str:
            words = row.cells[self.table.answer].split()
            return " ".join(words[: len(words) - max(1, len(words) // 3)])

        def suits(row: Row) -> bool:
            words = row.cells[self.table.answer].split()
            return len(words) >= fewest_words and cut(row)[-1].isalpha() and len(words[-1]) > 2

        self.spoil("truncated_answer", self.table.answer, [cut] * count, suits)

    def refusals(self, count: int) -> None:
        """Answers in which an assistant declines."""
        deck = Deck(REFUSALS, self.rng)
        self.spoil("refusal", self.table.answer, [lambda row: deck.deal()] * count)

    def boilerplate(self, count: int) -> None:
        """Right answers wrapped in an assistant's chatter."""
        deck = Deck(BOILERPLATE, self.rng)
        self.spoil("boilerplate", self.table.answer,
                   [lambda row: deck.deal().format(answer=row.cells[self.table.answer])] * count)

    def contacts(self, fault: str, sentences: list[str], contacts: list[str]) -> None:
        """Add a sentence with an e-mail address or a phone number to the input."""
        deck = Deck(sentences, self.rng)
        self.spoil(fault, self.table.input, [
            lambda row, contact=contact: f"{row.cells[self.table.input]} {deck.deal().format(contact=contact)}"
            for contact in contacts
        ])

    def html(self) -> None:
        """Inputs pasted with their markup."""
        self.spoil("html", self.table.input,
                   [lambda row, form=form: form.format(text=row.cells[self.table.input]) for form in PASTED_HTML])

    def mojibake(self) -> None:
        """Inputs whose UTF-8 bytes were read as cp1252."""
        self.spoil("mojibake", self.table.input, [
            lambda row, more=more: f"{row.cells[self.table.input]} {more}".encode().decode("cp1252")
            for more in ACCENTED
        ])

    def chat_tokens(self) -> None:
        """Control tokens of a chat template: one in an input, one in an answer."""
        for column, token in zip((self.table.input, self.table.answer), CHAT_TOKENS, strict=True):
            self.spoil("chat_tokens", column, [lambda row, c=column, t=token: f"{row.cells[c]} {t}"])

    def overlong(self) -> None:
        """One input of 8,000 words: somebody pasted a log behind the message."""
        def lengthen(row: Row) -> str:
            words = row.cells[self.table.input].split()
            line = 0
            while len(words) < OVERLONG_WORDS:
                line += 1
                words += f"line {line} of the log ok;".split()
            return " ".join(words[:OVERLONG_WORDS])

        self.spoil("overlong", self.table.input, [lengthen])

    def wrong_language(self, entries: list[dict[str, dict[str, str]]]) -> None:
        """Rows in another language: each entry says "where" (cells a row must have) and what to "write" in it."""
        for entry in entries:
            [row] = self.take(1, lambda row, where=entry["where"]: where.items() <= row.cells.items())
            row.cells, row.fault = {**row.cells, **entry["write"]}, "wrong_language"

    def wrong_cell_counts(self, left_out: str) -> None:
        """One row whose input has a comma but no quotes, one row without the cell of a column."""
        def one_comma(row: Row) -> bool:
            others = "".join(text for name, text in row.cells.items() if name != self.table.input)
            return row.cells[self.table.input].count(",") == 1 and '"' not in row.cells[self.table.input] + others

        [row] = self.take(1, one_comma)
        row.fault, row.line_style = "wrong_cell_count", "comma without quotes"
        [row] = self.take(1, lambda row: bool(row.cells[left_out]))
        row.fault, row.line_style, row.facts = "wrong_cell_count", "cell left out", {**row.facts, "left_out": left_out}


# What each common fault does to a model; a generator adds the reasons of its own faults.
REASONS = {
    "duplicate": "The same row once more (2 of them differ only in upper case or white space). The model sees it twice "
                 "as often as the others, and a random split can put one copy into training and one into validation.",
    "near_duplicate": "An earlier row once more with a filler word or two. It counts twice and can be in training and "
                      "validation at once, and a search for equal rows does not see it.",
    "contradiction": "Pairs of rows with the same input and different answers. No model can get both right; training "
                     "pulls in two directions.",
    "empty_answer": "The answer is empty. The model learns to say nothing.",
    "truncated_answer": "The answer is cut off in the middle. The model learns to stop too early.",
    "refusal": "The answer is an assistant's refusal. The model learns to decline what it should do.",
    "boilerplate": "The answer is wrapped in an assistant's chatter. The model learns the chatter.",
    "email": "The input holds an e-mail address: personal data that a model can memorise.",
    "phone": "The input holds a phone number: personal data that a model can memorise.",
    "html": "The input was pasted with its HTML. The model learns from markup that users never send.",
    "mojibake": "The input was written as UTF-8 and read as cp1252. The model learns from garbled characters.",
    "chat_tokens": "A control token of a chat template stands in the text. It can end a turn early or forge one.",
    "wrong_language": "The row is in German and all others are in English. The model may answer in the wrong language.",
    "overlong": "The input has 8,000 words. It does not fit the model's window, and cutting it may cut the answer off.",
    "wrong_cell_count": "The line has one cell too many or too few (a comma without quotes, a cell left out). Some "
                        "readers stop here, others shift the cells silently.",
    "test_leak": "The input is also in test.csv, word for word. The test would measure memory and flatter the model.",
    "near_test_leak": "The input is in test.csv but for a filler word or two. The test would still measure memory.",
}


def number_rows(table: Table, rows: list[Row], prefix: str) -> None:
    """Give every row its id and its line in the file (the header is line 1)."""
    for i, row in enumerate(rows):
        row.row_id, row.line = f"{prefix}{i + 1:04d}", i + 2
        row.cells = {**row.cells, table.id: row.row_id}


def list_faults(rows: list[Row], own_reasons: dict[str, str]) -> dict[str, dict]:
    """What faults.json holds: for each planted fault its reason, ids, lines and the rows that are repeated."""
    faults = {}
    for fault, reason in {**own_reasons, **REASONS}.items():
        if not (found := [row for row in rows if row.fault == fault]):
            continue
        faults[fault] = {"reason": reason, "ids": [r.row_id for r in found], "lines": [r.line for r in found]}
        if all(row.partner for row in found):
            faults[fault]["same_as"] = [row.partner.row_id for row in found]
    return faults


# --- Checking ----------------------------------------------------------------


def require(condition: object, message: str) -> None:
    """Stop with the message unless the condition holds."""
    if not condition:
        raise ValueError(message)


def plain(text: str) -> str:
    """The text in lower case with single spaces, to compare rows."""
    return " ".join(text.lower().split())


def word_list(text: str, left_out: str = "") -> list[str]:
    """The words of a text in lower case, without what the pattern `left_out` matches."""
    return re.findall(r"[a-z0-9']+", (re.sub(left_out, " ", text) if left_out else text).lower())


def word_runs(words: list[str], length: int = RUN_LENGTH) -> set[tuple[str, ...]]:
    """All runs of this many words."""
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


def most_alike(table: Table, rows: list[Row], key: str) -> Iterator[tuple[float, Row, Row]]:
    """How alike the inputs of each two rows are whose cells `key` are equal."""
    runs = [(row, word_runs(word_list(row.cells[table.input]), 2)) for row in rows]
    for i, (row, pairs) in enumerate(runs):
        for other, others in runs[i + 1 :]:
            if row.cells[key] == other.cells[key]:
                yield len(pairs & others) / max(1, len(pairs | others)), row, other


def check_rows(table: Table, rows: list[Row], test_rows: list[Row], left_out: str, key: str) -> None:
    """Make sure that the rows have the planted faults and no others of the common kinds.

    Args:
        table: the columns.
        rows: for training.
        test_rows: for the test.
        left_out: a pattern of what may be in training and test alike, such as names of products.
        key: rows with the same text in this column must not be near duplicates.

    Raises:
        ValueError: a clean row repeats another one, or a phrase is in both sets.
    """
    clean = [row for row in rows if not row.fault]
    inputs = [plain(row.cells[table.input]) for row in clean + test_rows]
    require(len(inputs) == len(set(inputs)), "an input occurs twice that is no planted copy")
    for alike, row, other in most_alike(table, clean, key):
        require(alike <= MOST_ALIKE, f"{alike:.2f} alike: {row.cells[table.input]} / {other.cells[table.input]}")
    training: set[tuple[str, ...]] = set()
    for row in rows:
        if row.fault not in ("test_leak", "near_test_leak"):
            training |= word_runs(word_list(row.cells[table.input], left_out))
    for row in test_rows:
        shared = word_runs(word_list(row.cells[table.input], left_out)) & training
        require(not shared, f"also in training: {shared}")


# --- Writing files -----------------------------------------------------------


def csv_text(table: Table, rows: list[Row]) -> str:
    """The whole CSV file, with the planted faults of its lines."""
    return _joined(table.header) + "".join(_csv_line(table, row) for row in rows)


def _csv_line(table: Table, row: Row) -> str:
    cells = [row.cells[name] for name in table.header]
    if row.line_style == "comma without quotes":
        return ",".join(_joined([cell])[:-1] if name != table.input else cell
                        for name, cell in zip(table.header, cells, strict=True)) + "\n"
    if row.line_style == "cell left out":
        del cells[table.header.index(row.facts["left_out"])]
    return _joined(cells)


def _joined(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    # The csv module writes a single empty cell as two quotes.
    return "\n" if list(cells) == [""] else line.getvalue()


def json_text(value: object) -> str:
    """The value as readable JSON; lists of plain values stay on one line."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    text = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda found: "[" + re.sub(r",\n\s+", ", ", found.group(1)) + "]", text)
    return text + "\n"


def fault_table(faults: dict[str, dict]) -> str:
    """The README's table of planted faults."""
    lines = ["| fault | count | ids | why it harms |", "|---|---|---|---|"]
    lines += [f"| `{name}` | {len(fault['ids'])} | {', '.join(fault['ids'])} | {fault['reason']} |"
              for name, fault in faults.items()]
    return "\n".join(lines)


def readme_text(template: str, table: Table, rows: list[Row], test_rows: list[Row], faults: dict, **more: object) -> str:
    """The README with its counts, its example and its table of faults taken from the data."""
    example = next(row for row in rows if not row.fault)
    lengths = [len(row.cells[table.input].split()) for row in rows + test_rows if row.fault != "overlong"]
    return template.format(
        training_rows=len(rows), test_rows=len(test_rows), clean_rows=sum(not row.fault for row in rows),
        fault_rows=sum(bool(row.fault) for row in rows), shortest=min(lengths), longest=max(lengths),
        example_input=example.cells[table.input], example_answer=example.cells[table.answer],
        licence=LICENCE, fault_table=fault_table(faults), **more,
    )


def with_measured(readme: str, folder: Path) -> str:
    """The README with what `benchmarks/scenarios.py` measured on the sample, which it keeps in measured.md beside it."""
    measured = folder / "measured.md"
    return readme.rstrip("\n") + "\n\n" + measured.read_text(encoding="utf-8") if measured.exists() else readme


LICENCE = """\
Written for this project: every phrase was made up for it, and the generator puts them together. There
are no real people, companies or orders. The e-mail addresses (example.com, example.org, example.net) and
phone numbers (+1 202 555 01xx, +44 20 7946 0xxx) are from ranges kept free for examples and fiction.
Dedicated to the public domain under [CC0 1.0](https://creativecommons.org/publicdomain/zero/1.0/)."""


def write_files(folder: Path | str, files: dict[str, str]) -> None:
    """Write texts as UTF-8 with plain line ends, making folders as needed."""
    for name, text in files.items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8"))
