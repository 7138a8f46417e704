"""Writes the sample data "private messages to a short reply".

Run it from anywhere:

    python data_samples/private_messages/generate.py

It rewrites messages.csv, test.csv, personal.json, faults.json, scenario.json and README.md
next to itself. The same SEED and the same phrases.json always give the same bytes.
Only the standard library is used.
"""

import csv
import datetime
import io
import json
import random
import re
import string
import sys
import unicodedata
import uuid
from collections import Counter
from pathlib import Path

SEED = 20250317
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from planting import Deck, json_text, require, with_measured  # noqa: E402  (it lies one folder up, which must be on the path first)

HEADER = ["message_id", "received", "message", "reply"]
PERSONAL_ROWS, CLEAN_ROWS = 213, 71  # fresh training rows; copies are added on top
PERSONAL_TEST_ROWS, CLEAN_TEST_ROWS = 60, 20
LANGUAGE_SHARES = {"en": 0.58, "de": 0.18, "fr": 0.12, "es": 0.12}
FEWEST_CLEAN_ROWS = 60

# Test numbers of card companies and payment processors: no account is behind them.
CARDS = [
    "4111 1111 1111 1111",
    "4242 4242 4242 4242",
    "5555 5555 5555 4444",
    "5105-1051-0510-5100",
    "378282246310005",
    "3714 496353 98431",
    "6011 1111 1111 1117",
    "3530111333300000",
    "4012 8888 8888 1881",
    "2223 0031 2200 3222",
]
ASCII = str.maketrans("ıłøÞðßæ", "iloTdsa")
LETTERS_OF_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
}
ID_SLOTS = ("us_ssn", "nl_bsn", "pl_pesel", "de_tax", "ch_ahv", "fr_nir", "es_dni")
OTHER_REPLY = "We are sorry, this can't be changed before the end of the quarter."

FAULT_REASONS = {
    "duplicate": "The same message with the same reply once more (2 of them differ only in white "
    "space). The model sees it twice as often as the others.",
    "contradiction": "Pairs of rows with the same message and different replies. No model can get "
    "both right; training pulls in two directions.",
    "empty_reply": "The reply is empty. The model learns to say nothing.",
    "wrong_cell_count": "The line does not have four cells (a comma without quotes, or a cell left "
    "out). Some readers stop here, others shift the cells silently.",
    "test_leak": "The message is also in test.csv, word for word. The test would measure memory and flatter the model.",
    "personal_data": "The row holds personal data or a secret, mostly in message and reply alike. "
    "What a model has read it can repeat to strangers. personal.json says where.",
}

INSTRUCTIONS = (
    "You write for the front office of a clinic. Read the message and confirm its request in one "
    "short sentence, in the language of the message. Thank the writer by name if the message gives "
    "one, and repeat exactly one detail that the request is about, as written. "
    "Never repeat a password or a key. Add nothing else."
)


# --- Made-up personal data ---------------------------------------------------


def digits(rng, count):
    """Returns this many random digits."""
    return "".join(rng.choice(string.digits) for _ in range(count))


def luhn_holds(number):
    """Says whether the digits of a number pass the Luhn check of payment cards."""
    figures = [int(character) for character in number if character.isdigit()]
    doubled = [sum(divmod(2 * figure, 10)) for figure in figures[-2::-2]]
    return (sum(figures[-1::-2]) + sum(doubled)) % 10 == 0


def iban(rng):
    """Returns an IBAN with right check digits at a bank code that no bank has."""
    country = rng.choice(["DE", "GB", "FR", "NL", "AT", "CH", "PL", "ES"])
    account = digits(rng, 10)
    body = {
        "DE": f"00000000{account}",
        "GB": f"XXXX000000{account[:8]}",
        "NL": f"XXXX{account}",
        "AT": f"00000{account}0",
        "CH": f"00000{account}00",
        "PL": f"00000000000000{account}",
        "FR": french_account("00000", "00000", f"0{account}"),
        "ES": spanish_account("0000", "0000", account),
    }[country]
    body = body.ljust({"PL": 24}.get(country, len(body)), "0")
    numeric = "".join(str(int(character, 36)) for character in f"{body}{country}00")
    number = f"{country}{98 - int(numeric) % 97:02d}{body}"
    if rng.random() < 0.3:
        return number
    return " ".join(number[i : i + 4] for i in range(0, len(number), 4))


