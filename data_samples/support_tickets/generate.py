"""Writes the sample data "support tickets to strict JSON".

Run it from anywhere:

    python data_samples/support_tickets/generate.py

It rewrites tickets.csv, test.csv, faults.json, scenario.json and README.md next
to itself. The same SEED and the same phrases.json always give the same bytes.
Only the standard library is used.
"""

import csv
import datetime
import io
import json
import random
import re
import sys
from pathlib import Path

SEED = 20250106
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from planting import Deck, json_text, require, with_measured  # noqa: E402  (it lies one folder up, which must be on the path first)

HEADER = ["ticket_id", "received", "ticket", "answer"]
KEYS = ["category", "urgency", "product", "order"]
CATEGORIES = ["delivery", "billing", "defect", "return", "account", "question"]
URGENCIES = ["low", "normal", "high"]

FRESH_TRAINING_ROWS = 384  # written anew; copies are added on top
TEST_ROWS = 80
FEWEST_CLEAN_ROWS = 330
FEWEST_WORDS, MOST_WORDS = 15, 45
WORDS_FOR_CONTACT = 8  # room that an added e-mail or phone sentence may need

NULL_ORDER_SHARE = {"question": 0.35}  # people ask questions before they buy
NULL_ORDER_SHARE_ELSEWHERE = 0.11

# example.com and example.org are reserved for documentation (RFC 2606).
EMAILS = [
    "blue.teapot@example.com", "m.waters@example.org", "garden1974@example.com",
    "post@example.org", "two.cats@example.com", "j_olive@example.org",
    "kitchen-corner@example.com", "nightowl88@example.org", "hello.anna@example.com",
    "tom+shop@example.org", "riverside.flat@example.com", "paperplane@example.org",
]
# 202-555-01xx and 020 7946 0xxx are set aside for fiction.
PHONES = [
    "+1-202-555-0114", "+1 202 555 0127", "+1-202-555-0138", "+1 202 555 0159",
    "+1-202-555-0173", "+44 20 7946 0018", "+44 20 7946 0235", "+44 20 7946 0412",
    "+44 20 7946 0677", "+44 20 7946 0891",
]

FAULT_REASONS = {
    "duplicate": "The same ticket with the same answer once more (4 of them differ only in "
                 "upper case or white space). The model sees it twice as often as the others, "
                 "and a random split can put one copy into training and one into validation.",
    "contradiction": "Pairs of rows with the same ticket and different answers. No model can "
                     "get both right; training pulls in two directions.",
    "invalid_json": "The answer is not valid JSON (cut off, single quotes, or prose behind it). "
                    "The model learns to write output that no program can read.",
    "wrong_keys": "The answer is JSON, but a key is missing, added or misspelled. "
                  "The model learns a second format.",
    "outside_list": "The category or the urgency is not in the closed list. "
                    "The model learns values that the receiving system does not know.",
    "email": "The ticket holds an e-mail address: personal data that a model can memorise.",
    "phone": "The ticket holds a phone number: personal data that a model can memorise.",
    "empty_answer": "The answer is empty. The model learns to say nothing.",
    "wrong_cell_count": "The line does not have four cells (a comma without quotes, or a cell "
                        "left out). Some readers stop here, others shift the cells silently.",
    "test_leak": "The ticket is also in test.csv, word for word. "
                 "The test would measure memory and flatter the model.",
}

INSTRUCTIONS = (
    "Read the customer's message and answer with one JSON object that has exactly the keys "
    "category, urgency, product and order, in this order. "
    "category is one of delivery, billing, defect, return, account, question. "
    "urgency is high if the message names a deadline or shows anger, low if it says that it "
    "can wait, otherwise normal. product is the product's name exactly as written. "
    "order is the order number exactly as written, or null if the message gives none. "
    "Return only the JSON object."
)


# --- Writing tickets ---------------------------------------------------------


