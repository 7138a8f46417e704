"""The arms of the comparison: a way to make the prompt, and whom to ask with it; the parts combine freely."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from workbench.curate.task import Task
from workbench.dataset import Dataset, Example
from workbench.decide.retrieval import gold_passages
from workbench.files import fingerprint
from workbench.train.encode import bare_prompt

if TYPE_CHECKING:
    from workbench.decide.retrieval import ExampleIndex, Passage, Retriever

Prompt = list[tuple[str, str]]
CITE = (
    "Before the question stand passages, each with its name in square brackets. Answer from them, and end with the name "
    "of the passage that the answer comes from, in square brackets."
)


class Shots(Protocol):
    """Worked examples for the prompt of a row."""

    recipe: tuple

    def __call__(self, example: Example) -> Sequence[Example]: ...


@dataclass(frozen=True)
class FixedShots:
    """The same worked examples before every input."""

    chosen: Dataset

    @property
    def recipe(self) -> tuple:
        """What decides which examples they are."""
        return "fixed", self.chosen.fingerprint

    def __call__(self, example: Example) -> Sequence[Example]:
        return self.chosen.examples


@dataclass(frozen=True)
class NearestShots:
    """The k training examples most alike to each input, the most alike last, next to the question.

    Attributes:
        index: makes the index when it is first needed, so that finished scores need no embedding model.
        train: the fingerprint of the rows that are looked through.
    """

    index: Callable[[], ExampleIndex]
    train: str
    k: int

    @property
    def recipe(self) -> tuple:
        """What decides which examples they are."""
        return "nearest", self.k, self.train

    def __call__(self, example: Example) -> Sequence[Example]:
        return self.index().nearest(example.input, self.k)


@dataclass(frozen=True)
class Lookup:
    """Passages for a question, each question looked up once.

    Attributes:
        search: the retriever.
        k: passages per question.
    """

    search: Retriever
    k: int = 3
    _found: dict[str, tuple[Passage, ...]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def recipe(self) -> tuple:
        """What decides which passages are found."""
        return "passages", self.k, self.search.recipe

    def __call__(self, question: str) -> tuple[Passage, ...]:
        if question not in self._found:
            self._found[question] = tuple(self.search.search(question, self.k))
        return self._found[question]


@dataclass(frozen=True)
class Form:
    """How a prompt is made from a row.

    Attributes:
        instructions: the system turn; empty for the neutral one.
        shots: worked examples before the input.
        lookup: passages before the input, and the answer is asked to name its passage.
        shot_lookup: passages before the inputs of the worked examples; where the documents change later, the text of
            a prompt does not.
    """

    instructions: str = ""
    shots: Shots | None = None
    lookup: Lookup | None = None
    shot_lookup: Lookup | None = None

    @property
    def recipe(self) -> tuple:
        """Everything that decides the prompts, for the hash that guards saved scores."""
        parts = (self.shots, self.lookup, self.shot_lookup)
        return (self.instructions, CITE if self.lookup else "", *(part.recipe if part else None for part in parts))

    def prompt(self, example: Example) -> Prompt:
        """The turns the model is given for a row."""
        shots = [turn for shot in (self.shots(example) if self.shots else ()) for turn in self._shot(shot)]
        bare = bare_prompt(example)
        last = ("user", _with_passages(example.input, self.passages(example)))
        return [self._system(example), *shots, *bare[1:-1], last]

    def passages(self, example: Example) -> tuple[Passage, ...]:
        """The passages found for a row; none without a retriever."""
        return self.lookup(example.input) if self.lookup else ()

    def answer(self, example: Example, passages: Sequence[Passage]) -> str:
        """The right answer as this form wants it: with the passage that it comes from, if it is among those found."""
        gold = gold_passages(example, passages) or set()
        named = [p for p in passages if p.passage_id in gold]
        return f"{example.answer} [{named[0].passage_id}]" if named else example.answer

    def rendered(self, dataset: Dataset) -> Dataset:
        """The rows as a model is tuned on them so that it may be asked in this form."""

        if self == Form():
            return dataset

        def row(example: Example) -> Example:
            answer = self.answer(example, self.passages(example))
            return replace(example, messages=tuple(self.prompt(example)), answer=answer, rejected="")

        return Dataset(dataset.name, tuple(map(row, dataset)))

    def _shot(self, shot: Example) -> Prompt:
        found = self.shot_lookup(shot.input) if self.shot_lookup else ()
        return [("user", _with_passages(shot.input, found)), ("assistant", self.answer(shot, found))]

    def _system(self, example: Example) -> tuple[str, str]:
        role, own = bare_prompt(example)[0]
        if not (self.instructions or self.lookup):
            return role, own
        # A row's own system turn says things that the instructions can't know, so it stays beside them.
        own = own if example.messages[0][0] == "system" else ""
        return "system", "\n\n".join(filter(None, (self.instructions, CITE if self.lookup else "", own)))


def _with_passages(question: str, passages: Sequence[Passage]) -> str:
    if not passages:
        return question
    return "\n".join(p.shown for p in passages) + f"\n\nQuestion: {question}"


@dataclass(frozen=True)
class Trained:
    """What a tuned model is tuned on.

    Attributes:
        key: the name of the training run.
        form: how its rows are rendered.
    """

    key: str
    form: Form


@dataclass(frozen=True)
class Arm:
    """One way to get an answer.

    Attributes:
        key: its name in files.
        title: its name for the reader.
        form: how the prompt is made.
        upkeep: what has to be kept going to use it; the order of arms is the order of this effort.
        trained: what the model was tuned on; None for the model as it comes.
        schema: a JSON schema that answers are held to while they are written.
        endpoint: the server that is asked; None for the project's own model.
    """

    key: str
    title: str
    form: Form
    upkeep: str
    trained: Trained | None = None
    schema: dict | None = None
    endpoint: object | None = None

    @property
    def tuned(self) -> bool:
        """Whether it is asked of a tuned model."""
        return self.trained is not None

    @cached_property
    def recipe(self) -> str:
        """A hash of everything that decides prompts and answers but the weights."""
        remote = getattr(self.endpoint, "identity", None)
        # Written out, not sorted: the order of a schema's keys is the order of an answer's.
        schema = json.dumps(self.schema)
        return fingerprint([self.form.recipe, self.trained.form.recipe if self.trained else None, schema, remote])

    def prompt(self, example: Example) -> Prompt:
        """The turns the model is given for a row."""
        return self.form.prompt(example)


PROMPT, EXAMPLES = "a prompt", "a prompt with examples"
OWN_MODEL = "a model of one's own, tuned again for each new base"


def bare() -> Arm:
    """The input alone."""
    return Arm("bare", "Bare input", Form(), "nothing")


def instructed(task: Task) -> Arm:
    """The input with the task's instructions as the system turn."""
    return Arm("instructions", "Instructions", Form(task.instructions), PROMPT)


