"""Text in any encoding and with any separators: decoded as what it is, and noted."""

import json

import pytest

from workbench.errors import BadInput


GOOD = '{"input": "a", "output": "b"}\n'


def cells(raw):
    return [tuple(row.values()) for _, row in raw.rows]


def lines(raw):
    return [line for line, _ in raw.rows]


def aside(raw):
    return [row.line for row in raw.quarantine]


@pytest.mark.parametrize(
    "encoding, note", [("utf-8", None), ("utf-8-sig", "byte order mark"), ("utf-16", "UTF-16")]
)
def test_the_encoding_is_known_by_its_mark_and_noted(read, encoding, note):
    raw = read("input,output\nGröße,日本\n".encode(encoding))
    assert (raw.columns, cells(raw)) == (("input", "output"), [("Größe", "日本")])
    assert note is None or note in " ".join(raw.notes)


def test_utf_16_of_either_byte_order_is_read(read):
    text = "input,output\nä,b\n"
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        assert cells(read(mark + text.encode(encoding))) == [("ä", "b")]


@pytest.mark.parametrize("damage", [slice(None, -1), slice(None, -3)])
def test_a_utf_16_file_cut_in_the_middle_of_a_character_keeps_its_good_rows_or_is_refused(read, damage):
    try:
        raw = read("input,output\na,b\nc,d\n".encode("utf-16")[damage])
    except BadInput:
        return
    assert ("a", "b") in cells(raw)


def test_one_line_in_another_encoding_is_set_aside_and_the_rest_kept(read):
    raw = read(b"input,output\na,b\ncaf\xe9,c\nGr\xc3\xb6\xc3\x9fe,d\n")
    assert cells(raw) == [("a", "b"), ("Größe", "d")]
    assert (aside(raw), raw.quarantine[0].raw) == ([3], "caf\\udce9,c")
    assert "UTF-8" in raw.quarantine[0].reason


def test_a_byte_order_mark_says_utf_8_whatever_one_line_is_in(read):
    raw = read(b"\xef\xbb\xbfinput,output\na,b\ncaf\xe9,c\n")
    assert (cells(raw), aside(raw), raw.encoding) == ([("a", "b")], [3], "utf-8")


def test_the_same_in_jsonl(read):
    raw = read(GOOD.encode() + b'{"input": "caf\xe9", "output": "c"}\n' + '{"input": "Größe"}\n'.encode(), "rows.jsonl")
    assert (lines(raw), aside(raw)) == ([1, 3], [2])


def test_a_header_in_another_encoding_is_refused_or_made_printable(read):
    try:
        raw = read("Größe,answer\na,b\n".encode("latin-1"))
    except BadInput as error:
        str(error).encode("utf-8")
    else:
        repr(raw).encode("utf-8")
        "".join(raw.columns).encode("utf-8")


@pytest.mark.parametrize("separator, word", [(";", "semicolon"), ("\t", "tab"), ("|", "bar"), (",", None)])
def test_the_separator_is_found_in_the_header_and_noted(read, separator, word):
    text = "".join(other for other in ",;\t|" if other != separator)  # the others are mere text then
    raw = read(f"input{separator}output\n1{text}5{separator}b\n")
    assert (raw.columns, cells(raw)) == (("input", "output"), [(f"1{text}5", "b")])
    assert (word is None and not raw.notes) or word in raw.notes[0]


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\n"])
def test_any_line_ending_will_do_and_cells_have_lf(read, ending):
    raw = read(ending.join(["input,output", '"two', 'lines",b', "c,d", ""]))
    assert cells(raw) == [("two\nlines", "b"), ("c", "d")]
    assert lines(raw) == [2, 4]


def test_other_separators_of_lines_are_part_of_the_text(read):
    odd = "one\x85two\u2028three\x0bfour\x0cfive\x1csix"
    assert cells(read(f"input,output\n{odd},b\n")) == [(odd, "b")]
    raw = read(json.dumps({"input": odd, "output": "b"}, ensure_ascii=False) + "\n", "a.jsonl")
    assert cells(raw) == [(odd, "b")]


def test_nul_characters_are_removed_and_noted(read):
    raw = read("input,output\na\0b,c\n")
    assert cells(raw) == [("ab", "c")] and "NUL" in raw.notes[0]
