"""A server is asked only where somebody agreed, masked, and each way it can fail is one sentence about one row."""

import dataclasses
import logging
import threading
import time

import pytest
from endpoint_server import completion, serving

from workbench.dataset import Dataset, Example
from workbench.decide import endpoint as room
from workbench.decide.endpoint import (
    BATCH,
    FAILURES_IN_A_ROW,
    LARGEST_REPLY,
    NO_COUNTS,
    NOT_ZERO,
    THREADS,
    Endpoint,
    Leaving,
    ask_consent,
    open_endpoint,
    where_to,
)
from workbench.errors import BadInput, Prerequisite
from workbench.files import write_json
from workbench.project import Project

KEY = "k-0123456789-of-the-test"
MAIL = "jane.doe@example.org"
ROWS = Dataset("test", tuple(Example(f"r{i}", (("user", f"Question {i}, says {MAIL}"),), f"answer {i}") for i in range(4)))


FREE = None


@pytest.fixture(autouse=True)
def a_project_whose_rows_may_leave(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "FREE", Project(tmp_path / "free", {"depth": "quick", "scenario": ""}))


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path / "shop", {"depth": "quick", "scenario": ""})


@pytest.fixture(autouse=True)
def quick_and_bare(monkeypatch):
    """No wait between retries, and nothing of this machine's own settings."""
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def prompts(n):
    return [[("system", "Be brief."), ("user", f"question {i}")] for i in range(n)]


def ask(served, n=1, **settings):
    asked = Endpoint(served.address, "tiny", agreed=True, project=FREE, **{"timeout": 5.0, **settings})
    answers = {}
    for batch in asked.answer(prompts(n), 20):
        answers |= batch
    return [answers[i] for i in range(n)]


def failing(reply, n=1, slow=0.0, extra=None, **settings):
    with serving(reply, slow, extra) as served:
        answers = ask(served, n, **settings)
    assert all(a.error and a.text == "" and not a.cut for a in answers)
    return answers[0].error


def test_answers_come_back_in_fixed_batches_with_their_tokens_and_seconds():
    with serving(lambda body: f"to {body['messages'][-1]['content']}", slow=0.05) as served:
        asked = Endpoint(served.address, "tiny", agreed=True, project=FREE)
        batches = list(asked.answer(prompts(BATCH + 3), 20))
    assert [list(batch) for batch in batches] == [list(range(BATCH)), list(range(BATCH, BATCH + 3))]
    answers = batches[0] | batches[1]
    assert [answers[i].text for i in range(BATCH + 3)] == [f"to question {i}" for i in range(BATCH + 3)]
    assert all((a.prompt_tokens, a.answer_tokens, a.cut, a.error, a.asked) == (7, 3, False, "", True) for a in answers.values())
    assert all(0.05 <= a.seconds < 5 for a in answers.values())


def test_it_asks_greedily_with_the_limit_and_the_whole_prompt():
    with serving(lambda body: "yes") as served:
        ask(served)
    body = served.bodies[0]
    assert body["temperature"] == 0 and body["max_tokens"] == 20 and body["model"] == "tiny" and "response_format" not in body
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "question 0"}]


def test_at_most_four_are_asked_at_a_time():
    with serving(lambda body: "yes", slow=0.1) as served:
        ask(served, BATCH)
    assert 1 < served.most_at_once <= THREADS


def test_known_rows_are_not_sent_again_unless_they_failed():
    with serving(lambda body: "new") as served:
        asked = Endpoint(served.address, "tiny", agreed=True, project=FREE)
        old = {i: room.Answer("old", 1, 1, False, 0.1) for i in range(BATCH + 1)}
        failed = {BATCH + 1: room.Answer("", 0, 0, False, 0.1, error="it broke.")}
        batches = list(asked.answer(prompts(BATCH + 3), 20, known=old | failed))
    assert len(batches) == 1 and sorted(served.questions) == sorted([f"question {BATCH + 1}", f"question {BATCH + 2}"])
    assert [batches[0][i].text for i in range(BATCH, BATCH + 3)] == ["old", "new", "new"]


