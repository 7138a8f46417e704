"""Labels that the text speaks against, classes with hardly a row, and rows unlike any other."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from workbench.curate.checks.check import REVIEW, Check, CheckContext, Remark, group_key
from workbench.curate.checks.closed import closed_list, shown
from workbench.curate.coverage import topic_text, word_vectors
from workbench.dataset import Dataset, normalise
from workbench.result import Result
from workbench.scoring.scorers import read_object

if TYPE_CHECKING:
    import numpy
    import pandas
    from scipy.sparse import csr_matrix

# Above this many rows a sample of them is looked at: every model is trained once a fold.
SAMPLE = 20_000
FOLDS = 5
# How far the labels must be predictable before a disagreement says anything about the label.
LEAST_AGREEMENT = 0.7
# Another class must be at least this likely, and is likely enough at that; the given one at most this.
SURE, SURE_ENOUGH, UNLIKELY = 0.6, 0.8, 0.1
FEW_ROWS, FEW_SHARE = 5, 0.01
MOST_CLASSES = 100


@dataclass(frozen=True, repr=False)
class Balance(Result):
    """How many rows each class has.

    Attributes:
        classes: (field, class, rows, share), most frequent first within a field; field is "label" for plain labels.
    """

    classes: tuple[tuple[str, str, int, float], ...]

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the classes back."""
        return cls(tuple((field, name, rows, share) for field, name, rows, share in fields["classes"]))

    def __repr__(self) -> str:
        fields = {field for field, *_ in self.classes}
        return f"Balance: {len(self.classes)} classes in {len(fields)} field{'s' if len(fields) != 1 else ''}"

    def table(self) -> pandas.DataFrame:
        """One row a class: its field, rows, share."""
        import pandas

        return pandas.DataFrame(list(self.classes), columns=["field", "class", "rows", "share"])


def balance(dataset: Dataset, kind: str) -> Balance:
    """Count the rows of each class of each closed field; free text has none.

    Args:
        dataset: the rows.
        kind: the task's scorer kind.
    """
    classes = []
    for field, values in class_fields(dataset, kind).items():
        for value, n in sorted(Counter(values.values()).items(), key=lambda item: (-item[1], item[0])):
            classes.append((shown(field), shown(value), n, n / len(values)))
    return Balance(tuple(classes))


def class_fields(dataset: Dataset, kind: str) -> dict[str, dict[str, str]]:
    """Field to row id to class, for the label of a labelled set and each field of JSON answers that has a closed list.

    A list is closed by the rule of `closed_list`, or when it has at most 100 values with ten rows each on average. Beside
    the values of a closed list, every value of two rows or more is a class; a value seen once is none.
    """
    fields: dict[str, dict[str, str]] = {}
    if kind == "label":
        # Labels that differ in case or punctuation are the same; the first way of writing stands for all.
        written: dict[str, str] = {}
        fields["label"] = {
            e.row_id: written.setdefault(normalise(e.answer), e.answer.strip()) for e in dataset if e.answer.strip()
        }
    elif kind == "json":
        for example in dataset:
            for key, value in (read_object(example.answer) or {}).items():
                if isinstance(value, str):
                    fields.setdefault(key, {})[example.row_id] = value
    found = {}
    for field, values in fields.items():
        counts = Counter(values.values())
        if usual := closed_list(counts):
            values = {i: v for i, v in values.items() if v in usual or counts[v] > 1}
        elif not (1 < len(counts) <= MOST_CLASSES and len(counts) * 10 <= len(values)):
            continue
        if len(values) >= 0.5 * len(dataset):
            found[field] = values
    return found


