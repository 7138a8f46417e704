"""Does the data carry it? Pilots on growing parts of the rows, and on the rows as they came against the curated ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

from workbench.curate.checks.check import group_key
from workbench.curate.near import near_duplicates
from workbench.curate.reading import ColumnGuess, RawTable, to_dataset
from workbench.curate.splitting import ALIKE
from workbench.curate.start import choose_columns, project_columns, project_encodings, project_terms, read_project_files
from workbench.dataset import Dataset, Example
from workbench.decide.arms import Arm, pilot
from workbench.errors import BadInput, Prerequisite
from workbench.files import read_json
from workbench.project import Project
from workbench.result import Result, html_table
from workbench.scoring.intervals import Interval
from workbench.scoring.scorecard import Scorecard
from workbench.scoring.seeds import Seeds
from workbench.train.plan import plan
from workbench.train.run import Run

if TYPE_CHECKING:
    import pandas

    from workbench.decide.compare import Bench

Progress = Callable[[str, int, int], None]
View = Callable[[list[dict], int], None]
PLACE = "decide/learning"
SEEDS = (0, 1, 2)
SIZES = 5
THOROUGH = "thorough"
SAME_STEPS = (
    "Every pilot made the same number of steps, or steps and rows would change together and neither could be credited; "
    "a small part is therefore passed over more often."
)


@dataclass(frozen=True)
class Point:
    """The pilots on one number of rows: their mean score over rows and seeds, and each seed's own mean."""

    rows: int
    score: Interval
    seeds: tuple[float, ...]

    @classmethod
    def from_dict(cls, fields: dict) -> Point:
        """Read the interval back."""
        return cls(fields["rows"], Interval(*fields["score"]), tuple(fields["seeds"]))

    @property
    def cells(self) -> tuple:
        """Rows, score, interval and each seed, for a table."""
        each = " ".join(f"{score:.3f}" for score in self.seeds)
        return self.rows, round(self.score.value, 3), f"{self.score.low:.3f} to {self.score.high:.3f}", each


@dataclass(frozen=True, repr=False)
class LearningCurve(Result):
    """Score on the validation rows by number of training rows.

    Attributes:
        points: from the fewest rows to all of them.
        gains: by how much each size is better than the one before it, paired over the validation rows; intervals
            cover the choice of validation rows and of seeds.
        steps: of every pilot.
    """

    points: tuple[Point, ...]
    gains: tuple[Interval, ...]
    steps: int
    validation_rows: int

    @classmethod
    def from_dict(cls, fields: dict) -> LearningCurve:
        """Read points and intervals back."""
        points = tuple(map(Point.from_dict, fields["points"]))
        return cls(points, tuple(Interval(*g) for g in fields["gains"]), fields["steps"], fields["validation_rows"])

    def __repr__(self) -> str:
        before, last = (p.rows for p in self.points[-2:])
        gain, span = self.gains[-1], f"from {before} to {last} rows the score"
        if gain.low > 0:
            return f"More rows still helped: {span} rises by {gain}."
        if gain.high < 0:
            return f"More rows did not help: {span} falls by {-gain.value:.3f} [{-gain.high:.3f}, {-gain.low:.3f}]."
        return f"No gain shown from the last rows: {span} changes by {gain}."

    def table(self) -> pandas.DataFrame:
        """One row a size."""
        import pandas

        gains = ["", *(g.signed() for g in self.gains)]
        rows = [(*p.cells, gain) for p, gain in zip(self.points, gains, strict=True)]
        return pandas.DataFrame(rows, columns=["training rows", "score", "95 % interval", "each seed", "against the row above"])

    def _repr_html_(self) -> str:
        note = f"{SAME_STEPS} Here {self.steps} steps, scored on {self.validation_rows} validation rows."
        return html_table(self.table(), caption=repr(self)) + f"<p>{escape(note)}</p>"


