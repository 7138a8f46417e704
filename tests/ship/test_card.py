"""The model card repeats what this very run measured, and tells nothing that is in the rows or on the disk."""

import html
import random
import re
from dataclasses import replace

import pytest

from workbench.check.forgetting import compare_skills, judge
from workbench.check.skills import ItemScore, Skill
from workbench.curate.task import Task
from workbench.dataset import Dataset, Example
from workbench.decide.compare import COMPARED, Bench
from workbench.decide.recommendation import Rung, recommend, set_goal, set_ladder
from workbench.errors import Prerequisite
from workbench.files import write_json
from workbench.models import ModelChoice
from workbench.project import create_project
from workbench.scoring.scorecard import Scorecard, ScoredRow
from workbench.scoring.seeds import Seeds
from workbench.ship.card import write_card
from workbench.ship.export import parity
from workbench.train.plan import plan
from workbench.train.run import Run

SETTINGS = {"data_file": "/home/somebody/secret.csv", "scenario": "", "depth": "quick", "model": {"reference": "embedded", "reason": ""}}
KEYS = ("bare", "instructions", "examples", "nearest", "pilot")


def rows(name, n):
    return Dataset(name, tuple(
        Example(f"{name}-row-{i}", (("user", f"Zebra question {i} from jane{i}@example.org, +1 202 555 01{i:02}"),), f"walrus answer {i}", {"source": "secret.csv"})
        for i in range(n)
    ))  # fmt: skip


def card(key, n_right, data, n=30, seed=0):
    """The bare arm has two rows that could not be judged and three answers that were cut."""
    lost = 2 if key == "bare" else 0
    scored = tuple(
        ScoredRow(f"test-row-{i}", None if i >= n - lost else float(i < n_right), f"walrus said {i}", 100 + i, 5, key == "bare" and i < 3)
        for i in range(n)
    )
    return Scorecard(key, f"The {key} arm", f"recipe {key} {seed}", data, "m", "NF4", "label", 64, scored, 0.123 + n_right, 0.0, "machine")


def forgotten():
    draw = random.Random(1)
    suite = [Skill(n, f"Skill {n}", "completion", None, "", ()) for n in ("one", "two")]
    before = [ItemScore(s.name, f"{s.name}{i}", f"c{i}", draw.uniform(-3, -1), None, "") for s in suite for i in range(20)]
    after = [replace(s, loglik=s.loglik - draw.uniform(0, 0.4 if s.skill == "one" else 0.02)) for s in before]
    return compare_skills(suite, before, after, None, "m", "run")


class Made:
    """Everything a card is written from."""

    def __init__(self, project, pilot_right=28):
        self.project, self.bench = project, Bench(project)
        settings = plan(self.bench.choice, self.bench.train, self.bench.validation, 40, 4)
        self.run = Run("train", settings.to_dict(), 40, 3.4567, 0.1234, 0.2345, 98.0, 1.57, 3, (20,), {"torch": "2.99"}, "2 cores, no GPU")
        data = self.bench.test.fingerprint
        self.goal = set_goal(project, 0.6, 0.02)
        self.ladder = set_ladder(project, [Rung(key, f"The {key} arm", f"the effort of {key}", key == "pilot") for key in KEYS])
        untuned = [card(key, right, data) for key, right in zip(KEYS, (3, 7, 11, 17), strict=False)]
        seeds = tuple(card("pilot", pilot_right - less, data, seed=less) for less in (0, 1, 2))
        self.cards = [*untuned, Seeds(seeds)]
        files = [[f"decide/{one.arm}.json"] for one in untuned] + [[f"decide/pilot-seed{i}.json" for i in range(3)]]
        for one, name in zip([*untuned, *seeds], [name for names in files for name in names], strict=True):
            one.save(project.path(name))
        for one in self.cards:
            project.record_test_look(one.title, 30)
        write_json(project.path(COMPARED), {"train": self.bench.train.fingerprint, "cards": files})
        self.recommendation = recommend(self.cards, self.goal, self.ladder)
        self.recommendation.save(project.path("decide/recommendation.json"))
        self.report = forgotten()
        self.report.save(project.path("check/forgetting.json"))
        self.verdict = judge(self.report)
        self.parity = parity(seeds[0], card("merged", 25, self.bench.test.fingerprint))

    def markdown(self):
        return write_card(self.bench, self.run, self.verdict, self.parity).read_text(encoding="utf-8")

    def text(self):
        """The card as it reads once Markdown is shown: without the backslashes that keep signs as they are."""
        return html.unescape(re.sub(r"\\([\\`*_{}\[\]~#])", r"\1", self.markdown()))


