"""JupyterLab over copies of the notebooks, and a page of a real browser to open them in."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


@pytest.fixture(scope="session")
def open_lab(tmp_path_factory):
    """A function: the folder of projects, a project's name and its data to a running JupyterLab."""
    return lambda projects, name, data: _running(tmp_path_factory.mktemp("lab"), projects, name, data)


@contextlib.contextmanager
def _running(folder: Path, projects: Path, name: str, data: str) -> Iterator:
    from playwright.sync_api import sync_playwright

    (folder / "notebooks").mkdir()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(path, folder / "notebooks")
    # The notebooks look for run.py above them, and run.py for the pins beside it. Copies, because JupyterLab
    # saves what it runs.
    for file in ("run.py", "pyproject.toml"):
        shutil.copy(ROOT / file, folder)
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(8)
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}", "--ip=127.0.0.1",
        f"--IdentityProvider.token={token}", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=", str(folder),
    ]  # fmt: skip
    environment = {**os.environ, "WORKBENCH_PROJECTS": str(projects), "WORKBENCH_PROJECT": name,
                   "WORKBENCH_DATA": data,
                   "JUPYTER_PREFER_ENV_PATH": "1", "TOKENIZERS_PARALLELISM": "false"}  # fmt: skip
    log = (folder / "server.log").open("w")
    server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    _wait_for(f"http://127.0.0.1:{port}/api?token={token}")
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        # A workspace each: JupyterLab would otherwise bring back the notebooks of the tests before.
        address = "http://127.0.0.1:{}/lab/workspaces/{}/tree/notebooks/{}.ipynb?token={}"
        yield lambda notebook: _open(page, address.format(port, notebook, notebook, token))
        browser.close()
    server.terminate()
    server.wait()


def _wait_for(address: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError("JupyterLab did not start")


def _open(page, address: str):
    page.goto(address)
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=120_000)
    return page


@pytest.fixture(scope="session")
def run_all():
    """A function: run all cells of the page's notebook, and wait until so many have their number."""
    return _run_all


def _run_all(page, cells: int | None = None) -> None:
    """Run > Run All Cells, and wait until the last code cell has its number."""
    # Of a long notebook only what is in view is in the page at first, so the cells are counted in the file.
    file = ROOT / "notebooks" / page.locator(".jp-mod-current .lm-TabBar-tabLabel").first.inner_text()
    cells = cells or sum(cell["cell_type"] == "code" for cell in json.loads(file.read_text(encoding="utf-8"))["cells"])
    page.click("text=Run >> nth=0")
    page.click('.lm-Menu-item[data-command="runmenu:run-all"]')
    page.wait_for_function(
        """n => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]
                 .filter(p => /\\[\\d+\\]/.test(p.textContent)).length >= n""",
        arg=cells, timeout=120_000,
    )
    page.wait_for_timeout(1500)


@pytest.fixture(scope="session")
def picture_of():
    """A function: keep a screenshot of the page under a name."""
    return _picture_of


def _picture_of(page, name: str) -> None:
    """Keep a screenshot where somebody asked for it."""
    if folder := os.environ.get("WORKBENCH_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"))
