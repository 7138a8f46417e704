"""The exact text that training will see, token by token, and whether it is what the model is asked in use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import islice
from os.path import commonprefix
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

from workbench.curate.personal import mask
from workbench.curate.start import shown_text
from workbench.dataset import Dataset, Example
from workbench.errors import BadInput, Mismatch
from workbench.models import SYSTEM, ChatFormat, LoadedTokenizer, ModelChoice, load_tokenizer, weights_folder
from workbench.project import Project
from workbench.result import Result, html_table
from workbench.runtime import noise_to
from workbench.train.encode import IGNORED, bare_prompt, count_tokens, encode
from workbench.train.plan import LONGEST_ROW, Plan

if TYPE_CHECKING:
    import pandas

LONGEST_SHOWN = 600
LEARNT = "background:rgba(128,128,128,.28);border-bottom:2px solid"
TEXT = "white-space:pre-wrap;overflow-wrap:anywhere;max-width:60em"
# Rows of a batch that are unfolded at first.
UNFOLDED = 2
# Shapes of conversation that templates are compared on, one row each, and characters shown around a difference.
SHAPES, AROUND = 5, 60
# What is asked to see what a template makes of a question alone.
PROBE = "How are you?"
SAME_FILES = (
    "Serve the model with the tokenizer and the chat template it was trained with: copy tokenizer.json, tokenizer_config.json "
    "and chat_template.jinja from the model's folder, or run notebook 05 again."
)


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
            f"<div style='{TEXT}'>{_marked(r.pieces)}</div>"
            for r in self.rows
        )
        return f"<p><b>{escape(repr(self))}.</b></p>{shown}"


def _marked(row: tuple[tuple[str, bool], ...]) -> str:
    pieces = [f"<span style='{LEARNT}'>{escape(text)}</span>" if learnt else escape(text) for text, learnt in row]
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
            raise _nothing_to_learn(len(dataset), self.window)
        shown = tuple(self._row(example) for example in dataset.examples[:rows])
        return TokenPreview(
            self.model, shown, self.window, len(dataset), sum(t > self.window for t in totals), sum(totals),
            sum(max(0, t - self.window) for t in totals),
        )

    def _row(self, example: Example) -> PreviewRow:
        return PreviewRow(example.row_id, self.pieces(example))

    def pieces(self, example: Example, all_answers: bool = False) -> tuple[tuple[str, bool], ...]:
        """A row masked to be shown: the text of each token, and whether it is learnt."""
        row = encode(self.chat, example.with_texts(self.shown, "masked to be shown"), all_answers)
        learnt = (label != IGNORED for label in row.labels)
        return tuple(zip(_pieces(self.chat.tokenizer, row.input_ids), learnt, strict=True))


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


@dataclass(frozen=True)
class BatchRow:
    """One row of the first step.

    Attributes:
        batch: which of the step's batches it goes through the model with, from 1.
        pieces: as in PreviewRow, with personal data masked.
        tokens, learnt, padding: counts of the row as it is trained, not as it is masked.
    """

    row_id: str
    batch: int
    pieces: tuple[tuple[str, bool], ...]
    tokens: int
    learnt: int
    padding: int


@dataclass(frozen=True, repr=False)
class FirstBatch(Result):
    """The rows of a run's first optimiser step, in the order in which the trainer draws them.

    Attributes:
        total: rows that the trainer draws from.
        left_out: rows that are longer than the plan allows.
        masked: whether personal data stands in these rows, and is shown as its kind.
    """

    model: str
    rows: tuple[BatchRow, ...]
    total: int
    left_out: int
    masked: bool

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the rows back."""
        rows = tuple(BatchRow(**{**row, "pieces": tuple(map(tuple, row["pieces"]))}) for row in fields["rows"])
        return cls(**{**fields, "rows": rows})

    @property
    def tokens(self) -> int:
        """Tokens of the rows, without padding."""
        return sum(row.tokens for row in self.rows)

    @property
    def learnt(self) -> int:
        """Tokens that are learnt."""
        return sum(row.learnt for row in self.rows)

    @property
    def padding(self) -> int:
        """Tokens that only fill the shorter rows of a batch up to its longest: computed, and never learnt."""
        return sum(row.padding for row in self.rows)

    def __repr__(self) -> str:
        return (
            f"First step: {len(self.rows)} of {self.total:,} rows, {self.tokens:,} tokens, of which {self.learnt:,} are learnt; "
            f"{self.padding:,} more are padding ({self.padding / (self.tokens + self.padding):.0%} of what is computed)"
        )

    def table(self) -> pandas.DataFrame:
        """One row a row of the step: its batch, its tokens, those that are learnt, and its padding."""
        import pandas

        return pandas.DataFrame(
            [(r.row_id, r.batch, r.tokens, r.learnt, r.padding) for r in self.rows],
            columns=["row", "batch", "tokens", "learnt", "padding"],
        )

    def _repr_html_(self) -> str:
        notes = [f"{self.left_out:,} rows are longer than the plan allows and left out." if self.left_out else "",
                 "Personal data is shown as its kind; the counts are those of the rows as they are." if self.masked else ""]
        shown = "".join(
            f"<details{' open' if place < UNFOLDED else ''}><summary><b>{escape(r.row_id)}</b>: {r.tokens:,} tokens, "
            f"{r.learnt:,} learnt (marked), {r.padding:,} of padding, batch {r.batch}</summary>"
            f"<div style='{TEXT}'>{_marked(r.pieces)}</div></details>"
            for place, r in enumerate(self.rows)
        )
        return f"<p><b>{escape(repr(self))}.</b> {' '.join(filter(None, notes))}</p>{shown}"


