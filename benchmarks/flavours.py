"""Full fine-tuning, LoRA, QLoRA and prompting: what each gives and what each costs, on the same rows.

    python benchmarks/flavours.py [--samples support_tickets private_messages] [--seeds 0 1 2] [--steps 40]
                                   [--tune] [--write FILE]

Each flavour trains at the learning rate that a plan proposes for it. With --tune each gets the same three trials instead
(half that rate, that rate, twice that rate), trained with the first seed and scored on the validation rows; the best one is
used for all seeds. Then everything is scored on the test rows, and each look at them is counted in the project. Every training
is a process of its own, so that its peak memory is its own. Projects lie in projects/ under the name scenario-<sample>; what is
finished is read back, so the script can be stopped and started again.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from workbench.decide.arms import pilot
from workbench.decide.compare import Bench
from workbench.errors import WorkbenchError
from workbench.files import write_text
from workbench.project import NOTEBOOKS, open_project
from workbench.runtime import this_machine, versions
from workbench.scoring.intervals import Interval, seeded_difference
from workbench.scoring.scorecard import Scorecard
from workbench.scoring.seeds import Seeds, by_seed, difference, shared_rows
from workbench.tour import run_tour
from workbench.train.plan import FULL, LORA, QLORA, plan
from workbench.train.recorder import read_steps
from workbench.train.run import Run

TITLES = {FULL: "full fine-tuning", LORA: "LoRA", QLORA: "QLoRA"}
PROMPT = "decide/flavours/prompt.json"
TRIALS = (0.5, 1.0, 2.0)
CLAIMED, ABOUT = 0.90, 0.05
CLAIMED_COST, MOST = 0.01, 0.02
LARGEST, HALVINGS = 100.0, 50


@dataclass(frozen=True)
class Trained:
    """What a flavour's trainings were and scored.

    Attributes:
        runs, steps: of each seed; the step logs are for the seconds of a step.
        cards: on the test rows.
    """

    flavour: str
    times: float
    runs: list[Run]
    steps: list[list[dict]]
    cards: Seeds

    @property
    def seconds(self) -> list[float]:
        """The middle step of each seed's run."""
        return [step_seconds(steps) for steps in self.steps]

    def costs(self) -> dict[str, float]:
        """What it costs, each the median over the seeds."""
        return {
            "seconds per step": statistics.median(self.seconds),
            "peak memory": statistics.median(run.peak_memory for run in self.runs),
            "trainable parameters": statistics.median(run.trainable for run in self.runs),
            "artefact size": statistics.median(run.artefact_bytes for run in self.runs),
        }


def step_seconds(steps: list[dict]) -> float:
    """Seconds of the middle step: the first one warms up, and some have an evaluation or a checkpoint before them."""
    logged = [entry for entry in steps if "loss" in entry]
    return statistics.median(
        after["seconds"] - before["seconds"]
        for before, after in itertools.pairwise(logged)
        if after["step"] == before["step"] + 1
    )


def place(flavour: str, seed: int, times: float = 1.0) -> str:
    """Where a run lies in its project; `times` is what the proposed learning rate is multiplied with."""
    return f"decide/flavours/{flavour}-seed{seed}" + ("" if times == 1 else f"-x{times:g}")


def train_one(bench: Bench, flavour: str, seed: int, times: float, steps: int) -> None:
    """One training, or what is left of it to do."""
    rows, watched = (pilot().trained.form.rendered(part) for part in (bench.train, bench.validation))
    proposed = plan(bench.choice, rows, watched, steps, bench.project.depth.batch_size, seed, flavour)
    made = proposed if times == 1 else proposed.change(learning_rate=proposed.learning_rate * times)
    bench.fit(made, place(flavour, seed, times), None, rows, watched)


def score_one(bench: Bench, flavour: str, seed: int, times: float, part: str) -> None:
    """One scorecard, on the test rows or on the validation rows."""
    if flavour == "prompt":
        arm = next(arm for arm in bench.arms() if arm.key == "examples")
        bench.score(arm, bench.test, bench.project.path(PROMPT), bench.source(arm))
        return
    where = place(flavour, seed, times)
    run = Run.load(bench.project.need(f"{where}/run.json"))
    arm = replace(pilot(), key=flavour, title=TITLES[flavour])
    on_test = part == "test"
    rows = bench.test if on_test else bench.validation
    bench.score(arm, rows, bench.project.path(f"{where}/{part}.json"), bench.tuned(run, where), test_look=on_test,
                look=f"flavours, seed {seed}, {times:g} times the rate")  # fmt: skip


