"""Checks the sample data in data_samples/brand_voice. Needs pytest and the standard library."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from planted import SAMPLES, PlantedRules, Sample

SAMPLE = Sample("brand_voice", "replies.csv")
VOICE, MEANING = SAMPLE.read_json("voice.json"), SAMPLE.read_json("meaning.json")
ITEMS = sorted({item for items in SAMPLE.read_json("phrases.json")["items"].values() for item in items}, key=len, reverse=True)


def events_said(reply: str) -> list[str]:
    """The events whose patterns are in the reply."""
    return [event for event, patterns in MEANING["events"].items() if any(re.search(p, reply.lower()) for p in patterns)]


def facts_said(reply: str) -> set[str]:
    """The amounts and weekdays in the reply, in lower case."""
    return {*re.findall(MEANING["amount_pattern"], reply), *re.findall(MEANING["weekday_pattern"], reply.lower())}


def facts_due(row: dict[str, str]) -> set[str]:
    """The amount and the weekday of the row, in lower case."""
    return {row[column].lower() for column in MEANING["fact_columns"]} - {""}


def keeps_the_voice(row: dict[str, str]) -> bool:
    """Whether the reply passes every point of voice.json."""
    reply = row["reply"]
    sentences = re.split(r"(?<=\.) (?=[A-Z])", reply)
    return (
        reply.startswith(VOICE["starts_with"]) and reply.endswith(VOICE["ends_with"])
        and reply.count(VOICE["next_step_marker"]) == VOICE["next_steps"]
        and not any(phrase in reply.lower() for phrase in VOICE["forbidden"])
        and max(len(sentence.split()) for sentence in sentences) <= VOICE["most_words_per_sentence"]
        and all(row[column] in reply for column in VOICE["must_name"])
    )


class TestPlanted(PlantedRules):
    sample = SAMPLE
    counts = {
        "wrong_event": 6, "wrong_fact": 4, "off_voice": 4, "duplicate": 6, "near_duplicate": 5, "contradiction": 6,
        "empty_answer": 3, "truncated_answer": 5, "refusal": 4, "boilerplate": 4, "email": 4, "phone": 3, "html": 2,
        "mojibake": 2, "chat_tokens": 2, "wrong_language": 2, "overlong": 1, "wrong_cell_count": 2, "test_leak": 2,
        "near_test_leak": 1,
    }
    fewest_clean_rows = 240
    shared_words = rf"(?i)\b(?:{'|'.join(ITEMS)}|{MEANING['weekday_pattern']}|desk note|eur {MEANING['amount_pattern']})\b"


@pytest.mark.parametrize("rows", [SAMPLE.clean, SAMPLE.test], ids=["training", "test"])
def test_clean_replies_keep_the_voice_and_say_what_is_due(rows):
    for row in rows.values():
        assert keeps_the_voice(row), row
        assert events_said(row["reply"]) == [row["event"]], row
        assert facts_said(row["reply"]) == facts_due(row), row


def test_what_is_due_can_be_read_from_the_message():
    for row in [*SAMPLE.clean.values(), *SAMPLE.test.values()]:
        note = row["message"].split("Desk note: ")[1]
        assert facts_said(note) == facts_due(row) and row["item"] in row["message"]


def test_wrong_events_keep_the_voice_and_promise_another_event():
    found = Counter()
    for row in SAMPLE.planted("wrong_event"):
        assert keeps_the_voice({**row, "amount": ""})
        [said] = events_said(row["reply"])
        assert said != row["event"]
        found[said] += 1
    assert found == {"refund": 4, "replacement": 2}


def test_wrong_facts_are_not_in_the_message():
    for row in SAMPLE.planted("wrong_fact"):
        assert events_said(row["reply"]) == [row["event"]]
        assert facts_said(row["reply"]) - facts_said(row["message"])


def test_off_voice_replies_have_the_right_event_and_facts():
    for row in SAMPLE.planted("off_voice"):
        assert not keeps_the_voice(row) and events_said(row["reply"]) == [row["event"]]
        assert facts_said(row["reply"]) <= facts_due(row)


def test_truncated_replies_start_right_and_have_no_sign_off():
    for row in SAMPLE.planted("truncated_answer"):
        assert row["reply"].startswith(VOICE["starts_with"]) and VOICE["ends_with"] not in row["reply"]
        assert row["reply"][-1].isalpha()


def test_in_half_of_the_wishes_the_customer_asks_for_something_else():
    """Copying the wish in place of the desk's decision must not pay."""
    for split, rows in (("train", SAMPLE.clean), ("test", SAMPLE.test)):
        wishes = SAMPLE.read_json("phrases.json")[split]["wishes"]
        wished = [(row["event"], wish) for row in rows.values() for wish in wishes if wish in row["message"]]
        clear = [(due, events_said(wish)) for due, wish in wished if events_said(wish)]
        assert len(wished) > len(rows) / 2 and len(clear) > 5
        assert sum(due not in said for due, said in clear) > len(clear) / 2


def test_events_are_balanced_and_half_of_the_test_items_are_new():
    counts = Counter(row["event"] for row in SAMPLE.test.values())
    assert set(counts) == set(MEANING["events"]) and max(counts.values()) - min(counts.values()) <= 1
    known = {row["item"] for row in SAMPLE.clean.values()}
    tested = {row["item"] for row in SAMPLE.test.values()}
    assert len(tested - known) * 2 == len(tested)


def test_instructions_name_the_voice():
    scenario = SAMPLE.read_json("scenario.json")
    for text in (VOICE["starts_with"], VOICE["ends_with"], VOICE["next_step_marker"], "unfortunately", "desk note"):
        assert text in scenario["instructions"]
    assert scenario["scorer"] == "voice" and scenario["meaning_column"] == MEANING["event_column"]


def test_the_three_samples_together_are_small():
    folders = [SAMPLES / name for name in ("brand_voice", "internal_codes", "policy_questions")]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert 0 < sum(path.stat().st_size for path in files) < 500_000
