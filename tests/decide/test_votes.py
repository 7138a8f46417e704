"""Blind votes: the order tells nothing, votes stay with the texts they were about, and counts and kappa are right."""

import random

import pytest

from workbench.dataset import Dataset, Example
from workbench.decide.votes import (
    CHOICES,
    Ballots,
    Tally,
    Votes,
    agreement,
    as_preferences,
    ballots,
    change_votes,
    load_votes,
    tally,
)
from workbench.errors import BadInput, Mismatch
from workbench.project import Project
from workbench.scoring.scorecard import ScoredRow, Scorecard
from workbench.scoring.seeds import Seeds


def rows(n, name="validation"):
    return Dataset(name, tuple(Example(f"r{i}", (("user", f"question {i}"),), f"expected {i}") for i in range(n)))


def card(arm, data, answer, failed=(), recipe=""):
    scored = tuple(
        ScoredRow(e.row_id, None if e.row_id in failed else 1.0, "" if e.row_id in failed else answer(e), 1, 1, False,
                  error="It broke." if e.row_id in failed else "")
        for e in data
    )  # fmt: skip
    return Scorecard(arm, arm.title(), recipe or arm, data.fingerprint, "m", "p", "exact", 20, scored, 0.1, 0.0, "here")


def two(data, failed=()):
    return card("plain", data, lambda e: f"plain {e.row_id}", failed), card("tuned", data, lambda e: f"tuned {e.row_id}")


def side_of(ballot, arm):
    return "left" if ballot.left_arm == arm else "right"


def voted(pairs, said, voter="me", votes=None):
    """Votes where `said` maps a row's place to an arm, "tie" or "both bad"."""
    votes = votes or Votes()
    for i, what in said.items():
        ballot = pairs.ballots[i]
        votes = votes.add(ballot, what if what in CHOICES else side_of(ballot, what), voter)
    return votes


# The pairs.


def test_each_arm_stands_on_the_left_about_half_of_the_time():
    data = rows(400)
    left = sum(b.left_arm == "plain" for b in ballots(*two(data), data).ballots)
    assert 160 <= left <= 240


def test_the_order_is_the_same_again_whichever_card_comes_first_and_another_with_another_seed():
    data = rows(60)
    a, b = two(data)
    one, again, swapped, other = ballots(a, b, data), ballots(a, b, data), ballots(b, a, data), ballots(a, b, data, seed=1)
    assert one == again and one.ballots == swapped.ballots and one.ballots != other.ballots


def test_each_answer_stays_with_its_arm():
    data = rows(30)
    for ballot in ballots(*two(data), data).ballots:
        assert ballot.left == f"{ballot.left_arm} {ballot.row_id}" and ballot.right == f"{ballot.right_arm} {ballot.row_id}"


def test_pairs_are_shown_without_naming_the_arms():
    data = rows(6)
    a, b = card("plain", data, lambda e: f"one {e.row_id}"), card("tuned", data, lambda e: f"two {e.row_id}")
    pairs = ballots(a, b, data)
    for text in (repr(pairs), pairs._repr_html_(), repr(pairs.ballots[0])):
        assert "plain" not in text and "tuned" not in text


def test_alike_answers_are_left_out_and_counted():
    data = rows(10)
    a = card("plain", data, lambda e: "same")
    b = card("tuned", data, lambda e: " same\n" if e.row_id in ("r1", "r4") else "other")
    pairs = ballots(a, b, data)
    assert pairs.alike == 2 and len(pairs.ballots) == 8 and "2 rows answered alike" in repr(pairs)


def test_rows_without_both_answers_are_left_out_and_counted():
    data = rows(10)
    pairs = ballots(*two(data, failed=("r0", "r9")), data)
    assert pairs.missing == 2 and [b.row_id for b in pairs.ballots] == [f"r{i}" for i in range(1, 9)]


def test_cards_of_other_rows_or_of_one_arm_are_refused():
    data = rows(4)
    a, b = two(data)
    with pytest.raises(Mismatch, match="other rows"):
        ballots(a, b, rows(5))
    with pytest.raises(Mismatch, match="nothing to compare"):
        ballots(a, a, data)


