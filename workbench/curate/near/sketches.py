"""What is kept of texts to compare them: MinHash signatures, and hashes of the pairs of neighbouring words."""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    import numpy

PERMUTATIONS, SEED = 128, 42
# 42 bands of 3: a pair at 0.5 is proposed with a chance of 0.996. The many that are proposed in vain cost little to refuse.
BAND_ROWS = 3
BANDS = PERMUTATIONS // BAND_ROWS
BATCH = 20_000
START, END = 1, 2

WORD = re.compile(r"\w+")
# Chinese characters stand for themselves; runs of kana, Thai, Lao, Burmese and Khmer are cut into threes.
HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u31f0-\u31ff"
PIECE = re.compile(rf"[{HAN}]|[{UNSPACED}]+|[^\W{HAN}{UNSPACED}]+")
SPACELESS = re.compile(rf"[{HAN}{UNSPACED}]")


def words(text: str) -> list[str]:
    """A text cut into what is compared: words in lower case, or pieces of characters where a script has no spaces.

    Text without any letter or digit is cut into its characters.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    text = text.casefold()
    if text.isascii() or not SPACELESS.search(text):
        return WORD.findall(text) or list("".join(text.split()))
    pieces: list[str] = []
    for piece in PIECE.findall(text):
        if len(piece) > 3 and SPACELESS.match(piece):
            pieces += (piece[i : i + 3] for i in range(len(piece) - 2))
        else:
            pieces.append(piece)
    return pieces


@dataclass(frozen=True)
class Sketch:
    """What is kept of texts to compare them: no text, no object per word.

    Attributes:
        leader: per text, the first text with the same words (itself, where it is the first).
        keys: (bands, texts); texts with an equal key in a band are candidates.
        signature: (texts, permutations); the share of equal places estimates the similarity.
        shingles: hashes of pairs of neighbouring words, each once per text, sorted, one text after the other.
        starts: where each text's shingles start, and where the last one's end.
    """

    leader: numpy.ndarray
    keys: numpy.ndarray
    signature: numpy.ndarray
    shingles: numpy.ndarray
    starts: numpy.ndarray

    def __len__(self) -> int:
        return len(self.leader)


def sketch(texts: Sequence[str], progress: Callable[[str, int, int], None] | None = None) -> Sketch:
    """Read texts once, in batches, and keep what is needed to compare them."""
    import numpy

    whole, keys, signatures, shingles, counts = [], [], [], [], []
    for start in range(0, max(len(texts), 1), BATCH):
        if progress:
            progress("Reading texts", start, len(texts))
        same, ids, sizes = _read(texts[start : start + BATCH])
        unique, per_row = _shingles(ids, sizes)
        digest = _digest(unique, per_row)
        whole.append(same)
        keys.append(_band_keys(digest))
        # One byte a place is enough to estimate by: two that differ look equal once in 256.
        signatures.append(digest.astype(numpy.uint8))
        shingles.append(unique)
        counts.append(per_row)
    _, first, group = numpy.unique(numpy.concatenate(whole), return_index=True, return_inverse=True)
    starts = numpy.concatenate([[0], numpy.cumsum(numpy.concatenate(counts))])
    return Sketch(
        first[group], numpy.concatenate(keys, axis=1), numpy.concatenate(signatures), numpy.concatenate(shingles), starts
    )


def _read(texts: Sequence[str]) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """Per text a hash of all its words; for all texts in a row the hashes of the words between START and END; their numbers."""
    import numpy

    same, ids, sizes = array("Q"), array("I"), array("I")
    for text in texts:
        line = " ".join(words(text)).encode("utf-8", "surrogatepass")
        same.append(int.from_bytes(blake2b(line, digest_size=8).digest(), "little"))
        before = len(ids)
        ids.append(START)
        ids.extend(map(crc32, line.split(b" ")))
        ids.append(END)
        sizes.append(len(ids) - before)
    return (
        numpy.array(same, dtype=numpy.uint64),
        numpy.array(ids, dtype=numpy.uint64),
        numpy.array(sizes, dtype=numpy.int64),
    )


def _shingles(ids: numpy.ndarray, sizes: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Hashes of neighbouring words, each once per text and sorted, and how many each text has."""
    import numpy

    if not len(ids):
        return numpy.zeros(0, numpy.uint32), numpy.zeros(0, numpy.int64)
    rows = numpy.repeat(numpy.arange(len(sizes), dtype=numpy.uint64), sizes)
    inside = rows[1:] == rows[:-1]
    pair = ids[:-1] * numpy.uint64(0x9E3779B97F4A7C15) + ids[1:] * numpy.uint64(0xC2B2AE3D27D4EB4F)
    pair = (pair ^ (pair >> numpy.uint64(29))) * numpy.uint64(0xBF58476D1CE4E5B9)
    ordered = each_once((rows[:-1] << numpy.uint64(32) | pair >> numpy.uint64(32))[inside])
    per_row = numpy.bincount((ordered >> numpy.uint64(32)).astype(numpy.int64), minlength=len(sizes))
    return ordered.astype(numpy.uint32), per_row


def _digest(shingles: numpy.ndarray, per_row: numpy.ndarray) -> numpy.ndarray:
    import numpy
    from rensa import RMinHash

    spread = shingles.astype(numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)
    offsets = numpy.concatenate([[0], numpy.cumsum(per_row)]).astype(numpy.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(spread, offsets, PERMUTATIONS, SEED)
    return numpy.array(matrix.to_rows(), dtype=numpy.uint32).reshape(len(per_row), PERMUTATIONS)


def _band_keys(digest: numpy.ndarray) -> numpy.ndarray:
    """One 32-bit number a band and text, shape (bands, texts)."""
    import numpy

    bands = digest[:, : BANDS * BAND_ROWS].reshape(len(digest), BANDS, BAND_ROWS).astype(numpy.uint64)
    key = numpy.zeros(bands.shape[:2], numpy.uint64)
    for place in range(BAND_ROWS):
        key = (key ^ bands[:, :, place]) * numpy.uint64(0x9E3779B97F4A7C15)
        key ^= key >> numpy.uint64(31)
    return numpy.ascontiguousarray((key >> numpy.uint64(32)).astype(numpy.uint32).T)


def each_once(numbers: numpy.ndarray) -> numpy.ndarray:
    """Sorted, without repeats. numpy.unique does the same by a hash table, several times slower on many numbers."""
    import numpy

    ordered = numpy.sort(numbers)
    return ordered[numpy.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(ordered) else ordered
