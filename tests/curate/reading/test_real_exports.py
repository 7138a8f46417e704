"""Files as programs export them, and files made to do harm: read whole, or refused in a sentence."""

import datetime
import gzip
import json
import os
import re
import tarfile
import zipfile

import datasets
import openpyxl
import pyarrow
import pytest
from pyarrow import parquet

from workbench.curate.reading import archives, encoding_choices, files, guess_columns, read_file, text, to_csv, to_dataset
from workbench.curate.reading.parts import training_parts
from workbench.dataset import Dataset, Example
from workbench.errors import BadInput

ROW = {"input": "q", "answer": "x"}


def cells(raw):
    return [tuple(row.values()) for _, row in raw.rows]


def examples(raw):
    return [(e.messages, e.answer, e.rejected) for e in to_dataset(raw, guess_columns(raw))[0]]


def archive(path, members):
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in members:
            packed.writestr(name, content)
    return path


def patched(path, edit):
    """A workbook of two rows with its sheet's XML edited."""
    book = openpyxl.Workbook()
    for row in (["input", "answer"], ["q", "x"], ["q2", "x2"]):
        book.active.append(row)
    book.save(path.with_suffix(".whole"))
    with zipfile.ZipFile(path.with_suffix(".whole")) as whole:
        return archive(path, [(n, edit(whole.read(n).decode()) if n.endswith("sheet1.xml") else whole.read(n)) for n in whole.namelist()])


# CSV


@pytest.mark.parametrize("first, delimiter", [("sep=;", ";"), ('"sep=|"', "|"), ("sep=\t", "\t"), ("SEP=,", ",")])
def test_a_line_that_names_the_separator_is_no_header(read, first, delimiter):
    raw = read(f"{first}\r\n" + "input;answer\r\na, b;c\r\n".replace(";", delimiter).replace(", ", ""))
    assert (raw.columns, raw.rows[0][0], len(raw.rows)) == (("input", "answer"), 3, 1)
    assert "Line 1 says what separates cells" in " ".join(raw.notes)


def test_a_separator_that_a_person_gives_counts_more_than_the_named_one(read):
    assert cells(read("sep=,\ninput;answer\na,b;c\n", delimiter=";")) == [("a,b", "c")]
    with pytest.raises(BadInput, match="one column"):
        read("sep=;\n")


@pytest.mark.parametrize("header", ["input, answer", '"input", "answer"'])
def test_spaces_before_quotation_marks_are_no_part_of_the_cells(read, header):
    raw = read(f'{header}\nhello, "fine"\nbye, "well, ok"\nplain, cell\n')
    assert cells(raw) == [("hello", "fine"), ("bye", "well, ok"), ("plain", "cell")] and "Spaces stand between" in raw.notes[0]
    assert cells(read('input,answer\n" a","he said, ""hi"""\n b, c\n')) == [(" a", 'he said, "hi"'), (" b", " c")]


def test_separators_inside_a_quoted_column_name_are_not_counted(read):
    assert read('"question, if any, at all";answer\nhi;there\n').columns == ("question, if any, at all", "answer")


# JSON


@pytest.mark.parametrize("between", [",", ",\n", ",\n  "])
@pytest.mark.parametrize("bad", ['{"input":"b","answer":oops}', '{"input":"b","answer":[{"role":oops},{"role":"z"}]}', '{"input":"b",', '{"input":"b"}]'])
def test_a_bad_element_of_an_array_costs_no_other(read, between, bad):
    rows = [json.dumps({"input": f"q{i}", "answer": "x"}) for i in range(60)]
    raw = read("[" + between.join([*rows[:20], bad, *rows[20:40], bad, *rows[40:]]) + "]", "a.json")
    assert [row["input"] for _, row in raw.rows if row["input"] != "b"] == [f"q{i}" for i in range(60)]
    assert len(raw.quarantine) == 2 and all(row.raw for row in raw.quarantine)


def test_behind_an_array_that_ends_in_damage_the_rest_is_set_aside_with_its_text(read):
    raw = read('[{"input":"q","answer":"x"},\n{"input":"q2","answer":', "a.json")
    assert len(raw.rows) == 1 and "nothing after it could be read" in raw.quarantine[0].reason


def test_an_array_of_nothing_but_damage_is_refused_and_so_are_lines_of_it(read):
    bad = ['{"input":"q","answer":oops}'] * 1_100
    with pytest.raises(BadInput, match="more than 1,000 elements"):
        read('[{"input":"q","answer":"x"},' + ",\n".join(bad) + "]", "a.json")
    with pytest.raises(BadInput, match="All 1100 were set aside"):
        read("\n".join(bad), "a.jsonl")


