"""What a project starts from: a sample scenario or a file, a depth, a model."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

from workbench.curate.checks.check import CheckContext
from workbench.curate.checks.report import check_rows
from workbench.curate.decisions import recommended_decisions
from workbench.curate.personal import Masking, load_or_make_key, mask
from workbench.curate.reading import (
    ColumnGuess,
    Documents,
    Origin,
    QuarantinedRow,
    RawTable,
    encoding_choices,
    guess_columns,
    read_documents,
    read_file,
    read_source,
)
from workbench.curate.reading.archives import is_archive
from workbench.curate.reading.files import HUB_ID, PARQUET, WORKBOOKS, is_row_file, source_files
from workbench.curate.splitting import Splits
from workbench.curate.task import Task, propose_instructions, propose_task
from workbench.dataset import Dataset
from workbench.errors import BadInput
from workbench.files import file_sha256, read_json, write_json, write_jsonl
from workbench.models import choose_model, propose_model
from workbench.project import Project, create_project
from workbench.runtime import ROOT
from workbench.scoring.scorers import SCORER_KINDS

SAMPLES = ROOT / "data_samples"
DEFAULT_SAMPLE = "support_tickets"
DEFAULT_GOOD_ENOUGH = 0.8
KEY, TERMS, DOCUMENTS = "secrets/pseudonym.key", "data/terms.json", "decide/documents.json"
OWN_JUDGING = ("source_section", "answer_v2", "changed")
JUDGING = ("meaning_column", "source_column", "answer_column_v2", "group_column")


def samples() -> dict[str, str]:
    """The sample scenarios: name to title."""
    return {p.parent.name: read_json(p)["title"] for p in sorted(SAMPLES.glob("*/scenario.json"))}


@dataclass(frozen=True)
class StartChoice:
    """What notebook 00 asks for: a project name, a sample's name or a file's path, a depth, a model."""

    name: str
    data: str
    depth: str
    model: str


def default_start() -> StartChoice:
    """The recommended start; a tour started with --data, --project or --depth says otherwise."""
    data = os.environ.get("WORKBENCH_DATA") or DEFAULT_SAMPLE
    name = os.environ.get("WORKBENCH_PROJECT") or project_name(data)
    return StartChoice(name, data, os.environ.get("WORKBENCH_DEPTH") or "quick", os.environ.get("WORKBENCH_MODEL") or "")


def project_name(data: str) -> str:
    """A project's name made from its data's: what a folder may be called everywhere."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", Path(data).stem).strip("-")[:60]
    return plain or "my-project"


def start_project(name: str, data: str = DEFAULT_SAMPLE, depth: str = "quick", model: str = "") -> Project:
    """Make the project's folder, or open it again.

    Args:
        name: of the project; becomes a folder in `projects/`.
        data: a sample's name; the path of a file (CSV, TSV, Excel, JSON, JSONL, Parquet), of an archive of such
            files, or of a folder with a data set in it; or the id of a data set on the hub.
        depth: "quick" or "thorough".
        model: "embedded", a hub id, a folder, or nothing for the one proposed for this machine.

    Raises:
        BadInput: there is no such sample or file, or the name or the model can't be used.
    """
    scenario, file = ("", Path(data))
    if data in samples():
        scenario, file = data, SAMPLES / data / read_json(SAMPLES / data / "scenario.json")["train_file"]
    file = _looked_up(file)
    there = os.path.exists(file)
    on_hub = not there and HUB_ID.fullmatch(data) is not None and not is_row_file(data)
    if not there and not on_hub:
        raise BadInput(
            f"{data[:200]!r} is neither a sample ({', '.join(samples())}) nor a file or folder. "
            f"A path is looked up from {Path.cwd()} and from {ROOT}; give the whole path if in doubt."
        )
    proposed = propose_model()
    # Taking what is proposed keeps the reason for which it is.
    choice = proposed if model in ("", proposed.reference) else choose_model(model)
    settings = {
        "data_file": data if on_hub else str(file.resolve()),
        "data_sha256": "" if on_hub else _sha256(file),
        "scenario": scenario,
        "depth": depth,
        "model": choice.to_dict(),
    }
    return create_project(name, settings)


def _looked_up(place: Path) -> Path:
    """The path as it stands or, where nothing is there, from the checkout."""
    # os.path.exists says no to a name that no file system takes, where Path.exists raises.
    # Notebooks run in their own folder, and JupyterLab shows the one above it.
    return ROOT / place if not os.path.exists(place) and os.path.exists(ROOT / place) else place


