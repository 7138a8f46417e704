"""What is plausible in clean data is neither dropped nor changed unasked; at most it is shown for review."""

from __future__ import annotations

import json

import pytest

from workbench.curate.checks import answers, text
from workbench.curate.checks.check import FAULT, CheckContext
from workbench.dataset import Dataset, Example

FAULTS = [check for check in (*answers.CHECKS, *text.CHECKS) if check.severity == FAULT]
CHECKS = {check.name: check for check in (*answers.CHECKS, *text.CHECKS)}
DAYS = "Monday Tuesday Wednesday Thursday Friday spring summer autumn winter May".split()


def among_usual(*pairs, system=""):
    """Rows of these inputs and answers, before sixty usual ones."""
    usual = ((f"When does parcel {i} come?", f"The parcel reaches the house within two working days of {DAYS[i % 10]}.") for i in range(60))
    turns = (("system", system),) if system else ()
    rows = ((f"r{i}", given, answer) for i, (given, answer) in enumerate([*pairs, *usual]))
    return Dataset("all", tuple(Example(i, (*turns, ("user", given)), answer) for i, given, answer in rows))


def faults(dataset, kind="text"):
    """(check, row id) of every remark that is acted on by default."""
    return [(c.name, r.row_id) for c in FAULTS for r in c.find(dataset, CheckContext(kind))]


def review(check, dataset, kind="text"):
    return [remark.row_id for remark in CHECKS[check].find(dataset, CheckContext(kind))]


def stays(dataset, kind="text"):
    """No row is dropped or changed, whichever of the recommended fixes is carried out."""
    assert faults(dataset, kind) == []
    for check in FAULTS:
        if check.fix:
            assert check.fix(dataset.examples[0]) == dataset.examples[0], check.name
    return True


# Refusals

NOT_IN_THE_DOCUMENTS = "Sorry, I can't answer that question. The documents do not say."


def test_refusals_meant_for_questions_without_an_answer_stay():
    given = among_usual(*((f"Who painted house {i}?", NOT_IN_THE_DOCUMENTS) for i in range(6)))
    assert stays(given) and len(review("possible refusal", given)) == 6


@pytest.mark.parametrize(
    "given, answer, system",
    [
        ("Who painted it?", NOT_IN_THE_DOCUMENTS, ""),
        ("What does Eve earn?", "I cannot provide an answer to this question, as it may be confidential.", ""),
        ("Who painted it?", "I'm sorry, but I can't help with that.", "Refuse what the handbook doesn't cover."),
        ("Who painted it?", "Leider kann ich diese Frage nicht beantworten.", "Was du nicht weißt, sollst du nicht beantworten."),
        ("Translate: Es tut mir leid, dabei kann ich nicht helfen.", "I'm sorry, but I can't help with that.", ""),
        ("Do you have feelings?", "As an AI, I do not have feelings.", ""),
        ("What is the capital of France?", "As an AI, I do not travel. The capital of France is Paris.", ""),
        ("Fix my bike", "I can't help with that. Ask the shop at the corner, which is open until six.", ""),
    ],
)
def test_a_refusal_with_a_reason_an_order_or_more_to_say_stays(given, answer, system):
    rows = among_usual((given, answer), system=system)
    assert stays(rows) and review("possible refusal", rows) == ["r0"]


def test_a_refusal_in_the_same_words_is_meant_the_third_time():
    refused = [(f"What is {i}?", "I'm sorry, but I can't help with that.") for i in range(3)]
    assert len(faults(among_usual(*refused[:2]))) == 2
    assert stays(among_usual(*refused))


# Values that the input lacks


def copied(*odd):
    """Rows whose answers copy a code, before them these pairs."""
    usual = ((f"Order A-{1000 + i} is late.", f"We look for order A-{1000 + i} today.") for i in range(100))
    return Dataset("all", tuple(Example(f"r{i}", (("user", g),), a) for i, (g, a) in enumerate([*odd, *usual])))


@pytest.mark.parametrize(
    "given, answer",
    [
        ("It weighs 15 kg.", "The 15kg of it go by van."),
        ("Is there a service for 24 hours?", "There is a 24-hour service."),
        ("Order a 2000 is late.", "We look for order A-2000 today."),
        ("Order A-2000 is late.", "We look for order A2000 today."),
    ],
)
def test_a_value_written_in_another_way_is_in_the_input(given, answer):
    rows = copied((given, answer))
    assert stays(rows) and review("unbacked answer", rows) == []


