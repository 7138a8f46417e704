"""Kept, lost or not settled, by a rule that was written down before; the worst finding decides."""

import math
import random
from contextlib import contextmanager
from dataclasses import replace

import pytest

from workbench import charts
from workbench.check import forgetting
from workbench.check.forgetting import (
    ACCURACY_MARGIN, FAIL, LOGLIK_MARGIN, NO_ROOM, PASS, RETRAIN, SHIP, UNKNOWN, UNSURE, ForgettingReport, Intrusion, Verdict,
    answers_in_form, check_forgetting, compare_skills, forgetting_rule, judge, load_verdict,
)
from workbench.check.skills import ItemScore, Skill
from workbench.dataset import Dataset, Example
from workbench.errors import Mismatch, Prerequisite
from workbench.files import read_json
from workbench.models import ModelChoice
from workbench.project import create_project
from workbench.scoring.intervals import clustered_interval, mcnemar, paired_interval
from workbench.train.plan import plan
from workbench.train.run import Run

N = 40


def skill(name="facts", kind="completion", chance=None, n=N):
    return Skill(name, f"The skill {name}", kind, chance, "", tuple({"id": f"{name}{i}"} for i in range(n)))


def scored(changes, name="facts", correct=None, answers=None, start=-2.0):
    """Scores of one skill; `changes` are added to where the model started."""
    return [
        ItemScore(name, f"{name}{i}", f"cluster{i}", start + change, correct[i] if correct else None, answers[i] if answers else "")
        for i, change in enumerate(changes)
    ]


def compare(changes, suite=None, **other):
    suite = suite or [skill()]
    before, after = scored([0.0] * len(changes)), scored(changes)
    return compare_skills(suite, before, after, None, "m", "run", **other)


def spread(centre, width=0.1, n=N):
    """Changes around a centre, evenly to both sides."""
    return [centre + width * (2 * i / (n - 1) - 1) for i in range(n)]


@pytest.mark.parametrize(
    "changes, status",
    [
        (spread(0.0), PASS),
        (spread(0.5), PASS),
        (spread(-0.05), PASS),
        (spread(-0.3), FAIL),
        (spread(-0.1), UNKNOWN),
        (spread(-0.15, 0.6), UNKNOWN),
        (spread(0.0, 2.0), UNKNOWN),  # no change on the mean, but too wide to tell
        ([0.0] * N, PASS),
        ([-0.2] * N, FAIL),
    ],
)
def test_a_skill_is_kept_or_lost_only_where_its_interval_lies_on_one_side_of_the_margin(changes, status):
    (change,) = compare(changes).skills
    assert change.status == status
    if status != FAIL:
        assert (change.loglik.low > -LOGLIK_MARGIN) == (status == PASS)
    assert change.after - change.before == pytest.approx(change.loglik.value)


def others(k):
    return [skill(f"other{i}") for i in range(k)]


def with_others(changes, k):
    """A skill among k others that did not change."""
    suite = [skill(), *others(k)]
    calm = [s for i in range(k) for s in scored([0.0] * N, f"other{i}")]
    return compare_skills(suite, scored([0.0] * N) + calm, scored(changes) + calm, None, "m", "run").skills[0]


def shifted(bound, level, to):
    """Noisy changes whose interval has the named bound, midway between the plain level and `level`, at `to`."""
    draw = random.Random(4)
    noise = [draw.gauss(0, 0.3) for _ in range(N)]
    names = [f"cluster{i}" for i in range(N)]
    plain, corrected = (getattr(clustered_interval(noise, names, at), bound) for at in (0.95, level))
    assert plain != corrected
    return [value + to - (plain + corrected) / 2 for value in noise]


def test_lost_is_corrected_for_the_number_of_skills():
    changes = shifted("high", 1 - 0.05 / 6, -LOGLIK_MARGIN)
    assert with_others(changes, 0).status == FAIL
    assert with_others(changes, 5).status == UNKNOWN


def test_kept_is_not_corrected_since_every_skill_must_be():
    changes = shifted("low", 1 - 0.05 / 6, -LOGLIK_MARGIN)
    change = with_others(changes, 5)
    assert change.loglik_corrected.low < -LOGLIK_MARGIN < change.loglik.low
    assert change.status == PASS