def first_batch(of: Project | RowTokens, plan: Plan, dataset: Dataset, rows_per_step: int = 0) -> FirstBatch:
    """What a run by this plan learns from in its first step: these rows, in this order, padded like this.

    The order is that of the trainer's own sampler for the plan's seed; on several processes the step has the same rows,
    shared out among them.

    Args:
        of: the project, or the view that its model has of rows (`row_tokens`).
        dataset: the rows that the plan is for.
        rows_per_step: 0 for as many as the plan says.

    Raises:
        BadInput: not one token would be learnt.
        Mismatch: the plan is for other rows.
    """
    view = row_tokens(of) if isinstance(of, Project) else of
    if dataset.fingerprint != plan.data:
        raise Mismatch(
            f"The plan is for training rows {plan.data}, and these are {dataset.fingerprint}, so its first step has other rows. "
            "Make the plan again (run the notebook from the top), or give the rows it was made for."
        )
    lengths = [sum(pair) for pair in view.count(list(dataset))]
    fitting = [example for example, length in zip(dataset, lengths, strict=True) if length <= plan.max_length]
    if not fitting:
        raise _nothing_to_learn(len(dataset), plan.max_length)
    drawn = [fitting[place] for place in _drawn(len(fitting), plan.seed, rows_per_step or plan.rows_per_step)]
    rows = []
    for start in range(0, len(drawn), plan.batch_size):
        encoded = [(e, encode(view.chat, e, plan.all_answers)) for e in drawn[start : start + plan.batch_size]]
        longest = max(len(row.input_ids) for _, row in encoded)
        rows += [
            BatchRow(
                e.row_id, start // plan.batch_size + 1, view.pieces(e, plan.all_answers), len(row.input_ids),
                sum(label != IGNORED for label in row.labels), longest - len(row.input_ids),
            )
            for e, row in encoded
        ]
    masked = any(view.shown(text) != text for e in drawn for text in e.texts)
    return FirstBatch(view.model, tuple(rows), len(fitting), len(dataset) - len(fitting), masked)


def _drawn(rows: int, seed: int, count: int) -> list[int]:
    """The places of the first rows that the trainer draws: what it wraps its loader's sampler in, and the seed it gives it."""
    from accelerate.data_loader import SeedableRandomSampler

    return list(islice(SeedableRandomSampler(range(rows), data_seed=seed), count))


def _nothing_to_learn(rows: int, longest: int) -> BadInput:
    return BadInput(
        f"None of the {rows} rows has a token to learn within {longest:,} tokens, so training would do nothing. "
        "Shorten the inputs, raise max_length in the plan, or choose a model with a larger window in notebook 00."
    )


