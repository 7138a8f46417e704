"""How much personal data is found: figures of the last measurement, with the day and the machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from workbench.curate.personal.spans import REDUCED, WORDS
from workbench.result import Result, html_table

if TYPE_CHECKING:
    import pandas

MEASURED = Path(__file__).parent / "measured.json"


@dataclass(frozen=True)
class TypeRecall:
    """Of one kind of personal data: how many values were hidden in made-up rows, and how many were covered.

    Attributes:
        type: a key of `WORDS`.
        planted: how many there were.
        masked, found: how many were masked without asking, and how many were found at all.
    """

    type: str
    planted: int
    masked: int
    found: int


@dataclass(frozen=True, repr=False)
class MeasuredRecall(Result):
    """Recall by kind on made-up rows whose author did not see the rules."""

    when: str
    machine: str
    rows: int
    precision: float
    types: tuple[TypeRecall, ...]

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the figures back."""
        return cls(**{**fields, "types": tuple(TypeRecall(**t) for t in fields["types"])})

    def __repr__(self) -> str:
        planted, found = sum(t.planted for t in self.types), sum(t.found for t in self.types)
        return f"{found} of {planted} planted values found in {self.rows} made-up rows ({self.when})"

    def table(self) -> pandas.DataFrame:
        """One row a kind: what share was masked without asking, what share was found at all."""
        import pandas

        rows = [(WORDS.get(t.type, (t.type,))[0], t.planted, t.masked / t.planted, t.found / t.planted) for t in self.types]
        return pandas.DataFrame(rows, columns=["kind", "planted", "masked by default", "found at all"])

    def _repr_html_(self) -> str:
        return f"<p>{REDUCED}</p>{html_table(self.table(), caption=repr(self))}"


def measured_recall() -> MeasuredRecall:
    """The figures of the last measurement, written by benchmarks/personal_data/against_presidio.py."""
    return MeasuredRecall.load(MEASURED)
