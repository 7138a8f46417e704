"""The arms of the comparison: the ways to get an answer, from the cheapest to the dearest."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.curate.task import Task
from workbench.dataset import Dataset, Example
from workbench.decide.retrieval import ExampleIndex
from workbench.train.encode import bare_prompt

Prompt = list[tuple[str, str]]


@dataclass(frozen=True)
class Arm:
    """One way to get an answer.

    Attributes:
        key: its name in files.
        title: its name for the reader.
        prompt: an example to the turns the model is given.
        recipe: everything that decides the prompts, for the hash that guards saved scores.
        tuned: whether it is asked of the tuned model.
        upkeep: what has to be kept going to use it; the order of arms is the order of this effort.
    """

    key: str
    title: str
    prompt: Callable[[Example], Prompt]
    recipe: tuple
    upkeep: str
    tuned: bool = False


def bare() -> Arm:
    """The input alone."""
    return Arm("bare", "Bare input", bare_prompt, ("bare",), "nothing")


def instructed(task: Task) -> Arm:
    """The input with the task's instructions as the system turn."""

    def prompt(example: Example) -> Prompt:
        return [_system(task, example), *bare_prompt(example)[1:]]

    return Arm("instructions", "Instructions", prompt, ("instructions", task.instructions), "a prompt")


def with_examples(task: Task, chosen: Dataset) -> Arm:
    """Instructions and the same worked examples before every input."""

    def prompt(example: Example) -> Prompt:
        return _with_shots(task, chosen.examples, example)

    recipe = ("examples", task.instructions, chosen.fingerprint)
    return Arm("examples", f"Instructions + {len(chosen)} examples", prompt, recipe, "a prompt with examples")


def with_nearest(task: Task, index: Callable[[], ExampleIndex], train: Dataset, k: int) -> Arm:
    """Instructions and the k training examples most alike to each input.

    Args:
        index: makes the index when it is first needed, so that finished scores need no embedding model.
    """

    def prompt(example: Example) -> Prompt:
        return _with_shots(task, index().nearest(example.input, k), example)

    recipe = ("nearest", task.instructions, k, train.fingerprint)
    return Arm("nearest", f"Instructions + {k} nearest examples", prompt, recipe, "a prompt and an index of examples")


def tuned(run_fingerprint: str, key: str = "pilot", title: str = "Pilot fine-tune (QLoRA)") -> Arm:
    """The input alone, asked of the tuned model."""
    return Arm(key, title, bare_prompt, (key, run_fingerprint), "a model of one's own, tuned again for each new base", True)


def choose_examples(train: Dataset, k: int, seed: int = 0) -> Dataset:
    """k examples drawn at random, with as many different answers among them as there are."""
    shuffled = random.Random(seed).sample(list(train), len(train))
    first_of_each = {example.answer: example for example in reversed(shuffled)}
    chosen = [e for e in shuffled if first_of_each[e.answer] is e]
    rest = [e for e in shuffled if first_of_each[e.answer] is not e]
    return Dataset("examples", tuple((chosen + rest)[:k]))


def _system(task: Task, example: Example) -> tuple[str, str]:
    # A row's own system turn says things that the instructions can't know, so it stays beside them.
    own = example.messages[0][1] if example.messages[0][0] == "system" else ""
    return "system", f"{task.instructions}\n\n{own}".strip()


def _with_shots(task: Task, shots: Sequence[Example], example: Example) -> Prompt:
    turns: Prompt = [_system(task, example)]
    for shot in shots:
        turns += [("user", shot.input), ("assistant", shot.answer)]
    return turns + bare_prompt(example)[1:]

