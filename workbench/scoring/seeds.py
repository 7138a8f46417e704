"""One tuned arm trained on several seeds: its Scorecards read as one, with the spread between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy

from workbench.errors import BadInput, Mismatch
from workbench.files import fingerprint
from workbench.result import Result
from workbench.scoring.intervals import Interval, seeded_difference, seeded_mean

if TYPE_CHECKING:
    import pandas

    from workbench.scoring.scorecard import Scorecard

    Scored: TypeAlias = "Scorecard | Seeds"


@dataclass(frozen=True, repr=False)
class Seeds(Result):
    """Scorecards of one arm, one a training seed, on the same rows. Read like a Scorecard; made from cards, not saved.

    A row's score is its mean over the seeds, of the rows that every seed has a score of. A seed of which no row
    could be scored is left out. Intervals cover the choice of rows and the choice of seeds.

    Raises:
        BadInput: no card, or the same one twice: a copy would make the seeds look more alike than they are.
        Mismatch: the cards are of different arms or rows, or were judged in different ways.
    """

    cards: tuple[Scorecard, ...]

    def __post_init__(self) -> None:
        if not self.cards:
            raise BadInput("Seeds needs at least one Scorecard and got none. Score the tuned arm first.")
        if len({(card.arm, card.data, card.scorer) for card in self.cards}) > 1:
            found = ", ".join(sorted({f"{card.title} by {card.scorer} on {card.data}" for card in self.cards}))
            raise Mismatch(
                f"Seeds of one arm must be scored on the same rows in the same way; got {found}. Score them again."
            )
        if len({card.recipe for card in self.cards}) < len(self.cards):
            raise BadInput(
                f"The same Scorecard of {self.title!r} was given twice, which would hide the spread between seeds. "
                "Give one card a seed."
            )

    def __repr__(self) -> str:
        count = len(self.scored)
        return f"{self.title}: {self.interval()} on {self.n} rows, {count} training seed{'s' if count != 1 else ''}"

    @property
    def arm(self) -> str:
        """The arm's key."""
        return self.cards[0].arm

    @property
    def title(self) -> str:
        """The arm's name for the reader."""
        return self.cards[0].title

    @property
    def recipe(self) -> str:
        """A hash of the recipes of all the cards."""
        return fingerprint([card.recipe for card in self.cards])

    @property
    def data(self) -> str:
        """The fingerprint of the rows."""
        return self.cards[0].data

    @property
    def scorer(self) -> str:
        """How answers were judged."""
        return self.cards[0].scorer

    @property
    def model(self) -> str:
        """The model's name."""
        return self.cards[0].model

    @property
    def precision(self) -> str:
        """What the model was held in."""
        return self.cards[0].precision

    @cached_property
    def scored(self) -> tuple[Scorecard, ...]:
        """The cards with at least one scored row."""
        return tuple(card for card in self.cards if card.n)

    @cached_property
    def scores(self) -> dict[str, float]:
        """Row id to mean score over the seeds."""
        each = [card.scores for card in self.scored]
        shared = [i for i in each[0] if all(i in scores for scores in each)] if each else []
        return {i: sum(scores[i] for scores in each) / len(each) for i in shared}

    @property
    def n(self) -> int:
        """Rows that every seed could be scored on."""
        return len(self.scores)

    @property
    def unscorable(self) -> int:
        """Rows without a score from every seed; never counted as wrong."""
        return len(self.cards[0].rows) - self.n

    @property
    def cut(self) -> int:
        """Answers that reached the limit on their length, of the seed that has the most."""
        return max(card.cut for card in self.cards)

    @property
    def first_error(self) -> str:
        """The first error that a seed met, if any did."""
        return next((card.first_error for card in self.cards if card.first_error), "")

    @property
    def tokens_per_call(self) -> float:
        """Mean tokens of prompt and answer together."""
        return self._mean([card.tokens_per_call for card in self.scored])

    @property
    def seconds_per_call(self) -> float:
        """Mean wall seconds per row."""
        return self._mean([card.seconds_per_call for card in self.scored])

    @property
    def training_seconds(self) -> float:
        """Mean seconds of one training: a team trains one model, not all the seeds."""
        return self._mean([card.training_seconds for card in self.scored])

    @staticmethod
    def _mean(values: list[float]) -> float:
        # A seed that failed took no time and no tokens; it would make the others look cheap.
        return sum(values) / max(1, len(values))

    def interval(self, level: float = 0.95) -> Interval:
        """Mean score with its interval over rows and seeds."""
        return seeded_mean(by_seed(self, list(self.scores)), level)

    def aspects(self, level: float = 0.95) -> dict[str, Interval]:
        """Each part of the score by name: its mean over rows and seeds, with its interval; rows that have it at every seed."""
        names = dict.fromkeys(name for card in self.scored for row in card.rows for name in row.aspects)
        found = {}
        for name in names:
            by_row = [{row.row_id: row.aspects[name] for row in card.rows if name in row.aspects} for card in self.scored]
            shared = [i for i in by_row[0] if all(i in values for values in by_row)]
            found[name] = seeded_mean(numpy.array([[values[i] for i in shared] for values in by_row]), level)
        return found

    def minus(self, other: Scored, level: float = 0.95) -> Interval:
        """This arm's mean score less the other's; see `difference`."""
        return difference(self, other, level)

    def table(self) -> pandas.DataFrame:
        """One row a seed: its score with the interval over rows, and how many rows."""
        import pandas

        rows = [(i + 1, *card.interval(), card.n, card.training_seconds) for i, card in enumerate(self.cards)]
        return pandas.DataFrame(rows, columns=["seed", "score", "low", "high", "rows", "training seconds"])


def singles(card: Scored) -> tuple[Scorecard, ...]:
    """The Scorecards of the seeds, or the one Scorecard."""
    return card.cards if isinstance(card, Seeds) else (card,)


def by_seed(card: Scored, row_ids: list[str]) -> numpy.ndarray:
    """The scores of these rows, shape (seeds, rows); a Scorecard is one seed."""
    if not row_ids:
        return numpy.empty((1, 0))
    cards = card.scored if isinstance(card, Seeds) else (card,)
    return numpy.array([[scores[i] for i in row_ids] for scores in (c.scores for c in cards)])


def shared_rows(one: Scored, other: Scored) -> list[str]:
    """Ids of the rows that both have a score of, in the first one's order."""
    theirs = other.scores
    return [row_id for row_id in one.scores if row_id in theirs]


def difference(after: Scored, before: Scored, level: float = 0.95) -> Interval:
    """The mean score of `after` less that of `before`, paired over the rows that both could be scored on.

    Seeds on either side add their spread. A Scorecard adds none: of one training run, it isn't known.

    Raises:
        Mismatch: the two were scored on different rows or by different scorers.
    """
    if (after.data, after.scorer) != (before.data, before.scorer):
        raise Mismatch(
            f"{after.title!r} and {before.title!r} were scored on different rows or in different ways "
            f"({after.scorer} on {after.data}, {before.scorer} on {before.data}), so their difference means nothing. "
            "Score both again on the same test rows."
        )
    shared = shared_rows(after, before)
    return seeded_difference(by_seed(after, shared), by_seed(before, shared), level)
