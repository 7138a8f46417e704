"""The winner as files: whichever arm it is, a folder that answers a question."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.curate.task import Task
from workbench.dataset import Dataset, Example
from workbench.decide.arms import Arm, bare, choose_examples, instructed, tuned, with_examples, with_nearest
from workbench.decide.compare import Bench
from workbench.decide.recommendation import Recommendation
from workbench.decide.retrieval import load_index
from workbench.errors import BadInput
from workbench.models import ModelChoice, load_embedder, load_for_answers
from workbench.project import Project
from workbench.result import Result
from workbench.runtime import noise_to
from workbench.scoring.answers import generate_answers
from workbench.ship.export import Parity

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, repr=False)
class Handover(Result):
    """What was handed over and how to use it.

    Attributes:
        arm: key of the arm; its files lie beside this record.
        status: the recommendation's outcome, and the verdict where the model was tuned.
    """

    arm: str
    title: str
    status: str
    model: dict
    task: dict
    k: int
    max_new_tokens: int

    def __repr__(self) -> str:
        return f"Handed over: {self.title} ({self.status})"

    def table(self) -> pandas.DataFrame:
        """What it is made of."""
        import pandas

        files = {
            "bare": "the base model alone",
            "instructions": "the base model and the instructions in handover.json",
            "examples": "the instructions and examples.jsonl",
            "nearest": "the instructions and an index: examples.jsonl, vectors.safetensors",
            "pilot": "the merged model in ship/merged",
        }
        return pandas.DataFrame([("what", self.title), ("made of", files[self.arm]), ("status", self.status)],
                                columns=["", "found"])


def hand_over(bench: Bench, recommendation: Recommendation, verdict: str, seed: int = 0) -> Handover:
    """Write the chosen arm's parts to `ship/winner/` and a record beside them.

    Args:
        verdict: the forgetting verdict, told wherever the tuned model is handed over.
    """
    folder = bench.project.path("ship/winner")
    # The record goes first: a kill while the parts are remade must not leave one that points to none.
    bench.project.path("ship/handover.json").unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    k = bench.project.depth.examples_in_prompt
    if recommendation.arm == "nearest":
        bench.index.save(folder)
    elif recommendation.arm == "examples":
        choose_examples(bench.train, k, seed).save(folder / "examples.jsonl")
    status = recommendation.outcome
    if recommendation.arm == "pilot":
        # The merged model is what gets used, so its own score stands beside the pilot's recommendation.
        merged = Parity.load(bench.project.need("ship/parity.json")).merged
        status += f"; merged model scores {merged} on the test rows; forgetting check: {verdict}"
    handover = Handover(
        recommendation.arm, recommendation.title, status, bench.choice.to_dict(), bench.task.to_dict(), k,
        bench.max_new_tokens,
    )
    handover.save(bench.project.path("ship/handover.json"))
    return handover


@dataclass(frozen=True, repr=False)
class Answered(Result):
    """A question and what was answered."""

    question: str
    answer: str

    def __repr__(self) -> str:
        return "One question, answered by what was handed over"

    def table(self) -> pandas.DataFrame:
        """Both side by side."""
        import pandas

        return pandas.DataFrame([(self.question, self.answer)], columns=["question", "answer"])


def ask(project: Project, question: str) -> str:
    """Answer one question with what the project handed over.

    Raises:
        BadInput: the question is empty.
        Prerequisite: nothing was handed over yet.
    """
    if not question.strip():
        raise BadInput('The question is empty. Ask like this: python run.py ask PROJECT "your text".')
    handover = Handover.load(project.need("ship/handover.json"))
    arm = _arm(project, handover)
    folder = project.path("ship/merged") if arm.tuned else None
    loaded = load_for_answers(ModelChoice(**handover.model), project.log, folder)
    prompt = arm.prompt(Example("question", (("user", question.strip()),), ""))
    with noise_to(project.log):
        return generate_answers(loaded, [prompt], handover.max_new_tokens)[0].text


def _arm(project: Project, handover: Handover) -> Arm:
    task, folder = Task(**handover.task), project.path("ship/winner")
    arms: dict[str, Callable[[], Arm]] = {
        "bare": bare,
        "instructions": lambda: instructed(task),
        "examples": lambda: with_examples(task, Dataset.load(folder / "examples.jsonl")),
        "nearest": lambda: _nearest(project, task, folder, handover.k),
        "pilot": lambda: tuned(""),
    }
    return arms[handover.arm]()


def _nearest(project: Project, task: Task, folder: Path, k: int) -> Arm:
    index = load_index(folder, load_embedder(project.log).vectors)
    return with_nearest(task, lambda: index, index.examples, k)
