"""Every search finds what it should, says what decides its answers, and takes any question."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from string import ascii_lowercase
from types import SimpleNamespace

import numpy
import pytest

from workbench.decide.retrieval import Bm25, Dense, Hybrid, Passage, Reranked, retrievers
from workbench.decide.retrieval.search import fused, words_of
from workbench.errors import Prerequisite

TEXTS = {
    "BH-06": "BH-06: A camera at a gate has been turned to the wall.",
    "BH-23": "BH-23: A radiator stays cold while the boiler runs.",
    "FD-06": "FD-06: A payment reminder went out.",
    "hotel-1": "A hotel room may cost up to 120 euros a night.",
    "meal-1": "For meals on a trip the company pays 32 euros a day.",
}
PASSAGES = tuple(Passage(name, "doc.md", name, text) for name, text in TEXTS.items())
HOSTILE = ["' OR 1=1 --", '"', "\\", "AND OR NOT ( ", "*:*", "a:b^2~", "\x00", "[travel-1]", "💥" * 50, "x" * 5000, "\ud800"]


class Letters:
    """An embedder that counts letters; texts are near when they have the same ones."""

    name = "letters"

    def __init__(self):
        self.asked = []

    def vectors(self, texts):
        self.asked.append(len(texts))
        counts = numpy.array([[t.lower().count(c) + 0.01 for c in ascii_lowercase] for t in texts], dtype=numpy.float32)
        return counts / numpy.linalg.norm(counts, axis=1, keepdims=True)


def found(search, question, k=3):
    return [p.passage_id for p in search.search(question, k)]


@pytest.mark.parametrize("question", ["BH-06", "what is bh-06?", "Code BH06 again.", "(BH_06)"])
def test_a_code_is_found_however_it_is_written(question):
    assert found(Bm25(PASSAGES), question, 1) == ["BH-06"]


def test_words_are_counted_without_stop_words_and_plurals_as_singulars():
    assert words_of("The hotels of BH-06, a one-time class") == ["hotel", "bh06", "bh", "06", "one", "time", "class"]


def test_bm25_finds_only_passages_that_share_a_word_with_the_question():
    assert found(Bm25(PASSAGES), "radiators in the boiler house", 5) == ["BH-23"]
    assert found(Bm25(PASSAGES), "how many euros a night", 5) == ["hotel-1", "meal-1"]


def test_dense_finds_the_nearest_vector_first():
    dense = Dense(PASSAGES, Letters())
    for passage in PASSAGES:
        assert found(dense, passage.searched, 1) == [passage.passage_id]
    asked = Letters().vectors(["camera"])[0]
    likeness = [float(Letters().vectors([p.searched])[0] @ asked) for p in dense.search("camera", 5)]
    assert likeness == sorted(likeness, reverse=True) and len(likeness) == 5


def test_passages_are_embedded_once_and_only_when_asked():
    embedder = Letters()
    searches = retrievers(PASSAGES, embedder)
    assert embedder.asked == []
    for _ in range(3):
        for search in searches.values():
            search.search("a question", 2)
    assert embedder.asked == [len(PASSAGES), 1]


def test_fusion_prefers_what_both_searches_find():
    a, b, c, d = PASSAGES[:4]
    assert fused([[a, b, c], [d, b]]) == [b, a, d, c]


def test_hybrid_takes_a_passage_from_either_search():
    class Fixed:
        name, recipe = "fixed", ("fixed",)

        def __init__(self, *order):
            self.order = [PASSAGES[i] for i in order]

        def search(self, question, k):
            return self.order[:k]

    assert found(Hybrid((Fixed(0, 1), Fixed(1, 2))), "x", 3) == ["BH-23", "BH-06", "FD-06"]


@pytest.mark.parametrize("key", ["bm25", "dense", "hybrid"])
@pytest.mark.parametrize("question", ["", "   ", "the of a", *HOSTILE])
def test_no_question_breaks_a_search(key, question):
    search = retrievers(PASSAGES, Letters())[key]
    assert len(search.search(question, 50)) <= len(PASSAGES)
    assert search.search(question, 0) == []


@pytest.mark.parametrize("key", ["bm25", "dense", "hybrid"])
def test_an_empty_question_finds_nothing(key):
    assert retrievers(PASSAGES, Letters())[key].search(" \n", 3) == []


@pytest.mark.parametrize("key", ["bm25", "dense", "hybrid"])
def test_a_recipe_changes_with_the_passages_and_stays_otherwise(key):
    recipe = retrievers(PASSAGES, Letters())[key].recipe
    changed = (replace(PASSAGES[0], text="Other."), *PASSAGES[1:])
    assert retrievers(list(PASSAGES), Letters())[key].recipe == recipe != retrievers(changed, Letters())[key].recipe


def test_recipes_tell_searches_settings_and_embedders_apart():
    other = SimpleNamespace(name="other", vectors=Letters().vectors)
    searches = [*retrievers(PASSAGES, Letters()).values(), Bm25(PASSAGES, k1=1.2), Dense(PASSAGES, other)]
    searches += [Reranked(searches[0], "a"), Reranked(searches[0], "b"), Reranked(searches[1], "a")]
    assert len({search.recipe for search in searches}) == len(searches)


def test_without_passages_there_is_nothing_to_search():
    assert retrievers([], Letters()) == {}
    assert found(Bm25((Passage("a", "d", "...", "..."),)), "word") == []


def test_bm25_shows_no_progress_bars():
    code = (
        "from workbench.decide.retrieval import Bm25, Passage\n"
        "Bm25((Passage('a', 'd', 't', 'some words'),)).search('words', 1)"
    )
    root = Path(__file__).resolve().parents[2]
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=root, text=True)
    assert ran.stdout == ran.stderr == ""


@pytest.fixture(scope="module")
def cross_encoder(tmp_path_factory):
    """A tiny cross-encoder with random weights, saved as the real ones are."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder = tmp_path_factory.mktemp("cross")
    words = sorted({word.strip(".:,").lower() for text in TEXTS.values() for word in text.split()})
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
    torch.manual_seed(0)
    config = BertConfig(vocab_size=len(words) + 5, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                        intermediate_size=16, num_labels=1)
    BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    return str(folder)


@pytest.mark.model
def test_a_cross_encoder_reorders_what_was_found_by_its_own_scores(cross_encoder):
    from sentence_transformers import CrossEncoder

    reranked = Reranked(Dense(PASSAGES, Letters()), cross_encoder)
    question = "camera at a gate"
    pairs = [(question, p.searched) for p in PASSAGES]
    scores = CrossEncoder(cross_encoder, device="cpu").predict(pairs, show_progress_bar=False)
    wanted = [PASSAGES[i].passage_id for i in numpy.argsort(-scores)]
    assert found(reranked, question, 5) == wanted and found(reranked, question, 2) == wanted[:2]
    assert reranked.search("", 3) == [] and reranked.name == "dense, reranked"


@pytest.mark.model
def test_only_as_many_are_reranked_as_asked_for(cross_encoder):
    dense = Dense(PASSAGES, Letters())
    assert set(found(Reranked(dense, cross_encoder, depth=2), "payment", 2)) == set(found(dense, "payment", 2))


def test_a_cross_encoder_that_cannot_be_loaded_is_explained(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(Prerequisite, match="cross-encoder .*hub"):
        Reranked(Bm25(PASSAGES), str(tmp_path / "empty")).search("camera", 1)
