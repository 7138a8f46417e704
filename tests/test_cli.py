"""The command line: a wrong word exits with 2, a failure is one sentence and exits with 1, no stack trace ever."""

import pytest

from workbench import cli
from workbench.errors import BadInput
from workbench.files import write_json
from workbench.project import create_project, open_project
from workbench.runtime import versions
from workbench.ship import handover
from workbench.ship.handover import Handover
from workbench.tour import TourFailed

SETTINGS = {"data_file": "a.csv", "scenario": "", "depth": "quick", "model": {"reference": "embedded", "reason": ""}}


@pytest.fixture(autouse=True)
def clean(projects, monkeypatch):
    for name in ("WORKBENCH_DATA", "WORKBENCH_DEPTH", "WORKBENCH_MODEL"):
        monkeypatch.delenv(name, raising=False)


def run(capsys, *arguments):
    code = cli.main(list(arguments))
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize(
    "arguments",
    [[], ["dance"], ["tour", "--speed", "9"], ["tour", "--depth", "deep"], ["doctor", "now"], ["ask"], ["ask", "p"], ["ask", "p", "q", "more"]],
)
def test_an_unknown_verb_or_argument_exits_with_2_and_shows_the_usage(capsys, arguments):
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2
    assert "usage: python run.py" in capsys.readouterr().err


def test_the_unknown_argument_is_named(capsys):
    with pytest.raises(SystemExit):
        cli.main(["tour", "--speed", "9"])
    assert "--speed" in capsys.readouterr().err


@pytest.mark.parametrize("error", [BadInput("This can't be."), TourFailed("02 stopped in cell 4: boom.")])
def test_a_failure_is_one_line_on_stderr_and_exits_with_1(capsys, monkeypatch, error):
    def fail(settings):
        raise error

    monkeypatch.setattr("workbench.tour.run_tour", fail)
    code, _, err = run(capsys, "tour")
    assert code == 1
    assert err == f"{error}\n"


def test_ctrl_c_is_no_stack_trace_and_says_that_work_is_kept(capsys, monkeypatch):
    def stop(settings):
        raise KeyboardInterrupt

    monkeypatch.setattr("workbench.tour.run_tour", stop)
    code, _, err = run(capsys, "tour")
    assert code == 130 and "goes on from there" in err and "Traceback" not in err


def test_asking_a_project_that_is_not_there_names_notebook_00(capsys):
    code, out, err = run(capsys, "ask", "nowhere", "Where is my parcel?")
    assert (code, out) == (1, "")
    assert "00_start_here.ipynb" in err and err.count("\n") == 1


def test_asking_a_project_without_a_hand_over_names_the_notebook_to_run(capsys):
    create_project("p", SETTINGS)
    code, out, err = run(capsys, "ask", "p", "Where is my parcel?")
    assert (code, out) == (1, "")
    assert "05_ship_with_evidence.ipynb" in err and err.count("\n") == 1


@pytest.fixture
def handed_over():
    project = create_project("p", SETTINGS)
    Handover("bare", "Bare input", "not decided", SETTINGS["model"], 32).save(project.path("ship/handover.json"))
    return project


def test_an_answer_goes_to_stdout_and_what_it_is_worth_to_stderr(capsys, monkeypatch, handed_over):
    monkeypatch.setattr(handover, "ask", lambda project, question, send: f"{project.name} heard {question} ({send})")
    assert run(capsys, "ask", "p", "Where is it?") == (0, "p heard Where is it? (False)\n", "[Bare input; not decided]\n")
    assert run(capsys, "ask", "--send", "p", "Where is it?")[1] == "p heard Where is it? (True)\n"


def test_an_empty_question_is_refused_in_a_sentence(capsys, handed_over):
    code, out, err = run(capsys, "ask", "p", "  ")
    assert (code, out) == (1, "") and "The question is empty" in err and "Traceback" not in err


