"""Files that nobody prepared: good rows are kept as text, bad ones set aside with line and reason, none lost."""

import json
import random
import re

import pytest

from workbench.curate.reading import ColumnGuess, guess_columns, read_file, to_dataset
from workbench.errors import BadInput
from workbench.files import file_sha256

HEADER = "input,output\n"
GOOD = '{"input": "a", "output": "b"}\n'
USER, ASSISTANT = {"role": "user", "content": "q"}, {"role": "assistant", "content": "x"}
PAIR = ColumnGuess("input", "output", "", "")


@pytest.fixture
def read(tmp_path):
    """Write a file and read it with the workbench."""

    def write_and_read(content, name="rows.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return read_file(path)

    return write_and_read


def cells(raw):
    return [tuple(row.values()) for _, row in raw.rows]


def lines(raw):
    return [line for line, _ in raw.rows]


def aside(raw):
    return [row.line for row in raw.quarantine]


# Encodings and separators


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


def test_the_same_in_jsonl(read):
    raw = read(GOOD.encode() + b'{"input": "caf\xe9", "output": "c"}\n' + GOOD.encode(), "rows.jsonl")
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


# CSV


@pytest.mark.parametrize("text", ["NA", "null", "None", "NaN", "007", "1e5", "TRUE", "1.0", "=1+1", "-", " padded ", "01/02/2026"])
def test_a_cell_is_kept_as_the_text_it_is(read, text):
    assert cells(read(f"input,output\n{text},{text}\n")) == [(text, text)]


def test_quoted_cells_hold_line_breaks_separators_and_quotes(read):
    raw = read('input,output\n"a, ""b""\n\nc",d\ne,f\n')
    assert cells(raw) == [('a, "b"\n\nc', "d"), ("e", "f")]
    assert lines(raw) == [2, 5]


@pytest.mark.parametrize(
    "broken", ['"open,x', 'x,"open', '"open,x,y', 'x,"he said ""no']
)
@pytest.mark.parametrize("after", ["c,d\ne,f\n", 'c,"d"\n"e",f\n', '"c",d\ne,"f"', '"c\nc2",d\n"e, e",f\n'])
def test_a_quote_that_is_never_closed_costs_one_row_only(read, broken, after):
    raw = read(f"input,output\na,b\n{broken}\n{after}")
    assert aside(raw) == [3] and raw.quarantine[0].raw == broken
    assert "never closed" in raw.quarantine[0].reason
    assert len(raw.rows) == 3


def test_a_quote_closed_too_early_is_not_called_unclosed(read):
    raw = read('input,output\n"He said" hi,b\nc,d\n')
    assert aside(raw) == [2]
    assert "never closed" not in raw.quarantine[0].reason


@pytest.mark.parametrize(
    "row, reason",
    [
        ("only one", "it has 1 cells, the header has 2"),
        ("one,two,three", "it has 3 cells, the header has 2"),
        ("input,output", "it repeats the header"),
        (f"x,{'y' * 1_000_001}", "a cell is longer than 1,000,000 characters"),
    ],
)
def test_a_row_that_does_not_fit_is_set_aside_with_its_line_and_reason(read, row, reason):
    raw = read(f"input,output\na,b\n{row}\nc,d\n")
    assert cells(raw) == [("a", "b"), ("c", "d")]
    assert [(q.file, q.line, q.reason) for q in raw.quarantine] == [("rows.csv", 3, reason)]
    assert row.startswith(raw.quarantine[0].raw) and len(raw.quarantine[0].raw) <= 2000


def test_a_long_cell_within_the_limit_is_read(read):
    assert cells(read(f"input,output\na,{'y' * 300_000}\n")) == [("a", "y" * 300_000)]


def test_blank_lines_are_no_rows_but_count_as_lines(read):
    raw = read("\ninput,output\n\n  \na,b\n\nc,d\n\n")
    assert (lines(raw), aside(raw)) == ([5, 7], [])


def test_a_last_line_without_an_ending_is_read(read):
    assert cells(read("input,output\na,b\nc,d")) == [("a", "b"), ("c", "d")]


# Whole files that are refused


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


# JSON


@pytest.mark.parametrize(
    "row, reason",
    [
        ('{"input": "a", "output": NaN}', "NaN is not JSON"),
        ('{"input": "a", "output": Infinity}', "Infinity is not JSON"),
        ('{"input": "a", "output": [-Infinity]}', "-Infinity is not JSON"),
        ('{"input": "a", "input": "c", "output": "b"}', "a key occurs twice"),
        ('{"input": "a", "output": {"k": 1, "k": 2}}', "a key occurs twice"),
        ("{'input': 'a', 'output': 'b'}", "not valid JSON"),
        ('{"input": "a", "output": ' + "[" * 100_000 + "]" * 100_000 + "}", "recursion"),
        ('["a", "b"]', "it is a list"),
        ("null", "NoneType"),
        ('{"input": "half \\ud800", "output": "b"}', "half characters"),
        ('{"input": "a", "outp', "not valid JSON"),
    ],
)
def test_a_bad_json_row_is_set_aside_with_its_line_and_reason(read, row, reason):
    for content in (GOOD + row + "\n" + GOOD, GOOD + GOOD.strip() + "\n" + row):
        raw = read(content, "rows.jsonl")
        assert len(raw.rows) == 2
        (only,) = raw.quarantine
        assert only.line == content.split("\n").index(row) + 1
        assert reason in only.reason
        assert row.startswith(only.raw) and len(only.raw) <= 2000


def test_json_of_any_depth_is_read_or_set_aside(read):
    depths = range(500, 1200)
    rows = "".join('{"input": "a", "output": ' + "[" * n + "]" * n + "}\n" for n in depths)
    raw = read(GOOD + rows, "rows.jsonl")
    data, quarantine = to_dataset(raw, PAIR)
    assert len(data) + len(quarantine) == 1 + len(depths)


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.ndjson", "rows.txt"])
def test_a_json_array_is_read_whatever_its_name(read, name):
    raw = read('\n [{"input": "a", "output": "b"},\n {"input": "c", "output": "d"}, 5]\n', name)
    assert cells(raw) == [("a", "b"), ("c", "d")]
    assert (aside(raw), "JSON array" in raw.notes[0]) == ([3], True)


def test_blank_lines_and_trailing_commas_in_jsonl_do_no_harm(read):
    raw = read("\n" + GOOD.strip() + ",\r\n\r\n   \n" + GOOD.strip() + " , \n" + GOOD.strip(), "rows.jsonl")
    assert (lines(raw), aside(raw)) == ([2, 5, 6], [])


def test_columns_are_all_fields_in_order_of_appearance(read):
    raw = read('{"b": 1, "a": 2}\n{"a": 1, "c": 3}\n', "rows.jsonl")
    assert raw.columns == ("b", "a", "c")
    assert raw.table().shape == (2, 3)


# Columns


@pytest.mark.parametrize(
    "columns, chosen",
    [
        ("input,output", ("input", "output")),
        ("answer,question", ("question", "answer")),
        ("ID,Question,Answer", ("Question", "Answer")),
        ("ticket_id,received,ticket,answer", ("ticket", "answer")),
        ("customer message,our reply", ("customer message", "our reply")),
        ("ticket_id,body,answer", ("body", "answer")),
        ("long_text_column,b", ("long_text_column", "b")),
        ("prompt,completion,source", ("prompt", "completion")),
        ("text,label", ("text", "label")),
    ],
)
def test_columns_are_guessed_by_name_and_an_id_is_no_text(read, columns, chosen):
    names = columns.split(",")
    rows = [",".join(str(i) if name.lower().endswith("id") else f"{i} is a text" for name in names) for i in range(3)]
    raw = read("\n".join([columns, *rows]))
    guess = guess_columns(raw)
    assert (guess.input, guess.answer) == chosen
    assert guess.reason.endswith((".", "check."))


def test_where_names_say_nothing_the_longest_text_is_the_input(read):
    guess = guess_columns(read("x,y,z\n1,a long text in the middle,b\n2,another long text,c\n"))
    assert (guess.input, guess.answer) == ("y", "z")
    assert "please check" in guess.reason


def test_one_field_is_too_few(read):
    with pytest.raises(BadInput, match="one field"):
        guess_columns(read('{"text": "a"}\n', "rows.jsonl"))


def test_a_column_that_is_not_there_is_refused_with_those_that_are(read):
    with pytest.raises(BadInput, match="'reply'.*input, output"):
        to_dataset(read(HEADER + "a,b\n"), ColumnGuess("input", "reply", "", ""))


# Examples


def test_a_row_knows_its_file_line_and_hash(read, tmp_path):
    data, _ = to_dataset(read(HEADER + "a,b\n\n c , d \n"), PAIR, "train")
    assert [(e.row_id, e.input, e.answer) for e in data] == [("line-2", "a", "b"), ("line-4", "c", "d")]
    assert data.name == "train"
    assert data.examples[1].provenance == {
        "source": "rows.csv", "line": 4, "sha256": file_sha256(tmp_path / "rows.csv"), "transformations": [],
    }


def test_an_empty_input_is_set_aside_and_an_empty_answer_kept_for_the_checks(read):
    data, quarantine = to_dataset(read(HEADER + ",b\nc,\n  ,d\ne,f\n"), PAIR)
    assert [(e.input, e.answer) for e in data] == [("c", ""), ("e", "f")]
    assert [(q.line, q.reason) for q in quarantine] == [(2, "its input is empty"), (4, "its input is empty")]


def test_rows_set_aside_at_either_step_come_in_order_of_lines(read):
    _, quarantine = to_dataset(read(HEADER + "only one\n,b\na,b,c\n,d\ne,f\n"), PAIR)
    assert [q.line for q in quarantine] == [2, 3, 4, 5]


def test_the_list_of_rows_set_aside_shows_reasons_and_no_text(read):
    _, quarantine = to_dataset(read(HEADER + "a,b\njane@example.org,<b>,c\n"), PAIR)
    assert repr(quarantine) == "1 rows set aside" and list(quarantine)[0].raw == "jane@example.org,<b>,c"
    html = quarantine._repr_html_()
    assert "it has 3 cells" in html and "jane" not in html and "<b>" not in html


def test_an_answer_that_is_an_object_becomes_its_json(read):
    data, _ = to_dataset(read('{"input": "a", "output": {"k": "ä", "n": null}}\n', "rows.jsonl"), PAIR)
    assert data.examples[0].answer == '{"k": "ä", "n": null}'


# Conversations


def conversations(read, *values, column="messages"):
    content = "".join(json.dumps({column: value}) + "\n" for value in ([USER, ASSISTANT], *values))
    raw = read(content, "rows.jsonl")
    data, quarantine = to_dataset(raw, guess_columns(raw))
    assert len(data) + len(quarantine) == 1 + len(values)
    assert data.examples[0].messages == (("user", "q"),)
    return data.examples[1:], list(quarantine)


SYSTEM = {"role": "system", "content": "s"}
SHARED = [{"from": "system", "value": "s"}, {"from": "human", "value": "q"}, {"from": "gpt", "value": "x"}]


@pytest.mark.parametrize("column", ["messages", "conversations"])
@pytest.mark.parametrize(
    "value, turns, answer",
    [
        ([SYSTEM, USER, ASSISTANT], (("system", "s"), ("user", "q")), "x"),
        ([USER, ASSISTANT, USER, ASSISTANT], (("user", "q"), ("assistant", "x"), ("user", "q")), "x"),
        (SHARED, (("system", "s"), ("user", "q")), "x"),
        (json.dumps([USER, ASSISTANT]), (("user", "q"),), "x"),
        ([USER, {"role": "assistant", "content": ""}], (("user", "q"),), ""),
    ],
)
def test_conversations_of_the_usual_kinds_are_read(read, column, value, turns, answer):
    (example,), quarantine = conversations(read, value, column=column)
    assert (example.messages, example.answer, quarantine) == (turns, answer, [])


@pytest.mark.parametrize(
    "value, reason",
    [
        ([], "no turns"),
        (None, "no turns"),
        (5, "no turns"),
        ({"role": "user", "content": "q"}, "no turns"),
        ("not json", "."),
        ("[" * 100_000, "."),
        ('[{"role": "user", "content": NaN}]', "NaN"),
        ('[{"role": "user", "content": "\\ud800"}, {"role": "assistant", "content": "x"}]', "."),
        (["q", "x"], "not an object"),
        ([{"content": "q"}, ASSISTANT], "role"),
        ([{"role": ["user"], "content": "q"}, ASSISTANT], "role"),
        ([USER, {"role": "bot", "content": "x"}], "'bot' is unknown; known are system, user, assistant"),
        ([USER, {"role": "tool", "content": "x"}, ASSISTANT], "'tool' is unknown"),
        ([USER, {"role": "assistant", "content": None}], "not text"),
        ([USER, {"role": "assistant"}], "not text"),
        ([{"role": "user", "content": 5}, ASSISTANT], "not text"),
        ([USER], "the user's; the answer to learn must come last"),
        ([SYSTEM], "the system's"),
        ([ASSISTANT], "take turns"),
        ([USER, ASSISTANT, ASSISTANT], "take turns"),
        ([USER, USER, ASSISTANT], "take turns"),
        ([ASSISTANT, USER, ASSISTANT], "take turns"),
        ([USER, SYSTEM, ASSISTANT], "a system turn stands after the first"),
        ([{"role": "user", "content": " "}, ASSISTANT], "empty"),
    ],
)
def test_a_conversation_that_can_not_be_learnt_from_is_set_aside_with_its_reason(read, value, reason):
    examples, quarantine = conversations(read, value)
    assert examples == ()
    assert [q.line for q in quarantine] == [2]
    assert re.search(reason, quarantine[0].reason)


def test_a_row_without_the_column_is_set_aside(read):
    raw = read(json.dumps({"messages": [USER, ASSISTANT]}) + '\n{"other": 1}\n', "rows.jsonl")
    _, quarantine = to_dataset(raw, guess_columns(raw))
    assert [(q.line, "'messages' is missing" in q.reason) for q in quarantine] == [(2, True)]


# Nothing is lost

CSV_ROWS = {
    "good": "{m} text,{m}",
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
    drawn = ["good", *random.Random(seed).choices(list(kinds), k=60)]
    rows = [kinds[kind].format(m=f"mark{i}") for i, kind in enumerate(drawn)]
    content = "\n".join([*(["input,output"] if kinds is CSV_ROWS else []), *rows]) + "\n"
    raw = read(content.encode("utf-8", "surrogateescape"), name)
    data, quarantine = to_dataset(raw, PAIR)
    read_marks = {m for e in data for m in re.findall(r"mark\d+", f"{e.input} {e.answer}")}
    set_aside = {m for q in quarantine for m in re.findall(r"mark\d+", q.raw)}
    marks = {f"mark{i}" for i, kind in enumerate(drawn) if "{m}" in kinds[kind]}
    usable = {f"mark{i}" for i, kind in enumerate(drawn) if kind in ("good", "quoted", "two lines", "comma")}
    assert read_marks == usable and set_aside == marks - usable
    assert len(data) + len(quarantine) == sum(kind != "blank" for kind in drawn)


def test_a_quotation_mark_inside_a_cell_is_text(tmp_path):
    (tmp_path / "a.csv").write_text('said;label\n5" screen broken;refund\nfine;praise\n', encoding="utf-8")
    raw = read_file(tmp_path / "a.csv")
    assert [cells["said"] for _, cells in raw.rows] == ['5" screen broken', "fine"]
    assert raw.quarantine == ()
