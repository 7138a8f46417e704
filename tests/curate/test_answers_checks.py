"""Answers that refuse, break off, say nothing, or are not backed by their input; and the form of JSON within."""

import json

import pytest

from workbench.curate.checks import answers
from workbench.curate.checks.check import CheckContext
from workbench.curate.checks.closed import misspelt
from workbench.dataset import Dataset, Example

CHECKS = {check.name: check for check in answers.CHECKS}


def rows(*pairs):
    return Dataset("all", tuple(Example(f"r{i}", (("user", given),), answer) for i, (given, answer) in enumerate(pairs)))


def remarks(check, dataset, kind="text"):
    return {remark.row_id: remark.evidence for remark in CHECKS[check].find(dataset, CheckContext(kind))}


def found(check, dataset, kind="text"):
    return list(remarks(check, dataset, kind))


ENDS = "Monday Tuesday Wednesday Thursday Friday spring summer autumn winter May".split()


def with_usual(*answers, usual="The parcel with the lamp will reach the house within two working days of {}.", given="question"):
    """These answers before forty usual ones."""
    usual_rows = ((f"usual {i}", usual.format(ENDS[i % 10])) for i in range(40))
    return rows(*((f"{given} {i}", a) for i, a in enumerate(answers)), *usual_rows)


@pytest.mark.parametrize("answer", ["\u200b", "<|im_end|>", " \ufeff "])
def test_an_answer_of_invisible_signs_is_empty(answer):
    assert found("empty answer", rows(("q", answer))) == ["r0"]


# The form of JSON


def order(i, **changes):
    return json.dumps({"amount": i, "address": {"street": f"Street {i}", "city": "Ulm"}, "items": [{"name": f"n{i}"}], **changes})


def test_a_field_of_another_type_is_named():
    given = rows(*((f"q{i}", order(i, **({"amount": "12"} if i == 7 else {"amount": None} if i == 8 else {}))) for i in range(60)))
    assert remarks("answer format", given, "json") == {"r7": "the type of amount is outside the usual list (number)"}


def test_keys_within_a_field_and_within_a_list_are_compared():
    odd = {3: {"address": {"street": "Street 3", "town": "Ulm"}}, 5: {"items": [{"name": "n"}, {"title": "n"}]}}
    given = rows(*((f"q{i}", order(i, **odd.get(i, {}))) for i in range(60)))
    assert remarks("answer format", given, "json") == {
        "r3": "the keys within address differ from the usual city, street",
        "r5": "the keys within items differ from the usual name",
    }


def test_a_key_that_many_rows_leave_out_is_optional():
    given = rows(*((f"q{i}", json.dumps({"a": f"x{i}", **({"b": f"y{i}"} if i % 2 else {})})) for i in range(60)))
    assert found("answer format", given, "json") == []


def test_an_optional_key_is_for_review_and_a_key_of_one_row_or_a_missing_one_a_fault():
    def answer(i, odd):
        return json.dumps({"a": f"x{i}", **({"note": "n"} if i % 7 == 0 else {}), **odd.get(i, {"b": f"y{i}"})})

    given = rows(*((f"q{i}", answer(i, {3: {}, 5: {"b": "y", "extra": 1}, 9: {"bb": "y"}})) for i in range(200)))
    assert found("answer format", given, "json") == ["r3", "r5", "r9"]
    assert found("rare answer", given, "json") == [f"r{i}" for i in range(0, 200, 7)]


def test_keys_that_are_each_rows_own_are_no_fault():
    given = rows(*((f"q{i}", json.dumps({"a": f"x{i}", **({f"k{i}": 1} if i % 7 == 0 else {})})) for i in range(200)))
    assert found("answer format", given, "json") == []


def test_a_type_that_several_rows_have_is_for_review():
    given = rows(*((f"q{i}", json.dumps({"amount": str(i) if i in (3, 4) else i})) for i in range(100)))
    assert (found("answer format", given, "json"), found("rare answer", given, "json")) == ([], ["r3", "r4"])


# Rare values


