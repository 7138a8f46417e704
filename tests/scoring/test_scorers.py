"""What counts as right: fields of JSON, a label, a number, or likeness where nothing can be exact."""

import json

import numpy
import pytest

from workbench.scoring.scorers import SCORER_KINDS, guess_scorer, json_fields, label, number, read_number, read_object, scorer

WANTED = '{"category": "billing", "order": null, "count": 2}'


@pytest.mark.parametrize(
    "answer, score",
    [
        (WANTED, 1.0),
        ('{"count":2,"order":null,"category":" Billing "}', 1.0),
        (f"```json\n{WANTED}\n```", 1.0),
        (f"  ```\n{WANTED}```\n", 1.0),
        ('{"category": "return", "order": null, "count": 2}', 2 / 3),
        ('{"category": "billing", "order": "null", "count": 2}', 2 / 3),
        ('{"category": "billing", "order": "", "count": "2"}', 1 / 3),
        ('{"category": "billing", "order": null, "count": 3}', 2 / 3),
        ('{"category": null, "order": "none", "count": 0}', 0.0),
        ('{"category": "billing", "order": null}', 0.0),
        ('{"category": "billing", "order": null, "count": 2, "note": ""}', 0.0),
        ('{"Category": "billing", "order": null, "count": 2}', 0.0),
        (f"Here it is: {WANTED}", 0.0),
        (f"{WANTED} I hope this helps.", 0.0),
        (f"Sure!\n```json\n{WANTED}\n```", 0.0),
        (WANTED[:-1], 0.0),
        (WANTED.replace('"', "'"), 0.0),
        (f"[{WANTED}]", 0.0),
        ('"billing"', 0.0),
        ("", 0.0),
        ("[" * 100_000, 0.0),
    ],
)
def test_json_is_judged_field_by_field_if_its_keys_are_right(answer, score):
    assert json_fields(WANTED, answer) == pytest.approx(score)


@pytest.mark.parametrize(
    "wanted, given, score",
    [
        ([1, {"a": "x"}], [1, {"a": "x"}], 1.0),
        ([1, 2], [2, 1], 0.0),
        ({"a": 1}, {"a": 1, "b": 2}, 0.0),
        (True, 1, 0.0),
        (0, False, 0.0),
        ([1], [True], 0.0),
        (None, "null", 0.0),
        (None, False, 0.0),
        ("5", 5, 0.0),
        (5, 5.0, 1.0),
        (True, True, 1.0),
    ],
)
def test_nested_values_and_types_have_to_be_the_same(wanted, given, score):
    assert json_fields(json.dumps({"k": wanted}), json.dumps({"k": given})) == score


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_nan_and_infinity_are_not_json(value):
    assert read_object(f'{{"a": {value}}}') is None


@pytest.mark.parametrize("expected", ["", "not json", "[1]", "{}", "{"])
def test_an_expected_answer_without_fields_can_not_be_judged(expected):
    assert json_fields(expected, WANTED) is None


@pytest.mark.parametrize(
    "expected, answer, score",
    [
        ("billing", "Billing.", 1.0),
        ("billing", "  **BILLING**  ", 1.0),
        ("not urgent", "not  urgent", 1.0),
        ("billing", "billing\nbecause of the invoice", 1.0),
        ("billing", "The label is billing", 0.0),
        ("billing", "return", 0.0),
        ("billing", "", 0.0),
        ("billing", "\n \n", 0.0),
        ("C", "C++", 0.0),
        ("A+", "A-", 0.0),
        ("😀", "😡", 0.0),
        ("  ", "billing", None),
    ],
)
def test_a_label_is_the_first_line_whatever_its_case_and_punctuation(expected, answer, score):
    assert label(expected, answer) == score


