"""Five questions before anything is measured: which technique one would expect, and where measuring disagreed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from workbench.curate.start import scenario_of
from workbench.decide.arm_cost import COMBINATION, PROMPTING, RETRIEVAL, TUNING, arm_traits
from workbench.decide.recommendation import DECIDED, Recommendation
from workbench.errors import BadInput
from workbench.project import Project
from workbench.result import Result

if TYPE_CHECKING:
    import pandas

    from workbench.decide.arms import Arm

TECHNIQUES = (PROMPTING, RETRIEVAL, TUNING)
UNKNOWN = "don't know"
# From this many points on for both, one expects retrieval and fine-tuning together.
BOTH = 2


@dataclass(frozen=True)
class Option:
    """An answer: what it is called, what it speaks for (technique to points), and why."""

    key: str
    text: str
    points: Mapping[str, int]
    reason: str


@dataclass(frozen=True)
class Question:
    """A question and its answers; "don't know" is always one more."""

    key: str
    text: str
    options: tuple[Option, ...]

    def option(self, key: str) -> Option:
        """The answer of a key.

        Raises:
            BadInput: there is none; the sentence lists those there are.
        """
        for option in self.options:
            if option.key == key:
                return option
        raise BadInput(
            f"{key!r} is no answer to {self.text!r} Choose one of "
            f"{', '.join(repr(o.key) for o in self.options)} or {UNKNOWN!r}."
        )


# The points are a rule of thumb and no measurement: 1 speaks for a technique, 2 strongly, 3 is nearly a must.
QUESTIONS = (
    Question("structure", "Must answers keep to a strict form?", (
        Option("free", "no, free text", {}, "Free text asks nothing of the form."),
        Option("labels", "one of a few labels", {PROMPTING: 1}, "A few labels can be named in a prompt."),
        Option("schema", "JSON or another form with a schema", {PROMPTING: 1, TUNING: 1},
               "A schema can be enforced while an untuned model writes; what goes into its fields may have to be learnt."),
        Option("house", "a form of our own that no schema describes", {TUNING: 2},
               "A form that can't be written down is learnt from examples."),
    )),
    Question("tone", "Must answers have a tone of their own?", (
        Option("any", "no", {}, "Any tone does."),
        Option("described", "yes, and a few sentences describe it", {PROMPTING: 1},
               "What a few sentences describe, a prompt can ask for."),
        Option("shown", "yes, and one knows it when one sees it", {TUNING: 2},
               "A tone that only examples show is learnt from many of them."),
    )),
    Question("jargon", "Are there words that outsiders don't know?", (
        Option("none", "no", {}, "A general model knows the words."),
        Option("few", "a few, they fit on a page", {PROMPTING: 1}, "A page of terms fits into a prompt."),
        Option("written", "many, and they are written down somewhere", {RETRIEVAL: 2},
               "Terms that are written down can be looked up."),
        Option("everywhere", "many, and nobody has written them down", {TUNING: 2},
               "Words known only from use are learnt from examples."),
    )),
    Question("scale", "How many calls, and how fast?", (
        Option("few", "a few a day, seconds don't matter", {PROMPTING: 1},
               "With few calls, what is set up soonest is cheapest."),
        Option("many", "thousands a day", {TUNING: 1},
               "With thousands of calls a day, each token of a long prompt is paid again and again."),
        Option("fast", "millions, or an answer at once", {TUNING: 2},
               "A small tuned model without a long prompt answers faster and cheaper."),
    )),
    Question("knowledge", "Do answers rest on facts that change?", (
        Option("none", "no, everything needed is in the question", {}, "Nothing has to be known."),
        Option("few", "on a few facts that fit on a page", {PROMPTING: 1},
               "A page of facts fits into a prompt and is changed there."),
        Option("still", "on documents that hardly change", {RETRIEVAL: 2},
               "Documents are better looked up than learnt (Ovadia 2024)."),
        Option("moving", "on documents that change", {RETRIEVAL: 3},
               "A changed document is indexed again in minutes; a tuned model must be tuned again."),
    )),
)  # fmt: skip


@dataclass(frozen=True)
class Ground:
    """What one answer added to the prior."""

    question: str
    answer: str
    points: dict[str, int]
    reason: str


@dataclass(frozen=True, repr=False)
class Prior(Result):
    """What the answers lead one to expect, before measuring.

    Attributes:
        scores: technique to its points.
        expected: a technique, "combination", or empty where the answers speak for none.
        grounds: one an answered question.
    """

    answers: dict[str, str]
    scores: dict[str, int]
    expected: str
    grounds: tuple[Ground, ...]

    @classmethod
    def from_dict(cls, fields: dict) -> Prior:
        """Read the grounds back."""
        return cls(**{**fields, "grounds": tuple(Ground(**ground) for ground in fields["grounds"])})

    def __repr__(self) -> str:
        points = ", ".join(f"{name} {n}" for name, n in self.scores.items())
        return f"Expected before measuring: {self.expected or 'nothing in particular'} ({points})"

    def table(self) -> pandas.DataFrame:
        """One row an answered question: the points it gave to each technique, and why."""
        import pandas

        rows = [
            (g.question, g.answer, *(f"+{g.points[t]}" if t in g.points else "" for t in TECHNIQUES), g.reason)
            for g in self.grounds
        ]
        return pandas.DataFrame(rows, columns=["question", "answer", *TECHNIQUES, "why"])

    def against(self, recommendation: Recommendation, arms: Sequence[Arm], cards: Sequence[Any] = ()) -> Against:
        """Sentences on where measuring agreed or disagreed with what was expected.

        Args:
            arms: those that were compared, which say what technique each is.
            cards: their Scorecards or Seeds, for the best of each technique in numbers.
        """
        technique = {arm.key: arm_traits(arm).technique for arm in arms}
        chosen = technique[recommendation.arm]
        settled = recommendation.outcome == DECIDED
        undecided = f"Measuring gave {recommendation.outcome!r}; what stands so far by the rule is"
        found = (
            f"{'Measuring chose' if settled else undecided} {recommendation.title}, which is {chosen}: "
            f"{recommendation.reasons[-1]}"
        )
        if not self.expected:
            return Against((f"The answers spoke for no technique. {found}", *_best(technique, cards)))
        same = chosen == self.expected
        word = ("That agrees." if same else "That disagrees.") if settled else (
            "So far that agrees, but isn't shown." if same else "So far that disagrees, but isn't shown."
        )
        first = f"The answers spoke for {self.expected}. {found} {word}"
        tuning = [recommendation.answer] if recommendation.answer and self.expected in (TUNING, COMBINATION) else []
        return Against((first, *tuning, *self._one_by_one(chosen), *_best(technique, cards)))

    def _one_by_one(self, chosen: str) -> list[str]:
        parts = {RETRIEVAL, TUNING} if chosen == COMBINATION else {chosen}
        return [
            f"{g.question} {g.answer!r} spoke for {' and '.join(g.points)}: {g.reason} It was not what decided here."
            for g in self.grounds if g.points and not parts & set(g.points)
        ]


@dataclass(frozen=True, repr=False)
class Against(Result):
    """What was expected, against what was measured, a sentence each."""

    sentences: tuple[str, ...]

    @classmethod
    def from_dict(cls, fields: dict) -> Against:
        """Read the sentences back."""
        return cls(tuple(fields["sentences"]))

    def __repr__(self) -> str:
        return self.sentences[0]

    def table(self) -> pandas.DataFrame:
        """One row a sentence."""
        import pandas

        return pandas.DataFrame({"expected and measured": self.sentences})

    def _repr_html_(self) -> str:
        return "".join(f"<p>{escape(sentence)}</p>" for sentence in self.sentences)


def _best(technique: Mapping[str, str], cards: Sequence[Any]) -> list[str]:
    best: dict[str, Any] = {}
    for card in cards:
        kind = technique.get(card.arm)
        if kind and card.n and (kind not in best or card.interval().value > best[kind].interval().value):
            best[kind] = card
    said = [f"{kind} {card.interval()} ({card.title})" for kind, card in best.items()]
    return [f"The best of each technique: {'; '.join(said)}."] if said else []


def prior(answers: Mapping[str, str]) -> Prior:
    """What the answers lead one to expect. What is left out or "don't know" adds nothing.

    Args:
        answers: question key to answer key; see QUESTIONS.

    Raises:
        BadInput: there is no such question or answer.
    """
    questions = {question.key: question for question in QUESTIONS}
    if strangers := [key for key in answers if key not in questions]:
        raise BadInput(f"There is no question {strangers[0]!r}; there are {', '.join(questions)}.")
    grounds, scores = [], dict.fromkeys(TECHNIQUES, 0)
    for key, question in questions.items():
        if (answer := answers.get(key, UNKNOWN)) != UNKNOWN:
            option = question.option(answer)
            grounds.append(Ground(question.text, option.text, dict(option.points), option.reason))
            for name, points in option.points.items():
                scores[name] += points
    return Prior(dict(answers), scores, _expected(scores), tuple(grounds))


def _expected(scores: Mapping[str, int]) -> str:
    if not any(scores.values()):
        return ""
    best = max(TECHNIQUES, key=lambda name: scores[name])
    if best != PROMPTING and min(scores[RETRIEVAL], scores[TUNING]) >= BOTH:
        return COMBINATION
    # The techniques stand in the order of their upkeep, and max takes the first of equals.
    return best


def first_answers(project: Project) -> dict[str, str]:
    """The answers that the sample suggests for its case; "don't know" where it has none."""
    given = scenario_of(project).get("questionnaire", {})
    return {question.key: given.get(question.key, UNKNOWN) for question in QUESTIONS}
