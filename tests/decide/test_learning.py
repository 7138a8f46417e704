"""More rows and cleaner rows are a measured gain or none: same steps, nested parts, several seeds, validation rows only."""

import json
from types import SimpleNamespace

import pytest

from workbench.dataset import Dataset, Example
from workbench.decide.learning import (
    CurationGain,
    LearningCurve,
    Point,
    apart_from,
    as_it_came,
    five_sizes,
    leaked_rows,
    learning_curve,
    raw_training_rows,
)
from workbench.errors import BadInput, Prerequisite
from workbench.files import write_json
from workbench.models import ModelChoice
from workbench.project import create_project
from workbench.scoring.answers import Answer
from workbench.scoring.intervals import Interval
from workbench.scoring.scorecard import score_answers
from workbench.scoring.scorers import scorer
from workbench.train.run import Run

SETTINGS = {"data_file": "a.csv", "scenario": "", "depth": "thorough", "model": {"reference": "embedded", "reason": ""}}
WORDS = "apple boat cloud drum eagle field goat house ice jar kettle lemon moon nail oak pen queen river stone tower".split()


def rows(name, n, first=0):
    def one(i):
        question = f"{WORDS[i % 20]} {WORDS[i // 20 % 20]} {name} case"
        return Example(f"line-{i}", (("user", question),), "xyz"[i % 3], {"sha256": name, "line": i})

    return Dataset(name, tuple(one(i) for i in range(first, first + n)))


class FakeBench:
    """Trains nothing: a pilot's share of right answers is what `skill` says of the rows it was fitted on and its seed."""

    def __init__(self, project, skill, train=None):
        self.project, self.skill, self.scorer = project, skill, scorer("label")
        self.choice = ModelChoice("embedded", "")
        self.train, self.validation = train or rows("train", 160), rows("validation", 20)
        self.test = rows("test", 20)
        self.fitted, self.asked = [], []

    def fit(self, plan, place, progress=None, rows=None, watched=None):
        assert plan.data == rows.fingerprint and plan.validation == watched.fingerprint == self.validation.fingerprint
        self.fitted.append((place, plan, rows))
        self.views = getattr(self, "views", set()) | {progress}
        return SimpleNamespace(rows=rows, plan=plan)

    def tuned(self, run, place):
        return run

    def score(self, arm, dataset, path, source, progress=None, test_look=True):
        self.asked.append((arm.key, dataset.name, path.relative_to(self.project.folder).as_posix(), test_look))
        right = round(self.skill(source.rows, source.plan.seed) * len(dataset))
        answers = [Answer(e.answer if i < right else "w", 10, 2, False, 0.1) for i, e in enumerate(dataset)]
        return score_answers(
            arm=arm.key, title=arm.title, recipe=source.plan.fingerprint, dataset=dataset, answers=answers, scorer=self.scorer,
            model="m", precision="p", max_new_tokens=32, training_seconds=0.0, machine="m",
        )  # fmt: skip

    def release(self):
        pass


@pytest.fixture
def project(projects):
    return create_project("p", SETTINGS)


def by_rows(train, seed):
    return {10: 0.1, 20: 0.3, 40: 0.5, 80: 0.5, 160: 1.0}[len(train)]


def test_five_sizes_double_up_to_all_the_rows_and_none_is_smaller_than_a_batch():
    assert five_sizes(160, 4) == (10, 20, 40, 80, 160)
    assert five_sizes(30, 4) == (4, 8, 15, 30)
    assert five_sizes(3, 4) == (3,)


def test_every_size_and_seed_is_trained_once_with_the_same_steps_on_nested_parts(project):
    bench = FakeBench(project, by_rows)
    curve = learning_curve(bench)
    sizes = (10, 20, 40, 80, 160)
    assert [place for place, *_ in bench.fitted] == [f"decide/learning/{n}-{s}" for n in sizes for s in (0, 1, 2)]
    assert {plan.steps for _, plan, _ in bench.fitted} == {curve.steps} == {100}
    assert [plan.seed for _, plan, _ in bench.fitted] == [0, 1, 2] * 5
    parts = {place.rpartition("/")[2]: [e.row_id for e in part] for place, _, part in bench.fitted}
    assert parts["160-0"][:10] == parts["10-0"] and parts["80-2"][:40] == parts["40-2"]
    assert parts["10-0"] != parts["10-1"], "each seed draws rows of its own"
    assert sorted(parts["160-1"]) == sorted(e.row_id for e in bench.train)


