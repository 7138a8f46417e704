"""Writes the sample data "Replies in a shop's voice".

Run it from anywhere:

    python data_samples/brand_voice/generate.py

It rewrites replies.csv, test.csv, voice.json, meaning.json, faults.json, scenario.json and README.md next to
itself. The same SEED and the same phrases.json always give the same bytes. Only the standard library is used.
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

SEED = 20250303
TABLE = Table(("row_id", "event", "item", "amount", "weekday", "message", "reply"), "row_id", "message", "reply")
EVENTS = ["refund", "replacement", "delay", "return", "visit", "spare_part", "cancellation"]
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
FRESH_TRAINING_ROWS = 301
TEST_ROWS = 80
WISH_SHARE = 0.6

VOICE = {
    "shop": "Velmory",
    "starts_with": "Hello from Velmory.",
    "ends_with": "Warmly, the Velmory desk",
    "next_step_marker": "Next step:",
    "next_steps": 1,
    "most_words_per_sentence": 14,
    "forbidden": ["!", "unfortunately", "sorry for the inconvenience", "please note", "kindly", "as per",
                  "valued customer"],
    "must_name": ["item", "amount", "weekday"],
}

# Lower-case regular expressions. A reply says an event if one of the event's patterns is found in it.
MEANING = {
    "rule": "A reply has the right meaning if it says its row's event and no other event, and if every amount and "
            "every weekday in it is the one of its row.",
    "event_column": "event",
    "fact_columns": ["amount", "weekday"],
    "amount_pattern": r"\d+\.\d\d",
    "weekday_pattern": "|".join(day.lower() for day in [*WEEKDAYS, "Sunday"]),
    "events": {
        "refund": [r"\brefund", r"\bmoney back\b", r"\bcredit(?:ed|s)?\b", r"\breimburse",
                   r"\bpa(?:y|id) (?:it |you )?back\b"],
        "replacement": [r"\breplace", r"\bnew (?!date\b|day\b|delivery\b|part\b)", r"\bswap", r"\bexchange",
                        r"\banother one\b"],
        "delay": [r"\bdelay", r"\blater? than\b", r"\brunning late\b", r"\bnew (?:delivery )?da(?:te|y)\b", r"\bpostpone"],
        "return": [r"\bcollect", r"\bpick(?:s|ed)? (?:it )?up\b", r"\breturn", r"\bsend it back\b", r"\btake it back\b"],
        "visit": [r"\bvisit", r"\btechnician\b", r"\bfitter\b", r"\bcomes to your home\b"],
        "spare_part": [r"\bspare\b", r"\bpart\b", r"\bmissing piece\b"],
        "cancellation": [r"\bcancel", r"\bcalled off\b", r"\bnothing (?:to pay|is charged)\b"],
    },
}

OWN_REASONS = {
    "wrong_event": "The reply keeps the voice and promises something else than the desk decided, such as a refund where "
                   "a replacement is due. The model learns to promise what sounds good.",
    "wrong_fact": "The reply names a weekday or an amount that the message does not have. The model learns that facts "
                  "may be made up.",
    "off_voice": "The reply has the right facts in the wrong voice. The model learns a second voice.",
}

INSTRUCTIONS = (
    "You answer for the shop Velmory. Read the customer's message and the desk note behind it. The desk note decides "
    "what happens, whatever the customer asks for. Start with \"Hello from Velmory.\" Say in one short sentence that you "
    "understand. Then say what happens, with the amount and the weekday if the note has them. Then write "
    "\"Next step:\" and one thing for the customer to do. End with \"Warmly, the Velmory desk\". "
    "Use short sentences, no exclamation marks, and never \"unfortunately\" or \"sorry for the inconvenience\"."
)


class ReplyWriter:
    """Writes messages and replies from one set of phrases, without using a combination twice."""

    def __init__(self, phrases: dict, split: str, rng: random.Random) -> None:
        self.phrases, self.words, self.rng = phrases, phrases[split], rng
        self.items = Deck(phrases["items"][split], rng)
        self.decks: dict[str, Deck] = {}
        self.used: set[tuple[str, str]] = set()

    def deal(self, name: str, items: list) -> object:
        """Deal from the deck with this name, which is made when it is first needed."""
        return self.decks.setdefault(name, Deck(items, self.rng)).deal()

    def write(self, event: str) -> Row:
        """A new row in which this event is due."""
        problems = [(kind, text) for kind in self.phrases["problems_of_event"][event]
                    for text in self.words["problems"][kind]]
        while True:
            kind, problem = self.deal(f"problem {event}", problems)
            decision = self.deal(f"decision {event}", self.words["decisions"][event])
            if (problem, decision) not in self.used:
                break
        self.used.add((problem, decision))
        facts = {
            "item": self.items.deal(),
            "amount": f"{self.rng.randrange(18, 240)}.{self.rng.choice(['50', '90', '00'])}" if event == "refund" else "",
            "weekday": self.rng.choice(WEEKDAYS) if event != "cancellation" else "",
        }
        wish = self.deal("wish", self.words["wishes"]) if self.rng.random() < WISH_SHARE else ""
        message = " ".join(filter(None, [problem, wish, f"Desk note: {decision}."])).format(**facts)
        cells = {"event": event, **facts, "message": message}
        return Row({**cells, "reply": self.reply(event, kind, facts)}, {"kind": kind})

    def reply(self, event: str, kind: str, facts: dict, sentence: str = "") -> str:
        """A reply in the shop's voice; `sentence` is said in place of the event's own."""
        replies = self.phrases["replies"]
        sentence = sentence or self.rng.choice(replies["event"][event])
        step = self.rng.choice(replies["next_step"][event])
        understanding = self.rng.choice(replies["understanding"][kind])
        text = f"{VOICE['starts_with']} {understanding} {sentence} Next step: {step} {VOICE['ends_with']}"
        return text.format(**facts)


def other_fact(row: Row, rng: random.Random) -> str:
    """The row's reply with another weekday, or another amount where it has one."""
    if amount := row.cells["amount"]:
        return row.cells["reply"].replace(amount, f"{float(amount) + rng.randrange(5, 60):.2f}")
    day = row.cells["weekday"]
    return row.cells["reply"].replace(day, rng.choice([other for other in WEEKDAYS if other != day]))


