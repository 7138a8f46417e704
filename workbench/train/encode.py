"""Rows as the model sees them in training, with the tokens that are learnt marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
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


def encode(loaded: ChatFormat, example: Example, all_answers: bool = False) -> EncodedRow:
    """A row as training sees it: the prompt, then the answer and the token that ends it, which alone are learnt.

    Args:
        all_answers: the assistant's earlier turns are learnt too, each with the token that ends it. The tokens of the row
            are the same either way.

    Raises:
        BadInput: an earlier answer is to be learnt, and the chat template writes it otherwise than the model would say it.
    """
    turns = bare_prompt(example)
    text = loaded.chat_text(turns)
    prompt = loaded.tokens(text)
    answer = [*loaded.tokens(loaded.defused(example.answer)), loaded.tokenizer.eos_token_id]
    labels = [IGNORED] * len(prompt)
    if all_answers:
        for i, (role, content) in enumerate(turns):
            if role == "assistant":
                stop, said = _said_earlier(loaded, text, prompt, turns[:i], content, example.row_id)
                labels[stop - len(said) : stop] = said
    return EncodedRow(prompt + answer, labels + answer)


def _said_earlier(
    loaded: ChatFormat, text: str, ids: list[int], before: list[tuple[str, str]], content: str, row_id: str
) -> tuple[int, list[int]]:
    """Where an earlier answer's tokens stop in the row, and those of its last ones that the model would say there."""
    end, begun = loaded.tokenizer.eos_token, _begun(loaded, before)
    # Some templates cut off the blanks around an answer.
    contents = [loaded.defused(content), loaded.defused(content).strip()]
    written = next((w for w in contents if begun is not None and text.startswith(begun + w + end)), None)
    if written is None:
        raise BadInput(
            f"An earlier answer in row {row_id!r} is not written by the model's chat template as the model would say it "
            f"(the turns before it as they are when it is asked, the answer, {end}): the template renders earlier turns in "
            "another way than the last one. Learnt from them, the model would answer in a form that it is never asked for. "
            "Learn the last answer of each conversation only: plan.change(all_answers=False)."
        )
    stop = len(loaded.tokens(begun + written + end))
    said = [*loaded.tokens(written), loaded.tokenizer.eos_token_id]
    # Where an answer's first characters run together with the template's last ones, the model would never say that token.
    same = takewhile(lambda pair: pair[0] == pair[1], zip(reversed(ids[:stop]), reversed(said), strict=False))
    return stop, said[len(said) - sum(1 for _ in same) :]


def _begun(loaded: ChatFormat, before: list[tuple[str, str]]) -> str | None:
    from jinja2 import TemplateError

    try:
        return loaded.chat_text(before)
    except TemplateError:
        return None


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


def token_table(
    loaded: LoadedModel, dataset: Dataset, max_length: int, all_answers: bool = False
) -> tuple[TokenTable, int]:
    """The rows as a table for the trainer, and how many were left out for their length.

    Args:
        all_answers: see `encode`.

    Raises:
        BadInput: nothing is left to learn from, or see `encode`.
    """
    from datasets import Dataset as TokenTable

    encoded = [encode(loaded, example, all_answers) for example in dataset]
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
