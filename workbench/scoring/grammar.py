"""Answers held to a JSON schema while they are written, and the schema read off the training answers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import BadInput
from workbench.files import strict_json

if TYPE_CHECKING:
    import torch

    from workbench.models import LoadedModel

LONGEST_LIST = 12
# At most one space after a comma or a colon: free white space would let a small model write blanks to the limit.
SPACING = {"whitespace_flexible": False, "item_separator": ", ?", "key_separator": ": ?"}


class Grammar:
    """A JSON schema as a rule for the next token.

    Raises:
        BadInput: the schema asks for something that can't be held to.
    """

    def __init__(self, loaded: LoadedModel, schema: dict) -> None:
        from llguidance import LLMatcher

        self._stops = list(loaded.stop_tokens)
        self._tokens = _token_table(loaded.tokenizer, self._stops)
        try:
            self._grammar = LLMatcher.grammar_from_json_schema(schema, defaults=SPACING)
            fault = LLMatcher.validate_grammar(self._grammar, self._tokens)
        except ValueError as error:
            fault = str(error)
        if fault and not fault.startswith("WARNING"):
            raise BadInput(
                f"Answers can't be held to this schema ({fault}). Leave that part out of the schema, or score the arm without one."
            )

    def matcher(self) -> Any:
        """What one answer may go on with; a fresh one for each answer."""
        from llguidance import LLMatcher

        return LLMatcher(self._tokens, self._grammar)

    def allowed(self, matchers: Sequence[Any], logits: torch.Tensor) -> torch.Tensor:
        """True for the tokens that each answer may go on with: [rows, vocabulary]."""
        import numpy
        import torch
        from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask

        bits = allocate_token_bitmask(len(matchers), self._tokens.vocab_size)
        for row, matcher in enumerate(matchers):
            fill_next_token_bitmask(matcher, bits, row)
        known = numpy.unpackbits(bits.view(numpy.uint8), axis=1, bitorder="little")[:, : logits.shape[1]]
        # A model may have more outputs than its tokenizer has tokens.
        mask = numpy.zeros(tuple(logits.shape), dtype=bool)
        mask[:, : known.shape[1]] = known
        return torch.from_numpy(mask).to(logits.device)

    def processor(self, rows: int, width: int) -> Callable:
        """The same rule in the shape that transformers' generate takes; for one call with these rows and this width."""
        matchers = [self.matcher() for _ in range(rows)]

        def hold(ids: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
            if ids.shape[1] > width:
                for matcher, token in zip(matchers, ids[:, -1].tolist(), strict=True):
                    if token not in self._stops and not matcher.is_stopped():
                        matcher.consume_token(token)
            return logits.masked_fill(~self.allowed(matchers, logits), float("-inf"))

        return hold


def _token_table(tokenizer: Any, stops: list[int]) -> Any:
    from llguidance import LLTokenizer

    described = json.loads(tokenizer.backend_tokenizer.to_str())
    described["padding"] = described["truncation"] = None
    # A tokenizer read from a GGUF file names several decoders, and llguidance, which looks at the first, then takes the
    # letters that stand for bytes for themselves: no token with a space in it would be allowed.
    steps = (described.get("decoder") or {}).get("decoders", [])
    described["decoder"] = next((step for step in steps if step["type"] == "ByteLevel"), described.get("decoder"))
    return LLTokenizer(json.dumps(described), eos_token=stops)


def schema_of(examples: Sequence[str]) -> dict | None:
    """A strict JSON schema that all these answers keep to; None if one of them isn't a JSON object, or none is there.

    Keys come in the order of the first answer and all are required. A text that takes at most 12 values, each seen at
    least twice, becomes a closed list.
    """
    try:
        values = [strict_json(example) for example in examples]
    except (ValueError, RecursionError):
        return None
    if not values or not all(isinstance(value, dict) for value in values):
        return None
    return _object(values)


def _object(values: list[dict]) -> dict | None:
    keys = list(values[0])
    if not keys or any(set(value) != set(keys) for value in values):
        return None
    properties = {key: _any([value[key] for value in values]) for key in keys}
    if None in properties.values():
        return None
    return {"type": "object", "properties": properties, "required": keys, "additionalProperties": False}


def _any(values: list) -> dict | None:
    there = [value for value in values if value is not None]
    if not there:
        return {"type": "null"}
    kind = _kind(there)
    if kind is None or len(there) == len(values):
        return kind
    return {"anyOf": [kind, {"type": "null"}]}


def _kind(values: list) -> dict | None:
    kinds = {type(value) for value in values}
    if kinds == {str}:
        counts = Counter(values)
        if len(counts) <= LONGEST_LIST and min(counts.values()) >= 2:
            return {"type": "string", "enum": sorted(counts)}
        return {"type": "string"}
    if kinds == {bool}:
        return {"type": "boolean"}
    if kinds <= {int, float}:
        return {"type": "integer" if kinds == {int} else "number"}
    if kinds == {dict}:
        return _object(values)
    if kinds == {list}:
        items = [item for value in values for item in value]
        inner = _any(items) if items else {}
        return None if inner is None else {"type": "array", "items": inner}
    return None