def plant_faults(rows: list[Row], test_rows: list[Row], phrases: dict, writer: ReplyWriter, rng: random.Random) -> None:
    """Plant every fault among the training rows."""
    planter = Planter(TABLE, rows, rng)
    replies = phrases["replies"]

    def refund_instead(row: Row) -> str:
        return writer.reply("refund", row.facts["kind"], row.cells, replies["refund_without_amount"])

    def replacement_instead(row: Row) -> str:
        return writer.reply("replacement", row.facts["kind"], row.cells)

    def off_voice(row: Row, form: str) -> str:
        return form.format(event=rng.choice(replies["event"][row.cells["event"]])).format(**row.cells)

    planter.wrong_language(phrases["german"])
    planter.spoil("wrong_event", "reply", [refund_instead] * 4, lambda row: row.cells["event"] in ("replacement", "delay"))
    planter.spoil("wrong_event", "reply", [replacement_instead] * 2, lambda row: row.cells["event"] == "refund")
    planter.spoil("wrong_fact", "reply", [lambda row: other_fact(row, rng)] * 4, lambda row: bool(row.cells["weekday"]))
    planter.spoil("off_voice", "reply", [lambda row, form=form: off_voice(row, form) for form in replies["off_voice"]])
    planter.empty_answers(3)
    planter.truncated_answers(5, fewest_words=12)
    planter.refusals(4)
    planter.boilerplate(4)
    planter.contacts("email", phrases["train"]["email"], planting.EMAILS[:4])
    planter.contacts("phone", phrases["train"]["phone"], planting.PHONES[:3])
    planter.html()
    planter.mojibake()
    planter.chat_tokens()
    planter.overlong()
    planter.wrong_cell_counts("weekday")
    planter.contradictions(3, lambda row: other_fact(row, rng), lambda row: bool(row.cells["weekday"]))
    planter.duplicates(6)
    planter.near_duplicates(5)
    planter.test_leaks(test_rows, exact=2, near=1)


