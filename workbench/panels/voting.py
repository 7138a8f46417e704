"""Blind side-by-side voting: one question, two unnamed answers, and which of them a person prefers."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import ipywidgets

from workbench.curate.start import shown_text
from workbench.dataset import Dataset
from workbench.decide.votes import Ballots, Tally, Votes, ballots, change_votes, held_out_rows, load_votes, tally
from workbench.errors import BadInput
from workbench.files import fingerprint
from workbench.panels.panel import Buttons
from workbench.project import Project
from workbench.scoring.scorecard import Scorecard
from workbench.scoring.seeds import Seeds

LONGEST_TEXT = 4000
BOX = "border:1px solid;border-color:rgba(128,128,128,.45);border-radius:4px;padding:.5em .8em;margin:.3em 0"
TEXT = "white-space:pre-wrap;overflow-wrap:anywhere"


class Voting(Buttons):
    """Two arms' answers side by side, unnamed, in an order drawn by row. Each vote is saved at once.

    In code: `voting.vote("left")`, `voting.undo()`, `voting.tally()`; nothing waits for a click.

    Attributes:
        result: all votes of the project.
        pairs: what there is to vote on; rows that both answered alike are left out and counted.
        box: the widget.
    """

    def __init__(
        self,
        project: Project,
        card_a: Scorecard | Seeds,
        card_b: Scorecard | Seeds,
        dataset: Dataset,
        shown: Callable[[str], str] | None = None,
        voter: str = "me",
        seed: int = 0,
    ) -> None:
        """Open where voting was left.

        Args:
            shown: how a text is masked to be looked at; as the project's terms have it where left out.
            voter: a label for whoever votes; a second voter's votes stand beside the first one's.
            seed: for the order of the two answers.

        Raises:
            Mismatch: the cards don't belong to these rows, or are of the same arm.
        """
        self.pairs: Ballots = ballots(card_a, card_b, dataset, seed)
        self.result: Votes = load_votes(project)
        self._project, self._voter = project, voter
        # Only rows of the test are counted as looked at.
        tested = held_out_rows(project)
        self._test_rows = sum(ballot.row_id in tested for ballot in self.pairs.ballots)
        self._recipe = fingerprint([card_a.recipe, card_b.recipe])
        self._shown_text = shown or shown_text(project)
        self._at = 0
        self._build()
        self.next_unvoted()

    # What a person can do; the buttons call these, and so can code.

    def vote(self, choice: str, row_id: str | None = None) -> Voting:
        """Vote on the pair in view, or on a row's, and go to the next without a vote.

        Args:
            choice: "left", "right", "tie" or "both bad".

        Raises:
            BadInput: there is no such choice, or no such pair.
        """
        if row_id is not None:
            self._at = self._place(row_id)
        if not self.pairs.ballots:
            raise BadInput("There is no pair of different answers to vote on. Compare two other arms.")
        ballot = self.pairs.ballots[self._at]
        self.result = change_votes(self._project, lambda votes: votes.add(ballot, choice, self._voter))
        if self._test_rows:
            # Counted once for the two arms, at the first vote: until then nobody need have read a row.
            self._project.record_test_look("pairs of answers, voted on", self._test_rows, self._recipe)
        return self.next_unvoted()

    def undo(self) -> Voting:
        """Take this voter's last vote back, and show its pair."""
        undone: list[str] = []

        def change(votes: Votes) -> Votes:
            votes, row_id = votes.without_last(self.pairs, self._voter)
            undone.append(row_id)
            return votes

        self.result = change_votes(self._project, change)
        if undone[0]:
            self._at = self._place(undone[0])
        self._show()
        return self

    def next_unvoted(self) -> Voting:
        """Show the next pair without a vote of this voter, from the one in view on."""
        n = len(self.pairs.ballots)
        done = self._mine()
        ahead = ((self._at + step) % n for step in range(n))
        self._at = next((i for i in ahead if self.pairs.ballots[i].row_id not in done), self._at)
        self._show()
        return self

    def go(self, step: int) -> Voting:
        """Show the next (1) or the previous (-1) pair, voted on or not."""
        self._at = max(0, min(len(self.pairs.ballots) - 1, self._at + step))
        self._show()
        return self

    def tally(self) -> Tally:
        """What the votes amount to; names the arms, so look at it when done."""
        return tally(self.result, self.pairs)

    def _place(self, row_id: str) -> int:
        found = next((i for i, ballot in enumerate(self.pairs.ballots) if ballot.row_id == row_id), None)
        if found is None:
            raise BadInput(
                f"There is no pair of answers to vote on for row {row_id!r}: both said the same, one gave "
                "no answer, or it is not among these rows. Choose a row of pairs.table()."
            )
        return found

    def _mine(self) -> dict[str, str]:
        return self.result.on(self.pairs).get(self._voter, {})

    # The widget.

    def _build(self) -> None:
        self._where, self._problem, self._card = (ipywidgets.HTML() for _ in range(3))
        self._buttons = {
            "left": self._button("Left", "the left answer is better", lambda: self.vote("left")),
            "right": self._button("Right", "the right answer is better", lambda: self.vote("right")),
            "tie": self._button("Tie", "both are as good", lambda: self.vote("tie")),
            "both bad": self._button("Both bad", "neither can be used", lambda: self.vote("both bad")),
            "undo": self._button("Undo", "take the last vote back", self.undo),
            "next": self._button("Next unvoted", "leave this one for later", self._skip),
        }
        # Above the card, whose height changes from row to row: a button stays under the pointer and keeps the keyboard.
        buttons = ipywidgets.HBox(list(self._buttons.values()), layout={"flex_flow": "row wrap"})
        self.box = ipywidgets.VBox([self._where, buttons, self._problem, self._card])

    def _skip(self) -> None:
        self._at = (self._at + 1) % max(1, len(self.pairs.ballots))
        self.next_unvoted()

    def _show(self) -> None:
        n, mine = len(self.pairs.ballots), self._mine()
        for button in self._buttons.values():
            button.disabled = n == 0
        self._buttons["undo"].disabled = not mine
        self._buttons["next"].disabled = len(mine) == n
        out = f" &middot; {self.pairs.alike} answered alike and left out" if self.pairs.alike else ""
        out += f" &middot; {self.pairs.missing} without both answers left out" if self.pairs.missing else ""
        if not n:
            self._where.value, self._card.value = f"<p>There is no pair of different answers to vote on{out}.</p>", ""
            return
        ballot = self.pairs.ballots[self._at]
        end = " &middot; all voted on: <code>tally()</code> says what they amount to" if len(mine) == n else ""
        self._where.value = f"<p>Pair {self._at + 1} of {n} &middot; {len(mine)} of {n} voted on{out} &middot; saved{end}</p>"
        voted = next((v.choice for v in reversed(self.result.votes) if (v.voter, v.pair) == (self._voter, ballot.pair)), "")
        self._card.value = (
            "<div style='max-width:75em'>"
            + self._text_box("Question", ballot.question)
            + "<div style='display:flex;flex-wrap:wrap;gap:.6em'>"
            + "".join(
                f"<div style='flex:1 1 20em;min-width:0'>{self._text_box(side, text)}</div>"
                for side, text in (("Left", ballot.left), ("Right", ballot.right))
            )
            + "</div>"
            + "<details><summary>The answer in the data</summary>"
            + f"<div style='{TEXT}'>{self._escaped(ballot.expected)}</div></details>"
            + (f"<p>You voted: <b>{escape(voted)}</b></p>" if voted else "")
            + "</div>"
        )

    def _text_box(self, title: str, text: str) -> str:
        return f"<div style='{BOX}'><b>{title}</b><div style='{TEXT}'>{self._escaped(text) or '<i>empty</i>'}</div></div>"

    def _escaped(self, text: str) -> str:
        # Masked before it is cut: half an address is an address no more.
        text = self._shown_text(text)
        return escape(text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]} … ({len(text):,} characters)")

    def __repr__(self) -> str:
        return f"{len(self._mine())} of {len(self.pairs.ballots)} pairs voted on by {self._voter!r}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        # Beside the live widget stands the pair in view, for places without widgets: a saved page, an export.
        return {
            "application/vnd.jupyter.widget-view+json": {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id},
            "text/html": f"{self._where.value}{self._card.value}",
            "text/plain": repr(self),
        }


def vote(
    project: Project, pair: tuple[Scorecard | Seeds, Scorecard | Seeds], rows: Dataset,
    shown: Callable[[str], str] | None = None,
) -> Voting:
    """Notebook 02: vote on two arms' answers.

    Args:
        pair: the two arms' cards, as `workbench.best_two` gives them.
        rows: that both were scored on.
        shown: how a text is masked to be looked at; as the project's terms have it where left out.

    Raises:
        Mismatch: the cards don't belong to these rows, or are of the same arm.
    """
    return Voting(project, *pair, rows, shown)
