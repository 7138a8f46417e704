"""Personal data and secrets are found and masked; other numbers and words are left alone."""

import json
import stat
import subprocess
import sys

import pytest

from workbench.curate.personal import (
    MASK,
    REVIEW,
    WORDS,
    Masking,
    Rules,
    Span,
    SpacyNames,
    WithNames,
    find_personal,
    in_words,
    load_or_make_key,
    mask,
)
from workbench.curate.personal.spans import resolve
from workbench.dataset import Example
from workbench.errors import BadInput, Prerequisite
from workbench.runtime import ROOT

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
# Put together here, so that no scanner of source code takes them for somebody's keys.
LETTERS = "aB3dE5gH7jK9mN1pQ4sT6vW8yZ2bC0fG"


def found(text, tier=None, regions=()):
    """(type, the text of the span) of what was found, of one tier or of both."""
    return [(s.type, text[s.start : s.end]) for s in find_personal(text, regions) if tier in (None, s.tier)]


# E-mail addresses and telephone numbers


@pytest.mark.parametrize(
    "text, masked",
    [
        ("Write to jane.doe+shop@mail.example.co.uk.", "Write to [EMAIL]."),
        ("<jane@example.org>, please", "<[EMAIL]>, please"),
        ("mailto:j_d%x@example.com", "mailto:[EMAIL]"),
        ("MÜLLER@BÜCHER.EXAMPLE", "[EMAIL]"),
        ("o'neill@example.ie", "[EMAIL]"),
        ("Call +1 202 555 0123 or +44 20 7946 0123", "Call [PHONE] or [PHONE]"),
        ("tel:+12025550123;", "tel:[PHONE];"),
        ("+49 (0)30 123456", "[PHONE]"),
        ("+1-202-555-0123 / a@example.com", "[PHONE] / [EMAIL]"),
        ("+1 202 555 0123 2 rooms", "[PHONE] 2 rooms"),
        ("a@example.com,b@example.org", "[EMAIL],[EMAIL]"),
        ("jane [at] example [dot] org", "[EMAIL]"),
        ("jane(at)example.org", "[EMAIL]"),
        ("write jane dot doe at example dot com today", "write [EMAIL] today"),
        ("ana arroba example punto es", "[EMAIL]"),
        ("jean point dupont arobase example point fr", "[EMAIL]"),
        ("ｊａｎｅ＠ｅｘａｍｐｌｅ．ｏｒｇ", "[EMAIL]"),
        ("ja\u200bne@exam\u00adple.org!", "[EMAIL]!"),
        ("jane&#64;example.org", "[EMAIL]"),
        (r"jane\u0040example.org", "[EMAIL]"),
    ],
)
def test_addresses_and_numbers_with_a_country_code_are_masked(text, masked):
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text, number",
    [
        ("My phone is 202-555-0143.", "202-555-0143"),
        ("call me at (202) 555-0143 ext. 12", "(202) 555-0143 ext. 12"),
        ("Mobile: 07700 900123", "07700 900123"),
        ("Tel.: 030 123456", "030 123456"),
        ("Handy 0171/2345678", "0171/2345678"),
        ("mi teléfono es 612 345 678", "612 345 678"),
        ("Tél : 01 23 45 67 89", "01 23 45 67 89"),
        ("cellulare 333 1234567", "333 1234567"),
        ("WhatsApp: (11) 91234-5678", "(11) 91234-5678"),
    ],
)
def test_a_number_behind_a_word_for_telephones_is_sure(text, number):
    assert found(text, MASK) == [("PHONE", number)]


@pytest.mark.parametrize("number", ["(202) 555-0143", "030 123456789", "01 23 45 67 89", "06-12345678", "612 345 678", "07700 900123"])
def test_a_number_that_only_looks_like_a_telephones_is_for_review(number):
    assert found(f"and then {number} she wrote") == [("PHONE", number)]
    assert mask(number) == number


