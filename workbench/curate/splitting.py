"""Split into train, validation and test so that no question stands on two sides."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from workbench.curate.checks import group_key
from workbench.dataset import Dataset, Example
from workbench.errors import BadInput
from workbench.result import Result

if TYPE_CHECKING:
    import pandas

FEWEST_ROWS = 40


@dataclass(frozen=True, repr=False)
class Splits(Result):
    """Three data sets that share no question."""

    train: Dataset
    validation: Dataset
    test: Dataset

    def __repr__(self) -> str:
        return f"Split: {len(self.train)} to train, {len(self.validation)} to validate, {len(self.test)} to test"

    def table(self) -> pandas.DataFrame:
        """One row a part: what it is for, how many rows, its fingerprint."""
        import pandas

        parts = [
            (self.train, "examples to learn from and to show in the prompt"),
            (self.validation, "to choose settings by"),
            (self.test, "to judge by; nothing is chosen on these"),
        ]
        return pandas.DataFrame(
            [(d.name, len(d), use, d.fingerprint) for d, use in parts], columns=["part", "rows", "used", "fingerprint"]
        )

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the three parts back."""
        parts = (fields[part] for part in ("train", "validation", "test"))
        return cls(*(Dataset(p["name"], tuple(Example.from_dict(e) for e in p["examples"])) for p in parts))

    def to_dict(self) -> dict:
        """The three parts as they stand in a JSON file."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        return {key: {"name": d.name, "examples": [e.to_dict() for e in d]} for key, d in parts.items()}


def split(dataset: Dataset, validation_rows: int, test_rows: int, test: Dataset | None = None, seed: int = 0) -> Splits:
    """Deal the rows out by groups of the same question.

    Args:
        dataset: the curated rows.
        validation_rows, test_rows: the most rows each part gets; small data sets give a tenth and a quarter.
        test: a test set that came with the data; then none is cut from `dataset`.
        seed: decides the shuffle.

    Raises:
        BadInput: there are too few rows to split three ways and still measure anything.
    """
    if len(dataset) < FEWEST_ROWS:
        raise BadInput(
            f"{len(dataset)} usable rows are too few: with fewer than {FEWEST_ROWS}, a test part is so small that no "
            "two approaches can be told apart. Add more examples (100 or more is a good start)."
        )
    if test is not None:
        tested = {group_key(e) for e in test}
        dataset = dataset.select(lambda e: group_key(e) not in tested)
    groups: dict[tuple, list[Example]] = defaultdict(list)
    for example in dataset:
        groups[group_key(example)].append(example)
    shuffled = list(groups.values())
    random.Random(seed).shuffle(shuffled)
    cut_test = [] if test is not None else _take(shuffled, min(test_rows, len(dataset) // 4))
    validation = _take(shuffled, min(validation_rows, len(dataset) // 10))
    train = [e for group in shuffled for e in group]
    if not train or not validation or (test is None and not cut_test):
        raise BadInput(
            f"{len(dataset)} rows ask only {len(groups)} different questions, too few for three parts that share "
            "none. Add examples with other inputs."
        )
    chosen_test = cut_test if test is None else list(test)
    if len(chosen_test) > test_rows:
        # Files are often sorted, so a long test set is sampled, not cut off at the end.
        chosen_test = random.Random(seed).sample(chosen_test, test_rows)
    return Splits(
        Dataset("train", tuple(train)), Dataset("validation", tuple(validation)), Dataset("test", tuple(chosen_test))
    )


def _take(groups: list[list[Example]], rows: int) -> list[Example]:
    """Take whole groups up to `rows`; one too large for what is left stays for training."""
    taken: list[Example] = []
    left: list[list[Example]] = []
    while groups and len(taken) < rows:
        group = groups.pop()
        if len(taken) + len(group) <= rows:
            taken += group
        else:
            left.append(group)
    groups += left
    return taken
