"""ipywidgets views of results; nothing is computed here."""

from workbench.panels.progress import Progress, TrainingView
from workbench.panels.review import Review, SideBySide
from workbench.panels.steps import columns, goal, masking, plan, source, start, task, terms

__all__ = ["Progress", "Review", "SideBySide", "TrainingView", "columns", "goal", "masking", "plan", "source", "start", "task", "terms"]
