"""Each check finds its fault and nothing else, and never repeats personal data."""

import json

import pytest

from workbench.curate.checks.check import REVIEW, CheckContext, group_key
from workbench.curate.checks.report import CHECKS, CurationReport, check_rows
from workbench.curate.decisions import options
from workbench.curate.reading import ColumnGuess, guess_columns, read_file, to_dataset
from workbench.curate.start import SAMPLES
from workbench.dataset import Dataset, Example

SAMPLE = SAMPLES / "support_tickets"


def data(*rows):
    """A data set of (input, answer) pairs with ids r0, r1 and so on."""
    return Dataset("all", tuple(Example(f"r{i}", (("user", given),), answer) for i, (given, answer) in enumerate(rows)))


def found(dataset, check, kind="text", test=None):
    return [f.row_id for f in check_rows(dataset, CheckContext(kind, test)).findings if f.check == check]


def unlike(answers):
    """A data set of these answers to inputs that are all different."""
    return data(*((f"question number {i}", answer) for i, answer in enumerate(answers)))


@pytest.mark.parametrize("answer, empty", [("", True), (" \n\t", True), ("0", False), ("null", False), ("{}", False)])
def test_an_answer_without_text_is_empty(answer, empty):
    assert found(data(("q", answer)), "empty answer") == (["r0"] if empty else [])


# Form of the answers


def ticket(i, **changes):
    return json.dumps({"kind": ["billing", "return", "defect"][i % 3], "order": f"A-{i}" if i % 2 else None, **changes})


def test_answers_that_leave_the_usual_json_are_found():
    answers = [ticket(i) for i in range(60)]
    answers[10] = answers[10][:-1]
    answers[20] = json.dumps({"kind": "billing"})
    answers[30] = ticket(30, kind="biling")
    answers[40] = "Here you are: " + answers[40]
    answers[50] = ""  # is an empty answer, not one in the wrong form
    report = check_rows(unlike(answers), CheckContext("json"))
    evidence = {f.row_id: f.evidence for f in report.findings if f.check == "answer format"}
    assert evidence == {
        "r10": "the answer is not a JSON object",
        "r20": "its keys differ from the usual kind, order",
        "r30": "kind is outside the usual list (billing, defect, return)",
        "r40": "the answer is not a JSON object",
    }


def test_a_field_of_free_text_is_no_closed_list():
    answers = [ticket(i, kind=f"kind {i}") for i in range(60)]
    assert found(unlike(answers), "answer format", "json") == []


def test_a_list_of_more_than_twelve_values_is_not_taken_as_closed():
    answers = [f"label {i % 13}" for i in range(130)] + ["odd"]
    assert found(unlike(answers), "rare answer", "label") == []
    answers = [f"label {i % 12}" for i in range(120)] + ["odd"]
    assert found(unlike(answers), "rare answer", "label") == ["r120"]


def test_a_label_in_another_case_is_the_same_label():
    assert found(unlike(["yes", "No", "YES!", "no"] * 10 + ["yess"]), "answer format", "label") == ["r40"]


def test_an_answer_without_a_number_is_found_where_numbers_are_asked_for():
    assert found(unlike(["5", "about 7 kg", "ask the desk", "-1"]), "answer format", "number") == ["r2"]


def test_free_text_has_no_form_to_leave():
    assert found(unlike(["yes"] * 50 + ["No idea."]), "answer format", "text") == []


def test_all_answers_broken_is_told_row_by_row_and_left_to_a_person():
    assert found(unlike(["{", "[1]", "x"]), "answer format", "json") == []
    assert found(unlike(["{", "[1]", "x"]), "rare answer", "json") == ["r0", "r1", "r2"]


# Rows that repeat or contradict each other


def test_every_copy_after_the_first_is_a_duplicate():
    rows = data(("Where is it?", "Delivery"), ("where is  IT", "delivery."), ("Where is it?", "Delivery"), ("Where?", "Delivery"))
    assert found(rows, "exact duplicate") == ["r2"] and found(rows, "same but for punctuation") == ["r1"]
    assert found(rows, "contradiction") == []


