"""The cost panel reckons anew at each change and keeps it; the questionnaire starts from what a sample suggests."""

import pytest

from workbench.decide.arms import Arm, Form, Trained
from workbench.decide.questionnaire import QUESTIONS
from workbench.errors import BadInput
from workbench.panels import costs_and_prior as panels
from workbench.project import Project
from workbench.scoring.scorecard import Scorecard, ScoredRow

BARE = Arm("bare", "Bare input", Form(), "")
PILOT = Arm("pilot", "Pilot", Form(), "", Trained("pilot", Form()))


def card(arm, right):
    rows = tuple(ScoredRow(f"r{i}", float(i < right), "said", 100, 10, False) for i in range(20))
    training = 60.0 if arm.trained else 0.0
    return Scorecard(arm.key, arm.title, arm.key, "rows", "m", "fp32", "label", 64, rows, 0.5, training, "machine")


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path, {"scenario": ""})


def cost_panel(project):
    return panels.costs(project, [BARE, PILOT], [card(BARE, 5), card(PILOT, 18)], labelled_rows=200)


def test_the_cost_panel_starts_with_a_report_and_leaves_the_picture_to_its_own_cell(project):
    panel = cost_panel(project)
    assert [arm.key for arm in panel.result.arms] == ["bare", "pilot"] and panel.result.usage.labelled_rows == 200
    assert panel.box.children[-1].value == panel.result._repr_html_() and "Pilot" in panel.box.children[-1].value


def test_moving_a_slider_reckons_anew(project):
    panel = cost_panel(project)
    before = panel.result["pilot"].year.money
    panel.inputs["fact_changes_per_year"].value = 52
    assert panel.result["pilot"].year.money > before


def test_the_same_in_code(project):
    panel = cost_panel(project).set(calls_per_month=25_000, machine="rented GPU, while it works")
    assert panel.result.usage.calls_per_month == pytest.approx(25_000)
    with pytest.raises(BadInput, match="can't be chosen"):
        panel.set(machine="abacus")


def test_what_was_chosen_is_still_there_the_next_time(project):
    cost_panel(project).set(calls_per_month=50_000, minutes_per_row=3.5)
    again = cost_panel(project).result.usage
    assert again.calls_per_month == pytest.approx(50_000) and again.minutes_per_row == 3.5


def test_the_labelled_rows_are_those_of_the_project_where_nothing_is_said(project):
    from workbench.dataset import Dataset, Example

    Dataset("train", tuple(Example(f"t{i}", (("user", "q"),), "a") for i in range(7))).save(project.path("data/train.jsonl"))
    assert panels.costs(project, [BARE], [card(BARE, 5)]).result.usage.labelled_rows == 7


def test_an_edited_price_counts_at_the_next_change_and_a_spoilt_table_is_told(project):
    panel = cost_panel(project)
    path = project.path("decide/prices.csv")
    sound = path.read_text(encoding="utf-8")
    path.write_text(sound.replace("person,hour,33.5", "person,hour,335"), encoding="utf-8")
    before = panel.result["pilot"].once.money
    panel.inputs["minutes_per_row"].value = 1.25
    assert panel.result["pilot"].once.money > 5 * before
    path.write_text(sound.replace("person,hour,33.5", "person,hour,much"), encoding="utf-8")
    panel.inputs["minutes_per_row"].value = 1.0
    assert "line 9" in panel.box.children[-1].value and "Not possible" in panel.box.children[-1].value


def test_a_currency_that_is_none_is_told(project):
    panel = cost_panel(project)
    panel.inputs["currency"].value = "euros"
    assert "is no currency" in panel.box.children[-1].value


def test_the_questionnaire_starts_without_a_claim_and_keeps_its_answers(project):
    panel = panels.questionnaire(project)
    assert panel.result.expected == ""
    panel.set(knowledge="moving")
    assert panel.result.expected == "retrieval"
    assert panels.questionnaire(project).result.expected == "retrieval"
    with pytest.raises(BadInput, match="can't be chosen"):
        panel.set(tone="maybe")


def test_the_questionnaire_names_each_answer_as_set_takes_it_with_and_without_widgets(project):
    panel = panels.questionnaire(project)
    page = panel._repr_mimebundle_()["text/html"]
    for row, question in zip(panel.box.children, QUESTIONS, strict=False):
        assert row.children[0].description == question.key and f"<code>{question.key}</code>" in page
        for option in question.options:
            assert f"&#x27;{option.key}&#x27;" in row.children[1].value and f"&#x27;{option.key}&#x27;" in page
            panel.set(**{question.key: option.key})
