"""Blind votes: two arms' answers to the same row, unnamed and in random order, and which one a person prefers."""

from __future__ import annotations

import hashlib
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from workbench.dataset import Dataset, Example
from workbench.errors import BadInput, Mismatch
from workbench.files import fingerprint, read_jsonl, write_jsonl
from workbench.project import Project
from workbench.result import Result
from workbench.scoring.citations import read_citations
from workbench.scoring.intervals import Interval, wilson
from workbench.scoring.scorecard import ScoredRow, Scorecard
from workbench.scoring.seeds import Seeds

if TYPE_CHECKING:
    import pandas

CHOICES = ("left", "right", "tie", "both bad")
FILE = "decide/votes.jsonl"
TIE, BOTH_BAD = "tie", "both bad"


@dataclass(frozen=True, repr=False)
class Ballot:
    """One row's two answers, in the order in which they are shown.

    Attributes:
        left_arm, right_arm: whose they are; not for the eyes of whoever votes.
        left, right: what they said, without the names of sources, which only an arm that looks things up can give.
        expected: the row's own answer.
    """

    row_id: str
    question: str
    expected: str
    left_arm: str
    right_arm: str
    left: str
    right: str

    def __repr__(self) -> str:
        return f"Ballot on row {self.row_id!r}"

    @property
    def pair(self) -> str:
        """A hash of the question and who answered what: a vote counts for these texts only, whichever is on the left."""
        return fingerprint([self.row_id, self.question, sorted([(self.left_arm, self.left), (self.right_arm, self.right)])])


