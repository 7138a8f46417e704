"""Writes the sample data "Questions about policies that change".

Run it from anywhere:

    python data_samples/policy_questions/generate.py

It rewrites questions.csv, test.csv, documents_v1/, documents_v2/, CHANGES.md, faults.json, scenario.json and
README.md next to itself. The same SEED and the same facts.json always give the same bytes. Only the standard
library is used.
"""

from __future__ import annotations

import json
import random
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import planting  # noqa: E402  (it lies one folder up, which must be on the path first)
from planting import Deck, Planter, Row, Table, require  # noqa: E402

SEED = 20250512
HEADER = ("row_id", "question", "answer", "source_section", "answer_v2", "changed")
TABLE = Table(HEADER, "row_id", "question", "answer")
TEST_ROWS = 80
QUESTIONS_WITH_SCENE = 2  # of each fact, in training

OWN_REASONS = {
    "wrong_fact": "The answer's value is not the one in its section, neither the old nor the new one. The model learns "
                  "an error, or that the documents need not be believed.",
    "newer_version": "The answer is the one of version 2 of the documents, while all others are of version 1. The model "
                     "learns a mixture of two versions.",
}


def facts_of(phrases: dict) -> list[dict]:
    """Every fact with its page."""
    return [{**fact, "page": page} for page, content in phrases["pages"].items() for fact in content["facts"]]


def make_row(question: str, fact: dict) -> Row:
    """A row that asks for a fact."""
    changed = fact["v2"] is not None
    return Row({"question": question, "answer": fact["v1"], "source_section": fact["id"],
                "answer_v2": fact["v2"] or fact["v1"], "changed": "yes" if changed else "no"})


def unanswerable_row(question: str, answer: str) -> Row:
    """A row whose question no document answers."""
    return Row({"question": question, "answer": answer, "source_section": "", "answer_v2": answer, "changed": "no"})


def training_rows(phrases: dict, rng: random.Random) -> list[Row]:
    """Each question once, some of each fact's behind a sentence that sets the scene."""
    rows = [unanswerable_row(question, phrases["unanswerable"]) for question in phrases["no_answer"]["train"]]
    contexts = {page: Deck(content["contexts"], rng) for page, content in phrases["pages"].items()}
    for fact in facts_of(phrases):
        questions = rng.sample(fact["train"], len(fact["train"]))
        for i, question in enumerate(questions):
            scene = f"{contexts[fact['page']].deal()} " if i < QUESTIONS_WITH_SCENE else ""
            rows.append(make_row(f"{scene}{question}", fact))
    rng.shuffle(rows)
    return rows


def held_out_rows(phrases: dict, rng: random.Random) -> list[Row]:
    """At least one question for each fact, some more, and those that no document answers."""
    rows = [unanswerable_row(question, phrases["unanswerable"]) for question in phrases["no_answer"]["test"]]
    facts = facts_of(phrases)
    rows += [make_row(fact["test"][0], fact) for fact in facts]
    rows += [make_row(fact["test"][1], fact) for fact in rng.sample(facts, TEST_ROWS - len(rows))]
    rng.shuffle(rows)
    return rows


def other_number(text: str, avoid: str, rng: random.Random) -> str:
    """The text with another number in place of its first one, and not the text `avoid`."""
    while True:
        factor = rng.choice([2, 3, 4, 6])
        changed = re.sub(r"\d[\d,]*", lambda found: str(int(found.group().replace(",", "")) * factor + 1), text, count=1)
        if changed != avoid:
            return changed


