"""Quick tests first, slow ones last; what a machine lacks is skipped with a reason."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Folders in the order of their cost: pure Python, then real models, then whole notebooks, then a browser.
SLOW_LAST = ("models", "notebooks", "browser", "gpu")


def pytest_configure(config):
    config.addinivalue_line("markers", "model: loads or trains the embedded model; tens of seconds")
    config.addinivalue_line("markers", "walk: runs whole notebooks; minutes")
    config.addinivalue_line("markers", "browser: needs an installed Chromium")
    config.addinivalue_line("markers", "gpu: needs a CUDA GPU")


def pytest_collection_modifyitems(config, items):
    def cost(item):
        folder = Path(item.fspath).relative_to(ROOT / "tests").parts[0]
        return SLOW_LAST.index(folder) + 1 if folder in SLOW_LAST else 0

    items.sort(key=cost)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    for item in items:
        if item.get_closest_marker("browser") and not chromium:
            item.add_marker(pytest.mark.skip(reason="no Chromium on this machine; on Debian: apt-get install chromium"))
        if item.get_closest_marker("gpu") and not shutil.which("nvidia-smi"):
            item.add_marker(pytest.mark.skip(reason="no NVIDIA GPU on this machine"))


@pytest.fixture
def projects(tmp_path, monkeypatch):
    """An empty folder in the place of projects/."""
    monkeypatch.setenv("WORKBENCH_PROJECTS", str(tmp_path / "projects"))
    monkeypatch.delenv("WORKBENCH_PROJECT", raising=False)
    return tmp_path / "projects"
