"""Decisions are data: changed by a person, saved, replayed, and refused on other rows."""

import json

import pytest

from workbench.curate.checks import check_rows
from workbench.curate.decisions import Decisions, recommended_decisions
from workbench.dataset import Dataset, Example
from workbench.errors import BadInput, Mismatch

ROWS = [
    ("fine", "Where is my parcel?", "delivery"),
    ("empty", "And the invoice?", ""),
    ("first", "It is broken.", "defect"),
    ("copy", "it is BROKEN", "Defect"),
    ("mail", "I am jane@example.org, call +1 202 555 0123.", "account of jane@example.org"),
    ("both", "Hello from joe@example.com", ""),
]
DATA = Dataset("all", tuple(Example(i, (("user", q),), a, {"line": n}) for n, (i, q, a) in enumerate(ROWS)))
ADVICE = recommended_decisions(check_rows(DATA, "text"))


def ids(dataset):
    return [e.row_id for e in dataset]


def test_every_finding_gets_the_action_that_its_check_recommends():
    assert {(d.check, d.row_id, d.action) for d in ADVICE.decisions} == {
        ("empty answer", "empty", "drop"),
        ("empty answer", "both", "drop"),
        ("exact duplicate", "copy", "drop"),
        ("personal data", "mail", "mask"),
        ("personal data", "both", "mask"),
    }
    assert {d.by for d in ADVICE.decisions} == {"default"}
    assert repr(ADVICE) == "Decisions: drop 3 rows, mask 2, keep 0 as they are"


def test_applying_drops_masks_and_leaves_the_original_alone():
    before = DATA.fingerprint
    curated = ADVICE.apply(DATA)
    assert ids(curated) == ["fine", "first", "mail"]
    masked = curated.examples[2]
    assert masked.input == "I am [EMAIL], call [PHONE]." and masked.answer == "account of [EMAIL]"
    assert masked.provenance == {"line": 4, "transformations": ["personal data masked"]}
    assert curated.examples[0] == DATA.examples[0]
    assert DATA.fingerprint == before != curated.fingerprint


def test_drop_goes_before_mask():
    assert "both" not in ids(ADVICE.apply(DATA))
    kept = ADVICE.change("keep", check="empty answer").apply(DATA)
    assert "Hello from [EMAIL]" in [e.input for e in kept]


@pytest.mark.parametrize(
    "how, left",
    [
        ({"check": "exact duplicate"}, ["fine", "first", "copy", "mail"]),
        ({"row_id": "empty"}, ["fine", "empty", "first", "mail"]),
        ({"check": "empty answer", "row_id": "both"}, ["fine", "first", "mail", "both"]),
        ({}, ["fine", "empty", "first", "copy", "mail", "both"]),
    ],
)
def test_a_person_decides_by_check_by_row_or_by_both(how, left):
    changed = ADVICE.change("keep", **how)
    assert ids(changed.apply(DATA)) == left
    fits = [all(getattr(d, key) == value for key, value in how.items()) for d in ADVICE.decisions]
    assert [d.by for d in changed.decisions] == ["person" if fit else "default" for fit in fits]
    assert {d.by for d in ADVICE.decisions} == {"default"}


def test_deciding_what_was_recommended_changes_nothing():
    assert ADVICE.change("drop", check="empty answer") == ADVICE


@pytest.mark.parametrize(
    "action, how",
    [("delete", {}), ("drop", {"check": "spelling"}), ("drop", {"row_id": "r99"}),
     ("keep", {"check": "personal data", "row_id": "empty"})],
)
def test_a_decision_that_fits_no_finding_or_action_is_refused(action, how):
    with pytest.raises(BadInput):
        ADVICE.change(action, **how)


@pytest.mark.parametrize("other", [DATA.examples[:-1], DATA.examples[::-1], ()])
def test_decisions_on_other_rows_are_refused(other):
    with pytest.raises(Mismatch, match="Run the checks again"):
        ADVICE.apply(Dataset("all", other))


def test_saved_decisions_replay_to_the_same_rows(tmp_path):
    changed = ADVICE.change("keep", row_id="copy").change("drop", check="personal data")
    loaded = Decisions.load(changed.save(tmp_path / "decisions.json"))
    assert loaded == changed
    assert loaded.apply(DATA) == changed.apply(DATA) == loaded.apply(DATA)
    assert ids(loaded.apply(DATA)) == ["fine", "first", "copy"]


def test_masking_is_the_same_in_input_and_answer_and_json_stays_valid():
    answer = json.dumps({"note": "Hello,\njane@example.org\n+12025550123", "order": None})
    data = Dataset("all", (Example("r", (("system", "for a@example.com"), ("user", "jane@example.org +12025550123")), answer),))
    (masked,) = recommended_decisions(check_rows(data, "json")).apply(data)
    assert masked.messages == (("system", "for [EMAIL]"), ("user", "[EMAIL] [PHONE]"))
    assert json.loads(masked.answer) == {"note": "Hello,\n[EMAIL]\n[PHONE]", "order": None}


def test_the_table_shows_who_decided():
    table = ADVICE.change("keep", row_id="copy").table().set_index("row")
    assert table.loc["copy", ["action", "decided by"]].tolist() == ["keep", "person"]
    assert table.loc["empty", ["action", "decided by"]].tolist() == ["drop", "default"]
