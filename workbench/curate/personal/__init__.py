"""Personal data and secrets in text: found, counted and masked, never shown."""

from workbench.curate.personal.detector import Rules, SpacyNames, WithNames, find_personal
from workbench.curate.personal.masking import Masking, load_or_make_key, mask
from workbench.curate.personal.numbers import EMAIL
from workbench.curate.personal.spans import MASK, REDUCED, REVIEW, SECRET, WORDS, Detector, Span, in_words

__all__ = [
    "EMAIL", "MASK", "REDUCED", "REVIEW", "SECRET", "WORDS", "Detector", "Masking", "Rules", "Span", "SpacyNames",
    "WithNames", "find_personal", "in_words", "load_or_make_key", "mask",
]
