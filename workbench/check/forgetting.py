"""Did the model forget what it could do before? Paired changes per skill, and a verdict."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.check.skills import ItemScore, Skill, load_suite, score_skills, suite_fingerprint
from workbench.dataset import Dataset, normalise
from workbench.decide.compare import Bench
from workbench.errors import Mismatch
from workbench.files import fingerprint, read_json, write_json
from workbench.models import LoadedModel, load_for_answers
from workbench.project import Project
from workbench.result import Result
from workbench.runtime import noise_to
from workbench.scoring.intervals import Interval, clustered_interval, mcnemar, paired_interval, wilson
from workbench.train.plan import FULL
from workbench.train.run import Run

if TYPE_CHECKING:
    import pandas

LOGLIK_MARGIN = 0.10
ACCURACY_MARGIN = 0.05
INTRUSION_MARGIN = 0.10
PASS, FAIL, UNKNOWN, NO_ROOM = "kept", "lost", "not settled", "not measurable"
SHIP, RETRAIN, UNSURE = "ship", "retrain", "unsure"

RULE = (
    f"A skill counts as lost if the log-likelihood of the right texts fell by more than {LOGLIK_MARGIN} nats per token, "
    "the interval corrected for the number of skills lying wholly below that; as kept if the 95 % interval lies wholly "
    "above; else it is not settled. Where the base model was above guessing, a fall in accuracy by more than "
    f"{ACCURACY_MARGIN:.2f}, its corrected interval lying wholly below that, is a loss too. The task's form in answers to "
    f"general questions counts as lost if it rose by more than {INTRUSION_MARGIN:.0%} with McNemar's p below 0.05, and as "
    f"kept if the upper bound of the rise lies below {2 * INTRUSION_MARGIN:.0%}. The worst finding decides."
)


@dataclass(frozen=True)
class SkillChange:
    """One skill before and after, on the same items.

    Attributes:
        loglik: change in nats per token: (mean, low, high) of the 95 % interval.
        loglik_corrected: the same at the level corrected for the number of skills.
        accuracy: paired change, or None where there is nothing to choose or no room to fall.
    """

    skill: str
    title: str
    n: int
    before: float
    after: float
    loglik: Interval
    loglik_corrected: Interval
    accuracy_before: float | None
    accuracy: Interval | None
    status: str
    note: str


@dataclass(frozen=True)
class Intrusion:
    """How many general questions were answered in the form of the task."""

    n: int
    before: int
    after: int
    p: float
    status: str
    note: str


@dataclass(frozen=True, repr=False)
class ForgettingReport(Result):
    """Base against tuned on general skills, the same 4-bit weights with the adapter off and on."""

    model: str
    run: str
    suite: str
    skills: tuple[SkillChange, ...]
    intrusion: Intrusion

    @classmethod
    def from_dict(cls, fields: dict) -> ForgettingReport:
        """Read a report back."""
        return cls(
            fields["model"], fields["run"], fields["suite"],
            tuple(SkillChange(**{**s, **{k: Interval(*s[k]) for k in ("loglik", "loglik_corrected")},
                                 "accuracy": Interval(*s["accuracy"]) if s["accuracy"] else None}) for s in fields["skills"]),
            Intrusion(**fields["intrusion"]),
        )

    def __repr__(self) -> str:
        counts = {s: sum(c.status == s for c in self.skills) for s in (PASS, UNKNOWN, FAIL)}
        return (
            f"Forgetting: {counts[PASS]} skills kept, {counts[UNKNOWN]} not settled, {counts[FAIL]} lost; "
            f"{self.intrusion.after} of {self.intrusion.n} general questions answered in the task's form"
        )

    def table(self) -> pandas.DataFrame:
        """One row a skill, and one for the form of answers."""
        import pandas

        rows = [
            {
                "skill": c.title,
                "items": c.n,
                "change, nats per token": _span(c.loglik) if c.n else c.note,
                "change in accuracy": _accuracy_text(c),
                "finding": c.status,
            }
            for c in self.skills
        ]
        i = self.intrusion
        rows.append({
            "skill": "Answers in the task's form",
            "items": i.n,
            "change, nats per token": "",
            "change in accuracy": f"{i.before} before, {i.after} after ({_p_text(i.p)})" if i.n else i.note,
            "finding": i.status,
        })
        return pandas.DataFrame(rows)


def _p_text(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _accuracy_text(change: SkillChange) -> str:
    if change.accuracy is None:
        return change.note
    return _span(change.accuracy)


def _span(interval: Interval) -> str:
    return f"{interval.value:+.2f} [{interval.low:+.2f}, {interval.high:+.2f}]"


@dataclass(frozen=True, repr=False)
class Verdict(Result):
    """Whether the tuned model may be used: "ship", "retrain" or "unsure", with the reasons."""

    outcome: str
    reasons: tuple[str, ...]
    run: str

    @classmethod
    def from_dict(cls, fields: dict) -> Verdict:
        """Read a verdict back."""
        return cls(fields["outcome"], tuple(fields["reasons"]), fields["run"])

    def __repr__(self) -> str:
        return f"Verdict: {self.outcome}"

    def table(self) -> pandas.DataFrame:
        """One row a reason."""
        import pandas

        return pandas.DataFrame({"why": self.reasons})


def check_forgetting(
    load: Callable[[], LoadedModel],
    suite: Sequence[Skill],
    train: Dataset,
    kind: str,
    run: str,
    model: str,
    folder: Path,
    progress: Callable[[str, int, int], None] | None = None,
    load_before: Callable[[], LoadedModel] | None = None,
) -> ForgettingReport:
    """Score the suite with the adapter off and on, and compare item by item.

    Args:
        load: gives the tuned model; called only if something is left to score.
        train: the rows trained on, which show what form the task's answers have.
        kind: the task's scorer kind.
        run: fingerprint of the training plan.
        folder: where both passes are kept, so that a killed check goes on.
        load_before: gives the model as it was, where that isn't the tuned one with its adapter off.
    """
    items = suite_fingerprint(suite)
    loaded: list[LoadedModel] = []

    def scores(name: str) -> list[ItemScore]:
        path, key = folder / f"{name}.json", fingerprint([items, run, name])
        if path.exists() and (kept := read_json(path))["key"] == key:
            return [ItemScore(**{**row, "loglik": _number(row["loglik"])}) for row in kept["scores"]]
        step = (lambda title, done, total: progress(f"{name}: {title}", done, total)) if progress else None
        if name == "before" and load_before:
            asked = load_before()
            found = score_skills(asked, suite, step)
            asked.free()
        else:
            if not loaded:
                loaded.append(load())
            with loaded[0].adapter_off() if name == "before" else contextlib.nullcontext():
                found = score_skills(loaded[0], suite, step)
        # A broken model gives likelihoods that are no numbers; JSON knows null for these.
        rows = [{**asdict(row), "loglik": row.loglik if math.isfinite(row.loglik) else None} for row in found]
        write_json(path, {"key": key, "scores": rows})
        return found

    before, after = scores("before"), scores("after")
    for model_in_memory in loaded:
        model_in_memory.free()
    return compare_skills(suite, before, after, answers_in_form(train, kind), model, run)


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def check_run(bench: Bench, run: Run, progress: Callable[[str, int, int], None] | None = None) -> ForgettingReport:
    """Check the project's training run on as many items of each skill as its depth asks for."""
    project = bench.project
    with noise_to(project.log):
        report = check_forgetting(
            lambda: bench.with_adapter(run, "train"),
            load_suite(project.depth.items_per_skill), bench.train, bench.task.kind,
            run.fingerprint, bench.choice.name, project.path("check"), progress,
            # After full fine-tuning there is no adapter to switch off.
            (lambda: load_for_answers(bench.choice, project.log)) if run.plan.get("flavour") == FULL else None,
        )
    report.save(project.path("check/forgetting.json"))
    return report