@pytest.fixture
def project(projects):
    made = create_project("p", SETTINGS)
    for name, n in (("train", 40), ("validation", 10), ("test", 30)):
        rows(name, n).save(made.path(f"data/{name}.jsonl"))
    Task("label", "by hand", "Sort it.").save(made.path("data/task.json"))
    return made


def test_no_text_of_a_row_and_no_personal_data_is_in_the_card(project):
    text = Made(project).text()
    for secret in ("Zebra", "walrus", "example.org", "202 555", "@", "-row-", "secret.csv"):
        assert secret not in text


def test_no_path_of_this_machine_is_in_the_card(project, tmp_path):
    made = Made(project)
    folder = tmp_path / "private" / "my-model"
    folder.mkdir(parents=True)
    made.bench.__dict__["choice"] = ModelChoice(str(folder), "a folder")
    text = made.text()
    assert "my-model" in text and "private" not in text and str(tmp_path) not in text and "/home/" not in text


def test_every_arm_stands_in_the_card_with_its_own_numbers(project):
    made = Made(project)
    lines = made.text().splitlines()
    for one in made.cards:
        lost, cut, seeds = {"bare": (2, 3, 1), "pilot": (0, 0, 3)}.get(one.arm, (0, 0, 1))
        numbers = f"{30 - lost} | {lost} | {cut} | {seeds} | {round(one.tokens_per_call)} | {one.seconds_per_call:.2f}"
        assert f"| {one.title} | {one.interval()} | {numbers} | NF4 |" in lines


def test_the_rule_and_the_ladder_of_arms_stand_in_the_card(project):
    made = Made(project)
    text = made.text()
    for rung in made.ladder.rungs:
        assert f"| {rung.title} | {'yes' if rung.tuned else 'no'} | {rung.upkeep} |" in text
    assert "| good enough | 0.60 |" in text and f"{made.ladder!r}." in text and f"{made.goal!r}." in text
    assert "changed after" not in text


def test_a_ladder_that_was_changed_after_looking_says_so(project):
    made = Made(project)
    late = set_ladder(project, made.ladder.rungs[::-1])
    assert late.late and f"{late!r}." in made.text() and "changed after test rows had been scored" in made.text()


@pytest.mark.parametrize("pilot_right", [28, 17])
def test_whether_to_fine_tune_is_answered_in_a_sentence(project, pilot_right):
    made = Made(project, pilot_right)
    assert made.recommendation.answer and f"Fine-tune? {made.recommendation.answer}" in made.text().splitlines()


def test_what_the_intervals_cover_is_said_as_it_is(project):
    made = Made(project)
    assert "of training seeds; not that of wording" in made.text()
    made.bench.cards = lambda: made.cards[:4]
    made.bench.recommendation = lambda: made.recommendation
    assert "not the choice of training seed or of wording" in made.text()


def test_the_reasons_are_those_of_the_recommendation_and_of_the_verdict(project):
    made = Made(project)
    lines = made.text().splitlines()
    for reason in (*made.recommendation.reasons, *made.verdict.reasons):
        assert f"- {reason}" in lines


def test_training_is_told_with_its_loss_its_time_and_its_settings(project):
    text = Made(project).text()
    for said in ("| steps | 40 |", "3.457 to 0.123", "| validation loss | 0.234 |", "98 s", "1.57 GiB", "rows left out for their length | 3",
                 "taken up again at step | 20", "learning_rate 0.001", "seed 0", "torch 2.99", "2 cores, no GPU"):  # fmt: skip
        assert said in text


def test_what_was_kept_and_lost_is_told_skill_by_skill(project):
    made = Made(project)
    text = made.text()
    for change in made.report.skills:
        span = change.loglik
        assert f"| {change.title} | 20 | {span.value:+.2f} [{span.low:+.2f}, {span.high:+.2f}] |" in text
        assert change.status in text
    assert f"Forgetting check: **{made.verdict.outcome}**" in text


