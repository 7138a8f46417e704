"""Whole files that can't be used are refused in a sentence."""

import pytest

from workbench.curate.reading import read_file
from workbench.errors import BadInput



@pytest.mark.parametrize(
    "content, words",
    [
        ("input,answer,input\na,b,c\n", "more than one column named 'input' \\(line 1\\)"),
        ("input, input \na,b\n", "more than one column"),
        ("", "empty"),
        (" \n\n\t\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        ("input,output\n", "no row"),
        ("input\na\n", "one column"),
        ("input,output\nonly one\nand another\n", "All 2 were set aside, most because: it has 1 cells"),
        (b"PK\x03\x04\x14\x00\x06\x00", "Excel"),
        (b"PAR1\x15\x04", "Parquet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "rows.csv"),
        (b"\x1f\x8b\x08\x00abc,def\n", "rows.csv"),
        (b"\x80\x04\x95\x10\x00.", "rows.csv"),
    ],
)
def test_a_file_that_can_not_be_used_is_refused_in_a_sentence(read, content, words):
    with pytest.raises(BadInput, match=words) as caught:
        read(content)
    str(caught.value).encode("utf-8")


@pytest.mark.parametrize("content", ["", "\n", "[]", "5\n", '"text"\n', '[{"input": "a", "output": ', "[" * 100_000, '{"input"', "null"])
def test_json_without_one_usable_row_is_refused_in_a_sentence(read, content):
    with pytest.raises(BadInput, match="rows.jsonl"):
        read(content, "rows.jsonl")


def test_a_missing_file_is_refused_with_the_place_it_was_looked_for(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(BadInput, match="looked up from"):
            read_file(path)
