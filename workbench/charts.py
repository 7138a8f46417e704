"""A result in, a matplotlib Figure out; and a Figure as a picture that carries its own description."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import combinations
from textwrap import fill
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from workbench.check.forgetting import FAIL, LOGLIK_MARGIN, PASS, UNKNOWN, ForgettingReport
from workbench.curate.checks.check import FAULT
from workbench.curate.checks.report import CurationReport
from workbench.curate.coverage import Coverage
from workbench.decide.costs import CostReport
from workbench.decide.pairwise import NOT_SCORED
from workbench.decide.recommendation import DECIDED, Goal, Recommendation
from workbench.result import NotRun
from workbench.scoring.scorecard import Scorecard

if TYPE_CHECKING:
    from workbench.decide.freshness import FreshnessReport, Side
    from workbench.decide.learning import LearningCurve

DARK, MIDDLE, PALE = "#1b3a4b", "#6b7f8a", "#c3ccd1"
WIDTH = 8.0
# Months; what has paid for itself sooner has done so at once, and needs no mark.
SOON = 0.05
DASHES = ("-", "--", "-.", ":", (0, (8, 2)), (0, (8, 2, 1, 2, 1, 2)), (0, (1, 3)))


@dataclass(frozen=True)
class Picture:
    """A figure as a PNG with its description, for readers who can't see it."""

    png: bytes
    alt: str

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.png).decode("ascii")
        return f'<img style="max-width:100%" alt="{escape(self.alt, quote=True)}" src="data:image/png;base64,{data}">'


def picture(figure: Figure) -> Picture:
    """Draw a figure made here; its description was put in its label."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110, bbox_inches="tight", pad_inches=0.15)
    return Picture(stream.getvalue(), str(figure.get_label()))


def drawn(draw: Callable[..., Figure], result: object, *more: object) -> object:
    """The picture of a result; of what was not run there is none, and the reason stands in its place."""
    return result if isinstance(result, NotRun) else picture(draw(result, *more))


def _figure(height: float, alt: str) -> tuple[Figure, object]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    figure.set_label(alt)
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def findings(report: CurationReport) -> Figure:
    """How many rows each check remarked on; the checks that found nothing are only counted."""
    names = [name for name in report.why if report.count(name)]
    counts = [report.count(name) for name in names]
    acted = [report.severity[name] == FAULT for name in names]
    quiet = len(report.why) - len(names)
    listed = ", ".join(f"{n} {c}{'' if a else ' (to review)'}" for n, c, a in zip(names, counts, acted, strict=True))
    figure, axes = _figure(1.0 + 0.36 * len(names), f"Rows with a finding: {listed or 'none'}; {quiet} checks found nothing.")
    for mark, label, face in ((True, "acted on unless you say otherwise", MIDDLE), (False, "kept; a person should look", "white")):
        at = [i for i, a in enumerate(acted) if a is mark]
        if at:
            bars = axes.barh(at, [counts[i] for i in at], color=face, edgecolor=DARK, label=label)
            axes.bar_label(bars, padding=4)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(f"rows with a finding, of {report.rows:,}; {quiet} checks found nothing")
    axes.margins(x=0.08)
    if names:
        axes.legend(frameon=False, loc="lower right")
    return figure


def coverage(found: Coverage) -> Figure:
    """How many rows each topic has, the thin ones marked; and where the test has none."""
    topics = found.topics
    alt = "Rows per topic: " + "; ".join(f"{t.name} {t.rows}{', thin' if t.thin else ''}" for t in topics) + "."
    figure, axes = _figure(1.0 + 0.36 * len(topics), alt)
    for thin, label, face in ((False, "enough rows", MIDDLE), (True, "thin", "white")):
        at = [i for i, t in enumerate(topics) if t.thin is thin]
        if at:
            bars = axes.barh(at, [topics[i].rows for i in at], color=face, edgecolor=DARK, label=label)
            axes.bar_label(bars, padding=4)
    if any(t.in_test is not None for t in topics):
        axes.plot([t.in_test for t in topics], range(len(topics)), "D", color=DARK, markersize=5, label="test rows on it")
    axes.set_yticks(range(len(topics)), [t.name for t in topics])
    axes.invert_yaxis()
    axes.set_xlim(left=-0.01 * max((t.rows for t in topics), default=1))
    axes.set_xlabel(f"rows on the topic, of {found.rows:,}")
    if topics:
        axes.legend(frameon=False, loc="lower right")
    return figure


def coverage_map(found: Coverage) -> Figure:
    """The rows as points, near ones alike in their words; each topic named where its rows lie, thin ones as crosses."""
    thin = [t.name for t in found.topics if t.thin]
    alt = f"Map of {len(found.points)} rows by their words, with {len(found.topics)} topics named. Thin: {', '.join(thin) or 'none'}."
    figure, axes = _figure(4.2, alt)
    xs, ys = (_ranks([point[axis] for point in found.points]) for axis in (0, 1))
    for number, topic in enumerate(found.topics):
        here = [i for i, point in enumerate(found.points) if point[2] == number]
        if not here:
            continue
        x, y = [xs[i] for i in here], [ys[i] for i in here]
        label = f"{number + 1}  {topic.name}: {topic.rows:,} rows{', thin' if topic.thin else ''}"
        axes.plot(x, y, "x" if topic.thin else ".", color=DARK if topic.thin else MIDDLE, markersize=6, alpha=0.6,
                  linestyle="", label=label)
        axes.annotate(str(number + 1), (sorted(x)[len(x) // 2], sorted(y)[len(y) // 2]), ha="center", va="center",
                      fontweight="bold", bbox={"boxstyle": "circle,pad=0.25", "facecolor": "white", "edgecolor": DARK})
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("near points share words; spread evenly, so the axes have no scale")
    if found.points:
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _ranks(values: Sequence[float]) -> list[int]:
    """Each value's place in their order: a few rows far away would otherwise press all others into a corner."""
    place = {index: rank for rank, index in enumerate(sorted(range(len(values)), key=values.__getitem__))}
    return [place[index] for index in range(len(values))]