@dataclass(frozen=True, repr=False)
class Ballots(Result):
    """The pairs to vote on, in the order of the rows.

    Attributes:
        first, second: the two arms, in the order in which they were given.
        alike: rows left out because both said the same.
        missing: rows left out because one of the two gave no answer.
        data: the name of the data set that the rows are from.
    """

    first: str
    second: str
    ballots: tuple[Ballot, ...]
    alike: int
    missing: int
    data: str

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the ballots back."""
        return cls(**{**fields, "ballots": tuple(Ballot(**ballot) for ballot in fields["ballots"])})

    def __repr__(self) -> str:
        counts = {"rows answered alike": self.alike, "rows without both answers": self.missing}
        out = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        return f"{len(self.ballots)} pairs of answers to compare" + (f"; left out: {out}" if out else "")

    def table(self) -> pandas.DataFrame:
        """One row a pair, unnamed."""
        import pandas

        return pandas.DataFrame(
            [(b.row_id, b.question, b.left, b.right) for b in self.ballots], columns=["row", "question", "left", "right"]
        )


def ballots(card_a: Scorecard | Seeds, card_b: Scorecard | Seeds, dataset: Dataset, seed: int = 0) -> Ballots:
    """Pair two arms' answers. Which stands on the left is a keyed hash of the row, so it is the same after a restart.

    Names of sources in square brackets are left out of both, since they would tell which arm looks things up.

    Args:
        card_a, card_b: two arms' cards on the rows; of several training seeds, the first is taken.
        seed: the hash's key.

    Raises:
        Mismatch: the cards were scored on other rows, or are of the same arm.
    """
    if card_a.arm == card_b.arm:
        raise Mismatch(f"Both cards are of the arm {card_a.title!r}, so there is nothing to compare. Choose two arms.")
    for card in (card_a, card_b):
        if card.data != dataset.fingerprint:
            raise Mismatch(
                f"The card of {card.title!r} was scored on other rows than {dataset.name!r} has now, so its answers don't "
                "belong to these questions. Score it again in 02_prompt_rag_or_finetune.ipynb."
            )
    one, other = _without_sources(_rows(card_a), _rows(card_b))
    made, alike, missing = [], 0, 0
    for example in dataset:
        a, b = one.get(example.row_id), other.get(example.row_id)
        if a is None or b is None:
            missing += 1
        elif a.strip() == b.strip():
            alike += 1
        else:
            made.append(_ballot(example, (card_a.arm, a), (card_b.arm, b), seed))
    return Ballots(card_a.arm, card_b.arm, tuple(made), alike, missing, dataset.name)


def _rows(card: Scorecard | Seeds) -> dict[str, str]:
    first = card.cards[0] if isinstance(card, Seeds) else card
    rows: Sequence[ScoredRow] = first.rows
    return {row.row_id: row.answer for row in rows if not row.error}


def _without_sources(*answers: dict[str, str]) -> list[dict[str, str]]:
    # A name that ends one answer as a source is one within the others too.
    named = {name for said in answers for text in said.values() for name in read_citations(text)[1]}
    return [{row_id: read_citations(text, named)[0] for row_id, text in said.items()} for said in answers]


def _ballot(example: Example, a: tuple[str, str], b: tuple[str, str], seed: int) -> Ballot:
    # Sorted first, so that the order in which the cards are given tells nothing and changes nothing.
    left, right = sorted([a, b])
    key = hashlib.blake2b(str(seed).encode(), digest_size=32).digest()
    drawn = hashlib.blake2b(f"{example.row_id}\0{left[0]}\0{right[0]}".encode("utf-8", "surrogatepass"), key=key, digest_size=1)
    if drawn.digest()[0] & 1:
        left, right = right, left
    return Ballot(example.row_id, example.input, example.answer, left[0], right[0], left[1], right[1])


@dataclass(frozen=True)
class Vote:
    """One person's choice on one pair.

    Attributes:
        choice: one of CHOICES.
        voter: a label that the voter chose.
        pair: of the ballot; a vote on texts that have changed since doesn't count.
    """

    row_id: str
    left_arm: str
    right_arm: str
    choice: str
    voter: str
    when: str
    pair: str

    @property
    def preferred(self) -> str:
        """The arm voted for, or "tie" or "both bad"."""
        return {"left": self.left_arm, "right": self.right_arm}.get(self.choice, self.choice)


@dataclass(frozen=True, repr=False)
class Votes(Result):
    """All votes of a project, oldest first."""

    votes: tuple[Vote, ...] = ()

    def __repr__(self) -> str:
        voters = len({vote.voter for vote in self.votes})
        return f"{len(self.votes)} blind votes by {voters} voter{'' if voters == 1 else 's'}"

    def save(self, path: Path) -> Path:
        """Write JSONL, one vote a line, atomically."""
        return write_jsonl(path, map(asdict, self.votes))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote; no votes where there is no file.

        Raises:
            BadInput: the file is damaged, or another version of the workbench wrote it.
        """
        try:
            votes = tuple(Vote(**row) for row in read_jsonl(path)) if Path(path).exists() else ()
        except TypeError as error:
            raise BadInput(
                f"{path} was written by another version of the workbench ({error}), so its votes can't be counted. "
                "Move the file away and vote again."
            ) from error
        return cls(votes)

    def table(self) -> pandas.DataFrame:
        """One row a vote: row, side, what it speaks for, voter, time."""
        import pandas

        return pandas.DataFrame(
            [(v.row_id, v.choice, v.preferred, v.voter, v.when) for v in self.votes],
            columns=["row", "choice", "preferred", "voter", "when"],
        )

    def on(self, pairs: Ballots) -> dict[str, dict[str, str]]:
        """Of the votes on these pairs: voter to row id to the arm preferred ("tie" and "both bad" stay)."""
        valid = {ballot.row_id: ballot.pair for ballot in pairs.ballots}
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for vote in self.votes:
            if valid.get(vote.row_id) == vote.pair:
                found[vote.voter][vote.row_id] = vote.preferred
        return dict(found)

    def majority(self, pairs: Ballots) -> dict[str, str]:
        """Row id to the arm that more voters prefer than the other; "tie" where as many do, or where they say so.

        A row that more voters call "both bad" than anything else is that.
        """
        said: dict[str, list[str]] = defaultdict(list)
        for votes in self.on(pairs).values():
            for row_id, preferred in votes.items():
                said[row_id].append(preferred)
        return {row_id: _most(choices) for row_id, choices in said.items()}

    def add(self, ballot: Ballot, choice: str, voter: str = "me") -> Votes:
        """With one more vote; an earlier one of this voter on the same pair is replaced.

        Raises:
            BadInput: there is no such choice.
        """
        if choice not in CHOICES:
            raise BadInput(f"{choice!r} is no choice here; choose one of {', '.join(CHOICES)}.")
        kept = tuple(v for v in self.votes if (v.voter, v.pair) != (voter, ballot.pair))
        when = time.strftime("%Y-%m-%d %H:%M:%S")
        return Votes((*kept, Vote(ballot.row_id, ballot.left_arm, ballot.right_arm, choice, voter, when, ballot.pair)))

    def without_last(self, pairs: Ballots, voter: str = "me") -> tuple[Votes, str]:
        """Without this voter's last vote on these pairs, and the row that it was about ("" where there is none)."""
        valid = {ballot.pair for ballot in pairs.ballots}
        mine = [i for i, vote in enumerate(self.votes) if vote.voter == voter and vote.pair in valid]
        if not mine:
            return self, ""
        last = mine[-1]
        return Votes(self.votes[:last] + self.votes[last + 1 :]), self.votes[last].row_id


