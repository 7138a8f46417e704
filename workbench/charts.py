"""A result in, a matplotlib Figure out; and a Figure as a picture that carries its own description."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import combinations
from math import isfinite
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
from workbench.train.memory import PARTS, ROOM, Memory

if TYPE_CHECKING:
    from workbench.decide.freshness import FreshnessReport, Side
    from workbench.decide.learning import LearningCurve
    from workbench.train.sweep import Sweep, Trial
    from workbench.train.flags import Flag

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


def training(history: Sequence[dict], steps: int, flags: Sequence[Flag] = (), words: bool = True) -> Figure:
    """How a training goes, in panels over one axis of steps: loss, score if there is one, learning rate, gradient norm.

    Args:
        history: the step log; what older logs lack is left out.
        steps: how many the plan has.
        flags: marked with a number at their step.
        words: whether flags are said under the chart too; what else shows them leaves them out here.
    """
    losses, watched, rates, gradients = (
        [(e["step"], e[name]) for e in history if e.get(name) is not None and isfinite(e[name])]
        for name in ("loss", "validation_loss", "learning_rate", "gradient_norm")
    )
    scores = [(e["step"], e["score"]) for e in history if (e.get("score") or {}).get("value") is not None]
    notes = [(e["step"], e["note"]) for e in history if e.get("note")]
    smooth = _running_mean([y for _, y in losses], max(0.7, 1 - 24 / max(1, steps)))
    heights = [2.8, *[1.9] * bool(scores), *[0.75] * bool(rates), *[0.75] * bool(gradients)]
    lines = [f"{i}  {flag.sentence}" for i, flag in enumerate(flags, 1)]
    lines += [f"{_letter(i)}  Step {step}: {note}" for i, (step, note) in enumerate(notes)]
    said = "\n".join(fill(line, 118, subsequent_indent="    ") for line in (lines if words else lines[len(flags) :]))
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.38 * len(heights) + 0.16 * len(said.splitlines())), layout="constrained")
    figure.set_label(_training_in_words(steps, losses, smooth, watched, scores, rates, gradients, lines))
    panels = list(figure.subplots(len(heights), sharex=True, squeeze=False, height_ratios=heights)[:, 0])
    rest = iter(panels)
    _loss_panel(next(rest), losses, smooth, watched)
    if scores:
        _score_panel(next(rest), scores, steps)
    for question, what, points in (("How large are its steps?", "learning rate", rates),
                                   ("Is it steady?", "gradient norm", gradients)):
        if points:
            axes = next(rest)
            _line(axes, points, color=MIDDLE, linewidth=1.2)
            top = max(y for _, y in points)
            axes.set_ylim(0, 1.15 * top or 1)
            axes.set_yticks(*(([0, top], ["0", f"{top:.2g}"]) if top else ([0], ["0"])))
            _asked(axes, question, f"{what}, {points[-1][1]:.2g} now")
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlim(-0.01 * steps, 1.02 * steps)
    _flags_and_notes(panels, [flag.step for flag in flags], [step for step, _ in notes])
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    panels[-1].set_xlabel("step")
    figure.align_ylabels(panels)
    if said:
        figure.supxlabel(said, x=0.01, ha="left", fontsize=9, color=DARK, parse_math=False)
    return figure


def _training_in_words(
    steps: int, losses: Sequence[tuple], smooth: Sequence[float], watched: Sequence[tuple], scores: Sequence[tuple],
    rates: Sequence[tuple], gradients: Sequence[tuple], lines: Sequence[str],
) -> str:
    if not losses:
        parts = [f"Training loss not begun, of {steps} steps"]
    else:
        (first, start), (last, end) = losses[0], losses[-1]
        parts = [f"Training loss from {start:.2f} at step {first} to {end:.2f} at step {last} of {steps}"]
        parts[0] += f", smoothed {smooth[-1]:.2f}"
    if watched:
        at, lowest = min(watched, key=lambda point: point[1])
        parts.append(f"validation loss last {watched[-1][1]:.2f} at step {watched[-1][0]}, lowest {lowest:.2f} at step {at}")
    if scores:
        (at, best), (step, now) = _best(scores), scores[-1]
        parts.append(f"score on validation rows last {_span(now)} at step {step}, best {_span(best)} at step {at}")
    small = (("learning rate", rates), ("gradient norm", gradients))
    parts += [f"{what} {points[-1][1]:.2g}" for what, points in small if points]
    return "; ".join(parts) + "." + "".join(f" {line.rstrip('.')}." for line in lines)


def _best(scores: Sequence[tuple[int, dict]]) -> tuple[int, dict]:
    return max(scores, key=lambda point: point[1]["value"])


def _span(score: dict) -> str:
    return f"{score['value']:.2f} [{score['low']:.2f}, {score['high']:.2f}]"


def _letter(number: int) -> str:
    return chr(ord("a") + number % 26)


def _line(axes: Any, points: Sequence[tuple[float, float]], **style: Any) -> None:
    """A line; of one point, which would make none, a dot."""
    axes.plot(*zip(*points, strict=True), **({"marker": "o", "markersize": 5} if len(points) == 1 else {}) | style)


def _asked(axes: Any, question: str, what: str) -> None:
    axes.set_title(question, loc="left", fontsize=11, fontweight="bold", color=DARK)
    axes.set_title(what, loc="right", fontsize=9, color=DARK)


def _loss_panel(axes: Any, losses: Sequence[tuple], smooth: Sequence[float], watched: Sequence[tuple]) -> None:
    if losses:
        _line(axes, losses, color=PALE, linewidth=1.2, label="each step")
        smoothed = [(step, value) for (step, _), value in zip(losses, smooth, strict=True)]
        _line(axes, smoothed, color=DARK, linewidth=2.2, label=f"smoothed, {smooth[-1]:.2f} now")
    if watched:
        axes.plot(*zip(*watched, strict=True), "s--", color=DARK, linewidth=1, markersize=6, markerfacecolor="white",
                  label=f"validation rows, {watched[-1][1]:.2f} now")
    _asked(axes, "Is it learning?", "")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("loss, nats per token")
    if losses or watched:
        axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.1, ncols=3, fontsize=9,
                    columnspacing=1.2, handlelength=1.6)


def _score_panel(axes: Any, scores: Sequence[tuple[int, dict]], steps: int) -> None:
    at, best = _best(scores)
    for step, score in scores:
        axes.plot([step, step], [score["low"], score["high"]], color=MIDDLE, linewidth=1.5, zorder=1)
    axes.plot([step for step, _ in scores], [score["value"] for _, score in scores], "o-", color=DARK, linewidth=1.2,
              markersize=6, markerfacecolor="white")
    axes.plot(at, best["value"], "D", color=DARK, markersize=8)
    # Over the interval's upper end, where no line of scores runs; at an edge of the chart, inwards of it.
    side = "left" if at < 0.1 * steps else "right" if at > 0.9 * steps else "center"
    axes.annotate(f"best so far: {best['value']:.2f}", (at, best["high"]), xytext=(0, 4), textcoords="offset points",
                  ha=side, va="bottom", fontsize=9, fontweight="bold", color=DARK,
                  bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none"})
    axes.set_ylim(0, 1.15)
    axes.set_yticks([0, 0.5, 1])
    axes.set_ylabel("score")
    _asked(axes, "Does it answer better?", f"on {scores[-1][1]['n']} validation rows, with 95 % interval")


def _flags_and_notes(panels: Sequence[Any], flags: Sequence[int], notes: Sequence[int]) -> None:
    """A line through all panels at each, and at its top a number (in a circle) or a letter (in a square)."""
    marks = [(step, str(i), "circle,pad=0.2") for i, step in enumerate(flags, 1)]
    marks += [(step, _letter(i), "square,pad=0.2") for i, step in enumerate(notes)]
    width, placed = panels[0].get_xlim()[1], []
    for step, name, box in sorted(marks):
        for axes in panels:
            axes.axvline(step, color=DARK, linestyle=":", linewidth=1, zorder=0)
        # Marks that would lie on one another stand below one another.
        row = sum(abs(step - other) < 0.03 * width for other in placed)
        placed.append(step)
        filled = box.startswith("circle")
        panels[0].annotate(name, (step, 1), xycoords=("data", "axes fraction"), xytext=(0, -9 - 17 * row),
                           textcoords="offset points", ha="center", va="center", fontsize=9, fontweight="bold",
                           color="white" if filled else DARK, annotation_clip=False, zorder=5,
                           bbox={"boxstyle": box, "facecolor": DARK if filled else "white", "edgecolor": DARK})


def _running_mean(values: Sequence[float], keep: float) -> list[float]:
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


def sweep(result: Sweep) -> Figure:
    """One panel a setting: each trial's score with its 95 % interval by its value; the recommended plan and the best marked."""
    alt = f"{result.sentence} " + "; ".join(
        f"trial {t.number}: " + ", ".join(f"{n.replace('_', ' ')} {t.settings[n]}" for n in result.names)
        + f", {f'score {t.score}' if t.score else 'failed'}{_role(result, t)}"
        for t in result.trials
    ) + "."
    figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
    figure.set_label(alt)
    panels = figure.subplots(1, len(result.names), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, result.names, strict=True):
        axes.spines[["top", "right"]].set_visible(False)
        for trial, x in zip(result.trials, _places(axes, [t.settings[name] for t in result.trials]), strict=True):
            _trial(axes, result, trial, x)
        axes.set_xlabel(name.replace("_", " "))
        axes.set_ylim(-0.14 if any(t.failed for t in result.trials) else -0.03, 1.03)
    rows = max((t.n for t in result.scored), default=0)
    panels[0].set_ylabel(f"score on {rows} validation rows,\nwith 95 % interval")
    named = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    named = dict(sorted(named.items(), key=lambda pair: ("recommended" not in pair[0], pair[0])))
    figure.legend(named.values(), named.keys(), frameon=False, loc="outside upper center", ncols=4)
    figure.supxlabel(fill(result.sentence, 100), fontsize="small")
    return figure