def class_balance(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows of a class that hardly any other row is in."""
    for field, values in class_fields(dataset, context.kind).items():
        counts = Counter(values.values())
        for row_id, value in values.items():
            if (n := counts[value]) < max(FEW_ROWS, FEW_SHARE * len(values)):
                yield Remark(row_id, f"only {n} of {len(values):,} rows have {shown(field)} '{shown(value)}'")


def label_errors(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose text speaks for another label, by models that were trained on the other rows.

    The rule is that of confident learning (Northcutt, Jiang and Chuang, 2021): another class is likelier than it is on
    average for its own rows (or than 0.8, as clean sets have high averages). On top of it the given label must be
    unlikely, and the labels of the set predictable at all. Copies of a question are never split between training and judging. Above 20,000 rows, a sample is judged.
    """
    for field, values in class_fields(dataset, context.kind).items():
        context.progress(f"Label errors ({shown(field)})", 0, 1)
        yield from _unlikely(dataset, field, values, context)


def _unlikely(dataset: Dataset, field: str, values: dict[str, str], context: CheckContext) -> Iterable[Remark]:
    import numpy

    examples = [e for e in _sample(dataset) if e.row_id in values]
    keys: dict[tuple, int] = {}
    groups = numpy.array([keys.setdefault(group_key(e), len(keys)) for e in examples])
    given = [values[e.row_id] for e in examples]
    firsts = Counter(dict(zip(reversed(groups.tolist()), reversed(given), strict=True)).values())
    classes = sorted(c for c, n in firsts.items() if n >= FOLDS)
    rows = [i for i, label in enumerate(given) if label in classes]
    if len(classes) < 2 or len(rows) < 10 * len(classes):
        return
    labels = numpy.array([classes.index(given[i]) for i in rows])
    chances = _chances([topic_text(examples[i].input) for i in rows], labels, groups[rows], len(classes))
    if chances is None:
        return
    own = chances[numpy.arange(len(rows)), labels]
    average = numpy.array([own[labels == c].mean() for c in range(len(classes))])
    best = chances.argmax(axis=1)
    most = Counter(labels.tolist()).most_common(1)[0][1] / len(rows)
    agreement = (best == labels).mean()
    # Labels that words hardly tell apart can't be doubted on the strength of words.
    if agreement < max(LEAST_AGREEMENT, most + 0.3 * (1 - most)):
        return
    top = chances[numpy.arange(len(rows)), best]
    doubtful = (best != labels) & (top >= average[best].clip(SURE, SURE_ENOUGH)) & (own <= UNLIKELY)
    for n in numpy.flatnonzero(doubtful):
        other, label = shown(classes[best[n]]), shown(classes[labels[n]])
        said = f"{shown(field)} looks like '{other}' ({top[n]:.2f}) rather than '{label}' ({own[n]:.2f})"
        yield Remark(examples[rows[n]].row_id, said)


def _sample(dataset: Dataset) -> list:
    import numpy

    if len(dataset) <= SAMPLE:
        return list(dataset)
    chosen = numpy.sort(numpy.random.default_rng(0).permutation(len(dataset))[:SAMPLE])
    return [dataset.examples[i] for i in chosen]


def _chances(texts: list[str], labels: numpy.ndarray, groups: numpy.ndarray, classes: int) -> numpy.ndarray | None:
    """The probability of each class for each text, shape (texts, classes), by a model that hasn't seen its group."""
    import numpy
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    made = word_vectors(texts, codes=True)
    if made is None:
        return None
    vectors, _ = made
    firsts, where = numpy.unique(groups, return_index=True)
    fold_of = numpy.zeros(groups.max() + 1, dtype=int)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(firsts, labels[where])
    for fold, (_, judged) in enumerate(folds):
        fold_of[firsts[judged]] = fold
    chances = numpy.zeros((len(texts), classes))
    for fold in range(FOLDS):
        judged = fold_of[groups] == fold
        model = LogisticRegression(C=30, max_iter=200).fit(vectors[~judged], labels[~judged])
        chances[numpy.ix_(judged, model.classes_)] = model.predict_proba(vectors[judged])
    return chances


# Rows unlike any other

NEIGHBOURS = 5
FAR = 6.0
MOST_OUTLIERS = 0.02
FEWEST_ROWS = 50
REFERENCE = 5000
AT_ONCE = 2000
LEAST_APART = 0.05


def outliers(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """The few rows, at most 2 %, whose input shares hardly a word with any other, where the others share many.

    Above 20,000 rows a sample is looked at.
    """
    import numpy

    examples = _sample(dataset)
    if len(examples) < FEWEST_ROWS:
        return
    made = word_vectors([topic_text(e.input) for e in examples])
    if made is None:
        return
    nearness = _nearness(made[0])
    middle = float(numpy.median(nearness))
    spread = 1.4826 * float(numpy.median(numpy.abs(nearness - middle)))
    limit = min(middle - FAR * max(spread, 0.01), middle / 3, middle - LEAST_APART)
    farthest = numpy.argsort(nearness, kind="stable")[: math.floor(MOST_OUTLIERS * len(examples))]
    for i in sorted(int(i) for i in farthest if nearness[i] < limit):
        said = f"shares hardly a word with other rows: likeness {nearness[i]:.2f} to the nearest, {middle:.2f} is usual"
        yield Remark(examples[i].row_id, said)


def _nearness(vectors: csr_matrix) -> numpy.ndarray:
    """Mean likeness (cosine) of each text to those nearest to it, itself left out."""
    import numpy

    chosen = numpy.sort(numpy.random.default_rng(0).permutation(vectors.shape[0])[:REFERENCE])
    reference = vectors[chosen].T.tocsc()
    place = {int(row): column for column, row in enumerate(chosen)}
    found = numpy.zeros(vectors.shape[0])
    for start in range(0, vectors.shape[0], AT_ONCE):
        likeness = (vectors[start : start + AT_ONCE] @ reference).toarray()
        for row in range(likeness.shape[0]):
            if start + row in place:
                likeness[row, place[start + row]] = -1
        count = min(NEIGHBOURS, likeness.shape[1] - 1)
        found[start : start + likeness.shape[0]] = numpy.partition(likeness, -count, axis=1)[:, -count:].mean(axis=1)
    return found


CHECKS = (
    Check("likely label error", "A wrong label teaches the wrong answer to every text like it.", REVIEW, "keep", label_errors),
    Check("class balance", "A class with hardly a row is neither learnt nor measured.", REVIEW, "keep", class_balance),
    Check("outlier", "A row unlike all others is learnt by heart, if at all, and may not belong here.", REVIEW, "keep", outliers),
)
