"""The winner as files: whichever arm it is, a folder that answers a question."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.curate.start import project_documents
from workbench.dataset import Dataset, Example
from workbench.decide.arms import Arm, FixedShots, Form, Lookup, NearestShots, Prompt, Shots
from workbench.decide.compare import SERVER, Bench
from workbench.decide.endpoint import Endpoint, open_endpoint, refuse_restricted
from workbench.decide.recommendation import Recommendation
from workbench.decide.retrieval import Passage, load_index, passages_of, retrievers
from workbench.errors import BadInput, Mismatch, Prerequisite
from workbench.files import read_json, read_jsonl, write_json, write_jsonl
from workbench.models import ModelChoice, load_embedder, load_for_answers
from workbench.project import Project
from workbench.result import Result
from workbench.runtime import noise_to
from workbench.scoring.answers import Answer, generate_answers
from workbench.scoring.citations import read_citations
from workbench.ship.export import Parity

if TYPE_CHECKING:
    import pandas

RECORD, PARTS = "ship/handover.json", "ship/winner"
FIXED, NEAREST = "fixed", "nearest"


@dataclass(frozen=True, repr=False)
class Handover(Result):
    """What was handed over and how to use it; what doesn't stand here lies in `ship/winner/`.

    Attributes:
        arm: key of the arm.
        status: the recommendation's outcome, and the verdict where the model was tuned.
        instructions: the system turn; empty for the neutral one.
        shots: worked examples before the question: "", "fixed" (examples.jsonl in their order) or "nearest" (the index).
        nearest: how many of the nearest ones.
        retriever: name of the search in the documents (passages.jsonl); empty without.
        passages: how many of them stand before the question.
        shot_passages: whether they also stand before the questions of the worked examples.
        tuned: whether the merged model is asked.
        held_to_schema: whether answers are held to schema.json while they are written.
        endpoint: the server that is asked, with the name of the variable that holds its key; None for the project's own
            model.
    """

    arm: str
    title: str
    status: str
    model: dict
    max_new_tokens: int
    instructions: str = ""
    shots: str = ""
    nearest: int = 0
    retriever: str = ""
    passages: int = 0
    shot_passages: bool = False
    tuned: bool = False
    held_to_schema: bool = False
    endpoint: dict | None = None

    def __repr__(self) -> str:
        return f"Handed over: {self.title} ({self.status})"

    def table(self) -> pandas.DataFrame:
        """What it is made of."""
        import pandas

        parts = [
            f"{self.endpoint['model']} at {self.endpoint['address']}" if self.endpoint
            else "the merged model in ship/merged" if self.tuned else "the base model",
            "the instructions in handover.json" if self.instructions else "",
            {FIXED: "examples.jsonl", NEAREST: "an index of examples: examples.jsonl, vectors.safetensors"}.get(self.shots, ""),
            f"passages.jsonl, searched by {self.retriever}" if self.retriever else "",
            "schema.json" if self.held_to_schema else "",
        ]
        made_of = "; ".join(filter(None, parts))
        return pandas.DataFrame([("what", self.title), ("made of", made_of), ("status", self.status)], columns=["", "found"])


def hand_over(bench: Bench, recommendation: Recommendation, verdict: str) -> Handover:
    """Write the chosen arm's parts to `ship/winner/` and a record beside them.

    Args:
        verdict: the forgetting verdict, told wherever the tuned model is handed over.

    Raises:
        Mismatch: the arm can't be made from the project any more.
        Prerequisite: a tuned arm whose merged model was not measured yet.
    """
    arm, folder = bench.arm(recommendation.arm), bench.project.path(PARTS)
    # The record goes first: a kill while the parts are remade must not leave one that points to none.
    bench.project.path(RECORD).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    status = recommendation.outcome
    if arm.tuned:
        # The merged model is what gets used, so its own score stands beside the pilot's recommendation.
        merged = Parity.load(bench.project.need("ship/parity.json")).merged
        status += f"; merged model scores {merged} on the test rows; forgetting check: {verdict}"
    if arm.schema:
        write_json(folder / "schema.json", arm.schema)
    handover = Handover(
        arm.key, recommendation.title, status, bench.choice.to_dict(), bench.max_new_tokens, arm.form.instructions,
        **_write_shots(bench, arm.form.shots, folder), **_write_passages(bench, arm.form, folder),
        tuned=arm.tuned, held_to_schema=arm.schema is not None,
        endpoint={name: getattr(arm.endpoint, name) for name in SERVER} if arm.endpoint else None,
    )
    handover.save(bench.project.path(RECORD))
    return handover


def _write_shots(bench: Bench, shots: Shots | None, folder: Path) -> dict:
    if isinstance(shots, NearestShots):
        replace(bench.index, examples=_bare(bench.index.examples)).save(folder)
        return {"shots": NEAREST, "nearest": shots.k}
    if isinstance(shots, FixedShots):
        _bare(shots.chosen).save(folder / "examples.jsonl")
        return {"shots": FIXED}
    return {}


def _bare(examples: Dataset) -> Dataset:
    """Ids and texts alone: where a row came from, whom it is about and what stood beside it are not handed over."""
    return Dataset(examples.name, tuple(replace(example, provenance={}) for example in examples))


def _write_passages(bench: Bench, form: Form, folder: Path) -> dict:
    if not form.lookup:
        return {}
    if form.shot_lookup and form.shot_lookup.recipe != form.lookup.recipe:
        raise Mismatch(
            f"The worked examples look things up in other documents ({form.shot_lookup.search.name}) than the question does "
            f"({form.lookup.search.name}); only one set of documents is handed over. "
            "Run 02_prompt_rag_or_finetune.ipynb again on the documents that are to be used."
        )
    name = next(name for name, found in bench.retrievers.items() if found.recipe == form.lookup.search.recipe)
    write_jsonl(folder / "passages.jsonl", (asdict(p) for p in passages_of(project_documents(bench.project))))
    return {"retriever": name, "passages": form.lookup.k, "shot_passages": form.shot_lookup is not None}


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


def answered(project: Project, question: str) -> Answered:
    """A question and its answer side by side; see `ask`."""
    return Answered(question, ask(project, question))


def ask(project: Project, question: str, send: bool = False) -> str:
    """Answer one question with what the project handed over.

    Args:
        send: that the question may leave this machine, where a server was handed over; said anew each time.

    Returns:
        The answer; where it names passages, with their titles beneath.

    Raises:
        BadInput: the question is empty.
        Prerequisite: nothing was handed over yet; or a server was, and the question may not leave, or nothing came back.
    """
    if not question.strip():
        raise BadInput('The question is empty. Ask like this: python run.py ask PROJECT "your text".')
    handover = Handover.load(project.need(RECORD))
    endpoint = _server(project, handover.endpoint, send) if handover.endpoint else None
    arm, example = restored(project, handover), Example("question", (("user", question.strip()),), "")
    with noise_to(project.log):
        if endpoint:
            (found,) = endpoint.answer([arm.prompt(example)], handover.max_new_tokens, arm.schema)
            answer = found[0]
        else:
            answer = _own_answer(project, handover, arm, arm.prompt(example))
    if answer.error:
        raise Prerequisite(answer.error)
    return answer.text + _sources(answer.text, arm.form.passages(example))


def restored(project: Project, handover: Handover) -> Arm:
    """The arm that was handed over, from its files alone; it asks exactly what was scored."""
    folder = project.path(PARTS)
    embedder = cache(lambda: load_embedder(project.log))
    shots: Shots | None = None
    if handover.shots:
        examples = Dataset.load(folder / "examples.jsonl")
        shots = FixedShots(examples)
        if handover.shots == NEAREST:
            index = cache(lambda: load_index(folder, embedder().vectors))
            shots = NearestShots(index, examples.fingerprint, handover.nearest)
    lookup = None
    if handover.retriever:
        passages = [Passage(**row) for row in read_jsonl(folder / "passages.jsonl")]
        lookup = Lookup(retrievers(passages, embedder())[handover.retriever], handover.passages)
    form = Form(handover.instructions, shots, lookup, lookup if handover.shot_passages else None)
    schema = read_json(folder / "schema.json") if handover.held_to_schema else None
    return Arm(handover.arm, handover.title, form, "", schema=schema)


def _server(project: Project, server: dict, send: bool) -> Endpoint:
    refuse_restricted(project, server["address"])
    if not send:
        raise Prerequisite(
            f"What was handed over asks {server['model']} at {server['address']}, so your question would go there"
            f"{', masked' if server['masked'] else ', not masked'}. Nothing was sent. If it may go, ask like this: "
            'python run.py ask --send PROJECT "your text".'
        )
    return open_endpoint(
        project, server["address"], server["model"], server["key_variable"], agreed=True, unmasked=not server["masked"]
    )


def _own_answer(project: Project, handover: Handover, arm: Arm, prompt: Prompt) -> Answer:
    folder = project.path("ship/merged") if handover.tuned else None
    loaded = load_for_answers(ModelChoice(**handover.model), project.log, folder)
    return generate_answers(loaded, [prompt], handover.max_new_tokens, schema=arm.schema)[0]


def _sources(answer: str, passages: tuple[Passage, ...]) -> str:
    named = {name.casefold() for name in read_citations(answer, [p.passage_id for p in passages])[1]}
    lines = [f"[{p.passage_id}] {p.title}, {p.document}" for p in passages if p.passage_id.casefold() in named]
    return "\n\nFrom: " + "; ".join(lines) if lines else ""
