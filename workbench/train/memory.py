"""Will it fit? Peak memory of training and of evaluation by part, time, disk and energy, before anything is loaded."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from workbench.errors import BadInput, Prerequisite
from workbench.models import EMBEDDED, MODEL_TABLE, ModelChoice
from workbench.result import Result
from workbench.runtime import GIB, Machine, this_machine
from workbench.train.plan import FLAVOURS, FULL, LORA, QLORA, Plan

if TYPE_CHECKING:
    import pandas

# Rows as (tokens of the prompt, tokens of the answer), as workbench.train.encode.count_tokens counts them.
Rows = Sequence[tuple[int, int]]

# Cards to compare with, looked up on 2026-11-24: GiB that nvidia-smi reports, and the board's power limit in watts by its
# data sheet. Other cards of 24, 48 or 80 GB report up to 1.5, 3 and 1 GiB more.
CARDS = {"T4": (15.0, 70), "24 GB (L4)": (22.5, 72), "48 GB (L40S)": (45.0, 350), "80 GB (A100)": (79.2, 400)}
HERE = "this machine"
# Assumed on 2026-11-24, not measured: a busy core with its share of memory and board. Laptops draw about half of it.
WATTS_PER_CORE = 10.0
# Above this share of the memory a run is tight: rows, fragments and other programs vary.
ROOM = 0.85
FITS, TIGHT, TOO_BIG = "fits", "tight", "does not fit"

# GiB of a process that has imported torch, transformers, TRL and Unsloth and made a trainer; measured on a CPU under Linux
# with torch 2.13 and Unsloth 2026.10 on 2026-11-24 (benchmarks/memory.py).
PROCESS = 0.65
# Of what activations take on a CPU, the C library's heap holds so much more in freed pieces between them. Set on 2026-11-24 from
# six plans (1.1 to 1.5 each); with every large piece mapped on its own (MALLOC_MMAP_THRESHOLD_) it was 1.04, and slower.
HEAP = 1.4
# GiB that a CUDA context and its libraries' kernels take on a card; usual, not measured here.
CONTEXT = 0.5
# bitsandbytes' NF4 with double quantisation: 4 bits a weight, a byte for each block of 64, 4 bytes for 256 such blocks.
NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
# Rows of the vocabulary whose logits Unsloth's CPU backend makes at once: so many numbers, at least 16 rows.
CPU_LOGITS = 16 * 2**20
# Bytes a logit costs in Unsloth's loss on a card, and the least pieces, most GiB and share of free memory it is made in.
CARD_LOGIT_BYTES, CARD_PIECES, CARD_LOGITS, CARD_SHARE = 16, 4, 4.0, 0.5
EVALUATED_AT_ONCE = 4
# Whole checkpoints on disk while one more is written.
CHECKPOINTS = 3
PARTS = ("weights", "adapters", "optimiser", "gradients", "activations", "logits", "process")


@dataclass(frozen=True)
class Shape:
    """The numbers of a decoder that its memory depends on; groups are key-value heads, `tied` shares embedding and head."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    groups: int
    head_size: int
    vocabulary: int
    tied: bool

    @property
    def linear(self) -> int:
        """Weights of all seven projections of all layers: those that NF4 holds in 4 bits."""
        return self.layers * sum(a * b for a, b in self._projections)

    @property
    def other(self) -> int:
        """Weights of the embedding, the head and the norms."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2) + (2 * self.layers + 1) * self.hidden

    @property
    def parameters(self) -> int:
        """All weights; biases, a few thousandths of a per cent, are left out."""
        return self.linear + self.other

    def adapter(self, rank: int, layers: int) -> int:
        """Weights of a LoRA adapter on all projections of so many layers."""
        return layers * rank * sum(a + b for a, b in self._projections)

    @property
    def queries(self) -> int:
        """Width of the queries and of the attention's output."""
        return self.heads * self.head_size

    @property
    def keys(self) -> int:
        """Width of the keys, and of the values."""
        return self.groups * self.head_size

    @property
    def _projections(self) -> tuple[tuple[int, int], ...]:
        hidden, wide = self.hidden, self.intermediate
        return ((hidden, self.queries), (hidden, self.keys), (hidden, self.keys), (self.queries, hidden),
                (hidden, wide), (hidden, wide), (wide, hidden))


