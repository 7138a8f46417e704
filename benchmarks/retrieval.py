"""How well passages of the samples are found, and what a store on disk costs: python benchmarks/retrieval.py [--passages 20000]

The questions are the test rows. Of policy questions the row names the section that answers; of internal codes it is the
glossary's passage of the code in the message. The second part hides the policy passages among many others and compares
search in memory with a store on disk, exact and with an index of neighbours. The others are the policy passages with words
shuffled in, so search by words can't tell them apart and is there for its time alone. Their vectors are those of the policy
passages with noise, so that nobody waits for 20,000 embeddings.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from pathlib import Path

import numpy

from workbench.curate.reading import read_documents
from workbench.dataset import Example
from workbench.decide.retrieval import Passage, PassageStore, Retriever, passages_of, recall_of, retrievers
from workbench.models import Embedder, load_embedder
from workbench.runtime import this_machine, versions

SAMPLES = Path(__file__).resolve().parent.parent / "data_samples"
SETS = (("policy_questions", "documents_v1", "question", "answer"), ("internal_codes", "documents", "message", "queue"))
SEED = 20_261_124
# The noise's length beside a passage's own vector of 1: likeness of about 0.7 to the passage that it was made from.
NOISE = 1.0
K = 3


def test_rows(sample: str, question: str, answer: str) -> list[Example]:
    """The sample's test rows, with their columns."""
    with (SAMPLES / sample / "test.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [Example(str(i), (("user", row[question]),), row[answer], {"columns": row}) for i, row in enumerate(rows)]


class Noisy:
    """The embedding model for what is asked and for real passages; passages made up get a real one's vector with noise."""

    def __init__(self, embedder: Embedder, origins: dict[str, str]) -> None:
        self.name, self.embedder, self.origins = "noisy", embedder, origins
        real = sorted(set(origins.values()))
        self.real = dict(zip(real, embedder.vectors(real), strict=True))
        self.draw = numpy.random.default_rng(SEED)
        self.made: dict[str, numpy.ndarray] = {}

    def vectors(self, texts: list[str]) -> numpy.ndarray:
        """Unit vectors; a text has the same each time."""
        return numpy.stack([self._vector(text) for text in texts]).astype(numpy.float32)

    def _vector(self, text: str) -> numpy.ndarray:
        if text not in self.made:
            self.made[text] = self._noisy(text) if text in self.origins else self.embedder.vectors([text])[0]
        return self.made[text]

    def _noisy(self, text: str) -> numpy.ndarray:
        if self.origins[text] == text:
            return self.real[text]
        noise = self.draw.normal(size=self.real[self.origins[text]].shape)
        vector = self.real[self.origins[text]] + NOISE * noise / numpy.linalg.norm(noise)
        return vector / numpy.linalg.norm(vector)


def crowd(passages: list[Passage], n: int) -> tuple[list[Passage], dict[str, str]]:
    """`n` passages, the real ones among them, and for each text the real one that it was made from."""
    draw = numpy.random.default_rng(SEED)
    words = sorted({word for p in passages for word in p.text.split()})
    made = list(passages)
    origins = {p.searched: p.searched for p in passages}
    while len(made) < n:
        origin = passages[len(made) % len(passages)]
        mixed = draw.permutation([*origin.text.split(), *draw.choice(words, 12)])
        made.append(Passage(f"other-{len(made)}", "other.md", origin.title, " ".join(mixed)))
        origins[made[-1].searched] = origin.searched
    return [made[i] for i in draw.permutation(len(made))], origins


def compare(search: Retriever, title: str, examples: list[Example], passages: list[Passage], memory: dict[str, list]) -> None:
    """Print how often the right passage is found, how much is as in memory, and the time of a question."""
    search.search("warm up", K)
    start = time.perf_counter()
    found = {e.input: [p.passage_id for p in search.search(e.input, K)] for e in examples}
    seconds = (time.perf_counter() - start) / len(examples)
    report = recall_of({"x": search}, examples, passages=passages)
    pairs = [(set(ids), set(memory.get(question, ids))) for question, ids in found.items()]
    same = numpy.mean([len(now & before) / len(now | before) if now | before else 1.0 for now, before in pairs])
    share = report.recall("x", K)
    print(f"{title:<28} recall@{K} {share}  as in memory {same:.3f}  {seconds * 1000:6.1f} ms a question", flush=True)
    memory.update({q: ids for q, ids in found.items() if q not in memory})


def main() -> None:
    """Print both parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=20_000)
    options = parser.parse_args()
    print(f"{time.strftime('%Y-%m-%d')}, {this_machine()!r}, {versions()}")
    with tempfile.TemporaryDirectory() as folder:
        embedder = load_embedder(Path(folder) / "log.txt")
        for sample, documents, question, answer in SETS:
            passages = passages_of(read_documents(SAMPLES / sample / documents))
            report = recall_of(retrievers(passages, embedder), test_rows(sample, question, answer))
            best = next(found.title for found in report.found if found.key == report.order[0])
            print(f"\n{sample}, {len(passages)} passages. {report!r}")
            print(f"{report.table().to_string(index=False)}\nbest here: {best}")
        sample, documents, question, answer = SETS[0]
        passages = passages_of(read_documents(SAMPLES / sample / documents))
        examples = [e for e in test_rows(sample, question, answer) if e.provenance["columns"]["source_section"]]
        many, origins = crowd(passages, options.passages)
        noisy = Noisy(embedder, origins)
        noisy.vectors([*(p.searched for p in many), *(e.input for e in examples)])
        print(f"\nThe policy passages among {len(many):,}; embedding isn't in the times")
        stores = {}
        for title, exact_up_to in (("exact", len(many)), ("neighbours", 0)):
            start = time.perf_counter()
            stores[title] = PassageStore.build(Path(folder) / title, iter(many), noisy, 2_000, exact_up_to=exact_up_to).folder
            size = sum(path.stat().st_size for path in stores[title].rglob("*") if path.is_file())
            print(f"store {title}: built in {time.perf_counter() - start:.1f} s, {size / 1e6:.0f} MB")
        for key, search in retrievers(many, noisy).items():
            memory: dict[str, list] = {}
            compare(search, f"{key}, in memory", examples, many, memory)
            for title, place in stores.items():
                if key != "bm25" or title == "exact":
                    compare(PassageStore(place, noisy, key), f"{key}, on disk, {title}", examples, many, memory)


if __name__ == "__main__":
    main()
