"""Which columns hold what, and what becomes of a row."""

import pytest

from workbench.curate.reading import ColumnGuess, guess_columns, to_dataset
from workbench.errors import BadInput
from workbench.files import file_sha256


HEADER = "input,output\n"
PAIR = ColumnGuess("input", "output", "", "")


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


def test_a_row_knows_its_file_line_and_hash(read, tmp_path):
    data, _ = to_dataset(read(HEADER + "a,b\n\n c , d \n"), PAIR, "train")
    assert [(e.row_id, e.input, e.answer) for e in data] == [("line-2", "a", "b"), ("line-4", "c", "d")]
    assert data.name == "train"
    assert data.examples[1].provenance == {
        "source": "rows.csv", "line": 4, "sha256": file_sha256(tmp_path / "rows.csv"), "licence": "not stated",
        "legal_basis": "not stated", "subject_ids": [], "transformations": [],
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
