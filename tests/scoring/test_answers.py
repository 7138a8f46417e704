"""Batches are bounded by padded tokens, and answers come back in the order of their prompts."""

import random
import sys
from types import SimpleNamespace

import pytest

from workbench.errors import BadInput
from workbench.scoring import answers
from workbench.scoring.answers import ROWS_PER_BATCH, TOKENS_PER_BATCH, Answer, LocalModel, generate_answers
from workbench.scoring.decoding import common_beginning


class Words:
    """A model and a tokenizer in one: a token is a word, and an answer repeats the prompt's last word."""

    window = 1000
    stop_tokens = (0, 2)
    tokenizer = SimpleNamespace(decode=lambda tokens, skip_special_tokens: " " + " ".join(map(str, tokens)) + "\n")

    def chat_text(self, turns):
        return " ".join(content for _, content in turns)

    def tokens(self, text):
        return text.split()


def repeat_last_word(loaded, encoded, max_new_tokens, grammar=None):
    return [Answer(tokens[-1], len(tokens), 1, False, 0.1) for tokens in encoded]


def in_batches(lengths, max_new_tokens):
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    return answers.batches_of(order, lengths, max_new_tokens)


LENGTHS = [random.Random(5).randint(1, 4000) for _ in range(400)]


@pytest.mark.parametrize("lengths", [LENGTHS, [5] * 100, [20_000, 20_000, 3], [1], []])
def test_every_row_is_in_one_batch_and_no_batch_is_too_large(lengths):
    batches = in_batches(lengths, 100)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        padded = len(batch) * (max(lengths[i] for i in batch) + 100)
        assert len(batch) == 1 or (padded <= TOKENS_PER_BATCH and len(batch) <= ROWS_PER_BATCH)


def test_short_rows_fill_their_batches():
    assert [len(batch) for batch in in_batches([5] * 100, 10)] == [32, 32, 32, 4]
    assert [len(batch) for batch in in_batches([2900] * 17, 100)] == [8, 8, 1]


def test_answers_come_back_in_the_order_of_the_prompts(monkeypatch):
    monkeypatch.setattr(answers, "_answer_batch", repeat_last_word)
    draw = random.Random(6)
    prompts = [[("system", "s"), ("user", "word " * draw.randint(0, 300) + f"row{i}")] for i in range(90)]
    seen = []
    found = generate_answers(Words(), prompts, 20, progress=lambda done, of: seen.append((done, of)))
    assert [a.text for a in found] == [f"row{i}" for i in range(90)]
    assert [a.prompt_tokens for a in found] == [len(p[1][1].split()) + 1 for p in prompts]
    assert seen[-1] == (90, 90) and seen == sorted(set(seen)) and len(seen) > 1


def test_the_longest_prompts_go_first_so_that_memory_runs_out_early_or_never(monkeypatch):
    widths = []

    def note(loaded, encoded, max_new_tokens, grammar):
        widths.append(max(map(len, encoded)))
        return repeat_last_word(loaded, encoded, max_new_tokens)

    monkeypatch.setattr(answers, "_answer_batch", note)
    generate_answers(Words(), [[("user", "w " * n)] for n in (3, 900, 40, 500, 900, 7) * 20], 50)
    assert widths[0] == 900 and widths == sorted(widths, reverse=True)


def test_batches_are_those_of_the_whole_list_whatever_is_known(monkeypatch):
    monkeypatch.setattr(answers, "_answer_batch", repeat_last_word)
    draw = random.Random(7)
    prompts = [[("user", "word " * draw.randint(0, 90) + f"row{i}")] for i in range(90)]
    model = LocalModel(Words(), "words")
    batches = list(model.answer(prompts, 20))
    known = batches[0] | dict(list(batches[2].items())[:3])
    assert list(model.answer(prompts, 20, known=known)) == batches[1:]
    assert list(model.answer(prompts, 20, known={i: a for batch in batches for i, a in batch.items()})) == []


