"""CSV that nobody prepared: cells stay the text they are, and a broken record costs no other."""

import pytest



def cells(raw):
    return [tuple(row.values()) for _, row in raw.rows]


def lines(raw):
    return [line for line, _ in raw.rows]


def aside(raw):
    return [row.line for row in raw.quarantine]


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