# From the models' published config.json files, looked up on 2026-11-24.
SHAPES = {
    EMBEDDED: Shape(30, 576, 1536, 9, 3, 64, 49152, True),
    "Qwen/Qwen2.5-0.5B-Instruct": Shape(24, 896, 4864, 14, 2, 64, 151936, True),
    "Qwen/Qwen2.5-1.5B-Instruct": Shape(28, 1536, 8960, 12, 2, 128, 151936, True),
    "Qwen/Qwen2.5-7B-Instruct": Shape(28, 3584, 18944, 28, 4, 128, 152064, False),
    "Qwen/Qwen2.5-14B-Instruct": Shape(48, 5120, 13824, 40, 8, 128, 152064, False),
    "Qwen/Qwen2.5-32B-Instruct": Shape(64, 5120, 27648, 40, 8, 128, 152064, False),
}


def shape_of(choice: ModelChoice) -> Shape:
    """The shape of a model, from the table or from its config; no weights are loaded.

    Raises:
        Prerequisite: the config isn't there, or the hub isn't reachable.
        BadInput: it is no decoder with attention heads and a gated middle, which is what the formulas hold for.
    """
    if choice.reference in SHAPES:
        return SHAPES[choice.reference]
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(choice.reference, trust_remote_code=False).get_text_config()
    except (OSError, ValueError) as error:
        raise Prerequisite(
            f"The config of {choice.name!r} couldn't be read: {str(error).splitlines()[0]} Without it nobody knows what the "
            "model needs. Check the name and the connection to the hub, or choose a model of the table in notebook 00."
        ) from error
    try:
        heads = config.num_attention_heads
        return Shape(
            config.num_hidden_layers, config.hidden_size, config.intermediate_size, heads,
            getattr(config, "num_key_value_heads", None) or heads,
            getattr(config, "head_dim", None) or config.hidden_size // heads, config.vocab_size, bool(config.tie_word_embeddings),
        )  # fmt: skip
    except AttributeError as error:
        raise BadInput(
            f"{choice.name!r} is built in a way that the memory formulas don't know ({error}). "
            "Choose a decoder such as Llama or Qwen, or start a short run and read its peak memory."
        ) from error


@dataclass(frozen=True, repr=False)
class Memory(Result):
    """What a run needs, estimated.

    Attributes:
        training, evaluation: GiB of each of PARTS at the moment that needs most.
        room: GiB the machine has.
        seconds: of all steps; None where no speed is known.
        disk: GiB of the base's own files, the checkpoints and what the run leaves.
        energy: Wh; None where the time or the power isn't known.
        power: the assumption behind it, in words.
    """

    model: str
    flavour: str
    device: str
    training: dict
    evaluation: dict
    room: float
    seconds: float | None
    disk: float
    energy: float | None
    power: str

    def __repr__(self) -> str:
        return f"{ModelChoice(self.model, '').name}, {self.flavour}: {self.peak:.1f} of {self.room:.1f} GiB on {self.device}, {self.verdict}"

    @property
    def peak(self) -> float:
        """GiB at the moment that needs most, of training and evaluation."""
        return max(sum(self.training.values()), sum(self.evaluation.values()))

    @property
    def verdict(self) -> str:
        """Whether it fits: with room to spare, just so, or not."""
        return FITS if self.peak <= ROOM * self.room else TIGHT if self.peak <= self.room else TOO_BIG

    def table(self) -> pandas.DataFrame:
        """One row a part in GiB, then their sum and what else the run takes."""
        import pandas

        rows = [(part, f"{self.training[part]:.2f} GiB", f"{self.evaluation[part]:.2f} GiB") for part in PARTS]
        rows.append(("all together", f"{sum(self.training.values()):.2f} GiB", f"{sum(self.evaluation.values()):.2f} GiB"))
        rows.append(("of", f"{self.room:.1f} GiB", self.verdict))
        rows += [("time of the steps", _time(self.seconds), ""), ("disk", f"{self.disk:.2f} GiB", "")]
        rows.append(("energy", _energy(self.energy), self.power))
        return pandas.DataFrame(rows, columns=["part", "training", "evaluation"])