def _most(choices: Sequence[str]) -> str:
    ranked = Counter(choices).most_common()
    return TIE if len(ranked) > 1 and ranked[0][1] == ranked[1][1] else ranked[0][0]


def load_votes(project: Project) -> Votes:
    """The project's votes; none before the first."""
    return Votes.load(project.path(FILE))


def change_votes(project: Project, change: Callable[[Votes], Votes]) -> Votes:
    """Read the votes, change them and write them back; two notebooks at once lose no vote.

    Args:
        change: gives the votes that are to be kept.
    """
    from filelock import FileLock

    path = project.path(FILE)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        votes = change(load_votes(project))
        votes.save(path)
    return votes


@dataclass(frozen=True, repr=False)
class Tally(Result):
    """What the votes on two arms amount to.

    Attributes:
        wins, losses: rows on which most voters prefer the first arm, the second; `ties` and `both_bad` are neither.
        rate: the first arm's share of the rows, ties and "both bad" as half, with Wilson's interval.
        pairs: rows there were to vote on; `alike` had the same answer from both and were not voted on.
        agreements: of every two voters with rows in common.
    """

    first: str
    second: str
    wins: int
    losses: int
    ties: int
    both_bad: int
    rate: Interval
    pairs: int
    alike: int
    agreements: tuple[tuple[str, str, Agreement], ...] = ()

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the intervals back."""
        agreements = tuple((one, other, Agreement.from_dict(a)) for one, other, a in fields["agreements"])
        return cls(**{**fields, "rate": Interval(*fields["rate"]), "agreements": agreements})

    @property
    def n(self) -> int:
        """Rows voted on."""
        return self.wins + self.losses + self.ties + self.both_bad

    def __repr__(self) -> str:
        if not self.n:
            return f"No votes yet on {self.first} against {self.second}"
        return f"{self.first} wins {self.rate} of {self.n} blind votes against {self.second}, ties as half"

    def table(self) -> pandas.DataFrame:
        """One row a count, and one for every two voters."""
        import pandas

        rows = [
            (f"{self.first} preferred", str(self.wins)), (f"{self.second} preferred", str(self.losses)),
            ("tie", str(self.ties)), ("both bad", str(self.both_bad)), ("not voted on yet", str(self.pairs - self.n)),
            ("answered alike, so not shown", str(self.alike)),
            *((f"{one} and {other} agree", str(agreement)) for one, other, agreement in self.agreements),
        ]  # fmt: skip
        return pandas.DataFrame(rows, columns=["what", "rows"])


def tally(votes: Votes, pairs: Ballots) -> Tally:
    """Count the votes, one a row however many voters; the interval is over the rows."""
    counts = Counter(votes.majority(pairs).values())
    wins, losses = counts[pairs.first], counts[pairs.second]
    n = sum(counts.values())
    by_voter = votes.on(pairs)
    names = sorted(by_voter)
    agreements = [(a, b, agreement(by_voter[a], by_voter[b])) for i, a in enumerate(names) for b in names[i + 1 :]]
    return Tally(
        pairs.first, pairs.second, wins, losses, counts[TIE], counts[BOTH_BAD], wilson(wins + (n - wins - losses) / 2, n),
        len(pairs.ballots), pairs.alike, tuple(found for found in agreements if found[2].n),
    )


@dataclass(frozen=True, repr=False)
class Agreement(Result):
    """How often two say the same about the same rows.

    Attributes:
        n: rows that both spoke about.
        same: the share on which they say the same, with Wilson's interval.
        kappa: Cohen's: 1 for always, 0 for as often as chance would have it; None where both only ever said one thing.
    """

    n: int
    same: Interval
    kappa: float | None

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the interval back."""
        return cls(fields["n"], Interval(*fields["same"]), fields["kappa"])

    def __repr__(self) -> str:
        kappa = "not defined, as both only ever said one thing" if self.kappa is None else f"{self.kappa:.2f}"
        return f"on {self.same} of {self.n} rows; Cohen's kappa {kappa}"

    def table(self) -> pandas.DataFrame:
        """One row."""
        import pandas

        return pandas.DataFrame([(self.n, str(self.same), self.kappa)], columns=["rows", "same", "kappa"])