def events_said(reply: str) -> list[str]:
    """The events that a reply says, by the patterns of MEANING."""
    return [event for event, patterns in MEANING["events"].items()
            if any(re.search(pattern, reply.lower()) for pattern in patterns)]


def facts_said(reply: str) -> tuple[set[str], set[str]]:
    """The amounts and the weekdays in a reply, in lower case."""
    return set(re.findall(MEANING["amount_pattern"], reply)), set(re.findall(MEANING["weekday_pattern"], reply.lower()))


def voice_faults(reply: str, item: str) -> list[str]:
    """What in a reply is not the shop's voice; empty if all is well."""
    sentences = re.split(r"(?<=[.?!])\s+(?=[A-Z])", reply)
    found = [] if reply.startswith(VOICE["starts_with"]) else ["greeting"]
    found += [] if reply.endswith(VOICE["ends_with"]) else ["sign-off"]
    found += [] if reply.count(VOICE["next_step_marker"]) == VOICE["next_steps"] else ["next step"]
    found += [phrase for phrase in VOICE["forbidden"] if phrase in reply.lower()]
    found += ["long sentence" for s in sentences if len(s.split()) > VOICE["most_words_per_sentence"]]
    return found + ([] if item in reply else ["item"])


def check_meaning(rows: list[Row]) -> None:
    """Make sure that clean replies have the voice and say their row's event and facts, and nothing else."""
    for row in rows:
        reply = row.cells["reply"]
        require(events_said(reply) == [row.cells["event"]], f"{events_said(reply)}, not {row.cells['event']}: {reply}")
        facts = tuple({text.lower()} - {""} for text in (row.cells["amount"], row.cells["weekday"]))
        require(facts_said(reply) == facts, f"other facts: {reply}")
        require(not voice_faults(reply, row.cells["item"]), f"{voice_faults(reply, row.cells['item'])}: {reply}")
        for value in (row.cells["item"], row.cells["amount"], row.cells["weekday"]):
            require(value in row.cells["message"], f"{value!r} is not in: {row.cells['message']}")


# What one would say before measuring, for the questionnaire of notebook 02.
QUESTIONNAIRE = {"structure": "house", "tone": "shown", "jargon": "none", "knowledge": "none"}

SCENARIO = {
    "title": "Replies in a shop's voice",
    "question": "Are examples in the prompt enough to answer customers in the shop's own voice without promising the "
                "wrong thing, or does that take fine-tuning?",
    "input_column": "message",
    "answer_column": "reply",
    "train_file": "replies.csv",
    "test_file": "test.csv",
    "scorer": "voice",
    "good_enough": 0.8,
    "instructions": INSTRUCTIONS,
    "licence": "CC0-1.0",
    "legal_basis": "made-up data; no real people",
    "restricted": False,
    "meaning_column": "event",
    "meaning_file": "meaning.json",
    "voice_file": "voice.json",
    "questionnaire": QUESTIONNAIRE,
}