@pytest.mark.parametrize("table", [
    {"input": {"0": "q", "1": "q2"}, "answer": {"0": "x", "1": "x2"}}, {"input": ["q", "q2"], "answer": ["x", "x2"]},
    {"columns": ["input", "answer"], "index": [0, 1], "data": [["q", "x"], ["q2", "x2"]]},
])  # fmt: skip
@pytest.mark.parametrize("indent", [None, 1])
def test_a_table_written_column_by_column_is_read_row_by_row(read, table, indent):
    raw = read(json.dumps(table, indent=indent), "a.json")
    assert cells(raw) == [("q", "x"), ("q2", "x2")] and "column by column" in raw.notes[-1]


def test_one_row_with_objects_in_it_stays_one_row(read):
    for row in ({"input": {"a": 1}, "answer": {"a": 2}}, {"messages": [{"a": 1}], "tools": [{"b": 1}]}, {"input": [1], "answer": [1, 2]}):
        assert [held for _, held in read(json.dumps(row), "a.jsonl").rows] == [row]


def test_parts_of_a_json_file_that_are_not_read_are_named_with_their_size(read):
    raw = read(json.dumps({"train": [ROW], "validation": [ROW] * 3, "version": 1}), "a.json")
    assert len(raw.rows) == 1 and "Not read: 3 objects under 'validation'." in raw.notes


def test_what_is_known_of_a_lines_bytes_is_known_of_the_element_on_it(read):
    half = '[{"input":"q","answer":"x"},{"input":"q2","answer":"y~"}]'.encode("utf-16").replace("~".encode("utf-16-le"), b"\x00\xd8")
    raw = read(half, "a.json")
    assert cells(raw) == [("q", "x")] and "not UTF-16" in raw.quarantine[0].reason
    mixed = '[{"input":"Größe","answer":"x"},\n{"input":"caf~","answer":"y"}]'.encode().replace(b"~", b"\xe9")
    assert "0xE9" in read(mixed, "a.json").quarantine[0].reason
    assert list(read(mixed, "a.json", encoding="repair").changes) == [2]


@pytest.mark.parametrize("content", ['{\n "input":"q",\n "answer":"x"\n}\n{\n "input":"q2",\n "answer":"x2"\n}\n',
                                     '{"input":"q","answer":"x"}{"input":"q2","answer":"x2"}\n'])  # fmt: skip
def test_objects_that_are_not_one_a_line_are_read(read, content):
    raw = read(content, "a.jsonl")
    assert cells(raw) == [("q", "x"), ("q2", "x2")] and raw.notes == ("The file is a run of JSON objects, not one a line; they are numbered as lines.",)


# Turns


def test_lists_of_roles_and_contents_become_turns(read):
    raw = read(json.dumps({"messages": {"role": ["user", "assistant"], "content": ["q", "x"]}}), "a.jsonl")
    data, _ = to_dataset(raw, guess_columns(raw))
    assert examples(raw) == [((("user", "q"),), "x", "")] and "put together" in data.examples[0].provenance["transformations"][0]
    raw = read(json.dumps({"messages": {"role": ["user", "assistant"], "content": ["q"]}}), "a.jsonl")
    assert "no turns" in to_dataset(raw, guess_columns(raw))[1].rows[0].reason


def test_a_function_call_is_a_tool_call(read):
    call = {"name": "weather", "arguments": "{}"}
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": None, "function_call": call}]
    assert json.dumps(call) in examples(read(json.dumps({"messages": turns}), "a.jsonl"))[0][1]


# Workbooks


def test_numbers_read_as_their_format_shows_them_or_are_noted(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["input", "answer"])
    shown = [(0.25, "0%"), (0.255, "0.0%"), (1, "0%"), (1234, "00000"), (12.5, "#,##0.00 €"), (datetime.timedelta(hours=30, seconds=5), "[h]:mm:ss"), (7, "General")]
    for value, code in shown:
        book.active.append(["q", value])
        book.active.cell(book.active.max_row, 2).number_format = code
    book.save(tmp_path / "a.xlsx")
    raw = read_file(tmp_path / "a.xlsx")
    assert [row["answer"] for _, row in raw.rows] == ["25%", "25.5%", "100%", "01234", "12.5", "30:00:05", "7"]
    assert [note for note in raw.notes if "'answer'" in note] == ["Numbers in 'answer' are shown as '#,##0.00 €' in the sheet; they were read as plain numbers."]