def test_of_several_training_seeds_the_first_is_shown():
    data = rows(4)
    a, b = two(data)
    second = card("tuned", data, lambda e: "of seed 1", recipe="other")
    assert ballots(a, Seeds((b, second)), data).ballots == ballots(a, b, data).ballots


@pytest.mark.parametrize("answer", ["It is {} [travel-4]", "By [travel-4] it is {}", "It is {} [travel-4, leave-2]."])
def test_the_names_of_sources_are_left_out_as_they_tell_which_arm_looks_things_up(answer):
    data = rows(6)
    a = card("plain", data, lambda e: f"plain {e.row_id}")
    b = card("rag", data, lambda e: "So [travel-4]" if e.row_id == "r5" else answer.format(e.row_id))
    pairs = ballots(a, b, data)
    assert not any("travel-4" in text or "leave-2" in text for pair in pairs.ballots for text in (pair.left, pair.right))
    assert all(f"it is r{i}" in f"{pairs.ballots[i].left} {pairs.ballots[i].right}".lower() for i in range(5))


def test_answers_that_differ_in_their_source_only_are_alike_and_lists_are_no_sources():
    data = rows(2)
    pairs = ballots(card("plain", data, lambda e: "ten days"), card("rag", data, lambda e: "ten days [leave-2]"), data)
    assert pairs.alike == 2
    said = '{"codes": [1, 2]} [EMAIL]'
    assert {said} < {x for p in ballots(card("a", data, lambda e: said), card("b", data, lambda e: "x"), data).ballots
                     for x in (p.left, p.right)}  # fmt: skip


# Votes.


def test_votes_are_kept_and_undone_one_at_a_time(tmp_path):
    project = Project(tmp_path, {"depth": "quick", "scenario": ""})
    data = rows(4)
    pairs = ballots(*two(data), data)
    for i in range(3):
        change_votes(project, lambda votes, i=i: votes.add(pairs.ballots[i], "tie"))
    assert load_votes(project).on(pairs)["me"] == {"r0": "tie", "r1": "tie", "r2": "tie"}
    kept, row_id = load_votes(project).without_last(pairs)
    assert row_id == "r2" and len(kept.votes) == 2 and Votes().without_last(pairs) == (Votes(), "")


def test_undo_leaves_another_voters_vote_alone():
    data = rows(2)
    pairs = ballots(*two(data), data)
    votes = voted(pairs, {0: "tie"}, "ann")
    votes = voted(pairs, {1: "tie"}, "ben", votes)
    kept, row_id = votes.without_last(pairs, "ann")
    assert row_id == "r0" and [v.voter for v in kept.votes] == ["ben"]


def test_voting_again_on_a_pair_replaces_the_earlier_vote():
    data = rows(2)
    pairs = ballots(*two(data), data)
    votes = voted(pairs, {0: "plain"}, votes=voted(pairs, {0: "tuned"}))
    assert len(votes.votes) == 1 and votes.on(pairs)["me"] == {"r0": "plain"}


def test_a_vote_counts_for_the_texts_it_was_about_only():
    data = rows(3)
    a, b = two(data)
    pairs = ballots(a, b, data)
    votes = voted(pairs, {0: "plain", 1: "plain"})
    changed = ballots(a, card("tuned", data, lambda e: "new" if e.row_id == "r0" else f"tuned {e.row_id}"), data)
    assert votes.on(changed)["me"] == {"r1": "plain"}
    assert votes.on(ballots(b, a, data, seed=5))["me"] == {"r0": "plain", "r1": "plain"}


def test_what_is_no_choice_is_refused_in_a_sentence():
    data = rows(1)
    with pytest.raises(BadInput, match="left, right, tie, both bad"):
        Votes().add(ballots(*two(data), data).ballots[0], "<b>")


def test_a_damaged_file_of_votes_is_a_sentence(tmp_path):
    (path := tmp_path / "votes.jsonl").write_text('{"row": 1}\n', encoding="utf-8")
    with pytest.raises(BadInput, match="another version"):
        Votes.load(path)


# Counting.


