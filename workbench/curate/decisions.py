"""What is done about each finding: recommended by the check, or ruled by a person; saved, and replayed on newer rows."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from workbench.curate.checks.report import CHECKS, CurationReport
from workbench.curate.personal import Masking
from workbench.dataset import Dataset, Example
from workbench.errors import BadInput, Mismatch
from workbench.files import read_json, write_json
from workbench.project import Project
from workbench.result import Result

if TYPE_CHECKING:
    import pandas

ACTIONS = ("keep", "fix", "mask", "drop")
BY_HAND = "by hand"
RULINGS = "data/rulings.json"
BY_NAME = {check.name: check for check in CHECKS}
MASKED_BY_DEFAULT = {check.name for check in CHECKS if check.action == "mask"}
MASKS = MASKED_BY_DEFAULT | {"possible personal data"}


@dataclass(frozen=True)
class Decision:
    """What to do with one row because of one check, who said so ("default" or "person") and when."""

    check: str
    row_id: str
    action: str
    by: str
    when: str


@dataclass(frozen=True)
class Ruling:
    """What a person decided, kept so that it can be replayed on a newer version of the file.

    Attributes:
        action: one of ACTIONS.
        when: local date and time.
        check: the check it is about; empty for all.
        row_id, text_hash: the row it is about, as it was then; empty for all rows of the check.
        input, answer: for "fix", the texts as the person wants them; None leaves them as they are.
    """

    action: str
    when: str
    check: str = ""
    row_id: str = ""
    text_hash: str = ""
    input: str | None = None
    answer: str | None = None

    @property
    def edited(self) -> bool:
        """Whether it gives new texts."""
        return self.input is not None or self.answer is not None


@dataclass(frozen=True, repr=False)
class Decisions(Result):
    """The decisions on one data set, by its fingerprint.

    Attributes:
        decisions: one per finding, and one per row that a person decided on by hand.
        rulings: what a person decided, in order; all else follows from the checks.
        unplaced: how many rulings found no row or finding that they fit any more.
    """

    data: str
    decisions: tuple[Decision, ...]
    rulings: tuple[Ruling, ...] = ()
    unplaced: int = 0

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the decisions back."""
        return cls(
            fields["data"],
            tuple(Decision(**d) for d in fields["decisions"]),
            tuple(Ruling(**r) for r in fields["rulings"]),
            fields["unplaced"],
        )

    def __repr__(self) -> str:
        counts = {a: len({d.row_id for d in self.decisions if d.action == a}) for a in ACTIONS}
        said = f"{len(self.rulings)} decided by a person" if self.rulings else "all as recommended"
        lost = f"; {self.unplaced} earlier decisions fit no row any more" if self.unplaced else ""
        return (
            f"Decisions: drop {counts['drop']} rows, mask {counts['mask']}, fix {counts['fix']}, "
            f"keep {counts['keep']} as they are ({said}{lost})"
        )

    def change(
        self,
        action: str,
        check: str | None = None,
        row_id: str | None = None,
        example: Example | None = None,
        input: str | None = None,
        answer: str | None = None,
    ) -> Decisions:
        """A copy in which a person decides otherwise, for a whole check, one row, or one check on one row.

        Args:
            action: "keep", "fix", "mask" or "drop".
            check: the check to decide on; None for all.
            row_id: the row to decide on; None for all rows of the check.
            example: the row itself, which then need not have a finding, and is found again in a newer file.
            input, answer: for "fix", the texts as they should be.

        Raises:
            BadInput: the action is unknown or can't be carried out, or no finding fits.
        """
        if action not in ACTIONS:
            raise BadInput(f"Action {action!r} is unknown; choose one of {', '.join(ACTIONS)}.")
        if example is not None:
            row_id = example.row_id
        ruling = Ruling(
            action, time.strftime("%Y-%m-%d %H:%M:%S"), check or "", row_id or "",
            example.text_hash if example else "", input, answer,
        )
        _check_possible(ruling)
        decisions, placed = _ruled(self.decisions, ruling, row_id or "", by_hand=example is not None)
        if not placed:
            raise BadInput(f"There is no finding of check {check!r} on row {row_id!r}, so there is nothing to decide.")
        return replace(self, decisions=decisions, rulings=(*self.rulings, ruling))

    def of_row(self, row_id: str) -> list[Decision]:
        """The decisions on one row."""
        return [d for d in self.decisions if d.row_id == row_id]

    def apply_to(self, example: Example, masking: Masking | None = None) -> Example | None:
        """One row with the decisions carried out, or None if it is dropped."""
        acted = [d for d in self.of_row(example.row_id) if d.action != "keep"]
        return _decided(example, acted, self.edits().get(example.row_id), masking or Masking())

    def edits(self) -> dict[str, Ruling]:
        """Row id to the ruling that gives its new texts; a later ruling on the whole row takes them back."""
        found = {}
        for ruling in self.rulings:
            if ruling.row_id and not ruling.check:
                found.pop(ruling.row_id, None)
                if ruling.edited:
                    found[ruling.row_id] = ruling
        return found

    def apply(self, dataset: Dataset, masking: Masking | None = None) -> Dataset:
        """The data set with the decisions carried out. On one row, drop goes before fix, and fix before mask.

        Args:
            masking: how personal data is replaced; by [EMAIL] and the like unless said otherwise.

        Raises:
            Mismatch: the decisions were made on other rows.
        """
        if dataset.fingerprint != self.data:
            raise Mismatch(
                f"These decisions were made on data {self.data}, and this is {dataset.fingerprint}: the file has changed "
                "since. Run the checks again and decide anew."
            )
        wanted: dict[str, list[Decision]] = defaultdict(list)
        for decision in self.decisions:
            if decision.action != "keep":
                wanted[decision.row_id].append(decision)
        edits, masking = self.edits(), masking or Masking()
        done = (_decided(e, wanted.get(e.row_id, []), edits.get(e.row_id), masking) for e in dataset)
        return Dataset(dataset.name, tuple(e for e in done if e is not None))

    def table(self) -> pandas.DataFrame:
        """One row a decision."""
        import pandas

        return pandas.DataFrame(
            [(d.row_id, d.check, d.action, d.by, d.when) for d in self.decisions],
            columns=["row", "check", "action", "decided by", "when"],
        )


