"""What is done about each finding: recommended by the check, or ruled by a person; saved, and replayed on newer rows."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
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
DEFAULT, PERSON, PERSON_FOR_ALL = "default", "person", "person, for the whole check"
BY_HAND = "by hand"
RULINGS = "data/rulings.json"
BY_NAME = {check.name: check for check in CHECKS}
MASKED_BY_DEFAULT = {check.name for check in CHECKS if check.action == "mask"}
MASKS = {check.name for check in CHECKS if "mask" in (check.action, check.if_restricted)}
# A copy is dropped for the sake of the row it copies, so it stays when that row goes.
COPIES = ("exact duplicate", "near duplicate")


@dataclass(frozen=True)
class Decision:
    """What to do with one row because of one check.

    Attributes:
        by: "default", "person", or "person, for the whole check".
        when: local date and time.
        twin: the row it was compared with, if any.
    """

    check: str
    row_id: str
    action: str
    by: str
    when: str
    twin: str = ""


@dataclass(frozen=True)
class Ruling:
    """What a person decided, kept so that it can be replayed on a newer version of the file.

    Attributes:
        action: one of ACTIONS.
        when: local date and time.
        check: the check it is about; empty for all.
        row_id, text_hash: the row it is about, as it was then; empty for all rows of the check.
        input, answer: for "fix", the texts as the person wants them; None leaves them as they are.
        by_hand: whether it stands for a row on which no check remarks, too.
    """

    action: str
    when: str
    check: str = ""
    row_id: str = ""
    text_hash: str = ""
    input: str | None = None
    answer: str | None = None
    by_hand: bool = False

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
        waiting: rulings that fit no row or finding of this data; kept, as the next file may have their row again.
        hashes: row id to the hash of its text, for the rows with a finding.
    """

    data: str
    decisions: tuple[Decision, ...]
    rulings: tuple[Ruling, ...] = ()
    waiting: tuple[Ruling, ...] = ()
    hashes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the decisions back."""
        return cls(
            fields["data"],
            tuple(Decision(**d) for d in fields["decisions"]),
            tuple(Ruling(**r) for r in fields["rulings"]),
            tuple(Ruling(**r) for r in fields["waiting"]),
            fields["hashes"],
        )

    def __repr__(self) -> str:
        counts = {a: len({d.row_id for d in self.decisions if d.action == a}) for a in ACTIONS}
        said = f"{len(self.rulings)} decided by a person" if self.rulings else "all as recommended"
        waiting = f"; {len(self.waiting)} earlier decisions fit no row any more" if self.waiting else ""
        return (
            f"Decisions: drop {counts['drop'] - len(self._spared)} rows, mask {counts['mask']}, fix {counts['fix']}, "
            f"keep {counts['keep']} as they are ({said}{waiting})"
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

        A whole row that is kept is still masked, and one that is fixed is still dropped where nothing can be fixed: to
        undo these, name the check. Deciding for a whole check leaves alone what was decided on single rows.

        Args:
            action: "keep", "fix", "mask" or "drop".
            check: the check to decide on; None for all.
            row_id: the row to decide on; None for all rows of the check.
            example: the row itself, which then need not have a finding.
            input, answer: for "fix", the texts as they should be.

        Raises:
            BadInput: the action is unknown or can't be carried out, or no finding fits.
        """
        if action not in ACTIONS:
            raise BadInput(f"Action {action!r} is unknown; choose one of {', '.join(ACTIONS)}.")
        row_id = example.row_id if example is not None else row_id or ""
        text_hash = example.text_hash if example is not None else self.hashes.get(row_id, "")
        ruling = Ruling(
            action, time.strftime("%Y-%m-%d %H:%M:%S"), check or "", row_id, text_hash, input, answer, example is not None
        )
        _check_possible(ruling)
        ledger = _Ledger(self.decisions)
        if not ledger.rule(ruling, row_id):
            raise BadInput(f"There is no finding of check {check!r} on row {row_id!r}, so there is nothing to decide.")
        return replace(self, decisions=tuple(ledger.decisions), rulings=(*self.rulings, ruling))

    @cached_property
    def _by_row(self) -> dict[str, list[Decision]]:
        rows: dict[str, list[Decision]] = defaultdict(list)
        for decision in self.decisions:
            rows[decision.row_id].append(decision)
        return dict(rows)

    def of_row(self, row_id: str) -> list[Decision]:
        """The decisions on one row."""
        return self._by_row.get(row_id, [])

    @cached_property
    def edits(self) -> dict[str, Ruling]:
        """Row id to the ruling that gives its new texts; a later ruling on the whole row takes them back."""
        found = {}
        for ruling in self.rulings:
            if ruling.row_id and not ruling.check:
                found.pop(ruling.row_id, None)
                if ruling.edited:
                    found[ruling.row_id] = ruling
        return found

    @cached_property
    def _spared(self) -> set[str]:
        """Copies that stay because the row they copy goes; of several copies, the first."""
        drops = {row: dropping for row, ds in self._by_row.items() if (dropping := [d for d in ds if d.action == "drop"])}
        spared, stands_for = set(), {}
        for row, dropping in drops.items():
            if not all(d.check in COPIES and d.by == DEFAULT for d in dropping):
                continue
            twins = {d.twin for d in dropping}
            if all(twin in drops and twin not in spared and stands_for.get(twin, row) == row for twin in twins):
                spared.add(row)
                stands_for.update(dict.fromkeys(twins, row))
        return spared

    def apply_to(self, example: Example, masking: Masking | None = None) -> Example | None:
        """One row with the decisions carried out, or None if it is dropped."""
        row = example.row_id
        return _decided(example, self.of_row(row), self.edits.get(row), row in self._spared, masking or Masking())

    def apply(self, dataset: Dataset, masking: Masking | None = None) -> Dataset:
        """The data set with the decisions carried out. On one row, drop goes before fix, and fix before mask.

        A row that a fix changed is masked as well, since tags and hidden characters can hide personal data from the
        checks. A copy of a row that goes stays.

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
        masking = masking or Masking()
        done = (self.apply_to(example, masking) for example in dataset)
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
    first: dict[tuple[str, str], str] = {}
    for finding in report.findings:
        first.setdefault((finding.check, finding.row_id), finding.twin)
    decisions = Decisions(
        report.data,
        tuple(Decision(c, row, report.action[c], DEFAULT, now, twin) for (c, row), twin in first.items()),
        hashes=report.hashes,
    )
    saved = project.path(RULINGS) if project else None
    return replay(decisions, load_rulings(saved), dataset) if saved and saved.exists() else decisions


def replay(decisions: Decisions, rulings: tuple[Ruling, ...], dataset: Dataset) -> Decisions:
    """Carry out earlier rulings on decisions that start from what the checks recommend.

    A ruling on a row goes to the row of the same id if its text is the same, and else to a row of the same text, rather
    one with a finding. A ruling whose row is not there waits for the next file.
    """
    wanted = {r.text_hash for r in rulings if r.text_hash}
    places: dict[str, list[str]] = defaultdict(list)
    for example in dataset if wanted else ():
        if (text_hash := example.text_hash) in wanted:
            places[text_hash].append(example.row_id)
    ledger = _Ledger(decisions.decisions)
    now_at: dict[tuple[str, str], str] = {}
    taken: set[str] = set()
    placed, waiting = [], []
    for ruling in rulings:
        was = (ruling.row_id, ruling.text_hash)
        row_id = now_at.get(was, ruling.row_id)
        if ruling.text_hash and was not in now_at:
            free = [i for i in places[ruling.text_hash] if i not in taken]
            preferred = [i for i in free if i == ruling.row_id] + [i for i in free if i in ledger.rows] + free
            now_at[was] = row_id = next(iter(preferred), "")
            taken.add(row_id)
        if (row_id or not ruling.row_id) and ledger.rule(ruling, row_id):
            placed.append(replace(ruling, row_id=row_id))
        else:
            waiting.append(ruling)
    return replace(decisions, decisions=tuple(ledger.decisions), rulings=tuple(placed), waiting=tuple(waiting))


def save_rulings(decisions: Decisions, project: Project) -> None:
    """Keep what a person decided, so that a new kernel, or a newer file, starts from it."""
    write_json(project.path(RULINGS), [asdict(r) for r in (*decisions.rulings, *decisions.waiting)])


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


class _Ledger:
    """Decisions while rulings are carried out on them, found by row and by check."""

    def __init__(self, decisions: tuple[Decision, ...]) -> None:
        self.decisions = list(decisions)
        self.rows: dict[str, list[int]] = defaultdict(list)
        for place, decision in enumerate(self.decisions):
            self.rows[decision.row_id].append(place)

    def rule(self, ruling: Ruling, row_id: str) -> bool:
        """Carry out a ruling on a row, or on all rows if `row_id` is empty; whether it fits any."""
        places = self.rows.get(row_id, []) if row_id else range(len(self.decisions))
        fits = [i for i in places if not ruling.check or self.decisions[i].check == ruling.check]
        for place in fits:
            decision = self.decisions[place]
            if row_id or decision.by != PERSON:
                by = PERSON if row_id else PERSON_FOR_ALL
                action = _possible(ruling, decision)
                self.decisions[place] = replace(decision, action=action, by=by, when=ruling.when)
        if not fits and row_id and ruling.by_hand and not ruling.check:
            # A row on which no check remarked; a person may still know better.
            self.rows[row_id].append(len(self.decisions))
            self.decisions.append(Decision(BY_HAND, row_id, ruling.action, PERSON, ruling.when))
            return True
        return bool(fits)


def _possible(ruling: Ruling, decision: Decision) -> str:
    """What a ruling means for one finding: on a whole row, each check does of it what it can."""
    if ruling.check or ruling.edited or ruling.action == "drop" or decision.check == BY_HAND:
        return ruling.action
    if ruling.action == "keep":
        # A row is kept for what it says; that personal data may stand in it is said by naming the check.
        return "mask" if decision.check in MASKED_BY_DEFAULT else "keep"
    can = options(decision.check)
    if ruling.action in can:
        return ruling.action
    return "fix" if "fix" in can else "mask" if decision.check in MASKED_BY_DEFAULT else decision.action


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


def _decided(
    example: Example, decisions: list[Decision], edit: Ruling | None, spared: bool, masking: Masking
) -> Example | None:
    actions = {d.action for d in decisions}
    if "drop" in actions and not spared:
        return None
    before = example
    if edit is not None:
        last = example.input if edit.input is None else edit.input
        answer = example.answer if edit.answer is None else edit.answer
        example = example.changed((*example.messages[:-1], ("user", last)), answer, "edited by a person")
    else:
        for decision in decisions:
            fix = BY_NAME[decision.check].fix if decision.action == "fix" and decision.check in BY_NAME else None
            fixed = fix(example) if fix else example
            # A fix that leaves nothing of an answer is none.
            example = fixed if fixed.answer.strip() or not example.answer.strip() else example
    shown = any(d.check in MASKED_BY_DEFAULT and d.action == "keep" for d in decisions)
    # Input and answer alike, or the model would learn to make up what it can't see.
    if any(d.action == "mask" and d.check not in MASKED_BY_DEFAULT for d in decisions):
        return masking.row(example, ("mask", "review"))
    return masking.row(example) if "mask" in actions or (example is not before and not shown) else example