def plant_faults(rows: list[Row], test_rows: list[Row], phrases: dict, rng: random.Random) -> None:
    """Plant every fault among the training rows."""
    planter = Planter(TABLE, rows, rng)

    def answered(row: Row) -> bool:
        return bool(row.cells["source_section"])

    def has_number(row: Row) -> bool:
        return answered(row) and re.search(r"\d", row.cells["answer"]) is not None

    def wrong(row: Row) -> str:
        return other_number(row.cells["answer"], row.cells["answer_v2"], rng)

    planter.wrong_language(phrases["german"])
    planter.spoil("wrong_fact", "answer", [wrong] * 6, has_number)
    planter.spoil("newer_version", "answer", [lambda row: row.cells["answer_v2"]] * 4,
                  lambda row: row.cells["changed"] == "yes")
    planter.empty_answers(3)
    planter.truncated_answers(4, fewest_words=4)
    planter.refusals(4)
    planter.boilerplate(4)
    planter.contacts("email", phrases["email"], planting.EMAILS[:3])
    planter.contacts("phone", phrases["phone"], planting.PHONES[:3])
    planter.html()
    planter.mojibake()
    planter.chat_tokens()
    planter.wrong_cell_counts("source_section")
    planter.contradictions(3, wrong, has_number)
    planter.duplicates(6)
    planter.near_duplicates(5)
    planter.test_leaks([row for row in test_rows if answered(row)], exact=2, near=2)


def check_facts(rows: list[Row], test_rows: list[Row], phrases: dict) -> None:
    """Make sure that clean answers stand in their section, and that the share of changed facts is as promised."""
    facts = {fact["id"]: fact for fact in facts_of(phrases)}
    changed = sum(fact["v2"] is not None for fact in facts.values())
    require(changed == round(0.6 * len(facts)), f"{changed} of the facts changed, not 60 %")
    for row in [row for row in rows if not row.fault] + test_rows:
        section = row.cells["source_section"]
        fact = facts[section] if section else {"v1": phrases["unanswerable"], "v2": None}
        expected = (fact["v1"], fact["v2"] or fact["v1"])
        require((row.cells["answer"], row.cells["answer_v2"]) == expected, f"not the answer of {section}: {row.cells}")


# --- Documents ---------------------------------------------------------------


def page_text(content: dict, version: str, company: str) -> str:
    """One page of the documents in one version: a section for each fact."""
    sections = [f"## {fact['id']} {fact['title']}\n\n{fact['text'].format(a=fact[version] or fact['v1'])}\n"
                for fact in content["facts"]]
    return f"# {content['title']} at {company}\n\n" + "\n".join(sections)


def changes_text(phrases: dict) -> str:
    """CHANGES.md: what version 2 of the documents says differently."""
    lines = [f"| {fact['id']} | {fact['title']} | {fact['v1']} | {fact['v2']} |"
             for fact in facts_of(phrases) if fact["v2"] is not None]
    total = len(facts_of(phrases))
    return (f"# What changed from version 1 to version 2\n\n{len(lines)} of {total} sections changed; the others are the "
            "same.\n\n| section | title | version 1 | version 2 |\n|---|---|---|---|\n" + "\n".join(lines) + "\n")


# What one would say before measuring, for the questionnaire of notebook 02.
QUESTIONNAIRE = {"structure": "free", "tone": "any", "jargon": "none", "knowledge": "moving"}


def scenario(phrases: dict) -> dict:
    """What scenario.json holds: how the workbench is to use the files."""
    return {
        "title": "Questions about policies that change",
        "question": "Should a model know the company's policies by heart, or read them when asked, and what happens when "
                    "the policies change?",
        "input_column": "question",
        "answer_column": "answer",
        "train_file": "questions.csv",
        "test_file": "test.csv",
        "scorer": "fact",
        "good_enough": 0.8,
        "instructions": f"Answer the question about the policies of {phrases['company']} in as few words as possible, with "
                        "the value and its unit as the policy has them, and nothing else. If the policies do not answer "
                        f"it, say exactly: {phrases['unanswerable']}",
        "licence": "CC0-1.0",
        "legal_basis": "made-up data; no real people",
        "documents": "documents_v1",
        "documents_v2": "documents_v2",
        "answer_column_v2": "answer_v2",
        "source_column": "source_section",
        "group_column": "changed",
        "unanswerable": phrases["unanswerable"],
        "restricted": False,
        "questionnaire": QUESTIONNAIRE,
    }