def test_the_exported_files_stand_in_the_card_with_their_difference(project):
    made = Made(project)
    text = made.text()
    for span in (made.parity.adapter, made.parity.merged, made.parity.difference):
        assert str(span) in text
    assert f"{made.parity.same} of 30" in text


def test_the_rows_are_named_by_number_and_fingerprint_and_every_look_is_listed(project):
    made = Made(project)
    text = made.text()
    for part in (made.bench.train, made.bench.validation, made.bench.test):
        assert f"| {part.name} | {len(part)} | {part.fingerprint} |" in text
    assert "looked at 5 times" in text
    assert all(f"| {one.title} | 30 |" in text for one in made.cards)


@pytest.mark.parametrize("pilot_right, wins", [(28, True), (17, False)])
def test_a_model_that_was_trained_for_learning_says_so(project, pilot_right, wins):
    made = Made(project, pilot_right)
    text = made.text()
    assert made.recommendation.tuning_wins is wins
    assert ("did not recommend fine-tuning" in text) is not wins
    assert f"Recommendation: **{made.recommendation.outcome}**, {made.recommendation.title}." in text


def test_a_bar_or_a_line_break_in_a_name_does_not_break_the_tables(project):
    made = Made(project)
    project.record_test_look("a | strange\nname", 30)
    assert "| a \\| strange name | 30 |" in made.text()


@pytest.mark.parametrize("reference, licence", [("embedded", "apache-2.0"), ("someone/unknown", "other")])
def test_a_licence_is_stated_only_where_it_is_known(project, reference, licence):
    made = Made(project)
    made.bench.__dict__["choice"] = ModelChoice(reference, "")
    head, front, body = made.text().split("---\n", 2)
    assert head == "" and f"license: {licence}\n" in front
    assert ("see the model's own card" in body) is (licence == "other")


@pytest.mark.parametrize("missing, notebook", [("decide/nearest.json", "02"), ("decide/pilot-seed1.json", "02"), ("decide/ladder.json", "02"), ("decide/recommendation.json", "02"), ("check/forgetting.json", "04")])
def test_a_card_without_its_evidence_is_not_written(project, missing, notebook):
    made = Made(project)
    project.path(missing).unlink()
    with pytest.raises(Prerequisite, match=f"Run {notebook}_"):
        made.text()
    assert not project.path("ship/MODEL_CARD.md").exists()


EVIL = "<img src=x onerror=alert(1)> **bold** [click](http://evil.example) `x`"


def test_titles_and_reasons_are_shown_as_they_stand_and_never_as_a_page_or_markdown(project):
    made = Made(project)
    saved = replace(made.recommendation, title=EVIL, reasons=(EVIL, *made.recommendation.reasons))
    made.bench.recommendation = lambda: saved
    made.bench.cards = lambda: [replace(made.cards[0], title=EVIL), *made.cards[1:]]
    markdown = made.markdown()
    assert "<img" not in markdown and "**bold**" not in markdown and "[click]" not in markdown and "`x`" not in markdown
    assert f"- {EVIL}" in made.text().splitlines()


def test_what_a_server_said_is_not_in_the_card_as_it_may_repeat_a_row(project):
    made = Made(project)
    said = "host refuses the question (400): can't read 'Zebra question 3'."
    dead = replace(made.cards[0], rows=tuple(replace(row, score=None, error=said) for row in made.cards[0].rows))
    made.bench.cards = lambda: [dead, *made.cards[1:]]
    saved = recommend([dead, *made.cards[1:]], made.goal, made.ladder)
    assert any("Zebra" in reason for reason in saved.reasons), "the recommendation itself names it"
    made.bench.recommendation = lambda: saved
    text = made.text()
    assert "Zebra" not in text and "could not be scored on any row, so it can't be chosen" in text


def test_an_arm_that_could_not_be_scored_has_no_number_in_the_card(project):
    made = Made(project)
    dead = replace(made.cards[0], rows=tuple(replace(row, score=None) for row in made.cards[0].rows))
    made.bench.cards = lambda: [dead, *made.cards[1:]]
    made.bench.recommendation = lambda: made.recommendation
    text = made.text()
    assert f"| {dead.title} | could not be scored | 0 | 30 |" in text and "nan" not in text