@pytest.mark.parametrize("kind, answer", [("label", "{}"), ("json", '{{"urgency": "{}"}}')])
def test_a_rare_class_is_for_review_and_a_slip_in_one_row_a_fault(kind, answer):
    values = [["billing", "delivery"][i % 2] for i in range(2000)]
    values[3:6], values[9], values[11] = ["critical"] * 3, "biling", "billing, delivery"
    given = rows(*((f"q{i}", answer.format(v)) for i, v in enumerate(values)))
    assert found("answer format", given, kind) == ["r9"]
    assert found("rare answer", given, kind) == ["r3", "r4", "r5", "r11"]


@pytest.mark.parametrize(
    "value, usual, slip",
    [
        ("biling", "billing", True), ("bililng", "billing", True), ("URGENT", "urgent", True), ("in stock", "instock", True),
        ("valid", "invalid", False), ("employer", "employee", False), ("A-1001", "A-1011", False), ("partly agree", "partly disagree", False),
        ("moral", "amoral", False), ("refund", "return", False), ("很不好", "很好", False), ("", "a", False),
    ],
)
def test_only_a_slip_within_a_word_is_one(value, usual, slip):
    assert misspelt(value, {usual}) is slip


def test_usual_values_that_are_names_of_people_are_masked():
    people = ["Anna Kowalska", "Jan Nowak"]
    said = remarks("rare answer", rows(*((f"q{i}", people[i % 2]) for i in range(60)), ("q", "nobody")), "label")
    assert list(said) == ["r60"] and "kowalska" not in said["r60"].lower() and "nowak" not in said["r60"].lower()


@pytest.mark.parametrize("answer", ["unknown", "one half", "½", "π", "zwei Drittel", "n/a", "twenty-three"])
def test_a_number_in_words_or_none_at_all_is_for_review(answer):
    given = rows(*((f"q{i}", str(i)) for i in range(20)), ("q", answer))
    assert (found("answer format", given, "number"), found("rare answer", given, "number")) == ([], ["r20"])


def test_a_text_instead_of_a_number_is_a_fault_where_one_row_has_it():
    given = rows(*((f"q{i}", str(i)) for i in range(20)), ("q", "ask the desk"), ("p", "see above"), ("o", "see above"))
    assert (found("answer format", given, "number"), found("rare answer", given, "number")) == (["r20"], ["r21", "r22"])


@pytest.mark.parametrize("kind, answer", [("json", "[{}]"), ("number", "see page {}")])
def test_where_most_answers_are_in_another_form_no_row_is_a_fault(kind, answer):
    given = rows(*((f"q{i}", answer.format("abcdefghijklmnop"[i])) for i in range(12)))
    assert found("answer format", given, kind) == []
    said = remarks("rare answer", given, kind)
    assert len(said) == 12 and all("the way of judging may be the wrong one" in evidence for evidence in said.values())


# Refusals

REFUSALS = [
    "I'm sorry, but I can't help with that.",
    "I\u2019m sorry, I cannot assist with that request.",
    "As an AI language model, I cannot give medical advice.",
    "I can't help with that.",
    "As an AI, I do not have access to that information.",
    "I apologize, but as an AI I am unable to do so.",
    "Es tut mir leid, aber dabei kann ich Ihnen nicht helfen.",
    "Leider kann ich diese Frage nicht beantworten.",
    "Je suis désolé, mais je ne peux pas vous aider avec cette demande.",
    "Lo siento, pero no puedo ayudarte con eso.",
    "Mi dispiace, ma non posso aiutarti con questo.",
]


@pytest.mark.parametrize("answer", REFUSALS)
def test_an_answer_that_only_refuses_is_a_fault(answer):
    assert found("refusal", with_usual(answer)) == ["r0"]
    assert found("possible refusal", with_usual(answer)) == []


