"""Does preference training (DPO) on a tuned model help, by another measure than the one that labelled the pairs?

    python benchmarks/preferences.py [--project scenario-brand-voice] [--place decide/pilot] [--rows 150] [--draws 4]
                                     [--steps 45] [--rate 1e-4] [--seed 0]

The tuned model answers training rows several times at temperature 1; a rule labels which of two answers is better ("labelled
by rule", no person took part); DPO goes on from the tuned model's adapter, which is the reference too. Then both models answer
the validation rows and the test rows greedily. The win rate is by likeness to the row's own answer, which had no part in the
labelling; what did is shown beside it and called so. Forgetting is checked as after any training. What is finished is read
back, so the script can be stopped and started again.
"""

from __future__ import annotations

import argparse
import time

from workbench.check.alignment import align_project, check_aligned, plan_alignment, what_changed
from workbench.check.forgetting import judge
from workbench.decide.compare import Bench
from workbench.decide.rule_preferences import draw_answers, preference_pairs
from workbench.project import open_project
from workbench.runtime import this_machine
from workbench.train.run import Run


def say(what: str, done: int, total: int) -> None:
    """Progress on one line."""
    print(f"\r  {what}: {done} of {total}          ", end="", flush=True)


def told(history: list[dict], steps: int) -> None:
    """A step of training on one line."""
    last = history[-1]
    if "loss" in last:
        print(f"\r  step {last['step']} of {steps}: loss {last['loss']:.3f}, margin {last['margin']:+.2f}      ", end="", flush=True)


def main() -> None:
    """Draw, label, train, measure; print each result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", default="scenario-brand-voice")
    parser.add_argument("--place", default="decide/pilot", help="the tuned run's folder in the project")
    parser.add_argument("--rows", type=int, default=150)
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--steps", type=int, default=45)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    bench = Bench(open_project(options.project))
    run = Run.load(bench.project.need(f"{options.place}/run.json"))
    print(f"{time.strftime('%Y-%m-%d')}, {this_machine()!r}, model {bench.choice.name}\ntuned model: {run!r}")

    draws = draw_answers(bench, run, options.place, options.rows, options.draws, options.seed, say)
    pairs = preference_pairs(bench, draws)
    print(f"\n{draws!r}\n{pairs!r}")

    plan = plan_alignment(bench, run, pairs, options.place)
    changed = {"steps": options.steps, "warmup_steps": max(1, options.steps // 10), "seed": options.seed}
    plan = plan.change(**changed, **({"learning_rate": options.rate} if options.rate else {}))
    folder = f"align-{plan.fingerprint[:8]}"
    aligned = align_project(bench, plan, pairs, options.place, folder, told)
    print(f"\n{plan!r}, beta {plan.beta}, learning rate {plan.learning_rate}\n{aligned!r}\nreference: {aligned.reference}")

    for rows in (bench.validation, bench.test):
        found = what_changed(bench, run, aligned, pairs, rows, options.place, folder, say)
        print(f"\n{rows.name} rows. {found!r}\n{found.table().to_string(index=False)}")
    report = check_aligned(bench, aligned, folder, say)
    print(f"\nlabelled: {pairs.labelled_by}; measured: {found.measured_by}")
    print(f"{report!r}\n{report.table().to_string(index=False)}\n{judge(report)!r}")


if __name__ == "__main__":
    main()
