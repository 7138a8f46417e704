"""How long training takes: seconds per step three ways, and time to the same validation score against Unsloth's notebook recipe.

    python benchmarks/training.py [--part speed|score] [--why] [--steps 12] [--repeats 3] [--score-steps 30] [--trials 3]
                                  [--seeds 3] [--every 10]

speed: the embedded model learns rows of the support_tickets sample, in 4 bits with rank 16, 4 rows a step. Token ids, labels
and the order of rows are the same in every way: (a) the workbench's training, with its step log and checkpoints, (b) a bare
Unsloth script with the settings of Unsloth's notebooks, once as they are and once without recomputing activations, (c) TRL +
PEFT + bitsandbytes without Unsloth, without recomputing. A step lasts from its beginning to the next one's, so that
what is logged and saved counts. The median is without the first steps, which are slow, and without the last one, into which
the end of the training falls; the mean has the checkpoints and the validation loss in it.

score: the plan the workbench recommends against the recipe of Unsloth's conversational notebooks (rate 2e-4, 2 rows x 4
batches, warm-up 5, linear, weight decay 0.001, alpha 16, train_on_responses_only), as many steps each (60 in those notebooks).
Both get equally many tuning trials on the learning rate (as recommended, x 2.5, / 2.5, x 6.25, ...), all with seed 0; the
trial with the best validation score at any time wins, of equal ones the earlier; its rate is then trained anew with other seeds.
The score is the share of fields right in greedy answers to 40 validation rows, every 10 steps: so coarse is the time to a
score. Loading and scoring don't count as time; the workbench's checkpoints and validation loss do. The target is the
highest mean score over the seeds that both reach.

--why: seconds per step of the workbench's way with activations kept or recomputed, by attention, with all logits at once, with
compiled layers and under autocast, and in which part of a step they go.

Each run is a process of its own, since importing Unsloth changes the other libraries; the ways take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy
from gpu.qlora import has_fused_loss, heading, start, without_unsloth
from scoring import rows

from workbench.curate.checks.check import CheckContext
from workbench.curate.checks.report import check_rows
from workbench.curate.decisions import recommended_decisions
from workbench.curate.splitting import split
from workbench.dataset import Dataset
from workbench.models import (
    EMBEDDED,
    LoadedModel,
    ModelChoice,
    answering_copy,
    load_for_training,
    training_mode,
    weights_folder,
    with_new_adapter,
)
from workbench.runtime import noise_to
from workbench.scoring.answers import generate_answers
from workbench.scoring.intervals import seeded_mean
from workbench.scoring.scorers import json_fields
from workbench.train.encode import bare_prompt, token_table
from workbench.train.plan import LONGEST_ROW, QLORA, RATES, plan
from workbench.train.recorder import recorder
from workbench.train.run import trainer_for

CHOICE = ModelChoice(EMBEDDED, "for a measurement")
PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
BATCH, RANK, WARM_UP, VALIDATION, FACTOR = 4, 16, 3, 40, 2.5
SPEED = {
    "workbench": "(a) the workbench",
    "notebook": "(b) bare Unsloth, as in its notebooks",
    "notebook-kept": "(b) the same, nothing recomputed",
    "plain": "(c) TRL + PEFT + bitsandbytes",
}
SIDES = {"recommended": "the workbench's plan", "recipe": "Unsloth's notebook recipe"}
SIDE_RATES = {"recommended": RATES[QLORA][0], "recipe": 2e-4}
# What is tried: recompute, attention, and what the libraries' environment variables switch.
WHY = {
    "as the workbench trains": (False, "sdpa", {}),
    "activations recomputed": (True, "sdpa", {}),
    "eager attention": (False, "eager", {}),
    "recomputed, eager": (True, "eager", {}),
    "all logits at once": (False, "sdpa", {"UNSLOTH_CPU_CHUNKED_CE": "0"}),
    "compiled layers": (False, "sdpa", {"UNSLOTH_CPU_COMPILE": "1"}),
    # What a bare script gets on a CPU that has bfloat16: TRL's default.
    "bfloat16 autocast": (False, "sdpa", {"ACCELERATE_MIXED_PRECISION": "bf16"}),
}
Spans = list[float]


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("speed", "score"), help="one part only")
    parser.add_argument("--why", action="store_true", help="the table of where the time goes, and nothing else")
    parser.add_argument("--steps", type=int, default=12, help=f"steps for speed; the first {WARM_UP} and the last are left out (12)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each way for speed (3)")
    parser.add_argument("--score-steps", type=int, default=30, help="steps of a run for the score (30)")
    parser.add_argument("--trials", type=int, default=3, help="tuning trials of each side (3)")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each side with the rate that was chosen (3)")
    parser.add_argument("--every", type=int, default=10, help="steps between scorings (10)")
    parser.add_argument("--log", default="", help="where the libraries' noise goes (a temporary folder)")
    for name in ("child", "report", "data"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    parser.add_argument("--rate", type=float, default=0.0, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    return parser


def prepare(folder: Path) -> tuple[Dataset, Dataset]:
    """Rows to learn from and to validate on, curated as recommended and without a common question, as files in the folder."""
    data = rows("tickets.csv")
    clean = recommended_decisions(check_rows(data, CheckContext("json")), data).apply(data)
    # The sample's own test file stays unseen; what is cut off for a test here serves as validation.
    parts = split(clean, 1, VALIDATION)
    parts.train.save(folder / "train.jsonl")
    parts.test.save(folder / "validation.jsonl")
    return parts.train, parts.test


def clock(score: Callable[[], list[float]] | None = None, every: int = 0) -> Any:
    """A callback that keeps wall and CPU seconds of each step and of its parts, and scores without counting it."""
    import torch
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        def __init__(self) -> None:
            self.paused = (0.0, 0.0)
            self.marks: list[tuple[float, float]] = []
            self.losses: list[float] = []
            self.scores: list[dict] = []
            self.forward = 0.0
            self.parts: dict[str, Spans] = {"forward": [], "backward": [], "optimiser": [], "rest": []}

        def now(self) -> tuple[float, float]:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            return time.perf_counter() - self.paused[0], time.process_time() - self.paused[1]

        def on_train_begin(self, args, state, control, **kwargs):
            self.marks = [self.now()]

        def on_step_begin(self, args, state, control, **kwargs):
            if state.global_step:
                self._end_step()
            self.begun, self.forward = self.now()[1], 0.0

        def on_pre_optimizer_step(self, args, state, control, **kwargs):
            self.before = self.now()[1]
            self.parts["forward"].append(self.forward)
            self.parts["backward"].append(self.before - self.begun - self.forward)

        def on_optimizer_step(self, args, state, control, **kwargs):
            self.after = self.now()[1]
            self.parts["optimiser"].append(self.after - self.before)

        def on_train_end(self, args, state, control, **kwargs):
            self._end_step()

        def _end_step(self) -> None:
            self.marks.append(self.now())
            self.parts["rest"].append(self.marks[-1][1] - self.after)

        def on_step_end(self, args, state, control, **kwargs):
            if score and (state.global_step % every == 0 or state.global_step == args.max_steps):
                wall, cpu = self.now()
                begun = self.marks[0]
                entry = {"step": state.global_step, "wall": wall - begun[0], "cpu": cpu - begun[1], "rows": score()}
                self.scores.append(entry)
                after = self.now()
                self.paused = (self.paused[0] + after[0] - wall, self.paused[1] + after[1] - cpu)

        def on_log(self, args, state, control, logs=None, **kwargs):
            if "loss" in (logs or {}):
                self.losses.append(float(logs["loss"]))

        def watch_forward(self, trainer: Any) -> None:
            """Count the CPU seconds up to the loss."""
            compute = trainer.compute_loss

            def timed(*given, **named):
                before = time.process_time()
                try:
                    return compute(*given, **named)
                finally:
                    self.forward += time.process_time() - before

            trainer.compute_loss = timed

    return Clock()


def through_unsloth(recompute: Any, alpha: int, seed: int, **more: Any) -> LoadedModel:
    """Unsloth's own two calls, as in its notebooks."""
    from unsloth import FastLanguageModel

    model, tokenizer = FastLanguageModel.from_pretrained(
        model_name=weights_folder(CHOICE), max_seq_length=LONGEST_ROW, dtype=None, load_in_4bit=True, **more
    )
    model = FastLanguageModel.get_peft_model(
        model, r=RANK, target_modules=PROJECTIONS, lora_alpha=alpha, lora_dropout=0, bias="none",
        use_gradient_checkpointing=recompute, random_state=seed, use_rslora=False, loftq_config=None,
    )  # fmt: skip
    return LoadedModel(model, tokenizer, CHOICE, "NF4")


