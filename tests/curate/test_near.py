"""Near texts are found, far ones are not, and neither a crowd of copies nor a strange script breaks the search."""

from __future__ import annotations

import random

import numpy
import pytest

from workbench.curate.differences import ADDED, REMOVED, SAME, same_meaning, word_diff, words_apart
from workbench.curate.near import near_duplicates, pairs_between, sketch, words
from workbench.curate.near.pairs import CROWD

VOCABULARY = [a + b for a in "bcdfghklmnprstvw" for b in ("ando", "ever", "illon", "orst", "umba", "arret", "eki", "olp", "und")]
FOX = "the quick brown fox jumps over the lazy dog in the yard of the old farm"


def made_up(rows, length=30, seed=0):
    dice = random.Random(seed)
    return [" ".join(dice.choices(VOCABULARY, k=length)) for _ in range(rows)]


def edited(text, edits, dice):
    cut = text.split()
    for place in dice.sample(range(len(cut)), edits):
        cut[place] = "edited" + str(place)
    return " ".join(cut)


def found(texts, **settings):
    return {(a, b): round(s, 3) for a, b, s in near_duplicates(texts, **settings)}


def jaccard(one, two):
    sets = [set(zip(["", *words(t)], [*words(t), ""], strict=True)) for t in (one, two)]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


# Search


def test_the_similarity_is_the_share_of_word_pairs():
    other = FOX.replace("lazy", "sleepy")
    assert found([FOX, "something else altogether", other]) == {(0, 2): round(jaccard(FOX, other), 3)}


def test_case_spacing_and_punctuation_do_not_matter():
    assert found(["Where is my order?", "where  is MY order", "WHERE, is my\norder!"]) == {(0, 1): 1.0, (0, 2): 1.0}


@pytest.mark.parametrize("edits, least", [(0, 1.0), (1, 1.0), (2, 0.99), (4, 0.95)])
def test_planted_copies_are_found(edits, least):
    base, dice = made_up(1500), random.Random(1)
    copies = [edited(text, edits, dice) for text in base[:400]]
    clusters = near_duplicates(base + copies).clusters(1900)
    assert sum(clusters[i] == clusters[1500 + i] for i in range(400)) >= least * 400
    assert len(set(clusters[:1500].tolist())) == 1500  # and no two of different texts fell together


def test_every_pair_is_verified_by_its_shingles():
    base, dice = made_up(200), random.Random(2)
    texts = base + [edited(text, dice.randint(1, 9), dice) for text in base]
    pairs = found(texts, threshold=0.6)
    assert pairs and all(s >= 0.6 and s == round(jaccard(texts[a], texts[b]), 3) for (a, b), s in pairs.items())


def test_the_second_opinion_of_datasketch_agrees():
    datasketch = pytest.importorskip("datasketch", reason="datasketch isn't installed")
    base, dice = made_up(300), random.Random(3)
    texts = base + [edited(text, 2, dice) for text in base[:100]]
    index, theirs = datasketch.MinHashLSH(threshold=0.5, num_perm=128), set()
    for place, text in enumerate(texts):
        digest = datasketch.MinHash(num_perm=128)
        digest.update_batch([" ".join(pair).encode() for pair in zip(words(text), words(text)[1:], strict=False)])
        theirs |= {(other, place) for other in index.query(digest)}
        index.insert(place, digest)
    assert {pair for pair in theirs if jaccard(*(texts[i] for i in pair)) >= 0.5} <= set(found(texts))


def test_the_same_texts_give_the_same_pairs_in_any_process():
    texts = made_up(50) + [FOX, FOX + " today"]
    assert found(texts) == found(texts) == {(50, 51): round(jaccard(FOX, FOX + " today"), 3)}
    assert sketch([FOX]).shingles[:2].tolist() == sketch([FOX, "x"]).shingles[:2].tolist()


@pytest.mark.parametrize("texts", [[], [""], ["a"], ["", "a b"], ["yes", "no"], ["!!", "??"], ["🙂", "🙁"]])
def test_few_and_short_texts_have_no_near_ones(texts):
    assert found(texts) == {}


def test_texts_of_one_word_are_near_only_when_they_are_the_same():
    assert found(["yes", "no", "Yes!", "yess"]) == {(0, 2): 1.0}