def _role(result: Sweep, trial: Trial) -> str:
    return ", recommended" * (trial.number == 0) + ", best" * (trial is result.best)


def _places(axes: Any, values: list) -> list[float]:
    """Where each trial stands: rates on a logarithmic axis; other values in equal steps, trials of one value side by side."""
    if all(isinstance(value, float) for value in values):
        axes.set_xscale("log")
        axes.set_xticks(ticks := _spread(values), [f"{value:.2g}" for value in ticks])
        axes.set_xticks([], minor=True)
        axes.margins(x=0.1)
        return values
    kinds = list(dict.fromkeys(values))
    if all(isinstance(value, int | float) for value in values):
        kinds.sort()
    axes.set_xticks(range(len(kinds)), [str(value) for value in kinds])
    axes.set_xlim(-0.6, len(kinds) - 0.4)
    most = max(map(values.count, kinds), default=1)
    seen: dict[Any, int] = {}
    places = []
    for value in values:
        seen[value] = seen.get(value, 0) + 1
        offset = seen[value] - (values.count(value) + 1) / 2
        places.append(kinds.index(value) + 0.8 * offset / max(4, most))
    return places


def _spread(values: list[float]) -> list[float]:
    """The least, the greatest and the first value, for ticks that don't run into each other."""
    low, high = min(values), max(values)
    inside = [values[0]] if low * 1.4 < values[0] < high / 1.4 else []
    return [low, *inside, high] if high > 1.2 * low else [low]


