"""How often the rule of the verdict errs, where the truth is known: python benchmarks/verdict.py [--draws 2000] [--write]

Simulated arms answer simulated rows. Rows are hard or easy for all arms alike (a Gaussian copula: `alike` is the latent
correlation of two arms on a row). The rule that is walked and the intervals that it walks on are the workbench's own.
Two truths are simulated. "tuned": the last arm, a tuned one, is better by `gap`, all others are equal. "rival": the last
untuned arm and the last tuned arm are both better by `gap`, so tuning adds nothing. Of 2 and 4 arms the last is tuned,
of 12 the last four. An advantage equal to the margin is the hardest case for errors, so it is simulated besides the round gaps.
A false "fine-tune" is a tuned arm chosen whose true advantage over the best untuned arm does not exceed the margin. The
right arm is the better one, the cheapest of two, and the cheapest of all where the gap does not exceed the margin.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from math import sqrt
from pathlib import Path

import numpy
from scipy.special import ndtri
from scipy.stats import multivariate_normal, multinomial

from workbench.decide.rule import POWER, Ladder, Rung, walk
from workbench.files import write_json
from workbench.scoring.intervals import paired_bounds, seed_variance, tango_bounds

HERE = Path(__file__).parent
MARGIN = 0.02
ARMS, ROWS, ALIKE, BASES = (2, 4, 12), (50, 100, 200), (0.0, 0.3, 0.6), (0.4, 0.7)
GAPS = (0.0, MARGIN, 0.05, 0.1, 0.2)
TUNED = {2: 1, 4: 1, 12: 4}
FIELDS = 4
SEED_SPREAD = 0.03
SEED = 20_261_124
FALSE_AIM, RIGHT_AIM = 0.05, 0.95


@dataclass(frozen=True)
class Cell:
    """One known truth: what is simulated, and with how many training seeds a tuned arm."""

    scores: str
    truth: str
    arms: int
    gap: float
    rows: int
    alike: float
    base: float
    seeds: int = 0

    @property
    def ladder(self) -> Ladder:
        """The arms of this cell in order of upkeep."""
        first = self.arms - TUNED[self.arms]
        return Ladder(tuple(Rung(str(i), str(i), "", i >= first) for i in range(self.arms)))

    @property
    def tuned(self) -> tuple[bool, ...]:
        """Whether each arm is a tuned one."""
        return tuple(rung.tuned for rung in self.ladder.rungs)

    @property
    def true(self) -> numpy.ndarray:
        """Each arm's true mean score."""
        means = numpy.full(self.arms, self.base)
        means[-1] += self.gap
        if self.truth == "rival":
            means[self.tuned.index(True) - 1] += self.gap
        return means

    @property
    def right(self) -> int:
        """The arm that should be chosen."""
        return int(self.true.argmax()) if self.gap > MARGIN + 1e-9 else 0

    @property
    def false(self) -> numpy.ndarray:
        """Whether choosing each arm would be a false "fine-tune"."""
        tuned = numpy.array(self.tuned)
        return tuned & (self.true - self.true[~tuned].max() <= MARGIN + 1e-9)


@dataclass(frozen=True)
class Rates:
    """What came of a cell: shares of draws. `covered` is the 95 % interval of the last arm less the first."""

    draws: int
    false_fine_tune: float
    right_arm: float
    covered: float
    low_too_high: float


def simulate(cell: Cell, draws: int, stream: numpy.random.Generator) -> Rates:
    """Walk the rule on `draws` samples of a cell."""
    bounds = _whole_scores if cell.scores == "0/1" and cell.seeds < 2 else _any_scores
    low, low_tuned, means, (lower, upper) = bounds(cell, draws, stream)
    chosen = walk(low, low_tuned, means, cell.tuned, MARGIN)[-1]
    truth = cell.true[-1] - cell.true[0]
    return Rates(
        draws, float(cell.false[chosen].mean()), float((chosen == cell.right).mean()),
        float(((lower <= truth) & (truth <= upper)).mean()), float((lower > truth).mean()),
    )


