"""Rows as the model sees them in training, with the tokens that are learnt marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.dataset import Dataset, Example
from workbench.errors import BadInput
from workbench.models import SYSTEM, ChatFormat, LoadedModel

if TYPE_CHECKING:
    from datasets import Dataset as TokenTable

IGNORED = -100
COUNTED_AT_ONCE = 1000


@dataclass(frozen=True)
class EncodedRow:
    """Token ids of a row; `labels` repeats those that are learnt and has -100 for the others."""

    input_ids: list[int]
    labels: list[int]


def bare_prompt(example: Example) -> list[tuple[str, str]]:
    """The turns with a system turn in front: the row's own, or the neutral one."""
    turns = list(example.messages)
    return turns if turns[0][0] == "system" else [("system", SYSTEM), *turns]


def encode(loaded: ChatFormat, example: Example) -> EncodedRow:
    """A row as training sees it: the prompt, then the answer and the token that ends it, which alone are learnt."""
    prompt = loaded.tokens(loaded.chat_text(bare_prompt(example)))
    answer = [*loaded.tokens(loaded.defused(example.answer)), loaded.tokenizer.eos_token_id]
    return EncodedRow(prompt + answer, [IGNORED] * len(prompt) + answer)


def count_tokens(chat: ChatFormat, examples: Sequence[Example]) -> list[tuple[int, int]]:
    """Tokens of the prompt and of the answer (with the one that ends it) of each row, as `encode` makes them."""
    counts = []
    for start in range(0, len(examples), COUNTED_AT_ONCE):
        part = examples[start : start + COUNTED_AT_ONCE]
        prompts = [chat.chat_text(bare_prompt(example)) for example in part]
        answers = [chat.defused(example.answer) for example in part]
        ids = chat.tokenizer(prompts + answers, add_special_tokens=False)["input_ids"]
        counts += [(len(ids[i]), len(ids[len(part) + i]) + 1) for i in range(len(part))]
    return counts


def token_table(loaded: LoadedModel, dataset: Dataset, max_length: int) -> tuple[TokenTable, int]:
    """The rows as a table for the trainer, and how many were left out for their length.

    Raises:
        BadInput: nothing is left to learn from.
    """
    from datasets import Dataset as TokenTable

    encoded = [encode(loaded, example) for example in dataset]
    fitting = [row for row in encoded if len(row.input_ids) <= max_length]
    if not any(label != IGNORED for row in fitting for label in row.labels):
        raise BadInput(
            f"None of the {len(encoded)} rows has a token to learn within {max_length} tokens, so training would do "
            "nothing. Shorten the rows, or raise max_length in the plan."
        )
    columns = {
        "input_ids": [row.input_ids for row in fitting],
        "attention_mask": [[1] * len(row.input_ids) for row in fitting],
        "labels": [row.labels for row in fitting],
    }
    return TokenTable.from_dict(columns), len(encoded) - len(fitting)
