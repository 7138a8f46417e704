"""What a base model knows is told apart from what it copies, and only missing knowledge is sent to be looked up."""

from types import SimpleNamespace

import pytest

from workbench.curate.task import Task
from workbench.dataset import Dataset, Example, normalise
from workbench.decide.arms import choose_examples
from workbench.decide.knowledge import (
    KNOWN,
    LOOK_UP,
    MOST_ROWS,
    NOT_MEASURABLE,
    NOTHING,
    Knowledge,
    knowledge,
    probe_rows,
    stands_in_input,
)
from workbench.errors import Prerequisite
from workbench.project import create_project
from workbench.scoring.answers import Answer, PromptsTooLong
from workbench.scoring.scorecard import score_answers
from workbench.scoring.scorers import scorer

SETTINGS = {"data_file": "a.csv", "scenario": "", "depth": "quick", "model": {"reference": "embedded", "reason": ""}}


def rows(name, n, text="What is the fee number {}?"):
    return Dataset(name, tuple(Example(f"{name}{i}", (("user", text.format(i + 50)),), f"{i + 50} euros") for i in range(n)))


class FakeBench:
    """Rows and a scorer; `answers` says what each arm answers."""

    def __init__(self, project, answers, train=None, validation=None, kind="fact"):
        self.project, self.answers, self.scorer = project, answers, scorer(kind)
        self.train, self.validation = train or rows("train", 30), validation or rows("validation", 12)
        self.task = Task(kind, "by hand", "Answer.")
        self.asked = []

    def untuned(self):
        return "the base"

    def score(self, arm, dataset, path, source, progress=None, test_look=True):
        self.asked.append((arm.key, dataset, source, test_look))
        answers = [Answer(self.answers(arm, e), 10, 2, False, 0.1) for e in dataset]
        return score_answers(
            arm=arm.key, title=arm.title, recipe="r", dataset=dataset, answers=answers, scorer=self.scorer,
            model="m", precision="p", max_new_tokens=32, training_seconds=0.0, machine="m",
        )  # fmt: skip


@pytest.fixture
def project(projects):
    return create_project("p", SETTINGS)


def never(arm, example):
    return "7 dogs"


def always(arm, example):
    return example.answer


def test_facts_that_the_base_lacks_are_sent_to_be_looked_up(project):
    found = knowledge(FakeBench(project, never))
    assert found.route == LOOK_UP and found.lacking.value == 1 and "Gekhman 2024" in found.why
    assert f"100% of {found.rows} rows" in found.why


def test_facts_that_the_base_has_need_no_looking_up(project):
    found = knowledge(FakeBench(project, always))
    assert found.route == KNOWN and found.bare.value == found.with_examples.value == 1 and found.lacking.value == 0


def test_a_fact_counts_as_known_if_either_prompt_brings_it_out(project):
    def either(arm, example):
        return example.answer if (arm.key == "bare") == bool(int(example.answer[:2]) % 2) else "7 dogs"

    found = knowledge(FakeBench(project, either))
    assert found.route == KNOWN and 0 < found.bare.value < 1 and found.lacking.value == 0


def test_what_stands_in_the_input_is_copied_and_not_known(project):
    parts = [rows(name, n, "The fee is {} euros. What is it?") for name, n in (("train", 30), ("validation", 12))]
    found = knowledge(FakeBench(project, never, *parts))
    assert found.route == NOTHING and found.in_input.value == 1 and found.lacking.value == 0 and found.bare.value == 0


def test_wrong_labels_are_not_taken_for_missing_knowledge(project):
    def cases(name):
        return Dataset(name, tuple(Example(f"{name}{i}", (("user", f"case {i}"),), "xyz"[i % 3]) for i in range(30)))

    found = knowledge(FakeBench(project, never, cases("train"), cases("validation"), kind="label"))
    assert found.route == NOT_MEASURABLE and "lack of skill" in found.why and found.lacking.value == 1


def test_few_rows_and_an_even_split_say_nothing(project):
    few = [rows("train", 8), rows("validation", 2)]
    assert knowledge(FakeBench(project, never, *few)).route == NOT_MEASURABLE
    half = knowledge(FakeBench(project, lambda arm, e: e.answer if int(e.answer[:2]) % 2 else "7 dogs"))
    assert half.route == NOT_MEASURABLE and "too few rows" in half.why


