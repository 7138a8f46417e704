"""What a killed training leaves behind is taken up where it is whole, and two trainings never share a folder."""

import json
import sys
from types import SimpleNamespace

import filelock
import pytest

from workbench.dataset import Dataset, Example
from workbench.errors import Mismatch, Prerequisite
from workbench.models import EMBEDDED, ModelChoice
from workbench.train import run as runs
from workbench.train.plan import plan
from workbench.train import recorder as recording
from workbench.train.recorder import BEST, COMPLETE, STOP, TrainingFailed, Watched, last_checkpoint, read_steps
from workbench.train.run import STOPPED, Run, prepare, rerun, train

CHOICE = ModelChoice(EMBEDDED, "")


def rows(name, n=20):
    return Dataset(name, tuple(Example(f"{name}{i}", (("user", f"q{i}"),), "a") for i in range(n)))


TRAIN, VALIDATION = rows("train"), rows("validation", 8)
PLAN = plan(CHOICE, TRAIN, VALIDATION, 40, 4)
OTHER = PLAN.change(seed=1)


def finished(settings=PLAN, folder="pilot"):
    return Run(folder, settings.to_dict(), 40, 3.0, 0.1, 0.2, 12.0, 1.5, 0, (20,), {"torch": "2"}, "machine")


def write_steps(folder, steps, tail=""):
    lines = [json.dumps({"step": s, "seconds": float(s), "loss": 10.0 - s / 10, "learning_rate": 1e-3}) for s in steps]
    (folder / "steps.jsonl").write_text("".join(line + "\n" for line in lines) + tail, encoding="utf-8")


def start(folder, train_rows=TRAIN, validation_rows=VALIDATION, settings=PLAN):
    return train(settings, CHOICE, train_rows, validation_rows, folder, folder.parent / "log")


@pytest.fixture
def no_training(monkeypatch):
    """Whoever begins to train in these tests has failed."""
    monkeypatch.setattr(runs, "_train", lambda *args: pytest.fail("training was begun"))


def test_without_a_log_there_are_no_steps(tmp_path):
    assert read_steps(tmp_path) == []


@pytest.mark.parametrize("tail", ['{"step": 4, "sec', '{"step"', "{", '{"step": 4, "seconds": 4.0, "loss": 1.'])
def test_half_a_line_at_the_end_is_passed_over(tmp_path, tail):
    write_steps(tmp_path, [1, 2, 3], tail)
    assert [entry["step"] for entry in read_steps(tmp_path)] == [1, 2, 3]


def test_after_a_resume_the_later_entry_of_a_step_counts(tmp_path):
    write_steps(tmp_path, [1, 2, 3])
    with (tmp_path / "steps.jsonl").open("a", encoding="utf-8") as stream:
        for step in (2, 3, 4):
            stream.write(json.dumps({"step": step, "seconds": 100.0 + step, "loss": 5.0}) + "\n")
    found = read_steps(tmp_path)
    assert [(entry["step"], entry["seconds"]) for entry in found] == [(1, 1.0), (2, 102.0), (3, 103.0), (4, 104.0)]


def test_training_and_validation_loss_of_one_step_are_both_kept(tmp_path):
    write_steps(tmp_path, [1, 2], json.dumps({"step": 2, "seconds": 2.5, "validation_loss": 4.0}) + "\n")
    found = read_steps(tmp_path)
    assert [entry["step"] for entry in found] == [1, 2, 2]
    assert found[1]["loss"] and found[2]["validation_loss"] == 4.0


def checkpoint(folder, step, whole):
    path = folder / "checkpoints" / f"checkpoint-{step}"
    path.mkdir(parents=True)
    (path / "weights").write_text("w", encoding="utf-8")
    if whole:
        (path / COMPLETE).touch()
    return path


def test_the_newest_whole_checkpoint_is_taken_by_number_and_not_by_name(tmp_path):
    for step in (90, 100, 20):
        checkpoint(tmp_path, step, whole=True)
    assert last_checkpoint(tmp_path).name == "checkpoint-100"


