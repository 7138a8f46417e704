"""The model card: what this very run measured, and nothing that it didn't."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from html import escape
from pathlib import Path

from workbench.check.forgetting import ForgettingReport, Verdict
from workbench.curate.decisions import Decisions
from workbench.curate.personal import REDUCED
from workbench.curate.start import project_terms
from workbench.decide.compare import Bench
from workbench.decide.recommendation import Goal, Ladder, Recommendation
from workbench.files import write_text
from workbench.project import Project
from workbench.scoring.scorecard import TOO_LONG, Scorecard
from workbench.scoring.seeds import Seeds, singles
from workbench.ship.export import Parity
from workbench.train.run import Run

# What has a meaning in Markdown wherever it stands.
MARKED = re.compile(r"[\\`*_{}\[\]|~#]")


def write_card(bench: Bench, run: Run, verdict: Verdict, exported: Parity) -> Path:
    """Write `ship/MODEL_CARD.md`. It holds numbers and settings, and no row of the data."""
    cards, recommendation = bench.cards(), bench.recommendation()
    report = ForgettingReport.load(bench.project.need("check/forgetting.json"))
    sections = [
        _head(bench, recommendation, verdict),
        _section("What it was compared with", _arms(cards) + _reasons(_without_errors(recommendation.reasons, cards))),
        _section("The rule and its ladder of arms", _rule(bench.project)),
        _section("Training", _table(run.table().itertuples(index=False), ("what", "value")) + _plan(run)),
        _section("What it kept and lost", _table(report.table().itertuples(index=False), tuple(report.table().columns))
                 + _reasons(verdict.reasons)),
        _section("The exported files", _table(exported.table().itertuples(index=False), ("what", "found"))),
        _section("Data", _data(bench)),
        _section("Limits", _limits(bench, cards)),
    ]
    return write_text(bench.project.path("ship/MODEL_CARD.md"), "\n".join(sections))


def _head(bench: Bench, recommendation: Recommendation, verdict: Verdict) -> str:
    return "\n".join([
        "---",
        f"license: {'apache-2.0' if bench.choice.licence == 'Apache-2.0' else 'other'}",
        "library_name: peft",
        "pipeline_tag: text-generation",
        "tags: [qlora, finetuning-workbench]",
        "---",
        "",
        f"# {_plain(bench.project.name)}, tuned from {_plain(bench.choice.name)}",
        "",
        f"Made on {time.strftime('%Y-%m-%d')}. Recommendation: **{recommendation.outcome}**, {_plain(recommendation.title)}. "
        f"Forgetting check: **{verdict.outcome}**.",
        "",
        f"Fine-tune? {_plain(recommendation.answer)}",
        "" if recommendation.tuning_wins else
        "\nThe comparison did not recommend fine-tuning; this model was trained for learning.\n",
    ])


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body}"


def _table(rows, columns: Sequence[str]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(_plain(value) for value in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _plain(text: object) -> str:
    """One line that Markdown, and a page made of it, shows as it stands: titles and errors may come from anywhere."""
    return MARKED.sub(r"\\\g<0>", escape(" ".join(str(text).split()), quote=False))


def _reasons(reasons: Sequence[str]) -> str:
    return "\n" + "".join(f"- {_plain(reason)}\n" for reason in reasons)


def _without_errors(reasons: Sequence[str], cards: Sequence[Scorecard | Seeds]) -> list[str]:
    """The reasons without what a server or a scorer said: that may repeat a row."""
    rows = (row for card in cards for single in getattr(card, "cards", (card,)) for row in single.rows)
    told = list(reasons)
    for error in {row.error.rstrip(".") for row in rows if row.error not in ("", TOO_LONG)}:
        told = [reason.replace(f" ({error})", "") for reason in told]
    return told


def _arms(cards: Sequence[Scorecard | Seeds]) -> str:
    rows = [
        (
            c.title, str(c.interval()) if c.n else "could not be scored", c.n, c.unscorable, c.cut,
            len(singles(c)), round(c.tokens_per_call), f"{c.seconds_per_call:.2f}", c.precision,
        )
        for c in cards
    ]
    return _table(rows, (
        "arm", "score, 95 % interval", "rows", "not judged", "cut answers", "seeds", "tokens per call", "seconds per call",
        "held in",
    ))


def _rule(project: Project) -> str:
    goal, ladder = Goal.load(project.need("decide/goal.json")), Ladder.load(project.need("decide/ladder.json"))
    arms = _table(ladder.table().itertuples(index=False), tuple(ladder.table().columns))
    return f"{_table(goal.table().itertuples(index=False), ('what', 'value'))}\n{goal!r}.\n\n{arms}\n{ladder!r}.\n"


def _plan(run: Run) -> str:
    kept = ("steps", "batch_size", "learning_rate", "rank", "alpha", "warmup_steps", "seed", "rows")
    settings = ", ".join(f"{name} {run.plan[name]}" for name in kept)
    libraries = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    return f"\nQLoRA (NF4), loss on the answers only: {settings}.\n\nMachine: {run.machine}. Libraries: {libraries}.\n"


def _data(bench: Bench) -> str:
    parts = (bench.train, bench.validation, bench.test)
    rows = [(d.name, len(d), d.fingerprint) for d in parts]
    looks = [(look["what"], look["rows"], look["when"]) for look in bench.project.test_looks()]
    decided = bench.project.path("data/decisions.json")
    curation = f"\n{Decisions.load(decided)!r}.\n" if decided.exists() else ""
    return (
        _table(rows, ("part", "rows", "fingerprint"))
        + curation
        + f"\nJudged as {_plain(bench.task.kind)}. The test rows were looked at {len(looks)} times:\n\n"
        + _table(looks, ("what was scored", "rows", "when"))
    )


def _limits(bench: Bench, cards: Sequence[Scorecard | Seeds]) -> str:
    seeds = any(isinstance(card, Seeds) for card in cards)
    covered = "and, where an arm has several, of training seeds; not that" if seeds else "not the choice of training seed or"
    return (
        f"- The intervals cover the choice of test rows, {covered} of wording.\n"
        "- The forgetting check has a few dozen items a skill; it can show a loss, and never that there is none.\n"
        f"- {REDUCED}\n"
        f"- Licence of the base model: {bench.choice.licence}. {_terms(bench.project)}\n"
    )


def _terms(project: Project) -> str:
    terms = project_terms(project)
    restricted = " The data may not leave the building, and a model trained on it can repeat it." if terms.restricted else ""
    return f"Licence of the data: {_plain(terms.licence)}; legal basis: {_plain(terms.legal_basis)}.{restricted}"
