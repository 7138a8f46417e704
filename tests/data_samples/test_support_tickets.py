"""Checks the sample data in data_samples/support_tickets. Needs pytest and the standard library."""

import csv
import importlib.util
import json
import re
from collections import Counter
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "data_samples" / "support_tickets"
WRITTEN_FILES = ["tickets.csv", "test.csv", "faults.json", "scenario.json", "README.md"]
EXPECTED_COUNTS = {
    "duplicate": 12, "contradiction": 8, "invalid_json": 8, "wrong_keys": 6, "outside_list": 5,
    "email": 12, "phone": 10, "empty_answer": 4, "wrong_cell_count": 3, "test_leak": 3,
}
EMAIL = re.compile(r"[\w.+-]+@example\.(?:com|org)\b")
PHONE = re.compile(r"\+1[ -]202[ -]555[ -]01\d\d\b|\+44 20 7946 0\d{3}\b")


def load_generator():
    """Loads generate.py from its path, since data_samples is not a package."""
    spec = importlib.util.spec_from_file_location("support_tickets", FOLDER / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = load_generator()


def read_lines(name):
    """Returns the cells of each line after the header. No cell holds a line break."""
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    rows = [next(csv.reader([line])) for line in lines]
    assert rows[0] == generate.HEADER
    return rows[1:]


def is_right_answer(answer):
    """Says whether the answer is compact JSON with the right keys and allowed values."""
    try:
        values = json.loads(answer)
    except ValueError:
        return False
    return (
        list(values) == generate.KEYS
        and values["category"] in generate.CATEGORIES
        and values["urgency"] in generate.URGENCIES
        and answer == generate.compact(values)
    )


@pytest.fixture(scope="module")
def faults():
    return json.loads((FOLDER / "faults.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def cells():
    """The cells of each row of tickets.csv by ticket id."""
    return {row[0]: row for row in read_lines("tickets.csv")}


@pytest.fixture(scope="module")
def held_out():
    """The cells of each row of test.csv by ticket id."""
    return {row[0]: row for row in read_lines("test.csv")}


@pytest.fixture(scope="module")
def clean(cells, faults):
    """The rows of tickets.csv without a planted fault."""
    faulty = {ticket_id for fault in faults.values() for ticket_id in fault["ticket_ids"]}
    return [row for ticket_id, row in cells.items() if ticket_id not in faulty]


def test_generating_again_gives_the_same_bytes(tmp_path):
    generate.write_scenario(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(WRITTEN_FILES)
    for name in WRITTEN_FILES:
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name
        assert (FOLDER / name).stat().st_size < 250_000


def test_counts_are_the_promised_ones(faults, clean, held_out):
    assert {name: len(fault["ticket_ids"]) for name, fault in faults.items()} == EXPECTED_COUNTS
    assert len(clean) >= 330
    assert len(held_out) == 80


def test_no_row_has_two_faults(faults):
    ids = [ticket_id for fault in faults.values() for ticket_id in fault["ticket_ids"]]
    assert len(ids) == len(set(ids))


def test_line_numbers_point_at_the_ticket_ids(faults):
    lines = (FOLDER / "tickets.csv").read_text(encoding="utf-8").splitlines()
    for fault in faults.values():
        assert len(fault["lines"]) == len(fault["ticket_ids"])
        for ticket_id, line in zip(fault["ticket_ids"], fault["lines"]):
            assert lines[line - 1].startswith(f"{ticket_id},")


def test_duplicates_repeat_an_earlier_clean_row(faults, cells, clean):
    fault = faults["duplicate"]
    clean_ids = {row[0] for row in clean}
    exact = 0
    for copy_id, original_id in zip(fault["ticket_ids"], fault["same_ticket_as"]):
        copy, original = cells[copy_id], cells[original_id]
        assert original_id in clean_ids and original_id < copy_id
        assert generate.normalise(copy[2]) == generate.normalise(original[2])
        assert copy[3] == original[3]
        exact += copy[2] == original[2]
    assert exact == 8


def test_contradictions_have_one_ticket_and_two_right_looking_answers(faults, cells):
    fault = faults["contradiction"]
    for ticket_id, other_id in zip(fault["ticket_ids"], fault["same_ticket_as"]):
        row, other = cells[ticket_id], cells[other_id]
        assert ticket_id != other_id and other_id in fault["ticket_ids"]
        assert row[2] == other[2] and row[3] != other[3]
        assert is_right_answer(row[3])


def test_invalid_json_cannot_be_parsed(faults, cells):
    for ticket_id in faults["invalid_json"]["ticket_ids"]:
        assert cells[ticket_id][3]
        with pytest.raises(ValueError):
            json.loads(cells[ticket_id][3])


def test_wrong_keys_are_wrong(faults, cells):
    for ticket_id in faults["wrong_keys"]["ticket_ids"]:
        assert list(json.loads(cells[ticket_id][3])) != generate.KEYS


def test_values_outside_the_lists(faults, cells):
    for ticket_id in faults["outside_list"]["ticket_ids"]:
        values = json.loads(cells[ticket_id][3])
        assert list(values) == generate.KEYS
        category_is_known = values["category"] in generate.CATEGORIES
        urgency_is_known = values["urgency"] in generate.URGENCIES
        assert category_is_known != urgency_is_known


def test_contacts_are_only_in_the_rows_listed(faults, cells, held_out):
    for name, pattern in [("email", EMAIL), ("phone", PHONE)]:
        found = [key for key, row in cells.items() if pattern.search(row[2])]
        assert found == faults[name]["ticket_ids"]
    for row in cells.values():
        assert "@" not in row[-1] and "+" not in row[-1]
    for row in held_out.values():
        assert "@" not in " ".join(row) and "+" not in " ".join(row)


def test_empty_answers_are_empty(faults, cells):
    for ticket_id, row in cells.items():
        assert (row[-1] == "") == (ticket_id in faults["empty_answer"]["ticket_ids"])


def test_cell_counts_are_wrong_only_where_listed(faults, cells):
    found = [ticket_id for ticket_id, row in cells.items() if len(row) != 4]
    assert found == faults["wrong_cell_count"]["ticket_ids"]
    assert {len(cells[ticket_id]) for ticket_id in found} == {3, 5}


def test_leaks_are_test_tickets_word_for_word(faults, cells, held_out):
    fault = faults["test_leak"]
    for ticket_id, test_id in zip(fault["ticket_ids"], fault["same_ticket_as"]):
        assert cells[ticket_id][2:] == held_out[test_id][2:]
    test_tickets = {generate.normalise(row[2]) for row in held_out.values()}
    found = [key for key, row in cells.items() if generate.normalise(row[2]) in test_tickets]
    assert found == fault["ticket_ids"]


def test_all_other_rows_are_right_and_unique(clean, held_out):
    rows = clean + list(held_out.values())
    tickets = [generate.normalise(row[2]) for row in rows]
    assert len(tickets) == len(set(tickets))
    for row in rows:
        assert is_right_answer(row[3]), row
        assert generate.FEWEST_WORDS <= len(row[2].split()) <= generate.MOST_WORDS
        values = json.loads(row[3])
        assert values["product"] in row[2]
        orders = re.findall(r"\b[A-H]-\d{5}\b", row[2])
        assert orders == ([values["order"]] if values["order"] else [])


def test_test_rows_are_balanced(held_out):
    answers = [json.loads(row[3]) for row in held_out.values()]
    for key, allowed in [("category", generate.CATEGORIES), ("urgency", generate.URGENCIES)]:
        counts = Counter(answer[key] for answer in answers)
        assert set(counts) == set(allowed)
        assert max(counts.values()) - min(counts.values()) <= 2


def test_half_of_the_test_products_are_new(clean, held_out):
    known = {json.loads(row[3])["product"] for row in clean}
    tested = {json.loads(row[3])["product"] for row in held_out.values()}
    assert len(tested - known) * 2 == len(tested)


def test_test_phrasings_do_not_occur_in_training(faults, cells, held_out):
    phrases = json.loads((FOLDER / "phrases.json").read_text(encoding="utf-8"))
    products = generate.all_products(phrases)

    def runs(ticket):
        return generate.word_runs(generate.phrase_words(ticket, products))

    leaks = faults["test_leak"]["ticket_ids"]
    training = set()
    for ticket_id, row in cells.items():
        if ticket_id not in leaks:
            training |= runs(" ".join(row[1:-1]))
    for row in held_out.values():
        assert not runs(row[2]) & training, row[2]


def test_no_phrase_is_in_both_sets():
    phrases = json.loads((FOLDER / "phrases.json").read_text(encoding="utf-8"))

    def texts(value):
        if isinstance(value, str):
            return {value} - {""}
        parts = value.values() if isinstance(value, dict) else value
        return set().union(*map(texts, parts))

    assert not texts(phrases["train"]) & texts(phrases["test"])


def test_readme_table_equals_the_fault_list(faults):
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `(\w+)` \| (\d+) \| ([T\d, ]+) \| (.+) \|$", readme, re.MULTILINE)
    assert [line[0] for line in table] == list(faults)
    for name, count, ids, reason in table:
        assert int(count) == len(faults[name]["ticket_ids"])
        assert ids.split(", ") == faults[name]["ticket_ids"]
        assert reason == faults[name]["reason"]


def test_scenario_names_files_columns_and_lists():
    scenario = json.loads((FOLDER / "scenario.json").read_text(encoding="utf-8"))
    assert scenario["scorer"] == "json" and scenario["good_enough"] == 0.70
    assert {scenario["input_column"], scenario["answer_column"]} <= set(generate.HEADER)
    for key in ("train_file", "test_file"):
        assert (FOLDER / scenario[key]).is_file()
    instructions = scenario["instructions"]
    for word in generate.KEYS + generate.CATEGORIES + generate.URGENCIES + ["null"]:
        assert word in instructions
    assert instructions.endswith("Return only the JSON object.")
    assert 60 <= len(instructions.split()) <= 90
