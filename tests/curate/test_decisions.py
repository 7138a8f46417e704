"""Decisions are data: changed by a person, saved, replayed, and refused on other rows."""

import json
from dataclasses import replace

import pytest

from workbench.curate.checks.check import CheckContext
from workbench.curate.checks.report import check_rows
from workbench.curate.decisions import RULINGS, Decisions, Ruling, recommended_decisions, replay, save_rulings
from workbench.dataset import Dataset, Example
from workbench.errors import BadInput, Mismatch
from workbench.files import write_json
from workbench.project import Project

ROWS = [
    ("fine", "Where is my parcel?", "delivery"),
    ("empty", "And the invoice?", ""),
    ("first", "It is broken.", "defect"),
    ("copy", "it is BROKEN", "Defect"),
    ("mail", "I am jane@example.org, call +1 202 555 0123.", "account of jane@example.org"),
    ("both", "Hello from joe@example.com", ""),
]
DATA = Dataset("all", tuple(Example(i, (("user", q),), a, {"line": n}) for n, (i, q, a) in enumerate(ROWS)))
ADVICE = recommended_decisions(check_rows(DATA, CheckContext("text")), DATA)


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
    assert repr(ADVICE) == "Decisions: drop 3 rows, mask 2, fix 0, keep 0 as they are (all as recommended)"


def test_applying_drops_masks_and_leaves_the_original_alone():
    before = DATA.fingerprint
    curated = ADVICE.apply(DATA)
    assert ids(curated) == ["fine", "first", "mail"]
    masked = curated.examples[2]
    assert masked.input == "I am [EMAIL], call [PHONE]." and masked.answer == "account of [EMAIL]"
    assert masked.provenance == {"line": 4, "transformations": ["personal data masked (type)"]}
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
    said = "person" if "row_id" in how else "person, for the whole check"
    assert [d.by for d in changed.decisions] == [said if fit else "default" for fit in fits]
    assert {d.by for d in ADVICE.decisions} == {"default"}


def test_deciding_what_was_recommended_changes_no_row_and_is_on_record():
    agreed = ADVICE.change("drop", check="empty answer")
    assert agreed.apply(DATA) == ADVICE.apply(DATA)
    assert [(r.check, r.action) for r in agreed.rulings] == [("empty answer", "drop")]


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
    (masked,) = recommended_decisions(check_rows(data, CheckContext("json")), data).apply(data)
    assert masked.messages == (("system", "for [EMAIL]"), ("user", "[EMAIL] [PHONE]"))
    assert json.loads(masked.answer) == {"note": "Hello,\n[EMAIL]\n[PHONE]", "order": None}


def test_the_table_shows_who_decided():
    table = ADVICE.change("keep", row_id="copy").table().set_index("row")
    assert table.loc["copy", ["action", "decided by"]].tolist() == ["keep", "person"]
    assert table.loc["empty", ["action", "decided by"]].tolist() == ["drop", "default"]


# A person's rulings: corrected texts, whole rows, newer files


EXAMPLE = {e.row_id: e for e in DATA}


def replayed(changed, rows):
    return replay(recommended_decisions(check_rows(rows, CheckContext("text")), rows), changed.rulings, rows)


def moved(*order, **other):
    """The data set with its rows in another order and under other ids, as a newer file would have them."""
    rows = [EXAMPLE[i] for i in order]
    return Dataset("all", tuple(replace(e, row_id=f"new-{n}", **other) for n, e in enumerate(rows)))


def test_a_corrected_text_stands_and_says_so():
    changed = ADVICE.change("fix", example=EXAMPLE["empty"], answer="billing")
    fixed = next(e for e in changed.apply(DATA) if e.row_id == "empty")
    assert (fixed.input, fixed.answer) == ("And the invoice?", "billing")
    assert fixed.provenance["transformations"] == ["edited by a person"]
    taken_back = changed.change("keep", example=EXAMPLE["empty"])
    assert next(e for e in taken_back.apply(DATA) if e.row_id == "empty") == EXAMPLE["empty"]


