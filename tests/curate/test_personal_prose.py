"""Names, birth dates and secrets are found as sentences tell them; words that only look alike are left alone."""

import pytest

from workbench.curate.personal import MASK, REVIEW, find_personal

RANDOM = "31f8c2a696912372" + "a6ffebbd98c64f5c"


def found(text, tier=None):
    return [(s.type, text[s.start : s.end]) for s in find_personal(text) if tier in (None, s.tier)]


@pytest.mark.parametrize(
    "text, name",
    [
        ("Hallo, hier schreibt Zorblat von Quux. Bitte", "Zorblat von Quux"),
        ("Zorblat Quux here, I have a question", "Zorblat Quux"),
        ("Dear team, Zorblat Quux speaking. A lamp broke", "Zorblat Quux"),
        ("Good morning, this is Zorblat Quux from the evening group", "Zorblat Quux"),
        ("It's Zorblat Quux, I have a question", "Zorblat Quux"),
        ("I am Zorblat Quux, we spoke", "Zorblat Quux"),
        ("Ich bin Zorblat Quux und warte", "Zorblat Quux"),
        ("Hola, soy Zorblat Quux, paciente", "Zorblat Quux"),
        ("Chère équipe, c'est Zorblat Quux. Le virement", "Zorblat Quux"),
        ("My sister Zorblat Quux may come", "Zorblat Quux"),
        ("Meine Schwester Zorblat Quux weiß Bescheid", "Zorblat Quux"),
        ("Mon frère Zorblat Quux passera", "Zorblat Quux"),
        ("mi jefa Zorblat Quux dijo", "Zorblat Quux"),
        ("Zorblat Quux and I agreed", "Zorblat Quux"),
        ("Thanks a lot! Zorblat Quux", "Zorblat Quux"),
        ("Besten Dank im Voraus! Zorblat Quux", "Zorblat Quux"),
        ("Merci d'avance, Zorblat Quux", "Zorblat Quux"),
        ("Gracias, Zorblat Quux. Lo enviamos", "Zorblat Quux"),
        ("Vielen Dank, Zorblat Quux. Die Nummer", "Zorblat Quux"),
        ("Best wishes from Zorblat Quux", "Zorblat Quux"),
        ("Freundlichst, Zorblat Quux", "Zorblat Quux"),
        ("we asked Zorblat El-Quuxi again", "Zorblat El-Quuxi"),
        ("we asked Zorblat O'Quux again", "Zorblat O'Quux"),
        ("we asked J. Thompson again", "J. Thompson"),
        ("hi, i'm maria lopez and i", "maria lopez"),
        ("this is susanne, hello", "susanne"),
    ],
)
def test_a_name_is_known_by_how_it_is_told(text, name):
    assert found(text) == [("PERSON", name)]


@pytest.mark.parametrize(
    "text",
    [
        "Hello, Commit 033245a6c2 broke the build", "Bonjour, Mon colis est perdu", "Hello, Two legs of the desk",
        "Liebe Praxis, der Beitrag", "Dear Payroll, the slip", "The Marcus heater is cold", "Three Charlotte chairs are added",
        "two legs of the Oliver desk", "moved to Victoria Wing.", "between Paris Ward and the kitchen", "Danke, Termin passt.",
        "Gracias, Perfecto.", "this is great, thanks", "i'm happy with it", "Right here, please", "my manager said no",
        "Ich bin Kunde und warte", "meine Chefin sagt nein", "It's Windows, I think", "Vielen Dank. Zur Bestellung 5 fragen wir",
        "see appendix A. Figure 3", "the U.S. Congress",
    ],
)  # fmt: skip
def test_a_word_behind_a_greeting_or_an_article_is_no_name(text):
    assert found(text) == []