def answers_in_form(train: Dataset, kind: str) -> Callable[[str], bool] | None:
    """A test of whether an answer's beginning has the task's form; None where free text has none."""
    if kind == "json":
        return lambda text: re.match(r"\s*(```(json)?\s*)?\{", text) is not None
    if kind == "label":
        labels = {normalise(e.answer) for e in train}
        return lambda text: normalise(text) in labels
    if kind == "number":
        return lambda text: any(c.isdigit() for c in text) and not any(c.isalpha() for c in text)
    return None


def compare_skills(
    suite: Sequence[Skill], before: Sequence[ItemScore], after: Sequence[ItemScore],
    in_form: Callable[[str], bool] | None, model: str, run: str,
) -> ForgettingReport:
    """Compare two passes over the same items.

    Raises:
        Mismatch: the passes are not over the same items.
    """
    if [s.item for s in before] != [s.item for s in after]:
        raise Mismatch("The passes before and after are not over the same items. Run the check again from the start.")
    changes = []
    for skill in suite:
        b = [s for s in before if s.skill == skill.name]
        a = [s for s in after if s.skill == skill.name]
        changes.append(_change(skill, b, a, 1 - 0.05 / len(suite)))
    return ForgettingReport(model, run, suite_fingerprint(suite), tuple(changes), _intrusion(before, after, in_form))


