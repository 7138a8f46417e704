"""Answers are asked for once, survive an interruption, and are never taken for somebody else's."""

from __future__ import annotations

import pytest

from workbench.scoring.answers import Answer
from workbench.scoring.cache import answer_all, answer_key, read_answers

PROMPTS = [[("user", f"question {i}")] for i in range(7)]


class Echo:
    """Answers in batches of two, with the number of the batch in its text; stops for good after some batches."""

    name, precision, identity = "echo", "none", "echo"

    def __init__(self, batches=99, error=""):
        self.left, self.error, self.asked = batches, error, []

    def answer(self, prompts, limit, schema=None, known=()):
        for start in range(0, len(prompts), 2):
            batch = range(start, min(start + 2, len(prompts)))
            if all(i in known for i in batch):
                continue
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            self.asked += batch
            yield {i: Answer("" if self.error else f"answer {i}\u2028\n", 3, 2, False, 0.5, error=self.error) for i in batch}


def ask(store, answerer, prompts=PROMPTS, identity="echo", limit=9, schema=None, progress=None):
    return answer_all(lambda: answerer, identity, prompts, limit, schema, store, progress)


@pytest.fixture
def store(tmp_path):
    return tmp_path / "arms" / "answers.jsonl"


def never():
    raise AssertionError("the model was loaded though nothing was missing")


def test_answers_are_read_back_without_loading_the_model(store):
    first = ask(store, Echo())
    assert [a.text for a in first] == [f"answer {i}\u2028\n" for i in range(7)]
    assert answer_all(never, "echo", PROMPTS, 9, None, store) == first


def test_after_an_interruption_only_the_rest_is_asked(store):
    with pytest.raises(KeyboardInterrupt):
        ask(store, Echo(batches=2))
    assert len(read_answers(store)) == 4
    again, seen = Echo(), []
    ask(store, again, progress=lambda done, of: seen.append((done, of)))
    assert again.asked == [4, 5, 6] and seen == [(6, 7), (7, 7)]


def test_a_torn_last_line_is_asked_again_and_spoils_nothing_after_it(store):
    ask(store, Echo())
    text = store.read_bytes()
    store.write_bytes(text[: text.rindex("answer 6".encode()) + 3])
    again = Echo()
    assert ask(store, again)[6].text == "answer 6\u2028\n" and again.asked == [6]
    assert answer_all(never, "echo", PROMPTS, 9, None, store)[6].text == "answer 6\u2028\n"


def test_a_batch_answered_again_does_not_change_what_is_kept(store):
    first = ask(store, Echo(), PROMPTS[:1])
    again = Echo()
    assert ask(store, again)[0] == first[0] and again.asked[:2] == [0, 1]
    assert len(store.read_text(encoding="utf-8").strip().split("\n")) == 7


def test_the_same_prompt_twice_is_kept_once_and_answered_alike(store):
    found = ask(store, Echo(), [PROMPTS[0], PROMPTS[1], PROMPTS[0]])
    assert found[0] == found[2] and len(read_answers(store)) == 2


def test_what_failed_is_asked_again(store):
    assert ask(store, Echo(error="The server did not answer."))[0].error
    again = Echo()
    assert ask(store, again)[0].text and again.asked == list(range(7))


def test_everything_that_decides_an_answer_is_in_its_key():
    one = answer_key("model", PROMPTS[0], 9, None)
    others = [answer_key("other", PROMPTS[0], 9, None), answer_key("model", PROMPTS[1], 9, None),
              answer_key("model", PROMPTS[0], 8, None), answer_key("model", PROMPTS[0], 9, {"type": "object"}),
              answer_key("model", PROMPTS[0], 9, {"properties": {"a": {}, "b": {}}}),
              answer_key("model", PROMPTS[0], 9, {"properties": {"b": {}, "a": {}}})]  # fmt: skip
    assert len({one, *others}) == 7 and one == answer_key("model", list(PROMPTS[0]), 9, None)
