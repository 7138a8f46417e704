"""Ways to search passages that fit in memory: by words (BM25), by meaning (dense), by both, and reranked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache, cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from workbench.decide.retrieval.passages import Passage
from workbench.errors import Prerequisite
from workbench.files import fingerprint

if TYPE_CHECKING:
    import numpy

    from workbench.models import Embedder

WORD = re.compile(r"[^\W_]+(?:[-_./][^\W_]+)*")
# Of Cormack, Clarke and Buettcher (2009): 60 keeps one first place from outweighing agreement further down.
FUSION = 60
# How many of each search are fused or reranked; what neither has this far up is seldom what was looked for.
DEPTH = 50
RERANKED = 20
REMEMBERED = 4096


class Retriever(Protocol):
    """Finds the passages that are most likely to answer a question.

    Attributes:
        name: for the reader.
        recipe: everything that decides what is found, for the hash that guards saved scores.
    """

    name: str

    @property
    def recipe(self) -> tuple:
        """What decides what is found: the kind of search, its settings, a fingerprint of the passages."""

    def search(self, question: str, k: int) -> list[Passage]:
        """At most `k` passages, the best first; fewer where fewer have anything to do with the question."""


def words_of(text: str) -> list[str]:
    """The words that BM25 counts: lower case, plurals without their s, no stop words.

    A code such as BH-06 is one word, also where it is written bh06 or BH_06, and its parts are words besides.
    """
    stop = _stop_words()
    return [word for found in WORD.findall(text.casefold()) for word in _forms(found) if word not in stop]


@cache
def _stop_words() -> frozenset[str]:
    from bm25s.stopwords import STOPWORDS_EN

    return frozenset(STOPWORDS_EN)


def _forms(found: str) -> Iterator[str]:
    parts = re.split(r"[-_./]", found)
    if len(parts) > 1 and any(c.isdigit() for c in found):
        yield "".join(parts)
    # Only the plural's s is taken off: a real stemmer knows one language, and the documents may be in another.
    yield from (p[:-1] if len(p) > 3 and p.endswith("s") and not p.endswith("ss") else p for p in parts)


@dataclass(frozen=True)
class Bm25:
    """Search by words, rare ones counting most (Robertson 1994; Lucene's form, k1 and b as usual)."""

    passages: tuple[Passage, ...]
    k1: float = 1.5
    b: float = 0.75
    name: str = "BM25"

    @property
    def recipe(self) -> tuple:
        """The settings and the passages."""
        return "bm25", self.k1, self.b, fingerprint_of(self.passages)

    @cached_property
    def _index(self) -> Any:
        import bm25s

        index = bm25s.BM25(k1=self.k1, b=self.b, method="lucene")
        # Passages without a word at all have no mean length to divide by; an empty index finds nothing, as it should.
        words = [words_of(p.searched) for p in self.passages]
        index.index(words if any(words) else [["\0"]], show_progress=False)
        return index

    def search(self, question: str, k: int) -> list[Passage]:
        """The passages that share words with the question; none where no word of it is known."""
        words = [word for word in words_of(question) if word in self._index.vocab_dict]
        return _best(self.passages, self._index.get_scores(words), k, above=0) if words else []


@dataclass(frozen=True)
class Dense:
    """Search by meaning: cosine of the embedding of the question and those of the passages, each of which is compared."""

    passages: tuple[Passage, ...]
    embedder: Embedder
    name: str = "dense"

    @property
    def recipe(self) -> tuple:
        """The embedding model and the passages."""
        return "dense", self.embedder.name, fingerprint_of(self.passages)

    @cached_property
    def vectors(self) -> numpy.ndarray:
        """Unit vectors of the passages, float32, shape (number of passages, width)."""
        import numpy

        return numpy.asarray(self.embedder.vectors([p.searched for p in self.passages]), dtype=numpy.float32)

    @cached_property
    def _vector(self) -> Any:
        return lru_cache(REMEMBERED)(lambda question: self.embedder.vectors([question])[0])

    def search(self, question: str, k: int) -> list[Passage]:
        """The nearest passages; none for an empty question."""
        return _best(self.passages, self.vectors @ self._vector(question), k) if question.strip() else []


@dataclass(frozen=True)
class Hybrid:
    """Several searches in one: their ranks are fused, so that their scores need not be comparable."""

    searches: tuple[Retriever, ...]
    name: str = "hybrid"

    @property
    def recipe(self) -> tuple:
        """The searches and how they are fused."""
        return "hybrid", FUSION, DEPTH, *(search.recipe for search in self.searches)

    def search(self, question: str, k: int) -> list[Passage]:
        """The passages by their fused ranks."""
        return fused([search.search(question, max(k, DEPTH)) for search in self.searches])[:k]


@dataclass(frozen=True)
class Reranked:
    """The first of another search, put in order by a cross-encoder, which reads question and passage together.

    No installed package carries the weights of one, so this needs the hub once, or a folder.

    Attributes:
        retriever: what finds the passages to reorder.
        model: id on the hub or folder of a cross-encoder, such as cross-encoder/ms-marco-MiniLM-L6-v2.
        depth: how many are reordered.
    """

    retriever: Retriever
    model: str
    depth: int = RERANKED

    @property
    def name(self) -> str:
        """Of both."""
        return f"{self.retriever.name}, reranked"

    @property
    def recipe(self) -> tuple:
        """The model and what it reorders."""
        return "reranked", self.model, self.depth, self.retriever.recipe

    @cached_property
    def _encoder(self) -> Any:
        from sentence_transformers import CrossEncoder

        try:
            # Weights in safetensors alone: the older format runs code when it is read.
            return CrossEncoder(self.model, device="cpu", trust_remote_code=False, model_kwargs={"use_safetensors": True})
        except (OSError, ValueError) as error:
            raise Prerequisite(
                f"The cross-encoder {self.model!r} couldn't be loaded: {str(error).splitlines()[0]} Without it nothing is "
                "reranked. Check the name and the connection to the hub, give a folder, or take a search without reranking."
            ) from error

    def search(self, question: str, k: int) -> list[Passage]:
        """The passages by the cross-encoder's score."""
        found = self.retriever.search(question, max(k, self.depth))
        if not found:
            return []
        scores = self._encoder.predict([(question, p.searched) for p in found], show_progress_bar=False)
        return _best(found, scores, k)


def retrievers(passages: Iterable[Passage], embedder: Embedder) -> dict[str, Retriever]:
    """The searches in memory, by key: "bm25", "dense", "hybrid"; none without passages. They index when first asked."""
    passages = tuple(passages)
    if not passages:
        return {}
    by_words, by_meaning = Bm25(passages), Dense(passages, embedder)
    return {"bm25": by_words, "dense": by_meaning, "hybrid": Hybrid((by_words, by_meaning))}


def fused(rankings: Iterable[Sequence[Passage]]) -> list[Passage]:
    """One ranking from several: reciprocal rank fusion, the sum of 1 / (60 + rank) (Cormack, Clarke and Buettcher 2009)."""
    scores: dict[Passage, float] = {}
    for ranking in rankings:
        for rank, passage in enumerate(ranking, start=1):
            scores[passage] = scores.get(passage, 0.0) + 1 / (FUSION + rank)
    return sorted(scores, key=lambda passage: -scores[passage])


@lru_cache(maxsize=8)
def fingerprint_of(passages: tuple[Passage, ...]) -> str:
    """A hash of the passages in their order."""
    return fingerprint([list(asdict(p).values()) for p in passages])


def _best(passages: Sequence[Passage], scores: numpy.ndarray, k: int, above: float | None = None) -> list[Passage]:
    """The k passages of the highest scores; of equal ones the earlier first, so that two runs find the same."""
    import numpy

    scores = numpy.asarray(scores, dtype=numpy.float64)
    order = numpy.argsort(-scores, kind="stable")[: max(k, 0)]
    return [passages[i] for i in order.tolist() if above is None or scores[i] > above]
