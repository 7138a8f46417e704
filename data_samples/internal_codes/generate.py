"""Writes the sample data "Internal codes to queues".

Run it from anywhere:

    python data_samples/internal_codes/generate.py

It rewrites messages.csv, test.csv, documents/, faults.json, scenario.json and README.md next to itself. The
same SEED and the same phrases.json always give the same bytes. Only the standard library is used.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import planting  # noqa: E402  (it lies one folder up, which must be on the path first)
from planting import Deck, Planter, Row, Table, require  # noqa: E402

SEED = 20250408
HEADER = ("row_id", "code", "code_seen", "message", "queue")
TABLE = Table(HEADER, "row_id", "message", "queue")
CODE = re.compile(r"\b[A-Z]{2}-\d\d\b")

FRESH_ROWS_PER_CODE = 8
TEST_ROWS_PER_UNSEEN_CODE = 3
TEST_ROWS = 80

OWN_REASONS = {
    "wrong_label": "The queue is not the one of the row's code, while the code's other rows and the glossary agree. The "
                   "model learns to send cases astray.",
    "outside_list": "The queue is not in the closed list. The model learns a queue that does not exist.",
    "no_code": "The message has lost its code, so the answer can't be told from it. The model learns to guess.",
}

# What each queue does, for documents/queues.md.
QUEUES = {
    "billing": "looks after invoices, credit notes and reminders",
    "access": "looks after logins, folders and mailboxes",
    "network": "looks after lines, sockets and wireless",
    "facilities": "looks after rooms, lifts, heating and desks",
    "hardware": "looks after computers and what is plugged into them",
    "payroll": "looks after wages and what is taken off them",
    "procurement": "looks after orders, suppliers and contracts",
    "security": "looks after badges, visitors and lost devices",
}

INSTRUCTIONS = (
    "The message has an internal code of two letters and two digits. Answer with the queue that handles this code and "
    f"nothing else. The queue is one of: {', '.join(sorted(QUEUES))}. The letters of a code say nothing about its queue."
)


def codes_of(phrases: dict, which: str) -> dict[str, str]:
    """Code to queue, for the codes that are "seen" or "unseen" in training."""
    return {code: queue for queue, codes in phrases["codes"].items() for code in codes[which]}


class MessageWriter:
    """Writes messages from one set of phrases, no two sentences together twice and no carrier twice for a queue."""

    def __init__(self, words: dict, rng: random.Random) -> None:
        self.words, self.rng = words, rng
        self.details = Deck(words["details"], rng)
        self.carriers: dict[str, Deck] = {}
        self.used: set[tuple[str, str]] = set()

    def write(self, code: str, queue: str, seen: bool) -> Row:
        """A new message with this code, which belongs to this queue."""
        carrier = self.carriers.setdefault(queue, Deck(self.words["carriers"], self.rng)).deal()
        detail = self.details.deal()
        while (carrier, detail) in self.used:
            detail = self.details.deal()
        self.used.add((carrier, detail))
        message = f"{carrier.format(code=code)} {detail}"
        return Row({"code": code, "code_seen": "yes" if seen else "no", "message": message, "queue": queue})


def plant_faults(rows: list[Row], test_rows: list[Row], phrases: dict, rng: random.Random) -> None:
    """Plant every fault among the training rows."""
    planter = Planter(TABLE, rows, rng)

    def other_queue(row: Row) -> str:
        return rng.choice([queue for queue in QUEUES if queue != row.cells["queue"]])

    planter.wrong_language(phrases["german"])
    plant_wrong_labels(planter, other_queue)
    for right, wrong in (("billing", "accounting"), ("hardware", "IT"), ("security", "unknown")):
        planter.spoil("outside_list", "queue", [lambda row, wrong=wrong: wrong],
                      lambda row, right=right: row.cells["queue"] == right)
    planter.spoil("no_code", "message", [lambda row: row.cells["message"].replace(row.cells["code"], "this")] * 3)
    planter.empty_answers(3)
    planter.refusals(2)
    planter.boilerplate(3)
    planter.contacts("email", phrases["train"]["email"], planting.EMAILS[2:])
    planter.contacts("phone", phrases["train"]["phone"], planting.PHONES[1:])
    planter.html()
    planter.mojibake()
    planter.chat_tokens()
    planter.overlong()
    planter.wrong_cell_counts("queue")
    planter.contradictions(3, other_queue)
    planter.duplicates(8)
    planter.near_duplicates(6)
    planter.test_leaks([row for row in test_rows if row.cells["code_seen"] == "yes"], exact=2, near=1)


def plant_wrong_labels(planter: Planter, other_queue: Callable[[Row], str]) -> None:
    """8 wrong queues, 3 % of the fresh rows and each of another code, so that every code stays clear."""
    for row in planter.take(8, suits=one_of_each_code(planter)):
        row.cells["queue"], row.fault = other_queue(row), "wrong_label"


def one_of_each_code(planter: Planter) -> Callable[[Row], bool]:
    """A condition that one clean row of each code meets, chosen at random."""
    clean = [row for row in planter.rows if not row.fault]
    chosen = {row.cells["code"]: row for row in planter.rng.sample(clean, len(clean))}
    return lambda row: chosen[row.cells["code"]] is row


def check_labels(rows: list[Row], test_rows: list[Row], phrases: dict) -> None:
    """Make sure that clean rows have their code in the message and its queue as the answer, and enough of each."""
    seen, unseen = codes_of(phrases, "seen"), codes_of(phrases, "unseen")
    clean = [row for row in rows if not row.fault]
    for row in clean + test_rows:
        code = row.cells["code"]
        require(CODE.findall(row.cells["message"]) == [code], f"not just {code}: {row.cells['message']}")
        require(row.cells["queue"] == {**seen, **unseen}[code], f"wrong queue for {code}")
        require((row.cells["code_seen"] == "yes") == (code in seen), f"{code} is labelled wrongly as seen or unseen")
    for code in seen:
        require(sum(row.cells["code"] == code for row in clean) >= 4, f"too few clean rows of {code}")
    for row in rows:
        require(not set(CODE.findall(row.cells["message"])) & set(unseen), f"an unseen code in training: {row.cells}")


# --- Documents ---------------------------------------------------------------


def glossary(phrases: dict, rng: random.Random) -> str:
    """documents/glossary.md: a section for each code, seen or not, in the order of the codes."""
    meaning = {code: (text, queue) for queue, codes in phrases["codes"].items()
               for which in codes.values() for code, text in which.items()}
    endings = Deck(["Handled by {queue}.", "Goes to the queue {queue}.", "The queue is {queue}.",
                    "{queue} takes care of it."], rng)
    sections = [f"## {code}\n\n{code}: {text} {sentence_case(endings.deal().format(queue=queue))}\n"
                for code, (text, queue) in sorted(meaning.items())]
    return "# Glossary of internal codes\n\n" + "\n".join(sections)


def sentence_case(text: str) -> str:
    """The text with a capital at its start."""
    return text[0].upper() + text[1:]


def queues_page(phrases: dict) -> str:
    """documents/queues.md: what each queue does and when it works."""
    hours = Deck(["from eight to four", "from nine to five", "from seven to three", "around the clock"],
                 random.Random(SEED))
    sections = [f"## {sentence_case(queue)}\n\nThe queue {queue} {what}. It is staffed {hours.deal()}. "
                f"{len(phrases['codes'][queue]['seen']) + len(phrases['codes'][queue]['unseen'])} codes belong to it.\n"
                for queue, what in QUEUES.items()]
    return "# The queues\n\n" + "\n".join(sections)


CODE_FORMAT = """\
# How codes are made