@pytest.mark.parametrize(
    "answer",
    [
        "I can't wait to see you.",
        "I cannot help but laugh.",
        "Unfortunately I could not find your order; please send its number.",
        "I'm sorry to hear that your parcel is late.",
        "Leider kann ich Ihre Bestellung nicht finden.",
        "Lo siento, no puedo encontrar su pedido.",
        "As an airline, we take two bags.",
        "I will not continue.",
    ],
)
def test_an_answer_that_merely_lacks_something_is_no_refusal(answer):
    assert found("refusal", with_usual(answer)) == found("possible refusal", with_usual(answer)) == []


def test_a_refusal_that_goes_on_to_help_is_for_review():
    answer = "As an AI language model, I can't see your screen. " + "Open the settings, choose the second tab and switch it on. " * 6
    assert (found("refusal", with_usual(answer)), found("possible refusal", with_usual(answer))) == ([], ["r0"])


def test_a_data_set_that_refuses_on_purpose_loses_no_row():
    given = with_usual(*[REFUSALS[0]] * 10)
    assert (found("refusal", given), len(found("possible refusal", given))) == ([], 10)
    assert len(found("refusal", with_usual(*REFUSALS[:9]))) == 9
    assert found("refusal", with_usual(*REFUSALS[:10])) == []


# Answers that were cut off


@pytest.mark.parametrize(
    "answer, how",
    [
        ("We sent the parcel on its way, and it will reach you within two working days and", "sentence"),
        ("The lamp is yours, so you can send it back, exchange it, or keep it,", "sentence"),
        ("We sent the parcel, and it will reach you within two work", "word"),
    ],
)
def test_an_answer_that_stops_in_the_middle_is_found(answer, how):
    ((row_id, evidence),) = remarks("truncated answer", with_usual(answer)).items()
    assert row_id == "r0" and how in evidence
    assert found("possible truncation", with_usual(answer)) == []


@pytest.mark.parametrize(
    "answer, how",
    [
        ("The lamp comes in two colours (white and dark green", "bracket"),
        ("Use this code:\n```python\nprint('hello')\nfor x in range(3):", "code block"),
        ("The parcel will reach you within two working days and", "full stop"),
    ],
)
def test_an_answer_that_may_stop_in_the_middle_is_for_review(answer, how):
    ((row_id, evidence),) = remarks("possible truncation", with_usual(answer)).items()
    assert row_id == "r0" and how in evidence
    assert found("truncated answer", with_usual(answer)) == []


def test_an_answer_without_the_ending_of_all_others_is_for_review():
    usual = "The lamp reaches you with {}. Next step: keep the box. Warmly, the lamp desk"
    cut, own = "The lamp reaches you with Monday. Next step: keep", "The lamp reaches you with Monday. Next step: none."
    others = "The lamp reaches you with Monday. Regards, customer care", usual.format("May") + "<|im_end|>"
    given = with_usual(cut, own, *others, usual=usual)
    assert found("truncated answer", given) == []
    assert remarks("possible truncation", given) == {"r0": "the answer lacks the ending that 93 % of the answers have"}


@pytest.mark.parametrize(
    "answer",
    [
        "The parcel will reach you within two working days",
        "Thank you for your message.\nKind regards,",
        "Thank you for your message, it is on its way.\nKind regards\nThe team",
        "These are the steps:\n1. Open the box\n2. Take out the lamp and the bulb and the shade",
        "The page that you want is https://example.com/returns/how",
        "Where do the parcels in the yard come from",
    ],
)
def test_an_answer_that_ends_in_its_own_way_is_not_cut_off(answer):
    assert found("truncated answer", with_usual(answer)) == []


def test_an_answer_without_its_full_stop_is_for_review_where_others_have_one():
    missing = "The parcel will reach you within two working days"
    assert found("possible truncation", with_usual(missing)) == ["r0"]
    assert found("possible truncation", with_usual(missing, usual="The parcel will reach you within two working days of {}")) == []


def test_where_many_answers_have_no_proper_end_none_is_cut_off():
    cut, usual = "The parcel will reach you within two working days and", "The parcel will reach the house within two working days of {}"
    assert found("truncated answer", with_usual(cut, usual=usual)) == found("possible truncation", with_usual(cut, usual=usual)) == []