def _change(skill: Skill, before: list[ItemScore], after: list[ItemScore], corrected: float) -> SkillChange:
    pairs = [(b, a) for b, a in zip(before, after, strict=True) if math.isfinite(b.loglik) and math.isfinite(a.loglik)]
    if not pairs:
        none = Interval(0.0, 0.0, 0.0)
        return SkillChange(skill.name, skill.title, 0, 0.0, 0.0, none, none, None, None, UNKNOWN, "no item could be scored")
    differences = [a.loglik - b.loglik for b, a in pairs]
    clusters = [b.cluster for b, _ in pairs]
    loglik = clustered_interval(differences, clusters)
    wide = clustered_interval(differences, clusters, corrected)
    accuracy_before, accuracy, note = _accuracy(skill, pairs, 0.95)
    status = _status(loglik, wide, LOGLIK_MARGIN)
    if accuracy is not None and _accuracy(skill, pairs, corrected)[1].high < -ACCURACY_MARGIN:
        status, note = FAIL, "accuracy fell"
    n = len(pairs)
    return SkillChange(
        skill.name, skill.title, n, sum(b.loglik for b, _ in pairs) / n, sum(a.loglik for _, a in pairs) / n,
        loglik, wide, accuracy_before, accuracy, status, note,
    )


def _accuracy(
    skill: Skill, pairs: list[tuple[ItemScore, ItemScore]], level: float
) -> tuple[float | None, Interval | None, str]:
    if skill.kind != "choice":
        return None, None, "nothing to choose"
    pairs = [(b, a) for b, a in pairs if b.correct is not None and a.correct is not None]
    if not pairs:
        return None, None, f"{NO_ROOM}: no choice could be made out"
    right = [bool(b.correct) for b, _ in pairs]
    rate = wilson(sum(right), len(right))
    if rate.low <= (skill.chance or 0.0):
        return rate.value, None, f"{NO_ROOM}: the base model is at guessing ({rate.value:.2f})"
    after = [float(bool(a.correct)) for _, a in pairs]
    return rate.value, paired_interval(after, [float(r) for r in right], level), ""


def _status(interval: Interval, corrected: Interval, margin: float) -> str:
    if corrected.high < -margin:
        return FAIL
    return PASS if interval.low > -margin else UNKNOWN


def _intrusion(
    before: Sequence[ItemScore], after: Sequence[ItemScore], in_form: Callable[[str], bool] | None
) -> Intrusion:
    pairs = [(b, a) for b, a in zip(before, after, strict=True) if b.answer or a.answer]
    if in_form is None or not pairs:
        return Intrusion(0, 0, 0, 1.0, NO_ROOM, "free text has no form to look for")
    was, now = [in_form(b.answer) for b, _ in pairs], [in_form(a.answer) for _, a in pairs]
    gained = sum(n and not w for w, n in zip(was, now, strict=True))
    lost = sum(w and not n for w, n in zip(was, now, strict=True))
    p = mcnemar(gained, lost)
    rise = (gained - lost) / len(pairs)
    # The most that may still have risen, given what was seen: decides between "kept" and "not settled".
    bound = paired_interval([float(n) for n in now], [float(w) for w in was]).high
    if rise > INTRUSION_MARGIN and p < 0.05:
        status = FAIL
    else:
        status = PASS if rise <= INTRUSION_MARGIN and bound <= 2 * INTRUSION_MARGIN else UNKNOWN
    return Intrusion(len(pairs), sum(was), sum(now), p, status, "")


def judge(report: ForgettingReport) -> Verdict:
    """The worst finding decides; what is not settled is never reported as kept."""
    reasons = []
    for c in report.skills:
        if c.status in (FAIL, UNKNOWN):
            reasons.append(
                f"{c.title}: {c.status}; log-likelihood changed by {_span(c.loglik)} nats per token on {c.n} items"
                + (f", accuracy by {_accuracy_text(c)}." if c.accuracy is not None and c.status == FAIL else ".")
                if c.n else f"{c.title}: {c.status}; {c.note}."
            )
    i = report.intrusion
    if i.status in (FAIL, UNKNOWN):
        reasons.append(
            f"Form of answers: {i.status}; {i.after} of {i.n} general questions are answered in the task's form, "
            f"{i.before} before ({_p_text(i.p)})."
        )
    statuses = [c.status for c in report.skills] + [i.status]
    outcome = RETRAIN if FAIL in statuses else UNSURE if UNKNOWN in statuses else SHIP
    if not reasons:
        reasons.append(f"All {len(report.skills)} skills are kept, each interval lying above the margin.")
    return Verdict(outcome, tuple(reasons), report.run)


def forgetting_rule() -> str:
    """The rule of the verdict, in words."""
    return RULE


def load_verdict(project: Project) -> Verdict:
    """The verdict of notebook 04 on the run that the project has now.

    Raises:
        Prerequisite: there is none.
        Mismatch: it was given on another run.
    """
    verdict = Verdict.load(project.need("check/verdict.json"))
    run = Run.load(project.need("train/run.json"))
    if verdict.run != run.fingerprint:
        raise Mismatch(
            "The verdict was given on another training run than the project has now. "
            "Run 04_check_for_forgetting.ipynb again."
        )
    return verdict