## Form

A code has two capital letters, a hyphen and two digits.

## What the letters mean

Nothing. Letters and digits are drawn at random when a code is made, so two codes with the same letters often belong
to different queues.

## New codes

A new code stands in the glossary on the day on which it is made. It is used from the next day on.

## Retired codes

A code that is no longer used is taken out of the glossary and is not given to anything else for five years.
"""

WRITING = """\
# Writing a message

## What to write

One message has one code. Write the code as it stands in the glossary, with capitals and the hyphen.

## What to leave out

Leave out names, telephone numbers and e-mail addresses. The system knows who you are.

## What happens next

The message goes to the queue of its code. If it has no code, it goes back to you with the question which one it is.

## How long it takes

Each queue answers within two working days. Cases that block several people come first.
"""


# What one would say before measuring, for the questionnaire of notebook 02.
QUESTIONNAIRE = {"structure": "labels", "tone": "any", "jargon": "written", "knowledge": "still"}

SCENARIO = {
    "title": "Internal codes to queues",
    "question": "A message has a code that only insiders know. Does a model learn from examples which queue it belongs to, "
                "or should it look the code up?",
    "input_column": "message",
    "answer_column": "queue",
    "train_file": "messages.csv",
    "test_file": "test.csv",
    "scorer": "label",
    "good_enough": 0.9,
    "instructions": INSTRUCTIONS,
    "licence": "CC0-1.0",
    "legal_basis": "made-up data; no real people",
    "documents": "documents",
    "restricted": False,
    "group_column": "code_seen",
    "questionnaire": QUESTIONNAIRE,
}

README = """\
# Internal codes to queues

A message has an internal code such as KX-41, and it has to go to the queue that handles this code. Nothing
else in the message says which. Does a model learn that from examples, or should it look the code up?

This file and the data beside it are written by `generate.py`. To change anything, change
`generate.py` or `phrases.json` and run `python data_samples/internal_codes/generate.py`.

