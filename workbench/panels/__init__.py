"""ipywidgets views of results; nothing is computed here."""

from workbench.panels.costs_and_prior import costs, questionnaire
from workbench.panels.endpoint import endpoint
from workbench.panels.progress import Progress, TrainingView
from workbench.panels.review import Review, SideBySide
from workbench.panels.steps import columns, documents, goal, masking, plan, source, start, task, terms
from workbench.panels.voting import Voting, vote

__all__ = [
    "Progress", "Review", "SideBySide", "TrainingView", "Voting", "columns", "costs", "documents", "endpoint", "goal",
    "masking", "plan", "questionnaire", "source", "start", "task", "terms", "vote",
]  # fmt: skip