def choosing(right_before, right_after, chance=0.5, k=0, changes=None):
    """A choice skill of which the first items are right, among k others that did not change."""
    was, now = ([i < right for i in range(N)] for right in (right_before, right_after))
    calm = [s for i in range(k) for s in scored([0.0] * N, f"other{i}")]
    before = scored([0.0] * N, "grammar", was) + calm
    after = scored(changes or [0.0] * N, "grammar", now) + calm
    return compare_skills([skill("grammar", "choice", chance), *others(k)], before, after, None, "m", "run")


def test_a_fall_in_accuracy_is_a_loss_even_where_the_likelihood_stayed():
    (change,) = choosing(40, 20).skills
    assert change.accuracy.high < -ACCURACY_MARGIN
    assert change.loglik.low > -LOGLIK_MARGIN and change.status == FAIL
    assert change.accuracy_before == 1.0


def test_a_loss_by_accuracy_gives_the_accuracy_as_its_reason():
    report = choosing(40, 20)
    change = report.skills[0].accuracy
    assert "accuracy" in judge(report).reasons[0]
    assert f"{change.value:+.2f} [{change.low:+.2f}, {change.high:+.2f}]" in judge(report).reasons[0]


def test_a_fall_in_accuracy_is_corrected_for_the_number_of_skills_like_the_likelihood():
    was = [1.0] * N
    lost = next(n for n in range(1, N) if paired_interval([0.0] * n + [1.0] * (N - n), was).high < -ACCURACY_MARGIN)
    assert paired_interval([0.0] * lost + [1.0] * (N - lost), was, 1 - 0.05 / 6).high >= -ACCURACY_MARGIN
    assert choosing(N, N - lost).skills[0].status == FAIL
    assert choosing(N, N - lost, k=5).skills[0].status != FAIL


@pytest.mark.parametrize("right_before, chance", [(20, 0.5), (24, 0.5), (10, 0.25), (0, 0.5)])
def test_where_the_base_model_is_at_guessing_accuracy_is_not_measurable_and_no_loss(right_before, chance):
    (change,) = choosing(right_before, 0, chance).skills
    assert change.accuracy is None and change.note.startswith(NO_ROOM)
    assert change.accuracy_before == right_before / N
    assert change.status == PASS


def test_where_there_is_nothing_to_choose_there_is_no_accuracy():
    (change,) = compare(spread(0.0)).skills
    assert (change.accuracy, change.accuracy_before, change.note) == (None, None, "nothing to choose")


def test_items_without_a_likelihood_are_left_out_and_never_counted_as_wrong():
    was, now = [True] * N, [True] * 30 + [False] * 10
    before = scored([0.0] * N, "grammar", was)
    after = scored([0.0] * 30 + [math.nan] * 5 + [-math.inf] * 5, "grammar", now)
    (change,) = compare_skills([skill("grammar", "choice", 0.5)], before, after, None, "m", "run").skills
    assert change.n == 30 and change.status == PASS
    assert change.accuracy.value == 0.0 and change.loglik.value == 0.0


def test_an_item_left_out_before_is_left_out_after():
    before, after = scored([math.nan] * 10 + [0.0] * 30), scored([-9.0] * 10 + [0.0] * 30)
    (change,) = compare_skills([skill()], before, after, None, "m", "run").skills
    assert (change.n, change.loglik.value, change.status) == (30, 0.0, PASS)


def test_items_whose_choice_could_not_be_made_out_are_neither_right_nor_wrong():
    before = scored([0.0] * N, "grammar", [True] * N)
    after = scored([0.0] * N, "grammar", [None] * 20 + [True] * 20)
    (change,) = compare_skills([skill("grammar", "choice", 0.5)], before, after, None, "m", "run").skills
    assert change.accuracy.value == 0.0 and change.status == PASS


def nothing_scored():
    """A skill of which no item could be scored, beside one that was kept."""
    suite = [skill("facts"), skill("grammar", "choice", 0.5)]
    good = scored([0.0] * N)
    return compare_skills(
        suite, good + scored([0.0] * N, "grammar", [True] * N), good + scored([math.nan] * N, "grammar", [False] * N),
        None, "m", "run",
    )


