"""Rows answered per second, three ways: python benchmarks/scoring.py [--rows 48] [--rounds 3] [--tokens 40] [--threads 1] [--wide]

The embedded model answers tickets of the support_tickets sample, with instructions and five examples before each and bare:
(a) transformers' generate, one row at a time; (b) transformers' text-generation pipeline with batch_size=32; (c) the
workbench. All take turns in one process, greedy, with the same limit and the same stop tokens. (a) and (b) have the
weights as the workbench loads them; with --wide once more in 32 bits, in which the workbench does its sums on a CPU.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from workbench.curate.reading import ColumnGuess, read_file, to_dataset
from workbench.curate.start import SAMPLES
from workbench.dataset import Dataset
from workbench.files import read_json
from workbench.models import EMBEDDED, SYSTEM, LoadedModel, ModelChoice, load_for_answers
from workbench.runtime import this_machine
from workbench.scoring.answers import Prompt, generate_answers

SAMPLE = SAMPLES / "support_tickets"


def rows(name: str) -> Dataset:
    """A file of the sample as rows."""
    scenario = read_json(SAMPLE / "scenario.json")
    columns = ColumnGuess(scenario["input_column"], scenario["answer_column"], "", "named by the sample.")
    return to_dataset(read_file(SAMPLE / name), columns)[0]


def prompts(count: int) -> dict[str, list[Prompt]]:
    """The same tickets with instructions and examples, and bare."""
    scenario = read_json(SAMPLE / "scenario.json")
    shots = [turn for e in rows("tickets.csv").head(5) for turn in (("user", e.input), ("assistant", e.answer))]
    inputs = [("user", e.input) for e in rows("test.csv").head(count)]
    return {
        "instructions + 5 examples": [[("system", scenario["instructions"]), *shots, turn] for turn in inputs],
        "bare": [[("system", SYSTEM), turn] for turn in inputs],
    }


def one_at_a_time(loaded: LoadedModel, asked: list[Prompt], limit: int) -> list[str]:
    """(a) generate, row by row."""
    import torch

    said = []
    for prompt in asked:
        ids = torch.tensor([loaded.tokens(loaded.chat_text(prompt))], device=loaded.model.device)
        with torch.inference_mode():
            output = loaded.model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=limit, do_sample=False,
                eos_token_id=loaded.stop_tokens, pad_token_id=loaded.tokenizer.pad_token_id,
            )  # fmt: skip
        said.append(loaded.tokenizer.decode(output[0, ids.shape[1] :], skip_special_tokens=True).strip())
    return said


def by_pipeline(loaded: LoadedModel, asked: list[Prompt], limit: int) -> list[str]:
    """(b) the text-generation pipeline."""
    from transformers import pipeline

    loaded.tokenizer.padding_side = "left"
    ask = pipeline("text-generation", model=loaded.model, tokenizer=loaded.tokenizer)
    texts = [loaded.chat_text(prompt) for prompt in asked]
    found = ask(texts, batch_size=32, max_new_tokens=limit, do_sample=False, return_full_text=False,
                eos_token_id=loaded.stop_tokens, add_special_tokens=False)  # fmt: skip
    return [row[0]["generated_text"].strip() for row in found]


def by_workbench(loaded: LoadedModel, asked: list[Prompt], limit: int) -> list[str]:
    """(c) ours."""
    return [answer.text for answer in generate_answers(loaded, asked, limit)]


def spread(numbers: list[float]) -> str:
    """The middle one and the extremes."""
    return f"{statistics.median(numbers):.2f} [{min(numbers):.2f} to {max(numbers):.2f}]"


def measure(ways: dict[str, Callable[[], list[str]]], count: int, rounds: int) -> None:
    """Let the ways take turns and print what each does a second, and how much longer it takes than the workbench."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    said: dict[str, list[str]] = {}
    for _ in range(rounds):
        for name, answer in ways.items():
            started = time.perf_counter()
            said[name] = answer()
            seconds[name].append(time.perf_counter() - started)
    ours = list(ways)[-1]
    for name in ways:
        ratios = [theirs / own for theirs, own in zip(seconds[name], seconds[ours], strict=True)]
        same = sum(a == b for a, b in zip(said[name], said[ours], strict=True))
        per_second = spread([count / s for s in seconds[name]])
        print(f"  {name:<34} {per_second:>24} rows/s; workbench is {spread(ratios)} times as fast; {same} of {count} same",
              flush=True)


def main() -> None:
    """Measure both arms and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("rows", 48), ("rounds", 3), ("tokens", 40), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--wide", action="store_true")
    options = parser.parse_args()

    import torch

    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        loaded, wide = (load_for_answers(ModelChoice(EMBEDDED, ""), Path(folder) / "log") for _ in range(2))
        wide.model.float()
        print(f"{time.strftime('%Y-%m-%d')}, {this_machine()!r}, {options.threads} thread(s), torch {torch.__version__}, "
              f"{options.rows} rows, {options.tokens} new tokens at most, {options.rounds} rounds: median [extremes]")  # fmt: skip
        for arm, asked in prompts(options.rows).items():
            print(arm, flush=True)
            ways = {}
            for model, name in [(loaded, loaded.precision)] + [(wide, "float32")] * options.wide:
                ways[f"(a) one at a time, {name}"] = lambda m=model, p=asked: one_at_a_time(m, p, options.tokens)
                ways[f"(b) pipeline, batch 32, {name}"] = lambda m=model, p=asked: by_pipeline(m, p, options.tokens)
            ways["(c) workbench"] = lambda p=asked: by_workbench(loaded, p, options.tokens)
            measure(ways, len(asked), options.rounds)


if __name__ == "__main__":
    main()
