"""Batched greedy answers, with tokens and seconds counted, so that arms can be compared on cost too."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.errors import BadInput

if TYPE_CHECKING:
    from workbench.models import LoadedModel

# A batch is bounded by its padded tokens, not by its rows: long prompts then take small batches.
TOKENS_PER_BATCH = 12_000
ROWS_PER_BATCH = 32


@dataclass(frozen=True)
class Answer:
    """What the model said to one prompt, and what it cost.

    Attributes:
        asked: False where prompt and answer don't fit the model's window, so that nothing was asked.
        cut: the answer was still going on when the limit on its length was reached.
        seconds: the batch's wall time divided by its rows.
    """

    text: str
    prompt_tokens: int
    answer_tokens: int
    cut: bool
    seconds: float
    asked: bool = True


def generate_answers(
    loaded: LoadedModel,
    prompts: list[list[tuple[str, str]]],
    max_new_tokens: int,
    progress: Callable[[int, int], None] | None = None,
) -> list[Answer]:
    """Answer every prompt greedily, longest first, in the order given.

    Args:
        loaded: the model.
        prompts: for each, its turns as (role, content).
        max_new_tokens: the limit on an answer's length; the same for all that are to be compared.
        progress: called with (prompts done, prompts in all) after each batch.

    Raises:
        BadInput: no prompt fits the model's window together with its answer. Where only some are too
            long, these come back as not asked.
    """
    encoded = [loaded.tokens(loaded.chat_text(prompt)) for prompt in prompts]
    too_long = _check_lengths(encoded, max_new_tokens, loaded.window)
    order = sorted((i for i in range(len(encoded)) if i not in too_long), key=lambda i: -len(encoded[i]))
    answers = {i: Answer("", len(encoded[i]), 0, False, 0.0, asked=False) for i in too_long}
    for batch in _batches(order, [len(ids) for ids in encoded], max_new_tokens):
        for i, answer in zip(batch, _answer_batch(loaded, [encoded[i] for i in batch], max_new_tokens), strict=True):
            answers[i] = answer
        if progress:
            progress(len(answers), len(prompts))
    return [answers[i] for i in range(len(prompts))]


def _check_lengths(encoded: list[list[int]], max_new_tokens: int, window: int) -> set[int]:
    too_long = {i for i, ids in enumerate(encoded) if len(ids) + max_new_tokens > window}
    if too_long and len(too_long) == len(encoded):
        longest = max(len(encoded[i]) for i in too_long)
        raise BadInput(
            f"{len(too_long)} of {len(encoded)} prompts are too long: the longest has {longest} tokens, and with "
            f"{max_new_tokens} for the answer it exceeds the model's window of {window}. "
            "Shorten the rows, or choose a model with a larger window in notebook 00."
        )
    return too_long


def _batches(order: list[int], lengths: list[int], max_new_tokens: int) -> list[list[int]]:
    batches: list[list[int]] = []
    for i in order:
        # Sorted by length, so the first row of a batch is its longest and sets the padded width.
        width = lengths[batches[-1][0]] + max_new_tokens if batches else 0
        rows = len(batches[-1]) + 1 if batches else 0
        if not batches or rows > ROWS_PER_BATCH or rows * width > TOKENS_PER_BATCH:
            batches.append([])
        batches[-1].append(i)
    return batches


def _answer_batch(loaded: LoadedModel, encoded: list[list[int]], max_new_tokens: int) -> list[Answer]:
    import torch

    try:
        return _generate(loaded, encoded, max_new_tokens)
    except torch.OutOfMemoryError:
        if len(encoded) == 1:
            raise
        torch.cuda.empty_cache()
        half = len(encoded) // 2
        first = _answer_batch(loaded, encoded[:half], max_new_tokens)
        return first + _answer_batch(loaded, encoded[half:], max_new_tokens)


def _generate(loaded: LoadedModel, encoded: list[list[int]], max_new_tokens: int) -> list[Answer]:
    import torch

    width = max(len(ids) for ids in encoded)
    pad = loaded.tokenizer.pad_token_id
    device = loaded.model.device
    ids = torch.tensor([[pad] * (width - len(row)) + row for row in encoded], device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in encoded], device=device)
    started = time.perf_counter()
    with torch.inference_mode():
        output = loaded.model.generate(
            input_ids=ids,
            attention_mask=mask,
            max_new_tokens=max_new_tokens,
            do_sample=False,
            eos_token_id=loaded.stop_tokens,
            pad_token_id=pad,
        )
    seconds = (time.perf_counter() - started) / len(encoded)
    return [
        _read_answer(loaded, row.tolist(), len(prompt), seconds)
        for row, prompt in zip(output[:, width:], encoded, strict=True)
    ]


def _read_answer(loaded: LoadedModel, tokens: list[int], prompt_tokens: int, seconds: float) -> Answer:
    stops = set(loaded.stop_tokens)
    end = next((i for i, token in enumerate(tokens) if token in stops), None)
    said = tokens if end is None else tokens[:end]
    text = loaded.tokenizer.decode(said, skip_special_tokens=True).strip()
    return Answer(text, prompt_tokens, len(said), end is None, seconds)
