"""What is found in one text of a row is masked in all of them, however it is written there."""

import pytest

from workbench.curate.personal import MASK, REVIEW, Masking
from workbench.dataset import Example

BOTH = (MASK, REVIEW)


def masked(given, answer, tiers=BOTH):
    row = Masking().row(Example("r", (("user", given),), answer), tiers)
    return row.answer


@pytest.mark.parametrize(
    "given, answer, expected",
    [
        ("Steuer-ID 86 095 742 719", "We filed 86095742719.", "We filed [NATIONAL_ID]."),
        ("Steuer-ID 86095742719", "We filed 86-095-742-719.", "We filed [NATIONAL_ID]."),
        ("DNI 12345678Z", "Filed 12345678-z.", "Filed [NATIONAL_ID]."),
        ("call 202-555-0143", "So 2025550143 it is", "So [PHONE] it is"),
        ("ring +49 30 23125 439", "So 03023125439 it is", "So [PHONE] it is"),
        ("account number 12345678", "See 1234 5678 there", "See [ACCOUNT] there"),
        ("my date of birth is 9. August 1992", "We noted 9 august 1992 there", "We noted [BIRTH_DATE] there"),
        ("I live at 12 Main Street, Springfield, IL 62704", "To 12 Main Street then", "To [ADDRESS] then"),
        ("my username is jdoe_77", "Hello jdoe_77", "Hello [HANDLE]"),
        ("password: hunter2!", "It was hunter2!, now void", "It was [SECRET], now void"),
    ],
)
def test_a_number_is_the_same_however_it_is_grouped(given, answer, expected):
    assert masked(given, answer) == expected


@pytest.mark.parametrize(
    "given, answer, expected",
    [
        ("my name is Ada Zorblat", "We told Zorblat that Ada may come", "We told [PERSON] that [PERSON] may come"),
        ("my name is Ada Zorblat", "ADA ZORBLAT and ada  zorblat", "[PERSON] and [PERSON]"),
        ("my name is Ada Fenwick-Zorblat", "Ms Fenwick Zorblat", "Ms [PERSON]"),
        ("my name is Zorblat von Quux", "we wrote to von Quux", "we wrote to [PERSON]"),
        ("asked Zorblat d'Quuxac today", "Zorblat d'Quuxac is here", "[PERSON] is here"),
    ],
)
def test_a_first_or_last_name_alone_is_masked_too(given, answer, expected):
    assert masked(given, answer) == expected


@pytest.mark.parametrize(
    "given, answer",
    [
        ("my name is Will Zorblat", "Will you come? We will."),
        ("my name is Ada Zorblat", "the zorblat and the Adapter"),
        ("account number 12345678", "See 912345678 there"),
        ("password: hunter2!", "the hunter 2 left"),
    ],
)
def test_a_word_or_a_longer_number_is_not_taken_for_the_value(given, answer):
    assert masked(given, answer) == answer


def test_a_name_is_spread_only_where_names_are_masked():
    assert masked("my name is Ada Zorblat, PESEL 44051401359", "Ada: 440-514-013-59", (MASK,)) == "Ada: [NATIONAL_ID]"


def test_earlier_turns_and_the_rejected_answer_are_masked_alike():
    asked = (("user", "BSN: 111222333"), ("assistant", "Noted 111 222 333."), ("user", "my name is Ada Zorblat"))
    turns = (("system", "You help Zorblat."), *asked)
    row = Masking().row(Example("r", turns, "Dear Ada Zorblat", {}, "111.222.333"), BOTH)
    assert row.texts == [
        "You help [PERSON].", "BSN: [NATIONAL_ID]", "Noted [NATIONAL_ID].", "my name is [PERSON]", "Dear [PERSON]", "[NATIONAL_ID]",
    ]  # fmt: skip