@dataclass(frozen=True, repr=False)
class FitTable(Result):
    """Estimates for each flavour on this machine and on the cards, for the chosen model and for each of the table."""

    model: str
    estimates: tuple[Memory, ...]

    def __repr__(self) -> str:
        here = [m for m in self.chosen if m.device == HERE]
        words = "; ".join(f"{m.flavour} {m.verdict} ({m.peak:.1f} of {m.room:.1f} GiB)" for m in here)
        return f"Will {ModelChoice(self.model, '').name} fit {HERE}? {words}; cards are reckoned by the same formulas, not tried"

    @property
    def chosen(self) -> tuple[Memory, ...]:
        """The estimates for the chosen model."""
        return tuple(m for m in self.estimates if m.model == self.model)

    def table(self) -> pandas.DataFrame:
        """The chosen model, one row a flavour and device."""
        import pandas

        rows = [
            (m.flavour, m.device, m.verdict, f"{m.peak:.1f} of {m.room:.1f} GiB", f"{sum(m.training.values()):.1f} GiB",
             f"{sum(m.evaluation.values()):.1f} GiB", _time(m.seconds), f"{m.disk:.1f} GiB", _energy(m.energy))
            for m in self.chosen
        ]  # fmt: skip
        columns = ["flavour", "device", "does it fit", "most memory", "training", "evaluation", "time", "disk", "energy"]
        return pandas.DataFrame(rows, columns=columns)

    def models(self) -> pandas.DataFrame:
        """Every model, one row a model and flavour, one column a device."""
        import pandas

        rows: dict[tuple[str, str], dict] = {}
        for m in self.estimates:
            row = rows.setdefault((m.model, m.flavour), {"model": ModelChoice(m.model, "").name, "flavour": m.flavour})
            row[m.device] = f"{m.verdict} ({m.peak:.1f} GiB)"
        return pandas.DataFrame(list(rows.values()))

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        return cls(fields["model"], tuple(Memory(**m) for m in fields["estimates"]))


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "not known"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _energy(wh: float | None) -> str:
    return "not known" if wh is None else f"{wh:,.1f} Wh"


def recomputes(machine: Machine) -> bool:
    """Whether training keeps a layer's input only and computes the rest again: on a GPU, where memory is what is short."""
    return bool(machine.gpu)