@pytest.mark.parametrize(
    "text, value",
    [
        ("42", 42.0),
        ("-5", -5.0),
        ("It is -5.5 degrees", -5.5),
        ("1,234,567.5", 1234567.5),
        ("1 234 567", 1234567.0),
        ("$ 1,000", 1000.0),
        ("about 5 kg, not 6", 5.0),
        ("12.5%", 12.5),
        ("007", 7.0),
        ("12, 13 and 14", 12.0),
        (".5", 0.5),
        ("-.5", -0.5),
        ("May 5 2024", 5.0),
        ("order A-46169", 46169.0),
        ("\u22125", -5.0),
        ("none", None),
        ("", None),
    ],
)
def test_the_first_number_is_read_with_thousands_sign_and_unit(text, value):
    assert read_number(text) == value


@pytest.mark.parametrize(
    "expected, answer, score",
    [
        ("1234", "1,234 euros", 1.0),
        ("0.1", "0.10000000000000001", 1.0),
        ("5", "5.0", 1.0),
        ("5", "-5", 0.0),
        ("1000000", "1000001", 0.0),
        ("0.5", ".5", 1.0),
        ("5", "five", 0.0),
        ("5", "", 0.0),
        ("unknown", "5", None),
    ],
)
def test_a_number_is_right_when_it_is_equal(expected, answer, score):
    assert number(expected, answer) == score


def letters(texts):
    """Unit vectors of letter counts, in place of an embedding model."""
    counts = numpy.array([[t.count(c) for c in "abc"] for t in texts], dtype=float)
    return counts / numpy.maximum(numpy.linalg.norm(counts, axis=1, keepdims=True), 1e-9)


def test_free_text_is_judged_by_likeness():
    text = scorer("text", vectors=letters)
    assert text.score(["ab", "ab", "a", "a", " "], ["ba", "a", "b", "", "a"]) == [
        pytest.approx(1.0), pytest.approx(0.5**0.5), 0.0, 0.0, None,
    ]


def test_likeness_never_leaves_0_to_1():
    text = scorer("text", vectors=lambda texts: numpy.full((len(texts), 1), 1.1 if texts[0] == "a" else -1.0))
    assert text.score(["a"], ["a"]) == [1.0]
    assert scorer("text", vectors=lambda t: numpy.array([[1.0 if t[0] == "a" else -1.0]])).score(["a"], ["b"]) == [0.0]


def test_free_text_without_an_embedding_model_is_refused():
    with pytest.raises(ValueError, match="embedding model"):
        scorer("text")


@pytest.mark.parametrize("kind", ["json", "label", "number"])
def test_a_scorer_refuses_lists_of_unequal_length(kind):
    assert scorer(kind).what == SCORER_KINDS[kind]
    with pytest.raises(ValueError):
        scorer(kind).score(["1", "2"], ["1"])


@pytest.mark.parametrize(
    "answers, kind",
    [
        (['{"a": 1}'] * 8 + ["broken {"] * 2, "json"),
        ([f'{{"a": {i}}}' for i in range(7)] + ["broken {", "more", "{'a': 1}"], "text"),
        (["1", "-2", "+3", "4.5", "1,000", "7 %", "0.5", ".5", "12", "13"], "number"),
        (["yes", "no", "Yes."] * 10, "label"),
        ([f"label {i % 6}" for i in range(40)], "label"),
        ([f"Please restart device {i} and call us back if it fails." for i in range(40)], "text"),
        (["Please restart it.", "Call us back."], "text"),
        ([("The same long answer, word for word, " * 4)] * 40, "text"),
        (["", " "], "text"),
        ([], "text"),
    ],
)
def test_the_scorer_is_guessed_from_the_form_of_the_answers(answers, kind):
    guessed, reason = guess_scorer(answers)
    assert guessed == kind
    assert reason.endswith(".")


@pytest.mark.parametrize(
    ("expected", "answer", "right"),
    [("12,50", "12,99", 0.0), ("12,50", "12,5 EUR", 1.0), ("1.234,56", "1234,56", 1.0), ("1,234", "1234", 1.0)],
)
def test_a_decimal_comma_is_read_as_one(expected, answer, right):
    assert scorer("number").score([expected], [answer]) == [right]
