"""The usual written forms of ids, addresses of machines, telephone numbers, birth dates and secrets, and what only looks so."""

import pytest

from workbench.curate.personal import MASK, REVIEW, find_personal, mask

# Put together here, so that no scanner of source code takes them for somebody's keys.
LETTERS = "aB3dE5gH7jK9mN1pQ4sT6vW8yZ2bC0fG"
HEX = "31f8c2a696912372" + "a6ffebbd98c64f5c"


def found(text, tier=None):
    return [(s.type, text[s.start : s.end]) for s in find_personal(text) if tier in (None, s.tier)]


# National ids


@pytest.mark.parametrize(
    "text, number",
    [
        ("SSN 123 45 6789", "123 45 6789"),
        ("ssn: 123.45.6789", "123.45.6789"),
        ("ssn=123456789", "123456789"),
        ("and then 123-45-6789 again", "123-45-6789"),
        ("my national insurance number is ab123456c", "ab123456c"),
        ("AB-12-34-56-C", "AB-12-34-56-C"),
        ("NINO: AB 12 34 56", "AB 12 34 56"),
        ("nhs no. 943-476-5919", "943-476-5919"),
        ("9434765919 is my NHS number", "9434765919"),
        ("Meine Steuernummer lautet 86 095 742 719.", "86 095 742 719"),
        ("IdNr.: 86095742719", "86095742719"),
        ("St.-Nr. 12/345/67890", "12/345/67890"),
        ("Rentenversicherungsnummer 65 170839 J 003", "65 170839 J 003"),
        ("numéro de sécurité sociale : 295109912611193", "295109912611193"),
        ("n° sécu 2.95.10.99.126.111.93", "2.95.10.99.126.111.93"),
        ("codice fiscale rssmra85t10a562s", "rssmra85t10a562s"),
        ("RSS MRA 85T10 A562S", "RSS MRA 85T10 A562S"),
        ("dni 12.345.678 z", "12.345.678 z"),
        ("12.345.678-Z", "12.345.678-Z"),
        ("x1234567l", "x1234567l"),
        ("burgerservicenummer 111.222.333", "111.222.333"),
        ("111222333 (BSN)", "111222333"),
        ("Numer PESEL: 440514 01359", "440514 01359"),
        ('{"pesel": "44051401359"}', "44051401359"),
        ("row;pesel\n1;44051401359", "44051401359"),
        ("número de contribuinte 501442600", "501442600"),
        ("529982247-25", "529982247-25"),
        ("AHV-Nummer 7569217076985", "7569217076985"),
        ("CPR 010190-1234", "010190-1234"),
        ("131052-308t", "131052-308t"),
        ("C01X00T47 is my passport number", "C01X00T47"),
    ],
)
def test_a_national_id_is_sure_however_it_is_written(text, number):
    assert found(text, MASK) == [("NATIONAL_ID", number)]


@pytest.mark.parametrize(
    "text", ["my tax number is 86095742719", "numer identyfikacyjny 44051401359", "número de identificación 52998224725"]
)
def test_a_word_for_any_states_id_counts_for_all_of_them(text):
    assert found(text, MASK) == [("NATIONAL_ID", text.split()[-1])]


@pytest.mark.parametrize(
    "number", ["943 476 5919", "86 095 742 719", "44051401359", "2951099126111 93", "7569217076985", "2341 2341 2346"]
)
def test_an_id_with_a_telling_form_and_no_word_for_it_is_for_review(number):
    assert found(f"and {number} too") == found(f"and {number} too", REVIEW) == [("NATIONAL_ID", number)]
    assert found(f"order {number}") == []


@pytest.mark.parametrize("text", ["PESEL 44051401358", "DNI: 12345678A", "BSN 111222334"])
def test_behind_its_name_an_id_with_a_wrong_checksum_is_for_review(text):
    assert found(text) == found(text, REVIEW) == [("NATIONAL_ID", text.split()[-1])]


@pytest.mark.parametrize(
    "text",
    [
        "invoice 86095742719", "item no. 111222333", "tracking 00340434161094022115", "tax number 12", "12 345 678 EUR",
        "passport photo 35x45 mm", "my BSN is missing. The order no. 111222333 is not", "social security in 2024-2025",
    ],
)  # fmt: skip
def test_other_numbers_are_no_national_ids(text):
    assert found(text) == []


