"""What preference training changed: the tuned model against the aligned one on held-out rows, and what was forgotten."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

from workbench.check.forgetting import ForgettingReport, check_forgetting
from workbench.check.skills import load_suite
from workbench.dataset import Dataset
from workbench.decide.compare import Bench, Source
from workbench.decide.rule_preferences import FOLDER, PreferencePairs
from workbench.files import file_sha256
from workbench.models import LoadedModel, answer_precision, dequantised, load_for_training
from workbench.result import Result, html_table
from workbench.runtime import noise_to
from workbench.scoring.answers import LocalModel
from workbench.scoring.intervals import Interval, mean_interval, paired_interval
from workbench.scoring.scorecard import Scorecard
from workbench.scoring.scorers import likeness
from workbench.train.plan import LONGEST_ROW, QLORA
from workbench.train.preferences import PreferencePlan, PreferenceRun, align, preference_plan
from workbench.train.recorder import Progress as TrainingProgress
from workbench.train.run import Run, adapter_folder

if TYPE_CHECKING:
    import pandas

# Embeddings of two answers that say the same in other words differ by about this much.
ALIKE = 0.01
QUICK_STEPS = 15
JUDGE = "likeness to the row's own answer (cosine of embeddings)"


@dataclass(frozen=True)
class Check:
    """One measure before and after.

    Attributes:
        difference: after less before, paired over the rows, with its 95 % interval.
        labelled: whether the pairs were labelled by this very measure, or it holds a part of it: then a gain only shows that
            the lesson was learnt.
    """

    name: str
    before: float
    after: float
    difference: Interval
    labelled: bool


@dataclass(frozen=True, repr=False)
class Alignment(Result):
    """How the answers changed on rows that nothing was learnt from.

    Attributes:
        rate: share of rows on which the aligned model's answer is the better one by `measured_by`, ties as half.
        alike: of the ties, rows with the very same answer.
    """

    labelled_by: str
    measured_by: str
    rows: int
    wins: int
    losses: int
    ties: int
    alike: int
    rate: Interval
    checks: tuple[Check, ...]

    @classmethod
    def from_dict(cls, fields: dict) -> Alignment:
        """Read checks and intervals back."""
        checks = tuple(Check(**{**check, "difference": Interval(*check["difference"])}) for check in fields["checks"])
        return cls(**{**fields, "rate": Interval(*fields["rate"]), "checks": checks})

    def __repr__(self) -> str:
        says = "better" if self.rate.low > 0.5 else "worse" if self.rate.high < 0.5 else "no difference shown"
        return (
            f"Aligned against tuned: {says}; win rate {self.rate} on {self.rows} held-out rows "
            f"({self.wins} better, {self.losses} worse, {self.ties} ties as half, of these {self.alike} the same answer)"
        )

    def table(self) -> pandas.DataFrame:
        """One row a measure."""
        import pandas

        return pandas.DataFrame(
            [
                (c.name, c.before, c.after, c.difference.signed(), "what labelled the pairs: no evidence" if c.labelled else "yes")
                for c in self.checks
            ],
            columns=["measure", "tuned", "aligned", "difference, 95 % interval", "independent"],
        )

    def _repr_html_(self) -> str:
        note = f"Pairs {self.labelled_by}. The win rate is by {self.measured_by}, which took no part in that."
        return html_table(self.table(), caption=repr(self)) + f"<p>{escape(note)}</p>"


def plan_alignment(bench: Bench, run: Run, pairs: PreferencePairs, place: str = "train") -> PreferencePlan:
    """The recommended settings for the project's tuned model; the quick depth makes few steps."""
    steps = QUICK_STEPS if bench.project.depth.name == "quick" else 0
    start = adapter_folder(bench.project.path(place))
    flavour = run.plan.get("flavour", QLORA)
    return preference_plan(bench.choice, pairs.pairs, start, steps, bench.project.depth.batch_size, flavour=flavour)


def align_project(
    bench: Bench, plan: PreferencePlan, pairs: PreferencePairs, place: str = "train", folder: str = FOLDER,
    progress: TrainingProgress | None = None,
) -> PreferenceRun:
    """Go on with the project's tuned model by the plan, or take up what was begun."""
    bench.release()
    start, target = adapter_folder(bench.project.path(place)), bench.project.path(folder)
    return align(plan, pairs.pairs, bench.choice, start, target, bench.project.log, progress)


def aligned_model(bench: Bench, aligned: PreferenceRun, folder: str = FOLDER) -> LoadedModel:
    """The base with the adapter that preference training left."""
    adapter, flavour = adapter_folder(bench.project.path(folder)), PreferencePlan(**aligned.plan).flavour
    return dequantised(load_for_training(bench.choice, bench.project.log, LONGEST_ROW, adapter, flavour))