def french_account(bank, branch, account):
    """Returns a French account number with its two check digits."""
    key = 97 - (89 * int(bank) + 15 * int(branch) + 3 * int(account)) % 97
    return f"{bank}{branch}{account}{key:02d}"


def spanish_account(bank, branch, account):
    """Returns a Spanish account number with its two check digits."""
    weights = [1, 2, 4, 8, 5, 10, 9, 7, 3, 6]
    checks = ""
    for part in (f"00{bank}{branch}", account):
        rest = 11 - sum(weight * int(figure) for weight, figure in zip(weights, part)) % 11
        checks += str({10: 1, 11: 0}.get(rest, rest))
    return f"{bank}{branch}{checks}{account}"


def us_ssn(rng):
    """Returns one of the ten numbers that are set aside for advertisements."""
    return f"987-65-432{rng.randrange(10)}"


def nl_bsn(rng):
    """Returns a Dutch number of the kind that test systems use (9999...), with its check digit."""
    while True:
        number = f"9999{digits(rng, 4)}"
        check = sum((9 - i) * int(figure) for i, figure in enumerate(number)) % 11
        if check < 10:
            return f"{number}{check}"


def pl_pesel(rng):
    """Returns a Polish number of somebody born in the 23rd century, with its check digit."""
    number = f"{rng.randrange(10, 90)}{60 + rng.randint(1, 12)}{rng.randint(10, 28)}{digits(rng, 4)}"
    total = sum(weight * int(figure) for weight, figure in zip([1, 3, 7, 9] * 3, number))
    return f"{number}{-total % 10}"


def de_tax(rng):
    """Returns a German tax number with its check digit: one digit twice, one missing."""
    figures = rng.sample(string.digits, 9)
    figures.append(figures[0])
    rng.shuffle(figures)
    if figures[0] == "0":
        figures.reverse()
    if figures[0] == "0":
        return de_tax(rng)
    product = 10
    for figure in figures:
        product = ((int(figure) + product) % 10 or 10) * 2 % 11
    number = "".join(figures) + str((11 - product) % 10)
    return f"{number[:2]} {number[2:5]} {number[5:8]} {number[8:]}"


def ch_ahv(rng):
    """Returns a Swiss number with its check digit."""
    number = f"7569999{digits(rng, 5)}"
    total = sum(int(figure) * (3 if i % 2 else 1) for i, figure in enumerate(number))
    number += str(-total % 10)
    return f"{number[:3]}.{number[3:7]}.{number[7:11]}.{number[11:]}"


def fr_nir(rng):
    """Returns a French number of a department that does not exist (00), with its check digits."""
    parts = [
        rng.choice("12"),
        f"{rng.randrange(40, 99)}",
        f"{rng.randint(1, 12):02d}",
        "00",
        digits(rng, 3),
        digits(rng, 3),
    ]
    return " ".join([*parts, f"{97 - int(''.join(parts)) % 97:02d}"])


def es_dni(rng):
    """Returns a Spanish number from the top of the range, with its letter."""
    number = f"99{digits(rng, 6)}"
    return f"{number}{rng.choice(['', '-'])}{LETTERS_OF_DNI[int(number) % 23]}"


def phone(rng, language):
    """Returns a number from a range kept free for fiction or for the media."""
    last = f"{rng.randrange(100):02d}"
    us = [f"+1 202 555 01{last}", f"(202) 555-01{last}", f"+1-202-555-01{last}"]
    gb = [f"+44 20 7946 0{digits(rng, 3)}", f"020 7946 0{digits(rng, 3)}"]
    de = [f"+49 30 23125 {digits(rng, 3)}", f"030 23125 {digits(rng, 3)}", f"030/23125{digits(rng, 3)}"]
    fr = [f"01 99 00 {digits(rng, 2)} {last}", f"+33 1 99 00 {digits(rng, 2)} {last}"]
    return rng.choice({"en": us + gb, "de": de, "fr": fr, "es": [fr[1], de[0], gb[0]]}[language])


