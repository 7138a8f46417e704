"""Notebook 01: one flagged row at a time, with what each check said, and a person's decision."""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from html import escape

import ipywidgets

from workbench.curate.before_after import CHANGED, BeforeAfter, RowChange
from workbench.curate.checks.report import CurationReport, Finding
from workbench.curate.decisions import DEFAULT, PERSON, Decisions, options, save_rulings
from workbench.curate.differences import word_diff
from workbench.curate.personal import mask
from workbench.curate.start import shown_text
from workbench.dataset import Dataset, Example
from workbench.panels.panel import Buttons
from workbench.project import Project

EVERYTHING = "every flagged row"
ABOUT_TESTS = {"in the test set", "test question reworded", "near the test set"}
UNDONE = 200
LONGEST_TEXT = 4000
BOX = "border:1px solid;border-color:rgba(128,128,128,.45);border-radius:4px;padding:.5em .8em;margin:.3em 0"
MASKED = re.compile(r"\[[A-Z][A-Z_]+(?:_[0-9a-f]{8})?\]")
TEXT = "white-space:pre-wrap;overflow-wrap:anywhere"


class Review(Buttons):
    """The rows with a finding, one at a time, and the checks as a whole; starts from what is recommended.

    Every decision is saved in the project at once, so that a new kernel goes on from it.

    Attributes:
        result: the decisions as they stand.
        box: the widget.
    """

    def __init__(
        self,
        dataset: Dataset,
        report: CurationReport,
        decisions: Decisions,
        project: Project | None = None,
        test: Dataset | None = None,
    ) -> None:
        self.result = decisions
        self._project, self._report = project, report
        self._before: deque[Decisions] = deque(maxlen=UNDONE)
        self._shown_text = shown_text(project) if project else mask
        self._findings: dict[str, list[Finding]] = defaultdict(list)
        for finding in report.findings:
            self._findings[finding.row_id].append(finding)
        twins = {f.twin for f in report.findings if f.twin}
        # Rows of the two data sets may have the same ids, so each check's twins are looked up where it found them.
        self._test_twins = {e.row_id: e for e in test or () if e.row_id in twins}
        self._own_twins, self._rows = {}, {}
        for example in dataset:
            if example.row_id in self._findings:
                self._rows[example.row_id] = example
            if example.row_id in twins:
                self._own_twins[example.row_id] = example
        self._at = 0
        self._build()
        self._show()

    # What a person can do; the buttons call these, and so can code.

    def change(self, action: str, **about: str) -> Review:
        """Decide in code, for a whole check, a row, or one check on one row, as `Decisions.change` does."""
        self._replace(self.result.change(action, **about))
        return self

    def decide(self, action: str, row_id: str | None = None) -> None:
        """Decide on a whole row (the one in view, unless another is named) and go to the next."""
        example = self._rows[row_id or self.shown[self._at]]
        self._replace(self.result.change(action, example=example))
        self.go(1)

    def edit(self, input: str, answer: str) -> None:
        """Give the row in view new texts and go to the next."""
        self._replace(self.result.change("fix", example=self._rows[self.shown[self._at]], input=input, answer=answer))
        self.go(1)

    def undo(self) -> None:
        """Take the last decision back."""
        if self._before:
            self.result = self._before.pop()
            self._save()
        self._show()

    def go(self, step: int) -> None:
        """Show the next (1) or the previous (-1) row."""
        self._at = max(0, min(len(self.shown) - 1, self._at + step))
        self._show()

    # The widget.

    def _build(self) -> None:
        usual = self._usual()
        names = list(usual)
        self._bulk = {}
        rows = []
        for name in names:
            menu = ipywidgets.Dropdown(options=list(options(name)), value=usual[name], layout={"width": "7em"})
            menu.observe(lambda change, name=name: self._bulk_changed(name, change["new"]), names="value")
            self._bulk[name] = menu
            what = f"<b>{escape(name)}</b>: {self._report.count(name)} rows. {escape(self._report.why[name])}"
            rows.append(ipywidgets.HBox([menu, ipywidgets.HTML(what)]))
        self._filter = ipywidgets.Dropdown(
            options=[(EVERYTHING, ""), *((f"{n} ({self._report.count(n)})", n) for n in names)], value="", description="Show"
        )
        self._filter.observe(lambda change: self._filtered(), names="value")
        self._card = ipywidgets.HTML()
        self._where = ipywidgets.HTML()
        self._problem = ipywidgets.HTML()
        self._buttons = {
            "keep": self._button("Keep", "as it stands, personal data masked", lambda: self.decide("keep")),
            "fix": self._button("Fix and mask", "carry out what the checks can mend, and mask personal data", lambda: self.decide("fix")),
            "mask": self._button("Mask all", "mask also what is only possibly personal", lambda: self.decide("mask")),
            "drop": self._button("Drop", "leave the row out", lambda: self.decide("drop")),
            "previous": self._button("Previous", "the row before", lambda: self.go(-1)),
            "next": self._button("Next", "the next row, this one as recommended", lambda: self.go(1)),
            "undo": self._button("Undo", "take the last decision back", self.undo),
        }
        self._input, self._answer = (ipywidgets.Textarea(layout={"width": "98%", "height": h}) for h in ("7em", "5em"))
        store = self._button("Save this text", "the row with the text as typed here", lambda: self.edit(self._input.value, self._answer.value))
        self._editor = ipywidgets.Accordion(
            [ipywidgets.VBox([ipywidgets.HTML("Input"), self._input, ipywidgets.HTML("Answer"), self._answer, store])]
        )
        self._editor.set_title(0, "Correct this row by hand")
        self._editor.selected_index = None
        self._bulk_box = ipywidgets.Accordion([ipywidgets.VBox(rows)])
        self._bulk_box.set_title(0, "Decide for all rows of a check at once")
        self._bulk_box.selected_index = None if len(rows) > 8 else 0
        self._filtered(show=False)
        # Above the card, whose height changes from row to row: a button stays under the pointer.
        buttons = ipywidgets.HBox(list(self._buttons.values()), layout={"flex_flow": "row wrap"})
        self.box = ipywidgets.VBox(
            [self._bulk_box, self._filter, self._where, buttons, self._problem, self._card, self._editor]
        )

    def _bulk_changed(self, name: str, action: str) -> None:
        if action != self._usual()[name]:
            self._do(lambda: self.change(action, check=name))

    def _usual(self) -> dict[str, str]:
        """Per check, what is done about most of its rows."""
        counts = Counter((d.check, d.action) for d in self.result.decisions)
        return {
            name: max(options(name), key=lambda action, name=name: counts[name, action])
            for name in self._report.why
            if self._report.count(name)
        }

    def _filtered(self, show: bool = True) -> None:
        wanted = self._filter.value
        self.shown = [i for i in self._rows if not wanted or any(f.check == wanted for f in self._findings[i])]
        self._at = 0
        if show:
            self._show()

    def _replace(self, decisions: Decisions) -> None:
        self._before.append(self.result)
        self.result = decisions
        self._save()
        self._show()

    def _save(self) -> None:
        if self._project is not None:
            save_rulings(self.result, self._project)

    def _show(self) -> None:
        for name, action in self._usual().items():
            self._bulk[name].value = action
        by_person = len({d.row_id for d in self.result.decisions if d.by == PERSON})
        self._buttons["undo"].disabled = not self._before
        if not self.shown:
            self._where.value, self._card.value = "<p>No check remarked on any row.</p>", ""
            for button in self._buttons.values():
                button.disabled = True
            return
        row_id = self.shown[self._at]
        example = self._rows[row_id]
        after = self.result.apply_to(example)
        self._where.value = (
            f"<p>Row {self._at + 1} of {len(self.shown)} &middot; {by_person} of {len(self._rows)} flagged rows decided by you, "
            "the others as recommended &middot; saved</p>"
        )
        self._card.value = self._card_html(example, after)
        possible = {o for f in self._findings[row_id] for o in options(f.check)}
        self._buttons["fix"].disabled = not possible & {"fix", "mask"}
        self._buttons["mask"].disabled = "mask" not in possible
        shown = after or example
        self._input.value, self._answer.value = self._shown_text(shown.input), self._shown_text(shown.answer)

    def _card_html(self, example: Example, after: Example | None) -> str:
        row_id = example.row_id
        decided = {d.check: d for d in self.result.of_row(row_id)}
        reasons = "".join(
            f"<li><b>{escape(f.check)}</b>: {escape(f.evidence)} &rarr; <b>{escape(decided[f.check].action)}</b>"
            f" ({'recommended' if decided[f.check].by == DEFAULT else 'decided by you'})</li>"
            for f in self._findings[row_id]
        )
        verdict = "left out" if after is None else "kept as it stands" if after is example else "changed"
        parts = [
            f"<p><b>{escape(_origin(example))}</b>: will be <b>{verdict}</b></p><ul>{reasons}</ul>",
            conversation(example, self._shown_text),
        ]
        if after is not None and after is not example:
            parts.append(f"<p><b>As it will be</b></p>{conversation(after, self._shown_text)}")
        twin = next(filter(None, map(self._twin, self._findings[row_id])), None)
        if twin is not None:
            one, two = ([self._shown_text(text) for text in (e.input, e.answer)] for e in (twin, example))
            parts.append(
                f"<p><b>Compared with {escape(_origin(twin))}</b> "
                "(<del>only there</del>, <ins>only here</ins>)</p>"
                f"<div style='{BOX};{TEXT}'>{diff_html(one[0], two[0])}<hr>{diff_html(one[1], two[1])}</div>"
            )
        return f"<div style='max-width:60em'>{''.join(parts)}</div>"

    def _twin(self, finding: Finding) -> Example | None:
        return (self._test_twins if finding.check in ABOUT_TESTS else self._own_twins).get(finding.twin)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        # Beside the live widget stands the card in view, for places without widgets: a saved page, an export.
        return {
            "application/vnd.jupyter.widget-view+json": {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id},
            "text/html": f"<p>{escape(repr(self.result))}</p>{self._where.value}{self._card.value}",
            "text/plain": repr(self.result),
        }


