"""What curating did can be seen: every row is kept, changed or dropped, and says why."""

from workbench.curate.before_after import BeforeAfter, before_after
from workbench.curate.checks.check import CheckContext
from workbench.curate.checks.report import check_rows
from workbench.curate.decisions import recommended_decisions
from workbench.dataset import Dataset, Example

ROWS = [
    ("fine", "Which colours does the blue lamp come in?", "It comes in blue."),
    ("empty", "And where is my invoice from spring?", ""),
    ("mail", "Write to jane@example.org about the lamp.", "I wrote to jane@example.org about it."),
    ("hand", "When do you open on Sundays in winter?", "At tenn."),
]
DATA = Dataset("all", tuple(Example(i, (("user", q),), a) for i, q, a in ROWS))
DECIDED = recommended_decisions(check_rows(DATA, CheckContext("text")), DATA).change(
    "fix", example=DATA.examples[3], answer="At ten."
)


def change():
    return before_after(DATA, DECIDED, DECIDED.apply(DATA))


def test_every_row_is_kept_changed_or_dropped():
    found = change()
    assert {c.row_id: (c.what, c.why) for c in found.changes} == {
        "empty": ("dropped", "empty answer"),
        "mail": ("changed", "personal data"),
        "hand": ("changed", "by hand"),
    }
    assert [found.count(w) for w in ("kept", "changed", "dropped")] == [1, 2, 1]
    assert found.rows_before - found.count("dropped") == found.rows_after
    assert repr(found) == "4 rows before, 3 after: 1 dropped, 2 changed, 1 as they were"


def test_texts_stand_side_by_side_with_personal_data_masked():
    by_row = {c.row_id: c for c in change().changes}
    assert by_row["hand"].before[1] == "At tenn." and by_row["hand"].after[1] == "At ten."
    assert by_row["empty"].after == ("", "")
    assert "jane" not in change().table().to_csv() + change()._repr_html_()


def test_reasons_add_up():
    reasons = change().reasons().set_index("why")
    assert reasons["rows dropped"].sum() == 1 and reasons["rows changed"].sum() == 2


def test_it_survives_its_file(tmp_path):
    assert BeforeAfter.load(change().save(tmp_path / "change.json")) == change()
