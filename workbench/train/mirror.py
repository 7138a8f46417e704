"""A second copy of what a run can go on from, on a disk that outlives the session: Drive, or Kaggle's output folder."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from workbench.project import Project
from workbench.runtime import this_machine
from workbench.train.plan import Plan

DRIVE, KAGGLE = Path("/content/drive/MyDrive"), Path("/kaggle/working")


def mirror_folder(project: Project, place: str) -> Path | None:
    """Where the checkpoints of a run in a place of the project are copied to; None where there is no need.

    That is the folder in the setting WORKBENCH_MIRROR, else Google Drive where it is mounted in Colab, else Kaggle's
    output folder.
    """
    named = os.environ.get("WORKBENCH_MIRROR")
    where = {"Colab": DRIVE, "Kaggle": KAGGLE}.get(this_machine().where)
    root = Path(named) if named else where / "finetuning-workbench" if where and where.is_dir() else None
    return root / project.path("").name / place if root else None


def copy_whole(folder: Path, mirror: Path, name: str) -> None:
    """Copy a file or folder of a run so that a reader finds the old one or the new one, never half of it.

    Raises:
        OSError: the other disk is full or gone.
    """
    source, target = folder / name, mirror / name
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=target.parent, prefix="copying-"))
    try:
        fresh = aside / "fresh"
        shutil.copytree(source, fresh) if source.is_dir() else shutil.copy2(source, fresh)
        if target.is_dir():
            os.replace(target, aside / "old")
        os.replace(fresh, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def bring_back(folder: Path, mirror: Path, plan: Plan) -> bool:
    """Where nothing of a run is left here, fetch what its copy has, if that is of the same plan; whether it was."""
    if (folder / "plan.json").exists() or not (mirror / "plan.json").exists():
        return False
    if Plan.load(mirror / "plan.json").fingerprint != plan.fingerprint:
        return False
    # The plan comes last: a kill in between leaves a folder that is fetched anew.
    for item in sorted(mirror.iterdir(), key=lambda item: item.name == "plan.json"):
        if not item.name.startswith("copying-"):
            copy_whole(mirror, folder, item.name)
    return True
