"""Greedy decoding of a batch: a common beginning is run once, finished rows leave, arithmetic that the batch can't sway."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from workbench.models import LoadedModel
    from workbench.scoring.grammar import Grammar

# On a CPU sixteen-bit sums come out a little different with every shape of batch, enough to turn near ties; in 32 bits
# they don't. Above this many parameters there is no memory to spare for it.
EXACT_UP_TO = 2_000_000_000
# Architectures whose attention is the plain one: causal over everything before, no window, no cap on the scores.
PLAIN_ATTENTION = {"llama", "qwen2", "qwen3", "mistral"}
NAME = "workbench-shared-beginning"


def common_beginning(encoded: Sequence[Sequence[int]]) -> int:
    """How many tokens all rows begin with alike, leaving at least one to each row."""
    first, last = min(encoded), max(encoded)
    most = min(map(len, encoded)) - 1
    return next((i for i in range(most) if first[i] != last[i]), most)


def greedy_tokens(
    loaded: LoadedModel, encoded: list[list[int]], max_new_tokens: int, grammar: Grammar | None = None
) -> list[list[int]]:
    """The tokens that answer each prompt, up to and with the one that stops it, if it came to that."""
    import torch

    with torch.inference_mode():
        if not _takes_shared_beginning(loaded.model):
            return _by_generate(loaded, encoded, max_new_tokens, grammar)
        with _attention(loaded.model), _exact(loaded.model):
            return _decode(loaded, encoded, max_new_tokens, grammar)


def _decode(loaded: LoadedModel, encoded: list[list[int]], limit: int, grammar: Grammar | None) -> list[list[int]]:
    import torch
    from transformers.cache_utils import Cache

    model, device, stops = loaded.model, loaded.model.device, set(loaded.stop_tokens)
    shared = common_beginning(encoded) if len(encoded) > 1 else 0
    layers = model.config.num_hidden_layers
    beginning = None
    if shared:
        store = Cache(layers=[_roomy_layer(shared) for _ in range(layers)])
        _run(model, torch.tensor([encoded[0][:shared]], device=device), _causal(shared, device)[None, None],
             torch.arange(shared, device=device)[None], store, None)
        beginning = [(layer.keys, layer.values) for layer in store.layers]

    width = max(map(len, encoded)) - shared
    blanks = [width + shared - len(row) for row in encoded]
    ids = torch.tensor([[loaded.tokenizer.pad_token_id] * n + row[shared:] for n, row in zip(blanks, encoded, strict=True)],
                       device=device)
    real = torch.arange(width + limit, device=device)[None] >= torch.tensor(blanks, device=device)[:, None]
    position = (shared + real[:, :width].cumsum(1) - 1).clamp(min=0)
    store = Cache(layers=[_roomy_layer(width + limit) for _ in range(layers)])
    seen = _causal(width, device)[None] & real[:, None, :width]
    logits = _run(model, ids, seen[:, None], position, store, beginning)
    position = position[:, -1:]

    said: list[list[int]] = [[] for _ in encoded]
    alive = list(range(len(encoded)))
    matchers = [grammar.matcher() for _ in encoded] if grammar else []
    for step in range(limit):
        if grammar:
            logits = logits.masked_fill(~grammar.allowed([matchers[i] for i in alive], logits), float("-inf"))
        chosen = logits.argmax(-1)
        for i, token in zip(alive, chosen.tolist(), strict=True):
            said[i].append(token)
            if grammar and token not in stops:
                matchers[i].consume_token(token)
        going_on = [row for row, i in enumerate(alive) if said[i][-1] not in stops]
        if not going_on or step == limit - 1:
            break
        if len(going_on) < len(alive):
            rows = torch.tensor(going_on, device=device)
            alive, chosen = [alive[row] for row in going_on], chosen[rows]
            real, position = real[rows], position[rows]
            for layer in store.layers:
                layer.keys, layer.values = layer.keys[rows], layer.values[rows]
        position = position + 1
        logits = _run(model, chosen[:, None], real[:, None, None, : width + step + 1], position, store, beginning)
    return said


def _run(model: Any, ids: torch.Tensor, seen: torch.Tensor, position: torch.Tensor, store: Any, beginning: Any) -> torch.Tensor:
    """Logits of the last position, in 32 bits: [rows, vocabulary]."""
    output = model(input_ids=ids, attention_mask=seen, position_ids=position, past_key_values=store, use_cache=True,
                   logits_to_keep=1, beginning=beginning)
    return output.logits[:, -1].float()


def _causal(width: int, device: Any) -> torch.Tensor:
    import torch

    return torch.ones(width, width, dtype=torch.bool, device=device).tril()


def _roomy_layer(room: int) -> Any:
    """One layer's keys and values, with room for all that will come, so that no step copies what is there."""
    from transformers.cache_utils import DynamicLayer

    class RoomyLayer(DynamicLayer):
        filled = 0

        def update(self, keys: Any, values: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
            if not self.is_initialized:
                self.lazy_initialization(keys, values)
                rows, heads, _, size = keys.shape
                self.keys, self.values = (x.new_empty(rows, heads, room, size) for x in (keys, values))
            start, self.filled = self.filled, self.filled + keys.shape[2]
            self.keys[:, :, start : self.filled] = keys
            self.values[:, :, start : self.filled] = values
            return self.keys[:, :, : self.filled], self.values[:, :, : self.filled]

        def get_seq_length(self) -> int:
            return self.filled

    return RoomyLayer()


def attend(
    module: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, seen: torch.Tensor, scaling: float,
    beginning: list | None = None, **_: Any,
) -> tuple[torch.Tensor, None]:
    """Attention over a beginning that all rows share, held once, and over what each row has of its own.

    Args:
        query: [rows, heads, new tokens, head size].
        key, value: [rows, groups, tokens, head size]; heads of one group share them.
        seen: [rows, 1, new tokens, tokens], true where a token may be looked at.
        beginning: for each layer, keys and values of shape [1, groups, shared tokens, head size].

    Returns:
        [rows, new tokens, heads, head size], and no weights.
    """
    import torch

    rows, heads, new, size = query.shape
    if query.is_cuda:  # the library's fused attention needs no room for the scores
        if beginning:
            first = [part.expand(rows, -1, -1, -1) for part in beginning[module.layer_idx]]
            key, value = torch.cat([first[0], key], 2), torch.cat([first[1], value], 2)
            seen = torch.cat([seen.new_ones(*seen.shape[:3], first[0].shape[2]).expand(rows, -1, -1, -1), seen], 3)
        mixed = torch.nn.functional.scaled_dot_product_attention(query, key, value, seen, scale=scaling, enable_gqa=True)
        return mixed.transpose(1, 2).contiguous(), None

    groups = key.shape[1]
    per_group = heads // groups
    query = query.reshape(rows, groups, per_group * new, size)
    scores = (query @ key.transpose(2, 3)).float().view(rows, groups, per_group, new, -1)
    scores = scores.masked_fill(~seen[:, :, None], torch.finfo(torch.float32).min).view(rows, groups, per_group * new, -1)
    shared = 0
    if beginning:
        first_key, first_value = (part[0] for part in beginning[module.layer_idx])
        shared = first_key.shape[1]
        # One product for all rows, where a copy of the beginning for each would be read row by row.
        flat = query.transpose(0, 1).reshape(groups, -1, size)
        first = (flat @ first_key.transpose(1, 2)).float().view(groups, rows, per_group * new, shared).transpose(0, 1)
        scores = torch.cat([first, scores], -1)
    weights = (scores * scaling).softmax(-1).to(value.dtype)
    mixed = weights[..., shared:] @ value
    if shared:
        flat = weights[..., :shared].transpose(0, 1).reshape(groups, -1, shared)
        mixed = mixed + (flat @ first_value).view(groups, rows, per_group * new, size).transpose(0, 1)
    return mixed.reshape(rows, heads, new, size).transpose(1, 2).contiguous(), None


def _takes_shared_beginning(model: Any) -> bool:
    """Whether the model's attention is the plain one and its code is the library's own, not replaced by a faster one."""
    config = model.config
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    windowed = getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True)
    if config.model_type not in PLAIN_ATTENTION or kinds != {"full_attention"} or windowed:
        return False
    own = [m for m in model.modules() if type(m).__name__.endswith(("Attention", "DecoderLayer", "Model"))]
    replaced = ["unsloth" in f"{m.forward.__module__} {type(m).forward.__module__}".lower() for m in own]
    four_bit = any(hasattr(parameter, "quant_state") for parameter in model.parameters())
    return not any(replaced) and not four_bit