# Addresses of machines


@pytest.mark.parametrize(
    "text, address",
    [
        ("client_ip=203.0.113.9 GET /", "203.0.113.9"),
        ("SRC=203.0.113.9 DPT=22", "203.0.113.9"),
        ("<203.0.113.9>", "203.0.113.9"),
        ("[203.0.113.9]:22", "203.0.113.9"),
        ("10.0.0.0/8", "10.0.0.0"),
        ("192.168.001.010", "192.168.001.010"),
        ("198.51[.]100[.]7", "198.51[.]100[.]7"),
        ("please update 203.0.113.7 in it", "203.0.113.7"),
        ("169.254.1.1", "169.254.1.1"),
        ("FE80::1%eth0", "FE80::1"),
        ("[2001:DB8::1]:443", "2001:DB8::1"),
        ("ip:2001:db8::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("2001:0db8:85a3:0000:0000:8a2e:0370:7334", "2001:0db8:85a3:0000:0000:8a2e:0370:7334"),
    ],
)
def test_an_address_of_a_machine_is_sure_however_it_is_written(text, address):
    assert found(text, MASK) == [("IP", address)]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_this_machine_is_for_review(address):
    assert found(f"on {address} now") == found(f"on {address} now", REVIEW) == [("IP", address)]


@pytest.mark.parametrize(
    "text", ["numpy=1.26.4.1", "version=1.2.3.4", "<2.10.0.1", "rev=2.4.1.3", "a[::1] and b[::2]", "std::string ::close", "10:30:45"]
)
def test_versions_and_slices_are_no_addresses(text):
    assert found(text) == []


# Telephone numbers


@pytest.mark.parametrize(
    "text, number",
    [
        ("tel:0301234567", "0301234567"),
        ("phone:555-0143", "555-0143"),
        ("phone=+49301234567", "+49301234567"),
        ("phoneNumber: 2025550143", "2025550143"),
        ("Rückruf bitte unter 089 12345-67", "089 12345-67"),
        ("joignable au 06.12.34.56.78", "06.12.34.56.78"),
        ("mijn nummer is 06 12345678", "06 12345678"),
        ("mój numer to 512 345 678", "512 345 678"),
        ("(202) 555-0143 x12 is my number", "(202) 555-0143 x12"),
        ("0171 2345678 (mobile)", "0171 2345678"),
        ("Kind regards\nT 030 1234567", "030 1234567"),
        ("call the customer at 030 123456", "030 123456"),
    ],
)
def test_a_word_or_a_letter_at_a_telephone_number_makes_it_sure(text, number):
    assert found(text, MASK) == [("PHONE", number)]


def test_a_second_number_is_as_sure_as_the_first():
    assert found("Call 030 1234567 or 0171 2345678.", MASK) == [("PHONE", "030 1234567"), ("PHONE", "0171 2345678")]


@pytest.mark.parametrize("number", ["22 123 45 67", "512 345 678", "(01632) 960123", "0301234567", "613-250-111"])
def test_other_national_forms_are_for_review(number):
    assert found(f"and then {number} she wrote") == found(f"then {number} she", REVIEW) == [("PHONE", number)]


@pytest.mark.parametrize("text", ["613 250 111 EUR", "500 000 000 people", "SKU 512 345 678", "call 12 345 678 zł", "the call took 123456 ms", "2024-01-02 03:04:05.678"])
def test_amounts_and_article_numbers_are_no_telephone_numbers(text):
    assert found(text) == []


# Dates of birth


@pytest.mark.parametrize(
    "text, date",
    [
        ('{"date_of_birth": "1990-03-04"}', "1990-03-04"),
        ("dob 3/4/90", "3/4/90"),
        ("dob: 04-MAR-1990", "04-MAR-1990"),
        ("birthdate: March 4th, 1990", "March 4th, 1990"),
        ("birthDate=19900304", "19900304"),
        ("patient_dob,1990-03-04T00:00:00Z", "1990-03-04"),
        ("Geb.-Datum 4.3.90", "4.3.90"),
        ("Geburtstag\n04. 03. 1990", "04. 03. 1990"),
        ("*04.03.1990", "04.03.1990"),
        ("né(e) le 4 mars 1990", "4 mars 1990"),
        ("data di nascita 04-03-1990", "04-03-1990"),
        ("fecha de nacimiento: 4 de marzo de 1990", "4 de marzo de 1990"),
        ("geboortedatum 4 maart 1990", "4 maart 1990"),
        ("urodzony 4 marca 1990", "4 marca 1990"),
        ("data de nascimento 04/03/1990", "04/03/1990"),
        ("1990-03-04 is my birthday", "1990-03-04"),
    ],
)
def test_a_date_of_birth_is_found_in_all_its_forms(text, date):
    assert found(text, REVIEW) == [("BIRTH_DATE", date)]


@pytest.mark.parametrize("text", ["the NATO summit on 4 July 2024", "an event on 4 March 2024", "5 * 12.50 = 62", "born in a storm, shipped 2024"])
def test_other_dates_and_products_are_no_dates_of_birth(text):
    assert found(text) == []


# Secrets


@pytest.mark.parametrize(
    "text, secret",
    [
        ('"dbPassword": "hunter22"', "hunter22"),
        ("MYSQLPASSWORD=abc12345", "abc12345"),
        ("pw: hunter2!", "hunter2!"),
        ("mdp : Soleil77", "Soleil77"),
        ("hasło: Kotek123", "Kotek123"),
        ("password is now Tulip99x", "Tulip99x"),
        ("changed the password to Tulip99x!", "Tulip99x!"),
        ("Password - hunter2!x", "hunter2!x"),
        ("password: correct-horse-battery-staple", "correct-horse-battery-staple"),
        ("curl -u admin:hunter2! https://x.example", "hunter2!"),
        ("mysql -u root -pS3cretPw db", "S3cretPw"),
        ("tool --password hunter2", "hunter2"),
        ("clientSecret => '" + LETTERS + "'", LETTERS),
        ("X-Api-Key: " + LETTERS, LETTERS),
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("Bearer " + LETTERS, LETTERS),
        ("https://x.example/a?sv=1&sig=" + LETTERS + "%3D", LETTERS + "%3D"),
        ("use pk" + "_live_" + LETTERS, "pk" + "_live_" + LETTERS),
        ("use gl" + "sa_" + LETTERS + "_abcd1234", "gl" + "sa_" + LETTERS + "_abcd1234"),
        (f"use {HEX}-us12", f"{HEX}-us12"),
        (f"https://{HEX}@o1.ingest.sentry.io/5", HEX),
    ],
)
def test_a_secret_is_found_in_the_forms_that_files_and_commands_give_it(text, secret):
    assert found(text, MASK) == [("SECRET", secret)]


def test_a_private_key_in_one_line_is_a_secret():
    key = "-----BEGIN OPENSSH " + "PRIVATE KEY-----\\nb3BlbnNzaC1rZXktdjEAAAAA\\n-----END OPENSSH PRIVATE KEY-----"
    assert found(f'"key": "{key}"', MASK) == [("SECRET", key)]


@pytest.mark.parametrize(
    "text",
    [
        "password must be at least 12 characters", "session id missing", "session: 3 of 4", "token_count: 12345678", "secret santa 2024",
        "tan is a colour", "the pin is broken", "compass: N45degrees", "clave primaria id_1", "pass: 12, fail: 3", "curl -u $USER:$PASS x",
        "tool --token <yours>", "public key is 12345678", "a bearer of bad news",
    ],
)  # fmt: skip
def test_talk_of_secrets_is_none(text):
    assert found(text) == []


@pytest.mark.parametrize(
    "text, expected",
    [
        ('my password is: Xy9!kk"zz, ok', "my password is: [SECRET], ok"),
        ('"my password is hunter2!x" he wrote', '"my password is [SECRET]" he wrote'),
        ("password = \"it's-1234\" # new", 'password = "[SECRET]" # new'),
        ("the password for the portal is Xy9!kk'zz now", "the password for the portal is [SECRET] now"),
        ("deploy --password Xy9kk\"zz1 now", "deploy --password [SECRET] now"),
        ("postgres://u:p@ss@h:5432/db", "postgres://[SECRET]@h:5432/db"),
        ("https://u:p4ss@h.org?from=b", "https://[SECRET]@h.org?from=b"),
        ("https://x.org/u?email=bob%40corp.com&p=1", "https://x.org/u?email=[EMAIL]&p=1"),
    ],
)
def test_a_value_is_masked_to_its_end(text, expected):
    assert mask(text) == expected
