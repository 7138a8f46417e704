"""The tour's record holds what the project measured, and its pages open from the disk with no network."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import nbformat
import pytest

from workbench import tour
from workbench.check.forgetting import Verdict
from workbench.curate.reading import QuarantinedRow
from workbench.curate.start import save_quarantine
from workbench.dataset import Dataset, Example
from workbench.decide.compare import COMPARED
from workbench.decide.recommendation import Recommendation
from workbench.files import read_json, write_json
from workbench.project import NOTEBOOKS, create_project
from workbench.scoring.intervals import Interval
from workbench.scoring.scorecard import Scorecard, ScoredRow
from workbench.scoring.seeds import Seeds
from workbench.ship.export import Parity
from workbench.tour import WIDGET, TourFailed, run_tour, tour_record
from workbench.train.run import Run

EVIL = "<script>alert('x')</script>"
SETTINGS = {"data_file": "a.csv", "scenario": "", "depth": "quick", "model": {"reference": "embedded", "reason": ""}}
DONE = [{"notebook": NOTEBOOKS[0], "status": "done", "seconds": 3.2}]


@pytest.fixture
def project(projects):
    return create_project("p", SETTINGS)


def test_the_record_of_a_project_without_results_says_what_is_not_there(project):
    record = tour_record(project, [], 1.234)
    assert record["project"] == "p" and record["depth"] == "quick" and record["model"] == "embedded" and record["seconds"] == 1.2
    for name in ("recommendation", "training", "forgetting", "verdict", "parity"):
        assert record[name] is None
    assert record["arms"] == record["test_looks"] == record["notebooks"] == []
    assert record["rows"] == {"quarantined": []}
    json.dumps(record, allow_nan=False)


def test_asking_for_the_record_changes_nothing(project):
    before = sorted(project.folder.rglob("*"))
    tour_record(project, [], 1.0)
    assert sorted(project.folder.rglob("*")) == before


def card(arm, n_right, n=8, recipe="recipe"):
    rows = tuple(ScoredRow(f"r{i}", None if i == n - 1 else float(i < n_right), "said", 10, 2, i == 0) for i in range(n))
    return Scorecard(arm, f"The {arm} arm", recipe, "rows1", "m", "NF4", "label", 64, rows, 0.5, 12.0, "machine")


def compare(project, *files):
    """What is compared, as notebook 02 writes it down before it scores."""
    write_json(project.path(COMPARED), {"train": "rows0", "cards": [[f"decide/{name}.json" for name in names] for names in files]})


def fill(project, outcome="decided", title="The pilot arm"):
    """Results as a walk leaves them."""
    for arm, n_right in (("pilot", 6), ("bare", 2)):
        card(arm, n_right).save(project.path(f"decide/{arm}.json"))
    compare(project, ["bare"], ["pilot"])
    Recommendation(outcome, "pilot", title, 0.8, 0.02, ("because",), "rows1", "cards").save(project.path("decide/recommendation.json"))
    Run("train", {}, 80, 3.4, 0.06, 0.07, 172.0, 1.6, 0, (30,), {"torch": "2"}, "machine").save(project.path("train/run.json"))
    Verdict("ship", ("all kept",), "run").save(project.path("check/verdict.json"))
    Parity(8, 7, Interval(0.9, 0.8, 1.0), Interval(0.8, 0.7, 0.9), Interval(-0.1, -0.2, 0.0)).save(project.path("ship/parity.json"))
    Dataset("train", (Example("r", (("user", "q"),), "a"),)).save(project.path("data/train.jsonl"))
    save_quarantine(project, (QuarantinedRow("a.csv", 9, "there are too many cells", "secret text of the row"),))
    project.record_test_look("Bare input", 8)


def test_the_record_repeats_the_numbers_of_the_results(project):
    fill(project)
    record = tour_record(project, DONE, 60.0)
    assert [arm["arm"] for arm in record["arms"]] == ["The bare arm", "The pilot arm"]
    span = card("bare", 2).interval()
    bare = record["arms"][0]
    assert (bare["score"], bare["interval"], bare["n"], bare["unscorable"], bare["cut"]) == (span.value, [span.low, span.high], 7, 1, 1)
    assert (bare["tokens_per_call"], bare["seconds_per_call"], bare["training_seconds"], bare["precision"]) == (12.0, 0.5, 12.0, "NF4")
    assert record["recommendation"]["outcome"] == "decided" and record["verdict"]["outcome"] == "ship"
    assert record["training"]["resumed_at"] == (30,) and record["training"]["peak_memory"] == 1.6
    assert record["parity"]["same"] == 7
    assert [look["what"] for look in record["test_looks"]] == ["Bare input"]
    assert record["notebooks"] == DONE
    json.dumps(record, allow_nan=False)


def test_the_record_names_the_line_and_reason_of_rows_set_aside_and_never_their_text(project):
    fill(project)
    record = tour_record(project, DONE, 60.0)
    assert record["rows"] == {"train": 1, "quarantined": [{"line": 9, "reason": "there are too many cells"}]}
    assert "secret text" not in json.dumps(record)


def test_an_arm_of_which_nothing_could_be_judged_does_not_break_the_record(project):
    unjudged = card("bare", 0, n=1)
    unjudged.save(project.path("decide/bare.json"))
    compare(project, ["bare"])
    (arm,) = tour_record(project, DONE, 60.0)["arms"]
    assert (arm["n"], arm["unscorable"]) == (0, 1)
    json.dumps(arm, allow_nan=False)


def test_the_seeds_of_an_arm_are_one_entry_that_says_how_many(project):
    fill(project)
    seeds = tuple(card("pilot", right, recipe=f"recipe {right}") for right in (6, 5, 3))
    for number, one in enumerate(seeds):
        one.save(project.path(f"decide/pilot-seed{number}.json"))
    compare(project, ["bare"], [f"pilot-seed{number}" for number in range(3)])
    bare, pilot = tour_record(project, DONE, 60.0)["arms"]
    span = Seeds(seeds).interval()
    assert (bare["seeds"], pilot["seeds"]) == (1, 3)
    assert (pilot["score"], pilot["interval"]) == (span.value, [span.low, span.high])
    assert (pilot["n"], pilot["unscorable"], pilot["cut"]) == (7, 1, 1)


def test_a_comparison_that_was_killed_is_recorded_as_far_as_it_went(project):
    fill(project)
    compare(project, ["bare"], ["examples"], ["pilot", "pilot-seed1"], ["raft", "raft-seed1"])
    arms = tour_record(project, DONE, 60.0)["arms"]
    assert [(arm["arm"], arm["seeds"]) for arm in arms] == [("The bare arm", 1), ("The pilot arm", 1)]


def test_a_card_of_an_arm_that_is_not_compared_any_more_is_no_part_of_the_record(project):
    fill(project)
    compare(project, ["pilot"])
    assert [arm["arm"] for arm in tour_record(project, DONE, 60.0)["arms"]] == ["The pilot arm"]


class Tags(HTMLParser):
    """Every tag of a page, and the text outside of tags and scripts."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.words, self._skipped = [], [], None
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._skipped = tag if tag in ("script", "style") else self._skipped

    def handle_endtag(self, tag):
        self._skipped = None if tag == self._skipped else self._skipped

    def handle_data(self, data):
        if self._skipped is None:
            self.words.append(data)


