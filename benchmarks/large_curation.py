"""Large and real files through notebooks 00 and 01: seconds and peak memory.

    python benchmarks/large_curation.py [--rows 200000] [--data FILE]

Without --data it makes a file of its own: rows put together from paragraphs of the installed packages' documentation
(real English), with planted repeats, near repeats, e-mail addresses and empty answers. The notebooks run as
in a tour, in kernels of their own; the memory is the most that this process and its kernels held together.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import threading
import time
from pathlib import Path

import psutil
from near_duplicates import paragraphs  # real English: what the installed packages say of themselves

from workbench.curate.checks.report import CurationReport
from workbench.project import NOTEBOOKS, open_project
from workbench.runtime import this_machine
from workbench.tour import run_tour


class Peak(threading.Thread):
    """Watches the resident memory of this process and its children, in bytes."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self.stop = 0, threading.Event()

    def run(self) -> None:
        """Look five times a second until `stop` is set."""
        here = psutil.Process()
        while not self.stop.wait(0.2):
            total = 0
            for process in [here, *here.children(recursive=True)]:
                try:
                    total += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.most = max(self.most, total)


def write_rows(path: Path, rows: int, seed: int = 0) -> Path:
    """A JSONL file of `rows` questions and answers, 1 % each of four faults."""
    shuffle = random.Random(seed)
    sentences = paragraphs(60_000)
    before: list[dict] = []
    with path.open("w", encoding="utf-8") as stream:
        for number in range(rows):
            row = {"input": " ".join(shuffle.sample(sentences, 2)), "output": shuffle.choice(sentences)}
            fault = shuffle.random()
            if fault < 0.01 and before:
                row = dict(shuffle.choice(before))
            elif fault < 0.02 and before:
                row = dict(shuffle.choice(before))
                row["input"] = "Please, " + row["input"]
            elif fault < 0.03:
                row["input"] += f" Write to user{number}@example.org."
            elif fault < 0.04:
                row["output"] = ""
            elif len(before) < 5000:
                before.append(row)
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


def main() -> None:
    """Make the file, run the notebooks, print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--data", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = asked.data.resolve() if asked.data else write_rows(Path(folder) / "large.jsonl", asked.rows)
        os.environ["WORKBENCH_PROJECTS"] = os.environ.get("WORKBENCH_PROJECTS") or folder
        print(f"{this_machine()!r}, {time.strftime('%Y-%m-%d')}; {path.name}, {path.stat().st_size / 1e6:.0f} MB")
        peak = Peak()
        peak.start()
        run_tour({"project": "large", "data": str(path), "depth": "quick"}, NOTEBOOKS[:2])
        peak.stop.set()
        report = CurationReport.load(open_project("large").path("data/report.json"))
        print(f"{report!r}; peak memory {peak.most / 2**30:.2f} GiB, both notebooks and this process together")
        for check in report.why:
            if report.count(check):
                print(f"  {check:<28} {report.count(check):>8,}")


if __name__ == "__main__":
    main()