@pytest.mark.parametrize(
    "text, date",
    [
        ("Ich bin am 9. August 1992 geboren.", "9. August 1992"),
        ("Zeile 3: 12.03.1985 (geb.)", "12.03.1985"),
        ("4 February 1963 (born)", "4 February 1963"),
        ("Nací el 18 de septiembre de 1956.", "18 de septiembre de 1956"),
        ("Nació el 04/01/1972", "04/01/1972"),
        ("sono nata il 3 maggio 1970", "3 maggio 1970"),
        ("né le 27 mai 1942", "27 mai 1942"),
        ("Mein Geburtsdatum ist falsch erfasst, richtig wäre 27.04.1990.", "27.04.1990"),
        ("My date of birth was entered wrongly by somebody, it is 1990-04-27", "1990-04-27"),
        ("sent on 12.3.2025, born on 1.2.1990", "1.2.1990"),
    ],
)
def test_a_date_of_birth_may_stand_before_or_far_behind_its_word(text, date):
    assert found(text, REVIEW) == [("BIRTH_DATE", date)]


@pytest.mark.parametrize("text", ["The shop opened on 9. August 1992.", "an idea was born. It shipped on its way in 12.03.2024 terms"])
def test_another_date_is_no_date_of_birth(text):
    assert ("BIRTH_DATE", "9. August 1992") not in found(text)


@pytest.mark.parametrize(
    "text, number",
    [
        ("for my SSN, it is 987-65-4320", "987-65-4320"),
        ("social security number: 000-12-3456", "000-12-3456"),
        ("SSN 666 12 3456", "666 12 3456"),
    ],
)
def test_behind_its_name_any_social_security_number_counts(text, number):
    assert found(text, MASK) == [("NATIONAL_ID", number)]


def test_without_its_name_a_number_that_is_never_issued_is_none():
    assert found("part 987-65-4320", MASK) == []


@pytest.mark.parametrize(
    "text, secret",
    [
        ("I wrote my password Ladder-Plum-38! in the chat", "Ladder-Plum-38!"),
        ("my password for the portal is Abc-1234x, please", "Abc-1234x"),
        ("Mein Passwort lautet Sommer2024!", "Sommer2024!"),
        ("le mot de passe Soleil#2024x ne va pas", "Soleil#2024x"),
        ("la contraseña es Gato_77negro", "Gato_77negro"),
        (f"I send the API key {RANDOM}.", RANDOM),
        (f"I pasted the token lab-{RANDOM} into it", f"lab-{RANDOM}"),
        (f"shows the secret key {RANDOM} in it", RANDOM),
        ("the token " + "aB3dE5gH7jK9mN1p" + "Q4sT6vW8yZ2b is out", "aB3dE5gH7jK9mN1p" + "Q4sT6vW8yZ2b"),
    ],
)
def test_a_secret_needs_no_colon_in_a_sentence(text, secret):
    assert found(text, MASK) == [("SECRET", secret)]


@pytest.mark.parametrize(
    "text",
    [
        "the password is wrong", "my password does not work", "reset token expired", "password is 8-digit long",
        "the password SHA-256 hash", "password 12 characters", "Passwort 14-stellig wählen", "password v2.10.1-rc",
        f"primary key {RANDOM}", "the key international-organisations-of-the-world is long", "token 123456", "mot de passe oublié",
        "my password expires on 2025-01-06", "a password https://example.org/a1B2 page", "key findings of 2024",
    ],
)  # fmt: skip
def test_talk_about_passwords_and_keys_is_no_secret(text):
    assert found(text) == []


@pytest.mark.parametrize("text", ["Zur Bestellung 278-640 fragen", "Zur Lieferung 5599-000 schicken", "Im Jahr 2025, 1000 Stück", "Am Montag 12, 30 Leute"])
def test_a_number_behind_an_order_is_no_house(text):
    assert found(text) == []


@pytest.mark.parametrize("text", ["Zur Linde 5, 50667 Köln", "Zur Waldsiedlung 4, 15566 Schöneiche", "Am Alten Markt 3a, 50667 Köln"])
def test_a_street_that_begins_with_a_preposition_is_found(text):
    assert found(text) == [("ADDRESS", text)]
