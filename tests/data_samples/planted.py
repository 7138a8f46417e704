"""Rules that hold for every sample whose faults were planted by data_samples/planting.py."""

from __future__ import annotations

import csv
import importlib.util
import json
import re
from functools import cached_property
from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[2] / "data_samples"
EMAIL = re.compile(r"[\w.+-]+@example\.(?:com|org|net)\b")
PHONE = re.compile(r"\+1[ -]202[ -]555[ -]01\d\d\b|\+44 20 7946 0\d{3}\b")
MARKUP = re.compile(r"</?\w+[^>|]*>")
CHAT_TOKEN = re.compile(r"<\|\w+\|>")
REFUSAL = re.compile(r"\bAs an AI\b|\b[Cc]an(?:'t|not) (?:assist|help|provide)")
CHATTER = re.compile(r"^(?:Sure!|Certainly!|Great question!|Here is a possible answer:) ")
GERMAN = re.compile(r"\b(?:ich|mein|wer|seit|kam|kostet)\b", re.IGNORECASE)
GARBLED = re.compile("[\u00c3\u00e2][\u0080-\u00ff\u2013\u2014\u2018-\u201e\u20ac\u2122\u0153\u0161]")


class Sample:
    """A folder in data_samples: its generator and its files as they were committed."""

    def __init__(self, name: str, train_file: str) -> None:
        self.folder, self.train_file = SAMPLES / name, train_file
        spec = importlib.util.spec_from_file_location(f"generate_{name}", self.folder / "generate.py")
        self.generate = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.generate)
        self.table = self.generate.TABLE

    def read_json(self, name: str) -> dict:
        """A JSON file of the folder."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def lines(self, name: str) -> list[str]:
        """The lines of a file. No cell holds a line break."""
        return (self.folder / name).read_text(encoding="utf-8").splitlines()

    def cells(self, name: str) -> dict[str, list[str]]:
        """The cells of each row by its id, whatever their number."""
        header, *rows = [next(csv.reader([line])) for line in self.lines(name)]
        assert tuple(header) == self.table.header
        assert len({row[0] for row in rows}) == len(rows)
        return {row[0]: row for row in rows}

    @cached_property
    def faults(self) -> dict[str, dict]:
        """faults.json."""
        return self.read_json("faults.json")

    @cached_property
    def all_cells(self) -> dict[str, list[str]]:
        """The cells of every training row."""
        return self.cells(self.train_file)

    @cached_property
    def train(self) -> dict[str, dict[str, str]]:
        """Training rows by id, column name to text, without those that have the wrong number of cells."""
        return {row_id: dict(zip(self.table.header, row, strict=True)) for row_id, row in self.all_cells.items()
                if len(row) == len(self.table.header)}

    @cached_property
    def test(self) -> dict[str, dict[str, str]]:
        """Test rows by id, column name to text."""
        return {row_id: dict(zip(self.table.header, row, strict=True)) for row_id, row in self.cells("test.csv").items()}

    @cached_property
    def clean(self) -> dict[str, dict[str, str]]:
        """Training rows without a planted fault."""
        faulty = {row_id for fault in self.faults.values() for row_id in fault["ids"]}
        return {row_id: row for row_id, row in self.train.items() if row_id not in faulty}

    def planted(self, fault: str) -> list[dict[str, str]]:
        """The rows with a fault."""
        return [self.train[row_id] for row_id in self.faults[fault]["ids"]]

    def repeats(self, fault: str) -> list[tuple[dict[str, str], dict[str, str]]]:
        """The rows with a fault, each with the row that it repeats."""
        rows = {**self.train, **self.test}
        entry = self.faults[fault]
        return [(rows[row_id], rows[other]) for row_id, other in zip(entry["ids"], entry["same_as"], strict=True)]

    def inputs(self, rows: dict[str, dict[str, str]]) -> dict[str, str]:
        """The input of each row in lower case with single spaces."""
        return {row_id: " ".join(row[self.table.input].lower().split()) for row_id, row in rows.items()}

    def holding(self, pattern: re.Pattern) -> list[str]:
        """The ids of the training rows that hold the pattern anywhere."""
        return [row_id for row_id, row in self.all_cells.items() if pattern.search(" ".join(row))]


def runs(text: str, length: int = 6) -> set[tuple[str, ...]]:
    """All runs of this many words."""
    words = re.findall(r"[a-z0-9']+", text.lower())
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


def alike(first: str, second: str) -> float:
    """Share of the word pairs of two texts that both have."""
    pairs, others = runs(first, 2), runs(second, 2)
    return len(pairs & others) / max(1, len(pairs | others))


class PlantedRules:
    """Inherit from this and say which sample, how many faults of each kind, and how many clean rows at least."""

    sample: Sample
    counts: dict[str, int]
    fewest_clean_rows: int
    shared_words = r"(?!)"  # what may be in training and test alike

    def test_generating_again_gives_the_same_bytes(self, tmp_path):
        self.sample.generate.write_scenario(tmp_path)
        written = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
        committed = {path.relative_to(self.sample.folder).as_posix() for path in self.sample.folder.rglob("*")
                     if path.is_file() and "__pycache__" not in path.parts}
        sources = committed - set(written)
        # What was measured is kept beside the generator, which puts it into the README.
        assert "generate.py" in sources and len(sources - {"measured.md"}) == 2
        for name in written:
            assert (tmp_path / name).read_bytes() == (self.sample.folder / name).read_bytes(), name
        for name in committed:
            assert (self.sample.folder / name).stat().st_size < 250_000

    def test_counts_are_the_promised_ones(self):
        assert {name: len(fault["ids"]) for name, fault in self.sample.faults.items()} == self.counts
        assert 40 <= sum(self.counts.values()) <= 70
        assert len(self.sample.clean) >= self.fewest_clean_rows
        assert len(self.sample.test) == 80

    def test_no_row_has_two_faults(self):
        ids = [row_id for fault in self.sample.faults.values() for row_id in fault["ids"]]
        assert len(ids) == len(set(ids))

    def test_line_numbers_point_at_the_ids(self):
        lines = self.sample.lines(self.sample.train_file)
        for fault in self.sample.faults.values():
            for row_id, line in zip(fault["ids"], fault["lines"], strict=True):
                assert lines[line - 1].startswith(f"{row_id},")

    def test_duplicates_repeat_an_earlier_clean_row(self):
        exact = 0
        for copy, original in self.sample.repeats("duplicate"):
            column = self.sample.table.input
            assert original["row_id"] in self.sample.clean and original["row_id"] < copy["row_id"]
            assert " ".join(copy[column].lower().split()) == " ".join(original[column].lower().split())
            assert copy[self.sample.table.answer] == original[self.sample.table.answer]
            exact += copy[column] == original[column]
        assert exact == self.counts["duplicate"] - 2

    def test_near_duplicates_add_at_most_two_words(self):
        for copy, original in self.sample.repeats("near_duplicate"):
            column = self.sample.table.input
            assert original["row_id"] in self.sample.clean and original["row_id"] < copy["row_id"]
            assert original[column].lower() in copy[column].lower() and original[column] != copy[column]
            assert len(copy[column].split()) - len(original[column].split()) <= 2
            assert copy[self.sample.table.answer] == original[self.sample.table.answer]

    def test_contradictions_have_one_input_and_two_answers(self):
        for row, other in self.sample.repeats("contradiction"):
            assert row["row_id"] != other["row_id"] and other["row_id"] in self.sample.faults["contradiction"]["ids"]
            assert row[self.sample.table.input] == other[self.sample.table.input]
            assert row[self.sample.table.answer] != other[self.sample.table.answer]

    def test_empty_answers_are_only_where_listed(self):
        found = [row_id for row_id, row in self.sample.train.items() if not row[self.sample.table.answer].strip()]
        assert found == self.sample.faults["empty_answer"]["ids"]

    def test_marks_of_bad_text_are_only_in_the_rows_listed(self):
        for fault, pattern in {"email": EMAIL, "phone": PHONE, "html": MARKUP, "mojibake": GARBLED,
                               "chat_tokens": CHAT_TOKEN, "refusal": REFUSAL, "boilerplate": CHATTER}.items():
            if fault == "boilerplate":
                found = [row_id for row_id, row in self.sample.train.items() if pattern.search(row[self.sample.table.answer])]
            else:
                found = self.sample.holding(pattern)
            assert found == self.sample.faults[fault]["ids"], fault

    def test_other_rows_have_no_personal_data_and_plain_characters(self):
        for row in [*self.sample.clean.values(), *self.sample.test.values()]:
            text = " ".join(row.values())
            assert text.isascii()
            assert not re.search(r"@|\+|\d{5}|https?:|[<>{}]", text), text

    def test_german_rows_are_only_where_listed(self):
        found = [row_id for row_id, row in self.sample.train.items() if GERMAN.search(row[self.sample.table.input])]
        assert found == self.sample.faults["wrong_language"]["ids"]

    def test_overlong_rows_are_only_where_listed(self):
        long = [row_id for row_id, row in self.sample.train.items() if len(row[self.sample.table.input].split()) > 100]
        assert long == self.sample.faults.get("overlong", {"ids": []})["ids"]
        assert all(len(self.sample.train[row_id][self.sample.table.input].split()) == 8000 for row_id in long)

    def test_cell_counts_are_wrong_only_where_listed(self):
        columns = len(self.sample.table.header)
        found = [row_id for row_id, row in self.sample.all_cells.items() if len(row) != columns]
        assert found == self.sample.faults["wrong_cell_count"]["ids"]
        assert {len(self.sample.all_cells[row_id]) for row_id in found} == {columns - 1, columns + 1}

    def test_leaks_are_test_rows(self):
        columns = self.sample.table.header[1:]
        for row, leaked in self.sample.repeats("test_leak"):
            assert leaked["row_id"] in self.sample.test and all(row[name] == leaked[name] for name in columns)
        for row, leaked in self.sample.repeats("near_test_leak"):
            column = self.sample.table.input
            assert leaked["row_id"] in self.sample.test and row[column] != leaked[column]
            assert leaked[column].lower() in row[column].lower()
        tested = set(self.sample.inputs(self.sample.test).values())
        assert [row_id for row_id, text in self.sample.inputs(self.sample.train).items()
                if text in tested] == self.sample.faults["test_leak"]["ids"]

    def test_all_other_rows_are_unique_and_no_near_duplicates(self):
        rows = {**self.sample.clean, **self.sample.test}
        texts = list(self.sample.inputs(rows).values())
        assert len(texts) == len(set(texts))
        by_answer: dict[str, list[str]] = {}
        for row in self.sample.clean.values():
            by_answer.setdefault(row[self.sample.table.answer], []).append(row[self.sample.table.input])
        for same in by_answer.values():
            for i, text in enumerate(same):
                assert all(alike(text, other) <= 0.7 for other in same[i + 1 :]), text

    def test_phrasings_of_the_test_do_not_occur_in_training(self):
        column = self.sample.table.input
        leaks = {row_id for name in ("test_leak", "near_test_leak") for row_id in self.sample.faults[name]["ids"]}
        training: set[tuple[str, ...]] = set()
        for row_id, row in self.sample.train.items():
            if row_id not in leaks:
                training |= runs(re.sub(self.shared_words, " ", row[column]))
        for row in self.sample.test.values():
            assert not runs(re.sub(self.shared_words, " ", row[column])) & training, row[column]

    def test_readme_table_equals_the_fault_list(self):
        readme = (self.sample.folder / "README.md").read_text(encoding="utf-8")
        table = re.findall(r"^\| `(\w+)` \| (\d+) \| ([A-Z\d, ]+) \| (.+) \|$", readme, re.MULTILINE)
        assert [line[0] for line in table] == list(self.sample.faults)
        for name, count, ids, reason in table:
            fault = self.sample.faults[name]
            assert (int(count), ids.split(", "), reason) == (len(fault["ids"]), fault["ids"], fault["reason"])

    def test_scenario_names_files_and_columns(self):
        scenario = self.sample.read_json("scenario.json")
        for key in ("train_file", "test_file"):
            assert (self.sample.folder / scenario[key]).is_file()
        for key in [key for key in scenario if "_column" in key]:
            assert scenario[key] in self.sample.table.header, key
        for key in ("documents", "documents_v2"):
            assert key not in scenario or list((self.sample.folder / scenario[key]).glob("*.md"))
        assert scenario["scorer"] in ("json", "label", "number", "text", "fact", "voice") and 0 < scenario["good_enough"] < 1
        assert scenario["licence"] == "CC0-1.0" and scenario["restricted"] is False
