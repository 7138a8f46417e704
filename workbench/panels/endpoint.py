"""Notebook 02: a server as one more way of answering; which rows would leave, and a box that is never ticked beforehand."""

from __future__ import annotations

import os
from dataclasses import dataclass
from html import escape

import ipywidgets

from workbench.dataset import Dataset
from workbench.decide.arms import choose_examples
from workbench.decide.endpoint import Endpoint, Leaving, ask_consent, open_endpoint, where_to
from workbench.errors import BadInput
from workbench.panels.panel import Panel
from workbench.project import Project


@dataclass(frozen=True)
class Asked:
    """What would leave, and the server if somebody agreed to it."""

    leaving: Leaving | None
    endpoint: Endpoint | None

    def _repr_html_(self) -> str:
        if self.leaving is None:
            return "<p>No server is asked. The other ways of answering need none.</p>"
        agreed = "Agreed, for this time only." if self.endpoint else "<b>Nothing is sent</b> unless you tick the box."
        return f"<p>{agreed}</p>{self.leaving._repr_html_()}"


class EndpointPanel(Panel):
    """The inputs, and as `result` the server, or None as long as nobody agreed. Nothing of it is kept on disk.

    In code: `panel.set(address=..., model=...)`, look at it, then `panel.set(agreed=True)`.
    """

    @property
    def result(self) -> Endpoint | None:
        """The server that may be asked; None where none is named, or nobody agreed.

        Raises:
            WorkbenchError: what was given can't be used; the panel shows the same sentence.
        """
        return super().result.endpoint


def endpoint(project: Project, rows: Dataset, examples: Dataset | None = None) -> EndpointPanel:
    """Which server, which model, and whether these rows may be sent there.

    Args:
        rows: that would be asked about.
        examples: training rows that stand in every prompt; those of the arm with examples where left out.
    """
    if examples is None and (train := project.path("data/train.jsonl")).exists():
        examples = choose_examples(Dataset.load(train), project.depth.examples_in_prompt)
    inputs = {
        "address": ipywidgets.Text("", description="Address", continuous_update=False, placeholder="http://localhost:8080/v1"),
        "model": ipywidgets.Text("", description="Model", continuous_update=False),
        "key_variable": ipywidgets.Text("", description="Key's variable", continuous_update=False),
        "unmasked": ipywidgets.Checkbox(False, description="Send texts unmasked"),
        "agreed": ipywidgets.Checkbox(False, description=""),
    }
    notes = {
        "address": "of a server that speaks OpenAI's format; empty for none",
        "model": "as the server calls it",
        "key_variable": "the name of the environment variable that holds the key, never the key itself; empty for none",
        "unmasked": "personal data goes along as it stands",
    }
    no_variable: list[bool] = []

    def before_change(change: dict) -> None:
        # Agreeing was to what stood there; with another server, or unmasked, it is asked anew.
        inputs["agreed"].value = False
        if change["owner"] is inputs["key_variable"] and change["new"]:
            no_variable[:] = [] if change["new"] in os.environ else [True]
            if no_variable:
                # It may be the key itself, which a saved notebook would keep.
                inputs["key_variable"].value = ""
        elif change["owner"] is not inputs["key_variable"]:
            no_variable.clear()

    for name in ("address", "model", "key_variable", "unmasked"):
        inputs[name].observe(before_change, names="value")

    def make(address: str, model: str, key_variable: str, unmasked: bool, agreed: bool) -> Asked:
        inputs["agreed"].description = f"These {len(rows)} rows may be sent to {_host(address)}"
        if not address.strip():
            return Asked(None, None)
        if no_variable:
            raise BadInput(
                "There is no environment variable of the name given for the key; the field was emptied, in case it was the key "
                "itself. Set the variable before Jupyter starts, and name it here."
            )
        leaving = ask_consent(project, address, rows, examples, masked=not unmasked)
        return Asked(leaving, open_endpoint(project, address, model, key_variable, agreed, unmasked) if agreed else None)

    panel = EndpointPanel(inputs, make, notes, show=lambda asked: asked._repr_html_())
    # The sentence beside the box is long, and has to be read whole.
    inputs["agreed"].layout, inputs["agreed"].indent = ipywidgets.Layout(width="auto"), False
    return panel


def _host(address: str) -> str:
    try:
        # The label of a checkbox may be shown as HTML.
        return escape(where_to(address)[0])
    except BadInput:
        return "the server"
