"""The house keeps its shape: imports run one way, heavy libraries have one door each."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "workbench"
# From the foundations up: a room may import its own and what stands before it.
STOREYS = (
    ("errors",), ("files",), ("result",), ("dataset", "runtime"), ("project",), ("models",), ("scoring",), ("curate",),
    ("train",), ("decide",), ("check",), ("ship",), ("charts",), ("panels",), ("tour",), ("cli",),
)
LEVEL = {room: level for level, rooms in enumerate(STOREYS) for room in rooms}
MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")
DOORS = {
    "unsloth": {"models", "train"}, "trl": {"models", "train"}, "peft": {"models", "train"},
    "matplotlib": {"charts"}, "ipywidgets": {"panels"},
}


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    own = LEVEL[room(path)]
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "workbench" and parts[1] in LEVEL:
            assert parts[1] == room(path) or LEVEL[parts[1]] < own, f"{path.name} imports {name}, which stands above it"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_heavy_libraries_have_one_door(path):
    for name in imports(path):
        allowed = DOORS.get(name.split(".")[0])
        assert allowed is None or room(path) in allowed, f"{path.name} imports {name}"


def test_every_room_is_on_the_plan():
    assert {room(path) for path in MODULES} == set(LEVEL)


def test_there_is_no_room_for_odds_and_ends():
    assert not {p.stem for p in MODULES} & {"utils", "helpers", "common", "misc"}


def test_nothing_is_unpickled_or_evaluated():
    banned = {"eval", "exec"}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in banned, f"{path.name} line {node.lineno}"
            if isinstance(node, ast.keyword) and node.arg == "trust_remote_code":
                assert isinstance(node.value, ast.Constant) and node.value.value is False
        assert "pickle" not in {name.split(".")[0] for name in imports(path)}


def test_the_package_imports_without_torch_and_offers_what_it_names():
    code = (
        "import sys, workbench\n"
        "assert not {'torch', 'transformers', 'unsloth', 'matplotlib', 'ipywidgets', 'pandas'} & set(sys.modules)\n"
        "for name in workbench.__all__: getattr(workbench, name)\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_public_functions_say_what_they_do():
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path.name}: {node.name} has no docstring"
