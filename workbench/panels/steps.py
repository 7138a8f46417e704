"""The panels of the notebooks, one function each; every one starts from the recommended choice."""

from __future__ import annotations

from dataclasses import replace

import ipywidgets

from workbench.curate.personal import Masking
from workbench.curate.personal.measured import measured_recall
from workbench.curate.reading import ColumnGuess, Documents, RawTable, unknown_roles
from workbench.curate.start import (
    KEY,
    StartChoice,
    choose_columns,
    project_documents,
    project_encodings,
    project_masking,
    project_rules,
    project_terms,
    read_project_files,
    samples,
    save_documents,
    scenario_of,
    shown_text,
)
from workbench.curate.task import Task
from workbench.dataset import ROLES, Dataset
from workbench.decide.recommendation import Goal, set_goal
from workbench.errors import BadInput, WorkbenchError
from workbench.models import MODEL_TABLE, ModelChoice
from workbench.panels.panel import Panel
from workbench.project import Project
from workbench.runtime import DEPTHS
from workbench.scoring.scorers import SCORER_KINDS
from workbench.train.plan import FLAVOURS, Plan, usual_rate

AS_FOUND = "as found"


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
        "data": "a sample, or the path of a file (CSV, Excel, JSON, JSONL, Parquet) or folder, or the id of a data set on the hub",
        "depth": "quick fits in a class; thorough takes hours without a GPU",
        "model": model.reason,
    }
    return Panel(inputs, StartChoice, notes)


def source(project: Project) -> Panel:
    """Notebook 01: how the file is read; only a text file that is not plain UTF-8 leaves a choice."""
    choices = project_encodings(project)
    inputs = {
        "encoding": ipywidgets.Dropdown(
            options=[AS_FOUND, *(name for name, _ in choices)], value=AS_FOUND, description="Encoding"
        )
    }
    samples = "; ".join(f"as {name}: {' / '.join(lines)}" for name, lines in choices)
    notes = {"encoding": f"choose the one in which these read well. {samples}" if choices else "the file is plain UTF-8, or says what it is"}
    return Panel(
        inputs,
        lambda encoding: read_project_files(project, "" if encoding == AS_FOUND else encoding),
        notes,
        project.path("panels/source.json"),
        lambda files: files[0].html(shown_text(project)),
    )


def columns(raw: RawTable, guess: ColumnGuess, project: Project | None = None) -> Panel:
    """Notebook 01: which columns hold the input and the answer, and what unknown roles mean."""
    remember = project.path("panels/columns.json") if project else None
    if guess.messages:
        inputs = {"messages": ipywidgets.Dropdown(options=[guess.messages], value=guess.messages, description="Conversations")}
        strangers = unknown_roles(raw, guess)
        for role in strangers:
            inputs[f"role {role}"] = ipywidgets.Dropdown(options=[("set aside", ""), *((name, name) for name in ROLES)], value="", description=role[:40])
        notes = {"messages": guess.reason, **{f"role {role}": f"a role in {n} rows that is none of {', '.join(ROLES)}" for role, n in strangers.items()}}

        def make_roles(messages: str, **roles: str) -> ColumnGuess:
            return replace(guess, roles={**guess.roles, **{found[5:]: role for found, role in roles.items() if role}})

        return Panel(inputs, make_roles, notes, remember)
    if not guess.input:
        # Preference pairs that hold their prompt in both conversations leave nothing to choose.
        inputs = {"answer": ipywidgets.Dropdown(options=[guess.answer], value=guess.answer, description="Preferred")}
        return Panel(inputs, lambda answer: guess, {"answer": guess.reason})
    inputs = {
        "input": ipywidgets.Dropdown(options=list(raw.columns), value=guess.input, description="Input"),
        "answer": ipywidgets.Dropdown(options=list(raw.columns), value=guess.answer, description="Answer"),
    }

    def make(input: str, answer: str) -> ColumnGuess:
        return guess if (input, answer) == (guess.input, guess.answer) else choose_columns(raw, input, answer, guess)

    return Panel(inputs, make, {"input": guess.reason}, remember)