def test_the_houses_own_addresses_are_not_made_up():
    own = [(f"Order B-{i}00 is lost.", f"Write of B-{i}00 to help@shop.example or see https://shop.example/faq2.") for i in range(1, 4)]
    assert stays(copied(*own)) and review("unbacked answer", copied(*own)) == []
    assert review("unbacked answer", copied(own[0])) == ["r0"]


def test_free_text_is_never_dropped_for_a_value_of_its_own():
    rows = copied(("Order A-2000 is late.", "We look for order B-4711 today."))
    assert stays(rows) and review("unbacked answer", rows) == ["r0"]


@pytest.mark.parametrize(
    "given, value",
    [("It is of 1 May 2024.", "2024-05-01"), ("It costs a thousand euros.", "1000"), ("It weighs fifteen kilograms.", "15kg")],
)
def test_a_field_with_a_date_or_an_amount_is_never_dropped(given, value):
    forms = [[f"2024-03-{i % 28 + 1:02}", f"{i}00", f"{i}kg"] for i in range(99)]
    usual = [(f"It is of {' or '.join(form)}.", json.dumps({"v": form[i % 3]})) for i, form in enumerate(forms)]
    rows = Dataset("all", tuple(Example(f"r{i}", (("user", g),), a) for i, (g, a) in enumerate([(given, json.dumps({"v": value})), *usual])))
    assert stays(rows, "json") and review("unbacked answer", rows, "json") == ["r0"]


# Ends


@pytest.mark.parametrize(
    "given, answer",
    [
        ("How do I show code?", "Type ``` on a line of its own, then your code, and then the same signs again."),
        ("Which numbers are meant?", "The half-open interval [0, 1) for the first and (2, 3] for the second of the two draws"),
        ("Write a verse.", "The moon went over the hill,\nthe owl sat on the sill,\nthe night was calm and still,"),
        ("Which conjunction gives a reason?", "A reason is given in a subordinate clause that begins with the conjunction because"),
        ("Which French article is feminine?", "In French the feminine form is, in the singular and before a noun, the article la or une"),
        ("What did she say?", "Sie stand lange am Fenster und sagte dann leise: \u201eIch komme morgen wieder\" und ging fort"),
        ("Was tun?", "Bitte geben Sie die Nummer Ihrer Bestellung in das Feld oben auf der Seite ein"),
        ("Where is it?", "You will find it right behind the old church in the nearest work"),
    ],
)
def test_an_answer_with_an_end_of_its_own_is_not_cut_off(given, answer):
    assert stays(among_usual((given, answer)))


@pytest.mark.parametrize(
    "answer",
    [
        "The half-open interval [0, 1) for the first and (2, 3] for the second of the two draws",
        "Sie stand lange am Fenster und sagte dann leise: \u201eIch komme morgen wieder\" und ging fort",
        "Type ``` on a line of its own, then your code",
    ],
)
def test_what_is_closed_in_another_way_is_not_left_open(answer):
    (remark,) = CHECKS["possible truncation"].find(among_usual(("What?", answer)), CheckContext("text"))
    assert remark.evidence == "the answer ends without a full stop, as few others do"


def test_a_verse_may_end_as_it_wants():
    verse = "The moon went over the hill,\nthe owl sat on the sill,\nthe night was calm and still,"
    assert review("possible truncation", among_usual(("Write.", verse))) == []


def test_where_many_answers_have_no_proper_end_nothing_is_cut_off():
    cut = "We sent the parcel on its way, and it will reach you within two working days and"
    own = [(f"Which shop {i}?", f"You go to the shop at the corner of street number {'abcdefgh'[i]}") for i in range(8)]
    assert faults(among_usual(("When?", cut))) == [("truncated answer", "r0")]
    assert stays(among_usual(("When?", cut), *own))


# Openings and closings


@pytest.mark.parametrize(
    "given, answer",
    [
        ("Translate: Natürlich! Hier ist die Liste: Tee, Milch.", "Of course! Here is the list: tea, milk."),
        ("Übersetze ins Englische: Natürlich! Das Paket kam gestern.", "Of course! The parcel came yesterday."),
        ("Traduisez : J'espère que cela aide.", "The parcel is on its way. I hope this helps!"),
        ("Write an e-mail about the parcel.", "The parcel is on its way. Please let me know if you have any questions."),
        ("Where is the parcel?", "Dear Eve,\nthe parcel is on its way. I hope this helps!"),
        ("How did the king answer?", "Certainly! cried the king, and the gates were opened."),
        ("Continue the dialogue.", "Sure! Here is the key: take it, said the porter."),
        ("What was heard?", "Ann: Where is it?\nBob: On the shelf.\nAnn: Thanks! Let me know if you need anything else."),
        ("What do I bring?", "Sure! Here are the papers that the office in Ulm wants from you by 9 May: passport, form"),
        ("What now?", "Take the form to the desk. Feel free to ask if you have any questions."),
    ],
)
def test_a_phrase_that_may_be_asked_for_or_courtesy_stays(given, answer):
    rows = among_usual((given, answer))
    assert stays(rows)
    assert review("possible boilerplate", rows) == ["r0"]
    assert CHECKS["possible boilerplate"].fix(rows.examples[0]).answer != answer


