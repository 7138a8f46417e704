"""Trains what a run's folder says: `python -m workbench.train.job FOLDER`, on its own or under torchrun."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from workbench.dataset import Dataset
from workbench.errors import Prerequisite, WorkbenchError
from workbench.models import ModelChoice
from workbench.train.plan import Plan
from workbench.train.processes import is_first, leave, world_size
from workbench.train.recorder import Watch
from workbench.train.run import Run, train

# What a folder must hold to be trained anywhere, without the project it came from.
NEEDED = ("plan.json", "choice.json", "rows/train.jsonl", "rows/validation.jsonl")


def need_whole(folder: Path) -> Path:
    """The folder itself, if it holds all that training starts from.

    Raises:
        Prerequisite: something is missing.
    """
    if missing := [name for name in NEEDED if not (folder / name).is_file()]:
        raise Prerequisite(
            f"{folder} has no {', '.join(missing)}, so there is nothing to train by. "
            "Give the folder of a run, as prepare() writes it: the plan, the model's name and the rows lie there."
        )
    return folder


def train_folder(folder: Path, watch: Watch | None = None) -> Run:
    """Train by the plan in a run's folder, or take up what an earlier attempt left there.

    Each of the processes that train together calls this. The first one prints a line a step and writes the
    libraries' noise to `libraries.log` in the folder.

    Args:
        watch: scores answers on the way, as in `train`; the command has none, since how answers are judged is the project's.

    Raises:
        Prerequisite: the folder isn't whole, or another process is training in it.
        BadInput: the plan's batch can't be dealt out evenly to the processes.
    """
    folder = need_whole(Path(folder).resolve())
    plan = Plan.load(folder / "plan.json")
    shown = sys.stdout
    if plan.score_every and not watch and is_first():
        print("The plan asks for scorings on the way, which only a notebook can make: the last weights are kept, not the best.")

    def tell(history: list[dict], steps: int) -> None:
        if is_first():
            # Training sends what is printed to its log, so the way out is kept from before.
            print(_line(history[-1], steps), file=shown, flush=True)

    return train(
        plan,
        ModelChoice.load(folder / "choice.json"),
        Dataset.load(folder / "rows" / "train.jsonl"),
        Dataset.load(folder / "rows" / "validation.jsonl"),
        folder,
        folder / "libraries.log",
        tell,
        watch,
    )


def _line(entry: dict, steps: int) -> str:
    values = {"loss": "loss", "validation_loss": "validation loss"}
    said = [f"{title} {entry[name]:.3f}" for name, title in values.items() if name in entry]
    said += [entry["note"]] if "note" in entry else []
    said += [f"score {entry['score']['value']:.3f}"] if "score" in entry else []
    return f"step {entry['step']} of {steps}: {', '.join(said)} ({entry['seconds']:.0f} s)"


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m workbench.train.job", description=__doc__)
    parser.add_argument("folder", type=Path, help="a run's folder")
    try:
        run = train_folder(parser.parse_args(arguments).folder)
        leave()
    except WorkbenchError as error:
        who = f"process {os.environ.get('RANK', '0')} of {world_size()}: " if world_size() > 1 else ""
        print(f"{who}{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    if is_first():
        print(run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
