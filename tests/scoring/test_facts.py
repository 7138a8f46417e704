"""A fact is in an answer or it isn't, whatever stands around it: right and wrong answers, and what makes them so."""

import csv
import time

import pytest

from workbench.runtime import ROOT
from workbench.scoring.facts import contains, fact, without_citations

# The expected fact, answers that have it, answers that don't.
TABLE = (
    ("32 euros a day", (
        "The company pays EUR 32 per day.", "€32/day", "32€ daily", "thirty-two euros each day", "It is 32.",
        "32,00 Euro per day [travel-4]", "It is not 38 but 32 euros a day.", "32 euros a day instead of 38 euros",
        "32 euros a day, rather than 38", "According to section 4, 32 euros a day.", "In 2024, it is 32 euros a day.",
        "No, 32 euros a day.", "**32 euros a day**", "3200 cents a day", "One gets 32 euros a day.",
        "32 euros for each day of the trip", "Meals on a trip are paid with a daily allowance of 32 euros.",
        "The company pays 32 euros a day for meals on a trip (travel-4).", "32 euros", "thirty two euros",
        "Maximum: 32 euros/day", "32 a day", "32 EUR pro Tag", "32.000 euros a day", "1. The company pays 32 euros a day.",
        "[1] 32 euros a day", "32 euros are paid each day", "32 Euros täglich",
        "They pay 32 euros a day, but not 32 euros a night.", "The answer: **32** euros/day!",
        "According to the policy, you get 32 euros back per day for meals on a trip.",
        "Answer: 32 euros a day\n\nExplanation: the section on meals says so.", "EUR32 a day",
    ), (
        "35 euros a day", "32 cents a day", "32 euros a night", "32 or 38 euros a day", "not 32 euros", "320 euros a day",
        "32.50 euros a day", "38 euros, not 32 euros, a day", "The company doesn't pay 32 euros a day.",
        "The documents do not say.", "", "32 dollars per day", "Between 30 and 32 euros a day",
        "It is wrong that the company pays 32 euros a day.", "32 percent a day", "You get 32 euros a week",
        "The documents do not say, but I think 32 euros a day.", "-32 euros a day", "[travel-32] 38 euros",
        "It was 28 euros a day until March and is 32 euros a day now.", "I am sure it is not below 32 euros, it is 38 euros",
        "32 a night", "The rate isn't 32 euros a day.", "never 32 euros a day", "You will not be paid 32 euros a day",
        "32 euros per trip", "USD 32 a day", "32 euros a day, 160 euros a week", "132 euros a day", "32,000 euros a day",
        "32k euros a day", "three two euros a day", "twenty-three euros a day", "32 euros a day\nLater: 40 euros a day",
        "The company pays 32 euros a day for meals on a trip. [travel-4] A hotel may cost up to 120 euros a night. [travel-1]",
    )),
    ("120 euros a night", (
        "A hotel room may cost up to 120 euros a night.", "120 EUR per night", "at least 120 euros a night",
        "There is a ceiling: a hotel room may cost up to 120 euros a night.",
    ), (
        "120 euros a day", "145 euros a night",
    )),
    ("4.80 euros", (
        "4,80 €", "It costs 4.8 euros.", "480 cents", "€4.80", "Lunch costs 4.80 euros.", "Lunch is 4 euros and 80 cents.",
        "4.8",
    ), (
        "48 euros", "4.80 dollars",
    )),
    ("1,000 euros a year", (
        "1000 euros per year", "EUR 1.000 annually", "1 000 euros per annum", "one thousand euros a year", "1000",
    ), (
        "1,000 euros a month", "100 euros a year", "10,000 euros a year",
    )),
    ("three hours a month", (
        "3 hours per month", "3h monthly", "180 minutes a month", "Each month, there are three hours.",
        "For learning there are three hours a month.", "You may study 3 hours every month.",
    ), (
        "three hours a week", "three days a month", "four hours a month", "three or four hours a month",
        "3 hours a month or 36 hours a year",
    )),
    ("seven weeks before it starts", (
        "7 weeks in advance", "49 days before the start", "at least seven weeks ahead",
        "Parental leave has to be announced seven weeks before it starts.",
    ), (
        "seven weeks after it starts", "seven months before it starts", "6 weeks before it starts",
    )),
    ("more than 4 hours", (
        "On train rides over four hours", "4 hours or longer", "First class is allowed on rides of more than 4 hours.",
        "train rides of more than four hours",
    ), (
        "less than 4 hours", "more than 4 days", "more than 3 hours", "no more than 4 hours",
    )),
    ("up to 250 euros", (
        "A manager may not approve more than 250 euros.", "at most 250 euros", "The limit must not exceed 250 euros.",
        "no more than 250 euros", "250 euros maximum", "The company does not cover more than 250 euros.",
    ), (
        "more than 250 euros", "at least 250 euros",
    )),
    ("below 10 euros", (
        "A receipt is not needed below 10 euros.", "under EUR 10", "You don't need a receipt under 10 euros.",
        "You do not provide a receipt below 10 euros.", "No receipt is needed below 10 euros.",
        "Expenses below 10 euros need no receipt.", "10 euros",
    ), (
        "above 10 euros", "for amounts over 10 euros", "The policy does not state an amount.",
    )),
    ("within 24 hours", (
        "in 24h", "Report it within twenty-four hours.",
    ), (
        "after 24 hours", "within 24 minutes", "within 6 hours", "You must report it within one day.",
    )),
    ("one working day ahead", (
        "1 working day in advance", "one business day before",
    ), (
        "one day ahead", "two working days ahead", "one week ahead", "one working day after",
    )),
    ("two screens of 24 inches", (
        "2 screens, 24 inch each", "two 24\" screens", "two 24-inch screens", "Each desk has two screens of 24 inches.",
    ), (
        "one screen of 24 inches", "two screens of 34 inches", "two chairs of 24 inches", "24 inches",
        "two 24-inch monitors", "two screens",
    )),
    ("from 6 to 21 o'clock", (
        "6 am to 9 pm", "06:00-21:00", "6:00 to 21:00", "between 6 and 21 o'clock", "6-21", "from 6 a.m. until 9 p.m.",
        "The doors are open from 6 to 21 o'clock.", "6 o'clock to 21 o'clock", "6:00 AM to 9:00 PM",
    ), (
        "from 21 to 6 o'clock", "from 6 to 20 o'clock", "6 p.m. to 9 p.m.", "Until 21 o'clock.",
    )),
    ("from 10 to 15 o'clock", (
        "10 am to 3 pm", "10 to 3 pm", "between 10:00 and 15:00",
    ), (
        "from 9 to 14 o'clock", "10-15h",
    )),
    ("150 euros once", (
        "The company pays 150 euros once.", "150 euros", "a one-off 150 euros",
        "For a desk at home the company pays 150 euros once.", "One payment of 150 euros", "150 euros each",
    ), (
        "150 euros a year", "150 euros twice", "150 euros once a year",
    )),
    ("once a year", (
        "yearly", "Every year.", "one time per year", "annually", "It is taken once a year.", "Once every year", "once",
    ), (
        "twice a year", "once a month", "every two years", "The security course is taken twice a year, not once a year.",
    )),
    ("on the 15th of the month", (
        "It is sent on the 15th.", "on the fifteenth", "Reimbursements are paid on the 15th of the month.", "the 15th", "15",
    ), (
        "15 days later", "on the 1st of the month", "the 25th",
    )),
    ("from the fourth day of illness", (
        "from day 4", "on the 4th day", "You need a doctor's note from the fourth day of illness, not at once.",
        "No, only from the fourth day of illness.",
    ), (
        "four days of illness", "from the second day of illness", "until the fourth day", "On the first day.",
        "After three days of illness",
    )),
    ("last 12 months", (
        "the past twelve months", "courses of the last 12 months", "Yes, courses of the last 12 months must be paid back.",
    ), (
        "the next 12 months", "the last year", "12 weeks",
    )),
    ("30 cents per kilometre", (
        "€0.30 per km", "30 ct/km", "0,30 EUR per kilometer", "30 cents for each kilometre you drive",
        "0.3 euros a kilometre",
    ), (
        "30 euros per km", "30 cents per mile", "30 cents a minute",
    )),
    ("55 euros per person", (
        "55 euros a head", "Up to 55 euros for each guest.",
    ), (
        "55 euros per day",
    )),
    ("half of a language course", (
        "50%", "Half of the course fee is paid.", "The company pays 50 percent.",
        "The company pays half of a language course.", "half", "You pay half, the company pays half.",
    ), (
        "the whole language course", "a third",
    )),
    ("14 days ahead", (
        "two weeks in advance", "14 days before",
    ), (
        "within 14 days", "21 days ahead", "14 weeks ahead",
    )),
    ("28 days of leave a year", (
        "28 days", "28 days per year", "28 vacation days a year",
    ), (
        "30 days of leave a year", "28 days a month",
    )),
    ("one day off", (
        "1 day", "Yes, you get one day off.", "Yes, one day.",
    ), (
        "You get a day off.", "one week off", "No, you don't get one day off.", "one week",
    )),
    ("at least 12 characters", (
        "12 characters or more", "minimum of 12 letters", "12", "No less than twelve characters.",
        "A password has at least 12 characters, such as letters and digits.",
    ), (
        "at most 12 characters", "8 characters",
    )),
    ("after four years", (
        "After 4 years", "48 months", "Laptops are replaced every four years.", "when it is four years old", "4",
    ), (
        "within four years", "after four months", "A laptop is replaced after five years, not after four years.",
    )),
    ("one conference a year", (
        "1 conference per year", "one a year", "Only one per year.",
    ), (
        "one course a year", "two conferences a year", "a single conference a year",
    )),
    ("by the end of March", (
        "until the end of March", "by 31 March", "March 31st",
        "Leave left over has to be taken by the end of March of the next year.",
    ), (
        "end of June", "by the beginning of March", "after the end of March",
        "It must be taken by the end of March or June.", "31.03.", "in March",
    )),
    ("on Fridays only", (
        "Only on Friday.", "Fridays", "Dogs may come along on Fridays.",
    ), (
        "on Mondays", "on Mondays and Fridays", "not on Fridays", "Dogs are not allowed on Fridays.",
        "on every day but not on Fridays", "Fridays, Saturdays", "It does not say.",
    )),
    ("staff in sales and service", (
        "Sales and service staff", "The sales and service teams get one.", "Staff in service and in sales.",
        "Those who work in sales and service.", "Employees in sales and in service.",
        "nobody but staff in sales and service", "Only staff in sales and service are given a work telephone.",
        "Sales, service",
    ), (
        "staff in sales", "everybody", "staff in sales, service and marketing", "not staff in sales and service",
        "Staff in sales or marketing.",
    )),
    ("The documents do not say.", (
        "The documents do not say.", "The documents do not mention this.", "I don't know.",
        "There is no information about that.", "This is not specified in the documents", "I could not find it.",
        "The documents do not answer this. [travel-4]", "Unknown",
        "The policies of Lundmere Instruments do not provide information about showers.", "Not specified.",
        "There is no mention of it.", "N/A", "The policy doesn't cover this.", "It is not mentioned in section 4.",
        "I cannot find this in the passages.", "The documents do not say whether there are showers in the basement.",
        "I'm sorry, but that information is not available in the given passages.", "It isn't covered by these documents.",
        "None of the passages mention this.", "None of the passages answers the question.",
        "The passages provided don't contain an answer.",
    ), (
        "32 euros a day", "", "Showers are in the basement.", "The documents do not say, but usually it is 20 euros.", "No.",
        "The company does not cover it.", "Yes, the documents say so.", "I'm sorry, I can't help.",
        "The documents do not say anything about it, so please ask HR within 2 days.",
    )),
    ("Room 12", (
        "room 12", "12",
    ), (
        "floor 12",
    )),
    ("8%", (
        "8 percent", "8 per cent",
    ), (
        "8 euros", "80%",
    )),
    ("Berlin", (
        "The office is in Berlin.",
    ), (
        "Paris", "not in Berlin",
    )),
    ("-5 degrees", (
        "It is \u22125\xb0",
    ), (
        "5 degrees",
    )),
    ("15 May 2024", (
        "on 15 May 2024", "May 15, 2024",
    ), (
        "15 March 2024", "15 May 2023",
    )),
    ("no", (
        "No.", "No, it is not.",
    ), (
        "Yes.",
    )),
    ("20 days a year", (
        "up to 20 days per calendar year", "20 days in a year", "twenty days/year",
    ), (
        "20 days each year, which is four weeks", "20 working days a year", "20 weeks a year", "two days a year",
    )),
    ("for up to 2 hours a week", (
        "2 hours weekly", "120 minutes per week",
    ), (
        "at least 2 hours a week", "two hours a day", "for up to 5 hours a week",
    )),
    ("within 30 days of the purchase", (
        "30 days after the purchase", "no later than 30 days after the purchase",
        "Receipts must be handed in within 30 days of the purchase.", "You have 30 days.",
    ), (
        "after 30 days", "30 days before the purchase", "within 45 days of the purchase", "within one month", "a month",
    )),
    ("two days a week", (
        "2 days per week", "on two days each week", "One may stay at home two days a week.",
    ), (
        "three days a week", "two days a month", "second day of the week",
    )),
    ("after 10 minutes", (
        "10 min", "ten minutes of idle time", "600 seconds",
    ), (
        "after 10 hours", "within 10 minutes", "after 5 minutes, not 10 minutes", "after 10 seconds",
    )),
    ("on Wednesdays", (
        "Wednesday", "Every Wednesday the whole team is in.", "wednesdays.",
        "The whole team is in the office on Wednesdays.", "every Wednesday, not Tuesday",
    ), (
        "Tuesdays, not Wednesdays", "Wednesdays and Thursdays",
    )),
    ("18 euros", (
        "A new badge costs 18 euros [security-3].", "18 €", "eighteen euros", "18.00 EUR",
    ), (
        "80 euros", "1.8 euros", "18 pounds",
    )),
    ("40 euros a month", (
        "EUR 40 monthly", "forty euros per month", "Parking costs 40 euros a month.",
    ), (
        "40 euros a year", "25 euros a month, formerly 40 euros a month", "480 euros a year", "It is free.",
    )),
    ("800 euros a year", (
        "Each person has 800 euros a year for courses.", "800 EUR p.a.", "800 euros per person and year",
    ), (
        "1,000 euros a year",
    )),
    ("within 15 minutes", (
        "15 min", "0.25 hours",
    ), (
        "a quarter of an hour", "after 15 minutes",
    )),
    ("within 45 days of the purchase", (
        "45 days from the purchase",
    ), (

    )),
)
CASES = [(expected, answer, 1.0) for expected, right, _ in TABLE for answer in right]
CASES += [(expected, answer, 0.0) for expected, _, wrong in TABLE for answer in wrong]
SAMPLE = ROOT / "data_samples/policy_questions"