def agreement(one: Mapping[str, str], other: Mapping[str, str]) -> Agreement:
    """How far two agree over the rows that both have, beyond chance (kappa: Cohen 1960).

    Args:
        one, other: row id to what each said.
    """
    from sklearn.metrics import cohen_kappa_score

    both = sorted(set(one) & set(other))
    a, b = [one[i] for i in both], [other[i] for i in both]
    # Where only one thing was ever said, chance agrees always, and kappa is 0 / 0.
    kappa = float(cohen_kappa_score(a, b)) if len({*a, *b}) > 1 else None
    return Agreement(len(both), wilson(sum(x == y for x, y in zip(a, b, strict=True)), len(both)), kappa)


def held_out_rows(project: Project) -> set[str]:
    """The ids of the project's test rows; none before it has any."""
    path = project.path("data/test.jsonl")
    return {example.row_id for example in Dataset.load(path)} if path.exists() else set()


def as_preferences(project: Project, votes: Votes, pairs: Ballots, dataset: Dataset) -> Dataset:
    """The rows with a clear preference as preference pairs, to train on later: the answer preferred, the other rejected.

    Args:
        project: whose test rows are kept out, whatever the data set is called.
        dataset: the rows that were voted on.

    Raises:
        BadInput: test rows are among them: whoever learns from them can no longer be tested on them.
    """
    kept_out = held_out_rows(project) & {ballot.row_id for ballot in pairs.ballots}
    if kept_out or "test" in (dataset.name, pairs.data):
        raise BadInput(
            f"{len(kept_out) or len(pairs.ballots)} of these {len(pairs.ballots)} pairs of answers are to test rows. A model "
            "that learns from them can't be tested on them any more. Vote on validation rows to make preference pairs."
        )
    chosen, by_row = votes.majority(pairs), {ballot.row_id: ballot for ballot in pairs.ballots}

    def pair(example: Example) -> Example:
        ballot = by_row[example.row_id]
        texts = {ballot.left_arm: ballot.left, ballot.right_arm: ballot.right}
        preferred = chosen[example.row_id]
        other = ballot.right_arm if preferred == ballot.left_arm else ballot.left_arm
        how = f"blind vote: {preferred} preferred to {other}"
        return example.changed(example.messages, texts[preferred], how, texts[other])

    clear = dataset.select(lambda e: chosen.get(e.row_id) in (pairs.first, pairs.second), "preferences")
    return Dataset(clear.name, tuple(map(pair, clear)))