def index(project, notebooks=DONE):
    write_json(project.path("tour.json"), tour_record(project, notebooks, 60.0))
    return tour._write_index(project).read_text(encoding="utf-8")


def test_the_index_names_every_notebook_its_state_and_the_outcome(project):
    fill(project)
    page = index(project, [*DONE, {"notebook": NOTEBOOKS[1], "status": "stopped", "seconds": 12.4}])
    links = [attributes["href"] for tag, attributes in Tags(page).tags if tag == "a"]
    assert links[:2] == ["00_start_here.html", "01_curate_a_dataset.html"]
    for said in ("stopped", "12 s", "decided", "The pilot arm", "ship"):
        assert said in page


def test_the_index_escapes_names(project):
    fill(project, outcome=EVIL, title=EVIL)
    page = index(project)
    assert "<script" not in page and page.count("&lt;script&gt;") == 2


def test_the_index_fetches_nothing(project):
    fill(project)
    page = Tags(index(project))
    assert not any(value.startswith(("http", "//")) for _, attributes in page.tags for value in attributes.values() if value)
    assert "script" not in [tag for tag, _ in page.tags]


def notebook():
    """A notebook as it stands after a run: a panel, a chart, a widget without a table, and a link to the next."""
    panel = {WIDGET: {"model_id": "m1", "version_major": 2, "version_minor": 0}, "text/html": "<table><tr><td>the plain table</td></tr></table>", "text/plain": "{}"}
    chart = {"text/html": '<img alt="a chart" src="data:image/png;base64,cG5n">', "text/plain": "x"}
    code = nbformat.v4.new_code_cell("panel")
    code.outputs = [nbformat.v4.new_output("display_data", data=panel), nbformat.v4.new_output("display_data", data=chart),
                    nbformat.v4.new_output("stream", name="stdout", text=EVIL)]  # fmt: skip
    cells = [nbformat.v4.new_markdown_cell("# Title\nNext: [3](03_train_with_qlora.ipynb)"), code]
    made = nbformat.v4.new_notebook(cells=cells)
    made.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {"m1": {}}}}
    return made


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The saved page of that notebook, written once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_PROJECTS", str(tmp_path_factory.mktemp("projects")))
        project = create_project("p", SETTINGS)
        tour._write_page(project, NOTEBOOKS[2], notebook())
        return project.path(f"tour/{NOTEBOOKS[2]}.html").read_text(encoding="utf-8"), read_json(project.path(f"tour/{NOTEBOOKS[2]}.ipynb"))


