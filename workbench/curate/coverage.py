"""What the rows are about: topics, how many rows each has, and which are thin."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from workbench.curate.personal import find_personal
from workbench.dataset import Dataset
from workbench.result import Result

if TYPE_CHECKING:
    import numpy
    import pandas
    from scipy.sparse import csr_matrix

SAMPLE = 20_000
FEWEST_TOPICS, MOST_TOPICS = 4, 12
POINTS = 2000
THIN_ROWS = 5
NAME_WORDS = 3
# So many rows with a word are looked at for whether it stands for a person, and so much around it.
WORD_ROWS, AROUND = 20, 120
# More of a text doesn't tell more of its topic.
READ = 4000
ADDRESS = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+")
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
CODES = r"\w+(?:-\w+)*"
WORDS = r"[^\W\d_](?:[^\W\d_]|['\u2019\u0300-\u036f\u0900-\u0dff])+"


@dataclass(frozen=True)
class Topic:
    """Rows that share words.

    Attributes:
        name: its most distinctive words; never figures or personal data.
        rows: how many rows it has.
        share: of all rows.
        in_test: rows of the test set on it; None where no test set was given.
        thin: whether it has under half of an even share of the rows, or under five.
    """

    name: str
    rows: int
    share: float
    in_test: int | None
    thin: bool


@dataclass(frozen=True, repr=False)
class Coverage(Result):
    """The topics of a data set, largest first.

    Attributes:
        data: the data set's fingerprint.
        rows: how many rows it has.
        topics: largest first.
        points: (x, y, index of the topic) of at most 2,000 rows, for a chart; near points share words.
    """

    data: str
    rows: int
    topics: tuple[Topic, ...]
    points: tuple[tuple[float, float, int], ...]

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the topics and points back."""
        topics = tuple(Topic(**topic) for topic in fields["topics"])
        return cls(**{**fields, "topics": topics, "points": tuple((x, y, topic) for x, y, topic in fields["points"])})

    def __repr__(self) -> str:
        thin = sum(topic.thin for topic in self.topics)
        return f"Coverage: {self.rows:,} rows on {len(self.topics)} topic{'s' if len(self.topics) != 1 else ''}, {thin} of them thin"

    def table(self) -> pandas.DataFrame:
        """One row a topic: its words, rows, share, rows in the test set if there is one, whether it is thin."""
        import pandas

        rows = [(t.name, t.rows, t.share, t.in_test, "thin" if t.thin else "") for t in self.topics]
        table = pandas.DataFrame(rows, columns=["topic", "rows", "share", "rows in test", "remark"])
        return table if any(t.in_test is not None for t in self.topics) else table.drop(columns="rows in test")

    def sentences(self) -> list[str]:
        """What to know about the topics: which are thin, and which no test row asks about."""
        said = [
            f"“{t.name}” is thin: {t.rows} of {self.rows:,} rows ({100 * t.share:.1f} %). If it matters in use, add rows on it."
            for t in self.topics
            if t.thin
        ]
        said += [
            f"No row of the test set is on “{t.name}”, so how well it is answered will not be measured."
            for t in self.topics
            if t.in_test == 0
        ]
        return said or (["No topic is thin."] if self.topics else ["There are no rows."])


def coverage(dataset: Dataset, topics: int | None = None, seed: int = 0, test: Dataset | None = None) -> Coverage:
    """Sort the inputs into topics by the words they share.

    Above 20,000 rows the topics are learnt from a sample of that size; every row is then sorted into them.

    Args:
        dataset: the rows.
        topics: how many to look for; None to go by the number of rows. Fewer are found where the texts don't differ.
        seed: the same seed gives the same topics.
        test: a test set, whose rows are sorted into the same topics.
    """
    import numpy

    if not len(dataset):
        return Coverage(dataset.fingerprint, 0, (), ())
    texts = [topic_text(e.input) for e in dataset]
    random = numpy.random.default_rng(seed)
    sample = numpy.sort(random.permutation(len(texts))[:SAMPLE])
    space = _Space([texts[i] for i in sample], topics, seed)
    places, labels = space.sort(texts)
    counts = numpy.bincount(labels, minlength=space.topics)
    order = [int(i) for i in numpy.argsort(-counts, kind="stable") if counts[i]]
    in_test = None
    if test is not None and len(test):
        in_test = numpy.bincount(space.sort([topic_text(e.input) for e in test])[1], minlength=space.topics)
    names = space.names(order)
    found = tuple(
        Topic(
            names[i], int(counts[i]), float(counts[i] / len(texts)), None if in_test is None else int(in_test[i]),
            len(order) > 1 and bool(counts[i] < max(THIN_ROWS, len(texts) / len(order) / 2)),
        )
        for i in order
    )
    shown = numpy.sort(random.permutation(len(texts))[:POINTS])
    flat = space.flat(places[shown])
    rank = {topic: n for n, topic in enumerate(order)}
    points = tuple((round(float(x), 3), round(float(y), 3), rank[int(labels[i])]) for i, (x, y) in zip(shown, flat, strict=True))
    return Coverage(dataset.fingerprint, len(texts), found, points)


def topic_text(text: str) -> str:
    """The part of a text that tells its topic: its beginning, without e-mail addresses."""
    return ADDRESS.sub(" ", text[:READ]) if "@" in text else text[:READ]


