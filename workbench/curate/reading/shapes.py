"""Which columns hold what: the shapes in which people keep examples, known by their columns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workbench.curate.reading.table import RawTable, as_text
from workbench.errors import BadInput
from workbench.result import Result

if TYPE_CHECKING:
    import pandas

INPUT_NAMES = ("input", "question", "prompt", "instruction", "ticket", "message", "text", "query", "request", "email")
ANSWER_NAMES = ("answer", "output", "response", "completion", "label", "target", "reply", "category", "class", "json")
CONVERSATION_NAMES = ("messages", "conversations", "conversation")
LABEL_NAMES = ("label", "category", "class")
SYSTEM_NAMES = ("system", "system_prompt")
# The columns of a table that `to_csv` writes.
EXPORTED = ("row_id", "input", "answer", "rejected", "messages")
TRUTH = {True: True, False: False, "true": True, "false": False, "1": True, "0": False}
PAIR, CONVERSATION, INSTRUCTION, COMPLETION = "pair", "conversation", "instruction", "prompt and completion"
PREFERENCE, THUMBS, LABEL = "preference", "thumbs up or down", "label"


@dataclass(frozen=True, repr=False)
class ColumnGuess(Result):
    """Which columns hold the input and the answer. `messages` set means: whole conversations in that column.

    Attributes:
        input: the column with what is asked; empty where conversations hold it.
        answer: the column with what should be answered; of a preference pair, the preferred one.
        messages: the column with whole conversations, if there is one.
        reason: how this was found.
        shape: its name.
        context: a second column that belongs to the input; it is joined to it with a blank line between.
        system: a column with instructions that come before the first turn.
        rejected: of a preference pair, the column with the answer that was not preferred.
        good: the column that says whether an answer is good (true) or an example of what not to say (false).
        earlier: a column with all turns before the answer, in the rows where the input is not the only one.
        subject: the column that says whom a row is about.
        roles: a role as found in the file, to system, user or assistant; filled in by a person.
    """

    input: str
    answer: str
    messages: str
    reason: str
    shape: str = PAIR
    context: str = ""
    system: str = ""
    rejected: str = ""
    good: str = ""
    earlier: str = ""
    subject: str = ""
    roles: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        if self.messages:
            return f"Conversations in {self.messages!r}: {self.reason}"
        if not self.input:
            return f"Answers from {self.answer!r} and {self.rejected!r}: {self.reason}"
        return f"Input from {self.input!r}, answer from {self.answer!r}: {self.reason}"

    @property
    def chosen(self) -> tuple[str, ...]:
        """Every column that is used."""
        named = (self.input, self.context, self.system, self.answer, self.rejected, self.good, self.messages, self.earlier,
                 self.subject)
        return tuple(filter(None, named))

    def table(self) -> pandas.DataFrame:
        """The choice as a table."""
        import pandas

        return pandas.DataFrame([(self.input, self.answer, self.messages, self.shape, self.reason)],
                                columns=["input", "answer", "messages", "shape", "reason"])


def guess_columns(raw: RawTable) -> ColumnGuess:
    """Guess which shape the rows have and which columns hold what: by name, then by length.

    Raises:
        BadInput: there are not two columns to choose from, or answers stand without a question.
    """
    named = {column.casefold(): column for column in raw.columns}
    system = _first(named, SYSTEM_NAMES)
    if "chosen" in named and "rejected" in named:
        return _preference(raw, named, system)
    if {"row_id", "input", "answer"} <= set(raw.columns) <= set(EXPORTED):
        return _exported(named)
    if {"input", "answer", "rejected"} <= set(named):
        return _preference(raw, {**named, "chosen": named["answer"]}, system)
    if messages := _first(named, CONVERSATION_NAMES):
        return ColumnGuess("", "", messages, "the column holds lists of turns.", CONVERSATION, system=system)
    if len(raw.columns) < 2:
        raise BadInput(f"{raw.file} has one field ({', '.join(raw.columns)}); an input and an answer need two.")
    for look in (_thumbs, _instruction, _completion):
        if guess := look(raw, named, system):
            return guess
    return _pair(raw, system)


def _exported(named: dict[str, str]) -> ColumnGuess:
    """The table that `to_csv` writes: its messages are the turns before the answer, where there are several."""
    rejected, context = named.get("rejected", ""), named.get("messages", "")
    reason = "a table written by this workbench, as the column row_id says."
    return ColumnGuess(named["input"], named["answer"], "", reason, PREFERENCE if rejected else PAIR,
                       rejected=rejected, earlier=context)


def _preference(raw: RawTable, named: dict[str, str], system: str) -> ColumnGuess:
    prompt = _first(named, ("prompt", "question", "instruction", "query", "input"))
    chosen, rejected = named["chosen"], named["rejected"]
    if not prompt and not any(turns_in(cells.get(chosen)) for _, cells in raw.rows):
        raise BadInput(
            f"{raw.file} has chosen and rejected answers as text, and no column with the prompt that they answer. "
            "Where one begins can't be told from the text; add a column named prompt."
        )
    where = f"the prompt from {prompt!r}" if prompt else "the prompt is what both conversations begin with"
    return ColumnGuess(prompt, chosen, "", f"preference pairs, as columns {chosen!r} and {rejected!r} say; {where}.",
                       PREFERENCE, system=system, rejected=rejected)


def _thumbs(raw: RawTable, named: dict[str, str], system: str) -> ColumnGuess | None:
    if not {"prompt", "completion", "label"} <= set(named):
        return None
    label = named["label"]
    if any(truth(cells.get(label)) is None for _, cells in raw.rows):
        return None
    reason = f"prompts and completions with {label!r} saying true or false; those that are false are what not to say."
    return ColumnGuess(named["prompt"], named["completion"], "", reason, THUMBS, system=system, good=label)


def _instruction(raw: RawTable, named: dict[str, str], system: str) -> ColumnGuess | None:
    answer = _first(named, ("output", "response", "answer", "completion"))
    if "instruction" not in named or not answer:
        return None
    context = _first(named, ("input", "context"))
    joined = f" and {context!r}, joined with a blank line" if context else ""
    reason = f"instructions in the Alpaca form: {named['instruction']!r}{joined}."
    return ColumnGuess(named["instruction"], answer, "", reason, INSTRUCTION, context, system)


def _completion(raw: RawTable, named: dict[str, str], system: str) -> ColumnGuess | None:
    if not {"prompt", "completion"} <= set(named):
        return None
    reason = "prompts and completions, by their names."
    return ColumnGuess(named["prompt"], named["completion"], "", reason, COMPLETION, system=system)


def _pair(raw: RawTable, system: str) -> ColumnGuess:
    columns = [column for column in raw.columns if column != system]
    if len(columns) < 2:
        columns, system = list(raw.columns), ""
    length = {c: sum(len(as_text(cells.get(c))) for _, cells in raw.rows) for c in columns}
    answer = _by_name(columns, ANSWER_NAMES)
    given = _by_name([c for c in columns if c != answer], INPUT_NAMES)
    reason = "by their names."
    if not given:
        given, reason = max((c for c in columns if c != answer), key=length.__getitem__), "by name and length of text."
    if not answer:
        # The last of the remaining columns, as people write what they have before what they want.
        answer, reason = [c for c in columns if c != given][-1], "by length of text and order; please check."
    if answer.casefold() in LABEL_NAMES:
        return ColumnGuess(given, answer, "", f"text and its label, {reason}", LABEL, system=system)
    return ColumnGuess(given, answer, "", reason, system=system)


def _first(named: dict[str, str], names: Iterable[str]) -> str:
    return next((named[name] for name in names if name in named), "")


def _by_name(columns: list[str], names: tuple[str, ...]) -> str:
    lowered = {column.casefold(): column for column in columns}
    exact = [lowered[name] for name in names if name in lowered]
    # A column such as ticket_id names the thing and does not hold it.
    lowered = {low: column for low, column in lowered.items() if not re.search(r"(^|[\W_])(id|no|number|nr)$", low)}
    part = [column for name in names for low, column in lowered.items() if re.search(rf"\b{name}s?\b", low.replace("_", " "))]
    return (exact + part + [""])[0]


def truth(value: object) -> bool | None:
    """True or false as files have it, or None for anything else."""
    if isinstance(value, str):
        return TRUTH.get(value.strip().casefold())
    return TRUTH.get(value) if isinstance(value, bool | int) else None


def turns_in(value: object) -> bool:
    """Whether a cell is a list of turns, or the JSON text of one."""
    if isinstance(value, str) and value.lstrip().startswith("[{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return False
    return isinstance(value, list) and bool(value) and all(
        isinstance(turn, dict) and ("role" in turn or "from" in turn) for turn in value
    )
