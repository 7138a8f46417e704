"""A project starts from a sample or a file; anything else is refused in a sentence."""

import json
from dataclasses import replace

import pytest

from workbench.curate import start
from workbench.curate.reading import Quarantine, QuarantinedRow, guess_columns, read_file, to_dataset
from workbench.curate.splitting import split
from workbench.curate.checks.check import CheckContext
from workbench.curate.start import (
    KEY, TERMS, choose_columns, clean_test, default_start, project_columns, project_encodings, project_masking,
    project_documents, project_rules, project_terms, read_project_files, samples, save_curated, save_documents,
    save_quarantine, save_terms, scenario_of, start_project,
)
from workbench.curate.task import Task, propose_task
from workbench.dataset import Dataset, Example
from workbench.models import ModelChoice
from workbench.errors import BadInput
from workbench.files import file_sha256
from workbench.project import open_project
from workbench.runtime import ROOT


@pytest.fixture(autouse=True)
def projects(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_PROJECTS", str(tmp_path / "projects"))
    for name in ("WORKBENCH_PROJECT", "WORKBENCH_DATA", "WORKBENCH_DEPTH", "WORKBENCH_MODEL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "projects"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("question,answer\n" + "".join(f"q{i},{i}\n" for i in range(50)), encoding="utf-8")
    return path


@pytest.mark.parametrize("data", ["no_such_sample", "missing.csv", "", ".", "/", "../support_tickets", "x" * 300])
def test_unknown_data_is_refused_and_the_samples_are_named(projects, data):
    with pytest.raises(BadInput, match="support_tickets"):
        start_project("p", data, model="embedded")
    assert not projects.exists()


@pytest.mark.parametrize("wrong", [{"name": "a/b"}, {"depth": "deep"}, {"model": "no model at all"}])
def test_a_wrong_name_depth_or_model_is_refused_before_anything_is_written(projects, file, wrong):
    with pytest.raises(BadInput):
        start_project(**{"name": "p", "data": str(file), "model": "embedded", **wrong})
    assert not (projects / "p").exists()


def test_a_sample_brings_its_test_set_columns_and_scorer():
    project = start_project("p", "support_tickets", model="embedded")
    raw, test = read_project_files(project)
    assert len(test.rows) == 80 and scenario_of(project)["scorer"] == "json"
    assert (project_columns(project, raw).input, project_columns(project, raw).answer) == ("ticket", "answer")
    assert open_project().settings == project.settings


@pytest.mark.parametrize("sample", start.samples())
def test_a_samples_answers_are_judged_as_it_says_and_with_its_instructions(sample):
    project = start_project("p", sample, model="embedded")
    scenario = scenario_of(project)
    numbers = Dataset("train", tuple(Example(f"r{i}", (("user", "?"),), str(i)) for i in range(40)))
    task = start.project_task(project, numbers)
    assert (task.kind, task.reason) == (scenario["scorer"], "named by the sample.")
    assert task.instructions == scenario["instructions"]
    chosen = start.project_task(project, numbers, replace(task, kind="exact", reason="chosen by you."))
    assert (chosen.kind, chosen.instructions) == ("exact", scenario["instructions"])


def test_a_file_is_judged_by_what_its_answers_look_like(file):
    numbers = Dataset("train", tuple(Example(f"r{i}", (("user", "?"),), str(i)) for i in range(40)))
    assert start.project_task(start_project("p", str(file), model="embedded"), numbers).kind == "number"


def test_a_file_is_known_by_its_hash_and_has_no_scenario(file):
    project = start_project("p", str(file), model="embedded")
    assert project.settings["data_sha256"] == file_sha256(file)
    assert (scenario_of(project), read_project_files(project)[1]) == ({}, None)
    columns = project_columns(project, read_project_files(project)[0])
    assert (columns.input, columns.answer) == ("question", "answer")


def test_a_file_that_has_changed_sets_results_aside(file):
    project = start_project("p", str(file), model="embedded")
    project.path("result.json").write_text("1", encoding="utf-8")
    assert start_project("p", str(file), model="embedded").path("result.json").exists()
    file.write_text(file.read_text(encoding="utf-8") + "one more,1\n", encoding="utf-8")
    again = start_project("p", str(file), model="embedded")
    assert not again.path("result.json").exists()
    assert len(list(again.folder.glob("earlier/*/result.json"))) == 1


def test_the_chosen_model_and_the_proposed_one_are_recorded_with_a_reason(file, monkeypatch):
    monkeypatch.setattr(start, "propose_model", lambda: ModelChoice("embedded", "it fits."))
    assert start_project("p", str(file), model="embedded").settings["model"]["reason"] == "it fits."
    assert start_project("r", str(file), model="some/other").settings["model"]["reason"].endswith("chosen by you.")
    monkeypatch.setattr(start, "propose_model", lambda: start.choose_model("some/model"))
    assert start_project("q", str(file)).settings["model"]["reference"] == "some/model"


def test_every_sample_has_a_title_and_can_be_started():
    assert "support_tickets" in samples()
    for name, title in samples().items():
        assert title and start_project(name.replace("_", "-"), name, model="embedded").settings["scenario"] == name


def test_the_recommended_start_is_the_sample_and_quick():
    assert default_start() == start.StartChoice("support-tickets", "support_tickets", "quick", "")


def test_the_environment_can_say_otherwise(monkeypatch):
    for name, value in {"DATA": "/d/my_rows.csv", "DEPTH": "thorough", "MODEL": "embedded"}.items():
        monkeypatch.setenv(f"WORKBENCH_{name}", value)
    assert default_start() == start.StartChoice("my-rows", "/d/my_rows.csv", "thorough", "embedded")
    monkeypatch.setenv("WORKBENCH_PROJECT", "mine")
    assert default_start().name == "mine"


@pytest.mark.parametrize("name", ["my rows (1).csv", "Übung.csv", "_x_.csv", "a" * 80 + ".csv", "...csv", "日本.jsonl", "v1.2.csv"])
def test_the_recommended_name_can_always_be_used(tmp_path, monkeypatch, name):
    (tmp_path / name).write_text("question,answer\na,b\n", encoding="utf-8")
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / name))
    choice = default_start()
    assert start_project(choice.name, choice.data, choice.depth, "embedded").folder.is_dir()