class TicketWriter:
    """Writes tickets from one set of phrases, without using a combination twice."""

    def __init__(self, phrases, split, rng, order_numbers):
        self.words = phrases[split]
        self.products = {
            kind: phrases["products"][f"{split}_{kind}"] for kind in ("electric", "plain")
        }
        self.rng, self.order_numbers = rng, order_numbers
        self.decks, self.used_combinations = {}, set()

    def deal(self, name, items):
        """Deals from the deck with this name, which is made when it is first needed."""
        if name not in self.decks:
            self.decks[name] = Deck(items, self.rng)
        return self.decks[name].deal()

    def write(self, category, urgency, with_order):
        """Returns a new ticket of 15 to 45 words with its right answer."""
        order = next(self.order_numbers) if with_order else None
        while True:
            carrier, product = self.pick_carrier_and_product(category, with_order)
            snippet = self.deal(f"urgency {urgency}", self.words["urgency"][urgency])
            combinations = {(carrier, snippet), (carrier, product)}
            parts = self.arrange(category, urgency, carrier, product, snippet, order)
            text = join_parts(parts)
            fits = FEWEST_WORDS <= len(text.split()) <= MOST_WORDS
            if fits and not combinations & self.used_combinations:
                break
        self.used_combinations |= combinations
        values = dict(zip(KEYS, (category, urgency, product, order)))
        return {"parts": parts, "ticket": text, "values": values,
                "answer": compact(values), "fault": None}

    def pick_carrier_and_product(self, category, with_order):
        """Picks the sentence that says what the ticket is about, and a product that suits it."""
        carriers = self.words["carriers"][category]
        if category == "question" and not with_order:
            suitable = [(text, "any") for text in carriers["before_buying"]]
        else:
            suitable = [(text, kind) for kind in ("any", "electric")
                        for text in carriers.get(kind, [])]
        carrier, kind = self.deal(f"carrier {category} {with_order}", suitable)
        electric, plain = self.products["electric"], self.products["plain"]
        pool = electric if kind == "electric" else electric + plain
        return carrier, self.deal(f"product {kind}", pool)

    def arrange(self, category, urgency, carrier, product, snippet, order):
        """Returns the parts of a ticket in a varied order: greeting, sentences, sign-off."""
        about = carrier.format(p=product)
        if order is None:
            body = self.arrange_without_order(category, about, snippet)
        else:
            body = self.arrange_with_order(urgency, about, snippet, order)
        mood = "high" if urgency == "high" else "calm"
        greeting = self.deal("greeting", self.words["greeting"])
        sign_off = self.deal(f"sign-off {mood}", self.words["sign_off"][mood])
        return [greeting, *body, sign_off]

    def arrange_without_order(self, category, about, snippet):
        """Returns the sentences of a ticket that names no order number."""
        if category == "question":
            return [about, snippet]
        missing = self.deal("order missing", self.words["order_missing"])
        return [about, missing, snippet]

    def arrange_with_order(self, urgency, about, snippet, order):
        """Returns the sentences of a ticket that names its order number."""
        layouts = ["order first", "order then urgency", "urgency then order"]
        if urgency != "normal":
            layouts.append("urgency first")
        layout = self.deal(f"layout {urgency}", layouts)
        place = "order_first" if layout == "order first" else "order_after"
        named = self.deal(place, self.words[place]).format(o=order)
        return {
            "order first": [named, about, snippet],
            "order then urgency": [about, named, snippet],
            "urgency then order": [about, snippet, named],
            "urgency first": [snippet, about, named],
        }[layout]


def join_parts(parts):
    """Joins the parts with spaces; the word after a greeting's comma is not capitalised."""
    greeting, *rest = parts
    text = " ".join(part for part in rest if part)
    if not greeting:
        return text
    if not re.match(r"I\b", text):
        text = text[0].lower() + text[1:]
    return f"{greeting} {text}"


