"""General-skill items, and what a model makes of each: likelihoods, choices, and the form of its answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.files import fingerprint, read_json, read_jsonl
from workbench.models import SYSTEM, LoadedModel
from workbench.scoring.answers import generate_answers

ITEMS = Path(__file__).parent / "items"
ROWS_PER_BATCH = 8
# Enough of an answer to see whether it has the task's form.
PROBE_TOKENS = 16


@dataclass(frozen=True)
class Skill:
    """One skill of the suite. `kind` is "choice", "completion" or "chat"; `chance` is the guessing rate."""

    name: str
    title: str
    kind: str
    chance: float | None
    what: str
    items: tuple[dict, ...]


@dataclass(frozen=True)
class ItemScore:
    """What a model made of one item.

    Attributes:
        loglik: log-likelihood of the right text, in nats per token.
        correct: whether the right choice was the likeliest; None where there is nothing to choose, or a
            choice has no likelihood.
        answer: the first tokens of a generated answer, for chat items.
    """

    skill: str
    item: str
    cluster: str
    loglik: float
    correct: bool | None
    answer: str


def load_suite(items_per_skill: int) -> list[Skill]:
    """The project's own suite, or as many items of each skill as the depth allows, spread over its clusters."""
    suite = read_json(ITEMS / "suite.json")
    return [
        Skill(s["name"], s["title"], s["kind"], s.get("chance"), s["what"],
              tuple(_spread(list(read_jsonl(ITEMS / s["file"])), items_per_skill)))
        for s in suite["skills"]
    ]


def probe_texts() -> dict[str, str]:
    """The text of every item of the suite, by its id: what must not be trained on if forgetting is to be measured."""
    suite = load_suite(items_per_skill=10**9)
    return {item["id"]: _item_text(item) for skill in suite for item in skill.items}


def _item_text(item: dict) -> str:
    if "prompt" in item:
        return item["prompt"]
    return item["context"] or item["choices"][item.get("gold") or 0].strip()


def _spread(items: list[dict], most: int) -> list[dict]:
    if len(items) <= most:
        return items
    # Every second or third item, as they stand by cluster in the file.
    return [items[round(i * len(items) / most)] for i in range(most)]


def suite_fingerprint(suite: Sequence[Skill]) -> str:
    """A hash of all items; likelihoods of other items can't be compared."""
    return fingerprint([[skill.name, skill.items] for skill in suite])


def score_skills(
    loaded: LoadedModel, suite: Sequence[Skill], progress: Callable[[str, int, int], None] | None = None
) -> list[ItemScore]:
    """Score every item of the suite, without any change to the model.

    Args:
        progress: called with a skill's title, items done and items in all.
    """
    total = sum(len(skill.items) for skill in suite)
    scores: list[ItemScore] = []
    for skill in suite:
        if progress:
            progress(skill.title, len(scores), total)
        scores += _score_skill(loaded, skill)
    if progress:
        progress("done", total, total)
    return scores


def _score_skill(loaded: LoadedModel, skill: Skill) -> list[ItemScore]:
    rows = [_choices(loaded, skill, item) for item in skill.items]
    flat = [pair for choices in rows for pair in choices]
    logliks = iter(_logliks(loaded, flat))
    answers = _answers(loaded, skill)
    scores = []
    for item, choices, answer in zip(skill.items, rows, answers, strict=True):
        found = [next(logliks) for _ in choices]
        gold = item.get("gold", 0)
        known = skill.kind == "choice" and all(map(math.isfinite, found))
        correct = max(range(len(found)), key=found.__getitem__) == gold if known else None
        per_token = found[gold] / len(choices[gold][1])
        scores.append(ItemScore(skill.name, item["id"], item["cluster"], per_token, correct, answer))
    return scores


def _choices(loaded: LoadedModel, skill: Skill, item: dict) -> list[tuple[list[int], list[int]]]:
    """For each choice, the token ids before it and its own."""
    if skill.kind == "chat":
        prompt = loaded.tokens(loaded.chat_text([("system", SYSTEM), ("user", item["prompt"])]))
        return [(prompt, loaded.tokens(item["answer"]))]
    # Likelihood items are plain text: under the chat template they measure something else.
    context = loaded.tokens(item["context"]) if item["context"] else [prefix_token(loaded)]
    return [(context, loaded.tokens(choice)) for choice in item["choices"]]


def prefix_token(loaded: LoadedModel) -> int:
    """The token that stands before a text without context; it shifts scores, so it is fixed per model."""
    tokenizer = loaded.tokenizer
    known = tokenizer.get_vocab()
    if "<|endoftext|>" in known:
        return known["<|endoftext|>"]
    return tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id


def _answers(loaded: LoadedModel, skill: Skill) -> list[str]:
    if skill.kind != "chat":
        return [""] * len(skill.items)
    prompts = [[("system", SYSTEM), ("user", item["prompt"])] for item in skill.items]
    return [answer.text for answer in generate_answers(loaded, prompts, PROBE_TOKENS)]


def _logliks(loaded: LoadedModel, pairs: list[tuple[list[int], list[int]]]) -> list[float]:
    """Summed log-likelihood, in nats, of each second part after its first."""
    order = sorted(range(len(pairs)), key=lambda i: len(pairs[i][0]) + len(pairs[i][1]))
    found: dict[int, float] = {}
    for start in range(0, len(order), ROWS_PER_BATCH):
        batch = order[start : start + ROWS_PER_BATCH]
        found |= dict(zip(batch, _loglik_batch(loaded, [pairs[i] for i in batch]), strict=True))
    return [found[i] for i in range(len(pairs))]


def _loglik_batch(loaded: LoadedModel, pairs: list[tuple[list[int], list[int]]]) -> list[float]:
    import torch

    width = max(len(a) + len(b) for a, b in pairs)
    pad = loaded.tokenizer.pad_token_id
    device = loaded.model.device
    # Padding on the right leaves the positions of the text as they are.
    ids = torch.tensor([a + b + [pad] * (width - len(a) - len(b)) for a, b in pairs], device=device)
    mask = torch.tensor([[1] * (len(a) + len(b)) + [0] * (width - len(a) - len(b)) for a, b in pairs], device=device)
    with torch.inference_mode():
        logits = loaded.model(input_ids=ids, attention_mask=mask).logits
    sums = []
    for row, (a, b) in enumerate(pairs):
        span = logits[row, len(a) - 1 : len(a) + len(b) - 1].float().log_softmax(-1)
        sums.append(float(span.gather(-1, torch.tensor(b, device=device)[:, None]).sum()))
    return sums
