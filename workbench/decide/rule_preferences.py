"""Preference pairs: several answers of the tuned model to one row, told apart by people's blind votes or by a rule."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from workbench.curate.start import shown_text
from workbench.dataset import Dataset, Example
from workbench.decide.arms import Arm
from workbench.decide.compare import Bench, Source
from workbench.decide.votes import Ballots, Votes, as_preferences
from workbench.errors import Prerequisite
from workbench.files import fingerprint
from workbench.models import LoadedModel
from workbench.project import Project
from workbench.result import Result
from workbench.runtime import noise_to
from workbench.scoring.answers import NOTHING_KNOWN, Answer, Prompt, batches_of, rows_too_long, read_answer
from workbench.scoring.cache import answer_all
from workbench.scoring.decoding import greedy_tokens
from workbench.scoring.scorecard import ScoredRow, Scorecard
from workbench.train.run import Run

if TYPE_CHECKING:
    import pandas
    import torch

FOLDER = "align"
DRAWS = 4
# Rows that answers are drawn to, by depth.
ROWS = {"quick": 32, "thorough": 160}
# Two answers whose labels differ by less say little about which is better.
CLEAR = 0.25
PAIRS_PER_ROW = 2
FEWEST_VOTED = 20
SHOWN = 3


class Voting(Protocol):
    """What the voting panel holds: the votes, and the pairs of answers that they are on."""

    result: Votes
    pairs: Ballots


@dataclass
class SampledModel:
    """An Answerer that draws each token by its probability, at temperature 1: the same draws for the same seed and prompts."""

    loaded: LoadedModel
    identity: str
    seed: int

    @property
    def name(self) -> str:
        """The model's name."""
        return self.loaded.choice.name

    @property
    def precision(self) -> str:
        """How the weights are held."""
        return self.loaded.precision

    def answer(
        self, prompts: Sequence[Prompt], limit: int, schema: dict | None = None, known: Mapping[int, Answer] = NOTHING_KNOWN
    ) -> Iterator[dict[int, Answer]]:
        """Yield finished batches, longest prompts first; each batch has a seed of its own, so that a kill changes none."""
        encoded = [self.loaded.tokens(self.loaded.chat_text(prompt)) for prompt in prompts]
        too_long = rows_too_long(encoded, limit, self.loaded.window)
        if too_long - set(known):
            yield {i: Answer("", len(encoded[i]), 0, False, 0.0, asked=False) for i in sorted(too_long)}
        order = sorted((i for i in range(len(encoded)) if i not in too_long), key=lambda i: (-len(encoded[i]), i))
        for batch in batches_of(order, [len(ids) for ids in encoded], limit):
            if not all(i in known for i in batch):
                drawing = Drawing(int(fingerprint([self.seed, batch]), 16) % 2**63)
                said = greedy_tokens(self.loaded, [encoded[i] for i in batch], limit, drawing)
                yield {i: read_answer(self.loaded, tokens, len(encoded[i]), 0.0) for i, tokens in zip(batch, said, strict=True)}


class Drawing:
    """Stands where a grammar stands in the decoding: of all next tokens it allows the one that it draws, at temperature 1."""

    def __init__(self, seed: int) -> None:
        """Start a series of draws that is the same for the same seed."""
        self._seed = seed
        self._numbers: Any = None

    def matcher(self) -> Drawing:
        """What keeps a row's place; a draw needs none."""
        return self

    def consume_token(self, token: int) -> None:
        """Nothing follows from a token."""

    def allowed(self, _: Sequence[Any], logits: torch.Tensor) -> torch.Tensor:
        """True for one token a row, drawn by its probability: [rows, vocabulary]."""
        import torch

        if self._numbers is None:
            self._numbers = torch.Generator(logits.device).manual_seed(self._seed)
        drawn = torch.multinomial(logits.float().softmax(-1), 1, generator=self._numbers)
        return torch.zeros_like(logits, dtype=torch.bool).scatter_(1, drawn, True)

    def processor(self, rows: int, width: int) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        """The same for the library's own decoding."""
        return lambda ids, scores: scores.masked_fill(~self.allowed((), scores), float("-inf"))


