"""What a search misses is counted as it is, and questions without a known passage are left out, not guessed."""

import csv
from pathlib import Path

import pytest

from workbench.curate.reading import read_documents
from workbench.dataset import Example
from workbench.decide.retrieval import Passage, RetrievalReport, gold_passages, passages_of, recall, recall_of
from workbench.errors import BadInput
from workbench.scoring.citations import supported
from workbench.scoring.intervals import wilson

SAMPLES = Path(__file__).resolve().parents[2] / "data_samples"

PASSAGES = [
    Passage("travel-1", "t.md", "Hotels", "A hotel room may cost up to 120 euros a night."),
    Passage("travel-4", "t.md", "Meals", "The company pays 32 euros a day."),
    Passage("BH-81", "g.md", "BH-81", "BH-81: A bank account was refused. The queue is payroll."),
    Passage("FD-66", "g.md", "FD-66", "FD-66: Overtime came late. Handled by payroll."),
    Passage("FD-67", "g.md", "FD-67", "FD-67: Overtime is missing. Handled by payroll."),
    Passage("queues-6", "q.md", "Payroll", "The queue payroll looks after wages."),
]


class Fixed:
    """Finds what it was told to."""

    def __init__(self, name, **answers):
        self.name, self.recipe, self.answers, self.passages = name, (name,), answers, PASSAGES

    def search(self, question, k):
        by_id = {p.passage_id: p for p in PASSAGES}
        return [by_id[i] for i in self.answers.get(question, [])][:k]


GOOD = Fixed("good", a=["travel-1"], b=["travel-1", "travel-4"], c=["FD-66", "FD-67", "BH-81", "queues-6"], d=[])
POOR = Fixed("poor", a=["FD-66", "travel-1"], b=["FD-66"])
QUESTIONS = [("a", {"travel-1"}), ("b", {"travel-4", "none"}), ("c", {"queues-6"}), ("d", {"travel-1"}), ("e", set())]


def row(answer, question="How much?", **columns):
    return Example("r", (("user", question),), answer, {"columns": columns} if columns else {})


def report():
    return recall({"poor": POOR, "good": GOOD}, QUESTIONS)


def test_recall_counts_questions_with_an_answering_passage_among_the_first_k():
    assert [report().recall("good", k) for k in (1, 3, 5)] == [wilson(1, 4), wilson(2, 4), wilson(3, 4)]
    assert [report().recall("poor", k).value for k in (1, 3, 5)] == [0, 0.25, 0.25]


def test_the_reciprocal_rank_is_that_of_the_first_answering_passage():
    assert report().reciprocal_rank("good").value == pytest.approx((1 + 1 / 2 + 1 / 4 + 0) / 4)


def test_questions_that_no_passage_answers_are_left_out_and_counted():
    assert report().without_answer == 1 and report().questions == ("a", "b", "c", "d")
    assert "1 that no passage answers" in repr(report())


def test_the_best_search_comes_first_and_equal_ones_stay_in_order():
    assert report().order == ["good", "poor"]
    assert recall({"x": POOR, "y": POOR}, QUESTIONS).order == ["x", "y"]
    assert recall({"x": POOR, "y": GOOD}, []).order == ["x", "y"]


def test_missed_questions_are_named():
    assert report().missed("good") == ["c", "d"] and report().missed("good", 5) == ["d"]
    assert report().missed("poor", 1) == ["a", "b", "c", "d"]


def test_a_report_is_the_same_after_saving(tmp_path):
    loaded = RetrievalReport.load(report().save(tmp_path / "r.json"))
    assert loaded == report() and loaded.table().equals(report().table())
    assert list(report().table()["missed in the first 3"]) == [3, 2]


def test_a_report_on_nothing_says_so():
    assert "no question" in repr(recall({"good": GOOD}, [("a", set())])) and "no question" in repr(recall({}, QUESTIONS))
    assert recall({"good": GOOD}, [])._repr_html_()


@pytest.mark.parametrize("ks", [(), (0, 1)])
def test_numbers_of_passages_start_at_one(ks):
    with pytest.raises(BadInput, match="from 1 on"):
        recall({"good": GOOD}, QUESTIONS, ks)


@pytest.mark.parametrize(
    "example, gold",
    [
        (row("32 euros a day", source_section="travel-1"), {"travel-1"}),
        (row("32 euros a day", source_section="Travel-1, travel-4"), {"travel-1", "travel-4"}),
        (row("32 euros a day", source_section=""), set()),
        (row("32 euros a day", source_section="travel-9"), set()),
        (row("32 euros a day", other="x"), {"travel-4"}),
        (row("120 euros"), {"travel-1"}),
        (row("500 euros"), set()),
        (row("The documents do not say."), set()),
        (row("payroll", "Who looks at BH-81?"), {"BH-81"}),
        (row("payroll", "FD-66. It came with bh-81, too."), {"BH-81", "FD-66"}),
        (row("payroll", "Who pays me?"), None),
    ],
)
def test_the_answering_passage_is_the_named_source_or_what_contains_the_answer(example, gold):
    assert gold_passages(example, PASSAGES) == gold


@pytest.mark.parametrize(
    "sample, documents, answer",
    [
        ("policy_questions", "documents_v1", "answer"),
        ("policy_questions", "documents_v2", "answer_v2"),
        ("internal_codes", "documents", "queue"),
    ],
)
def test_looking_first_for_shared_words_and_numbers_passes_over_no_passage(sample, documents, answer):
    passages = passages_of(read_documents(SAMPLES / sample / documents))
    with (SAMPLES / sample / "test.csv").open(encoding="utf-8", newline="") as stream:
        answers = sorted({row[answer] for row in csv.DictReader(stream)})
    holding = [{p.passage_id for p in passages if supported(a, [p])} for a in answers]
    expected = [ids if len(ids) <= 3 else None for ids in holding]
    assert [gold_passages(row(a), passages) for a in answers] == expected and any(holding)


@pytest.mark.parametrize("answer", ["thirty-two euros", "€32", "32 EUR per day", "EUR 32.00", "32 euros for each day"])
def test_a_fact_is_found_in_a_passage_however_it_is_written(answer):
    assert gold_passages(row(answer), PASSAGES) == {"travel-4"}


def test_another_column_may_name_the_source():
    assert gold_passages(row("120 euros", origin="travel-4"), PASSAGES, "origin") == {"travel-4"}


def test_rows_are_measured_and_those_left_out_are_counted_by_reason():
    rows = [row("120 euros a night", "a"), row("32 euros a day", "b"), row("no such fact", "c"), row("payroll", "d")]
    measured = recall_of({"good": GOOD}, rows)
    assert (measured.questions, measured.gold) == (("a", "b"), (("travel-1",), ("travel-4",)))
    assert (measured.without_answer, measured.undecided) == (1, 1)
    assert recall_of({"good": GOOD}, rows, passages=PASSAGES[1:-1]).questions == ("b", "d")
