"""The fine-tuning workbench: what the notebooks import, and nothing else.

Names are loaded when they are first used, so that `import workbench` is quick and needs no torch.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_WHERE = {
    "adjusted": "train.memory",
    "align_project": "check.alignment",
    "answered": "ship.handover",
    "as_it_came": "decide.learning",
    "as_shipped": "train.preview",
    "ask": "ship.handover",
    "attempt": "result",
    "balance": "curate.checks.labels",
    "before_after": "curate.before_after",
    "Bench": "decide.compare",
    "best_two": "decide.reading",
    "check_aligned": "check.alignment",
    "check_parity": "ship.export",
    "check_rows": "curate.checks.report",
    "check_run": "check.forgetting",
    "check_templates": "train.preview",
    "CheckContext": "curate.checks.check",
    "choose_columns": "curate.start",
    "clean_test": "curate.start",
    "Comparison": "decide.compare",
    "coverage": "curate.coverage",
    "custom_scorer": "scoring.scorers",
    "default_good_enough": "curate.start",
    "default_start": "curate.start",
    "draw_answers": "decide.rule_preferences",
    "edit_prices": "decide.prices",
    "export": "ship.export",
    "first_batch": "train.preview",
    "flags": "train.flags",
    "forgetting_rule": "check.forgetting",
    "freshness": "decide.freshness",
    "Goal": "decide.recommendation",
    "hand_over": "ship.handover",
    "judge": "check.forgetting",
    "judge_pairs": "decide.pairwise_judge",
    "knowledge": "decide.knowledge",
    "languages": "curate.checks.language",
    "learning_curve": "decide.learning",
    "lengths": "curate.checks.lengths",
    "load_verdict": "check.forgetting",
    "macro_f1": "scoring.classes",
    "mail_paragraph": "decide.reading",
    "most_different": "decide.reading",
    "on_draws": "decide.rule_preferences",
    "open_endpoint": "decide.endpoint",
    "open_project": "project",
    "optimise": "decide.optimise",
    "pairwise": "decide.recommendation",
    "plan": "train.plan",
    "plan_alignment": "check.alignment",
    "power_statement": "decide.recommendation",
    "preference_pairs": "decide.rule_preferences",
    "probe_texts": "check.skills",
    "project_columns": "curate.start",
    "project_masking": "curate.start",
    "project_task": "curate.start",
    "project_terms": "curate.start",
    "propose_model": "models",
    "read_documents": "curate.reading",
    "read_project_files": "curate.start",
    "recommend": "decide.recommendation",
    "recommended_decisions": "curate.decisions",
    "rerun": "train.run",
    "row_tokens": "train.preview",
    "rungs": "decide.recommendation",
    "save_curated": "curate.start",
    "save_documents": "curate.start",
    "save_quarantine": "curate.start",
    "save_rulings": "curate.decisions",
    "save_terms": "curate.start",
    "set_goal": "decide.recommendation",
    "set_ladder": "decide.recommendation",
    "shown_text": "curate.start",
    "split": "curate.splitting",
    "start_project": "curate.start",
    "sweep": "train.sweep",
    "this_machine": "runtime",
    "to_csv": "curate.reading",
    "to_dataset": "curate.reading",
    "what_changed": "check.alignment",
    "will_it_fit": "train.memory",
    "write_card": "ship.card",
    "write_job": "train.slurm",
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
