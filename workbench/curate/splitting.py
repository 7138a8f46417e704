"""Split into train, validation and test so that no question, and no person, stands on two sides."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from workbench.curate.checks.check import group_key
from workbench.curate.near import near_duplicates
from workbench.dataset import Dataset, Example
from workbench.errors import BadInput
from workbench.result import Result

if TYPE_CHECKING:
    import pandas

FEWEST_ROWS = 40
# Rows this alike stay together, unless so many are alike that a part would be nothing else: a twentieth of all rows
# may always be one group, and twenty rows, as long as they fit in the validation part.
ALIKE, LARGEST_SHARE, LARGEST_GROUP = 0.8, 0.05, 20


@dataclass(frozen=True, repr=False)
class Splits(Result):
    """Three data sets that share no question, and how many rows were left out for a test set that came along."""

    train: Dataset
    validation: Dataset
    test: Dataset
    left_out: int = 0

    def __repr__(self) -> str:
        left_out = f"; {self.left_out} left out, as the test has their question or their person" if self.left_out else ""
        return f"Split: {len(self.train)} to train, {len(self.validation)} to validate, {len(self.test)} to test{left_out}"

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
        made = (Dataset(p["name"], tuple(Example.from_dict(e) for e in p["examples"])) for p in parts)
        return cls(*made, fields.get("left_out", 0))

    def to_dict(self) -> dict:
        """The three parts as they stand in a JSON file."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        written = {key: {"name": d.name, "examples": [e.to_dict() for e in d]} for key, d in parts.items()}
        return {**written, "left_out": self.left_out}


def split(dataset: Dataset, validation_rows: int, test_rows: int, test: Dataset | None = None, seed: int = 0) -> Splits:
    """Deal the rows out by groups of the same question, of nearly the same words, or about the same person.

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
    rows = len(dataset)
    if test is not None:
        dataset = _apart_from(dataset, test)
    left_out = rows - len(dataset)
    most = min(max(LARGEST_SHARE * len(dataset), LARGEST_GROUP), max(1, min(validation_rows, len(dataset) // 10)))
    groups = question_groups(dataset, most)
    shuffled = list(groups)
    random.Random(seed).shuffle(shuffled)
    cut_test = [] if test is not None else _take(shuffled, min(test_rows, len(dataset) // 4))
    validation = _take(shuffled, min(validation_rows, len(dataset) // 10))
    train = [e for group in shuffled for e in group]
    if not train or not validation or (test is None and not cut_test):
        raise BadInput(
            f"{len(dataset)} rows ask only {len(groups)} different questions (or are about as few persons), too few "
            "for three parts that share none. Add examples with other inputs."
        )
    chosen_test = cut_test if test is None else list(test)
    if len(chosen_test) > test_rows:
        # Files are often sorted, so a long test set is sampled, not cut off at the end.
        chosen_test = random.Random(seed).sample(chosen_test, test_rows)
    return Splits(
        Dataset("train", tuple(train)), Dataset("validation", tuple(validation)), Dataset("test", tuple(chosen_test)), left_out
    )


def _ties(example: Example) -> list[object]:
    """What ties a row to others: its question, and the persons it is about."""
    return [group_key(example), *example.provenance.get("subject_ids", ())]


def _apart_from(dataset: Dataset, test: Dataset) -> Dataset:
    """The rows that share no question, no person and hardly their words with a test set."""
    tied = {tie for example in test for tie in _ties(example)}
    near = near_duplicates([e.input for e in dataset] + [e.input for e in test], ALIKE)
    alike = {one for one, other, _ in near if one < len(dataset) <= other}
    kept = (e for i, e in enumerate(dataset) if i not in alike and not tied.intersection(_ties(e)))
    return Dataset(dataset.name, tuple(kept))


def question_groups(dataset: Dataset, most: float) -> list[list[Example]]:
    """Rows that must stay on one side, as groups in the order of their first rows.

    Rows go together that have the same question, that are about the same person (by the subject ids in their
    provenance), or whose inputs share four fifths of their word pairs.

    Args:
        most: rows that are merely alike are not joined to a larger group than this.
    """
    examples = dataset.examples
    leader, size = list(range(len(examples))), [1] * len(examples)

    def find(row: int) -> int:
        while leader[row] != row:
            leader[row] = row = leader[leader[row]]
        return row

    def join(one: int, other: int, most: float) -> None:
        one, other = sorted((find(one), find(other)))
        if one != other and size[one] + size[other] <= most:
            leader[other] = one
            size[one] += size[other]

    seen: dict[object, int] = {}
    for row, example in enumerate(examples):
        for key in _ties(example):
            join(seen.setdefault(key, row), row, len(examples))
    for one, other, _ in near_duplicates([e.input for e in examples], ALIKE):
        join(one, other, most)
    groups: dict[int, list[Example]] = defaultdict(list)
    for row, example in enumerate(examples):
        groups[find(row)].append(example)
    return list(groups.values())


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