def _sha256(source: Path) -> str:
    try:
        return file_sha256(source) if source.is_file() else source_files(source)[2]
    except OSError as error:
        raise BadInput(f"{source} can't be read ({error.strerror}). Check that you may open it.") from error
    except BadInput as error:
        raise BadInput(f"{error} Or begin with a sample: {', '.join(samples())}.") from error


def scenario_of(project: Project) -> dict:
    """The sample's own settings; empty for a user's file."""
    name = project.settings["scenario"]
    return read_json(SAMPLES / name / "scenario.json") if name else {}


def read_project_files(project: Project, encoding: str = "") -> tuple[RawTable, RawTable | None]:
    """The project's data, and the test set that came with it, if one did.

    Args:
        encoding: of the data's text file, where a person chose one; empty for as found.
    """
    scenario = scenario_of(project)
    test = scenario.get("test_file")
    source = project.settings["data_file"]
    return read_source(source, encoding), read_file(Path(source).parent / test) if test else None


def project_encodings(project: Project) -> list[tuple[str, list[str]]]:
    """The encodings that the project's file may be in, each with three sample lines; empty where there is no doubt."""
    source = Path(project.settings["data_file"])
    if not source.is_file() or is_archive(source) or source.suffix.lower() in (*WORKBOOKS, *PARQUET):
        return []
    choices = encoding_choices(source)
    return choices if len(choices) > 1 else []


@dataclass(frozen=True)
class Terms(Origin):
    """On what terms rows are used, and whether they may leave the building.

    Attributes:
        restricted: nothing of the rows may be sent anywhere, and what is only possibly personal is masked too.
    """

    restricted: bool = False

    def _repr_html_(self) -> str:
        where = "; may not leave the building" if self.restricted else ""
        return f"<p>Licence {escape(self.licence)}; legal basis {escape(self.legal_basis)}{where}.</p>"


def project_terms(project: Project) -> Terms:
    """The terms that were stated before or that the sample states, and the key for codes of persons."""
    stated = _stated(project)
    known = {name: stated[name] for name in ("licence", "legal_basis", "subject_column", "restricted") if name in stated}
    return Terms(**known, subject_key=load_or_make_key(project.path(KEY)), keep=_judging_columns(project))


def _judging_columns(project: Project) -> tuple[str, ...]:
    """Columns that the sample names for judging: facts an answer must have, its source, its answer in another version."""
    scenario = scenario_of(project)
    # A file of one's own has them if it names them as the sample does.
    named = [scenario[name] for name in JUDGING if name in scenario] if scenario else list(OWN_JUDGING)
    rules = project_rules(project)
    facts = [*rules.get("meaning", {}).get("fact_columns", []), *rules.get("voice", {}).get("must_name", [])]
    return tuple(dict.fromkeys([*named, *facts]))


def project_rules(project: Project) -> dict:
    """What the sample's scorer goes by: the voice's checklist, the phrases that say each meaning, the words for "no answer"."""
    scenario, folder = scenario_of(project), SAMPLES / project.settings["scenario"]
    rules = {name: read_json(folder / scenario[f"{name}_file"]) for name in ("voice", "meaning") if f"{name}_file" in scenario}
    return {**rules, **{name: scenario[name] for name in ("unanswerable",) if name in scenario}}


def project_documents(project: Project, version: str = "documents") -> Documents | None:
    """The documents to look answers up in: the folder chosen in notebook 02, or the sample's; None without.

    Args:
        version: "documents", or "documents_v2" for how they read after a change.
    """
    saved, scenario = project.path(DOCUMENTS), scenario_of(project)
    chosen = read_json(saved) if saved.exists() else {}
    place = chosen.get(version, "")
    # The sample's changed documents are no later version of somebody's own.
    if not place and "documents" not in chosen and version in scenario:
        place = str(SAMPLES / project.settings["scenario"] / scenario[version])
    return read_documents(Path(place)) if place else None


def save_documents(project: Project, folder: str, changed: str = "") -> Documents | None:
    """Keep where the documents lie, for this notebook and the later ones.

    Args:
        folder: a folder or archive of .md, .txt and .pdf files; empty for the sample's own, or none. A path is looked up
            as that of the data is: from where one is, then from the checkout.
        changed: the same documents after a change, where there are some to try.

    Raises:
        BadInput: there is nothing to read.
    """
    given = {"documents": folder.strip(), "documents_v2": changed.strip()}
    places = {name: _looked_up(Path(place)) for name, place in given.items() if place}
    for place in places.values():
        read_documents(place)
    write_json(project.path(DOCUMENTS), {name: str(place.resolve()) for name, place in places.items()})
    return project_documents(project)


