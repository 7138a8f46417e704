"""What curating did to a data set: which rows went, which changed and how, which stayed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from workbench.curate.decisions import BY_HAND, Decisions
from workbench.curate.personal import mask
from workbench.dataset import Dataset, Example
from workbench.result import Result

if TYPE_CHECKING:
    import pandas

KEPT, CHANGED, DROPPED = "kept", "changed", "dropped"


@dataclass(frozen=True)
class RowChange:
    """One row before and after. Texts have personal data masked: this is for looking.

    Attributes:
        what: CHANGED or DROPPED.
        why: the checks (or the person) that led to it.
        before, after: input and answer; the latter empty for a dropped row.
    """

    row_id: str
    what: str
    why: str
    before: tuple[str, str]
    after: tuple[str, str]


@dataclass(frozen=True, repr=False)
class BeforeAfter(Result):
    """The difference between a data set as read and as curated."""

    data_before: str
    data_after: str
    rows_before: int
    rows_after: int
    changes: tuple[RowChange, ...]

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the changes back."""
        changes = tuple(RowChange(**{**c, "before": tuple(c["before"]), "after": tuple(c["after"])}) for c in fields["changes"])
        return cls(**{**fields, "changes": changes})

    def count(self, what: str) -> int:
        """Rows that were "kept" as they are, "changed" or "dropped"."""
        counts = Counter(c.what for c in self.changes)
        return self.rows_before - counts[CHANGED] - counts[DROPPED] if what == KEPT else counts[what]

    def __repr__(self) -> str:
        return (
            f"{self.rows_before} rows before, {self.rows_after} after: {self.count(DROPPED)} dropped, "
            f"{self.count(CHANGED)} changed, {self.count(KEPT)} as they were"
        )

    def table(self) -> pandas.DataFrame:
        """One row a change: what happened, why, input and answer before and after."""
        import pandas

        return pandas.DataFrame(
            [(c.row_id, c.what, c.why, *c.before, *c.after) for c in self.changes],
            columns=["row", "what", "why", "input before", "answer before", "input after", "answer after"],
        )

    def reasons(self) -> pandas.DataFrame:
        """One row a reason: how many rows it dropped and changed."""
        import pandas

        counts = Counter((c.why, c.what) for c in self.changes)
        rows = [(why, counts[why, DROPPED], counts[why, CHANGED]) for why in dict.fromkeys(c.why for c in self.changes)]
        return pandas.DataFrame(rows, columns=["why", "rows dropped", "rows changed"])

    def _repr_html_(self) -> str:
        from workbench.result import html_table

        return html_table(self.reasons(), caption=repr(self))


def before_after(
    before: Dataset, decisions: Decisions, after: Dataset, shown: Callable[[str], str] = mask
) -> BeforeAfter:
    """Compare a data set with what the decisions made of it.

    Args:
        shown: how texts are masked to be looked at.
    """
    kept = {e.row_id: e for e in after}
    changes = []
    for example in before:
        now = kept.get(example.row_id)
        if now is not example and (now is None or now.text_hash != example.text_hash):
            what = DROPPED if now is None else CHANGED
            acted = [d.check for d in decisions.of_row(example.row_id) if _led_to(what, d.action)]
            reason = BY_HAND if example.row_id in decisions.edits else ", ".join(dict.fromkeys(acted)) or BY_HAND
            changes.append(RowChange(example.row_id, what, reason, _shown(example, shown), _shown(now, shown)))
    return BeforeAfter(before.fingerprint, after.fingerprint, len(before), len(after), tuple(changes))


def _led_to(what: str, action: str) -> bool:
    return action == "drop" if what == DROPPED else action in ("fix", "mask")


def _shown(example: Example | None, shown: Callable[[str], str]) -> tuple[str, str]:
    return (shown(example.input), shown(example.answer)) if example else ("", "")
