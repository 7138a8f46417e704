"""Conversations: what a model can learn from is read, the rest set aside with the reason."""

import json
import re

import pytest

from workbench.curate.reading import guess_columns, to_dataset


USER, ASSISTANT = {"role": "user", "content": "q"}, {"role": "assistant", "content": "x"}


def conversations(read, *values, column="messages"):
    content = "".join(json.dumps({column: value}) + "\n" for value in ([USER, ASSISTANT], *values))
    raw = read(content, "rows.jsonl")
    data, quarantine = to_dataset(raw, guess_columns(raw))
    assert len(data) + len(quarantine) == 1 + len(values)
    assert data.examples[0].messages == (("user", "q"),)
    return data.examples[1:], list(quarantine)


SYSTEM = {"role": "system", "content": "s"}
SHARED = [{"from": "system", "value": "s"}, {"from": "human", "value": "q"}, {"from": "gpt", "value": "x"}]


@pytest.mark.parametrize("column", ["messages", "conversations"])
@pytest.mark.parametrize(
    "value, turns, answer",
    [
        ([SYSTEM, USER, ASSISTANT], (("system", "s"), ("user", "q")), "x"),
        ([USER, ASSISTANT, USER, ASSISTANT], (("user", "q"), ("assistant", "x"), ("user", "q")), "x"),
        (SHARED, (("system", "s"), ("user", "q")), "x"),
        (json.dumps([USER, ASSISTANT]), (("user", "q"),), "x"),
        ([USER, {"role": "assistant", "content": ""}], (("user", "q"),), ""),
    ],
)
def test_conversations_of_the_usual_kinds_are_read(read, column, value, turns, answer):
    (example,), quarantine = conversations(read, value, column=column)
    assert (example.messages, example.answer, quarantine) == (turns, answer, [])


@pytest.mark.parametrize(
    "value, reason",
    [
        ([], "no turns"),
        (None, "no turns"),
        (5, "no turns"),
        ({"role": "user", "content": "q"}, "no turns"),
        ("not json", "."),
        ("[" * 100_000, "."),
        ('[{"role": "user", "content": NaN}]', "NaN"),
        ('[{"role": "user", "content": "\\ud800"}, {"role": "assistant", "content": "x"}]', "."),
        (["q", "x"], "not an object"),
        ([{"content": "q"}, ASSISTANT], "role"),
        ([{"role": ["user"], "content": "q"}, ASSISTANT], "role"),
        ([USER, {"role": "bot", "content": "x"}], "'bot' is unknown; known are system, user, assistant"),
        ([USER, {"role": "tool", "content": "x"}, ASSISTANT], "'tool' is unknown"),
        ([USER, {"role": "assistant", "content": None}], "not text"),
        ([USER, {"role": "assistant"}], "not text"),
        ([{"role": "user", "content": 5}, ASSISTANT], "not text"),
        ([USER], "the user's; the answer to learn must come last"),
        ([SYSTEM], "the system's"),
        ([ASSISTANT], "take turns"),
        ([USER, ASSISTANT, ASSISTANT], "take turns"),
        ([USER, USER, ASSISTANT], "take turns"),
        ([ASSISTANT, USER, ASSISTANT], "take turns"),
        ([USER, SYSTEM, ASSISTANT], "a system turn stands after the first"),
        ([{"role": "user", "content": " "}, ASSISTANT], "empty"),
    ],
)
def test_a_conversation_that_can_not_be_learnt_from_is_set_aside_with_its_reason(read, value, reason):
    examples, quarantine = conversations(read, value)
    assert examples == ()
    assert [q.line for q in quarantine] == [2]
    assert re.search(reason, quarantine[0].reason)


def test_a_row_without_the_column_is_set_aside(read):
    raw = read(json.dumps({"messages": [USER, ASSISTANT]}) + '\n{"other": 1}\n', "rows.jsonl")
    _, quarantine = to_dataset(raw, guess_columns(raw))
    assert [(q.line, "'messages' is missing" in q.reason) for q in quarantine] == [(2, True)]