def test_a_row_without_a_finding_can_be_decided_by_hand():
    changed = ADVICE.change("drop", example=EXAMPLE["fine"])
    assert "fine" not in ids(changed.apply(DATA))
    assert ("by hand", "fine", "drop", "person") in [(d.check, d.row_id, d.action, d.by) for d in changed.decisions]


def test_a_corrected_row_is_still_masked_in_the_turns_nobody_typed_over():
    row = Example("r", (("user", "I am jane@example.org"), ("assistant", "Noted."), ("user", "q of jane@example.org")), "a")
    rows = Dataset("all", (row,))
    changed = recommended_decisions(check_rows(rows, CheckContext("text")), rows).change("fix", example=row, input="q", answer="b")
    (fixed,) = changed.apply(rows)
    assert fixed.messages == (("user", "I am [EMAIL]"), ("assistant", "Noted."), ("user", "q")) and fixed.answer == "b"


@pytest.mark.parametrize(
    "how",
    [{"answer": "b"}, {"answer": "b", "check": "empty answer", "row_id": "empty"}],
)
def test_new_texts_need_one_whole_row(how):
    with pytest.raises(BadInput, match="single row"):
        ADVICE.change("fix", **how)


@pytest.mark.parametrize("action, check", [("mask", "empty answer"), ("fix", "exact duplicate"), ("fix", "personal data")])
def test_what_can_not_be_done_about_a_check_is_refused(action, check):
    with pytest.raises(BadInput, match="can't be done"):
        ADVICE.change(action, check=check)


def test_rulings_find_their_rows_in_a_newer_file():
    changed = (
        ADVICE.change("keep", example=EXAMPLE["empty"])
        .change("drop", example=EXAMPLE["fine"])
        .change("keep", check="exact duplicate")
        .change("fix", example=EXAMPLE["both"], input="Hello", answer="account")
    )
    newer = moved("copy", "both", "mail", "first", "empty", "fine")
    again = replayed(changed, newer)
    assert not again.waiting and len(again.rulings) == 4
    assert [e.text_hash for e in again.apply(newer)] != []
    assert {e.input for e in again.apply(newer)} == {
        "it is BROKEN", "Hello", "I am [EMAIL], call [PHONE].", "It is broken.", "And the invoice?"
    }
    assert replayed(again, newer) == again


def test_rulings_whose_row_is_gone_are_counted_and_do_no_harm():
    changed = ADVICE.change("keep", example=EXAMPLE["empty"]).change("drop", check="personal data")
    newer = moved("fine", "first")
    again = replayed(changed, newer)
    assert len(again.waiting) == 2 and len(again.apply(newer)) == 2
    assert "2 earlier decisions fit no row" in repr(again)


def test_two_rows_of_the_same_text_keep_their_own_rulings():
    twins = Dataset("all", tuple(Example(i, (("user", "q"),), "") for i in ("a", "b", "c")))
    advice = recommended_decisions(check_rows(twins, CheckContext("text")), twins)
    changed = advice.change("keep", example=twins.examples[0]).change("drop", example=twins.examples[1])
    newer = Dataset("all", tuple(replace(e, row_id=f"new-{e.row_id}") for e in twins))
    again = replayed(changed, newer)
    assert [d.action for d in again.of_row("new-a")] != [d.action for d in again.of_row("new-b")]
    assert not again.waiting


def test_saved_rulings_are_the_next_kernels_start(tmp_path):
    project = Project(tmp_path, {"depth": "quick"})
    save_rulings(ADVICE.change("keep", example=EXAMPLE["copy"]), project)
    again = recommended_decisions(check_rows(DATA, CheckContext("text")), DATA, project)
    assert {d.action for d in again.of_row("copy")} == {"keep"} and {d.by for d in again.of_row("copy")} == {"person"}
    assert recommended_decisions(check_rows(DATA, CheckContext("text")), DATA).of_row("copy")[0].by == "default"