def in_a_process(project: str, what: str, flavour: str, seed: int = 0, times: float = 1.0, steps: int = 0) -> None:
    """Do one thing in a process of its own; this one stays small, for a child's peak memory begins with its parent's."""
    started = time.perf_counter()
    job = json.dumps([project, what, flavour, seed, times, steps])
    done = subprocess.run([sys.executable, __file__, "--job", job], check=False, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise SystemExit(
            f"{project}, {what}, {flavour}, seed {seed} stopped with exit code {done.returncode}:\n{done.stderr[-3000:]}"
        )
    print(
        f"  {project}: {what} {flavour} seed {seed} x{times:g}, {time.perf_counter() - started:.0f} s",
        file=sys.stderr,
        flush=True,
    )


def do(job: str) -> None:
    """The process's side of `in_a_process`."""
    project, what, flavour, seed, times, steps = json.loads(job)
    bench = Bench(open_project(project))
    if what == "train":
        train_one(bench, flavour, seed, times, steps)
    else:
        score_one(bench, flavour, seed, times, what)


def project_of(sample: str) -> str:
    """The name of the sample's project, which is made if there is none."""
    name = f"scenario-{sample.replace('_', '-')}"
    try:
        open_project(name).need("data/test.jsonl")
    except WorkbenchError:
        run_tour({"project": name, "data": sample, "depth": "quick", "model": "embedded"}, NOTEBOOKS[:2])
    return name


def tuned_rate(name: str, flavour: str, seed: int, steps: int) -> tuple[float, list[str]]:
    """What to multiply the flavour's rate with, from equally many trials on validation rows, and a table row for each."""
    project, found = open_project(name), []
    for times in TRIALS:
        in_a_process(name, "train", flavour, seed, times, steps)
        in_a_process(name, "validation", flavour, seed, times)
        run = Run.load(project.need(f"{place(flavour, seed, times)}/run.json"))
        found.append((Scorecard.load(project.need(f"{place(flavour, seed, times)}/validation.json")), run, times))
    # Where scores tie, the lower loss decides.
    best = max(found, key=lambda trial: (trial[0].interval().value, -(trial[1].validation_loss or math.inf)))
    rows = [
        f"| {TITLES[flavour]} | {run.plan['learning_rate']:g} | {card.interval()} | "
        f"{run.validation_loss:.3f} | {'yes' if times == best[2] else ''} |"
        for card, run, times in found
    ]
    return best[2], rows


def ratio(one: Seeds, other: Seeds) -> Interval:
    """The mean score of one as a share of the other's, with an interval over rows and seeds.

    Fieller's: the interval holds every share r for which the paired difference `one - r * other` may be 0 by the same
    interval as any other difference here (rows paired, both sides' seeds counted). Its end is infinite where every share may be.
    """
    rows = shared_rows(one, other)
    mine, theirs = by_seed(one, rows), by_seed(other, rows)
    whole = float(theirs.mean())

    def end(upper: bool) -> float:
        inside, outside = (0.0, LARGEST) if upper else (LARGEST, 0.0)
        for _ in range(HALVINGS):
            share = (inside + outside) / 2
            apart = seeded_difference(mine, share * theirs)
            inside, outside = (share, outside) if (apart.high >= 0 if upper else apart.low <= 0) else (inside, share)
        return inside

    if whole == 0:
        return Interval(math.nan, 0.0, math.inf)
    top = end(upper=True)
    return Interval(float(mine.mean()) / whole, end(upper=False), math.inf if top > 0.99 * LARGEST else top)


def measure(sample: str, seeds: list[int], steps: int, tune: bool) -> tuple[str, list[Trained]]:
    """Train and score everything on a sample; return its section."""
    name = project_of(sample)
    project = open_project(name)
    in_a_process(name, "test", "prompt")
    done, trials = [], []
    for flavour in TITLES:
        times, rows = tuned_rate(name, flavour, seeds[0], steps) if tune else (1.0, [])
        trials += rows
        for seed in seeds:
            in_a_process(name, "train", flavour, seed, times, steps)
            in_a_process(name, "test", flavour, seed, times)
        folders = [place(flavour, seed, times) for seed in seeds]
        runs = [Run.load(project.need(f"{folder}/run.json")) for folder in folders]
        cards = Seeds(tuple(Scorecard.load(project.need(f"{folder}/test.json")) for folder in folders))
        done.append(Trained(flavour, times, runs, [read_steps(project.path(folder)) for folder in folders], cards))
    return section(sample, name, done, trials, Scorecard.load(project.need(PROMPT))), done


def section(sample: str, name: str, done: list[Trained], trials: list[str], prompt: Scorecard) -> str:
    """A sample's tables and sentences, as Markdown."""
    full = done[0]
    kept = full.runs[0].plan
    lines = [
        f"## {sample}: {kept['rows']} rows to train on, {full.cards.n} test rows, "
        f"{kept['steps']} steps of {kept['batch_size']} rows\n",
        "| way | learning rate | test score, 95 % interval | by seed | less full | s a step (by seed) | peak memory, GiB | trainable | "
        "artefact, MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in done:
        costs, by_run = one.costs(), ", ".join(f"{card.interval().value:.3f}" for card in one.cards.cards)
        apart = "" if one is full else one.cards.minus(full.cards).signed()
        lines.append(
            f"| {TITLES[one.flavour]} | {one.runs[0].plan['learning_rate']:g} | {one.cards.interval()} | {by_run} | {apart} | "
            f"{costs['seconds per step']:.2f} ({', '.join(f'{s:.2f}' for s in one.seconds)}) | {costs['peak memory']:.2f} | "
            f"{costs['trainable parameters']:,.0f} | {costs['artefact size'] / 1e6:.1f} |"
        )
    apart = difference(prompt, full.cards).signed()
    lines.append(f"| instructions and examples | none | {prompt.interval()} | | {apart} | 0 | | 0 | 0 |")
    if trials:
        lines += ["\nTrials of the learning rate, on the validation rows, with the first seed:\n",
                  "| way | learning rate | validation score | validation loss | taken |", "|---|---|---|---|---|", *trials]  # fmt: skip
    looks = len(open_project(name).test_looks())
    return "\n".join(
        [
            *lines,
            "",
            *said(done),
            "",
            f"The test rows of this project have been looked at {looks} times in all, this benchmark's looks included.",
        ]
    )


def said(done: list[Trained]) -> list[str]:
    """The claim, as measured: one sentence on quality and one on cost for each kind of adapter."""
    full = next(one for one in done if one.flavour == FULL)
    return [
        sentence for one in done if one is not full for sentence in (f"* {quality_said(one, full)}", f"* {cost_said(one, full)}")
    ]


def quality_said(one: Trained, full: Trained) -> str:
    """What share of full fine-tuning's quality an adapter reaches, and whether that is about 90 %."""
    share, apart = ratio(one.cards, full.cards), one.cards.minus(full.cards)
    title = TITLES[one.flavour]
    if math.isnan(share.value):
        return f"{title}, quality: full fine-tuning scored 0, so there is nothing to have a share of."
    said = f"{title}, quality: {share.value:.0%} of full fine-tuning's score [{share.low:.0%}, {share.high:.0%}]."
    low, high = CLAIMED - ABOUT, CLAIMED + ABOUT
    if share.low > high:
        verdict = (
            "It lost less than the claim says."
            if share.low <= 1
            else "It scored higher than full fine-tuning, which the claim doesn't expect."
        )
    elif share.high < low:
        verdict = "It lost more than the claim says."
    elif share.low >= low and share.high <= high:
        verdict = f"That is about {CLAIMED:.0%}, as claimed."
    else:
        alike = ", nor the two ways apart" if apart.low <= 0 <= apart.high else ""
        verdict = f"These rows and seeds can't tell about {CLAIMED:.0%} ({low:.0%} to {high:.0%}) from more or less{alike}."
    return f"{said} {verdict}"


def cost_said(one: Trained, full: Trained) -> str:
    """What share of full fine-tuning's costs an adapter has, and which of them are about 1 %."""
    mine, whole = one.costs(), full.costs()
    shares = {what: mine[what] / whole[what] if whole[what] else math.nan for what in mine}
    listed = ", ".join(
        f"{share:.1%} of the {what}" if share < 0.1 else f"{share:.0%} of the {what}" for what, share in shares.items()
    )
    about = [what for what, share in shares.items() if share <= MOST]
    verdict = f"About {CLAIMED_COST:.0%} (up to {MOST:.0%}): {' and '.join(about) if about else 'none of these'}."
    return f"{TITLES[one.flavour]}, cost: {listed}. {verdict}"


def main() -> None:
    """Measure each sample and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", nargs="+", default=["support_tickets", "private_messages"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--tune", action="store_true", help="give each flavour the same three trials of its learning rate")
    parser.add_argument("--write", type=Path, help="a file for the tables")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        do(options.job)
        return
    rates = "each at the best of three rates on validation rows" if options.tune else "each at the rate that its plan proposes"
    text = (
        f"# Flavours\n\nPrinted by `benchmarks/flavours.py` on {time.strftime('%Y-%m-%d')}, {this_machine()!r}; "
        + ", ".join(f"{name} {number}" for name, number in versions().items())
        + f"; {rates}; seeds {', '.join(map(str, options.seeds))}.\n\n"
        "Intervals of scores and differences are over rows and seeds. Less full: paired over the same rows. The share of quality "
        "is Fieller's interval: every share r for which the paired difference \"score - r x full's score\" may be 0. Costs are "
        "medians over the seeds; a step's seconds are those of the middle step; memory is the training process's own, loading included.\n"
    )
    print(text, flush=True)
    for sample in options.samples:
        found, _ = measure(sample, options.seeds, options.steps, options.tune)
        print(found, "\n", flush=True)
        text += f"\n{found}\n"
        if options.write:
            write_text(options.write, text)


if __name__ == "__main__":
    main()
