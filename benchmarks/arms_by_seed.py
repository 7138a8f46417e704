"""The table of arms on the sample, on several seeds: python benchmarks/arms_by_seed.py [--seeds 3]

A seed decides which fixed examples are shown, the order of the training rows and the adapter's start. Arms that have
neither are scored once. Needs a project in which notebook 02 was run; everything scored is kept in the project and not
done twice, and what notebook 02 recommends from stays as it is.
"""

from __future__ import annotations

import argparse
import time

import numpy

import workbench
from workbench.decide.arms import Arm, FixedShots
from workbench.decide.compare import Bench
from workbench.runtime import this_machine, versions
from workbench.scoring.scorecard import Scorecard


def varies(arm: Arm) -> bool:
    """Whether a seed changes the arm."""
    return arm.tuned or (arm.key != "optimised" and isinstance(arm.form.shots, FixedShots))


def score(bench: Bench, arm: Arm, seed: int) -> Scorecard:
    """An arm's score on one seed; seed 0 is the one of notebook 02, whose scores are taken as they are."""
    place = f"seeds/{seed}" if seed else "decide"
    return bench.score(arm, bench.test, bench.project.path(f"{place}/{arm.key}.json"), bench.source(arm, seed))


def main() -> None:
    """Print one line an arm and seed, and the paired differences of the tuned arms to the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", default="support-tickets")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    bench = Bench(workbench.open_project(options.project))
    print(f"{time.strftime('%Y-%m-%d')}, {this_machine()!r}, {versions()}")
    found: dict[str, list[Scorecard]] = {}
    for seed in range(options.seeds):
        arms = [arm for arm in bench.arms(seed=seed) if varies(arm) or not seed]
        for arm in arms:
            card = score(bench, arm, seed)
            found.setdefault(arm.key, []).append(card)
            name = f"seed {seed}" if varies(arm) else "any seed"
            print(f"{card.title:<44} {name:<9} {card.interval()}  {card.tokens_per_call:.0f} tokens per call", flush=True)
        for tuned in [arm for arm in arms if arm.tuned]:
            for other in [key for key, cards in found.items() if key != tuned.key]:
                print(f"  {tuned.key} less {other}, paired: {found[tuned.key][-1].minus(found[other][-1])}", flush=True)
    for cards in [cards for cards in found.values() if len(cards) > 1]:
        means = [card.interval().value for card in cards]
        print(f"{cards[0].title}: mean over seeds {numpy.mean(means):.3f}, from {min(means):.3f} to {max(means):.3f}")


if __name__ == "__main__":
    main()
