"""The rule of the forgetting check, on item scores made by hand."""

from __future__ import annotations

import random

import pytest

from workbench.check.forgetting import (
    FAIL, PASS, RETRAIN, SHIP, UNKNOWN, UNSURE, ForgettingReport, answers_in_form, compare_skills, judge,
)
from workbench.check.skills import ItemScore, Skill
from workbench.dataset import Dataset, Example
from workbench.errors import Mismatch

N = 40


def skill(name: str, kind: str = "completion", chance: float | None = None) -> Skill:
    return Skill(name, name.title(), kind, chance, "", tuple({"id": f"{name}-{i}"} for i in range(N)))


def scores(name: str, loglik: float, spread: float = 0.05, correct=lambda i: None, answer: str = "") -> list[ItemScore]:
    noise = random.Random(name)
    return [
        ItemScore(name, f"{name}-{i}", f"c{i % 8}", loglik + noise.uniform(-spread, spread), correct(i), answer)
        for i in range(N)
    ]


def report(change: float, spread: float = 0.0, **more) -> ForgettingReport:
    before = scores("facts", -2.0, 0.0)
    after = scores("facts", -2.0 + change, spread)
    return compare_skills([skill("facts")], before, after, None, "model", "run")


@pytest.mark.parametrize(
    ("change", "spread", "status", "outcome"),
    [(0.0, 0.01, PASS, SHIP), (-0.05, 0.01, PASS, SHIP), (-0.5, 0.05, FAIL, RETRAIN), (-0.1, 1.0, UNKNOWN, UNSURE)],
)
def test_a_skill_is_kept_lost_or_not_settled_by_its_interval(change, spread, status, outcome):
    found = report(change, spread)
    assert found.skills[0].status == status
    assert judge(found).outcome == outcome


def test_the_worst_skill_decides():
    suite = [skill("facts"), skill("language")]
    before = scores("facts", -2, 0) + scores("language", -3, 0)
    after = scores("facts", -2, 0) + scores("language", -4, 0.05)
    assert judge(compare_skills(suite, before, after, None, "m", "r")).outcome == RETRAIN


def test_accuracy_at_guessing_is_not_measurable_and_never_kept():
    guess = [skill("quiz", "choice", 0.5)]
    half = scores("quiz", -2, 0, correct=lambda i: i % 2 == 0)
    found = compare_skills(guess, half, half, None, "m", "r").skills[0]
    assert found.accuracy is None and "not measurable" in found.note


def test_a_fall_in_accuracy_alone_is_a_loss():
    suite = [skill("quiz", "choice", 0.5)]
    before, after = (scores("quiz", -2, 0, correct=lambda i, k=k: i % k != 0) for k in (20, 2))
    found = compare_skills(suite, before, after, None, "m", "r").skills[0]
    assert found.accuracy.high < -0.05 and found.status == FAIL


def test_answers_in_the_form_of_the_task_are_a_loss_though_likelihoods_stay():
    suite = [skill("chat", "chat")]
    before = scores("chat", -2, 0, answer="Certainly. Here is how.")
    after = scores("chat", -2, 0, answer='{"category": "defect"')
    in_form = answers_in_form(Dataset("train", ()), "json")
    found = compare_skills(suite, before, after, in_form, "m", "r")
    assert (found.skills[0].status, found.intrusion.status) == (PASS, FAIL)
    assert (found.intrusion.before, found.intrusion.after) == (0, N)
    assert judge(found).outcome == RETRAIN


def test_items_without_a_finite_likelihood_are_left_out():
    before, after = scores("facts", -2, 0), scores("facts", -2, 0)
    broken = ItemScore("facts", "facts-0", "c0", float("nan"), None, "")
    found = compare_skills([skill("facts")], [broken, *before[1:]], after, None, "m", "r").skills[0]
    assert (found.n, found.status) == (N - 1, PASS)


def test_passes_over_other_items_are_refused():
    with pytest.raises(Mismatch):
        compare_skills([skill("facts")], scores("facts", -2), scores("facts", -2)[1:], None, "m", "r")


def test_a_report_reads_back_as_it_was_saved(tmp_path):
    found = report(-0.5, 0.05)
    assert ForgettingReport.load(found.save(tmp_path / "r.json")) == found


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [("json", '```json\n{"a"', True), ("json", "so { is a brace", False), ("label", "Refund.", True),
     ("label", "I would refund it", False), ("number", "42", True), ("number", "1. Fill the kettle", False)],
)  # fmt: skip
def test_the_form_of_a_task_is_told_from_ordinary_answers(kind, text, expected):
    train = Dataset("train", (Example("a", (("user", "x"),), "refund"),))
    assert answers_in_form(train, kind)(text) is expected
