"""The nearest labelled examples: retrieval over the training rows by an embedding model, in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy

from workbench.dataset import Dataset, Example
from workbench.errors import Mismatch


@dataclass(frozen=True)
class ExampleIndex:
    """Labelled examples with the vectors of their inputs.

    Attributes:
        vectors: unit vectors, float32, shape (number of examples, width).
        embed: texts to unit vectors, the same that made `vectors`.
    """

    examples: Dataset
    vectors: numpy.ndarray
    embed: Callable[[list[str]], numpy.ndarray]

    def nearest(self, text: str, k: int) -> list[Example]:
        """The k examples whose inputs are most alike, the most alike last, next to the question."""
        likeness = self.vectors @ self.embed([text])[0]
        return [self.examples.examples[i] for i in numpy.argsort(likeness)[-k:]]

    def save(self, folder: Path) -> Path:
        """Write the examples (JSONL) and their vectors (safetensors)."""
        from safetensors.numpy import save_file

        self.examples.save(folder / "examples.jsonl")
        save_file({"vectors": self.vectors}, folder / "vectors.safetensors", {"examples": self.examples.fingerprint})
        return folder


def build_index(examples: Dataset, embed: Callable[[list[str]], numpy.ndarray]) -> ExampleIndex:
    """Embed the inputs of all examples."""
    vectors = numpy.ascontiguousarray(embed([e.input for e in examples]), dtype=numpy.float32)
    return ExampleIndex(examples, vectors, embed)


def load_index(folder: Path, embed: Callable[[list[str]], numpy.ndarray]) -> ExampleIndex:
    """Read what `ExampleIndex.save` wrote.

    Raises:
        Mismatch: the vectors belong to other examples.
    """
    from safetensors import safe_open

    examples = Dataset.load(folder / "examples.jsonl")
    with safe_open(folder / "vectors.safetensors", "numpy") as stored:
        if (stored.metadata() or {}).get("examples") != examples.fingerprint:
            raise Mismatch(
                f"The vectors in {folder} were made from other examples than the ones beside them. "
                "Run 05_ship_with_evidence.ipynb again."
            )
        return ExampleIndex(examples, stored.get_tensor("vectors"), embed)