def recommended_decisions(report: CurationReport, dataset: Dataset, project: Project | None = None) -> Decisions:
    """Every finding with the action that its check recommends, and on top what a person ruled before.

    Args:
        report: the findings on `dataset`.
        project: where rulings may have been saved. They are replayed, also on a newer version of the file: a row is
            found again by its text, wherever it now stands.
    """
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    seen: dict[tuple[str, str], None] = dict.fromkeys((f.check, f.row_id) for f in report.findings)
    decisions = Decisions(
        report.data, tuple(Decision(check, row_id, report.action[check], "default", now) for check, row_id in seen)
    )
    saved = project.path(RULINGS) if project else None
    return replay(decisions, load_rulings(saved), dataset) if saved and saved.exists() else decisions


def replay(decisions: Decisions, rulings: tuple[Ruling, ...], dataset: Dataset) -> Decisions:
    """Carry out earlier rulings on decisions that start from what the checks recommend.

    A ruling on a row goes to the row of the same id if its text is the same, and else to a row of the same text.
    """
    wanted = {r.text_hash for r in rulings if r.text_hash}
    places: dict[str, list[str]] = defaultdict(list)
    for example in dataset if wanted else ():
        if (text_hash := example.text_hash) in wanted:
            places[text_hash].append(example.row_id)
    now_at: dict[tuple[str, str], str] = {}
    current, kept, unplaced = decisions.decisions, [], 0
    for ruling in rulings:
        row_id, was = ruling.row_id, (ruling.row_id, ruling.text_hash)
        if ruling.text_hash:
            free = [i for i in places[ruling.text_hash] if i not in now_at.values() or now_at.get(was) == i]
            row_id = row_id if row_id in free else next(iter(free), "")
            now_at[was] = row_id
        changed, placed = (
            _ruled(current, ruling, row_id, by_hand=bool(ruling.text_hash)) if row_id or not ruling.row_id else (current, False)
        )
        if placed:
            current = changed
            kept.append(replace(ruling, row_id=row_id))
        else:
            unplaced += 1
    return replace(decisions, decisions=current, rulings=tuple(kept), unplaced=unplaced)