def _source(bench: Bench, aligned: PreferenceRun, folder: str) -> Source:
    flavour = PreferencePlan(**aligned.plan).flavour
    precision = "NF4" if flavour == QLORA else answer_precision()
    weights = file_sha256(adapter_folder(bench.project.path(folder)) / "adapter_model.safetensors")
    identity = f"{bench.choice.reference} {precision} {weights}"

    def load() -> LocalModel:
        bench.release()
        return LocalModel(aligned_model(bench, aligned, folder), identity)

    return Source(identity, bench.choice.name, precision, load, aligned.seconds)


def what_changed(
    bench: Bench, run: Run, aligned: PreferenceRun, pairs: PreferencePairs, rows: Dataset | None = None, place: str = "train",
    folder: str = FOLDER, progress: Callable[[str, int, int], None] | None = None,
) -> Alignment:
    """Both models' answers to held-out rows, held against each other by another measure than the one that labelled.

    Args:
        run: the tuned model's, whose adapter lies in `place`. aligned: the one after, in `folder`.
        rows: the validation rows where left out; a look at test rows is counted.
    """
    rows = rows or bench.validation
    look = rows.name == "test"
    arm, path = replace(bench.to_train(), key="before"), bench.project.path
    before = bench.score(
        replace(arm, title="Tuned model"), rows, path(f"{folder}/{rows.name}-before.json"), bench.tuned(run, place), progress, look,
        "before preference training",
    )
    after = bench.score(
        replace(arm, title="Aligned model"), rows, path(f"{folder}/{rows.name}-after.json"), _source(bench, aligned, folder), progress,
        look, "after preference training",
    )
    by_rule = "rule" in pairs.labelled_by
    return compared(before, after, rows, bench.embedder.vectors, pairs.labelled_by, _labelling(bench.scorer.kind) if by_rule else ())


def _labelling(kind: str) -> tuple[str, ...]:
    """The measures that the rule is, or is a part of; an empty name is the task's whole score."""
    return ("score", "meaning") if kind == "voice" else ("score", "*")


def compared(
    before: Scorecard, after: Scorecard, rows: Dataset, vectors: Callable[[list[str]], object], labelled_by: str, labelling: Sequence[str]
) -> Alignment:
    """Two cards on the same rows: win rate by likeness, and every measure's paired difference.

    Args:
        vectors: texts to unit vectors.
        labelling: names of the measures that labelled the pairs, or hold a part of what did; "*" for every part of the score.
    """
    said = [{row.row_id: row for row in card.rows if not row.error} for card in (before, after)]
    both = [e for e in rows if e.row_id in said[0] and e.row_id in said[1]]
    likes = [likeness(vectors, [e.answer for e in both], [s[e.row_id].answer for e in both]) for s in said]
    outcomes = [_outcome(a - b) for b, a in zip(*likes, strict=True) if a is not None and b is not None]
    same = sum(said[0][e.row_id].answer.strip() == said[1][e.row_id].answer.strip() for e in both)
    checks = [_check("likeness to the row's own answer", likes[0], likes[1], False)]
    scores = [[s[e.row_id].score for e in both] for s in said]
    if before.scorer != "text":
        checks.append(_check(f"the task's score ({before.scorer})", *scores, "score" in labelling))
    for name in dict.fromkeys(name for s in said for e in both for name in s[e.row_id].aspects):
        values = [[s[e.row_id].aspects.get(name) for e in both] for s in said]
        checks.append(_check(name, *values, name in labelling or "*" in labelling))
    return Alignment(
        labelled_by, JUDGE, len(outcomes), outcomes.count(1.0), outcomes.count(0.0), outcomes.count(0.5), same,
        mean_interval(outcomes), tuple(checks),
    )


def _outcome(gain: float) -> float:
    return 0.5 if abs(gain) < ALIKE else float(gain > 0)


def _check(name: str, before: Sequence[float | None], after: Sequence[float | None], labelled: bool) -> Check:
    pairs = [(b, a) for b, a in zip(before, after, strict=True) if b is not None and a is not None]
    n = max(1, len(pairs))
    difference = paired_interval([a for _, a in pairs], [b for b, _ in pairs])
    return Check(name, sum(b for b, _ in pairs) / n, sum(a for _, a in pairs) / n, difference, labelled)


def check_aligned(
    bench: Bench, aligned: PreferenceRun, folder: str = FOLDER, progress: Callable[[str, int, int], None] | None = None
) -> ForgettingReport:
    """The same check for forgetting as of the tuned model: the 4-bit base against the base with the aligned adapter."""
    project = bench.project
    with noise_to(project.log):
        report = check_forgetting(
            lambda: aligned_model(bench, aligned, folder), load_suite(project.depth.items_per_skill), bench.train, bench.task.kind,
            PreferencePlan(**aligned.plan).fingerprint, bench.choice.name, project.path(f"{folder}/check"), progress,
        )
    report.save(project.path(f"{folder}/forgetting.json"))
    return report
