"""Every shape in which people keep examples becomes the same one, with nothing of a row dropped on the way."""

import json

import pytest

from workbench.curate.reading import ColumnGuess, Origin, guess_columns, to_dataset
from workbench.errors import BadInput

SYSTEM, USER = {"role": "system", "content": "s"}, {"role": "user", "content": "q"}
GOOD, BAD = {"role": "assistant", "content": "x"}, {"role": "assistant", "content": "y"}


@pytest.fixture
def examples(read):
    def read_and_convert(*rows, shape="", **changed):
        raw = read("".join(json.dumps(row) + "\n" for row in rows), "rows.jsonl")
        guess = guess_columns(raw)
        assert not shape or (guess.shape == shape and guess.reason.endswith("."))
        data, quarantine = to_dataset(raw, ColumnGuess(**{**guess.to_dict(), **changed}))
        assert len(data) + len(quarantine) == len(rows)
        return list(data), [row.reason for row in quarantine]

    return read_and_convert


def row(example):
    return example.messages, example.answer, example.rejected


def test_an_alpaca_row_keeps_its_instruction_its_input_and_its_system_text(examples):
    data, _ = examples({"instruction": "Sort.", "input": "b a", "output": "a b"}, {"instruction": "Hi", "input": "", "output": "Ho"},
                       {"instruction": "Hi", "input": None, "output": "Ho", "system": "s"}, shape="instruction")  # fmt: skip
    assert [row(e) for e in data] == [
        ((("user", "Sort.\n\nb a"),), "a b", ""), ((("user", "Hi"),), "Ho", ""), ((("system", "s"), ("user", "Hi")), "Ho", "")
    ]  # fmt: skip
    assert [e.provenance["transformations"] for e in data] == [["instruction and input joined with a blank line"], [], []]


def test_a_context_beside_an_instruction_is_part_of_the_input(examples):
    data, _ = examples({"Instruction": "When?", "context": "Built in 1900.", "response": "1900"})
    assert row(data[0])[:2] == ((("user", "When?\n\nBuilt in 1900."),), "1900")


def test_a_sharegpt_row_keeps_all_its_turns_and_a_system_column(examples):
    turns = [{"from": who, "value": said} for who, said in (("human", "q1"), ("gpt", "x1"), ("human", "q2"), ("gpt", "x2"))]
    data, reasons = examples({"conversations": turns, "system": "s"}, shape="conversation")
    assert row(data[0]) == ((("system", "s"), ("user", "q1"), ("assistant", "x1"), ("user", "q2")), "x2", "")
    data, reasons = examples({"conversations": [{"from": "system", "value": "t"}, *turns], "system": "s"})
    assert data == [] and "two system texts" in reasons[0]


def test_text_parts_of_a_turn_are_joined_and_pictures_refused(examples):
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    data, reasons = examples({"messages": [{**USER, "content": parts}, GOOD]},
                             {"messages": [{**USER, "content": [*parts, {"type": "image_url"}]}, GOOD]})  # fmt: skip
    assert data[0].input == "a\nb" and data[0].provenance["transformations"] == ["text parts of a turn joined"]
    assert "not text" in reasons[0]


def test_a_tool_call_beside_text_is_not_dropped_and_a_mapped_tool_turn_is_read(examples):
    call = {"role": "assistant", "content": "Let me see.", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}
    turns = [USER, call, {"role": "tool", "content": "5"}, GOOD]
    data, _ = examples({"messages": turns}, roles={"tool": "user"})
    assert data[0].messages[1] == ("assistant", 'Let me see.\n<tool_call>\n{"name": "f", "arguments": "{}"}\n</tool_call>')
    assert data[0].messages[2] == ("user", "5")


def test_prompt_and_completion_may_be_texts_or_lists_of_turns(examples):
    data, _ = examples({"prompt": "q", "completion": "x"}, shape="prompt and completion")
    assert row(data[0]) == ((("user", "q"),), "x", "")
    data, _ = examples({"prompt": [SYSTEM, USER], "completion": [GOOD]}, {"prompt": [USER], "completion": "x"})
    assert [row(e)[:2] for e in data] == [((("system", "s"), ("user", "q")), "x"), ((("user", "q"),), "x")]


@pytest.mark.parametrize("pair", [
    {"prompt": "q", "chosen": "x", "rejected": "y"},
    {"prompt": [USER], "chosen": [GOOD], "rejected": [BAD]},
    {"chosen": [USER, GOOD], "rejected": [USER, BAD]},
    {"prompt": "q", "chosen": [USER, GOOD], "rejected": [USER, BAD]},
    {"question": "q", "chosen": [GOOD], "rejected": [BAD], "messages": [USER, GOOD]},
])  # fmt: skip
def test_a_preference_pair_in_any_form_keeps_prompt_and_both_answers(examples, pair):
    data, _ = examples(pair, shape="preference")
    assert row(data[0]) == ((("user", "q"),), "x", "y")


