"""General skills are scored by likelihood, item by item, whatever the batches; the suite is read evenly."""

import math
from collections import Counter
from types import SimpleNamespace

import pytest

from workbench.check import skills
from workbench.check.skills import PROBE_TOKENS, ROWS_PER_BATCH, Skill, load_suite, prefix_token, score_skills, suite_fingerprint
from workbench.models import SYSTEM
from workbench.scoring.answers import Answer

COST = {"good": 1.0, "half": 1.5, "fair": 2.0, "bad": 4.0, "broken": math.nan}


class Words:
    """A model whose tokens are words; a text is the likelier, the less its words cost."""

    tokenizer = SimpleNamespace(get_vocab=lambda: {"<|endoftext|>": "START"}, bos_token_id=7, eos_token_id=8)

    def tokens(self, text):
        return text.split()

    def chat_text(self, turns):
        return " ".join(f"{role}: {content}" for role, content in turns)


@pytest.fixture
def model(monkeypatch):
    """The model, with every batch of (context, choice) and every chat prompt that reached it."""
    words = Words()
    words.batches, words.prompts = [], []

    def logliks(loaded, pairs):
        words.batches.append(pairs)
        return [-sum(COST.get(token, 3.0) for token in choice) for _, choice in pairs]

    def answers(loaded, prompts, max_new_tokens):
        words.prompts.append((prompts, max_new_tokens))
        return [Answer(f"answer {i}", 1, 1, False, 0.1) for i in range(len(prompts))]

    monkeypatch.setattr(skills, "_loglik_batch", logliks)
    monkeypatch.setattr(skills, "generate_answers", answers)
    return words


def choice(*items):
    made = [{"id": f"c{i}", "context": "so", "choices": c, "gold": g, "cluster": "k"} for i, (c, g) in enumerate(items)]
    return Skill("choice", "Choice", "choice", 0.5, "", tuple(made))


def test_the_likeliest_choice_is_the_models_and_right_only_where_it_is_gold(model):
    scored = score_skills(model, [choice((["good", "bad"], 0), (["good", "bad"], 1), (["bad", "fair"], 1))])
    assert [s.correct for s in scored] == [True, False, True]


def test_choices_are_compared_by_their_whole_likelihood_and_reported_per_token(model):
    # Three good words cost 3 together and 1 each; one fair word costs 2.
    (scored,) = score_skills(model, [choice((["good good good", "fair"], 0))])
    assert scored.correct is False
    assert scored.loglik == -1.0


def test_a_choice_without_a_likelihood_makes_an_item_neither_right_nor_wrong(model):
    scored = score_skills(model, [choice((["broken", "good"], 1), (["good", "broken"], 0), (["broken", "good"], 0))])
    assert [s.correct for s in scored] == [None, None, None]
    assert math.isnan(scored[2].loglik)


def test_scores_come_back_to_their_items_whatever_the_batches(model):
    words = [1 + i * 7 % 5 for i in range(20)]
    scored = score_skills(model, [choice(*[([" ".join(["good"] * n), "fair fair bad"], 0) for n in words])])
    assert [s.item for s in scored] == [f"c{i}" for i in range(20)]
    assert [s.loglik for s in scored] == [-1.0] * 20
    scored = score_skills(model, [choice(*[([" ".join(["good"] * n), "fair half"], 0) for n in words])])
    assert [s.correct for s in scored] == [n <= 3 for n in words]
    model.batches = model.batches[5:]
    lengths = [[len(a) + len(b) for a, b in batch] for batch in model.batches]
    assert all(len(batch) <= ROWS_PER_BATCH for batch in lengths) and len(lengths) == 5
    assert [n for batch in lengths for n in batch] == sorted(n for batch in lengths for n in batch)


def test_a_text_without_context_stands_behind_the_prefix_token(model):
    skill = Skill("language", "Language", "completion", None, "", ({"id": "l", "context": "", "choices": ["good fair"], "gold": 0, "cluster": "k"},))
    (scored,) = score_skills(model, [skill])
    assert model.batches == [[(["START"], ["good", "fair"])]]
    assert (scored.loglik, scored.correct, scored.answer) == (-1.5, None, "")
    assert model.prompts == [], "only chat items are answered"


@pytest.mark.parametrize(
    "vocab, bos, found",
    [({"<|endoftext|>": 5}, 1, 5), ({}, 1, 1), ({}, 0, 0), ({}, None, 2)],
)
def test_the_prefix_token_is_fixed_per_model(vocab, bos, found):
    tokenizer = SimpleNamespace(get_vocab=lambda: vocab, bos_token_id=bos, eos_token_id=2)
    assert prefix_token(SimpleNamespace(tokenizer=tokenizer)) == found


def test_general_requests_are_asked_under_the_neutral_system_turn_and_answered_shortly(model):
    items = tuple({"id": f"i{n}", "prompt": f"Why {n}?", "answer": "good fair", "cluster": "k"} for n in range(3))
    scored = score_skills(model, [Skill("chat", "Chat", "chat", None, "", items)])
    ((prompts, limit),) = model.prompts
    assert prompts == [[("system", SYSTEM), ("user", f"Why {n}?")] for n in range(3)] and limit == PROBE_TOKENS
    assert [(s.answer, s.correct, s.loglik) for s in scored] == [(f"answer {n}", None, -1.5) for n in range(3)]
    contexts = {" ".join(context) for batch in model.batches for context, _ in batch}
    assert contexts == {f"system: {SYSTEM} user: Why {n}?" for n in range(3)}


def test_progress_is_told_per_skill_and_reaches_the_end(model):
    seen = []
    one, two = choice((["good", "bad"], 0)), choice((["good", "bad"], 0), (["good", "bad"], 0))
    score_skills(model, [one, two], lambda *said: seen.append(said))
    assert seen == [("Choice", 0, 3), ("Choice", 1, 3), ("done", 3, 3)]


def test_the_whole_suite_is_taken_where_the_depth_allows():
    assert {s.name: len(s.items) for s in load_suite(1000)} == {
        "grammar": 40, "facts": 48, "common_sense": 40, "science": 36, "language": 24, "instructions": 40,
    }


@pytest.mark.parametrize("most", [6, 12, 24, 32, 35])
def test_a_part_of_the_suite_is_spread_over_its_clusters_and_takes_no_item_twice(most):
    whole = {s.name: s for s in load_suite(1000)}
    for skill in load_suite(most):
        ids = [item["id"] for item in skill.items]
        assert len(ids) == len(set(ids)) == min(most, len(whole[skill.name].items))
        clusters, all_clusters = ({item["cluster"] for item in s.items} for s in (skill, whole[skill.name]))
        assert len(clusters) >= min(most, len(all_clusters)) * 0.8
        counts = Counter(item["cluster"] for item in skill.items)
        assert max(counts.values()) <= math.ceil(most / len(all_clusters)) * 2


def test_the_same_part_is_taken_every_time_and_another_has_another_fingerprint():
    assert suite_fingerprint(load_suite(32)) == suite_fingerprint(load_suite(32))
    assert len({suite_fingerprint(load_suite(n)) for n in (10, 32, 1000)}) == 3


def test_a_changed_item_changes_the_fingerprint():
    one, other = choice((["good", "bad"], 0)), choice((["good", "bad"], 1))
    assert suite_fingerprint([one]) != suite_fingerprint([other])