def estimate(
    plan: Plan, shape: Shape, tokens: Rows, machine: Machine, tokens_per_second: float | None = None, recompute: bool | None = None
) -> Memory:
    """What a run by the plan needs on this machine. On a CPU that is memory of the process, on a GPU memory of the card.

    Training needs most either when the loss is made (all activations, and the logits) or when the last gradient is
    (all gradients); the larger moment is given. The longest row decides: sooner or later a batch has its length.

    Args:
        tokens: (prompt, answer) tokens of each row; rows over the plan's max_length are left out, as training does.
        tokens_per_second: input tokens trained on in a second, from a run or from `speed_here`; None where nobody knows.
        recompute: whether layers are computed again; None for what `recomputes` says of the machine.

    Raises:
        BadInput: no row is left.
    """
    recompute = recomputes(machine) if recompute is None else recompute
    kept = _kept(plan, tokens)
    longest, answer = max(p + a for p, a in kept), max(a for _, a in kept)
    at_once = min(EVALUATED_AT_ONCE, plan.batch_size)
    value, learnt = _bytes(plan, machine)
    trained = _trainable(plan, shape)
    fixed = {
        "weights": _weights(plan, shape, machine),
        "adapters": 0.0 if plan.flavour == FULL else learnt * trained,
        "optimiser": 2.0 * learnt * trained,
        "process": (CONTEXT if machine.gpu else PROCESS) * GIB,
    }
    gradients = float(learnt * trained)
    head = shape.vocabulary * shape.hidden * value if plan.flavour == FULL else 0
    room = machine.gpu_memory if machine.gpu else machine.memory
    batch = plan.batch_size * longest
    loss = fixed | {
        "activations": activations(plan, shape, batch, machine, recompute),
        "gradients": gradients if plan.accumulation > 1 else float(head),
    }
    loss["logits"] = _logits(plan, shape, plan.batch_size * answer, machine, True, room * GIB - sum(loss.values()))
    end = fixed | {"activations": _layer(plan, shape, machine) * batch, "gradients": gradients, "logits": 0.0}
    # Without gradients a layer's values are let go as the next ones are made: about two layers' worth at most.
    seen = fixed | {"activations": 2.0 * _layer(plan, shape, machine) * at_once * longest, "gradients": 0.0}
    seen["logits"] = _logits(plan, shape, at_once * answer, machine, False, room * GIB - sum(seen.values()))
    training = max(loss, end, key=lambda parts: sum(parts.values()))
    mean = sum(p + a for p, a in kept) / len(kept)
    seconds = plan.steps * plan.rows_per_step * mean / tokens_per_second if tokens_per_second else None
    watts, power = _power(machine)
    return Memory(
        model=plan.model,
        flavour=plan.flavour,
        device=machine.gpu if machine.gpu in CARDS else HERE,
        training={part: round(training[part] / GIB, 4) for part in PARTS},
        evaluation={part: round(seen[part] / GIB, 4) for part in PARTS},
        room=room,
        seconds=seconds,
        disk=round(_disk(plan, shape, learnt, trained) / GIB, 3),
        energy=None if seconds is None or watts is None else watts * seconds / 3600,
        power=power,
    )


def _kept(plan: Plan, tokens: Rows) -> list[tuple[int, int]]:
    kept = [(prompt, answer) for prompt, answer in tokens if prompt + answer <= plan.max_length]
    if not kept:
        raise BadInput(
            f"None of the {len(tokens)} rows has at most {plan.max_length} tokens, so there is nothing to estimate. "
            "Shorten the rows, or raise max_length in the plan."
        )
    return kept


def _bytes(plan: Plan, machine: Machine) -> tuple[int, int]:
    """Bytes of a value that is computed with, and of one that is learnt: adapters are learnt in 32 bits.

    A card without bfloat16 (the T4) learns all weights in 32 bits too.
    """
    value = 2 if machine.gpu or machine.fast_bfloat16 else 4
    if plan.flavour == FULL:
        return value, 4 if machine.gpu and not machine.fast_bfloat16 else value
    return value, 4


def _trainable(plan: Plan, shape: Shape) -> int:
    return shape.parameters if plan.flavour == FULL else shape.adapter(plan.rank, _adapted(plan, shape))


def _adapted(plan: Plan, shape: Shape) -> int:
    return min(plan.layers, shape.layers) or shape.layers if plan.flavour != FULL else shape.layers


def _weights(plan: Plan, shape: Shape, machine: Machine) -> float:
    value, learnt = _bytes(plan, machine)
    # Answers that are scored on the way are given on a CPU by a copy in 32 bits, which stays.
    copy = 4.0 * shape.parameters if plan.score_every and not machine.gpu else 0.0
    if plan.flavour == FULL:
        return copy + shape.parameters * learnt
    if plan.flavour == LORA:
        return copy + shape.parameters * value
    # On a CPU the 16-bit file stays mapped beside the 4-bit copy, since the embedding is used from it.
    return copy + shape.linear * NF4_BYTES + (2.0 * shape.parameters if not machine.gpu else value * shape.other)


