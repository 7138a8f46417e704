"""Quick tests first, slow ones last; what a machine lacks is skipped with a reason."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
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


LABELS = {
    "refund": ["I want my money back", "Please return the amount to my card", "You charged me twice", "The bill is wrong",
               "Cancel it and pay me back", "I was billed after I had left", "Take this fee off my account",
               "My voucher was not counted", "The price was higher than agreed", "Give me back what I paid"],
    "delivery": ["Where is my parcel", "The box has not come yet", "It was left at the wrong door", "When will it arrive",
                 "Can you send it faster", "The tracking page shows nothing", "The driver did not ring",
                 "It was to be here on Monday", "Please deliver to my office", "My order is still on its way"],
    "praise": ["Thank you for the quick help", "I love the new lamp", "Great service as always", "The chair is perfect",
               "You made my day", "Best shop I know", "Everything came just right", "My daughter is delighted",
               "Wonderful quality for the price", "Your team is very kind"],
}  # fmt: skip
ENDINGS = ("this week", "and I mean it", "for the second time", "as I wrote before")


def write_messy_csv(path: Path) -> Path:
    """A file nobody prepared: a byte order mark, semicolons, and three rows that can't be read."""
    rows = [f"{text}, {ending};{label}" for ending in ENDINGS for label, texts in LABELS.items() for text in texts]
    lines = ["customer said;label", *rows]
    lines.insert(8, "Too many cells; in this row;refund")
    lines.insert(21, '"A quotation mark that nobody closed;praise')
    data = ("\ufeff" + "\n".join(lines) + "\n").encode("utf-8")
    path.write_bytes(data + b"Caf\xe9 chairs came broken;refund\n")
    return path


@pytest.fixture(scope="session")
def walk(tmp_path_factory):
    """A whole tour on a messy file, killed in the middle of its training and started again.

    Returns the folder of projects and the output of the second start.
    """
    if earlier := os.environ.get("WORKBENCH_WALK"):
        # Whoever works on a browser test needn't wait for the walk: name a folder that holds one's projects.
        return Path(earlier), ""
    folder = tmp_path_factory.mktemp("walk")
    command = [sys.executable, "-m", "workbench.cli", "tour", "--project", "messy",
               "--data", str(write_messy_csv(folder / "messy.csv"))]  # fmt: skip
    environment = {**os.environ, "WORKBENCH_PROJECTS": str(folder / "projects"), "TOKENIZERS_PARALLELISM": "false"}
    first = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    steps = folder / "projects" / "messy" / "train" / "steps.jsonl"
    while first.poll() is None and not (steps.exists() and len(steps.read_bytes().splitlines()) > 24):
        time.sleep(0.2)
    assert first.poll() is None, f"the tour ended before it could be killed:\n{first.stdout.read().decode()}"
    first.kill()
    first.wait()
    second = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8")
    assert second.returncode == 0, second.stdout + second.stderr
    return folder / "projects", second.stdout
