"""The notebooks' panels: each starts from what is recommended, and is the twin of a call in plain code."""

import re
import shutil

import pytest

from workbench.curate.reading import ColumnGuess, RawTable, guess_columns, to_dataset
from workbench.curate.start import DOCUMENTS, StartChoice, choose_columns, project_documents, save_documents, start_project
from workbench.curate.task import Task, propose_task
from workbench.dataset import Dataset, Example
from workbench.decide.recommendation import Goal, set_goal
from workbench.errors import BadInput
from workbench.models import EMBEDDED, ModelChoice
from workbench.panels import steps
from workbench.project import create_project
from workbench.train.plan import plan

EVIL = "<script>alert('x')</script>"
CHOICE = ModelChoice(EMBEDDED, f"because {EVIL}")
ROWS = Dataset("all", tuple(
    Example(f"r{i}", (("user", q),), a)
    for i, (q, a) in enumerate([("Where is it?", "delivery"), ("Pay me!", ""), ("where is IT", "delivery"), ("Mail a@example.org", "refund"), ("Hi", "praise")])
))  # fmt: skip
RAW = RawTable("f.csv", "0", ("question", "answer", EVIL), ((2, {"question": "q", "answer": "a", EVIL: "x"}),), (), ())


@pytest.fixture
def project(projects):
    return create_project("p", {"data_file": "a.csv", "scenario": "", "depth": "quick", "model": {"reference": "embedded", "reason": ""}})


def test_the_start_is_what_is_recommended_and_any_field_can_be_changed():
    default = StartChoice("tickets", "support_tickets", "quick", "")
    panel = steps.start(default, CHOICE)
    assert panel.result == StartChoice("tickets", "support_tickets", "quick", EMBEDDED)
    panel.inputs["depth"].value = "thorough"
    panel.inputs["data"].value = "my own.csv"
    panel.inputs["model"].value = "someone/model"
    assert panel.result == StartChoice("tickets", "my own.csv", "thorough", "someone/model")


def test_the_columns_are_the_guessed_ones_until_they_are_changed():
    guess = ColumnGuess("question", "answer", "", "by their names.")
    panel = steps.columns(RAW, guess)
    assert panel.result == guess
    panel.inputs["input"].value = EVIL
    assert panel.result == choose_columns(RAW, EVIL, "answer")
    panel.inputs["input"].value = "question"
    assert panel.result == guess


def test_input_and_answer_can_not_be_one_column():
    panel = steps.columns(RAW, ColumnGuess("question", "answer", "", "by their names."))
    panel.inputs["answer"].value = "question"
    with pytest.raises(BadInput, match="'question'"):
        panel.result  # noqa: B018


def test_conversations_have_no_columns_to_choose():
    guess = ColumnGuess("", "", "messages", "each row is a conversation.")
    panel = steps.columns(RAW, guess)
    assert list(panel.inputs) == ["messages"] and panel.result == guess


def test_the_task_is_the_guessed_one_until_it_is_changed():
    guess = propose_task(ROWS)
    panel = steps.task(ROWS, guess)
    assert panel.result == guess
    panel.inputs["kind"].value = "number"
    assert panel.result == guess.change("number", ROWS)
    panel.inputs["kind"].value = guess.kind
    assert panel.result == guess


def test_a_task_that_the_answers_do_not_fit_is_refused_in_the_panel():
    panel = steps.task(ROWS, Task("label", "by hand", "Sort it."))
    panel.inputs["kind"].value = "json"
    assert "Not possible" in panel.box.children[-1].value
    with pytest.raises(BadInput):
        panel.result  # noqa: B018


def test_the_goal_of_the_panel_is_written_down_at_once(project):
    panel = steps.goal(project, Goal(0.8, 0.02))
    assert panel.result == Goal(0.8, 0.02) == Goal.load(project.path("decide/goal.json"))
    panel.inputs["good_enough"].value = 0.9
    assert panel.result == Goal(0.9, 0.02) == Goal.load(project.path("decide/goal.json"))


def test_running_the_notebook_again_keeps_the_goal_that_was_said_and_does_not_make_it_late(project):
    set_goal(project, 0.9, 0.05)
    project.record_test_look("Bare input", 80)
    assert steps.goal(project, Goal(0.8, 0.02)).result == Goal(0.9, 0.05)


def test_a_goal_changed_in_the_panel_after_scoring_is_late(project):
    panel = steps.goal(project, Goal(0.8, 0.02))
    project.record_test_look("Bare input", 80)
    panel.inputs["margin"].value = 0.0
    assert panel.result.late and "changed after" in panel.box.children[-1].value


def rows(n):
    return Dataset("train", tuple(Example(f"r{i}", (("user", f"q{i}"),), "a") for i in range(n)))


PLAN = plan(CHOICE, rows(200), rows(20), 80, 4)


def test_the_plan_is_the_recommended_one_until_it_is_changed():
    panel = steps.plan(PLAN)
    assert panel.result == PLAN
    for name, value in (("steps", 60), ("learning_rate", 5e-4), ("rank", 8), ("seed", 7)):
        panel.inputs[name].value = value
    assert panel.result == PLAN.change(steps=60, learning_rate=5e-4, rank=8, seed=7)


def test_a_run_that_was_begun_is_gone_on_with(project):
    begun = PLAN.change(steps=60)
    assert steps.plan(PLAN, begun).result == begun
    assert steps.plan(PLAN, None).result == PLAN