def compact(values):
    """Returns the values as JSON on one line without spaces."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def make_order_numbers(rng):
    """Yields order numbers such as A-48213, never the same one twice."""
    seen = set()
    while True:
        number = f"{rng.choice('ABCDEFGH')}-{rng.randrange(10000, 100000)}"
        if number not in seen:
            seen.add(number)
            yield number


def write_fresh_rows(writer, count, rng):
    """Returns rows that are balanced over categories and urgencies, in random order."""
    plan = [(CATEGORIES[i % 6], URGENCIES[(i // 6 + i % 6) % 3]) for i in range(count)]
    rows = []
    for category in CATEGORIES:
        urgencies = [urgency for name, urgency in plan if name == category]
        share = NULL_ORDER_SHARE.get(category, NULL_ORDER_SHARE_ELSEWHERE)
        with_order = [i >= round(share * len(urgencies)) for i in range(len(urgencies))]
        rng.shuffle(with_order)
        rows += [writer.write(category, *pair) for pair in zip(urgencies, with_order)]
    rng.shuffle(rows)
    return rows


# --- Planting faults ---------------------------------------------------------


def take_clean(rows, count, rng, suits=lambda row: True):
    """Returns some clean rows that no fault or copy has used yet, chosen at random."""
    free = [row for row in rows if not row["fault"] and not row.get("is_original")]
    return rng.sample([row for row in free if suits(row)], count)


def plant_answers(rows, rng, fault, spoilers):
    """Spoils one answer with each of the given functions."""
    for row, spoil in zip(take_clean(rows, len(spoilers), rng), spoilers):
        row["fault"], row["answer"] = fault, spoil(dict(row["values"]))


def plant_invalid_json(rows, rng):
    """3 answers cut off, 3 with single quotes, 2 with prose behind the object."""
    plant_answers(rows, rng, "invalid_json", [
        lambda values: compact(values)[:-1],
        lambda values: compact(values)[:-4],
        lambda values: compact(values)[:38],
        lambda values: compact(values).replace('"', "'"),
        lambda values: compact(values).replace('"', "'"),
        lambda values: compact(values).replace('"', "'"),
        lambda values: compact(values) + " Hope this helps!",
        lambda values: compact(values) + " (I was not sure about the urgency.)",
    ])


def without(values, key):
    """Returns the values without one key."""
    return {name: value for name, value in values.items() if name != key}


def renamed(values, key, new_key):
    """Returns the values with one key renamed in its place."""
    return {new_key if name == key else name: value for name, value in values.items()}


def plant_wrong_keys(rows, rng):
    """2 answers with a missing key, 2 with an extra one, 2 with a misspelled one."""
    plant_answers(rows, rng, "wrong_keys", [
        lambda values: compact(without(values, "urgency")),
        lambda values: compact(without(values, "order")),
        lambda values: compact({**values, "customer": "unknown"}),
        lambda values: compact({**values, "note": "call back"}),
        lambda values: compact(renamed(values, "category", "catagory")),
        lambda values: compact(renamed(values, "urgency", "urgancy")),
    ])


def plant_outside_list(rows, rng):
    """5 answers with a category or an urgency that is in no closed list."""
    for key, right, wrong in [
        ("urgency", "high", "URGENT"), ("category", "delivery", "shipping"),
        ("urgency", "normal", "medium"), ("category", "return", "refund"),
        ("urgency", "high", "asap"),
    ]:
        [row] = take_clean(rows, 1, rng, lambda row: row["values"][key] == right)
        row["fault"], row["answer"] = "outside_list", compact({**row["values"], key: wrong})


def plant_contacts(rows, rng, fault, sentences, contacts):
    """Adds a sentence with an e-mail address or a phone number before the sign-off."""
    deck = Deck(sentences, rng)
    most_words = MOST_WORDS - WORDS_FOR_CONTACT
    victims = take_clean(rows, len(contacts), rng,
                         lambda row: len(row["ticket"].split()) <= most_words)
    for row, contact in zip(victims, contacts):
        sentence = deck.deal().format(c=contact)
        row["fault"] = fault
        row["parts"] = [*row["parts"][:-1], sentence, row["parts"][-1]]
        row["ticket"] = join_parts(row["parts"])


def plant_empty_answers(rows, rng):
    """4 rows without an answer."""
    plant_answers(rows, rng, "empty_answer", [lambda values: ""] * 4)


def plant_wrong_cell_counts(rows, rng):
    """2 rows whose ticket has a comma but no quotes, 1 row without its date."""
    with_comma = take_clean(rows, 2, rng, lambda row: row["ticket"].count(",") == 1)
    for row in with_comma:
        row["fault"], row["line_style"] = "wrong_cell_count", "comma without quotes"
    [row] = take_clean(rows, 1, rng)
    row["fault"], row["line_style"] = "wrong_cell_count", "no date"


def recase(row):
    """Returns the ticket in upper case, its product and order number unchanged."""
    kept = [re.escape(row["values"][key]) for key in ("product", "order") if row["values"][key]]
    pieces = re.split(f"({'|'.join(kept)})", row["ticket"])
    return "".join(piece if i % 2 else piece.upper() for i, piece in enumerate(pieces))


def plant_duplicates(rows, rng):
    """12 copies behind their originals: 8 exact ones, 2 in upper case, 2 with other spaces."""
    restyles = [lambda row: row["ticket"]] * 8 + [recase] * 2 + [
        lambda row: row["ticket"].replace(". ", ".  "),
        lambda row: f" {row['ticket']} ",
    ]
    originals = take_clean(rows, len(restyles), rng, lambda row: ". " in row["ticket"])
    for original, restyle in zip(originals, restyles):
        original["is_original"] = True
        copy = {**original, "fault": "duplicate", "ticket": restyle(original),
                "partner": original, "is_original": False}
        rows.insert(rng.randint(rows_index(rows, original) + 1, len(rows)), copy)


def plant_contradictions(rows, rng):
    """4 pairs with the same ticket; in each the second answer differs in one value."""
    changes = [("category", CATEGORIES), ("urgency", URGENCIES)] * 2
    for row, (key, allowed) in zip(take_clean(rows, len(changes), rng), changes):
        wrong = rng.choice([value for value in allowed if value != row["values"][key]])
        row["fault"] = "contradiction"
        other = {**row, "partner": row, "answer": compact({**row["values"], key: wrong})}
        row["partner"] = other
        rows.insert(rng.randint(0, len(rows)), other)


def plant_test_leaks(rows, test_rows, rng):
    """3 test rows copied among the training rows."""
    for leaked in rng.sample(test_rows, 3):
        rows.insert(rng.randint(0, len(rows)), {**leaked, "fault": "test_leak", "partner": leaked})


def rows_index(rows, wanted):
    """Returns the position of this very row (equal copies do not count)."""
    return next(i for i, row in enumerate(rows) if row is wanted)


def plant_faults(rows, test_rows, phrases, rng):
    """Plants every fault of FAULT_REASONS among the training rows."""
    plant_invalid_json(rows, rng)
    plant_wrong_keys(rows, rng)
    plant_outside_list(rows, rng)
    plant_contacts(rows, rng, "email", phrases["train"]["email"], EMAILS)
    plant_contacts(rows, rng, "phone", phrases["train"]["phone"], PHONES)
    plant_empty_answers(rows, rng)
    plant_wrong_cell_counts(rows, rng)
    plant_contradictions(rows, rng)
    plant_duplicates(rows, rng)
    plant_test_leaks(rows, test_rows, rng)


def number_rows(rows, prefix, first_day, days):
    """Gives every row its id, its date and its line in the file (the header is line 1)."""
    for i, row in enumerate(rows):
        row["ticket_id"] = f"{prefix}{i + 1:04d}"
        row["received"] = str(first_day + datetime.timedelta(days=i * days // len(rows)))
        row["line"] = i + 2


def list_faults(rows):
    """Returns what faults.json holds: for each fault its reason, ids, lines and partners."""
    faults = {}
    for fault, reason in FAULT_REASONS.items():
        found = [row for row in rows if row["fault"] == fault]
        faults[fault] = {
            "reason": reason,
            "ticket_ids": [row["ticket_id"] for row in found],
            "lines": [row["line"] for row in found],
        }
        if any("partner" in row for row in found):
            faults[fault]["same_ticket_as"] = [row["partner"]["ticket_id"] for row in found]
    return faults


# --- Checking ----------------------------------------------------------------


def normalise(text):
    """Returns the text in lower case with single spaces, to compare tickets."""
    return " ".join(text.lower().split())


def phrase_words(text, products):
    """Returns the words of a ticket without product names and order numbers."""
    names = sorted(products, key=len, reverse=True)
    text = re.sub("|".join(re.escape(name) for name in names), " ", text, flags=re.IGNORECASE)
    text = re.sub(r"\b[A-H]-\d{5}\b", " ", text)
    return re.findall(r"[a-z0-9']+", text.lower())


def word_runs(words, length=6):
    """Returns all runs of this many words."""
    return {tuple(words[i:i + length]) for i in range(len(words) - length + 1)}


def all_products(phrases):
    """Returns every product name, each once, in a fixed order."""
    return list(dict.fromkeys(name for names in phrases["products"].values() for name in names))


def check_rows(rows, test_rows, phrases):
    """Makes sure that the data have the planted faults and no others."""
    check_uniqueness(rows, test_rows)
    check_disjoint_phrases(rows, test_rows, phrases)
    for row in rows + test_rows:
        words = len(row["ticket"].split())
        require(FEWEST_WORDS <= words <= MOST_WORDS, f"{words} words: {row['ticket']}")
        for key in ("product", "order"):
            value = row["values"][key]
            require(value is None or value in row["ticket"], f"{key} not in: {row['ticket']}")
    clean = sum(row["fault"] is None for row in rows)
    require(clean >= FEWEST_CLEAN_ROWS, f"only {clean} clean rows")


def check_uniqueness(rows, test_rows):
    """Only planted copies, contradictions and leaks may repeat a ticket."""
    copies = {"duplicate", "contradiction", "test_leak"}
    single = [normalise(row["ticket"]) for row in rows if row["fault"] not in copies]
    single += [normalise(row["ticket"]) for row in test_rows]
    pairs = {normalise(row["ticket"]) for row in rows if row["fault"] == "contradiction"}
    require(len(single) == len(set(single)), "a ticket occurs twice that is no planted copy")
    require(len(pairs) == 4 and not pairs & set(single), "an unplanned contradiction")


def check_disjoint_phrases(rows, test_rows, phrases):
    """No run of six words of a test ticket may occur in training, leaks aside."""
    products = all_products(phrases)
    training = set()
    for row in rows:
        if row["fault"] != "test_leak":
            training |= word_runs(phrase_words(row["ticket"], products))
    for row in test_rows:
        shared = word_runs(phrase_words(row["ticket"], products)) & training
        require(not shared, f"also in training: {shared}")


# --- Writing files -----------------------------------------------------------


def csv_line(row):
    """Returns the row as one line of CSV, spoilt if that is its planted fault."""
    cells = [row[name] for name in HEADER]
    style = row.get("line_style")
    if style == "comma without quotes":
        start = f"{row['ticket_id']},{row['received']},{row['ticket']},"
        return start + join_cells([row["answer"]])
    if style == "no date":
        cells.remove(row["received"])
    return join_cells(cells)


def join_cells(cells):
    """Returns the cells as one line of CSV, with quotes where they are needed."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def csv_text(rows):
    """Returns the whole CSV file."""
    return join_cells(HEADER) + "".join(csv_line(row) for row in rows)


