"""The panel of a server: no box ticked beforehand, nothing remembered, no key shown."""

import pytest

from workbench.dataset import Dataset, Example
from workbench.errors import WorkbenchError
from workbench.files import write_json
from workbench.panels.endpoint import endpoint
from workbench.project import Project

EVIL = "<script>alert('x')</script>"
KEY = "sk-abc123-of-somebody"
ROWS = Dataset("test", tuple(Example(f"r{i}", (("user", f"{EVIL} jane@example.org {i}"),), "yes") for i in range(5)))
ADDRESS = "https://host.example/v1"


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path, {"depth": "quick", "scenario": ""})


@pytest.fixture
def panel(project):
    return endpoint(project, ROWS)


def html(panel):
    return panel._repr_mimebundle_()["text/html"] + panel.box.children[-1].value


def test_without_a_click_there_is_no_server(panel):
    assert panel.result is None and "No server is asked" in html(panel)


def test_a_named_server_is_not_asked_before_the_box_is_ticked(panel):
    panel.set(address=ADDRESS, model="large")
    assert panel.result is None and "Nothing is sent" in html(panel) and "5 rows without their answers" in html(panel)
    assert panel.inputs["agreed"].description == "These 5 rows may be sent to host.example"
    panel.set(agreed=True)
    assert (panel.result.address, panel.result.model, panel.result.masked) == (ADDRESS, "large", True)


@pytest.mark.parametrize("change", [{"address": "https://other.example/v1"}, {"model": "small"}, {"unmasked": True}])
def test_agreeing_holds_for_what_stood_there_only(panel, change):
    panel.set(address=ADDRESS, model="large").set(agreed=True).set(**change)
    assert panel.result is None and panel.inputs["agreed"].value is False


def test_a_new_panel_remembers_nothing(project, panel):
    panel.set(address=ADDRESS, model="large").set(agreed=True)
    again = endpoint(project, ROWS)
    assert again.result is None and not any(again.values.values())
    assert not any("host.example" in p.read_text("utf-8", "replace") for p in project.folder.rglob("*") if p.is_file())


def test_a_key_typed_into_the_field_of_its_variable_does_not_stay(panel):
    panel.set(address=ADDRESS, model="large", key_variable=KEY)
    assert panel.values["key_variable"] == "" and KEY not in html(panel) and "no environment variable" in html(panel)
    with pytest.raises(WorkbenchError):
        panel.result  # noqa: B018


def test_the_name_of_a_variable_is_taken(panel, monkeypatch):
    monkeypatch.setenv("LARGE_KEY", KEY)
    panel.set(address=ADDRESS, model="large", key_variable="nothing such").set(key_variable="LARGE_KEY").set(agreed=True)
    assert panel.result.key_variable == "LARGE_KEY" and KEY not in html(panel)


def test_rows_are_shown_masked_and_escaped(panel):
    panel.set(address=ADDRESS)
    assert "<script" not in html(panel) and "&lt;script&gt;" in html(panel) and "jane@example.org" not in html(panel)


def test_a_hostile_address_is_escaped(panel):
    panel.set(address=f"https://{EVIL}/v1")
    assert "<script" not in html(panel) and "<script" not in panel.inputs["agreed"].description


def test_a_restricted_project_says_why_not(project):
    write_json(project.path("data/terms.json"), {"restricted": True})
    panel = endpoint(project, ROWS)
    assert panel.result is None
    panel.set(address="http://localhost:1/v1", model="m", agreed=True)
    assert "not to leave the building" in html(panel)
    with pytest.raises(WorkbenchError):
        panel.result  # noqa: B018
