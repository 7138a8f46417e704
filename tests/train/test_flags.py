"""Each red flag is raised by its fault, by no healthy log, and says what is seen, what it means and what to do."""

import math
import random

import pytest

from workbench.train.flags import Flag, flags
from workbench.train.plan import Plan

STEPS = 80


def log(steps=STEPS, loss=None, validation=None, score=None, gradient=None, seed=1):
    """A healthy log with noise in it, or one whose series are given as functions of the step."""
    noise = random.Random(seed)
    entries = []
    for s in range(1, steps + 1):
        usual = 3.4 * math.exp(-s / 9) + 0.15 + noise.gauss(0, 0.03)
        entries.append({"step": s, "seconds": 2.0 * s, "learning_rate": 1e-3, "loss": loss(s) if loss else max(0.02, usual),
                        "gradient_norm": gradient(s) if gradient else 2 * math.exp(-s / 20) + 0.4 + abs(noise.gauss(0, 0.3))})  # fmt: skip
        if s % 10 == 0:
            entries.append({"step": s, "seconds": 2.0 * s, "validation_loss": validation(s) if validation else 2 * math.exp(-s / 12) + 0.2})
            value = score(s) if score else 0.8 * (1 - math.exp(-s / 25)) + noise.gauss(0, 0.03)
            entries.append({"step": s, "seconds": 2.0 * s, "score": {"value": value, "low": value - 0.1, "high": value + 0.1, "n": 24}})
    return entries


def names(history, steps=STEPS):
    return [flag.name for flag in flags(history, steps)]


def only(history, steps=STEPS) -> Flag:
    (flag,) = flags(history, steps)
    return flag


def without(history, *keys):
    kept = [{name: value for name, value in entry.items() if name not in keys} for entry in history]
    return [entry for entry in kept if set(entry) - {"step", "seconds"}]


@pytest.mark.parametrize("seed", range(20))
def test_a_healthy_log_has_no_flag_at_any_moment(seed):
    history = log(seed=seed)
    assert [names(history[:n]) for n in range(len(history) + 1)] == [[]] * (len(history) + 1)


def test_a_healthy_log_of_an_older_run_has_none_and_its_faults_are_seen():
    assert names(without(log(), "gradient_norm", "score", "learning_rate")) == []
    rising = without(log(validation=lambda s: 0.3 + abs(s - 40) / 100), "gradient_norm", "score", "learning_rate")
    assert names(rising) == ["validation loss rising"]


def test_single_batches_of_hard_rows_are_no_jump():
    odd = {22: 3.77, 27: 5.89, 30: 2.14, 40: 6.93}
    healthy = log()
    assert names([entry | {"loss": odd[entry["step"]]} if "loss" in entry and entry["step"] in odd else entry for entry in healthy]) == []


def test_a_validation_loss_that_rises_is_learning_by_heart():
    flag = only(log(validation=lambda s: 0.3 + abs(s - 40) / 100, score=lambda s: 0.7 - abs(s - 40) / 1000))
    assert (flag.name, flag.step) == ("validation loss rising", 40)
    assert "lowest at step 40 (0.30)" in flag.sentence and "0.70 at step 80" in flag.sentence
    assert "by heart" in flag.sentence and "fewer steps" in flag.sentence


def test_a_validation_loss_that_rises_at_the_best_score_is_said_to_be_less_than_that():
    flag = only(log(validation=lambda s: 0.3 + abs(s - 40) / 100, score=lambda s: s / 100))
    assert flag.name == "validation loss rising" and "Go by the score" in flag.sentence and "by heart" not in flag.sentence


def test_a_validation_loss_that_has_come_down_again_is_no_flag_any_more():
    assert names(log(validation=lambda s: 0.9 if s in (30, 40) else 0.5 - s / 1000)) == []
    assert names(log(validation=lambda s: 0.9 if s in (30, 40) else 0.5 - s / 1000)[:48]) == ["validation loss rising"]


