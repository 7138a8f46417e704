"""Rows to examples: every shape becomes the same one, and every row knows where it came from."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from dataclasses import dataclass, field

from workbench.curate.reading.shapes import PREFERENCE, ColumnGuess, truth, turns_in
from workbench.curate.reading.table import LONGEST_KEPT, Quarantine, QuarantinedRow, RawTable, as_text, printable
from workbench.curate.reading.turns import KNOWN, Turns, checked, clean, read_turns, role_of
from workbench.dataset import ROLES, Dataset, Example
from workbench.errors import BadInput
from workbench.files import strict_json

KINDS = {str: "text", bool: "true or false", int: "a number", float: "a number", dict: "an object", list: "a list"}
NOT_STATED = "not stated"


@dataclass(frozen=True)
class Origin:
    """On what terms a file's rows are used, and whom they are about.

    Attributes:
        licence: under which the rows may be used.
        legal_basis: on which personal data in them is processed.
        subject_column: the column with the id of the person a row is about.
        subject_key: a secret, kept outside the data; ids are kept as keyed hashes alone.
        keep: columns beside input and answer that judging needs, such as the facts an answer must have; they are kept
            with the row where the file has them, and are no part of what a model sees.
    """

    licence: str = NOT_STATED
    legal_basis: str = NOT_STATED
    subject_column: str = ""
    subject_key: bytes = field(default=b"", repr=False)
    keep: tuple[str, ...] = ()


def to_dataset(
    raw: RawTable, columns: ColumnGuess, name: str = "all", origin: Origin | None = None
) -> tuple[Dataset, Quarantine]:
    """Turn the rows into examples by the chosen columns.

    Args:
        raw: the rows as read.
        columns: which columns hold what.
        name: of the data set.
        origin: on what terms the rows are used; kept in each row's provenance.

    Returns:
        The data set, and every row set aside: those that reading set aside and those without a usable
        input or conversation.

    Raises:
        BadInput: a chosen column doesn't exist, a role is mapped to none, or people's ids have no key.
    """
    origin = origin or Origin()
    _check(raw, columns, origin)
    told = filter(None, (columns.input, columns.context, columns.answer, columns.rejected))
    kinds = {column: _usual_kind(raw, column) for column in told}
    examples, quarantine = [], list(raw.quarantine)
    for line, cells in raw.rows:
        changes = list(raw.changes.get(line, ()))
        try:
            _refuse_odd_kinds(cells, kinds)
            turns, rejected = _turns(cells, columns, changes)
        except (KeyError, ValueError, RecursionError) as error:
            reason = f"the field {error} is missing" if isinstance(error, KeyError) else str(error)
            quarantine.append(QuarantinedRow(raw.file, line, reason, printable(as_text(cells)[:LONGEST_KEPT])))
            continue
        about = cells.get(origin.subject_column or columns.subject)
        provenance = _provenance(raw, line, about, origin, changes)
        if kept := {name: as_text(cells[name]).strip() for name in origin.keep if cells.get(name) is not None}:
            provenance["columns"] = kept
        examples.append(Example(f"line-{line}", tuple(turns[:-1]), turns[-1][1].strip(), provenance, rejected))
    quarantine.sort(key=lambda row: row.line)
    return Dataset(name, tuple(examples)), Quarantine(tuple(quarantine))


def unknown_roles(raw: RawTable, columns: ColumnGuess) -> dict[str, int]:
    """The roles that no mapping covers yet, with the number of turns that have each; the most frequent first."""
    found: Counter[str] = Counter()
    for _, cells in raw.rows:
        for column in filter(None, (columns.messages, columns.input, columns.answer, columns.rejected)):
            if turns_in(cells.get(column)):
                turns = cells[column] if isinstance(cells[column], list) else strict_json(cells[column])
                found.update(role for turn in turns if isinstance(role := role_of(turn), str))
    return {role: count for role, count in found.most_common() if role not in KNOWN and role not in columns.roles}


def _check(raw: RawTable, columns: ColumnGuess, origin: Origin) -> None:
    for column in filter(None, (*columns.chosen, origin.subject_column)):
        if column not in raw.columns:
            raise BadInput(f"{raw.file} has no column {column!r}; it has {', '.join(raw.columns)}. Choose among these.")
    for found, role in columns.roles.items():
        if role not in ROLES:
            raise BadInput(f"The role {found!r} can't be read as {role!r}; choose one of {', '.join(ROLES)}.")
    if (origin.subject_column or columns.subject) and not origin.subject_key:
        raise BadInput(
            f"The ids in {origin.subject_column or columns.subject!r} say whom the rows are about, so they are only kept as "
            "keyed hashes, and no key was given. Give a secret as subject_key, and keep it outside the data."
        )


def _provenance(raw: RawTable, line: int, about: object, origin: Origin, changes: list[str]) -> dict:
    ids = [as_text(one).strip() for one in (about if isinstance(about, list) else [about])]
    return {
        "source": raw.file,
        "line": line,
        "sha256": raw.sha256,
        "licence": origin.licence,
        "legal_basis": origin.legal_basis,
        "subject_ids": [subject_id(one, origin.subject_key) for one in ids if one],
        "transformations": list(dict.fromkeys(changes)),
    }


def subject_id(value: str, key: bytes) -> str:
    """A person's id as it is kept: a keyed hash, from which the id can't be had without the key."""
    return hmac.new(key, value.encode("utf-8"), hashlib.sha256).hexdigest()[:16]


def _kind(value: object) -> str:
    return "turns" if isinstance(value, list) and turns_in(value) else KINDS.get(type(value), "")


def _usual_kind(raw: RawTable, column: str) -> str:
    counts = Counter(kind for _, cells in raw.rows if (kind := _kind(cells.get(column))))
    return max(counts, key=lambda kind: (counts[kind], kind == "text"), default="")


def _refuse_odd_kinds(cells: dict, kinds: dict[str, str]) -> None:
    """A number or an object among texts is no text that somebody wrote; turning it into one would hide a fault."""
    for column, usual in kinds.items():
        kind = _kind(cells.get(column))
        if kind and kind != usual and {kind, usual} != {"text", "turns"}:
            raise ValueError(f"its {column!r} is {kind}, while that column holds {usual} elsewhere")


def _turns(cells: dict, columns: ColumnGuess, changes: list[str]) -> tuple[Turns, str]:
    """The turns, the answer last, and the rejected answer if there is one."""
    if columns.messages:
        turns = read_turns(cells[columns.messages], columns.roles, changes)
        return checked(_with_system(turns, cells, columns, changes)), ""
    if columns.shape == PREFERENCE or columns.rejected:
        return _preference(cells, columns, changes)
    if columns.good:
        _refuse_bad_example(cells.get(columns.good))
    turns = _said(cells.get(columns.answer), "assistant", columns, changes)
    given = [*_given(cells, columns, changes), *turns]
    return checked(_with_system(given, cells, columns, changes)), ""


def _refuse_bad_example(value: object) -> None:
    good = truth(value)
    if good is None:
        raise ValueError("its label is neither true nor false, so whether to learn from it can't be known")
    if not good:
        raise ValueError("its label is false: it is an example of what not to say, and is not learnt as an answer")


def _given(cells: dict, columns: ColumnGuess, changes: list[str]) -> Turns:
    if columns.earlier and cells.get(columns.earlier):
        turns = read_turns(cells[columns.earlier], columns.roles, changes)
        # A formula's apostrophe was put before the one and not before the other.
        if as_text(cells.get(columns.input)).strip().removeprefix("'") != turns[-1][1].strip().removeprefix("'"):
            raise ValueError(f"its {columns.input!r} is not the last turn in {columns.earlier!r}, so which counts can't be known")
        return turns
    turns = _said(cells.get(columns.input), "user", columns, changes)
    context = clean(as_text(cells.get(columns.context)), changes).strip() if columns.context else ""
    if context and turns[0][1].strip():
        changes.append(f"{columns.input} and {columns.context} joined with a blank line")
    if context:
        turns[-1] = (turns[-1][0], f"{turns[-1][1]}\n\n{context}".strip())
    if not turns[0][1].strip():
        raise ValueError("its input is empty")
    return turns


def _said(value: object, role: str, columns: ColumnGuess, changes: list[str]) -> Turns:
    """A cell as turns: text is one turn of `role`, a list of turns stays one."""
    if turns_in(value) and (isinstance(value, list) or columns.rejected or columns.good):
        return read_turns(value, columns.roles, changes)
    return [(role, clean(as_text(value), changes).strip())]


def _preference(cells: dict, columns: ColumnGuess, changes: list[str]) -> tuple[Turns, str]:
    both = [_said(cells.get(column), "assistant", columns, changes) for column in (columns.answer, columns.rejected)]
    prompt = _given(cells, columns, changes) if columns.input else []
    if not prompt and not all(len(turns) > 1 for turns in both):
        raise ValueError("a preference pair of plain answers needs a prompt of its own")
    # Some files repeat the prompt at the head of both conversations.
    if prompt and all(len(turns) > 1 and _opens_with(turns, prompt) for turns in both):
        prompt = []
    elif prompt and any(turns[0][0] != "assistant" for turns in both):
        raise ValueError("its chosen or rejected conversation doesn't begin with its prompt")
    chosen, rejected = (checked(_with_system([*prompt, *turns], cells, columns, changes)) for turns in both)
    if chosen[:-1] != rejected[:-1]:
        raise ValueError("chosen and rejected answer different prompts, so neither can be preferred")
    if chosen[-1][1].strip() == rejected[-1][1].strip():
        raise ValueError("chosen and rejected are the same, so nothing is preferred")
    if not rejected[-1][1].strip():
        raise ValueError("its rejected answer is empty")
    return chosen, rejected[-1][1].strip()


def _opens_with(turns: Turns, prompt: Turns) -> bool:
    plain = [(role, content.strip()) for role, content in turns]
    wanted = [(role, content.strip()) for role, content in prompt]
    without_system = plain[1:] if plain[0][0] == "system" and wanted[0][0] != "system" else plain
    # A prompt given as text is the last thing the user says, or the first.
    return without_system[: len(wanted)] == wanted or (len(wanted) == 1 and plain[-2] == wanted[0])


def _with_system(turns: Turns, cells: dict, columns: ColumnGuess, changes: list[str]) -> Turns:
    system = clean(as_text(cells.get(columns.system)), changes).strip() if columns.system else ""
    if not system or not turns or turns[0] == ("system", system):
        return turns
    if turns[0][0] == "system":
        raise ValueError("it has two system texts that differ, one in a column and one in its turns")
    return [("system", system), *turns]
