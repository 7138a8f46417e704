"""Rules that every notebook keeps, checked without running it."""

from __future__ import annotations

import ast
import importlib.util
import json
from pathlib import Path

import pytest

import workbench

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = sorted((ROOT / "notebooks" / "src").glob("*.py"))
BUILT = sorted((ROOT / "notebooks").glob("*.ipynb"))


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def code_cells(path: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in read(path)["cells"] if cell["cell_type"] == "code"]


def builder():
    spec = importlib.util.spec_from_file_location("build", ROOT / "notebooks" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_source_has_its_notebook_and_the_other_way_round():
    assert [p.stem for p in SOURCES] == [p.stem for p in BUILT]


@pytest.mark.parametrize("source", SOURCES, ids=lambda p: p.stem)
def test_a_built_notebook_is_its_source_and_nothing_else(source):
    built = source.parent.parent / f"{source.stem}.ipynb"
    assert built.read_text(encoding="utf-8") == builder().build(source.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", BUILT, ids=lambda p: p.stem)
def test_no_outputs_and_no_widget_state_are_committed(path):
    notebook = read(path)
    assert "widgets" not in notebook["metadata"]
    assert all(not c.get("outputs") and not c.get("execution_count") for c in notebook["cells"])


@pytest.mark.parametrize("path", BUILT, ids=lambda p: p.stem)
def test_cell_ids_are_unique(path):
    ids = [cell["id"] for cell in read(path)["cells"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("path", BUILT, ids=lambda p: p.stem)
def test_cells_are_short_and_define_nothing(path):
    for source in code_cells(path):
        tree = ast.parse(source)
        assert len(source.splitlines()) <= 10
        assert not [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef | ast.Lambda)]


@pytest.mark.parametrize("path", BUILT, ids=lambda p: p.stem)
def test_the_first_code_cell_sets_up_and_imports_nothing_heavy(path):
    first = code_cells(path)[0]
    assert first == builder().BOOTSTRAP
    assert "torch" not in first and "pip install" not in first


@pytest.mark.parametrize("path", BUILT, ids=lambda p: p.stem)
def test_a_notebook_uses_only_names_that_the_package_offers(path):
    for source in code_cells(path):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "workbench":
                assert node.attr in workbench.__all__


@pytest.mark.parametrize("path", BUILT, ids=lambda p: p.stem)
def test_a_notebook_opens_with_a_decision_and_closes_with_one(path):
    texts = ["".join(c["source"]) for c in read(path)["cells"] if c["cell_type"] == "markdown"]
    assert texts[0].startswith("# ") and "**You decide here:**" in texts[0]
    assert texts[-1].startswith("**Decided:**")


@pytest.mark.parametrize("path", BUILT, ids=lambda p: p.stem)
def test_every_panel_has_a_twin_in_plain_code(path):
    cells = read(path)["cells"]
    panels = sum("panels." in "".join(c["source"]) and "Progress" not in "".join(c["source"]) and "TrainingView" not in "".join(c["source"]) for c in cells if c["cell_type"] == "code")
    twins = sum("The same without the panel" in "".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    assert twins >= panels


def test_links_between_notebooks_lead_somewhere():
    import re

    for path in BUILT:
        for cell in read(path)["cells"]:
            for target in re.findall(r"\]\((\w+\.ipynb)\)", "".join(cell["source"])):
                assert (path.parent / target).exists(), f"{path.name} links to {target}"