@dataclass(frozen=True, repr=False)
class TemplateCheck(Result):
    """That rows begin in training as they are asked in use, and end as the template ends them; what differs is refused.

    Attributes:
        rows: the rows compared, one of each shape of conversation: (row id, tokens of the prompt, tokens learnt).
        end: the token that ends an answer, as text.
        after: blanks that the template writes after it, which are not learnt.
        own_system: what the template begins with where no system turn is sent, if it adds one of its own; else empty.
        notes: what whoever uses the model must know.
    """

    rows: tuple[tuple[str, int, int], ...]
    end: str
    after: str
    own_system: str
    notes: tuple[str, ...]

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the tuples back."""
        return cls(**{**fields, "rows": tuple(map(tuple, fields["rows"])), "notes": tuple(fields["notes"])})

    def __repr__(self) -> str:
        heed = f"; {len(self.notes)} to heed" if self.notes else ""
        return f"Templates agree: {len(self.rows)} rows begin in training as they are asked in use{heed}"

    def table(self) -> pandas.DataFrame:
        """What was compared, and what was found."""
        import pandas

        after = f", then {self.after!r}, which is not learnt" if self.after else ""
        rows = [
            ("rows compared, one of each shape", ", ".join(f"{name} ({tokens} tokens)" for name, tokens, _ in self.rows)),
            ("what training and serving begin with", "the same text and tokens"),
            ("tokens learnt in these rows", str(sum(learnt for *_, learnt in self.rows))),
            ("end of an answer", f"{self.end!r} in training and in the template{after}"),
            ("template's own system turn", repr(self.own_system) if self.own_system else "none"),
        ]
        return pandas.DataFrame(rows, columns=["what", "found"])

    def _repr_html_(self) -> str:
        return html_table(self.table(), repr(self)) + "".join(f"<p><b>Heed:</b> {escape(note)}</p>" for note in self.notes)


def check_templates(
    chat_for_training: ChatFormat, chat_for_serving: ChatFormat, dataset: Dataset, max_length: int = LONGEST_ROW,
    all_answers: bool = False, shown: Callable[[str], str] = mask,
) -> TemplateCheck:
    """Compare what training shows the model with what it is asked in use, on one row of each shape of conversation.

    In use it is asked by the workbench, through the tokenizer and the template that lie beside the exported model
    (`as_shipped`), or by anybody's `tokenizer.apply_chat_template(messages, add_generation_prompt=True)`.

    Args:
        max_length, all_answers: as in the plan.
        shown: how texts are masked to be shown.

    Raises:
        BadInput: text or tokens differ, an answer is taught to end otherwise than the template ends it, the template
            refuses the rows, or nothing would be learnt.
    """
    from jinja2 import TemplateError

    longest = min(max_length, chat_for_training.window)
    of_shape: dict[tuple[str, ...], Example] = {}
    for example in dataset:
        of_shape.setdefault(tuple(role for role, _ in example.messages), example)
    compare = _Comparison(chat_for_training, chat_for_serving, shown)
    try:
        end = compare.end()
        if not any(sum(pair) <= longest for example in dataset for pair in count_tokens(chat_for_training, [example])):
            raise _nothing_to_learn(len(dataset), longest)
        found = [compare.row(example, all_answers) for example in islice(of_shape.values(), SHAPES)]
        own_system = compare.own_system()
    except TemplateError as error:
        raise BadInput(
            f"The model's chat template refuses these rows ({error}), so they can be neither learnt nor asked. Choose another "
            "model in notebook 00, or change the turns of the rows: their roles, and the order in which they come."
        ) from error
    notes = []
    if own_system:
        notes.append(
            f"Asked without a system turn, the model is given one that its template adds: {own_system!r}. It is trained under "
            f"the system turn of each row, or else under {SYSTEM!r}, and was not trained for another: always send that turn."
        )
    if any(switched for *_, switched in found):
        notes.append(
            "Left to itself, the template asks the model to think aloud, which it is not trained to do: call "
            "apply_chat_template(messages, add_generation_prompt=True, enable_thinking=False)."
        )
    if "strftime_now" in str(chat_for_serving.tokenizer.chat_template):
        notes.append("The template writes today's date into the prompt, which will be another in use than it was in training.")
    return TemplateCheck(tuple(row for row, *_ in found), end, found[0][1], own_system, tuple(notes))


@dataclass(frozen=True)
class _Comparison:
    training: ChatFormat
    serving: ChatFormat
    shown: Callable[[str], str]

    def end(self) -> str:
        """The token that ends an answer, in training and in use."""
        taught, served = self.training.tokenizer.eos_token, self.serving.tokenizer.eos_token
        if not taught or taught != served:
            raise BadInput(
                f"Training ends an answer with {taught!r}, and in use the model is stopped at {served!r}, so its answers would "
                "not end where they should. Set eos_token in both tokenizers to the token with which the template ends a turn."
            )
        return taught

    def row(self, example: Example, all_answers: bool) -> tuple[tuple[str, int, int], str, bool]:
        """What a row of the result holds; the blanks after the answer's end; whether thinking had to be switched off."""
        turns, learnt = bare_prompt(example), encode(self.training, example, all_answers).labels
        asked = self.training.chat_text(turns)
        ids = self.training.tokens(asked)
        text = self.serving.chat_text(turns)
        self._same(example, "the exported chat template", asked, text, ids, self.serving.tokens(text))
        called = self._called(turns)
        switched = called[0] != asked and self._called(turns, enable_thinking=False)[0] == asked
        called = self._called(turns, enable_thinking=False) if switched else called
        self._same(example, "a plain apply_chat_template call", asked, called[0], ids, called[1])
        row = (example.row_id, len(ids), sum(label != IGNORED for label in learnt))
        return row, self._after(example, turns, asked), switched

    def _same(self, example: Example, by: str, asked: str, text: str, ids: list[int], tokens: list[int]) -> None:
        if asked != text:
            raise BadInput(
                f"Row {example.row_id!r} begins in training with another text than {by} gives the model in use, which would then "
                f"be asked in a form it was not trained for. {self._difference(asked, by, text)} {SAME_FILES}"
            )
        if ids != tokens:
            place = len(commonprefix([ids, tokens]))
            raise BadInput(
                f"Row {example.row_id!r} begins in training with the same text as {by} gives the model in use, but with other "
                f"tokens, from number {place + 1} on (training has {len(ids)}, {by} {len(tokens)}). {SAME_FILES}"
            )

    def _called(self, turns: list[tuple[str, str]], **switches: bool) -> tuple[str, list[int]]:
        """Text and tokens of a plain call, as somebody makes it who knows nothing of the workbench."""
        messages, call = self._messages(turns), self.serving.tokenizer.apply_chat_template
        text = call(messages, tokenize=False, add_generation_prompt=True, **switches)
        return text, list(call(messages, tokenize=True, add_generation_prompt=True, return_dict=False, **switches))

    def _messages(self, turns: list[tuple[str, str]]) -> list[dict[str, str]]:
        # Control tokens inside a turn are broken up in a plain call too: what is compared is the template.
        return [{"role": role, "content": self.serving.defused(content)} for role, content in turns]

    def _after(self, example: Example, turns: list[tuple[str, str]], asked: str) -> str:
        """What the template writes after the token that ends the answer: blanks, or it is refused."""
        answer, end = self.serving.defused(example.answer), self.training.tokenizer.eos_token
        messages = self._messages([*turns, ("assistant", example.answer)])
        whole = self.serving.tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=False, enable_thinking=False
        )
        # Some templates cut off the blanks around an answer.
        learnt = next((t for a in (answer, answer.strip()) if whole.startswith(t := asked + a + end)), asked + answer + end)
        if not whole.startswith(learnt) or whole[len(learnt) :].strip():
            raise BadInput(
                f"The answer of row {example.row_id!r} is learnt otherwise than the chat template writes an answered "
                f"conversation, so the model would be taught another form or another end. "
                f"{self._difference(learnt, 'the template', whole)} "
                f"Answers end in training with the tokenizer's eos_token ({end!r}): set it to the token that the template ends "
                "a turn with, or choose another model in notebook 00."
            )
        return whole[len(learnt) :]

    def own_system(self) -> str:
        """What the prompt begins with where no system turn is sent, if the template adds one that isn't the neutral one."""
        alone, under = (self._called(turns)[0] for turns in ([("user", PROBE)], [("system", SYSTEM), ("user", PROBE)]))
        start = len(commonprefix([alone, under]))
        rest, other = alone[start:], under[start:]
        added = rest[: len(rest) - len(commonprefix([rest[::-1], other[::-1]]))]
        return alone[: alone.index(PROBE)] if added else ""

    def _difference(self, training: str, by: str, text: str) -> str:
        """Both texts around their first difference, masked, with line breaks and control characters as signs."""
        training, text = self.shown(training), self.shown(text)
        place = len(commonprefix([training, text]))
        ours, theirs = (t[max(0, place - AROUND) : place + AROUND] for t in (training, text))
        if ours == theirs:
            return "They differ within personal data, which is not shown."
        return f"At the first difference, after {place:,} characters, training has {ours!r} and {by} has {theirs!r}."


def as_shipped(project: Project) -> LoadedTokenizer:
    """The tokenizer and the chat template as the export writes them beside the model, read back from there."""
    from transformers import AutoConfig, AutoTokenizer

    choice = ModelChoice(**project.settings["model"])
    with TemporaryDirectory() as folder:
        with noise_to(project.log):
            for part in (AutoConfig, AutoTokenizer):
                part.from_pretrained(weights_folder(choice), trust_remote_code=False).save_pretrained(folder)
        return load_tokenizer(ModelChoice(folder, "as it is shipped"), project.log)
