"""The items of the forgetting check are well formed: every id is unique, every gold is in range, no position gives the answer away."""

import json
from collections import Counter
from pathlib import Path

import pytest

from workbench.check.skills import load_suite, probe_texts

ITEMS = Path(__file__).resolve().parents[2] / "workbench" / "check" / "items"
COUNTS = {"grammar": 40, "facts": 48, "common_sense": 40, "science": 36, "language": 24, "instructions": 40}
CHOICES = {"grammar": 2, "facts": 1, "common_sense": 2, "science": 4, "language": 1}
CLUSTERS = {"grammar": 8, "facts": 6, "common_sense": 6, "science": 6, "language": 6, "instructions": 6}
MOST_IN_ONE_POSITION = {2: 0.65, 4: 0.40}


def load(name):
    text = (ITEMS / f"{name}.jsonl").read_bytes().decode("utf-8")
    assert text.endswith("\n")
    return [json.loads(line) for line in text[:-1].split("\n")]


def parses_as_json(text):
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("name", COUNTS)
def test_count_and_clusters(name):
    rows = load(name)
    assert len(rows) == COUNTS[name]
    assert len({row["cluster"] for row in rows}) >= CLUSTERS[name]


def test_ids_are_unique_and_named_after_their_file():
    seen = Counter()
    for name in COUNTS:
        for number, row in enumerate(load(name), start=1):
            assert row["id"] == f"{name.replace('_', '-')}-{number:03d}"
            seen[row["id"]] += 1
    assert max(seen.values()) == 1


@pytest.mark.parametrize("name", CHOICES)
def test_fields_of_scored_items(name):
    for row in load(name):
        assert list(row) == ["id", "context", "choices", "gold", "cluster"], row["id"]
        assert isinstance(row["context"], str) and isinstance(row["cluster"], str) and row["cluster"], row["id"]
        assert len(row["choices"]) == CHOICES[name], row["id"]
        assert type(row["gold"]) is int and 0 <= row["gold"] < len(row["choices"]), row["id"]
        assert not row["context"].endswith((" ", "\n")), row["id"]
        for choice in row["choices"]:
            assert isinstance(choice, str) and choice.strip(), row["id"]
            lead = " " if row["context"] else ""
            assert choice == lead + choice.strip(), row["id"]


@pytest.mark.parametrize("name", ["grammar", "language"])
def test_context_is_empty(name):
    assert {row["context"] for row in load(name)} == {""}


@pytest.mark.parametrize("name", ["facts", "common_sense", "science"])
def test_context_is_given(name):
    assert all(row["context"] for row in load(name))


def test_science_contexts_are_questions():
    for row in load("science"):
        assert row["context"].startswith("Question: ") and row["context"].endswith("?\nAnswer:"), row["id"]


@pytest.mark.parametrize("name", [name for name, n in CHOICES.items() if n > 1])
def test_gold_positions_are_balanced(name):
    rows = load(name)
    places = Counter(row["gold"] for row in rows)
    assert set(places) == set(range(CHOICES[name]))
    assert max(places.values()) / len(rows) <= MOST_IN_ONE_POSITION[CHOICES[name]]


@pytest.mark.parametrize("name", CHOICES)
def test_no_duplicates(name):
    rows = load(name)
    items = Counter((row["context"].lower(), tuple(sorted(c.lower() for c in row["choices"]))) for row in rows)
    assert max(items.values()) == 1
    for row in rows:
        assert len({choice.lower() for choice in row["choices"]}) == len(row["choices"]), row["id"]


@pytest.mark.parametrize("name", ["grammar", "common_sense"])
def test_two_choices_are_of_similar_length(name):
    for row in load(name):
        a, b = (len(choice.split()) for choice in row["choices"])
        assert abs(a - b) <= 1, row["id"]


def test_facts_have_short_answers():
    for row in load("facts"):
        assert len(row["choices"][0].split()) == 1, row["id"]


def test_language_paragraphs_have_50_to_80_words():
    for row in load("language"):
        assert 50 <= len(row["choices"][0].split()) <= 80, row["id"]


def test_instructions():
    rows = load("instructions")
    for row in rows:
        assert list(row) == ["id", "prompt", "answer", "cluster"], row["id"]
        assert all(isinstance(value, str) and value == value.strip() and value for value in row.values()), row["id"]
        assert 10 <= len(row["answer"].split()) <= 40, row["id"]
        assert not parses_as_json(row["answer"]), row["id"]
        assert "{" not in row["answer"] and "[" not in row["answer"], row["id"]
        assert "json" not in (row["prompt"] + row["answer"]).lower(), row["id"]
    assert len({row["prompt"].lower() for row in rows}) == len(rows)
    assert len({row["answer"].lower() for row in rows}) == len(rows)


def test_suite_lists_every_file():
    suite = json.loads((ITEMS / "suite.json").read_text(encoding="utf-8"))
    assert set(suite) == {"version", "skills"} and suite["version"] == "1"
    assert [skill["name"] for skill in suite["skills"]] == list(COUNTS)
    assert {skill["file"] for skill in suite["skills"]} == {path.name for path in ITEMS.glob("*.jsonl")}
    for skill in suite["skills"]:
        assert list(skill) == ["name", "title", "file", "kind", "chance", "what"]
        assert skill["title"] and skill["what"]
        n = CHOICES.get(skill["name"])
        assert skill["kind"] == ("chat" if n is None else "completion" if n == 1 else "choice")
        assert skill["chance"] == (1 / n if skill["kind"] == "choice" else None)


def test_readme_gives_the_counts():
    readme = (ITEMS / "README.md").read_text(encoding="utf-8")
    for name, count in COUNTS.items():
        assert f"| `{name}.jsonl` | {count} |" in readme
    assert "CC0 1.0" in readme


def test_every_item_has_a_text_that_must_not_be_trained_on():
    texts = probe_texts()
    assert len(texts) == sum(len(skill.items) for skill in load_suite(10**9))
    assert all(text.strip() for text in texts.values())
    assert texts["instructions-001"] == "Why does the sky turn red at sunset?"
