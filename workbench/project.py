"""The folder on disk that carries results from one notebook to the next."""

from __future__ import annotations

import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import BadInput, Prerequisite
from workbench.files import read_json, read_jsonl, write_json, write_jsonl
from workbench.runtime import ROOT, Depth, depth

NOTEBOOKS = (
    "00_start_here",
    "01_curate_a_dataset",
    "02_prompt_rag_or_finetune",
    "03_train_with_qlora",
    "04_check_for_forgetting",
    "05_ship_with_evidence",
)
# For those who want more; no part of the walk.
ALIGN = "06_align_with_preferences"

KEPT_BY_WINDOWS = re.compile(r"con|prn|aux|nul|(com|lpt)\d", re.IGNORECASE)

# Which notebook writes into a folder of the project; what is missing there is answered with the notebook to run.
WRITTEN_BY = dict(zip(("data", "decide", "train", "check", "ship"), NOTEBOOKS[1:], strict=True)) | {"align": ALIGN}


def projects_folder() -> Path:
    """Where all projects lie: `projects/` beside the notebooks, or WORKBENCH_PROJECTS."""
    return Path(os.environ.get("WORKBENCH_PROJECTS") or ROOT / "projects")


def cache_folder() -> Path:
    """Where things made once for all projects lie, such as the converted embedded model."""
    return projects_folder() / ".cache"


@dataclass(frozen=True)
class Project:
    """One project's folder and the choices made for it in notebook 00."""

    folder: Path
    settings: dict

    def __repr__(self) -> str:
        return f"Project {self.name!r} in {self.folder}, depth {self.depth.name}"

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def depth(self) -> Depth:
        """Quick or thorough, as chosen in notebook 00."""
        return depth(self.settings["depth"])

    @property
    def log(self) -> Path:
        """Where the libraries' banners and warnings go."""
        return self.folder / "logs" / "libraries.log"

    def path(self, name: str) -> Path:
        """A path inside the project, whether or not it exists yet."""
        return self.folder / name

    def need(self, name: str) -> Path:
        """A path that must exist.

        Raises:
            Prerequisite: it is missing; the message names the notebook that writes it.
        """
        path = self.path(name)
        if not path.exists():
            notebook = WRITTEN_BY.get(name.partition("/")[0], NOTEBOOKS[0])
            raise Prerequisite(
                f"The project {self.name!r} has no {name} yet, and this notebook starts from it. "
                f"Run {notebook}.ipynb first, then this one again."
            )
        return path

    def record_test_look(self, what: str, rows: int, recipe: str = "") -> None:
        """Count a look at the test rows: choosing by them more than once makes them optimistic.

        Args:
            what: for the reader.
            recipe: a hash of what is asked; asking the same again (after a kill) is the same look.
        """
        looks = self.test_looks()
        if (what, recipe) not in [(look["what"], look.get("recipe", "")) for look in looks]:
            looks.append({"what": what, "rows": rows, "when": time.strftime("%Y-%m-%d %H:%M:%S"), "recipe": recipe})
            write_jsonl(self.path("test_looks.jsonl"), looks)

    def test_looks(self) -> list[dict]:
        """Every look at the test rows so far: what was scored, on how many rows, when."""
        path = self.path("test_looks.jsonl")
        return list(read_jsonl(path)) if path.exists() else []


def create_project(name: str, settings: dict) -> Project:
    """Make the project's folder (or open it again with the same settings) and make it the current one.

    Settings that change what was measured (data, model, depth) start the results afresh: the old
    ones are moved to `earlier/` and nothing is lost.

    Args:
        name: letters, digits, dashes and underscores.
        settings: data_file, scenario, model and depth.

    Raises:
        BadInput: the name can't be a folder's name, or the depth is unknown.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}", name) or KEPT_BY_WINDOWS.fullmatch(name):
        raise BadInput(
            f"Project name {name!r} can't be used as a folder's name everywhere. "
            "Use up to 60 letters, digits, dashes and underscores, beginning with a letter or digit."
        )
    depth(settings["depth"])
    folder = projects_folder() / name
    path = folder / "project.json"
    if path.exists() and _measured(read_json(path)) != _measured(settings):
        _set_aside(folder)
    write_json(path, settings)
    write_json(projects_folder() / "current.json", {"name": name})
    return Project(folder, settings)


def _measured(settings: dict) -> tuple:
    """What decides a result; where the checkout lies, and how a choice is worded, does not."""
    data = settings.get("data_sha256") or settings["data_file"]
    return data, settings["scenario"], settings["depth"], settings["model"].get("reference")


def _set_aside(folder: Path) -> None:
    if (lock := folder / "train" / "training.lock").exists():
        from filelock import FileLock, Timeout

        try:
            FileLock(lock).acquire(timeout=0).lock.release()
        except Timeout as error:
            raise Prerequisite(
                f"A kernel is training in the project {folder.name!r} right now, and other settings would move its files "
                "away. Shut that kernel down first, or choose another project name."
            ) from error
    name, number = time.strftime("%Y%m%d-%H%M%S"), 1
    while (earlier := folder / "earlier" / (name if number == 1 else f"{name}-{number}")).exists():
        number += 1
    earlier.mkdir(parents=True)
    # The settings go last: a kill in between finds the old ones still here and goes on moving.
    for item in sorted(folder.iterdir(), key=lambda item: item.name == "project.json"):
        if item.name != "earlier":
            shutil.move(str(item), str(earlier / item.name))


def open_project(name: str | None = None) -> Project:
    """Open a project: the one named, or WORKBENCH_PROJECT, or the one that notebook 00 made last.

    Raises:
        Prerequisite: there is none; the message names the notebook to run.
    """
    current = projects_folder() / "current.json"
    name = name or os.environ.get("WORKBENCH_PROJECT")
    if name is None and current.exists():
        name = read_json(current)["name"]
    path = projects_folder() / (name or "") / "project.json"
    if name is None or not path.exists():
        found = f"There is no project {name!r}" if name else "There is no project yet"
        raise Prerequisite(f"{found} in {projects_folder()}. Run {NOTEBOOKS[0]}.ipynb first: it makes one.")
    return Project(path.parent, read_json(path))
