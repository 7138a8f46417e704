"""QLoRA on a model of 70 billion parameters: peak memory and seconds per step at 512 and at 2,048 tokens.

python benchmarks/gpu/seventy_b.py [--tokens 512 2048] [--steps 3] [--optimiser adamw|paged] [--way auto|unsloth|plain]
                                   [--cap 48] [--small]

A Llama with the shape of the 70B models is built on the card with RANDOM weights, one matrix after another: drawn in 16 bits,
rounded to NF4 (its scales in 8 bits, "double quantisation") and dropped before the next. Embeddings and head stay in 16 bits.
Then LoRA (rank 16, all seven projections), activations recomputed in the backward pass, AdamW, one row at a time, loss on
every token.

Two ways. "unsloth": Unsloth's own loader, adapter and loss, with the reading of a checkpoint replaced by the building. "plain":
PEFT and a loop of three lines; the loss goes through the head in chunks, so that the logits never lie in memory at once.
"auto" takes Unsloth, and the plain way where that fails, and says so. --small runs the same code on a CPU, in two narrow layers,
and works out from what it measures what 70B would take.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parent)]

from qlora import ALPHA, PROJECTIONS, RANK, SEED, blank_tokenizer, heading, peak_memory, start

from workbench.project import cache_folder
from workbench.runtime import GIB, noise_to, this_machine

GB = 10**9
AIM = 48 * GB
# Tokens whose logits exist at once in the plain way.
CHUNK = 256
WHOSE = {
    "unsloth": "Unsloth's loader, adapter and loss",
    "plain": f"PEFT and a plain loop, logits of {CHUNK} tokens at a time",
}


@dataclass(frozen=True)
class Shape:
    """A Llama's measures. The small one has the proportions of the large one, so that what is measured scales."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    intermediate: int
    vocabulary: int

    @property
    def matrices(self) -> dict[str, tuple[int, int]]:
        """Outputs and inputs of the seven projections of a layer."""
        narrow = self.hidden * self.kv_heads // self.heads
        up, down = (self.intermediate, self.hidden), (self.hidden, self.intermediate)
        square = (self.hidden, self.hidden)
        sizes = (square, (narrow, self.hidden), (narrow, self.hidden), square, up, up, down)
        return dict(zip(PROJECTIONS, sizes, strict=True))

    @property
    def parameters(self) -> int:
        """All of the base model's parameters."""
        layer = sum(rows * columns for rows, columns in self.matrices.values()) + 2 * self.hidden
        return self.layers * layer + 2 * self.vocabulary * self.hidden + self.hidden

    @property
    def adapter(self) -> int:
        """Parameters of the adapter."""
        return self.layers * RANK * sum(rows + columns for rows, columns in self.matrices.values())


SEVENTY = Shape(hidden=8192, layers=80, heads=64, kv_heads=8, intermediate=28672, vocabulary=128256)
SMALL = Shape(hidden=512, layers=2, heads=8, kv_heads=1, intermediate=1792, vocabulary=2048)


def config(shape: Shape) -> Any:
    """The shape as transformers writes it."""
    from transformers import LlamaConfig

    return LlamaConfig(
        hidden_size=shape.hidden, num_hidden_layers=shape.layers, num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads, intermediate_size=shape.intermediate, vocab_size=shape.vocabulary,
        max_position_embeddings=8192, rope_theta=500000.0, tie_word_embeddings=False, use_cache=False,
        attn_implementation="sdpa", bos_token_id=1, eos_token_id=2, pad_token_id=3, dtype="bfloat16",
    )  # fmt: skip


def build(shape: Shape, device: str) -> Any:
    """The model with random weights; at no time are two of its projections held in 16 bits."""
    import torch
    from accelerate import init_empty_weights
    from bitsandbytes.nn import Linear4bit, Params4bit
    from transformers import BitsAndBytesConfig, LlamaForCausalLM

    def drawn(*size: int) -> torch.Tensor:
        return torch.empty(*size, dtype=torch.bfloat16, device=device).normal_(0, 0.02)

    torch.manual_seed(SEED)
    with init_empty_weights(include_buffers=False):
        model = LlamaForCausalLM(config(shape))
    for layer in model.model.layers:
        for parent in (layer.self_attn, layer.mlp):
            for name, empty in list(parent.named_children()):
                if name in PROJECTIONS:
                    new = Linear4bit(empty.in_features, empty.out_features, bias=False, compute_dtype=torch.bfloat16,
                                     quant_type="nf4", device="meta")  # fmt: skip
                    weight = drawn(empty.out_features, empty.in_features)
                    # On its device already: this call is what quantises.
                    new.weight = Params4bit(weight, quant_type="nf4", compress_statistics=True, module=new).to(device)
                    # The packing for answers on a CPU can't be trained through.
                    new.support_avx512bf16_for_cpu = False
                    setattr(parent, name, new)
                    del weight
    for module in model.modules():
        if isinstance(getattr(module, "weight", None), torch.nn.Parameter) and module.weight.is_meta:
            size = module.weight.shape
            values = drawn(*size) if len(size) == 2 else torch.ones(size, dtype=torch.bfloat16, device=device)
            module.weight = torch.nn.Parameter(values, requires_grad=False)
    model.model.rotary_emb.to(device)
    quantised = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=torch.bfloat16
    )
    model.config.quantization_config = quantised
    model.is_quantized = model.is_loaded_in_4bit = True
    return model


