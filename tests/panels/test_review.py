"""The review panel: one flagged row at a time, every decision kept and undone, nothing hostile shown as it stands."""

from dataclasses import replace

import pytest

from workbench.curate.before_after import before_after
from workbench.curate.checks.check import CheckContext
from workbench.curate.checks.report import check_rows
from workbench.curate.decisions import recommended_decisions
from workbench.curate.start import project_terms, save_terms
from workbench.dataset import Dataset, Example
from workbench.errors import BadInput
from workbench.panels.review import EVERYTHING, Review, SideBySide, conversation, diff_html
from workbench.project import Project

EVIL = "<script>alert('x')</script>"
ROWS = [
    ("fine", "Which colours does the blue lamp come in?", "It comes in blue."),
    ("empty", "And where is my invoice from spring?", ""),
    ("first", "The grey table arrived with a broken leg.", "We will send a new leg."),
    ("copy", "the grey table arrived with a BROKEN leg", "We will send a new leg."),
    ("mail", f"Write to jane@example.org about the lamp. {EVIL}", "I wrote to jane@example.org about it."),
    ("again", "When do you open on Sundays in winter?", "At ten."),
    ("other", "When do you open on Sundays in winter?", "We are closed."),
]
DATA = Dataset("all", tuple(
    Example(i, (("user", q),), a, {"source": "f.csv", "line": n + 2, "transformations": []}) for n, (i, q, a) in enumerate(ROWS)
))  # fmt: skip
EXAMPLE = {e.row_id: e for e in DATA}


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path, {"depth": "quick", "scenario": ""})


@pytest.fixture
def review(project):
    return opened(project)


def opened(project):
    report = check_rows(DATA, CheckContext("text"))
    return Review(DATA, report, recommended_decisions(report, DATA, project), project)


def view(review, row_id):
    """Bring a row into view."""
    review._filter.value = ""
    review.go(review.shown.index(row_id) - review._at)
    return review


def press(review, button):
    review._buttons[button].click()


def test_it_starts_from_what_is_recommended_and_shows_flagged_rows_only(review):
    assert "fine" not in review.shown and {"empty", "copy", "mail", "again", "other"} <= set(review.shown)
    assert review.result.rulings == ()
    assert f"Row 1 of {len(review.shown)}" in review._where.value and "0 of" in review._where.value


def test_a_card_says_where_the_row_stands_and_what_each_check_said(review):
    card = view(review, "empty")._card.value
    assert "f.csv, row 3" in card and "the answer is empty" in card and "left out" in card and "recommended" in card


def test_keep_and_drop_are_rulings_on_the_whole_row_and_go_on_to_the_next(review):
    at = view(review, "empty")._at
    press(review, "keep")
    assert review._at == min(at + 1, len(review.shown) - 1)
    assert {d.action for d in review.result.of_row("empty")} == {"keep"}
    assert "empty" in [e.row_id for e in review.result.apply(DATA)]


def test_undo_takes_back_one_decision_at_a_time(review):
    for row_id, button in (("empty", "keep"), ("mail", "drop")):
        press(view(review, row_id), button)
    review.change("keep", check="exact duplicate")
    states = [len(review.result.rulings)]
    for _ in range(4):
        review.undo()
        states.append(len(review.result.rulings))
    assert states == [3, 2, 1, 0, 0]
    assert review._buttons["undo"].disabled


def test_a_whole_check_is_decided_at_once(review):
    review._bulk["several answers"].value = "drop"
    assert {d.action for d in review.result.decisions if d.check == "several answers"} == {"drop"}
    assert not {"again", "other"} & {e.row_id for e in review.result.apply(DATA)}
    review.undo()
    assert review._bulk["several answers"].value == "keep" and review.result.rulings == ()


def test_the_list_can_be_narrowed_to_one_check(review):
    review._filter.value = "several answers"
    assert review.shown == ["again", "other"] and "Row 1 of 2" in review._where.value
    assert review._filter.options[0] == (EVERYTHING, "")


def test_a_twin_is_shown_with_what_differs(review):
    card = view(review, "other")._card.value
    assert "Compared with f.csv, row 7" in card and "<del>" in card and "<ins>" in card