def test_a_half_written_checkpoint_is_passed_over_and_removed(tmp_path):
    whole, half = checkpoint(tmp_path, 10, whole=True), checkpoint(tmp_path, 20, whole=False)
    assert last_checkpoint(tmp_path) == whole
    assert whole.exists() and not half.exists()


def test_where_no_checkpoint_is_whole_training_begins_at_the_start(tmp_path):
    halves = [checkpoint(tmp_path, step, whole=False) for step in (10, 20)]
    assert last_checkpoint(tmp_path) is None
    assert not any(half.exists() for half in halves)


def test_without_checkpoints_training_begins_at_the_start(tmp_path):
    assert last_checkpoint(tmp_path) is None


def test_a_finished_run_with_the_same_plan_is_returned_and_nothing_is_trained(tmp_path, no_training):
    finished().save(tmp_path / "run.json")
    assert start(tmp_path) == finished()


def test_a_run_by_another_plan_is_not_taken_for_this_one(tmp_path):
    finished(OTHER).save(tmp_path / "run.json")
    assert runs._finished(tmp_path, PLAN) is None
    assert runs._finished(tmp_path, OTHER) == finished(OTHER)


def test_what_another_plan_left_is_set_aside_whole_and_the_lock_stays(tmp_path):
    folder = tmp_path / "pilot"
    runs._clear_other_plan(folder, OTHER)
    checkpoint(folder, 10, whole=True)
    write_steps(folder, [1, 2])
    finished(OTHER).save(folder / "run.json")
    (folder / "training.lock").touch()
    runs._clear_other_plan(folder, PLAN)
    assert sorted(p.name for p in folder.iterdir()) == ["plan.json", "training.lock"]
    (aside,) = (tmp_path / "pilot-earlier").iterdir()
    assert len(read_steps(aside)) == 2 and Run.load(aside / "run.json") == finished(OTHER)
    assert last_checkpoint(folder) is None and last_checkpoint(aside).name == "checkpoint-10"


def test_what_the_same_plan_left_stays(tmp_path):
    runs._clear_other_plan(tmp_path, PLAN)
    kept = checkpoint(tmp_path, 10, whole=True)
    write_steps(tmp_path, [1, 2])
    runs._clear_other_plan(tmp_path, PLAN)
    assert kept.exists() and len(read_steps(tmp_path)) == 2


@pytest.mark.parametrize("changed", [{"train_rows": rows("train", 19)}, {"validation_rows": rows("validation", 7)}], ids=["training", "validation"])
def test_rows_that_have_changed_since_the_plan_are_refused_before_anything_is_written(tmp_path, no_training, changed):
    folder = tmp_path / "pilot"
    with pytest.raises(Mismatch, match="changed since") as caught:
        start(folder, **changed)
    (new,) = changed.values()
    assert new.fingerprint in str(caught.value), "the sentence names the rows that are the wrong ones"
    assert not folder.exists()


@pytest.fixture
def impatient(monkeypatch):
    real = filelock.FileLock
    monkeypatch.setattr(filelock, "FileLock", lambda path, timeout: real(path, timeout=0.05))
    return real


def test_a_second_kernel_is_refused_in_a_sentence_while_the_first_is_training(tmp_path, no_training, impatient):
    folder = tmp_path / "pilot"
    folder.mkdir()
    write_steps(folder, [1, 2])
    with impatient(folder / "training.lock"), pytest.raises(Prerequisite, match="Another kernel is training"):
        start(folder, settings=OTHER)
    assert len(read_steps(folder)) == 2, "what the first kernel wrote is untouched"


def test_when_the_first_kernel_is_done_the_second_goes_on(tmp_path, no_training, impatient):
    finished().save(tmp_path / "run.json")
    with impatient(tmp_path / "training.lock"):
        pass
    assert start(tmp_path) == finished()