def _layer(plan: Plan, shape: Shape, machine: Machine) -> float:
    """Bytes that a token leaves in one layer until its backward pass; each was found among autograd's saved tensors.

    With v bytes a value: the inputs of two norms in 32 bits; queries and attention's output, keys and values; gate, its
    SiLU and up (3 v I); what the projections' adapters or weights were fed with: after each norm and before the last
    projection, v (2 H + I), or where an adapter of 32 bits sits on 16-bit weights, a copy for each projection in 32 bits;
    the adapters' inner values; and for full, the norms' results (2 v H), which their own weights need.
    """
    value, learnt = _bytes(plan, machine)
    hidden, wide = shape.hidden, shape.intermediate
    kept = 2 * 4 * hidden + 2 * value * (shape.queries + shape.keys) + 3 * value * wide + 4 * shape.heads + 8
    if plan.flavour == FULL:
        return kept + value * (4 * hidden + wide)
    kept += 7 * learnt * plan.rank
    if learnt == value or machine.gpu:
        return kept + value * (2 * hidden + wide)
    return kept + learnt * (5 * hidden + shape.queries + wide)


def activations(plan: Plan, shape: Shape, tokens: int, machine: Machine, recompute: bool) -> float:
    """Bytes of values kept for the backward pass of so many tokens.

    Every layer keeps its own, and one more layer's worth is being made. Where layers are computed again, each keeps its input
    only, and two layers' worth is there at a time; on a GPU Unsloth may move those inputs to the machine's own memory, which
    isn't counted on. A 4-bit weight is written out in 16 bits while it is used.
    """
    value, _ = _bytes(plan, machine)
    layer = _layer(plan, shape, machine) * (1 if machine.gpu else HEAP)
    unpacked = shape.hidden * shape.intermediate * value if plan.flavour == QLORA else 0
    if recompute:
        return tokens * (shape.layers * value * shape.hidden + 2 * layer) + unpacked
    return tokens * layer * (_adapted(plan, shape) + 1) + unpacked