@pytest.mark.parametrize(
    "one, near, far",
    [
        ("我们今天去北京的图书馆看书", "我们明天去北京的图书馆看书", "他昨天在上海的公园里跑步"),
        ("今日は東京の図書館で本を読みました", "今日は大阪の図書館で本を読みました", "明日は友達と海へ行くつもりです"),
        ("วันนี้ฉันไปห้องสมุดเพื่ออ่านหนังสือ", "วันนี้ฉันไปห้องสมุดเพื่อยืมหนังสือ", "พรุ่งนี้เพื่อนของฉันจะไปทะเล"),
    ],
)
def test_scripts_without_spaces_are_compared_by_characters(one, near, far):
    assert set(found([one, near, far])) == {(0, 1)}


def test_a_lone_surrogate_and_a_very_long_text_are_only_texts():
    long = " ".join(made_up(1, 50_000))
    assert set(found(["\ud800 broken text here", "\ud800 broken text here", long, long + " more"])) == {(0, 1), (2, 3)}


def test_a_crowd_of_copies_is_compared_with_the_first_only():
    pairs = near_duplicates([FOX] * 5000)
    assert len(pairs) == 4999 and set(pairs.first.tolist()) == {0}


def test_a_crowd_of_rows_from_one_template_does_not_grow_with_the_square():
    texts = [f"{FOX} and the number of the order is {i} if you please" for i in range(3000)]
    pairs = near_duplicates(texts)
    assert len(pairs) <= 3000 * CROWD * 6
    assert set(pairs.second.tolist()) == set(range(1, 3000))  # and yet each has an earlier one that it is near
    assert set(pairs.clusters(3000).tolist()) == {0}


def test_clusters_are_named_by_their_first_text():
    texts = [FOX, "far away", FOX + " today", "far away", "alone here"]
    assert near_duplicates(texts).clusters(5).tolist() == [0, 1, 0, 1, 4]


def test_by_second_has_the_nearest_first():
    texts = [FOX.replace("lazy", "sleepy"), FOX + " today", FOX]
    assert [twin for twin, _ in near_duplicates(texts).by_second()[2]] == [1, 0]


def test_pairs_between_two_lists_are_found_and_none_within_one():
    base, dice = made_up(300), random.Random(4)
    others = [edited(base[i], 1, dice) for i in (7, 30)] + [base[7], base[9], "something else"]
    pairs = pairs_between(sketch(others), sketch(base))
    assert {(a, b) for a, b, _ in pairs} == {(0, 7), (1, 30), (2, 7), (3, 9)}
    assert len(pairs_between(sketch([]), sketch(base))) == len(pairs_between(sketch(base), sketch([]))) == 0


def test_progress_is_told():
    told = []
    near_duplicates(["a b", "c d"], progress=lambda *what: told.append(what))
    assert {what for what, _, _ in told} == {"Reading texts", "Comparing texts"}


def test_nothing_is_kept_per_word_but_numbers():
    kept = sketch(made_up(100))
    arrays = (kept.leader, kept.keys, kept.signature, kept.shingles, kept.starts)
    assert all(isinstance(a, numpy.ndarray) and a.dtype.kind in "iu" for a in arrays)
    assert sum(a.nbytes for a in arrays) / 100 < 600


# Differences


def test_a_diff_joins_back_to_both_texts():
    dice = random.Random(5)
    for _ in range(500):
        one, two = ("".join(dice.choices("ab c.,\n\u0301é5", k=dice.randint(0, 40))) for _ in range(2))
        diff = word_diff(one, two)
        assert "".join(text for op, text in diff if op != ADDED) == one
        assert "".join(text for op, text in diff if op != REMOVED) == two
        assert all(text for _, text in diff) and all(a[0] != b[0] for a, b in zip(diff, diff[1:], strict=False))


def test_a_diff_shows_whole_words():
    shown = [(SAME, "Take "), (REMOVED, "20 "), (ADDED, "200 "), (SAME, "mg now.")]
    assert word_diff("Take 20 mg now.", "Take 200 mg now.") == shown
    assert word_diff("a  b", "a b") == [(SAME, "a"), (REMOVED, "  "), (ADDED, " "), (SAME, "b")]


def test_a_diff_of_very_long_texts_is_one_replacement():
    one, two = (" ".join(made_up(1, 100_000, seed)) for seed in (1, 2))
    diff = word_diff(f"same {one} end", f"same {two} end")
    assert [op for op, _ in diff] == [SAME, REMOVED, ADDED, SAME]


def test_words_apart_counts_words_and_not_their_order():
    assert words_apart(["a", "b", "c"], ["a", "x", "c"]) == 1
    assert words_apart(["a", "b"], ["b", "a"]) == 0
    assert words_apart(["a"], ["a", "b", "c"]) == 2


