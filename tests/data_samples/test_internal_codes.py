"""Checks the sample data in data_samples/internal_codes. Needs pytest and the standard library."""

from __future__ import annotations

import re
from collections import Counter

from planted import PlantedRules, Sample

SAMPLE = Sample("internal_codes", "messages.csv")
CODE = re.compile(r"\b[A-Z]{2}-\d\d\b")
QUEUES = {"billing", "access", "network", "facilities", "hardware", "payroll", "procurement", "security"}


def glossary() -> dict[str, str]:
    """Code to queue, as the sections of the glossary say it."""
    text = (SAMPLE.folder / "documents" / "glossary.md").read_text(encoding="utf-8")
    queues = {}
    for section in text.split("\n## ")[1:]:
        code, body = section.split("\n\n", 1)
        last_sentence = re.split(r"(?<=\.) ", body.strip())[-1].lower()
        [queues[code]] = [queue for queue in QUEUES if queue in last_sentence]
    return queues


class TestPlanted(PlantedRules):
    sample = SAMPLE
    counts = {
        "wrong_label": 8, "outside_list": 3, "no_code": 3, "duplicate": 8, "near_duplicate": 6, "contradiction": 6,
        "empty_answer": 3, "refusal": 2, "boilerplate": 3, "email": 4, "phone": 3, "html": 2, "mojibake": 2,
        "chat_tokens": 2, "wrong_language": 2, "overlong": 1, "wrong_cell_count": 2, "test_leak": 2, "near_test_leak": 1,
    }
    fewest_clean_rows = 200
    shared_words = CODE.pattern


def test_clean_rows_have_one_code_and_the_queue_of_the_glossary():
    queues = glossary()
    for row in [*SAMPLE.clean.values(), *SAMPLE.test.values()]:
        assert CODE.findall(row["message"]) == [row["code"]]
        assert row["queue"] == queues[row["code"]]


def test_the_glossary_has_every_code_and_five_for_each_queue():
    queues = glossary()
    assert len(queues) == 40 and set(Counter(queues.values()).items()) == {(queue, 5) for queue in QUEUES}
    used = {row["code"] for row in [*SAMPLE.clean.values(), *SAMPLE.test.values()]}
    assert used == set(queues)


def test_unseen_codes_are_in_no_training_row():
    unseen = {row["code"] for row in SAMPLE.test.values() if row["code_seen"] == "no"}
    assert len(unseen) == 8 and {glossary()[code] for code in unseen} == QUEUES
    training = "\n".join(SAMPLE.lines("messages.csv"))
    assert not any(code in training for code in unseen)
    seen = {row["code"] for row in SAMPLE.test.values() if row["code_seen"] == "yes"}
    assert len(seen) == 32 and seen == {row["code"] for row in SAMPLE.clean.values()}


def test_every_seen_code_has_at_least_four_clean_rows():
    counts = Counter(row["code"] for row in SAMPLE.clean.values())
    assert min(counts.values()) >= 4


def test_letters_of_a_code_do_not_say_its_queue():
    queues: dict[str, set[str]] = {}
    for code, queue in glossary().items():
        queues.setdefault(code[:2], set()).add(queue)
    assert all(len(found) >= 3 for found in queues.values())


def test_other_pages_do_not_name_a_code():
    pages = [page for page in (SAMPLE.folder / "documents").glob("*.md") if page.name != "glossary.md"]
    assert len(pages) == 3
    for page in pages:
        assert not CODE.search(page.read_text(encoding="utf-8"))


def test_test_rows_are_balanced():
    counts = Counter((row["queue"], row["code_seen"]) for row in SAMPLE.test.values())
    assert counts == {(queue, seen): count for queue in QUEUES for seen, count in (("yes", 7), ("no", 3))}


def test_wrong_labels_are_queues_of_other_codes():
    rows = SAMPLE.planted("wrong_label")
    assert len({row["code"] for row in rows}) == 8
    for row in rows:
        assert row["queue"] in QUEUES and row["queue"] != glossary()[row["code"]]


def test_values_outside_the_list():
    assert {row["queue"] for row in SAMPLE.planted("outside_list")}.isdisjoint(QUEUES)


def test_messages_that_lost_their_code_have_none():
    found = [row_id for row_id, row in SAMPLE.train.items() if not CODE.search(row["message"])]
    assert found == SAMPLE.faults["no_code"]["ids"]


def test_instructions_name_every_queue():
    scenario = SAMPLE.read_json("scenario.json")
    assert scenario["scorer"] == "label" and all(queue in scenario["instructions"] for queue in QUEUES)
