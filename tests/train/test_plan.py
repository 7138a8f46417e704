"""A plan's settings fit the data, are changed only to what can be, and tell one run from another."""

import pytest

from workbench.dataset import Dataset, Example
from workbench.errors import BadInput
from workbench.models import EMBEDDED, ModelChoice
from workbench.train.plan import FLAVOURS, SETTINGS, Plan, plan

SMALL = ModelChoice(EMBEDDED, "")


def rows(n, name="train"):
    return Dataset(name, tuple(Example(f"{name}{i}", (("user", f"q{i}"),), "a") for i in range(n)))


def made(n=200, steps=80, choice=SMALL, **other):
    return plan(choice, rows(n), rows(40, "validation"), steps, 4, **other)


@pytest.mark.parametrize("n, steps", [(1000, 80), (40, 80), (20, 40), (8, 16)])
def test_a_small_data_set_is_not_run_over_more_than_eight_times(n, steps):
    found = made(n)
    assert found.steps == steps
    assert found.steps * found.batch_size <= 8 * n


def test_a_plan_names_the_rows_it_is_for():
    found = made()
    assert (found.data, found.validation, found.rows) == (rows(200).fingerprint, rows(40, "validation").fingerprint, 200)


def test_a_small_model_gets_the_higher_learning_rate():
    assert made().learning_rate > made(choice=ModelChoice("Qwen/Qwen2.5-7B-Instruct", "")).learning_rate
    assert made(choice=ModelChoice("someone/unknown", "")).learning_rate == 2e-4


def test_warming_up_takes_a_part_of_the_steps_and_never_none():
    for steps in (10, 80, 300):
        assert 1 <= made(steps=steps).warmup_steps < made(steps=steps).steps / 2


@pytest.mark.parametrize("name, value", [("steps", 60), ("learning_rate", 5e-4), ("rank", 8), ("seed", 0), ("seed", 7)])
def test_a_setting_is_changed_in_a_copy(name, value):
    before = made(seed=3)
    after = before.change(**{name: value})
    assert getattr(after, name) == value and getattr(before, name) != value
    assert after.fingerprint != before.fingerprint


def test_changing_to_what_it_is_changes_nothing():
    assert made().change(steps=80, rank=16) == made()


def test_a_setting_that_is_not_there_is_refused_and_the_others_named():
    with pytest.raises(BadInput, match="'epochs'.*learning_rate"):
        made().change(epochs=3)


@pytest.mark.parametrize("name", ["data", "model", "validation", "rows"])
def test_what_the_plan_is_for_can_not_be_changed_by_hand(name):
    with pytest.raises(BadInput):
        made().change(**{name: "other"})


ZERO_IS_ONE = ("seed", "layers", "score_every", "patience")


@pytest.mark.parametrize("name", [n for n in SETTINGS if n not in ZERO_IS_ONE])
@pytest.mark.parametrize("value", [0, -1, "many", None, float("nan")])
def test_a_value_that_is_no_number_above_zero_is_refused_by_name(name, value):
    with pytest.raises(BadInput, match=name):
        made().change(**{name: value})


@pytest.mark.parametrize("name", ["steps", "batch_size", "rank", "save_every", "warmup_steps", "max_length"])
def test_what_is_counted_must_be_a_whole_number(name):
    with pytest.raises(BadInput, match=name):
        made().change(**{name: 2.5})


@pytest.mark.parametrize("change", [{"learning_rate": float("inf")}, {"seed": -1}, {"seed": "x"}, {"seed": 1.5}])
def test_a_value_that_can_not_be_trained_with_or_saved_is_refused(change):
    with pytest.raises(BadInput, match=next(iter(change))):
        made().change(**change)


@pytest.mark.parametrize("name", ZERO_IS_ONE)
@pytest.mark.parametrize("value", [-1, "many", None, float("nan"), True])
def test_a_count_that_may_be_zero_is_still_a_count(name, value):
    assert made().change(**{name: 0}) is not None
    with pytest.raises(BadInput, match=name):
        made().change(**{name: value})


@pytest.mark.parametrize("value", [1, "yes", None])
def test_a_switch_is_on_or_off_and_nothing_else(value):
    with pytest.raises(BadInput, match="all_answers"):
        made().change(all_answers=value)


def test_a_flavour_that_is_not_there_is_refused_and_the_others_named():
    for ask in (lambda: made().change(flavour="dora"), lambda: made(flavour="dora")):
        with pytest.raises(BadInput, match="'dora'.*qlora, lora, full"):
            ask()


def test_learning_all_weights_takes_smaller_steps_than_learning_an_adapter():
    rates = {flavour: made(flavour=flavour).learning_rate for flavour in FLAVOURS}
    assert rates["full"] < rates["lora"] == rates["qlora"]


def test_a_step_sees_the_batches_that_are_summed():
    assert made().change(batch_size=2, accumulation=4).rows_per_step == 8


def test_conversations_are_learnt_in_every_answer_and_single_questions_need_not():
    talk = Example("t", (("user", "a"), ("assistant", "b"), ("user", "c")), "d")
    found = plan(SMALL, Dataset("train", (*rows(20).examples, talk)), rows(4), 10, 4)
    assert found.all_answers and "1 of 21 rows" in found.reasons["all_answers"]
    assert not made().all_answers


def test_what_was_changed_by_hand_says_so_and_the_rest_keeps_its_reason():
    table = made().change(rank=8, seed=0).table().set_index("setting")["why this value"]
    assert table["rank"] == "set by you"
    assert table["seed"] != "set by you", "it was what it is now"
    assert table["steps"] == made().reasons["steps"] != ""


def test_reasons_are_for_reading_and_change_neither_plan_nor_fingerprint():
    from dataclasses import replace

    other = replace(made(), reasons={})
    assert other == made() and other.fingerprint == made().fingerprint


def test_a_plan_saved_before_there_were_flavours_is_still_the_same_plan(tmp_path):
    import json

    old = {k: v for k, v in made().to_dict().items() if k in (
        "model data validation rows steps batch_size learning_rate rank alpha warmup_steps save_every seed max_length").split()}
    (tmp_path / "plan.json").write_text(json.dumps(old), encoding="utf-8")
    assert Plan.load(tmp_path / "plan.json").fingerprint == made().fingerprint


def test_a_plan_survives_its_file_and_keeps_its_fingerprint(tmp_path):
    loaded = Plan.load(made().save(tmp_path / "plan.json"))
    assert loaded == made() and loaded.fingerprint == made().fingerprint


def test_the_fingerprint_follows_the_rows():
    assert made(200).fingerprint != made(201).fingerprint


def test_the_table_explains_every_setting():
    table = made().table()
    assert table["setting"].tolist() == list(SETTINGS)
    assert table.set_index("setting")["value"]["learning_rate"] == "0.001"
    assert set(made().reasons) == set(SETTINGS), "a reason for each"
    for column in ("what it is", "why this value", "healthy"):
        assert table[column].str.len().min() > 4, column


def test_the_plan_says_in_a_line_how_often_the_rows_are_seen():
    assert repr(made()) == "Plan: 80 steps of 4 rows (1.6 passes over 200 rows), qlora"
