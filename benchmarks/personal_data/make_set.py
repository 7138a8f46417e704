"""The labelled evaluation set for personal data: python benchmarks/personal_data/make_set.py --out set.jsonl

About 1,500 rows with personal data in eight languages, and about 1,500 rows that look like it and hold none. Nothing is
stored: the rows come from a seed, from Faker, and from the standard library of the running Python, so another version
of Faker or Python gives slightly other rows. Needs Faker, phonenumbers and python-stdnum.

A row is {"text", "spans": [[start, end, type], ...], "language", "kind"}.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter
from pathlib import Path

from frames import FRAMES, NEUTRAL
from negatives import Fillers, Negatives
from values import Values

TYPES = ("EMAIL", "PHONE", "IBAN", "CARD", "IP", "NATIONAL_ID", "PERSON", "ADDRESS", "BIRTH_DATE", "SECRET")
POSITIVES = 1500
ENGLISH_SHARE = 0.58
SLOT = re.compile(r"\{([A-Z_]+)(?:\.(\w+))?\}")
# Every row is made for one type in turn, so that the rare ones are not rare here.
TURNS = (*TYPES, "PERSON", "ADDRESS", "IBAN", "CARD", "IP", "SECRET", "NATIONAL_ID")


def make_set(seed: int = 0) -> list[dict]:
    """All rows, shuffled; the same for the same seed and versions."""
    rng = random.Random(seed)
    values, fillers = Values(seed), Fillers(rng)
    rows = [_positive(rng, values, fillers, TURNS[i % len(TURNS)]) for i in range(POSITIVES)]
    rows += [{"text": text, "spans": [], "language": "en", "kind": kind} for kind, text in Negatives(rng).rows()]
    rng.shuffle(rows)
    return rows


def _positive(rng: random.Random, values: Values, fillers: Fillers, wanted: str) -> dict:
    frames: list[tuple[str, str]] = []
    while not frames:
        language = "en" if rng.random() < ENGLISH_SHARE else rng.choice([name for name in FRAMES if name != "en"])
        # Portuguese rows have no national number in this set.
        usable = FRAMES[language] if rng.random() < 0.75 else NEUTRAL
        frames = [f for f in usable if f"{{{wanted}" in f[1] and not (language == "pt" and "{NATIONAL_ID" in f[1])]
    kind, frame = rng.choice(frames)
    values.language = language
    text, spans = fill(frame, values, fillers)
    return {"text": text, "spans": spans, "language": language, "kind": kind}


def fill(frame: str, values: Values, fillers: Fillers) -> tuple[str, list[list]]:
    """The frame with its slots filled, and where the labelled values stand: [start, end, type]."""
    text, spans, after = "", [], 0
    for slot in SLOT.finditer(frame):
        text += fillers.fill(frame[after : slot.start()])
        value = values.makers[slot[1]](slot[2] or "")
        spans.append([len(text), len(text) + len(value), slot[1]])
        text, after = text + value, slot.end()
    return text + fillers.fill(frame[after:]), spans


def main() -> None:
    """Write the set as JSON lines and print how many spans of each type it has."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    rows = make_set(options.seed)
    options.out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    print(f"{len(rows)} rows, {sum(not row['spans'] for row in rows)} of them without personal data, in {options.out}")
    print(dict(Counter(span[2] for row in rows for span in row["spans"]).most_common()))
    print(dict(Counter(row["language"] for row in rows if row["spans"]).most_common()))


if __name__ == "__main__":
    main()