def test_columns_are_chosen_among_those_that_exist_and_are_not_the_same(file):
    raw = read_file(file)
    chosen = choose_columns(raw, "answer", "question")
    assert (chosen.input, chosen.answer, chosen.messages) == ("answer", "question", "")
    with pytest.raises(BadInput, match="'reply'.*question, answer"):
        choose_columns(raw, "question", "reply")
    with pytest.raises(BadInput, match="both"):
        choose_columns(raw, "answer", "answer")


def test_the_quarantine_is_kept_with_its_reasons(file):
    project = start_project("p", str(file), model="embedded")
    rows = [QuarantinedRow("mine.csv", 3, "it is broken", "raw\u2028text"), QuarantinedRow("mine.csv", 9, "so is this", "x")]
    lines = save_quarantine(project, Quarantine(tuple(rows))).read_text(encoding="utf-8").split("\n")[:-1]
    assert [json.loads(line) for line in lines] == [
        {"file": "mine.csv", "line": 3, "reason": "it is broken", "raw": "raw\u2028text"},
        {"file": "mine.csv", "line": 9, "reason": "so is this", "raw": "x"},
    ]


def test_what_is_saved_is_what_the_next_notebook_loads(file):
    project = start_project("p", str(file), model="embedded")
    raw = read_file(file)
    splits = split(to_dataset(raw, guess_columns(raw))[0], 5, 10)
    task = propose_task(splits.train)
    save_curated(project, splits, task)
    for part in (splits.train, splits.validation, splits.test):
        assert Dataset.load(project.need(f"data/{part.name}.jsonl")) == part
        assert json.loads(project.need("data/fingerprints.json").read_text())[part.name] == part.fingerprint
    assert Task.load(project.need("data/task.json")) == task


