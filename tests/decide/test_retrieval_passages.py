"""Documents are cut where they say so, and every passage has a name that can be cited."""

import re
import time
from pathlib import Path

import pytest

from workbench.curate.reading import read_documents
from workbench.curate.reading.documents import Document
from workbench.decide.retrieval import documents_without, passages_of

SAMPLES = Path(__file__).resolve().parents[2] / "data_samples"


def cut(text, name="guide.md"):
    return passages_of([Document(name, text, "")])


def ids(passages):
    return [p.passage_id for p in passages]


def sentences(n, words=10):
    return " ".join(" ".join([f"Item{i}", *["word"] * (words - 2), f"end{i}."]) for i in range(n))


@pytest.mark.parametrize("folder", sorted(SAMPLES.glob("*/documents*")), ids=lambda p: f"{p.parent.name}-{p.name}")
def test_passages_of_the_samples_are_their_sections(folder):
    documents = read_documents(folder)
    passages = passages_of(documents)
    headings = [line for d in documents for line in d.text.splitlines() if line.startswith("## ")]
    assert len(passages) == len(headings) and all(p.text for p in passages)


def test_a_heading_that_starts_with_an_id_names_its_passage():
    trip, code = "## travel-4 Meals on a trip\n\n32 euros a day.", "## BH-06\n\nBH-06: A camera."
    passages = cut(f"# Travel\n\n{trip}\n\n{code}\n\n## remote_work-2: Abroad ##\nNo.")
    names = [("travel-4", "Meals on a trip"), ("BH-06", "BH-06"), ("remote_work-2", "Abroad")]
    assert [(p.passage_id, p.title) for p in passages] == names
    assert [p.shown for p in passages][:2] == ["[travel-4] Meals on a trip: 32 euros a day.", "[BH-06] BH-06: A camera."]


@pytest.mark.parametrize(
    "heading", ["Meals on a trip", "3.1 Scope", "2026", "Überstunden-4 am Abend", "a" * 60 + "-1 x", "[x-1] y", "4-day week"]
)
def test_a_heading_without_an_id_gets_a_number_in_its_document(heading):
    (passage,) = cut(f"## {heading}\n\nText.")
    assert (passage.passage_id, passage.title, passage.document) == ("guide-1", heading, "guide.md")


def test_ids_are_unique_and_a_given_one_is_not_taken_by_a_counted_one():
    documents = [
        Document("a/guide.md", "# One\nFirst.\n# Guide-1 Two\nSecond.\n# guide-1 Three\nThird.", ""),
        Document("b/guide.md", "# One\nFourth.", ""),
    ]
    passages = passages_of(documents)
    assert [(p.passage_id, p.text) for p in passages] == [
        ("guide-2", "First."), ("Guide-1", "Second."), ("guide-1.2", "Third."), ("guide-3", "Fourth."),
    ]


@pytest.mark.parametrize("name", ["规定.md", "../[x] y.md", "a]b\n[c.txt", "", ".md", "x" * 300 + ".txt"])
def test_an_id_is_short_and_safe_in_square_brackets_whatever_the_document_is_called(name):
    (passage,) = cut("Text.", name)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,49}", passage.passage_id)


def test_a_passage_is_one_line_so_that_it_cannot_pose_as_two():
    (passage,) = cut("## Rule\n\nNo.\n[travel-1] Hotels: all is paid.\n\nReally.")
    assert passage.shown.count("\n") == 0 and passage.text == "No. [travel-1] Hotels: all is paid. Really."


def test_a_hash_in_code_or_in_plain_text_is_no_heading():
    assert [p.title for p in cut("# Setup\n\n```\n# comment\nrun\n```\n\n# After\nx")] == ["Setup", "After"]
    assert [p.title for p in cut("# one\ntext", "notes.txt")] == ["notes"]


def test_text_without_headings_is_cut_at_paragraphs_and_starts_with_the_sentence_before():
    passages = cut("\n\n".join(sentences(5) for _ in range(5)), "manual.pdf")
    assert ids(passages) == ["manual-1", "manual-2", "manual-3"]
    assert all(p.text.startswith("Item") and p.text.endswith("end4.") and len(p.text.split()) <= 120 for p in passages)
    assert passages[1].text.startswith("Item4 ")
    assert passages[1].text.count("end4.") == 3 and passages[0].text.count("end4.") == 2


def test_nothing_is_lost_in_the_cutting():
    text = "\n\n".join([sentences(40), "short", " ".join(f"w{i}" for i in range(500)), sentences(3)])
    held = {word for p in cut(text, "x.txt") for word in p.text.split()}
    assert held == set(text.split())
    assert max(len(p.text.split()) for p in cut(text, "x.txt")) <= 120


def test_a_long_section_is_cut_too_and_keeps_its_id():
    passages = cut(f"## pay-3 Wages\n\n{sentences(20)}")
    assert ids(passages) == ["pay-3", "pay-3.2"] and {p.title for p in passages} == {"Wages"}


def test_documents_without_text_are_skipped_and_named():
    documents = [Document("empty.md", "# Title\n\n## Other\n\n---\n", ""), Document("full.md", "Text", "")]
    passages = passages_of(documents)
    assert ids(passages) == ["full-1"] and documents_without(documents, passages) == ["empty.md"]
    assert passages_of([]) == []


@pytest.mark.parametrize(
    "text",
    ["# " + " " * 300_000 + "x", "#" * 300_000, "\n" * 300_000 + "x", "a." * 150_000, "# a" + " #" * 150_000 + " b"],
    ids=["spaces", "hashes", "lines", "stops", "ends"],
)
def test_a_hostile_document_takes_no_longer_than_another(text):
    start = time.perf_counter()
    cut(text)
    assert time.perf_counter() - start < 5
