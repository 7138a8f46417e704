"""All checks on one data set, and what they found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Self

from workbench.curate.checks import answers, labels, language, lengths, private, repeats, similar, text
from workbench.curate.checks.check import FAULT, REVIEW, Check, CheckContext
from workbench.dataset import Dataset
from workbench.result import Result

if TYPE_CHECKING:
    import pandas

ROOMS = (answers, repeats, similar, private, text, lengths, language, labels)
# What is certain stands before what needs a person's eye; a table and a chart have the checks in this order.
CHECKS: tuple[Check, ...] = tuple(
    check for severity in (FAULT, REVIEW) for room in ROOMS for check in room.CHECKS if check.severity == severity
)


@dataclass(frozen=True)
class Finding:
    """One check's remark on one row. `evidence` never repeats personal data; `twin` is the row it was compared with."""

    check: str
    row_id: str
    evidence: str
    twin: str = ""


@dataclass(frozen=True, repr=False)
class CurationReport(Result):
    """All findings on one data set.

    Attributes:
        data: the data set's fingerprint.
        rows: how many rows it has.
        findings: in the order of the checks.
        why, severity, action: each check's reason, severity and recommended decision, by its name.
        hashes: row id to the hash of its text, for the rows with a finding: by it, decisions find the row again
            in a newer version of the file.
    """

    data: str
    rows: int
    findings: tuple[Finding, ...]
    why: dict[str, str]
    severity: dict[str, str]
    action: dict[str, str]
    hashes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the findings back."""
        return cls(**{**fields, "findings": tuple(Finding(**f) for f in fields["findings"])})

    def __repr__(self) -> str:
        return f"Curation: {len(self.hashes)} of {self.rows} rows have a finding"

    @cached_property
    def _counts(self) -> Counter:
        return Counter(check for check, _ in {(f.check, f.row_id) for f in self.findings})

    def count(self, check: str) -> int:
        """Rows that a check remarked on."""
        return self._counts[check]

    def table(self) -> pandas.DataFrame:
        """One row a check: how many rows, how sure, why it matters, what is recommended."""
        import pandas

        rows = [(name, self.count(name), self.severity[name], self.why[name], self.action[name]) for name in self.why]
        return pandas.DataFrame(rows, columns=["check", "rows", "severity", "why it matters", "recommended"])

    def _repr_html_(self) -> str:
        from workbench.result import html_table

        table = self.table()
        quiet = ", ".join(table[table["rows"] == 0]["check"])
        found = html_table(table[table["rows"] > 0], caption=repr(self))
        return f"{found}<p>Found nothing: {escape(quiet)}.</p>" if quiet else found

    def findings_table(self) -> pandas.DataFrame:
        """One row a finding, with its evidence and no text of the row."""
        import pandas

        return pandas.DataFrame([(f.check, f.row_id, f.evidence) for f in self.findings], columns=["check", "row", "evidence"])


def check_rows(dataset: Dataset, context: CheckContext, checks: tuple[Check, ...] = CHECKS) -> CurationReport:
    """Run every check on a data set.

    Args:
        dataset: the rows to look at.
        context: what the checks may know beside the rows.
        checks: the checks to run; of your own, rows can be kept or dropped.
    """
    findings = []
    for done, check in enumerate(checks):
        context.progress(f"Checks ({check.name})", done, len(checks))
        findings += [Finding(check.name, *remark) for remark in check.find(dataset, context)]
    context.progress("Checks", len(checks), len(checks))
    found = {f.row_id for f in findings}
    return CurationReport(
        dataset.fingerprint,
        len(dataset),
        tuple(findings),
        {c.name: c.why for c in checks},
        {c.name: c.severity for c in checks},
        {c.name: context.restricted and c.if_restricted or c.action for c in checks},
        {e.row_id: e.text_hash for e in dataset if e.row_id in found},
    )
