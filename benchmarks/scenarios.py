"""Every arm on every sample: scores with intervals, three seeds for the tuned arms, and what the rule says.

    python benchmarks/scenarios.py [sample ...] [--seeds 0,1,2] [--without pilot-instructions,...] [--write]

Projects lie in projects/ under the name scenario-<sample>; what is finished is read back, so the script can be stopped
and started again. --write puts the table into the sample's README, under "As measured".
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

from workbench.curate.start import SAMPLES, default_good_enough, samples
from workbench.decide.compare import Bench
from workbench.decide.optimise import optimise
from workbench.decide.recommendation import Goal, recommend, rungs, set_goal, set_ladder
from workbench.files import read_json, write_text
from workbench.project import NOTEBOOKS, open_project
from workbench.runtime import this_machine
from workbench.scoring.seeds import singles
from workbench.tour import run_tour

TOLD = ("valid JSON", "fits the schema", "style", "meaning", "cites a source", "cited source has the answer", "macro-F1")


def measured(sample: str, seeds: list[int], without: list[str]) -> str:
    """Walk the first two notebooks, score all arms, judge; return the text of the section."""
    name = f"scenario-{sample.replace('_', '-')}"
    run_tour({"project": name, "data": sample, "depth": "quick", "model": "embedded"}, NOTEBOOKS[:2])
    project = open_project(name)
    bench = Bench(project)
    goal = set_goal(project, default_good_enough(project), 0.02)
    print(optimise(bench, say), flush=True)
    arms = [arm for arm in bench.arms(everything=True) if arm.key not in without]
    ladder = set_ladder(project, rungs(arms))
    started = time.perf_counter()
    cards = bench.compare(arms, progress=say, seeds=seeds)
    print(f"\n{sample}: {time.perf_counter() - started:.0f} s for what was not yet scored")
    found = recommend(cards, goal, ladder)
    found.save(project.path("decide/recommendation.json"))
    return section(bench, cards, found, goal, seeds)


def say(what: str, done: int, total: int) -> None:
    """Progress on one line."""
    print(f"\r  {what}: {done} of {total}          ", end="", flush=True)


def section(bench, cards, found, goal: Goal, seeds: list[int]) -> str:
    """The measured table as Markdown."""
    lines = ["| arm | score, 95 % interval | rows | seeds | tokens a call | seconds a call | cut | of it |", "|---|---|---|---|---|---|---|---|"]
    labels = bench.comparison().macro_f1
    for card in cards:
        lines.append(
            f"| {card.title} | {card.interval() if card.n else 'nothing could be judged'} | {card.n} | {len(singles(card))} | "
            f"{card.tokens_per_call:.0f} | {card.seconds_per_call:.2f} | {card.cut} | "
            + "; ".join(f"{name} {span.value:.2f}" for name, span in {**card.aspects(), **_macro(labels, card)}.items() if name in TOLD)
            + " |"
        )
    reasons = "\n".join(f"* {reason}" for reason in found.reasons)
    extra = f"\n{bench.retrieval!r}\n" if bench.retrievers else ""
    return (
        f"## As measured\n\nPrinted by `benchmarks/scenarios.py` on {time.strftime('%Y-%m-%d')}, {this_machine()!r}, model "
        f"{bench.choice.name}, quick depth; judged as {bench.task.kind}, good enough {goal.good_enough:.2f}, "
        f"margin {goal.margin:.2f}. The tuned arms ran with seeds {', '.join(map(str, seeds))}.\n\n" + "\n".join(lines)
        + f"\n{extra}\n**{found.answer}**\n\n{reasons}\n"
    )


def _macro(labels: dict, card) -> dict:
    return {"macro-F1": labels[card.arm]} if card.arm in labels else {}


def main() -> None:
    """Run the samples that were named, or all with a test set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samples", nargs="*")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--without", default="", help="keys of arms to leave out, with commas")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with_test = [s for s in samples() if "test_file" in read_json(SAMPLES / s / "scenario.json")]
    for sample in options.samples or with_test:
        text = measured(sample, [int(seed) for seed in options.seeds.split(",")], options.without.split(","))
        print(text, flush=True)
        if options.write:
            write_text(SAMPLES / sample / "measured.md", text)
            subprocess.run([sys.executable, str(SAMPLES / sample / "generate.py")], check=True)


if __name__ == "__main__":
    main()