@pytest.mark.parametrize(
    "one, two",
    [
        ("Please tell me the price", "tell me the price"),
        ("Hello, where is my order?", "Where is my  order"),
        ("Can you please help me?", "Can you help me"),
        ("Where is my parcel? Thanks!", "Where is my parcel?"),
        ("How do I reset the password of my account", "How do I reset password of my account"),
        ("Hallo, wo ist mein Paket? Vielen Dank", "Wo ist mein Paket?"),
        ("Bonjour, où est mon colis s'il vous plaît", "où est mon colis"),
        ("Hola, dónde está mi pedido por favor", "dónde está mi pedido"),
        ("dove è il mio pacco, per favore?", "Dove è il mio pacco?"),
        ("I just want to cancel", "i want to cancel"),
    ],
)
def test_courtesy_carries_no_meaning(one, two):
    assert same_meaning(one, two) and same_meaning(two, one)


@pytest.mark.parametrize(
    "one, two",
    [
        ("", ""), ("Hello", "Hi"), ("5 mW", "5 MW"), ("great :)", "great :("), ("(500)", "500"), ("5'", '5"'), ("10²", "102"),
        ("if !done", "if done"), ("A+", "A"), ("50%", "50"), ("x = 5", "x == 5"), ("-5", "5"), ("1.5", "15"), ("C", "C#"),
        ("vitamin A", "vitamin"), ("two a day", "two the day"), ("is the king", "is a king"), ("a few", "few"),
        ("out of the question", "out of question"), ("Hello Kitty is sold", "Kitty is sold"), ("Hello, Dolly is on", "Dolly is on"),
        ("How do you say please", "How do you say"), ("Translate 'please'", "Translate"), ("how to say thanks", "how to say"),
        ("Thanks to you", "to you"), ("Polish the plate and the Polish plate", "Polish the plate and the polish plate"),
        ("turn on it", "turn on IT"), ("dog bites man", "man bites dog"), ("he pays", "she pays"), ("他来了", "他没来"),
        ("Das ist eine Bitte", "Das ist eine"), ("may", "must"), ("the list of 3 please", "the list of 4 please"),
    ],
)  # fmt: skip
def test_everything_else_carries_meaning(one, two):
    assert not same_meaning(one, two) and not same_meaning(two, one)


@pytest.mark.parametrize(
    "one, two",
    [
        ("er trinkt in maßen wein", "er trinkt in massen wein"), ("What is f' at x", "What is f at x"),
        ("Compute n! for it", "Compute n for it"), ("It is – 5 degrees", "It is 5 degrees"), ("HIV –", "HIV"),
        ("No. Penicillin given", "No penicillin given"), ("No, penicillin given", "No penicillin given"),
        ("Don't, stop the drug", "Don't stop the drug"), ("Nein, Danke sagte er", "Nein Danke sagte er"),
        ('set x = "" now', "set x = now"), ("set x = ' ' now", "set x = now"), ("mg", "Mg"), ("mmol", "Mmol"),
        ("mmol per litre", "Mmol per litre"), ("What is the time", "What is time"), ("What is the time in Rome", "What is time in Rome"),
        ("Detect politeness: send it please", "Detect politeness: send it"), ("Rate it: it is bad. Thanks", "Rate it: it is bad."),
        ("Is it rude: Please, come", "Is it rude: come"), ("Translate 'send it please now'", "Translate 'send it now'"),
        ("½ tablet", "1/2 tablet"), (".5 mg", "5 mg"), ("1.5", "1 5"), ("3:1", "3.1"), ("!b", "b"), ("x^2", "x 2"), ("x²", "x2"),
        ("run ! now", "run now"),
    ],
)  # fmt: skip
def test_signs_articles_and_courtesy_that_may_carry_meaning_count(one, two):
    assert not same_meaning(one, two) and not same_meaning(two, one)


@pytest.mark.parametrize(
    "one, two",
    [
        ("The order is late", "the order is late"), ("I said no.", "I said no"), ("Help them now!", "help them now"),
        ("Where is my parcel? Mit freundlichen Grüßen", "Where is my parcel?"), ("It's late", "It’s late"), ("Where is it ?", "Where is it?"),
    ],
)  # fmt: skip
def test_a_full_stop_a_first_capital_and_a_farewell_carry_none(one, two):
    assert same_meaning(one, two) and same_meaning(two, one)
