"""When documents change, who reads them keeps up, who learnt them by heart is stale, and who never knew can't be."""

from dataclasses import dataclass, replace
from html import escape

import pytest

from workbench.curate.start import save_documents
from workbench.dataset import Dataset, Example
from workbench.decide.arms import Arm, Form, Lookup, Trained
from workbench.decide.freshness import (
    ADAPTED,
    CITES,
    IN_PART,
    NEVER_KNEW,
    NOT_ASKED,
    NOT_SHOWN,
    SAVED,
    STALE,
    FreshnessReport,
    freshness,
    second_version,
)
from workbench.decide.recommendation import set_goal
from workbench.errors import Prerequisite
from workbench.project import create_project
from workbench.scoring.answers import Answer
from workbench.scoring.scorecard import score_answers
from workbench.scoring.scorers import Judged, scorer

EVIL = "<script>alert('x')</script>"
SETTINGS = {"data_file": "a.csv", "scenario": "", "depth": "quick", "model": {"reference": "embedded", "reason": ""}}


def row(i):
    changed = i % 2 == 0
    columns = {"answer_v2": f"{200 + i} euros" if changed else f"{100 + i} euros", "changed": "yes" if changed else "no"}
    return Example(f"r{i}", (("user", f"What is the fee {i}?"),), f"{100 + i} euros", {"columns": columns})


ROWS = Dataset("test", tuple(map(row, range(40))))


@dataclass(frozen=True)
class Search:
    """Stands in for a retriever over one version of the documents."""

    version: str
    name: str = "fake"

    @property
    def recipe(self):
        return (self.version,)

    def search(self, question, k):
        return []


def said_by(arm, example):
    """By heart: version 1's answer, whatever is asked. Looked up: what the version at hand says. Untuned: nothing right."""
    old, new = example.provenance["columns"]["was"], example.provenance["columns"].get("answer_v2")
    if arm.form.lookup:
        return f"{new if arm.form.lookup.search.version == 'documents_v2' else old} [fees-1]"
    if arm.key == "pilot":
        return old
    return "7 dogs"


class FakeBench:
    """The arms, a scorer and cards, without any model."""

    def __init__(self, project, test=ROWS, answers=said_by, titles=None):
        self.project, self.scorer, self.asked, self.answers = project, scorer("fact"), [], answers
        keep = {e.row_id: {**e.provenance.get("columns", {}), "was": e.answer} for e in test}
        self.test = Dataset("test", tuple(replace(e, provenance={"columns": keep[e.row_id]}) for e in test))
        self.titles, self.kept, self.looks = titles or {}, {}, []

    def arms(self, everything=None, documents="documents"):
        arms = [
            Arm("bare", "Bare input", Form(), "nothing"),
            Arm("rag", "Looked up", Form(lookup=Lookup(Search(documents))), "documents"),
            Arm("pilot", "By heart", Form(), "a model", Trained("pilot", Form())),
        ]
        return [replace(arm, title=self.titles.get(arm.key, arm.title)) for arm in arms]

    def source(self, arm):
        return f"source of {arm.key}"

    def saved(self, arm, rows, path, source):
        return self.kept.get(path.relative_to(self.project.folder).as_posix())

    def score(self, arm, rows, path, source, progress=None, test_look=True, look=""):
        self.looks.append((arm.key, rows.name, look))
        self.asked.append((arm.key, rows.name, source, test_look, path.relative_to(self.project.folder).as_posix()))
        answers = [Answer(self.answers(arm, e), 10, 2, False, 0.1) for e in rows]

        def judge(examples, texts):
            found = self.scorer.judge(examples, texts)
            aspects = {CITES[0]: float("[" in texts[0]), CITES[1]: 0.5} if arm.form.lookup else {}
            return [Judged(j.score, aspects) for j in found]

        return score_answers(
            arm=arm.key, title=arm.title, recipe="r", dataset=rows, answers=answers, scorer=replace(self.scorer, judge=judge),
            model="m", precision="p", max_new_tokens=32, training_seconds=0.0, machine="m",
        )  # fmt: skip

    def release(self):
        pass