@pytest.mark.parametrize("expected, answer, score", CASES)
def test_an_answer_is_right_if_it_has_the_fact_and_nothing_against_it(expected, answer, score):
    assert fact(expected, answer) == score


def test_the_table_tries_both_ways():
    right = [score for *_, score in CASES]
    assert len(right) >= 300 and 0.4 < sum(right) / len(right) < 0.6


@pytest.mark.parametrize("expected", ["", "  \n"])
def test_without_an_expected_fact_nothing_can_be_judged(expected):
    assert fact(expected, "32 euros") is None


def sample():
    with open(SAMPLE / "test.csv", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


FACTS = sorted({row[column] for row in sample() for column in ("answer", "answer_v2")})


@pytest.mark.parametrize("expected", FACTS)
def test_each_of_the_samples_answers_is_right_for_itself_and_for_no_other(expected):
    # 30 days of leave and 30 days of the purchase differ in words that a fact with a number leaves open.
    others = [f for f in FACTS if f != expected and fact(expected, f) == 1.0]
    leave_open = {"30 days of leave a year", "within 30 days of the purchase", "three hours a month", "more than 3 hours"}
    assert fact(expected, expected) == 1.0
    assert not others or {expected, *others} <= leave_open


@pytest.mark.parametrize("expected, answer, score", [
    ("1.5 hours", "an hour", 0.0), ("1 hour 30 minutes", "90 minutes", 1.0), ("90 minutes", "one and a half hours", 1.0),
    ("9 am", "9 o'clock", 1.0), ("9 am", "9 pm", 0.0), ("9:30 am", "09:30", 1.0), ("9:30 am", "09:45", 0.0),
    ("4,000 rows", "4000 rows", 1.0), ("2 MB", "2 GB", 0.0), ("3 of 5", "4 of 5", 0.0), ("version 3", "version 4", 0.0),
    ("Marie Curie", "It was Marie Curie who did.", 1.0), ("Marie Curie", "Pierre Curie", 0.0), ("2019", "2018", 0.0),
    ("32 euros a day", "I don't think it is 32 euros a day.", 0.0),
    ("32 euros a day", "At 32 euros a day, 3 days are 96 euros.", 0.0),
    ("I can't help with that.", "I can't help with that.", 1.0),
])
def test_facts_of_other_kinds_are_told_apart_too(expected, answer, score):
    assert fact(expected, answer) == score


def test_an_answer_that_was_right_before_a_change_is_wrong_after_it():
    changed = [row for row in sample() if row["changed"] == "yes"]
    assert len(changed) > 20
    for row in changed:
        assert fact(row["answer_v2"], row["answer"]) == fact(row["answer"], row["answer_v2"]) == 0.0, row


def test_the_tasks_own_phrase_for_no_answer_counts_beside_the_usual_ones():
    assert fact("Ask the front desk.", "Please ask the front desk.", unanswerable="Ask the front desk.") == 1.0
    assert fact("32 euros a day", "Ask the front desk, maybe 32 euros a day.", unanswerable="Ask the front desk.") == 0.0
    assert fact("32 euros a day", "Ask the front desk for 32 euros a day.") == 1.0


def test_an_answer_that_is_all_in_brackets_is_no_citation():
    assert without_citations("[18]") == "[18]" and fact("18 euros", "[18]") == 1.0
    assert without_citations("18 euros [travel-4; leave-2]") == "18 euros"
    assert without_citations("between [0, 1)") == "between [0, 1)"


@pytest.mark.parametrize("expected, there", [
    ("32 euros a day", True), ("120 euros a night", True), ("32 euros a night", False), ("35 euros a day", False),
    ("on Mondays", False), ("on Fridays", True), ("lunch", True), ("dinner", False),
])
def test_a_passage_may_say_other_things_beside_the_fact(expected, there):
    text = "Hotels cost up to 120 euros a night. The company pays 32 euros a day for lunch, on Fridays, not on Mondays."
    assert contains(expected, text) is there


@pytest.mark.parametrize("text", [
    "9" * 5000, "1," * 5000, "not " * 3000 + "32 euros", "[a" * 5000, "two " * 3000,
    "1-" * 4000 + "euros", "a-" * 5000, "a" * 9000,
])
def test_hostile_text_is_judged_quickly(text):
    started = time.perf_counter()
    assert fact("32 euros a day", text) == 0.0
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("answer, score", [
    ("Yes.", 1.0), ("Yes, no receipt is needed.", 1.0), ("Yes or no.", 0.0), ("No or yes, it depends.", 0.0), ("No.", 0.0),
])
def test_both_poles_are_no_answer_to_a_yes(answer, score):
    assert fact("yes", answer) == score


def test_masks_and_lists_are_no_sources():
    assert without_citations("Ask [NAME_1] or [EMAIL] [travel-4]") == "Ask [NAME_1] or [EMAIL]"
    assert without_citations("amounts [100, 200]") == "amounts [100, 200]"