@dataclass(frozen=True, repr=False)
class CurationGain(Result):
    """A pilot on the rows as they came against one on the curated rows, on the same validation rows.

    Attributes:
        raw_rows, curated_rows: rows learnt from.
        leaked: rows as they came that ask a validation row's question, or nearly; curating took such rows out.
        gain: curated less raw, paired over the validation rows, over rows and seeds.
    """

    raw_rows: int
    curated_rows: int
    leaked: int
    raw: Point
    curated: Point
    gain: Interval
    steps: int
    validation_rows: int

    @classmethod
    def from_dict(cls, fields: dict) -> CurationGain:
        """Read points and interval back."""
        points = {name: Point.from_dict(fields[name]) for name in ("raw", "curated")}
        return cls(**{**fields, **points, "gain": Interval(*fields["gain"])})

    def __repr__(self) -> str:
        gain = self.gain
        if gain.low > 0:
            return f"Curating gained {gain}."
        if gain.high < 0:
            return f"Curating cost {-gain.value:.3f} [{-gain.high:.3f}, {-gain.low:.3f}]."
        return f"No gain or loss from curating is shown: {gain}."

    @property
    def reading(self) -> str:
        """What speaks for either side beside the rows' quality."""
        leaks = (
            f"{self.leaked} of the {self.raw_rows} rows as they came ask a validation row's question or nearly so; such "
            "leaks flatter the rows as they came. "
            if self.leaked
            else "None of the rows as they came asks a validation row's question. "
        )
        return (
            f"{leaks}The validation rows are curated ones, masked like the curated training rows, which favours those. "
            f"Both sides made {self.steps} steps. A model trained on rows as they came has seen unmasked personal data: do not "
            "pass it on."
        )

    def table(self) -> pandas.DataFrame:
        """One row a side."""
        import pandas

        sides = (("as they came", self.raw), ("curated", self.curated))
        rows = [(name, *point.cells) for name, point in sides]
        return pandas.DataFrame(rows, columns=["rows", "how many", "score", "95 % interval", "each seed"])

    def _repr_html_(self) -> str:
        return html_table(self.table(), caption=repr(self)) + f"<p>{escape(self.reading)}</p>"


def five_sizes(rows: int, fewest: int) -> tuple[int, ...]:
    """Up to five sizes, each twice the one before, the last all the rows; none below `fewest`."""
    sizes = [round(rows / 2**i) for i in reversed(range(SIZES))]
    return tuple(sorted({size for size in sizes if size >= fewest} | {rows}))


def learning_curve(
    bench: Bench, sizes: Sequence[int] | None = None, seeds: Sequence[int] = SEEDS, view: View | None = None,
    progress: Progress | None = None, anyway: bool = False,
) -> LearningCurve:
    """Train pilots on nested random parts of the training rows and score them on the validation rows.

    Each seed has its own order of rows, of which a size takes the first, its own start of the adapter and its own
    order of learning. All runs make the same number of steps (SAME_STEPS). What is finished is read back.

    Args:
        sizes: numbers of rows; five doublings up to all rows if none are given.
        view: called with the step log of each training.
        progress: called with what, rows done and rows in all.
        anyway: run in the quick depth too.

    Raises:
        Prerequisite: the project's depth is quick; the message says how long it would take.
        BadInput: fewer than two sizes, or one that there are no rows for.
    """
    depth = bench.project.depth
    sizes = tuple(sizes or five_sizes(len(bench.train), depth.batch_size))
    if len(set(sizes)) < 2 or list(sizes) != sorted(set(sizes)) or not 1 <= sizes[0] <= sizes[-1] <= len(bench.train):
        raise BadInput(
            f"A learning curve needs two or more rising sizes between 1 and {len(bench.train)} rows, and got {list(sizes)}. "
            "Give others, or add rows."
        )
    _only_thorough(bench, "The learning curve", len(sizes) * len(seeds), anyway)
    cards = [_pilots(bench, bench.train, n, str(n), f"Pilot on {n} rows", seeds, view, progress) for n in sizes]
    bench.release()
    gains = tuple(after.minus(before) for before, after in zip(cards, cards[1:], strict=False))
    curve = LearningCurve(tuple(map(_point, sizes, cards)), gains, _steps(bench), len(bench.validation))
    curve.save(bench.project.path(f"{PLACE}/curve.json"))
    return curve


def as_it_came(
    bench: Bench, raw: Dataset | None = None, seeds: Sequence[int] = SEEDS, view: View | None = None,
    progress: Progress | None = None, anyway: bool = False,
) -> CurationGain:
    """Train pilots on the rows as they came and on the curated rows; score both on the validation rows.

    The curated side is the last size of the learning curve, and is not trained twice.

    Args:
        raw: the rows as they came; else `raw_training_rows` of the project.
        anyway: run in the quick depth too.

    Raises:
        Prerequisite: the project's depth is quick; the message says how long it would take.
    """
    _only_thorough(bench, "The comparison with the rows as they came", 2 * len(seeds), anyway)
    raw = apart_from(raw_training_rows(bench.project) if raw is None else raw, [*bench.validation, *bench.test])
    size, whole = len(bench.train), len(raw)
    curated = _pilots(bench, bench.train, size, str(size), f"Pilot on {size} rows", seeds, view, progress)
    as_came = _pilots(bench, raw, whole, "raw", "Pilot on the rows as they came", seeds, view, progress)
    bench.release()
    found = CurationGain(
        whole, size, leaked_rows(raw, bench.validation), _point(whole, as_came), _point(size, curated),
        curated.minus(as_came), _steps(bench), len(bench.validation),
    )
    found.save(bench.project.path(f"{PLACE}/curation.json"))
    return found