def test_a_folder_with_data_is_a_project_and_another_file_in_it_is_another_data_set(tmp_path):
    folder = tmp_path / "downloaded"
    folder.mkdir()
    (folder / "train.jsonl").write_text('{"prompt": "q", "completion": "a"}\n', encoding="utf-8")
    project = start_project("p", str(folder), model="embedded")
    raw, test = read_project_files(project)
    assert len(raw.rows) == 1 and test is None and project_encodings(project) == []
    before = project.settings["data_sha256"]
    (folder / "train.jsonl").write_text('{"prompt": "q", "completion": "b"}\n', encoding="utf-8")
    assert start_project("p", str(folder), model="embedded").settings["data_sha256"] != before


def test_a_data_set_on_the_hub_is_known_by_its_id():
    project = start_project("p", "someone/their-rows", model="embedded")
    assert (project.settings["data_file"], project.settings["data_sha256"]) == ("someone/their-rows", "")


def test_a_file_that_is_not_plain_utf8_leaves_a_choice_and_others_none(tmp_path, file):
    odd = tmp_path / "odd.csv"
    odd.write_bytes("frage,antwort\n".encode() + "".join(f"Größe {i}?,schön\n" for i in range(50)).encode("cp1252"))
    project = start_project("odd", str(odd), model="embedded")
    choices = project_encodings(project)
    assert len(choices) > 1 and any("Größe" in line for name, lines in choices for line in lines)
    raw, _ = read_project_files(project, "cp1252")
    assert raw.rows[0][1] == {"frage": "Größe 0?", "antwort": "schön"}
    assert project_encodings(start_project("plain", str(file), model="embedded")) == []


def test_terms_are_the_samples_until_a_person_states_others_and_never_hold_the_key(file):
    assert project_terms(start_project("s", "private_messages", model="embedded")).restricted
    project = start_project("p", str(file), model="embedded")
    terms = project_terms(project)
    assert (terms.licence, terms.restricted) == ("not stated", False) and len(terms.subject_key) >= 16
    save_terms(project, replace(terms, licence="ours", restricted=True))
    again = project_terms(project)
    assert (again.licence, again.restricted, again.subject_key) == ("ours", True, terms.subject_key)
    assert "key" not in project.path(TERMS).read_text(encoding="utf-8")
    assert not project.path(KEY).is_relative_to(project.path("data"))


def test_a_pseudonym_is_the_same_in_a_project_and_another_in_the_next(file):
    first, second = (start_project(name, str(file), model="embedded") for name in ("a", "b"))
    texts = [project_masking(p, "pseudonym").text("I am jane@example.org") for p in (first, first, second)]
    assert texts[0] == texts[1] != texts[2] and all("jane" not in text for text in texts)


def test_a_test_set_is_cleaned_by_the_same_checks():
    rows = Dataset("test", tuple(Example(f"t{i}", (("user", f"Question {i} of a@example.org"),), "" if i == 3 else "yes") for i in range(9)))
    cleaned = clean_test(rows, CheckContext("text", test=rows))
    assert len(cleaned) == 8 and all("[EMAIL]" in e.input for e in cleaned)


def test_a_persons_columns_keep_what_the_guess_knew_beside_them(tmp_path):
    path = tmp_path / "alpaca.jsonl"
    path.write_text('{"system": "s", "instruction": "i", "input": "more", "output": "o", "id": "7"}\n', encoding="utf-8")
    raw = read_file(path)
    chosen = choose_columns(raw, "id", "output", guess_columns(raw))
    assert (chosen.input, chosen.system, chosen.context) == ("id", "system", "input")


def rows_of(project):
    raw, test = read_project_files(project)
    return to_dataset(raw, project_columns(project, raw), origin=project_terms(project))[0], test


@pytest.mark.parametrize(
    "sample, kept",
    [("brand_voice", {"event"}), ("internal_codes", {"code_seen"}), ("policy_questions", {"source_section", "answer_v2", "changed"}),
     ("support_tickets", set())],
)  # fmt: skip
def test_columns_that_judging_needs_are_kept_with_the_row_and_are_no_part_of_its_text(sample, kept):
    project = start_project("p", sample, model="embedded")
    terms = project_terms(project)
    assert kept <= set(terms.keep)
    rows, test = rows_of(project)
    questions = to_dataset(test, project_columns(project, test), origin=terms)[0]
    found = {name for e in (*rows, *questions) for name in e.provenance.get("columns", {})}
    assert kept <= found <= set(terms.keep)
    without = to_dataset(test, project_columns(project, test), origin=replace(terms, keep=()))[0]
    assert without.fingerprint == questions.fingerprint and not any("columns" in e.provenance for e in without)


