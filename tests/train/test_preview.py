"""What training will see is shown as it is, with the learnt tokens marked; where nothing would be learnt, it is refused."""

import pytest

from workbench.dataset import Dataset, Example
from workbench.errors import BadInput
from workbench.train.encode import encode
from workbench.train import preview
from workbench.train.preview import RowTokens, TokenPreview

EVIL = "<script>alert('x')</script>"


PLAIN = Example("plain", (("user", "Where is it?"),), "delivery")
OWN = Example("own", (("system", "You are a pirate."), ("user", "Pay me!")), "refund")
TALK = Example("talk", (("user", "Hello"), ("assistant", "Hi?"), ("user", "It broke.")), "defect")


@pytest.fixture
def view(loaded):
    """How a model with a window of so many tokens sees rows."""
    return lambda window=200: RowTokens(loaded, "a model", window)


def test_the_pieces_join_to_the_exact_text_and_the_learnt_ones_to_the_answer(view):
    tokens = view()
    shown = tokens.preview(Dataset("train", (PLAIN, OWN, TALK)), rows=3)
    for row, example in zip(shown.rows, (PLAIN, OWN, TALK), strict=True):
        assert "".join(text for text, _ in row.pieces) == tokens.chat.tokenizer.text(encode(tokens.chat, example).input_ids)
        assert "".join(text for text, learnt in row.pieces if learnt) == example.answer + "<end>"


def test_rows_and_tokens_beyond_the_window_are_counted(view):
    rows = Dataset("train", (PLAIN, Example("long", (("user", "word " * 100),), "yes")))
    lengths = [sum(pair) for pair in view().count(list(rows))]
    shown = view(window=60).preview(rows)
    assert (shown.total, shown.too_long, shown.tokens) == (2, 1, sum(lengths))
    assert shown.cut == lengths[1] - 60
    assert "1 are longer and would lose" in repr(shown) and "all fit" in repr(view(window=1000).preview(rows))


def test_it_is_refused_where_nothing_would_be_learnt(view):
    with pytest.raises(BadInput, match="training would do nothing"):
        view(window=5).preview(Dataset("train", (PLAIN, OWN)))


def test_only_learnt_tokens_are_marked_and_text_is_escaped(view):
    html = view().preview(Dataset("train", (Example("r", (("user", EVIL),), EVIL),)))._repr_html_()
    assert EVIL not in html and "&lt;" in html
    assert html.count("<span style=") == html.count("border-bottom") > 1


def test_personal_data_is_masked_in_what_is_shown(view):
    row = Example("r", (("user", "I am jane@example.org"),), "Noted, jane@example.org")
    shown = view().preview(Dataset("train", (row,)))
    text = "".join(text for text, _ in shown.rows[0].pieces)
    assert "jane" not in text and text.count("EMAIL") == 2


def test_a_preview_survives_its_file(tmp_path, view):
    shown = view().preview(Dataset("train", (PLAIN, TALK)))
    assert TokenPreview.load(shown.save(tmp_path / "preview.json")) == shown
    assert list(shown.table()["learnt"]) == [row.learnt for row in shown.rows]


def test_a_row_is_counted_once(view, monkeypatch):
    asked = []
    monkeypatch.setattr(preview, "count_tokens", lambda chat, rows: asked.append(len(rows)) or [(1, 2)] * len(rows))
    tokens = view()
    assert tokens.count([PLAIN, OWN]) == [(1, 2)] * 2 and tokens.count([OWN, TALK, PLAIN]) == [(1, 2)] * 3
    assert asked == [2, 1]
