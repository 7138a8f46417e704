"""Score arms on the same rows; what is finished is read back, never done twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.curate.task import Task
from workbench.dataset import Dataset
from workbench.decide.arms import Arm, bare, choose_examples, instructed, tuned, with_examples, with_nearest
from workbench.decide.recommendation import Recommendation, recipes
from workbench.decide.retrieval import ExampleIndex, build_index
from workbench.errors import Mismatch
from workbench.files import fingerprint
from workbench.models import (
    Embedder,
    LoadedModel,
    ModelChoice,
    load_embedder,
    load_for_answers,
    load_for_training,
)
from workbench.project import ARMS, Project
from workbench.result import Result
from workbench.runtime import noise_to, this_machine
from workbench.scoring.answers import generate_answers
from workbench.scoring.scorecard import Scorecard, score_answers
from workbench.scoring.scorers import Scorer, scorer
from workbench.train.plan import LONGEST_ROW, Plan
from workbench.train.run import Progress as TrainingProgress
from workbench.train.run import Run, adapter_folder, read_steps, train

if TYPE_CHECKING:
    import pandas

Progress = Callable[[str, int, int], None]
# A changed way of asking or scoring makes saved scores stale; this number is part of their recipe.
METHOD = 1


@dataclass
class Bench:
    """The project's rows, models and scorer, each loaded when it is first needed."""

    project: Project

    @cached_property
    def choice(self) -> ModelChoice:
        """The base model chosen in notebook 00."""
        return ModelChoice(**self.project.settings["model"])

    @cached_property
    def task(self) -> Task:
        """How answers are judged."""
        return Task.load(self.project.need("data/task.json"))

    @cached_property
    def train(self) -> Dataset:
        """Rows to learn from."""
        return Dataset.load(self.project.need("data/train.jsonl"))

    @cached_property
    def validation(self) -> Dataset:
        """Rows to choose by."""
        return Dataset.load(self.project.need("data/validation.jsonl"))

    @cached_property
    def test(self) -> Dataset:
        """Rows to judge by."""
        return Dataset.load(self.project.need("data/test.jsonl"))

    @cached_property
    def embedder(self) -> Embedder:
        """The embedding model."""
        return load_embedder(self.project.log)

    @cached_property
    def scorer(self) -> Scorer:
        """The way answers are judged."""
        return scorer(self.task.kind, lambda texts: self.embedder.vectors(texts))

    @cached_property
    def index(self) -> ExampleIndex:
        """The training rows by likeness."""
        return build_index(self.train, self.embedder.vectors)

    @cached_property
    def base(self) -> LoadedModel:
        """The base model in 16 bits, as one would use it untuned."""
        return load_for_answers(self.choice, self.project.log)

    def with_adapter(self, folder: Path) -> LoadedModel:
        """The 4-bit base with a run's adapter, as it was trained."""
        return load_for_training(self.choice, self.project.log, LONGEST_ROW, adapter_folder(folder))

    def release(self) -> None:
        """Let go of the base model's memory."""
        if "base" in self.__dict__:
            self.base.free()
            del self.__dict__["base"]

    @cached_property
    def max_new_tokens(self) -> int:
        """One generous limit for all arms: twice the longest known answer, between 32 and 512 tokens.

        Counted in bytes of training answers (a token has about three), so that no model need be loaded
        to know it.
        """
        longest = max(len(e.answer.encode("utf-8")) for e in self.train)
        return int(min(512, max(32, 2 * longest / 3)))

    def standard_arms(self, seed: int = 0) -> list[Arm]:
        """The untuned arms, cheapest first."""
        k = self.project.depth.examples_in_prompt
        return [
            bare(),
            instructed(self.task),
            with_examples(self.task, choose_examples(self.train, k, seed)),
            with_nearest(self.task, lambda: self.index, self.train, k),
        ]

    def score(
        self,
        arm: Arm,
        rows: Dataset,
        path: Path,
        model: Callable[[], LoadedModel],
        progress: Progress | None = None,
        training_seconds: float = 0.0,
        test_look: bool = True,
    ) -> Scorecard:
        """An arm's Scorecard: the saved one where its recipe is the same, else answered and scored now.

        Args:
            path: where the card is kept.
            model: gives the loaded model; called only if there is something to answer.
            progress: called with the arm's title, rows done and rows in all.
            test_look: whether these are test rows, whose every look is counted.
        """
        recipe = fingerprint(
            [METHOD, arm.recipe, self.choice.reference, rows.fingerprint, self.task.kind, self.max_new_tokens]
        )
        if path.exists() and (card := Scorecard.load(path)).recipe == recipe:
            return card
        loaded = model()
        prompts = [arm.prompt(example) for example in rows]
        step = (lambda done, total: progress(arm.title, done, total)) if progress else None
        if test_look:
            # Before, not after: a look that a kill interrupts was a look.
            self.project.record_test_look(f"{arm.title} ({loaded.precision})", len(rows), recipe)
        with noise_to(self.project.log):
            answers = generate_answers(loaded, prompts, self.max_new_tokens, step)
        card = score_answers(
            arm=arm.key, title=arm.title, recipe=recipe, dataset=rows, answers=answers, scorer=self.scorer,
            model=self.choice.name, precision=loaded.precision, max_new_tokens=self.max_new_tokens,
            training_seconds=training_seconds, machine=repr(this_machine()),
        )
        card.save(path)
        return card

    def score_untuned(self, progress: Progress | None = None) -> list[Scorecard]:
        """Score the four untuned arms on the test rows."""
        cards = [
            self.score(arm, self.test, self.project.path(f"decide/{arm.key}.json"), lambda: self.base, progress)
            for arm in self.standard_arms()
        ]
        self.release()
        return cards

    def begun_plan(self, place: str = "train") -> Plan | None:
        """The plan of a run that was begun on these rows and this model, if there is one."""
        path = self.project.path(f"{place}/plan.json")
        if not path.exists():
            return None
        plan = Plan.load(path)
        same = (self.choice.reference, self.train.fingerprint, self.validation.fingerprint)
        return plan if (plan.model, plan.data, plan.validation) == same else None

    def fit(self, plan: Plan, place: str, progress: TrainingProgress | None = None) -> Run:
        """Train by a plan in a place inside the project, such as "train", or take up what was begun there."""
        self.release()
        return train(
            plan, self.choice, self.train, self.validation, self.project.path(place), self.project.log, progress
        )

    def score_pilot(self, run: Run, progress: Progress | None = None, place: str = "decide/pilot") -> Scorecard:
        """Score the pilot on the test rows, beside the untuned arms."""
        arm = tuned(Plan(**run.plan).fingerprint)
        path = self.project.path(f"{place}.json")
        return self.score(
            arm, self.test, path, lambda: self.with_adapter(self.project.path(place)), progress, run.seconds
        )

    def cards(self) -> list[Scorecard]:
        """The saved Scorecards of the comparison, cheapest arm first.

        Raises:
            Prerequisite: the comparison wasn't made.
        """
        return [Scorecard.load(self.project.need(f"decide/{key}.json")) for key in ARMS]

    def recommendation(self) -> Recommendation:
        """What notebook 02 recommended, on the test rows as they are now.

        Raises:
            Prerequisite: there is none.
            Mismatch: the test rows have changed since.
        """
        found = Recommendation.load(self.project.need("decide/recommendation.json"))
        if found.data != self.test.fingerprint:
            raise Mismatch(
                "The recommendation was made on other test rows than the project has now. "
                "Run 02_prompt_rag_or_finetune.ipynb again."
            )
        plan = Plan.load(self.project.need("decide/pilot/plan.json"))
        if found.cards != recipes(self.cards()) or plan.data != self.train.fingerprint:
            raise Mismatch(
                "The recommendation was made from other scores or training rows than the project has now. "
                "Run 02_prompt_rag_or_finetune.ipynb again."
            )
        return found

    def run(self) -> Run:
        """The finished training run of notebook 03, on the training rows as they are now.

        Raises:
            Prerequisite: there is none.
            Mismatch: the training rows have changed since.
        """
        run = Run.load(self.project.need("train/run.json"))
        if run.plan["data"] != self.train.fingerprint:
            raise Mismatch(
                "The model was trained on other rows than the project has now. Run 03_train_with_qlora.ipynb again."
            )
        return run

    def steps(self, place: str) -> list[dict]:
        """The step log of a training run, from which its chart can be drawn again."""
        return read_steps(self.project.path(place))

    def score_validation(self, run: Run, progress: Progress | None = None) -> Scorecard:
        """Score the tuned model on the validation rows; test rows stay unseen."""
        arm = tuned(Plan(**run.plan).fingerprint, "tuned", "Tuned model, validation rows")
        return self.score(
            arm, self.validation, self.project.path("train/validation.json"),
            lambda: self.with_adapter(self.project.path("train")), progress, run.seconds, test_look=False,
        )

    def side_by_side(self, after: Scorecard, rows: int = 5) -> SideBySide:
        """A few validation rows answered by the base model and by the tuned one."""
        few = self.validation.head(rows)
        before = self.score(
            bare(), few, self.project.path("train/before.json"), lambda: self.base, test_look=False
        )
        self.release()
        answers = {row.row_id: row.answer for row in after.rows}
        said = {row.row_id: row.answer for row in before.rows}
        return SideBySide(tuple((e.input, e.answer, said[e.row_id], answers[e.row_id]) for e in few))


