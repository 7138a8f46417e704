"""Personal data and secrets: rows that hold them, told by number and kind, never by what they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from workbench.curate.checks.check import FAULT, REVIEW, Check, CheckContext, Remark
from workbench.curate.personal import MASK, SECRET, Rules, in_words
from workbench.curate.personal import REVIEW as UNSURE
from workbench.dataset import Dataset

# Progress is told after this many rows.
STEP = 2000


def _counts(dataset: Dataset, context: CheckContext) -> dict[str, Counter]:
    """Row id to the number of finds by (tier, type), for rows with any: one pass for all three checks."""

    def make() -> dict[str, Counter]:
        rules = Rules(tuple(context.regions))
        found: dict[str, Counter] = {}
        for done, example in enumerate(dataset, 1):
            counts = Counter((span.tier, span.type) for text in example.texts for span in rules.find(text))
            if counts:
                found[example.row_id] = counts
            if done % STEP == 0 or done == len(dataset):
                context.progress("personal data", done, len(dataset))
        return found

    return context.once(f"personal data {','.join(context.regions)}", dataset, make)


def _remarks(dataset: Dataset, context: CheckContext, tier: str, secret: bool) -> Iterable[Remark]:
    for row_id, counts in _counts(dataset, context).items():
        if wanted := {what: n for (of, what), n in counts.items() if of == tier and (what == SECRET) == secret}:
            yield Remark(row_id, in_words(wanted))


def personal_data(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows with what is surely personal, in any turn or answer: addresses, numbers and ids."""
    return _remarks(dataset, context, MASK, secret=False)


def secrets(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows with keys, tokens or passwords."""
    return _remarks(dataset, context, MASK, secret=True)


def possible_personal_data(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows with what may be personal: names, postal addresses, numbers without a word that explains them."""
    return _remarks(dataset, context, UNSURE, secret=False)


CHECKS = (
    Check("personal data", "What a model has read, it can repeat to strangers.", FAULT, "mask", personal_data),
    Check("secret", "A key or password in the data can be read out of the model and used.", FAULT, "mask", secrets),
    Check(
        "possible personal data",
        "Names and addresses are found only in part, so a person has to look: data gets reduced, not removed.",
        REVIEW,
        "keep",
        possible_personal_data,
        if_restricted="mask",
    ),
)
