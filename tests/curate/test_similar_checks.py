"""A near duplicate is proposed for deletion only where no word that carries meaning differs; all else is shown."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from workbench.curate.checks import similar
from workbench.curate.checks.check import FAULT, REVIEW, CheckContext
from workbench.dataset import Dataset, Example

ROOT = Path(__file__).resolve().parents[2]
LONG = "my order from last week has not come yet and the tracking page shows nothing new since Monday"
MORE = "so what can be done about it before I travel to see relatives on Thursday with all of those gifts"
CHECKS = {check.name: check for check in similar.CHECKS}


def minimal_pairs():
    """The pairs that the benchmark counts."""
    tree = ast.parse((ROOT / "benchmarks" / "near_duplicates.py").read_text(encoding="utf-8"))
    named = {n.targets[0].id: n.value for n in tree.body if isinstance(n, ast.Assign)}
    return ast.literal_eval(named["MINIMAL_PAIRS"])


def data(*rows, name="all", prefix="r"):
    """A data set of (input, answer) pairs with ids r0, r1 and so on."""
    return Dataset(name, tuple(Example(f"{prefix}{i}", (("user", given),), answer) for i, (given, answer) in enumerate(rows)))


def remarks(check, dataset, **context):
    return [tuple(remark) for remark in CHECKS[check].find(dataset, CheckContext("text", **context))]


def ids(check, dataset, **context):
    return [remark[0] for remark in remarks(check, dataset, **context)]


def test_what_is_acted_on_and_what_is_kept():
    done = {check.name: (check.severity, check.action) for check in similar.CHECKS}
    assert done == {
        "like a forgetting probe": (FAULT, "drop"),
        "test question reworded": (FAULT, "drop"),
        "near duplicate": (FAULT, "drop"),
        "near the test set": (REVIEW, "keep"),
        "near a forgetting probe": (REVIEW, "keep"),
        "similar row": (REVIEW, "keep"),
    }


# Within the data


def test_the_same_question_with_courtesy_and_the_same_answer_is_a_near_duplicate():
    rows = data((f"Where is it, {LONG}, {MORE}", "Delivery"), ("something else", "Delivery"), (f"Hello, where is it, {LONG}, {MORE}, please", "delivery"))
    assert remarks("near duplicate", rows) == [("r2", "86 % similar to r0, the same but for courtesy", "r0")]
    assert remarks("similar row", rows) == []


def test_a_short_row_is_shown_rather_than_proposed():
    rows = data(("Please tell me where my parcel is", "yes"), ("tell me where my parcel is", "yes"))
    assert ids("near duplicate", rows) == [] and ids("similar row", rows) == ["r1"]


def test_another_answer_is_never_a_near_duplicate():
    rows = data((f"Where is it, {LONG}", "Delivery"), (f"Where is it, {LONG}, please", "Refund"))
    assert remarks("near duplicate", rows) == []
    assert remarks("similar row", rows)[0][:2] == ("r1", "similar question, other answer: differs in 1 word, 87 % similar to r0")


@pytest.mark.parametrize("pair", minimal_pairs(), ids=lambda pair: pair[1][:30])
@pytest.mark.parametrize("frame", ["{}", "{}. " + LONG, LONG + ". {}. " + LONG, "please read: {}"])
def test_no_minimal_pair_is_ever_proposed_for_deletion(pair, frame):
    for one, two in (pair, pair[::-1]):
        rows = data((frame.format(one), "yes"), (frame.format(two), "yes"))
        assert ids("near duplicate", rows) == []
        assert ids("test question reworded", rows, test=data((frame.format(two), "yes"), name="test", prefix="t")) == []


def test_the_minimal_pairs_are_shown_when_they_stand_in_long_rows():
    shown = sum(bool(ids("similar row", data((f"{LONG}. {a}. {LONG}", "y"), (f"{LONG}. {b}. {LONG}", "y")))) for a, b in minimal_pairs())
    assert len(minimal_pairs()) == 60 and shown == 59  # polish and Polish are the same row to the check for exact duplicates


def test_every_copy_points_to_the_row_that_is_kept():
    texts = [f"{start}here is it, {LONG}, {MORE}{end}" for start, end in (("W", ""), ("Hello, w", ""), ("Hello, w", ", please"))]
    assert [twin for _, _, twin in remarks("near duplicate", data(*((t, "yes") for t in texts)))] == ["r0", "r0"]


def test_exact_duplicates_and_contradictions_are_left_to_their_own_checks():
    rows = data((LONG, "yes"), (LONG.upper(), "yes"), (LONG, "no"))
    assert ids("near duplicate", rows) == ids("similar row", rows) == []


def test_template_rows_get_one_remark_each():
    rows = data(*((f"{LONG}, the number is A-{i}", "yes") for i in range(300)))
    assert ids("similar row", rows) == [f"r{i}" for i in range(1, 300)]
    assert ids("near duplicate", rows) == []


def test_the_remark_is_on_the_most_similar_earlier_row():
    rows = data((LONG.replace("Monday", "Friday").replace("week", "month"), "y"), (LONG.replace("Monday", "Friday"), "y"), (LONG, "y"))
    assert [(row, twin) for row, _, twin in remarks("similar row", rows)] == [("r1", "r0"), ("r2", "r1")]


def test_evidence_repeats_no_text_of_the_row():
    secret = "jo.doe@example.org"
    rows = data((f"{LONG}, write to {secret}", "yes"), (f"{LONG}, write to {secret} today", "no"), (f"{LONG}, {secret} please", secret))
    test = data((f"{LONG}, write to {secret} now", "yes"), name="test", prefix="t")
    for check in similar.CHECKS:
        for _, evidence, _ in remarks(check.name, rows, test=test, probes={"p": f"{LONG} {secret}"}):
            assert not {"jo", "doe", "example", "tracking"} & set(evidence.replace(".", " ").replace("@", " ").split())


def test_another_system_prompt_is_another_task():
    user = ("user", f"Where is it, {LONG}")
    rows = [Example(f"r{i}", (("system", s), user), "yes") for i, s in enumerate(("Answer in French.", "Answer in German."))]
    dataset = Dataset("all", tuple(rows))
    assert ids("near duplicate", dataset) == [] and ids("similar row", dataset) == ["r1"]


def test_every_turn_counts():
    def talk(i, first, reply):
        return Example(f"r{i}", (("user", first), ("assistant", reply), ("user", f"Where is it, {LONG}")), "yes")

    same = Dataset("all", (talk(0, "please help me", "Of course."), talk(1, "help me", "Of course.")))
    other = Dataset("all", (talk(0, "please help me", "Of course."), talk(1, "help me", "Never.")))
    assert ids("near duplicate", same) == ["r1"] and ids("near duplicate", other) == []


def test_a_preference_pair_is_compared_with_its_rejected_answer():
    rows = [Example(f"r{i}", (("user", f"Where is it, {LONG}{s}"),), "yes", {}, r) for i, (s, r) in enumerate((("", "no"), (", please", "never")))]
    assert ids("near duplicate", Dataset("all", tuple(rows))) == []


def test_the_search_runs_once_for_all_checks(monkeypatch):
    calls = []
    monkeypatch.setattr(similar, "sketch", lambda texts, progress=None, make=similar.sketch: calls.append(len(texts)) or make(texts))
    rows, context = data((LONG, "yes"), (LONG + " again", "yes")), CheckContext("text")
    for check in similar.CHECKS:
        list(check.find(rows, context))
    assert calls == [2]


@pytest.mark.parametrize("rows", [(), (("", ""),), (("", ""), ("", "a"), (" ", "b")), (("\ud800", "x"), ("\ud800", "x"))])
def test_empty_and_broken_rows_do_no_harm(rows):
    dataset, test = data(*rows), data(("a b c", "d"), name="test", prefix="t")
    for check in similar.CHECKS:
        assert list(check.find(dataset, CheckContext("text", test=test, probes={"p": "a b c", "q": ""}))) == []


@pytest.mark.parametrize("one, two", [(".5 mg", "5 mg"), ("f'", "f"), ("10²", "102"), ("Polish", "polish it"), ("in Maßen", "in Massen")])
def test_an_answer_that_is_only_loosely_the_same_is_shown_and_not_proposed(one, two):
    rows = data((f"Where is it, {LONG}", one), (f"Where is it, {LONG}, please", two))
    assert ids("near duplicate", rows) == [] and remarks("similar row", rows)[0][1].startswith("similar question, other answer")


# Against the test set and the probes


def test_a_test_question_reworded_and_a_near_one_are_told_apart():
    test = data((f"Where is it, {LONG}, {MORE}", "yes"), name="test", prefix="t")
    rows = data(
        (f"Where is it, {LONG}, {MORE}, please", "no"),
        (f"Where is it, {LONG.replace('Monday', 'Friday')}, {MORE}", "yes"),
        (f"where is it {LONG}, {MORE}", "the very question, which another check finds"),
        ("something else", "yes"),
    )
    assert remarks("test question reworded", rows, test=test) == [("r0", "93 % similar to test row t0, the same but for courtesy", "t0")]
    assert remarks("near the test set", rows, test=test)[0][::2] == ("r1", "t0")
    assert ids("near the test set", rows, test=test) == ["r1"]
    assert ids("near the test set", rows) == ids("test question reworded", rows) == []


def test_every_row_of_a_repeated_question_is_found_near_the_test():
    test = data((LONG + " so what", "yes"), name="test", prefix="t")
    rows = data((LONG, "yes"), (LONG.upper(), "yes"), (LONG, "no"))
    assert ids("near the test set", rows, test=test) == ["r0", "r1", "r2"]


def test_a_probe_in_a_question_or_an_answer_is_found():
    probes = {"facts-1": "The capital of Japan is", "grammar-1": "The keys to the shed hang behind the door.", "yes": "Yes"}
    rows = data(
        ("the capital of japan is", "Tokyo"),
        ("The capital of France is", "Paris"),
        ("Say a sentence.", "The keys to the shed hang behind the door"),
        ("The keys to the shed", "hang behind the door."),
        ("Is it?", "yes"),
    )
    found = remarks("like a forgetting probe", rows, probes=probes)
    assert found == [
        ("r0", "the same as forgetting probe facts-1", ""),
        ("r2", "the same as forgetting probe grammar-1", ""),
        ("r3", "the same as forgetting probe grammar-1", ""),
    ]
    assert ids("like a forgetting probe", rows) == []


def test_a_question_near_a_probe_is_shown():
    rows = data((LONG + " again", "yes"), ("something else", "yes"))
    assert remarks("near a forgetting probe", rows, probes={"language-2": LONG}) == [("r0", "85 % similar to forgetting probe language-2", "")]
    assert ids("like a forgetting probe", rows, probes={"language-2": LONG}) == []


def test_each_row_is_judged_by_its_own_words_and_not_by_those_of_a_loosely_equal_one():
    test = data((f"What is f at x, {LONG}, {MORE}, please", "yes"), name="test", prefix="t")
    rows = data((f"What is f at x, {LONG}, {MORE}", "yes"), (f"What is f' at x, {LONG}, {MORE}", "no"))
    for dataset in (rows, Dataset("all", rows.examples[::-1])):
        assert ids("test question reworded", dataset, test=test) == ["r0"]
        assert ids("near the test set", dataset, test=test) == ["r1"]


def test_a_row_that_is_only_loosely_a_probe_is_shown_and_not_proposed():
    rows, probes = data(("The value of f' at x is", "yes"), ("the value of f at x is", "yes")), {"maths-1": "The value of f at x is"}
    assert ids("like a forgetting probe", rows, probes=probes) == ["r1"]
    assert remarks("near a forgetting probe", rows, probes=probes) == [("r0", "100 % similar to forgetting probe maths-1", "")]
