"""JSONL and JSON arrays: strict, row by row."""

import pytest

from workbench.curate.reading import ColumnGuess, to_dataset


GOOD = '{"input": "a", "output": "b"}\n'
PAIR = ColumnGuess("input", "output", "", "")


def cells(raw):
    return [tuple(row.values()) for _, row in raw.rows]


def lines(raw):
    return [line for line, _ in raw.rows]


def aside(raw):
    return [row.line for row in raw.quarantine]


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