def _stated(project: Project) -> dict:
    saved = project.path(TERMS)
    return read_json(saved) if saved.exists() else scenario_of(project)


def save_terms(project: Project, terms: Terms) -> None:
    """Keep the terms for what is done with the rows later; the key is not part of them."""
    write_json(project.path(TERMS), {name: value for name, value in vars(terms).items() if name not in ("subject_key", "keep")})


def project_masking(project: Project, mode: str = "type") -> Masking:
    """How personal data is replaced; the key for pseudonyms lies in the project's folder, apart from the data.

    Args:
        mode: "type" for [EMAIL], "pseudonym" for [EMAIL_7f3a], "surrogate" for made-up values (needs Faker).
    """
    return Masking(mode, key=load_or_make_key(project.path(KEY)))


def shown_text(project: Project) -> Callable[[str], str]:
    """How a row's text is masked to be looked at: where rows may not leave the building, names and addresses too."""
    if not _stated(project).get("restricted"):
        return mask
    everything = Masking()
    return lambda text: everything.text(text, ("mask", "review"))


def clean_test(test: Dataset, context: CheckContext, masking: Masking | None = None) -> Dataset:
    """A test set that came with the data, with the recommended decisions of the same checks carried out."""
    alone = replace(context, test=None, _memo={})
    return recommended_decisions(check_rows(test, alone), test).apply(test, masking)


def project_columns(project: Project, raw: RawTable) -> ColumnGuess:
    """The columns that the sample names, or a guess."""
    scenario = scenario_of(project)
    if scenario:
        return ColumnGuess(scenario["input_column"], scenario["answer_column"], "", "named by the sample.")
    return guess_columns(raw)


def project_task(project: Project, dataset: Dataset, chosen: Task | None = None) -> Task:
    """How answers are judged: as the sample says, or guessed; with the sample's own instructions where it has some.

    Args:
        dataset: the rows to guess from; for the task that is saved, the curated training rows, so that
            no faulty answer and no test row shapes the instructions.
        chosen: a task whose way of judging stays; its instructions are then made from `dataset`.
    """
    scenario = scenario_of(project)
    own, named = scenario.get("instructions", ""), scenario.get("scorer", "")
    if chosen is None and named in SCORER_KINDS:
        chosen = Task(named, "named by the sample.", own)
    if chosen is None:
        return propose_task(dataset, own)
    return Task(chosen.kind, chosen.reason, own or propose_instructions(dataset, chosen.kind))


def default_good_enough(project: Project) -> float:
    """The score that the sample says would do; for a user's file a plain 0.8, to be changed."""
    return float(scenario_of(project).get("good_enough", DEFAULT_GOOD_ENOUGH))


def choose_columns(raw: RawTable, input: str, answer: str, guess: ColumnGuess | None = None) -> ColumnGuess:
    """A person's own choice of columns.

    Args:
        guess: what was guessed; its other columns (a system turn, a rejected answer) stay where they still apply.

    Raises:
        BadInput: there is no such column, or both are the same.
    """
    if input == answer:
        raise BadInput(f"Input and answer can't both be {input!r}: the model would be asked for what it was just told.")
    for column in (input, answer):
        if column not in raw.columns:
            raise BadInput(f"{raw.file} has no column {column!r}; it has {', '.join(raw.columns)}.")
    others = ("context", "system", "rejected", "good", "subject")
    kept = {name: getattr(guess, name) for name in others if guess and getattr(guess, name) not in (input, answer)}
    return ColumnGuess(input, answer, "", "chosen by you.", **kept)


def save_quarantine(project: Project, quarantine: Iterable[QuarantinedRow]) -> Path:
    """Keep the rows that couldn't be used, with their reasons, for whoever wants to mend them."""
    rows = [{"file": q.file, "line": q.line, "reason": q.reason, "raw": q.raw} for q in quarantine]
    return write_jsonl(project.path("data/quarantine.jsonl"), rows)


def save_curated(project: Project, splits: Splits, task: Task) -> None:
    """Write what the next notebooks start from."""
    for part in (splits.train, splits.validation, splits.test):
        part.save(project.path(f"data/{part.name}.jsonl"))
    task.save(project.path("data/task.json"))
    write_json(project.path("data/fingerprints.json"),
               {part.name: part.fingerprint for part in (splits.train, splits.validation, splits.test)})
