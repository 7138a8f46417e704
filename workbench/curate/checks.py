"""What could harm a model in a data set: small checks, each with a name, a reason and row-level findings."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from workbench.curate.personal import find_personal, mask
from workbench.dataset import Dataset, Example, normalise
from workbench.result import Result
from workbench.scoring.scorers import read_number, read_object

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Finding:
    """One check's remark on one row. `evidence` never repeats personal data."""

    check: str
    row_id: str
    evidence: str


@dataclass(frozen=True)
class Check:
    """A kind of fault.

    Attributes:
        why: one sentence: what it does to a model.
        action: the recommended decision, "drop" or "mask".
        find: takes the data set and the task's scorer kind; yields (row id, evidence).
    """

    name: str
    why: str
    action: str
    find: Callable[[Dataset, str], Iterable[tuple[str, str]]]


def empty_answers(dataset: Dataset, kind: str) -> Iterable[tuple[str, str]]:
    """Rows without an answer."""
    return [(e.row_id, "the answer is empty") for e in dataset if not e.answer.strip()]


def answer_format(dataset: Dataset, kind: str) -> Iterable[tuple[str, str]]:
    """Rows whose answer is not in the form that the task's other answers have."""
    filled = [e for e in dataset if e.answer.strip()]
    if kind == "json":
        return _json_format(filled)
    if kind == "number":
        return [(e.row_id, "the answer holds no number") for e in filled if read_number(e.answer) is None]
    if kind == "label":
        return _rare_values({e.row_id: e.answer for e in filled}, "the label", normalise)
    return []


def _json_format(examples: list[Example]) -> list[tuple[str, str]]:
    objects = {e.row_id: read_object(e.answer) for e in examples}
    faults = [(row_id, "the answer is not a JSON object") for row_id, value in objects.items() if value is None]
    valid = {row_id: value for row_id, value in objects.items() if value is not None}
    if not valid:
        return faults
    usual = Counter(frozenset(value) for value in valid.values()).most_common(1)[0][0]
    for row_id, value in valid.items():
        if set(value) != usual:
            faults.append((row_id, f"its keys differ from the usual {', '.join(sorted(usual))}"))
    regular = {row_id: value for row_id, value in valid.items() if set(value) == usual}
    for key in sorted(usual):
        values = {i: v[key] for i, v in regular.items() if isinstance(v[key], str)}
        faults += _rare_values(values, key)
    return faults


def _rare_values(values: dict[str, str], what: str, form: Callable[[str], str] = str) -> list[tuple[str, str]]:
    """Values outside a closed list, where the list is what nearly all rows use.

    A field counts as closed when at most 12 values, each in 1 % of the rows or more (and in 3 rows at
    least), cover 95 % of them.
    """
    counts = Counter(map(form, values.values()))
    usual = {v for v, count in counts.items() if count >= max(3, 0.01 * len(values))}
    if len(usual) > 12 or sum(counts[v] for v in usual) < 0.95 * len(values):
        return []
    listed = ", ".join(sorted({form(mask(v)) for v in values.values() if form(v) in usual}))
    return [(i, f"{what} is outside the usual list ({listed})") for i, v in values.items() if form(v) not in usual]


def _by_input(dataset: Dataset) -> list[list[Example]]:
    groups: dict[tuple, list[Example]] = defaultdict(list)
    for example in dataset:
        groups[group_key(example)].append(example)
    return [group for group in groups.values() if len(group) > 1]


def group_key(example: Example) -> tuple:
    """Rows with the same key are the same question: their turns are equal once normalised."""
    return tuple((role, normalise(content)) for role, content in example.messages)


def exact_duplicates(dataset: Dataset, kind: str) -> Iterable[tuple[str, str]]:
    """Every copy of a row after the first, case, spacing and punctuation aside."""
    for group in _by_input(dataset):
        seen: dict[str, str] = {}
        for example in group:
            answer = normalise(example.answer)
            if answer in seen:
                yield example.row_id, f"the same as {seen[answer]}"
            else:
                seen[answer] = example.row_id


