"""A sweep starts from the plan as it is, survives a kill, and claims no gain that chance could give. Nothing is trained here."""

import json
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.errors import BadInput, Mismatch, Prerequisite
from workbench.scoring.intervals import Interval, mean_interval, paired_interval
from workbench.train import sweep as module
from workbench.train.plan import FULL, Plan
from workbench.train.sweep import Scored, Sweep, default_space, neighbour, sweep

ROOT = Path(__file__).resolve().parents[2]
ROWS = 40
PLAN = Plan("m", "d", "v", 200, 80, 4, 1e-3, 16, 32, 4, 10, 0, 512, reasons={"rank": "enough", "alpha": "twice the rank"})


def scores(right, rows=ROWS):
    values = [1.0] * right + [0.0] * (rows - right)
    return Scored(*mean_interval(values), rows, values)


def by_rank(plan, folder):
    return scores({8: 12, 16: 20, 32: 36, 64: 20}[plan.rank])


def settings(found):
    return [trial.settings for trial in found.trials]


class Killed(BaseException):
    """Like a killed kernel, caught by nobody."""


def killing(run, at):
    """`run`, which is killed in its call number `at`, after it has begun."""
    calls = []

    def killed(plan, folder):
        calls.append(folder.name)
        (folder / "begun").touch()
        if len(calls) == at:
            raise Killed
        return run(plan, folder)

    return killed, calls


def test_the_first_trial_is_the_plan_as_it_is(tmp_path):
    plan, seen = PLAN.change(learning_rate=0.000123456), []
    sweep(plan, lambda p, f: (seen.append(p), scores(20))[1], tmp_path, 2)
    assert seen[0] == plan and seen[1] != plan


def test_every_trial_has_a_plan_and_a_folder_of_its_own(tmp_path):
    seen = {}
    found = sweep(PLAN, lambda p, f: (seen.update({f.name: p.fingerprint}), scores(20))[1], tmp_path, 8)
    assert list(seen) == [f"trial-{i}" for i in range(8)] and len(set(seen.values())) == len(found.trials) == 8


def test_the_same_seed_tries_the_same_plans_and_another_seed_others(tmp_path):
    one, again, other = (
        settings(sweep(PLAN.change(seed=s), by_rank, tmp_path / n, 8)) for n, s in (("a", 0), ("b", 0), ("c", 50))
    )
    assert one == again != other


def test_trials_stay_within_the_space(tmp_path):
    for trial in sweep(PLAN, by_rank, tmp_path, 12).trials:
        assert trial.settings["rank"] in (8, 16, 32, 64) and trial.settings["steps"] in (40, 80, 160)
        assert 1e-3 / 3 <= trial.settings["learning_rate"] <= 3e-3


def test_few_rows_are_not_passed_over_more_often_for_a_sweep():
    assert default_space(replace(PLAN, rows=50))["steps"] == [40, 80, 100]
    assert default_space(replace(PLAN, rows=10))["steps"] == [40, 80, 80]


def test_without_an_adapter_there_is_no_rank_to_sweep(tmp_path):
    assert set(default_space(PLAN.change(flavour=FULL))) == {"learning_rate", "steps"}
    with pytest.raises(BadInput, match="rank"):
        sweep(PLAN.change(flavour=FULL), by_rank, tmp_path, space={"rank": [8, 32]})


def test_alpha_goes_with_the_rank_and_warming_up_with_the_steps():
    found = neighbour(PLAN, {"rank": 64, "steps": 160})
    assert (found.alpha, found.warmup_steps) == (128, 8)
    assert neighbour(PLAN, {"rank": 64, "alpha": 16}).alpha == 16


@pytest.mark.parametrize("at", [1, 2, 4, 8])
def test_a_killed_sweep_goes_on_in_the_same_folder_and_ends_as_an_undisturbed_one(tmp_path, at):
    whole = sweep(PLAN, by_rank, tmp_path / "whole", 8)
    killed, before = killing(by_rank, at)
    with pytest.raises(Killed):
        sweep(PLAN, killed, tmp_path / "killed", 8)
    counting, after = killing(by_rank, 0)
    found = sweep(PLAN, counting, tmp_path / "killed", 8)
    assert [replace(t, seconds=0) for t in found.trials] == [replace(t, seconds=0) for t in whole.trials]
    assert before + after[1:] == [f"trial-{i}" for i in range(8)] and after[0] == before[-1]


