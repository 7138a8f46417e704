"""What counts as right: fields of JSON, a label, a number, a text, a user's own way, or likeness where nothing can be exact."""

import json

import numpy
import pytest

from workbench.dataset import Example
from workbench.errors import BadInput
from workbench.scoring.scorers import (
    SCORER_KINDS,
    Judged,
    custom_scorer,
    exact,
    guess_scorer,
    json_fields,
    label,
    number,
    read_number,
    read_object,
    schema_valid,
    scorer,
)


def rows(expected):
    return [Example(f"r{i}", (("user", "?"),), answer) for i, answer in enumerate(expected)]


def scores(judge, expected, answers):
    return [judged.score for judged in judge.judge(rows(expected), answers)]


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
    assert scores(text, ["ab", "ab", "a", "a", " "], ["ba", "a", "b", "", "a"]) == [
        pytest.approx(1.0), pytest.approx(0.5**0.5), 0.0, 0.0, None,
    ]


def test_likeness_never_leaves_0_to_1():
    text = scorer("text", vectors=lambda texts: numpy.full((len(texts), 1), 1.1 if texts[0] == "a" else -1.0))
    assert scores(text, ["a"], ["a"]) == [1.0]
    opposite = scorer("text", vectors=lambda texts: numpy.array([[1.0 if texts[0] == "a" else -1.0]]))
    assert scores(opposite, ["a"], ["b"]) == [0.0]


def test_free_text_without_an_embedding_model_is_refused():
    with pytest.raises(ValueError, match="embedding model"):
        scorer("text")


@pytest.mark.parametrize("kind", ["json", "label", "number", "exact", "fact"])
def test_a_scorer_refuses_lists_of_unequal_length(kind):
    assert scorer(kind).what == SCORER_KINDS[kind]
    with pytest.raises(ValueError):
        scorer(kind).judge(rows(["1", "2"]), ["1"])


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
        ([f"{i + 20} euros a day" for i in range(40)], "text"),
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
    assert scores(scorer("number"), [expected], [answer]) == [right]


@pytest.mark.parametrize("kind", ["haiku", "", "custom"])
def test_an_unknown_kind_is_refused_with_the_known_ones(kind):
    with pytest.raises(BadInput, match="json, label, number"):
        scorer(kind)


@pytest.mark.parametrize(
    "expected, answer, score",
    [("Yes, please.", "yes please", 1.0), ("a-1", "A 1", 0.0), ("yes", "yes\nwhy", 0.0), ("yes", "", 0.0), (" ", "y", None)],
)
def test_exact_is_the_whole_text_whatever_its_case_and_punctuation(expected, answer, score):
    assert exact(expected, answer) == score == scores(scorer("exact"), [expected], [answer])[0]


PARTS = ("valid JSON", "right keys", "all fields right", "field: category", "field: count", "field: order")


@pytest.mark.parametrize(
    "answer, parts",
    [
        (WANTED, (1, 1, 1, 1, 1, 1)),
        (WANTED.replace("2", "3"), (1, 1, 0, 1, 0, 1)),
        ('{"category": "billing"}', (1, 0, 0, 1, 0, 0)),
        ('{"category": "billing", "order": null, "count": 2, "more": 1}', (1, 0, 0, 1, 1, 1)),
        ("billing", (0, 0, 0, 0, 0, 0)),
    ],
)
def test_json_says_which_part_is_right(answer, parts):
    [judged] = scorer("json").judge(rows([WANTED]), [answer])
    assert judged.aspects == dict(zip(PARTS, parts, strict=True))
    assert judged.score == json_fields(WANTED, answer)


def test_what_can_not_be_judged_has_no_parts():
    assert scorer("json").judge(rows(["no JSON"]), [WANTED]) == [Judged(None)]


SCHEMA = {"type": "object", "properties": {"count": {"type": "integer", "minimum": 0}}, "required": ["count"]}


@pytest.mark.parametrize(
    "answer, fits",
    [('{"count": 2}', True), ('```json\n{"count": 2}\n```', True), ('{"count": -1}', False), ('{"count": "2"}', False),
     ("{}", False), ("count: 2", False), ("[2]", False), ("", False)],
)
def test_an_answer_fits_a_schema_or_not(answer, fits):
    assert schema_valid(answer, SCHEMA) is fits
    [judged] = scorer("json", rules={"schema": SCHEMA}).judge(rows(['{"count": 2}']), [answer])
    assert judged.aspects["fits the schema"] == fits


def test_a_schema_that_is_none_is_refused_before_any_answer_is_judged():
    with pytest.raises(BadInput, match="schema"):
        scorer("json", rules={"schema": {"type": "thing"}})


def test_a_schema_elsewhere_is_never_fetched(monkeypatch):
    monkeypatch.setattr("urllib.request.urlopen", lambda *a, **k: pytest.fail("something was fetched"))
    with pytest.raises(BadInput, match="Mend the schema"):
        schema_valid("{}", {"$ref": "https://example.com/schema.json"})


def test_scores_are_made_again_when_the_schema_changes():
    assert len({scorer("json", rules=r).what for r in (None, {"schema": SCHEMA}, {"schema": {**SCHEMA, "required": []}})}) == 3


def test_facts_are_judged_with_the_tasks_own_phrase_for_no_answer():
    judge = scorer("fact", rules={"unanswerable": "Ask the desk."})
    asked = rows(["32 euros a day", "Ask the desk.", ""])
    assert judge.judge(asked, ["It is 32 euros [travel-4].", "Please ask the desk.", "x"]) == [
        Judged(1.0, {"has the fact": 1.0}), Judged(1.0, {"says when there is no answer": 1.0}), Judged(None),
    ]


def test_a_users_own_way_to_judge_counts_like_any_other():
    half = custom_scorer("Share of the two words.", lambda e, a: sum(w in a for w in e.split()) / 2 if e else None)
    assert (half.kind, half.what) == ("custom", "Share of the two words.")
    assert scores(half, ["a b", "a b", ""], ["a", "b a", "c"]) == [0.5, 1.0, None]
    assert scores(custom_scorer("Equal.", lambda e, a: e == a), ["a", "a"], ["a", "b"]) == [1.0, 0.0]


def test_a_row_that_a_users_scorer_fails_on_is_unscorable_and_not_wrong():
    assert scores(custom_scorer("Inverse.", lambda e, a: 1 / int(a)), ["1"] * 3, ["1", "0", "many"]) == [1.0, None, None]


def test_a_users_scorer_that_fails_on_every_row_is_refused_with_its_error():
    with pytest.raises(BadInput, match="KeyError: 'x'"):
        scores(custom_scorer("Faulty.", lambda e, a: {}["x"]), ["1", "2"], ["1", "2"])


@pytest.mark.parametrize("given", [1.5, -0.1, float("nan"), float("inf"), "1", [1], 100])
def test_a_score_outside_0_to_1_is_refused_and_the_row_named(given):
    with pytest.raises(BadInput, match="row r1 "):
        scores(custom_scorer("Faulty.", lambda e, a: given if a == "b" else 1), ["x", "x"], ["a", "b"])


def test_a_users_scorer_needs_to_say_what_counts():
    with pytest.raises(BadInput, match="sentence"):
        custom_scorer(" ", lambda e, a: 1.0)


def test_likeness_of_no_answers_is_no_score_and_asks_no_model():
    judge = scorer("text", lambda texts: pytest.fail("nothing to embed"))
    assert judge.judge([], []) == []


def test_another_phrase_for_no_answer_makes_new_scores():
    assert len({scorer("fact", rules={"unanswerable": phrase}).what for phrase in ("", "Ask HR.", "Not known.")}) == 3