# What one would say before measuring, for the questionnaire of notebook 02.
QUESTIONNAIRE = {"structure": "schema", "tone": "any", "jargon": "none", "scale": "many", "knowledge": "none"}


def scenario_text():
    """Returns scenario.json, which tells the workbench how to use the files."""
    return json_text({
        "title": "Support tickets to strict JSON",
        "question": "Can a small model turn a customer's message into JSON that a program "
                    "can read every time, and does that take fine-tuning?",
        "input_column": "ticket",
        "answer_column": "answer",
        "train_file": "tickets.csv",
        "test_file": "test.csv",
        "scorer": "json",
        "good_enough": 0.70,
        "instructions": INSTRUCTIONS,
        "questionnaire": QUESTIONNAIRE,
    })


README = """\
# Support tickets to strict JSON

Customers write to a shop; a program needs category, urgency, product and order number as JSON.

This file and the data beside it are written by `generate.py`. To change anything, change
`generate.py` or `phrases.json` and run `python data_samples/support_tickets/generate.py`.

## Origin and licence

Written for this project: every phrase in `phrases.json` was made up for it, and the generator
puts them together. There are no real customers, orders or products. The e-mail addresses
(example.com, example.org) and phone numbers (+1 202 555 01xx, +44 20 7946 0xxx) are from ranges
kept free for examples and fiction. Dedicated to the public domain under
[CC0 1.0](https://creativecommons.org/publicdomain/zero/1.0/).

## Files

| file | what it holds |
|---|---|
| `tickets.csv` | {training_rows} rows for training: {clean_rows} clean ones and {fault_rows} with a planted fault |
| `test.csv` | {test_rows} clean rows for the test; no sentence of theirs is in `tickets.csv`, the planted leaks aside; half of their {test_products} products are not in it either |
| `faults.json` | every planted fault: reason, ticket ids and line numbers in `tickets.csv` (the header is line 1); `same_ticket_as` names the row that each one repeats |
| `scenario.json` | question, columns, scorer, task instruction and answers to the questionnaire for the workbench |
| `phrases.json` | the sentences and product names |
| `generate.py` | writes all of the above except `phrases.json` and itself |

## Columns

| column | meaning |
|---|---|
| `ticket_id` | unique number of the row |
| `received` | day on which the message came in |
| `ticket` | the customer's message, {shortest} to {longest} words |
| `answer` | compact JSON with the keys {keys}, in this order |

* `category`, one of: {categories}
* `urgency`, one of: {urgencies}. High means a deadline or anger, low means that the message says
  it can wait, normal is everything else.
* `product`: the product's name as written in the message
* `order`: the order number as written in the message, or `null` where there is none
  ({null_orders} of the {training_rows} rows)

Example:

```text
ticket  {example_ticket}
answer  {example_answer}
```

## What it can't tell you

The messages are template English: no typing errors, no long stories, one problem per message,
each written so that the answer can be read from it. Results show which approach can win on this
kind of task. They do not show how well it does on your tickets.

## Planted faults

`tickets.csv` has faults on purpose, so that checking and cleaning have something to find.

| fault | count | ticket ids | why it harms |
|---|---|---|---|
{fault_table}
"""