def notebook_trainer(loaded: LoadedModel, table: Any, folder: Path, steps: int, rate: float, seed: int, **more: Any) -> Any:
    """The trainer of Unsloth's conversational notebooks."""
    from transformers import DataCollatorForSeq2Seq, PrinterCallback
    from trl import SFTConfig, SFTTrainer

    settings = {
        "per_device_train_batch_size": 2, "gradient_accumulation_steps": 4, "warmup_steps": 5, "max_steps": steps,
        "learning_rate": rate, "logging_steps": 1, "optim": "adamw_8bit", "weight_decay": 0.001,
        "lr_scheduler_type": "linear", "seed": seed, "output_dir": str(folder), "report_to": "none", "packing": False,
        "max_length": LONGEST_ROW, "disable_tqdm": True,
    }  # fmt: skip
    trainer = SFTTrainer(
        model=loaded.model, processing_class=loaded.tokenizer, train_dataset=table,
        data_collator=DataCollatorForSeq2Seq(tokenizer=loaded.tokenizer), args=SFTConfig(**settings | more),
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    return trainer


def workbench_trainer(
    options: argparse.Namespace, train: Dataset, watched: Dataset, folder: Path, loaded: LoadedModel | None = None
) -> tuple[LoadedModel, Any]:
    """What workbench.train.run.train makes of the recommended plan, and the model in it."""
    steps = options.score_steps if options.child in SIDES else options.steps
    planned = plan(CHOICE, train, watched, steps, BATCH, options.seed).change(steps=steps)
    if options.rate:
        planned = planned.change(learning_rate=options.rate)
    if loaded is None:
        loaded = load_for_training(CHOICE, Path(options.log), planned.max_length)
        loaded = with_new_adapter(loaded, planned.rank, planned.alpha, planned.seed, Path(options.log))
    training_mode(loaded, True)
    table, _ = token_table(loaded, train, planned.max_length)
    validation, _ = token_table(loaded, watched, planned.max_length)
    recorded = recorder(folder, planned, 0, loaded=loaded)
    trainer = trainer_for(planned, loaded, table, validation, folder, recorded)
    recorded.on_train_begin(None, None, None)
    return loaded, trainer


def speed_trainer(options: argparse.Namespace, train: Dataset, watched: Dataset, folder: Path) -> tuple[LoadedModel, Any]:
    """The ways of the first part, all on the same token ids."""
    if options.child == "workbench":
        return workbench_trainer(options, train, watched, folder)
    same = {"per_device_train_batch_size": BATCH, "gradient_accumulation_steps": 1, "data_seed": options.seed,
            "dataset_kwargs": {"skip_prepare_dataset": True}, "remove_unused_columns": False}  # fmt: skip
    if options.child == "plain":
        import torch

        loaded = LoadedModel(*without_unsloth(EMBEDDED), CHOICE, "NF4")
        # What the workbench sets too: on a CPU this trainer would else ask for a card's bfloat16.
        same |= {"gradient_checkpointing": torch.cuda.is_available()} | ({} if torch.cuda.is_available() else {"bf16": False})
        # The optimiser in 8 bits has no kernel for a CPU; Unsloth takes the ordinary one there by itself.
        same["optim"] = "adamw_8bit" if torch.cuda.is_available() else "adamw_torch_fused"
        if not has_fused_loss():
            import trl
            from transformers import Trainer

            trl.SFTTrainer = type("SFTTrainer", (trl.SFTTrainer,), {"compute_loss": Trainer.compute_loss})
    else:
        kept = options.child == "notebook-kept"
        loaded = through_unsloth(False if kept else "unsloth", 16, options.seed)
        same |= {"gradient_checkpointing": False} if kept else {}
    table, _ = token_table(loaded, train, LONGEST_ROW)
    return loaded, notebook_trainer(loaded, table, folder, options.steps, 2e-4, options.seed, **same)


def why_trainer(options: argparse.Namespace, train: Dataset, watched: Dataset, folder: Path) -> tuple[LoadedModel, Any]:
    """The workbench's way with one thing changed."""
    recompute, attention, _ = WHY[options.child]
    loaded = through_unsloth(recompute, 2 * RANK, options.seed, attn_implementation=attention)
    loaded, trainer = workbench_trainer(options, train, watched, folder, loaded)
    if recompute:
        trainer.args.gradient_checkpointing, trainer.args.gradient_checkpointing_kwargs = True, {"use_reentrant": False}
    return loaded, trainer


def recipe_trainer(options: argparse.Namespace, train: Dataset, folder: Path) -> tuple[LoadedModel, Any]:
    """Unsloth's recipe from the text on: its template, its tokens, its mask."""
    from datasets import Dataset as Table

    loaded = through_unsloth("unsloth", 16, options.seed)
    turns = [[*bare_prompt(e), ("assistant", e.answer)] for e in train]
    talks = [[{"role": role, "content": content} for role, content in talk] for talk in turns]
    table = Table.from_dict({"text": [loaded.tokenizer.apply_chat_template(talk, tokenize=False) for talk in talks]})
    trainer = notebook_trainer(loaded, table, folder, options.score_steps, options.rate, options.seed, dataset_text_field="text")
    from unsloth.chat_templates import train_on_responses_only

    parts = {"instruction_part": "<|im_start|>user\n", "response_part": "<|im_start|>assistant\n"}
    return loaded, train_on_responses_only(trainer, **parts)


def scored(loaded: LoadedModel, train: Dataset, validation: Dataset, log: Path) -> Callable[[], list[float]]:
    """A function that asks the model, as it is then, for all validation rows and scores each."""
    limit = int(min(512, max(32, 2 * max(len(e.answer.encode("utf-8")) for e in train) / 3)))
    prompts, copies = [bare_prompt(e) for e in validation], [None]

    def score() -> list[float]:
        copies[0] = answering_copy(loaded, log, copies[0])
        same = copies[0] is loaded
        if same:
            training_mode(loaded, False)
        said = generate_answers(copies[0], prompts, limit)
        if same:
            training_mode(loaded, True)
        return [json_fields(e.answer, answer.text) or 0.0 for e, answer in zip(validation, said, strict=True)]

    return score


def child(options: argparse.Namespace) -> None:
    """One run in this process; its figures go to the report."""
    log, data = Path(options.log), Path(options.data)
    with noise_to(log), tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        train, watched = Dataset.load(data / "train.jsonl"), Dataset.load(data / "validation.jsonl")
        if options.child == "recipe":
            loaded, trainer = recipe_trainer(options, train, folder)
        elif options.child == "recommended":
            loaded, trainer = workbench_trainer(options, train, watched, folder)
        else:
            loaded, trainer = (why_trainer if options.child in WHY else speed_trainer)(options, train, watched, folder)
        times = clock(scored(loaded, train, watched, log), options.every) if options.child in SIDES else clock()
        times.watch_forward(trainer)
        trainer.add_callback(times)
        trainer.train()
    wall, cpu = ([b - a for a, b in pairwise(marks)] for marks in zip(*times.marks, strict=True))
    report = {"wall": wall, "cpu": cpu, "losses": times.losses, "parts": times.parts, "scores": times.scores}
    Path(options.report).write_text(json.dumps(report), encoding="utf-8")


def spread(numbers: Sequence[float], form: str = ".2f") -> str:
    """The middle one and the extremes."""
    return f"{statistics.median(numbers):{form}} [{min(numbers):{form}} to {max(numbers):{form}}]"


def median_step(report: dict, kind: str) -> float:
    """Seconds of the middle step after the first ones; what is saved and measured at the end falls into the last one."""
    return statistics.median(report[kind][WARM_UP:-1])


def speed_lines(reports: dict[str, list[dict]]) -> list[str]:
    """A way a line: median of the runs with their extremes, and ratios to the workbench, run by run."""
    lines = []
    for way, runs in reports.items():
        steps = {kind: spread([median_step(r, kind) for r in runs]) for kind in ("wall", "cpu")}
        pairs = list(zip(runs, reports["workbench"], strict=True))
        ratios = {k: spread([median_step(r, k) / median_step(own, k) for r, own in pairs]) for k in ("wall", "cpu")}
        mean = statistics.mean(statistics.mean(r["wall"][WARM_UP:]) for r in runs)
        lines.append(
            f"{SPEED[way]:<38} {steps['wall']} s a step, {steps['cpu']} CPU s; times the workbench's: {ratios['wall']}, "
            f"CPU {ratios['cpu']}; mean with all that is saved {mean:.2f} s; first loss {runs[0]['losses'][0]:.3f}"
        )
    return lines


def why_lines(reports: dict[str, list[dict]]) -> list[str]:
    """A variant a line, with the CPU seconds of a step's parts."""
    lines = [f"{'variant':<26} {'s a step':>8} {'CPU s':>6}  CPU s of forward, backward, optimiser, rest"]
    for name, runs in reports.items():
        wall, cpu = (statistics.median(median_step(r, kind) for r in runs) for kind in ("wall", "cpu"))
        parts = [statistics.median(s for r in runs for s in r["parts"][part][WARM_UP:-1]) for part in runs[0]["parts"]]
        lines.append(f"{name:<26} {wall:>8.2f} {cpu:>6.2f}  " + "  ".join(f"{seconds:.2f}" for seconds in parts))
    return lines


def rates(side: str, trials: int) -> list[float]:
    """The rates to try: the side's own, then ever further to both sides of it."""
    powers = [0, *(sign * n for n in range(1, trials) for sign in (1, -1))][:trials]
    return [float(f"{SIDE_RATES[side] * FACTOR**power:.3g}") for power in powers]


def best_trial(trials: Sequence[dict]) -> int:
    """Which trial had the best score at any time; of equal ones the one that had it earlier."""

    def merit(report: dict) -> tuple[float, float]:
        best = max(numpy.mean(entry["rows"]) for entry in report["scores"])
        return best, -min(entry["wall"] for entry in report["scores"] if numpy.mean(entry["rows"]) == best)

    return max(range(len(trials)), key=lambda number: merit(trials[number]))


def curve(runs: Sequence[dict]) -> list[float]:
    """Mean score over the runs at each scoring."""
    return [float(numpy.mean([entry["rows"] for entry in at])) for at in zip(*(r["scores"] for r in runs), strict=True)]


def seconds_to(target: float, runs: Sequence[dict], kind: str) -> list[float]:
    """Of each run that reaches the target, the seconds until it did."""
    reached = ([e[kind] for e in r["scores"] if numpy.mean(e["rows"]) >= target - 1e-9] for r in runs)
    return [seconds[0] for seconds in reached if seconds]


def score_lines(finals: dict[str, list[dict]]) -> list[str]:
    """The target, each side's time to it, their ratio, and what each ended at."""
    curves = {side: curve(runs) for side, runs in finals.items()}
    target = min(map(max, curves.values()))
    lines, when = [f"target: {target:.3f}, the highest mean over the seeds that both reach"], {}
    if target == 0:
        lines.append("one side has learnt nothing in so few steps, so there is no time to compare; give --score-steps more")
    for side, runs in finals.items():
        at = next(i for i, value in enumerate(curves[side]) if value >= target - 1e-9)
        when[side] = {kind: statistics.mean(r["scores"][at][kind] for r in runs) for kind in ("wall", "cpu")}
        alone = {kind: seconds_to(target, runs, kind) for kind in ("wall", "cpu")}
        ended = seeded_mean(numpy.array([r["scores"][-1]["rows"] for r in runs]))
        by_seed = f"{spread(alone['wall'], '.0f')} s, {spread(alone['cpu'], '.0f')} CPU s" if alone["wall"] else "none"
        lines.append(
            f"{SIDES[side]:<26} the mean is there after {when[side]['wall']:.0f} s, {when[side]['cpu']:.0f} CPU s (step "
            f"{runs[0]['scores'][at]['step']}); {len(alone['wall'])} of {len(runs)} seeds alone: {by_seed}; means at the "
            f"scorings {', '.join(f'{value:.3f}' for value in curves[side])}; ended at {ended}"
        )
    for kind, name in (("wall", "seconds"), ("cpu", "CPU seconds")) if target else ():
        ours, theirs = (seconds_to(target, finals[side], kind) for side in SIDES)
        pairs = [b / a for a in ours for b in theirs]
        extremes = f" [{min(pairs):.2f} to {max(pairs):.2f} over pairs of seeds]" if pairs else ""
        ratio = when["recipe"][kind] / when["recommended"][kind]
        lines.append(f"to the same score the recipe takes {ratio:.2f} times the workbench's {name}{extremes}")
    return lines


def main(given: list[str] | None = None) -> None:
    """Measure, and print."""
    options = arguments().parse_args(given)
    if options.child:
        return child(options)
    if options.steps <= WARM_UP + 1:
        raise SystemExit(f"--steps {options.steps} leaves nothing to measure: the first {WARM_UP} and the last don't count.")
    print(heading())
    with tempfile.TemporaryDirectory() as temporary:
        folder, log = Path(temporary), Path(options.log or Path(temporary) / "libraries.log")
        os.environ.setdefault("UNSLOTH_COMPILE_LOCATION", str(folder / "compiled"))
        with noise_to(log):
            train, validation = prepare(folder)
            weights_folder(CHOICE)
        print(f"support_tickets, cleaned as recommended: {len(train)} rows to learn from, {len(validation)} for validation")

        def run(way: str, name: str, **settings: Any) -> dict:
            common = {"data": folder, "steps": options.steps, "score-steps": options.score_steps, "every": options.every}
            given = [text for key, value in (common | settings).items() for text in (f"--{key}", str(value))]
            report, said = start(__file__, ["--child", way, *given], folder / f"{name}.json", log)
            if report is None:
                raise SystemExit(f"{way}: {said}\nRun again with --log FILE for all that was said.")
            return report

        if options.why:
            print("\n".join(why_lines(explained(run, options.repeats))))
            return
        if options.part != "score":
            print(f"speed: {options.repeats} runs of {options.steps} steps, in turns; median [extremes] of the runs' medians")
            if not has_fused_loss():
                print("Triton isn't here, so in (c) the loss is the model's own, over all logits at once", flush=True)
            reports = {way: [] for way in SPEED}
            for turn in range(options.repeats):
                # Who goes first changes from turn to turn.
                for way in [*SPEED][turn % len(SPEED) :] + [*SPEED][: turn % len(SPEED)]:
                    reports[way].append(run(way, f"{way}-{turn}"))
            print("\n".join(speed_lines(reports)), flush=True)
        if options.part != "speed":
            print(f"score: {options.score_steps} steps a run, {options.trials} trials and {options.seeds} seeds each", flush=True)
            print("\n".join(score_lines(raced(run, options.trials, options.seeds))))


def explained(run: Callable[..., dict], repeats: int) -> dict[str, list[dict]]:
    """Every variant, in turns; the environment is put back after each."""
    reports: dict[str, list[dict]] = {name: [] for name in WHY}
    for turn in range(repeats):
        for number, (name, (_, _, switches)) in enumerate(WHY.items()):
            os.environ.update(switches)
            try:
                reports[name].append(run(name, f"why-{number}-{turn}"))
            finally:
                for switch in switches:
                    del os.environ[switch]
    return reports


def raced(run: Callable[..., dict], trials: int, seeds: int) -> dict[str, list[dict]]:
    """Tune both sides by equally many trials, then train each anew; the trials are printed."""
    finals: dict[str, list[dict]] = {side: [] for side in SIDES}
    chosen = {}
    for side, title in SIDES.items():
        tried = {rate: run(side, f"{side}-trial-{n}", rate=rate) for n, rate in enumerate(rates(side, trials))}
        chosen[side] = list(tried)[best_trial(list(tried.values()))]
        said = "; ".join(f"rate {rate:g}: {', '.join(f'{value:.3f}' for value in curve([r]))}" for rate, r in tried.items())
        print(f"{title:<26} trials: {said}; chosen {chosen[side]:g}", flush=True)
    for seed in range(1, seeds + 1):
        for side in list(SIDES)[:: 1 if seed % 2 else -1]:
            finals[side].append(run(side, f"{side}-{seed}", rate=chosen[side], seed=seed))
    return finals


if __name__ == "__main__":
    main()
