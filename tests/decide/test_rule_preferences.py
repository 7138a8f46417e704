"""Pairs come from people's votes or from a rule and say which; what is cut, alike or unclear is no pair; draws can be repeated."""

from types import SimpleNamespace

import pytest

from workbench.dataset import Dataset, Example
from workbench.decide import rule_preferences
from workbench.decide.rule_preferences import FEWEST_VOTED, Draws, Drawing, on_draws, preference_pairs
from workbench.decide.votes import Votes, ballots
from workbench.errors import Prerequisite
from workbench.project import Project
from workbench.scoring.scorecard import ScoredRow, Scorecard


@pytest.fixture(autouse=True)
def plain_text(monkeypatch):
    monkeypatch.setattr(rule_preferences, "shown_text", lambda project: lambda text: text.replace("secret", "[masked]"))


def bench(tmp_path, kind="json"):
    return SimpleNamespace(project=Project(tmp_path, {"depth": "quick"}), scorer=SimpleNamespace(kind=kind))


def drawn(answers, cut=(), kind="json"):
    """Draws of rows; `answers` maps a row to (text, value) of each draw."""
    data = Dataset("train", tuple(Example(f"train {name}", (("user", f"ask {name}"),), "right") for name in answers))
    cards = []
    for k in range(len(next(iter(answers.values())))):
        rows = tuple(
            ScoredRow(e.row_id, said[k][1], said[k][0], 1, 1, said[k][0] in cut, {"meaning": said[k][1], "style": 1.0})
            for e, said in zip(data, answers.values(), strict=True)
        )
        cards.append(Scorecard(f"draw-{k + 1}", f"Draw {k + 1}", str(k), data.fingerprint, "m", "NF4", kind, 20, rows, 0.1, 0.0, "here"))
    return Draws(data, data, tuple(cards))


def test_the_best_answer_is_preferred_to_the_worst_and_the_rule_is_named_as_one(tmp_path):
    found = preference_pairs(bench(tmp_path), drawn({"a": [("bad", 0.0), ("good", 1.0), ("fair", 0.5)]}))
    (pair,) = found.pairs
    assert (pair.answer, pair.rejected) == ("good", "bad")
    (how,) = pair.provenance["transformations"]
    assert how.startswith("labelled by rule: the task's own score (json); 1.00 against 0.00") and "human" not in how
    assert found.labelled_by == "labelled by rule: the task's own score (json)"


def test_a_row_gives_two_pairs_at_most_and_no_answer_twice(tmp_path):
    found = preference_pairs(bench(tmp_path), drawn({"a": [(f"answer {i}", i / 7) for i in range(8)]}))
    assert [(p.answer, p.rejected) for p in found.pairs] == [("answer 7", "answer 0"), ("answer 6", "answer 1")]
    assert len({p.row_id for p in found.pairs}) == 2


def test_rows_whose_answers_do_not_differ_clearly_give_none_and_are_counted(tmp_path):
    answers = {"a": [("bad", 0.0), ("good", 1.0)], "alike": [("same", 1.0), ("same ", 1.0)], "near": [("x", 0.6), ("y", 0.5)]}
    found = preference_pairs(bench(tmp_path), drawn(answers))
    assert len(found.pairs) == 1 and (found.rows, found.undecided) == (3, 2)


def test_an_answer_that_was_cut_or_is_empty_or_could_not_be_judged_is_in_no_pair(tmp_path):
    answers = {"a": [("bad", 0.0), ("cut off", 1.0)], "b": [("bad", 0.0), (" ", 1.0)], "c": [("bad", 0.0), ("unknown", None)], "d": [("no", 0.0), ("yes", 1.0)]}
    found = preference_pairs(bench(tmp_path), drawn(answers, cut=("cut off",)))
    assert [p.answer for p in found.pairs] == ["yes"]


def test_where_the_voice_is_judged_the_meaning_labels_and_not_the_style(tmp_path):
    found = preference_pairs(bench(tmp_path, "voice"), drawn({"a": [("wrong thing", 0.0), ("right thing", 1.0)]}, kind="voice"))
    assert "what its row says is due" in found.labelled_by and [p.answer for p in found.pairs] == ["right thing"]