def contradictions(dataset: Dataset, kind: str) -> Iterable[tuple[str, str]]:
    """Rows with the same input and different answers; which one is right, only a person can say."""
    for group in _by_input(dataset):
        if len({normalise(e.answer) for e in group if e.answer.strip()}) > 1:
            ids = [e.row_id for e in group]
            for row_id in ids:
                yield row_id, f"another answer in {', '.join(i for i in ids if i != row_id)}"


def personal_data(dataset: Dataset, kind: str) -> Iterable[tuple[str, str]]:
    """Rows with e-mail addresses or phone numbers in any turn or in the answer."""
    words = {"EMAIL": "e-mail address", "PHONE": "phone number"}
    for example in dataset:
        texts = [content for _, content in example.messages] + [example.answer]
        found = Counter(what for text in texts for _, _, what in find_personal(text))
        if found:
            yield example.row_id, ", ".join(f"{n} {words[what]}{'es' if what == 'EMAIL' and n > 1 else 's' if n > 1 else ''}" for what, n in sorted(found.items()))


CHECKS = (
    Check("empty answer", "The model would learn to say nothing.", "drop", empty_answers),
    Check("answer format", "One malformed answer teaches that malformed answers are fine.", "drop", answer_format),
    Check("contradiction", "Two answers to one question pull the model both ways.", "drop", contradictions),
    Check("exact duplicate", "A row seen twice counts twice, and may end up in training and test.", "drop", exact_duplicates),
    Check("personal data", "What a model has read, it can repeat to strangers.", "mask", personal_data),
)
LEAK = "in the test set"
LEAK_WHY = "A question that was trained on is no test."


@dataclass(frozen=True, repr=False)
class CurationReport(Result):
    """All findings on one data set."""

    data: str
    rows: int
    findings: tuple[Finding, ...]
    why: dict[str, str]
    action: dict[str, str]

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the findings back."""
        return cls(**{**fields, "findings": tuple(Finding(**f) for f in fields["findings"])})

    def __repr__(self) -> str:
        touched = len({f.row_id for f in self.findings})
        return f"Curation: {touched} of {self.rows} rows have a finding"

    def count(self, check: str) -> int:
        """Rows that a check remarked on."""
        return len({f.row_id for f in self.findings if f.check == check})

    def table(self) -> pandas.DataFrame:
        """One row a check: how many rows, why it matters, what is recommended."""
        import pandas

        rows = [(name, self.count(name), self.why[name], self.action[name]) for name in self.why]
        return pandas.DataFrame(rows, columns=["check", "rows", "why it matters", "recommended"])

    def findings_table(self) -> pandas.DataFrame:
        """One row a finding, with its evidence and no text of the row."""
        import pandas

        return pandas.DataFrame([(f.check, f.row_id, f.evidence) for f in self.findings], columns=["check", "row", "evidence"])


def check_rows(dataset: Dataset, kind: str, test: Dataset | None = None) -> CurationReport:
    """Run every check on a data set.

    Args:
        dataset: the rows to look at.
        kind: the task's scorer kind, which says what form answers have.
        test: a test set that came with the data; its questions must not be trained on.
    """
    findings = [Finding(c.name, row_id, evidence) for c in CHECKS for row_id, evidence in c.find(dataset, kind)]
    why = {c.name: c.why for c in CHECKS}
    action = {c.name: c.action for c in CHECKS}
    if test is not None:
        tested = {group_key(e): e.row_id for e in test}
        why[LEAK], action[LEAK] = LEAK_WHY, "drop"
        findings += [
            Finding(LEAK, e.row_id, f"the same question as test row {tested[group_key(e)]}")
            for e in dataset
            if group_key(e) in tested
        ]
    return CurationReport(dataset.fingerprint, len(dataset), tuple(findings), why, action)
