"""The voting panel is blind, saves at once, goes on after a restart, and shows hostile text as text."""

import ipywidgets
import pytest

from workbench import attempt, panels
from workbench.dataset import Dataset, Example
from workbench.decide.reading import best_two
from workbench.decide.votes import FILE
from workbench.errors import BadInput
from workbench.files import read_jsonl, write_json
from workbench.panels.voting import Voting
from workbench.project import Project
from workbench.scoring.scorecard import ScoredRow, Scorecard

EVIL = "<script>alert('x')</script><img src=x onerror=alert(1)>"
MAIL = "jane@example.org"
N = 6
DATA = Dataset("validation", tuple(Example(f"r{i}", (("user", f"question {i}"),), f"expected {i}") for i in range(N)))


def card(arm, answer, data=DATA):
    scored = tuple(ScoredRow(e.row_id, 1.0, answer(e.row_id), 1, 1, False) for e in data)
    return Scorecard(arm, f"The {arm} arm", arm, data.fingerprint, "m", "p", "exact", 20, scored, 0.1, 0.0, "here")


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path, {"depth": "quick", "scenario": ""})


@pytest.fixture
def voting(project):
    return opened(project)


def opened(project, voter="me"):
    return Voting(project, card("plain", lambda i: f"one {i}"), card("tuned", lambda i: f"two {i}"), DATA, voter=voter)


def html(voting):
    bundle = voting._repr_mimebundle_()
    live = "".join(w.value for w in voting.box.children if isinstance(w, ipywidgets.HTML))
    return bundle["text/html"] + bundle["text/plain"] + live


def press(voting, button):
    voting._buttons[button].click()


def test_it_shows_the_first_pair_without_a_click_and_writes_nothing(project, voting):
    assert all(text in html(voting) for text in ("question 0", "one r0", "two r0", f"0 of {N}"))
    assert not project.path(FILE).exists()


def test_nobody_sees_whose_answer_is_whose(voting):
    for _ in range(N):
        assert "plain" not in html(voting) and "tuned" not in html(voting)
        press(voting, "left")
    assert "plain" not in html(voting) and "tuned" not in html(voting)


def test_a_vote_is_saved_at_once_for_the_arm_that_stood_there_and_goes_on(project, voting):
    for i, button in enumerate(("left", "right", "tie", "both bad")):
        ballot = voting.pairs.ballots[i]
        press(voting, button)
        saved = list(read_jsonl(project.path(FILE)))[-1]
        assert (saved["row_id"], saved["choice"], saved["left_arm"]) == (ballot.row_id, button, ballot.left_arm)
        assert f"{i + 1} of {N} voted on" in html(voting) and f"question {i + 1}" in html(voting)


def test_a_new_kernel_goes_on_where_it_was_left(project, voting):
    voting.vote("left").vote("tie")
    again = opened(project)
    assert f"2 of {N}" in html(again) and "question 2" in html(again)


def test_code_does_what_the_buttons_do(project, voting):
    voting.vote("left").vote("right", row_id="r4")
    assert voting.result.on(voting.pairs)["me"] == {
        "r0": voting.pairs.ballots[0].left_arm, "r4": voting.pairs.ballots[4].right_arm
    }  # fmt: skip
    for wrong in (lambda: voting.vote("up"), lambda: voting.vote("left", row_id="stranger")):
        with pytest.raises(BadInput):
            wrong()


def test_undo_takes_the_last_vote_back_and_shows_its_pair(voting):
    press(voting, "left")
    press(voting, "tie")
    press(voting, "undo")
    assert list(voting.result.on(voting.pairs)["me"]) == ["r0"] and "question 1" in html(voting)
    press(voting, "undo")
    assert voting.result.votes == () and voting._buttons["undo"].disabled


def test_a_pair_can_be_left_for_later(voting):
    press(voting, "next")
    assert "question 1" in html(voting)
    for _ in range(N - 1):
        press(voting, "tie")
    assert "question 0" in html(voting) and f"{N - 1} of {N}" in html(voting)


def test_when_all_is_voted_on_it_says_how_to_count(voting):
    for _ in range(N):
        press(voting, "left")
    assert "tally()" in html(voting) and voting._buttons["next"].disabled and voting.tally().n == N