def test_the_curve_is_scored_on_validation_rows_and_is_no_look_at_the_test_rows(project):
    bench = FakeBench(project, by_rows)
    learning_curve(bench)
    assert {(name, look) for _, name, _, look in bench.asked} == {("validation", False)}
    assert bench.asked[0][2] == "decide/learning/10-0.json"


def test_a_gain_from_the_last_doubling_is_said_with_its_interval(project):
    curve = learning_curve(FakeBench(project, by_rows))
    assert repr(curve) == f"More rows still helped: from 80 to 160 rows the score rises by {curve.gains[-1]}."
    assert curve.gains[-1].value == pytest.approx(0.5) and [p.rows for p in curve.points] == [10, 20, 40, 80, 160]
    assert [round(p.score.value, 3) for p in curve.points] == [0.1, 0.3, 0.5, 0.5, 1.0]


def test_no_gain_and_a_loss_are_said_as_such(project):
    flat = learning_curve(FakeBench(project, lambda train, seed: 0.5))
    assert repr(flat).startswith("No gain shown from the last rows: from 80 to 160")
    worse = learning_curve(FakeBench(project, lambda train, seed: 0.2 if len(train) == 160 else 0.9))
    assert repr(worse).startswith("More rows did not help: from 80 to 160 rows the score falls by 0.700")


def test_seeds_that_disagree_widen_the_gain(project):
    def torn(train, seed):
        return 0.3 if len(train) < 160 else (0.2, 0.6, 1.0)[seed]

    steady = learning_curve(FakeBench(project, lambda train, seed: 0.3 if len(train) < 160 else 0.6)).gains[-1]
    spread = learning_curve(FakeBench(project, torn)).gains[-1]
    assert spread.value == pytest.approx(steady.value) and spread.high - spread.low > steady.high - steady.low


def test_the_quick_depth_says_how_long_it_would_take_and_runs_only_if_asked(projects):
    quick = create_project("q", {**SETTINGS, "depth": "quick"})
    bench = FakeBench(quick, by_rows)
    with pytest.raises(Prerequisite, match="15 trainings, as long as 15 pilots"):
        learning_curve(bench)
    Run("pilot", {}, 40, 3.0, 0.1, 0.2, 120.0, 1.5, 0, (), {}, "m").save(quick.path("decide/pilot/run.json"))
    with pytest.raises(Prerequisite, match="about 30 minutes"):
        learning_curve(bench)
    with pytest.raises(Prerequisite, match="6 trainings, about 12 minutes"):
        as_it_came(bench, rows("train", 160))
    assert not bench.fitted
    assert len(learning_curve(bench, sizes=(80, 160), seeds=(0,), anyway=True).points) == 2


@pytest.mark.parametrize("sizes", [(160,), (80, 40), (0, 160), (80, 161), (80, 80)])
def test_sizes_that_make_no_curve_are_refused(project, sizes):
    with pytest.raises(BadInput, match="rising sizes between 1 and 160"):
        learning_curve(FakeBench(project, by_rows), sizes=sizes)


def test_rows_that_nothing_can_judge_are_said_to_be_so(project):
    bench = FakeBench(project, by_rows)
    bench.validation = Dataset("validation", (Example("v", (("user", "q"),), ""),))
    with pytest.raises(Prerequisite, match="could be judged"):
        learning_curve(bench)


def test_curating_is_measured_against_the_rows_as_they_came_whichever_way_it_goes(project):
    raw = rows("raw", 200)
    ways = {0.9: "Curating gained 0.700", 0.2: "No gain or loss from curating is shown", 0.0: "Curating cost 0.200"}
    for better, said in ways.items():
        bench = FakeBench(project, lambda train, seed, better=better: 0.2 if train.name == "raw" else better)
        found = as_it_came(bench, raw)
        assert repr(found).startswith(said)
        assert (found.raw_rows, found.curated_rows, found.steps) == (200, 160, 100)
    assert {plan.steps for _, plan, _ in bench.fitted} == {100}
    assert [place for place, *_ in bench.fitted] == [f"decide/learning/{n}-{s}" for n in ("160", "raw") for s in (0, 1, 2)]
    assert CurationGain.load(project.path("decide/learning/curation.json")) == found