def test_the_number_of_a_chosen_country_is_found_and_for_review():
    assert found("so 2125550123 it was") == []
    assert found("so 2125550123 it was", regions=("US",)) == [("PHONE", "2125550123")]
    assert found("order 2125550123", regions=("US",)) == []
    assert found("so 2125550123 it was", MASK, regions=("US",)) == []


# What has a checksum


@pytest.mark.parametrize(
    "text, what, value",
    [
        ("Pay DE89 3704 0044 0532 0130 00 now", "IBAN", "DE89 3704 0044 0532 0130 00"),
        ("gb82west12345698765432", "IBAN", "gb82west12345698765432"),
        ("FR1420041010050500013M02606 and more", "IBAN", "FR1420041010050500013M02606"),
        ("charged 4111 1111 1111 1111 twice", "CARD", "4111 1111 1111 1111"),
        ("5500-0055-5555-5559", "CARD", "5500-0055-5555-5559"),
        ("amex 378282246310005", "CARD", "378282246310005"),
        ("the server 192.168.0.17:8080", "IP", "192.168.0.17"),
        ("from 203.0.113.9.", "IP", "203.0.113.9"),
        ("at 2001:db8::ff00:42:8329 today", "IP", "2001:db8::ff00:42:8329"),
        ("00:1A:2b:3C:4D:5E", "MAC", "00:1A:2b:3C:4D:5E"),
        ("00-1a-2b-3c-4d-5e", "MAC", "00-1a-2b-3c-4d-5e"),
    ],
)
def test_accounts_cards_and_machines_are_sure(text, what, value):
    assert found(text, MASK) == [(what, value)]


@pytest.mark.parametrize(
    "text, value",
    [
        ("SSN 123-45-6789", "123-45-6789"),
        ("social security number 123456789", "123456789"),
        ("NI number AB 12 34 56 C", "AB 12 34 56 C"),
        ("NHS number 943 476 5919", "943 476 5919"),
        ("Steuer-ID 86095742719", "86095742719"),
        ("sécu 2 95 10 99 126 111 93", "2 95 10 99 126 111 93"),
        ("codice fiscale RSSMRA85T10A562S", "RSSMRA85T10A562S"),
        ("DNI 12345678Z", "12345678Z"),
        ("NIE X-1234567-L", "X-1234567-L"),
        ("BSN: 111222333", "111222333"),
        ("PESEL 44051401359", "44051401359"),
        ("personnummer 811228-9874", "811228-9874"),
        ("85.07.30-033.28 est mon numéro national", "85.07.30-033.28"),
        ("NIF 501 442 600", "501 442 600"),
        ("AHV 756.9217.0769.85", "756.9217.0769.85"),
        ("hetu 131052-308T", "131052-308T"),
        ("CPF 529.982.247-25", "529.982.247-25"),
        ("Aadhaar 2341 2341 2346", "2341 2341 2346"),
        ("PAN ABCPE1234F", "ABCPE1234F"),
        ("passport no. C01X00T47", "C01X00T47"),
    ],
)
def test_national_ids_are_sure(text, value):
    assert found(text, MASK) == [("NATIONAL_ID", value)]


@pytest.mark.parametrize("number", ["111222333", "44051401359", "86095742719", "943 476 5919", "2341 2341 2346", "C01X00T47"])
def test_an_id_of_digits_alone_needs_a_word_for_it(number):
    assert found(f"lot {number} arrived", MASK) == []


@pytest.mark.parametrize("text", ["BSN 111222334", "PESEL 44051401358", "DNI 12345678A", "RSSMRA85T10A562T", "CPF 529.982.247-26"])
def test_an_id_with_a_wrong_checksum_is_none(text):
    assert found(text, MASK) == []


# Secrets


