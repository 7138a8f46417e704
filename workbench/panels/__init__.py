"""ipywidgets views of results; nothing is computed here."""

from workbench.panels.progress import Progress, TrainingView
from workbench.panels.steps import columns, decisions, goal, plan, start, task

__all__ = ["Progress", "TrainingView", "columns", "decisions", "goal", "plan", "start", "task"]
