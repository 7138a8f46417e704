"""The tour: every notebook run headless in order, with a record of what came out and a gallery to look at."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from workbench.check.forgetting import ForgettingReport, Verdict
from workbench.decide.compare import COMPARED
from workbench.decide.recommendation import Recommendation
from workbench.errors import BadInput, Mismatch, WorkbenchError
from workbench.files import read_json, read_jsonl, write_json, write_text
from workbench.project import NOTEBOOKS, Project, open_project
from workbench.runtime import ROOT, this_machine, versions
from workbench.scoring.scorecard import Scorecard
from workbench.scoring.seeds import Seeds
from workbench.train.run import Run

WIDGET = "application/vnd.jupyter.widget-view+json"


class TourFailed(WorkbenchError, RuntimeError):
    """A notebook stopped with an error."""


def run_tour(settings: dict[str, str], notebooks: Sequence[str] = NOTEBOOKS) -> Path:
    """Run the notebooks and write `tour.json` and the gallery into the project's folder.

    Args:
        settings: name, data, depth and model, as notebook 00 takes them.
        notebooks: the notebooks to run, in order.

    Returns:
        The gallery's index page, or the gallery's folder if only some notebooks were run.

    Raises:
        TourFailed: a notebook stopped; the record and the pages so far are written all the same.
    """
    for key, value in settings.items():
        os.environ[f"WORKBENCH_{key.upper()}"] = value
    started = time.perf_counter()
    done: list[dict] = []
    for name in notebooks:
        entry, notebook = _run_notebook(name)
        done.append(entry)
        project = _project_if_there(settings["project"])
        if project is not None:
            _write_page(project, name, notebook)
            _write_record(project, done, time.perf_counter() - started)
        if entry["status"] != "done":
            raise TourFailed(
                f"{name} stopped in cell {entry['cell']}: {entry['error']} "
                "What was finished is kept: run the same command again and it goes on from there."
            )
    project = open_project(settings["project"])
    return _write_index(project) if tuple(notebooks) == NOTEBOOKS else project.path("tour")


def _project_if_there(name: str) -> Project | None:
    try:
        return open_project(name)
    except WorkbenchError:
        return None


def _run_notebook(name: str) -> tuple[dict, Any]:
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    at = {"cell": 0}

    def on_cell(cell: Any, cell_index: int) -> None:
        at["cell"] = cell_index + 1
        if cell.cell_type == "code":
            print(f"\r  {name}: cell {cell_index + 1} of {len(notebook.cells)}   ", end="", flush=True)

    client = NotebookClient(
        notebook, timeout=None, kernel_name="python3", on_cell_start=on_cell,
        extra_arguments=["--log-level=ERROR"], resources={"metadata": {"path": str(ROOT / "notebooks")}},
    )
    started = time.perf_counter()
    entry: dict[str, Any] = {"notebook": name, "status": "done"}
    try:
        client.execute()
    except CellExecutionError as error:
        entry |= {"status": "stopped", "cell": at["cell"], "error": " ".join(f"{error.ename}: {error.evalue}".split())}
    except DeadKernelError:
        entry |= {"status": "stopped", "cell": at["cell"], "error": "the kernel died (often: memory ran out)."}
    entry["seconds"] = round(time.perf_counter() - started, 1)
    print(f"\r  {name:<28} {entry['status']:<8} {entry['seconds']:7.1f} s          ", flush=True)
    return entry, notebook


def _write_record(project: Project, done: list[dict], seconds: float) -> None:
    write_json(project.path("tour.json"), tour_record(project, done, seconds))


def tour_record(project: Project, notebooks: list[dict], seconds: float) -> dict:
    """Everything the walk measured so far, read from the project's own results.

    Args:
        notebooks: name, status and seconds of each notebook of this tour.
        seconds: wall time of the tour; a tour that took up an earlier one's work is shorter.
    """
    return {
        "project": project.name,
        "depth": project.depth.name,
        "model": project.settings["model"]["reference"],
        "notebooks": notebooks,
        "seconds": round(seconds, 1),
        "arms": _arms(project),
        "recommendation": _load(project, "decide/recommendation.json", Recommendation),
        "training": _training(project),
        "forgetting": _load(project, "check/forgetting.json", ForgettingReport),
        "verdict": _load(project, "check/verdict.json", Verdict),
        "parity": _sound(lambda: read_json(path)) if (path := project.path("ship/parity.json")).exists() else None,
        "rows": _rows(project),
        "test_looks": project.test_looks(),
        "versions": versions(),
        "machine": this_machine().to_dict(),
        "when": time.strftime("%Y-%m-%d %H:%M:%S"),
    }


def _load(project: Project, name: str, kind: Any) -> dict | None:
    path = project.path(name)
    return _sound(lambda: kind.load(path).to_dict()) if path.exists() else None


def _sound(read: Callable[[], Any]) -> Any:
    """What is read, or None where it is damaged or doesn't belong together."""
    try:
        return read()
    except (BadInput, Mismatch):
        # A notebook further on writes it anew; until then there is nothing to record.
        return None


