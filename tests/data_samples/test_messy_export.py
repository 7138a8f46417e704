"""Checks the sample data in data_samples/messy_export, and that the reader does with it what expected.json says."""

from __future__ import annotations

import importlib.util
import json
from collections import defaultdict
from pathlib import Path

import pytest

from workbench.curate.checks.check import CheckContext
from workbench.curate.checks.report import CHECKS, check_rows
from workbench.curate.reading import ColumnGuess, RawTable, read_file, to_dataset

FOLDER = Path(__file__).resolve().parents[2] / "data_samples" / "messy_export"
WRITTEN_FILES = ["export.csv", "expected.json", "faults.json", "scenario.json", "README.md"]
OUTCOMES = {"set aside", "flagged", "as written", "changed", "skipped"}
EXPECTED_COUNTS = {
    "bytes of Windows-1252": 7, "header repeated": 3, "line at the end": 1, "too few cells": 2, "too many cells": 2,
    "quotation mark never closed": 1, "text behind a closing quotation mark": 1, "page line": 4, "empty line": 4,
    "line of empty cells": 4, "NUL": 1, "pasted HTML": 8, "script tag": 1, "control token of a chat template": 2,
    "zero-width characters": 2, "bidirectional control": 1, "mojibake": 6, "signature": 4, "duplicate": 4,
    "duplicate in other case": 3, "forwarded again": 3, "contradiction": 4, "empty answer": 3, "unknown department": 4,
    "very long cell": 1, "department in other case": 3, "line breaks in a cell": 2, "quoted reply": 4,
    "quotation marks": 3, "smart quotes": 2, "formula": 5, "literal NA, null, None": 5, "white space": 4,
}  # fmt: skip


