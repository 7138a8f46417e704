"""Rows that are longer than the model's window, or far longer or shorter than the others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Self

from workbench.curate.checks.check import FAULT, REVIEW, Check, CheckContext, Remark
from workbench.dataset import Dataset
from workbench.result import Result

if TYPE_CHECKING:
    import pandas

FAR = 6.0
# Below this many rows no length is usual; below this spread (of the logarithm) every length would be unusual.
FEWEST, NARROW = 20, 0.15
# A row is only an outlier when it is at least this many times as long, or as short, as the middle one.
TIMES = 4
QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.95, 1.0)
COUNTED_AT_ONCE = 5000


@dataclass(frozen=True, repr=False)
class Lengths(Result):
    """How long the rows are, in tokens, and what would not fit.

    Attributes:
        rows: how many rows were counted; 0 where no model was loaded.
        window: the most tokens a row may have; 0 if that is unknown.
        prompt, answer, total: tokens at each of `QUANTILES`, from the shortest to the longest.
        rows_cut: rows longer than the window.
        tokens_cut: their tokens beyond it.
        tokens: tokens of all rows.
    """

    rows: int
    window: int
    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    total: tuple[int, ...]
    rows_cut: int
    tokens_cut: int
    tokens: int

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the quantiles back."""
        return cls(**{**fields, **{name: tuple(fields[name]) for name in ("prompt", "answer", "total")}})

    def __repr__(self) -> str:
        if not self.rows:
            return "Lengths: not counted, as no model is loaded"
        cut = f"{self.rows_cut:,} longer than the window of {self.window:,}" if self.window else "no window to fit"
        return f"Lengths: {self.rows:,} rows, {self.tokens:,} tokens, {cut}"

    def table(self) -> pandas.DataFrame:
        """One row a part (prompt, answer, both): tokens at each quantile."""
        import pandas

        names = ["shortest", "a quarter below", "half below", "three quarters below", "95 % below", "longest"]
        parts = {"prompt": self.prompt, "answer": self.answer, "both": self.total}
        rows = [(part, *values) for part, values in parts.items() if values]
        return pandas.DataFrame(rows, columns=["tokens of", *names])


def lengths(dataset: Dataset, context: CheckContext) -> Lengths:
    """Count the tokens of every row; nothing is counted where the context has no tokenizer."""
    counts = _counts(dataset, context)
    totals = [sum(count) for count in counts]
    beyond = [total - context.window for total in totals if context.window and total > context.window]
    return Lengths(
        len(counts), context.window, _quantiles([p for p, _ in counts]), _quantiles([a for _, a in counts]),
        _quantiles(totals), len(beyond), sum(beyond), sum(totals),
    )


def _quantiles(values: Sequence[int]) -> tuple[int, ...]:
    ordered = sorted(values)
    return tuple(ordered[round(q * (len(ordered) - 1))] for q in QUANTILES) if ordered else ()


def _counts(dataset: Dataset, context: CheckContext) -> list[tuple[int, int]]:
    count = context.count_tokens
    if count is None:
        return []

    def make() -> list[tuple[int, int]]:
        counts: list[tuple[int, int]] = []
        for start in range(0, len(dataset), COUNTED_AT_ONCE):
            context.progress("Counting tokens", start, len(dataset))
            counts += count(list(dataset.examples[start : start + COUNTED_AT_ONCE]))
        return counts

    return context.once("tokens", dataset, make)


def too_long(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows with more tokens than the window holds. Nothing is found where no model is loaded."""
    if not context.window:
        return
    for example, count in zip(dataset, _counts(dataset, context), strict=False):
        if (total := sum(count)) > context.window:
            yield Remark(
                example.row_id,
                f"{total:,} tokens; the window is {context.window:,}, so {total - context.window:,} would be cut",
            )


def odd_lengths(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose input or answer is far longer or shorter than usual."""
    yield from _outliers("the input", {e.row_id: len(e.input.strip()) for e in dataset})
    # A label or a number is as long as it is; JSON and prose have a usual length.
    if context.kind in ("json", "text"):
        yield from _outliers("the answer", {e.row_id: len(e.answer.strip()) for e in dataset})


def _outliers(what: str, sizes: dict[str, int]) -> Iterable[Remark]:
    logs = {row_id: math.log(size) for row_id, size in sizes.items() if size}
    if len(logs) < FEWEST:
        return
    middle = median(logs.values())
    # 1.4826 makes the median deviation comparable to a standard deviation.
    spread = max(1.4826 * median(abs(v - middle) for v in logs.values()), NARROW)
    for row_id, value in logs.items():
        if abs(value - middle) > max(FAR * spread, math.log(TIMES)):
            size = "1 character" if sizes[row_id] == 1 else f"{sizes[row_id]:,} characters"
            yield Remark(row_id, f"{what} has {size}; {round(math.exp(middle)):,} are usual")


CHECKS = (
    Check("too long", "What doesn't fit the model's window is left out of training, often the answer.", FAULT, "drop", too_long),
    Check("odd length", "A text far longer or shorter than the others is often a mistake of the export.", REVIEW, "keep", odd_lengths),
)