def test_rows_that_nothing_can_judge_are_said_to_be_so(project):
    blank = [Dataset(n, (Example(f"{n}0", (("user", "q"),), ""),)) for n in ("train", "validation")]
    with pytest.raises(Prerequisite, match="could be judged"):
        knowledge(FakeBench(project, never, *blank))


def test_the_base_alone_is_asked_and_never_test_rows(project):
    bench = FakeBench(project, never)
    bench.test = None
    knowledge(bench)
    assert [(key, *other) for key, _, *other in bench.asked] == [(key, "the base", False) for key in ("bare", "examples")]
    assert len({dataset.fingerprint for _, dataset, *_ in bench.asked}) == 1
    ids = {e.row_id for e in bench.asked[0][1]}
    assert any(i.startswith("train") for i in ids) and any(i.startswith("validation") for i in ids)


def test_no_row_is_asked_whose_answer_a_worked_example_gives_away(project):
    bench = FakeBench(project, never)
    chosen = choose_examples(bench.train, 5)
    told = {normalise(e.answer) for e in chosen}
    asked = probe_rows(bench, chosen)
    assert told & {normalise(e.answer) for e in bench.validation}, "the examples do tell some"
    assert not told & {normalise(e.answer) for e in asked}
    bench.task = Task("label", "by hand", "")
    labels = probe_rows(bench, chosen)
    assert all(e in labels.examples for e in bench.validation), "labels have to be told"
    assert not any(e in labels.examples for e in chosen)


@pytest.mark.parametrize(
    ("given", "answer", "stands"),
    [
        ("The fee is 32 Euros, each day.", "32 euros", True),
        ("The fee is 132 euros.", "32 euros", False),
        ("Order 7 of Ann Lee", '{"order": 7, "name": "ann lee"}', True),
        ("Order 7 of Ann Lee", '{"order": 7, "name": "Bo"}', False),
        ("Order 7", '{"order": null}', False),
        ("anything", "", False),
    ],
)
def test_an_answer_stands_in_the_input_as_whole_words_and_json_with_every_value(given, answer, stands):
    assert stands_in_input(SimpleNamespace(messages=(("user", given),), answer=answer)) is stands


def test_it_reads_back_and_shows_its_sentence_escaped(project):
    found = knowledge(FakeBench(project, never))
    assert Knowledge.load(found.save(project.path("k.json"))) == found
    assert len(found.table()) == 4 and "\n" not in repr(found)
    evil = Knowledge(LOOK_UP, "<script>", 1, *[found.bare] * 4)
    assert "<script" not in evil._repr_html_()


@pytest.mark.parametrize("kind", ["text", "voice", "json"])
def test_likeness_tone_and_form_are_never_taken_for_knowledge_and_cost_no_answers(project, kind):
    bench = FakeBench(project, always)
    bench.task = Task(kind, "by hand", "Answer.")
    bench.scorer = scorer("exact")
    found = knowledge(bench)
    assert found.route == NOT_MEASURABLE and f"judged as {kind}" in found.why and bench.asked == []
    assert knowledge(bench).table()["95 % interval"].tolist()[1:] == ["not measured"] * 3


def test_no_more_rows_are_asked_than_the_probe_needs(project):
    bench = FakeBench(project, always, train=rows("train", 300), validation=rows("validation", 12))
    knowledge(bench)
    asked = bench.asked[0][1]
    assert len(asked) == MOST_ROWS and {e.row_id for e in bench.validation} <= {e.row_id for e in asked}


def test_a_prompt_that_does_not_fit_the_model_is_left_out_and_said(project):
    def too_long(*keys):
        def answers(arm, example):
            if arm.key in keys:
                raise PromptsTooLong("All are too long.")
            return never(arm, example)

        return answers

    found = knowledge(FakeBench(project, too_long("examples")))
    assert found.route == LOOK_UP and found.why.endswith("All are too long.")
    assert found.with_examples.value != found.with_examples.value and "not measured" in found.table().to_string()
    assert Knowledge.load(found.save(project.path("k.json"))).to_dict() == found.to_dict()
    with pytest.raises(Prerequisite, match="All are too long"):
        knowledge(FakeBench(project, too_long("bare", "examples")))
