"""What run.py calls once the environment is there: tour, lab, doctor, ask."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from workbench.curate.start import default_start, project_name, samples
from workbench.errors import WorkbenchError
from workbench.files import read_json, write_json
from workbench.project import open_project
from workbench.runtime import DEPTHS, ROOT, this_machine, versions


def main(arguments: list[str] | None = None) -> int:
    """Run a verb and return the exit code: 0 for success, 1 for a failure told in a sentence."""
    parser = argparse.ArgumentParser(prog="python run.py", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    tour_parser = verbs.add_parser("tour", help="run every notebook headless")
    tour_parser.add_argument("--data", help="a sample's name, the path of a file or folder, or a hub id")
    tour_parser.add_argument("--project", help="the project's name; the data's name where it isn't given")
    tour_parser.add_argument("--depth", choices=list(DEPTHS), default="quick")
    tour_parser.add_argument("--model", help="embedded, a hub id, or a folder")
    verbs.add_parser("lab", help="open JupyterLab")
    verbs.add_parser("doctor", help="what the installed environment will use")
    ask_parser = verbs.add_parser("ask", help="ask what a project handed over")
    ask_parser.add_argument("project")
    ask_parser.add_argument("question")
    ask_parser.add_argument("--send", action="store_true", help="the question may go to the server that was handed over")
    options, rest = parser.parse_known_args(arguments)
    if rest and options.verb != "lab":
        parser.error(f"unknown argument: {rest[0]}")
    try:
        return {"tour": _tour, "lab": _lab, "doctor": _doctor, "ask": _ask}[options.verb](options, rest)
    except WorkbenchError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. What was finished is kept: the same command goes on from there.", file=sys.stderr)
        return 130


def _tour(options: argparse.Namespace, rest: list[str]) -> int:
    from workbench.tour import run_tour

    default = default_start()
    data = options.data or default.data
    # A path is meant from where the person stands; the notebooks run elsewhere.
    data = str(Path(data).resolve()) if os.path.exists(data) and data not in samples() else data
    project = options.project or (project_name(data) if options.data else default.name)
    settings = {"data": data, "project": project, "depth": options.depth, "model": options.model or default.model}
    print(f"Tour of project {project!r}, depth {options.depth}:")
    index = run_tour(settings)
    _print_record(read_json(open_project(project).path("tour.json")))
    print(f"\nGallery: {index}")
    return 0


def _print_record(record: dict) -> None:
    print(f"\nThe walk took {record['seconds'] / 60:.1f} minutes.\n")
    for arm in record["arms"]:
        low, high = arm["interval"]
        score = f"{arm['score']:.3f} [{low:.3f}, {high:.3f}]" if arm["n"] else "nothing could be judged"
        print(
            f"  {arm['arm']:<36} {score}  n={arm['n']}  "
            f"{arm['tokens_per_call']:5.0f} tokens  {arm['seconds_per_call']:.2f} s per call"
        )
    training, recommendation = record["training"], record["recommendation"]
    print(f"\n  Comparison: {recommendation['outcome']}; {recommendation['title']}")
    print(
        f"  Training: {training['steps']} steps, loss {training['loss_first']:.2f} to {training['loss_last']:.2f}, "
        f"peak memory {training['peak_memory']:.1f} GiB"
    )
    print(f"  Forgetting check: {record['verdict']['outcome']}")
    for row in record["rows"]["quarantined"]:
        print(f"  Set aside: line {row['line']}, because {row['reason']}")


def _lab(options: argparse.Namespace, rest: list[str]) -> int:
    # A pop-up that asks thirty people about news, and a look for updates, are no way to begin a class. Written
    # only into the workbench's own environment, never into somebody else's.
    settings = Path(sys.prefix) / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    if Path(sys.prefix).resolve() == (ROOT / ".venv").resolve() and not settings.exists():
        notification = {"fetchNews": "false", "checkForUpdates": False}
        write_json(settings, {"@jupyterlab/apputils-extension:notification": notification})
    # The whole workbench is the root, so that a file dragged in at the top is found by its name.
    place = [f"--ServerApp.root_dir={ROOT}", "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb"]
    return subprocess.call([sys.executable, "-m", "jupyterlab", *place, *rest], cwd=ROOT)


def _doctor(options: argparse.Namespace, rest: list[str]) -> int:
    machine = this_machine()
    print(f"Training backend: {machine.backend}")
    for name, version in versions().items():
        print(f"  {name:<14} {version}")
    return 0


def _ask(options: argparse.Namespace, rest: list[str]) -> int:
    from workbench.ship.handover import Handover, ask

    project = open_project(options.project)
    handover = Handover.load(project.need("ship/handover.json"))
    print(f"[{handover.title}; {handover.status}]", file=sys.stderr)
    print(ask(project, options.question, options.send))
    return 0


if __name__ == "__main__":
    sys.exit(main())
