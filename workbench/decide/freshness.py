"""The freshness test: the same questions once the documents have changed, with nothing trained again. Who keeps up?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

from workbench.curate.start import project_documents, scenario_of
from workbench.dataset import Dataset, Example, normalise
from workbench.decide.arms import Arm
from workbench.decide.knowledge import right_from
from workbench.decide.recommendation import Goal
from workbench.errors import BadInput, Prerequisite
from workbench.result import Result, html_table
from workbench.scoring.citations import read_citations
from workbench.scoring.intervals import Interval, mean_interval, paired_interval, wilson

if TYPE_CHECKING:
    import pandas

    from workbench.decide.compare import Bench, Source
    from workbench.scoring.scorecard import Scorecard

Progress = Callable[[str, int, int], None]
NEWER = "documents_v2"
FOLDER = "decide/freshness"
SAVED = f"{FOLDER}/report.json"
VERSION_2 = "with version 2 of the documents"
# Of one's own data, where no sample names them.
ANSWER_COLUMN, CHANGED_COLUMN = "answer_v2", "changed"
MARGIN = 0.02
ADAPTED, IN_PART, STALE, NEVER_KNEW, NOT_SHOWN, NOT_ASKED = (
    "adapted", "adapted in part", "stale", "never knew", "not shown", "could not be asked"
)
RULE = (
    "On the facts that changed: an arm never knew version 1 unless its score there is shown to be above that of always giving "
    "the most frequent answer, and above the bare input's. Of those that knew it, an arm is stale if it now gives the old "
    "answer more often than the new one and its score is shown to have fallen; it has adapted if it gives the new answer "
    "more often than the old one, in part if its score is also shown to have fallen by more than the margin. All "
    "else is not shown. Shown means by a 95 % interval, each taken by itself."
)
CITES = ("cites a source", "cited source has the answer")


@dataclass(frozen=True)
class Side:
    """One arm on the facts that changed, or on those that did not.

    Attributes:
        rows: how many could be judged in both versions.
        before, after: mean score with version 1 and with version 2 of documents and answers.
        change: after less before, paired over the rows.
        citations: how sources were named, as (before, after); empty for arms that are shown none.
    """

    rows: int
    before: Interval
    after: Interval
    change: Interval
    citations: dict[str, tuple[Interval, Interval]]

    @classmethod
    def from_dict(cls, fields: dict) -> Side:
        """Read the intervals back."""
        spans = {name: Interval(*fields[name]) for name in ("before", "after", "change")}
        citations = {name: (Interval(*b), Interval(*a)) for name, (b, a) in fields["citations"].items()}
        return cls(fields["rows"], **spans, citations=citations)


@dataclass(frozen=True)
class ArmFreshness:
    """What became of one arm; what has no rows is None.

    Attributes:
        word: ADAPTED, IN_PART, STALE, NEVER_KNEW, NOT_SHOWN or NOT_ASKED; `why` gives the numbers.
        by_heart: whether it is a tuned model that is shown no documents.
        over_bare: its score on version 1's changed facts less the bare input's.
        old: share of changed facts on which it still gives the old answer.
        lead: share with the new answer less share with the old one.
    """

    arm: str
    title: str
    word: str
    why: str
    by_heart: bool = False
    changed: Side | None = None
    same: Side | None = None
    over_bare: Interval | None = None
    old: Interval | None = None
    lead: Interval | None = None

    @classmethod
    def from_dict(cls, fields: dict) -> ArmFreshness:
        """Read the sides and intervals back."""
        sides = {name: Side.from_dict(fields[name]) if fields[name] else None for name in ("changed", "same")}
        spans = {name: Interval(*fields[name]) if fields[name] else None for name in ("over_bare", "old", "lead")}
        return cls(**{**fields, **sides, **spans})


@dataclass(frozen=True, repr=False)
class FreshnessReport(Result):
    """Every arm before and after the change.

    Attributes:
        chance: the score of always giving version 1's most frequent answer on the changed facts.
        margin: from the project's goal.
        changed, same: rows whose answer changed, and rows whose answer did not.
    """

    arms: tuple[ArmFreshness, ...]
    chance: float
    margin: float
    changed: int
    same: int

    @classmethod
    def from_dict(cls, fields: dict) -> FreshnessReport:
        """Read the arms back."""
        return cls(**{**fields, "arms": tuple(map(ArmFreshness.from_dict, fields["arms"]))})

    def __repr__(self) -> str:
        words = (ADAPTED, IN_PART, STALE, NEVER_KNEW, NOT_SHOWN, NOT_ASKED)
        named = {word: [a.title for a in self.arms if a.word == word] for word in words}
        said = "; ".join(f"{word}: {', '.join(titles)}" for word, titles in named.items() if titles)
        return f"{self.changed} facts changed, {self.same} did not; nothing was trained again. {said}"

    @property
    def learnt(self) -> str:
        """Whether a tuned model without documents had learnt version 1: only then can it be seen to grow stale."""
        tuned = [a for a in self.arms if a.by_heart and a.changed]
        knew = [f"{a.title} ({a.changed.before})" for a in tuned if a.word != NEVER_KNEW]
        if knew:
            return f"Tuned without documents and shown to have learnt version 1's changed facts: {', '.join(knew)}."
        if not tuned:
            return "No tuned model without documents was asked, so nothing is said about facts learnt by heart."
        scores = ", ".join(f"{a.title} {a.changed.before}" for a in tuned)
        return (
            f"No tuned model without documents was shown to have learnt version 1's changed facts ({scores}), so none can be "
            "seen to grow stale here. A model that was trained longer could be."
        )

    def table(self) -> pandas.DataFrame:
        """Two rows an arm: facts that changed, and facts that did not."""
        import pandas

        rows = []
        for arm in self.arms:
            for facts, side in (("changed", arm.changed), ("not changed", arm.same)):
                if side is None:
                    continue
                of_changed = facts == "changed"
                rows.append({
                    "arm": arm.title, "facts": facts, "rows": side.rows, "version 1": str(side.before),
                    "version 2": str(side.after), "change": side.change.signed(),
                    "old answers given": str(arm.old) if of_changed else "",
                    **{f"{name}, v1 / v2": _both(side.citations.get(name)) for name in CITES},
                    "so it": arm.word if of_changed else "",
                })
            if arm.word == NOT_ASKED:
                rows.append({"arm": arm.title, "so it": arm.word})
        columns = dict.fromkeys(name for row in rows for name in row)
        return pandas.DataFrame([{name: row.get(name, "") for name in columns} for row in rows])

    def _repr_html_(self) -> str:
        sentences = [*(arm.why for arm in self.arms), self.learnt, RULE]
        return html_table(self.table(), caption=repr(self)) + "".join(f"<p>{escape(s)}</p>" for s in sentences)


def _both(pair: tuple[Interval, Interval] | None) -> str:
    return f"{pair[0]} / {pair[1]}" if pair else ""


def freshness(
    bench: Bench, arms_v1: Sequence[Arm] | None = None, progress: Progress | None = None,
    sources: Mapping[str, Source] | None = None,
) -> FreshnessReport:
    """Score arms with version 2 of the documents and of the answers; prompts, examples and weights stay as they were.

    Tuned arms are those of the first training seed. Test rows are looked at again, and the look is counted.

    Args:
        arms_v1: the arms as they were compared; else those of the project's depth. Nothing is sent to a server unless
            an arm with an endpoint is given.
        progress: called with the arm's title, rows done and rows in all.
        sources: whom to ask, by the arm's key, where that isn't the bench's own model.

    Raises:
        Prerequisite: the project has no second version of its documents, or no answers for it.
    """
    rows, changed = second_version(bench)
    arms = list(bench.arms()) if arms_v1 is None else list(arms_v1)
    newer = {arm.key: arm for arm in bench.arms(everything=True, documents=NEWER)}
    cards: dict[str, tuple[Scorecard, Scorecard] | str] = {}
    for arm in arms:
        try:
            cards[arm.key] = _ask_both(bench, arm, newer.get(arm.key), rows, progress, (sources or {}).get(arm.key))
        except Exception as error:
            # One arm's failure must not cost the others their result.
            cards[arm.key] = " ".join(f"{arm.title} could not be asked: {error or type(error).__name__}".split())[:400]
    bench.release()
    answers = Counter(normalise(e.answer) for e in bench.test if e.row_id in changed)
    chance = max(answers.values()) / answers.total() if answers else 0.0
    saved = bench.project.path("decide/goal.json")
    margin = Goal.load(saved).margin if saved.exists() else MARGIN
    bare = next((cards[a.key][0].scores for a in arms if a.key == "bare" and not isinstance(cards[a.key], str)), None)
    found = [_judged(bench, arm, newer.get(arm.key), cards[arm.key], rows, changed, bare, chance, margin) for arm in arms]
    report = FreshnessReport(tuple(found), chance, margin, len(changed), len(rows) - len(changed))
    report.save(bench.project.path(SAVED))
    return report


def second_version(bench: Bench) -> tuple[Dataset, set[str]]:
    """The test rows with the answers of version 2, and the ids of those whose fact changed.

    Where no column says which facts changed, those did whose two answers differ once normalised.

    Raises:
        Prerequisite: there are no documents of version 2, or no row has an answer for it.
    """
    if project_documents(bench.project, NEWER) is None:
        raise Prerequisite(
            "This project has no second version of its documents, so what happens when facts change can't be tried. Name a "
            "second folder, with the documents after the change, in the panel of documents, and give your rows a "
            f"column {ANSWER_COLUMN!r} with the new answers."
        )
    names = scenario_of(bench.project)
    answer, group = names.get("answer_column_v2", ANSWER_COLUMN), names.get("group_column", CHANGED_COLUMN)
    of = {e.row_id: e.provenance.get("columns", {}) for e in bench.test}
    rows = [replace(e, answer=of[e.row_id][answer]) for e in bench.test if of[e.row_id].get(answer, "").strip()]
    if not rows:
        raise Prerequisite(
            f"There are newer documents, but no test row has a column {answer!r} with the answer they give, so answers can't "
            "be judged by them. Add that column to your file and run 01_curate_a_dataset.ipynb again."
        )
    before = {e.row_id: e.answer for e in bench.test}

    def has_changed(row_id: str, now: str) -> bool:
        stated = of[row_id].get(group, "").strip().casefold()
        return stated == "yes" if stated in ("yes", "no") else normalise(now) != normalise(before[row_id])

    return Dataset("test-version-2", tuple(rows)), {e.row_id for e in rows if has_changed(e.row_id, e.answer)}


def _ask_both(
    bench: Bench, then: Arm, now: Arm | None, rows: Dataset, progress: Progress | None, source: Source | None
) -> tuple[Scorecard, Scorecard]:
    if now is None and then.form.lookup:
        raise BadInput(
            "it looks documents up, and what is their second version isn't known. Give an arm that the bench makes."
        )
    source = source or bench.source(then)
    path = bench.project.path
    # The comparison's card is only read: a recommendation rests on it as it is.
    first = bench.saved(then, bench.test, path(f"decide/{then.key}.json"), source) or bench.score(
        then, bench.test, path(f"{FOLDER}/{then.key}-before.json"), source, progress
    )
    arm = _newer(then, now)
    return first, bench.score(arm, rows, path(f"{FOLDER}/{then.key}.json"), source, progress, look=VERSION_2)


def _newer(then: Arm, now: Arm | None) -> Arm:
    """The arm after the change: weights and worked examples are the old arm's; only what is looked up is the new one's."""
    return replace(then, form=replace(then.form, lookup=now.form.lookup)) if now and then.form.lookup else then


def _judged(
    bench: Bench, arm: Arm, now: Arm | None, cards: tuple[Scorecard, Scorecard] | str, rows: Dataset, changed: set[str],
    bare: dict[str, float] | None, chance: float, margin: float,
) -> ArmFreshness:
    by_heart = arm.tuned and arm.form.lookup is None
    if isinstance(cards, str):
        return ArmFreshness(arm.key, arm.title, NOT_ASKED, cards, by_heart)
    first, second = cards
    side = _side(first, second, [e.row_id for e in rows if e.row_id in changed])
    same = _side(first, second, [e.row_id for e in rows if e.row_id not in changed])
    if side is None:
        why = f"{arm.title}: {NOT_SHOWN}; no fact that changed could be judged in both versions."
        return ArmFreshness(arm.key, arm.title, NOT_SHOWN, why, by_heart, None, same)
    new, old = _new_and_old(bench, _newer(arm, now), second, changed)
    known = [i for i in first.scores if i in changed and i in (bare or {})]
    over_bare = paired_interval([first.scores[i] for i in known], [bare[i] for i in known]) if known else None
    share, lead = wilson(sum(old), len(old)), paired_interval(new, old)
    knew = side.before.low > chance and (arm.key == "bare" or (over_bare is not None and over_bare.low > 0))
    word = _word(knew, side, lead, margin)
    why = (
        f"{arm.title}: {word}. On {side.rows} changed facts {side.before} before and {side.after} after, change "
        f"{side.change.signed()}; the old answer on {share}."
    ) + (f" On {same.rows} unchanged facts, change {same.change.signed()}." if same else "")
    return ArmFreshness(arm.key, arm.title, word, why, by_heart, side, same, over_bare, share, lead)


def _word(knew: bool, side: Side, lead: Interval, margin: float) -> str:
    if not knew:
        return NEVER_KNEW
    if lead.high < 0 and side.change.high < 0:
        return STALE
    if lead.low > 0:
        return IN_PART if side.change.high < -margin else ADAPTED
    return NOT_SHOWN


def _side(first: Scorecard, second: Scorecard, row_ids: Sequence[str]) -> Side | None:
    before, after = first.scores, second.scores
    both = [i for i in row_ids if i in before and i in after]
    if not both:
        return None
    one, two = [before[i] for i in both], [after[i] for i in both]
    wanted = set(both)
    parts = [_aspects(card, wanted) for card in (first, second)]
    citations = {name: (parts[0][name], parts[1][name]) for name in CITES if all(name in p for p in parts)}
    return Side(len(both), mean_interval(one), mean_interval(two), paired_interval(two, one), citations)


def _aspects(card: Scorecard, row_ids: set[str]) -> dict[str, Interval]:
    found = {name: [r.aspects[name] for r in card.rows if r.row_id in row_ids and name in r.aspects] for name in CITES}
    return {name: mean_interval(values) for name, values in found.items() if values}


def _new_and_old(bench: Bench, arm: Arm, second: Scorecard, changed: set[str]) -> tuple[list[float], list[float]]:
    """For each changed fact whether the new answer was given, and whether the old one: never both."""
    first = {e.row_id: e for e in bench.test}
    rows = [r for r in second.rows if r.row_id in changed and r.score is not None]
    # The names of sources are no part of what is judged.
    said = [_without_sources(arm, first[r.row_id], r.answer) for r in rows]
    by_old = [j.score for j in bench.scorer.judge([first[r.row_id] for r in rows], said)]
    enough, new, old = right_from(bench.scorer.kind), [], []
    for row, other in zip(rows, by_old, strict=True):
        score, other = row.score or 0.0, other or 0.0
        new.append(float(score >= enough and score >= other))
        old.append(float(other >= enough and other > score))
    return new, old


def _without_sources(arm: Arm, example: Example, answer: str) -> str:
    if arm.form.lookup is None:
        return answer
    return read_citations(answer, [passage.passage_id for passage in arm.form.passages(example)])[0]