def test_the_win_rate_takes_ties_and_both_bad_as_half_with_wilsons_interval():
    data = rows(20)
    pairs = ballots(*two(data), data)
    said = dict.fromkeys(range(6), "plain") | dict.fromkeys(range(6, 8), "tuned") | {8: "tie", 9: "both bad"}
    found = tally(voted(pairs, said), pairs)
    assert (found.wins, found.losses, found.ties, found.both_bad, found.n, found.pairs) == (6, 2, 1, 1, 10, 20)
    # Wilson's formula by hand for 7 of 10: centre (0.7 + z²/20) / (1 + z²/10), z = 1.96.
    assert tuple(found.rate) == pytest.approx((0.7, 0.3968, 0.8922), abs=1e-3)
    assert Tally.from_dict(found.to_dict()) == found and "6" in found._repr_html_()


def test_several_voters_are_one_vote_a_row_and_their_agreement_is_said():
    data = rows(4)
    pairs = ballots(*two(data), data)
    votes = voted(pairs, {0: "plain", 1: "plain", 2: "tuned"}, "ann")
    votes = voted(pairs, {0: "plain", 1: "tuned", 2: "tuned"}, "ben", votes)
    votes = voted(pairs, {0: "tuned"}, "cem", votes)
    found = tally(votes, pairs)
    assert (found.wins, found.losses, found.ties) == (1, 1, 1)
    assert [(a, b, round(g.same.value, 3), g.n) for a, b, g in found.agreements] == [
        ("ann", "ben", 0.667, 3), ("ann", "cem", 0.0, 1), ("ben", "cem", 0.0, 1)
    ]  # fmt: skip


def test_without_votes_nothing_is_claimed():
    data = rows(4)
    assert repr(tally(Votes(), ballots(*two(data), data))) == "No votes yet on plain against tuned"


def test_kappa_is_cohens_by_hand():
    # 50 rows: both yes 20, both no 15, yes/no 5, no/yes 10. Same 0.7, by chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5: kappa 0.4.
    cells = [("yes", "yes")] * 20 + [("no", "no")] * 15 + [("yes", "no")] * 5 + [("no", "yes")] * 10
    one, other = ({str(i): pair[side] for i, pair in enumerate(cells)} for side in (0, 1))
    found = agreement(one, other)
    assert found.kappa == pytest.approx(0.4) and found.same.value == 0.7 and found.n == 50


def test_kappa_is_about_nought_for_chance_and_not_defined_for_one_thing_only():
    draw = random.Random(0)
    one, other = ({str(i): draw.choice("ab") for i in range(4000)} for _ in range(2))
    assert abs(agreement(one, other).kappa) < 0.06
    assert agreement({"1": "a"}, {"1": "a"}).kappa is None and agreement({"1": "a"}, {"2": "b"}).n == 0


# Preference pairs.


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path, {"depth": "quick", "scenario": ""})


def test_clear_votes_become_preference_pairs(project):
    data = rows(5)
    Dataset("test", (Example("r9", (("user", "q"),), "a"),)).save(project.path("data/test.jsonl"))
    pairs = ballots(*two(data), data)
    made = as_preferences(project, voted(pairs, {0: "plain", 1: "tuned", 2: "tie", 3: "both bad"}), pairs, data)
    assert [(e.row_id, e.answer, e.rejected) for e in made] == [("r0", "plain r0", "tuned r0"), ("r1", "tuned r1", "plain r1")]
    assert made.examples[0].provenance["transformations"] == ["blind vote: plain preferred to tuned"]


@pytest.mark.parametrize("name", ["test", "validation", "some rows"])
def test_test_rows_never_become_training_rows_whatever_they_are_called(project, name):
    rows(2, "test").save(project.path("data/test.jsonl"))
    data = rows(3, name)
    pairs = ballots(*two(data), data)
    with pytest.raises(BadInput, match="2 of these 3 pairs.*Vote on validation rows"):
        as_preferences(project, voted(pairs, {0: "plain"}), pairs, data)


def test_ballots_survive_a_file(tmp_path):
    data = rows(3)
    pairs = ballots(*two(data), data)
    assert Ballots.load(pairs.save(tmp_path / "pairs.json")) == pairs