def email(rng, name):
    """Returns an address at a domain reserved for documentation, mostly made from the name."""
    plain = unicodedata.normalize("NFKD", name.translate(ASCII)).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z]+", plain)
    first, last = words[0], words[-1]
    local = rng.choice(
        [
            f"{first}.{last}",
            f"{first[0]}_{last}",
            f"{last}{rng.randrange(60, 99)}",
            f"{first}+home",
            f"{rng.choice(['blue.heron', 'attic-fan', 'seven.pears'])}{rng.randrange(10, 99)}",
        ]
    )
    return f"{local}@{rng.choice(['example.com', 'example.org', 'mail.example.net'])}"


def birth_date(rng, language):
    """Returns a date of birth in one of the forms that the language uses."""
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(1938, 2006)
    name = MONTHS[language].split()[month - 1]
    return rng.choice(
        {
            "en": [
                f"{day} {name} {year}",
                f"{name} {day}, {year}",
                f"{day:02d}/{month:02d}/{year}",
                f"{year}-{month:02d}-{day:02d}",
            ],
            "de": [f"{day:02d}.{month:02d}.{year}", f"{day}. {name} {year}"],
            "fr": [f"{day:02d}/{month:02d}/{year}", f"{day} {name} {year}"],
            "es": [f"{day:02d}/{month:02d}/{year}", f"{day} de {name} de {year}"],
        }[language]
    )


def password(rng):
    """Returns a password that no system uses."""
    words = rng.sample(["Kettle", "Heron", "Ladder", "Plum", "Gravel", "Violet", "Anchor", "Moss"], 2)
    return rng.choice(
        [
            f"{words[0]}-{words[1]}-{rng.randrange(10, 99)}!",
            f"{words[0].lower()}{digits(rng, 4)}#{words[1]}",
            f"W4rd_{words[0]}%{digits(rng, 2)}",
        ]
    )


def api_key(rng):
    """Returns a key with no vendor's prefix, so that no scanner takes it for a real one."""
    return rng.choice(["", "hk_", "lab-"]) + "".join(rng.choice("0123456789abcdef") for _ in range(32))


def private_facts(rng, words, language):
    """Returns a maker for each slot: what it is filled with, and its type."""
    names, places = words["names"], words["places"][language]

    def name():
        return f"{names['first'].deal()} {names['last'].deal()}"

    person = name()
    makers = {
        "person": (lambda: person, "PERSON"),
        "other": (name, "PERSON"),
        "email": (lambda: email(rng, person), "EMAIL"),
        "phone": (lambda: phone(rng, language), "PHONE"),
        "iban": (lambda: iban(rng), "IBAN"),
        "card": (lambda: rng.choice(CARDS), "CARD"),
        "birth": (lambda: birth_date(rng, language), "BIRTH_DATE"),
        "address": (lambda: re.sub(r"\d+", str(rng.randint(1, 140)), places.deal(), count=1), "ADDRESS"),
        "password": (lambda: password(rng), "SECRET"),
        "apikey": (lambda: api_key(rng), "SECRET"),
        # Networks set aside for documentation (RFC 5737).
        "ip": (lambda: f"{rng.choice(['192.0.2', '198.51.100', '203.0.113'])}.{rng.randint(2, 250)}", "IP"),
    }
    for slot in ID_SLOTS:
        makers[slot] = (lambda make=globals()[slot]: make(rng), "NATIONAL_ID")
    return makers


