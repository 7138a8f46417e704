"""The faults planted in the samples: found, missed and false alarms, by fault and by check.

    python benchmarks/planted_faults.py [sample ...]

A planted row counts as found when reading set it aside or a check remarked on it that is meant for its fault (see
MEANT_FOR); a false alarm is a remark on a row in which nothing was planted and which is no planted row's original. The
tokens are those of the embedded model.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from workbench.check.skills import probe_texts
from workbench.curate.checks.check import FAULT, CheckContext
from workbench.curate.checks.report import CurationReport, check_rows
from workbench.curate.reading import ColumnGuess, read_file, to_dataset
from workbench.curate.start import SAMPLES
from workbench.models import choose_model, load_tokenizer
from workbench.runtime import this_machine
from workbench.train.encode import count_tokens
from workbench.train.plan import LONGEST_ROW


# Words in the name of a planted fault, and the checks that are there to find it.
REPEATS = {"exact duplicate", "near duplicate", "similar row", "same but for punctuation"}
PRIVATE = {"personal data", "secret", "possible personal data"}
ANSWER = {"answer format", "rare answer", "empty answer"}
CUT = {"truncated answer", "possible truncation"}
LEAKS = {"in the test set", "test question reworded", "near the test set"}
TAGS = {"pasted HTML", "markup", "script or injection"}
MEANT_FOR = {
    "duplicate": REPEATS, "forwarded": REPEATS, "contradiction": {"contradiction", "several answers"},
    "invalid_json": ANSWER, "wrong_keys": ANSWER, "outside_list": ANSWER, "unknown department": ANSWER, "empty": ANSWER,
    "email": PRIVATE, "phone": PRIVATE, "personal_data": PRIVATE, "signature": PRIVATE, "leak": LEAKS,
    "truncated": CUT, "refusal": {"refusal", "possible refusal", *ANSWER}, "boilerplate": {"boilerplate opening", "boilerplate closing", *ANSWER},
    "chatter": {"boilerplate opening", "boilerplate closing", *ANSWER}, "html": TAGS, "script": TAGS,
    "mojibake": {"garbled text"}, "token": {"control tokens"}, "zero-width": {"hidden characters"}, "bidirectional": {"hidden characters"},
    "language": {"other language", "answer language"}, "overlong": {"too long", "odd length"}, "long cell": {"too long", "odd length"},
    "label": {"likely label error", *ANSWER}, "fact": {"invented value", "unbacked answer"}, "contradicts": {"invented value", "unbacked answer"},
}  # fmt: skip


def meant_for(fault: str) -> set[str]:
    """The checks that are there to find a planted fault; none are for what only the sample's documents can tell."""
    return set().union(*(checks for word, checks in MEANT_FOR.items() if word in fault.lower())) | {"reading"}


@dataclass(frozen=True)
class Planted:
    """A sample's report beside what was planted in it."""

    name: str
    rows: int
    faults: dict[str, set[str]]
    originals: set[str]
    aside: set[str]
    report: CurationReport

    def found_by(self, row_id: str) -> list[str]:
        """The checks that remarked on a row, "reading" first if it was set aside."""
        checks = [f.check for f in self.report.findings if f.row_id == row_id]
        return (["reading"] if row_id in self.aside else []) + list(dict.fromkeys(checks))


def sample_report(name: str, tokens: object = None) -> Planted:
    """Read a sample and run every check on it."""
    folder = SAMPLES / name
    scenario = json.loads((folder / "scenario.json").read_text(encoding="utf-8"))
    faults = json.loads((folder / "faults.json").read_text(encoding="utf-8"))
    columns = ColumnGuess(scenario["input_column"], scenario["answer_column"], "", "named by the sample.")
    rows, quarantine = to_dataset(read_file(folder / scenario["train_file"]), columns)
    test = to_dataset(read_file(folder / scenario["test_file"]), columns, "test")[0] if scenario.get("test_file") else None
    counter = (lambda examples: count_tokens(tokens, examples)) if tokens else None
    window = min(tokens.window, LONGEST_ROW) if tokens else 0
    report = check_rows(rows, CheckContext(scenario["scorer"], test, probe_texts(), counter, window))
    planted = {fault: {f"line-{line}" for line in entry["lines"]} for fault, entry in faults.items()}
    originals = {f"line-{line}" for entry in faults.values() for line in entry.get("original_lines", [])}
    by_id = _lines_by_id(folder / scenario["train_file"])
    for entry in faults.values():
        for key, values in entry.items():
            if key.startswith("same_"):  # ids of the rows that each one repeats
                originals |= {f"line-{by_id[v]}" for v in values if v in by_id}
    return Planted(name, len(rows) + len(quarantine), planted, originals, {f"line-{q.line}" for q in quarantine}, report)


def _lines_by_id(path: Path) -> dict[str, int]:
    raw = read_file(path)
    return {str(next(iter(cells.values()))): line for line, cells in raw.rows}


def by_fault(planted: Planted) -> list[tuple[str, int, int, str]]:
    """(fault, planted, found, by which checks) a fault."""
    lines = []
    for fault, rows in planted.faults.items():
        checks = Counter(check for row in rows for check in planted.found_by(row))
        found = sum(bool(meant_for(fault) & set(planted.found_by(row))) for row in rows)
        lines.append((fault, len(rows), found, ", ".join(f"{c} {n}" for c, n in checks.most_common(4))))
    return lines


def by_check(planted: Planted) -> list[tuple[str, str, int, int, int]]:
    """(check, severity, rows remarked on, of them planted or a planted row's original, false alarms) a check."""
    wrong = set().union(*planted.faults.values()) | planted.originals
    rows = defaultdict(set)
    for finding in planted.report.findings:
        rows[finding.check].add(finding.row_id)
    return [
        (check, planted.report.severity[check], len(rows[check]), len(rows[check] & wrong), len(rows[check] - wrong))
        for check in planted.report.why
    ]


def main(names: list[str]) -> None:
    """Print both tables for every sample that says what was planted."""
    machine = this_machine()
    print(f"{machine!r}, {time.strftime('%Y-%m-%d')}")
    with tempfile.TemporaryDirectory() as log:
        tokens = load_tokenizer(choose_model("embedded"), Path(log) / "log.txt")
    total = Counter()
    for name in names or sorted(p.parent.name for p in SAMPLES.glob("*/faults.json")):
        planted = sample_report(name, tokens)
        print(f"\n## {name}: {planted.rows} rows\n\n| planted fault | rows | found | missed | by |\n|---|---|---|---|---|")
        for fault, count, found, checks in by_fault(planted):
            print(f"| {fault} | {count} | {found} | {count - found} | {checks} |")
            total["planted"] += count
            total["found"] += found
        print("\n| check | severity | rows | planted | false alarms |\n|---|---|---|---|---|")
        for check, severity, count, right, wrong in by_check(planted):
            total[f"{severity} alarms"] += count
            total[f"{severity} false"] += wrong
            if count:
                print(f"| {check} | {severity} | {count} | {right} | {wrong} |")
    print(
        f"\nIn all: {total['found']} of {total['planted']} planted rows found; false alarms: "
        f"{total[f'{FAULT} false']} of {total[f'{FAULT} alarms']} remarks that are acted on, "
        f"{total['review false']} of {total['review alarms']} that are for review."
    )


if __name__ == "__main__":
    main(sys.argv[1:])
