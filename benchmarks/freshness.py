"""The freshness test on the policy questions: every arm before and after the documents changed, with citations checked.

    python benchmarks/freshness.py [--project scenario-policy-questions] [--steps 400]

The pilot of the quick walk is short and may not have learnt version 1 at all; what was never known can't grow stale. So a
longer run of --steps on the same rows, without documents, is asked too. What is finished is read back, so the script
can be stopped and started again.
"""

from __future__ import annotations

import argparse
import time

from workbench.curate.start import default_good_enough
from workbench.decide.arms import OWN_MODEL, Arm, Form, Trained
from workbench.decide.compare import Bench, Source
from workbench.decide.freshness import RULE, FreshnessReport, freshness
from workbench.decide.recommendation import set_goal
from workbench.project import NOTEBOOKS, open_project
from workbench.runtime import this_machine, versions
from workbench.tour import run_tour
from workbench.train.plan import plan

SAMPLE = "policy_questions"
LONG = "pilot-long"


def say(what: str, done: int, total: int) -> None:
    """Progress on one line."""
    print(f"\r  {what}: {done} of {total}          ", end="", flush=True)


def longer_pilot(bench: Bench, steps: int) -> tuple[Arm, Source]:
    """A model tuned on the same rows for more steps, asked without documents."""
    depth = bench.project.depth
    settings = plan(bench.choice, bench.train, bench.validation, depth.pilot_steps, depth.batch_size)
    settings = settings.change(steps=steps, warmup_steps=max(1, steps // 20))
    place = f"decide/{LONG}-{steps}"
    arm = Arm(f"{LONG}-{steps}", f"Fine-tune of {steps} steps (QLoRA)", Form(), OWN_MODEL, Trained(LONG, Form()))
    return arm, bench.tuned(bench.fit(settings, place), place)


def measured(project: str, steps: int) -> tuple[Bench, FreshnessReport]:
    """Walk the first two notebooks, score all arms, then again with version 2 of the documents."""
    run_tour({"project": project, "data": SAMPLE, "depth": "quick", "model": "embedded"}, NOTEBOOKS[:2])
    bench = Bench(open_project(project))
    set_goal(bench.project, default_good_enough(bench.project), 0.02)
    arms = bench.arms(everything=True)
    bench.compare(arms, progress=say)
    long, source = longer_pilot(bench, steps)
    return bench, freshness(bench, [*arms, long], say, {long.key: source})


def printed(bench: Bench, report: FreshnessReport) -> str:
    """The report in words and as a table."""
    reasons = "\n".join(f"* {arm.why}" for arm in report.arms)
    return (
        f"\n\n{time.strftime('%Y-%m-%d')}, {this_machine()!r}, {versions()}, model {bench.choice.name}\n"
        f"{bench.retrieval!r}\n\n{report!r}\n\n{report.table().to_string(index=False)}\n\n{reasons}\n\n{report.learnt}\n\n"
        f"Chance is {report.chance:.3f}, the margin {report.margin:.2f}. {RULE}\n"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", default="scenario-policy-questions")
    parser.add_argument("--steps", type=int, default=400)
    options = parser.parse_args()
    print(printed(*measured(options.project, options.steps)), flush=True)


if __name__ == "__main__":
    main()
