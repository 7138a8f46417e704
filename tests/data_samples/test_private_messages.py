"""Checks the sample data in data_samples/private_messages."""

from __future__ import annotations

import csv
import importlib.util
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from stdnum import iban, isbn, luhn
from stdnum.ch import ssn as ch_ahv
from stdnum.de import idnr as de_tax
from stdnum.es import dni as es_dni
from stdnum.fr import nir as fr_nir
from stdnum.nl import bsn as nl_bsn
from stdnum.pl import pesel as pl_pesel

from workbench.curate.reading import read_file

FOLDER = Path(__file__).resolve().parents[2] / "data_samples" / "private_messages"
WRITTEN_FILES = ["messages.csv", "test.csv", "personal.json", "faults.json", "scenario.json", "README.md"]
EXPECTED_COUNTS = {
    "duplicate": 8,
    "contradiction": 8,
    "empty_reply": 6,
    "wrong_cell_count": 4,
    "test_leak": 4,
    "personal_data": 219,
}
EMAIL = re.compile(r"[\w.+-]+@(?:mail\.)?example\.(?:com|org|net)")
PHONE = re.compile(
    r"\+1[ -]202[ -]555[ -]01\d\d|\(202\) 555-01\d\d|(?:\+44 |0)20 7946 0\d{3}"
    r"|(?:\+49 |0)30[ /]23125 ?\d{3}|(?:\+33 |0)1 99 00 \d\d \d\d"
)
DOCUMENTATION = re.compile(r"(?:192\.0\.2|198\.51\.100|203\.0\.113)\.\d{1,3}")
US_SSN = re.compile(r"987-65-432\d")
NATIONAL_IDS = {
    re.compile(r"\d{2} \d{3} \d{3} \d{3}"): de_tax,
    re.compile(r"99\d{6}-?[A-Z]"): es_dni,
    re.compile(r"[12] \d\d \d\d 00 \d{3} \d{3} \d\d"): fr_nir,
    re.compile(r"9999\d{5}"): nl_bsn, re.compile(r"\d{11}"): pl_pesel, re.compile(r"756\.9999\.\d{4}\.\d\d"): ch_ahv,
}  # fmt: skip


