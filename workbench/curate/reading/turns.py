"""Turns of a conversation, in the ways that files have them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from workbench.curate.reading.json_rows import DEEPEST, depth
from workbench.curate.reading.table import undecodable
from workbench.dataset import ROLES
from workbench.files import strict_json

# The names that the ShareGPT form has for the roles.
KNOWN = {**{role: role for role in ROLES}, "human": "user", "gpt": "assistant"}
LONGEST_ROLE = 40
Turns = list[tuple[str, str]]


def read_turns(value: object, roles: Mapping[str, str], changes: list[str]) -> Turns:
    """The turns of a conversation as (role, content) pairs; roles are mapped, contents are text.

    Args:
        value: a list of objects with role and content (or from and value), the JSON text of one, or an object with a
            list of each.
        roles: a person's mapping of roles beyond the known ones.
        changes: what was done to the text is added to it.

    Raises:
        ValueError: a turn can't be read; the message says which fault it has.
    """
    if isinstance(value, str):
        value = strict_json(value)
        if depth(value) > DEEPEST:
            raise ValueError(f"its conversation is nested more than {DEEPEST} deep")
        if undecodable(json.dumps(value, ensure_ascii=False, allow_nan=False)):
            raise ValueError("it has half characters that are not text")
        changes.append("turns read from a JSON text")
    if isinstance(value, dict):
        value = _zipped(value, changes)
    if not isinstance(value, list) or not value:
        raise ValueError("its conversation has no turns")
    return [_turn(turn, roles, changes) for turn in value]


def _zipped(lists: dict, changes: list[str]) -> list[dict]:
    """Turns from one list of roles and one of contents, as tables of nested columns are kept."""
    known = {key: held for key, held in lists.items() if key in ("role", "from", "content", "value") and isinstance(held, list)}
    lengths = {len(held) for held in known.values()}
    if len(known) != 2 or len(lengths) != 1 or not ({"role", "from"} & known.keys() and {"content", "value"} & known.keys()):
        raise ValueError("its conversation has no turns: it is an object without a list of roles and one of contents as long")
    if any(isinstance(held, list) and any(held) for key, held in lists.items() if key not in known):
        raise ValueError("its conversation has lists beside roles and contents, which would be lost")
    changes.append("turns put together from lists of roles and contents")
    return [dict(zip(known, turn, strict=True)) for turn in zip(*known.values(), strict=True)]


def role_of(turn: dict) -> object:
    """The role of a turn as found: what `role` or `from` says."""
    return turn.get("role", turn.get("from"))


def _turn(turn: object, roles: Mapping[str, str], changes: list[str]) -> tuple[str, str]:
    if not isinstance(turn, dict):
        raise ValueError("a turn is not an object with role and content")
    found = role_of(turn)
    if found is None:
        raise ValueError("a turn has no role (missing_role)")
    role = {**KNOWN, **roles}.get(found) if isinstance(found, str) else None
    if role not in ROLES:
        shown = repr(found[:LONGEST_ROLE]) if isinstance(found, str) else f"of type {type(found).__name__}"
        raise ValueError(f"the role {shown} is unknown; known are {', '.join(ROLES)}")
    # One call stands alone in the older form of the same thing.
    calls = turn.get("tool_calls") or [call for call in [turn.get("function_call")] if call]
    content = _content(turn.get("content", turn.get("value")), calls, changes)
    return role, clean(content, changes)


def _content(content: object, calls: object, changes: list[str]) -> str:
    if isinstance(content, list) and content and all(_is_text_part(part) for part in content):
        changes.append("text parts of a turn joined")
        content = "\n".join(part["text"] for part in content)
    if isinstance(calls, list) and calls:
        changes.append("tool call written as text")
        written = "\n".join(_written(call) for call in calls)
        content = f"{content}\n{written}" if isinstance(content, str) and content else written
    if not isinstance(content, str):
        raise ValueError("a turn's content is not text")
    return content


def _is_text_part(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)


def _written(call: object) -> str:
    called = call["function"] if isinstance(call, dict) and isinstance(call.get("function"), dict) else call
    return f"<tool_call>\n{json.dumps(called, ensure_ascii=False)}\n</tool_call>"


def clean(text: str, changes: list[str]) -> str:
    """The text without NUL and with LF alone ending its lines; what was done is added to `changes`."""
    if "\x00" in text:
        changes.append("NUL characters removed")
        text = text.replace("\x00", "")
    if "\r" in text:
        changes.append("CR LF became LF")
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text


def checked(turns: Turns) -> Turns:
    """The turns, if a model can learn the last one from those before it.

    Raises:
        ValueError: they don't end with the assistant, or don't take turns, or one before the answer is empty.
    """
    if not turns:
        raise ValueError("its conversation has no turns")
    if turns[-1][0] != "assistant":
        raise ValueError(f"its last turn is the {turns[-1][0]}'s; the answer to learn must come last")
    spoken = [role for role, _ in turns if role != "system"]
    if any(role == "system" for role, _ in turns[1:]):
        raise ValueError("a system turn stands after the first turn")
    if spoken != ["user", "assistant"] * (len(spoken) // 2):
        raise ValueError("user and assistant don't take turns, beginning with the user")
    if any(not content.strip() for _, content in turns[:-1]):
        raise ValueError("a turn before the answer is empty")
    return turns
