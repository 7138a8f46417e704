"""A preference plan fits the pairs and the adapter it was made for, and a pair is seen as the model is asked."""

import filelock
import pytest

from workbench.dataset import Dataset, Example
from workbench.errors import BadInput, Mismatch, Prerequisite
from workbench.models import EMBEDDED, ModelChoice
from workbench.train import preferences
from workbench.train.encode import encode
from workbench.train.preferences import (
    PREFERENCE_SETTINGS,
    PreferencePlan,
    PreferenceRun,
    align,
    pair_table,
    preference_plan,
    rows_for,
    trainer_for,
)

SMALL, LARGE = ModelChoice(EMBEDDED, ""), ModelChoice("Qwen/Qwen2.5-7B-Instruct", "")


def pairs(n=20, answer="yes indeed", rejected="no"):
    return Dataset("preferences", tuple(Example(f"r{i}", (("user", f"q{i}"),), answer, {}, rejected) for i in range(n)))


@pytest.fixture
def start(tmp_path):
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture
def plan(start):
    return preference_plan(SMALL, pairs(), start)


@pytest.fixture
def no_training(monkeypatch):
    monkeypatch.setattr(preferences, "_align", lambda *_: pytest.fail("training was begun"))


def finished(plan, **changes):
    fields = {
        "folder": "align", "plan": plan.to_dict(), "steps": 15, "loss_first": 0.69, "loss_last": 0.3, "margin_last": 1.0,
        "accuracy_last": 1.0, "reference": "r", "seconds": 9.0, "peak_memory": 1.0, "left_out": 0, "resumed_at": (10,),
        "versions": {}, "machine": "m",
    }  # fmt: skip
    return PreferenceRun(**{**fields, **changes})


def begin(plan, start, folder, rows=None):
    return align(plan, rows or pairs(), SMALL, start, folder, folder.parent / "log")


def test_three_passes_over_the_pairs_unless_there_is_less_time(start):
    assert preference_plan(SMALL, pairs(100), start).steps == 75
    hurried = preference_plan(SMALL, pairs(100), start, steps=15)
    assert hurried.steps == 15 and "75 would be 3 passes" in hurried.reasons["steps"]
    assert preference_plan(SMALL, pairs(4), start, steps=15).steps == 10


def test_a_small_model_gets_the_higher_rate(start):
    assert preference_plan(SMALL, pairs(), start).learning_rate > preference_plan(LARGE, pairs(), start).learning_rate


def test_every_setting_is_shown_with_its_reason(plan):
    table = plan.change(beta=0.3).table().set_index("setting")
    assert set(table.index) == set(PREFERENCE_SETTINGS)
    assert table.loc["beta", "value"] == "0.3" and table.loc["beta", "why this value"] == "set by you"


@pytest.mark.parametrize("wrong", [{"beta": 0}, {"beta": True}, {"steps": 0}, {"steps": 2.5}, {"batch_size": True}, {"learning_rate": 1}, {"rank": 8}])
def test_a_setting_that_cannot_be_is_refused(plan, wrong):
    with pytest.raises(BadInput, match=next(iter(wrong))):
        plan.change(**wrong)


def test_a_plan_survives_its_file_and_reasons_are_no_part_of_its_fingerprint(plan, tmp_path):
    read = PreferencePlan.load(plan.save(tmp_path / "plan.json"))
    assert read == plan and read.fingerprint == plan.fingerprint
    assert plan.change(beta=0.2).fingerprint != plan.fingerprint == plan.change(beta=0.1).fingerprint


def test_without_an_adapter_to_go_on_from_the_notebook_to_run_is_named(tmp_path):
    with pytest.raises(Prerequisite, match="03_train_with_qlora"):
        preference_plan(SMALL, pairs(), tmp_path)


@pytest.mark.parametrize("rows", [pairs(0), pairs(rejected=""), pairs(rejected=" yes indeed ")], ids=["none", "no rejected", "the same"])
def test_what_is_no_pair_is_refused(start, rows):
    with pytest.raises(BadInput):
        preference_plan(SMALL, rows, start)


def test_pairs_that_have_changed_since_the_plan_are_refused_before_anything_is_written(plan, start, tmp_path, no_training):
    with pytest.raises(Mismatch, match="changed since"):
        begin(plan, start, tmp_path / "align", pairs(19))
    assert not (tmp_path / "align").exists()


