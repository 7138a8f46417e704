"""Rows read and rows set aside are together the rows of the file."""

import json
import random
import re
import tarfile
import zipfile
from collections import Counter

import openpyxl
import pyarrow
import pytest
from pyarrow import parquet

from workbench.curate.reading import ColumnGuess, RawTable, guess_columns, read_file, to_dataset
from workbench.dataset import Dataset
from workbench.errors import BadInput


PAIR = ColumnGuess("input", "output", "", "")


CSV_ROWS = {
    "good": "{m} text,{m}",
    "more than ASCII": "{m} Größe,{m}",
    "quoted": '"{m} text, and more",{m}',
    "two lines": '"{m} first\nsecond",{m}',
    "extra": "{m},b,c",
    "missing": "{m}",
    "unclosed": '{m},"open',
    "header": "input,output",
    "blank": "",
    "bytes": "{m} caf\udce9,b",
    "no input": " ,{m}",
}
JSON_ROWS = {
    "good": '{{"input": "{m}", "output": "{m}"}}',
    "more than ASCII": '{{"input": "{m} Größe", "output": "{m}"}}',
    "comma": '{{"input": "{m}", "output": "{m}"}},',
    "cut": '{{"input": "{m}", "outp',
    "nan": '{{"input": "{m}", "output": NaN}}',
    "twice": '{{"input": "{m}", "input": "{m}"}}',
    "list": '["{m}"]',
    "blank": "  ",
    "bytes": '{{"input": "{m} caf\udce9", "output": "b"}}',
    "no input": '{{"output": "{m}"}}',
}


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name, kinds", [("rows.csv", CSV_ROWS), ("rows.jsonl", JSON_ROWS)])
def test_no_row_is_lost_silently_whatever_stands_beside_it(read, name, kinds, seed):
    """Every row carries a mark of its own; each mark comes out in the data set or in quarantine."""
    drawn = ["more than ASCII", *random.Random(seed).choices(list(kinds), k=60)]
    rows = [kinds[kind].format(m=f"mark{i}") for i, kind in enumerate(drawn)]
    content = "\n".join([*(["input,output"] if kinds is CSV_ROWS else []), *rows]) + "\n"
    raw = read(content.encode("utf-8", "surrogateescape"), name)
    data, quarantine = to_dataset(raw, PAIR)
    read_marks = {m for e in data for m in re.findall(r"mark\d+", f"{e.input} {e.answer}")}
    set_aside = {m for q in quarantine for m in re.findall(r"mark\d+", q.raw)}
    marks = {f"mark{i}" for i, kind in enumerate(drawn) if "{m}" in kinds[kind]}
    usable = {f"mark{i}" for i, kind in enumerate(drawn) if kind in ("good", "more than ASCII", "quoted", "two lines", "comma")}
    assert read_marks == usable and set_aside == marks - usable
    assert len(data) + len(quarantine) == sum(kind != "blank" for kind in drawn)


def test_a_quotation_mark_inside_a_cell_is_text(tmp_path):
    (tmp_path / "a.csv").write_text('said;label\n5" screen broken;refund\nfine;praise\n', encoding="utf-8")
    raw = read_file(tmp_path / "a.csv")
    assert [cells["said"] for _, cells in raw.rows] == ['5" screen broken', "fine"]
    assert raw.quarantine == ()


SHEET_ROWS = {"good": ["{m}", "b"], "wide": ["{m}", "b", "c"], "short": ["{m}"], "formula": ["{m}", "=1+1"], "number": ["{m}", 5.0],
              "header": ["input", "output"], "blank": [None, None]}  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_no_row_of_a_sheet_is_lost_silently(tmp_path, seed):
    drawn = ["good", *random.Random(seed).choices(list(SHEET_ROWS), k=60)]
    book = openpyxl.Workbook()
    book.active.append(["input", "output"])
    for i, kind in enumerate(drawn):
        book.active.append([cell.format(m=f"mark{i}") if isinstance(cell, str) else cell for cell in SHEET_ROWS[kind]])
    book.save(tmp_path / "a.xlsx")
    raw = read_file(tmp_path / "a.xlsx")
    assert {line for line, _ in raw.rows} == {i + 2 for i, kind in enumerate(drawn) if kind in ("good", "short", "number")}
    assert {row.line for row in raw.quarantine} == {i + 2 for i, kind in enumerate(drawn) if kind in ("wide", "formula", "header")}


