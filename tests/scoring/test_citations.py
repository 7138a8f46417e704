"""Citations are read off an answer, and count only where the passage was shown and holds the answer."""

from typing import NamedTuple

import pytest

from workbench.dataset import Example
from workbench.scoring.citations import citation_aspects, read_citations, supported


class Passage(NamedTuple):
    passage_id: str
    text: str


MEALS = Passage("travel-4", "For meals on a trip the company pays 32 euros a day. A hotel room may cost 120 euros a night.")
LAPTOP = Passage("equipment-1", "A laptop is replaced after four years.")
SHOWN = [MEALS, LAPTOP]


@pytest.mark.parametrize(
    "answer, text, names",
    [
        ("32 euros a day [travel-4]", "32 euros a day", ("travel-4",)),
        ("32 euros a day [travel-4] [travel-4].", "32 euros a day.", ("travel-4",)),
        ("32 [travel-4, b; c] euros [d-1]", "32 euros", ("travel-4", "b", "c", "d-1")),
        ("32 euros [travel-9, leave-2]", "32 euros", ("travel-9", "leave-2")),
        ("32 [travel-9] euros", "32 [travel-9] euros", ()),
        ('{"amount": [1, 2]}', '{"amount": [1, 2]}', ()),
        ('{"amount": [1, 2]} [travel-4]', '{"amount": [1, 2]}', ("travel-4",)),
        ("Write to [EMAIL] or [NAME_1]", "Write to [EMAIL] or [NAME_1]", ()),
        ("Write to [EMAIL], says [NAME_1] [travel-4]", "Write to [EMAIL], says [NAME_1]", ("travel-4",)),
        ("32 euros a day", "32 euros a day", ()),
        ("[travel-4]", "[travel-4]", ()),
        ("in [0, 1) or [see the page]", "in [0, 1) or [see the page]", ()),
        ("", "", ()),
    ],
)
def test_sources_that_were_shown_or_end_the_answer_are_taken_off_and_lists_and_masks_stay(answer, text, names):
    assert read_citations(answer, [passage.passage_id for passage in SHOWN]) == (text, names)


@pytest.mark.parametrize(
    "expected, there",
    [("32 euros a day", True), ("120 euros a night", True), ("32 euros a night", False), ("after four years", True),
     ("after five years", False), ("The documents do not say.", False), ("", False)],
)
def test_a_fact_is_supported_if_a_passage_says_it_whatever_else_it_says(expected, there):
    assert supported(expected, SHOWN) is there
    assert not supported(expected, [])


def aspects(answer, expected="32 euros a day"):
    found = citation_aspects(Example("r", (("user", "?"),), expected), answer, SHOWN)
    return tuple(found.get(name) for name in ("cites a source", "cited source has the answer"))


@pytest.mark.parametrize(
    "answer, found",
    [
        ("32 euros [travel-4]", (1.0, 1.0)),
        ("32 euros [Travel-4]", (1.0, 1.0)),
        ("35 euros [travel-4]", (1.0, 1.0)),
        ("32 euros [equipment-1]", (1.0, 0.0)),
        ("32 euros [travel-9]", (0.0, 0.0)),
        ("32 euros [travel-4, equipment-1]", (1.0, 0.5)),
        ("32 euros [travel-4, made-up]", (0.0, 0.5)),
        ("32 euros", (0.0, 0.0)),
        ("", (0.0, 0.0)),
    ],
)
def test_a_source_counts_if_it_was_shown_and_holds_the_expected_answer(answer, found):
    assert aspects(answer) == found


def test_the_tasks_own_phrase_for_no_answer_has_no_source_to_name():
    row = Example("r", (("user", "?"),), "Ask the front desk.")
    assert citation_aspects(row, "Ask the front desk.", SHOWN, "Ask the front desk.") == {}
    assert citation_aspects(row, "Ask the front desk.", SHOWN) and not supported("after four years", SHOWN, "after four years")


@pytest.mark.parametrize("expected", ["The documents do not say.", " "])
def test_where_there_is_no_answer_there_is_no_source_to_name(expected):
    assert aspects("The documents do not say.", expected) == (None, None)