@pytest.fixture
def project(projects, tmp_path):
    made = create_project("p", SETTINGS)
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "fees.md").write_text(f"# Fees\n\nThe {name} fees stand here.\n", encoding="utf-8")
    save_documents(made, str(tmp_path / "old"), changed=str(tmp_path / "new"))
    return made


def words(report):
    return {arm.arm: arm.word for arm in report.arms}


def test_reading_adapts_by_heart_is_stale_and_the_bare_input_never_knew(project):
    report = freshness(FakeBench(project))
    assert words(report) == {"bare": NEVER_KNEW, "rag": ADAPTED, "pilot": STALE}
    _, rag, pilot = report.arms
    assert (rag.changed.before.value, rag.changed.after.value) == (1.0, 1.0)
    assert (pilot.changed.before.value, pilot.changed.after.value, pilot.old.value) == (1.0, 0.0, 1.0)
    assert pilot.same.change.value == 0 and pilot.changed.change.high < 0
    assert "By heart (1.000" in report.learnt


def test_a_model_that_never_learnt_version_1_is_not_called_stale_and_the_report_says_so(project):
    report = freshness(FakeBench(project, answers=lambda arm, e: "7 dogs" if not arm.form.lookup else said_by(arm, e)))
    assert words(report)["pilot"] == NEVER_KNEW
    assert report.learnt.startswith("No tuned model without documents was shown to have learnt")
    assert escape(report.learnt) in report._repr_html_()


def test_knowing_no_more_than_the_bare_input_is_not_knowing(project):
    report = freshness(FakeBench(project, answers=lambda arm, e: e.provenance["columns"]["was"]))
    assert words(report) == {"bare": STALE, "rag": NEVER_KNEW, "pilot": NEVER_KNEW}


def test_a_lucky_favourite_answer_is_not_knowing(project):
    rows = Dataset("test", tuple(replace(e, answer="9 euros") for e in ROWS))
    bench = FakeBench(project, test=rows, answers=lambda arm, e: "9 euros" if arm.key == "pilot" else "7 dogs")
    report = freshness(bench)
    assert report.chance == 1.0 and words(report)["pilot"] == NEVER_KNEW


def fails_on(every):
    """Looked up, version 1 is right; of version 2 every so-manyth changed fact comes out as nonsense."""

    def answers(arm, example):
        number = int(example.row_id[1:])
        newer = arm.form.lookup and arm.form.lookup.search.version == "documents_v2"
        return "7 dogs" if newer and number % every == 0 else said_by(arm, example)

    return answers


def test_new_answers_with_a_fall_beyond_the_margin_are_adapting_in_part(project):
    assert words(freshness(FakeBench(project, answers=fails_on(4))))["rag"] == IN_PART
    set_goal(project, 0.8, 0.9)
    assert words(freshness(FakeBench(project, answers=fails_on(4))))["rag"] == ADAPTED


def test_falling_without_old_answers_is_neither_stale_nor_adapted(project):
    report = freshness(FakeBench(project, answers=fails_on(1)))
    assert words(report)["rag"] == NOT_SHOWN and report.arms[1].old.value == 0


def test_the_name_of_a_source_does_not_hide_an_old_answer(project):
    bench = FakeBench(project, answers=lambda arm, e: e.provenance["columns"]["was"] + (" [fees-1]" if arm.form.lookup else ""))
    bench.scorer = scorer("exact")
    assert freshness(bench).arms[1].old.value == 1


def test_an_answer_that_is_like_both_counts_for_the_one_it_is_more_like(project):
    bench = FakeBench(project)

    def alike(examples, answers):
        return [Judged(0.95 if e.answer in a else 0.85) for e, a in zip(examples, answers, strict=True)]

    bench.scorer = replace(bench.scorer, kind="text", judge=alike)
    _, rag, pilot = freshness(bench).arms
    assert (rag.old.value, rag.lead.value) == (0, 1) and (pilot.old.value, pilot.lead.value) == (1, -1)


def test_only_what_is_looked_up_is_exchanged_and_test_looks_are_counted(project):
    bench = FakeBench(project)
    freshness(bench)
    both = ("test", "test-version-2")
    assert [(key, name) for key, name, *_ in bench.asked] == [(k, n) for k in ("bare", "rag", "pilot") for n in both]
    assert all(look for *_, look, _ in bench.asked)
    assert [path for *_, path in bench.asked][:2] == ["decide/freshness/bare-before.json", "decide/freshness/bare.json"]
    assert {(key, source) for key, _, source, *_ in bench.asked} == {(k, f"source of {k}") for k in ("bare", "rag", "pilot")}