def test_a_formula_that_was_saved_as_empty_text_is_a_value(tmp_path):
    for kind, aside in ((' t="str"', 0), ("", 1)):
        cell = f'<c r="B3"{kind}><f>IF(1=2,"x","")</f><v></v></c>'
        raw = read_file(patched(tmp_path / "a.xlsx", lambda xml, cell=cell: re.sub(r'<c r="B3"[^>]*>.*?</c>', cell, xml)))
        assert (len(raw.rows), len(raw.quarantine)) == (2 - aside, aside)


def test_a_row_beyond_the_end_of_a_sheet_is_refused(tmp_path):
    def edit(xml):
        return xml.replace('<row r="3"', '<row r="1000000000000"').replace('"A3"', '"A1000000000000"').replace('"B3"', '"B1000000000000"')

    with pytest.raises(BadInput, match="1,048,576"):
        read_file(patched(tmp_path / "a.xlsx", edit))


# Archives and folders


def test_a_saved_data_set_in_an_archive_is_refused_with_what_to_do(tmp_path):
    members = [("set/state.json", "{}"), ("set/dataset_info.json", "{}"), ("set/data-00000-of-00001.arrow", "x")]
    with pytest.raises(BadInput, match="Unpack it and give the folder"):
        read_file(archive(tmp_path / "a.zip", members))
    with pytest.raises(BadInput, match="no file with rows"):
        read_file(archive(tmp_path / "b.zip", [(f"set/{name}", "{}") for name in files.DESCRIPTIONS]))


def test_a_saved_data_set_below_the_folder_is_named(tmp_path):
    datasets.Dataset.from_list([ROW]).save_to_disk(str(tmp_path / "up" / "set"))
    with pytest.raises(BadInput, match="Give that folder"):
        read_file(tmp_path / "up")


def test_rows_without_a_field_are_refused(read):
    with pytest.raises(BadInput, match="without any field"):
        read("{}\n{}\n", "a.jsonl")


@pytest.mark.parametrize("names, chosen", [
    (["validation", "training"], ["training"]), (["test", "all"], ["all"]), (["validation", "test"], ["validation", "test"]),
    (["train/val.csv", "train/train.csv"], ["train/train.csv"]), (["test/a.csv", "train/a.csv"], ["train/a.csv"]),
    (["train/test.csv", "train/rows.csv"], ["train/rows.csv"]), (["a/dev.csv", "a/rows.csv"], ["a/rows.csv"]),
])  # fmt: skip
def test_the_training_part_is_told_by_its_own_name_before_its_folders(names, chosen):
    assert training_parts(names) == chosen


def test_the_training_part_is_read_whatever_it_is_called(tmp_path):
    held = {name: datasets.Dataset.from_list([{**ROW, "input": name}]) for name in ("validation", "training")}
    datasets.DatasetDict(held).save_to_disk(str(tmp_path / "set"))
    assert cells(read_file(tmp_path / "set")) == [("training", "x")]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_stands_twice_in_an_archive_is_refused(tmp_path):
    with pytest.raises(BadInput, match="more than one member named 'a.csv'"):
        read_file(archive(tmp_path / "a.zip", [("a.csv", "input,answer\nq,x\n"), ("a.csv", "input,answer\nq2,x2\n")]))


def test_a_linked_folder_is_refused_or_named(tmp_path):
    for name in ("set", "other"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "a.csv").write_text("input,answer\nq,x\n", encoding="utf-8")
    os.symlink(tmp_path / "set" / "deep", tmp_path / "set" / "again")
    assert "Links to folders were not followed: again." in read_file(tmp_path / "set").notes
    os.symlink(tmp_path / "other", tmp_path / "set" / "out")
    with pytest.raises(BadInput, match="leads out of the folder"):
        read_file(tmp_path / "set")


def test_one_empty_file_costs_no_other(tmp_path):
    raw = read_file(archive(tmp_path / "a.zip", [("a.csv", ""), ("b.csv", "input,answer\nq,x\n")]))
    assert cells(raw) == [("q", "x")] and "a.zip/a.csv is empty and was left out." in raw.notes
    with pytest.raises(BadInput, match="is empty"):
        read_file(archive(tmp_path / "b.zip", [("a.csv", ""), ("b.csv", " ")]))


