"""Pairs of texts that are nearly the same: MinHash proposes them, the shared word pairs themselves decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.curate.near.sketches import BANDS, PERMUTATIONS, Sketch, each_once, sketch

if TYPE_CHECKING:
    import numpy

# Two texts that share half of their word pairs are near; a seventh of the words may have been edited.
THRESHOLD = 0.5
# The estimate from 128 permutations is off by 0.04 (one standard deviation); what is this far below is not looked at again.
MARGIN = 0.15
# In a bucket of more rows than this, a row is compared with the first and its neighbours only, or time would grow with the square.
CROWD = 8
LOW = 0xFFFFFFFF


@dataclass(frozen=True)
class Pairs:
    """Pairs of texts that are near, by their places.

    Attributes:
        first, second: where the two stand; within one list of texts, the first is the earlier one.
        similarity: the share of their word pairs that both have, from 0 to 1.
    """

    first: numpy.ndarray
    second: numpy.ndarray
    similarity: numpy.ndarray

    def __len__(self) -> int:
        return len(self.first)

    def __iter__(self) -> Iterator[tuple[int, int, float]]:
        return zip(self.first.tolist(), self.second.tolist(), self.similarity.tolist(), strict=True)

    def by_second(self) -> dict[int, list[tuple[int, float]]]:
        """Per second text, the firsts it is near and how near, nearest first."""
        import numpy

        found: dict[int, list[tuple[int, float]]] = {}
        order = numpy.lexsort((self.first, -self.similarity, self.second))
        for place in order.tolist():
            found.setdefault(int(self.second[place]), []).append((int(self.first[place]), float(self.similarity[place])))
        return found

    def clusters(self, texts: int) -> numpy.ndarray:
        """Per text, the first text of its cluster: whatever is linked by pairs is one cluster.

        Args:
            texts: how many texts there are.
        """
        import numpy
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        links = coo_array((numpy.ones(len(self), bool), (self.first, self.second)), shape=(texts, texts))
        _, label = connected_components(links, directed=False)
        _, first = numpy.unique(label, return_index=True)
        return first[label]


def near_duplicates(
    texts: Sequence[str], threshold: float = THRESHOLD, progress: Callable[[str, int, int], None] | None = None
) -> Pairs:
    """All pairs of texts that share at least `threshold` of their word pairs.

    Texts with the same words are paired with the first of them only. In large groups of texts that are all alike, a
    text is paired with some of the others, not with all.

    Args:
        texts: any number of texts; a million take a minute or two.
        threshold: from above 0 to 1; below 0.4, pairs are missed.
        progress: called with (what, done, total).
    """
    return pairs_within(sketch(texts, progress), threshold, progress)


def pairs_within(
    one: Sketch, threshold: float = THRESHOLD, progress: Callable[[str, int, int], None] | None = None
) -> Pairs:
    """The near pairs among the texts of a sketch; see `near_duplicates`."""
    import numpy

    everything = numpy.arange(len(one))
    leaders = everything[one.leader == everything].astype(numpy.uint64)
    codes = _Codes()
    for band in range(BANDS):
        if progress:
            progress("Comparing texts", band, BANDS)
        ordered = numpy.sort(one.keys[band][leaders].astype(numpy.uint64) << numpy.uint64(32) | leaders)
        for first, second in _neighbours(ordered):
            codes.add(_likely(one, first, one, second, threshold))
    first, second, similarity = _verified(one, one, codes.each_once(), threshold)
    copies = everything[one.leader != everything]
    return Pairs(
        numpy.concatenate([first, one.leader[copies]]),
        numpy.concatenate([second, copies]),
        numpy.concatenate([similarity, numpy.ones(len(copies))]),
    )


def _neighbours(ordered: numpy.ndarray) -> Iterator[tuple[numpy.ndarray, numpy.ndarray]]:
    """Pairs with the same key, from (key, row) numbers in order: all in small buckets, some in crowded ones."""
    import numpy

    key, row = ordered >> numpy.uint64(32), (ordered & numpy.uint64(LOW)).astype(numpy.int64)
    opens = numpy.concatenate([[True], key[1:] != key[:-1]]) if len(key) else numpy.zeros(0, bool)
    bucket = numpy.cumsum(opens) - 1
    size, begins = numpy.bincount(bucket)[bucket] if len(key) else bucket, numpy.flatnonzero(opens)
    for step in range(1, CROWD):
        same = key[step:] == key[:-step]
        if step > 1:
            same &= size[step:] <= CROWD
        if not same.any():
            break
        yield row[:-step][same], row[step:][same]
    crowded = numpy.flatnonzero(size > CROWD)
    opener = begins[bucket[crowded]]
    crowded, opener = crowded[crowded > opener + 1], opener[crowded > opener + 1]
    yield row[opener], row[crowded]


def pairs_between(one: Sketch, other: Sketch, threshold: float = THRESHOLD) -> Pairs:
    """Near pairs of a text of `one` and a text of `other`, for the leaders of both: look the others up by their leader."""
    import numpy

    mine = numpy.flatnonzero(one.leader == numpy.arange(len(one)))
    theirs = numpy.flatnonzero(other.leader == numpy.arange(len(other)))
    codes = _Codes()
    for band in range(BANDS):
        order = theirs[numpy.argsort(other.keys[band][theirs], kind="stable")]
        sought, keys = one.keys[band][mine], other.keys[band][order]
        low, high = numpy.searchsorted(keys, sought, "left"), numpy.searchsorted(keys, sought, "right")
        for step in range(CROWD):
            found = low + step < high
            if not found.any():
                break
            codes.add(_likely(one, mine[found], other, order[low[found] + step], threshold))
    return Pairs(*_verified(one, other, codes.each_once(), threshold))


class _Codes:
    """Pairs as numbers, gathered band by band; a pair that meets in many bands is kept once."""

    def __init__(self) -> None:
        self._parts: list[numpy.ndarray] = []
        self._gathered = 0

    def add(self, codes: numpy.ndarray) -> None:
        self._parts.append(codes)
        self._gathered += len(codes)
        if self._gathered > 20_000_000:
            self._parts = [self.each_once()]
            # What is left are different pairs; count anew, so that merging stays rare.
            self._gathered = 0

    def each_once(self) -> numpy.ndarray:
        import numpy

        return each_once(numpy.concatenate([numpy.zeros(0, numpy.uint64), *self._parts]))


def _likely(
    one: Sketch, first: numpy.ndarray, other: Sketch, second: numpy.ndarray, threshold: float
) -> numpy.ndarray:
    """The pairs whose estimated similarity is not far below the threshold, each as one number."""
    import numpy

    kept = [numpy.zeros(0, numpy.uint64)]
    fewest = max((threshold - MARGIN) * PERMUTATIONS, 1)
    for start in range(0, len(first), 100_000):
        a, b = first[start : start + 100_000], second[start : start + 100_000]
        equal = numpy.count_nonzero(one.signature[a] == other.signature[b], axis=1) >= fewest
        kept.append(a[equal].astype(numpy.uint64) << numpy.uint64(32) | b[equal].astype(numpy.uint64))
    return numpy.concatenate(kept)


def _verified(
    one: Sketch, other: Sketch, codes: numpy.ndarray, threshold: float
) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """The pairs whose shingles really overlap by the threshold, with the share."""
    import numpy

    first, second = (codes >> numpy.uint64(32)).astype(numpy.int64), (codes & numpy.uint64(LOW)).astype(numpy.int64)
    similarity = numpy.zeros(len(codes))
    sizes = numpy.diff(one.starts)[first], numpy.diff(other.starts)[second]
    # Cut so that each part holds about the same number of shingles, however long the texts are.
    part = numpy.cumsum(sizes[0] + sizes[1]) // 2_000_000
    edges = [0, *(numpy.flatnonzero(numpy.diff(part)) + 1).tolist(), len(codes)]
    for low, high in zip(edges, edges[1:], strict=False):
        shared = _shared(one, first[low:high], other, second[low:high])
        similarity[low:high] = shared / numpy.maximum(sizes[0][low:high] + sizes[1][low:high] - shared, 1)
    near = similarity >= threshold
    return first[near], second[near], similarity[near]


def _shared(one: Sketch, first: numpy.ndarray, other: Sketch, second: numpy.ndarray) -> numpy.ndarray:
    """How many shingles each pair shares: both texts' shingles are sorted together, and equal neighbours counted."""
    import numpy

    numbered = numpy.sort(numpy.concatenate([_numbered(one, first), _numbered(other, second)]))
    twice = numbered[1:][numbered[1:] == numbered[:-1]] >> numpy.uint64(32)
    return numpy.bincount(twice.astype(numpy.int64), minlength=len(first))


def _numbered(one: Sketch, rows: numpy.ndarray) -> numpy.ndarray:
    """The shingles of some texts, each with the place of its text in `rows` before it."""
    import numpy

    sizes = one.starts[rows + 1] - one.starts[rows]
    place = numpy.repeat(numpy.arange(len(rows)), sizes)
    inside = numpy.arange(len(place)) - numpy.repeat(numpy.cumsum(sizes) - sizes, sizes)
    return place.astype(numpy.uint64) << numpy.uint64(32) | one.shingles[one.starts[rows][place] + inside].astype(numpy.uint64)


def bands_for(threshold: float) -> tuple[int, int]:
    """Buckets and hashes per bucket that turn from "rarely" to "nearly always" at a threshold, within 128 permutations."""
    shapes = [(PERMUTATIONS // hashes, hashes) for hashes in range(1, PERMUTATIONS + 1)]
    return min(shapes, key=lambda shape: abs((1 / shape[0]) ** (1 / shape[1]) - threshold))