def test_the_comparisons_cards_are_read_and_never_written(project):
    bench = FakeBench(project)
    arm = bench.arms()[0]
    bench.kept["decide/bare.json"] = bench.score(arm, bench.test, project.path("elsewhere.json"), "s")
    bench.asked.clear()
    freshness(bench)
    assert [path for *_, path in bench.asked if "bare" in path] == ["decide/freshness/bare.json"]
    assert all(path.startswith("decide/freshness/") for *_, path in bench.asked)


def test_a_look_with_version_2_of_the_documents_is_named_so(project):
    bench = FakeBench(project)
    freshness(bench)
    assert bench.looks[:2] == [("bare", "test", ""), ("bare", "test-version-2", "with version 2 of the documents")]


def test_where_the_bare_input_was_not_asked_nobody_is_shown_to_have_known(project):
    bench = FakeBench(project)
    report = freshness(bench, bench.arms()[1:])
    assert words(report) == {"rag": NEVER_KNEW, "pilot": NEVER_KNEW}


def test_an_arm_that_fails_leaves_the_others_their_result(project):
    bench = FakeBench(project)
    bench.source = lambda arm: 1 / 0 if arm.key == "rag" else "s"
    report = freshness(bench)
    assert words(report) == {"bare": NEVER_KNEW, "rag": NOT_ASKED, "pilot": STALE}
    assert "division by zero" in report._repr_html_() and len(report.table()) == 5


def test_an_arm_of_ones_own_is_asked_of_its_own_source(project):
    bench = FakeBench(project)
    extra = Arm("pilot-long", "Trained longer", Form(), "a model", Trained("long", Form()))
    report = freshness(bench, [*bench.arms(), extra], sources={"pilot-long": "mine"})
    assert ("pilot-long", "test-version-2", "mine") in {entry[:3] for entry in bench.asked}
    assert words(report)["pilot-long"] == NEVER_KNEW


def test_citations_are_shown_for_both_versions_and_only_where_there_are_passages(project):
    report = freshness(FakeBench(project))
    assert report.arms[0].changed.citations == {}
    found = {name: (before.value, after.value) for name, (before, after) in report.arms[1].changed.citations.items()}
    assert found == {CITES[0]: (1.0, 1.0), CITES[1]: (0.5, 0.5)}
    assert report.table()[f"{CITES[1]}, v1 / v2"][2].startswith("0.500")


def test_without_a_column_that_says_so_a_fact_changed_where_its_answers_differ(project):
    rows = [replace(e, provenance={"columns": {"answer_v2": e.provenance["columns"]["answer_v2"]}}) for e in ROWS]
    newer, changed = second_version(FakeBench(project, test=Dataset("test", tuple(rows))))
    assert changed == {f"r{i}" for i in range(0, 40, 2)} and newer.examples[0].answer == "200 euros"


def test_rows_without_a_new_answer_are_left_out(project):
    rows = [replace(e, provenance={}) if e.row_id == "r0" else e for e in ROWS]
    report = freshness(FakeBench(project, test=Dataset("test", tuple(rows))))
    assert (report.changed, report.same) == (19, 20) and report.arms[1].changed.rows == 19


def test_without_new_answers_or_new_documents_it_says_what_to_give(project, tmp_path):
    bare = Dataset("test", tuple(replace(e, provenance={}) for e in ROWS))
    with pytest.raises(Prerequisite, match="answer_v2"):
        freshness(FakeBench(project, test=bare))
    save_documents(project, str(tmp_path / "old"))
    with pytest.raises(Prerequisite, match="second folder"):
        freshness(FakeBench(project))


def test_a_saved_report_reads_back_the_same_and_hostile_titles_are_escaped(project):
    report = freshness(FakeBench(project, titles={"rag": EVIL}))
    assert FreshnessReport.load(project.path(SAVED)) == report
    assert "<script" not in report._repr_html_() and "&lt;script" in report._repr_html_()
    assert "\n" not in repr(report)
