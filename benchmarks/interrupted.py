"""Does a comparison that was killed end as one that wasn't?

    python benchmarks/interrupted.py [--project scenario-support-tickets] [--rows 24] [--kills 5]

One comparison runs to its end. A second one, on a copy of the same rows, is killed (kill -9) at random moments, as often
as asked, and then runs to its end. Every row's answer, score, aspects and tokens are compared, arm by arm; seconds are not,
they differ anyway. The tuned arm trains in between, so kills also hit training.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import time

from workbench.dataset import Dataset
from workbench.decide.compare import Bench
from workbench.files import write_json
from workbench.project import open_project, projects_folder
from workbench.runtime import this_machine

ARMS = ("instructions", "examples", "examples-schema", "nearest", "pilot")


def prepare(source: str, name: str, rows: int) -> None:
    """A project of its own with the same rows, the first few to test on."""
    project, folder = open_project(source), projects_folder() / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(project.path("data"), folder / "data")
    write_json(folder / "project.json", project.settings)
    Dataset.load(project.path("data/test.jsonl")).head(rows).save(folder / "data" / "test.jsonl")


def compare(name: str) -> None:
    """The comparison itself, in a process that may be killed."""
    bench = Bench(open_project(name))
    bench.compare([arm for arm in bench.arms() if arm.key in ARMS])


def run(name: str, seconds: float | None = None) -> bool:
    """Start the comparison in a process of its own; kill it after so many seconds. True if it came to its end."""
    process = subprocess.Popen([sys.executable, __file__, "--compare", name], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    if code:
        raise SystemExit(f"The comparison in {name} stopped with exit code {code}.")
    return True


def found(name: str) -> dict[str, list]:
    """What each arm's card says, without its times."""
    return {
        card.arm: [(r.row_id, r.score, r.answer, r.prompt_tokens, r.answer_tokens, r.cut, r.aspects) for r in card.rows]
        for card in Bench(open_project(name)).cards()
    }


def main() -> None:
    """Run both and print what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", default="scenario-support-tickets")
    parser.add_argument("--rows", type=int, default=24)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--compare", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.compare:
        compare(options.compare)
        return
    print(f"{time.strftime('%Y-%m-%d')}, {this_machine()!r}; {options.rows} rows, seed {options.seed}")
    for name in ("interrupted-never", "interrupted-often"):
        prepare(options.project, name, options.rows)
    started = time.perf_counter()
    run("interrupted-never")
    whole = time.perf_counter() - started
    print(f"uninterrupted: {whole:.0f} s")
    draw = random.Random(options.seed)
    for _ in range(options.kills):
        # Each start loads libraries and model anew, so a third of the whole leaves something to kill each time.
        after = draw.uniform(0.05, 0.35) * whole
        ended = run("interrupted-often", after)
        print(f"  killed after {after:.0f} s" if not ended else f"  came to its end within {after:.0f} s", flush=True)
    run("interrupted-often")
    never, often = found("interrupted-never"), found("interrupted-often")
    for arm, rows in never.items():
        same = sum(a == b for a, b in zip(rows, often[arm], strict=True))
        print(f"  {arm:<18} {same} of {len(rows)} rows the same{'' if same == len(rows) else '  DIFFERENT'}")


if __name__ == "__main__":
    main()