def _arms(project: Project) -> list[dict]:
    """What is scored so far of the arms that are compared; a tuned arm's seeds together."""
    compared = project.path(COMPARED)
    files = (_sound(lambda: read_json(compared)["cards"]) if compared.exists() else None) or []
    found = (_sound(lambda names=names: _cards(project, names)) for names in files)
    return [_arm(cards, len(getattr(cards, "cards", (cards,)))) for cards in found if cards is not None]


def _cards(project: Project, names: Sequence[str]) -> Scorecard | Seeds | None:
    """One arm's cards together; None where there are none yet."""
    cards = [Scorecard.load(path) for path in map(project.path, names) if path.exists()]
    return Seeds(tuple(cards)) if len(cards) > 1 else next(iter(cards), None)


def _arm(card: Scorecard | Seeds, seeds: int) -> dict:
    return {
        "arm": card.title,
        "score": card.interval().value if card.n else None,
        "interval": list(card.interval())[1:],
        "n": card.n,
        "seeds": seeds,
        "unscorable": card.unscorable,
        "cut": card.cut,
        "tokens_per_call": card.tokens_per_call,
        "seconds_per_call": card.seconds_per_call,
        "training_seconds": card.training_seconds,
        "precision": card.precision,
    }


def _training(project: Project) -> dict | None:
    path = project.path("train/run.json")
    run = _sound(lambda: Run.load(path)) if path.exists() else None
    if run is None:
        return None
    names = ("steps", "loss_first", "loss_last", "validation_loss", "seconds", "peak_memory", "resumed_at")
    return {name: getattr(run, name) for name in names}


def _rows(project: Project) -> dict:
    quarantine = project.path("data/quarantine.jsonl")
    parts = {n: project.path(f"data/{n}.jsonl") for n in ("train", "validation", "test")}
    counts = {n: sum(1 for _ in read_jsonl(p)) for n, p in parts.items() if p.exists()}
    reasons = [{"line": q["line"], "reason": q["reason"]} for q in read_jsonl(quarantine)] if quarantine.exists() else []
    return counts | {"quarantined": reasons}


def _write_page(project: Project, name: str, notebook: Any) -> None:
    import nbformat
    from nbconvert import HTMLExporter

    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            # A saved page has no kernel behind it; the plain table beside each panel stays.
            if "text/html" in output.get("data", {}):
                output["data"].pop(WIDGET, None)
    notebook.metadata.pop("widgets", None)
    exporter = HTMLExporter(template_name="lab")
    # The page must open from disk with no network, so nothing is fetched.
    exporter.require_js_url = exporter.mathjax_url = exporter.mermaid_js_url = exporter.jquery_url = ""
    page, _ = exporter.from_notebook_node(notebook)
    write_text(project.path(f"tour/{name}.html"), page.replace(".ipynb\"", ".html\""))
    write_text(project.path(f"tour/{name}.ipynb"), nbformat.writes(notebook))


def _write_index(project: Project) -> Path:
    record = read_json(project.path("tour.json"))
    rows = "".join(
        f"<tr><td><a href='{n['notebook']}.html'>{n['notebook']}</a></td><td>{n['status']}</td>"
        f"<td style='text-align:right'>{n['seconds']:.0f} s</td></tr>"
        for n in record["notebooks"]
    )
    recommendation, verdict = record["recommendation"], record["verdict"]
    page = (
        "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        f"<title>Tour of {escape(project.name)}</title>"
        "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:46em;margin:2em auto;padding:0 1em}"
        "td,th{padding:.2em 1.2em .2em 0;text-align:left}</style>"
        f"<h1>{escape(project.name)}</h1>"
        f"<p>Comparison: <b>{escape(recommendation['outcome'])}</b>, {escape(recommendation['title'])}. "
        f"Forgetting check of the tuned model: <b>{escape(verdict['outcome'])}</b>.</p>"
        f"<table><tr><th>Notebook</th><th>Status</th><th>Time</th></tr>{rows}</table>"
        "<p>All numbers: <a href='../tour.json'>tour.json</a>. "
        "The model card: <a href='../ship/MODEL_CARD.md'>MODEL_CARD.md</a>.</p></html>"
    )
    return write_text(project.path("tour/index.html"), page)
