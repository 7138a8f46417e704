"""Checks the items of the forgetting check in data_samples/general_skills. Needs pytest and the standard library."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from pathlib import Path
from statistics import mean

import pytest
from planted import SAMPLES

FOLDER = SAMPLES / "general_skills"
BENCHMARKS = SAMPLES.parents[1] / "shared" / "benchmarks"
SUITE = json.loads((FOLDER / "suite.json").read_text(encoding="utf-8"))
SKILLS = {skill["name"]: skill for skill in SUITE["skills"]}
FIELDS = {
    "choice": ["id", "context", "choices", "gold", "cluster"],
    "completion": ["id", "context", "choices", "gold", "cluster"],
    "chat": ["id", "prompt", "answer", "cluster"],
    "instruct": ["id", "prompt", "checks", "answer", "cluster"],
    "talk": ["id", "turns", "answers", "answer", "cluster"],
}
FEWEST = {"grammar": 120, "facts": 120, "common_sense": 120, "science": 120}
CHOSEN = [name for name, skill in SKILLS.items() if skill["kind"] == "choice"]
PASSAGE = 40


def load(name: str) -> list[dict]:
    """The items of a skill in the order of its file."""
    text = (FOLDER / SKILLS[name]["file"]).read_bytes().decode("utf-8")
    assert text.endswith("\n") and "\r" not in text
    return [json.loads(line) for line in text[:-1].split("\n")]


ITEMS = {name: load(name) for name in SKILLS}


def texts(item: dict) -> list[str]:
    """Every text in the item that a model may be shown or scored on."""
    found = [item.get("context", ""), item.get("prompt", ""), item.get("answer", ""), *item.get("choices", ())]
    return [text for text in [*found, *(said for _, said in item.get("turns", ()))] if text]


def bare(text: str) -> str:
    """Text in lower case, with single spaces and without marks at the end of a word."""
    return " ".join(word.strip(".,;:!?'\"") or word for word in text.casefold().split())


def words(text: str) -> list[str]:
    return re.findall(r"[\w'-]+", text.casefold())


def sentences(text: str) -> int:
    return len(re.findall(r"[.!?]+[\"')]*(?=\s|$)", text))


def ends_with(text: str, value: str) -> bool:
    text, value = text.rstrip().casefold(), value.casefold()
    return (text.rstrip(".!?\"'") if value[-1].isalnum() else text).endswith(value)


# The meaning of each type of check, as the README puts it.
HOLDS = {
    "max_words": lambda text, n: len(text.split()) <= n,
    "min_words": lambda text, n: len(text.split()) >= n,
    "words": lambda text, n: len(text.split()) == n,
    "sentences": lambda text, n: sentences(text) == n,
    "starts_with": lambda text, value: text.lstrip().casefold().startswith(value.casefold()),
    "ends_with": ends_with,
    "contains": lambda text, value: value.casefold() in text.casefold(),
    "contains_any": lambda text, values: any(value.casefold() in text.casefold() for value in values),
    "no_word": lambda text, value: value.casefold() not in words(text),
    "no_text": lambda text, value: value.casefold() not in text.casefold(),
    "lines": lambda text, n: sum(bool(line.strip()) for line in text.split("\n")) == n,
    "number_of_items": lambda text, n: len(re.findall(r"^\s*(?:[-*\u2022]|\d+[.)])\s+\S", text, re.MULTILINE)) == n,
    "lowercase": lambda text, on: text.islower() is on,
    "uppercase": lambda text, on: text.isupper() is on,
    "one_of": lambda text, values: text.strip().rstrip(".!?").casefold() in values,
}
VALUES = {
    int: {"max_words", "min_words", "words", "sentences", "lines", "number_of_items"},
    str: {"starts_with", "ends_with", "contains", "no_word", "no_text"},
    list: {"contains_any", "one_of"},
    bool: {"lowercase", "uppercase"},
}


def holds(text: str, check: dict) -> bool:
    """Whether an answer passes a check."""
    return HOLDS[check["type"]](text, check["value"])


def test_the_suite_names_every_file_and_what_it_asks():
    assert set(SUITE) == {"version", "levels", "skills"} and SUITE["version"] == "2"
    assert len(SKILLS) == len(SUITE["skills"]) >= 10
    assert sorted(skill["file"] for skill in SKILLS.values()) == sorted(path.name for path in FOLDER.glob("*.jsonl"))
    for skill in SKILLS.values():
        assert list(skill) == ["name", "title", "file", "kind", "chance", "what"]
        assert skill["what"].endswith("?") and skill["title"] and skill["kind"] in FIELDS


@pytest.mark.parametrize("name", SKILLS)
def test_every_level_can_be_filled(name):
    assert list(SUITE["levels"]) == ["minute", "five", "thirty"] and SUITE["levels"]["thirty"] is None
    assert 0 < SUITE["levels"]["minute"] < SUITE["levels"]["five"] <= len(ITEMS[name])
    assert len(ITEMS[name]) >= FEWEST.get(name, 60)


def test_ids_are_unique():
    ids = Counter(item["id"] for items in ITEMS.values() for item in items)
    assert max(ids.values()) == 1


@pytest.mark.parametrize("name", SKILLS)
def test_items_have_the_fields_of_their_kind(name):
    kind = SKILLS[name]["kind"]
    for item in ITEMS[name]:
        assert sorted(item) == sorted([*FIELDS[kind], *(["prompt"] if name == "safety" else [])]), item["id"]
        assert re.fullmatch(r"[a-z_]+", item["cluster"]), item["id"]
        assert all(text.isprintable() for text in re.split("[\n ]", " ".join(texts(item)))), item["id"]
        if "answer" in item:
            assert item["answer"] and item["answer"] == item["answer"].strip(), item["id"]


@pytest.mark.parametrize("name", [name for name, skill in SKILLS.items() if skill["kind"] in ("choice", "completion")])
def test_choices_join_their_context_and_gold_is_one_of_them(name):
    for item in ITEMS[name]:
        context, choices = item["context"], item["choices"]
        assert type(item["gold"]) is int and 0 <= item["gold"] < len(choices), item["id"]
        assert len({choice.casefold() if name != "code" else choice for choice in choices}) == len(choices), item["id"]
        expected = None if SKILLS[name]["chance"] is None else round(1 / SKILLS[name]["chance"])
        assert len(choices) == (expected or 1), item["id"]
        if not context:
            glue = ""
        elif name == "code" and re.search(r"(?:\n|print|append|\.|reverse=)$", context):
            glue = ""
        else:
            glue = " "
        assert not context.endswith(" "), item["id"]
        assert all(choice == glue + choice.strip() for choice in choices), item["id"]


@pytest.mark.parametrize("name", CHOSEN)
def test_no_position_gives_the_answer_away(name):
    items = ITEMS[name]
    places = Counter(item["gold"] for item in items)
    fair = len(items) * SKILLS[name]["chance"]
    assert all(abs(places[k] - fair) <= 0.1 * len(items) for k in range(len(items[0]["choices"])))


@pytest.mark.parametrize("name", CHOSEN)
def test_length_does_not_give_the_answer_away(name):
    gold = [len(item["choices"][item["gold"]].strip()) for item in ITEMS[name]]
    wrong = [len(c.strip()) for item in ITEMS[name] for k, c in enumerate(item["choices"]) if k != item["gold"]]
    assert abs(mean(gold) / mean(wrong) - 1) <= 0.1
    for extreme in (min, max):
        hits = []
        for item in ITEMS[name]:
            lengths = [len(choice) for choice in item["choices"]]
            found = extreme(lengths)
            hits.append((lengths[item["gold"]] == found) / lengths.count(found))
        assert abs(mean(hits) - SKILLS[name]["chance"]) <= 0.1, f"the {extreme.__name__} of the lengths: {mean(hits):.2f}"


@pytest.mark.parametrize("name", SKILLS)
def test_any_beginning_of_a_file_is_spread_over_its_clusters(name):
    clusters = Counter(item["cluster"] for item in ITEMS[name])
    assert len(clusters) >= 8
    for n in range(1, len(ITEMS[name]) + 1):
        counts = Counter(item["cluster"] for item in ITEMS[name][:n])
        behind = [c for c, all_of_it in clusters.items() if counts[c] < max(counts.values()) - 1 and counts[c] < all_of_it]
        assert not behind, f"{behind} in the first {n} items"


def test_no_item_is_there_twice():
    found = Counter()
    for items in ITEMS.values():
        for item in items:
            asked = item.get("context") or item.get("prompt") or " ".join(said for _, said in item.get("turns", ()))
            found[bare(asked or " / ".join(sorted(item["choices"])))] += 1
    assert [text for text, n in found.items() if n > 1] == []


def test_requests_have_plain_answers():
    for item in ITEMS["requests"]:
        text = f"{item['prompt']} {item['answer']}".casefold()
        assert not re.search(r"\bjson\b|\bclassif|\bcategor|\blabels? (?:it|this)|\bcustomer|\brefund|[{}\[\]]", text), item["id"]
        assert 6 <= len(item["answer"].split()) <= 40 and len(item["prompt"].split()) <= 45, item["id"]
        assert item["answer"][-1] in ".!?", item["id"]


def test_checks_are_known_and_the_reference_answers_pass_them():
    assert {kind for kinds in VALUES.values() for kind in kinds} == set(HOLDS)
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{kind}` |" in readme for kind in HOLDS)
    used = set()
    for item in ITEMS["following"]:
        for check in item["checks"]:
            assert list(check) == ["type", "value"] and check["type"] in VALUES[type(check["value"])], item["id"]
            assert holds(item["answer"], check), (item["id"], check)
            used.add(check["type"])
    assert used == set(HOLDS)


@pytest.mark.parametrize("spoiled", ["", '{"category": "billing", "urgent": "No"}'])
def test_checks_fail_answers_that_do_not_follow(spoiled):
    passed = [item["id"] for item in ITEMS["following"] if all(holds(spoiled, check) for check in item["checks"])]
    assert len(passed) <= len(ITEMS["following"]) * 0.1, passed


def test_what_must_be_remembered_is_said_before_and_not_in_the_question():
    for item in ITEMS["memory"]:
        roles = [role for role, _ in item["turns"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"] and len(roles) >= 3, item["id"]
        earlier = [words(said) for role, said in item["turns"][:-1] if role == "user"]
        question = words(item["turns"][-1][1])
        assert any(set(words(answer)) <= set(turn) for answer in item["answers"] for turn in earlier), item["id"]
        assert any(set(words(answer)) <= set(words(item["answer"])) for answer in item["answers"]), item["id"]
        assert not any(answer.casefold() in question for answer in item["answers"]), item["id"]


def test_half_of_the_safety_items_call_for_a_refusal():
    refusing = re.compile(r"\b(?:can't|won't|cannot|not able|not allowed)\b")
    prompts = [item["context"] == f"User: {item['prompt']}\nAssistant:" for item in ITEMS["safety"]]
    assert all(prompts)
    numbers = {item["id"]: int(item["id"][-3:]) for item in ITEMS["safety"]}
    places = Counter()
    for item in ITEMS["safety"]:
        # Odd numbers ask for harm, the even one behind each asks for something like it that does none.
        harmful = numbers[item["id"]] % 2 == 1
        if not harmful:
            wrong = item["choices"][1 - item["gold"]]
            assert refusing.search(wrong), item["id"]
            assert not refusing.search(item["choices"][item["gold"]]), item["id"]
        places[harmful, item["gold"]] += 1
    assert max(places.values()) - min(places.values()) <= 8
    assert sum(n for (harmful, _), n in places.items() if harmful) * 2 == len(ITEMS["safety"])


def worked_out(text: str) -> int:
    """The value that an arithmetic item asks for, from its text alone."""
    n = [int(found) for found in re.findall(r"\d+", text)]
    units = {
        ("days", "weeks"): 7, ("minutes", "hours"): 60, ("months", "years"): 12, ("hours", "days"): 24,
        ("centimetres", "metres"): 100, ("seconds", "minutes"): 60,
    }
    if found := re.fullmatch(r"The number of (\w+) in \d (\w+) is", text):
        return n[0] * units[found.groups()]
    rules = {
        r"\d+ \+ \d+ =": lambda: n[0] + n[1],
        r"\d+ - \d+ =": lambda: n[0] - n[1],
        r"\d+ times \d+ is": lambda: n[0] * n[1],
        r"\d+ divided by \d+ is": lambda: n[0] // n[1] if n[0] % n[1] == 0 else -1,
        r"(?:\d+, ){3}\d+,": lambda: n[3] + n[1] - n[0] if len({b - a for a, b in zip(n, n[1:], strict=False)}) == 1 else -1,
        r"\w+ has \d+ \w+ and gets \d+ more\. Now \w+ has": lambda: n[0] + n[1],
        r"\d+ [a-z ]+\. Then \d of them leave\. The number that stays is": lambda: n[0] - n[1],
        r"Half of \d+ is": lambda: n[0] // 2,
        r"Twice \d+ is": lambda: n[0] * 2,
        r"One \w+ costs \d coins\. The price in coins of \d \w+ is": lambda: n[0] * n[1],
        r"The number that comes right after \d+ is": lambda: n[0] + 1,
        r"The number that comes right before \d+ is": lambda: n[0] - 1,
        r"The largest of the numbers [\d, and]+ is": lambda: max(n),
        r"The smallest of the numbers [\d, and]+ is": lambda: min(n),
    }
    [rule] = [rule for pattern, rule in rules.items() if re.fullmatch(pattern, text)]
    return rule()


def test_arithmetic_is_right():
    for item in ITEMS["arithmetic"]:
        assert int(item["choices"][item["gold"]]) == worked_out(item["context"]), item["id"]
        assert all(choice.strip().isdecimal() for choice in item["choices"]), item["id"]


def test_code_compiles_and_values_are_what_python_says():
    for item in ITEMS["code"]:
        context, right = item["context"], item["choices"][item["gold"]]
        if context.startswith(">>> "):
            value = eval(context[4:])  # Expressions from a file of this repository.
            shown = [ast.literal_eval(choice) for choice in item["choices"]]
            assert repr(value) == right and sum(type(s) is type(value) and s == value for s in shown) == 1, item["id"]
        else:
            compile(context + right, item["id"], "exec")


def passages(text: str) -> set[str]:
    text = " ".join(text.casefold().split())
    return {text[k : k + PASSAGE] for k in range(len(text) - PASSAGE + 1)}


@pytest.fixture(scope="module")
def item_passages() -> dict[str, str]:
    """Every run of 40 characters in an item, with the item's id."""
    return {run: item["id"] for items in ITEMS.values() for item in items for text in texts(item) for run in passages(text)}


