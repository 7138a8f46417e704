"""Notebooks in JupyterLab, in a real browser: panels answer, pictures show, nothing is clipped or noisy."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = [pytest.mark.browser, pytest.mark.walk]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


@pytest.fixture(scope="module")
def lab(walk, tmp_path_factory):
    """A JupyterLab over copies of the notebooks, and a page to open them in."""
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("lab")
    (folder / "notebooks").mkdir()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(path, folder / "notebooks")
    # The notebooks look for run.py above them, and run.py for the pins beside it. Copies, because JupyterLab
    # saves what it runs.
    for name in ("run.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
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
    environment = {**os.environ, "WORKBENCH_PROJECTS": str(walk[0]), "WORKBENCH_PROJECT": "messy",
                   "WORKBENCH_DATA": str(walk[0].parent / "messy.csv"),
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
        yield lambda name: _open(page, address.format(port, name, name, token))
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


def run_all(page, cells: int) -> None:
    """Run > Run All Cells, and wait until the last code cell has its number."""
    page.click("text=Run >> nth=0")
    page.click('.lm-Menu-item[data-command="runmenu:run-all"]')
    page.wait_for_function(
        """n => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]
                 .filter(p => /\\[\\d+\\]/.test(p.textContent)).length >= n""",
        arg=cells, timeout=120_000,
    )
    page.wait_for_timeout(1500)


def code_cells(page) -> int:
    return page.locator(".jp-CodeCell").count()


def picture_of(page, name: str) -> None:
    """Keep a screenshot where somebody asked for it."""
    if folder := os.environ.get("WORKBENCH_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def test_training_notebook_ends_with_its_picture_and_table_visible(lab):
    page = lab("03_train_with_qlora")
    run_all(page, code_cells(page))
    picture = page.locator(".jp-OutputArea img[alt^='Training loss']").last
    picture.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    picture_of(page, "03_end")
    box = picture.bounding_box()
    assert box["width"] > 300 and box["x"] + box["width"] <= 1400
    table = page.locator(".jp-OutputArea table", has_text="tuned model").last
    table.scroll_into_view_if_needed()
    picture_of(page, "03_table")
    assert table.is_visible()


def test_no_output_is_clipped_and_none_is_a_warning(lab):
    page = lab("03_train_with_qlora")
    if not page.locator(".jp-OutputArea img").count():
        run_all(page, code_cells(page))
    for i in range(page.locator(".jp-OutputArea-output").count()):
        output = page.locator(".jp-OutputArea-output").nth(i)
        over = output.evaluate("e => e.scrollWidth - e.clientWidth")
        assert over <= 2, f"output {i} is {over} pixels wider than its place: {output.inner_text()[:80]}"
    assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0


def test_a_panel_shows_what_its_inputs_amount_to(lab):
    page = lab("00_start_here")
    run_all(page, code_cells(page))
    page.locator(".widget-text input[type=text]").first.fill("another-name")
    page.locator(".widget-text input[type=text]").first.press("Tab")
    page.locator(".jp-OutputArea", has_text=re.compile("another-name")).first.wait_for(timeout=15_000)
    picture_of(page, "00_panel")
    page.locator(".widget-dropdown select").first.select_option("thorough")
    page.locator(".jp-OutputArea", has_text=re.compile("depth='thorough'")).first.wait_for(timeout=15_000)


def test_a_goal_changed_after_scoring_is_marked_as_late(lab):
    page = lab("02_prompt_rag_or_finetune")
    run_all(page, 4)
    goal = page.locator("input[type=number]").first
    goal.fill("0.5")
    goal.press("Tab")
    page.locator(".jp-OutputArea", has_text="changed after test rows had been scored").first.wait_for(timeout=15_000)
    picture_of(page, "02_goal")