def with_examples(task: Task, chosen: Dataset) -> Arm:
    """Instructions and the same worked examples before every input."""
    title = f"Instructions + {len(chosen)} examples"
    return Arm("examples", title, Form(task.instructions, FixedShots(chosen)), EXAMPLES)


def held_to_schema(arm: Arm, schema: dict) -> Arm:
    """The same arm, its answers held to a JSON schema while they are written."""
    return replace(arm, key=f"{arm.key}-schema", title=f"{arm.title}, held to a schema", schema=schema,
                   upkeep=f"{arm.upkeep} and a schema")


def with_nearest(task: Task, index: Callable[[], ExampleIndex], train: Dataset, k: int) -> Arm:
    """Instructions and the k training examples most alike to each input."""
    form = Form(task.instructions, NearestShots(index, train.fingerprint, k))
    return Arm("nearest", f"Instructions + {k} nearest examples", form, "a prompt and an index of examples")


def with_passages(task: Task, lookup: Lookup, chosen: Dataset | None = None, key: str = "") -> Arm:
    """Instructions and passages from documents (RAG), with worked examples if some are given.

    Args:
        key: of the retriever, such as "bm25".
    """
    name = f"{lookup.k} passages, {lookup.search.name}"
    shots = FixedShots(chosen) if chosen else None
    form = Form(task.instructions, shots, lookup, lookup if chosen else None)
    title = f"RAG: {name}" + (f" + {len(chosen)} examples" if chosen else "")
    return Arm(f"rag-{key}" + ("" if chosen else "-plain"), title, form, "a prompt, documents and their index")


def pilot() -> Arm:
    """The input alone, asked of a model tuned on the rows as they are."""
    return Arm("pilot", "Pilot fine-tune (QLoRA)", Form(), OWN_MODEL, Trained("pilot", Form()))


def pilot_instructed(task: Task) -> Arm:
    """A model tuned with the instructions, and asked with them."""
    form = Form(task.instructions)
    return Arm("pilot-instructions", "Pilot fine-tune with instructions", form, f"{OWN_MODEL}, and a prompt",
               Trained("pilot-instructions", form))


def pilot_with_passages(lookup: Lookup, task: Task) -> Arm:
    """Passages given to a model that was tuned without any."""
    return Arm("pilot-rag", "Pilot fine-tune, passages added when asked", Form(task.instructions, lookup=lookup),
               f"{OWN_MODEL}, and documents with their index", Trained("pilot", Form()))


def raft(lookup: Lookup, task: Task) -> Arm:
    """A model tuned with retrieved passages in its rows (RAFT, Zhang 2024), and asked with them."""
    form = Form(task.instructions, lookup=lookup)
    return Arm("raft", "Fine-tune on rows with passages (RAFT)", form, f"{OWN_MODEL}, and documents with their index",
               Trained("raft", form))


def remote(task: Task, endpoint: object, chosen: Dataset) -> Arm:
    """Instructions and examples, asked of an OpenAI-compatible server."""
    return Arm("endpoint", f"{endpoint.name} + {len(chosen)} examples", Form(task.instructions, FixedShots(chosen)),
               "a contract, a price per call, and rows that leave", endpoint=endpoint)


def choose_examples(train: Dataset, k: int, seed: int = 0) -> Dataset:
    """k examples drawn at random, with as many different answers among them as there are."""
    shuffled = random.Random(seed).sample(list(train), len(train))
    first_of_each = {example.answer: example for example in reversed(shuffled)}
    chosen = [e for e in shuffled if first_of_each[e.answer] is e]
    rest = [e for e in shuffled if first_of_each[e.answer] is not e]
    return Dataset("examples", tuple((chosen + rest)[:k]))
