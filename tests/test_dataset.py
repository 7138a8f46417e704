"""Rows keep their ids and their origin; a fingerprint follows the text and nothing else."""

from dataclasses import replace

import pytest

from workbench.dataset import Dataset, Example, normalise
from workbench.errors import BadInput

FIRST = Example("r1", (("system", "be brief"), ("user", "hello")), "hi", {"source": "a.csv", "line": 2})
SECOND = Example("r2", (("user", "bye"),), "see you", {"source": "a.csv", "line": 3})
DATA = Dataset("train", (FIRST, SECOND))


@pytest.mark.parametrize(
    "changed",
    [
        replace(FIRST, row_id="r9"),
        replace(FIRST, answer="hi!"),
        replace(FIRST, messages=(("system", "be long"), ("user", "hello"))),
        replace(FIRST, messages=(("system", "be brief"), ("user", "hello "))),
        replace(FIRST, messages=(("user", "be brief"), ("user", "hello"))),
        replace(FIRST, messages=(("user", "hello"),)),
    ],
)
def test_any_change_of_a_row_changes_the_fingerprint(changed):
    assert Dataset("train", (changed, SECOND)).fingerprint != DATA.fingerprint


def test_order_and_number_of_rows_are_part_of_the_fingerprint():
    prints = {Dataset("train", rows).fingerprint for rows in [(FIRST, SECOND), (SECOND, FIRST), (FIRST,), ()]}
    assert len(prints) == 4


def test_provenance_and_name_are_not_part_of_the_fingerprint():
    moved = replace(FIRST, provenance={"source": "elsewhere.csv", "line": 99})
    assert Dataset("other", (moved, SECOND)).fingerprint == DATA.fingerprint


def test_a_row_id_may_occur_once_only():
    with pytest.raises(BadInput, match="'r2'"):
        Dataset("train", (FIRST, SECOND, SECOND))


def test_saving_and_loading_keeps_rows_name_and_fingerprint(tmp_path):
    odd = Example("r3", (("user", "one\u2028two\x85three"),), "", {"transformations": ["masked"]})
    data = Dataset("train", (*DATA.examples, odd))
    loaded = Dataset.load(data.save(tmp_path / "train.jsonl"))
    assert loaded == data
    assert loaded.fingerprint == data.fingerprint


def test_a_change_is_a_copy_that_tells_what_was_done():
    once = FIRST.changed((("user", "[EMAIL]"),), "[EMAIL]", "masked")
    twice = once.changed(once.messages, "x", "shortened")
    assert twice.provenance["transformations"] == ["masked", "shortened"]
    assert once.provenance["transformations"] == ["masked"]
    assert "transformations" not in FIRST.provenance
    assert (twice.row_id, twice.provenance["line"]) == ("r1", 2)


def test_the_input_is_the_last_turn_before_the_answer():
    assert FIRST.input == "hello"


def test_selecting_keeps_the_order_and_leaves_the_original_alone():
    chosen = Dataset("all", (SECOND, FIRST)).select(lambda e: e.answer != "none", name="kept")
    assert ([e.row_id for e in chosen], chosen.name) == (["r2", "r1"], "kept")
    assert len(DATA.select(lambda e: e.row_id == "r2")) == 1 and len(DATA) == 2


def test_the_table_has_a_row_for_each_example_and_its_line():
    assert DATA.table().to_dict("list") == {
        "row": ["r1", "r2"], "input": ["hello", "bye"], "answer": ["hi", "see you"], "line": [2, 3],
    }
    assert list(Dataset("none", ()).table().columns) == ["row", "input", "answer", "line"]


@pytest.mark.parametrize(
    "one, other",
    [("Hello,  World!", "hello world"), ("Straße", "STRASSE"), ("ﬁne", "fine"), ("a\n\tb", "a b"), ("  …", "…")],
)
def test_case_spacing_and_punctuation_do_not_tell_texts_apart(one, other):
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    "one, other",
    [
        ("What is 5 + 3?", "What is 5 - 3?"),
        ("What is 5 * 3?", "What is 5 / 3?"),
        ("-5", "5"),
        ("C++", "C"),
        ("A+", "A-"),
        ("I love it 😀", "I love it 😡"),
        ("की", "का"),
        ("😀", "😡"),
        ("x2", "x3"),
    ],
)
def test_signs_that_carry_meaning_tell_texts_apart(one, other):
    """Operators, emoji and the vowel signs of Indic scripts are not punctuation."""
    assert normalise(one) != normalise(other)