def test_a_saved_page_fetches_no_script_style_or_picture_from_anywhere(page):
    html, _ = page
    for tag, attributes in Tags(html).tags:
        if tag in ("script", "link", "img", "iframe", "source"):
            for name in ("src", "href"):
                address = attributes.get(name)
                assert not address or address.startswith("data:"), f"<{tag} {name}={address[:80]}>"
    assert not re.search(r"@import|url\(\s*['\"]?(https?:)?//", html)
    assert not re.search(r"\bimport\s*\(\s*['\"]https?:|\bfrom\s+['\"]https?:", html)


def test_a_saved_page_shows_the_panels_table_in_place_of_a_widget(page):
    html, saved = page
    assert "the plain table" in "".join(Tags(html).words)
    assert WIDGET not in html and "widget-state" not in html
    outputs = [output for cell in saved["cells"] for output in cell.get("outputs", [])]
    assert not any(WIDGET in output.get("data", {}) for output in outputs) and "widgets" not in saved["metadata"]


def test_a_saved_page_leads_to_the_next_page_and_not_to_a_notebook(page):
    links = [attributes.get("href") for tag, attributes in Tags(page[0]).tags if tag == "a"]
    assert "03_train_with_qlora.html" in links
    assert not any(link and link.endswith(".ipynb") for link in links)


def test_a_saved_page_keeps_the_descriptions_of_its_charts_and_escapes_what_was_printed(page):
    html, _ = page
    assert any(tag == "img" and attributes.get("alt") == "a chart" for tag, attributes in Tags(html).tags)
    assert EVIL not in html and EVIL in "".join(Tags(html).words)


@pytest.fixture
def walked(monkeypatch, project):
    """A tour whose notebooks are not run; the one named in `stop` fails."""
    seen = {"run": [], "pages": [], "stop": None}
    for key in ("DATA", "PROJECT", "DEPTH", "MODEL"):
        monkeypatch.setenv(f"WORKBENCH_{key}", "before")

    def run(name):
        seen["run"].append(name)
        if name == seen["stop"]:
            return {"notebook": name, "status": "stopped", "cell": 7, "error": "BadInput: no such file.", "seconds": 1.0}, None
        return {"notebook": name, "status": "done", "seconds": 1.0}, None

    monkeypatch.setattr(tour, "_run_notebook", run)
    monkeypatch.setattr(tour, "_write_page", lambda project, name, notebook: seen["pages"].append(name))
    return seen


START = {"data": "support_tickets", "project": "p", "depth": "quick", "model": ""}


def test_a_tour_runs_every_notebook_in_order_and_writes_the_index(project, walked):
    fill(project)
    assert run_tour(START) == project.path("tour/index.html")
    assert walked["run"] == walked["pages"] == list(NOTEBOOKS)
    assert [n["status"] for n in read_json(project.path("tour.json"))["notebooks"]] == ["done"] * 6


def test_a_tour_stops_at_the_notebook_that_fails_and_keeps_the_record_and_pages_so_far(project, walked):
    walked["stop"] = NOTEBOOKS[1]
    with pytest.raises(TourFailed, match="01_curate_a_dataset stopped in cell 7: BadInput: no such file. What was finished is kept"):
        run_tour(START)
    assert walked["run"] == walked["pages"] == list(NOTEBOOKS[:2])
    record = read_json(project.path("tour.json"))
    assert [n["status"] for n in record["notebooks"]] == ["done", "stopped"]
    assert record["notebooks"][1]["error"] == "BadInput: no such file."


def test_a_tour_that_never_made_its_project_fails_in_a_sentence(walked):
    walked["stop"] = NOTEBOOKS[0]
    with pytest.raises(TourFailed, match="00_start_here stopped in cell 7"):
        run_tour({**START, "project": "never-made"})


def test_results_that_do_not_fit_or_are_damaged_leave_the_record_to_be_written(project):
    fill(project)
    other = replace(card("pilot", 5, recipe="other"), data="rows2")
    other.save(project.path("decide/pilot-seed1.json"))
    write_json(project.path("decide/broken.json"), {"arm": "broken"})
    compare(project, ["bare"], ["pilot", "pilot-seed1"], ["broken"])
    project.path("train/run.json").write_text("{", encoding="utf-8")
    project.path("ship/parity.json").write_text("{", encoding="utf-8")
    record = tour_record(project, DONE, 60.0)
    assert [arm["arm"] for arm in record["arms"]] == ["The bare arm"]
    assert record["training"] is None and record["parity"] is None
    project.path(COMPARED).write_text("{", encoding="utf-8")
    assert tour_record(project, DONE, 60.0)["arms"] == []
