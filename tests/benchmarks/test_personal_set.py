"""The evaluation set of personal data is labelled where the values are, its numbers are valid, its negatives are none."""

import re
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "personal_data"
pytest.importorskip("faker", reason="Faker isn't installed; the evaluation set is made with it: pip install Faker")

from stdnum import iban, luhn  # noqa: E402
from stdnum.de import idnr  # noqa: E402
from stdnum.es import dni, nie  # noqa: E402
from stdnum.fr import nir  # noqa: E402
from stdnum.gb import nhs  # noqa: E402
from stdnum.it import codicefiscale  # noqa: E402
from stdnum.nl import bsn  # noqa: E402
from stdnum.pl import pesel  # noqa: E402
from stdnum.us import ssn  # noqa: E402

NINO = re.compile(r"[A-CEGHJ-PR-TW-Z]{2}(?: ?\d{2}){3} ?[A-D]")
NATIONAL = {"en": (ssn, nhs), "de": (idnr,), "es": (dni, nie), "fr": (nir,), "it": (codicefiscale,), "nl": (bsn,), "pl": (pesel,)}


@pytest.fixture(scope="module")
def modules():
    sys.path.insert(0, str(FOLDER))
    try:
        import frames
        import make_set
        import values

        yield make_set, frames, values
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def rows(modules):
    return modules[0].make_set(seed=0)


def of_type(rows, kind):
    return [(row["text"][start:end], row["language"]) for row in rows for start, end, name in row["spans"] if name == kind]


def test_the_same_seed_makes_the_same_rows_and_another_seed_others(modules, rows):
    assert modules[0].make_set(seed=0) == rows
    assert modules[0].make_set(seed=1) != rows


def test_spans_lie_in_the_text_in_order_and_never_overlap(modules, rows):
    for row in rows:
        ends = [0, *(end for _, end, _ in row["spans"])]
        for (start, end, kind), before in zip(row["spans"], ends, strict=False):
            assert before <= start < end <= len(row["text"]) and kind in modules[0].TYPES
            assert row["text"][start:end].strip() == row["text"][start:end]


def test_a_filled_frame_without_its_values_is_the_frame(modules):
    make_set, frames, values = modules
    maker, fillers = values.Values(3), make_set.Fillers(make_set.random.Random(3))
    for language, of_language in {**frames.FRAMES, "fr ": frames.NEUTRAL}.items():
        maker.language = language.strip()
        for _, frame in of_language:
            text, spans = make_set.fill(re.sub(r"<\w+>", "~", frame), maker, fillers)
            for start, end, _ in reversed(spans):
                text = text[:start] + "{}" + text[end:]
            assert text == re.sub(r"\{[A-Z_]+(\.\w+)?\}", "{}", re.sub(r"<\w+>", "~", frame))


def test_no_slot_is_left_unfilled(modules, rows):
    assert not [
        row["text"]
        for row in rows
        if re.search(r"\{[A-Z_]{2,}(\.\w+)?\}", row["text"]) and row["kind"] != "library code" and "${" not in row["text"]
    ]
    left = {m for row in rows if row["spans"] for m in re.findall(r"<(\w+)>", row["text"])}
    assert not left, f"frames ask for {left}, which no filler makes"


def test_structured_values_are_valid(rows):
    assert all(iban.is_valid(value) for value, _ in of_type(rows, "IBAN"))
    assert all(luhn.is_valid(re.sub(r"\D", "", value)) for value, _ in of_type(rows, "CARD"))
    assert all(re.search(r"@|\bat\b|\[at\]|\(at\)", value, re.IGNORECASE) for value, _ in of_type(rows, "EMAIL"))
    for value, language in of_type(rows, "NATIONAL_ID"):
        assert NINO.fullmatch(value) or any(module.is_valid(value) for module in NATIONAL[language]), (language, value)


def test_ip_numbers_are_public(rows):
    from ipaddress import ip_address

    assert all(ip_address(value).is_global for value, _ in of_type(rows, "IP"))


def test_every_type_language_and_many_frames_have_their_share(modules, rows):
    make_set, frames, _ = modules
    assert all(len(of_type(rows, kind)) >= 100 for kind in make_set.TYPES)
    positive = [row["language"] for row in rows if row["spans"]]
    assert len(positive) == 1500 and set(positive) == set(frames.FRAMES) and positive.count("en") > len(positive) / 2
    assert len({frame for part in (*frames.FRAMES.values(), frames.NEUTRAL) for frame in part}) >= 120


def test_what_fails_its_checksum_fails_it(rows):
    def numbers(kind, pattern):
        found = [re.search(pattern, row["text"]) for row in rows if row["kind"] == kind]
        assert found and all(found)
        return [re.sub(r"\W", "", match[0]) for match in found]

    assert not any(luhn.is_valid(number) for number in numbers("failing card", r"\d{4}( ?\d{4}){3}"))
    assert not any(iban.is_valid(number) for number in numbers("failing iban", r"[A-Z]{2}\d{20,}"))


def test_negatives_hold_no_address_of_mail_or_machine(rows):
    negatives = [row["text"] for row in rows if not row["spans"]]
    assert len(negatives) == 1500
    assert not [t for t in negatives if re.search(r"\w@\w+\.[a-z]", t)]
    assert not [
        t
        for t in negatives
        if re.search(r"(?<![\d.])(?!0\.0\.0\.0)(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])", t)
    ]


def test_the_folder_stays_small():
    assert all(path.stat().st_size < 250_000 for path in FOLDER.iterdir() if path.is_file())
    assert (FOLDER / "names.json").stat().st_size < 100_000
