"""A panel starts from the recommended result, replaces it at every change, and says in a sentence what can't be."""

import ast
from dataclasses import dataclass
from pathlib import Path

import ipywidgets
import pytest

from workbench.errors import BadInput
from workbench.panels.panel import Panel

EVIL = "<script>alert('x')</script>"
PANELS = Path(__file__).resolve().parents[2] / "workbench" / "panels"


@dataclass(frozen=True)
class Sum:
    """What these panels make."""

    total: int

    def _repr_html_(self) -> str:
        return f"<p>sum {self.total}</p>"


def panel(one=2, two=3, notes=None):
    calls = []

    def make(one, two):
        calls.append((one, two))
        if two < 0:
            raise BadInput(f"two is {two}; {EVIL} give a number from 0.")
        return Sum(one + two)

    inputs = {
        "one": ipywidgets.IntText(value=one, description="One"),
        "two": ipywidgets.IntText(value=two, description="Two"),
    }
    made = Panel(inputs, make, notes)
    return made, calls


def shown(made):
    return made.box.children[-1].value


def test_a_panel_starts_with_the_result_of_its_defaults_without_a_click():
    made, calls = panel()
    assert made.result == Sum(5) and calls == [(2, 3)]
    assert shown(made) == "<p>sum 5</p>"


def test_changing_an_input_replaces_the_result_and_the_view():
    made, calls = panel()
    before = made.result
    made.inputs["one"].value = 10
    assert made.result == Sum(13) and before == Sum(5)
    assert shown(made) == "<p>sum 13</p>"
    assert calls == [(2, 3), (10, 3)]


def test_reading_the_result_computes_nothing():
    made, calls = panel()
    assert made.result is made.result and len(calls) == 1


def test_a_bad_input_shows_the_sentence_and_the_result_raises_it():
    made, _ = panel()
    made.inputs["two"].value = -1
    assert "Not possible" in shown(made) and "two is -1" in shown(made) and "role='alert'" in shown(made)
    with pytest.raises(BadInput, match="two is -1"):
        made.result  # noqa: B018


def test_a_panel_whose_defaults_can_not_be_used_shows_so_at_once():
    made, _ = panel(two=-5)
    assert "two is -5" in shown(made)
    with pytest.raises(BadInput):
        made.result  # noqa: B018


def test_going_back_to_the_defaults_is_the_start_again():
    made, _ = panel()
    start = made.result, shown(made), made.values, made._repr_mimebundle_()
    for value in (9, -1, 3):
        made.inputs["two"].value = value
    assert (made.result, shown(made), made.values, made._repr_mimebundle_()) == start
    assert made._repr_mimebundle_()["text/html"] == panel()[0]._repr_mimebundle_()["text/html"]


def test_a_good_value_after_a_bad_one_is_taken():
    made, _ = panel()
    made.inputs["two"].value = -1
    made.inputs["two"].value = 4
    assert made.result == Sum(6) and "Not possible" not in shown(made)


def test_hostile_text_is_escaped_in_the_sentence_and_in_the_notes():
    made, _ = panel(notes={"one": EVIL})
    made.inputs["two"].value = -1
    notes = [row.children[1].value for row in made.box.children[:-1]]
    for html in (shown(made), *notes, made._repr_mimebundle_()["text/html"]):
        assert "<script" not in html
    assert "&lt;script&gt;" in shown(made) and "&lt;script&gt;" in notes[0]


def test_hostile_values_are_escaped_where_there_are_no_widgets():
    made = Panel({"name": ipywidgets.Text(value=EVIL, description=EVIL)}, lambda name: name)
    html = made._repr_mimebundle_()["text/html"]
    assert "<script" not in html and html.count("&lt;script&gt;") == 3  # the name, the value, the result


def test_a_panel_is_a_widget_and_a_table_for_places_without_widgets():
    made, _ = panel()
    bundle = made._repr_mimebundle_()
    view = bundle["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == made.box.model_id and view["model_id"]
    assert view["version_major"] == 2
    html = bundle["text/html"]
    assert "One</th><td>2</td>" in html and "Two</th><td>3</td>" in html and html.endswith("<p>sum 5</p>")
    assert bundle["text/plain"] == "{'one': 2, 'two': 3}"


def test_the_table_follows_the_inputs():
    made, _ = panel()
    made.inputs["one"].value = 40
    assert "<td>40</td>" in made._repr_mimebundle_()["text/html"]


# Widgets that ipywidgets 7.7 and 8 both have, and the arguments that mean the same in both.
WIDGETS = {
    "Accordion", "BoundedFloatText", "BoundedIntText", "Box", "Button", "Checkbox", "Combobox", "Dropdown", "FloatProgress",
    "FloatLogSlider", "FloatSlider", "FloatText", "GridBox", "HBox", "HTML", "IntProgress", "IntSlider", "IntText", "Label", "Layout", "Output",
    "RadioButtons", "Select", "SelectMultiple", "Tab", "Text", "Textarea", "ToggleButton", "ToggleButtons", "VBox", "Valid",
}
ARGUMENTS = {
    "value", "description", "options", "min", "max", "step", "disabled", "layout", "style", "width", "placeholder", "children", "tooltip",
    "continuous_update", "readout_format", "base",
}


@pytest.mark.parametrize("path", sorted(PANELS.glob("*.py")), ids=lambda p: p.name)
def test_only_widgets_that_ipywidgets_7_and_8_share_are_used(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert not (node.module or "").startswith("ipywidgets"), f"{path.name}: name widgets by their module"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ipywidgets":
            assert node.attr in WIDGETS, f"{path.name} line {node.lineno}: ipywidgets.{node.attr}"
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("ipywidgets."):
            used = {keyword.arg for keyword in node.keywords}
            assert used <= ARGUMENTS, f"{path.name} line {node.lineno}: {used - ARGUMENTS}"


def test_the_widgets_allowed_are_there():
    assert all(hasattr(ipywidgets, name) for name in WIDGETS)


def test_what_can_be_chosen_by_hand_can_be_chosen_in_code(tmp_path):
    def panel():
        inputs = {"n": ipywidgets.IntText(1), "kind": ipywidgets.Dropdown(options=[("one", "a"), ("two", "b")], value="a")}
        return Panel(inputs, lambda n, kind: (n, kind), remember=tmp_path / "p.json")

    assert panel().set(n=3, kind="b").result == (3, "b") == panel().result
    with pytest.raises(BadInput, match="no input 'm'"):
        panel().set(m=1)
    with pytest.raises(BadInput, match="Choose one of 'a', 'b'"):
        panel().set(kind="c")
    with pytest.raises(BadInput, match="'many' can't be chosen for 'n'"):
        panel().set(n="many")


def test_what_set_takes_is_told_where_there_are_no_widgets():
    few = ipywidgets.Dropdown(options=[("The first", 1), ("The second", 2)], value=1, description="One")
    made = Panel({"one": few}, lambda one: one)
    assert "<code>one</code> = 1, 2</td>" in made._repr_mimebundle_()["text/html"]
    many = Panel({"one": ipywidgets.Dropdown(options=list(range(40)), value=1, description="One")}, lambda one: one)
    assert "10, 11 and 28 more</td>" in many._repr_mimebundle_()["text/html"]