@contextlib.contextmanager
def _attention(model: Any) -> Iterator[None]:
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    ALL_ATTENTION_FUNCTIONS.register(NAME, attend)
    kept = model.config._attn_implementation
    model.config._attn_implementation = NAME
    try:
        yield
    finally:
        model.config._attn_implementation = kept


@contextlib.contextmanager
def _exact(model: Any) -> Iterator[None]:
    """On a CPU the weights in 32 bits for as long as this lasts; the very same 16-bit ones are there again afterwards."""
    import torch

    kept = []
    if model.device.type == "cpu" and sum(p.numel() for p in model.parameters()) <= EXACT_UP_TO:
        kept = [(p, p.data) for p in model.parameters() if p.dtype in (torch.bfloat16, torch.float16)]
    try:
        for parameter, data in kept:
            parameter.data = data.float()
        yield
    finally:
        for parameter, data in kept:
            parameter.data = data


def _by_generate(loaded: LoadedModel, encoded: list[list[int]], limit: int, grammar: Grammar | None) -> list[list[int]]:
    """The library's own decoding, for models whose attention isn't the plain one."""
    import torch

    width, pad, device = max(map(len, encoded)), loaded.tokenizer.pad_token_id, loaded.model.device
    ids = torch.tensor([[pad] * (width - len(row)) + row for row in encoded], device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in encoded], device=device)
    output = loaded.model.generate(
        input_ids=ids,
        attention_mask=mask,
        max_new_tokens=limit,
        do_sample=False,
        eos_token_id=loaded.stop_tokens,
        pad_token_id=pad,
        logits_processor=[grammar.processor(len(encoded), width)] if grammar else [],
    )
    return output[:, width:].tolist()