def word_vectors(texts: Sequence[str], codes: bool = False) -> tuple[csr_matrix, Any] | None:
    """TF-IDF vectors of texts, and the vectoriser that makes more of them; None where the texts hold no word.

    Args:
        texts: in scripts without spaces, pairs of signs stand for words.
        codes: whether figures and codes such as A-12 count as well.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    if _unspaced(texts):
        options: dict[str, Any] = {"analyzer": "char", "ngram_range": (2, 2)}
    else:
        options = {"token_pattern": CODES if codes else WORDS}
    # A word of one row alone links it to no other; in few rows even rare words may be all there is.
    for fewest in (2, 1) if len(texts) > 1 else (1,):
        vectoriser = TfidfVectorizer(sublinear_tf=True, min_df=fewest, max_features=30_000, **options)
        try:
            return vectoriser.fit_transform(texts), vectoriser
        except ValueError:
            # scikit-learn's way of saying that no word is left.
            continue
    return None


def _unspaced(texts: Sequence[str]) -> bool:
    letters = unspaced = 0
    for text in texts[:1000]:
        letters += sum(map(str.isalpha, text[:500]))
        unspaced += len(UNSPACED.findall(text[:500]))
    return unspaced > 0.3 * letters


class _Space:
    """Topics learnt from texts, as places in a space where near texts share words."""

    def __init__(self, texts: list[str], topics: int | None, seed: int) -> None:
        import numpy
        from sklearn.cluster import KMeans
        from sklearn.decomposition import TruncatedSVD

        made = word_vectors(texts)
        self._svd = self._vectoriser = self._means = None
        self.topics = 1
        if made is None:
            return
        vectors, self._vectoriser = made
        size = min(50, min(vectors.shape) - 1)
        if size >= 2:
            self._svd = TruncatedSVD(size, random_state=seed).fit(vectors)
        places = self._places(vectors)
        distinct = len(numpy.unique(places.round(4), axis=0))
        wanted = topics or round((len(texts) / 6) ** 0.5)
        wanted = wanted if topics else min(max(wanted, FEWEST_TOPICS), MOST_TOPICS)
        self.topics = max(1, min(wanted, distinct))
        if self.topics > 1:
            self._means = KMeans(self.topics, n_init=4, random_state=seed).fit(places)
        labels = self._labels(places)
        # Weights of words within each topic, against those in all.
        overall = numpy.asarray(vectors.mean(axis=0)).ravel()
        self._texts = [[texts[i] for i in numpy.flatnonzero(labels == topic)] for topic in range(self.topics)]
        own = [numpy.asarray(vectors[labels == topic].mean(axis=0)).ravel() for topic in range(self.topics)]
        self._weights = [weights - overall for weights in own] if self.topics > 1 else own

    def _places(self, vectors: csr_matrix) -> numpy.ndarray:
        from sklearn.preprocessing import normalize

        return normalize(self._svd.transform(vectors) if self._svd is not None else vectors.toarray())

    def _labels(self, places: numpy.ndarray) -> numpy.ndarray:
        import numpy

        return self._means.predict(places) if self._means is not None else numpy.zeros(len(places), dtype=int)

    def sort(self, texts: list[str]) -> tuple[numpy.ndarray, numpy.ndarray]:
        """The place of each text, shape (texts, dimensions), and its topic."""
        import numpy

        if self._vectoriser is None:
            return numpy.zeros((len(texts), 2)), numpy.zeros(len(texts), dtype=int)
        parts = [self._places(self._vectoriser.transform(texts[i : i + SAMPLE])) for i in range(0, len(texts), SAMPLE)]
        places = numpy.concatenate(parts)
        return places, self._labels(places)

    def names(self, order: list[int]) -> dict[int, str]:
        """Each topic's most distinctive words, the words of one topic in no other's name."""
        if self._vectoriser is None:
            return dict.fromkeys(order, "no words")
        words = self._vectoriser.get_feature_names_out()
        taken: set[str] = set()
        names = {}
        for topic in order:
            weights = self._weights[topic]
            chosen: list[str] = []
            for i in weights.argsort()[::-1][:100]:
                word = str(words[i]).strip()
                new = weights[i] > 0 and word not in taken and _tells(word) and not any(word in c or c in word for c in chosen)
                if new and not _personal(word, self._texts[topic]):
                    chosen.append(word)
                if len(chosen) == NAME_WORDS:
                    break
            taken.update(chosen)
            # Words that are harmless by themselves may be a person's name together.
            safe = [] if find_personal(" ".join(chosen)) else chosen
            names[topic] = ", ".join(safe) or f"topic {len(names) + 1}"
        return names

    def flat(self, places: numpy.ndarray) -> numpy.ndarray:
        """Places in two dimensions: those in which the topics differ most."""
        import numpy

        centres = self._means.cluster_centers_ if self._means is not None and self.topics > 2 else places
        middle = centres.mean(axis=0)
        axes = numpy.linalg.svd(centres - middle, full_matrices=False)[2][:2]
        # An axis may point either way; which is left to chance otherwise.
        axes = axes * numpy.where(axes.sum(axis=1, keepdims=True) < 0, -1, 1)
        return numpy.pad((places - middle) @ axes.T, ((0, 0), (0, 2 - len(axes))))


def _personal(word: str, texts: list[str]) -> bool:
    """Whether a word is part of personal data, or of what may be, in any of the first texts that hold it."""
    looked = 0
    for text in texts:
        # Lower case may be of another length, and a word in another form; such a text tells nothing here.
        at = text.lower().find(word)
        if at < 0:
            continue
        piece = text[max(0, at - AROUND) : at + len(word) + AROUND]
        if any(word in piece[span.start : span.end].lower() for span in find_personal(piece)):
            return True
        if (looked := looked + 1) == WORD_ROWS:
            break
    return False


def _tells(word: str) -> bool:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    if UNSPACED.search(word):
        return all(map(str.isalnum, word))
    return len(word) > 2 and word not in ENGLISH_STOP_WORDS