def test_kept_columns_survive_the_file_and_are_not_kept_with_the_terms():
    project = start_project("p", "policy_questions", model="embedded")
    terms = project_terms(project)
    questions = to_dataset(read_project_files(project)[1], project_columns(project, read_project_files(project)[0]), origin=terms)[0]
    again = Dataset.load(questions.save(project.path("data/test.jsonl")))
    assert again.examples == questions.examples and any(e.provenance["columns"]["source_section"] for e in again)
    save_terms(project, replace(terms, licence="ours"))
    assert "keep" not in project.path(TERMS).read_text(encoding="utf-8")
    assert project_terms(project).keep == terms.keep


def test_a_file_of_ones_own_has_no_rules_and_no_documents_and_keeps_no_column_but_those_named_for_judging(file, tmp_path):
    project = start_project("p", str(file), model="embedded")
    assert (project_rules(project), project_documents(project)) == ({}, None)
    assert not any("columns" in e.provenance for e in rows_of(project)[0])
    named = tmp_path / "named.csv"
    named.write_text("question,answer,secret,source_section\n" + "".join(f"q{i},{i},s{i},post-{i}\n" for i in range(50)), encoding="utf-8")
    rows = rows_of(start_project("named", str(named), model="embedded"))[0]
    assert [e.provenance["columns"] for e in rows] == [{"source_section": f"post-{i}"} for i in range(50)]


def test_the_sample_in_a_voice_brings_its_checklist_and_its_meanings():
    rules = project_rules(start_project("p", "brand_voice", model="embedded"))
    assert set(rules) == {"voice", "meaning"} and all(rules.values())


def test_the_samples_documents_come_in_both_versions_until_others_are_named(tmp_path):
    project = start_project("p", "policy_questions", model="embedded")
    first, second = project_documents(project), project_documents(project, "documents_v2")
    assert len(first) and {d.name for d in first} == {d.name for d in second}
    assert [d.sha256 for d in first] != [d.sha256 for d in second]
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "rules.md").write_text("# Rules\n\nBe kind.", encoding="utf-8")
    assert [d.name for d in save_documents(project, str(mine))] == ["rules.md"]
    assert [d.name for d in project_documents(open_project("p"))] == ["rules.md"]
    assert project_documents(project, "documents_v2") is None, "the sample's change is none of these documents"
    assert save_documents(project, "") == first and project_documents(project, "documents_v2") == second


def test_changed_documents_can_be_named_beside_the_samples_own(tmp_path):
    project = start_project("p", "policy_questions", model="embedded")
    first = project_documents(project)
    (tmp_path / "new.md").write_text("# New\n\nAll is new.", encoding="utf-8")
    assert save_documents(project, "", str(tmp_path)) == first
    assert "new.md" in [d.name for d in project_documents(project, "documents_v2")]


def test_a_relative_folder_of_documents_is_looked_up_from_the_checkout_too(file, tmp_path, monkeypatch):
    project = start_project("p", str(file), model="embedded")
    monkeypatch.chdir(tmp_path)
    place = "data_samples/policy_questions/documents_v1"
    assert len(save_documents(project, place)) > 1
    assert project_documents(open_project("p")) == save_documents(project, str(ROOT / place))


@pytest.mark.parametrize("places", [("nowhere", ""), ("", "nowhere")])
def test_a_place_without_documents_is_refused_and_the_last_choice_stays(file, tmp_path, places):
    project = start_project("p", str(file), model="embedded")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# A\n\nText.", encoding="utf-8")
    before = save_documents(project, str(tmp_path / "docs"))
    with pytest.raises(BadInput):
        save_documents(project, *places)
    assert project_documents(project) == before