def _standing(recommendation: Recommendation) -> str:
    # What the rule keeps need not score highest: a dearer arm may be ahead, but not by enough to be shown.
    return "recommended" if recommendation.outcome == DECIDED else "stands so far by the rule"


def arms(cards: Sequence[Scorecard], goal: Goal, recommendation: Recommendation) -> Figure:
    """Every arm's score with its 95 % interval, the chosen one marked, and the score that would be good enough."""
    chosen, word = recommendation.arm, _standing(recommendation)
    spans = [card.interval() for card in cards]
    alt = "Score of each arm with its 95 % interval. " + "; ".join(
        f"{c.title} {s if c.n else NOT_SCORED}" for c, s in zip(cards, spans, strict=True)
    ) + f". Good enough is {goal.good_enough:.2f}."
    figure, axes = _figure(1.2 + 0.55 * len(cards), alt)
    for row, (card, span) in enumerate(zip(cards, spans, strict=True)):
        marked = card.arm == chosen
        if not card.n:
            axes.annotate(NOT_SCORED, (0.0, row), color=MIDDLE, va="center")
            continue
        axes.plot([span.low, span.high], [row, row], color=DARK, linewidth=4 if marked else 2, solid_capstyle="butt")
        axes.plot(span.value, row, marker="D" if marked else "o", color=DARK, markersize=9 if marked else 7)
        axes.annotate(f"{span.value:.2f}", (span.value, row), xytext=(0, 9), textcoords="offset points", ha="center")
    axes.axvline(goal.good_enough, color=MIDDLE, linestyle="--", linewidth=1)
    axes.annotate("good enough", (goal.good_enough, -0.75), color=MIDDLE, ha="center", annotation_clip=False)
    axes.set_yticks(range(len(cards)), [c.title + (f"  ({word})" if c.arm == chosen else "") for c in cards])
    axes.set_ylim(len(cards) - 0.4, -0.6)
    axes.set_xlim(-0.06, 1.02)
    axes.set_xlabel(f"score on the same {cards[0].n + cards[0].unscorable} test rows, with 95 % interval")
    return figure


def loss(history: Sequence[dict], steps: int) -> Figure:
    """Training loss by step (points, and a running mean), and validation loss where it was measured."""
    points = [(e["step"], e["loss"]) for e in history if "loss" in e]
    watched = [(e["step"], e["validation_loss"]) for e in history if "validation_loss" in e]
    last = f"from {points[0][1]:.2f} at step {points[0][0]} to {points[-1][1]:.2f} at step {points[-1][0]}" if points else "not begun"
    alt = f"Training loss {last} of {steps}" + (f"; validation loss last {watched[-1][1]:.2f}" if watched else "") + "."
    figure, axes = _figure(3.2, alt)
    if points:
        x, y = zip(*points, strict=True)
        axes.plot(x, y, ".", color=PALE, markersize=6, label="training, each step")
        axes.plot(x, _running_mean(y), "-", color=DARK, linewidth=2, label="training, running mean")
    if watched:
        axes.plot(*zip(*watched, strict=True), "s--", color=MIDDLE, markersize=7, label="validation")
    axes.set_xlim(0, steps * 1.02)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("step")
    axes.set_ylabel("loss, nats per token")
    if points:
        axes.legend(frameon=False)
    return figure