def test_a_schema_is_passed_on():
    schema = {"type": "object", "properties": {"label": {"type": "string"}}}
    with serving(lambda body: "{}") as served:
        list(Endpoint(served.address, "tiny", agreed=True, project=FREE).answer(prompts(1), 20, schema))
    assert served.bodies[0]["response_format"]["json_schema"]["schema"] == schema


def test_an_answer_at_the_limit_is_cut():
    with serving(lambda body: completion("and then", finish="length")) as served:
        [answer] = ask(served)
    assert answer.cut and answer.text == "and then" and not answer.error


def test_an_empty_answer_is_an_answer():
    with serving(lambda body: completion("")) as served:
        [answer] = ask(served)
    assert answer.text == "" and answer.error == ""


def test_tokens_that_the_server_does_not_count_are_said_to_be_unknown():
    with serving(lambda body: completion("yes", usage=None)) as served:
        asked = Endpoint(served.address, "tiny", agreed=True, project=FREE)
        [batch] = asked.answer(prompts(3), 20)
    assert (batch[0].prompt_tokens, batch[0].answer_tokens) == (0, 0) and asked.notes == [NO_COUNTS]


def test_a_server_that_counts_no_token_of_a_prompt_has_not_counted():
    with serving(lambda body: completion("yes", usage=(0, 0))) as served:
        asked = Endpoint(served.address, "tiny", agreed=True, project=FREE)
        list(asked.answer(prompts(1), 20))
    assert asked.notes == [NO_COUNTS]


def test_a_server_with_other_names_for_the_limit_or_no_temperature_is_asked_its_way():
    def choosy(body):
        for name in ("max_tokens", "temperature"):
            if name in body:
                return 400, "application/json", {"error": {"message": f"{name} is not supported", "param": name}}
        return f"within {body['max_completion_tokens']}"

    with serving(choosy) as served:
        asked = Endpoint(served.address, "tiny", agreed=True, project=FREE)
        [batch] = asked.answer(prompts(3), 20)
    assert {a.text for a in batch.values()} == {"within 20"} and asked.notes == [NOT_ZERO]


# What can go wrong, each a sentence.


def test_a_server_that_times_out_is_a_sentence():
    started = time.perf_counter()
    said = failing(lambda body: "late", slow=5.0, timeout=0.2)
    assert "didn't answer within 0.2 seconds" in said and time.perf_counter() - started < 4


def test_a_reply_that_trickles_is_not_waited_for_beyond_the_time_out():
    said = failing(lambda body: completion("x" * 200), extra={"X-Trickle": "0.05"}, timeout=0.3)
    assert "didn't answer within 0.3 seconds" in said


def test_a_web_page_is_a_sentence_whatever_it_claims_to_be():
    page = "<html><script>alert(1)</script>Please log in</html>"
    for kind in ("text/html; charset=utf-8", "application/json"):
        said = failing(lambda body, kind=kind: (200, kind, page))
        assert "such as a web page" in said and "<" not in said


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        ((401, "application/json", {"error": {"message": f"wrong key {KEY}"}}), "refuses the key (401)"),
        ((403, "text/html", "no"), "(403)"),
        ((404, "application/json", {"error": {"message": "no such model"}}), "knows no model 'tiny'"),
        ((429, "application/json", {"error": {"message": "slow down"}}), "too many questions from you"),
        ((500, "text/html", "<h1>oops</h1>"), "is failing (500)"),
        ((400, "application/json", {"error": {"message": "the prompt is\n too long"}}), "(400): the prompt is too long"),
        ({"id": "1", "object": "chat.completion", "choices": []}, "gave back no answer at all"),
        ({"id": "1", "object": "chat.completion"}, "something else than the JSON of a chat completion"),
        ((200, "application/json", b"[1, 2]"), "something else than the JSON of a chat completion"),
        ((200, "application/json", b"{}{"), "something else than JSON"),
        ((200, "application/json", b"\xff\xfe\x00"), "something else than JSON"),
        (completion(None), "without text"),
        (completion(None, finish="length"), "used all 20 tokens"),
        (completion("", finish="content_filter"), "withheld"),
        ({"choices": [{"message": {"content": [{"type": "text"}]}, "finish_reason": "stop"}]}, "without text"),
        ({"choices": ["nothing"]}, "without text"),
        ({"error": "the model is loading"}, "something else than the JSON of a chat completion"),
        (None, "can't be reached"),
        ((200, "application/json", b"[" * 100_000), "127.0.0.1"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)  # fmt: skip