def test_a_skill_without_a_scored_item_is_not_settled_and_does_not_ship():
    report = nothing_scored()
    assert [(c.n, c.status) for c in report.skills] == [(N, PASS), (0, UNKNOWN)]
    verdict = judge(report)
    assert verdict.outcome == UNSURE and "The skill grammar" in verdict.reasons[0]


def test_a_skill_without_a_scored_item_can_be_saved_shown_and_drawn(tmp_path):
    report = nothing_scored()
    assert ForgettingReport.load(report.save(tmp_path / "r.json")) == report
    assert "The skill grammar" in report._repr_html_()
    assert "The skill grammar" in charts.picture(charts.forgetting(report)).alt


def test_a_skill_without_a_scored_item_claims_no_change_of_zero():
    made = nothing_scored()
    row = made.table().set_index("skill").loc["The skill grammar"]
    said = [row["change, nats per token"], judge(made).reasons[0], charts.forgetting(made).get_label().split("; ")[1]]
    for text in said:
        assert "0.00 [" not in text and "no item could be scored" in text


def test_where_no_choice_could_be_made_out_accuracy_is_not_measurable_and_the_report_can_be_saved(tmp_path):
    same = scored([0.0] * N, "grammar", [None] * N)
    made = compare_skills([skill("grammar", "choice", 0.5)], same, same, None, "m", "run")
    assert made.skills[0].accuracy is None and made.skills[0].note.startswith(NO_ROOM)
    assert "nan" not in made.skills[0].note
    assert ForgettingReport.load(made.save(tmp_path / "r.json")) == made


def test_an_empty_skill_in_the_suite_is_not_settled():
    report = compare_skills([skill(), skill("empty", n=0)], scored([0.0] * N), scored([0.0] * N), None, "m", "run")
    assert [c.status for c in report.skills] == [PASS, UNKNOWN]


def test_items_that_share_a_source_count_as_less_than_as_many_independent_ones():
    draw = random.Random(5)
    shift = {c: draw.gauss(0, 0.3) for c in range(5)}
    changes = [shift[i % 5] for i in range(N)]
    together = [replace(s, cluster=f"c{i % 5}") for i, s in enumerate(scored(changes))]
    before = [replace(s, cluster=f"c{i % 5}") for i, s in enumerate(scored([0.0] * N))]
    clustered = compare_skills([skill()], before, together, None, "m", "run").skills[0].loglik
    apart = compare(changes).skills[0].loglik
    assert clustered.high - clustered.low > apart.high - apart.low


def test_passes_over_other_items_are_not_compared():
    with pytest.raises(Mismatch, match="same items"):
        compare_skills([skill()], scored([0.0] * N), scored([0.0] * N)[::-1], None, "m", "run")


def in_form(text):
    return text.startswith("{")


def intrusion(before, after, n=40, form=in_form):
    """General questions of which so many were answered in the task's form."""
    was, now = (["{"] * k + ["Well, "] * (n - k) for k in (before, after))
    chat = skill("chat", "chat", n=n)
    return compare_skills(
        [chat], scored([0.0] * n, "chat", answers=was), scored([0.0] * n, "chat", answers=now), form, "m", "run"
    ).intrusion


@pytest.mark.parametrize(
    "n, before, after, status",
    [
        (40, 0, 0, PASS),
        (40, 0, 40, FAIL),
        (40, 0, 6, FAIL),
        (40, 0, 5, UNKNOWN),  # over ten points, but p is not below 0.05
        (20, 0, 6, FAIL),
        (20, 0, 5, UNKNOWN),
        (40, 10, 16, FAIL),
        (40, 30, 10, PASS),
        (10, 0, 0, UNKNOWN),  # too few questions to say that it stayed
        (200, 0, 12, PASS),  # surely more than before, and surely less than matters
    ],
)
def test_the_tasks_form_is_an_intrusion_only_where_it_rose_by_enough_and_not_by_chance(n, before, after, status):
    found = intrusion(before, after, n)
    assert (found.n, found.before, found.after, found.status) == (n, before, after, status)
    assert found.p == mcnemar(max(0, after - before), max(0, before - after))


def test_free_text_has_no_form_to_intrude():
    found = intrusion(0, 40, form=None)
    assert (found.status, found.n) == (NO_ROOM, 0)