def save_rulings(decisions: Decisions, project: Project) -> None:
    """Keep what a person decided, so that a new kernel, or a newer file, starts from it."""
    write_json(project.path(RULINGS), [asdict(r) for r in decisions.rulings])


def load_rulings(path: Path) -> tuple[Ruling, ...]:
    """Read what `save_rulings` wrote.

    Raises:
        BadInput: the file is damaged, or another version of the workbench wrote it.
    """
    try:
        return tuple(Ruling(**fields) for fields in read_json(path))
    except TypeError as error:
        raise BadInput(
            f"{path} was written by another version of the workbench ({error}), so the decisions in it can't be replayed. "
            "Delete the file and decide again."
        ) from error


def _ruled(
    decisions: tuple[Decision, ...], ruling: Ruling, row_id: str, by_hand: bool
) -> tuple[tuple[Decision, ...], bool]:
    fits = [(not ruling.check or d.check == ruling.check) and (not row_id or d.row_id == row_id) for d in decisions]
    changed = tuple(
        replace(d, action=_possible(ruling, d), by="person", when=ruling.when) if fit else d
        for d, fit in zip(decisions, fits, strict=True)
    )
    if any(fits):
        return changed, True
    if by_hand and row_id and not ruling.check:
        # A row on which no check remarked; a person may still know better.
        return (*decisions, Decision(BY_HAND, row_id, ruling.action, "person", ruling.when)), True
    return decisions, False


def _possible(ruling: Ruling, decision: Decision) -> str:
    """What the ruling means for one finding: a whole row is fixed and masked where its checks know how."""
    if ruling.check or ruling.edited or ruling.action in ("keep", "drop") or decision.check == BY_HAND:
        return ruling.action
    can = options(decision.check)
    if ruling.action in can:
        return ruling.action
    return "fix" if "fix" in can else "mask" if decision.check in MASKED_BY_DEFAULT else "keep"


def options(check: str) -> tuple[str, ...]:
    """The actions that can be carried out on a check's findings, by its name."""
    known = BY_NAME.get(check)
    can = {"keep", "drop"} | ({"fix"} if known and known.fix else set()) | ({"mask"} if check in MASKS else set())
    return tuple(a for a in ACTIONS if a in can)


def _check_possible(ruling: Ruling) -> None:
    if ruling.edited and (ruling.action != "fix" or not ruling.row_id or ruling.check):
        raise BadInput("New texts were given, but no single row to fix with them. Say action 'fix' and which row.")
    if ruling.check and ruling.action not in options(ruling.check):
        raise BadInput(
            f"{ruling.action!r} can't be done about {ruling.check!r}; what can is {', '.join(options(ruling.check))}. "
            "To correct a row by hand, give its texts."
        )


def _decided(example: Example, decisions: list[Decision], edit: Ruling | None, masking: Masking) -> Example | None:
    actions = {d.action for d in decisions}
    if "drop" in actions:
        return None
    if edit is not None:
        # What a person typed is final: it was typed over the text as it would otherwise have become.
        last = example.input if edit.input is None else edit.input
        answer = example.answer if edit.answer is None else edit.answer
        example = example.changed((*example.messages[:-1], ("user", last)), answer, "edited by a person")
        # Only the last turn and the answer can be typed over; an earlier turn still holds what it held.
        return masking.row(example) if any(d.check in MASKED_BY_DEFAULT for d in decisions) else example
    for decision in decisions:
        fix = BY_NAME[decision.check].fix if decision.action == "fix" and decision.check in BY_NAME else None
        if fix is not None:
            example = fix(example)
    if "mask" not in actions:
        return example
    everything = any(d.check not in MASKED_BY_DEFAULT for d in decisions if d.action == "mask")
    # Input and answer alike, or the model would learn to make up what it can't see.
    return masking.row(example, ("mask", "review") if everything else ("mask",))