## Origin and licence

{licence}

## Files

| file | what it holds |
|---|---|
| `messages.csv` | {training_rows} rows for training: {clean_rows} clean ones and {fault_rows} with a planted fault |
| `test.csv` | {test_rows} clean rows for the test; no six words in a row of theirs are in `messages.csv`, the planted leaks aside |
| `documents/glossary.md` | what each of the {codes} codes means and which queue handles it |
| `documents/queues.md`, `code_format.md`, `writing_a_message.md` | pages about queues, codes and messages that do not say where a code goes |
| `faults.json` | every planted fault: reason, ids and line numbers in `messages.csv` (the header is line 1); `same_as` names the row that each one repeats |
| `scenario.json` | question, columns, scorer, task instruction and answers to the questionnaire for the workbench |
| `phrases.json` | the codes, their meanings and the sentences |
| `generate.py` | writes all of the above except `phrases.json` and itself |

## Columns

| column | meaning |
|---|---|
| `row_id` | unique number of the row |
| `code` | the code in the message |
| `code_seen` | yes if clean training rows have this code, no if it is in the glossary and the test alone |
| `message` | the message, {shortest} to {longest} words |
| `queue` | the right queue, one of: {queues} |

Example:

```text
message  {example_input}
queue    {example_answer}
```

## Codes seen and not seen

{seen} codes are in the training rows, {unseen} are not: {unseen_test_rows} of the {test_rows} test rows have such a code, and
its queue is in the glossary alone. So read the score of the two groups of test rows apart (`code_seen`). On seen codes,
showing a model the nearest training rows can win by construction, since their code is the same and the answer can be
copied. On codes not seen, only looking the code up in the glossary can.

Letters say nothing about the queue: each pair of letters belongs to several.

## What it can't tell you

Real messages say something about their matter, and a model can guess from it; these don't, on purpose. So the figures
say how well a fact is stored or found, not how well messages are understood. {codes} codes are few: a longer
list is harder to learn and hardly harder to look up.

## Planted faults

`messages.csv` has faults on purpose, so that checking and cleaning have something to find.

{fault_table}
"""


def build_rows(phrases: dict) -> tuple[list[Row], list[Row]]:
    """The training rows with their faults, and the test rows."""
    rng = random.Random(SEED)
    seen, unseen = codes_of(phrases, "seen"), codes_of(phrases, "unseen")
    writer = MessageWriter(phrases["test"], rng)
    test_rows = [writer.write(code, queue, False)
                 for code, queue in unseen.items() for _ in range(TEST_ROWS_PER_UNSEEN_CODE)]
    for queue in QUEUES:
        codes = Deck([code for code, its in seen.items() if its == queue], rng)
        test_rows += [writer.write(codes.deal(), queue, True)
                      for _ in range(TEST_ROWS // len(QUEUES) - TEST_ROWS_PER_UNSEEN_CODE)]
    writer = MessageWriter(phrases["train"], rng)
    rows = [writer.write(code, queue, True) for code, queue in seen.items() for _ in range(FRESH_ROWS_PER_CODE)]
    rng.shuffle(test_rows)
    rng.shuffle(rows)
    plant_faults(rows, test_rows, phrases, rng)
    planting.number_rows(TABLE, rows, "C")
    planting.number_rows(TABLE, test_rows, "U")
    return rows, test_rows


def write_scenario(folder: Path | str) -> None:
    """Write all files of the sample data into the folder."""
    phrases = json.loads((HERE / "phrases.json").read_text(encoding="utf-8"))
    rows, test_rows = build_rows(phrases)
    planting.check_rows(TABLE, rows, test_rows, CODE.pattern, key="queue")
    check_labels(rows, test_rows, phrases)
    faults = planting.list_faults(rows, OWN_REASONS)
    seen, unseen = codes_of(phrases, "seen"), codes_of(phrases, "unseen")
    planting.write_files(folder, {
        "messages.csv": planting.csv_text(TABLE, rows),
        "test.csv": planting.csv_text(TABLE, test_rows),
        "documents/glossary.md": glossary(phrases, random.Random(SEED)),
        "documents/queues.md": queues_page(phrases),
        "documents/code_format.md": CODE_FORMAT,
        "documents/writing_a_message.md": WRITING,
        "faults.json": planting.json_text(faults),
        "scenario.json": planting.json_text(SCENARIO),
        "README.md": planting.with_measured(planting.readme_text(
            README, TABLE, rows, test_rows, faults, codes=len(seen) + len(unseen), seen=len(seen), unseen=len(unseen),
            queues=", ".join(QUEUES), unseen_test_rows=sum(row.cells["code_seen"] == "no" for row in test_rows)), HERE),
    })


if __name__ == "__main__":
    write_scenario(HERE)
