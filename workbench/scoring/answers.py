"""Batched greedy answers, with tokens and seconds counted, so that arms can be compared on cost too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from workbench.errors import BadInput
from workbench.scoring.decoding import greedy_tokens
from workbench.scoring.grammar import Grammar

if TYPE_CHECKING:
    from workbench.models import LoadedModel

Prompt = list[tuple[str, str]]
# A batch is bounded by its padded tokens, not by its rows: long prompts then take small batches.
TOKENS_PER_BATCH = 24_000
ROWS_PER_BATCH = 32
NOTHING_KNOWN: Mapping[int, Answer] = MappingProxyType({})


class PromptsTooLong(BadInput):
    """No prompt fits the model's window together with its answer."""


@dataclass(frozen=True)
class Answer:
    """What the model said to one prompt, and what it cost.

    Attributes:
        asked: False where prompt and answer don't fit the model's window, so that nothing was asked.
        cut: the answer was still going on when the limit on its length was reached.
        seconds: the batch's wall time divided by its rows.
        error: one sentence where nothing came back; such a row can't be judged, which isn't the same as wrong.
    """

    text: str
    prompt_tokens: int
    answer_tokens: int
    cut: bool
    seconds: float
    asked: bool = True
    error: str = ""


class Answerer(Protocol):
    """Whoever can be asked: the model in memory, or a server.

    Attributes:
        name: of the model, for the reader.
        precision: how its weights are held: "bfloat16", "NF4", "remote".
        identity: everything about the model that decides an answer.
    """

    name: str
    precision: str
    identity: str

    def answer(
        self, prompts: Sequence[Prompt], limit: int, schema: dict | None = None, known: Mapping[int, Answer] = NOTHING_KNOWN
    ) -> Iterator[dict[int, Answer]]:
        """Yield finished batches: index in `prompts` to its answer.

        Batches are fixed by the whole list of prompts. One that is wholly in `known` is skipped; one that is partly
        known is answered again, so that a scoring taken up again makes the same batches as one never broken off.
        """
        ...


@dataclass
class LocalModel:
    """An Answerer over a model in memory."""

    loaded: LoadedModel
    identity: str
    _grammars: dict[str, Grammar] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The model's name."""
        return self.loaded.choice.name

    @property
    def precision(self) -> str:
        """How the weights are held."""
        return self.loaded.precision

    def answer(
        self, prompts: Sequence[Prompt], limit: int, schema: dict | None = None, known: Mapping[int, Answer] = NOTHING_KNOWN
    ) -> Iterator[dict[int, Answer]]:
        """Yield finished batches, longest prompts first.

        Raises:
            BadInput: no prompt fits the model's window together with its answer, or the schema can't be held to.
                Where only some prompts are too long, these come back as not asked.
        """
        encoded = [self.loaded.tokens(self.loaded.chat_text(prompt)) for prompt in prompts]
        too_long = rows_too_long(encoded, limit, self.loaded.window)
        grammar = self._grammar(schema) if schema is not None else None
        if too_long - set(known):
            yield {i: Answer("", len(encoded[i]), 0, False, 0.0, asked=False) for i in sorted(too_long)}
        # Rows of one length stand in the order of their tokens, so that those that begin alike come together.
        order = sorted((i for i in range(len(encoded)) if i not in too_long), key=lambda i: (-len(encoded[i]), encoded[i]))
        for batch in batches_of(order, [len(ids) for ids in encoded], limit):
            if not all(i in known for i in batch):
                answers = _answer_batch(self.loaded, [encoded[i] for i in batch], limit, grammar)
                yield dict(zip(batch, answers, strict=True))

    def _grammar(self, schema: dict) -> Grammar:
        key = repr(schema)
        if key not in self._grammars:
            self._grammars[key] = Grammar(self.loaded, schema)
        return self._grammars[key]


def generate_answers(
    loaded: LoadedModel,
    prompts: Sequence[Prompt],
    max_new_tokens: int,
    progress: Callable[[int, int], None] | None = None,
    schema: dict | None = None,
) -> list[Answer]:
    """Answer every prompt greedily, in the order given.

    Args:
        loaded: the model.
        prompts: for each, its turns as (role, content).
        max_new_tokens: the limit on an answer's length; the same for all that are to be compared.
        progress: called with (prompts done, prompts in all) after each batch.
        schema: a JSON schema that answers are held to while they are written.

    Raises:
        BadInput: as `LocalModel.answer`.
    """
    answers: dict[int, Answer] = {}
    for batch in LocalModel(loaded, "").answer(prompts, max_new_tokens, schema):
        answers |= batch
        if progress:
            progress(len(answers), len(prompts))
    return [answers[i] for i in range(len(prompts))]


def rows_too_long(encoded: list[list[int]], max_new_tokens: int, window: int) -> set[int]:
    """Which prompts leave no room for an answer of that many tokens in a window of that many.

    Raises:
        PromptsTooLong: all of them.
    """
    too_long = {i for i, ids in enumerate(encoded) if len(ids) + max_new_tokens > window}
    if too_long and len(too_long) == len(encoded):
        longest = max(len(encoded[i]) for i in too_long)
        raise PromptsTooLong(
            f"{len(too_long)} of {len(encoded)} prompts are too long: the longest has {longest} tokens, and with "
            f"{max_new_tokens} for the answer it exceeds the model's window of {window}. "
            "Shorten the rows, or choose a model with a larger window in notebook 00."
        )
    return too_long


def batches_of(order: list[int], lengths: list[int], max_new_tokens: int) -> list[list[int]]:
    """Rows in an order, cut into batches that memory holds; the first row of a batch is its longest."""
    batches: list[list[int]] = []
    for i in order:
        # Sorted by length, so the first row of a batch is its longest and sets the padded width.
        width = lengths[batches[-1][0]] + max_new_tokens if batches else 0
        rows = len(batches[-1]) + 1 if batches else 0
        if not batches or rows > ROWS_PER_BATCH or rows * width > TOKENS_PER_BATCH:
            batches.append([])
        batches[-1].append(i)
    return batches


def _answer_batch(
    loaded: LoadedModel, encoded: list[list[int]], max_new_tokens: int, grammar: Grammar | None = None
) -> list[Answer]:
    import torch

    try:
        return _generate(loaded, encoded, max_new_tokens, grammar)
    except torch.OutOfMemoryError:
        if len(encoded) == 1:
            raise
    # Outside the handler, whose traceback still holds the tensors that didn't fit.
    torch.cuda.empty_cache()
    half = len(encoded) // 2
    first = _answer_batch(loaded, encoded[:half], max_new_tokens, grammar)
    return first + _answer_batch(loaded, encoded[half:], max_new_tokens, grammar)


def _generate(loaded: LoadedModel, encoded: list[list[int]], max_new_tokens: int, grammar: Grammar | None) -> list[Answer]:
    started = time.perf_counter()
    said = greedy_tokens(loaded, encoded, max_new_tokens, grammar)
    seconds = (time.perf_counter() - started) / len(encoded)
    return [read_answer(loaded, tokens, len(prompt), seconds) for tokens, prompt in zip(said, encoded, strict=True)]


def read_answer(loaded: LoadedModel, tokens: list[int], prompt_tokens: int, seconds: float) -> Answer:
    """The answer that generated tokens spell, up to the one that ends it."""
    stops = set(loaded.stop_tokens)
    end = next((i for i, token in enumerate(tokens) if token in stops), None)
    said = tokens if end is None else tokens[:end]
    text = loaded.tokenizer.decode(said, skip_special_tokens=True).strip()
    return Answer(text, prompt_tokens, len(said), end is None, seconds)