def _logits(plan: Plan, shape: Shape, answers: int, machine: Machine, training: bool, free: float) -> float:
    """Bytes for the logits, which are made for a piece of the answers' tokens at a time."""
    value, _ = _bytes(plan, machine)
    if machine.gpu:
        piece = answers * shape.vocabulary * CARD_LOGIT_BYTES / CARD_PIECES
        return min(piece, CARD_LOGITS * GIB, max(0.0, CARD_SHARE * free))
    piece = min(answers, max(16, CPU_LOGITS // shape.vocabulary)) * shape.vocabulary
    if not training:
        # In 32 bits, once as they are and once as probabilities, for the entropy that TRL logs.
        return 8.0 * piece
    head = shape.vocabulary * shape.hidden if plan.flavour == FULL else 0
    # The head's gradient is summed in 32 bits, and once more when it is scaled.
    return max((4.0 + value) * piece + 4 * head, 8.0 * head)


def _disk(plan: Plan, shape: Shape, learnt: int, trained: int) -> float:
    # The base's file in 16 bits; each checkpoint with weights and two moments; the best and the last weights.
    return 2.0 * shape.parameters + CHECKPOINTS * 3 * learnt * trained + 2 * learnt * trained


def _power(machine: Machine) -> tuple[float | None, str]:
    if machine.gpu in CARDS:
        watts = CARDS[machine.gpu][1]
        return watts, f"at the card's limit of {watts} W"
    if machine.gpu:
        return None, f"the power of {machine.gpu} isn't known here"
    watts = WATTS_PER_CORE * machine.cores
    return watts, f"assumed: {WATTS_PER_CORE:g} W for each of {machine.cores} busy cores"


def card(name: str, machine: Machine) -> Machine:
    """This machine with one of CARDS in it."""
    return replace(machine, gpu=name, gpu_memory=CARDS[name][0], fast_bfloat16=name != "T4")


def will_it_fit(
    choice: ModelChoice, plan: Plan, rows: Rows, machine: Machine | None = None, tokens_per_second: float | None = None
) -> FitTable:
    """Each flavour, on this machine and on each card, for the chosen model and for those of the table.

    Args:
        rows: (prompt, answer) tokens of each row, counted with the chosen model's tokenizer; other models' counts differ a little.
        tokens_per_second: of the chosen model on this machine; other models and cards say that it isn't known.

    Raises:
        Prerequisite: the chosen model's config can't be read.
    """
    machine = machine or this_machine()
    shapes = {choice.reference: shape_of(choice)} | {row["reference"]: SHAPES[row["reference"]] for row in MODEL_TABLE}
    devices = [machine, *(card(name, machine) for name in CARDS)]
    return FitTable(choice.reference, tuple(
        estimate(
            replace(plan, model=reference, flavour=flavour), shape, rows, device,
            tokens_per_second if device is machine and reference == choice.reference else None,
        )
        for reference, shape in shapes.items() for flavour in FLAVOURS for device in devices
    ))  # fmt: skip


def adjusted(plan: Plan, shape: Shape, tokens: Rows, machine: Machine) -> Plan:
    """The plan with its batch halved and its accumulation doubled until it fits with room to spare; the same step.

    Raises:
        BadInput: not even one row at a time fits.
    """
    found = first = estimate(plan, shape, tokens, machine)
    while found.verdict != FITS:
        if plan.batch_size == 1:
            raise BadInput(
                f"One row at a time needs about {found.peak:.1f} GiB, and {ROOM:.0%} of the {found.room:.1f} GiB here are to be "
                f"used at most, so training by this plan would run out of memory. {_smaller(plan)}"
            )
        rows, half = plan.rows_per_step, plan.batch_size // 2
        plan = plan.change(batch_size=half, accumulation=-(-rows // half))
        found = estimate(plan, shape, tokens, machine)
    if found is first:
        return plan
    why = f"{first.peak:.1f} GiB would not fit in {ROOM:.0%} of {first.room:.1f} GiB"
    said = {"batch_size": f"halved until it fits: {why}", "accumulation": "as many more batches a step as the batch is smaller"}
    return replace(plan, reasons={**plan.reasons, **said})


def _smaller(plan: Plan) -> str:
    lighter = {FULL: "Choose flavour='qlora', ", LORA: "Choose flavour='qlora', "}.get(plan.flavour, "Choose ")
    return f"{lighter}a smaller model, a smaller max_length (longer rows are left out), or a machine with more memory."


def speed_here(plan: Plan, shape: Shape, tokens: Rows) -> float:
    """Input tokens trained on in a second on this CPU, from a few seconds' try.

    One and four layers of the shape, with random weights, are run forward and backward on one batch; the difference is what
    three layers take, and the rest what the head does. The optimiser and reading 4 bits are not in it, so a run is slower, and
    much so where other programs keep the cores busy: the speed of an earlier run is worth more.
    """
    kept = _kept(plan, tokens)
    mean = max(8, round(sum(p + a for p, a in kept) / len(kept)))
    answer = min(mean, max(1, round(sum(a for _, a in kept) / len(kept))))
    one, four = (_try(plan, shape, layers, mean, answer) for layers in (1, 4))
    return plan.batch_size * mean / (one + (shape.layers - 1) * max(four - one, 0.0) / 3)


def _try(plan: Plan, shape: Shape, layers: int, length: int, answer: int) -> float:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        hidden_size=shape.hidden, intermediate_size=shape.intermediate, num_hidden_layers=layers, vocab_size=shape.vocabulary,
        num_attention_heads=shape.heads, num_key_value_heads=shape.groups, head_dim=shape.head_size, use_cache=False,
    )  # fmt: skip
    model = LlamaForCausalLM(config).to(torch.bfloat16 if this_machine().fast_bfloat16 else torch.float32)
    if plan.flavour != FULL:
        from peft import LoraConfig, get_peft_model

        learnt = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
        model = get_peft_model(model, LoraConfig(r=plan.rank, target_modules=learnt)).get_base_model()
    ids = torch.randint(shape.vocabulary, (plan.batch_size, length))
    taken = []
    for _ in range(4):
        started = time.perf_counter()
        logits = model.lm_head(model.model(input_ids=ids).last_hidden_state[:, -answer:])
        torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), ids[:, -answer:].flatten()).backward()
        taken.append(time.perf_counter() - started)
    return min(taken[1:])