@dataclass(frozen=True, repr=False)
class Draws(Result):
    """Several answers of the tuned model to the same training rows, drawn at temperature 1 and judged.

    Attributes:
        rows: the rows; `asked` has them as the model was asked, with instructions or passages if it was tuned with such.
        cards: one Scorecard a draw.
    """

    rows: Dataset
    asked: Dataset
    cards: tuple[Scorecard, ...]

    def __repr__(self) -> str:
        differ = sum(len({card.rows[i].answer for card in self.cards}) > 1 for i in range(len(self.rows)))
        return f"{len(self.cards)} answers to each of {len(self.rows)} training rows; to {differ} rows they differ"

    def table(self) -> pandas.DataFrame:
        """One row a draw: the mean score with its interval."""
        import pandas

        return pandas.DataFrame([(card.title, str(card.interval()), card.cut) for card in self.cards], columns=["answers", "score", "cut"])


def draw_answers(
    bench: Bench, run: Run, place: str = "train", rows: int = 0, draws: int = DRAWS, seed: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> Draws:
    """Let the tuned model answer training rows several times, at temperature 1; what was drawn is read back.

    Args:
        run: the tuned model's, whose adapter lies in `place`.
        rows: training rows, chosen by the seed; 0 for as many as the depth has time for.
    """
    chosen = _some(bench.train, rows or ROWS[bench.project.depth.name], seed)
    arm, source = bench.to_train(), bench.tuned(run, place)
    loaded: list[LoadedModel] = []

    def model() -> LoadedModel:
        if not loaded:
            bench.release()
            loaded.append(bench.with_adapter(run, place))
        return loaded[0]

    cards = [_draw(bench, arm, chosen, source, model, k, seed, progress) for k in range(draws)]
    for model_in_memory in loaded:
        model_in_memory.free()
    return Draws(chosen, arm.form.rendered(chosen), tuple(cards))


def on_draws(vote: Callable[..., Any], project: Project, draws: Draws, shown: Callable[[str], str] | None = None) -> Any:
    """The voting panel on the first two draws: which of two answers of one model is better.

    Args:
        vote: makes the panel, such as `panels.vote`.
        shown: how a text is masked to be looked at.
    """
    return vote(project, draws.cards[:2], draws.rows, shown)


def _some(rows: Dataset, wanted: int, seed: int) -> Dataset:
    order = random.Random(seed).sample(range(len(rows)), len(rows))
    taken = set(order[:wanted])
    # A test file of its own counts its lines anew, so that a test row may bear a training row's id; votes go by the id.
    return Dataset(rows.name, tuple(replace(e, row_id=f"train {e.row_id}") for i, e in enumerate(rows) if i in taken))


def _draw(
    bench: Bench, arm: Arm, rows: Dataset, source: Source, model: Callable[[], LoadedModel], k: int, seed: int,
    progress: Callable[[str, int, int], None] | None,
) -> Scorecard:
    identity, title = f"{source.identity} drawn at temperature 1, seed {seed}, {k}", f"Draw {k + 1}"
    step = (lambda done, total: progress(f"{title} of the tuned model", done, total)) if progress else None
    with noise_to(bench.project.log):
        answers = answer_all(
            lambda: SampledModel(model(), identity, 1000 * seed + k), identity, [arm.prompt(e) for e in rows], bench.max_new_tokens,
            None, bench.project.path(f"{FOLDER}/answers") / f"{fingerprint(identity)}.jsonl", step,
        )
    drawn = replace(arm, key=f"draw-{k + 1}", title=title)
    return bench.card_of(drawn, rows, replace(source, identity=identity), answers, fingerprint([identity, arm.recipe, rows.fingerprint]))


@dataclass(frozen=True, repr=False)
class PreferencePairs(Result):
    """Rows with an answer preferred and one rejected, and who or what told them apart.

    Attributes:
        labelled_by: a sentence: a rule is called so, and never a person.
        rows: rows that answers were drawn to; `undecided` of them gave no pair.
        few: some of the pairs (input, preferred, rejected), masked as the project's terms have it.
    """

    pairs: Dataset
    labelled_by: str
    rows: int
    undecided: int
    few: tuple[tuple[str, str, str], ...]

    def __repr__(self) -> str:
        return f"{len(self.pairs)} preference pairs from {self.rows} training rows ({self.undecided} gave none), {self.labelled_by}"

    def table(self) -> pandas.DataFrame:
        """Some of the pairs."""
        import pandas

        return pandas.DataFrame(self.few, columns=["input", "preferred", "rejected"])


def preference_pairs(bench: Bench, draws: Draws, voting: Voting | None = None) -> PreferencePairs:
    """Pairs from the blind votes on the draws where there are enough, else from a rule; test rows are never among them.

    Raises:
        Prerequisite: there are too few votes, and no rule that could tell the answers apart, or none that they differ by.
    """
    voted = as_preferences(bench.project, voting.result, voting.pairs, draws.asked) if voting else None
    if voted and len(voted) >= FEWEST_VOTED:
        return _with_few(bench, voted, f"labelled by {len(voted)} blind votes", len(draws.rows), len(draws.rows) - len(voted))
    what, value = _rule(bench)
    pairs: list[Example] = []
    undecided = 0
    for i, example in enumerate(draws.asked):
        found = _pairs_of([card.rows[i] for card in draws.cards], value)
        undecided += not found
        for number, (good, bad) in enumerate(found, start=1):
            how = f"labelled by rule: {what}; {value(good):.2f} against {value(bad):.2f}; both drawn from the tuned model at temperature 1"
            pair = example.changed(example.messages, good.answer, how, bad.answer)
            pairs.append(replace(pair, row_id=f"{example.row_id}~{number}"))
    if not pairs:
        raise Prerequisite(
            f"No two answers of the tuned model to the same row differ clearly by the rule ({what}), so there is nothing to "
            f"prefer. Vote on at least {FEWEST_VOTED} pairs above, or draw more answers (draws=8, rows=200)."
        )
    return _with_few(bench, Dataset("preferences", tuple(pairs)), f"labelled by rule: {what}", len(draws.rows), undecided)


def _with_few(bench: Bench, pairs: Dataset, labelled_by: str, rows: int, undecided: int) -> PreferencePairs:
    shown = shown_text(bench.project)
    few = tuple((shown(e.input), shown(e.answer), shown(e.rejected)) for e in pairs.head(SHOWN))
    return PreferencePairs(pairs, labelled_by, rows, undecided, few)


def _rule(bench: Bench) -> tuple[str, Callable[[ScoredRow], float | None]]:
    """The rule that labels answers: its name, and what it gives one, from 0 to 1."""
    kind = bench.scorer.kind
    if kind == "voice":
        return "the reply says what its row says is due, and nothing else (patterns)", lambda row: row.aspects.get("meaning")
    if kind == "text":
        raise Prerequisite(
            "Free text is judged here by its likeness to the row's own answer, and that has to measure afterwards what changed: "
            f"what labels can't measure too. Vote on at least {FEWEST_VOTED} pairs above to go on."
        )
    return f"the task's own score ({kind})", lambda row: row.score


def _pairs_of(answers: Sequence[ScoredRow], value: Callable[[ScoredRow], float | None]) -> list[tuple[ScoredRow, ScoredRow]]:
    """The best with the worst, the second best with the second worst, while they differ clearly; each answer once."""
    # One that was cut has no end; learnt as preferred it would teach the model to stop anywhere.
    usable = {row.answer.strip(): row for row in answers if row.answer.strip() and not row.cut and value(row) is not None}
    ordered = sorted(usable.values(), key=value)
    found = [(good, bad) for good, bad in zip(reversed(ordered), ordered, strict=True) if value(good) - value(bad) >= CLEAR]
    return found[: min(PAIRS_PER_ROW, len(ordered) // 2)]