@pytest.fixture
def toured(monkeypatch):
    """The settings that a tour was started with; the tour itself writes the record of an empty walk."""
    started = []
    record = {
        "seconds": 600.0, "arms": [{"arm": "Bare input", "score": 0.25, "interval": [0.1, 0.4], "n": 80, "tokens_per_call": 121.0, "seconds_per_call": 0.5}],
        "training": {"steps": 80, "loss_first": 3.45, "loss_last": 0.06, "peak_memory": 1.6},
        "recommendation": {"outcome": "none is good enough", "title": "Bare input"}, "verdict": {"outcome": "retrain"},
        "rows": {"quarantined": [{"line": 9, "reason": "there are too many cells"}]},
    }  # fmt: skip

    def tour(settings):
        started.append(settings)
        project = create_project(settings["project"], SETTINGS)
        return write_json(project.path("tour.json"), record)

    monkeypatch.setattr("workbench.tour.run_tour", tour)
    return started


def test_a_tour_starts_from_the_recommended_choice(capsys, toured):
    code, out, _ = run(capsys, "tour")
    assert code == 0
    assert toured == [{"data": "support_tickets", "project": "support-tickets", "depth": "quick", "model": ""}]


def test_a_tour_takes_what_was_asked_for(capsys, toured):
    run(capsys, "tour", "--data", "support_tickets", "--project", "mine", "--depth", "thorough", "--model", "embedded")
    assert toured == [{"data": "support_tickets", "project": "mine", "depth": "thorough", "model": "embedded"}]


@pytest.mark.parametrize("name", ["my tickets (1).csv", "Übersicht.csv", "a.b.csv", "_private.jsonl", "x" * 90 + ".csv"])
def test_a_file_of_any_name_gives_a_project_name_that_can_be_used(capsys, toured, tmp_path, monkeypatch, name):
    (tmp_path / name).write_text("q,a\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, "tour", "--data", name)
    assert (code, err) == (0, "")
    assert open_project(toured[0]["project"]).name == toured[0]["project"]


def test_a_path_is_meant_from_where_the_person_stands(capsys, toured, tmp_path, monkeypatch):
    (tmp_path / "mine.csv").write_text("q,a\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    run(capsys, "tour", "--data", "mine.csv")
    assert toured[0]["data"] == str((tmp_path / "mine.csv").resolve())


def test_the_tour_ends_with_its_numbers_and_where_to_look(capsys, toured):
    _, out, _ = run(capsys, "tour")
    for said in ("10.0 minutes", "Bare input", "0.250 [0.100, 0.400]  n=80", "none is good enough", "loss 3.45 to 0.06", "1.6 GiB", "retrain",
                 "line 9, because there are too many cells", "Gallery: "):  # fmt: skip
        assert said in out


def test_an_arm_of_which_nothing_could_be_judged_is_printed_as_such(capsys):
    arm = {"arm": "Bare input", "score": None, "interval": [0.0, 1.0], "n": 0, "tokens_per_call": 1.0, "seconds_per_call": 0.5}
    training = {"steps": 2, "loss_first": 1.0, "loss_last": 1.0, "peak_memory": 1.0}
    cli._print_record({
        "seconds": 60.0, "arms": [arm], "training": training, "recommendation": {"outcome": "not decided", "title": "Bare input"},
        "verdict": {"outcome": "unsure"}, "rows": {"quarantined": []},
    })  # fmt: skip
    assert "Bare input" in (out := capsys.readouterr().out) and "n=0" in out and "None" not in out


def test_the_lab_opens_the_first_notebook_and_hands_on_its_own_arguments(monkeypatch):
    called = []
    monkeypatch.setattr(cli.subprocess, "call", lambda command, cwd: called.append(command) or 0)
    assert cli.main(["lab"]) == 0 and cli.main(["lab", "--no-browser"]) == 0
    assert called[0][-1].endswith("00_start_here.ipynb")
    assert called[1][-1] == "--no-browser"


def test_the_doctor_names_the_backend_and_every_library(capsys):
    code, out, _ = run(capsys, "doctor")
    assert code == 0 and "Training backend: Unsloth" in out
    assert all(version in out for version in versions().values())