def test_each_failure_is_one_sentence_that_names_the_server(reply, says):
    said = failing(lambda body: reply)
    assert says in said and said.startswith("127.0.0.1 ") and said.endswith(".") and "\n" not in said and KEY not in said


def test_a_server_that_is_not_there_is_a_sentence():
    with serving(lambda body: "yes") as served:
        address = served.address
    [batch] = Endpoint(address, "tiny", agreed=True, project=FREE, timeout=2).answer(prompts(1), 20)
    assert "can't be reached" in batch[0].error


def test_a_redirect_is_not_followed():
    with serving(lambda body: "stolen") as other:
        said = failing(lambda body: (307, "text/plain", "over there"), extra={"Location": f"{other.address}/chat/completions"})
    assert "another address (307)" in said and not other.bodies


def test_a_reply_beyond_all_measure_is_not_read_to_its_end():
    for status in (200, 400):
        said = failing(lambda body, status=status: (status, "application/json", b"x" * (LARGEST_REPLY + 100_000)))
        assert "more than 2 MB" in said


def test_a_compressed_reply_is_not_unfolded():
    import gzip

    bomb = gzip.compress(b'{"choices": []}' + b" " * 50_000_000)
    said = failing(lambda body: (200, "application/json", bomb), extra={"Content-Encoding": "gzip"})
    assert "something else than JSON" in said


def test_one_row_that_fails_leaves_the_others_their_answers():
    def reply(body):
        return (400, "text/plain", "no") if body["messages"][-1]["content"] == "question 2" else "fine"

    with serving(reply) as served:
        answers = ask(served, 12)
    assert [i for i, a in enumerate(answers) if a.error] == [2] and sum(a.text == "fine" for a in answers) == 11


def test_after_five_failures_in_a_row_the_rest_is_not_asked_and_gets_the_same_sentence():
    with serving(lambda body: (404, "application/json", {"error": {"message": "no"}})) as served:
        answers = ask(served, 100)
    assert len(served.bodies) <= BATCH and len(answers) == 100
    assert not answers[99].asked and "knows no model" in answers[99].error
    assert f"After {FAILURES_IN_A_ROW} failures in a row" in answers[99].error


def test_failures_here_and_there_do_not_stop_the_rest():
    def reply(body):
        return (400, "text/plain", "no") if int(body["messages"][-1]["content"].split()[1]) % 8 < 2 else "fine"

    with serving(reply) as served:
        answers = ask(served, 10 * BATCH)
    assert len(served.bodies) == 10 * BATCH and sum(a.text == "fine" for a in answers) == 60


def test_a_server_that_dies_half_way_costs_the_rest_not_what_came_before():
    lock, count = threading.Lock(), []

    def reply(body):
        with lock:
            count.append(1)
            return "fine" if len(count) <= 2 * BATCH else (404, "text/plain", "gone")

    with serving(reply) as served:
        answers = ask(served, 10 * BATCH)
    assert [bool(a.error) for a in answers] == [False] * 2 * BATCH + [True] * 8 * BATCH and len(served.bodies) <= 3 * BATCH


def test_a_failed_answer_is_not_judged_as_wrong():
    from workbench.scoring.scorecard import score_answers
    from workbench.scoring.scorers import scorer

    def reply(body):
        return "answer 0" if "question 0" in body["messages"][-1]["content"] else (400, "text/plain", "no")

    with serving(reply) as served:
        answers = ask(served, 4)
    card = score_answers(
        arm="endpoint", title="Server", recipe="r", dataset=ROWS, answers=answers, scorer=scorer("exact"), model="tiny",
        precision="remote", max_new_tokens=20, training_seconds=0.0, machine="here",
    )
    assert card.scores == {"r0": 1.0} and card.unscorable == 3 and "127.0.0.1 refuses" in card.rows[1].error


