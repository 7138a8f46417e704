"""The panels of the notebooks, one function each; every one starts from the recommended choice."""

from __future__ import annotations

from collections import Counter

import ipywidgets

from workbench.curate.checks import CurationReport
from workbench.curate.decisions import ACTIONS, Decisions
from workbench.curate.reading import ColumnGuess, RawTable
from workbench.curate.start import StartChoice, choose_columns, samples
from workbench.curate.task import Task
from workbench.dataset import Dataset
from workbench.decide.recommendation import Goal, set_goal
from workbench.models import MODEL_TABLE, ModelChoice
from workbench.panels.panel import Panel
from workbench.project import Project
from workbench.runtime import DEPTHS
from workbench.scoring.scorers import SCORER_KINDS
from workbench.train.plan import Plan


def start(default: StartChoice, model: ModelChoice) -> Panel:
    """Notebook 00: which data, which model, how deep, under what name."""
    names = list(samples())
    references = list(dict.fromkeys([model.reference, *(row["reference"] for row in MODEL_TABLE)]))
    inputs = {
        "name": ipywidgets.Text(default.name, description="Project name"),
        "data": ipywidgets.Combobox(value=default.data, options=names, description="Sample or file"),
        "depth": ipywidgets.Dropdown(options=list(DEPTHS), value=default.depth, description="Depth"),
        "model": ipywidgets.Combobox(value=default.model or model.reference, options=references, description="Model"),
    }
    notes = {
        "data": f"a sample ({', '.join(names)}) or the path of a CSV or JSONL file",
        "depth": "quick fits in a class; thorough takes hours without a GPU",
        "model": model.reason,
    }
    return Panel(inputs, StartChoice, notes)


def columns(raw: RawTable, guess: ColumnGuess) -> Panel:
    """Notebook 01: which columns hold the input and the answer."""
    if guess.messages:
        inputs = {"messages": ipywidgets.Dropdown(options=[guess.messages], value=guess.messages, description="Conversations")}
        return Panel(inputs, lambda messages: guess, {"messages": guess.reason})
    inputs = {
        "input": ipywidgets.Dropdown(options=list(raw.columns), value=guess.input, description="Input"),
        "answer": ipywidgets.Dropdown(options=list(raw.columns), value=guess.answer, description="Answer"),
    }

    def make(input: str, answer: str) -> ColumnGuess:
        return guess if (input, answer) == (guess.input, guess.answer) else choose_columns(raw, input, answer)

    return Panel(inputs, make, {"input": guess.reason})


def task(dataset: Dataset, guess: Task) -> Panel:
    """Notebook 01: how answers are judged."""
    inputs = {"kind": ipywidgets.Dropdown(options=list(SCORER_KINDS), value=guess.kind, description="Judged as")}
    return Panel(inputs, lambda kind: guess.change(kind, dataset), {"kind": guess.reason})


def decisions(report: CurationReport, recommended: Decisions) -> Panel:
    """Notebook 01: what to do about each check's findings."""
    found = [name for name in report.why if report.count(name)]
    # A check on whose rows different things were decided starts from what most of them got.
    usual = {name: Counter(d.action for d in recommended.decisions if d.check == name).most_common(1)[0][0] for name in found}
    inputs = {name: ipywidgets.Dropdown(options=list(ACTIONS), value=usual[name], description=name) for name in found}

    def make(**actions: str) -> Decisions:
        changed = recommended
        for name, action in actions.items():
            if action != usual[name]:
                changed = changed.change(action, check=name)
        return _Summary(**vars(changed))

    return Panel(inputs, make, {name: f"{report.count(name)} rows. {report.why[name]}" for name in found})


class _Summary(Decisions):
    """Decisions shown in one line here; their table has a row a finding and would fill the page."""

    def _repr_html_(self) -> str:
        return f"<p>{self!r}</p>"


def goal(project: Project, default: Goal) -> Panel:
    """Notebook 02: what score would be good enough, before anything is scored; an earlier answer stands."""
    if (saved := project.path("decide/goal.json")).exists():
        default = Goal.load(saved)
    inputs = {
        "good_enough": ipywidgets.BoundedFloatText(
            value=default.good_enough, min=0.05, max=1.0, step=0.05, description="Good enough"
        ),
        "margin": ipywidgets.BoundedFloatText(value=default.margin, min=0.0, max=0.5, step=0.01, description="Margin"),
    }
    notes = {
        "good_enough": "the mean score, from 0 to 1, with which you would use it",
        "margin": "how much better a dearer way must be to be worth its upkeep",
    }
    return Panel(inputs, lambda good_enough, margin: set_goal(project, good_enough, margin), notes)


def plan(recommended: Plan, begun: Plan | None = None) -> Panel:
    """Notebook 03: the settings people most often change.

    Args:
        begun: the plan of a run on the same rows that was begun before; the panel starts from it, so
            that running the notebook again goes on with that run.
    """
    if begun is not None:
        recommended = begun
    inputs = {
        "steps": ipywidgets.BoundedIntText(value=recommended.steps, min=2, max=100_000, description="Steps"),
        "learning_rate": ipywidgets.BoundedFloatText(
            value=recommended.learning_rate, min=1e-6, max=0.1, step=1e-4, description="Learning rate"
        ),
        "rank": ipywidgets.BoundedIntText(value=recommended.rank, min=1, max=256, description="Rank"),
        "seed": ipywidgets.BoundedIntText(value=recommended.seed, min=0, max=2**31 - 1, description="Seed"),
    }
    return Panel(inputs, recommended.change)
