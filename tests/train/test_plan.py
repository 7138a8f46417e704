"""A plan's settings fit the data, are changed only to what can be, and tell one run from another."""

import pytest

from workbench.dataset import Dataset, Example
from workbench.errors import BadInput
from workbench.models import EMBEDDED, ModelChoice
from workbench.train.plan import WHY, Plan, plan

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


@pytest.mark.parametrize("name", [n for n in WHY if n != "seed"])
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


def test_a_plan_survives_its_file_and_keeps_its_fingerprint(tmp_path):
    loaded = Plan.load(made().save(tmp_path / "plan.json"))
    assert loaded == made() and loaded.fingerprint == made().fingerprint


def test_the_fingerprint_follows_the_rows():
    assert made(200).fingerprint != made(201).fingerprint


def test_the_table_explains_every_setting():
    table = made().table()
    assert table["setting"].tolist() == list(WHY)
    assert table.set_index("setting")["value"]["learning_rate"] == "0.001"
    assert table["why"].str.len().min() > 10


def test_the_plan_says_in_a_line_how_often_the_rows_are_seen():
    assert repr(made()) == "Plan: 80 steps of 4 rows (1.6 passes over 200 rows)"