def test_leaked_rows_stay_with_the_raw_side_and_are_counted(project):
    bench = FakeBench(project, lambda train, seed: 0.5)
    held_out = bench.validation.examples[0]
    same = Example("line-900", (("user", held_out.input.upper() + "!"),), "x", {"sha256": "raw"})
    itself = Example(held_out.row_id, held_out.messages, held_out.answer, held_out.provenance)
    raw = Dataset("raw", (*rows("raw", 160).examples[30:], same, itself))
    found = as_it_came(bench, raw)
    assert (found.leaked, found.raw_rows) == (1, len(raw) - 1)
    assert "1 of the 131 rows" in found.reading and "flatter" in found._repr_html_()
    assert same in bench.fitted[-1][2].examples and itself not in bench.fitted[-1][2].examples


def test_a_line_of_another_file_is_another_row():
    assert len(apart_from(rows("train", 10), rows("test", 10).examples)) == 10
    assert [e.row_id for e in apart_from(rows("train", 10), rows("train", 8).examples)] == ["line-8", "line-9"]


def test_a_row_that_hardly_differs_from_a_held_out_one_is_a_leak():
    long = "please tell me on which day of the week the small parcel with the blue lamp will arrive at my house in the village"
    near = Dataset("a", (Example("1", (("user", long + " now"),), "x"), Example("2", (("user", "something else"),), "x")))
    assert leaked_rows(near, Dataset("b", (Example("9", (("user", long),), "x"),))) == 1


def test_every_copy_of_a_held_out_question_is_a_leak():
    copies = Dataset("a", tuple(Example(f"{i}", (("user", "Where is my parcel today?"),), "x") for i in range(3)))
    assert leaked_rows(copies, Dataset("b", (Example("9", (("user", "where is my parcel today"),), "x"),))) == 3


@pytest.fixture
def own_file(projects, tmp_path):
    """A project on a file of one's own, with a column chosen by hand and a row that can't be read."""
    file = tmp_path / "mine.csv"
    lines = [f"text {i},wrong {i},label {i}" for i in range(6)]
    file.write_text("said,other,wanted\n" + "\n".join([*lines, lines[0], ",,"]) + "\n", encoding="utf-8")
    made = create_project("own", {**SETTINGS, "data_file": str(file)})
    write_json(made.path("panels/columns.json"), {"input": "said", "answer": "wanted"})
    return made


def test_raw_rows_are_read_with_the_columns_kept_and_before_any_decision(own_file):
    raw = raw_training_rows(own_file)
    assert [(e.input, e.answer) for e in raw] == [(f"text {i}", f"label {i}") for i in (0, 1, 2, 3, 4, 5, 0)]
    write_json(own_file.path("panels/columns.json"), {"input": "said", "answer": "other"})
    assert raw_training_rows(own_file).examples[0].answer == "wrong 0"
    write_json(own_file.path("panels/columns.json"), {"input": "gone", "answer": "other"})
    assert len(raw_training_rows(own_file)) == 7, "a column that is gone is no choice any more"


def test_results_read_back_the_same_and_show_themselves_in_one_line(project):
    curve = learning_curve(FakeBench(project, by_rows))
    assert LearningCurve.load(project.path("decide/learning/curve.json")) == curve
    assert len(curve.table()) == 5 and "\n" not in repr(curve) and "same number of steps" in curve._repr_html_()
    raw, curated = (Point(n, Interval(0.1, 0, 0.2), (0.1,)) for n in (2, 1))
    gain = CurationGain(2, 1, 0, raw, curated, Interval(0, -0.1, 0.1), 10, 5)
    assert CurationGain.from_dict(json.loads(json.dumps(gain.to_dict()))) == gain
    assert "None of the rows" in gain.reading and len(gain.table()) == 2


def test_every_training_of_the_curve_and_of_the_rows_as_they_came_is_shown_in_the_view_given(project):
    def view(history, steps):
        pass

    bench = FakeBench(project, lambda train, seed: 0.5)
    learning_curve(bench, view=view)
    as_it_came(bench, rows("raw", 30), view=view)
    assert bench.views == {view}