def _running_mean(values: Sequence[float], keep: float = 0.8) -> list[float]:
    """Exponential moving average, corrected for its start."""
    mean, weight, smooth = 0.0, 0.0, []
    for value in values:
        mean, weight = keep * mean + (1 - keep) * value, keep * weight + (1 - keep)
        smooth.append(mean / weight)
    return smooth


def forgetting(report: ForgettingReport) -> Figure:
    """Change of each skill with its 95 % interval, and the margin below which it counts as lost."""
    alt = "Change in log-likelihood per skill. " + "; ".join(
        f"{c.title} {c.loglik.value:+.2f} [{c.loglik.low:+.2f}, {c.loglik.high:+.2f}], {c.status}" if c.n
        else f"{c.title}: {c.note}, {c.status}"
        for c in report.skills
    ) + f". Margin -{LOGLIK_MARGIN:.2f}."
    figure, axes = _figure(1.2 + 0.5 * len(report.skills), alt)
    marks = {PASS: ("o", DARK), UNKNOWN: ("o", "white"), FAIL: ("X", DARK)}
    for row, change in enumerate(report.skills):
        if not change.n:
            continue
        span, (marker, fill) = change.loglik, marks[change.status]
        axes.plot([span.low, span.high], [row, row], color=DARK, linewidth=2)
        axes.plot(span.value, row, marker=marker, markersize=10, markerfacecolor=fill, markeredgecolor=DARK)
    axes.axvline(0, color=PALE, linewidth=1)
    axes.axvline(-LOGLIK_MARGIN, color=MIDDLE, linestyle="--", linewidth=1)
    axes.annotate("margin", (-LOGLIK_MARGIN, -0.7), color=MIDDLE, ha="center", annotation_clip=False)
    axes.set_yticks(range(len(report.skills)), [f"{c.title}: {c.status}" for c in report.skills])
    axes.set_ylim(len(report.skills) - 0.4, -0.6)
    axes.set_xlabel("change in log-likelihood after tuning, nats per token (left is worse)")
    return figure


def frontier(cards: Sequence[Any], costs: CostReport, recommendation: Recommendation) -> Figure:
    """Each arm's score with its 95 % interval against what 1,000 calls cost; the arms that no other beats on both joined."""
    measured = {arm.key: arm for arm in costs.arms}
    lost = [card.title for card in cards if not card.n]
    missing = f"{NOT_SCORED[0].upper()}{NOT_SCORED[1:]}: {', '.join(lost)}." if lost else ""
    cards = [card for card in cards if card.n and card.arm in measured]
    amounts = [measured[card.arm].per_1000_calls for card in cards]
    basis = costs.basis(amounts)
    priced = basis == costs.usage.currency
    unit = f"{basis} per 1,000 calls" if priced else "machine seconds per 1,000 calls (prices are missing)"
    x = [amount.money or 0.0 if priced else amount.seconds for amount in amounts]
    spans = [card.interval() for card in cards]
    best = costs.frontier(cards)
    word = _standing(recommendation)
    names = [card.title + (f"  ({word})" if card.arm == recommendation.arm else "") for card in cards]
    alt = f"Score against cost ({unit}). " + "; ".join(
        f"{name} {span} at {at:.3g}{', on the frontier' if card.arm in best else ''}"
        for name, span, at, card in zip(names, spans, x, cards, strict=True)
    ) + f". Good enough is {recommendation.good_enough:.2f}." + (f" {missing}" if missing else "")
    figure, axes = _figure(max(4.0, 1.4 + 0.34 * len(cards)), alt)
    edge = [(at, span.value) for key in best for card, at, span in zip(cards, x, spans, strict=True) if card.arm == key]
    axes.plot([at for at, _ in edge], [score for _, score in edge], color=MIDDLE, linewidth=1.5, zorder=1,
              label="frontier: no other arm beats these on both")
    for card, at, span in zip(cards, x, spans, strict=True):
        chosen, on = card.arm == recommendation.arm, card.arm in best
        axes.plot([at, at], [span.low, span.high], color=DARK if on else MIDDLE, linewidth=2, zorder=2)
        axes.plot(at, span.value, marker="D" if chosen else "o", markersize=10 if chosen else 8, zorder=3,
                  markerfacecolor=DARK if on else "white", markeredgecolor=DARK, linestyle="")
    axes.axhline(recommendation.good_enough, color=MIDDLE, linestyle="--", linewidth=1, label="good enough")
    axes.set_ylim(-0.03, 1.03)
    if x and max(x) > 10 * min(x) > 0:
        axes.set_xscale("log")
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.margins(x=0.12)
    _named_beside(axes, x, [span.value for span in spans], names, [card.arm == recommendation.arm for card in cards])
    axes.set_xlabel(unit + (f"\n{fill(missing, 80)}" if missing else ""))
    axes.set_ylabel("score, with 95 % interval")
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1.03), ncols=2, borderaxespad=0)
    return figure


