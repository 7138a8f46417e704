"""A small sweep: a few neighbours of a plan are trained and scored on the validation rows, and the best is named honestly."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.errors import BadInput, Mismatch, Prerequisite, WorkbenchError
from workbench.files import fingerprint, read_json, write_json
from workbench.result import Result, html_table
from workbench.scoring.intervals import Interval, paired_interval
from workbench.train.plan import FULL, PASSES, SETTINGS, Plan

if TYPE_CHECKING:
    import optuna
    import pandas
    from filelock import FileLock

TRIALS = 8
# How far the rate is tried to either side of the plan's.
RATE_FACTOR = 3
# The plan's own trial and three drawn evenly; from there on the draw leans to where scores were high.
DRAWN_EVENLY = 4
# Settings that come up again are not trained again; a small space would otherwise be drawn from for ever.
DRAWS_PER_TRIAL = 5
ALLOWED_ERRORS = 0.05
JOURNAL, RECIPE, LOCK = "journal.jsonl", "recipe.json", "sweep.lock"
WEIGHTS = ("checkpoints", "best", "adapter", "model")
NOTE = (
    "Scored on validation rows only; the test rows stay unseen. Every trial was trained once, with the same seed: the intervals "
    "cover which rows were asked, not the luck of a training run. The best score of several flatters itself a little, since "
    "luck helped to pick it."
)


class Scored(NamedTuple):
    """What a trial scored on the validation rows.

    Attributes:
        value, low, high: the score and its 95 % interval.
        n: validation rows that could be scored.
        rows: the score of each validation row, 0 to 1, in the same order in every trial; None where a row could not be
            scored. The best is compared with the first by the mean of these. Without
            them nobody can tell whether one trial is better than another by more than chance.
    """

    value: float
    low: float
    high: float
    n: int
    rows: Sequence[float | None] = ()


Score = Callable[[Plan, Path], Scored | tuple]
Progress = Callable[["Sweep", int], None]


@dataclass(frozen=True)
class Trial:
    """One plan that was tried.

    Attributes:
        number: its folder is trial-<number>; 0 is the plan as it was.
        settings: the values of what is swept.
        score: with its 95 % interval; None if the trial failed.
        n: validation rows that could be scored.
        seconds: wall time of the attempt that finished it; an attempt that was killed is not in it.
        failed: why there is no score.
        rows: as in `Scored`.
    """

    number: int
    settings: dict
    score: Interval | None
    n: int
    seconds: float
    failed: str = ""
    rows: tuple[float | None, ...] = ()

    @classmethod
    def from_dict(cls, fields: dict) -> Trial:
        """Read the interval back."""
        score = fields["score"] and Interval(*fields["score"])
        return cls(**{**fields, "score": score, "rows": tuple(fields["rows"])})


@dataclass(frozen=True, repr=False)
class Sweep(Result):
    """The trials of a sweep, the plan as it was first; scores are of validation rows.

    Attributes:
        base: fingerprint of the plan that was swept around.
        names: the settings that were swept.
    """

    base: str
    names: tuple[str, ...]
    trials: tuple[Trial, ...]

    @classmethod
    def from_dict(cls, fields: dict) -> Sweep:
        """Read the trials back."""
        return cls(fields["base"], tuple(fields["names"]), tuple(map(Trial.from_dict, fields["trials"])))

    @property
    def scored(self) -> tuple[Trial, ...]:
        """The trials that did not fail."""
        return tuple(trial for trial in self.trials if trial.score)

    @property
    def first(self) -> Trial | None:
        """The plan as it was; None if it failed."""
        return next((trial for trial in self.scored if trial.number == 0), None)

    @property
    def best(self) -> Trial | None:
        """The highest score, the earlier trial where two are equal; None if all failed."""
        return max(self.scored, key=lambda trial: trial.score.value, default=None)

    @property
    def gain(self) -> Interval | None:
        """Best less first, paired over the rows that both scored; None where there is nothing to compare, or no row scores.

        The allowed errors are shared among all trials that were compared with the first (Bonferroni): the more are tried,
        the further ahead one of them is by luck.
        """
        first, best = self.first, self.best
        if first is None or best is first or len(first.rows) != len(best.rows):
            return None
        pairs = [(b, f) for b, f in zip(best.rows, first.rows, strict=True) if b is not None and f is not None]
        if not pairs:
            return None
        return paired_interval(*zip(*pairs, strict=True), 1 - ALLOWED_ERRORS / (len(self.scored) - 1))

    @property
    def better(self) -> bool:
        """Whether the best is ahead of the first by more than chance."""
        return self.gain is not None and self.gain.low > 0

    @property
    def sentence(self) -> str:
        """What the sweep found, and how sure that is."""
        first, best, tried = self.first, self.best, _count(len(self.trials), "trial")
        if best is None:
            return f"None of {tried} could be scored, so the recommended plan stays. The first said: {self.trials[0].failed}"
        if first is None:
            return (
                "The recommended plan itself failed, so nothing can be compared with it; "
                f"the best of {tried} scored {best.score}."
            )
        if best is first:
            rows = _count(first.n, "row")
            return f"No better than the recommended plan: none of {tried} scored above its {first.score} on {rows}."
        if (gain := self.gain) is None:
            return (
                f"The best of {tried} scored {best.score}, the recommended plan {first.score}. Whether that is more than chance "
                "can't be told without the scores of each row."
            )
        others = _count(len(self.scored) - 1, "other")
        if self.better:
            allowing = f"with allowance for picking among {others}"
            return f"Better by {gain.signed()} than the recommended plan, {allowing}: {_said(best)}."
        return (
            f"No better than the recommended plan, as far as {_count(best.n, 'row')} can tell: the best of {tried} differs by "
            f"{gain.signed()}, with allowance for picking among {others}."
        )

    def __repr__(self) -> str:
        return self.sentence

    def plan(self, plan: Plan) -> Plan:
        """The plan to train: `plan` with the settings of the best trial, and why; `plan` itself if every trial failed.

        Raises:
            Mismatch: the sweep was made around another plan.
        """
        if plan.fingerprint != self.base:
            raise Mismatch(
                f"The sweep was made around plan {self.base}, and this is plan {plan.fingerprint}: its rows or settings have "
                "changed since. Sweep again."
            )
        if self.best is None:
            return plan
        found = neighbour(plan, self.best.settings)
        tried = f"the best of {len(self.trials)} tried" + ("" if self.better else ", though not shown to be better")
        why = {name: f"{tried}, as recommended" if self.best.number == 0 else tried for name in self.names}
        moved = {name: f"goes with the {what}" for name, what in (("alpha", "rank"), ("warmup_steps", "steps"))
                 if name not in why and getattr(found, name) != getattr(plan, name)}
        return replace(found, reasons={**plan.reasons, **why, **moved})

    def table(self) -> pandas.DataFrame:
        """One row a trial: its settings, its score with the 95 % interval, rows, seconds, and what to know of it."""
        import pandas

        rows = [
            (
                trial.number,
                *(trial.settings[name] for name in self.names),
                trial.score and round(trial.score.value, 3),
                f"{trial.score.low:.3f} to {trial.score.high:.3f}" if trial.score else "",
                trial.n,
                round(trial.seconds),
                self._remark(trial),
            )
            for trial in self.trials
        ]
        names = [name.replace("_", " ") for name in self.names]
        table = pandas.DataFrame(rows, columns=["trial", *names, "score", "95 % interval", "rows", "seconds", "remark"])
        # A rate of 0.00037 would be shown as 0.000.
        return table.assign(**{name: table[name].map(str) for name in names})

    def _remark(self, trial: Trial) -> str:
        role = ("the recommended plan" * (trial.number == 0), "best" * (trial is self.best))
        return "; ".join(filter(None, (*role, trial.failed and f"failed: {trial.failed}")))

    def _repr_html_(self) -> str:
        return html_table(self.table(), caption=repr(self)) + f"<p>{escape(NOTE)}</p>"


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _said(trial: Trial) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in trial.settings.items())


def default_space(plan: Plan) -> dict:
    """What is tried around a plan: half to four times the rank, a third to three times the rate, half to twice the steps.

    Twice the steps only as far as no row is seen more than PASSES times. Where all weights are learnt there is no rank.
    """
    most = max(plan.steps, PASSES * plan.rows // plan.rows_per_step)
    space = {
        "rank": [max(1, plan.rank // 2), plan.rank, 2 * plan.rank, 4 * plan.rank],
        "learning_rate": (plan.learning_rate / RATE_FACTOR, min(plan.learning_rate * RATE_FACTOR, 0.9)),
        "steps": [max(1, plan.steps // 2), plan.steps, min(2 * plan.steps, most)],
    }
    if plan.flavour == FULL:
        del space["rank"]
    return space


def neighbour(plan: Plan, settings: dict) -> Plan:
    """The plan with other settings: alpha keeps its proportion to the rank, and warming up its share of the steps.

    Raises:
        BadInput: there is no such setting, or its value can't be.
    """
    with_it = {}
    if "rank" in settings:
        with_it["alpha"] = max(1, round(plan.alpha * settings["rank"] / plan.rank))
    if "steps" in settings:
        with_it["warmup_steps"] = max(1, round(plan.warmup_steps * settings["steps"] / plan.steps))
    return plan.change(**{**with_it, **settings})


def sweep(
    plan: Plan, run: Score, folder: Path, trials: int = TRIALS, space: dict | None = None, progress: Progress | None = None
) -> Sweep:
    """Train the plan and some neighbours of it, and score each on the validation rows. Never give it test rows.

    What is finished is read back, and a trial that was killed is run again in its folder, where training goes on from
    its last checkpoint; a sweep that was killed tries the same plans as one that wasn't. With another plan or space than
    before, what lies in the folder is moved to <folder>-earlier. The weights of all but the best trial are removed.

    Args:
        run: trains a plan in a folder and gives a `Scored`, or the same as a tuple of four or five. A WorkbenchError or
            RuntimeError is kept as that trial's reason, and the others go on; anything else ends the sweep, to be taken up.
            Raise such (not a RuntimeError) where a person stopped the training: half a training is no trial.
        folder: for the journal (JSON lines, of Optuna) and a folder trial-<number> each.
        trials: how many different plans, the given one among them.
        space: for each setting a list of values, or a tuple (lowest, highest) to draw from, evenly in the logarithm; the
            plan's own value is added. `default_space(plan)` if not given.
        progress: called after each trial with the sweep so far and the number of trials.

    Raises:
        BadInput: the space or the number of trials can't be, or the journal is damaged.
        Prerequisite: another kernel is sweeping in this folder right now.
    """
    from filelock import FileLock, Timeout

    if isinstance(trials, bool) or not isinstance(trials, int) or trials < 2:
        raise BadInput(f"trials = {trials!r} can't be; give a whole number of 2 or more, since the first is the plan as it is.")
    space = _checked(plan, default_space(plan) if space is None else space)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK, timeout=10)
    try:
        lock.acquire()
    except Timeout as error:
        raise Prerequisite(
            "Another kernel is sweeping in this folder right now; two at once would spoil both. "
            "Wait for it, or shut it down (Kernel > Shut Down All Kernels), then run this cell again."
        ) from error
    try:
        _clear_other_recipe(folder, plan, space)
        found = _sweep(_study(folder, lock), plan, run, folder, trials, space, progress)
        found.save(folder / "sweep.json")
        return found
    finally:
        lock.release()


def _checked(plan: Plan, space: dict) -> dict:
    if not space:
        raise BadInput(f"The space is empty, so there is nothing to try. Name one or more of {', '.join(SETTINGS)}.")
    if "seed" in space:
        raise BadInput("seed can't be swept: the luckiest of several seeds is no better a plan. Sweep another setting.")
    if unused := {"rank", "alpha", "layers"} & set(space if plan.flavour == FULL else ()):
        names = ", ".join(sorted(unused))
        raise BadInput(f"{names} can't be swept where all weights are learnt: there is no adapter. Leave it out.")
    checked = {}
    for name, values in space.items():
        if not isinstance(values, list | tuple) or not values:
            raise BadInput(f"The space of {name} is {values!r}; give a list of values, or a tuple (lowest, highest).")
        for value in values:
            neighbour(plan, {name: value})
        own, numbers = getattr(plan, name), all(type(value) in (int, float) for value in values)
        if isinstance(values, tuple):
            if not numbers or len(values) != 2 or values[0] >= values[1]:
                raise BadInput(f"The range of {name} is {values!r}; give (lowest, highest), two numbers, or a list of values.")
            checked[name] = (min(own, values[0]), max(own, values[1]))
        else:
            several = list(dict.fromkeys([own, *values]))
            checked[name] = sorted(several) if numbers else several
    return checked


def _clear_other_recipe(folder: Path, plan: Plan, space: dict) -> None:
    path = folder / RECIPE
    kinds = {name: [type(values).__name__, *values] for name, values in space.items()}
    recipe = {"plan": plan.fingerprint, "space": kinds}
    if path.exists() and (other := read_json(path)) != recipe:
        aside = folder.parent / f"{folder.name}-earlier" / f"{fingerprint(other)}-{time.strftime('%Y%m%d-%H%M%S')}"
        aside.mkdir(parents=True)
        # The recipe goes last: a kill in between finds the old one still here and goes on moving.
        for item in sorted(folder.iterdir(), key=lambda item: item.name == RECIPE):
            if item.name != LOCK:
                shutil.move(str(item), str(aside / item.name))
    write_json(path, recipe)


def _study(folder: Path, lock: FileLock) -> optuna.Study:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = folder / JOURNAL
    if path.exists():
        # A killed sweep may leave half a line at the end, and it would spoil the next one.
        whole = path.read_bytes().rfind(b"\n") + 1
        with path.open("r+b") as stream:
            stream.truncate(whole)
    try:
        # Optuna's own locks outlive a killed process by 30 seconds, or need a right that Windows doesn't give everybody.
        storage = JournalStorage(JournalFileBackend(str(path), lock_obj=lock))
        return optuna.create_study(storage=storage, study_name="sweep", direction="maximize", load_if_exists=True)
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise BadInput(
            f"{path} is damaged ({type(error).__name__}: {error}), so the trials in it can't be read. "
            f"Delete the folder {folder} and sweep again."
        ) from error


def _sweep(
    study: optuna.Study, plan: Plan, run: Score, folder: Path, trials: int, space: dict, progress: Progress | None
) -> Sweep:
    from optuna.trial import Trial as Draw
    from optuna.trial import TrialState

    if not study.get_trials(deepcopy=False):
        study.enqueue_trial({name: _place(values, getattr(plan, name)) for name, values in space.items()})
    while True:
        drawn = study.get_trials(deepcopy=False)
        found = _read(plan, space, drawn)
        half = next((trial for trial in drawn if trial.state == TrialState.RUNNING), None)
        if half is None and (len(found.trials) >= trials or len(drawn) >= DRAWS_PER_TRIAL * trials):
            return found
        study.sampler = _sampler(plan, half.number if half else len(drawn))
        draw = Draw(study, half._trial_id) if half else study.ask()
        settings = _settings(plan, space, draw)
        same = next((trial for trial in found.trials if trial.settings == settings), None)
        if same:
            draw.set_user_attr("same", same.number)
            scored = same.score
        else:
            scored = _tried(draw, settings, plan, run, folder, found)
        if scored:
            study.tell(draw.number, scored.value)
        else:
            study.tell(draw.number, state=TrialState.FAIL)
        found = _read(plan, space, study.get_trials(deepcopy=False))
        _keep_the_best(folder, found)
        if progress and not same:
            progress(found, trials)


def _sampler(plan: Plan, number: int) -> optuna.samplers.BaseSampler:
    from optuna.samplers import TPESampler

    # One for each draw: a sweep that is taken up would begin the random numbers anew and draw the same plans again.
    return TPESampler(seed=plan.seed + number, n_startup_trials=DRAWN_EVENLY)


def _place(values: list | tuple, value: Any) -> Any:
    """A value as Optuna holds it: the place in a list, so that neighbours stay neighbours."""
    return values.index(value) if isinstance(values, list) else value


def _settings(plan: Plan, space: dict, draw: optuna.Trial) -> dict:
    settings = {}
    for name, values in space.items():
        if isinstance(values, list):
            settings[name] = values[draw.suggest_int(name, 0, len(values) - 1)]
        elif SETTINGS[name].whole:
            settings[name] = draw.suggest_int(name, *values, log=values[0] > 0)
        else:
            drawn = float(f"{draw.suggest_float(name, *values, log=True):.2g}")
            settings[name] = min(max(drawn, values[0]), values[1])
    # The plan's own values are not rounded.
    return settings if draw.number else {name: getattr(plan, name) for name in space}


def _tried(draw: optuna.Trial, settings: dict, plan: Plan, run: Score, folder: Path, found: Sweep) -> Scored | None:
    place = folder / f"trial-{draw.number}"
    place.mkdir(exist_ok=True)
    started, scored, failed = time.perf_counter(), None, ""
    try:
        scored = _whole(Scored(*run(neighbour(plan, settings), place)), found.first)
    except (WorkbenchError, RuntimeError) as error:
        failed = str(error) or type(error).__name__
    seconds = round(time.perf_counter() - started, 2)
    *span, n, rows = scored or (None, 0, ())
    kept = {"settings": settings, "score": span if scored else None, "n": n, "seconds": seconds, "failed": failed, "rows": rows}
    # Written before the trial is told to be over: a kill in between has it run again, and training finds itself finished.
    draw.set_user_attr("trial", kept)
    return scored


def _whole(scored: Scored, first: Trial | None) -> Scored:
    if not scored.n or not all(map(math.isfinite, scored[:3])):
        raise BadInput("None of the validation rows could be scored. Look at the trial's answers, and at how they are judged.")
    if first and first.rows and scored.rows and len(first.rows) != len(scored.rows):
        raise Mismatch(
            f"{len(scored.rows)} rows were scored and {len(first.rows)} in the first trial, so the two can't be compared. "
            "Score the same validation rows in every trial."
        )
    # Numbers of numpy's kinds can't be written as JSON.
    rows = [None if score is None else float(score) for score in scored.rows]
    return Scored(*map(float, scored[:3]), int(scored.n), rows)


def _read(plan: Plan, space: dict, drawn: Sequence[optuna.trial.FrozenTrial]) -> Sweep:
    over = [trial for trial in drawn if trial.state.is_finished() and "same" not in trial.user_attrs]
    trials = (Trial.from_dict({"number": trial.number, **trial.user_attrs["trial"]}) for trial in over)
    return Sweep(plan.fingerprint, tuple(space), tuple(trials))


def _keep_the_best(folder: Path, found: Sweep) -> None:
    for trial in found.trials:
        if trial is not found.best:
            for name in WEIGHTS:
                shutil.rmtree(folder / f"trial-{trial.number}" / name, ignore_errors=True)