def test_a_second_voter_starts_anew_and_the_first_ones_votes_stay(project, voting):
    voting.vote("left")
    second = opened(project, "ben")
    second.vote("left")
    assert {v.voter for v in second.result.votes} == {"me", "ben"} and second.tally().agreements[0][2].same.value == 1.0


def test_two_open_panels_lose_no_vote(project):
    one, other = opened(project, "ann"), opened(project, "ben")
    one.vote("left")
    other.vote("left")
    one.vote("tie")
    assert len(opened(project).result.votes) == 3


def test_hostile_text_is_shown_as_text(project):
    data = Dataset("validation", (Example("r0", (("user", f"q {EVIL}"),), f"x {EVIL}"),))
    cards = [card(arm, lambda i, arm=arm: f"{arm[0]} {EVIL}", data) for arm in ("plain", "tuned")]
    voting = Voting(project, *cards, data, voter=EVIL)
    voting.vote("left")
    assert "<script" not in voting._repr_mimebundle_()["text/html"] and "<img" not in voting._repr_mimebundle_()["text/html"]
    assert html(voting).count("&lt;script&gt;") >= 8
    voting._do(lambda: voting.vote(EVIL))
    assert "<script" not in voting._problem.value and "&lt;script" in voting._problem.value


def test_personal_data_is_masked_and_in_a_restricted_project_names_too(project):
    data = Dataset("validation", (Example("r0", (("user", f"I am Jane Doe, {MAIL}"),), MAIL),))
    cards = [card(arm, lambda i, arm=arm: f"{arm} Jane Doe {MAIL}", data) for arm in ("plain", "tuned")]
    assert MAIL not in html(Voting(project, *cards, data)) and "Jane" in html(Voting(project, *cards, data))
    write_json(project.path("data/terms.json"), {"restricted": True})
    assert "I am Jane" not in html(Voting(project, *cards, data))


def test_with_nothing_to_vote_on_it_says_so(project):
    voting = Voting(project, card("plain", lambda i: "same"), card("tuned", lambda i: "same "), DATA)
    assert f"{N} answered alike" in html(voting) and all(button.disabled for button in voting._buttons.values())
    with pytest.raises(BadInput):
        voting.vote("left")


def test_every_action_is_a_button_that_the_keyboard_reaches(voting):
    assert all(isinstance(b, ipywidgets.Button) and b.description and not b.tooltip == "" for b in voting._buttons.values())
    assert [b.description for b in voting._buttons.values()] == ["Left", "Right", "Tie", "Both bad", "Undo", "Next unvoted"]


def test_the_first_vote_on_test_rows_is_a_look_at_them_and_opening_is_none(project):
    # By whatever name: rows are test rows by their ids.
    test = Dataset("some rows", DATA.examples)
    Dataset("test", DATA.examples[:4]).save(project.path("data/test.jsonl"))
    made = Voting(project, card("plain", lambda i: f"one {i}"), card("tuned", lambda i: f"two {i}"), test)
    assert project.test_looks() == []
    made.vote("left").vote("tie")
    assert [(look["what"], look["rows"]) for look in project.test_looks()] == [("pairs of answers, voted on", 4)]


def test_votes_on_other_rows_are_no_look_at_the_test(project, voting):
    voting.vote("left")
    assert project.test_looks() == []


def test_the_two_best_arms_are_voted_on_in_one_call_and_without_two_the_notebook_goes_on(project):
    cards = [card("plain", lambda i: f"one {i}"), card("tuned", lambda i: f"two {i}")]
    voting = attempt(panels.vote, project, attempt(best_two, cards), DATA, lambda text: text.upper())
    assert isinstance(voting, Voting) and "QUESTION 0" in html(voting) and voting.vote("left").tally().n == 1
    assert "Fewer than two arms" in repr(attempt(panels.vote, project, attempt(best_two, cards[:1]), DATA))


def test_a_source_named_in_an_answer_does_not_tell_which_arm_looked_it_up(project):
    voting = Voting(project, card("plain", lambda i: f"one {i}"), card("rag", lambda i: f"two {i} [travel-4]"), DATA)
    for _ in range(N):
        assert "travel-4" not in html(voting) and "two r" in html(voting)
        voting.vote("tie")
