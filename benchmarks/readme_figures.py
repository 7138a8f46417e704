"""The README's picture and figures, from a finished tour: python benchmarks/readme_figures.py [PROJECT]

Writes docs/arms.png and prints the figures that the README quotes, with date and machine.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from workbench import charts, open_project
from workbench.decide.compare import Bench
from workbench.decide.recommendation import Goal
from workbench.files import read_json
from workbench.runtime import ROOT


def import_seconds(runs: int = 5) -> float:
    """Median seconds of `python -c "import workbench"` as a whole process."""
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import workbench"], check=True)
        seconds.append(time.perf_counter() - started)
    return sorted(seconds)[runs // 2]


def main() -> None:
    """Draw and print."""
    project = open_project(sys.argv[1] if len(sys.argv) > 1 else "support-tickets")
    bench, record = Bench(project), read_json(project.path("tour.json"))
    figure = charts.arms(bench.cards(), Goal.load(project.path("decide/goal.json")), bench.recommendation())
    Path(ROOT / "docs").mkdir(exist_ok=True)
    (ROOT / "docs" / "arms.png").write_bytes(charts.picture(figure).png)
    print(figure.get_label())
    print(f"{record['when']}; {record['machine']['cores']} cores, {record['machine']['memory']} GiB, {record['machine']['gpu'] or 'no GPU'}")
    print(f"walk {record['seconds'] / 60:.1f} minutes")
    for notebook in record["notebooks"]:
        print(f"  {notebook['notebook']:<28} {notebook['seconds']:.0f} s")
    print(f"comparison: {record['recommendation']['outcome']}, {record['recommendation']['title']}")
    print(f"forgetting check: {record['verdict']['outcome']}")
    print(f"merged less adapter, paired: {record['parity']['difference']}")
    print(f"import workbench: {import_seconds():.2f} s")


if __name__ == "__main__":
    main()
