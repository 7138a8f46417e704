"""One working example each of what is passed on to TRL as it stands: ORPO, KTO, a reward model, GRPO.

    python benchmarks/preference_trainers.py [orpo kto reward grpo] [--project scenario-brand-voice] [--place decide/pilot]
                                             [--steps 3] [--pairs 24]

Each goes on from a tuned model's adapter, makes a few steps, and prints loss, gradient norm and seconds of each: that it works
and learns something is shown, not that it helps. The pairs are made up for that: a row's own answer is preferred to another
row's. GRPO has no pairs; it draws answers at temperature 1 and rewards those that begin and end as the rows' answers do and
are about as long, a reward that differs within a group: where all of a group get the same, nothing is learnt and loss and
gradient are 0.

GPU advised for all four beyond a few steps of a small model, and for GRPO always: most of its time goes into drawing answers.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench.dataset import Dataset
from workbench.decide.compare import Bench
from workbench.models import LoadedModel, load_tokenizer, weights_folder
from workbench.project import open_project
from workbench.runtime import noise_to, this_machine
from workbench.train.preferences import PASSED_ON, load_to_align, rows_for, trainer_for
from workbench.train.run import adapter_folder

LONGEST = 512


def made_up_pairs(rows: Dataset, count: int) -> Dataset:
    """Each row's own answer against that of the row after it."""
    few = rows.head(count + 1).examples
    pairs = (replace(e, rejected=other.answer) for e, other in itertools.pairwise(few) if e.answer.strip() != other.answer.strip())
    return Dataset("made up", tuple(pairs))


def form_reward(answers: list[str]) -> Callable[..., list[float]]:
    """A programmatic reward from 0 to 3: begins and ends as the answers do, and is about as long."""
    first, last = ({a.split()[place] for a in answers if a.split()} for place in (0, -1))
    usual = sum(len(a.split()) for a in answers) / len(answers)

    def reward(completions: list[str], **_: Any) -> list[float]:
        words = [text.split() or [""] for text in completions]
        return [(w[0] in first) + (w[-1] in last) + max(0.0, 1 - abs(len(w) - usual) / usual) for w in words]

    return reward


def classifier(bench: Bench) -> LoadedModel:
    """A plain model with one number for an answer on top, in place of the words; Unsloth's loader has none."""
    from transformers import AutoModelForSequenceClassification

    chat = load_tokenizer(bench.choice, bench.project.log)
    with noise_to(bench.project.log):
        model = AutoModelForSequenceClassification.from_pretrained(weights_folder(bench.choice), num_labels=1, dtype="float32")
    model.config.pad_token_id = chat.tokenizer.pad_token_id
    return LoadedModel(model, chat.tokenizer, bench.choice, "float32")


def example(kind: str, bench: Bench, place: str, pairs: Dataset, steps: int) -> None:
    """Train a few steps and print each."""
    settings: dict[str, Any] = {"max_steps": steps, "per_device_train_batch_size": 4, "learning_rate": 1e-4, "seed": 0}
    more: dict[str, Any] = {}
    if kind == "reward":
        from peft import LoraConfig, TaskType

        loaded = classifier(bench)
        more["peft_config"] = LoraConfig(TaskType.SEQ_CLS, r=16, lora_alpha=32, target_modules="all-linear", modules_to_save=["score"])
        settings["max_length"] = LONGEST
    else:
        loaded = load_to_align(bench.choice, adapter_folder(bench.project.path(place)), LONGEST, bench.project.log)
        settings |= {} if kind == "grpo" else {"max_length": LONGEST, "beta": 0.1}
    if kind == "grpo":
        more["reward_funcs"] = form_reward([pair.answer for pair in pairs])
        # Four answers to one prompt are a group. With beta 0 there is no reference to run beside.
        settings |= {"num_generations": 4, "max_completion_length": 64, "temperature": 1.0, "beta": 0.0}
    with tempfile.TemporaryDirectory() as folder, noise_to(bench.project.log):
        trainer = trainer_for(kind, loaded.model, loaded.tokenizer, rows_for(kind, loaded, pairs), Path(folder), more, **settings)
        started = time.perf_counter()
        trainer.train()
        seconds = (time.perf_counter() - started) / steps
    for entry in trainer.state.log_history:
        if "grad_norm" in entry:
            spread = f", spread of rewards {entry['reward_std']:.3f}" if "reward_std" in entry else ""
            print(f"  {kind} step {entry['step']}: loss {entry['loss']:+.4f}, gradient norm {float(entry['grad_norm']):.4f}{spread}", flush=True)
    print(f"  {kind}: {seconds:.1f} s a step; {PASSED_ON[kind][0]}.{PASSED_ON[kind][1]}", flush=True)
    loaded.free()


def main() -> None:
    """Run the kinds that were named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", default=[], help=", ".join(PASSED_ON))
    parser.add_argument("--project", default="scenario-brand-voice")
    parser.add_argument("--place", default="decide/pilot", help="the tuned run's folder in the project")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=24)
    options = parser.parse_args()
    bench = Bench(open_project(options.project))
    pairs = made_up_pairs(bench.train, options.pairs)
    print(f"{time.strftime('%Y-%m-%d')}, {this_machine()!r}, model {bench.choice.name}; {len(pairs)} made-up pairs")
    for kind in options.kinds or PASSED_ON:
        example(kind, bench, options.place, pairs, options.steps)


if __name__ == "__main__":
    main()