def _origin(example: Example) -> str:
    source, line = example.provenance.get("source", ""), example.provenance.get("line", "")
    return f"{source}, row {line}" if source else example.row_id


def conversation(example: Example, shown: Callable[[str], str] = mask) -> str:
    """The row's turns and answer as HTML, personal data masked, long texts cut."""
    turns = [*example.messages, ("answer", example.answer)]
    if example.rejected:
        turns.append(("rejected answer", example.rejected))
    return "".join(
        f"<div style='{BOX};margin-left:{0 if role in ('user', 'system') else 2}em'><b>{escape(role)}</b>"
        f"<div style='{TEXT}'>{escape(_cut(shown(content))) or '<i>empty</i>'}</div></div>"
        for role, content in turns
    )


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]} … ({len(text):,} characters)"


def diff_html(before: str, after: str) -> str:
    """The word diff of two texts as HTML. The texts come masked: a mask may need the whole text to see what to hide."""
    tags = {"removed": "del", "added": "ins"}
    pieces = word_diff(_cut(before), _cut(after))
    return "".join(f"<{tags[op]}>{escape(text)}</{tags[op]}>" if op in tags else escape(text) for op, text in pieces)


def _changed_html(before: str, after: str) -> str:
    # What was masked is masked on both sides here, so its place is marked instead.
    return diff_html(before, after) if before != after else MASKED.sub(r"<ins>\g<0></ins>", escape(_cut(after)))