# The key.


def test_the_key_is_sent_and_stands_nowhere_else(monkeypatch, caplog):
    monkeypatch.setenv("MY_SERVER", KEY)
    caplog.set_level(logging.DEBUG)
    with serving(lambda body: (400, "application/json", {"error": {"message": f"bad {KEY}"}})) as served:
        asked = Endpoint(served.address, "tiny", "MY_SERVER", agreed=True, project=FREE)
        [batch] = asked.answer(prompts(1), 20)
    assert served.headers[0]["authorization"] == f"Bearer {KEY}"
    everything = [repr(asked), asked.identity, str(dataclasses.asdict(asked)), batch[0].error, caplog.text]
    assert "refuses the question (400)" in batch[0].error and not any(KEY in text for text in everything)
    assert "question 0" not in caplog.text


def test_keys_meant_for_another_server_are_not_sent(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, f"secret-{name}")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Other: secret-other\nAuthorization: Bearer secret-too")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    with serving(lambda body: "yes") as served:
        ask(served)
    assert "secret-" not in str(served.headers) and len(served.headers) == 1


def test_nothing_about_this_machine_goes_along():
    with serving(lambda body: "yes") as served:
        ask(served)
    assert set(served.headers[0]) <= room.HEADERS | {"accept-encoding", "authorization"}


def test_a_key_given_in_the_place_of_its_variable_is_refused_and_not_repeated(project):
    for given, error in (("sk-abc123-of-somebody", BadInput), ("abc123ofsomebody", Prerequisite)):
        with pytest.raises(error) as caught:
            open_endpoint(project, "https://host.example/v1", "m", given, agreed=True)
        assert "abc123" not in str(caught.value)


def test_an_address_that_carries_a_secret_is_refused_and_not_repeated():
    for address in ("https://jane:hunter2@host.example/v1", "https://host.example/v1?key=hunter2"):
        with pytest.raises(BadInput) as caught:
            where_to(address)
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["", "host.example/v1", "file:///etc/passwd", "ftp://host/v1", "http://", "http://[::1", "http://a b/v1",
     "javascript:alert(1)", "http://host:port/v1"],
)  # fmt: skip
def test_what_is_no_web_address_is_refused(address):
    with pytest.raises(BadInput, match="not one that can be asked"):
        where_to(address)


# Agreement.


@pytest.mark.parametrize(
    ("address", "near"),
    [("http://localhost:8080/v1", "this machine"), ("http://127.0.0.9/v1", "this machine"),
     ("http://[::1]:80/v1", "this machine"), ("http://[::ffff:127.0.0.1]/v1", "this machine"),
     ("http://192.168.1.7/v1", "this network"), ("http://10.0.0.1/v1", "this network"), ("https://api.example/v1", ""),
     ("http://8.8.8.8/v1", ""), ("http://[::ffff:8.8.8.8]/v1", ""), ("http://localhost.evil.example/v1", ""),
     ("http://intranet/v1", "")],
)  # fmt: skip
def test_only_an_address_that_surely_stays_near_is_said_to(address, near):
    assert where_to(address)[1] == near


def test_nothing_is_sent_before_somebody_agrees(project):
    with serving(lambda body: "yes") as served:
        with pytest.raises(Prerequisite, match="Nobody agreed"):
            open_endpoint(project, served.address, "tiny")
        with pytest.raises(Prerequisite, match="Nobody agreed"):
            list(Endpoint(served.address, "tiny").answer(prompts(1), 20))
        ask_consent(project, served.address, ROWS)
        assert not served.bodies
        list(open_endpoint(project, served.address, "tiny", agreed=True).answer(prompts(1), 20))
        assert len(served.bodies) == 1