def readme_text(rows, test_rows, faults, phrases):
    """Returns README.md with counts and the fault table taken from the data."""
    example = next(row for row in rows if not row["fault"] and row["values"]["order"])
    lengths = [len(row["ticket"].split()) for row in rows + test_rows]
    test_products = set(phrases["products"]["test_electric"] + phrases["products"]["test_plain"])
    return README.format(
        training_rows=len(rows), test_rows=len(test_rows), test_products=len(test_products),
        clean_rows=sum(row["fault"] is None for row in rows),
        fault_rows=sum(row["fault"] is not None for row in rows),
        null_orders=sum(row["values"]["order"] is None for row in rows),
        shortest=min(lengths), longest=max(lengths),
        keys=", ".join(f"`{key}`" for key in KEYS),
        categories=", ".join(CATEGORIES), urgencies=", ".join(URGENCIES),
        example_ticket=example["ticket"], example_answer=example["answer"],
        fault_table="\n".join(fault_line(*item) for item in faults.items()),
    )


def fault_line(name, fault):
    """Returns one line of the README's fault table."""
    ids = ", ".join(fault["ticket_ids"])
    return f"| `{name}` | {len(fault['ticket_ids'])} | {ids} | {fault['reason']} |"


def build_rows(phrases):
    """Returns the training rows with their faults, and the test rows."""
    rng = random.Random(SEED)
    order_numbers = make_order_numbers(rng)
    test_writer = TicketWriter(phrases, "test", rng, order_numbers)
    test_rows = write_fresh_rows(test_writer, TEST_ROWS, rng)
    writer = TicketWriter(phrases, "train", rng, order_numbers)
    rows = write_fresh_rows(writer, FRESH_TRAINING_ROWS, rng)
    plant_faults(rows, test_rows, phrases, rng)
    number_rows(rows, "T", datetime.date(2025, 1, 6), 196)
    number_rows(test_rows, "S", datetime.date(2025, 8, 4), 40)
    return rows, test_rows


def write_scenario(folder):
    """Writes all files of the sample data into the folder."""
    phrases = json.loads((HERE / "phrases.json").read_text(encoding="utf-8"))
    rows, test_rows = build_rows(phrases)
    check_rows(rows, test_rows, phrases)
    faults = list_faults(rows)
    files = {
        "tickets.csv": csv_text(rows),
        "test.csv": csv_text(test_rows),
        "faults.json": json_text(faults),
        "scenario.json": scenario_text(),
        "README.md": with_measured(readme_text(rows, test_rows, faults, phrases), HERE),
    }
    for name, text in files.items():
        (Path(folder) / name).write_bytes(text.encode("utf-8"))


if __name__ == "__main__":
    write_scenario(HERE)
