"""A store on disk finds what memory finds, is whole or not there, and takes any question."""

import csv
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy
import pytest

from workbench.curate.reading import read_documents
from workbench.decide.retrieval import Bm25, Dense, Passage, PassageStore, passages_of
from workbench.errors import BadInput, Mismatch, Prerequisite

pytest.importorskip("lancedb", reason="LanceDB is not installed")
ROOT = Path(__file__).resolve().parents[2]
PASSAGES = passages_of(read_documents(ROOT / "data_samples/policy_questions/documents_v1"))
QUESTIONS = ["What does a hotel cost?", "first class on trains", "How many screens do I get?", "parking", "Wednesdays"]
HOSTILE = [
    "' OR 1=1 --", '"', "\\", "AND OR NOT (", "*",
    "a:b^2~", "\x00", "title = 'x'", "the of a", "", " ", "💥", "x" * 5000, "\ud800",
]


def hashed(texts):
    """Each word is a direction; no model is needed to compare the engines."""
    vectors = numpy.full((len(texts), 64), 1e-3, dtype=numpy.float32)
    for row, text in enumerate(texts):
        for word in text.lower().split():
            vectors[row, sum(ord(c) * (i + 1) for i, c in enumerate(word)) % 64] += 1
    return vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)


EMBEDDER = SimpleNamespace(name="hashed", vectors=hashed)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return PassageStore.build(tmp_path_factory.mktemp("store") / "s", iter(PASSAGES), EMBEDDER, batch=7)


def in_mode(store, mode):
    return PassageStore(store.folder, EMBEDDER, mode)


@pytest.mark.parametrize("question", QUESTIONS)
def test_dense_search_on_disk_finds_what_memory_finds(store, question):
    assert in_mode(store, "dense").search(question, 3) == Dense(tuple(PASSAGES), EMBEDDER).search(question, 3)


@pytest.mark.parametrize("question", QUESTIONS)
def test_search_by_words_on_disk_starts_with_what_memory_finds_first(store, question):
    assert in_mode(store, "bm25").search(question, 1) == Bm25(tuple(PASSAGES)).search(question, 1) != []


@pytest.mark.parametrize("mode", ["dense", "bm25", "hybrid"])
@pytest.mark.parametrize("question", HOSTILE)
def test_no_question_breaks_a_search(store, mode, question):
    found = in_mode(store, mode).search(question, 100)
    assert len(found) <= len(PASSAGES) and set(found) <= set(PASSAGES)


def test_a_code_is_found_in_a_store(tmp_path):
    codes = [Passage(c, "g.md", c, f"{c}: a code.") for c in ("BH-06", "BH-23", "FD-06", "QG-77")]
    store = PassageStore.build(tmp_path / "s", codes, EMBEDDER, mode="bm25")
    assert [store.search(f"about {c} please", 1) for c in ("BH-06", "fd06", "QG_77")] == [[codes[0]], [codes[2]], [codes[3]]]


def test_more_than_there_is_gives_all_and_hybrid_has_no_passage_twice(store):
    found = in_mode(store, "hybrid").search("euros a day", 500)
    assert sorted(p.passage_id for p in found) == sorted(p.passage_id for p in PASSAGES) and len(store) == len(PASSAGES)


def test_an_index_of_neighbours_finds_nearly_the_same(tmp_path):
    draw = numpy.random.default_rng(3)
    words = [f"w{i}" for i in range(400)]
    many = [Passage(f"p{i}", "d", f"t{i}", " ".join(draw.choice(words, 12))) for i in range(1500)]
    store = PassageStore.build(tmp_path / "s", many, EMBEDDER, mode="dense", exact_up_to=100)
    memory = Dense(tuple(many), EMBEDDER)
    same = [store.search(p.searched, 1) == memory.search(p.searched, 1) for p in many[::50]]
    assert sum(same) / len(same) >= 0.9
    assert store.recipe[-1] is False
    for k in (1, 60, 700):
        assert len(store.search("w1 w2", k)) == len(in_mode(store, "hybrid").search("w1 w2", k)) == k