def test_free_text_without_votes_is_refused_since_what_labels_cannot_measure(tmp_path):
    with pytest.raises(Prerequisite, match="what labels can't measure"):
        preference_pairs(bench(tmp_path, "text"), drawn({"a": [("x", 0.0), ("y", 1.0)]}))


def test_answers_that_the_rule_cannot_tell_apart_are_no_error_but_nothing_to_do(tmp_path):
    with pytest.raises(Prerequisite, match="nothing to prefer"):
        preference_pairs(bench(tmp_path), drawn({"a": [("x", 1.0), ("y", 1.0)]}))


def test_what_is_shown_of_the_pairs_is_masked(tmp_path):
    found = preference_pairs(bench(tmp_path), drawn({"a": [("secret bad", 0.0), ("secret good", 1.0)]}))
    assert "secret" not in found._repr_html_() and "[masked] good" in found._repr_html_()


def voting(draws, votes):
    """The panel as code has it: so many votes for whatever stands on the left."""
    pairs = ballots(*draws.cards[:2], draws.rows)
    said = Votes()
    for ballot in pairs.ballots[:votes]:
        said = said.add(ballot, "left")
    return SimpleNamespace(result=said, pairs=pairs)


@pytest.mark.parametrize(("votes", "by"), [(FEWEST_VOTED, "blind votes"), (FEWEST_VOTED - 1, "rule")])
def test_from_enough_votes_on_people_decide_and_the_rule_has_no_say(tmp_path, votes, by):
    draws = drawn({str(i): [(f"one {i}", 0.0), (f"two {i}", 1.0)] for i in range(30)})
    panel = voting(draws, votes)
    found = preference_pairs(bench(tmp_path), draws, panel)
    assert by in found.labelled_by
    if by == "blind votes":
        assert [p.answer for p in found.pairs] == [ballot.left for ballot in panel.pairs.ballots[:votes]]
        assert all("blind vote" in p.provenance["transformations"][-1] for p in found.pairs)


def test_free_text_can_be_told_apart_by_votes(tmp_path):
    draws = drawn({str(i): [(f"one {i}", 0.5), (f"two {i}", 0.5)] for i in range(FEWEST_VOTED)})
    assert len(preference_pairs(bench(tmp_path, "text"), draws, voting(draws, FEWEST_VOTED)).pairs) == FEWEST_VOTED


def test_a_test_row_with_a_training_rows_id_does_not_forbid_its_votes(tmp_path):
    rows = Dataset("train", tuple(Example(f"line-{i}", (("user", f"q{i}"),), "a") for i in range(40)))
    chosen = rule_preferences._some(rows, 30, 0)
    assert not {e.row_id for e in chosen} & {e.row_id for e in rows}
    assert [e.input for e in chosen] == [e.input for e in rule_preferences._some(rows, 30, 0)] != [e.input for e in rule_preferences._some(rows, 30, 1)]


def test_the_panel_votes_on_the_first_two_draws():
    draws = drawn({"a": [("x", 0.0), ("y", 1.0), ("z", 1.0)]})
    assert on_draws(lambda project, pair, rows, shown: (project, pair, rows), "project", draws) == ("project", draws.cards[:2], draws.rows)


def test_draws_follow_the_probabilities_and_are_the_same_for_the_same_seed():
    import torch

    logits = torch.log(torch.tensor([[0.7, 0.2, 0.1]])).repeat(4000, 1)
    once = Drawing(3).allowed((), logits)
    assert (once.sum(1) == 1).all() and torch.equal(once, Drawing(3).allowed((), logits))
    assert not torch.equal(once, Drawing(4).allowed((), logits))
    assert once.float().mean(0).tolist() == pytest.approx([0.7, 0.2, 0.1], abs=0.03)


def test_two_steps_of_one_series_are_drawn_anew():
    import torch

    series, logits = Drawing(3), torch.zeros(50, 10)
    assert not torch.equal(series.allowed((), logits), series.allowed((), logits))