def with_unsloth(shape: Shape, longest: int, device: str) -> Any:
    """The model through Unsloth's loader, which patches it, with building in the place of reading."""
    import torch

    os.environ.setdefault("UNSLOTH_COMPILE_LOCATION", str(cache_folder() / "unsloth_compiled_cache"))
    from unsloth import FastLanguageModel  # isort: skip
    from transformers import AutoModelForCausalLM

    with tempfile.TemporaryDirectory() as folder:
        config(shape).save_pretrained(folder)
        blank_tokenizer(shape.vocabulary).save_pretrained(folder)
        AutoModelForCausalLM.from_pretrained = lambda *given, **named: build(shape, device)
        model, _ = FastLanguageModel.from_pretrained(
            folder, max_seq_length=longest, dtype=torch.bfloat16, load_in_4bit=True, trust_remote_code=False
        )
    model = FastLanguageModel.get_peft_model(
        model, r=RANK, lora_alpha=ALPHA, lora_dropout=0.0, target_modules=list(PROJECTIONS),
        use_gradient_checkpointing="unsloth", random_state=SEED,
    )  # fmt: skip
    FastLanguageModel.for_training(model)
    return model


def without_unsloth(shape: Shape, device: str) -> Any:
    """The model with PEFT's adapter. prepare_model_for_kbit_training isn't called: it writes the embeddings out in 32 bits."""
    from peft import LoraConfig, get_peft_model

    model = build(shape, device)
    model.gradient_checkpointing_enable({"use_reentrant": False})
    adapter = LoraConfig(r=RANK, lora_alpha=ALPHA, lora_dropout=0.0, target_modules=list(PROJECTIONS), task_type="CAUSAL_LM")
    return get_peft_model(model, adapter).train()


def chunked_loss(model: Any, ids: Any) -> Any:
    """Mean loss over all next tokens; the logits of CHUNK tokens at a time, made again in the backward pass."""
    from torch.nn.functional import cross_entropy
    from torch.utils.checkpoint import checkpoint

    base = model.get_base_model()
    hidden = base.model(input_ids=ids, use_cache=False).last_hidden_state[0, :-1]
    targets = ids[0, 1:]

    def part(states: Any, wanted: Any) -> Any:
        return cross_entropy(base.lm_head(states).float(), wanted, reduction="sum")

    pairs = zip(hidden.split(CHUNK), targets.split(CHUNK), strict=True)
    return sum(checkpoint(part, states, wanted, use_reentrant=False) for states, wanted in pairs) / len(targets)