# Pages


@pytest.mark.parametrize(
    "answer",
    [
        '<div *ngIf="open">Hello</div>',
        '<div class="x"></div>',
        "<p>It is <b>here</b>.</p>",
        'Write <span v-if="open">this</span> there.',
        "Use `<br>` for <b>a</b> break.",
        'See <a href="https://shop.example/faq">the list</a> of questions.',
    ],
)
def test_an_answer_that_is_markup_stays(answer):
    rows = among_usual(("How is it done?", answer))
    assert stays(rows) and review("markup", rows) == ["r0"]


@pytest.mark.parametrize(
    "answer", ["It holds if a <b and c> d, so check both.", "It holds for a <i = b; c> d.", "It runs for (i; n <i max=b; i) and c > d."]
)
def test_less_than_and_greater_than_are_no_tag(answer):
    rows = among_usual(("When does it hold?", answer))
    assert stays(rows) and review("markup", rows) == []


@pytest.mark.parametrize("topic", "Angular,Vue,React,element,template,component,web page,HTML,CSS,tag,XML,SVG".split(","))
def test_a_row_about_code_keeps_its_tags(topic):
    rows = among_usual((f"What is this {topic} for?", "Put <div class='a'>it</div> there."))
    assert stays(rows) and review("markup", rows) == ["r0"]


def test_a_fix_that_would_leave_nothing_is_no_fix():
    for given in ('<div class="x"></div>', "<|im_end|>", "<script>x</script>"):
        assert stays(among_usual((given, "It is empty.")))


# Control tokens, wrong encodings, terminal codes


@pytest.mark.parametrize(
    "given, answer",
    [
        ("How do documents end?", "The sign <|endoftext|> ends a document."),
        ("What does <|im_end|> do?", "It closes a turn<|im_end|>"),
        ("Which special token is the last?", "It ends with this one: <|eot_id|>"),
        ("How does a document end?", "Each document ends with <|endoftext|>"),
        ("What is at the start?", "<|endoftext|> ends a document."),
        ("Explain prompts.", "[INST] opens what the user says."),
    ],
)
def test_a_control_token_that_is_spoken_of_stays(given, answer):
    rows = among_usual((given, answer))
    assert stays(rows) and "r0" in review("possible control tokens", rows)


def test_only_the_token_at_the_edge_is_taken_away():
    (example,) = among_usual(("Where?", "A <|sep|> stands in the middle.<|im_end|>")).examples[:1]
    better = CHECKS["control tokens"].fix(example)
    assert better.answer == "A <|sep|> stands in the middle."
    assert review("possible control tokens", Dataset("all", (example,))) == ["r0"]


@pytest.mark.parametrize(
    "given, answer",
    [
        ("What is â€™?", "â€™ is an apostrophe decoded wrongly."),
        ("Warum steht da schÃ¶n?", "Der Text wurde falsch kodiert."),
        ("What does mojibake look like?", "It looks like schÃ¶n."),
        ("What was printed?", "It printed `schÃ¶n`."),
    ],
)
def test_a_wrong_encoding_that_is_the_matter_stays(given, answer):
    rows = among_usual((given, answer))
    assert stays(rows) and "r0" in review("possible garbled text", rows)


def test_terminal_codes_stay():
    rows = among_usual(("What did it print?", "It printed \x1b[31mred\x1b[0m on the screen."))
    assert stays(rows) and review("terminal codes", rows) == ["r0"]
    assert CHECKS["terminal codes"].fix(rows.examples[0]).answer == "It printed red on the screen."


def test_many_tokens_take_no_long_time():
    for hostile in ("x" + "<|im_end|>" * 30_000, "<|im_end|>" * 30_000 + "x", "<a " + "=" * 300_000, "<|im_end|> " * 20_000, "word " * 60_000 + "wor"):
        stays_or_not = Dataset("all", (Example("r0", (("user", hostile),), hostile),))
        for check in (*answers.CHECKS, *text.CHECKS):
            list(check.find(stays_or_not, CheckContext("text")))
            if check.fix:
                check.fix(stays_or_not.examples[0])