class SideBySide:
    """Rows before and after, what went struck through and what came underlined."""

    def __init__(self, change: BeforeAfter, rows: int = 3) -> None:
        """Show the first rows of each reason.

        Args:
            change: the difference.
            rows: how many rows of each reason.
        """
        shown: dict[tuple[str, str], list[RowChange]] = defaultdict(list)
        for row in change.changes:
            if len(shown[row.why, row.what]) < rows:
                shown[row.why, row.what].append(row)
        self.rows = [row for group in shown.values() for row in group]

    def _repr_html_(self) -> str:
        cell = f"<td style='{TEXT};text-align:left;vertical-align:top;width:40%'>"
        body = "".join(
            f"<tr><td style='text-align:left;vertical-align:top'>{escape(row.row_id)}<br>{escape(row.what)}: {escape(row.why)}</td>"
            + (
                "".join(f"{cell}{_changed_html(before, after)}</td>" for before, after in zip(row.before, row.after, strict=True))
                if row.what == CHANGED
                else "".join(f"{cell}<del>{escape(_cut(text))}</del></td>" for text in row.before)
            )
            + "</tr>"
            for row in self.rows
        )
        return (
            "<table><caption style='text-align:left;caption-side:top;color:inherit'>A few rows of each kind: "
            "<del>gone</del>, <ins>new</ins></caption>"
            f"<thead><tr><th>row</th><th>input</th><th>answer</th></tr></thead><tbody>{body}</tbody></table>"
        )
