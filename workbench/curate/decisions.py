"""What is done about each finding: data that can be saved, changed and replayed."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from workbench.curate.checks import CurationReport
from workbench.curate.personal import mask
from workbench.dataset import Dataset, Example
from workbench.errors import BadInput, Mismatch
from workbench.project import Project
from workbench.result import Result

if TYPE_CHECKING:
    import pandas

ACTIONS = ("keep", "drop", "mask")


@dataclass(frozen=True)
class Decision:
    """What to do with one row because of one check, who said so and when."""

    check: str
    row_id: str
    action: str
    by: str
    when: str


@dataclass(frozen=True, repr=False)
class Decisions(Result):
    """The decisions on one data set, by its fingerprint."""

    data: str
    decisions: tuple[Decision, ...]

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the decisions back."""
        return cls(fields["data"], tuple(Decision(**d) for d in fields["decisions"]))

    def __repr__(self) -> str:
        counts = {a: len({d.row_id for d in self.decisions if d.action == a}) for a in ACTIONS}
        return f"Decisions: drop {counts['drop']} rows, mask {counts['mask']}, keep {counts['keep']} as they are"

    def change(self, action: str, check: str | None = None, row_id: str | None = None) -> Decisions:
        """A copy in which a person decides otherwise, for a whole check, one row, or one check on one row.

        Raises:
            BadInput: the action is unknown, or no finding fits.
        """
        if action not in ACTIONS:
            raise BadInput(f"Action {action!r} is unknown; choose one of {', '.join(ACTIONS)}.")
        fits = [(check is None or d.check == check) and (row_id is None or d.row_id == row_id) for d in self.decisions]
        if not any(fits):
            raise BadInput(f"There is no finding of check {check!r} on row {row_id!r}, so there is nothing to decide.")
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        changed = tuple(
            replace(d, action=action, by="person", when=now) if fit and d.action != action else d
            for d, fit in zip(self.decisions, fits, strict=True)
        )
        return replace(self, decisions=changed)

    def apply(self, dataset: Dataset) -> Dataset:
        """The data set with the decisions carried out. Where checks disagree on a row, drop goes before mask.

        Raises:
            Mismatch: the decisions were made on other rows.
        """
        if dataset.fingerprint != self.data:
            raise Mismatch(
                f"These decisions were made on data {self.data}, and this is {dataset.fingerprint}: the file has changed "
                "since. Run the checks again and decide anew."
            )
        dropped = {d.row_id for d in self.decisions if d.action == "drop"}
        masked = {d.row_id for d in self.decisions if d.action == "mask"}
        kept = (e for e in dataset if e.row_id not in dropped)
        return Dataset(dataset.name, tuple(_masked(e) if e.row_id in masked else e for e in kept))

    def table(self) -> pandas.DataFrame:
        """One row a decision."""
        import pandas

        return pandas.DataFrame(
            [(d.row_id, d.check, d.action, d.by, d.when) for d in self.decisions],
            columns=["row", "check", "action", "decided by", "when"],
        )


def recommended_decisions(report: CurationReport, project: Project | None = None) -> Decisions:
    """Every finding with the action that its check recommends, or that was decided before.

    Args:
        project: where decisions on the same rows may have been saved; they then stand.
    """
    saved = project.path("data/decisions.json") if project else None
    if saved and saved.exists():
        before = Decisions.load(saved)
        if before.data == report.data and [(d.check, d.row_id) for d in before.decisions] == [
            (f.check, f.row_id) for f in report.findings
        ]:
            return before
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    return Decisions(
        report.data,
        tuple(Decision(f.check, f.row_id, report.action[f.check], "default", now) for f in report.findings),
    )


def _masked(example: Example) -> Example:
    # Input and answer alike, or the model would learn to make up what it can't see.
    messages = tuple((role, mask(content)) for role, content in example.messages)
    return example.changed(messages, mask(example.answer), "personal data masked")
