"""Rows that the window would cut and rows of odd length are found; without a tokenizer nothing is counted."""

import pytest

from workbench.curate.checks import lengths as module
from workbench.curate.checks.check import CheckContext
from workbench.curate.checks.lengths import Lengths, lengths
from workbench.dataset import Dataset, Example

CHECKS = {check.name: check for check in module.CHECKS}


def rows(*pairs):
    return Dataset("all", tuple(Example(f"r{i}", (("user", given),), answer) for i, (given, answer) in enumerate(pairs)))


def words(examples):
    """A token a word, which is all that these tests need of a tokenizer."""
    return [(len(e.input.split()), len(e.answer.split())) for e in examples]


def remarks(check, dataset, **context):
    return {(r.row_id, r.evidence) for r in CHECKS[check].find(dataset, CheckContext(context.pop("kind", "text"), **context))}


@pytest.mark.parametrize("n, evidence", [(1023, None), (1024, None), (1204, "1,204 tokens; the window is 1,024, so 180 would be cut")])
def test_a_row_beyond_the_window_is_too_long(n, evidence):
    given = rows(("one two", "word " * (n - 2)), ("q", "a"))
    assert remarks("too long", given, count_tokens=words, window=1024) == ({("r0", evidence)} if evidence else set())


def test_nothing_is_counted_without_a_tokenizer_or_a_window():
    given = rows(("q", "word " * 5000))
    assert remarks("too long", given, window=1024) == remarks("too long", given, count_tokens=words) == set()
    assert repr(lengths(given, CheckContext("text"))) == "Lengths: not counted, as no model is loaded"
    assert lengths(given, CheckContext("text")).table().empty


def test_rows_are_counted_once_for_check_and_table():
    calls = []
    context = CheckContext("text", count_tokens=lambda examples: calls.append(len(examples)) or words(examples), window=10)
    given = rows(*(("q", "word " * i) for i in range(20)))
    list(CHECKS["too long"].find(given, context))
    result = lengths(given, context)
    assert calls == [20]
    assert (result.rows, result.rows_cut, result.tokens_cut, result.tokens) == (20, 10, sum(range(1, 11)), 210)


def test_the_table_has_quantiles_and_survives_its_file(tmp_path):
    given = rows(*(("one two", "word " * i) for i in range(1, 102)))
    result = lengths(given, CheckContext("text", count_tokens=words, window=100))
    assert result.prompt == (2,) * 6 and result.answer == (1, 26, 51, 76, 96, 101)
    assert list(result.table()["tokens of"]) == ["prompt", "answer", "both"]
    assert repr(result) == "Lengths: 101 rows, 5,353 tokens, 3 longer than the window of 100"
    assert Lengths.load(result.save(tmp_path / "lengths.json")) == result


def test_a_text_of_another_order_of_length_is_for_review():
    usual = [("a question of usual length, give or take " + "x" * (i % 20), "an answer of usual length " + "y" * (i % 10)) for i in range(50)]
    found = remarks("odd length", rows(("x" * 2000, usual[0][1]), (usual[0][0], "z"), *usual))
    assert found == {("r0", "the input has 2,000 characters; 49 are usual"), ("r1", "the answer has 1 character; 30 are usual")}
    assert remarks("odd length", rows(*usual)) == set()


def test_lengths_that_vary_widely_by_nature_are_not_odd():
    assert remarks("odd length", rows(*(("x" * (10 + i * i), "y" * (5 + i * 7)) for i in range(60)))) == set()


def test_a_label_is_as_long_as_it_is():
    given = rows(*(("usual question", "no") for _ in range(40)), ("usual question", "a label of very many words indeed, longer than all others"))
    assert remarks("odd length", given, kind="label") == set()
    assert {i for i, _ in remarks("odd length", given)} == {"r40"}


def test_few_rows_have_no_usual_length():
    assert remarks("odd length", rows(("q", "a"), ("q" * 9000, "a"), ("q", "a"))) == set()