@pytest.mark.parametrize("seed", range(6))
def test_no_element_of_an_array_is_lost_silently(read, seed):
    kinds = {"good": '{{"input": "{m}", "output": "b"}}', "nan": '{{"input": "{m}", "output": NaN}}', "number": "5",
             "twice": '{{"input": "{m}", "input": "b"}}', "text": '"{m}"'}  # fmt: skip
    drawn = ["good", *random.Random(seed).choices(list(kinds), k=60)]
    raw = read("[" + ",\n".join(kinds[kind].format(m=f"mark{i}") for i, kind in enumerate(drawn)) + "]", "rows.json")
    assert [line for line, _ in raw.rows] == [i for i, kind in enumerate(drawn, start=1) if kind == "good"]
    assert len(raw.rows) + len(raw.quarantine) == len(drawn)


# Damage

TURNS = [{"role": "user", "content": "Größe"}, {"role": "assistant", "content": "x"}]
PIECES = [b'"', b"\n", b"\r", b"\0", b",", b"{", b"}", b"[", b"]", b"\\ud800", b"\\u0000", b"\xff", b"\xe9", b"null", b"NaN", b"5", b"true"]


def whole_files(folder):
    """One good file of every kind."""
    (folder / "a.csv").write_text('input,output\n"a, ""b""\nc",d\nGröße,y\n' * 3, encoding="utf-8")
    (folder / "b.csv").write_bytes("input;output\ncafé;d\nGröße;y\n".encode("cp1252"))
    (folder / "c.csv").write_bytes("input,output\nGröße,d\n".encode("utf-16"))
    (folder / "a.jsonl").write_text(f"{json.dumps({'messages': TURNS}, ensure_ascii=False)}\n" * 5, encoding="utf-8")
    (folder / "a.json").write_text(json.dumps([{"prompt": "q", "chosen": TURNS, "rejected": "y"}] * 5), encoding="utf-8")
    parquet.write_table(pyarrow.Table.from_pylist([{"messages": TURNS}] * 5), folder / "a.parquet")
    book = openpyxl.Workbook()
    for row in (["input", "output"], ["a", "=1+1"], ["b", None]):
        book.active.append(row)
    book.save(folder / "a.xlsx")
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.write(folder / "a.csv", "a.csv")
    with tarfile.open(folder / "a.tar.gz", "w:gz") as archive:
        archive.add(folder / "a.csv", "a.csv")
    return sorted(folder.iterdir())


def damaged(content, chance):
    """The content with some of its bytes changed, left out, doubled or added."""
    for _ in range(chance.choice([1, 2, 5, 20])):
        at = chance.randrange(len(content) + 1)
        start, end = content[:at], content[at:]
        content = chance.choice([
            start + chance.choice(PIECES) + end, start + bytes([chance.randrange(256)]) + end[1:],
            start + end[chance.choice([1, 5, 50]) :], start + end[:40] + end, start,
        ])  # fmt: skip
    return content


def test_a_damaged_file_of_any_kind_is_read_or_refused_in_a_sentence_and_no_row_is_lost(tmp_path):
    chance = random.Random(7)
    (tmp_path / "whole").mkdir()
    outcomes = Counter()
    for whole in whole_files(tmp_path / "whole"):
        for _ in range(60):
            path = tmp_path / whole.name
            path.write_bytes(damaged(whole.read_bytes(), chance))
            try:
                raw = read_file(path)
                data, quarantine = to_dataset(raw, guess_columns(raw))
            except BadInput as error:
                outcomes["refused"] += bool(str(error).encode("utf-8"))
                continue
            outcomes["read"] += 1
            assert len(data) + len(quarantine) == len(raw.rows) + len(raw.quarantine)
            assert RawTable.load(raw.save(tmp_path / "raw.json")) == raw
            assert Dataset.load(data.save(tmp_path / "all.jsonl")) == data
            quarantine.save(tmp_path / "quarantine.json")
    assert min(outcomes["read"], outcomes["refused"]) > 50