def _named_beside(axes: Any, xs: Sequence[float], ys: Sequence[float], names: Sequence[str], bold: Sequence[bool]) -> None:
    """Names in a column at the right, in the order of height and a line apart, each tied to its point."""
    low, high = axes.get_ylim()
    line = (high - low) * 0.26 / max(0.5, axes.figure.get_figheight() - 1.2)
    order = sorted(range(len(names)), key=lambda i: ys[i])
    for i, place in zip(order, _apart([ys[i] for i in order], line, low, high), strict=True):
        axes.annotate(names[i], (xs[i], ys[i]), xytext=(1.04, place), textcoords=("axes fraction", "data"), va="center",
                      fontsize=9, fontweight="bold" if bold[i] else "normal", annotation_clip=False, zorder=0,
                      arrowprops={"arrowstyle": "-", "color": PALE, "linewidth": 0.8, "shrinkA": 1, "shrinkB": 3,
                                  "relpos": (0, 0.5)})


def _apart(wanted: Sequence[float], line: float, low: float, high: float) -> list[float]:
    """Places a line apart and as near as can be to those wanted, which rise: blocks that would overlap share their mean."""
    blocks: list[tuple[float, int]] = []
    for k, value in enumerate(wanted):
        mean, size = value - k * line, 1
        while blocks and blocks[-1][0] > mean:
            other, count = blocks.pop()
            mean, size = (other * count + mean * size) / (count + size), count + size
        blocks.append((mean, size))
    places = [mean for mean, size in blocks for _ in range(size)]
    top = high - (len(places) - 1) * line
    return [max(low, min(place, top)) + k * line for k, place in enumerate(places)]


def break_even(report: CostReport, a: str = "", b: str = "") -> Figure:
    """Cumulative cost of arms by month, at the report's usage, and the months after which a dearer one has paid for itself.

    Args:
        a, b: two arms; where left out, all whose cost is known.
    """
    basis, arms = report.comparable(lambda arm: arm.once, lambda arm: arm.month)
    left_out = [*(arm.title for arm in report.arms if arm not in arms), *report.left_out]
    if a and b:
        arms, left_out = [report[a], report[b]], []
        basis = report.basis([x for arm in arms for x in (arm.once, arm.month)])
    start = [report.value(arm.once, basis) for arm in arms]
    slope = [report.value(arm.month, basis) for arm in arms]
    pairs = [report.break_even(one.key, two.key, basis) for one, two in combinations(arms, 2)]
    met = sorted((pair for pair in pairs if (pair.months or 0) >= SOON), key=lambda pair: pair.months)
    months = max(12.0, 1.25 * met[0].months) if len(pairs) == 1 and met else 12.0
    met = [pair for pair in met if pair.months <= months]
    titles = {arm.key: arm.title for arm in arms}
    said = [pairs[0].reason] if len(pairs) == 1 else [
        f"{titles[p.later]} has paid for itself against {titles[p.first]} after {p.months:,.1f} months." for p in met
    ] or ["No arm that is dearer to set up pays for itself in that time."]
    missing = f"Not drawn, as a price or a measurement is missing: {', '.join(left_out)}." if left_out else ""
    alt = f"Cumulative cost in {basis} over {months:.0f} months. " + "; ".join(
        f"{arm.title} {s:,.2f} to set up and {m:,.2f} a month" for arm, s, m in zip(arms, start, slope, strict=True)
    ) + ". " + " ".join([*said, *([missing] if missing else [])])
    figure, axes = _figure(max(3.6, 1.4 + 0.34 * len(arms)), alt)
    ends = [s + m * months for s, m in zip(start, slope, strict=True)]
    for i, (s, end) in enumerate(zip(start, ends, strict=True)):
        axes.plot([0, months], [s, end], color=(DARK, MIDDLE)[i % 2], linestyle=DASHES[i % len(DASHES)], linewidth=2)
    axes.set_xlim(0, months)
    axes.set_ylim(0, 1.08 * max([*start, *ends, 1e-9]))
    points = [(pair.months, report.value(report[pair.first].amount(once=1), basis)
               + report.value(report[pair.first].month, basis) * pair.months) for pair in met]
    axes.plot([x for x, _ in points], [y for _, y in points], "D", color=DARK, markersize=7)
    _months_at(axes, points, "paid for itself after " if len(pairs) == 1 else "")
    if not met:
        axes.set_title("no crossing at this usage", loc="left", fontsize=10, color=DARK)
    _named_beside(axes, [months] * len(arms), ends, [arm.title for arm in arms], [False] * len(arms))
    below = f"\n{fill(missing, 80)}" if missing else ""
    axes.set_xlabel(f"months, at {report.usage.calls_per_month:,.0f} calls each{below}")
    axes.set_ylabel(f"spent so far, {basis}")
    return figure