def test_the_same_question_with_another_answer_is_a_contradiction_and_no_duplicate():
    rows = data(("Where is it?", "delivery"), ("where is it", "account"), ("Elsewhere", "account"))
    assert found(rows, "contradiction", "label") == ["r0", "r1"]
    assert found(rows, "exact duplicate", "label") == []
    assert "another answer in r1" in [f.evidence for f in check_rows(rows, CheckContext("label")).findings]


def test_an_empty_answer_contradicts_nothing():
    assert found(data(("q", "delivery"), ("q", "")), "contradiction", "label") == []


@pytest.mark.parametrize(
    "one, other",
    [
        (("What is 5 + 3?", "8"), ("What is 5 - 3?", "2")),
        (("Is 3 < 5?", "yes"), ("Is 3 > 5?", "no")),
        (("I love it 😀", "happy"), ("I love it 😡", "angry")),
        (("Teach me C", "c"), ("Teach me C++", "cpp")),
        (("की", "of, feminine"), ("का", "of, masculine")),
        (("20 mg", "a"), ("200 mg", "b")),
        (("It is safe", "a"), ("It is not safe", "b")),
    ],
)
def test_questions_that_differ_in_a_sign_that_matters_do_not_contradict(one, other):
    assert found(data(one, other), "contradiction", "label") == []


def test_answers_that_differ_in_their_sign_are_no_duplicates():
    rows = data(("How warm is it?", "-5"), ("How warm is it?", "5"))
    assert found(rows, "exact duplicate") == []
    assert found(rows, "contradiction", "number") == ["r0", "r1"]


def test_conversations_are_compared_turn_by_turn_with_the_system_turn():
    turns = (("user", "Hi"), ("assistant", "Hello"), ("user", "Where is it?"))
    rows = [
        Example("a", turns, "There."),
        Example("b", (("system", "Be brief."), *turns), "There."),
        Example("c", (*turns[:1], ("assistant", "Good day"), *turns[2:]), "There."),
        Example("d", (("user", "Hi Hello Where is it?"),), "There."),
    ]
    assert found(Dataset("all", tuple(rows)), "exact duplicate") == []
    assert len({group_key(row) for row in rows}) == 4


# Personal data


def test_personal_data_is_found_in_every_turn_and_in_the_answer():
    system = Example("s", (("system", "Owner: boss@example.com"), ("user", "q")), "a")
    rows = Dataset("all", (*data(("Write to a@example.org", "x"), ("q", "call +1 202 555 0123"), ("order A-46169", "y")), system))
    assert found(rows, "personal data") == ["r0", "r1", "s"]


def test_evidence_counts_personal_data_and_never_shows_it():
    text = "a@example.org b@example.org +1 202 555 0123"
    (finding,) = [f for f in check_rows(data((text, "c@example.org")), CheckContext("text")).findings if f.check == "personal data"]
    assert finding.evidence == "3 e-mail addresses, 1 phone number"


@pytest.mark.parametrize("kind", ["exact", "fact", "voice"])
def test_prose_that_is_judged_another_way_is_checked_as_prose(kind):
    said = ["Please restart the device and call us back if it fails again today."] * 40
    rows = unlike([*said, "I cannot help with that request."])
    found = [(f.check, f.row_id) for f in check_rows(rows, CheckContext(kind)).findings]
    assert found and found == [(f.check, f.row_id) for f in check_rows(rows, CheckContext("text")).findings]
    assert found != [(f.check, f.row_id) for f in check_rows(rows, CheckContext("label")).findings]


@pytest.mark.parametrize("kind", ["json", "label"])
def test_no_evidence_of_any_check_shows_personal_data(kind):
    """Where a field lists a few people, its usual values are themselves personal data."""
    people = ["ann@example.org", "bob@example.org", "+1 202 555 0123"]
    answers = [people[i % 3] for i in range(60)] + ["nobody", "eve@example.org"]
    rows = unlike(answers if kind == "label" else [json.dumps({"agent": a}) for a in answers])
    report = check_rows(rows, CheckContext(kind))
    assert {"r60", "r61"} <= {f.row_id for f in report.findings if f.check == "rare answer"}
    shown = report.findings_table().to_csv() + report._repr_html_()
    assert "example" not in shown and "555" not in shown


# The test set that came along


