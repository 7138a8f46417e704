"""Passages on disk, for more documents than memory holds.

LanceDB keeps them: it is a library, not a server; a store is a folder of Arrow files that can be copied and read without
it; it searches by words and by vectors; and its licence is Apache-2.0. FAISS and hnswlib have no search by words and
no texts, Qdrant, Weaviate and OpenSearch want a server, SQLite's extensions for vectors compare all of them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from workbench.decide.retrieval.passages import Passage
from workbench.decide.retrieval.search import DEPTH, FUSION, fused, words_of
from workbench.errors import BadInput, Mismatch, Prerequisite
from workbench.files import read_json, write_json

if TYPE_CHECKING:
    from workbench.models import Embedder

Mode = Literal["dense", "bm25", "hybrid"]
RECORD = "store.json"
TABLE = "passages"
COLUMNS = ("passage_id", "document", "title", "text")
# Below this, comparing a question with every vector takes hundredths of a second and misses none.
EXACT_UP_TO = 100_000
EXPLORED = 400
REFINED = 10


@dataclass(frozen=True)
class PassageStore:
    """A retriever over passages in a folder.

    Attributes:
        folder: what `build` made.
        embedder: the same that made the vectors.
        mode: "dense", "bm25" or "hybrid".
    """

    folder: Path
    embedder: Embedder
    mode: Mode = "hybrid"

    def __post_init__(self) -> None:
        if self.mode not in get_args(Mode):
            raise BadInput(f"There is no search {self.mode!r} in a store of passages; choose dense, bm25 or hybrid.")
        if self._record["embedder"] != self.embedder.name:
            raise Mismatch(
                f"The vectors in {self.folder} were made by {self._record['embedder']}, not by {self.embedder.name}, so "
                "the two can't be compared. Build the store again."
            )

    @classmethod
    def build(cls, folder: Path, passages: Iterable[Passage], embedder: Embedder, batch: int = 256, mode: Mode = "hybrid",
              exact_up_to: int = EXACT_UP_TO) -> PassageStore:
        """Write passages, their words and their vectors, a batch at a time; memory holds one batch.

        It is written beside `folder` and renamed when it is whole, so that a build that is killed leaves no half store,
        and one that was there before stays in use until then.

        Args:
            exact_up_to: above so many passages an index is built (IVF with HNSW, 8 bits a number); it is quicker and
                misses some.

        Raises:
            BadInput: there is no passage, or `folder` has something else in it.
            Prerequisite: LanceDB isn't installed.
        """
        folder = Path(folder)
        if folder.exists() and not (folder / RECORD).exists() and (folder.is_file() or any(folder.iterdir())):
            raise BadInput(f"{folder} is there already and is no store of passages, so it is left alone. Name another folder.")
        lancedb, half, old = _lancedb(), folder.with_name(f".{folder.name}.part"), folder.with_name(f".{folder.name}.old")
        for left in (half, old):
            shutil.rmtree(left, ignore_errors=True)
        half.parent.mkdir(parents=True, exist_ok=True)
        from lancedb import index

        digest = hashlib.sha256()
        table = lancedb.connect(half).create_table(TABLE, _batches(passages, embedder, batch, digest))
        count = table.count_rows()
        # The words are cut by the workbench, as in memory; the engine only has to split them at spaces.
        table.create_index("words", config=index.FTS(base_tokenizer="whitespace", stem=False, remove_stop_words=False,
                                                     lower_case=False, ascii_folding=False, max_token_length=None))
        if count > exact_up_to:
            table.create_index("vector", config=index.HnswSq(distance_type="dot"))
        write_json(half / RECORD, {"embedder": embedder.name, "passages": count, "fingerprint": digest.hexdigest()[:16],
                                   "exact": count <= exact_up_to})
        if folder.exists():
            folder.rename(old)
        half.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
        return cls(folder, embedder, mode)

    @property
    def name(self) -> str:
        """For the reader."""
        return f"{'BM25' if self.mode == 'bm25' else self.mode}, on disk"

    @property
    def recipe(self) -> tuple:
        """The kind of search and what is in the store."""
        fusion = (FUSION, DEPTH) if self.mode == "hybrid" else ()
        return "store", self.mode, *fusion, self._record["embedder"], self._record["fingerprint"], self._record["exact"]

    def __len__(self) -> int:
        return self._record["passages"]

    @cached_property
    def _record(self) -> dict:
        path = Path(self.folder) / RECORD
        if not path.exists():
            raise Prerequisite(f"There is no store of passages in {self.folder}. Make one with PassageStore.build.")
        return read_json(path)

    @cached_property
    def _table(self) -> Any:
        return _lancedb().connect(Path(self.folder)).open_table(TABLE)

    def search(self, question: str, k: int) -> list[Passage]:
        """At most `k` passages, the best first.

        The question goes to the engine as a vector and as a list of words; no query text is made of it. Search by words is
        the engine's own BM25, whose order may differ from that in memory further down.
        """
        if not question.strip() or k < 1:
            return []
        if self.mode == "dense":
            return self._by_meaning(question, k)
        if self.mode == "bm25":
            return self._by_words(question, k)
        depth = max(k, DEPTH)
        return fused([self._by_words(question, depth), self._by_meaning(question, depth)])[:k]

    def _by_meaning(self, question: str, k: int) -> list[Passage]:
        search = self._table.search(self.embedder.vectors([question])[0], vector_column_name="vector", query_type="vector")
        if not self._record["exact"]:
            # The index holds 8 bits a number: it is walked widely, and what it finds is compared again by the full vectors.
            search = search.ef(max(EXPLORED, k * REFINED)).refine_factor(REFINED)
        return _passages(search.distance_type("dot").select([*COLUMNS, "_distance"]).limit(k).to_list())

    def _by_words(self, question: str, k: int) -> list[Passage]:
        from lancedb.query import MatchQuery

        words = words_of(question)
        if not words:
            return []
        search = self._table.search(MatchQuery(" ".join(words), "words"), query_type="fts")
        return _passages(search.select([*COLUMNS, "_score"]).limit(k).to_list())


def _lancedb() -> Any:
    try:
        import lancedb
    except ImportError as error:
        raise Prerequisite(
            "LanceDB isn't installed; it keeps passages on disk when memory doesn't hold them. "
            "Run: pip install 'finetuning-workbench[scale]', or search in memory, which needs nothing more."
        ) from error
    return lancedb


def _batches(passages: Iterable[Passage], embedder: Embedder, size: int, digest: Any) -> Any:
    """The passages as a stream of Arrow batches."""
    import pyarrow

    left = iter(passages)
    groups = iter(lambda: tuple(islice(left, size)), ())
    first = next(groups, ())
    if not first:
        raise BadInput("There is no passage to build a store from. Check that the folder has documents with text.")
    width = embedder.vectors([first[0].searched]).shape[1]
    texts = [pyarrow.field(name, pyarrow.string()) for name in (*COLUMNS, "words")]
    schema = pyarrow.schema([*texts, pyarrow.field("vector", pyarrow.list_(pyarrow.float32(), width))])

    def stream() -> Iterator[pyarrow.RecordBatch]:
        yield _batch(first)
        yield from map(_batch, groups)

    def _batch(group: tuple[Passage, ...]) -> pyarrow.RecordBatch:
        import numpy

        for passage in group:
            digest.update(json.dumps(list(asdict(passage).values())).encode())
        vectors = numpy.asarray(embedder.vectors([p.searched for p in group]), dtype=numpy.float32)
        columns = [pyarrow.array([getattr(p, name) for p in group]) for name in COLUMNS]
        columns.append(pyarrow.array([" ".join(words_of(p.searched)) for p in group]))
        columns.append(pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.ravel()), width))
        return pyarrow.RecordBatch.from_arrays(columns, schema=schema)

    return pyarrow.RecordBatchReader.from_batches(schema, stream())


def _passages(rows: list[dict]) -> list[Passage]:
    return [Passage(*(row[name] for name in COLUMNS)) for row in rows]