KILLED = """
import os, sys
sys.path.insert(0, {tests!r})
from test_retrieval_store import EMBEDDER, PASSAGES
from workbench.decide.retrieval import PassageStore
def dies():
    yield from PASSAGES[:20]
    os._exit(9)
PassageStore.build({folder!r}, dies(), EMBEDDER, batch=5)
"""


def test_a_killed_build_leaves_no_half_store_and_the_next_one_succeeds(tmp_path):
    folder = tmp_path / "s"
    code = KILLED.format(tests=str(Path(__file__).parent), folder=str(folder))
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True).returncode == 9
    assert not folder.exists()
    with pytest.raises(Prerequisite, match="PassageStore.build"):
        PassageStore(folder, EMBEDDER)
    assert len(PassageStore.build(folder, PASSAGES, EMBEDDER)) == len(PASSAGES)
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


def test_a_build_that_fails_keeps_the_store_that_was_there(tmp_path):
    before = PassageStore.build(tmp_path / "s", PASSAGES[:10], EMBEDDER)

    def fails():
        yield from PASSAGES[:5]
        raise KeyError("broken document")

    with pytest.raises(Exception, match="broken document"):
        PassageStore.build(tmp_path / "s", fails(), EMBEDDER, batch=2)
    assert len(PassageStore(tmp_path / "s", EMBEDDER)) == 10
    assert PassageStore.build(tmp_path / "s", PASSAGES, EMBEDDER).recipe != before.recipe


def test_the_recipe_tells_what_is_in_the_store_and_how_it_is_searched(store, tmp_path):
    again = PassageStore.build(tmp_path / "again", PASSAGES, EMBEDDER, batch=100)
    other = PassageStore.build(tmp_path / "other", PASSAGES[::-1], EMBEDDER)
    assert again.recipe == store.recipe != other.recipe
    assert len({in_mode(store, mode).recipe for mode in ("dense", "bm25", "hybrid")}) == 3


def test_vectors_of_another_embedder_are_not_compared(store):
    with pytest.raises(Mismatch, match="hashed"):
        PassageStore(store.folder, SimpleNamespace(name="other", vectors=hashed))


def test_nothing_else_is_written_over(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("dear")
    with pytest.raises(BadInput, match="left alone"):
        PassageStore.build(tmp_path / "mine", PASSAGES, EMBEDDER)
    assert (tmp_path / "mine/letter.txt").read_text() == "dear"


@pytest.mark.parametrize("passages, mode, says", [([], "dense", "no passage"), (PASSAGES, "sql", "dense, bm25 or hybrid")])
def test_what_cannot_be_built_is_said(tmp_path, passages, mode, says):
    with pytest.raises(BadInput, match=says):
        PassageStore.build(tmp_path / "s", passages, EMBEDDER, mode=mode)


def test_a_lacking_engine_is_named_with_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lancedb", None)
    with pytest.raises(Prerequisite, match="scale"):
        PassageStore.build(tmp_path / "s", PASSAGES, EMBEDDER)
    assert not (tmp_path / "s").exists()


@pytest.mark.model
def test_with_the_real_embedder_the_store_finds_what_memory_finds_and_that_is_mostly_right(tmp_path):
    from workbench.models import load_embedder

    embedder = load_embedder(tmp_path / "log.txt")
    memory = Dense(tuple(PASSAGES), embedder)
    store = PassageStore.build(tmp_path / "s", PASSAGES, embedder, mode="dense")
    with (ROOT / "data_samples/policy_questions/test.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["source_section"]]
    found = [store.search(row["question"], 3) for row in rows]
    assert found == [memory.search(row["question"], 3) for row in rows]
    right = sum(row["source_section"] in {p.passage_id for p in passages} for row, passages in zip(rows, found, strict=True))
    assert right / len(rows) > 0.6