def test_a_preference_pair_keeps_system_text_and_earlier_turns(examples):
    head = [SYSTEM, {"role": "user", "content": "q0"}, {"role": "assistant", "content": "x0"}, USER]
    wanted = (("system", "s"), ("user", "q0"), ("assistant", "x0"), ("user", "q"))
    data, _ = examples({"chosen": [*head, GOOD], "rejected": [*head, BAD]}, {"chosen": [*head, GOOD], "rejected": [*head, BAD]})
    assert row(data[0]) == (wanted, "x", "y")
    data, _ = examples({"prompt": "q", "chosen": [*head, GOOD], "rejected": [*head, BAD]})
    assert row(data[0]) == (wanted, "x", "y")
    data, _ = examples({"prompt": "q", "system": "t", "chosen": "x", "rejected": "y"})
    assert data[0].messages[0] == ("system", "t")


@pytest.mark.parametrize("pair, reason", [
    ({"prompt": "other", "chosen": [USER, GOOD], "rejected": [USER, BAD]}, "doesn't begin with its prompt"),
    ({"prompt": "q", "chosen": [GOOD], "rejected": [USER, BAD]}, "doesn't begin with its prompt"),
    ({"prompt": "q", "chosen": "x", "rejected": ""}, "rejected answer is empty"),
    ({"prompt": "", "chosen": "x", "rejected": "y"}, "input is empty"),
    ({"chosen": [USER, GOOD], "rejected": [USER, GOOD, USER, BAD]}, "different prompts"),
    ({"chosen": [USER, GOOD, USER], "rejected": [USER, BAD, USER]}, "answer to learn must come last"),
])  # fmt: skip
def test_a_pair_that_can_not_be_compared_is_set_aside_with_its_reason(examples, pair, reason):
    data, reasons = examples(pair)
    assert data == [] and reason in reasons[0]


@pytest.mark.parametrize("good, bad", [(True, False), ("true", "false"), ("True", "FALSE"), (1, 0), ("1", "0")])
def test_an_answer_with_thumbs_down_is_kept_aside_as_what_not_to_say(examples, good, bad):
    data, reasons = examples({"prompt": "q", "completion": "x", "label": good}, {"prompt": "q", "completion": "y", "label": bad},
                             shape="thumbs up or down")  # fmt: skip
    assert [e.answer for e in data] == ["x"] and "what not to say" in reasons[0]


def test_a_label_of_another_kind_is_no_thumb(read):
    guess = guess_columns(read("prompt,completion,label\nq,x,refund\n"))
    assert (guess.shape, guess.answer) == ("prompt and completion", "completion")
    assert guess_columns(read("text,label\nq,refund\n")).shape == "label"


def test_a_label_may_be_a_number_throughout(examples):
    data, _ = examples({"text": "a", "label": 0}, {"text": "b", "label": 1}, shape="label")
    assert [e.answer for e in data] == ["0", "1"]


# Where a row came from


def test_terms_and_people_stand_in_the_provenance_and_ids_only_as_keyed_hashes(read):
    raw = read("input,output,customer\na,b,jane@example.org\nc,d,jane@example.org\ne,f,bob\ng,h,\n")
    columns = ColumnGuess("input", "output", "", "")
    data, _ = to_dataset(raw, columns, origin=Origin("CC-BY-4.0", "consent", "customer", b"secret"))
    ids = [e.provenance["subject_ids"] for e in data]
    assert ids[0] == ids[1] != ids[2] and ids[3] == [] and all(len(one) == 16 for found in ids[:3] for one in found)
    assert all((e.provenance["licence"], e.provenance["legal_basis"]) == ("CC-BY-4.0", "consent") for e in data)
    other, _ = to_dataset(raw, columns, origin=Origin(subject_column="customer", subject_key=b"another"))
    assert other.examples[0].provenance["subject_ids"] != ids[0]
    assert "jane" not in json.dumps([e.to_dict() for e in data]) and "secret" not in repr(Origin(subject_key=b"secret"))


def test_people_without_a_key_and_a_column_that_is_not_there_are_refused(read):
    raw, columns = read("input,output,customer\na,b,jane\n"), ColumnGuess("input", "output", "", "")
    for asked in (Origin(subject_column="customer"), Origin(subject_column="person", subject_key=b"secret")):
        with pytest.raises(BadInput, match="no key was given|no column 'person'"):
            to_dataset(raw, columns, origin=asked)