def terms(raw: RawTable, project: Project) -> Panel:
    """Notebook 01: on what terms the rows may be used, and which column tells people apart."""
    default = project_terms(project)
    column = default.subject_column if default.subject_column in raw.columns else ""
    inputs = {
        "licence": ipywidgets.Text(default.licence, description="Licence"),
        "legal_basis": ipywidgets.Text(default.legal_basis, description="Legal basis"),
        "subject_column": ipywidgets.Dropdown(options=[("none", ""), *((name, name) for name in raw.columns)], value=column, description="Person column"),
        "restricted": ipywidgets.Checkbox(default.restricted, description="May not leave the building"),
    }
    notes = {
        "licence": "of the data, such as CC-BY-4.0, or 'ours'",
        "legal_basis": "for personal data in it, such as consent or contract; 'none needed' if there is none",
        "subject_column": "tells whom a row is about, such as a customer number; kept as a keyed code only",
        "restricted": "then names and addresses that are only possibly personal are masked too",
    }
    return Panel(inputs, lambda **stated: replace(default, **stated), notes, project.path("panels/terms.json"))


def masking(project: Project) -> Panel:
    """Notebook 01: what stands in the place of personal data, and how much of it is found."""
    inputs = {
        "mode": ipywidgets.Dropdown(
            options=[("its kind: [EMAIL]", "type"), ("its kind and a code: [EMAIL_7f3a]", "pseudonym"), ("made-up values", "surrogate")],
            value="type", description="Masked by",
        )
    }
    notes = {"mode": f"with codes, the same value has the same one in the whole project; the key to them is in {KEY}"}

    def make(mode: str) -> Masking:
        chosen = project_masking(project, mode)
        # Made-up values need a package: better said here than when all rows are masked.
        chosen.text("somebody@example.org")
        return chosen

    return Panel(inputs, make, notes, project.path("panels/masking.json"), lambda _: measured_recall()._repr_html_())


def task(dataset: Dataset, guess: Task, project: Project | None = None) -> Panel:
    """Notebook 01: how answers are judged."""
    inputs = {"kind": ipywidgets.Dropdown(options=list(SCORER_KINDS), value=guess.kind, description="Judged as")}
    remember = project.path("panels/task.json") if project else None
    rules = project_rules(project) if project else None
    return Panel(inputs, lambda kind: guess.change(kind, dataset, rules), {"kind": guess.reason}, remember)


def documents(project: Project) -> Panel:
    """Notebook 02: where the documents lie that answers can be looked up in, and how they read after a change."""
    inputs = {
        # Half a path may be a large folder, so nothing is read before it is typed to its end.
        "folder": ipywidgets.Text("", description="Documents", continuous_update=False),
        "changed": ipywidgets.Text("", description="After a change", continuous_update=False),
    }
    came = "documents" in scenario_of(project)
    notes = {
        "folder": "a folder or archive of .md, .txt and .pdf files; empty for "
        + ("those that came with the sample" if came else "none: then nothing is looked up in documents"),
        "changed": "the same documents in a newer version, to see which way of answering keeps up; may be empty",
    }

    def show(read: Documents | None) -> str:
        return read._repr_html_() if read else "<p>No documents: answers come from examples and from the model alone.</p>"

    def make(folder: str, changed: str) -> Documents | None:
        try:
            return save_documents(project, folder, changed)
        except WorkbenchError as error:
            raise BadInput(f"{error} {_in_force(project)}") from error

    return Panel(inputs, make, notes, project.path("panels/documents.json"), show)


def _in_force(project: Project) -> str:
    """Which documents stay in use while what was typed can't be."""
    try:
        found = project_documents(project)
    except WorkbenchError:
        return "What was chosen before can't be read either, so until this is mended there are no documents to look up in."
    return f"Until this is mended, {f'what was chosen before stays in use: {found!r}' if found else 'no documents are used'}."


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
        "flavour": ipywidgets.Dropdown(options=list(FLAVOURS), value=recommended.flavour, description="Flavour"),
        "steps": ipywidgets.BoundedIntText(value=recommended.steps, min=2, max=100_000, description="Steps"),
        "learning_rate": ipywidgets.BoundedFloatText(
            value=recommended.learning_rate, min=1e-6, max=0.1, step=1e-4, description="Learning rate"
        ),
        "rank": ipywidgets.BoundedIntText(value=recommended.rank, min=1, max=256, description="Rank"),
        "seed": ipywidgets.BoundedIntText(value=recommended.seed, min=0, max=2**31 - 1, description="Seed"),
    }

    def make(**settings: object) -> Plan:
        if settings["flavour"] != recommended.flavour and settings["learning_rate"] == recommended.learning_rate:
            # The usual rate is another one for another flavour; whoever typed a rate keeps it.
            settings["learning_rate"] = usual_rate(recommended, str(settings["flavour"]))
        return recommended.change(**settings)

    notes = {"flavour": "; ".join(f"{name}: {what}" for name, what in FLAVOURS.items())}
    return Panel(inputs, make, notes)
