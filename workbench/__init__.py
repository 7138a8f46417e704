"""The fine-tuning workbench: what the notebooks import, and nothing else.

Names are loaded when they are first used, so that `import workbench` is quick and needs no torch.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_WHERE = {
    "Answered": "ship.handover",
    "Bench": "decide.compare",
    "Comparison": "decide.compare",
    "CheckContext": "curate.checks.check",
    "Goal": "decide.recommendation",
    "ask": "ship.handover",
    "balance": "curate.checks.labels",
    "before_after": "curate.before_after",
    "check_parity": "ship.export",
    "check_run": "check.forgetting",
    "choose_columns": "curate.start",
    "clean_test": "curate.start",
    "coverage": "curate.coverage",
    "check_rows": "curate.checks.report",
    "default_good_enough": "curate.start",
    "default_start": "curate.start",
    "export": "ship.export",
    "forgetting_rule": "check.forgetting",
    "hand_over": "ship.handover",
    "judge": "check.forgetting",
    "languages": "curate.checks.language",
    "lengths": "curate.checks.lengths",
    "load_verdict": "check.forgetting",
    "open_project": "project",
    "plan": "train.plan",
    "probe_texts": "check.skills",
    "project_columns": "curate.start",
    "project_masking": "curate.start",
    "project_terms": "curate.start",
    "project_task": "curate.start",
    "propose_model": "models",
    "read_project_files": "curate.start",
    "read_documents": "curate.reading",
    "recommend": "decide.recommendation",
    "recommended_decisions": "curate.decisions",
    "row_tokens": "train.preview",
    "save_curated": "curate.start",
    "save_quarantine": "curate.start",
    "save_terms": "curate.start",
    "save_rulings": "curate.decisions",
    "set_goal": "decide.recommendation",
    "shown_text": "curate.start",
    "split": "curate.splitting",
    "start_project": "curate.start",
    "this_machine": "runtime",
    "to_dataset": "curate.reading",
    "to_csv": "curate.reading",
    "write_card": "ship.card",
    "write_pipeline": "curate.pipeline",
}

__all__ = [*_WHERE, "charts", "panels"]


def __getattr__(name: str) -> Any:
    if name in ("charts", "panels"):
        return importlib.import_module(f"workbench.{name}")
    if name not in _WHERE:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    return getattr(importlib.import_module(f"workbench.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