def test_rulings_of_another_version_are_refused_in_a_sentence(tmp_path):
    project = Project(tmp_path, {"depth": "quick"})
    write_json(project.path(RULINGS), [{"verb": "keep"}])
    with pytest.raises(BadInput, match="another version"):
        recommended_decisions(check_rows(DATA, CheckContext("text")), DATA, project)


# What a decision on one row or one check does not do by the way


def advice(*rows, kind="text"):
    data = Dataset("all", tuple(Example(f"line-{i}", (("user", q),), a) for i, (q, a) in enumerate(rows)))
    return data, recommended_decisions(check_rows(data, CheckContext(kind)), data)


def test_a_copy_stays_when_the_row_it_copies_goes():
    data, decided = advice(("Where is the grey lamp?", "Here."), ("where is the grey lamp?", "Here."), ("where is the GREY lamp", "Here."))
    assert ids(decided.apply(data)) == ["line-0"]
    gone = decided.change("drop", example=data.examples[0])
    assert ids(gone.apply(data)) == ["line-1"]
    assert ids(gone.change("drop", row_id="line-1").apply(data)) == ["line-2"]


def test_a_row_that_is_kept_is_still_masked_unless_the_check_is_named():
    data, decided = advice(("I am jane@example.org, where is it?", "Here."), ("I am jane@example.org, where is it?", "Here."))
    kept = decided.change("keep", row_id="line-1")
    assert [e.input for e in kept.apply(data)] == ["I am [EMAIL], where is it?"] * 2
    shown = kept.change("keep", check="personal data", row_id="line-1")
    assert [e.input for e in shown.apply(data)] == ["I am [EMAIL], where is it?", "I am jane@example.org, where is it?"]


def test_fixing_a_row_does_not_keep_what_no_fix_can_mend():
    data, decided = advice(("Mail jane@example.org about it", ""), ("Something else entirely", "Yes."))
    assert ids(decided.change("fix", row_id="line-0").apply(data)) == ["line-1"]


def test_deciding_for_a_whole_check_leaves_single_rows_alone():
    data, decided = advice(("a question", ""), ("another question", ""), ("the third", "yes"))
    changed = decided.change("keep", row_id="line-1").change("drop", check="empty answer")
    assert ids(changed.apply(data)) == ["line-1", "line-2"]


@pytest.mark.parametrize(
    "text", ["Call <b>+1 202</b> 555 <i>0123</i> about the lamp", "Write to jane.miller<span>@</span>example.org <br>now"]
)
def test_personal_data_that_only_a_fix_puts_together_is_masked(text):
    rows = [(f"Question number {i} about the {w}?", "Yes.") for i, w in enumerate("lamp door roof gate bell".split() * 5)]
    data, decided = advice((text, "Done."), *rows)
    fixed = decided.change("fix", check="pasted HTML").apply(data).examples[0].input
    assert "0123" not in fixed and "miller" not in fixed and "<" not in fixed


def test_rulings_that_fit_nothing_now_wait_for_the_next_file(tmp_path):
    project = Project(tmp_path, {"depth": "quick"})
    save_rulings(ADVICE.change("keep", example=EXAMPLE["empty"]), project)
    other, _ = advice(("a question", ""), ("another", "yes"))
    there = recommended_decisions(check_rows(other, CheckContext("text")), other, project)
    assert len(there.waiting) == 1
    save_rulings(there.change("keep", row_id="line-0"), project)
    back = recommended_decisions(check_rows(DATA, CheckContext("text")), DATA, project)
    assert [d.action for d in back.of_row("empty")] == ["keep"] and len(back.waiting) == 1


def test_a_row_named_in_code_is_found_again_in_a_newer_file_too():
    changed = ADVICE.change("keep", row_id="empty")
    newer = moved("mail", "fine", "empty")
    assert "And the invoice?" in [e.input for e in replayed(changed, newer).apply(newer)]


def test_many_rulings_replay_in_no_long_time():
    rows = [(f"question {i} of them", "") for i in range(3000)]
    data, decided = advice(*rows)
    rulings = tuple(Ruling("keep", "now", "", e.row_id, e.text_hash) for e in data)
    assert len(replay(decided, rulings, data).apply(data)) == 3000