def test_agreeing_is_remembered_nowhere(project):
    open_endpoint(project, "https://host.example/v1", "tiny", agreed=True)
    files = [path for path in project.folder.rglob("*") if path.is_file()]
    assert not any("host.example" in path.read_text("utf-8", "replace") for path in files)
    with pytest.raises(Prerequisite, match="Nobody agreed"):
        open_endpoint(project, "https://host.example/v1", "tiny")


@pytest.mark.parametrize("address", ["https://host.example/v1", "http://127.0.0.1:9/v1"])
def test_a_restricted_project_sends_nothing_even_agreed_and_even_here(project, address):
    write_json(project.path("data/terms.json"), {"restricted": True})
    for act in (lambda: open_endpoint(project, address, "m", agreed=True), lambda: ask_consent(project, address, ROWS)):
        with pytest.raises(Prerequisite, match="not to leave the building"):
            act()


def test_a_server_made_by_hand_is_bound_by_the_projects_terms_too(project):
    with serving(lambda body: "yes") as served:
        by_hand = Endpoint(served.address, "tiny", agreed=True, project=project)
        list(by_hand.answer(prompts(1), 20))
        write_json(project.path("data/terms.json"), {"restricted": True})
        for act in (by_hand.need_agreement, lambda: list(by_hand.answer(prompts(1), 20))):
            with pytest.raises(Prerequisite, match="not to leave the building"):
                act()
        with pytest.raises(Prerequisite, match="of which project"):
            list(Endpoint(served.address, "tiny", agreed=True).answer(prompts(1), 20))
    assert len(served.bodies) == 1


def test_agreeing_to_rows_is_not_agreeing_to_their_answers(project):
    with pytest.raises(Prerequisite, match="without their answers"):
        open_endpoint(project, "https://host.example/v1", "m", agreed=True).need_agreement(with_answers=True)
    open_endpoint(project, "https://host.example/v1", "m", agreed=True, with_answers=True).need_agreement(with_answers=True)
    with pytest.raises(Prerequisite, match="Nobody agreed"):
        Endpoint("https://host.example/v1", "m", with_answers=True).need_agreement(with_answers=True)


def test_what_would_leave_is_said_with_a_masked_look_at_it(project):
    examples = Dataset("examples", (Example("e1", (("user", "hello"),), f"write to {MAIL}"),))
    leaving = ask_consent(project, "http://host.example/v1", ROWS, examples)
    assert (leaving.rows, leaving.examples, leaving.changed, len(leaving.preview)) == (4, 1, 5, 3)
    said = repr(leaving)
    assert "4 rows without their answers" in said and "1 training rows" in said and "host.example" in said
    assert "unencrypted" in said and "not this machine" in said
    assert MAIL not in leaving._repr_html_() and "[EMAIL]" in leaving._repr_html_() and "answer 0" not in leaving._repr_html_()
    assert Leaving.from_dict(leaving.to_dict()) == leaving


def test_a_judge_is_said_to_get_the_answers_too(project):
    leaving = ask_consent(project, "https://host.example/v1", ROWS, with_answers=True)
    assert "with their answers" in repr(leaving) and "answer 0" in leaving.preview[0][1]


def test_texts_leave_masked_unless_said_otherwise(project):
    said = [[("user", f"I am Jane Doe, my mail is {MAIL}")]]
    with serving(lambda body: "yes") as served:
        list(open_endpoint(project, served.address, "t", agreed=True).answer(said, 20))
        list(open_endpoint(project, served.address, "t", agreed=True, unmasked=True).answer(said, 20))
    assert MAIL not in served.questions[0] and "Jane" not in served.questions[0] and MAIL in served.questions[1]


def test_masked_and_unmasked_answers_are_not_taken_for_each_other():
    assert Endpoint("http://a/v1", "m").identity != Endpoint("http://a/v1", "m", masked=False).identity


def test_a_server_said_to_be_here_is_not_asked_through_a_proxy(monkeypatch):
    with serving(lambda body: "by proxy") as proxy, serving(lambda body: "directly") as served:
        monkeypatch.setenv("HTTP_PROXY", proxy.address.removesuffix("/v1"))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        [answer] = ask(served)
    assert answer.text == "directly" and not proxy.bodies
