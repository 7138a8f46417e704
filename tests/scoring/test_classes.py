"""Macro-F1 weighs every class alike, and has an interval as wide as it should be."""

from math import isnan

import numpy
import pytest
from sklearn.metrics import f1_score

from workbench.dataset import Example
from workbench.errors import Mismatch
from workbench.scoring import classes
from workbench.scoring.classes import macro_f1
from workbench.scoring.intervals import wilson
from workbench.scoring.scorecard import ScoredRow


def rows(pairs):
    examples = [Example(f"r{i}", (("user", "?"),), wanted) for i, (wanted, _) in enumerate(pairs)]
    scored = [ScoredRow(f"r{i}", float(w == g), g, 1, 1, False) for i, (w, g) in enumerate(pairs)]
    return scored, examples


def test_a_class_that_is_never_answered_pulls_the_mean_down_however_rare_it_is():
    scored, examples = rows([("a", "a")] * 8 + [("b", "a")] * 2)
    # By hand: a has 8 right of 8 expected and 10 answered, 16 / 18; b has none.
    assert macro_f1(scored, examples).value == pytest.approx((16 / 18 + 0) / 2)


def test_it_agrees_with_scikit_learn_over_the_expected_classes():
    draw = numpy.random.default_rng(5)
    wanted, given = draw.choice(list("abc"), 200, p=[0.7, 0.2, 0.1]), draw.choice(list("abcx"), 200)
    scored, examples = rows(list(zip(wanted, given, strict=True)))
    expected = f1_score(wanted, given, labels=list("abc"), average="macro")
    assert macro_f1(scored, examples).value == pytest.approx(expected)


def test_labels_are_read_as_the_label_scorer_reads_them():
    scored, examples = rows([("Not urgent", "**not  urgent**\nbecause it can wait"), ("urgent", "Urgent.")])
    assert macro_f1(scored, examples).value == 1.0


def test_rows_are_found_by_id_and_those_without_a_score_are_left_out():
    scored, examples = rows([("a", "a"), ("b", "b"), ("b", "a")])
    unscored = ScoredRow("r2", None, "a", 1, 1, False, error="The endpoint failed.")
    assert macro_f1([*scored[:2], unscored], examples[::-1]).value == 1.0


def test_nothing_scored_claims_nothing():
    found = macro_f1([], [])
    assert isnan(found.value) and found[1:] == (0.0, 1.0)


def test_rows_of_another_set_are_refused():
    scored, examples = rows([("a", "a"), ("b", "b")])
    with pytest.raises(Mismatch, match="'r1'"):
        macro_f1(scored, examples[:1])


@pytest.mark.parametrize("answer, value, right", [("same", 1.0, 20), ("other", 0.0, 0)])
def test_all_right_or_all_wrong_still_has_a_width(answer, value, right):
    scored, examples = rows([(w, w if answer == "same" else "x") for w in "ab" * 10])
    found, usual = macro_f1(scored, examples), wilson(right, 20)
    assert found.value == value and (found.low, found.high) == (usual.low, usual.high)


def test_a_higher_level_gives_a_wider_interval_and_each_time_the_same():
    scored, examples = rows([(w, g) for w, g in zip("aabbccab" * 5, "aabbcaba" * 5, strict=True)])
    usual, wide = macro_f1(scored, examples), macro_f1(scored, examples, 0.99)
    assert wide.low < usual.low < usual.value < usual.high < wide.high
    assert usual == macro_f1(scored, examples)


def test_the_interval_holds_the_true_value_about_as_often_as_it_says(monkeypatch):
    """120 samples of 150 rows from a known table of confusions; the truth is its own macro-F1."""
    monkeypatch.setattr(classes, "DRAWS", 1000)
    table = numpy.array([[0.40, 0.06, 0.04], [0.05, 0.22, 0.03], [0.04, 0.04, 0.12]])
    truth = numpy.mean([2 * table[i, i] / (table[i].sum() + table[:, i].sum()) for i in range(3)])
    draw, held = numpy.random.default_rng(2), 0
    for _ in range(120):
        cells = draw.choice(9, 150, p=table.ravel())
        found = macro_f1(*rows([("abc"[c // 3], "abc"[c % 3]) for c in cells]))
        held += found.low <= truth <= found.high
    assert 0.88 <= held / 120 <= 0.99
