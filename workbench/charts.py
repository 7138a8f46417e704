"""A result in, a matplotlib Figure out; and a Figure as a picture that carries its own description."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from workbench.check.forgetting import FAIL, LOGLIK_MARGIN, PASS, UNKNOWN, ForgettingReport
from workbench.curate.checks.check import FAULT
from workbench.curate.checks.report import CurationReport
from workbench.curate.coverage import Coverage
from workbench.decide.recommendation import DECIDED, Goal, Recommendation
from workbench.scoring.scorecard import Scorecard

DARK, MIDDLE, PALE = "#1b3a4b", "#6b7f8a", "#c3ccd1"
WIDTH = 8.0


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


def arms(cards: Sequence[Scorecard], goal: Goal, recommendation: Recommendation) -> Figure:
    """Every arm's score with its 95 % interval, the chosen one marked, and the score that would be good enough."""
    chosen, word = recommendation.arm, "recommended" if recommendation.outcome == DECIDED else "ahead so far"
    spans = [card.interval() for card in cards]
    alt = "Score of each arm with its 95 % interval. " + "; ".join(
        f"{c.title} {s}" for c, s in zip(cards, spans, strict=True)
    ) + f". Good enough is {goal.good_enough:.2f}."
    figure, axes = _figure(1.2 + 0.55 * len(cards), alt)
    for row, (card, span) in enumerate(zip(cards, spans, strict=True)):
        marked = card.arm == chosen
        axes.plot([span.low, span.high], [row, row], color=DARK, linewidth=4 if marked else 2, solid_capstyle="butt")
        axes.plot(span.value, row, marker="D" if marked else "o", color=DARK, markersize=9 if marked else 7)
        axes.annotate(f"{span.value:.2f}", (span.value, row), xytext=(0, 9), textcoords="offset points", ha="center")
    axes.axvline(goal.good_enough, color=MIDDLE, linestyle="--", linewidth=1)
    axes.annotate("good enough", (goal.good_enough, -0.75), color=MIDDLE, ha="center", annotation_clip=False)
    axes.set_yticks(range(len(cards)), [c.title + (f"  ({word})" if c.arm == chosen else "") for c in cards])
    axes.set_ylim(len(cards) - 0.4, -0.6)
    axes.set_xlim(-0.06, 1.02)
    axes.set_xlabel(f"score on the same {len(cards[0].rows)} test rows, with 95 % interval")
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