def test_a_process_killed_while_training_leaves_no_lock_and_no_half_line_that_stops_the_next(tmp_path):
    code = f"""
        import os, sys
        sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests" / "train")!r}]
        from pathlib import Path
        from test_sweep import PLAN, by_rank, sweep
        sweep(PLAN, lambda p, f: os._exit(9) if f.name == "trial-2" else by_rank(p, f), Path({str(tmp_path)!r}), 4)
    """
    assert subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT).returncode == 9
    with (tmp_path / module.JOURNAL).open("ab") as stream:
        stream.write(b'{"op_code": 8, "tri')
    counting, calls = killing(by_rank, 0)
    assert len(sweep(PLAN, counting, tmp_path, 4).trials) == 4 and calls == ["trial-2", "trial-3"]
    assert all(json.loads(line) for line in (tmp_path / module.JOURNAL).read_text(encoding="utf-8").splitlines())


def test_a_kill_between_drawing_two_settings_loses_no_trial(tmp_path):
    whole = sweep(PLAN, by_rank, tmp_path / "whole", 3)
    killed, _ = killing(by_rank, 1)
    with pytest.raises(Killed):
        sweep(PLAN, killed, tmp_path / "killed", 3)
    journal = tmp_path / "killed" / module.JOURNAL
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    last = max(i for i, line in enumerate(lines) if "param_name" in line)
    journal.write_text("".join(lines[:last]), encoding="utf-8", newline="\n")
    assert settings(sweep(PLAN, by_rank, tmp_path / "killed", 3)) == settings(whole)


def test_a_finished_sweep_is_read_back_and_can_be_made_longer(tmp_path):
    short = sweep(PLAN, by_rank, tmp_path, 3)
    counting, calls = killing(by_rank, 0)
    assert sweep(PLAN, counting, tmp_path, 3) == short and not calls
    longer = sweep(PLAN, counting, tmp_path, 5)
    assert longer.trials[:3] == short.trials and calls == ["trial-3", "trial-4"]


@pytest.mark.parametrize("error", [BadInput("no rows fit"), RuntimeError("out of memory")])
def test_a_trial_that_fails_keeps_its_reason_and_the_others_go_on(tmp_path, error):
    def run(plan, folder):
        if folder.name == "trial-1":
            raise error
        return by_rank(plan, folder)

    found = sweep(PLAN, run, tmp_path, 4)
    assert [bool(trial.failed) for trial in found.trials] == [False, True, False, False]
    assert str(error) in found.table()["remark"][1] and found.trials[1].score is None
    assert sweep(PLAN, by_rank, tmp_path, 4) == found


def test_a_score_of_no_row_is_a_failed_trial_and_not_a_zero(tmp_path):
    found = sweep(PLAN, lambda p, f: (float("nan"), 0.0, 1.0, 0), tmp_path, 2)
    assert found.best is None and all("could be scored" in trial.failed for trial in found.trials)
    assert "recommended plan stays" in found.sentence and found.plan(PLAN) is PLAN


def test_where_the_plan_itself_fails_nothing_is_compared_with_it(tmp_path):
    def run(plan, folder):
        if plan == PLAN:
            raise RuntimeError("broken")
        return scores(20)

    found = sweep(PLAN, run, tmp_path, 3)
    assert found.gain is None and "itself failed" in found.sentence and not found.better


def test_a_mistake_in_the_code_is_not_taken_for_a_failed_trial(tmp_path):
    with pytest.raises(ZeroDivisionError):
        sweep(PLAN, lambda p, f: 1 / 0, tmp_path, 2)
    assert len(sweep(PLAN, by_rank, tmp_path, 2).trials) == 2


def test_settings_that_come_up_twice_are_trained_once_and_counted_once(tmp_path):
    counting, calls = killing(by_rank, 0)
    found = sweep(PLAN, counting, tmp_path, 8, {"rank": [8, 16, 32]})
    assert sorted(t.settings["rank"] for t in found.trials) == [8, 16, 32] and len(calls) == 3
    assert "best of 3" in found.plan(PLAN).reasons["rank"]


