"""What preference training changed is measured by what did not label, ties count half, and the labeller is called so."""

import numpy
import pytest

from workbench.check.alignment import Alignment, _labelling, compared
from workbench.dataset import Dataset, Example
from workbench.scoring.scorecard import ScoredRow, Scorecard

N = 40
ROWS = Dataset("validation", tuple(Example(f"r{i}", (("user", f"q{i}"),), "right") for i in range(N)))


def vectors(texts):
    """Texts as unit vectors: "right" along the first axis, others at an angle that their last word says in per mille."""
    cosine = numpy.array([1.0 if t == "right" else int(t.split()[-1]) / 1000 for t in texts])
    return numpy.stack([cosine, numpy.sqrt(1 - cosine**2)], axis=1)


def card(likes, scores=None, meaning=None, errors=(), kind="voice"):
    rows = tuple(
        ScoredRow(e.row_id, None if i in errors else (scores or [0.5] * N)[i], f"says {likes[i]}", 1, 1, False,
                  {"style": 0.5, "meaning": (meaning or [0.0] * N)[i]}, "It broke." if i in errors else "")
        for i, e in enumerate(ROWS)
    )  # fmt: skip
    return Scorecard("a", "A", "r", ROWS.fingerprint, "m", "NF4", kind, 20, rows, 0.1, 0.0, "here")


def measure(before, after, kind="voice"):
    return compared(before, after, ROWS, vectors, "labelled by rule: a rule", _labelling(kind))


def test_ties_count_half_and_the_interval_covers_the_rate():
    found = measure(card([500] * N), card([800] * 20 + [200] * 10 + [500] * 10))
    assert (found.wins, found.losses, found.ties, found.alike, found.rows) == (20, 10, 10, 10, N)
    assert found.rate.value == pytest.approx(25 / 40) and found.rate.low < found.rate.value < found.rate.high
    assert "no difference shown" in repr(found) or found.rate.low > 0.5


def test_answers_that_are_about_as_like_are_ties_though_they_are_not_the_same():
    found = measure(card([500] * N), card([505] * N))
    assert found.ties == N and found.alike == 0


@pytest.mark.parametrize(("after", "says"), [(800, "better"), (200, "worse"), (500, "no difference shown")])
def test_the_sentence_says_what_the_interval_allows(after, says):
    assert says in repr(measure(card([500] * N), card([after] * N)))


def test_what_labelled_the_pairs_is_no_evidence_and_is_called_so():
    table = measure(card([500] * N), card([500] * N, meaning=[1.0] * N)).table().set_index("measure")
    assert table.loc["meaning", "difference, 95 % interval"].startswith("+1.000")
    assert {name for name in table.index if "no evidence" in table.loc[name, "independent"]} == {"meaning", "the task's score (voice)"}
    assert table.loc["style", "independent"] == table.loc["likeness to the row's own answer", "independent"] == "yes"


def test_after_votes_every_measure_is_independent():
    found = compared(card([500] * N), card([500] * N), ROWS, vectors, "labelled by 30 blind votes", ())
    assert not any(check.labelled for check in found.checks)


def test_where_the_tasks_own_score_labelled_all_its_parts_are_no_evidence():
    found = measure(card([500] * N, kind="json"), card([500] * N, kind="json"), "json")
    assert [check.name for check in found.checks if not check.labelled] == ["likeness to the row's own answer"]


def test_a_row_that_failed_on_either_side_is_left_out_of_both():
    found = measure(card([500] * N, errors=(0, 1)), card([800] * N, errors=(2,)))
    assert found.rows == found.wins == N - 3


def test_it_survives_its_file(tmp_path):
    found = measure(card([500] * N), card([800] * N))
    assert Alignment.load(found.save(tmp_path / "a.json")) == found
    assert "labelled by rule: a rule" in found._repr_html_() and "took no part" in found._repr_html_()