def _months_at(axes: Any, points: Sequence[tuple[float, float]], before: str) -> None:
    """The months beside crossings; of several that lie together, one is named."""
    width, height = axes.get_xlim()[1], axes.get_ylim()[1]
    named: list[tuple[float, float]] = []
    for x, y in points:
        if all(abs(x - other) > 0.1 * width or abs(y - there) > 0.08 * height for other, there in named):
            named.append((x, y))
            left = x > width / 4
            axes.annotate(f"{before}{x:,.1f} months", (x, y), xytext=(-8, 7) if left else (8, -14), textcoords="offset points",
                          ha="right" if left else "left", fontweight="bold", fontsize=9,
                          bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85})


def freshness(report: FreshnessReport) -> Figure:
    """Each arm's score before and after the documents changed: on the facts that changed, and pale, on those that did not."""
    arms = [arm for arm in report.arms if arm.changed or arm.same]
    alt = "Score with version 1 and version 2 of the documents, with 95 % intervals. " + "; ".join(
        f"{a.title}, {a.word}: changed facts {_two(a.changed)}, unchanged facts {_two(a.same)}" for a in arms
    ) + "."
    figure, axes = _figure(1.4 + 0.75 * len(arms), alt)
    named: set[str] = set()
    for row, arm in enumerate(arms):
        for side, colour, first in ((arm.changed, DARK, -0.27), (arm.same, MIDDLE, 0.09)):
            spans = () if side is None else ((side.before, "o", "white", "1"), (side.after, "D", colour, "2"))
            for step, (span, marker, fill_, version) in enumerate(spans):
                facts = "changed" if side is arm.changed else "unchanged"
                label = f"{facts} facts, version {version}"
                y = row + first + 0.16 * step
                axes.plot([span.low, span.high], [y, y], color=colour, linewidth=2 if side is arm.changed else 1)
                axes.plot(span.value, y, marker=marker, markersize=7 if side is arm.changed else 4, linestyle="",
                          markerfacecolor=fill_, markeredgecolor=colour, label=None if label in named else label)
                named.add(label)
    axes.set_yticks(range(len(arms)), [f"{fill(arm.title, 44)}\n{arm.word}" for arm in arms])
    axes.set_ylim(len(arms) - 0.4, -0.6)
    axes.set_xlim(-0.03, 1.03)
    facts = f"{report.changed} facts changed, {report.same} did not"
    axes.set_xlabel(f"score with 95 % interval; {facts}; nothing was trained again")
    if arms:
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2)
    return figure


def _two(side: Side | None) -> str:
    return f"{side.before} then {side.after}" if side else "not judged"


def learning_curve(curve: LearningCurve) -> Figure:
    """Score on the validation rows by number of training rows: the mean over seeds with its 95 % interval, and each seed."""
    alt = "Score by number of training rows, with 95 % intervals. " + "; ".join(
        f"{p.rows} rows {p.score}" for p in curve.points
    ) + f". {curve!r}"
    figure, axes = _figure(3.6, alt)
    rows = [p.rows for p in curve.points]
    for number, point in enumerate(curve.points):
        axes.plot([point.rows] * 2, [point.score.low, point.score.high], color=DARK, linewidth=2)
        axes.plot([point.rows] * len(point.seeds), point.seeds, "_", color=MIDDLE, markersize=12,
                  label=None if number else "each seed")
    axes.plot(rows, [p.score.value for p in curve.points], "o-", color=DARK, linewidth=1, label="mean over seeds")
    # Every size is twice the one before, so that equal steps on the axis are equal factors.
    axes.set_xscale("log")
    axes.set_xticks(rows, [f"{n:,}" for n in rows])
    axes.set_xticks([], minor=True)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("training rows, at the same number of steps")
    axes.set_ylabel(f"score on {curve.validation_rows} validation rows")
    axes.legend(frameon=False, loc="best")
    return figure