README = """\
# Replies in a shop's voice

Customers write to the made-up shop Velmory, the desk decides what is done, and a reply goes out in the
shop's voice. Are examples in the prompt enough for that, or does it take fine-tuning?

This file and the data beside it are written by `generate.py`. To change anything, change
`generate.py` or `phrases.json` and run `python data_samples/brand_voice/generate.py`.

## Origin and licence

{licence}

## Files

| file | what it holds |
|---|---|
| `replies.csv` | {training_rows} rows for training: {clean_rows} clean ones and {fault_rows} with a planted fault |
| `test.csv` | {test_rows} clean rows for the test; no six words in a row of their messages are in `replies.csv`, the planted leaks aside; half of their 12 items are not in it either |
| `voice.json` | the voice as a checklist that a program can read |
| `meaning.json` | for each event the phrases that say it, and the rule by which a reply's meaning is right |
| `faults.json` | every planted fault: reason, ids and line numbers in `replies.csv` (the header is line 1); `same_as` names the row that each one repeats |
| `scenario.json` | question, columns, scorer, task instruction and answers to the questionnaire for the workbench |
| `phrases.json` | the sentences |
| `generate.py` | writes all of the above except `phrases.json` and itself |

## Columns

| column | meaning |
|---|---|
| `row_id` | unique number of the row |
| `event` | what the desk decided: refund, replacement, delay, return, visit, spare_part or cancellation |
| `item` | the thing it is about |
| `amount` | euros to be paid back; only a refund has one |
| `weekday` | the day on which it happens; a cancellation has none |
| `message` | what the customer wrote and the desk's note behind it, {shortest} to {longest} words |
| `reply` | the reply in the shop's voice |

Example:

```text
message  {example_input}
reply    {example_answer}
```

## The voice

* It starts with "Hello from Velmory." and names nobody.
* It shows in one sentence that the message was read.
* It says what happens, with the amount and the weekday if there are any, and names the item.
* No sentence has more than 14 words.
* It has exactly one next step, behind "Next step:".
* It ends with "Warmly, the Velmory desk".
* It has no exclamation mark and never says "unfortunately", "sorry for the inconvenience", "please note",
  "kindly", "as per" or "valued customer".

## Form is not meaning

A reply can keep every rule above and still promise a refund to somebody who gets a replacement. So each row
says in columns what is due, and `meaning.json` says by which phrases a reply promises it. In more than half of
the messages the customer also asks for something, and often it is not what the desk decided: whoever copies
the wish in place of the decision is caught. A score for likeness alone does not see this: look at both.

## What it can't tell you

The messages are template English: no typing errors, one problem per message, one decision per note. The
patterns in `meaning.json` fit the phrases that replies use here. A model that says the same in words nobody
thought of counts as not having said it, so read some of those replies before believing the figure.

## Planted faults

`replies.csv` has faults on purpose, so that checking and cleaning have something to find.

{fault_table}
"""


def build_rows(phrases: dict) -> tuple[list[Row], list[Row]]:
    """The training rows with their faults, and the test rows."""
    rng = random.Random(SEED)
    sets = {}
    for split, count in (("test", TEST_ROWS), ("train", FRESH_TRAINING_ROWS)):
        writer = ReplyWriter(phrases, split, rng)
        sets[split] = [writer.write(EVENTS[i % len(EVENTS)]) for i in range(count)]
        rng.shuffle(sets[split])
    check_meaning(sets["train"] + sets["test"])
    plant_faults(sets["train"], sets["test"], phrases, writer, rng)
    planting.number_rows(TABLE, sets["train"], "B")
    planting.number_rows(TABLE, sets["test"], "V")
    return sets["train"], sets["test"]


def left_out(phrases: dict) -> str:
    """What may be in training and test alike: items, amounts, weekdays and the words before the note."""
    items = sorted({item for items in phrases["items"].values() for item in items}, key=lambda item: (-len(item), item))
    return rf"(?i)\b(?:{'|'.join(items)}|{'|'.join(WEEKDAYS)}|desk note|eur \d+\.\d\d)\b"


def write_scenario(folder: Path | str) -> None:
    """Write all files of the sample data into the folder."""
    phrases = json.loads((HERE / "phrases.json").read_text(encoding="utf-8"))
    rows, test_rows = build_rows(phrases)
    planting.check_rows(TABLE, rows, test_rows, left_out(phrases), key="event")
    faults = planting.list_faults(rows, OWN_REASONS)
    planting.write_files(folder, {
        "replies.csv": planting.csv_text(TABLE, rows),
        "test.csv": planting.csv_text(TABLE, test_rows),
        "voice.json": planting.json_text(VOICE),
        "meaning.json": planting.json_text(MEANING),
        "faults.json": planting.json_text(faults),
        "scenario.json": planting.json_text(SCENARIO),
        "README.md": planting.with_measured(planting.readme_text(README, TABLE, rows, test_rows, faults), HERE),
    })


if __name__ == "__main__":
    write_scenario(HERE)