def clean_facts(rng):
    """Returns a maker for each slot that looks personal and is not."""

    def day():
        return datetime.date(2025, 1, 1) + datetime.timedelta(days=rng.randrange(300))

    return {
        "order": lambda: rng.choice(
            [f"{digits(rng, 4)}-{digits(rng, 3)}", f"PO-{digits(rng, 6)}", f"B{digits(rng, 7)}"]
        ),
        "invoice": lambda: f"2025-{digits(rng, 4)}-{digits(rng, 3)}",
        "report": lambda: f"R{digits(rng, 3)}/2025",
        "date": lambda: rng.choice([str(day()), f"{day().day} {MONTHS['en'].split()[day().month - 1]}"]),
        "dotted": lambda: f"{day():%d.%m.%Y}",
        "slashed": lambda: f"{day():%d/%m/%Y}",
        "version": lambda: f"{rng.randrange(1, 20)}.{rng.randrange(10)}.{rng.randrange(10)}",
        "room": lambda: f"{rng.choice('ABC')}{rng.randrange(1, 5)}.{rng.randrange(10, 40)}",
        "floor": lambda: str(rng.randint(1, 9)),
        "hour": lambda: str(rng.randint(15, 17)),
        "hours": lambda: str(rng.randint(12, 35)),
        "serial": lambda: f"SN{digits(rng, 5)}-{digits(rng, 4)}",
        "tracking": lambda: f"JX{digits(rng, 9)}KP",
        "amount": lambda: f"{rng.randrange(1, 9)},{digits(rng, 3)}.{digits(rng, 2)} dollars",
        "euro": lambda: f"{rng.randrange(1, 9)}.{digits(rng, 3)},{digits(rng, 2)} €",
        "uuid": lambda: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "commit": lambda: f"{rng.getrandbits(40):010x}",
        "isbn": lambda: isbn(rng),
        "badcard": lambda: bad_card(rng),
    }


def isbn(rng):
    """Returns a book number with its check digit."""
    number = f"9780000{digits(rng, 5)}"
    check = -sum(int(figure) * (3 if i % 2 else 1) for i, figure in enumerate(number)) % 10
    return f"{number[:3]}-0-000-{number[7:]}-{check}"


def bad_card(rng):
    """Returns sixteen digits in fours that fail the check of payment cards."""
    while True:
        number = f"4000 1234 {digits(rng, 4)} {digits(rng, 4)}"
        if not luhn_holds(number):
            return number


# --- Writing rows ------------------------------------------------------------


class Slots:
    """Fills templates; a slot has the same value wherever it stands in a row."""

    def __init__(self, makers):
        self.makers, self.values = makers, {}

    def value(self, slot):
        """Returns the text of a slot and its type, which is empty where it is not personal."""
        if slot == "id":
            slot = next(name for name in ID_SLOTS if name in self.values)
        if slot not in self.values:
            maker = self.makers[slot]
            make, kind = maker if isinstance(maker, tuple) else (maker, "")
            self.values[slot] = (make(), kind)
        return self.values[slot]

    def fill(self, template):
        """Returns the text and the (start, end, type) of what is personal in it."""
        text, spans = "", []
        for i, part in enumerate(re.split(r"\{(\w+)\}", template)):
            if i % 2 == 0:
                text += part
                continue
            value, kind = self.value(part)
            if kind:
                spans.append((len(text), len(text) + len(value), kind))
            text += value
        return text, spans


def make_row(slots, parts, reply):
    """Returns a row from the templates of its message's parts and of its reply."""
    message, spans = slots.fill(" ".join(part for part in parts if part))
    answer, more = slots.fill(reply)
    return {
        "message": message,
        "reply": answer,
        "fault": None,
        "personal": [("message", *span) for span in spans] + [("reply", *span) for span in more],
    }


class PrivateWriter:
    """Writes rows with personal data in several languages from one set of phrases."""

    def __init__(self, phrases, split, rng):
        self.rng, self.phrases, self.decks = rng, phrases[split], {}
        self.words = {
            "names": {part: Deck(phrases["names"][split][part], rng) for part in ("first", "last")},
            "places": {language: Deck(places, rng) for language, places in phrases["places"][split].items()},
        }

    def deal(self, name, items):
        """Deals from the deck with this name, which is made when it is first needed."""
        if name not in self.decks:
            self.decks[name] = Deck(items, self.rng)
        return self.decks[name].deal()

    def write(self, language):
        """Returns a new row: who writes, what they want, mostly one detail more, a close."""
        words = self.phrases[language]
        scene = self.deal(f"{language} scene", words["scenes"])
        body = self.deal(f"{language} {scene}", words["scenes"][scene]["bodies"])
        reply = self.deal(f"{language} {scene} reply", words["scenes"][scene]["answers"])
        first, last = self.deal("ends", [("opens_with_name", "ends_plain"), ("opens_plain", "ends_with_name")])
        opener, ending = (self.deal(f"{language} {part}", words[part]) for part in (first, last))
        used = set(re.findall(r"\{(\w+)\}", body))
        extras = [extra for extra in words["extras"] if not used & set(re.findall(r"\{(\w+)\}", extra))]
        extra = self.rng.choice(extras) if self.rng.random() < 0.7 else ""
        slots = Slots(private_facts(self.rng, self.words, language))
        return make_row(slots, [opener, body, extra, ending], reply)