@pytest.mark.parametrize("wiggle", [0.01, 0.02, 0.04])
def test_a_validation_loss_that_wavers_by_a_few_percent_is_no_flag(wiggle):
    assert names(log(validation=lambda s: 0.4 * (1 + wiggle * (s // 10 % 2)))) == []


def test_a_score_that_falls_while_the_loss_falls_shows_that_the_loss_lies():
    history = log(score=lambda s: 0.8 - abs(s - 40) / 80)
    flag = only(history)
    assert (flag.name, flag.step) == ("score falling", 40)
    assert "The training loss lies" in flag.sentence and "weights of step 40" in flag.sentence and "0.70 to 0.90" in flag.sentence


def test_a_score_that_falls_while_the_loss_rises_is_not_blamed_on_learning_by_heart():
    flag = only(log(score=lambda s: 0.8 - abs(s - 40) / 80, loss=lambda s: 1.0 + abs(s - 40) / 100))
    assert flag.name == "score falling" and "lies" not in flag.sentence and "lost" in flag.sentence


def test_one_low_score_and_scores_within_the_interval_of_the_best_are_no_flag():
    assert names(log(score=lambda s: 0.3 if s == 80 else s / 100)) == []
    assert names(log(score=lambda s: 0.8 - max(0, s - 40) / 450)) == []


def test_one_right_row_of_eight_and_then_none_is_no_flag():
    history = log(score=lambda s: 0.5)
    for entry in history:
        if "score" in entry:
            one = entry["step"] == 40
            entry["score"] = {"value": 0.125, "low": 0.02, "high": 0.47, "n": 8} if one else {"value": 0.0, "low": 0.0, "high": 0.32, "n": 8}
    assert names(history) == []


def test_a_loss_near_zero_leaves_nothing_to_learn():
    flag = only(log(loss=lambda s: 2.0 * math.exp(-s / 8)))
    assert flag.name == "loss at zero" and flag.step == 43 and "nothing left to learn" in flag.sentence and "End here" in flag.sentence


def test_a_loss_of_zero_from_the_first_step_means_that_nothing_is_trained():
    flag = only(without(log(loss=lambda s: 0.0), "gradient_norm"))
    assert (flag.name, flag.step) == ("loss at zero", 1) and "first batch" in flag.sentence


@pytest.mark.parametrize("seed", range(5))
def test_a_loss_that_does_not_move_is_said_so(seed):
    noise = random.Random(seed)
    flag = only(without(log(loss=lambda s: 2.0 + noise.gauss(0, 0.1), validation=lambda s: 2.0), "score"))
    assert flag.name == "loss not moving" and "Raise the learning rate" in flag.sentence
    assert names(log(loss=lambda s: 2.0, validation=lambda s: 2.0)[:15]) == [], "it is too early to say"


def test_a_loss_that_falls_slowly_moves():
    noise = random.Random(3)
    assert names(log(loss=lambda s: 1.2 - s / 800 + noise.gauss(0, 0.15), validation=lambda s: 1.2 - s / 800)) == []


def test_a_loss_that_jumps_and_stays_asks_to_stop():
    flag = only(log(loss=lambda s: 0.4 if s < 50 else 2.1))
    assert (flag.name, flag.step) == ("loss jumped", 50)
    assert "0.40 to 2.10" in flag.sentence and "stands at 2.10" in flag.sentence and "halve the learning rate" in flag.sentence


def test_a_jump_that_has_come_back_stays_a_flag_and_is_said_to_have_come_back():
    flag = only(log(loss=lambda s: 2.1 if 50 <= s < 58 else 0.4))
    assert (flag.name, flag.step) == ("loss jumped", 50) and "come back to 0.40" in flag.sentence and "Stop," not in flag.sentence


def test_a_gradient_far_above_its_median_is_a_spike():
    flag = only(log(gradient=lambda s: 12.0 if s == 33 else 0.8 + s % 3 / 10))
    assert (flag.name, flag.step) == ("gradient spike", 33) and "12.0, 13 times" in flag.sentence and "Once is harmless" in flag.sentence
    more = only(log(gradient=lambda s: 12.0 + s if s in (33, 50) else 0.8 + s % 3 / 10))
    assert more.step == 50 and "2 steps were like that" in more.sentence and "Once" not in more.sentence


def test_large_gradients_at_the_start_and_small_ones_that_multiply_are_no_spike():
    assert names(log(gradient=lambda s: 30.0 / s)) == []
    assert names(log(gradient=lambda s: 0.9 if s == 40 else 0.01)) == [], "what is below the length that is cut has no force"


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_a_number_is_the_end_of_the_model(value):
    history = log(loss=lambda s: value if s >= 60 else 1.0 - s / 100)
    flag = flags(history, STEPS)[-1]
    assert (flag.name, flag.step) == ("not a number", 60) and "learning rate" in flag.sentence


def test_gradients_that_overflow_while_16_bits_find_their_scale_are_no_flag():
    assert names(log(gradient=lambda s: math.inf if s < 4 else 1.0)) == []
    assert names(log(gradient=lambda s: math.nan if s > 70 else 1.0)) == ["not a number"]


def test_flags_come_in_the_order_of_their_steps():
    history = log(gradient=lambda s: 12.0 if s == 60 else 0.8, validation=lambda s: 0.3 + abs(s - 40) / 100, score=lambda s: 0.5)
    assert [(flag.name, flag.step) for flag in flags(history, STEPS)] == [("validation loss rising", 40), ("gradient spike", 60)]


def test_a_log_of_nothing_or_of_one_entry_has_none():
    assert flags([], STEPS) == flags([{"step": 1, "seconds": 1.0, "loss": 2.0}], STEPS) == []


def test_steps_of_warming_up_are_taken_from_the_plan():
    plan = Plan("m", "d", "v", 100, STEPS, 4, 1e-3, 16, 32, 60, 10, 0, 2048)
    still = without(log(loss=lambda s: 2.0, validation=lambda s: 2.0), "score")
    assert [flag.name for flag in flags(still, STEPS)] == ["loss not moving"]
    assert flags(still, plan) == [], "20 steps after warming up are not a third of the plan"
