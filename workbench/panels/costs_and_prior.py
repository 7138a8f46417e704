"""The panels of cost and of what one expects before measuring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets

from workbench.dataset import Dataset
from workbench.decide.arm_cost import MACHINES, THIS_MACHINE, Usage
from workbench.decide.costs import CostReport
from workbench.decide.costs import costs as cost_report
from workbench.decide.prices import edit_prices, load_prices
from workbench.decide.questionnaire import QUESTIONS, UNKNOWN, first_answers, prior
from workbench.panels.panel import Panel
from workbench.project import Project

if TYPE_CHECKING:
    from workbench.decide.arms import Arm


def costs(
    project: Project, arms: Sequence[Arm], cards: Sequence[Any], labelled_rows: int | None = None,
    index_seconds: Mapping[str, float] | None = None, index_tokens: Mapping[str, int] | None = None,
) -> Panel:
    """Notebook 02: how often it would be called, what changes how often, and what a person's time goes into.

    Args:
        labelled_rows: how many rows there are to learn from; those of the project where left out.
        index_seconds, index_tokens: arm key to what embedding its index took.
    """

    if labelled_rows is None:
        labelled_rows = len(Dataset.load(project.need("data/train.jsonl")))

    def slider(kind: Any, text: str, **limits: Any) -> Any:
        return kind(description=text, continuous_update=False, **limits)

    inputs = {
        "calls_per_month": slider(
            ipywidgets.FloatLogSlider, "Calls a month", value=10_000.0, min=2, max=7, step=0.1, readout_format=",.0f"
        ),
        "fact_changes_per_year": slider(ipywidgets.IntSlider, "Facts change", value=4, min=0, max=365),
        "base_changes_per_year": slider(ipywidgets.IntSlider, "New base model", value=1, min=0, max=12),
        "labelled_rows": ipywidgets.BoundedIntText(value=labelled_rows, min=0, max=10_000_000, description="Labelled rows"),
        "minutes_per_row": slider(ipywidgets.FloatSlider, "Minutes per row", value=1.0, min=0.0, max=30.0, step=0.25),
        "rows_per_change": ipywidgets.BoundedIntText(value=5, min=0, max=1_000_000, description="Rows per change"),
        "curating_hours": slider(ipywidgets.FloatSlider, "Curating, hours", value=2.0, min=0.0, max=80.0, step=0.5),
        "checking_hours": slider(ipywidgets.FloatSlider, "Checking, hours", value=1.0, min=0.0, max=40.0, step=0.5),
        "machine": ipywidgets.Dropdown(options=list(MACHINES), value=THIS_MACHINE, description="Answered on"),
        "currency": ipywidgets.Text("EUR", description="Currency", continuous_update=False),
    }
    notes = {
        "calls_per_month": f"prices stand in {edit_prices(project).name} in decide/ of the project; fill in the blank ones",
        "fact_changes_per_year": "times a year; then indexes are embedded again, and models that learnt the facts tuned again",
        "base_changes_per_year": "times a year; then models are tuned again, and prompts checked again",
        "labelled_rows": "that arms which learn or look up examples need",
        "minutes_per_row": "of a person, to label or check one",
        "rows_per_change": "labelled rows to be put right when facts change",
        "checking_hours": "of a person, each time a model is tuned or the base is a new one",
        "machine": "seconds are those measured here, whichever machine is priced",
    }

    def make(**values: Any) -> CostReport:
        # Read each time, so that an edited table counts at the next change.
        return cost_report(arms, cards, Usage(**values), load_prices(project), index_seconds, index_tokens)

    return Panel(inputs, make, notes, project.path("panels/costs.json"))


def questionnaire(project: Project) -> Panel:
    """Notebook 02, before anything is measured: five questions, and which technique their answers speak for."""
    given = first_answers(project)
    inputs = {
        question.key: ipywidgets.Dropdown(
            options=[(UNKNOWN, UNKNOWN), *((option.text, option.key) for option in question.options)],
            value=given[question.key], description=question.key,
        )
        for question in QUESTIONS
    }
    notes = {q.key: f"{q.text} In code: {', '.join(repr(option.key) for option in q.options)}" for q in QUESTIONS}
    return Panel(inputs, lambda **answers: prior(answers), notes, project.path("panels/questionnaire.json"))
