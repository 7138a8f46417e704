"""The table of arms on the sample, on several seeds: python benchmarks/arms_by_seed.py [--seeds 3]

A seed decides which fixed examples are shown, the order of the training rows and the adapter's start. The bare
input, the instructions and the nearest examples don't depend on it and are scored once. Needs a project whose
notebooks 00 and 01 were run; everything scored is kept in the project and not done twice.
"""

from __future__ import annotations

import argparse
import time

import numpy

import workbench
from workbench.decide.arms import bare, choose_examples, instructed, with_examples, with_nearest
from workbench.decide.compare import Bench
from workbench.runtime import this_machine, versions
from workbench.scoring.scorecard import Scorecard


def score_seed(bench: Bench, seed: int) -> dict[str, Scorecard]:
    """The two arms that depend on the seed."""
    # Seed 0 is the one of notebook 02, whose scores and pilot are taken as they are.
    depth, place = bench.project.depth, f"seeds/{seed}" if seed else "decide"
    arm = with_examples(bench.task, choose_examples(bench.train, depth.examples_in_prompt, seed))
    examples = bench.score(arm, bench.test, bench.project.path(f"{place}/examples.json"), lambda: bench.base)
    plan = workbench.plan(bench.choice, bench.train, bench.validation, depth.pilot_steps, depth.batch_size, seed)
    run = bench.fit(plan, f"{place}/pilot")
    return {"examples": examples, "pilot": bench.score_pilot(run, place=f"{place}/pilot")}


def main() -> None:
    """Print one line an arm and seed, and the paired differences to the pilot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", default="support-tickets")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    bench = Bench(workbench.open_project(options.project))
    print(f"{time.strftime('%Y-%m-%d')}, {this_machine()!r}, {versions()}")
    path, k = bench.project.path, bench.project.depth.examples_in_prompt
    fixed = {
        arm.key: bench.score(arm, bench.test, path(f"decide/{arm.key}.json"), lambda: bench.base)
        for arm in (bare(), instructed(bench.task), with_nearest(bench.task, lambda: bench.index, bench.train, k))
    }
    for card in fixed.values():
        print(f"{card.title:<36} any seed  {card.interval()}")
    pilots, examples = [], []
    for seed in range(options.seeds):
        cards = score_seed(bench, seed)
        pilots.append(cards["pilot"])
        examples.append(cards["examples"])
        for card in cards.values():
            print(f"{card.title:<36} seed {seed}    {card.interval()}  {card.tokens_per_call:.0f} tokens per call")
        print(f"  pilot less {k} examples, paired:         {cards['pilot'].minus(cards['examples'])}")
        print(f"  pilot less {k} nearest examples, paired: {cards['pilot'].minus(fixed['nearest'])}", flush=True)
    for name, cards in (("pilot", pilots), (f"{k} examples", examples)):
        means = [card.interval().value for card in cards]
        print(f"{name}: mean over seeds {numpy.mean(means):.3f}, from {min(means):.3f} to {max(means):.3f}")


if __name__ == "__main__":
    main()
