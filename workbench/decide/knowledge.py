"""Does the base know this already? Asked without documents, on rows that aren't test rows."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from workbench.dataset import Dataset, Example, normalise
from workbench.decide.arms import bare, choose_examples, with_examples
from workbench.errors import Prerequisite
from workbench.files import strict_json
from workbench.result import Result, html_table
from workbench.scoring.answers import PromptsTooLong
from workbench.scoring.intervals import Interval, wilson

if TYPE_CHECKING:
    import pandas

    from workbench.decide.compare import Bench

Progress = Callable[[str, int, int], None]
NOTHING, LOOK_UP, KNOWN, NOT_MEASURABLE = "nothing to look up", "look it up (RAG)", "known already", "not measurable"
# Scores that come in parts count as right from here; all others only when they are whole.
GRADED, RIGHT_FROM = ("text", "json", "voice"), 0.8
WHOLE = 1 - 1e-9
# Likeness, tone and form are judged here, and none of them is knowledge: asking would cost time and say nothing.
NO_KNOWLEDGE = ("text", "voice", "json")
MOST_ROWS = 60
# A wrong label or a wrong tone may be a lack of skill as well as of knowledge.
SKILLS = ("label", "json", "voice", "text")
FEWEST = 10
HALF = 0.5
SOURCE = (
    "Facts that a model lacks are learnt slowly by tuning, and learning them makes it invent more "
    "(Gekhman 2024, arXiv 2405.05904)."
)


def right_from(kind: str) -> float:
    """The score from which an answer counts as right, for a way of judging."""
    return RIGHT_FROM if kind in GRADED else WHOLE


@dataclass(frozen=True, repr=False)
class Knowledge(Result):
    """What the base model answers without documents.

    Attributes:
        route: what it means: NOTHING, LOOK_UP, KNOWN or NOT_MEASURABLE; `why` says it in a sentence.
        rows: rows that could be judged both ways.
        in_input: share of rows whose answer stands in the input: copied, not known.
        bare, with_examples: share of rows answered right from the input alone, and with instructions and worked examples;
            not a number where that prompt didn't fit the model.
        lacking: share of rows whose answer neither stands in the input nor is given right in either way.
    """

    route: str
    why: str
    rows: int
    in_input: Interval
    bare: Interval
    with_examples: Interval
    lacking: Interval

    def to_dict(self) -> dict:
        """A JSON-like copy; what was not measured is None."""
        return {name: None if isinstance(v, Interval) and v.value != v.value else v for name, v in super().to_dict().items()}

    @classmethod
    def from_dict(cls, fields: dict) -> Knowledge:
        """Read the shares back as intervals."""
        names = ("in_input", "bare", "with_examples", "lacking")
        shares = {name: Interval(*fields[name]) if fields[name] else wilson(0, 0) for name in names}
        return cls(**{**fields, **shares})

    def __repr__(self) -> str:
        return f"Does the base know this? {self.route}: {self.why}"

    def table(self) -> pandas.DataFrame:
        """One row a share, with its 95 % interval (Wilson)."""
        import pandas

        named = {
            "the answer stands in the input": self.in_input,
            "right from the input alone": self.bare,
            "right with instructions and examples": self.with_examples,
            "neither in the input nor right": self.lacking,
        }
        rows = [
            (what, round(s.value, 3), f"{s.low:.3f} to {s.high:.3f}", self.rows) if s.value == s.value
            else (what, "", "not measured", 0)
            for what, s in named.items()
        ]
        return pandas.DataFrame(rows, columns=["asked without documents", "share of rows", "95 % interval", "rows"])

    def _repr_html_(self) -> str:
        return html_table(self.table(), caption=f"Does the base know this? {self.route}") + f"<p>{escape(self.why)}</p>"


def knowledge(bench: Bench, progress: Progress | None = None) -> Knowledge:
    """Ask the base model validation and training rows, sixty at most, without any documents.

    A row counts as known if one of two prompts gets it right: the input alone, or instructions with worked examples.
    Right means the whole score; of scores that come in parts (JSON, likeness, voice) RIGHT_FROM. Training rows
    that serve as examples are left out, and, where answers are facts, so are rows whose answer an example gives away.
    Where a score says nothing of knowledge (likeness, voice, JSON), the model isn't asked.

    Raises:
        Prerequisite: neither prompt fits the model's window, or no row could be judged.
    """
    chosen = choose_examples(bench.train, bench.project.depth.examples_in_prompt)
    rows = probe_rows(bench, chosen)
    if bench.task.kind in NO_KNOWLEDGE:
        nothing, in_input = wilson(0, 0), _share([stands_in_input(e) for e in rows])
        route, why = _route(bench.task.kind, len(rows), in_input, nothing)
        return Knowledge(route, why, len(rows), in_input, nothing, nothing, nothing)
    arms = {"bare": bare(), "examples": with_examples(bench.task, chosen)}
    right: dict[str, dict[str, bool]] = {}
    too_long = ""
    for name, arm in arms.items():
        path = bench.project.path(f"decide/knowledge/{name}.json")
        try:
            card = bench.score(arm, rows, path, bench.untuned(), progress, test_look=False)
        except PromptsTooLong as error:
            too_long = f"Left out: {arm.title}. {error}"
            continue
        right[name] = {i: score >= right_from(bench.scorer.kind) for i, score in card.scores.items()}
    if not right:
        raise Prerequisite(f"No row fits the model's window, so what the base model knows can't be measured. {too_long}")
    judged = [e for e in rows if all(e.row_id in of for of in right.values())]
    copied = [stands_in_input(e) for e in judged]
    known = [any(of[e.row_id] for of in right.values()) for e in judged]
    if not judged:
        raise Prerequisite(
            "None of the rows asked could be judged, so what the base model knows can't be measured. Look at the answers in "
            "decide/knowledge in the project's folder, and at how they are judged."
        )
    in_input, lacking = _share(copied), _share([not (c or k) for c, k in zip(copied, known, strict=True)])
    route, why = _route(bench.task.kind, len(judged), in_input, lacking)
    each = {name: _share([right[name][e.row_id] for e in judged] if name in right else []) for name in arms}
    return Knowledge(route, f"{why} {too_long}".strip(), len(judged), in_input, each["bare"], each["examples"], lacking)


def probe_rows(bench: Bench, examples: Dataset) -> Dataset:
    """The validation rows and a sample of training rows, none of them answered by a worked example."""
    shown, told = {e.row_id for e in examples}, {normalise(e.answer) for e in examples}
    facts = bench.task.kind not in SKILLS
    # Where answers are facts, an example with the same one would tell it; labels have to be told.
    usable = [e for e in bench.train if e.row_id not in shown]
    some = random.Random(0).sample(usable, len(usable))
    taken = {e.row_id: e for e in [*bench.validation, *some] if not (facts and normalise(e.answer) in told)}
    return Dataset("probe", tuple(taken.values())[:MOST_ROWS])


def stands_in_input(example: Example) -> bool:
    """Whether the answer, or every value of a JSON answer, stands in the turns before it as whole words."""
    given = f" {normalise(' '.join(content for _, content in example.messages))} "
    try:
        values = list(_leaves(strict_json(example.answer)))
    except (ValueError, RecursionError):
        values = [example.answer]
    wanted = [made for value in values if (made := normalise(str(value)))]
    return bool(wanted) and all(f" {value} " in given for value in wanted)


def _leaves(value: object):
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner)
    elif value is not None:
        yield value


def _share(flags: list[bool]) -> Interval:
    return wilson(sum(flags), len(flags))


def _route(kind: str, rows: int, in_input: Interval, lacking: Interval) -> tuple[str, str]:
    found = f"{lacking.value:.0%} of {rows} rows [{lacking.low:.0%}, {lacking.high:.0%}]"
    copied = f"the answer stands in the input of {in_input.value:.0%} of {rows} rows [{in_input.low:.0%}, {in_input.high:.0%}]"
    if rows < FEWEST:
        return NOT_MEASURABLE, f"Only {rows} rows could be judged; {FEWEST} are the fewest that say anything."
    if in_input.low > HALF:
        return NOTHING, f"{copied[0].upper()}{copied[1:]}, so it is copied from there; no knowledge is needed."
    if kind in NO_KNOWLEDGE:
        return NOT_MEASURABLE, (
            f"Answers are judged as {kind}: by likeness, tone or form, which an answer can have without the knowledge, or lack "
            f"with it; {copied}. Whether the base knows the facts can't be told from that."
        )
    if lacking.high < HALF:
        return KNOWN, f"The base lacks the answer to only {found}; {copied}. Looking up would help few."
    if kind in SKILLS:
        return NOT_MEASURABLE, (
            f"The base gets {found} wrong, and {copied}. Judged as {kind}, a wrong answer may be a lack of skill as well as "
            "of knowledge, and this probe can't tell them apart. Looking up helps where documents say what decides."
        )
    if lacking.low > HALF:
        return LOOK_UP, f"The answer to {found} needs knowledge that the base lacks. Retrieval is for that. {SOURCE}"
    return NOT_MEASURABLE, f"The base lacks the answer to {found}, and {copied}: too few rows to say which way it leans."
