"""Workbooks, Parquet files, data sets in folders: the same rows as text files have, and the same care."""

import datetime
import decimal
import json
import zipfile

import datasets
import openpyxl
import pyarrow
import pytest
from pyarrow import parquet

from workbench.curate.reading import guess_columns, read_file, read_source, to_dataset
from workbench.errors import BadInput, Prerequisite
from workbench.files import file_sha256
from workbench.runtime import hub_reachable

USER, ASSISTANT = {"role": "user", "content": "q"}, {"role": "assistant", "content": "x"}


def cells(raw):
    return [tuple(row.values()) for _, row in raw.rows]


def workbook(path, *rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


# Workbooks


def test_a_sheet_may_begin_late_and_have_wide_and_empty_rows(tmp_path):
    raw = read_file(workbook(tmp_path / "a.xlsx", [], [None, None], ["input", "output", None], ["a", 7.25], [None], ["b", None], ["c", "d", "e"], ["input", "output"]))
    assert (raw.columns, raw.rows) == (("input", "output"), ((4, {"input": "a", "output": "7.25"}), (6, {"input": "b", "output": ""})))
    assert [(row.line, row.reason) for row in raw.quarantine] == [(7, "it has 3 cells, the header has 2"), (8, "it repeats the header")]


def test_dates_and_times_are_iso_text(tmp_path):
    day, moment = datetime.date(2026, 2, 1), datetime.datetime(2026, 2, 1, 9, 5)
    raw = read_file(workbook(tmp_path / "a.xlsx", ["input", "output"], [day, moment], [datetime.time(9, 5), "007"]))
    assert cells(raw) == [("2026-02-01", "2026-02-01T09:05:00"), ("09:05:00", "007")]


def test_an_error_in_a_cell_costs_its_row(tmp_path):
    path = workbook(tmp_path / "a.xlsx", ["input", "output"], ["a", "#N/A"], ["b", "c"])
    book = openpyxl.load_workbook(path)
    book.active["B2"].data_type = "e"
    book.save(path)
    raw = read_file(path)
    assert cells(raw) == [("b", "c")] and "error #N/A" in raw.quarantine[0].reason


@pytest.mark.parametrize("rows, words", [([], "no visible sheet"), ([["input"], ["a"]], "1 columns"), ([["input", "output"]], "no row")])
def test_a_workbook_without_rows_is_refused(tmp_path, rows, words):
    with pytest.raises(BadInput, match=words):
        read_file(workbook(tmp_path / "a.xlsx", *rows))


@pytest.mark.parametrize("name, content", [("a.xls", b"\xd0\xcf\x11\xe0"), ("a.ods", b"PK\x03\x04"), ("a.xlsx", b"\xd0\xcf\x11\xe0" + bytes(600)),
                                           ("a.xlsx", b"input,output\n"), ("a.csv", b"\xd0\xcf\x11\xe0")])  # fmt: skip
def test_what_is_no_xlsx_is_refused_with_what_to_do(read, name, content):
    with pytest.raises(BadInput, match=r"as \.xlsx|as CSV"):
        read(content, name)


# Parquet


def test_parquet_holds_nested_conversations_and_plain_values(tmp_path):
    rows = [{"messages": [USER, ASSISTANT], "id": 1}, {"messages": [{**USER, "content": "q2"}, ASSISTANT], "id": 2}]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "a.parquet")
    raw = read_file(tmp_path / "a.parquet")
    data, quarantine = to_dataset(raw, guess_columns(raw))
    assert [(e.input, e.answer, e.row_id) for e in data] == [("q", "x", "line-1"), ("q2", "x", "line-2")] and not len(quarantine)


def test_values_that_json_has_no_word_for_become_text_or_cost_their_row(tmp_path):
    table = pyarrow.table({
        "input": ["a", "b", "c", "d"],
        "when": [datetime.datetime(2026, 1, 2), None, None, None],
        "price": pyarrow.array([decimal.Decimal("1.50"), None, None, None], pyarrow.decimal128(5, 2)),
        "score": [float("nan"), 1.5, float("inf"), None],
        "raw": [None, None, None, b"\xff"],
    })  # fmt: skip
    parquet.write_table(table, tmp_path / "a.parquet")
    raw = read_file(tmp_path / "a.parquet")
    assert cells(raw) == [("a", "2026-01-02T00:00:00", "1.50", None, None), ("b", None, None, 1.5, None)]
    assert ["infinity" in row.reason or "bytes" in row.reason for row in raw.quarantine] == [True, True]


def labelled():
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["refund", "praise"])})
    return datasets.Dataset.from_dict({"text": ["a", "b"], "label": [1, 0]}, features=features)


