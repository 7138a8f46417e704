"""The nearest examples come in order of likeness, and vectors are never used with other examples."""

import numpy
import pytest

from workbench.dataset import Dataset, Example
from workbench.decide.retrieval import build_index, load_index
from workbench.errors import BadInput, Mismatch
from workbench.files import write_text


def directions(texts):
    """Each text is an angle in degrees; texts are alike as their angles are near."""
    angles = numpy.deg2rad([float(text) for text in texts])
    return numpy.stack([numpy.cos(angles), numpy.sin(angles)], axis=1)


def rows(*angles):
    return Dataset("train", tuple(Example(f"r{a}", (("user", "0"), ("assistant", "?"), ("user", str(a))), f"{a} degrees") for a in angles))


ROWS = rows(90, 10, 50, 0, 170, 30)
INDEX = build_index(ROWS, directions)


@pytest.mark.parametrize(
    "text, k, found",
    [("12", 3, ["30", "0", "10"]), ("88", 1, ["90"]), ("45", 2, ["30", "50"]), ("170", 6, ["0", "10", "30", "50", "90", "170"])],
)
def test_the_most_alike_example_comes_last(text, k, found):
    assert [e.input for e in INDEX.nearest(text, k)] == found


def test_fewer_examples_than_asked_for_are_all_given():
    assert [e.input for e in INDEX.nearest("0", 50)] == ["170", "90", "50", "30", "10", "0"]


def test_an_example_comes_with_its_own_answer():
    assert all(e.answer == f"{e.input} degrees" for e in INDEX.nearest("47", 6))


def test_a_loaded_index_finds_what_the_saved_one_found(tmp_path):
    loaded = load_index(INDEX.save(tmp_path), directions)
    assert loaded.examples.fingerprint == ROWS.fingerprint
    assert numpy.array_equal(loaded.vectors, INDEX.vectors) and loaded.vectors.dtype == numpy.float32
    for text in ("0", "33", "120"):
        assert loaded.nearest(text, 3) == INDEX.nearest(text, 3)


@pytest.mark.parametrize("other", [rows(90, 10, 50, 0, 170, 31), rows(10, 90, 50, 0, 170, 30), rows(90, 10)], ids=["changed", "moved", "fewer"])
def test_vectors_of_other_examples_are_refused_and_the_notebook_is_named(tmp_path, other):
    INDEX.save(tmp_path)
    other.save(tmp_path / "examples.jsonl")
    with pytest.raises(Mismatch, match="05_ship_with_evidence.ipynb"):
        load_index(tmp_path, directions)


def test_vectors_that_do_not_say_whose_they_are_are_refused(tmp_path):
    from safetensors.numpy import save_file

    INDEX.save(tmp_path)
    save_file({"vectors": INDEX.vectors}, tmp_path / "vectors.safetensors")
    with pytest.raises(Mismatch):
        load_index(tmp_path, directions)


def test_damaged_examples_are_refused_in_a_sentence(tmp_path):
    INDEX.save(tmp_path)
    write_text(tmp_path / "examples.jsonl", '{"row_id": "r90", "mess')
    with pytest.raises(BadInput, match="examples.jsonl"):
        load_index(tmp_path, directions)


def test_an_index_is_two_files_without_code_in_them(tmp_path):
    INDEX.save(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["examples.jsonl", "vectors.safetensors"]
