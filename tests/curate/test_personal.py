"""E-mail addresses and phone numbers are found and masked; other numbers are left alone."""

import json
import subprocess
import sys

import pytest

from workbench.curate.personal import find_personal, mask
from workbench.runtime import ROOT


@pytest.mark.parametrize(
    "text, masked",
    [
        ("Write to jane.doe+shop@mail.example.co.uk.", "Write to [EMAIL]."),
        ("<jane@example.org>, please", "<[EMAIL]>, please"),
        ("mailto:j_d%x@example.com", "mailto:[EMAIL]"),
        ("MÜLLER@BÜCHER.EXAMPLE", "[EMAIL]"),
        ("Call +1 202 555 0123 or +44 20 7946 0123", "Call [PHONE] or [PHONE]"),
        ("tel:+12025550123;", "tel:[PHONE];"),
        ("+49 (0)30 123456", "[PHONE]"),
        ("+1-202-555-0123 / a@example.com", "[PHONE] / [EMAIL]"),
        ("a@example.com,b@example.org", "[EMAIL],[EMAIL]"),
    ],
)
def test_addresses_and_numbers_with_a_country_code_are_masked(text, masked):
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "order A-46169 of 2025-01-06",
        "order 1234567890",
        "2025-01-06T10:00:00+01:00",
        "06.01.2025, 12:30:45",
        "ISBN 978-3-16-148410-0",
        "978-0-306-40615-7",
        "version 1.2.3.4567",
        "DE89 3704 0044 0532 0130 00",
        "2+2345678=2345680",
        "temperatures from -12 to +30, 1234567 times",
        "@handle said 5 @ 3 euros",
        "user@localhost",
        "",
    ],
)
def test_order_numbers_dates_and_isbns_are_no_personal_data(text):
    assert find_personal(text) == []
    assert mask(text) == text


def test_spans_are_in_order_and_never_overlap():
    text = "+1 202 555 0123 a@example.com +44 20 7946 0123 +12025550199@example.com"
    spans = find_personal(text)
    assert [kind for _, _, kind in spans] == ["PHONE", "EMAIL", "PHONE", "EMAIL"]
    assert all(one[1] <= other[0] for one, other in zip(spans, spans[1:], strict=False))
    assert [text[start:end] for start, end, _ in spans][1] == "a@example.com"


def test_a_number_without_a_country_code_is_found_when_the_country_is_given():
    assert find_personal("030 123456789") == []
    assert find_personal("030 123456789", region="DE") == [(0, 13, "PHONE")]


def test_masking_twice_changes_nothing_more():
    once = mask("jane@example.org, +1 202 555 0123")
    assert mask(once) == once == "[EMAIL], [PHONE]"


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
