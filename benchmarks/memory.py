"""Is the memory estimate right? Peak memory of training and of one evaluation, estimated and measured, for eight plans.

    python benchmarks/memory.py [--steps 4] [--repeats 1] [--only qlora,lora,full] [--recompute] [--first 0]

Each plan trains the embedded model in a fresh process, with the settings of a real run, on rows of random tokens that all
have the same length. Linux says how much memory the process took at most since a mark (VmHWM). The evaluation comes first,
without an optimiser: after training the process would still hold what training has let go of. On a GPU it is torch's peak and what the driver counts beside it.
With --recompute layers keep their input only and are computed again, as on a GPU; that tries the formula for cards on a CPU.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from workbench.models import EMBEDDED, ModelChoice, load_for_training, training_mode, with_new_adapter
from workbench.runtime import GIB, noise_to, this_machine, versions
from workbench.train.memory import PARTS, SHAPES, estimate, recomputes, speed_here
from workbench.train.plan import FULL, LORA, QLORA, Plan

# Flavour, rows at once, tokens of the prompt, tokens of the answer. The last two were measured after the estimate was set.
PLANS = (
    (QLORA, 4, 96, 32), (QLORA, 8, 192, 64), (LORA, 4, 96, 32), (LORA, 8, 192, 64), (FULL, 4, 96, 32), (FULL, 4, 320, 64),
    (QLORA, 2, 352, 32), (LORA, 16, 48, 16),
)  # fmt: skip


def the_plan(flavour: str, batch: int, steps: int) -> Plan:
    """A plan of so many steps on as many rows as they take."""
    return Plan(EMBEDDED, "", "", steps * batch, steps, batch, 1e-4, 16, 32, 1, steps, 0, 2048, flavour=flavour)


class Peak:
    """Memory at most since the last mark, in GiB."""

    def mark(self) -> None:
        """Begin anew."""
        if this_machine().gpu:
            import torch

            torch.cuda.reset_peak_memory_stats()
        else:
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")

    def read(self) -> float:
        """What was taken at most."""
        if this_machine().gpu:
            import torch

            beside = torch.cuda.device_memory_used() - torch.cuda.memory_reserved()
            return (torch.cuda.max_memory_allocated() + beside) / GIB
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.split("VmHWM:")[1].split()[0]) / 2**20


def table(rows: int, prompt: int, answer: int) -> Any:
    """Rows of random tokens, with the answer's learnt."""
    from datasets import Dataset

    draw = random.Random(0)
    ids = [[draw.randrange(100, 40000) for _ in range(prompt + answer)] for _ in range(rows)]
    labels = [[-100] * prompt + row[prompt:] for row in ids]
    return Dataset.from_dict({"input_ids": ids, "attention_mask": [[1] * len(row) for row in ids], "labels": labels})


def measure(flavour: str, batch: int, prompt: int, answer: int, steps: int, recompute: bool) -> dict:
    """Train and evaluate in this process."""
    from workbench.train.run import trainer_for

    plan, choice, peak, marks = the_plan(flavour, batch, steps), ModelChoice(EMBEDDED, ""), Peak(), {}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        loaded = load_for_training(choice, log, plan.max_length, flavour=flavour)
        if flavour != FULL:
            loaded = with_new_adapter(loaded, plan.rank, plan.alpha, plan.seed, log)
        training_mode(loaded, True)
        with noise_to(log):
            from transformers import TrainerCallback

            rows, watched = table(plan.rows, prompt, answer), table(8, prompt, answer)
            trainer = trainer_for(plan, loaded, rows, watched, Path(folder), TrainerCallback())
            trainer.args.eval_strategy = trainer.args.save_strategy = "no"
            trainer.args.gradient_checkpointing = recompute
            if not recompute:
                loaded.model.gradient_checkpointing_disable()
            marks["loaded"] = peak.read()
            peak.mark()
            trainer.evaluate()
            marks["evaluation"] = peak.read()
            peak.mark()
            started = time.perf_counter()
            trainer.train()
            marks |= {"training": peak.read(), "seconds": (time.perf_counter() - started) / steps}
    return marks


def in_a_process(number: int, steps: int, recompute: bool) -> dict:
    """What `measure` finds, in a process of its own."""
    command = [sys.executable, __file__, "--measure", str(number), "--steps", str(steps), *["--recompute"] * recompute]
    done = subprocess.run(command, check=False, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise SystemExit(f"Plan {PLANS[number]} stopped with exit code {done.returncode}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    """Measure each plan and print it beside its estimate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--only", default=f"{QLORA},{LORA},{FULL}")
    parser.add_argument("--recompute", action="store_true", default=recomputes(this_machine()))
    parser.add_argument("--first", type=int, default=0, help="begin with this plan")
    parser.add_argument("--parts", action="store_true", help="the estimates by part, and no measuring")
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is not None:
        print(json.dumps(measure(*PLANS[options.measure], options.steps, options.recompute)))
        return
    machine, shape = this_machine(), SHAPES[EMBEDDED]
    print(f"{time.strftime('%Y-%m-%d')}, {machine!r}; " + ", ".join(f"{k} {v}" for k, v in versions().items()))
    print("plan                          training GiB: estimate measured ratio   evaluation: estimate measured ratio   s/step: try, run")
    ratios = []
    for number, (flavour, batch, prompt, answer) in enumerate(PLANS):
        if number < options.first or flavour not in options.only.split(","):
            continue
        plan = the_plan(flavour, batch, options.steps)
        found = estimate(plan, shape, [(prompt, answer)], machine, recompute=options.recompute)
        name = f"{flavour:6} batch {batch:2} of {prompt + answer:3} tokens"
        if options.parts:
            print(name, *(f"{part} {found.training[part]:.3f}" for part in PARTS), *(f"{v:.3f}" for v in found.evaluation.values()))
            continue
        seen = [in_a_process(number, options.steps, options.recompute) for _ in range(options.repeats)]
        words = []
        for what, parts in (("training", found.training), ("evaluation", found.evaluation | {"optimiser": 0.0})):
            guessed, measured = sum(parts.values()), statistics.median(s[what] for s in seen)
            spread = max(s[what] for s in seen) - min(s[what] for s in seen)
            ratios.append(guessed / measured)
            words.append(f"{guessed:8.2f} {measured:8.2f} (+-{spread / 2:.2f}) {guessed / measured:6.2f}")
        tried = batch * (prompt + answer) / speed_here(plan, shape, [(prompt, answer)])
        run = statistics.median(s["seconds"] for s in seen)
        print(f"{name}  {words[0]}   {words[1]}   {tried:.2f}, {run:.2f}; loaded {seen[0]['loaded']:.2f}", flush=True)
    if ratios:
        print(f"ratios {min(ratios):.2f} to {max(ratios):.2f}; aim 0.85 to 1.15")


if __name__ == "__main__":
    main()