def test_only_free_text_can_be_cut_off():
    cut = "The parcel will reach you within two working days and"
    assert found("truncated answer", with_usual(cut), "label") == found("possible truncation", with_usual(cut), "label") == []


# Phrases that say nothing


@pytest.mark.parametrize(
    "check, answer, left",
    [
        ("boilerplate opening", "Sure! Here is the list you asked for: tea, milk and sugar.", "tea, milk and sugar."),
        ("boilerplate opening", "Certainly! Here's a poem:\n\nRoses are red, as you know.", "Roses are red, as you know."),
        ("possible boilerplate", "Of course! I'd be happy to help. We open at nine.", "We open at nine."),
        ("possible boilerplate", "Great question! Cats sleep a lot.", "Cats sleep a lot."),
        ("possible boilerplate", "Certainly! The parcel left today.", "The parcel left today."),
        ("boilerplate opening", "Here is a possible answer: The parcel left today.", "The parcel left today."),
        ("boilerplate closing", "on Fridays only Let me know if you need anything else.", "on Fridays only"),
        ("boilerplate opening", "Gerne! Hier ist die Liste: Tee, Milch, Zucker", "Tee, Milch, Zucker"),
        ("boilerplate opening", "Bien sûr ! Voici la liste : thé, lait, sucre", "thé, lait, sucre"),
        ("boilerplate opening", "¡Claro! Aquí tienes la lista: té, leche, azúcar", "té, leche, azúcar"),
        ("boilerplate opening", "Certo! Ecco la lista: tè, latte, zucchero", "tè, latte, zucchero"),
        ("boilerplate closing", "We open at nine. Let me know if you need anything else!", "We open at nine."),
        ("boilerplate closing", "We open at nine.\n\nI hope this helps!", "We open at nine."),
        ("possible boilerplate", "Cats sleep a lot. If you have any more questions, feel free to ask.", "Cats sleep a lot."),
        ("boilerplate closing", "Katzen schlafen viel. Ich hoffe, das hilft Ihnen weiter!", "Katzen schlafen viel."),
        ("possible boilerplate", "Les chats dorment. N'hésitez pas à me poser d'autres questions.", "Les chats dorment."),
        ("boilerplate closing", "Los gatos duermen. Espero que esto te ayude.", "Los gatos duermen."),
        ("possible boilerplate", "I gatti dormono. Fammi sapere se hai altre domande.", "I gatti dormono."),
    ],
)
def test_an_empty_phrase_is_found_and_its_fix_takes_it_alone(check, answer, left):
    given = with_usual(answer)
    assert found(check, given) == ["r0"]
    fixed = CHECKS[check].fix(given.examples[0])
    assert fixed.answer == left and len(fixed.provenance["transformations"]) == 1
    assert found(check, Dataset("all", (fixed,))) == []


@pytest.mark.parametrize(
    "answer",
    [
        "Sure, I can do that today for you.",
        "Here are three ideas: tea, milk, sugar",
        "Certainly, the Act applies to firms.",
        "Please call us. Let me know if you need the invoice as a PDF.",
        "I hope this helps!",
        "Read the page to the end and let me know if you have any questions.",
        "Sure! Here it is:",
    ],
)
def test_a_phrase_that_says_something_or_is_all_there_is_stays(answer):
    given = with_usual(answer, given="Is this right?")
    assert found("boilerplate opening", given) == found("boilerplate closing", given) == []
    assert CHECKS["boilerplate opening"].fix(given.examples[0]) == CHECKS["boilerplate closing"].fix(given.examples[0]) == given.examples[0]


def test_of_course_is_an_answer_to_a_yes_or_no_question_alone():
    answer = "Of course! Until six."
    assert found("possible boilerplate", with_usual(answer, given="Is it open on Sunday?")) == []
    assert found("possible boilerplate", with_usual(answer, given="How long is it open?")) == ["r0"]