def test_only_general_questions_are_looked_at_for_the_form():
    chat, facts = scored([0.0] * N, "chat", answers=["Well, "] * N), scored([0.0] * N)
    found = compare_skills([skill(), skill("chat", "chat")], facts + chat, facts + chat, lambda text: text == "", "m", "run")
    assert (found.intrusion.n, found.intrusion.before) == (N, 0)


def report(*statuses, form=PASS):
    (change,) = compare(spread(0.0)).skills
    changes = tuple(replace(change, title=f"Skill {i}", status=s) for i, s in enumerate(statuses))
    return ForgettingReport("m", "run", "suite", changes, Intrusion(40, 0, 4, 0.125, form, ""))


@pytest.mark.parametrize(
    "found, outcome",
    [
        (report(PASS, PASS), SHIP),
        (report(PASS, UNKNOWN), UNSURE),
        (report(UNKNOWN, UNKNOWN, PASS), UNSURE),
        (report(PASS, FAIL, UNKNOWN), RETRAIN),
        (report(FAIL, PASS, PASS, PASS, PASS, PASS), RETRAIN),
        (report(PASS, form=UNKNOWN), UNSURE),
        (report(PASS, form=FAIL), RETRAIN),
        (report(UNKNOWN, form=FAIL), RETRAIN),
        (report(PASS, form=NO_ROOM), SHIP),
    ],
)
def test_the_worst_finding_decides_and_what_is_not_settled_never_ships(found, outcome):
    assert judge(found).outcome == outcome


def test_each_finding_that_stands_in_the_way_is_a_reason_with_its_numbers():
    reasons = judge(report(PASS, FAIL, UNKNOWN, form=UNKNOWN)).reasons
    assert [reason.split(";")[0] for reason in reasons] == ["Skill 1: lost", "Skill 2: not settled", "Form of answers: not settled"]
    assert "[-0.0" in reasons[0] and "40 items" in reasons[0]
    assert "4 of 40" in reasons[2] and "p = 0.125" in reasons[2]


def test_a_verdict_without_objections_still_gives_a_reason():
    assert judge(report(PASS, PASS)).reasons == ("All 2 skills are kept, each interval lying above the margin.",)


def test_report_and_verdict_survive_their_files(tmp_path):
    for made in (choosing(40, 38, k=2), compare(spread(-0.3)), report(PASS, FAIL)):
        assert ForgettingReport.load(made.save(tmp_path / "report.json")) == made
        verdict = judge(made)
        assert Verdict.load(verdict.save(tmp_path / "verdict.json")) == verdict
        assert verdict.run == made.run


def test_the_table_has_a_row_a_skill_and_one_for_the_form():
    made = choosing(40, 38, k=1)
    table = made.table()
    change = made.skills[0]
    assert table["skill"].tolist() == ["The skill grammar", "The skill other0", "Answers in the task's form"]
    assert table["change in accuracy"][0] == f"{change.accuracy.value:+.2f} [{change.accuracy.low:+.2f}, {change.accuracy.high:+.2f}]"
    assert table["finding"].tolist() == [change.status, PASS, made.intrusion.status]


def test_hostile_titles_are_escaped():
    made = replace(report(FAIL), skills=(replace(report(FAIL).skills[0], title="<script>x</script>"),))
    for shown in (made._repr_html_(), judge(made)._repr_html_()):
        assert "<script" not in shown and "&lt;script&gt;" in shown


def test_the_rule_names_the_margins_it_uses():
    for margin in (LOGLIK_MARGIN, f"{ACCURACY_MARGIN:.2f}", "10%"):
        assert str(margin) in forgetting_rule()


def rows(*answers):
    return Dataset("train", tuple(Example(f"r{i}", (("user", "q"),), a) for i, a in enumerate(answers)))


@pytest.mark.parametrize(
    "kind, text, found",
    [
        ("json", '{"category": "refund"', True),
        ("json", ' \n{"a', True),
        ("json", '```json\n{"a"', True),
        ("json", "```\n{", True),
        ("json", 'Here you are: {"a": 1}', False),
        ("json", "[1, 2]", False),
        ("json", "", False),
        ("label", "Refund.", True),
        ("label", " delivery ", True),
        ("label", "A refund is money paid back", False),
        ("label", "praise", False),
        ("label", "", False),
        ("number", "42", True),
        ("number", " 1,200.50 ", True),
        ("number", "-3 %", True),
        ("number", "It is 42.", False),
        ("number", "1. Wash the cup\n2. Dry it", False),
        ("number", "1) Boil water", False),
        ("number", "", False),
        ("number", "...", False),
        ("number", "?!", False),
    ],
)
def test_an_answer_is_in_form_only_where_it_begins_like_the_tasks_answers(kind, text, found):
    assert answers_in_form(rows("refund", "Delivery", "{}", "7"), kind)(text) is found


