"""Whatever wins is handed over whole: what is asked later is exactly what was scored, part by part."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy
import pytest

from workbench.curate.start import Terms, save_terms
from workbench.curate.task import Task
from workbench.dataset import Dataset, Example
from workbench.decide import compare
from workbench.decide.arms import remote
from workbench.decide.compare import COMPARED, Bench
from workbench.decide.endpoint import Endpoint
from workbench.decide.optimise import Candidate, Optimised
from workbench.decide.recommendation import Recommendation
from workbench.errors import BadInput, Mismatch, Prerequisite
from workbench.files import read_json, write_json, write_text
from workbench.project import create_project, open_project
from workbench.result import attempt
from workbench.scoring.answers import Answer
from workbench.scoring.intervals import Interval
from workbench.ship import handover as module
from workbench.ship.export import Parity
from workbench.ship.handover import Answered, Handover, answered, ask, hand_over, restored

SETTINGS = {"data_file": "a.csv", "scenario": "", "depth": "quick", "model": {"reference": "embedded", "reason": ""}}
LABELS = ("refund", "delivery", "praise")
SCHEMA = {"type": "object", "properties": {"kind": {"type": "string"}}, "required": ["kind"]}
PLAIN = ("bare", "instructions", "examples", "nearest", "instructions-schema", "examples-schema", "optimised")
TUNED = ("pilot", "pilot-instructions", "pilot-rag", "raft")
EXTRA = (
    Example("own", (("system", "You are a pirate."), ("user", "abc")), "refund"),
    Example("talk", (("user", "Hello"), ("assistant", "Hi?"), ("user", "It broke, xyz.")), "praise"),
)


def part(name, n):
    return Dataset(name, tuple(Example(f"{name}{i}", (("user", f"{name} {'abc'[i % 3] * (i + 1)}"),), LABELS[i % 3]) for i in range(n)))


def letters(texts):
    """A stand-in for an embedding model: how often each letter occurs."""
    counts = numpy.array([[text.lower().count(c) for c in "abcdefghijklmnopqrstuvwxyz"] for text in texts], dtype=numpy.float32)
    return counts / numpy.linalg.norm(counts, axis=1, keepdims=True)


def write_documents(project, days="three"):
    write_text(project.path("papers/post.md"), f"# Post\n\nThe test of a train delivery takes {days} days.\n\n# Money\n\nA refund test takes a week.\n")
    write_text(project.path("decide/documents.json"), json.dumps({"documents": str(project.path("papers"))}))


@pytest.fixture
def project(projects, monkeypatch):
    made = create_project("p", SETTINGS)
    part("train", 20).save(made.path("data/train.jsonl"))
    part("validation", 4).save(made.path("data/validation.jsonl"))
    Dataset("test", (*part("test", 7).examples, *EXTRA)).save(made.path("data/test.jsonl"))
    Task("label", "by hand", "Sort the message.").save(made.path("data/task.json"))
    best = Candidate("short", ("train3", "train1"), "draw 1", (1.0,))
    Optimised("recipe", (best,), ((1, 1),), 1).save(made.path("decide/search.json"))
    write_documents(made)
    for place in (module, compare):
        monkeypatch.setattr(place, "load_embedder", lambda log: SimpleNamespace(name="letters", vectors=letters))
    return made


def bench_of(project):
    bench = Bench(project)
    bench.__dict__["schema"] = SCHEMA
    return bench


def won(arm, outcome="decided"):
    return Recommendation(outcome, arm, f"The {arm} arm", 0.8, 0.02, ("because",), "rows", "cards")


def save_parity(project, merged=Interval(0.9, 0.8, 0.95)):
    Parity(7, 6, Interval(0.91, 0.8, 0.95), merged, Interval(-0.01, -0.05, 0.03)).save(project.path("ship/parity.json"))


def key_of(bench, name):
    """The key of an arm; "rag" and "rag-plain" are the first ones with and without worked examples."""
    keys = [arm.key for arm in bench.arms(everything=True)]
    if name not in ("rag", "rag-plain"):
        return name
    return next(key for key in keys if key.startswith("rag-") and key.endswith("-plain") is (name == "rag-plain"))


UNTUNED = (*PLAIN, "rag", "rag-plain")


def test_every_arm_that_can_win_is_among_those_tried_here(project):
    bench = bench_of(project)
    tried = {key_of(bench, name) for name in (*UNTUNED, *TUNED)}
    left = {arm.key for arm in bench.arms(everything=True)} - tried
    assert all(key.startswith("rag-") for key in left), "other retrievers alone may be left out"


@pytest.mark.parametrize("name", [*UNTUNED, *TUNED])
def test_what_is_handed_over_asks_exactly_what_was_scored(project, name):
    save_parity(project)
    bench = bench_of(project)
    scored = bench.arm(key_of(bench, name))
    assert ("three days" in scored.prompt(bench.test.examples[0])[-1][1]) is (scored.form.lookup is not None)
    hand_over(bench, won(scored.key), "ship")
    again = open_project("p")
    found = Handover.load(again.path("ship/handover.json"))
    made = restored(again, found)
    for row in bench.test:
        assert made.prompt(row) == scored.prompt(row)
    assert (made.key, made.schema, found.tuned) == (scored.key, scored.schema, scored.tuned)
    assert made.recipe == replace(scored, trained=None).recipe


def test_every_retriever_is_handed_over_as_itself(project):
    bench = bench_of(project)
    for scored in [arm for arm in bench.arms(everything=True) if arm.key.startswith("rag-")]:
        made = restored(project, hand_over(bench, won(scored.key), "ship"))
        assert made.form.lookup.search.name == scored.form.lookup.search.name
        assert [made.prompt(row) for row in bench.test] == [scored.prompt(row) for row in bench.test]


@pytest.mark.parametrize("name", ["examples", "nearest", "optimised"])
def test_worked_examples_are_handed_over_as_ids_and_texts_alone(project, name):
    private = {"columns": {"who": "Ada Zorblat"}, "subject_ids": ["c0ffee"], "source": "secret.csv", "line": 7}
    Dataset("train", tuple(replace(e, provenance=private) for e in part("train", 20))).save(project.path("data/train.jsonl"))
    bench = bench_of(project)
    scored = bench.arm(name)
    made = restored(project, hand_over(bench, won(name), "ship"))
    written = project.path("ship/winner/examples.jsonl").read_text(encoding="utf-8")
    assert not any(secret in written for secret in ("Zorblat", "c0ffee", "secret.csv", "columns"))
    assert "train1" in written and made.prompt(bench.test.examples[0]) == scored.prompt(bench.test.examples[0])


INDEX = ["examples.jsonl", "vectors.safetensors"]
FILES = {
    "bare": [], "instructions": [], "examples": ["examples.jsonl"], "optimised": ["examples.jsonl"], "nearest": INDEX,
    "instructions-schema": ["schema.json"], "examples-schema": ["examples.jsonl", "schema.json"],
    "rag": ["examples.jsonl", "passages.jsonl"], "rag-plain": ["passages.jsonl"],
    "pilot": [], "pilot-instructions": [], "pilot-rag": ["passages.jsonl"], "raft": ["passages.jsonl"],
}  # fmt: skip


@pytest.mark.parametrize("name, files", FILES.items(), ids=FILES)
def test_the_winners_folder_holds_its_parts_and_nothing_of_an_earlier_winner(project, name, files):
    save_parity(project)
    bench = bench_of(project)
    hand_over(bench, won("nearest"), "ship")
    hand_over(bench, won(key_of(bench, name)), "ship")
    assert sorted(p.name for p in project.path("ship/winner").iterdir()) == files


@pytest.mark.parametrize("name", UNTUNED)
def test_later_changes_to_rows_task_or_documents_do_not_change_what_was_handed_over(project, name):
    bench = bench_of(project)
    before = hand_over(bench, won(key_of(bench, name)), "ship")
    prompts = [restored(project, before).prompt(row) for row in bench.test]
    part("train", 3).save(project.path("data/train.jsonl"))
    Task("label", "by hand", "Sort it otherwise.").save(project.path("data/task.json"))
    write_documents(project, "nine")
    assert [restored(project, Handover.load(project.path("ship/handover.json"))).prompt(row) for row in bench.test] == prompts


def test_the_schema_is_a_file_that_can_be_used_elsewhere(project):
    bench = bench_of(project)
    hand_over(bench, won("examples-schema"), "ship")
    assert read_json(project.path("ship/winner/schema.json")) == SCHEMA


@pytest.mark.parametrize("key", TUNED)
def test_the_tuned_model_goes_out_with_its_own_score_and_the_verdict(project, key):
    save_parity(project, Interval(0.612, 0.5, 0.7))
    status = hand_over(bench_of(project), won(key), "retrain").status
    assert "decided" in status and "0.612 [0.500, 0.700]" in status and "retrain" in status


@pytest.mark.parametrize("key", TUNED)
def test_the_tuned_model_is_not_handed_over_before_its_merged_files_were_measured(project, key):
    with pytest.raises(Prerequisite, match="05_ship_with_evidence.ipynb"):
        hand_over(bench_of(project), won(key), "ship")
    assert not project.path("ship/handover.json").exists()


def test_an_arm_that_can_not_be_made_any_more_leaves_the_last_hand_over_alone(project):
    before = hand_over(bench_of(project), won("bare"), "ship")
    with pytest.raises(Mismatch, match="'vanished'"):
        hand_over(bench_of(project), won("vanished"), "ship")
    assert Handover.load(project.path("ship/handover.json")) == before


@pytest.mark.parametrize("outcome", ["not decided", "none is good enough"])
def test_what_was_not_decided_is_handed_over_under_that_word(project, outcome):
    made = hand_over(bench_of(project), won("bare", outcome), "ship")
    assert outcome in made.status and outcome in repr(made)


MADE_OF = {
    "bare": "the base model", "nearest": "vectors.safetensors", "examples": "examples.jsonl", "rag": "passages.jsonl, searched by",
    "instructions-schema": "schema.json", "pilot": "the merged model in ship/merged", "raft": "the merged model in ship/merged",
}  # fmt: skip


@pytest.mark.parametrize("name, part_", MADE_OF.items(), ids=MADE_OF)
def test_the_record_survives_its_file_and_says_what_it_is_made_of(project, name, part_):
    save_parity(project)
    bench = bench_of(project)
    key = key_of(bench, name)
    made = hand_over(bench, won(key), "ship")
    assert Handover.load(project.path("ship/handover.json")) == made
    assert made.table().iloc[0].tolist() == ["what", f"The {key} arm"]
    assert part_ in made.table().iloc[1]["found"]


@pytest.fixture
def model(monkeypatch):
    """Which model was loaded, and what it was asked."""
    seen = SimpleNamespace(loaded=[], asked=[], says="refund")

    def load(choice, log, folder=None):
        seen.loaded.append((choice.reference, folder))
        return "model"

    def answer(loaded, prompts, max_new_tokens, progress=None, schema=None):
        seen.asked.append((prompts, max_new_tokens, schema))
        return [Answer(seen.says, 1, 1, False, 0.1) for _ in prompts]

    monkeypatch.setattr(module, "load_for_answers", load)
    monkeypatch.setattr(module, "generate_answers", answer)
    return seen


@pytest.mark.parametrize("name", UNTUNED)
def test_a_question_is_asked_of_the_base_model_with_the_prompt_limit_and_schema_of_the_comparison(project, model, name):
    bench = bench_of(project)
    scored = bench.arm(key_of(bench, name))
    hand_over(bench, won(scored.key), "ship")
    row = bench.test.examples[0]
    assert answered(open_project("p"), row.input) == Answered(row.input, "refund")
    assert model.loaded == [("embedded", None)]
    assert model.asked == [([scored.prompt(row)], bench.max_new_tokens, scored.schema)]


@pytest.mark.parametrize("key", TUNED)
def test_a_question_to_the_tuned_winner_is_asked_of_the_merged_model_in_the_form_it_was_scored_in(project, model, key):
    save_parity(project)
    bench = bench_of(project)
    hand_over(bench, won(key), "ship")
    row = bench.test.examples[0]
    ask(project, row.input)
    assert model.loaded == [("embedded", project.path("ship/merged"))]
    assert model.asked[0][0] == [bench.arm(key).prompt(row)]


def test_an_answer_that_names_a_passage_is_told_with_its_document(project, model):
    bench = bench_of(project)
    scored = bench.arm(key_of(bench, "rag"))
    hand_over(bench, won(scored.key), "ship")
    passage = scored.form.passages(Example("q", (("user", "How long does a delivery take?"),), ""))[0]
    model.says = f"three days [{passage.passage_id}]"
    said = ask(project, "How long does a delivery take?")
    assert said.startswith(model.says) and f"[{passage.passage_id}] {passage.title}, {passage.document}" in said


@pytest.mark.parametrize("says", ["three days", "three days [nowhere-9]"])
def test_an_answer_that_names_no_passage_that_was_shown_is_given_no_source(project, model, says):
    bench = bench_of(project)
    hand_over(bench, won(key_of(bench, "rag")), "ship")
    model.says = says
    assert ask(project, "How long does a delivery take?") == says


SERVER = {"address": "http://127.0.0.1:9/v1", "model": "large", "key_variable": "SOME_KEY", "masked": True}


@pytest.fixture
def server(project, monkeypatch):
    """A server won; what it is sent, and what it says, is kept here."""
    monkeypatch.setenv("SOME_KEY", "sk-secret")
    write_json(project.path(COMPARED), {"train": "", "server": SERVER, "cards": []})
    seen = SimpleNamespace(sent=[], agreed=[], says=Answer("refund", 1, 1, False, 0.1))

    def answer(self, prompts, limit, schema=None, known=None):
        seen.agreed.append((self.agreed, self.masked))
        seen.sent += [(self.address, self.model, prompt, limit, schema) for prompt in prompts]
        yield {0: seen.says}

    monkeypatch.setattr(Endpoint, "answer", answer)
    hand_over(bench_of(project), won("endpoint"), "ship")
    return seen


def test_a_server_is_handed_over_by_its_address_and_model_and_never_with_its_key(project, server):
    found = Handover.load(project.path("ship/handover.json"))
    assert found.endpoint == SERVER and "large at http://127.0.0.1:9/v1" in found.table().iloc[1]["found"]
    for path in project.path("ship").rglob("*.json*"):
        assert "sk-secret" not in path.read_text(encoding="utf-8")


def test_a_question_does_not_leave_until_somebody_says_that_it_may(project, server, model):
    with pytest.raises(Prerequisite, match="Nothing was sent.*ask --send"):
        ask(project, "Where is my parcel?")
    assert server.sent == [] and model.loaded == []


def test_the_notebook_goes_on_where_nothing_may_be_sent(project, server):
    shown = attempt(answered, project, "Where is my parcel?")
    assert "Nothing was sent" in repr(shown) and server.sent == []


def test_a_question_that_may_leave_is_asked_as_it_was_scored_and_masked_as_it_was(project, server, model):
    bench = bench_of(project)
    row = bench.test.examples[0]
    assert ask(project, row.input, send=True) == "refund"
    scored = remote(bench.task, Endpoint(**SERVER), bench.arm("examples").form.shots.chosen)
    assert server.sent == [(SERVER["address"], "large", scored.prompt(row), bench.max_new_tokens, None)]
    assert server.agreed == [(True, True)] and model.loaded == []


def test_a_question_of_a_project_whose_data_may_not_leave_never_does(project, server):
    save_terms(project, Terms(restricted=True))
    with pytest.raises(Prerequisite, match="not to leave the building"):
        ask(project, "Where is my parcel?", send=True)
    assert server.sent == []


def test_a_server_that_does_not_answer_is_told_in_its_sentence(project, server):
    server.says = Answer("", 0, 0, False, 0.1, error="127.0.0.1 can't be reached.")
    with pytest.raises(Prerequisite, match="can't be reached"):
        ask(project, "Where is my parcel?", send=True)


@pytest.mark.parametrize("question", ["", "  \n\t"])
def test_an_empty_question_is_refused_before_a_model_is_loaded(project, model, question):
    hand_over(bench_of(project), won("bare"), "ship")
    with pytest.raises(BadInput, match="empty"):
        ask(project, question)
    assert model.loaded == []


def test_asking_before_anything_was_handed_over_names_the_notebook_to_run(project, model):
    with pytest.raises(Prerequisite, match="05_ship_with_evidence.ipynb"):
        ask(project, "Where is my parcel?")
    assert model.loaded == []


def test_a_hostile_question_or_answer_is_shown_escaped():
    shown = Answered("<script>q</script>", "<img src=x onerror=a>")._repr_html_()
    assert "<script" not in shown and "<img" not in shown and "&lt;script&gt;q" in shown
