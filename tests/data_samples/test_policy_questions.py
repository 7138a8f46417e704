"""Checks the sample data in data_samples/policy_questions. Needs pytest and the standard library."""

from __future__ import annotations

import re

import pytest
from planted import PlantedRules, Sample

SAMPLE = Sample("policy_questions", "questions.csv")
NO_ANSWER = "The documents do not say."


def sections(version: str) -> dict[str, str]:
    """Section id to text, from the pages of one version."""
    found = {}
    for page in sorted((SAMPLE.folder / f"documents_{version}").glob("*.md")):
        for section in page.read_text(encoding="utf-8").split("\n## ")[1:]:
            heading, body = section.split("\n\n", 1)
            found[heading.split()[0]] = body.strip()
    return found


V1, V2 = sections("v1"), sections("v2")


class TestPlanted(PlantedRules):
    sample = SAMPLE
    counts = {
        "wrong_fact": 6, "newer_version": 4, "duplicate": 6, "near_duplicate": 5, "contradiction": 6, "empty_answer": 3,
        "truncated_answer": 4, "refusal": 4, "boilerplate": 4, "email": 3, "phone": 3, "html": 2, "mojibake": 2,
        "chat_tokens": 2, "wrong_language": 2, "wrong_cell_count": 2, "test_leak": 2, "near_test_leak": 2,
    }
    fewest_clean_rows = 160


def test_both_versions_have_the_same_sections_and_60_percent_changed():
    assert list(V1) == list(V2) and len(V1) == 40
    assert sum(V1[section] != V2[section] for section in V1) == 24


def test_changes_page_lists_what_changed():
    rows = [line.strip("| ").split(" | ") for line in SAMPLE.lines("CHANGES.md") if re.match(r"\| \w+-\d", line)]
    assert [row[0] for row in rows] == [section for section in facts_order() if V1[section] != V2[section]]
    for section, _, old, new in rows:
        assert old in V1[section] and new in V2[section] and V1[section].replace(old, new) == V2[section]


def facts_order() -> list[str]:
    """Section ids in the order of facts.json."""
    return [fact["id"] for page in SAMPLE.read_json("facts.json")["pages"].values() for fact in page["facts"]]


@pytest.mark.parametrize("rows", [SAMPLE.clean, SAMPLE.test], ids=["training", "test"])
def test_clean_answers_stand_in_their_section_word_for_word(rows):
    for row in rows.values():
        section = row["source_section"]
        if not section:
            assert row["answer"] == row["answer_v2"] == NO_ANSWER and row["changed"] == "no"
            continue
        assert row["answer"] in V1[section] and row["answer_v2"] in V2[section]
        assert (row["changed"] == "yes") == (V1[section] != V2[section]) == (row["answer"] != row["answer_v2"])


def test_an_answer_stands_in_one_section_only():
    for row in SAMPLE.test.values():
        assert row["answer"] == NO_ANSWER or sum(row["answer"] in text for text in V1.values()) == 1


def test_ten_test_questions_have_no_answer_and_every_section_is_asked_for():
    asked = [row["source_section"] for row in SAMPLE.test.values()]
    assert asked.count("") == 10 and set(asked) - {""} == set(V1)
    assert set(V1) <= {row["source_section"] for row in SAMPLE.clean.values()}
    assert any(not row["source_section"] for row in SAMPLE.clean.values())


def test_wrong_facts_are_in_neither_version():
    for row in SAMPLE.planted("wrong_fact"):
        assert row["answer"] not in V1[row["source_section"]] and row["answer"] not in V2[row["source_section"]]


def test_answers_of_the_newer_version_are_in_version_2_alone():
    for row in SAMPLE.planted("newer_version"):
        assert row["answer"] not in V1[row["source_section"]] and row["answer"] in V2[row["source_section"]]


def test_one_side_of_a_contradiction_is_right():
    for row, other in SAMPLE.repeats("contradiction"):
        assert (row["answer"] in V1[row["source_section"]]) != (other["answer"] in V1[row["source_section"]])


def test_truncated_answers_are_the_start_of_the_right_one():
    facts = {fact["id"]: fact["v1"] for page in SAMPLE.read_json("facts.json")["pages"].values() for fact in page["facts"]}
    for row in SAMPLE.planted("truncated_answer"):
        whole = facts[row["source_section"]]
        assert whole.startswith(row["answer"] + " ") and row["answer"] != whole


def test_instructions_say_what_to_answer_where_nothing_is_found():
    scenario = SAMPLE.read_json("scenario.json")
    assert scenario["scorer"] == "fact" and NO_ANSWER in scenario["instructions"] and scenario["unanswerable"] == NO_ANSWER
