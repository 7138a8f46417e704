"""Masking leaves JSON valid: what stands in a number, behind an escape or in a key is replaced as a whole."""

import json
import random

import pytest

from workbench.curate.personal import MASK, REVIEW, Masking, Span, mask
from workbench.dataset import Example
from workbench.files import strict_json

BOTH = (MASK, REVIEW)
KEY = b"k" * 32
GIVEN = "My name is Nora Licht, my account number is 48213377 and my password is Xk39!vqz7."
# Each with the tiers in which it is found, by what stands next to it or in the question.
PLANTED = (
    ("mail", "bob.k@corp.com", (MASK,)), ("phone", 491712345678, (MASK,)), ("phone", "+49 171 2345678", (MASK,)),
    ("card", 4111111111111111, (MASK,)), ("card", "4111 1111 1111 1111", (MASK,)), ("password", 92837465, (MASK,)),
    ("password", 'a"b\\c1234', (MASK,)), ("password", "tr0ub4dor&3, then some", (MASK,)), ("ssn", 123456789, (MASK,)),
    ("iban", "DE89370400440532013000", (MASK,)), ("note", "a\nXk39!vqz7\tb", (MASK,)), ("url", "postgres://u:p@ss7@h:5432/db", (MASK,)),
    ("note", "two\nNora Licht", BOTH), ("note", "\tnora licht\n", BOTH), ("account", 48213377, BOTH), ("note", "x\t48213377", BOTH),
)  # fmt: skip
SECRETS = {"Xk39!vqz7", "p@ss7"}


def bare(text):
    return "".join(c for c in str(text).lower() if c.isalnum())


def gone(value):
    """What of a planted value must not be left."""
    for told in ("Xk39!vqz7", "u:p@ss7", "Nora Licht", "48213377"):
        if bare(told) in bare(value):
            return bare(told)
    return bare(value)


def planted(dice, chosen, depth=0):
    """A JSON value with the chosen fields somewhere in it, and fields that say nothing."""
    value = {f"{dice.choice(('total', 'café', 'ok'))}{i}": dice.choice((None, True, 3, -1.5, "plain\\ words", [])) for i in range(2)}
    for field in chosen:
        inner = {field[0]: field[1]}
        if depth < 3 and dice.random() < 0.4:
            value[f"in{len(value)}"] = [planted(dice, [field], depth + 1)] if dice.random() < 0.5 else planted(dice, [field], depth + 1)
        elif field[0] in value:
            value[f"more{len(value)}"] = inner
        else:
            value |= inner
    return value