@pytest.fixture
def recorder(monkeypatch, tmp_path):
    """Makes the recorder of a training that begins, or goes on from a checkpoint, without any trainer."""
    monkeypatch.setitem(sys.modules, "transformers", SimpleNamespace(TrainerCallback=object))

    def make(at=0, progress=None):
        made = recording.recorder(tmp_path, PLAN, at, progress)
        made.on_train_begin(None, None, None)
        return made

    return make


def log(recorder, step, **logs):
    recorder.on_log(None, SimpleNamespace(global_step=step), None, logs=logs)


def test_each_logged_step_is_on_disk_at_once_and_told(recorder, tmp_path):
    told = []
    made = recorder(progress=lambda history, steps: told.append((len(history), steps)))
    log(made, 1, loss=3.0, learning_rate=1e-3)
    log(made, 1, eval_loss=2.9)
    log(made, 1, train_runtime=5.0)
    assert [sorted(set(entry) - {"seconds", "step", "learning_rate"}) for entry in read_steps(tmp_path)] == [["loss"], ["validation_loss"]]
    assert told == [(1, 40), (2, 40)]


@pytest.mark.parametrize("last", [10, 13])
def test_no_step_is_lost_or_stale_when_a_killed_run_that_left_half_a_line_goes_on(recorder, tmp_path, last):
    write_steps(tmp_path, range(1, last + 1), '{"step": %d, "sec' % (last + 1))
    made = recorder(at=10)
    for step in range(11, 21):
        log(made, step, loss=0.5, learning_rate=1e-3)
    found = read_steps(tmp_path)
    assert [entry["step"] for entry in found] == list(range(1, 21))
    assert [entry["loss"] for entry in found[10:]] == [0.5] * 10


def test_a_resumed_run_goes_on_counting_its_time(recorder, tmp_path):
    write_steps(tmp_path, range(1, 14))
    log(recorder(at=10), 11, loss=1.0, learning_rate=1e-3)
    (entry,) = [entry for entry in read_steps(tmp_path) if entry["step"] == 11]
    assert entry["loss"] == 1.0 and 10.0 <= entry["seconds"] < 11.0


@pytest.mark.parametrize("logs", [{"loss": float("nan"), "learning_rate": 1e-3}, {"loss": float("inf"), "learning_rate": 1e-3}, {"eval_loss": float("nan")}])
def test_a_broken_loss_stops_the_training_in_a_sentence_and_is_not_written_down(recorder, tmp_path, logs):
    made = recorder()
    with pytest.raises(TrainingFailed, match="step 3.*Lower the learning rate"):
        log(made, 3, **logs)
    assert read_steps(tmp_path) == []


def test_a_checkpoint_is_marked_whole_only_once_it_is_saved(recorder, tmp_path):
    made, path = recorder(), checkpoint(tmp_path, 10, whole=False)
    made.on_save(SimpleNamespace(output_dir=str(tmp_path / "checkpoints")), SimpleNamespace(global_step=10), None)
    assert (path / COMPLETE).exists() and last_checkpoint(tmp_path) == path


def test_the_report_of_a_resumed_run_counts_each_step_once(recorder, tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "peak_memory", lambda: 1.5)
    for at, steps in ((0, range(1, 14)), (10, range(11, 41))):
        made = recorder(at=at)
        for step in steps:
            log(made, step, loss=1.0 / step, learning_rate=1e-3)
    log(made, 40, eval_loss=0.25)
    found = runs._report(PLAN, tmp_path, 3)
    assert (found.steps, found.resumed_at, found.left_out, found.validation_loss) == (40, (10,), 3, 0.25)
    assert found.loss_first == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    assert found.loss_last == pytest.approx((1 / 38 + 1 / 39 + 1 / 40) / 3)


def test_a_run_survives_its_file_and_tells_where_it_was_taken_up_again(tmp_path):
    made = finished()
    assert Run.load(made.save(tmp_path / "run.json")) == made
    assert made.table().set_index("what")["value"]["taken up again at step"] == "20"
