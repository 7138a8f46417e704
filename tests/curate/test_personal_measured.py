"""The recall that notebook 01 shows is the one that was measured, kind by kind."""

from workbench.curate.personal import WORDS
from workbench.curate.personal.measured import MeasuredRecall, measured_recall


def test_every_kind_was_planted_and_no_more_is_found_than_was_planted():
    found = measured_recall()
    assert len(found.types) >= 10 and {t.type for t in found.types} <= set(WORDS)
    for kind in found.types:
        assert 100 <= kind.planted and 0 <= kind.masked <= kind.found <= kind.planted, kind


def test_it_says_when_and_on_what_it_was_measured_and_survives_its_file(tmp_path):
    found = measured_recall()
    assert found.when.startswith("20") and "cores" in found.machine and found.rows >= 1000
    assert MeasuredRecall.load(found.save(tmp_path / "measured.json")) == found


def test_names_are_not_promised_to_be_found():
    table = measured_recall().table().set_index("kind")
    assert table.loc["name of a person", "found at all"] < 1
