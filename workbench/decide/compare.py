"""Score arms on the same rows; what is finished is read back, never done twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from workbench.curate.start import project_documents, project_rules, shown_text
from workbench.curate.task import Task
from workbench.dataset import Dataset
from workbench.decide.arms import (
    Arm,
    Lookup,
    NearestShots,
    Trained,
    bare,
    choose_examples,
    held_to_schema,
    instructed,
    pilot,
    pilot_instructed,
    pilot_with_passages,
    raft,
    remote,
    with_examples,
    with_nearest,
    with_passages,
)
from workbench.decide.comparison import Comparison, SideBySide, citing, without_sources
from workbench.decide.endpoint import Endpoint
from workbench.decide.finding import found_in, questions_to_find
from workbench.decide.optimise import Optimised
from workbench.decide.recommendation import Goal, Recommendation, recipes
from workbench.decide.retrieval import (
    Bm25,
    ExampleIndex,
    Passage,
    RetrievalReport,
    Retriever,
    build_index,
    passages_of,
    retrievers,
)
from workbench.errors import Mismatch, Prerequisite
from workbench.files import file_sha256, fingerprint, read_json, write_json
from workbench.models import (
    Embedder,
    LoadedModel,
    ModelChoice,
    answer_precision,
    dequantised,
    load_embedder,
    load_for_answers,
    load_for_training,
)
from workbench.project import Project
from workbench.runtime import noise_to, this_machine
from workbench.scoring.answers import Answer, Answerer, LocalModel, Prompt, generate_answers
from workbench.scoring.cache import answer_all, answer_key, read_answers
from workbench.scoring.classes import macro_f1
from workbench.scoring.grammar import schema_of
from workbench.scoring.scorecard import Scorecard, score_answers
from workbench.scoring.scorers import Scorer, scorer
from workbench.scoring.seeds import Seeds
from workbench.train.encode import bare_prompt
from workbench.train.memory import adjusted, shape_of
from workbench.train.mirror import mirror_folder
from workbench.train.plan import FULL, LONGEST_ROW, QLORA, Plan, plan
from workbench.train.recorder import Progress as TrainingProgress
from workbench.train.recorder import Watch, Watched, read_steps
from workbench.train.run import STOPPED, Run, adapter_folder, train, weights_folder
from workbench.train.sweep import TRIALS, Scored, Sweep, sweep

Progress = Callable[[str, int, int], None]
# A changed way of asking or scoring makes saved scores stale; this number is part of their recipe.
METHOD = 3
COMPARED = "decide/compared.json"
# Sample answers shown after each scoring in training.
SHOWN_ON_THE_WAY = 3
RECALL, INDEX_SECONDS = "decide/retrieval.json", "decide/index_seconds.json"
# What is kept of a server that was asked: enough to know it again; its key is kept nowhere.
SERVER = ("address", "model", "key_variable", "masked")


@dataclass(frozen=True)
class Source:
    """Whom an arm asks.

    Attributes:
        identity: everything about the model that decides an answer.
        load: gives the model; called only if there is something to answer.
        training_seconds: what tuning it cost.
    """

    identity: str
    name: str
    precision: str
    load: Callable[[], Answerer]
    training_seconds: float = 0.0


@dataclass
class Bench:
    """The project's rows, models and scorer, each loaded when it is first needed.

    Attributes:
        judge: a scorer of one's own, in the place of the task's.
    """

    project: Project
    judge: Scorer | None = None
    _searches: dict[str, dict[str, Retriever]] = field(default_factory=dict, init=False, repr=False)

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
    def schema(self) -> dict | None:
        """The JSON schema that the training answers share; None where they are not JSON or share none."""
        return schema_of([e.answer for e in self.train]) if self.task.kind == "json" else None

    @cached_property
    def _rules(self) -> dict:
        return project_rules(self.project)

    @cached_property
    def scorer(self) -> Scorer:
        """The way answers are judged."""
        rules = {**self._rules, **({"schema": self.schema} if self.schema else {})}
        return self.judge or scorer(self.task.kind, lambda texts: self.embedder.vectors(texts), rules)

    @cached_property
    def index(self) -> ExampleIndex:
        """The training rows by likeness."""
        return build_index(self.train, self.embedder.vectors)

    @property
    def retrievers(self) -> dict[str, Retriever]:
        """The ways to look something up in the project's documents, by name; empty without documents."""
        return self.retrievers_of("documents")

    @property
    def passages(self) -> list[Passage]:
        """The project's documents, cut into passages; empty without documents."""
        return passages_of(project_documents(self.project) or ())

    def retrievers_of(self, version: str) -> dict[str, Retriever]:
        """The same for a version of the documents, "documents" or "documents_v2", as it is now: folders may be chosen anew."""
        documents = project_documents(self.project, version)
        if not documents:
            return {}
        key = fingerprint([(document.name, document.text) for document in documents])
        if key not in self._searches:
            self._searches[key] = retrievers(passages_of(documents), self.embedder)
        return self._searches[key]

    def index_seconds(self, arms: Sequence[Arm]) -> dict[str, float]:
        """What it took on this machine to embed what each arm looks through, by the arm's key; 0 for words alone.

        What was measured once on this machine is read back.
        """
        path = self.project.path(INDEX_SECONDS)
        kept: dict[str, float] = read_json(path) if path.exists() else {}
        found, passages = {}, [p.searched for p in self.passages]
        for arm in arms:
            texts = self._embedded(arm, passages)
            key = fingerprint([texts, self.embedder.name, repr(this_machine())]) if texts else ""
            if texts and key not in kept:
                kept[key] = self._embedding_seconds(texts)
                write_json(path, kept)
            found[arm.key] = kept[key] if texts else 0.0
        return found

    def _embedded(self, arm: Arm, passages: list[str]) -> list[str]:
        lookup = arm.form.lookup
        looked_up = passages if lookup and not isinstance(lookup.search, Bm25) else []
        return looked_up + ([e.input for e in self.train] if isinstance(arm.form.shots, NearestShots) else [])

    def _embedding_seconds(self, texts: list[str]) -> float:
        # Loading the model is no part of it, nor is what its first answer takes longer.
        self.embedder.vectors(texts[:1])
        started = time.perf_counter()
        self.embedder.vectors(texts)
        return time.perf_counter() - started

    @property
    def retrieval(self) -> RetrievalReport:
        """As `recall`."""
        return self.recall()

    def recall(self, progress: Progress | None = None) -> RetrievalReport:
        """How often each retriever finds the passage that answers, on validation questions and, if need be, training ones.

        Args:
            progress: called with the search's name, questions done and in all.

        Raises:
            Prerequisite: the project has no documents.
        """
        searches, passages = self.retrievers, self.passages
        if not searches:
            raise Prerequisite(
                "This project has no documents, so there is nothing to look up. Name a folder of documents above to measure it."
            )
        rows = questions_to_find(list(self.train), list(self.validation), passages)
        return found_in(searches, rows, passages, self.project.path(RECALL), progress)

    @cached_property
    def base(self) -> LoadedModel:
        """The base model in 16 bits, as one would use it untuned."""
        return load_for_answers(self.choice, self.project.log)

    def with_adapter(self, run: Run, place: str) -> LoadedModel:
        """What a run in a place of the project learnt, in the precision it was trained in; a full fine-tune is a model of its own."""
        folder, flavour = self.project.path(place), Plan(**run.plan).flavour
        if flavour == FULL:
            return load_for_answers(self.choice, self.project.log, weights_folder(folder, run.plan))
        return dequantised(load_for_training(self.choice, self.project.log, LONGEST_ROW, adapter_folder(folder), flavour))

    def release(self) -> None:
        """Let go of the base model's memory."""
        if "base" in self.__dict__:
            self.base.free()
            del self.__dict__["base"]

    def untuned(self) -> Source:
        """The base model as it comes."""
        precision = answer_precision()
        identity = f"{self.choice.reference} {precision}"
        return Source(identity, self.choice.name, precision, lambda: LocalModel(self.base, identity))

    def tuned(self, run: Run, place: str) -> Source:
        """What a run learnt, which lies in a place inside the project, such as "train": an adapter on its base, or a whole model."""
        flavour, folder = Plan(**run.plan).flavour, weights_folder(self.project.path(place), run.plan)
        precision = "NF4" if flavour == QLORA else answer_precision()
        if flavour == FULL:
            weights = fingerprint([file_sha256(part) for part in sorted(folder.glob("*.safetensors"))])
        else:
            weights = file_sha256(folder / "adapter_model.safetensors")
        identity = f"{self.choice.reference} {precision} {weights}"

        def load() -> Answerer:
            self.release()
            return LocalModel(self.with_adapter(run, place), identity)

        return Source(identity, self.choice.name, precision, load, run.seconds)

    def merged(self, run: Run, folder: Path) -> Source:
        """The merged weights in a folder."""
        precision = answer_precision()
        weights = fingerprint([file_sha256(part) for part in sorted(folder.glob("*.safetensors"))])
        identity = f"merged {precision} {weights}"

        def load() -> Answerer:
            self.release()
            return LocalModel(load_for_answers(self.choice, self.project.log, folder), identity)

        return Source(identity, self.choice.name, precision, load, run.seconds)

    @cached_property
    def max_new_tokens(self) -> int:
        """One generous limit for all arms: twice the longest known answer, between 32 and 512 tokens.

        Counted in bytes of training answers (a token has about three), so that no model need be loaded
        to know it.
        """
        longest = max(len(e.answer.encode("utf-8")) for e in self.train)
        return int(min(512, max(32, 2 * longest / 3)))

    def arms(self, endpoint: object | None = None, everything: bool | None = None, documents: str = "documents",
             seed: int = 0) -> list[Arm]:
        """The arms in order of their upkeep, the least first.

        Args:
            endpoint: a server that may be asked too.
            everything: all that can be combined; else the few that a quick walk has time for. The depth says which.
            documents: which version of the documents is looked up.
            seed: for the draw of the fixed examples.
        """
        everything = self.project.depth.name == "thorough" if everything is None else everything
        k = self.project.depth.examples_in_prompt
        chosen = choose_examples(self.train, k, seed)
        examples = with_examples(self.task, chosen)
        arms = [bare(), instructed(self.task), examples]
        if self.schema:
            arms += [held_to_schema(arm, self.schema) for arm in ([arms[1], examples] if everything else [examples])]
        if (path := self.project.path("decide/search.json")).exists():
            arms.append(Optimised.load(path).arm(self))
        arms.append(with_nearest(self.task, lambda: self.index, self.train, k))
        lookups = self._lookups(everything, documents)
        best = next(iter(lookups.values()), (None, None))[0]
        if best and everything:
            arms.append(with_passages(self.task, best, key=next(iter(lookups))))
        # Which search finds most decides what a quick walk takes; what it takes to keep going decides the order.
        for key in sorted(lookups, key=list(self.retrievers).index):
            now, before = lookups[key]
            arm = with_passages(self.task, now, chosen, key)
            arms.append(replace(arm, form=replace(arm.form, shot_lookup=before)))
        arms.append(pilot())
        arms += [pilot_instructed(self.task)] if everything else []
        if best:
            learnt = raft(next(iter(lookups.values()))[1], self.task).trained
            arms += [pilot_with_passages(best, self.task)] if everything else []
            arms.append(replace(raft(best, self.task), trained=learnt))
        far = remote(self.task, endpoint, chosen) if endpoint else self._asked_before(chosen)
        return [*arms, *([far] if far else [])]

    def _asked_before(self, chosen: Dataset) -> Arm | None:
        """The server of the last comparison, if it answered everything: it stays an arm, though nothing is sent any more."""
        path = self.project.path(COMPARED)
        server = read_json(path).get("server") if path.exists() else None
        if not server:
            return None
        arm = remote(self.task, Endpoint(**server), chosen)
        return arm if self._answered(arm, [arm.prompt(e) for e in self.test], self.source(arm)) else None

    def _lookups(self, everything: bool, documents: str) -> dict[str, tuple[Lookup, Lookup]]:
        """Retriever to (lookup in this version, lookup in the first one), the retriever that finds most first."""
        first = self.retrievers
        if not first:
            return {}
        now = first if documents == "documents" else self.retrievers_of(documents)
        order = self.recall().order[: None if everything else 1]
        before = {key: Lookup(first[key]) for key in order}
        return {key: (before[key] if now is first else Lookup(now[key]), before[key]) for key in order}

    def score(
        self,
        arm: Arm,
        rows: Dataset,
        path: Path,
        source: Source,
        progress: Progress | None = None,
        test_look: bool = True,
        look: str = "",
    ) -> Scorecard:
        """An arm's Scorecard: the saved one where its recipe is the same, else answered and scored now.

        Args:
            path: where the card is kept.
            source: whom to ask.
            progress: called with the arm's title, rows done and rows in all.
            test_look: whether these are test rows, whose every look is counted.
            look: what is to be said of the look beside the arm.
        """
        if found := self.saved(arm, rows, path, source):
            return found
        recipe = self._recipe(arm, rows, source)
        prompts = [arm.prompt(example) for example in rows]
        if isinstance(arm.endpoint, Endpoint) and not self._answered(arm, prompts, source):
            # Before the look is counted: where nobody agreed, nothing is asked and nothing seen.
            arm.endpoint.need_agreement()
        if test_look:
            # Before, not after: a look that a kill interrupts was a look.
            self.project.record_test_look(f"{arm.title} ({source.precision}) {look}".strip(), len(rows), recipe)
        step = (lambda done, total: progress(arm.title, done, total)) if progress else None
        with noise_to(self.project.log):
            answers = answer_all(
                source.load, source.identity, prompts, self.max_new_tokens, arm.schema, self._store(source), step,
            )
        card = self.card_of(arm, rows, source, answers, recipe)
        card.save(path)
        return card

    def saved(self, arm: Arm, rows: Dataset, path: Path, source: Source) -> Scorecard | None:
        """The finished card in `path`, if it is of this arm, these rows and this model."""
        # Rows of which nothing came back are asked again: a server may be there the next time.
        if path.exists() and (card := Scorecard.load(path)).finished and card.recipe == self._recipe(arm, rows, source):
            return card
        return None

    def _recipe(self, arm: Arm, rows: Dataset, source: Source) -> str:
        judged = (self.scorer.kind, self.scorer.what, self.max_new_tokens)
        return fingerprint([METHOD, arm.recipe, source.identity, rows.fingerprint, *judged])

    def _store(self, source: Source) -> Path:
        return self.project.path("decide/answers") / f"{fingerprint(source.identity)}.jsonl"

    def _answered(self, arm: Arm, prompts: Sequence[Prompt], source: Source) -> bool:
        """Whether every answer was kept, so that nobody need be asked."""
        kept = read_answers(self._store(source))
        return all(answer_key(source.identity, prompt, self.max_new_tokens, arm.schema) in kept for prompt in prompts)

    def card_of(self, arm: Arm, rows: Dataset, source: Source, answers: Sequence[Answer], recipe: str) -> Scorecard:
        """The Scorecard of an arm's answers to rows, judged as the project judges; `recipe` decides when it is stale."""
        return score_answers(
            arm=arm.key, title=arm.title, recipe=recipe, dataset=rows, answers=answers,
            scorer=citing(self.scorer, arm.form, self._rules.get("unanswerable", "")) if arm.form.lookup else self.scorer,
            model=source.name, precision=source.precision, max_new_tokens=self.max_new_tokens,
            training_seconds=source.training_seconds, machine=repr(this_machine()),
        )

    def source(self, arm: Arm, seed: int = 0, view: TrainingProgress | None = None) -> Source:
        """Whom an arm asks; a model that is to be tuned first is tuned now."""
        if arm.endpoint:
            endpoint = arm.endpoint
            return Source(endpoint.identity, endpoint.name, endpoint.precision, lambda: endpoint)
        if arm.trained is None:
            return self.untuned()
        place = f"decide/{arm.trained.key}" + (f"-seed{seed}" if seed else "")
        return self.tuned(self.fit_pilot(arm.trained, place, seed, view), place)

    def fit_pilot(self, trained: Trained, place: str, seed: int = 0, view: TrainingProgress | None = None) -> Run:
        """A short run on the training rows in a form."""
        rows, watched = trained.form.rendered(self.train), trained.form.rendered(self.validation)
        depth = self.project.depth
        return self.fit(plan(self.choice, rows, watched, depth.pilot_steps, depth.batch_size, seed), place, view, rows, watched)

    def compare(
        self, arms: Sequence[Arm], progress: Progress | None = None, view: TrainingProgress | None = None,
        seeds: Sequence[int] = (0,),
    ) -> list[Scorecard | Seeds]:
        """Score all arms on the test rows, tuned ones once a seed; an arm that fails leaves the others' scores alone.

        Args:
            view: called with the step log of each training.
            seeds: of the tuned arms.
        """
        files = {
            arm.key: [f"decide/{arm.key}" + (f"-seed{seed}" if seed else "") + ".json" for seed in (seeds if arm.tuned else (0,))]
            for arm in arms
        }
        asked = next((arm.endpoint for arm in arms if isinstance(arm.endpoint, Endpoint)), None)
        server = {name: getattr(asked, name) for name in SERVER} if asked else None
        compared = {"train": self.train.fingerprint, "server": server, "arms": {arm.key: arm.recipe for arm in arms}}
        write_json(self.project.path(COMPARED), {**compared, "cards": list(files.values())})
        for arm in arms:
            for seed, name in zip(seeds, files[arm.key], strict=False):
                self._score_or_say_why(arm, self.project.path(name), seed, progress, view)
        self.release()
        return self.cards()

    def _score_or_say_why(
        self, arm: Arm, path: Path, seed: int, progress: Progress | None, view: TrainingProgress | None
    ) -> None:
        try:
            self.score(arm, self.test, path, self.source(arm, seed, view), progress)
        except Exception as error:
            # One arm's failure must not cost the others their scores; no recipe is ever this one, so it is tried again.
            if self._better_than_nothing(arm, path):
                return
            said = " ".join(f"{arm.title} could not be asked: {error or type(error).__name__}".split())[:400]
            nothing = [Answer("", 0, 0, False, 0.0, asked=False, error=said) for _ in self.test]
            whom = Source("", self.choice.name, "none", lambda: None)
            self.card_of(arm, self.test, whom, nothing, recipe=f"failed {path.stem}").save(path)

    def _better_than_nothing(self, arm: Arm, path: Path) -> bool:
        """Whether a card of this very arm is there, of which only some rows had failed: a retry that fails doesn't cost it."""
        if arm.trained is not None or not path.exists():
            return False
        try:
            card = Scorecard.load(path)
            return card.n > 0 and card.recipe == self._recipe(arm, self.test, self.source(arm))
        except Exception:
            return False

    def begun_plan(self, place: str = "train") -> Plan | None:
        """The plan of a run that was begun on these rows, in this form, and on this model, if there is one."""
        path = self.project.path(f"{place}/plan.json")
        if not path.exists():
            return None
        plan, (rows, watched) = Plan.load(path), self.training_rows()
        same = (self.choice.reference, rows.fingerprint, watched.fingerprint)
        return plan if (plan.model, plan.data, plan.validation) == same else None

    def propose_plan(self, tokens: Sequence[tuple[int, int]] = ()) -> Plan:
        """The settings recommended for notebook 03: to learn the rows in the form that won, scored on the way.

        Args:
            tokens: (prompt, answer) tokens of each training row; with them the batch is made to fit this machine's memory.

        Raises:
            BadInput: not even one row at a time would fit.
        """
        depth, rows = self.project.depth, self.training_rows()
        proposed = plan(self.choice, *rows, depth.train_steps, depth.batch_size)
        # Scored where a checkpoint is due anyway, so that the best weights can be taken up from.
        every = max(1, round(proposed.steps / depth.scorings / proposed.save_every)) * proposed.save_every
        few = min(depth.watched_rows, len(self.validation))
        reasons = {
            "score_every": f"about {depth.scorings} times in the run, on {few} validation rows; the best weights are the ones kept",
            "patience": "so many scorings without a new best are no accident" if depth.patience else proposed.reasons["patience"],
        }
        proposed = replace(proposed, score_every=min(every, proposed.steps), patience=depth.patience,
                           reasons={**proposed.reasons, **reasons})  # fmt: skip
        return adjusted(proposed, shape_of(self.choice), tokens, this_machine()) if tokens else proposed

    def training_speed(self) -> float | None:
        """Input tokens trained on in a second, from a pilot trained on this machine; None if there is none."""
        for path in sorted(self.project.path("decide").glob("*/run.json")):
            run = Run.load(path)
            if run.machine == repr(this_machine()) and run.tokens_per_second:
                return run.tokens_per_second
        return None

    def sweep(self, recommended: Plan, progress: Callable[[Sweep, int], None] | None = None) -> Sweep:
        """A few neighbours of the plan, each trained and scored on the validation rows; finished trials are read back.

        Raises:
            Prerequisite: this depth has no time for it.
        """
        if self.project.depth.name == "quick":
            raise Prerequisite(
                f"A sweep trains {TRIALS} plans in the place of one, and takes about {TRIALS} times as long as the training below. "
                "Choose depth 'thorough' in notebook 00 for it."
            )
        arm, rows = replace(self.to_train(), key="trial", title="Trial, validation rows"), self.training_rows()

        def run(tried: Plan, folder: Path) -> Scored:
            place = f"sweep/{folder.name}"
            trained = self.fit(tried, place, None, *rows)
            if trained.ended == STOPPED:
                raise KeyboardInterrupt
            card = self.score(arm, self.validation, folder / "validation.json", self.tuned(trained, place), test_look=False)
            span = card.interval()
            return Scored(span.value, span.low, span.high, card.n, [row.score for row in card.rows])

        return sweep(recommended, run, self.project.path("sweep"), TRIALS, progress=progress)

    def fit(
        self, plan: Plan, place: str, progress: TrainingProgress | None = None, rows: Dataset | None = None,
        watched: Dataset | None = None, tracker: bool = False,
    ) -> Run:
        """Train by a plan in a place inside the project, such as "train", or take up what was begun there.

        Args:
            rows, watched: the rows to learn from and to watch, where they aren't the project's as they are.
            tracker: whether TensorBoard's files are written too.
        """
        self.release()
        watched = watched or self.validation
        return train(
            plan, self.choice, rows or self.train, watched, self.project.path(place), self.project.log,
            progress, self._watch(watched) if plan.score_every else None, mirror_folder(self.project, place), tracker,
        )

    def _watch(self, watched: Dataset) -> Watch:
        """Scores the model in training on the first validation rows, asked as they were rendered for it."""
        few = self.validation.head(self.project.depth.watched_rows)
        prompts = [bare_prompt(example) for example in watched.head(len(few))]
        arm, show = self.to_train(), shown_text(self.project)

        def watch(loaded: LoadedModel, step: int) -> Watched:
            answers = generate_answers(loaded, prompts, self.max_new_tokens)
            whom = Source("", loaded.choice.name, loaded.precision, lambda: None)
            card = self.card_of(arm, few, whom, answers, recipe=f"step {step}")
            shown = [
                {"row": e.row_id, "input": show(e.input), "expected": show(e.answer), "said": show(a.text)}
                for e, a in list(zip(few, answers, strict=True))[:SHOWN_ON_THE_WAY]
            ]
            return Watched(card.interval(), card.n, shown)

        return watch

    def comparison(self, arms: Sequence[Arm] = ()) -> Comparison:
        """The saved scores as one table.

        Args:
            arms: those compared, for what a server among them had to say.
        """
        cards = self.cards()
        notes = [note for arm in arms for note in getattr(arm.endpoint, "notes", ())]
        labelled = [card for card in cards if card.n] if self.task.kind == "label" else []
        first = {card.arm: card.scored[0] if isinstance(card, Seeds) else card for card in labelled}
        return Comparison(
            tuple(cards), tuple(notes), {arm: macro_f1(without_sources(card), self.test) for arm, card in first.items()}
        )

    def cards(self) -> list[Scorecard | Seeds]:
        """The saved scores of the comparison, in the order of the arms; a tuned arm's seeds together.

        Raises:
            Prerequisite: the comparison wasn't made, or not to its end.
        """
        files = read_json(self.project.need(COMPARED))["cards"]
        found = [tuple(Scorecard.load(self.project.need(name)) for name in names) for names in files]
        return [cards[0] if len(cards) == 1 else Seeds(cards) for cards in found]

    def recommendation(self) -> Recommendation:
        """What notebook 02 recommended, on the rows as they are now.

        Raises:
            Prerequisite: there is none.
            Mismatch: the rows or the scores have changed since.
        """
        found = Recommendation.load(self.project.need("decide/recommendation.json"))
        if found.data != self.test.fingerprint:
            raise Mismatch(
                "The recommendation was made on other test rows than the project has now. "
                "Run 02_prompt_rag_or_finetune.ipynb again."
            )
        goal = self.project.path("decide/goal.json")
        if goal.exists() and (set_ := Goal.load(goal)) and (set_.good_enough, set_.margin) != (found.good_enough, found.margin):
            raise Mismatch(
                "The recommendation was made for another goal than the project has now. "
                "Run 02_prompt_rag_or_finetune.ipynb again."
            )
        compared = read_json(self.project.need(COMPARED))
        if found.cards != recipes(self.cards()) or compared["train"] != self.train.fingerprint:
            raise Mismatch(
                "The recommendation was made from other scores or training rows than the project has now. "
                "Run 02_prompt_rag_or_finetune.ipynb again."
            )
        return found

    def arm(self, key: str) -> Arm:
        """An arm of the comparison, made again from the rows, the task and the documents.

        Raises:
            Mismatch: it can't be made any more, or would ask something else than what was scored.
        """
        saved = self.project.path(COMPARED)
        compared = read_json(saved) if saved.exists() else {}
        server = compared.get("server")
        arms = {arm.key: arm for arm in self.arms(Endpoint(**server) if server else None, everything=True)}
        if key not in arms:
            raise Mismatch(
                f"The comparison recommends an arm {key!r}, which can't be made from this project as it is now (it can make "
                f"{', '.join(arms)}). Put back what it was made from, or run 02_prompt_rag_or_finetune.ipynb again."
            )
        if arms[key].recipe != compared.get("arms", {}).get(key, arms[key].recipe):
            raise Mismatch(
                f"{arms[key].title} would now ask something else than what was scored: its instructions, examples or documents "
                "have changed since. Run 02_prompt_rag_or_finetune.ipynb again."
            )
        return arms[key]

    def winner(self) -> Arm:
        """The arm that the saved recommendation names, whatever the outcome.

        Raises:
            Prerequisite, Mismatch: as `recommendation` and `arm`.
        """
        return self.arm(self.recommendation().arm)

    def to_train(self) -> Arm:
        """What notebook 03 trains: the winner where it is a tuned arm, else the pilot's form, for learning."""
        return self.winner() if self.recommendation().tuned else pilot()

    def training_rows(self) -> tuple[Dataset, Dataset]:
        """Rows to learn from and rows to watch, rendered as the arm that is trained wants them."""
        form = self.to_train().trained.form
        return form.rendered(self.train), form.rendered(self.validation)

    def run(self) -> Run:
        """The finished training run of notebook 03, on the training rows as they are now.

        Raises:
            Prerequisite: there is none.
            Mismatch: the training rows, or the form that is to be trained, have changed since.
        """
        run = Run.load(self.project.need("train/run.json"))
        if run.plan["data"] != self.training_rows()[0].fingerprint:
            raise Mismatch(
                "The model was trained on other rows than the project has now, or on the same rows in another form. "
                "Run 03_train_with_qlora.ipynb again."
            )
        return run

    def steps(self, place: str) -> list[dict]:
        """The step log of a training run, from which its chart can be drawn again."""
        return read_steps(self.project.path(place))

    def score_validation(self, run: Run, progress: Progress | None = None) -> Scorecard:
        """Score the tuned model on the validation rows; test rows stay unseen."""
        arm = replace(self.to_train(), key="tuned", title="Tuned model, validation rows")
        path = self.project.path("train/validation.json")
        return self.score(arm, self.validation, path, self.tuned(run, "train"), progress, test_look=False)

    def side_by_side(self, after: Scorecard, rows: int = 5) -> SideBySide:
        """A few validation rows answered by the base model and by the tuned one, asked in the same form."""
        few = self.validation.head(rows)
        arm = replace(self.to_train(), key="before", title="Base model, validation rows", trained=None)
        before = self.score(arm, few, self.project.path("train/before.json"), self.untuned(), test_look=False)
        self.release()
        answers = {row.row_id: row.answer for row in after.rows}
        said = {row.row_id: row.answer for row in before.rows}
        return SideBySide(tuple((e.input, e.answer, said[e.row_id], answers[e.row_id]) for e in few))