def test_a_phrase_in_many_answers_is_the_houses_style():
    polite = "The parcel {} is on its way. I hope this helps!"
    assert found("boilerplate closing", with_usual(usual=polite)) == []
    assert found("boilerplate closing", with_usual(*[polite.format("Z")] * 20)) == []
    assert len(found("boilerplate closing", with_usual(*[polite.format("Z")] * 5))) == 5


# Answers that their input doesn't back


def tickets(n=60, **odd):
    """Rows whose order and product are copied, except as `odd` says by row."""
    changed = {int(key[1:]): value for key, value in odd.items()}
    pairs = []
    for i in range(n):
        answer = {"order": f"A-{1000 + i}", "product": f"lamp of {'abcdefghijklmnopqrstuvwxyz'[i % 26]}-light", "urgency": ["low", "high"][i % 2]}
        pairs.append((f"My {answer['product'].upper()} of order  a-{1000 + i} is broken.", json.dumps({**answer, **changed.get(i, {})})))
    return rows(*pairs)


def test_a_code_that_the_input_lacks_is_a_fault_and_a_word_is_for_review():
    given = tickets(r7={"order": "B-9999"}, r9={"product": "toaster"})
    assert remarks("invented value", given, "json") == {"r7": "order is not in the input, though in 98 % of the rows it is copied from there"}
    assert remarks("unbacked answer", given, "json") == {"r9": "product is not in the input, though in 98 % of the rows it is copied from there"}


def test_a_field_that_is_worked_out_is_not_expected_in_the_input():
    assert found("invented value", tickets(), "json") == found("unbacked answer", tickets(), "json") == []


def test_a_field_that_is_often_worked_out_may_be_worked_out():
    odd = {f"r{i}": {"order": f"B-{i}"} for i in range(10)}
    assert found("invented value", tickets(**odd), "json") == found("unbacked answer", tickets(**odd), "json") == []


def test_a_model_name_of_a_closed_list_may_be_said_in_other_words():
    usual = [(f"My lamp {'LRM'[i % 3]}-100{i % 3} number {i} is broken.", json.dumps({"lamp": f"{'LRM'[i % 3]}-100{i % 3}"})) for i in range(60)]
    given = rows(*usual, ("My oldest lamp is broken.", json.dumps({"lamp": "L-1000"})))
    assert (found("invented value", given, "json"), found("unbacked answer", given, "json")) == ([], ["r60"])


def quotes(n=40, **odd):
    changed = {int(key[1:]): value for key, value in odd.items()}
    return rows(*((f"Order A-{1000 + i} of Monday over 1,{i:03} euros, jane{i}@example.org.", changed.get(i, f"The 1{i:03} euros of a-{1000 + i} come on Monday.")) for i in range(n)))


def test_figures_days_and_codes_of_free_text_are_looked_for_in_the_input():
    given = quotes(r3="The 77 euros come on Monday.", r4="It comes on Friday.", r5="It comes on Monday.")
    assert found("unbacked answer", given) == ["r3", "r4"]
    assert found("unbacked answer", quotes(r3="Write to eve@example.org about B-4711.")) == ["r3"]


def test_evidence_never_repeats_what_was_made_up():
    said = remarks("unbacked answer", quotes(r3="Write to eve@example.org about B-4711."))["r3"]
    assert said == "2 figures, codes or days in the answer not in the input, though 98 % of the answers only use what their input has"


def test_answers_that_use_figures_of_their_own_are_left_alone():
    sums = rows(*((f"What is {i} plus 100?", f"It is {i + 100}.") for i in range(40)))
    assert found("unbacked answer", sums) == found("invented value", sums) == []


def test_one_long_word_takes_no_long_time():
    for hostile in ("a-" * 150_000 + "1", "1," * 150_000, "x" * 300_000, "(" * 300_000, "sorry " * 50_000, "and " * 75_000):
        given = rows(*[("q 1", hostile)] * 2, *[("q 1", "It is 1, as you said in your own message.")] * 40)
        for kind in ("text", "json"):
            for check in answers.CHECKS:
                list(check.find(given, CheckContext(kind)))