def write_private_rows(phrases, split, count, rng):
    """Returns rows with personal data, in random order, with the languages in fixed shares."""
    writer = PrivateWriter(phrases, split, rng)
    languages = [language for language, share in LANGUAGE_SHARES.items() for _ in range(round(share * count))]
    languages = (languages + ["en"] * count)[:count]
    rng.shuffle(languages)
    return [writer.write(language) for language in languages]


def write_clean_rows(words, count, rng):
    """Returns rows without personal data but with much that looks like it."""
    topics, openers, closers = (Deck(words[part], rng) for part in ("topics", "openers", "closers"))
    rows = []
    for _ in range(count):
        message, reply = topics.deal()
        rows.append(make_row(Slots(clean_facts(rng)), [openers.deal(), message, closers.deal()], reply))
    return rows


# --- Planting faults ---------------------------------------------------------


def take(rows, count, rng, personal, suits=lambda row: True):
    """Returns some rows with or without personal data that no fault or copy has used yet."""
    free = [
        row for row in rows if not row["fault"] and not row.get("is_original") and bool(row["personal"]) == personal
    ]
    return rng.sample([row for row in free if suits(row)], count)


def insert(rows, row, rng, behind=None):
    """Puts a row at a random place, behind another one if told."""
    first = 0 if behind is None else next(i for i, other in enumerate(rows) if other is behind) + 1
    rows.insert(rng.randint(first, len(rows)), row)


def plant_faults(rows, test_rows, rng):
    """Plants 30 faults, about half of them in rows without personal data."""
    for personal in (True, False):
        for i, original in enumerate(take(rows, 4, rng, personal)):
            original["is_original"] = True
            # Blanks at the end leave the places of personal data as they are.
            message = original["message"] + ("  " if i == 3 else "")
            copy = {**original, "fault": "duplicate", "message": message, "partner": original, "is_original": False}
            insert(rows, copy, rng, original)
        for row in take(rows, 3, rng, personal):
            row.update(fault="empty_reply", reply="", personal=[s for s in row["personal"] if s[0] == "message"])
        for leaked in rng.sample([row for row in test_rows if bool(row["personal"]) == personal], 2):
            insert(rows, {**leaked, "fault": "test_leak", "partner": leaked}, rng)
    for row in take(rows, 4, rng, False, lambda row: row["reply"].startswith("Thank you.")):
        other = {**row, "fault": "contradiction", "reply": OTHER_REPLY, "partner": row}
        row.update(fault="contradiction", partner=other)
        insert(rows, other, rng)
    styles = ["comma without quotes"] * 2 + ["no date"] * 2
    for row, style in zip(take(rows, 4, rng, False, lambda row: row["message"].count(",") == 2), styles):
        row.update(fault="wrong_cell_count", line_style=style)