def saved_by_a_layer(model: Any, tokens: int) -> int:
    """Bytes that the backward pass of one layer needs kept, its weights not counted."""
    import torch

    base = model.get_base_model()
    layer = base.model.layers[0]
    weights = {t.untyped_storage().data_ptr() for t in (*base.parameters(), *base.buffers())}
    kept: dict[int, Any] = {}

    def keep(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage
        return tensor

    device = base.lm_head.weight.device
    states = torch.randn(1, tokens, base.config.hidden_size, dtype=torch.bfloat16, device=device, requires_grad=True)
    place = torch.arange(tokens, device=device)[None]
    with torch.autocast(device.type, dtype=torch.bfloat16), torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        # forward and not a call: a call would recompute, and keep nothing.
        layer.forward(states, position_embeddings=base.model.rotary_emb(states, place), position_ids=place, attention_mask=None)
    return sum(storage.nbytes() for storage in kept.values())


def held(model: Any) -> dict[str, int]:
    """Bytes of the parts that stay: 4-bit projections with their scales, 16-bit weights, adapter."""
    parts = {"projections": 0, "16 bits": 0, "adapter": 0}
    for parameter in model.parameters():
        if (state := getattr(parameter, "quant_state", None)) is not None:
            parts["projections"] += parameter.nbytes + state.absmax.nbytes + state.state2.absmax.nbytes
        else:
            parts["adapter" if parameter.requires_grad else "16 bits"] += parameter.nbytes
    return parts


def nf4_bytes(shape: Shape) -> int:
    """Half a byte a weight, a byte of scale for 64 of them, 4 bytes for 256 of these (QLoRA, Dettmers et al. 2023, section 3)."""
    sizes = [rows * columns for rows, columns in shape.matrices.values()]
    return shape.layers * sum(size // 2 + -(-size // 64) + 4 * -(-size // (64 * 256)) for size in sizes)


def computed(shape: Shape, tokens: int, per_adapter: float, per_state: float, per_token: float) -> dict[str, float]:
    """Bytes that a step of the plain way takes, by part.

    Args:
        per_adapter, per_state: bytes of the adapter and of the optimiser's state, for each parameter of the adapter.
        per_token: bytes that a layer keeps for its backward pass, for each token and unit of width.
    """
    chunk = min(CHUNK, tokens)
    wide = tokens * shape.intermediate
    plain = 2 * shape.vocabulary * shape.hidden + (2 * shape.layers + 1) * shape.hidden
    return {
        "projections in NF4": nf4_bytes(shape),
        "embeddings, head and norms in 16 bits": 2 * plain,
        "adapter": per_adapter * shape.adapter,
        "optimiser's state": per_state * shape.adapter,
        # The backward pass lets go of a layer's input as it makes its gradients, so the larger of the two is the peak.
        "each layer's input, later gradients": max(2.0 * shape.layers * tokens * shape.hidden, per_adapter * shape.adapter),
        # Of one layer: what it keeps, one matrix written out in 16 bits, three gradients of the widest part. The head's turn
        # comes at another time: logits in 16 and in 32 bits, and gradients in both.
        "working memory": max(
            per_token * tokens * shape.hidden + 2 * shape.hidden * shape.intermediate + 3 * 2 * wide,
            12.0 * chunk * shape.vocabulary,
        ),
    }


def optimiser(name: str, parameters: list) -> Any:
    """AdamW in 32 bits, or bitsandbytes' with its state in 8 bits, which moves to main memory where the card is full."""
    import torch

    if name == "paged":
        from bitsandbytes.optim import PagedAdamW8bit

        return PagedAdamW8bit(parameters, lr=2e-4, weight_decay=0.0)
    return torch.optim.AdamW(parameters, lr=2e-4, weight_decay=0.0)


def child(options: argparse.Namespace) -> None:
    """One length in this process; its figures go to the report."""
    import torch

    shape = SMALL if options.small else SEVENTY
    tokens = options.tokens[0]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    gpu = device == "cuda"
    if gpu and options.cap:
        torch.cuda.set_per_process_memory_fraction(min(1.0, options.cap * GB / torch.cuda.get_device_properties(0).total_memory))

    def now() -> float:
        if gpu:
            torch.cuda.synchronize()
        return time.perf_counter()

    with noise_to(Path(options.log)):
        began = now()
        model = with_unsloth(shape, tokens, device) if options.child == "unsloth" else without_unsloth(shape, device)
        built = now() - began
        report: dict[str, Any] = {"built": built, "held": held(model)}
        if gpu:
            report["after_building"] = peak_memory()
            torch.cuda.reset_peak_memory_stats()
        learnt = [p for p in model.parameters() if p.requires_grad]
        update = optimiser(options.optimiser, learnt)
        ids = torch.randint(10, shape.vocabulary, (1, tokens), device=device)
        seconds, losses = [], []
        for _ in range(options.steps):
            began = now()
            with torch.autocast(device, dtype=torch.bfloat16):
                unsloths = options.child == "unsloth"
                loss = model(input_ids=ids, labels=ids).loss if unsloths else chunked_loss(model, ids)
            loss.backward()
            update.step()
            update.zero_grad(set_to_none=True)
            seconds.append(now() - began)
            losses.append(loss.item())
        report |= {"seconds": seconds, "losses": losses, "memory": peak_memory(), "trainable": sum(p.numel() for p in learnt)}
        state = sum(t.nbytes for kept in update.state.values() for t in kept.values() if hasattr(t, "nbytes") and t.numel() > 1)
        report |= {"optimiser": state, "kept": 0 if gpu or options.child == "unsloth" else saved_by_a_layer(model, tokens)}
    Path(options.report).write_text(json.dumps(report), encoding="utf-8")


def measured_lines(tokens: int, report: dict, gpu: bool) -> list[str]:
    """What one length took."""
    first = f"; first step {report['seconds'][0]:.2f}" if len(report["seconds"]) > 1 else ""
    usual = statistics.median(report["seconds"][1:] or report["seconds"])
    memory = ", ".join(f"{kind} {gib:.2f} GiB ({gib * GIB / GB:.2f} GB)" for kind, gib in report["memory"].items())
    lines = [
        f"{tokens:,} tokens: peak memory of the steps: {memory}; {usual:.2f} s a step{first}; "
        f"loss {', '.join(f'{loss:.3f}' for loss in report['losses'])}; built in {report['built']:.0f} s"
    ]
    if "after_building" in report:
        lines.append(f"  peak while it was built: {report['after_building']['allocated']:.2f} GiB")
    if gpu:
        taken = max(report["memory"].values()) * GIB
        lines.append(f"  {'under' if taken < AIM else 'NOT under'} the aim of {AIM / GB:.0f} GB, memory set aside included")
    return lines


def computed_lines(tokens: int, shape: Shape, report: dict, small: Shape) -> list[str]:
    """The sum for `shape`, from bytes for each parameter and token that were measured on `small`."""
    parts = computed(
        shape,
        tokens,
        per_adapter=report["held"]["adapter"] / small.adapter,
        per_state=report["optimiser"] / small.adapter,
        per_token=report["kept"] / (report["tokens"] * small.hidden),
    )
    total = sum(parts.values())
    return [
        f"computed, not measured: {shape.parameters / 1e9:.1f} billion parameters, {tokens:,} tokens, plain way",
        *(f"  {name:<40} {part / GB:>7.2f} GB" for name, part in parts.items()),
        f"  {'sum':<40} {total / GB:>7.2f} GB ({total / GIB:.2f} GiB), without CUDA's own memory (about 0.5 GB)",
    ]


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, nargs="+", help="lengths, each in a process of its own (512 2048; small: 64 256)")
    parser.add_argument("--steps", type=int, default=3, help="steps at each length")
    parser.add_argument("--optimiser", choices=("adamw", "paged"), default="adamw", help="paged: state in 8 bits, needs a GPU")
    parser.add_argument("--way", choices=("auto", "unsloth", "plain"), default="auto")
    parser.add_argument("--cap", type=float, default=0.0, help="GB of the card that may be used; 0 for all of it")
    parser.add_argument("--small", action="store_true", help="two narrow layers, for a CPU")
    parser.add_argument("--log", default="", help="where the libraries' noise goes (a temporary folder)")
    parser.add_argument("--child", choices=("unsloth", "plain"), help=argparse.SUPPRESS)
    parser.add_argument("--report", help=argparse.SUPPRESS)
    return parser


def run_length(tokens: int, options: argparse.Namespace, ways: list[str], folder: Path, log: Path) -> tuple[str, dict]:
    """One length by the first of the ways that works."""
    settings = ["--tokens", str(tokens), "--steps", str(options.steps), "--cap", str(options.cap)]
    settings += ["--optimiser", options.optimiser, *(["--small"] if options.small else [])]
    for way in list(ways):
        report, said = start(__file__, [*settings, "--child", way], folder / f"{way}-{tokens}.json", log)
        if report:
            return way, report | {"tokens": tokens}
        print(f"{tokens:,} tokens, {way} way: did not end well: {said}", flush=True)
        # What failed once isn't tried at the next length, unless nothing else is left.
        if len(ways) > 1:
            ways.remove(way)
    raise SystemExit("No way worked. Run again with --log FILE for all that was said.")


def main(given: list[str] | None = None) -> None:
    """Measure each length, and print."""
    options = arguments().parse_args(given)
    options.tokens = options.tokens or ([64, 256] if options.small else [512, 2048])
    if options.child:
        return child(options)
    gpu = bool(this_machine().gpu)
    if not gpu and (not options.small or options.optimiser == "paged"):
        raise SystemExit("There is no GPU here. The whole model and the paged optimiser need one; --small runs on a CPU.")
    shape = SMALL if options.small else SEVENTY
    print(heading())
    print(
        f"model: RANDOM weights, {shape.parameters:,} parameters ({shape.layers} layers, width {shape.hidden}), NF4; "
        f"adapter of {shape.adapter:,}, rank {RANK}; {options.steps} steps a length, one row a step, {options.optimiser}",
        flush=True,
    )
    ways = ["unsloth", "plain"] if options.way == "auto" else [options.way]
    with tempfile.TemporaryDirectory() as temporary:
        folder, log = Path(temporary), Path(options.log or Path(temporary) / "libraries.log")
        for tokens in options.tokens:
            way, report = run_length(tokens, options, ways, folder, log)
            print(f"way: {WHOSE[way]}")
            print("\n".join(measured_lines(tokens, report, gpu)), flush=True)
        if options.small:
            way, report = run_length(max(options.tokens), options, ["plain"], folder, log)
            print(
                f"measured on the small model, plain way: projections {report['held']['projections']:,} bytes (the formula "
                f"says {nf4_bytes(shape):,}), a layer keeps {report['kept'] / (report['tokens'] * shape.hidden):.1f} bytes "
                f"for each token and unit of width"
            )
            for tokens in (512, 2048):
                print("\n".join(computed_lines(tokens, SEVENTY, report, shape)))


if __name__ == "__main__":
    main()
