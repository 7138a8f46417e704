"""What is dropped as a repeat or a contradiction is one; what only looks like one is for a person."""

import json

import pytest

from workbench.curate.checks import repeats
from workbench.curate.checks.check import CheckContext
from workbench.curate.checks.strict import plain, same_text
from workbench.dataset import Dataset, Example

CHECKS = {check.name: check for check in repeats.CHECKS}
FAULTS = ("contradiction", "exact duplicate", "in the test set")


def rows(*pairs, name="all", prefix="r"):
    return Dataset(name, tuple(Example(f"{prefix}{i}", (("user", given),), answer) for i, (given, answer) in enumerate(pairs)))


def remarks(check, dataset, kind="label", test=None):
    return {r.row_id: (r.evidence, r.twin) for r in CHECKS[check].find(dataset, CheckContext(kind, test))}


@pytest.mark.parametrize(
    "one, other",
    [
        ("What is 1^1", "What is 1.1"), ("a?", "a+"), ("Match a+ in this text", "Match a? in this text"), ("x[0]", "x(0)"),
        ("Yes.", "Yes?"), ("Yes!", "Yes."), ("How do I polish it", "How do I Polish it"), ("Open a/b for me", "Open a\\b for me"),
        ("polish", "Polish"), ("What is 5² in all", "What is 52 in all"), ("Is it a 'file' name", "Is it a file name"),
    ],
)
@pytest.mark.parametrize("answers", [("x", "x"), ("x", "y")])
def test_questions_that_differ_in_a_sign_or_one_words_case_are_never_dropped(one, other, answers):
    given, test = rows((one, answers[0]), (other, answers[1])), rows((other, "x"), name="test", prefix="t")
    assert [r for check in FAULTS[:2] for r in remarks(check, given)] == []
    assert list(remarks("in the test set", given, test=test)) == ["r1"]


@pytest.mark.parametrize(
    "one, other",
    [
        ("Where is my parcel?", "where is my parcel"), ("Where is my parcel?", "WHERE IS MY PARCEL?!"), ("Where  is\u00a0my parcel", " Where is my parcel "),
        ("It broke. Where is it", "It broke. where is it"), ("Where Is My Parcel", "Where is my parcel"), ("Where is it", "Ｗhere is it"),
    ],
)
def test_rows_that_differ_in_space_full_stop_or_case_throughout_are_the_same(one, other):
    assert remarks("exact duplicate", rows((one, "x"), (other, "x"))) == {"r1": ("the same as r0", "r0")}
    assert remarks("same but for punctuation", rows((one, "x"), (other, "x"))) == {}


def test_a_row_that_is_the_same_but_for_punctuation_is_for_review():
    given = rows(("x[0]", "1"), ("x(0)", "1"), ("x(0)", "1"))
    assert remarks("same but for punctuation", given) == {"r1": ("the same question as r0 but for punctuation or case", "r0")}
    assert list(remarks("exact duplicate", given)) == ["r2"]
    test = rows(("x{0}", "1"), name="test", prefix="t")
    assert remarks("in the test set", given, test=test) == {}
    assert set(remarks("same but for punctuation", given, test=test)) == {"r0", "r1", "r2"}


def test_json_answers_are_compared_by_what_they_say():
    given = rows(("q", '{"a": 1, "b": "x"}'), ("q", '{ "b":"x","a":1 }'), ("q", '{"a": 1, "b": "y"}'))
    assert list(remarks("exact duplicate", given, "json")) == ["r1"]
    assert remarks("contradiction", rows(("q", '{"a": 1}'), ("q", '{"a":1}')), "json") == {}


def test_a_broken_copy_is_no_copys_original_and_contradicts_nothing():
    given = rows(("q", '{"a": 1'), ("q", '{"a": 1}'), ("q", '{"a":1}'), ("q", ""))
    assert remarks("exact duplicate", given, "json") == {"r2": ("the same as r1", "r1")}
    assert remarks("contradiction", given, "json") == {}


@pytest.mark.parametrize("kind, one, other, same", [("text", "Yes", "yes", True), ("text", "Mb", "MB", False), ("label", "Yes", "YES", True), ("label", "C", "C++", False)])
def test_short_answers_to_one_question_are_the_same_but_for_the_first_letter_and_labels_in_any_case(kind, one, other, same):
    assert list(remarks("exact duplicate", rows(("q", one), ("q", other)), kind)) == ["r1"] * same


def test_numbers_written_otherwise_do_not_contradict():
    assert remarks("contradiction", rows(("q", "5"), ("q", "5.0")), "number") == {}


@pytest.mark.parametrize("kind", ["label", "json", "number"])
def test_against_three_votes_in_four_of_five_only_the_others_go(kind):
    say = {"label": str, "json": lambda n: json.dumps({"n": n}), "number": str}[kind]
    four = rows(*[("q", say(1))] * 2, ("q", say(2)), *[("q", say(1))] * 2)
    assert remarks("contradiction", four, kind) == {"r2": ("another answer in 4 of 5 rows", "r0")}
    assert len(remarks("contradiction", rows(*[("q", say(1))] * 3, ("q", say(2))), kind)) == 4


def test_free_text_and_pairs_of_preference_may_have_several_answers():
    given = rows(("q", "tea"), ("q", "milk"))
    assert remarks("contradiction", given, "text") == {}
    assert remarks("several answers", given, "text") == {"r0": ("another answer in r1", "r1"), "r1": ("another answer in r0", "r0")}
    pairs = Dataset("all", tuple(Example(f"r{i}", (("user", "q"),), a, rejected="no") for i, a in enumerate(("tea", "milk"))))
    assert remarks("contradiction", pairs, "label") == {} and len(remarks("several answers", pairs, "label")) == 2


def test_where_many_questions_have_several_answers_they_are_meant():
    given = rows(*((f"q{i // 2}", f"label {i % 2}") for i in range(40)), *((f"p{i}", "x") for i in range(100)))
    assert remarks("contradiction", given) == {} and len(remarks("several answers", given)) == 40
    assert len(remarks("contradiction", Dataset("few", given.examples[20:]))) == 20
    assert len(remarks("contradiction", Dataset("few", given.examples[30:]))) == 10


def test_evidence_lists_a_few_rows_and_counts_the_others():
    said = remarks("several answers", rows(*(("q", f"answer {i}") for i in range(9))), "text")
    assert said["r0"] == ("another answer in r1, r2, r3, r4, r5 and 3 more", "r1")


def test_one_question_before_every_row_is_gone_through_in_one_pass():
    """By pairs, it would be 400 million of them."""
    given = rows(*(("Say something", f"answer {i}") for i in range(20_000)))
    assert [len(remarks(check, given)) for check in CHECKS] == [0, 0, 0, 20_000, 0]


@pytest.mark.parametrize("one, other", [("Maßen sind gut für alle", "Massen sind gut für alle"), ("In Maßen trinken", "In Massen trinken")])
def test_a_sharp_s_is_not_two_s(one, other):
    assert not same_text(plain(one), plain(other))
    assert same_text(plain("Where’s  it now?"), plain("Where's it now"))
