"""A project folder carries results on; what is missing names the notebook to run, and nothing is lost."""

import time

import pytest

from workbench.errors import BadInput, Prerequisite
from workbench.project import create_project, open_project

SETTINGS = {"data_file": "a.csv", "scenario": "", "depth": "quick", "model": {"reference": "embedded"}}


@pytest.fixture(autouse=True)
def projects(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_PROJECTS", str(tmp_path))
    monkeypatch.delenv("WORKBENCH_PROJECT", raising=False)
    return tmp_path


def test_the_project_made_last_is_the_one_opened(monkeypatch):
    create_project("first", SETTINGS)
    create_project("second", {**SETTINGS, "depth": "thorough"})
    assert open_project().name == "second"
    assert open_project().depth.name == "thorough"
    assert open_project("first").settings == SETTINGS
    monkeypatch.setenv("WORKBENCH_PROJECT", "first")
    assert open_project().name == "first"
    assert open_project("second").name == "second"


@pytest.mark.parametrize("name", [None, "nowhere"])
def test_opening_a_project_that_is_not_there_names_notebook_00(name):
    with pytest.raises(Prerequisite, match="00_start_here.ipynb"):
        open_project(name)


@pytest.mark.parametrize(
    "file, notebook",
    [
        ("data/train.jsonl", "01_curate_a_dataset"),
        ("data/task.json", "01_curate_a_dataset"),
        ("decide/recommendation.json", "02_prompt_rag_or_finetune"),
        ("train/run.json", "03_train_with_qlora"),
        ("check/verdict.json", "04_check_for_forgetting"),
        ("ship/handover.json", "05_ship_with_evidence"),
        ("goal.json", "00_start_here"),
    ],
)
def test_a_missing_result_names_the_notebook_that_writes_it(file, notebook):
    with pytest.raises(Prerequisite, match=f"{notebook}.ipynb") as caught:
        create_project("p", SETTINGS).need(file)
    assert file in str(caught.value)


def test_a_result_that_is_there_is_found():
    project = create_project("p", SETTINGS)
    path = project.path("data/train.jsonl")
    path.parent.mkdir()
    path.write_text("", encoding="utf-8")
    assert project.need("data/train.jsonl") == path


def test_the_same_settings_open_the_project_again_with_its_results():
    project = create_project("p", SETTINGS)
    project.path("result.json").write_text("1", encoding="utf-8")
    assert create_project("p", dict(SETTINGS)).need("result.json").read_text(encoding="utf-8") == "1"
    assert not project.path("earlier").exists()


def test_other_settings_set_results_aside_without_losing_them():
    project = create_project("p", SETTINGS)
    project.path("data").mkdir()
    project.path("data/train.jsonl").write_text("old rows", encoding="utf-8")
    again = create_project("p", {**SETTINGS, "data_file": "b.csv"})
    with pytest.raises(Prerequisite):
        again.need("data/train.jsonl")
    (kept,) = again.folder.glob("earlier/*/data/train.jsonl")
    assert kept.read_text(encoding="utf-8") == "old rows"
    assert len(list(again.folder.glob("earlier/*/project.json"))) == 1
    assert again.settings["data_file"] == open_project("p").settings["data_file"] == "b.csv"


def test_two_changes_in_one_second_lose_nothing(monkeypatch):
    monkeypatch.setattr(time, "strftime", lambda *args: "20260101-000000")
    for data in ("a", "b", "c"):
        project = create_project("p", {**SETTINGS, "data_file": data})
        project.path("result.json").write_text(data, encoding="utf-8")
        project.path("data").mkdir(exist_ok=True)
        project.path("data/rows.jsonl").write_text(data, encoding="utf-8")
    for name in ("result.json", "rows.jsonl"):
        found = sorted(p.read_text(encoding="utf-8") for p in project.folder.rglob(name))
        assert found == ["a", "b", "c"], name


@pytest.mark.parametrize("name", ["", "a/b", "a\\b", "..", "../x", ".hidden", "a b", "-a", "ä", "a\n", "x" * 61, "a:b", "a?"])
def test_a_name_that_is_no_folder_name_is_refused(projects, name):
    with pytest.raises(BadInput, match="folder's name"):
        create_project(name, SETTINGS)
    assert list(projects.iterdir()) == []


@pytest.mark.parametrize("name", ["CON", "nul", "aux", "PRN", "com1", "LPT9"])
def test_a_name_that_windows_keeps_for_itself_is_refused(name):
    with pytest.raises(BadInput):
        create_project(name, SETTINGS)


@pytest.mark.parametrize("name", ["a", "support-tickets", "Run_2", "2026", "x" * 60])
def test_ordinary_names_are_taken(name):
    assert create_project(name, SETTINGS).name == name


def test_an_unknown_depth_is_refused_before_anything_is_written(projects):
    with pytest.raises(BadInput, match="quick, thorough"):
        create_project("p", {**SETTINGS, "depth": "deep"})
    assert list(projects.iterdir()) == []


def test_each_look_at_the_test_rows_is_counted_once():
    project = create_project("p", SETTINGS)
    assert project.test_looks() == []
    for what in ("base model", "tuned model", "base model"):
        project.record_test_look(what, 80)
    looks = open_project("p").test_looks()
    assert [(look["what"], look["rows"]) for look in looks] == [("base model", 80), ("tuned model", 80)]


def test_a_damaged_settings_file_is_refused_in_a_sentence():
    create_project("p", SETTINGS).path("project.json").write_text("{", encoding="utf-8")
    with pytest.raises(BadInput, match="project.json"):
        open_project("p")
