"""Looking things up: the nearest labelled examples, and passages of documents."""

from workbench.decide.retrieval.examples import ExampleIndex, build_index, load_index
from workbench.decide.retrieval.passages import Passage, documents_without, passages_of
from workbench.decide.retrieval.recall import RetrievalReport, gold_passages, recall, recall_of
from workbench.decide.retrieval.search import Bm25, Dense, Hybrid, Reranked, Retriever, retrievers
from workbench.decide.retrieval.store import PassageStore

__all__ = [
    "Bm25", "Dense", "ExampleIndex", "Hybrid", "Passage", "PassageStore", "Reranked", "RetrievalReport", "Retriever",
    "build_index", "documents_without", "gold_passages", "load_index", "passages_of", "recall", "recall_of", "retrievers",
]  # fmt: skip
