"""A reply keeps the voice or not, and a reply that promises the wrong thing is wrong in any voice."""

import csv
import json
from dataclasses import replace

import pytest

from workbench.dataset import Example
from workbench.errors import BadInput
from workbench.runtime import ROOT
from workbench.scoring.scorers import scorer
from workbench.scoring.voice import check_rules, events_said, style_checks

SAMPLE = ROOT / "data_samples/brand_voice"
RULES = {name: json.loads((SAMPLE / f"{name}.json").read_text(encoding="utf-8")) for name in ("voice", "meaning")}
JUDGE = scorer("voice", rules=RULES).judge


def read(file):
    with open(SAMPLE / file, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def example(row):
    columns = {name: row[name] or "" for name in ("event", "item", "amount", "weekday")}
    return Example(row["row_id"], (("user", row["message"]),), row["reply"] or "", {"columns": columns})


TEST = [example(row) for row in read("test.csv")]
TRAIN = {row["row_id"]: example(row) for row in read("replies.csv")}
FAULTS = json.loads((SAMPLE / "faults.json").read_text(encoding="utf-8"))


def judged(row, reply):
    return JUDGE([row], [reply])[0]


def due(event, amount="", weekday="", item="lamp"):
    return Example("r", (("user", "?"),), "", {"columns": {"event": event, "item": item, "amount": amount, "weekday": weekday}})


def said(middle):
    return f"Hello from Velmory. {middle} Next step: wait for our mail. Warmly, the Velmory desk"


def test_every_right_reply_of_the_sample_gets_the_full_score():
    faulty = {row_id for fault in FAULTS.values() for row_id in fault["ids"]}
    rows = TEST + [row for row_id, row in TRAIN.items() if row_id not in faulty]
    assert len(rows) > 300
    for row, found in zip(rows, JUDGE(rows, [row.answer for row in rows]), strict=True):
        assert found.score == 1.0 and set(found.aspects.values()) == {1.0}, row.answer


@pytest.mark.parametrize("fault", ["wrong_event", "wrong_fact"])
def test_replies_in_perfect_voice_that_promise_the_wrong_thing_get_nothing(fault):
    for row_id in FAULTS[fault]["ids"]:
        found = judged(TRAIN[row_id], TRAIN[row_id].answer)
        assert (found.score, found.aspects["meaning"]) == (0.0, 0.0) and found.aspects["style"] > 0.8


def test_the_right_promise_in_the_wrong_voice_keeps_only_its_share_of_the_style():
    for row_id in FAULTS["off_voice"]["ids"]:
        found = judged(TRAIN[row_id], TRAIN[row_id].answer)
        assert found.aspects["meaning"] == 1.0 and found.score == found.aspects["style"] < 0.5


def test_the_right_reply_to_another_event_gets_nothing():
    """Whoever answers all alike in perfect voice must not be paid for it."""
    pairs = [(row, other) for row in TEST for other in TEST[:20]
             if row.provenance["columns"]["event"] != other.provenance["columns"]["event"]]
    assert len(pairs) > 1000
    assert {found.score for found in JUDGE([row for row, _ in pairs], [other.answer for _, other in pairs])} == {0.0}


@pytest.mark.parametrize(
    "row, middle, right",
    [
        (due("refund", "45.00", "Monday"), "We refund 45.00 for the lamp on Monday.", True),
        (due("refund", "45.00", "Monday"), "We refund 54.00 for the lamp on Monday.", False),
        (due("refund", "45.00", "Monday"), "We refund EUR 54 for the lamp on Monday.", False),
        (due("refund", "45.00", "Monday"), "We refund EUR 45 for the lamp on Monday.", True),
        (due("refund", "45.00", "Monday"), "We refund 45.00 for the lamp on Friday.", False),
        (due("refund", "45.00", "Monday"), "We refund 45.00 for the lamp on Monday or Friday.", False),
        (due("refund", "45.00", "Monday"), "We refund 45.00 and send a replacement for the lamp on Monday.", False),
        (due("refund", "45.00", "Monday"), "We do not refund 45.00 for the lamp on Monday.", False),
        (due("replacement", weekday="Monday"), "This is not a refund. We replace the lamp on Monday.", True),
        (due("replacement", weekday="Monday"), "Instead of a refund, we replace the lamp on Monday.", True),
        (due("replacement", weekday="Monday"), "We refund it instead of a new lamp on Monday.", False),
        (due("replacement", weekday="Monday"), "Thank you for writing about the lamp on Monday.", False),
        (due("replacement"), "We replace the lamp on Monday.", False),
    ],
)
def test_the_meaning_is_the_rows_event_amount_and_weekday_and_no_other(row, middle, right):
    assert judged(row, said(middle)).aspects["meaning"] == right
    assert (judged(row, said(middle)).score > 0) == right


def test_each_point_of_the_checklist_is_seen_by_itself():
    row, good = due("replacement", weekday="Monday"), said("We replace the lamp on Monday.")
    assert judged(row, good).score == 1.0
    spoilt = {
        "starts as it should": good.replace("Hello", "Hi"),
        "ends as it should": good + " P.S. Bye.",
        "next step": good.replace("Next step:", "Then"),
        "short sentences": good.replace("We replace", "We " + "very " * 12 + "gladly replace"),
        "nothing forbidden": good.replace("Monday.", "Monday!"),
        "names what is due": good.replace("the lamp", "it"),
    }
    assert set(spoilt) == set(judged(row, good).aspects) - {"style", "meaning"}
    for name, reply in spoilt.items():
        found = judged(row, reply)
        assert {n for n, kept in found.aspects.items() if kept == 0.0} == {name}
        assert found.score == pytest.approx(5 / 6)


def test_points_that_a_checklist_does_not_have_are_not_looked_at():
    assert style_checks("anything!", {"forbidden": ["kindly"]}, {}) == {"nothing forbidden": 1.0}


def test_a_row_that_does_not_say_what_is_due_can_not_be_judged():
    row = TEST[0]
    bare = [replace(row, provenance={}), replace(row, provenance={"columns": {"item": "lamp", "event": " "}})]
    assert [(j.score, j.aspects) for j in JUDGE(bare, [row.answer] * 2)] == [(None, {})] * 2


@pytest.mark.parametrize(
    "rules", [None, {}, {"voice": RULES["voice"]}, {"meaning": RULES["meaning"]}, {**RULES, "meaning": {"events": {}}}]
)
def test_a_voice_without_rules_is_refused(rules):
    with pytest.raises(BadInput, match="this project has none"):
        scorer("voice", rules=rules)


def test_a_pattern_that_can_not_be_read_is_named():
    with pytest.raises(BadInput, match=r"'\(refund'"):
        check_rules({**RULES, "meaning": {**RULES["meaning"], "events": {"refund": ["(refund"]}}})


def test_scores_are_made_again_when_the_rules_change():
    other = {**RULES, "voice": {**RULES["voice"], "forbidden": ["!"]}}
    assert scorer("voice", rules=other).what != scorer("voice", rules=RULES).what


def test_a_denied_event_is_not_promised():
    said = "You need not return it. We refund it; it is later than planned, no later than Monday."
    assert events_said(said, RULES["meaning"]) == {"refund", "delay"}
