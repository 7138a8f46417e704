"""Which part of a data set something belongs to, as most data sets name their parts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

HELD_OUT = re.compile(r"(?:^|[^a-z])(?:test|valid|validation|val|dev|eval)(?:[^a-z]|$)")
TRAIN = re.compile(r"(?:^|[^a-z])train(?:ing)?(?:[^a-z]|$)")


def training_parts(names: Iterable[str]) -> list[str]:
    """Those that are named as a training part; else all that aren't named as one held out; else all.

    Args:
        names: of parts, or of files with the folders that they lie in.
    """
    kinds = {name: _kind(name) for name in names}
    named = [name for name, kind in kinds.items() if kind == "train"]
    return named or [name for name, kind in kinds.items() if not kind] or list(kinds)


def _kind(name: str) -> str:
    # A file's own name counts before its folder's.
    path = PurePosixPath(name.lower())
    for part in (path.name, *(folder.name for folder in path.parents)):
        if TRAIN.search(part):
            return "train"
        if HELD_OUT.search(part):
            return "held out"
    return ""
