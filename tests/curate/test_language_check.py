"""Rows in another language than the rest are found, short and mixed texts are not guessed at."""

import re
import socket

import pytest

from workbench.curate.checks import language
from workbench.curate.checks.check import CheckContext
from workbench.curate.checks.language import Languages, guess_language, languages
from workbench.dataset import Dataset, Example

CHECKS = {check.name: check for check in language.CHECKS}
ENGLISH = "Where is the parcel with the green lamp that I ordered from you last week, please?"
ENGLISH_ANSWER = "The parcel left our house yesterday and should reach you within two working days."
GERMAN = "Wo ist das Paket mit der grünen Lampe, die ich letzte Woche bei Ihnen bestellt habe?"
GERMAN_ANSWER = "Das Paket hat unser Haus gestern verlassen und sollte Sie innerhalb von zwei Tagen erreichen."
CHINESE = "请问我上周在你们店里订购的那盏绿色台灯的包裹现在到哪里了?什么时候能送到?"


def rows(*pairs):
    return Dataset("all", tuple(Example(f"r{i}", (("user", given),), answer) for i, (given, answer) in enumerate(pairs)))


def remarks(check, dataset, kind="text"):
    return {remark.row_id: remark.evidence for remark in CHECKS[check].find(dataset, CheckContext(kind))}


USUAL = [(f"{ENGLISH} {word}", ENGLISH_ANSWER) for word in "please thanks regards hello soon today".split() * 5]


@pytest.mark.parametrize(
    "text, code", [(ENGLISH, "en"), (GERMAN, "de"), (CHINESE, "zh"), (ENGLISH.upper(), "en"), ("Où est donc le colis que j'ai commandé hier ?", "fr")]
)
def test_a_sentence_is_enough_to_know_the_language(text, code):
    assert guess_language(text).language == code


@pytest.mark.parametrize("text", ["", "ok", "A-46169", "12345 67890 " * 10, "jane@example.org https://example.org/a/long/path", "```\nimport os, sys, json, random\n```", "\n"])
def test_what_is_no_prose_has_no_language(text):
    assert guess_language(text).language == ""


def test_the_model_lies_in_the_package_and_no_network_is_asked(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    language._detector.cache_clear()
    assert guess_language(GERMAN).language == "de"


def test_a_row_in_another_language_is_found_and_named():
    said = remarks("other language", rows((GERMAN, GERMAN_ANSWER), *USUAL))
    assert list(said) == ["r0"]
    assert re.fullmatch(r"looks like German \([01]\.\d\d\); most rows are English", said["r0"])


def test_a_language_with_its_share_of_the_rows_belongs_to_the_set():
    assert remarks("other language", rows(*[(GERMAN, GERMAN_ANSWER)] * 10, *USUAL)) == {}


def test_a_short_row_is_not_called_foreign():
    assert remarks("other language", rows(("Wo ist mein Paket?", "x"), ("Danke", "x"), *USUAL)) == {}


def test_an_answer_in_another_language_than_its_question_is_found():
    said = remarks("answer language", rows((ENGLISH, GERMAN_ANSWER), (GERMAN, GERMAN_ANSWER), *USUAL))
    assert list(said) == ["r0"] and said["r0"].startswith("asked in English, answered in German")


def test_translations_are_answered_in_another_language_on_purpose():
    assert remarks("answer language", rows(*[(given, GERMAN_ANSWER) for given, _ in USUAL])) == {}


def test_json_and_labels_have_no_language():
    assert remarks("answer language", rows((ENGLISH, GERMAN_ANSWER), *USUAL), "json") == {}


def test_the_table_counts_languages_with_the_unknown_last(tmp_path):
    result = languages(rows(("ok", "x"), ("1", "x"), ("2", "x"), (GERMAN, "x"), (ENGLISH, "x"), (ENGLISH + " thanks", "x")))
    assert repr(result) == "Languages: English 2, German 1, unknown 3"
    assert result.table().values.tolist() == [["English", 2, 1 / 3], ["German", 1, 1 / 6], ["unknown", 3, 0.5]]
    assert Languages.load(result.save(tmp_path / "languages.json")) == result
    assert languages(Dataset("none", ())).table().empty