def number_rows(rows, prefix, first_day, days):
    """Gives every row its id, its date and its line in the file (the header is line 1)."""
    for i, row in enumerate(rows):
        row["message_id"] = f"{prefix}{i + 1:04d}"
        row["received"] = str(first_day + datetime.timedelta(days=i * days // len(rows)))
        row["line"] = i + 2


def list_faults(rows):
    """Returns what faults.json holds: for each fault its reason, ids, lines and partners."""
    faults = {}
    for fault, reason in FAULT_REASONS.items():
        found = [row for row in rows if row["fault"] == fault]
        if fault == "personal_data":
            found = [row for row in rows if row["personal"]]
        faults[fault] = {
            "reason": reason,
            "message_ids": [row["message_id"] for row in found],
            "lines": [row["line"] for row in found],
        }
        if fault in ("duplicate", "contradiction", "test_leak"):
            faults[fault]["same_message_as"] = [row["partner"]["message_id"] for row in found]
    return faults


# --- Checking ----------------------------------------------------------------


def check_rows(rows, test_rows):
    """Makes sure that only planted copies repeat a message, and that the clean rows are enough."""
    single = [row["message"] for row in rows if row["fault"] not in ("duplicate", "contradiction", "test_leak")]
    single += [row["message"] for row in test_rows]
    require(len(single) == len(set(single)), "a message occurs twice that is no planted copy")
    clean = sum(not row["fault"] and not row["personal"] for row in rows)
    require(clean >= FEWEST_CLEAN_ROWS, f"only {clean} clean rows")
    for row in rows + test_rows:
        require(row["message"] == row["message"].lstrip(), "a message begins with a blank")
        require("{" not in row["message"] + row["reply"], "a slot was not filled")


# --- Writing files -----------------------------------------------------------


def join_cells(cells):
    """Returns the cells as one line of CSV."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def csv_line(row):
    """Returns the row as one line of CSV, spoilt if that is its planted fault."""
    cells = [row[name] for name in HEADER]
    style = row.get("line_style")
    if style == "comma without quotes":
        return ",".join(cells) + "\n"
    if style == "no date":
        cells.remove(row["received"])
    return join_cells(cells)


def csv_text(rows):
    """Returns the rows as CSV with a header."""
    return join_cells(HEADER) + "".join(csv_line(row) for row in rows)


def personal_text(files):
    """Returns personal.json: one line a row, with every stretch of personal data in it."""
    blocks = []
    for name, rows in files.items():
        lines = [f"    {json.dumps(row['message_id'])}: {json.dumps(row['personal'])}" for row in rows]
        blocks.append(f"  {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n  }")
    return "{\n" + ",\n".join(blocks) + "\n}\n"


# What one would say before measuring, for the questionnaire of notebook 02.
QUESTIONNAIRE = {"structure": "free", "tone": "described", "jargon": "none", "scale": "few", "knowledge": "none"}


def scenario_text():
    """Returns what the workbench needs to know about this sample."""
    return json_text(
        {
            "title": "Private messages to a short reply",
            "question": "Can a model learn to confirm requests from messages full of personal data, once these are "
            "masked, and does it give none of them away?",
            "input_column": "message",
            "answer_column": "reply",
            "train_file": "messages.csv",
            "test_file": "test.csv",
            "scorer": "text",
            "good_enough": 0.75,
            "licence": "CC0-1.0",
            "legal_basis": "none needed: every person in it is made up; to be handled as if they were not",
            "restricted": True,
            "instructions": INSTRUCTIONS,
            "questionnaire": QUESTIONNAIRE,
        }
    )


README = """\
# Private messages to a short reply

People write to the front office of a clinic, its payroll and its IT desk; the office confirms each
request in one sentence, with the writer's name and the detail in question. Messages and replies are
full of personal data, so this data may not leave the machine (`"restricted": true`), and input and
answer have to be masked alike.

This file and the data beside it are written by `generate.py`. To change anything, change
`generate.py` or `phrases.json` and run `python data_samples/private_messages/generate.py`.

## Origin and licence

Written for this project: every phrase and name in `phrases.json` was made up for it, and the
generator puts them together. **Nobody in it exists.** What could belong to somebody is taken from
where it can't, as far as such a place exists:

* e-mail addresses: example.com, example.org, example.net
* phone numbers: +1 202 555 01xx, +44 20 7946 0xxx, +49 30 23125 xxx, +33 1 99 00 xx xx, kept free for fiction and media
* IBANs: right check digits, at bank codes that no bank has
* cards: the test numbers of the card companies
* national ids: US numbers set aside for advertisements, Dutch ones as test systems use them, Polish
  ones of people born after 2200, French ones of a department 00; German, Spanish and
  Swiss ones are random, with right check digits
* network addresses: the ranges for documentation; passwords and keys: random, with no vendor's form

Dedicated to the public domain under [CC0 1.0](https://creativecommons.org/publicdomain/zero/1.0/).

## Files

| file | what it holds |
|---|---|
| `messages.csv` | {training_rows} rows for training: {private_rows} with personal data, {clean_rows} clean ones without, {fault_rows} with another planted fault (some of them with personal data too) |
| `test.csv` | {test_rows} rows for the test, {private_test_rows} of them with personal data; its sentences and names are not in `messages.csv`, the planted leaks aside |
| `personal.json` | for each file and row id every stretch of personal data as `[column, start, end, type]`, counted in characters, the end not included; an empty list where there is none |
| `faults.json` | every planted fault: reason, message ids and line numbers in `messages.csv` (the header is line 1); `same_message_as` names the row that each one repeats |
| `scenario.json` | question, columns, scorer, task instruction, terms of use and answers to the questionnaire for the workbench |
| `phrases.json` | the sentences, names and addresses |
| `generate.py` | writes all of the above except `phrases.json` and itself |

## Columns

| column | meaning |
|---|---|
| `message_id` | unique number of the row |
| `received` | day on which the message came in |
| `message` | the message, {shortest} to {longest} words, in English, German, French or Spanish |
| `reply` | one sentence that confirms it |

Example:

```text
message  {example_message}
reply    {example_reply}
```

## Personal data

| type | in `messages.csv` | in `test.csv` |
|---|---|---|
{type_table}

The rows without any are there to be left alone: order, invoice, serial and tracking numbers, dates
that nobody was born on, versions, commits, books, a card number that fails its check, and things and
places called Oliver, Charlotte, Newton or Victoria.

## What it can't tell you

A detector's hits and misses here show what it does with data of this kind: short messages in four
languages with names from many more. Real messages have typing errors, nicknames and hints that no
list has. Masking reduces personal data; it does not prove that none is left.

## Planted faults

| fault | count | message ids | why it harms |
|---|---|---|---|
{fault_table}
"""


def fault_line(name, fault):
    """Returns one line of the README's fault table."""
    ids = "all rows with an entry in `personal.json`" if name == "personal_data" else ", ".join(fault["message_ids"])
    return f"| `{name}` | {len(fault['message_ids'])} | {ids} | {fault['reason']} |"


def readme_text(rows, test_rows, faults):
    """Returns README.md with counts and tables taken from the data."""
    example = next(row for row in rows if row["personal"] and not row["fault"])
    lengths = [len(row["message"].split()) for row in rows + test_rows]
    counts = [Counter(span[3] for row in part for span in row["personal"]) for part in (rows, test_rows)]
    return README.format(
        training_rows=len(rows),
        test_rows=len(test_rows),
        shortest=min(lengths),
        longest=max(lengths),
        private_rows=sum(bool(row["personal"]) for row in rows),
        private_test_rows=sum(bool(row["personal"]) for row in test_rows),
        clean_rows=sum(not row["personal"] and not row["fault"] for row in rows),
        fault_rows=sum(row["fault"] is not None for row in rows),
        example_message=example["message"],
        example_reply=example["reply"],
        type_table="\n".join(f"| {kind} | {counts[0][kind]} | {counts[1][kind]} |" for kind in sorted(counts[0])),
        fault_table="\n".join(fault_line(*item) for item in faults.items()),
    )


def build_rows(phrases):
    """Returns the training rows with their faults, and the test rows."""
    rng = random.Random(SEED)
    test_rows = write_private_rows(phrases, "test", PERSONAL_TEST_ROWS, rng)
    test_rows += write_clean_rows(phrases["clean"]["test"], CLEAN_TEST_ROWS, rng)
    rows = write_private_rows(phrases, "train", PERSONAL_ROWS, rng)
    rows += write_clean_rows(phrases["clean"]["train"], CLEAN_ROWS, rng)
    rng.shuffle(test_rows)
    rng.shuffle(rows)
    plant_faults(rows, test_rows, rng)
    number_rows(rows, "M", datetime.date(2025, 1, 7), 170)
    number_rows(test_rows, "S", datetime.date(2025, 8, 5), 40)
    return rows, test_rows


def write_scenario(folder):
    """Writes all files of the sample data into the folder."""
    phrases = json.loads((HERE / "phrases.json").read_text(encoding="utf-8"))
    rows, test_rows = build_rows(phrases)
    check_rows(rows, test_rows)
    faults = list_faults(rows)
    files = {
        "messages.csv": csv_text(rows),
        "test.csv": csv_text(test_rows),
        "personal.json": personal_text({"messages.csv": rows, "test.csv": test_rows}),
        "faults.json": json_text(faults),
        "scenario.json": scenario_text(),
        "README.md": with_measured(readme_text(rows, test_rows, faults), HERE),
    }
    for name, text in files.items():
        (Path(folder) / name).write_bytes(text.encode("utf-8"))


if __name__ == "__main__":
    write_scenario(HERE)