@pytest.mark.parametrize(
    "secret",
    [
        "AKIA" + "IOSFODNN7REALKEY"[:16],
        "gh" + "p_" + LETTERS + "abcd",
        "github" + "_pat_" + LETTERS * 2,
        "glpat" + "-" + LETTERS[:20],
        "xox" + "b-1234567890-" + LETTERS,
        "sk-" + "ant-api03-" + LETTERS,
        "sk-" + "proj-" + LETTERS,
        "sk-" + LETTERS + LETTERS[:16],
        "hf" + "_" + LETTERS + "xy",
        "AIza" + LETTERS + "abc",
        "sk" + "_live_" + LETTERS,
        "SG." + LETTERS[:22] + "." + LETTERS + "abcdefghijk",
        "npm" + "_" + LETTERS + "abcd",
        "pypi" + "-AgEIcHlwaS5vcmc" + LETTERS * 2,
        "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0." + LETTERS,
        "12345678" + ":AA" + LETTERS + "x",
        "abc8Q~" + LETTERS + "xy",
        "https://hooks" + ".slack.com/services/T0000/B0000/" + LETTERS,
        "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_a_key_is_known_by_its_form(secret):
    assert found(f"use {secret} please", MASK) == [("SECRET", secret)]


@pytest.mark.parametrize(
    "text, secret",
    [
        ("password: hunter2!", "hunter2!"),
        ("Mein Passwort ist Sommer2024!", "Sommer2024!"),
        ("contraseña: gato_negro7", "gato_negro7"),
        ('{"api_key": "k3J9x0PqLm82vTzR"}', "k3J9x0PqLm82vTzR"),
        ("DB_PASSWORD=Tr0ub4dor&3", "Tr0ub4dor&3"),
        ("export MY_TOKEN='9f8e7d6c5b4a39281706'", "9f8e7d6c5b4a39281706"),
        ("PIN: 4821", "4821"),
        ("postgres://admin:s3cr3tpw@db.example.org/shop", "admin:s3cr3tpw"),
        ("Server=x;User Id=sa;Password=pA55w0rd;", "pA55w0rd"),
        ("Authorization: Bearer abcdef123456ghijkl", "abcdef123456ghijkl"),
    ],
)
def test_a_secret_is_known_by_the_name_before_it(text, secret):
    assert found(text, MASK) == [("SECRET", secret)]


@pytest.mark.parametrize(
    "text",
    [
        "password: changeme", "api_key=<your key>", "token: xxxxxxxx", "PASSWORD=${DB_PASSWORD}", "password=None", "password: str",
        "secret = os.environ['SECRET']", "The password is incorrect.", "I forgot my password", "reset the password: click here",
        "a token is a piece of a word", "max_tokens: 4096", "https://user:password@example.com", "passwords are hashed", "pass: failed",
        "api key: [SECRET]", "num_tokens=123456789012",
    ],
)  # fmt: skip
def test_a_placeholder_is_no_secret(text):
    assert found(text) == []


# What is for review


@pytest.mark.parametrize(
    "text, name",
    [
        ("Hello, my name is Ada Byron and I", "Ada Byron"),
        ("my name is maria lopez and I", "maria lopez"),
        ("Ich heiße Klaus Müller.", "Klaus Müller"),
        ("Je m'appelle Amélie Dubois", "Amélie Dubois"),
        ("me llamo José García", "José García"),
        ("Mi chiamo Giulia Rossi", "Giulia Rossi"),
        ("меня зовут Мария Иванова", "Мария Иванова"),
        ("Dear Mr. Thompson, we", "Thompson"),
        ("Sehr geehrte Frau von der Heide,", "von der Heide"),
        ("Estimada Señora López", "López"),
        ("Hi Zanele, thanks", "Zanele"),
        ("Kind regards,\nZorblat Quux", "Zorblat Quux"),
        ("Mit freundlichen Grüßen\nJürgen Schäfer", "Jürgen Schäfer"),
        ("I'm Hope from accounting", "Hope"),
        ("then Maria told us", "Maria"),
        ("and Will Smith left", "Will Smith"),
        ("see Smith, John for it", "Smith, John"),
        ("asked Linda van der Berg again", "Linda van der Berg"),
        ("asked Jose\u0301 Garci\u0301a again", "Jose\u0301 Garci\u0301a"),
        ("Patient: Thomas Weber, 3 visits", "Thomas Weber"),
        ("Tim Peters' introduction", "Tim Peters"),
        ("asked Michel Le Goff again", "Michel Le Goff"),
        ("Mme Le Goff écrit", "Le Goff"),
        ("asked Jack Taylor again", "Jack Taylor"),
        ("asked John D. Hunter again", "John D. Hunter"),
    ],
)
def test_names_of_persons_are_for_review(text, name):
    assert found(text) == [("PERSON", name)]


@pytest.mark.parametrize(
    "text, address",
    [
        ("I live at 221B Baker Street, London NW1 6XE.", "221B Baker Street, London NW1 6XE"),
        ("to 1600 Pennsylvania Avenue NW, Washington, DC 20500 please", "1600 Pennsylvania Avenue NW, Washington, DC 20500"),
        ("wohnhaft in Hauptstr. 5, 10115 Berlin.", "Hauptstr. 5, 10115 Berlin"),
        ("Am Alten Markt 3a, 50667 Köln", "Am Alten Markt 3a, 50667 Köln"),
        ("au 12 rue de la Paix, 75001 Paris", "12 rue de la Paix, 75001 Paris"),
        ("in Via Roma 12, 00100 Roma. Grazie", "Via Roma 12, 00100 Roma"),
        ("Via Garibaldi, 12, 00100 Roma", "Via Garibaldi, 12, 00100 Roma"),
        ("en Calle de Alcalá 45, 28014 Madrid", "Calle de Alcalá 45, 28014 Madrid"),
        ("op Keizersgracht 123, 1015 CJ Amsterdam", "Keizersgracht 123, 1015 CJ Amsterdam"),
        ("na ul. Marszałkowska 10 m. 5, 00-590 Warszawa", "ul. Marszałkowska 10 m. 5, 00-590 Warszawa"),
        ("to P.O. Box 123 please", "P.O. Box 123"),
        ("Postfach 1234", "Postfach 1234"),
        ("Hauptstraße 5\n10115 Berlin", "Hauptstraße 5\n10115 Berlin"),
    ],
)
def test_postal_addresses_are_for_review(text, address):
    assert ("ADDRESS", address) in found(text, REVIEW)
    assert found(text, MASK) == []


@pytest.mark.parametrize(
    "text, what, value",
    [
        ("born on 12 March 1985", "BIRTH_DATE", "12 March 1985"),
        ("DOB: 1985-03-12", "BIRTH_DATE", "1985-03-12"),
        ("geb. 12.03.1985", "BIRTH_DATE", "12.03.1985"),
        ("née le 12/03/1985", "BIRTH_DATE", "12/03/1985"),
        ("nato il 3 maggio 1970", "BIRTH_DATE", "3 maggio 1970"),
        ("Kennzeichen M-XY 123", "PLATE", "M-XY 123"),
        ("license plate: 7ABC123", "PLATE", "7ABC123"),
        ("my username is jdoe_77", "HANDLE", "jdoe_77"),
        ("follow me @jane_doe on it", "HANDLE", "@jane_doe"),
        ("account number 12345678", "ACCOUNT", "12345678"),
        ("Kundennummer: K-445566", "ACCOUNT", "K-445566"),
    ],
)
def test_details_behind_a_word_for_them_are_for_review(text, what, value):
    assert found(text) == [(what, value)]


# What is none of it


@pytest.mark.parametrize(
    "text",
    [
        "order A-46169 of 2025-01-06",
        "order E-23098",
        "order 1234567890",
        "2025-01-06T10:00:00+01:00",
        "06.01.2025, 12:30:45",
        "ISBN 978-3-16-148410-0",
        "978-0-306-40615-7",
        "EAN 4006381333931",
        "version 1.2.3.4567",
        "version 1.2.3.4, v2.10.0.1, numpy==1.26.4.1",
        "DE89 3704 0044 0532 0130 01",
        "card 4111 1111 1111 1112",
        "2+2345678=2345680",
        "temperatures from -12 to +30, 1234567 times",
        "@handle said 5 @ 3 euros",
        "user@localhost",
        "git@github.com:owner/name.git and react@18.2.0 and logo@2x.png",
        "550e8400-e29b-41d4-a716-446655440000",
        "commit 3f786850e387550fdab836ed7e6dc881de23001b",
        "0.0.0.0, :: and 255.255.255.0",
        "1,234,567.89 EUR or 12-34 to 56-78",
        "48.856613, 2.352222",
        "#ff00aa and 0xDEADBEEF and std::vector<int>",
        "1700000000 and 1700000000000",
        "ZIP 90210, 20500-1234",
        "Newton's second law",
        "The Ada Lovelace Institute",
        "a Mercedes Benz in Paris",
        "Dear Customer, dear Sir or Madam,",
        "Hello World",
        "this is True, not None",
        "a jupyter-client>=8.9.0 on /02110-1301",
        "00:00:00:00:00:00 and ff:ff:ff:ff:ff:ff",
        '-v "$PWD":/workspace/host',
        "by lot. At what point am I told",
        "Bonjour Madame, merci pour votre commande",
        "I will go on May 5 with hope and grace",
        "On January 1, 2025 Berlin was cold",
        "def f(x: int = 3) -> str:\n    \"\"\"Return the x-th item, see PEP 257.\"\"\"",
        "@app.route('/users')",
        "The University of Victoria and Franklin Avenue",
        "3 * 4 = 12; 10:30:45; 1/2/3",
        "",
    ],
)  # fmt: skip
def test_order_numbers_dates_and_isbns_are_no_personal_data(text):
    assert find_personal(text) == []
    assert mask(text) == text


# Spans


def test_spans_are_in_order_and_never_overlap():
    text = "+1 202 555 0123 a@example.com +44 20 7946 0123 +12025550199@example.com"
    spans = find_personal(text)
    assert [s.type for s in spans] == ["PHONE", "EMAIL", "PHONE", "EMAIL"]
    assert all(one.end <= other.start for one, other in zip(spans, spans[1:], strict=False))
    assert text[spans[1].start : spans[1].end] == "a@example.com"


def test_of_two_finds_the_sure_one_wins_then_the_kind_then_the_longer_one():
    sure, loose = Span(5, 8, "PHONE", MASK, ""), Span(0, 20, "ADDRESS", REVIEW, "")
    assert resolve([loose, sure]) == [sure]
    assert resolve([Span(0, 9, "PHONE", MASK, ""), Span(3, 20, "IBAN", MASK, "")]) == [Span(3, 20, "IBAN", MASK, "")]
    assert resolve([Span(0, 3, "PERSON", REVIEW, ""), Span(0, 9, "PERSON", REVIEW, "")]) == [Span(0, 9, "PERSON", REVIEW, "")]
    assert resolve([Span(4, 8, "IP", MASK, ""), Span(0, 4, "IP", MASK, "")]) == [Span(0, 4, "IP", MASK, ""), Span(4, 8, "IP", MASK, "")]


@pytest.mark.parametrize("before", ["", "\u200b\u200b", "\\n", "\\u00e4 ", "é\u0301 ", "&#64; ", "\\\\ ", "😀 "])
def test_spans_point_into_the_text_as_it_was_given(before):
    text = f"{before}to ja\u200bne\\u0040example.org!"
    assert [text[s.start : s.end] for s in find_personal(text)] == ["ja\u200bne\\u0040example.org"]


def test_masking_twice_changes_nothing_more():
    once = mask("jane@example.org, +1 202 555 0123, password: hunter2! and DE89 3704 0044 0532 0130 00")
    assert mask(once) == once == "[EMAIL], [PHONE], password: [SECRET] and [IBAN]"


@pytest.mark.parametrize("before", ["", " ", "\n", "\t", "\r", "\b", "\f", "\\", '"', "/", "Grüße: ", "\u2028", "\x01"])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("contact", ["jane@example.org", "+12025550123"])
def test_json_stays_json_when_masked(before, ascii_only, contact):
    """In JSON a line break before an address is written as a backslash and an n, and the n is no part of it."""
    answer = json.dumps({"text": f"{before}{contact}", "other": [contact]}, ensure_ascii=ascii_only)
    mark = "[EMAIL]" if "@" in contact else "[PHONE]"
    assert json.loads(mask(answer)) == {"text": f"{before}{mark}", "other": [mark]}


def test_one_long_word_takes_no_long_time():
    """A cell may hold an encoded picture; the time must grow with its length, not with the square of it."""
    code = "from workbench.curate.personal import find_personal; find_personal('x' * 200_000)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=4)


def test_hostile_text_takes_no_long_time():
    """Each of these would take minutes if any rule's time grew with the square of the length."""
    code = (
        "from workbench.curate.personal import Masking, find_personal\n"
        "from workbench.dataset import Example\n"
        "for unit in ('A', '1', '1.', 'a.', 'a@', 'Ab ', 'Anna ', 'e\\u0301', '\\u200b', '\\\\', '://a:', 'eyJ', '12 Main ', 'dear A '):\n"
        "    find_personal((unit * 40_000)[:40_000], ('DE',))\n"
        "names = ' '.join(f'my name is Ada{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{chr(97 + i // 676)}.' for i in range(3_000))\n"
        "Masking().row(Example('r', (('user', names),), names[::-1]), ('mask', 'review'))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_the_sure_finds_are_the_same_with_and_without_the_rest():
    text = "Ada Byron, +1 202 555 0123, jane@example.org, 030 123456789, PESEL 44051401359, 12 Main Street"
    assert Rules().sure(text) == [s for s in Rules().find(text) if s.tier == MASK] != []


def test_counts_are_told_in_words():
    assert in_words({"PHONE": 1, "EMAIL": 2}) == "2 e-mail addresses, 1 phone number"
    assert {s.type for s in find_personal("Ada Byron a@example.org PIN: 4821")} <= set(WORDS)


# Masking


def row(given, answer, rejected=""):
    return Example("r", (("system", "Be kind."), ("user", given)), answer, {}, rejected)


def test_a_value_found_by_a_word_in_one_text_is_masked_in_the_others():
    example = row("my name is Ada Zorblat, call 5550123", "Dear Ada Zorblat, we call 5550123; no 15550123", "Ada Zorblat?")
    masked = Masking().row(example, (MASK, REVIEW))
    assert masked.input == "my name is [PERSON], call [PHONE]"
    assert masked.answer == "Dear [PERSON], we call [PHONE]; no 15550123"
    assert masked.rejected == "[PERSON]?"
    assert masked.provenance["transformations"] == ["personal data masked (type)"]


def test_the_columns_kept_beside_a_row_are_masked_with_it():
    kept = {"who": "Ada Zorblat", "mail": "a@example.org", "topic": "travel"}
    example = Example("r", (("user", "my name is Ada Zorblat, hello"),), "Dear Ada Zorblat", {"columns": kept, "line": 3})
    masked = Masking().row(example, (MASK, REVIEW))
    assert masked.provenance["columns"] == {"who": "[PERSON]", "mail": "[EMAIL]", "topic": "travel"}
    assert masked.provenance["line"] == 3 and masked.answer == "Dear [PERSON]" and example.provenance["columns"] == kept
    plain = Example("r", (("user", "hello"),), "hi", {"columns": kept})
    alone = Masking().row(plain)
    assert alone.provenance["columns"]["mail"] == "[EMAIL]" and alone.text_hash == plain.text_hash
    assert alone.provenance["transformations"] == ["personal data masked (type)"]


def test_a_value_for_review_is_kept_unless_asked_for():
    example = row("my name is Ada Byron, a@example.org", "ok")
    assert Masking().row(example).input == "my name is Ada Byron, [EMAIL]"


def test_a_row_with_nothing_to_mask_is_the_row_itself():
    example = row("order E-23098", "ok")
    assert Masking().row(example) is example


def test_a_pseudonym_is_the_same_in_a_project_and_another_in_the_next():
    masking = Masking("pseudonym", KEY)
    once = masking.text("a@example.org and b@example.org and A@Example.org")
    first, _, second, _, third = once.split()
    assert first == third != second and first.startswith("[EMAIL_") and "example" not in once
    assert masking.text("write a@example.org") == f"write {first}"
    assert Masking("pseudonym", OTHER_KEY).text("a@example.org") != first
    assert masking.text(once) == once
    assert masking.text("DE89 3704 0044 0532 0130 00") == masking.text("DE89370400440532013000")


def test_a_secret_gets_no_pseudonym():
    assert Masking("pseudonym", KEY).text("password: hunter2!") == "password: [SECRET]"


def test_a_key_shows_nowhere():
    assert KEY.hex() not in repr(Masking("pseudonym", KEY)) and repr(KEY) not in repr(Masking("pseudonym", KEY))


@pytest.mark.parametrize("mode, key", [("hash", KEY), ("pseudonym", b""), ("surrogate", b"short")])
def test_a_mode_that_cannot_work_is_refused(mode, key):
    with pytest.raises(BadInput):
        Masking(mode, key)


def test_surrogates_need_faker_and_are_the_same_each_time():
    masking = Masking("surrogate", KEY)
    try:
        import faker  # noqa: F401
    except ImportError:
        with pytest.raises(Prerequisite, match="Faker"):
            masking.text("a@example.com")
        return
    masked = masking.text("a@example.com, +1 202 555 0123, 10.1.2.3, PESEL 44051401359, password: hunter2!")
    assert masked == masking.text("a@example.com, +1 202 555 0123, 10.1.2.3, PESEL 44051401359, password: hunter2!")
    assert not any(value in masked for value in ("a@example.com", "10.1.2.3", "44051401359", "hunter2"))
    assert masked.endswith("[SECRET]")


def test_the_key_is_made_once_and_is_the_owners_alone(tmp_path):
    path = tmp_path / "deep" / "key"
    key = load_or_make_key(path)
    assert len(key) == 32 and load_or_make_key(path) == key
    assert load_or_make_key(tmp_path / "other") != key
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_is_no_key_is_refused(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(b"short")
    with pytest.raises(BadInput, match="5 bytes"):
        load_or_make_key(path)
    assert path.read_bytes() == b"short"


# Detectors of others


class Shouter:
    """Finds words in capitals: a detector of somebody else's."""

    def find(self, text):
        at = text.find("SHOUT")
        return [Span(at, at + 5, "PERSON", REVIEW, "shouted")] if at >= 0 else []


def test_another_detector_can_take_the_rules_place_or_join_them():
    assert Masking(detector=Shouter()).text("a SHOUT", (REVIEW,)) == "a [PERSON]"
    both = WithNames(Rules(), Shouter())
    assert [s.type for s in both.find("SHOUT a@example.org")] == ["PERSON", "EMAIL"]
    assert [s.type for s in both.find("SHOUT@example.org")] == ["EMAIL"]


def test_names_from_spacy_need_spacy_and_a_model():
    with pytest.raises(Prerequisite, match="spa"):
        SpacyNames("no_such_model_at_all").find("Ada Byron")
