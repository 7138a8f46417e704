"""Labels that the text speaks against, thin classes and rows unlike any other."""

import json
import random
from dataclasses import replace

import pytest

from workbench.curate.checks import labels
from workbench.curate.checks.check import CheckContext
from workbench.curate.checks.labels import Balance, balance
from workbench.dataset import Dataset, Example

CHECKS = {check.name: check for check in labels.CHECKS}
WORDS = {
    "billing": "invoice charged twice refund card statement amount tax receipt bank".split(),
    "delivery": "parcel courier late tracking depot address doorstep shipped van neighbour".split(),
    "defect": "broken cracked noise switch burnt leaking hinge screen battery smoke".split(),
}
COMMON = "hello please the my is and with a since week order you help thanks".split()


def labelled(n=150, seed=3):
    """Rows of three labels, each told by its words among common ones."""
    rng = random.Random(seed)
    rows = []
    for i in range(n):
        label = list(WORDS)[i % 3]
        text = " ".join(rng.sample(WORDS[label], 4) + rng.sample(COMMON, 6))
        rows.append(Example(f"r{i}", (("user", text),), label))
    return rows


def remarks(check, rows, kind="label"):
    return {r.row_id: r.evidence for r in CHECKS[check].find(Dataset("all", tuple(rows)), CheckContext(kind))}


def flipped(rows, *numbers):
    other = {"billing": "delivery", "delivery": "defect", "defect": "billing"}
    return [replace(e, answer=other[e.answer]) if i in numbers else e for i, e in enumerate(rows)]


def test_flipped_labels_are_found_and_no_others():
    assert remarks("likely label error", labelled()) == {}
    said = remarks("likely label error", flipped(labelled(), 3, 40, 77))
    assert list(said) == ["r3", "r40", "r77"]
    assert said["r3"].startswith("label looks like 'billing' (0.") and " rather than 'delivery' (0.0" in said["r3"]


def test_the_same_holds_for_a_closed_field_of_json():
    rows = [replace(e, answer=json.dumps({"kind": e.answer, "order": e.row_id})) for e in flipped(labelled(), 40)]
    said = remarks("likely label error", rows, "json")
    assert list(said) == ["r40"] and said["r40"].startswith("kind looks like")
    assert remarks("likely label error", rows, "text") == {}


def test_labels_that_words_do_not_tell_apart_are_not_doubted():
    rng = random.Random(5)
    assert remarks("likely label error", [replace(e, answer=rng.choice(["yes", "no"])) for e in labelled()]) == {}


def test_labels_that_are_mostly_noise_are_not_doubted_row_by_row():
    rng = random.Random(8)
    assert remarks("likely label error", flipped(labelled(), *rng.sample(range(150), 60))) == {}


def test_copies_of_a_question_do_not_vouch_for_each_other():
    """Five copies of one wrong row would teach a model that judged one of them after reading four."""
    (wrong,) = flipped(labelled()[40:41], 0)
    rows = labelled() + [replace(wrong, row_id=f"copy{i}") for i in range(5)]
    assert set(remarks("likely label error", rows)) >= {f"copy{i}" for i in range(5)}


@pytest.mark.parametrize("texts", [[""] * 60, ["same"] * 60, ["..."] * 60])
def test_texts_without_words_give_no_label_errors(texts):
    assert remarks("likely label error", [Example(f"r{i}", (("user", t),), "ab"[i % 2]) for i, t in enumerate(texts)]) == {}


def test_a_class_with_hardly_a_row_is_for_review():
    rows = [Example(f"r{i}", (("user", f"q{i}"),), f"intent {i % 14}") for i in range(280)]
    rows += [Example("rare", (("user", "q"),), "intent x"), Example("rare 2", (("user", "p"),), "Intent X")]
    assert remarks("class balance", rows) == dict.fromkeys(("rare", "rare 2"), "only 2 of 282 rows have label 'intent x'")
    assert remarks("class balance", rows[:280]) == {}


def test_a_value_outside_a_closed_list_is_the_answer_formats_business():
    rows = labelled() + [Example("typo", (("user", "q"),), "biling")]
    assert remarks("class balance", rows) == {}


def test_a_rare_class_beside_a_closed_list_is_a_class():
    rows = [Example(f"r{i}", (("user", f"q{i}"),), "fraud" if i % 200 == 0 else "ok") for i in range(2000)]
    assert balance(Dataset("all", tuple(rows)), "label").classes == (("label", "ok", 1990, 0.995), ("label", "fraud", 10, 0.005))
    assert set(remarks("class balance", rows).values()) == {"only 10 of 2,000 rows have label 'fraud'"}


def test_a_class_that_is_a_persons_name_is_masked():
    rows = [Example(f"r{i}", (("user", "q"),), "Anna Kowalska" if i % 20 == 0 else "nobody") for i in range(60)]
    said = remarks("class balance", rows)
    assert len(said) == 3 and not any("Kowalska" in evidence for evidence in said.values())
    assert "Kowalska" not in balance(Dataset("all", tuple(rows)), "label").table().to_csv()


def test_balance_counts_the_classes_of_each_field(tmp_path):
    rows = [Example(f"r{i}", (("user", "q"),), json.dumps({"kind": "ab"[i % 4 == 0], "id": f"x{i}", "size": "SML"[i % 3]})) for i in range(60)]
    result = balance(Dataset("all", tuple(rows)), "json")
    assert result.classes == (("kind", "a", 45, 0.75), ("kind", "b", 15, 0.25), ("size", "L", 20, 1 / 3), ("size", "M", 20, 1 / 3), ("size", "S", 20, 1 / 3))
    assert repr(result) == "Balance: 5 classes in 2 fields"
    assert Balance.load(result.save(tmp_path / "balance.json")) == result
    assert balance(Dataset("all", tuple(rows)), "text").table().empty


def test_personal_data_in_a_class_is_masked():
    rows = [Example(f"r{i}", (("user", "q"),), "ann@example.org" if i % 2 else "bob@example.org") for i in range(40)] + [
        Example(f"s{i}", (("user", "q"),), "eve@example.org") for i in range(3)
    ]
    said = remarks("class balance", rows)
    assert len(said) == 3 and not any("example" in evidence for evidence in said.values())
    assert "example" not in balance(Dataset("all", tuple(rows)), "label").table().to_csv()


def test_a_row_about_something_else_is_an_outlier_and_at_most_two_in_a_hundred_are():
    assert remarks("outlier", labelled(), "text") == {}
    odd = Example("odd", (("user", "quantum chromodynamics describes gluons inside hadrons"),), "x")
    assert list(remarks("outlier", [*labelled(), odd], "text")) == ["odd"]
    many = [replace(odd, row_id=f"o{i}", messages=(("user", " ".join(f"{w}{'abcdefghij'[i]}" for w in odd.input.split())),)) for i in range(10)]
    assert len(remarks("outlier", [*labelled(), *many], "text")) == 3
    assert remarks("outlier", [odd, *labelled(40)], "text") == {}


def test_texts_that_all_differ_have_no_outlier():
    rows = [Example(f"r{i}", (("user", " ".join("".join(random.Random(f"{i}{w}").sample("abcdefghijklmnop", 6)) for w in range(8))),), "x") for i in range(80)]
    assert remarks("outlier", rows, "text") == {}