def load_generator():
    """Loads generate.py from its path, since data_samples is not a package."""
    spec = importlib.util.spec_from_file_location("messy_export", FOLDER / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = load_generator()
COLUMNS = ColumnGuess("message", "department", "", "named by the sample.")


@pytest.fixture(scope="module")
def promise() -> dict:
    return json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def planted(promise) -> dict[str, dict]:
    """What is planted, by name."""
    return {entry["what"]: entry for entry in promise["planted"]}


@pytest.fixture(scope="module")
def written() -> dict[int, dict]:
    """Line number to what the generator wrote there."""
    lines = generate.build_lines(json.loads((FOLDER / "phrases.json").read_text(encoding="utf-8")))
    generate.export_bytes(lines)
    return {line["line"]: line for line in lines}


@pytest.fixture(scope="module")
def table() -> RawTable:
    return read_file(FOLDER / "export.csv")


@pytest.fixture(scope="module")
def reasons(table) -> dict[int, str]:
    """Line number to the reason for which the row was set aside."""
    return {row.line: row.reason for row in to_dataset(table, COLUMNS)[1]}


def test_generating_again_gives_the_same_bytes(tmp_path):
    generate.write_scenario(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(WRITTEN_FILES)
    for name in WRITTEN_FILES:
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name
        assert (FOLDER / name).stat().st_size < 250_000


def test_counts_are_the_promised_ones(planted):
    counts = {what: len(entry["lines"]) for what, entry in planted.items()}
    assert counts.pop("date in another form") > 60 and counts.pop("id with zeros in front") == 99
    assert counts == EXPECTED_COUNTS
    assert {entry["outcome"] for entry in planted.values()} == OUTCOMES


def test_the_bytes_are_as_messy_as_promised(planted):
    data = (FOLDER / "export.csv").read_bytes()
    assert (
        data.startswith(b"\xef\xbb\xbfid;received;channel;subject;message;department;\r\n") and data.count(b"\0") == 1
    )
    lines = data.split(b"\n")
    bad = []
    for number, line in enumerate(lines, start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            bad.append(number)
            line.decode("cp1252")
    assert bad == planted["bytes of Windows-1252"]["lines"]
    forms = {
        "formula": b"HYPERLINK", "script tag": b"<script>", "control token of a chat template": b"<|im_start|>",
        "bidirectional control": "\u202e".encode(), "zero-width characters": "\u200b".encode(),
    }  # fmt: skip
    for what, form in forms.items():
        found = [number for number, line in enumerate(lines, start=1) if form in line]
        assert len(found) == 1 and any(0 <= found[0] - line <= 1 for line in planted[what]["lines"]), what


def test_no_row_is_lost(promise, table, reasons):
    assert len(table.rows) == promise["rows_read"]
    assert len(table.quarantine) == promise["rows_set_aside_by_reading"]
    assert len(table.rows) + len(table.quarantine) == promise["rows_written"] > 210
    dataset, aside = to_dataset(table, COLUMNS)
    assert (len(dataset), len(aside)) == (promise["examples"], promise["rows_set_aside_in_all"])
    assert len(dataset) + len(aside) == promise["rows_written"]


def test_each_row_stands_at_the_line_that_is_promised(promise, table, written):
    skipped = {line for entry in promise["planted"] if entry["outcome"] == "skipped" for line in entry["lines"]}
    read = [line for line, _ in table.rows] + [row.line for row in table.quarantine]
    assert sorted(read) == sorted(written.keys() - skipped)


def test_rows_are_set_aside_just_where_promised_and_for_the_reason_promised(promise, reasons):
    aside = [entry for entry in promise["planted"] if entry["outcome"] == "set aside"]
    assert sorted(line for entry in aside for line in entry["lines"]) == sorted(reasons)
    for entry in aside:
        for line in entry["lines"]:
            assert entry["by"][0] in reasons[line], (entry["what"], line)


def test_cells_read_are_exactly_those_written(planted, table, written):
    assert list(table.columns) == generate.HEADER
    seen = 0
    for line, cells in table.rows:
        if line in planted["page line"]["lines"]:
            continue
        expected = {name: written[line][name] for name in generate.HEADER}
        if line in planted["NUL"]["lines"]:
            assert "\0" in expected["message"] and "NUL" in " ".join(table.changes[line])
            expected["message"] = expected["message"].replace("\0", "")
        assert cells == expected, line
        seen += 1
    assert seen == len(table.rows) - 4


def test_answers_and_inputs_of_examples_are_the_cells_without_white_space_around_them(table, planted):
    cells = {f"line-{line}": row for line, row in table.rows}
    for example in to_dataset(table, COLUMNS)[0]:
        row = cells[example.row_id]
        assert (example.input, example.answer) == (row["message"].strip(), row["department"].strip())


def test_words_for_nothing_and_zeros_in_front_are_kept(planted, table):
    cells = dict(table.rows)
    words = {cells[line]["subject"] for line in planted["literal NA, null, None"]["lines"]}
    assert words == {"NA", "null", "None", "nan", "N/A"}
    assert "NA" in {cells[line]["department"] for line in planted["unknown department"]["lines"]}
    assert next(iter(cells.values()))["id"] == "001"
    [long] = planted["very long cell"]["lines"]
    assert len(cells[long]["message"]) > 20_000


def test_repairing_the_encoding_reads_the_lines_that_are_not_utf8(planted, table, written):
    repaired = read_file(FOLDER / "export.csv", encoding="repair")
    cells = dict(repaired.rows)
    assert len(cells) == len(table.rows) + 7
    for line in planted["bytes of Windows-1252"]["lines"]:
        assert cells[line] == {name: written[line][name] for name in generate.HEADER}


def test_every_check_remarks_on_what_was_planted_for_it(promise, table):
    dataset, _ = to_dataset(table, COLUMNS)
    named = {name for entry in promise["planted"] if entry["outcome"] == "flagged" for name in entry["by"]}
    checks = tuple(check for check in CHECKS if check.name in named)
    assert {check.name for check in checks} == named
    remarked = defaultdict(set)
    for finding in check_rows(dataset, CheckContext("label"), checks).findings:
        remarked[finding.row_id].add(finding.check)
    for entry in promise["planted"]:
        for line in entry["lines"] if entry["outcome"] == "flagged" else ():
            assert remarked[f"line-{line}"] & set(entry["by"]), (entry["what"], line)


def test_repeats_say_what_the_row_they_name_says(planted, table):
    cells = dict(table.rows)

    def words(line):
        return cells[line]["message"].casefold().removeprefix("fwd: ").split()

    for what in ("duplicate", "duplicate in other case", "forwarded again", "contradiction"):
        for line, other in zip(planted[what]["lines"], planted[what]["same_as_lines"], strict=True):
            assert line != other and words(line) == words(other)
            same = cells[line]["department"].casefold() == cells[other]["department"].casefold()
            assert same == (what != "contradiction")


def test_fault_list_holds_what_is_set_aside_or_flagged(planted):
    faults = json.loads((FOLDER / "faults.json").read_text(encoding="utf-8"))
    assert list(faults) == [what for what, entry in planted.items() if entry["outcome"] in ("set aside", "flagged")]
    for what, fault in faults.items():
        assert fault["lines"] == planted[what]["lines"] and fault["reason"] == planted[what]["why"]


def test_clean_departments_are_the_five_and_balanced(planted, table):
    odd = {line for what in ("unknown department", "empty answer", "page line") for line in planted[what]["lines"]}
    counts = defaultdict(int)
    for line, cells in table.rows:
        if line not in odd:
            counts[cells["department"].strip().casefold()] += 1
    assert sorted(counts) == sorted(generate.DEPARTMENTS)
    assert min(counts.values()) > 30


def test_readme_table_equals_the_promise(planted, promise):
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for what, entry in planted.items():
        assert (
            f"| {what} | {len(entry['lines'])} | {entry['outcome']} | {' / '.join(entry['by'])} | {entry['why']} |"
            in readme
        )
    assert f"{promise['rows_written']} rows as written, of which {promise['rows_read']} can be read" in readme


def test_scenario_names_a_file_columns_and_departments():
    scenario = json.loads((FOLDER / "scenario.json").read_text(encoding="utf-8"))
    assert {scenario["input_column"], scenario["answer_column"]} <= set(generate.HEADER)
    assert (FOLDER / scenario["train_file"]).is_file() and "test_file" not in scenario
    assert scenario["scorer"] == "label" and scenario["licence"] == "CC0-1.0"
    assert all(name in scenario["instructions"] for name in generate.DEPARTMENTS)