@dataclass(frozen=True, repr=False)
class SideBySide(Result):
    """Rows as (input, expected, before, after)."""

    rows: tuple[tuple[str, str, str, str], ...]

    def __repr__(self) -> str:
        return f"{len(self.rows)} held-out rows, before and after"

    def table(self) -> pandas.DataFrame:
        """One row a question."""
        import pandas

        return pandas.DataFrame(self.rows, columns=["input", "expected", "base model", "tuned model"])


@dataclass(frozen=True, repr=False)
class Comparison(Result):
    """Scorecards of all arms on the same rows."""

    cards: tuple[Scorecard, ...]

    def __repr__(self) -> str:
        return f"{len(self.cards)} arms on the same {len(self.cards[0].rows)} test rows"

    def table(self) -> pandas.DataFrame:
        """One row an arm; see `comparison_table`."""
        return comparison_table(self.cards)


def comparison_table(cards: Sequence[Scorecard]) -> pandas.DataFrame:
    """One row an arm: score with interval, difference to the arm before it, and what a call costs."""
    import pandas

    rows = []
    for i, card in enumerate(cards):
        score = card.interval()
        rows.append({
            "arm": card.title,
            "score": round(score.value, 3),
            "95 % interval": f"{score.low:.3f} to {score.high:.3f}",
            "rows": card.n,
            "against the arm above": _difference(card, cards[i - 1]) if i else "",
            "tokens per call": round(card.tokens_per_call),
            "seconds per call": round(card.seconds_per_call, 2),
            "training seconds": round(card.training_seconds),
            "cut answers": card.cut,
            "held in": card.precision,
        })
    return pandas.DataFrame(rows)


def _difference(card: Scorecard, other: Scorecard) -> str:
    d = card.minus(other)
    return f"{d.value:+.3f} [{d.low:+.3f}, {d.high:+.3f}]"
