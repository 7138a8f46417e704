"""The exact text that training will see, token by token, with the tokens that are learnt marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Self

from workbench.curate.personal import mask
from workbench.curate.start import shown_text
from workbench.dataset import Dataset, Example
from workbench.errors import BadInput
from workbench.models import ChatFormat, ModelChoice, load_tokenizer
from workbench.project import Project
from workbench.result import Result
from workbench.train.encode import IGNORED, count_tokens, encode
from workbench.train.plan import LONGEST_ROW

if TYPE_CHECKING:
    import pandas

LONGEST_SHOWN = 600
LEARNT = "background:rgba(128,128,128,.28);border-bottom:2px solid"


@dataclass(frozen=True)
class PreviewRow:
    """One row: its pieces of text, one a token, and for each whether it is learnt."""

    row_id: str
    pieces: tuple[tuple[str, bool], ...]

    @property
    def learnt(self) -> int:
        """How many tokens are learnt."""
        return sum(learnt for _, learnt in self.pieces)


@dataclass(frozen=True, repr=False)
class TokenPreview(Result):
    """What training will see of a few rows, and how much of all rows fits.

    Attributes:
        rows: the rows shown. Personal data is masked in them: this is for looking.
        window: the most tokens a row may have.
        total, too_long: rows in all, and rows longer than the window.
        tokens, cut: tokens in all rows, and tokens beyond the window.
    """

    model: str
    rows: tuple[PreviewRow, ...]
    window: int
    total: int
    too_long: int
    tokens: int
    cut: int

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the rows back."""
        rows = tuple(PreviewRow(r["row_id"], tuple((text, learnt) for text, learnt in r["pieces"])) for r in fields["rows"])
        return cls(**{**fields, "rows": rows})

    def __repr__(self) -> str:
        fits = "all fit" if not self.too_long else f"{self.too_long} are longer and would lose {self.cut:,} tokens"
        return (
            f"{self.total:,} rows are {self.tokens:,} tokens for {self.model}; "
            f"a row may have {self.window:,}, and {fits}"
        )

    def table(self) -> pandas.DataFrame:
        """One row a shown row: its tokens, and how many of them are learnt."""
        import pandas

        return pandas.DataFrame(
            [(r.row_id, len(r.pieces), r.learnt) for r in self.rows], columns=["row", "tokens", "learnt"]
        )

    def _repr_html_(self) -> str:
        shown = "".join(
            f"<p><b>{escape(r.row_id)}</b>: {len(r.pieces)} tokens, {r.learnt} learnt (marked)</p>"
            f"<div style='white-space:pre-wrap;overflow-wrap:anywhere;max-width:60em'>{_marked(r)}</div>"
            for r in self.rows
        )
        return f"<p><b>{escape(repr(self))}.</b></p>{shown}"


def _marked(row: PreviewRow) -> str:
    pieces = [f"<span style='{LEARNT}'>{escape(text)}</span>" if learnt else escape(text) for text, learnt in row.pieces]
    if len(pieces) > LONGEST_SHOWN:
        pieces = [*pieces[:LONGEST_SHOWN // 2], " … ", *pieces[-LONGEST_SHOWN // 2 :]]
    return "".join(pieces)


@dataclass(frozen=True)
class RowTokens:
    """A model's view of rows, without its weights.

    Attributes:
        window: the most tokens a row may have in training: the model's own limit or the plan's, whichever is less.
        shown: how texts are masked to be looked at.
    """

    chat: ChatFormat
    model: str
    window: int
    shown: Callable[[str], str] = mask
    _known: dict[tuple, tuple[int, int]] = field(default_factory=dict, repr=False, compare=False)

    def count(self, examples: Sequence[Example]) -> list[tuple[int, int]]:
        """Tokens of the prompt and of the answer of each row; a row that was counted before is not counted again."""
        new = [e for e in examples if (e.messages, e.answer) not in self._known]
        self._known.update(zip(((e.messages, e.answer) for e in new), count_tokens(self.chat, new), strict=True))
        return [self._known[e.messages, e.answer] for e in examples]

    def preview(self, dataset: Dataset, rows: int = 2) -> TokenPreview:
        """The first rows token by token, and how much of all rows fits.

        Raises:
            BadInput: not one token would be learnt, so training would do nothing.
        """
        counts = self.count(list(dataset))
        totals = [prompt + answer for prompt, answer in counts]
        if not any(prompt < self.window for prompt, _ in counts):
            raise BadInput(
                f"None of the {len(dataset)} rows has a token to learn within {self.window:,} tokens, so training would "
                "do nothing. Shorten the inputs, or choose a model with a larger window in notebook 00."
            )
        shown = tuple(self._row(example) for example in dataset.examples[:rows])
        return TokenPreview(
            self.model, shown, self.window, len(dataset), sum(t > self.window for t in totals), sum(totals),
            sum(max(0, t - self.window) for t in totals),
        )

    def _row(self, example: Example) -> PreviewRow:
        row = encode(self.chat, example.with_texts(self.shown, "masked to be shown"))
        return PreviewRow(example.row_id, tuple(
            zip(_pieces(self.chat.tokenizer, row.input_ids), (label != IGNORED for label in row.labels), strict=True)
        ))


def _pieces(tokenizer: object, ids: list[int]) -> list[str]:
    """The text of each token. Tokens that are part of one character are shown together at its last one."""
    pieces, pending = [], []
    for token in ids:
        pending.append(token)
        text = tokenizer.decode(pending)
        # U+FFFD: the bytes so far are no whole character yet.
        whole = not text.endswith("\ufffd") or len(pending) > 4
        pieces.append(text if whole else "")
        pending = [] if whole else pending
    return pieces


def row_tokens(project: Project) -> RowTokens:
    """The view that the project's model has of rows; loads its tokenizer and no weights."""
    choice = ModelChoice(**project.settings["model"])
    chat = load_tokenizer(choice, project.log)
    return RowTokens(chat, choice.name, min(chat.window, LONGEST_ROW), shown_text(project))
