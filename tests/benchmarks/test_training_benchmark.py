"""The training benchmark compares like with like, and its sums are right."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def training():
    sys.path.insert(0, str(FOLDER))
    try:
        import training

        yield training
    finally:
        sys.path.remove(str(FOLDER))


def steps(*seconds):
    return {"wall": [9.0, 9.0, 9.0, *seconds], "cpu": [18.0, 18.0, 18.0, *(2 * s for s in seconds)], "losses": [2.5]}


def raced(seconds, *scores):
    return {"scores": [{"step": 10 * (n + 1), "wall": seconds * (n + 1), "cpu": 2 * seconds * (n + 1), "rows": list(rows)}
                       for n, rows in enumerate(scores)]}  # fmt: skip


def test_ratios_are_made_turn_by_turn_and_leave_the_first_steps_out(training):
    ours, theirs = [steps(1.0, 1.0, 1.0), steps(2.0, 2.0, 2.0)], [steps(2.0, 2.0, 50.0), steps(3.0, 3.0, 3.0)]
    ours, theirs = training.speed_lines({"workbench": ours, "notebook": theirs})
    assert "1.50 [1.00 to 2.00] s a step" in ours and "times the workbench's: 1.00 [1.00 to 1.00]" in ours
    assert "times the workbench's: 1.75 [1.50 to 2.00], CPU 1.75 [1.50 to 2.00]" in theirs


def test_both_sides_get_equally_many_rates_with_their_own_in_the_middle(training):
    ours, theirs = (training.rates(side, 3) for side in training.SIDES)
    assert ours == [1e-3, 2.5e-3, 4e-4] and theirs == [2e-4, 5e-4, 8e-5]
    assert training.rates("recipe", 1) == [2e-4] and len(set(training.rates("recipe", 6))) == 6


def test_the_best_trial_is_the_one_with_the_highest_score_and_of_equals_the_earlier(training):
    slow, quick, worse = raced(20, [0, 0], [1, 0]), raced(10, [0, 0], [1, 0]), raced(1, [0, 0], [0, 0])
    assert training.best_trial([worse, slow, quick]) == 2
    assert training.best_trial([raced(5, [1, 1], [0, 0]), quick]) == 0


def test_the_target_is_what_both_sides_reach_and_a_seed_that_does_not_is_counted(training):
    finals = {
        "recommended": [raced(10, [1, 0], [1, 1]), raced(10, [1, 0], [1, 1])],
        "recipe": [raced(30, [0, 0], [1, 0]), raced(30, [0, 0], [1, 0])],
    }
    target, ours, theirs, wall, cpu = training.score_lines(finals)
    assert target.startswith("target: 0.500")
    assert "after 10 s, 20 CPU s (step 10); 2 of 2 seeds alone" in ours
    assert "after 60 s, 120 CPU s (step 20)" in theirs and "ended at 0.500" in theirs
    assert "takes 6.00 times the workbench's seconds [6.00 to 6.00" in wall and "6.00 times the workbench's CPU seconds" in cpu
    finals["recipe"] = [raced(30, [0, 0], [0, 0]), raced(30, [0, 0], [1, 1])]
    assert "1 of 2 seeds alone" in training.score_lines(finals)[2]


def test_where_a_side_has_learnt_nothing_that_is_said_and_no_ratio_is_made(training):
    finals = {"recommended": [raced(10, [1, 1])], "recipe": [raced(10, [0, 0])]}
    said = training.score_lines(finals)
    assert "has learnt nothing" in said[1] and not any("takes" in line for line in said)


def test_too_few_steps_are_refused_before_anything_is_loaded(training):
    with pytest.raises(SystemExit, match="leaves nothing to measure"):
        training.main(["--steps", "3"])


def test_the_validation_rows_share_no_question_with_the_rows_learnt_and_the_test_file_stays_unseen(training, tmp_path):
    train, validation = training.prepare(tmp_path)
    assert len(validation) == training.VALIDATION and len(train) > 200
    assert not {e.input for e in train} & {e.input for e in validation}
    assert {e.provenance["source"] for e in (*train, *validation)} == {"tickets.csv"}