def test_a_question_of_the_test_set_is_found_in_whatever_case():
    test = Dataset("test", (Example("t7", (("user", "Where IS it"),), "delivery"),))
    rows = data(("where is it?", "account"), ("Elsewhere", "account"))
    report = check_rows(rows, CheckContext("text", test))
    assert [(f.row_id, f.evidence) for f in report.findings] == [("r0", "the same question as test row t7")]
    assert (report.action["in the test set"], report.count("in the test set")) == ("drop", 1)
    assert check_rows(rows, CheckContext("text")).count("in the test set") == 0


# The report


def test_a_report_counts_rows_and_not_findings():
    report = check_rows(data(("a@example.org", ""), ("q", ""), ("fine", "fine")), CheckContext("text"))
    assert repr(report) == "Curation: 2 of 3 rows have a finding"
    assert report.count("empty answer") == 2 and report.count("personal data") == 1
    table = report.table().set_index("check")
    assert table.loc["empty answer", "rows"] == 2 and table.loc["personal data", "recommended"] == "mask"
    assert list(table.index) == [c.name for c in CHECKS] == list(dict.fromkeys(table.index))
    assert [c.severity for c in CHECKS] == sorted(c.severity for c in CHECKS), "what is acted on stands first"


def test_every_check_says_why_and_what_it_recommends_can_be_done():
    for check in CHECKS:
        assert check.why.endswith(".") and check.action in options(check.name), check.name
        assert (check.action == "keep") == (check.severity == REVIEW), check.name


def test_a_report_belongs_to_its_rows_and_survives_its_file(tmp_path):
    rows = data(("q", ""))
    report = check_rows(rows, CheckContext("text"))
    assert report.data == rows.fingerprint
    assert CurationReport.load(report.save(tmp_path / "report.json")) == report


def test_no_rows_have_no_findings():
    assert check_rows(Dataset("none", ()), CheckContext("json")).findings == ()


# The sample


@pytest.fixture(scope="module")
def sample():
    """The sample's planted faults as row ids, its report, and the lines set aside in reading."""
    faults = json.loads((SAMPLE / "faults.json").read_text(encoding="utf-8"))
    columns = ColumnGuess("ticket", "answer", "", "")
    rows, quarantine = to_dataset(read_file(SAMPLE / "tickets.csv"), columns)
    test, none = to_dataset(read_file(SAMPLE / "test.csv"), columns, "test")
    assert len(none) == 0 and len(test) == 80 and len(rows) + len(quarantine) == 403
    planted = {name: {f"line-{line}" for line in fault["lines"]} for name, fault in faults.items()}
    return planted, check_rows(rows, CheckContext("json", test)), {f"line-{q.line}" for q in quarantine}


@pytest.mark.parametrize(
    "fault, check, words",
    [
        ("duplicate", "exact duplicate", ""),
        ("contradiction", "contradiction", ""),
        ("invalid_json", "answer format", "not a JSON object"),
        ("wrong_keys", "answer format", "keys differ"),
        ("outside_list", "rare answer", "outside the usual list"),
        ("email", "personal data", "e-mail"),
        ("phone", "personal data", "phone"),
        ("empty_answer", "empty answer", ""),
        ("test_leak", "in the test set", ""),
    ],
)
def test_the_samples_planted_rows_are_found_and_no_others(sample, fault, check, words):
    planted, report, _ = sample
    assert {f.row_id for f in report.findings if f.check == check and words in f.evidence} == planted[fault]


def test_the_samples_broken_lines_are_set_aside_and_no_others(sample):
    planted, _, set_aside = sample
    assert set_aside == planted["wrong_cell_count"]


def test_every_fault_of_the_sample_is_covered_and_nothing_else_is_found(sample):
    planted, report, set_aside = sample
    assert {f.row_id for f in report.findings} | set_aside == set().union(*planted.values())


def test_the_samples_columns_are_guessed_as_the_scenario_says():
    scenario = json.loads((SAMPLE / "scenario.json").read_text(encoding="utf-8"))
    guess = guess_columns(read_file(SAMPLE / "tickets.csv"))
    assert (guess.input, guess.answer) == (scenario["input_column"], scenario["answer_column"])