def test_lines_set_aside_are_counted_on_from_file_to_file(tmp_path):
    raw = read_file(archive(tmp_path / "a.zip", [(f"{name}.csv", "input,answer\nbroken\nq,x\n") for name in "ab"]))
    assert ([line for line, _ in raw.rows], [row.line for row in raw.quarantine]) == ([3, 6], [2, 5])


# Bounds


def test_text_that_is_stored_once_and_said_often_does_not_fill_the_memory(tmp_path):
    said = pyarrow.array(["a" * 900_000] * 200).dictionary_encode()
    parquet.write_table(pyarrow.table({"input": said, "answer": ["x"] * 200}), tmp_path / "a.parquet", compression="zstd")
    assert (tmp_path / "a.parquet").stat().st_size < 2_000
    with pytest.raises(BadInput, match="none fills the memory"):
        read_file(tmp_path / "a.parquet")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_a_long_header_in_a_tar_is_not_read(tmp_path, kind):
    header = tarfile.TarInfo("long")
    header.type, header.size = kind, archives.LARGEST_HEADER + 1
    with gzip.open(tmp_path / "a.tar.gz", "wb") as stream:
        stream.write(header.tobuf(tarfile.USTAR_FORMAT) + bytes(512))
    with pytest.raises(BadInput, match="header has 1,000,001 bytes"):
        read_file(tmp_path / "a.tar.gz")


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text("input,answer\nq,x\n", encoding="utf-8")
    monkeypatch.setattr(text, "LARGEST_TEXT", 5)
    monkeypatch.setattr(files.Path, "read_bytes", lambda path: pytest.fail("it was read"))
    for look in (read_file, encoding_choices):
        with pytest.raises(BadInput, match="at most 5 are read"):
            look(tmp_path / "a.csv")


def test_what_the_system_says_against_reading_comes_in_a_sentence(tmp_path, monkeypatch):
    for look in (read_file, files.read_source, files.source_files):
        with pytest.raises(BadInput, match="can't be read"):
            look(tmp_path / ("a" * 300))
    (tmp_path / "a.csv").write_text("input,answer\nq,x\n", encoding="utf-8")

    def vanished(path):
        raise FileNotFoundError(2, "No such file or directory", str(path))

    monkeypatch.setattr(files, "file_sha256", vanished)
    with pytest.raises(BadInput, match="can't be read"):
        read_file(tmp_path / "a.csv")


def test_a_damaged_description_is_called_a_damaged_data_set(tmp_path):
    (tmp_path / "state.json").write_text("no json", encoding="utf-8")
    with pytest.raises(BadInput, match="damaged data set"):
        read_file(tmp_path)


# Tables of this workbench

TALK = Dataset("all", (Example("r1", (("user", "q"),), "x"), Example("r2", (("user", "a"), ("assistant", "b"), ("user", "=c")), "d"),
                       Example("r3", (("system", "s"), ("user", "c")), "d")))  # fmt: skip
PAIRS = Dataset("all", (Example("r1", (("user", "q"),), "good", {}, "bad"), Example("r2", (("system", "s"), ("user", "q2")), "good", {}, "bad")))


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
@pytest.mark.parametrize("data", [TALK, PAIRS], ids=["conversations", "pairs"])
def test_a_table_that_was_written_reads_back_as_the_same_rows(tmp_path, data, ending):
    raw = read_file(to_csv(data, tmp_path / f"a.{ending}").path)
    assert examples(raw) == [(e.messages, e.answer, e.rejected) for e in data]


def test_an_input_changed_in_the_table_and_not_in_its_turns_is_set_aside(tmp_path):
    path = to_csv(TALK, tmp_path / "a.csv").path
    path.write_text(path.read_text(encoding="utf-8").replace("r3,c,", "r3,other,"), encoding="utf-8")
    raw = read_file(path)
    assert "not the last turn" in to_dataset(raw, guess_columns(raw))[1].rows[0].reason


def test_answers_beside_rejected_ones_are_preference_pairs(read):
    assert examples(read("input,answer,rejected\nq,good,bad\n")) == [((("user", "q"),), "good", "bad")]


def test_characters_that_a_workbook_can_not_hold_are_counted(tmp_path):
    data = Dataset("all", (Example("r1", (("user", "a\x01b\x02"),), "x"),))
    assert "2 characters" in to_csv(data, tmp_path / "a.xlsx").note and to_csv(data, tmp_path / "a.csv").note == "No cell was changed."