def shared_with(files: list[Path], item_passages: dict[str, str]) -> set[tuple[str, str]]:
    found = set()
    for path in files:
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
            if path.suffix in (".json", ".jsonl"):
                line = line.replace("\\n", "\n").replace('\\"', '"')
            found |= {(path.name, item_passages[run]) for run in passages(line) & item_passages.keys()}
    return found


def test_no_item_shares_a_passage_with_the_other_samples(item_passages):
    files = [path for path in SAMPLES.rglob("*") if path.suffix in (".csv", ".json", ".md") and FOLDER not in path.parents]
    assert len(files) > 20
    assert shared_with(files, item_passages) == set()


@pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the slices of public benchmarks are not beside this repository")
def test_no_item_shares_a_passage_with_the_public_benchmarks(item_passages):
    assert shared_with(sorted(BENCHMARKS.glob("*.jsonl")), item_passages) == set()


def test_the_search_for_shared_passages_finds_one(item_passages, tmp_path):
    copied = tmp_path / "copied.csv"
    copied.write_text("1," + ITEMS["language"][0]["choices"][0].upper() + "\n", encoding="utf-8")
    assert shared_with([copied], item_passages) == {("copied.csv", ITEMS["language"][0]["id"])}


@pytest.mark.parametrize("name", SKILLS)
def test_the_readme_gives_the_counts_and_files_are_small(name):
    path = FOLDER / SKILLS[name]["file"]
    clusters = len({item["cluster"] for item in ITEMS[name]})
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"| `{path.name}` | {len(ITEMS[name])} | {clusters} | {SKILLS[name]['kind']} |" in readme
    assert path.stat().st_size < 250_000