def test_rows_too_long_are_said_once_to_be_not_asked(monkeypatch):
    monkeypatch.setattr(answers, "_answer_batch", repeat_last_word)
    prompts = [[("user", "w " * n)] for n in (3, 990)]
    first = list(LocalModel(Words(), "words").answer(prompts, 50))
    assert first[0] == {1: Answer("", 990, 0, False, 0.0, asked=False)} and list(first[1]) == [0]
    assert list(LocalModel(Words(), "words").answer(prompts, 50, known=first[0] | first[1])) == []


@pytest.mark.parametrize(
    "rows, shared",
    [([[1, 2, 3], [1, 2, 4]], 2), ([[1, 2], [1, 2, 3]], 1), ([[1, 2], [1, 2]], 1), ([[5], [5, 6]], 0), ([[1, 9, 9], [2, 9, 9]], 0),
     ([[1, 2, 3], [1, 3, 3], [1, 2, 3]], 1)],
)  # fmt: skip
def test_the_common_beginning_leaves_a_token_to_every_row(rows, shared):
    assert common_beginning(rows) == shared


def test_no_prompts_give_no_answers():
    assert generate_answers(Words(), [], 10) == []


def test_a_prompt_that_does_not_fit_the_window_is_refused_with_the_numbers():
    prompts = [[("user", "w " * n)] for n in (951, 980)]
    with pytest.raises(BadInput, match="2 of 2 prompts.*980 tokens.*50 for the answer.*window of 1000"):
        generate_answers(Words(), prompts, 50)


def test_one_prompt_that_is_too_long_does_not_stop_the_others():
    assert answers.rows_too_long([[1] * 10, [1] * 951], 50, 1000) == {1}


def test_a_prompt_that_just_fits_is_taken():
    assert answers.rows_too_long([[1] * 950], 50, 1000) == set()
    with pytest.raises(BadInput):
        answers.rows_too_long([[1] * 951], 50, 1000)


class OutOfMemory(RuntimeError):
    pass


@pytest.fixture
def little_memory(monkeypatch):
    """A stand-in for torch that knows only how to run out of memory, at more than three rows."""
    torch = SimpleNamespace(OutOfMemoryError=OutOfMemory, cuda=SimpleNamespace(empty_cache=lambda: None))
    monkeypatch.setitem(sys.modules, "torch", torch)
    sizes = []

    def generate(loaded, encoded, max_new_tokens, grammar):
        sizes.append(len(encoded))
        if len(encoded) > 3 or "huge" in encoded[0]:
            raise OutOfMemory
        return repeat_last_word(loaded, encoded, max_new_tokens)

    monkeypatch.setattr(answers, "_generate", generate)
    return sizes


def test_a_batch_that_does_not_fit_in_memory_is_halved(little_memory):
    found = answers._answer_batch(Words(), [[f"w{i}"] for i in range(10)], 5)
    assert [a.text for a in found] == [f"w{i}" for i in range(10)]
    assert little_memory == [10, 5, 2, 3, 5, 2, 3]


def test_a_single_row_that_does_not_fit_in_memory_is_an_error(little_memory):
    with pytest.raises(OutOfMemory):
        answers._answer_batch(Words(), [["huge"], ["w"]], 5)


@pytest.mark.parametrize(
    "tokens, text, counted, cut",
    [
        ([7, 8, 2, 0, 0], "7 8", 2, False),
        ([7, 8, 9, 5, 0], "7 8 9 5", 4, False),
        ([7, 8, 9, 5, 6], "7 8 9 5 6", 5, True),
        ([2, 7, 7, 7, 7], "", 0, False),
    ],
)
def test_an_answer_ends_at_the_first_stop_token_or_is_marked_as_cut(tokens, text, counted, cut):
    assert answers.read_answer(Words(), tokens, 11, 0.5) == Answer(text, 11, counted, cut, 0.5)