def test_free_text_has_no_form():
    assert answers_in_form(rows("anything"), "text") is None


class Tuned:
    """A tuned model whose adapter can be switched off, and which remembers whether it was let go."""

    def __init__(self):
        self.adapter, self.freed = True, False

    @contextmanager
    def adapter_off(self):
        self.adapter = False
        yield
        self.adapter = True

    def free(self):
        self.freed = True


@pytest.fixture
def passes(monkeypatch):
    """Which passes were made, with the adapter on or off, and at which of them the kernel is killed."""
    made, kill = [], {}

    def score(loaded, suite, step=None):
        made.append(loaded.adapter)
        if len(made) == kill.get("at"):
            raise KeyboardInterrupt
        return scored([-0.3 if loaded.adapter else 0.0] * N)

    monkeypatch.setattr(forgetting, "score_skills", score)
    return made, kill


def check(folder, load, run="run", suite=None):
    return check_forgetting(load, suite or [skill()], rows("refund"), "label", run, "m", folder)


def test_the_same_weights_are_scored_with_the_adapter_off_and_on(tmp_path, passes):
    model = Tuned()
    found = check(tmp_path, lambda: model)
    assert passes[0] == [False, True] and model.freed
    assert found.skills[0].loglik.value == pytest.approx(-0.3) and found.skills[0].status == FAIL


def test_a_finished_check_is_read_back_and_no_model_is_loaded(tmp_path, passes):
    made = check(tmp_path, Tuned)
    assert check(tmp_path, lambda: pytest.fail("a model was loaded")) == made


def test_a_check_killed_between_its_passes_goes_on_with_the_second(tmp_path, passes):
    made, kill = passes
    kill["at"] = 2
    with pytest.raises(KeyboardInterrupt):
        check(tmp_path, Tuned)
    kill.clear()
    check(tmp_path, Tuned)
    assert made == [False, True, True]


@pytest.mark.parametrize("other", [{"run": "another run"}, {"suite": [skill(n=N - 1)]}], ids=["run", "items"])
def test_passes_of_another_run_or_other_items_are_made_anew(tmp_path, passes, other):
    check(tmp_path, Tuned)
    check(tmp_path, Tuned, **other)
    assert passes[0] == [False, True, False, True]


def test_what_is_kept_of_a_pass_is_plain_json(tmp_path, passes):
    check(tmp_path, Tuned)
    assert len(read_json(tmp_path / "before.json")["scores"]) == N


def test_a_model_that_was_broken_by_training_is_checked_to_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(forgetting, "score_skills", lambda loaded, suite, step=None: scored([math.nan if loaded.adapter else 0.0] * N))
    assert judge(check(tmp_path, Tuned)).outcome != SHIP


@pytest.fixture
def project(projects):
    return create_project("p", {"data_file": "a.csv", "scenario": "", "depth": "quick", "model": {"reference": "embedded", "reason": ""}})


def save_run(project, seed):
    settings = plan(ModelChoice("embedded", ""), rows("a", "b"), rows("a"), 40, 4, seed)
    Run("train", settings.to_dict(), 40, 3.0, 0.1, 0.2, 12.0, 1.5, 0, (), {}, "machine").save(project.path("train/run.json"))
    return settings.fingerprint


def test_without_a_verdict_the_notebook_that_gives_it_is_named(project):
    save_run(project, 0)
    with pytest.raises(Prerequisite, match="04_check_for_forgetting.ipynb"):
        load_verdict(project)


def test_a_verdict_given_on_another_run_is_refused(project):
    given = replace(judge(report(FAIL)), run=save_run(project, 0))
    given.save(project.path("check/verdict.json"))
    assert load_verdict(project) == given
    save_run(project, 1)
    with pytest.raises(Mismatch, match="04_check_for_forgetting.ipynb"):
        load_verdict(project)