def test_only_the_best_trial_keeps_its_weights_and_all_keep_their_logs(tmp_path):
    def run(plan, folder):
        for name in module.WEIGHTS:
            (folder / name / "deep").mkdir(parents=True)
        (folder / "steps.jsonl").touch()
        return by_rank(plan, folder)

    found = sweep(PLAN, run, tmp_path, 6)
    folders = {trial.number: tmp_path / f"trial-{trial.number}" for trial in found.trials}
    assert [n for n, f in folders.items() if any((f / name).exists() for name in module.WEIGHTS)] == [found.best.number]
    assert all((f / "steps.jsonl").exists() for f in folders.values())


def test_another_plan_or_space_begins_anew_and_sets_the_old_sweep_aside(tmp_path):
    folder = tmp_path / "sweep"
    sweep(PLAN, by_rank, folder, 3)
    counting, calls = killing(by_rank, 0)
    sweep(PLAN.change(batch_size=2), counting, folder, 3)
    sweep(PLAN.change(batch_size=2), counting, folder, 3, {"rank": [8, 32]})
    assert len(calls) == 6 and len(list((tmp_path / "sweep-earlier").glob("*/trial-0"))) == 2


def test_a_list_of_two_values_is_not_the_range_between_them(tmp_path):
    among = sweep(PLAN, lambda p, f: scores(20), tmp_path, 4, {"learning_rate": [1e-4, 1e-3]})
    between = sweep(PLAN, lambda p, f: scores(20), tmp_path, 4, {"learning_rate": (1e-4, 1e-3)})
    assert len(among.trials) == 2 and len(between.trials) == 4


def test_two_kernels_do_not_sweep_in_one_folder(tmp_path, monkeypatch):
    from filelock import FileLock

    monkeypatch.setattr("filelock.FileLock", lambda path, timeout: FileLock(path, timeout=0))

    with FileLock(tmp_path / module.LOCK), pytest.raises(Prerequisite, match="Another kernel"):
        sweep(PLAN, by_rank, tmp_path, 2)


@pytest.mark.parametrize("space, says", [
    ({}, "empty"), ({"epochs": [1]}, "epochs"), ({"seed": [1, 2]}, "luckiest"), ({"rank": 8}, "list of values"),
    ({"rank": []}, "list of values"), ({"rank": [8, 0]}, "rank = 0"), ({"learning_rate": (1e-3, 1e-4)}, "lowest, highest"),
    ({"learning_rate": (1e-4, 1e-3, 1e-2)}, "lowest, highest"), ({"flavour": ("lora", "qlora")}, "two numbers"),
    ({"learning_rate": [float("nan")]}, "learning_rate"),
])
def test_a_space_that_can_not_be_is_refused_before_anything_is_trained(tmp_path, space, says):
    with pytest.raises(BadInput, match=says):
        sweep(PLAN, lambda p, f: pytest.fail("trained"), tmp_path, 4, space)


@pytest.mark.parametrize("trials", [1, 0, True, 2.5])
def test_a_sweep_of_less_than_two_trials_is_refused(tmp_path, trials):
    with pytest.raises(BadInput, match="2 or more"):
        sweep(PLAN, by_rank, tmp_path, trials)


def test_a_damaged_journal_is_named_and_nothing_in_it_is_run(tmp_path):
    sweep(PLAN, by_rank, tmp_path, 2)
    journal = tmp_path / module.JOURNAL
    journal.write_bytes(b"\x80\x04cos\nsystem\n" + journal.read_bytes())
    with pytest.raises(BadInput, match="journal.jsonl is damaged"):
        sweep(PLAN, by_rank, tmp_path, 2)


def test_a_sweep_unpickles_nothing(tmp_path, monkeypatch):
    import pickle

    for name in ("loads", "load", "Unpickler"):
        monkeypatch.setattr(pickle, name, lambda *_: pytest.fail("unpickled"))
    for trials in (3, 6):
        assert len(sweep(PLAN, by_rank, tmp_path, trials).trials) == trials


