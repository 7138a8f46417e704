"""Texts that are nearly the same, among a million in a minute or two."""

from workbench.curate.near.pairs import THRESHOLD, Pairs, bands_for, near_duplicates, pairs_between, pairs_within
from workbench.curate.near.sketches import SEED, Sketch, sketch, words

__all__ = [
    "SEED", "THRESHOLD", "Pairs", "Sketch", "bands_for", "near_duplicates", "pairs_between", "pairs_within", "sketch", "words",
]  # fmt: skip
