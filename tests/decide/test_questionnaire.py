"""The five answers lead to an expectation with its reasons, and measuring is set against it."""

import pytest

from workbench.decide import questionnaire
from workbench.decide.arm_cost import COMBINATION, PROMPTING, RETRIEVAL, TUNING
from workbench.decide.arms import Arm, Form, Lookup, Trained
from workbench.decide.questionnaire import QUESTIONS, UNKNOWN, Prior, first_answers, prior
from workbench.decide.recommendation import Goal, recommend
from workbench.errors import BadInput
from workbench.project import Project
from workbench.scoring.scorecard import Scorecard, ScoredRow

BARE = Arm("bare", "Bare", Form(), "")
RAG = Arm("rag", "Looked up", Form(lookup=Lookup(search=None)), "")
PILOT = Arm("pilot", "Tuned", Form(), "", Trained("pilot", Form()))
ARMS = [BARE, RAG, PILOT]
MOVING = {"knowledge": "moving"}


def card(arm, right, n=60):
    rows = tuple(ScoredRow(f"r{i}", float(i < right), "said", 10, 2, False) for i in range(n))
    return Scorecard(arm.key, arm.title, arm.key, "rows", "m", "fp32", "label", 64, rows, 0.5, 0.0, "machine")


def measured(bare, rag, pilot, good_enough=0.5):
    cards = [card(BARE, bare), card(RAG, rag), card(PILOT, pilot)]
    return recommend(cards, Goal(good_enough, 0.02)), cards


def test_there_are_five_questions_with_three_or_four_answers_each():
    assert len(QUESTIONS) == 5 and all(3 <= len(q.options) <= 4 for q in QUESTIONS)


def test_every_technique_can_come_out():
    assert prior({"scale": "few"}).expected == PROMPTING
    assert prior(MOVING).expected == RETRIEVAL
    assert prior({"tone": "shown", "structure": "house"}).expected == TUNING
    assert prior({**MOVING, "tone": "shown"}).expected == COMBINATION


def test_what_is_not_known_adds_nothing():
    assert prior({}).expected == "" == prior(dict.fromkeys((q.key for q in QUESTIONS), UNKNOWN)).expected
    assert prior({**MOVING, "tone": UNKNOWN}).scores == prior(MOVING).scores


def test_of_equal_techniques_the_one_with_less_upkeep_is_expected():
    assert prior({"scale": "many", "tone": "described"}).expected == PROMPTING


def test_every_answer_that_counts_gives_its_reason():
    answers = {q.key: q.options[-1].key for q in QUESTIONS}
    table = prior(answers).table()
    assert table["question"].tolist() == [q.text for q in QUESTIONS] and table["why"].str.len().min() > 10


def test_points_are_those_of_the_answers_added_up():
    found = prior({"structure": "schema", "tone": "shown", "knowledge": "still"})
    assert found.scores == {PROMPTING: 1, RETRIEVAL: 2, TUNING: 3}


def test_an_answer_or_a_question_that_is_not_there_is_refused():
    with pytest.raises(BadInput, match="'maybe' is no answer"):
        prior({"tone": "maybe"})
    with pytest.raises(BadInput, match="no question 'budget'"):
        prior({"budget": "none"})


def test_agreement_is_said_with_the_numbers_of_the_recommendation():
    recommendation, cards = measured(5, 55, 30)
    against = prior(MOVING).against(recommendation, ARMS, cards)
    assert "That agrees." in against.sentences[0] and recommendation.reasons[-1] in against.sentences[0]
    assert len(against.sentences) == 2 and f"retrieval {cards[1].interval()} (Looked up)" in against.sentences[-1]


def test_disagreement_names_the_answers_that_spoke_for_another_technique():
    recommendation, cards = measured(5, 20, 58)
    against = prior({**MOVING, "scale": "few", "structure": "house"}).against(recommendation, ARMS, cards)
    assert "That disagrees." in against.sentences[0]
    named = " ".join(against.sentences[1:-1])
    assert "on documents that change" in named and "a few a day" in named and "form of our own" not in named


def test_where_tuning_was_expected_the_answer_about_tuning_is_given():
    recommendation, cards = measured(5, 55, 30)
    expected = prior({"tone": "shown"})
    assert expected.against(recommendation, ARMS, cards).sentences[1] == recommendation.answer


def test_what_is_not_decided_neither_confirms_nor_refutes():
    recommendation, cards = measured(5, 35, 30, good_enough=0.6)
    assert recommendation.outcome == "not decided"
    first = prior(MOVING).against(recommendation, ARMS, cards).sentences[0]
    assert "isn't shown" in first and "what stands so far by the rule is" in first and "ahead" not in first


def test_without_an_expectation_nothing_agrees_or_disagrees():
    recommendation, cards = measured(5, 55, 30)
    text = " ".join(prior({}).against(recommendation, ARMS, cards).sentences)
    assert "spoke for no technique" in text and "agree" not in text


def test_hostile_titles_are_escaped():
    evil = Arm("bare", "<script>", Form(), "")
    recommendation = recommend([card(evil, 50)], Goal(0.5, 0.02))
    assert "<script" not in prior({}).against(recommendation, [evil])._repr_html_()


def test_a_sample_may_suggest_its_answers(tmp_path, monkeypatch):
    monkeypatch.setattr(questionnaire, "scenario_of", lambda project: {"questionnaire": MOVING})
    given = first_answers(Project(tmp_path, {}))
    assert given["knowledge"] == "moving" and given["tone"] == UNKNOWN


def test_a_prior_survives_saving(tmp_path):
    found = prior(MOVING)
    assert Prior.load(found.save(tmp_path / "p.json")) == found


EXPECTED = {
    "brand_voice": TUNING, "internal_codes": RETRIEVAL, "policy_questions": RETRIEVAL, "private_messages": PROMPTING,
    "support_tickets": TUNING,
}


@pytest.mark.parametrize(("sample", "expected"), EXPECTED.items(), ids=EXPECTED)
def test_every_sample_with_a_test_set_says_what_one_would_expect_of_it(tmp_path, sample, expected):
    assert prior(first_answers(Project(tmp_path, {"scenario": sample}))).expected == expected