def test_the_space_may_hold_words_and_switches(tmp_path):
    space = {"flavour": ["lora"], "all_answers": [True], "layers": (0, 6)}
    found = sweep(PLAN, lambda p, f: scores(20), tmp_path, 8, space)
    assert found.trials[0].settings == {"flavour": "qlora", "all_answers": False, "layers": 0}
    assert {t.settings["flavour"] for t in found.trials} == {"lora", "qlora"}


def test_progress_sees_the_sweep_grow(tmp_path):
    seen = []
    sweep(PLAN, by_rank, tmp_path, 4, progress=lambda found, trials: seen.append((len(found.trials), trials)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def made(*right, rows=True):
    trials = tuple(
        module.Trial(i, {"rank": 8 * (i + 1)}, Interval(*scores(r)[:3]), ROWS, 1.0, "", tuple(scores(r).rows) if rows else ())
        for i, r in enumerate(right)
    )
    return Sweep(PLAN.fingerprint, ("rank",), trials)


def test_a_gain_is_claimed_only_where_it_is_more_than_chance():
    assert made(10, 30, 12).better and made(10, 30, 12).sentence.startswith("Better by +0.500")
    found = made(20, 22, 18)
    assert not found.better and found.sentence.startswith("No better than the recommended plan, as far as 40 rows can tell")


def test_the_more_trials_are_tried_the_further_ahead_the_best_must_be():
    few, many = made(20, 26), made(20, 26, *[15] * 10)
    assert few.gain == paired_interval(few.trials[1].rows, few.trials[0].rows, 0.95)
    assert few.better and not many.better and many.gain.value == few.gain.value


def test_where_the_plan_scores_highest_it_stays_and_a_tie_goes_to_it():
    found = made(20, 20, 10)
    assert found.best is found.first and "none of 3 trials scored above" in found.sentence
    assert found.plan(PLAN).rank == 8 and "as recommended" in found.plan(PLAN).reasons["rank"]


def test_without_the_scores_of_rows_no_gain_is_claimed():
    found = made(5, 40, rows=False)
    assert found.gain is None and not found.better and "can't be told" in found.sentence


def test_rows_that_could_not_be_scored_are_left_out_of_the_pairs_and_are_no_zeros():
    found = made(10, 30)
    first = replace(found.trials[0], rows=(None, *found.trials[0].rows[1:]))
    gain = replace(found, trials=(first, found.trials[1])).gain
    assert gain == paired_interval(found.trials[1].rows[1:], found.trials[0].rows[1:])


def test_trials_scored_on_other_rows_are_not_compared(tmp_path):
    found = sweep(PLAN, lambda p, f: scores(20, 40 if p == PLAN else 39), tmp_path, 2)
    assert "39 rows" in found.trials[1].failed and found.best is found.first


def test_the_plan_to_train_says_what_was_tried_and_what_moved_along(tmp_path):
    found = sweep(PLAN, by_rank, tmp_path, 8)
    best = found.plan(PLAN)
    assert (best.rank, best.alpha) == (32, 64)
    assert best.reasons["rank"] == best.reasons["learning_rate"] == "the best of 8 tried"
    assert best.reasons["alpha"] == "goes with the rank"
    assert "not shown to be better" in made(20, 22).plan(PLAN).reasons["rank"]


def test_a_sweep_around_another_plan_is_not_taken(tmp_path):
    with pytest.raises(Mismatch, match="Sweep again"):
        made(20, 22).plan(PLAN.change(steps=60))


def test_a_sweep_survives_its_file_and_is_one_line_with_every_trial_in_its_table(tmp_path):
    found = sweep(PLAN, by_rank, tmp_path, 4)
    assert Sweep.load(tmp_path / "sweep.json") == found and "\n" not in repr(found)
    assert len(found.table()) == 4 and found.table()["learning rate"][0] == "0.001"
    assert "test rows stay unseen" in found._repr_html_()


def test_a_reason_from_outside_is_escaped(tmp_path):
    def run(plan, folder):
        raise RuntimeError("<script>alert(1)</script>")

    assert "<script>" not in sweep(PLAN, run, tmp_path, 2)._repr_html_()