def _trial(axes: Any, result: Sweep, trial: Trial, x: float) -> None:
    if trial.score is None:
        # Below the zero line: a trial that failed has no score, and none of nought either.
        first = trial.number == 0
        axes.plot(x, -0.08, "X" if first else "x", color=DARK if first else MIDDLE, markersize=9, linestyle="",
                  label="recommended plan, failed" if first else "failed, no score")
        return
    first, best = trial.number == 0, trial is result.best
    shape, size, label = ("o", 7, "tried")
    if best:
        shape, size, label = "D", 10, "best"
    if first:
        shape, size, label = ("D", 10, "recommended, and best") if best else ("s", 9, "recommended plan")
    strong = first or best
    axes.plot([x, x], [trial.score.low, trial.score.high], color=DARK if strong else MIDDLE, linewidth=2.5 if strong else 1.2,
              zorder=3 if strong else 2)
    axes.plot(x, trial.score.value, marker=shape, markersize=size, linestyle="", zorder=4, label=label,
              markerfacecolor=DARK if best else "white", markeredgecolor=DARK if strong else MIDDLE, markeredgewidth=1.6)


# A face and a hatch for each part: neighbours differ in greys alone.
PART_LOOKS = dict(zip(PARTS, ((DARK, ""), ("white", "////"), (MIDDLE, ""), ("white", "...."), (PALE, ""), ("white", "xxxx"), (MIDDLE, "\\\\")), strict=True))


def memory(estimate: Memory) -> Figure:
    """Estimated memory of training and of evaluation, by part, against what the machine has."""
    sides = {"training": estimate.training, "evaluation": estimate.evaluation}
    listed = "; ".join(
        f"{name} {sum(parts.values()):.2f} GiB ({', '.join(f'{part} {parts[part]:.2f}' for part in PARTS if parts[part])})"
        for name, parts in sides.items()
    )
    figure, axes = _figure(2.6, f"Memory by part, estimated: {listed}; {estimate.device} has {estimate.room:.1f} GiB: {estimate.verdict}.")
    used = [part for part in PARTS if any(parts[part] for parts in sides.values())]
    ends = [0.0] * len(sides)
    for part in used:
        face, hatch = PART_LOOKS[part]
        widths = [parts[part] for parts in sides.values()]
        axes.barh(range(len(sides)), widths, left=ends, height=0.55, color=face, hatch=hatch, edgecolor=DARK, label=part)
        ends = [end + width for end, width in zip(ends, widths, strict=True)]
    for row, end in enumerate(ends):
        axes.annotate(f"{end:.2f}", (end, row), xytext=(4, 0), textcoords="offset points", va="center", fontweight="bold",
                      bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85})
    axes.set_yticks(range(len(sides)), list(sides))
    axes.invert_yaxis()
    axes.set_xlim(0, 1.12 * max(*ends, 0.0))
    # A limit far beyond the bars would press them together; it is said in words then.
    if estimate.room < 3 * max(ends):
        axes.set_xlim(0, 1.12 * max(*ends, estimate.room))
        axes.axvline(estimate.room, color=DARK, linewidth=2)
        axes.axvline(ROOM * estimate.room, color=DARK, linewidth=1, linestyle="--")
        limit = f"line: the {estimate.room:.1f} GiB there are; dashed: {ROOM:.0%} of them"
    else:
        limit = f"of {estimate.room:.1f} GiB, far to the right"
    axes.set_xlabel(f"GiB, estimated, {limit}")
    axes.set_title(f"{estimate.flavour} on {estimate.device}: {estimate.verdict}", loc="left", fontsize=10, color=DARK)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure
