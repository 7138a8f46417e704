"""Red flags of training: what is seen in the step log, what it means and what to do, each in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev

from workbench.train.plan import Plan

# Validation loss, which is measured on the same rows each time: above its lowest value by this share and by this many
# nats per token, in the last two measurements; or by three times the share in the last one.
RISE, RISE_NATS = 0.05, 0.01
# A mean loss below this over so many steps means that every token is foreseen at 99 %.
ZERO, ZERO_STEPS = 0.01, 10
# The loss of the last third of the steps is less than this share below that of the first third.
STILL, STILL_STEPS = 0.02, 15
# The median of five steps against that of the ten before them: so many times as high, by so many nats, and above all of
# these but one; and each of the five is above that median, because single batches of hard rows stand out in every log.
JUMP, JUMP_NATS, JUMP_WINDOW, JUMP_STEPS = 1.5, 0.5, 10, 5
# A gradient norm against the median of up to twenty before it. Trainers shorten what is longer than 1, so that a
# spike below it has no force.
SPIKE, SPIKE_LEAST, SPIKE_WINDOW, SPIKE_BEFORE = 5.0, 1.0, 20, 8
# Training in 16 bits tries its scale out in the first steps and leaves those out whose gradient overflows.
OVERFLOWS = 5


@dataclass(frozen=True)
class Flag:
    """Something in the step log that a person should know.

    Attributes:
        name: in two or three words, for a chart.
        step: where it is seen; of what goes on, where it began.
        sentence: what is seen, what it means, what to do.
    """

    name: str
    step: int
    sentence: str


def flags(history: Sequence[dict], plan: Plan | int) -> list[Flag]:
    """The red flags in a step log, in the order of their steps; none in a healthy one.

    What comes and goes (a validation loss that rises) is a flag while it lasts; what happens once (a jump, a spike)
    stays one. Logs without gradient norms or scores are looked through for the rest.

    Args:
        history: the step log; loss in nats per token.
        plan: the run's plan, or how many steps it has.
    """
    steps, warmup = (plan.steps, plan.warmup_steps) if isinstance(plan, Plan) else (plan, max(1, plan // 20))
    losses, watched, gradients = (_series(history, name) for name in ("loss", "validation_loss", "gradient_norm"))
    scores = [(e["step"], e["score"]) for e in history if (e.get("score") or {}).get("value") is not None]
    found = [
        _not_a_number(losses, watched, gradients),
        _at_zero(_finite(losses)),
        _not_moving(_finite(losses), _finite(watched), steps, warmup),
        _jumped(_finite(losses)),
        _spikes(_finite(gradients)),
        _validation_rises(_finite(watched), scores),
        _score_falls(scores, _finite(losses)),
    ]
    return sorted((flag for flag in found if flag), key=lambda flag: flag.step)


Series = list[tuple[int, float]]


def _series(history: Sequence[dict], name: str) -> Series:
    return [(entry["step"], entry[name]) for entry in history if entry.get(name) is not None]


def _finite(series: Series) -> Series:
    return [(step, value) for step, value in series if math.isfinite(value)]


def _not_a_number(losses: Series, watched: Series, gradients: Series) -> Flag | None:
    broken = min((step for series in (losses, watched) for step, value in series if not math.isfinite(value)), default=None)
    what = "loss"
    if broken is None:
        # Not one or two: see OVERFLOWS.
        last = gradients[-OVERFLOWS:]
        if len(last) < OVERFLOWS or any(math.isfinite(value) for _, value in last):
            return None
        broken, what = last[0][0], "gradient"
    return Flag(
        "not a number", broken,
        f"The {what} is not a number from step {broken} on: the model is broken from there, and more steps won't mend it. "
        "Stop, and train again with a learning rate of a third.",
    )  # fmt: skip


def _at_zero(losses: Series) -> Flag | None:
    last = losses[-ZERO_STEPS:]
    if len(last) < ZERO_STEPS or (mean := fmean(value for _, value in last)) >= ZERO:
        return None
    if all(value == 0 for _, value in losses):
        return Flag(
            "loss at zero", losses[0][0],
            "The loss has been exactly 0 from the first step: no token of the answers is trained on, so nothing is learnt. "
            "Stop, and look at the first batch: the answers may be empty, cut off or left out.",
        )  # fmt: skip
    lowest = next((i for i in range(len(losses) - 1, -1, -1) if losses[i][1] >= ZERO), -1) + 1
    step = min(losses[min(lowest, len(losses) - 1)][0], last[0][0])
    return Flag(
        "loss at zero", step,
        f"The training loss is near zero from step {step} on (mean of the last {ZERO_STEPS}: {mean:.4f}): there is nothing "
        "left to learn from these rows, and more steps only learn them by heart. End here; for a better model, "
        "add other rows and not more steps.",
    )  # fmt: skip


def _not_moving(losses: Series, watched: Series, steps: int, warmup: int) -> Flag | None:
    values = [value for step, value in losses if step > warmup]
    if len(values) < max(STILL_STEPS, steps // 3) or fmean(values[-ZERO_STEPS:]) < ZERO:
        return None
    third = len(values) // 3
    first, last = values[:third], values[-third:]
    least = STILL * fmean(first)
    if len(watched) > 1:
        # These are the same rows each time, so they tell a slow fall, which batches hide by their differences, from none.
        if watched[0][1] - watched[-1][1] >= STILL * watched[0][1]:
            return None
        least = max(least, 2 * math.hypot(stdev(first), stdev(last)) / math.sqrt(third))
    # More than that above is a rise, and has other causes.
    if abs(fmean(first) - fmean(last)) >= least:
        return None
    return Flag(
        "loss not moving", losses[-1][0],
        f"The training loss is where it began ({fmean(first):.2f} then, {fmean(last):.2f} now): nothing is being learnt. "
        "Raise the learning rate 3 to 10 times. If it still doesn't move, look at the first batch: are the trained "
        "tokens the answers, and can they be known from the input?",
    )  # fmt: skip


def _jumped(losses: Series) -> Flag | None:
    values = [value for _, value in losses]
    for i in range(JUMP_WINDOW, len(values) - JUMP_STEPS + 1):
        before, here = values[i - JUMP_WINDOW : i], values[i : i + JUMP_STEPS]
        usual, high = median(before), median(here)
        if min(here) > usual and high > max(JUMP * usual, usual + JUMP_NATS, sorted(before)[-2]):
            break
    else:
        return None
    step, now = losses[i][0], median(values[-JUMP_STEPS:])
    back = now < (usual + high) / 2
    after = f"it has come back to {now:.2f}" if back else f"it stands at {now:.2f} now"
    return Flag(
        "loss jumped", step,
        f"The training loss jumped from about {usual:.2f} to {high:.2f} at step {step}, and {after}: a step was too large "
        "and threw away some of what was learnt. "
        + ("Watch the score; if it jumps again, halve the learning rate." if back
           else "Stop, halve the learning rate and train again."),
    )  # fmt: skip


def _spikes(gradients: Series) -> Flag | None:
    spikes = []
    values = [value for _, value in gradients]
    for i in range(SPIKE_BEFORE, len(values)):
        usual = median(values[max(0, i - SPIKE_WINDOW) : i])
        if values[i] > max(SPIKE * usual, SPIKE_LEAST):
            spikes.append((gradients[i][0], values[i], usual))
    if not spikes:
        return None
    step, value, usual = max(spikes, key=lambda spike: spike[1])
    times = f", {value / usual:.0f} times" if usual else ", far above"
    more = f"; {len(spikes)} steps were like that" if len(spikes) > 1 else ""
    return Flag(
        "gradient spike", step,
        f"The gradient at step {step} was {value:.1f}{times} what is usual ({usual:.2f}){more}: a batch pulled the model far "
        "to one side, as broken or very unlike rows do. "
        + ("Halve the learning rate, and look at the longest and oddest rows." if len(spikes) > 1
           else "Once is harmless, as the trainer shortens such a step; if it comes again, halve the learning rate."),
    )  # fmt: skip


def _validation_rises(watched: Series, scores: list[tuple[int, dict]]) -> Flag | None:
    if len(watched) < 2:
        return None
    at, lowest = min(watched, key=lambda point: point[1])

    def above(value: float, share: float) -> bool:
        return value - lowest > max(share * lowest, RISE_NATS)

    later = [point for point in watched if point[0] > at]
    twice = len(later) > 1 and all(above(value, RISE) for _, value in later[-2:])
    if not later or not (twice or above(later[-1][1], 3 * RISE)):
        return None
    step, now = later[-1]
    seen = f"The loss on validation rows was lowest at step {at} ({lowest:.2f}) and has risen to {now:.2f} at step {step}"
    if len(scores) > 1 and scores[-1][1]["value"] >= max(score["value"] for _, score in scores):
        return Flag(
            "validation loss rising", at,
            f"{seen}, while the score is at its best: the model is getting too sure where it is wrong, but answers no worse. "
            "Go by the score, and end when that no longer rises.",
        )  # fmt: skip
    return Flag(
        "validation loss rising", at,
        f"{seen}: the rows are being learnt by heart, which helps less and less with new ones. "
        "Stop here or train fewer steps; more rows help too. With score_every and patience in the plan, training ends by "
        "itself and the best weights are kept.",
    )  # fmt: skip


def _score_falls(scores: list[tuple[int, dict]], losses: Series) -> Flag | None:
    if len(scores) < 3:
        return None
    at, best = max(scores, key=lambda point: point[1]["value"])
    later = [point for point in scores if point[0] > at][-2:]
    # The best of several is partly luck, and of few rows the interval is lopsided, so each must lie outside the other's.
    if len(later) < 2 or any(score["value"] >= best["low"] or score["high"] >= best["value"] for _, score in later):
        return None
    step, now = later[-1]
    seen = (
        f"The score on validation rows was best at step {at} ({best['value']:.2f}, 95 % interval {best['low']:.2f} to "
        f"{best['high']:.2f}) and is {now['value']:.2f} at step {step}"
    )
    then = [value for at_step, value in losses if at_step <= at][-ZERO_STEPS:]
    last = [value for _, value in losses][-ZERO_STEPS:]
    if then and fmean(last) < fmean(then):
        seen += (
            f", while the training loss still falls ({fmean(then):.2f} then, {fmean(last):.2f} now). The training loss lies: "
            "it rewards what is learnt by heart, the score what is answered right"
        )
    else:
        seen += ": what had been learnt is being lost"
    return Flag(
        "score falling", at,
        f"{seen}. Stop, and go on with the weights of step {at}; with score_every and patience in the plan, "
        "training does so by itself.",
    )  # fmt: skip
