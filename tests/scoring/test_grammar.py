"""The schema read off training answers, and answers that can't leave it; the tokenizer is the embedded model's, no weights."""

from __future__ import annotations

import json

import pytest

from workbench.errors import BadInput
from workbench.models import EMBEDDED, ModelChoice, load_tokenizer
from workbench.scoring.grammar import Grammar, schema_of

ROWS = [
    {"kind": kind, "order": order, "count": count, "lines": lines, "urgent": urgent, "who": {"name": name}}
    for kind, order, count, lines, urgent, name in (
        ("return", "A1", 1, ["a"], True, "Ann"), ("billing", None, 2.5, [], False, "Bo"), ("return", "B2", 3, ["b", "c"], True, "Cy"),
        ("billing", "C3", 4, [], True, "Di"))
]  # fmt: skip


def schema(rows=ROWS):
    return schema_of([json.dumps(row) for row in rows])


def test_the_schema_has_the_keys_in_order_and_all_required():
    found = schema()
    assert list(found["properties"]) == found["required"] == ["kind", "order", "count", "lines", "urgent", "who"]
    assert found["additionalProperties"] is False and found["properties"]["who"]["required"] == ["name"]


def test_few_values_each_seen_twice_become_a_closed_list_and_others_do_not():
    assert schema()["properties"]["kind"] == {"type": "string", "enum": ["billing", "return"]}
    assert schema()["properties"]["order"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert "enum" not in schema([*ROWS, {**ROWS[0], "kind": "once"}])["properties"]["kind"]
    many = [{"a": f"v{i % 13}"} for i in range(39)]
    assert "enum" not in schema(many)["properties"]["a"] and "enum" in schema(many[:12] * 2)["properties"]["a"]


def test_plain_kinds_are_told_apart():
    found = schema()["properties"]
    assert found["count"] == {"type": "number"} and found["urgent"] == {"type": "boolean"}
    assert found["lines"] == {"type": "array", "items": {"type": "string"}}
    assert schema([{"n": 1}])["properties"]["n"] == {"type": "integer"}


@pytest.mark.parametrize("examples", [[], ["no JSON"], ["[1]"], ['{"a": 1}', '{"b": 1}'], ['{"a": 1}', '{"a": "x"}'], ["{}"],
                                      ['{"a": 1, "a": 2}'], ["NaN"], ["[" * 100_000]])  # fmt: skip
def test_answers_without_one_form_have_no_schema(examples):
    assert schema_of(examples) is None


class Chat:
    def __init__(self, tokenizer):
        self.tokenizer, self.stop_tokens = tokenizer, [2]


@pytest.fixture(scope="module")
def chat(tmp_path_factory):
    return Chat(load_tokenizer(ModelChoice(EMBEDDED, "for the test"), tmp_path_factory.mktemp("log") / "log").tokenizer)


def accepts(chat, grammar, text):
    """Whether every token of the text, and a stop after it, was allowed when its turn came."""
    import torch

    matcher = grammar.matcher()
    for token in [*chat.tokenizer(text, add_special_tokens=False)["input_ids"], 2]:
        if not grammar.allowed([matcher], torch.zeros(1, 49_152))[0, token]:
            return False
        matcher.consume_token(token)
    return True


pytestmark = pytest.mark.model


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_answers_of_the_form_are_allowed_compact_and_spaced(chat, separators):
    grammar = Grammar(chat, schema())
    assert all(accepts(chat, grammar, json.dumps(row, separators=separators)) for row in ROWS)
    assert accepts(chat, grammar, json.dumps({**ROWS[0], "order": "ü"}, ensure_ascii=False, separators=separators))


@pytest.mark.parametrize("wrong", [
    {**ROWS[0], "kind": "other"}, {**ROWS[0], "urgent": "yes"}, {**ROWS[0], "more": 1}, {"kind": "return"},
    {"order": None, **{k: v for k, v in ROWS[0].items() if k != "order"}},
])  # fmt: skip
def test_answers_of_another_form_are_not(chat, wrong):
    assert not accepts(chat, Grammar(chat, schema()), json.dumps(wrong, separators=(",", ":")))


def test_white_space_cannot_be_written_without_end(chat):
    assert not accepts(chat, Grammar(chat, schema([{"a": "x"}])), '{"a":  "x"}')


def test_outputs_beyond_the_vocabulary_are_never_allowed(chat):
    import torch

    grammar = Grammar(chat, schema())
    allowed = grammar.allowed([grammar.matcher()], torch.zeros(1, 50_000))
    assert allowed.shape == (1, 50_000) and not allowed[0, 49_152:].any() and allowed.any()


@pytest.mark.parametrize("odd", [{"type": "nonsense"}, {"not": {}}, {"type": "string", "pattern": "(?=x)"}, {"$ref": "http://x/y"}])
def test_a_schema_that_cannot_be_held_to_is_refused(chat, odd):
    with pytest.raises(BadInput, match="can't be held to this schema"):
        Grammar(chat, odd)
