"""Rows are dealt out by question, the same way each time, and too few of them are refused."""

import pytest

from workbench.curate.checks.check import group_key
from workbench.curate.splitting import FEWEST_ROWS, split
from workbench.dataset import Dataset, Example
from workbench.errors import BadInput


def rows(n, questions=None, prefix="r"):
    """`n` rows on `questions` different questions, as many as rows unless said otherwise."""
    return tuple(Example(f"{prefix}{i}", (("user", f"Question {i % (questions or n)}?"),), str(i)) for i in range(n))


def parts(splits):
    return splits.train, splits.validation, splits.test


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("questions", [30, 75, 150])
def test_no_question_stands_on_two_sides_and_no_row_is_lost(questions, seed):
    data = Dataset("all", rows(150, questions))
    three = parts(split(data, 20, 30, seed=seed))
    keys = [{group_key(e) for e in part} for part in three]
    assert not keys[0] & keys[1] and not keys[0] & keys[2] and not keys[1] & keys[2]
    assert sorted(e.row_id for part in three for e in part) == sorted(e.row_id for e in data)


def test_questions_that_differ_in_case_and_spacing_only_stay_together():
    asked = [(f"row {i}", text) for i in range(60) for text in (f"Question {i}?", f"  question {i} ")]
    data = Dataset("all", tuple(Example(f"{name}{i}", (("user", t),), "a") for i, (name, t) in enumerate(asked)))
    test = split(data, 10, 20).test
    numbers = [e.input.strip("? ").casefold() for e in test]
    assert len(test) == 20 and all(numbers.count(n) == 2 for n in numbers)


def test_the_same_seed_deals_the_same_hand_and_another_seed_another():
    data = Dataset("all", rows(100))
    prints = [[p.fingerprint for p in parts(split(data, 10, 20, seed=seed))] for seed in (0, 0, 1)]
    assert prints[0] == prints[1]
    assert all(one != other for one, other in zip(prints[0], prints[2], strict=True))


@pytest.mark.parametrize("n, sizes", [(40, (26, 4, 10)), (100, (70, 10, 20)), (1000, (960, 20, 20))])
def test_small_data_give_a_tenth_and_a_quarter_and_large_data_what_was_asked(n, sizes):
    assert tuple(map(len, parts(split(Dataset("all", rows(n)), 20, 20)))) == sizes


@pytest.mark.parametrize("n", [0, 1, FEWEST_ROWS - 1])
def test_too_few_rows_are_refused_in_a_sentence(n):
    with pytest.raises(BadInput, match=f"{n} usable rows are too few"):
        split(Dataset("all", rows(n)), 10, 10)


@pytest.mark.parametrize("questions", [1, 2])
def test_rows_that_all_ask_the_same_are_refused_in_a_sentence(questions):
    """However many the rows, with fewer questions than parts one part would be empty."""
    with pytest.raises(BadInput):
        split(Dataset("all", rows(60, questions)), 10, 10)


def test_a_test_set_that_came_along_is_the_test():
    given = Dataset("given", tuple(Example(f"t{i}", (("user", f"Other {i}"),), "a") for i in range(15)))
    splits = split(Dataset("all", rows(100)), 10, 20, test=given)
    assert {e.row_id for e in splits.test} == {e.row_id for e in given}
    assert (len(splits.train), len(splits.validation), splits.test.name) == (90, 10, "test")


def test_a_long_test_set_is_sampled_from_all_over_it():
    given = Dataset("given", tuple(Example(f"t{i}", (("user", f"Other {i}"),), "a") for i in range(1000)))
    chosen = [[int(e.row_id[1:]) for e in split(Dataset("all", rows(50)), 5, 50, test=given, seed=s).test] for s in (0, 0, 1)]
    assert len(set(chosen[0])) == 50 and chosen[0] == chosen[1] != chosen[2]
    assert min(chosen[0]) < 200 and max(chosen[0]) > 800


def test_a_question_of_the_given_test_set_is_never_trained_on():
    given = Dataset("given", rows(100, prefix="t")[:10])
    try:
        splits = split(Dataset("all", rows(100)), 10, 20, test=given)
    except BadInput as error:
        assert "test" in str(error)  # to refuse is as good as to leave such rows out
    else:
        tested = {group_key(e) for e in splits.test}
        assert not [e.row_id for part in (splits.train, splits.validation) for e in part if group_key(e) in tested]


def test_the_table_says_what_each_part_is_for():
    table = split(Dataset("all", rows(100)), 10, 20).table()
    assert table["part"].tolist() == ["train", "validation", "test"]
    assert table["rows"].tolist() == [70, 10, 20]
    assert "nothing is chosen" in table["used"].iloc[2]


def test_rows_about_one_person_stay_on_one_side():
    data = Dataset("all", tuple(
        Example(f"r{i}", (("user", f"Matter number {i} of {i * 7}"),), "a", {"subject_ids": [f"person {i % 25}"]}) for i in range(100)
    ))  # fmt: skip
    sides = [{e.provenance["subject_ids"][0] for e in part} for part in parts(split(data, 20, 20))]
    assert not sides[0] & sides[1] and not sides[0] & sides[2] and not sides[1] & sides[2]


SAME = "the lamp in the hall went out again last night after the storm and nobody came to look at it number"


def test_rows_of_nearly_the_same_words_stay_on_one_side():
    topics = ["lamp", "door", "roof", "lift", "gate", "bell", "sink", "oven", "desk", "wall", "pipe", "step"] * 5
    texts = [f"{t} {i} " + " ".join(f"{t}{i}w{k}" for k in range(20)) for i, t in enumerate(topics)]
    both = [text + end for text in texts for end in ("", " today")]
    data = Dataset("all", tuple(Example(f"r{i}", (("user", t),), str(i)) for i, t in enumerate(both)))
    for part in parts(split(data, 12, 30)):
        numbers = [int(e.row_id[1:]) // 2 for e in part]
        assert all(numbers.count(n) == 2 for n in numbers)


def test_rows_that_are_nearly_all_alike_can_still_be_split():
    data = Dataset("all", tuple(Example(f"r{i}", (("user", f"{SAME} {i}"),), "a") for i in range(100)))
    assert tuple(map(len, parts(split(data, 10, 20)))) == (70, 10, 20)


def test_a_test_set_that_came_along_shares_no_person_and_no_wording_with_the_rest():
    def row(name, i, person):
        words = " ".join(f"w{person}x{k}" for k in range(12))
        return Example(f"{name}{i}", (("user", f"{words} {name}"),), "a", {"subject_ids": [f"person {person}"]})

    data = Dataset("all", tuple(row("r", i, i) for i in range(80)))
    given = Dataset("given", (row("t", 0, 3), Example("t1", (("user", data.examples[7].input + " please"),), "a")))
    splits = split(data, 8, 20, test=given)
    left = {e.row_id for part in parts(splits)[:2] for e in part}
    assert {"r3", "r7"}.isdisjoint(left) and len(left) == 78 == len(data) - splits.left_out
    assert "2 left out" in repr(splits)


def test_a_handful_of_rows_that_are_alike_is_not_torn_apart_in_small_data():
    alike = tuple(Example(f"a{i}", (("user", f"{SAME} {i}"),), "a") for i in range(6))
    others = tuple(Example(f"r{i}", (("user", " ".join(f"w{i}x{k}" for k in range(9))),), "a") for i in range(60))
    for seed in range(4):
        sides = [sum(e.row_id.startswith("a") for e in part) for part in parts(split(Dataset("all", alike + others), 10, 10, seed=seed))]
        assert sorted(sides) == [0, 0, 6]