README = """\
# Questions about policies that change

Staff of the made-up company {company} ask about its policies, and a short fact is the answer. Then the
policies change. Should a model know them by heart, or read them when asked?

This file and the data beside it are written by `generate.py`. To change anything, change
`generate.py` or `facts.json` and run `python data_samples/policy_questions/generate.py`.

## Origin and licence

{licence}

## Files

| file | what it holds |
|---|---|
| `questions.csv` | {training_rows} rows for training: {clean_rows} clean ones and {fault_rows} with a planted fault |
| `test.csv` | {test_rows} clean rows for the test, {unanswerable_test_rows} of which no document answers; no six words in a row of theirs are in `questions.csv`, the planted leaks aside |
| `documents_v1/` | the policies: {facts} sections on {pages} pages; the answers in `answer` are from here |
| `documents_v2/` | the same pages a year later: {changed} of the {facts} sections have another fact |
| `CHANGES.md` | what changed, section by section |
| `faults.json` | every planted fault: reason, ids and line numbers in `questions.csv` (the header is line 1); `same_as` names the row that each one repeats |
| `scenario.json` | question, columns, scorer, task instruction and answers to the questionnaire for the workbench |
| `facts.json` | the facts in both versions, and the questions |
| `generate.py` | writes all of the above except `facts.json` and itself |

## Columns

| column | meaning |
|---|---|
| `row_id` | unique number of the row |
| `question` | the question, {shortest} to {longest} words |
| `answer` | the fact as the section in version 1 has it, word for word |
| `source_section` | id of the section that answers, as in its heading; empty if none does |
| `answer_v2` | the fact as version 2 has it |
| `changed` | yes if the two differ |

Where no section answers, both answers are "{unanswerable}"

Example:

```text
question  {example_input}
answer    {example_answer}
```

## Two versions

Train on version 1, then ask about version 2. A model that knows the facts by heart answers as before, and is wrong
where `changed` is yes; one that reads the documents need not be. Before calling a model stale, make sure that it
ever knew: its score on version 1 must be good. Otherwise its errors on version 2 show nothing.

## What it can't tell you

Sections are one sentence long and each holds one fact, so finding the right one is easy; real policies are
long and contradict each other. Likeness as a score is kind to an answer with the right words and the wrong number:
for this scenario compare the numbers too.

## Planted faults

`questions.csv` has faults on purpose, so that checking and cleaning have something to find.

{fault_table}
"""


def build_rows(phrases: dict) -> tuple[list[Row], list[Row]]:
    """The training rows with their faults, and the test rows."""
    rng = random.Random(SEED)
    rows, test_rows = training_rows(phrases, rng), held_out_rows(phrases, rng)
    plant_faults(rows, test_rows, phrases, rng)
    planting.number_rows(TABLE, rows, "P")
    planting.number_rows(TABLE, test_rows, "Q")
    return rows, test_rows


def write_scenario(folder: Path | str) -> None:
    """Write all files of the sample data into the folder."""
    phrases = json.loads((HERE / "facts.json").read_text(encoding="utf-8"))
    rows, test_rows = build_rows(phrases)
    planting.check_rows(TABLE, rows, test_rows, "", key="answer")
    check_facts(rows, test_rows, phrases)
    faults = planting.list_faults(rows, OWN_REASONS)
    facts = facts_of(phrases)
    documents = {f"documents_{version}/{page}.md": page_text(content, version, phrases["company"])
                 for version in ("v1", "v2") for page, content in phrases["pages"].items()}
    planting.write_files(folder, {
        "questions.csv": planting.csv_text(TABLE, rows),
        "test.csv": planting.csv_text(TABLE, test_rows),
        **documents,
        "CHANGES.md": changes_text(phrases),
        "faults.json": planting.json_text(faults),
        "scenario.json": planting.json_text(scenario(phrases)),
        "README.md": planting.with_measured(planting.readme_text(
            README, TABLE, rows, test_rows, faults,
            company=phrases["company"], facts=len(facts), pages=len(phrases["pages"]), changed=sum(fact["v2"] is not None for fact in facts), unanswerable=phrases["unanswerable"],
            unanswerable_test_rows=sum(not row.cells["source_section"] for row in test_rows)), HERE),
    })


if __name__ == "__main__":
    write_scenario(HERE)