def test_a_tuned_model_that_has_changed_since_the_plan_is_refused(plan, start, tmp_path, no_training):
    (start / "adapter_model.safetensors").write_bytes(b"others")
    with pytest.raises(Mismatch, match="tuned model"):
        begin(plan, start, tmp_path / "align")


def test_a_finished_run_with_the_same_plan_is_read_back(plan, start, tmp_path, no_training):
    run = finished(plan)
    run.save(tmp_path / "align" / "run.json")
    assert begin(plan, start, tmp_path / "align") == run


def test_a_run_that_was_stopped_is_no_finished_one(plan, tmp_path):
    finished(plan, ended="stopped").save(tmp_path / "run.json")
    assert preferences._finished(tmp_path, plan) is None


def test_what_another_plan_left_is_set_aside_whole(plan, start, tmp_path, monkeypatch):
    folder = tmp_path / "align"
    folder.mkdir()
    other = plan.change(beta=0.5)
    other.save(folder / "preference-plan.json")
    finished(other).save(folder / "run.json")
    monkeypatch.setattr(preferences, "_align", lambda *_: "trained")
    assert begin(plan, start, folder) == "trained"
    (aside,) = (tmp_path / "align-earlier").iterdir()
    assert PreferenceRun.load(aside / "run.json") == finished(other) and not (folder / "run.json").exists()
    assert Dataset.load(folder / "rows" / "pairs.jsonl").fingerprint == plan.data


def test_a_second_kernel_is_refused_in_a_sentence(plan, start, tmp_path, no_training, monkeypatch):
    real = filelock.FileLock
    monkeypatch.setattr(filelock, "FileLock", lambda path, timeout: real(path, timeout=0.05))
    (tmp_path / "align").mkdir()
    with real(tmp_path / "align" / "training.lock"), pytest.raises(Prerequisite, match="Another kernel"):
        begin(plan, start, tmp_path / "align")


def test_prompt_and_answers_are_the_tokens_of_training_on_answers_and_each_answer_ends(loaded):
    row, left_out = pair_table(loaded, pairs(1), 100)
    whole = encode(loaded, pairs(1).examples[0]).input_ids
    assert row[0]["prompt_ids"] + row[0]["chosen_ids"] == whole and left_out == 0
    assert row[0]["chosen_ids"][-1] == row[0]["rejected_ids"][-1] == loaded.tokenizer.eos_token_id
    assert loaded.tokenizer.text(row[0]["prompt_ids"]).startswith("<turn>system\n"), "one system turn, as in use"


def test_a_control_token_in_a_rejected_answer_is_broken_up(loaded):
    row, _ = pair_table(loaded, pairs(1, rejected="stop<end>go"), 100)
    assert row[0]["rejected_ids"].count(loaded.tokenizer.eos_token_id) == 1


def test_an_earlier_answer_of_a_conversation_is_prompt(loaded):
    talk = Example("r", (("user", "a"), ("assistant", "earlier"), ("user", "b")), "good", {}, "bad")
    row, _ = pair_table(loaded, Dataset("p", (talk,)), 100)
    assert "earlier" in loaded.tokenizer.text(row[0]["prompt_ids"]) and loaded.tokenizer.text(row[0]["chosen_ids"]) == "good<end>"


def test_pairs_too_long_on_either_side_are_left_out_and_counted(loaded):
    long = Example("long", (("user", "q"),), "yes", {}, "no " * 80)
    rows, left_out = pair_table(loaded, Dataset("p", (*pairs(2).examples, long)), 60)
    assert (len(rows), left_out) == (2, 1)
    with pytest.raises(BadInput, match="None of the 1 pairs"):
        pair_table(loaded, Dataset("p", (long,)), 60)


@pytest.mark.parametrize(("kind", "columns", "rows"), [
    ("orpo", {"prompt", "chosen", "rejected"}, 2), ("kto", {"prompt", "completion", "label"}, 4),
    ("reward", {"chosen", "rejected"}, 2), ("grpo", {"prompt", "row_id"}, 2),
])  # fmt: skip
def test_each_kind_gets_the_columns_it_takes(loaded, kind, columns, rows):
    table = rows_for(kind, loaded, pairs(2))
    assert set(table.column_names) == columns and len(table) == rows


def test_a_kind_that_is_not_passed_on_is_refused(loaded, tmp_path):
    for call in (lambda: rows_for("ppo", loaded, pairs(1)), lambda: trainer_for("dpo", None, None, None, tmp_path)):
        with pytest.raises(BadInput, match="orpo, kto, reward, grpo"):
            call()