def test_a_row_is_corrected_by_hand_and_kept(review):
    view(review, "empty")
    review._answer.value = "In your account."
    review.edit(review._input.value, review._answer.value)
    assert next(e for e in review.result.apply(DATA) if e.row_id == "empty").answer == "In your account."


def test_every_decision_is_saved_at_once_and_found_by_the_next_kernel(review, project):
    press(view(review, "empty"), "keep")
    assert [r.row_id for r in opened(project).result.rulings] == ["empty"]
    review.undo()
    assert opened(project).result.rulings == ()


def test_text_of_the_data_is_escaped_and_personal_data_masked_wherever_it_is_shown(review):
    view(review, "mail")
    shown = review._card.value + review._input.value + str(review._repr_mimebundle_()["text/html"])
    assert "jane@" not in shown and "[EMAIL]" in shown
    assert EVIL not in review._card.value and "&lt;script&gt;" in review._card.value
    assert EVIL not in conversation(EXAMPLE["mail"]) + diff_html(EVIL, "x") + diff_html("x", EVIL)


def test_what_masking_makes_of_a_row_is_shown(review):
    assert "As it will be" in view(review, "mail")._card.value
    assert not review._buttons["fix"].disabled and not review._buttons["mask"].disabled
    assert view(review, "empty")._buttons["fix"].disabled


def test_a_row_is_fixed_and_masked_at_once(review):
    review.change("keep", check="personal data")
    press(view(review, "mail"), "fix")
    fixed = next(e for e in review.result.apply(DATA) if e.row_id == "mail")
    assert "[EMAIL]" in fixed.input and "[EMAIL]" in fixed.answer and "jane" not in fixed.input


def test_a_data_set_without_findings_says_so():
    rows = Dataset("all", (EXAMPLE["fine"],))
    report = check_rows(rows, CheckContext("text"))
    panel = Review(rows, report, recommended_decisions(report, rows))
    assert "No check remarked on any row" in panel._where.value
    assert all(button.disabled for button in panel._buttons.values())


def test_code_decides_what_a_hand_could(review, project):
    review.change("keep", row_id="empty").change("drop", check="several answers")
    assert {d.action for d in review.result.of_row("empty")} == {"keep"}
    assert len(opened(project).result.rulings) == 2
    with pytest.raises(BadInput, match="nothing to decide"):
        review.change("keep", row_id="fine")


def test_where_rows_may_not_leave_the_building_names_are_masked_on_the_card_too(project):
    save_terms(project, replace(project_terms(project), restricted=True))
    rows = Dataset("all", (Example("r", (("user", "My name is Ada Byron, where is it?"),), "", {}),))
    report = check_rows(rows, CheckContext("text"))
    for restricted in (True, False):
        save_terms(project, replace(project_terms(project), restricted=restricted))
        card = Review(rows, report, recommended_decisions(report, rows), project)._card.value
        assert ("Byron" in card) is not restricted


def test_a_test_row_and_a_row_of_the_same_id_are_not_confused(project):
    rows = Dataset("all", tuple(Example(f"line-{i}", (("user", t),), "yes") for i, t in enumerate(["a grey lamp here", "A grey lamp here"])))
    test = Dataset("test", (Example("line-0", (("user", "THE TEST QUESTION"),), "no"),))
    report = check_rows(rows, CheckContext("text"))
    panel = Review(rows, report, recommended_decisions(report, rows), project, test)
    view(panel, "line-1")
    assert "Compared with" in panel._card.value and "TEST QUESTION" not in panel._card.value


def test_before_and_after_stand_side_by_side_with_what_went_and_what_came(review):
    view(review, "empty")
    review.edit("And where is my invoice from summer?", EVIL)
    html = SideBySide(before_after(DATA, review.result, review.result.apply(DATA)))._repr_html_()
    assert "<del>spring</del><ins>summer</ins>" in html
    assert "<ins>[EMAIL]</ins>" in html and "jane@" not in html
    assert EVIL not in html and "&lt;script&gt;" in html


def test_only_a_few_rows_of_each_reason_are_shown(review):
    decided = review.change("drop", check="several answers").result
    change = before_after(DATA, decided, decided.apply(DATA))
    assert len(SideBySide(change, rows=1).rows) < len(SideBySide(change).rows) == len(change.changes)
