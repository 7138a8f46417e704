"""Topics are found, named without personal data, counted, and the thin ones told, whatever the texts are."""

import random

import pytest

from workbench.curate.coverage import Coverage, coverage
from workbench.dataset import Dataset, Example

WORDS = {
    "billing": "invoice charged twice refund card statement".split(),
    "delivery": "parcel courier late tracking depot doorstep".split(),
    "defect": "broken cracked noise switch burnt leaking".split(),
    "garden": "hose lawn mower hedge shears watering".split(),
}


def data(texts, name="all"):
    return Dataset(name, tuple(Example(f"{name}{i}", (("user", t),), "a") for i, t in enumerate(texts)))


def texts(**rows):
    rng = random.Random(1)
    return [" ".join(["please", "help", *rng.sample(WORDS[topic], 4)]) for topic, n in rows.items() for _ in range(n)]


EVEN = texts(billing=40, delivery=40, defect=40, garden=40)


def test_topics_are_the_groups_of_rows_that_share_words():
    result = coverage(data(EVEN), topics=4)
    assert [t.rows for t in result.topics] == [40] * 4
    assert {next(k for k, words in WORDS.items() if set(t.name.split(", ")) <= set(words)) for t in result.topics} == set(WORDS)
    assert result.sentences() == ["No topic is thin."]
    assert repr(result) == "Coverage: 160 rows on 4 topics, 0 of them thin"


def test_a_thin_topic_is_named_in_a_sentence():
    result = coverage(data(texts(billing=60, delivery=60, defect=60, garden=9)), topics=4)
    (thin,) = [t for t in result.topics if t.thin]
    assert thin == result.topics[-1] and thin.rows == 9 and set(thin.name.split(", ")) <= set(WORDS["garden"])
    assert result.sentences() == [f"“{thin.name}” is thin: 9 of 189 rows (4.8 %). If it matters in use, add rows on it."]


def test_a_topic_that_the_test_leaves_out_is_told():
    test = data(texts(billing=5, delivery=5, defect=5), "test")
    result = coverage(data(EVEN), topics=4, test=test)
    assert sorted(t.in_test for t in result.topics) == [0, 5, 5, 5]
    (sentence,) = result.sentences()
    assert sentence.startswith("No row of the test set is on “") and "rows in test" in result.table().columns
    assert "rows in test" not in coverage(data(EVEN)).table().columns


def test_the_same_seed_gives_the_same_topics_and_points():
    assert coverage(data(EVEN), seed=3) == coverage(data(EVEN), seed=3)


def test_points_lie_near_those_of_their_topic():
    result = coverage(data(EVEN), topics=4)
    assert len(result.points) == 160

    def middle(topic):
        own = [(x, y) for x, y, t in result.points if t == topic]
        return sum(x for x, _ in own) / len(own), sum(y for _, y in own) / len(own)

    middles = [middle(t) for t in range(4)]
    nearest = [min(range(4), key=lambda t: (x - middles[t][0]) ** 2 + (y - middles[t][1]) ** 2) for x, y, _ in result.points]
    assert sum(n == t for n, (_, _, t) in zip(nearest, result.points, strict=True)) >= 150


def test_a_large_set_gives_few_points_and_counts_every_row(monkeypatch):
    monkeypatch.setattr("workbench.curate.coverage.SAMPLE", 100)
    monkeypatch.setattr("workbench.curate.coverage.POINTS", 30)
    result = coverage(data(EVEN), topics=4)
    assert len(result.points) == 30 and sum(t.rows for t in result.topics) == 160


@pytest.mark.parametrize("n, topics", [(30, 4), (400, 8), (2000, 12)])
def test_the_number_of_topics_goes_by_the_rows(n, topics):
    rng = random.Random(0)
    words = [w for group in WORDS.values() for w in group] + [f"{a}{b}ing" for a in "bcdfgh" for b in ("al", "em", "or", "un", "ip")]
    result = coverage(data([" ".join(rng.sample(words, 6)) for _ in range(n)]))
    assert len(result.topics) == topics and sum(t.share for t in result.topics) == pytest.approx(1)


@pytest.mark.parametrize(
    "given",
    [[], [""], ["", "..."], ["one"], ["same text"] * 30, ["1 2 3"] * 5, ["a b", "a b", "c d"], ["parcel"] * 3 + [""] * 3, ["\U0001f600", "\u200b"]],
)
def test_texts_with_hardly_a_word_are_one_topic_and_no_error(given):
    result = coverage(data(given), test=data(given, "test"))
    assert sum(t.rows for t in result.topics) == len(given) == len(result.points)
    assert result.sentences() and len(result.table()) == len(result.topics) <= 2


def test_scripts_without_spaces_are_read_by_signs():
    parcel, invoice = "我的包裹在哪里还没有收到快递", "请把上个月的发票重新开一张给我"
    result = coverage(data([parcel + "急" * (i % 3) for i in range(20)] + [invoice + "谢" * (i % 3) for i in range(20)]), topics=2)
    assert [t.rows for t in result.topics] == [20, 20]
    assert all(any(sign in t.name for sign in parcel + invoice) for t in result.topics)


def test_names_of_topics_have_no_figures_and_no_personal_data():
    given = [f"invoice A-{i} of +1 202 555 0123 for jane.doe@example.org in 2025" for i in range(30)] + texts(delivery=30)
    names = " ".join(t.name for t in coverage(data(given), topics=2).topics)
    assert not any(character.isdigit() for character in names)
    assert "jane" not in names and "example" not in names and "doe" not in names


def test_names_of_topics_have_no_names_of_people():
    given = [f"Dear Mrs Hoffmann, {t}" for t in texts(billing=30)] + [f"My name is Kowalska. {t}" for t in texts(delivery=30)]
    names = [t.name for t in coverage(data(given), topics=2).topics]
    assert not any("hoffmann" in name or "kowalska" in name for name in names)
    assert all(len(name.split(", ")) == 3 for name in names)


def test_a_map_survives_its_file(tmp_path):
    result = coverage(data(EVEN), test=data(EVEN[:10], "test"))
    assert Coverage.load(result.save(tmp_path / "coverage.json")) == result
    assert result.data == data(EVEN).fingerprint