def _latent(cell: Cell, draws: int, stream: numpy.random.Generator, parts: int = 1) -> numpy.ndarray:
    """Standard normal values, shape (draws, arms, parts, rows); parts of one arm on one row are alike besides."""
    def normal(*shape: int) -> numpy.ndarray:
        return stream.standard_normal(shape, dtype=numpy.float32)

    own = sqrt(1 - cell.alike) * normal(draws, cell.arms, 1, cell.rows)
    if parts > 1:
        own = sqrt(0.5) * (own + sqrt(1 - cell.alike) * normal(draws, cell.arms, parts, cell.rows))
    return sqrt(cell.alike) * normal(draws, 1, 1, cell.rows) + own


def _right(latent: numpy.ndarray, rates: numpy.ndarray) -> numpy.ndarray:
    return (latent < ndtri(rates).astype(numpy.float32)).astype(numpy.float32)


def _whole_scores(cell: Cell, draws: int, stream: numpy.random.Generator) -> tuple:
    """Bounds of 0/1 scores from counts: the same as `paired_bounds` gives, without its work on every row."""
    rates = cell.true[None, :, None, None]
    if cell.seeds == 1:
        rates = _with_seed_effect(cell, draws, stream)
    right = _right(_latent(cell, draws, stream), rates)[:, :, 0]
    both = right @ right.transpose(0, 2, 1)
    totals = right.sum(axis=2)
    gained = numpy.rint(totals[:, :, None] - both).astype(int).transpose(1, 2, 0)
    codes, place = numpy.unique(gained * 1000 + gained.swapaxes(0, 1), return_inverse=True)

    def at(level: float) -> list[numpy.ndarray]:
        return [side[place].reshape(gained.shape) for side in tango_bounds(codes // 1000, codes % 1000, cell.rows, level)]

    lower, upper = at(0.95)
    ladder = cell.ladder
    return at(ladder.level)[0], at(ladder.tuned_level)[0], totals.T / cell.rows, (lower[-1, 0], upper[-1, 0])


def _any_scores(cell: Cell, draws: int, stream: numpy.random.Generator) -> tuple:
    """Bounds by `paired_bounds`, of scores by fields or of tuned arms with several seeds."""
    if cell.scores == "fields":
        right = _right(_latent(cell, draws, stream, FIELDS), cell.true[None, :, None, None])
        scores = [right[:, arm].astype(float).mean(axis=1, keepdims=True) for arm in range(cell.arms)]
    else:
        right = _right(_latent(cell, draws, stream, cell.seeds), _with_seed_effect(cell, draws, stream)).astype(float)
        scores = [right[:, arm, : cell.seeds if tuned else 1] for arm, tuned in enumerate(cell.tuned)]
    ladder, means = cell.ladder, numpy.stack([score.mean(axis=(1, 2)) for score in scores])
    low, low_tuned = numpy.full((2, cell.arms, cell.arms, draws), -1.0)
    for j in range(1, cell.arms):
        for i in range(j):
            low[j, i] = _bounds(scores[j], scores[i], ladder.level)[0]
            if cell.tuned[j] and not cell.tuned[i]:
                low_tuned[j, i] = _bounds(scores[j], scores[i], ladder.tuned_level)[0]
    return low, low_tuned, means, _bounds(scores[-1], scores[0], 0.95)


def _with_seed_effect(cell: Cell, draws: int, stream: numpy.random.Generator) -> numpy.ndarray:
    """True rates, shape (draws, arms, seeds, 1): every seed of a tuned arm is a little better or worse."""
    effect = SEED_SPREAD * stream.standard_normal((draws, cell.arms, cell.seeds, 1))
    rates = cell.true[None, :, None, None] + effect * numpy.array(cell.tuned)[None, :, None, None]
    return numpy.clip(rates, 0.001, 0.999)


def _bounds(after: numpy.ndarray, before: numpy.ndarray, level: float) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Bounds of samples of shape (draws, seeds, rows), as `seeded_difference` takes them for one sample."""
    spread = [seed_variance(side.mean(axis=2)) for side in (after, before) if side.shape[1] > 1]
    return paired_bounds(after.mean(axis=1) - before.mean(axis=1), level, spread)


def exact(cell: Cell) -> float:
    """The exact chance that the dearer of two arms with 0/1 scores is chosen, by adding up all outcomes."""
    base, better = cell.true
    both = float(multivariate_normal.cdf(ndtri([base, better]), cov=[[1, cell.alike], [cell.alike, 1]]))
    gained, lost = (grid.ravel() for grid in numpy.meshgrid(*[numpy.arange(cell.rows + 1)] * 2))
    possible = gained + lost <= cell.rows
    gained, lost = gained[possible], lost[possible]
    chance = multinomial.pmf(
        numpy.stack([gained, lost, cell.rows - gained - lost], axis=1), cell.rows,
        [better - both, base - both, 1 - better - base + 2 * both],
    )
    return float(chance[tango_bounds(gained, lost, cell.rows, cell.ladder.level)[0] > MARGIN].sum())


def whole_cells() -> Iterator[Cell]:
    """Right-or-wrong scores: the full grid."""
    for arms, gap, rows, alike, base in itertools.product(ARMS, GAPS, ROWS, ALIKE, BASES):
        yield Cell("0/1", "tuned", arms, gap, rows, alike, base)
        if arms > 2:
            yield Cell("0/1", "rival", arms, gap, rows, alike, base)


def field_cells() -> Iterator[Cell]:
    """Scores that are the mean of four fields; at a base of 0.9 most rows are alike."""
    for arms, gap, rows, base in itertools.product((2, 4), (0.0, MARGIN, 0.1), ROWS, (0.4, 0.9)):
        yield Cell("fields", "tuned", arms, min(gap, 0.99 - base), rows, 0.6, base)
    for gap, rows in itertools.product((0.0, MARGIN, 0.1), (50, 200)):
        yield Cell("fields", "tuned", 12, gap, rows, 0.6, 0.4)


def seed_cells(seeds: int) -> Iterator[Cell]:
    """Tuned arms of which so many seeds were trained; another seed would be a little better or worse."""
    for arms, gap, rows in itertools.product((2, 4), (0.0, MARGIN, 0.1, 0.2), ROWS):
        yield Cell("0/1", "tuned", arms, gap, rows, 0.3, 0.4, seeds)
        if arms > 2:
            yield Cell("0/1", "rival", arms, gap, rows, 0.3, 0.4, seeds)


def compare_intervals(draws: int) -> None:
    """Print how Student's t and a percentile bootstrap miss on the paired differences of scores by fields."""
    print("\nPaired differences of scores by fields, 95 %: missed below (the rule rests on it) and above, in % of 2.5")
    print(f"{'base':>5} {'gap':>5} {'rows':>5} | {'workbench':>13} | {'bootstrap':>13}")
    for base, gap, rows in itertools.product((0.4, 0.9), (0.0, 0.05), ROWS):
        cell, stream = Cell("fields", "tuned", 2, gap, rows, 0.6, base), numpy.random.default_rng([SEED, rows])
        scores = _right(_latent(cell, draws, stream, FIELDS), cell.true[None, :, None, None]).mean(axis=2)
        differences = (scores[:, 1] - scores[:, 0]).astype(float)
        means = differences @ stream.multinomial(rows, [1 / rows] * rows, size=2000).T / rows
        both = paired_bounds(differences, 0.95), numpy.quantile(means, [0.025, 0.975], axis=1)
        missed = [f"{100 * (low > gap).mean():>6.1f} {100 * (high < gap).mean():>6.1f}" for low, high in both]
        print(f"{base:>5} {gap:>5} {rows:>5} | {missed[0]} | {missed[1]}")


@cache
def found_at(arms: int, rows: int, draws: int) -> float:
    """The advantage of a tuned arm that the rule finds four times in five (base 0.4, rows alike 0.3)."""
    gaps = numpy.arange(0.04, 0.585, 0.02)
    shares = [
        simulate(
            Cell("0/1", "tuned", arms, float(gap), rows, 0.3, 0.4), draws, numpy.random.default_rng([SEED, arms, rows, i])
        ).right_arm
        for i, gap in enumerate(gaps)
    ]
    # Made never to fall, which it does only by chance, so that the level is crossed once.
    return round(float(numpy.interp(0.8, numpy.maximum.accumulate(shares), gaps)), 3)


def report(name: str, cells: Sequence[Cell], draws: int) -> list[dict]:
    """Simulate the cells, print the worst of each kind and return a row a cell."""
    rows = []
    for number, cell in enumerate(cells):
        found = simulate(cell, draws, numpy.random.default_rng([SEED, len(name), number]))
        rows.append({**asdict(cell), **{f.name: getattr(found, f.name) for f in fields(found)}})
    print(f"\n{name}: {len(rows)} cells of {draws} draws; false and right in %, worst and mean over alike and base")
    print("truth  arms   gap  rows seeds | false, worst | right, worst   mean")
    key = ("truth", "arms", "gap", "rows", "seeds")
    groups = sorted({tuple(row[k] for k in key) for row in rows})
    for group in groups:
        some = [row for row in rows if tuple(row[k] for k in key) == group]
        right = [row["right_arm"] for row in some]
        truth, arms, gap, count, seeds = group
        false = max(row["false_fine_tune"] for row in some)
        print(
            f"{truth:<6} {arms:>4} {gap:>5.2f} {count:>5} {seeds or '-':>5} | {100 * false:>12.1f} | "
            f"{100 * min(right):>12.1f} {100 * numpy.mean(right):>6.1f}"
        )
    covered, above = [row["covered"] for row in rows], [row["low_too_high"] for row in rows]
    print(
        f"95 % interval of the last arm less the first holds the truth in {100 * min(covered):.1f} to "
        f"{100 * max(covered):.1f} % (mean {100 * numpy.mean(covered):.1f} %); its lower bound lies above the truth in at most "
        f"{100 * max(above):.1f} %"
    )
    worst = max(rows, key=lambda row: row["false_fine_tune"])
    where = ", ".join(f"{k} {worst[k]}" for k in (*key, "alike", "base"))
    print(f"Worst cell: {where}: {100 * worst['false_fine_tune']:.1f} % false")
    return rows


def judge(rows: Sequence[dict], name: str) -> None:
    """Print whether no cell errs more than it may."""
    worst = max(row["false_fine_tune"] for row in rows)
    word = "holds" if worst <= FALSE_AIM else "MISSED"
    print(f"AIM false 'fine-tune' at most {100 * FALSE_AIM:.0f} % in every cell ({name}): {word}, worst {100 * worst:.1f} %")


def main() -> None:
    """Print the tables and whether the aims hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=2000, help="samples a cell; fields and seeds take half")
    parser.add_argument("--write", action="store_true", help="write verdict.csv here and the power table of the package")
    options = parser.parse_args()
    began, half = time.perf_counter(), max(1, options.draws // 2)
    whole = report("Right-or-wrong scores", list(whole_cells()), options.draws)
    some = report("Mean of four fields", list(field_cells()), half)
    three, one = (
        report(f"Training seeds that differ by {SEED_SPREAD}, {count} trained", list(seed_cells(count)), half)
        for count in (3, 1)
    )
    compare_intervals(half)
    print()
    judge(whole, "right or wrong")
    judge(some, "fields")
    judge(three, "three seeds")
    judge(one, "one seed")
    big = [Cell("0/1", "tuned", 2, 0.2, 200, alike, base) for alike in ALIKE for base in BASES]
    least = min(exact(cell) for cell in big)
    seen = min(row["right_arm"] for row in whole if (row["arms"], row["gap"], row["rows"]) == (2, 0.2, 200))
    print(
        f"AIM right arm at least {100 * RIGHT_AIM:.0f} % at 20 points, 200 rows, 2 arms: "
        f"{'holds' if least >= RIGHT_AIM else 'MISSED'}, worst {100 * least:.2f} % exactly, {100 * seen:.1f} % simulated"
    )
    print("\nAdvantage of a tuned arm that is found four times in five, in points")
    counts = (50, 100, 200, 400)
    found = [[found_at(arms, rows, options.draws) for rows in counts] for arms in ARMS]
    for arms, row in zip(ARMS, found, strict=True):
        print(f"{arms:>3} arms: " + ", ".join(f"{100 * gap:.0f} with {n} rows" for n, gap in zip(counts, row, strict=True)))
    if options.write:
        write_json(POWER, {"margin": MARGIN, "arms": ARMS, "rows": counts, "found": found, "draws": options.draws})
        with (HERE / "verdict.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(whole[0]), lineterminator="\n")
            writer.writeheader()
            for row in (*whole, *some, *three, *one):
                writer.writerow({k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()})
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