@pytest.mark.parametrize("save", ["to_parquet", "save_to_disk"])
def test_class_numbers_become_the_names_that_the_file_gives_them(tmp_path, save):
    path = tmp_path / ("a.parquet" if save == "to_parquet" else "a")
    getattr(labelled(), save)(str(path))
    raw = read_file(path)
    data, _ = to_dataset(raw, guess_columns(raw))
    assert [e.answer for e in data] == ["praise", "refund"] and "replaced by the names" in " ".join(raw.notes)


# Folders


def test_the_training_part_of_a_saved_data_set_is_read(tmp_path):
    datasets.DatasetDict({"test": labelled().select([0]), "train": labelled()}).save_to_disk(str(tmp_path / "set"))
    raw = read_file(tmp_path / "set")
    assert len(raw.rows) == 2 and "not read: test" in " ".join(raw.notes)
    assert read_file(tmp_path / "set").sha256 == raw.sha256 and len(raw.sha256) == 64


def test_a_saved_data_set_with_nested_turns_is_read(tmp_path):
    datasets.Dataset.from_list([{"messages": [USER, ASSISTANT]}] * 2).save_to_disk(str(tmp_path / "set"))
    raw = read_file(tmp_path / "set")
    assert [e.answer for e in to_dataset(raw, guess_columns(raw))[0]] == ["x", "x"]


@pytest.mark.parametrize("file, told", [
    ("state.json", {"_data_files": [{"filename": "../other/data-00000-of-00001.arrow"}]}), ("state.json", {"_data_files": [5]}),
    ("dataset_dict.json", {"splits": ["../other"]}), ("state.json", []),
])  # fmt: skip
def test_a_saved_data_set_that_names_files_outside_itself_is_not_read(tmp_path, file, told):
    for name in ("set", "other"):
        labelled().save_to_disk(str(tmp_path / name))
    (tmp_path / "set" / file).write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(BadInput, match="outside itself|damaged"):
        read_file(tmp_path / "set")


def test_sheets_and_parquet_are_read_out_of_an_archive(tmp_path):
    parquet.write_table(pyarrow.table({"input": ["a"], "output": ["b"]}), tmp_path / "a.parquet")
    workbook(tmp_path / "a.xlsx", ["input", "output"], ["a", None], ["c", "d"])
    for name, count in (("a.parquet", 1), ("a.xlsx", 2)):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            archive.write(tmp_path / name, f"data/{name}")
        raw = read_file(tmp_path / f"{name}.zip")
        assert (len(raw.rows), raw.sha256) == (count, file_sha256(tmp_path / f"{name}.zip"))


def test_the_training_files_of_a_downloaded_folder_are_read_as_one(tmp_path):
    (tmp_path / "data").mkdir()
    for name, text in (("train-00000-of-00002", "a"), ("train-00001-of-00002", "b"), ("test-00000-of-00001", "c")):
        rows = json.dumps({"input": text, "output": text}) + "\n"
        (tmp_path / "data" / f"{name}.jsonl").write_text(rows + "broken\n" + rows, encoding="utf-8")
    (tmp_path / "README.md").write_text("x", encoding="utf-8")
    raw = read_file(tmp_path)
    assert [(line, row["input"]) for line, row in raw.rows] == [(1, "a"), (3, "a"), (4, "b"), (6, "b")]
    assert [(row.file, row.line) for row in raw.quarantine] == [("data/train-00000-of-00002.jsonl", 2), ("data/train-00001-of-00002.jsonl", 5)]
    assert "Not read: data/test-00000-of-00001.jsonl." in raw.notes


def test_a_folder_of_several_kinds_and_a_link_out_of_it_are_refused(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "a.csv").write_text("input,output\na,b\n", encoding="utf-8")
    assert len(read_file(folder).rows) == 1
    (folder / "b.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(BadInput, match="several kinds.*a.csv, b.jsonl"):
        read_file(folder)
    (folder / "b.jsonl").unlink()
    (tmp_path / "secret.csv").write_text("input,output\na,b\n", encoding="utf-8")
    (folder / "b.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(BadInput, match="leads out of the folder"):
        read_file(folder)


# The hub


def test_a_hub_id_without_a_hub_is_refused_with_what_to_do(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(Prerequisite, match="someone/some-data is no file or folder here"):
        read_source("someone/some-data")


def test_what_can_not_be_a_hub_id_is_a_path(tmp_path):
    for reference in (tmp_path / "none.csv", "data/none.csv", "no slash", "../up/there"):
        with pytest.raises(BadInput, match="There is no file"):
            read_source(reference)
    (tmp_path / "a.csv").write_text("input,output\na,b\n", encoding="utf-8")
    assert len(read_source(tmp_path / "a.csv").rows) == 1


@pytest.mark.skipif(not hub_reachable(), reason="no hub can be reached from this machine")
def test_a_data_set_is_read_from_the_hub():
    raw = read_source("trl-lib/Capybara")
    assert len(raw.rows) > 1_000 and len(raw.sha256) == 64 and guess_columns(raw).messages == "messages"