def test_hostile_reasons_and_names_are_escaped():
    for panel in (
        steps.start(StartChoice(EVIL, EVIL, "quick", ""), CHOICE),
        steps.columns(RAW, ColumnGuess("question", EVIL, "", EVIL)),
        steps.task(ROWS, Task("label", EVIL, EVIL)),
    ):
        notes = [row.children[1].value for row in panel.box.children[:-1]]
        html = "".join([*notes, panel.box.children[-1].value, panel._repr_mimebundle_()["text/html"]])
        assert "<script" not in html and "&lt;script&gt;" in html


CSV = "frage,antwort,kunde\n" + "".join(f"Größe {i}?,schön,k{i % 9}\n" for i in range(50))


@pytest.fixture
def odd(projects, tmp_path):
    """A project on a file that is not UTF-8."""
    path = tmp_path / "odd.csv"
    path.write_bytes(CSV.encode("cp1252"))
    return start_project("odd", str(path), model="embedded")


def test_a_file_is_read_as_found_until_another_encoding_is_chosen(odd):
    panel = steps.source(odd)
    assert panel.result[0].rows[0][1]["frage"] == "Größe 0?"
    panel.inputs["encoding"].value = next(o for o in panel.inputs["encoding"].options if o != "as found")
    assert len(panel.result[0].rows) == 50 and panel.result[1] is None


def test_what_a_person_chose_is_where_the_panel_starts_the_next_time(odd):
    raw = steps.source(odd).result[0]
    panel = steps.terms(raw, odd)
    panel.inputs["licence"].value = "ours"
    panel.inputs["subject_column"].value = "kunde"
    panel.inputs["restricted"].value = True
    again = steps.terms(raw, odd)
    assert (again.result.licence, again.result.subject_column, again.result.restricted) == ("ours", "kunde", True)
    assert again.result == panel.result
    other = RawTable("f.csv", "0", ("a", "b"), (), (), ())
    assert steps.terms(other, odd).result.subject_column == "", "a column that is gone is no choice any more"


def test_people_are_kept_as_keyed_codes(odd):
    raw = steps.source(odd).result[0]
    panel = steps.terms(raw, odd)
    panel.inputs["subject_column"].value = "kunde"
    rows, _ = to_dataset(raw, ColumnGuess("frage", "antwort", "", ""), origin=panel.result)
    codes = [e.provenance["subject_ids"][0] for e in rows]
    assert len(set(codes)) == 9 and not set(codes) & {f"k{i}" for i in range(9)}
    assert "key" not in panel._view.value


def test_unknown_roles_can_be_given_a_meaning(project):
    turns = [{"role": "customer", "content": "q"}, {"role": "assistant", "content": "a"}]
    raw = RawTable("f.jsonl", "0", ("messages",), ((1, {"messages": turns}),), (), ())
    panel = steps.columns(raw, guess_columns(raw), project)
    assert len(to_dataset(raw, panel.result)[0]) == 0
    panel.inputs["role customer"].value = "user"
    assert to_dataset(raw, panel.result)[0].examples[0].messages == (("user", "q"),)
    assert steps.columns(raw, guess_columns(raw), project).result == panel.result


def test_preference_pairs_with_their_prompt_inside_leave_nothing_to_choose():
    pair = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    raw = RawTable("f.jsonl", "0", ("chosen", "rejected"), ((1, {"chosen": pair, "rejected": [pair[0], {"role": "assistant", "content": "b"}]}),), (), ())
    panel = steps.columns(raw, guess_columns(raw))
    (row,) = to_dataset(raw, panel.result)[0]
    assert (row.input, row.answer, row.rejected) == ("q", "a", "b")


def test_masking_says_reduced_and_how_much_is_found_and_never_anonymous(project):
    panel = steps.masking(project)
    assert panel.result.text("I am jane@example.org") == "I am [EMAIL]"
    shown = panel._view.value
    assert "reduced" in shown and "anonym" not in shown and "found at all" in shown
    panel.inputs["mode"].value = "pseudonym"
    assert re.fullmatch(r"I am \[EMAIL_[0-9a-f]{8}\]", panel.result.text("I am jane@example.org"))


def papers(place, name):
    place.mkdir()
    (place / f"{name}.md").write_text("# A\n\nText.", encoding="utf-8")
    return str(place)


def test_a_path_is_looked_up_once_it_is_typed_to_its_end(project):
    panel = steps.documents(project)
    assert [widget.continuous_update for widget in panel.inputs.values()] == [False, False]


def test_documents_that_are_gone_leave_a_panel_in_which_to_name_others(project, tmp_path):
    steps.documents(project).set(folder=papers(tmp_path / "old", "a"))
    shutil.rmtree(tmp_path / "old")
    panel = steps.documents(project)
    assert "Not possible" in panel._view.value and "can&#x27;t be read either" in panel._view.value
    panel.set(folder=papers(tmp_path / "new", "b"))
    assert [d.name for d in panel.result] == ["b.md"] and "Not possible" not in panel._view.value


def test_while_a_path_is_wrong_the_panel_says_which_documents_stay_in_use(project, tmp_path):
    panel = steps.documents(project).set(folder="nowhere")
    assert "no documents are used" in panel._view.value
    panel.set(folder=papers(tmp_path / "handbook", "a")).set(folder="nowhere")
    with pytest.raises(BadInput, match="stays in use: .*handbook"):
        panel.result  # noqa: B018
    assert [d.name for d in project_documents(project)] == ["a.md"]


def note(project):
    return steps.documents(project).box.children[0].children[1].value


def test_documents_of_ones_own_are_never_called_the_samples(project, tmp_path):
    save_documents(project, papers(tmp_path / "mine", "a"))
    assert project.path(DOCUMENTS).exists()
    assert "sample" not in note(project) and "none" in note(project)
    assert "came with the sample" in note(start_project("s", "policy_questions", model="embedded"))
