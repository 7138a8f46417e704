"""Everything that a result shows as HTML is escaped, and every result survives its file."""

from dataclasses import dataclass

import pandas
import pytest

from workbench.curate.checks.report import CurationReport, Finding
from workbench.curate.decisions import Decision, Decisions
from workbench.curate.reading import ColumnGuess, Quarantine, QuarantinedRow, RawTable
from workbench.curate.splitting import Splits
from workbench.curate.task import Task
from workbench.dataset import Dataset, Example
from workbench.errors import BadInput, Mismatch, Prerequisite
from workbench.result import Result, html_table
from workbench.scoring.scorecard import Scorecard, ScoredRow

EVIL = "<script>alert('x')</script>"
ROWS = Dataset(EVIL, (Example(EVIL, (("user", EVIL),), EVIL, {"line": EVIL}),))
RESULTS = [
    ROWS,
    RawTable(EVIL, "0", (EVIL, "b"), ((2, {EVIL: EVIL, "b": "1"}),), (QuarantinedRow(EVIL, 3, EVIL, EVIL),), (EVIL,)),
    Quarantine((QuarantinedRow(EVIL, 3, EVIL, EVIL),)),
    ColumnGuess(EVIL, "b", "", EVIL),
    Task("json", EVIL, EVIL),
    CurationReport("0", 1, (Finding("c", EVIL, EVIL),), {EVIL: EVIL}, {EVIL: "fault"}, {EVIL: "drop"}),
    Decisions("0", (Decision(EVIL, EVIL, "drop", EVIL, "now"),)),
    Splits(ROWS, ROWS, ROWS),
    Scorecard(EVIL, EVIL, "0", "0", EVIL, "fp32", "json", 9, (ScoredRow(EVIL, None, EVIL, 1, 1, False),), 0.1, 0.0, EVIL),
]
each_result = pytest.mark.parametrize("result", RESULTS, ids=lambda r: type(r).__name__)


@each_result
def test_html_shows_hostile_text_escaped(result):
    html = result._repr_html_()
    assert "&lt;script&gt;" in html
    assert "<script" not in html and "'x'" not in html.replace("style='", "")


@each_result
def test_a_result_survives_saving_and_loading(result, tmp_path):
    loaded = type(result).load(result.save(tmp_path / "result.json"))
    if isinstance(result, Dataset):
        loaded = Dataset(result.name, loaded.examples)  # a data set's name is its file's
    assert loaded == result


@each_result
def test_a_result_names_itself_in_one_line(result):
    assert "\n" not in repr(result)


def test_html_escapes_headers_cells_and_caption():
    html = html_table(pandas.DataFrame({"<b>": ['"&\'']}), caption="<i>")
    assert all(part in html for part in ("&lt;b&gt;", "&quot;&amp;&#x27;", "&lt;i&gt;"))
    assert "<b>" not in html and "<i>" not in html


def test_missing_cells_are_shown_empty_and_fractions_short():
    html = html_table(pandas.DataFrame({"a": [None, float("nan"), 2 / 3, "x"]}, dtype=object))
    cells = [part.split(">")[-1] for part in html.split("</td>")[:-1]]
    assert cells == ["", "", "0.667", "x"]


def test_a_result_without_a_table_says_so():
    @dataclass(frozen=True)
    class Bare(Result):
        value: int

    with pytest.raises(TypeError, match="Bare"):
        Bare(1).table()


@pytest.mark.parametrize("error", [BadInput, Prerequisite, Mismatch])
def test_a_notebook_shows_an_error_as_one_sentence(error):
    assert error("No file.")._render_traceback_() == [f"{error.__name__}: No file."]


def test_a_result_of_another_version_is_refused_in_a_sentence(tmp_path):
    from workbench.decide.recommendation import Goal
    from workbench.errors import BadInput

    path = tmp_path / "goal.json"
    path.write_text('{"good_enough": 0.8}', encoding="utf-8")
    with pytest.raises(BadInput, match="another version"):
        Goal.load(path)