def leaves(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from (key, *leaves(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


@pytest.mark.parametrize("tiers", [(MASK,), BOTH])
@pytest.mark.parametrize("mode", ["type", "pseudonym", "surrogate"])
def test_json_with_values_of_every_kind_stays_json_and_loses_them(mode, tiers):
    if mode == "surrogate":
        pytest.importorskip("faker", reason="Faker isn't installed")
    dice, masking = random.Random(7), Masking(mode, KEY)
    for _ in range(60):
        chosen = dice.sample(PLANTED, 4)
        before = planted(dice, chosen)
        text = json.dumps(before, ensure_ascii=dice.random() < 0.5, indent=dice.choice((None, 2)))
        after = strict_json(masking.row(Example("r", (("user", GIVEN),), text), tiers).answer)
        left = "\n".join(bare(leaf) for leaf in leaves(after))
        for _, value, found_in in chosen:
            assert set(found_in) > set(tiers) or gone(value) not in left, (value, text)
        assert len(list(leaves(after))) == len(list(leaves(before)))


def test_a_planted_value_that_is_not_masked_would_be_seen():
    assert all(gone(value) in "\n".join(bare(leaf) for leaf in leaves({"x": value})) for _, value, _ in PLANTED)


@pytest.mark.parametrize(
    "text, expected",
    [
        ('{"phone": 491712345678, "card": 4111111111111111}', '{"phone": "[PHONE]", "card": "[CARD]"}'),
        ('{"password": 12345678}', '{"password": "[SECRET]"}'),
        ('[{"ssn": 123456789}]', '[{"ssn": "[NATIONAL_ID]"}]'),
        ('{"bob@corp.com": 1, "al@corp.com": 2}', '{"[EMAIL]": 1, "[EMAIL] 2": 2}'),
        ('{"[EMAIL]": 0, "al@corp.com": 2}', '{"[EMAIL]": 0, "[EMAIL] 2": 2}'),
        ('{"\\u005bEMAIL]": 0, "al@corp.com": 2}', '{"\\u005bEMAIL]": 0, "[EMAIL] 2": 2}'),
        ('[{"bob@corp.com": 1}, {"bob@corp.com": 2}]', '[{"[EMAIL]": 1}, {"[EMAIL]": 2}]'),
        ('{"a": "x\\nbob@corp.com\\n"}', '{"a": "x\\n[EMAIL]\\n"}'),
        ('{"a": "b\\u006fb@corp.com"}', '{"a": "[EMAIL]"}'),
        ('{"password":"a\\"b\\\\c1234", "n": 1}', '{"password":"[SECRET]", "n": 1}'),
        ('{"password": "abc1234, def"}', '{"password": "[SECRET]"}'),
        ('{"password": "must hold 8 characters"}', '{"password": "must hold 8 characters"}'),
    ],
)
def test_for_display_json_is_masked_by_string_and_number(text, expected):
    assert mask(text) == expected == Masking().text(text)


@pytest.mark.parametrize(
    "given, answer, expected",
    [
        ("My name is Nora Licht.", '{"x":"a\\nora licht"}', '{"x":"a\\nora licht"}'),
        ("My name is Nora Licht.", '{"x":"a\\nNora Licht"}', '{"x":"a\\n[PERSON]"}'),
        ("My name is Nora Licht.", '{"x":"Nora\\u0020Licht"}', '{"x":"[PERSON]"}'),
        ("My name is René Müller.", '{"x":"so Ren\\u00e9 M\\u00fcller"}', '{"x":"so [PERSON]"}'),
        ("patient id T123456", '{"x":"a\\t123456"}', '{"x":"a\\t123456"}'),
        ("account number 48213377", '{"account": 48213377}', '{"account": "[ACCOUNT]"}'),
    ],
)
def test_an_escape_is_neither_cut_in_half_nor_taken_for_a_letter(given, answer, expected):
    masked = Masking().row(Example("r", (("user", given),), answer), BOTH)
    assert masked.answer == expected and json.loads(masked.answer)
    assert masked.input != given


def test_a_value_is_the_same_person_in_json_and_in_prose():
    row = Masking("pseudonym", KEY).row(Example("r", (("user", "mail al@corp.com"),), '{"m": "\\u0061l@corp.com"}'))
    assert json.loads(row.answer)["m"] == row.input.removeprefix("mail ")


def test_wherever_a_detector_cuts_json_stays_json():
    dice = random.Random(5)

    class Anywhere:
        def find(self, text):
            cuts = sorted(dice.sample(range(len(text) + 1), 6))
            return [Span(a, b, "PERSON", MASK, "test") for a, b in zip(cuts[::2], cuts[1::2], strict=True)]

    for _ in range(500):
        text = json.dumps(planted(dice, dice.sample(PLANTED, 3)), ensure_ascii=dice.random() < 0.5)
        assert strict_json(Masking(detector=Anywhere()).text(text)), text


def test_a_stretch_of_several_fields_leaves_its_keys():
    class Whole:
        def find(self, text):
            return [Span(text.index("Main"), text.index("}"), "ADDRESS", MASK, "test")] if "Main" in text else []

    text = '{"street": "12 Main St", "zip": 62704, "ok": true}'
    assert Masking(detector=Whole()).text(text) == '{"street": "12 [ADDRESS]", "zip": "[ADDRESS]", "ok": true}'
