"""What the examples ask of a model: how answers are judged, and the instructions that say so in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from workbench.dataset import Dataset
from workbench.errors import BadInput
from workbench.result import Result
from workbench.scoring.scorers import SCORER_KINDS, guess_scorer, read_object
from workbench.scoring.voice import check_rules

if TYPE_CHECKING:
    import pandas

CLOSED_LIST = 12


@dataclass(frozen=True, repr=False)
class Task(Result):
    """How answers are judged, and what the model is told.

    Attributes:
        kind: the scorer's kind, one of SCORER_KINDS.
        reason: why this kind.
        instructions: the system prompt of every arm that has instructions.
    """

    kind: str
    reason: str
    instructions: str

    def __repr__(self) -> str:
        return f"Task judged as {self.kind!r}: {self.reason}"

    def table(self) -> pandas.DataFrame:
        """The task as a table."""
        import pandas

        rows = [("judged as", self.kind), ("which means", SCORER_KINDS[self.kind]), ("because", self.reason),
                ("instructions", self.instructions)]
        return pandas.DataFrame(rows, columns=["what", "value"])

    def change(self, kind: str, dataset: Dataset, rules: Mapping | None = None) -> Task:
        """The same task judged another way, with instructions to fit.

        Args:
            kind: one of SCORER_KINDS.
            dataset: the rows to make instructions from.
            rules: the project's voice and meanings, which "voice" judges by.

        Raises:
            BadInput: there is no such kind, or it needs rules that the project doesn't have.
        """
        if kind not in SCORER_KINDS:
            raise BadInput(f"{kind!r} is no way to judge answers; choose one of {', '.join(SCORER_KINDS)}.")
        if kind == self.kind:
            return self
        if kind == "voice":
            check_rules(rules)
        return replace(self, kind=kind, reason="chosen by you.", instructions=propose_instructions(dataset, kind))


def propose_task(dataset: Dataset, instructions: str = "") -> Task:
    """Guess the task from the answers; a sample scenario brings its own instructions."""
    kind, reason = guess_scorer([e.answer for e in dataset])
    return Task(kind, reason, instructions or propose_instructions(dataset, kind))


def propose_instructions(dataset: Dataset, kind: str) -> str:
    """Instructions made from the examples' form, to be improved by whoever knows the task."""
    answers = [e.answer for e in dataset if e.answer.strip()]
    if kind == "json":
        return _json_instructions(answers)
    if kind == "label":
        labels = ", ".join(sorted({a.strip() for a in answers}))
        return f"Classify the message. Answer with exactly one of these labels and nothing else: {labels}."
    if kind == "number":
        return "Read the message and answer with one number and nothing else."
    if kind == "exact":
        return "Answer with exactly what is asked for and nothing else."
    if kind == "fact":
        return "Answer the question in as few words as possible, with the value and its unit, and nothing else."
    words = sorted(len(a.split()) for a in answers)
    length = words[len(words) // 2] if words else 20
    return f"Answer the message. Use about {length} words, in the tone of a helpful expert."


def _json_instructions(answers: list[str]) -> str:
    objects = [o for o in map(read_object, answers) if o]
    if not objects:
        raise BadInput("No answer is a JSON object with fields, so there are no keys to ask for. Choose another kind.")
    keys = Counter(tuple(o) for o in objects).most_common(1)[0][0]
    regular = [o for o in objects if tuple(o) == keys]
    sentences = [f"Read the message and return only a JSON object with exactly these keys: {', '.join(keys)}."]
    for key in keys:
        values = Counter(o[key] for o in regular if isinstance(o[key], str))
        listed = sorted(v for v, count in values.items() if count >= max(3, 0.01 * len(regular)))
        if listed and len(listed) <= CLOSED_LIST and sum(values[v] for v in listed) >= 0.95 * len(regular):
            sentences.append(f"{key} is one of: {', '.join(listed)}.")
        elif any(o[key] is None for o in regular):
            sentences.append(f"{key} is copied from the message, or null when the message has none.")
        else:
            sentences.append(f"{key} is copied from the message.")
    return " ".join(sentences)