def load_generator():
    """Loads generate.py from its path, since data_samples is not a package."""
    spec = importlib.util.spec_from_file_location("private_messages", FOLDER / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = load_generator()


def read_rows(name: str) -> dict[str, list[str]]:
    """The cells of each line after the header, by id. No cell holds a line break."""
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    rows = [next(csv.reader([line])) for line in lines]
    assert rows[0] == generate.HEADER
    return {row[0]: row for row in rows[1:]}


@pytest.fixture(scope="module")
def faults() -> dict:
    return json.loads((FOLDER / "faults.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def personal() -> dict:
    return json.loads((FOLDER / "personal.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def cells() -> dict[str, dict[str, list[str]]]:
    """File name to id to cells."""
    return {name: read_rows(name) for name in ("messages.csv", "test.csv")}


@pytest.fixture(scope="module")
def stretches(personal, cells) -> list[tuple[str, str, str, str]]:
    """(row id, column, type, text) of every stretch of personal data."""
    places = {"message": 2, "reply": 3}
    return [
        (row_id, column, kind, cells[name][row_id][places[column]][start:end])
        for name, rows in personal.items() for row_id, spans in rows.items() for column, start, end, kind in spans
    ]  # fmt: skip


def texts(stretches, kind: str) -> list[str]:
    """The stretches of one type."""
    return [text for _, _, found, text in stretches if found == kind]


def names_of(phrases: dict, split: str) -> set[str]:
    """The first and last names that a split is written with."""
    return {name for part in phrases["names"][split].values() for name in part}


@pytest.fixture(scope="module")
def phrases() -> dict:
    return json.loads((FOLDER / "phrases.json").read_text(encoding="utf-8"))


def test_generating_again_gives_the_same_bytes(tmp_path):
    generate.write_scenario(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(WRITTEN_FILES)
    for name in WRITTEN_FILES:
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name
        assert (FOLDER / name).stat().st_size < 250_000


def test_counts_are_the_promised_ones(faults, personal, cells):
    assert {name: len(fault["message_ids"]) for name, fault in faults.items()} == EXPECTED_COUNTS
    assert {name: len(rows) for name, rows in cells.items()} == {"messages.csv": 300, "test.csv": 80}
    faulty = {row_id for fault in faults.values() for row_id in fault["message_ids"]}
    assert len(cells["messages.csv"].keys() - faulty) >= 60
    assert sum(not spans for spans in personal["test.csv"].values()) == 20


def test_every_row_is_listed_and_personal_rows_are_those_with_an_entry(faults, personal, cells):
    for name, rows in cells.items():
        assert list(personal[name]) == list(rows)
    assert faults["personal_data"]["message_ids"] == [i for i, spans in personal["messages.csv"].items() if spans]


def test_no_row_has_two_other_faults(faults):
    ids = [i for name, fault in faults.items() if name != "personal_data" for i in fault["message_ids"]]
    assert len(ids) == len(set(ids)) == 30


def test_line_numbers_point_at_the_message_ids(faults):
    lines = (FOLDER / "messages.csv").read_text(encoding="utf-8").splitlines()
    for fault in faults.values():
        for message_id, line in zip(fault["message_ids"], fault["lines"], strict=True):
            assert lines[line - 1].startswith(f"{message_id},")


def test_stretches_are_in_order_and_do_not_overlap(personal):
    for rows in personal.values():
        for spans in rows.values():
            for one, other in zip(spans, spans[1:]):
                assert one[0] != other[0] or one[2] <= other[1]


def test_offsets_hold_the_whole_datum_and_nothing_else(stretches, phrases, cells):
    # A slot's text never begins or ends in the blank or the punctuation around it, nor in a word's middle.
    assert len(stretches) > 1000
    for row_id, _, _, text in stretches:
        assert text == text.strip() and len(text) >= 6, row_id
    known = names_of(phrases, "train") | names_of(phrases, "test")
    for text in texts(stretches, "PERSON"):
        assert any(
            text == f"{first} {text.removeprefix(first + ' ')}" and text.removeprefix(first + " ") in known
            for first in known
        )
    for text in texts(stretches, "ADDRESS"):
        plain = re.sub(r"\d+", "0", text, count=1)
        assert plain in {
            re.sub(r"\d+", "0", p, count=1)
            for split in phrases["places"].values()
            for places in split.values()
            for p in places
        }
    for text in texts(stretches, "BIRTH_DATE"):
        assert re.fullmatch(
            r"\d\d[./]\d\d[./]\d{4}|\d{4}-\d\d-\d\d|\d{1,2}\.? (?:de )?\w+ (?:de )?\d{4}|\w+ \d{1,2}, \d{4}", text
        )


def test_addresses_numbers_and_networks_are_reserved_ones(stretches):
    for kind, form in (("EMAIL", EMAIL), ("PHONE", PHONE), ("IP", DOCUMENTATION)):
        assert texts(stretches, kind) and all(form.fullmatch(text) for text in texts(stretches, kind))


def test_checksums_are_right(stretches):
    assert all(iban.is_valid(text) for text in texts(stretches, "IBAN"))
    assert {text[:2] for text in texts(stretches, "IBAN")} == {"DE", "GB", "FR", "NL", "AT", "CH", "PL", "ES"}
    for text in texts(stretches, "CARD"):
        assert luhn.is_valid(re.sub(r"\D", "", text)) and text in generate.CARDS
    seen = Counter()
    for text in texts(stretches, "NATIONAL_ID"):
        if US_SSN.fullmatch(text):
            seen["us_ssn"] += 1
            continue
        [module] = [module for form, module in NATIONAL_IDS.items() if form.fullmatch(text)]
        assert module.is_valid(text), text
        seen[module.__name__] += 1
    assert len(seen) == 7


def test_nobody_alive_can_have_the_polish_numbers(stretches):
    numbers = [text for text in texts(stretches, "NATIONAL_ID") if re.fullmatch(r"\d{11}", text)]
    assert numbers and all(pl_pesel.get_birth_date(number).year >= 2200 for number in numbers)


def test_personal_data_is_nowhere_outside_its_stretches(personal, cells, phrases):
    names = names_of(phrases, "train") | names_of(phrases, "test")
    named = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in sorted(names, key=len, reverse=True)))
    for name, rows in personal.items():
        for row_id, spans in rows.items():
            for place, column in ((2, "message"), (3, "reply")):
                row = cells[name][row_id]
                text = row[place] if len(row) == 4 else " ".join(row)
                for _, start, end, _ in reversed([span for span in spans if span[0] == column]):
                    text = f"{text[:start]}[]{text[end:]}"
                assert not named.search(text) and "@" not in text and not PHONE.search(text), row_id
                assert not DOCUMENTATION.search(text) and not US_SSN.search(text)


def test_clean_rows_hold_what_only_looks_personal(faults, cells):
    faulty = {row_id for fault in faults.values() for row_id in fault["message_ids"]}
    clean = " ".join(row[2] for row_id, row in cells["messages.csv"].items() if row_id not in faulty)
    assert {"Oliver", "Charlotte", "Newton", "Victoria", "April", "May", "Marcus", "Grace", "Sydney"} <= set(
        re.findall(r"\w+", clean)
    )
    cards = re.findall(r"\b\d{4} \d{4} \d{4} \d{4}\b", clean)
    assert cards and not any(luhn.is_valid(card.replace(" ", "")) for card in cards)
    books = re.findall(r"\b978-[\d-]{13}\b", clean)
    assert books and all(isbn.is_valid(book) for book in books)


def test_a_reply_repeats_the_name_and_one_datum_of_the_message(personal, cells, faults):
    for name, rows in personal.items():
        for row_id, spans in rows.items():
            if not spans or row_id in faults["empty_reply"]["message_ids"]:
                continue
            _, _, message, reply = cells[name][row_id]
            told = {message[start:end]: kind for column, start, end, kind in spans if column == "message"}
            repeated = [reply[start:end] for column, start, end, _ in spans if column == "reply"]
            assert len(set(repeated)) >= 2 and set(repeated) <= told.keys(), row_id
            assert "PERSON" in map(told.get, repeated) and "SECRET" not in map(told.get, repeated)


def test_duplicates_leaks_and_contradictions_repeat_the_row_they_name(faults, cells):
    rows, held_out = cells["messages.csv"], cells["test.csv"]
    for fault, source in (("duplicate", rows), ("test_leak", held_out), ("contradiction", rows)):
        for row_id, other in zip(faults[fault]["message_ids"], faults[fault]["same_message_as"], strict=True):
            assert rows[row_id][2].split() == source[other][2].split()
            assert (rows[row_id][3] == source[other][3]) == (fault != "contradiction")
    exact = [
        rows[i][2] == rows[j][2]
        for i, j in zip(faults["duplicate"]["message_ids"], faults["duplicate"]["same_message_as"])
    ]
    assert sum(exact) == 6


def test_only_planted_copies_repeat_a_message(faults, cells):
    copies = {i for name in ("duplicate", "contradiction", "test_leak") for i in faults[name]["message_ids"]}
    single = [" ".join(row[2].split()) for rows in cells.values() for i, row in rows.items() if i not in copies]
    assert len(single) == len(set(single))


def test_replies_are_empty_and_cell_counts_wrong_only_where_listed(faults, cells):
    rows = cells["messages.csv"]
    assert [i for i, row in rows.items() if row[-1] == ""] == faults["empty_reply"]["message_ids"]
    assert [i for i, row in rows.items() if len(row) != 4] == faults["wrong_cell_count"]["message_ids"]
    assert all(len(row) == 4 for row in cells["test.csv"].values())


def test_reading_sets_aside_just_the_lines_with_a_wrong_cell_count(faults, cells):
    table = read_file(FOLDER / "messages.csv")
    assert [row.line for row in table.quarantine] == faults["wrong_cell_count"]["lines"]
    assert all(list(row.values()) == cells["messages.csv"][row["message_id"]] for _, row in table.rows)


def test_no_phrase_and_no_name_is_in_both_sets(phrases):
    def leaves(value):
        if isinstance(value, str):
            return {value} - {""}
        parts = value.values() if isinstance(value, dict) else value
        return set().union(*map(leaves, parts))

    def messages(split):
        scenes = [{k: v for k, v in part.items() if k != "scenes"} for part in phrases[split].values()]
        bodies = [scene["bodies"] for part in phrases[split].values() for scene in part["scenes"].values()]
        clean = phrases["clean"][split]
        return leaves([scenes, bodies, clean["openers"], clean["closers"], [topic[0] for topic in clean["topics"]]])

    assert not messages("train") & messages("test")
    assert not names_of(phrases, "train") & names_of(phrases, "test")
    assert not leaves(phrases["places"]["train"]) & leaves(phrases["places"]["test"])


def test_readme_tables_equal_the_files(faults, stretches):
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name, fault in faults.items():
        [(count, reason)] = re.findall(rf"^\| `{name}` \| (\d+) \| [^|]+ \| (.+) \|$", readme, re.MULTILINE)
        assert int(count) == len(fault["message_ids"]) and reason == fault["reason"]
    told = re.findall(r"^\| ([A-Z_]+) \| (\d+) \| (\d+) \|$", readme, re.MULTILINE)
    assert {kind: int(train) + int(test) for kind, train, test in told} == Counter(kind for _, _, kind, _ in stretches)


def test_scenario_names_files_columns_and_terms():
    scenario = json.loads((FOLDER / "scenario.json").read_text(encoding="utf-8"))
    assert {scenario["input_column"], scenario["answer_column"]} <= set(generate.HEADER)
    assert all((FOLDER / scenario[key]).is_file() for key in ("train_file", "test_file"))
    assert scenario["scorer"] == "text" and scenario["restricted"] is True and scenario["licence"] == "CC0-1.0"
    assert scenario["legal_basis"] and 0 < scenario["good_enough"] < 1