def raw_training_rows(project: Project) -> Dataset:
    """The rows of the project's file before any decision: read as in notebook 01, unreadable ones left out.

    Raises:
        BadInput: the file can't be read any more.
    """
    names = [name for name, _ in project_encodings(project)]
    chosen = _kept(project, "source").get("encoding", "")
    table, _ = read_project_files(project, chosen if chosen in names else "")
    rows, _ = to_dataset(table, _columns(project, table), "as-they-came", project_terms(project))
    return rows


def _kept(project: Project, panel: str) -> dict:
    path = project.path(f"panels/{panel}.json")
    return read_json(path) if path.exists() else {}


def _columns(project: Project, table: RawTable) -> ColumnGuess:
    guess, kept = project_columns(project, table), _kept(project, "columns")
    if guess.messages:
        roles = {name.removeprefix("role "): role for name, role in kept.items() if name.startswith("role ") and role}
        return replace(guess, roles={**guess.roles, **roles})
    here = all(kept.get(name) in table.columns for name in ("input", "answer"))
    if not here or (kept["input"], kept["answer"]) == (guess.input, guess.answer):
        return guess
    return choose_columns(table, kept["input"], kept["answer"], guess)


def _place_of(example: Example) -> tuple:
    # Row ids count lines, and a test set that came along has a file, and lines, of its own.
    return example.provenance.get("sha256"), example.row_id


def apart_from(rows: Dataset, held_out: Sequence[Example]) -> Dataset:
    """The rows less those that are held out themselves; others with the same text stay."""
    taken = {_place_of(e) for e in held_out}
    return rows.select(lambda e: _place_of(e) not in taken)


def leaked_rows(rows: Dataset, held_out: Dataset) -> int:
    """How many rows ask a held-out row's question: the same once normalised, or four fifths of its word pairs."""
    asked = {group_key(e) for e in held_out}
    pairs = near_duplicates([e.input for e in rows] + [e.input for e in held_out], ALIKE)
    near = {one for one, other, _ in pairs if one < len(rows) <= other}
    return sum(i in near or group_key(e) in asked for i, e in enumerate(rows))


def _part(rows: Dataset, size: int, seed: int) -> Dataset:
    order = random.Random(seed).sample(range(len(rows)), len(rows))
    return Dataset(rows.name, tuple(rows.examples[i] for i in order[:size]))


def _steps(bench: Bench) -> int:
    depth = bench.project.depth
    return plan(bench.choice, bench.train, bench.validation, depth.pilot_steps, depth.batch_size).steps


def _pilots(
    bench: Bench, rows: Dataset, size: int, name: str, title: str, seeds: Sequence[int], view: View | None,
    progress: Progress | None,
) -> Seeds:
    arm = replace(pilot(), key=f"learning-{name}", title=title)
    cards = Seeds(tuple(_card(bench, arm, _part(rows, size, s), f"{PLACE}/{name}-{s}", s, view, progress) for s in seeds))
    if not cards.n:
        raise Prerequisite(
            f"No validation row could be judged for {title!r}, so its score isn't known. Look at the answers in {PLACE} in the "
            "project's folder, and at how they are judged."
        )
    return cards


def _card(
    bench: Bench, arm: Arm, rows: Dataset, place: str, seed: int, view: View | None, progress: Progress | None
) -> Scorecard:
    depth, steps = bench.project.depth, _steps(bench)
    settings = plan(bench.choice, rows, bench.validation, depth.pilot_steps, depth.batch_size, seed)
    settings = settings.change(steps=steps, warmup_steps=max(1, steps // 20))
    source = bench.tuned(bench.fit(settings, place, view, rows, bench.validation), place)
    return bench.score(arm, bench.validation, bench.project.path(f"{place}.json"), source, progress, test_look=False)


def _point(rows: int, card: Seeds) -> Point:
    return Point(rows, card.interval(), tuple(one.interval().value for one in card.scored))


def _only_thorough(bench: Bench, what: str, runs: int, anyway: bool) -> None:
    if anyway or bench.project.depth.name == THOROUGH:
        return
    path = bench.project.path("decide/pilot/run.json")
    took = f"as long as {runs} pilots"
    if path.exists():
        took = f"about {runs * Run.load(path).seconds / 60:.0f} minutes at the pace of this project's pilot"
    raise Prerequisite(
        f"{what} takes {runs} trainings, {took}, and scoring beside it. The quick depth leaves it out; choose the thorough "
        "depth in notebook 00, or pass anyway=True."
    )
