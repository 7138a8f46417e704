"""What happens beside the steps of a training: the log, whole checkpoints, scoring on the way, and when to end early."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import WorkbenchError
from workbench.files import read_json, write_json, write_jsonl
from workbench.models import answering_copy, training_mode
from workbench.runtime import GIB
from workbench.train.mirror import copy_whole
from workbench.train.plan import FULL, Plan
from workbench.train.processes import agreed, is_first, wait_for_all

if TYPE_CHECKING:
    from workbench.models import LoadedModel
    from workbench.scoring.intervals import Interval

COMPLETE = "complete"
BEST, STOP = "best", "stop"
KINDS = ("note", "loss", "validation_loss", "score")
Progress = Callable[[list[dict], int], None]


class TrainingFailed(WorkbenchError, RuntimeError):
    """Training went wrong in a way that more steps won't mend."""


@dataclass(frozen=True)
class Watched:
    """What a scoring on the way found.

    Attributes:
        score: on validation rows, with its interval.
        n: how many rows that was.
        answers: a few of them to look at, as {"row", "input", "expected", "said"}, personal data masked.
    """

    score: Interval
    n: int
    answers: list[dict] = field(default_factory=list)


Watch = Callable[["LoadedModel", int], Watched]


def weights_name(plan: Plan) -> str:
    """The folder in a run's folder that holds what was learnt: an adapter, or a whole model."""
    return "model" if plan.flavour == FULL else "adapter"


def save_weights(loaded: LoadedModel, target: Path, plan: Plan) -> None:
    """Write what was learnt, so that a reader finds the old folder or the new one whole."""
    fresh = target.with_name(target.name + ".part")
    shutil.rmtree(fresh, ignore_errors=True)
    loaded.model.save_pretrained(fresh)
    if plan.flavour == FULL:
        loaded.tokenizer.save_pretrained(fresh)
    shutil.rmtree(target, ignore_errors=True)
    os.replace(fresh, target)


def read_steps(folder: Path) -> list[dict]:
    """The step log, sorted: `step` and `seconds` since the start, and one of these kinds.

    loss (nats per token) with learning_rate, gradient_norm, tokens (read in this step), memory (GiB); validation_loss; score
    (value, low, high, n); note (a sentence).
    """
    # After a resume, the later entry of a step counts.
    entries: dict[tuple, dict] = {}
    for entry in _whole_lines(folder / "steps.jsonl"):
        kind = next(number for number, name in enumerate(KINDS) if name in entry)
        entries[entry["step"], kind, entry.get("note", "")] = entry
    return [entries[key] for key in sorted(entries)]


def last_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that was written whole; half-written ones are removed."""
    found = sorted(folder.glob("checkpoints/checkpoint-*"), key=lambda p: int(p.name.rsplit("-", 1)[1]))
    for checkpoint in reversed(found):
        if (checkpoint / COMPLETE).exists():
            return checkpoint
        shutil.rmtree(checkpoint, ignore_errors=True)
    return None


def best_so_far(folder: Path) -> dict:
    """The best scoring on the way, as {"step", "score"}; empty if there was none whose weights are kept."""
    path = folder / BEST / "best.json"
    return read_json(path) if path.exists() else {}


def memory_now() -> float:
    """GiB that training holds: on a CPU the process's, on a GPU the most that the card gave it so far."""
    import psutil
    import torch

    if torch.cuda.is_available():
        return round(torch.cuda.max_memory_allocated() / GIB, 2)
    return round(psutil.Process().memory_info().rss / GIB, 2)


def peak_memory() -> float:
    """The most GiB that training held: on a CPU the process, on a GPU the card."""
    import torch

    if torch.cuda.is_available():
        return round(torch.cuda.max_memory_allocated() / GIB, 2)
    if os.name == "nt":
        import psutil

        return round(psutil.Process().memory_info().peak_wset / GIB, 2)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return round(peak * (1 if sys.platform == "darwin" else 1024) / GIB, 2)


def recorder(
    folder: Path, plan: Plan, at: int, progress: Progress | None = None, loaded: LoadedModel | None = None,
    watch: Watch | None = None, mirror: Path | None = None, asked: Callable[[], bool] = lambda: False, batch_size: int = 0,
    log: Path | None = None,
) -> Any:
    """A callback for the trainer that keeps a run's folder as it should be.

    Args:
        at: the step of the checkpoint that training goes on from; 0 from the start.
        loaded: the model in training, for `watch` to ask and to keep the best weights of.
        mirror: where whole checkpoints are copied to.
        asked: whether somebody has asked for the run to save and stop.
        batch_size: rows at once in this attempt, where memory allowed fewer than planned.
        log: where the libraries' noise goes while `watch` is called.
    """
    from transformers import TrainerCallback

    history = [entry for entry in read_steps(folder) if entry["step"] <= at or "note" in entry]
    before = max((entry["seconds"] for entry in history), default=0.0)
    # Steps past the checkpoint are made again, and half a line from a kill would spoil the next one.
    if is_first():
        write_jsonl(folder / "steps.jsonl", history)
        attempt = {"from_step": at, "when": time.strftime("%Y-%m-%d %H:%M:%S"), "batch_size": batch_size or plan.batch_size}
        write_jsonl(folder / "attempts.jsonl", [*attempts(folder), attempt])
        write_jsonl(folder / "answers.jsonl", [entry for entry in _whole_lines(folder / "answers.jsonl") if entry["step"] <= at])

    class Recorder(TrainerCallback):
        """Writes each step down as it happens, marks whole checkpoints, scores, stops when it is time."""

        ended = "steps"
        tokens = 0
        copy = None

        def on_train_begin(self, args, state, control, **kwargs):
            self.started = time.perf_counter()

        def write(self, step: int, **values):
            entry = {"step": step, "seconds": round(before + time.perf_counter() - self.started, 2), **values}
            if is_first():
                _append(folder / "steps.jsonl", entry)
                history.append(entry)
                if progress:
                    progress(history, plan.steps)

        def on_log(self, args, state, control, logs=None, **kwargs):
            logs = logs or {}
            if "loss" in logs:
                values = {"loss": logs["loss"], "learning_rate": logs["learning_rate"]}
                norm = float(logs.get("grad_norm", math.nan))
                values |= {"gradient_norm": norm} if math.isfinite(norm) else {}
                read = int(logs.get("num_tokens", 0))
                values |= {"tokens": read - self.tokens, "memory": memory_now()} if read else {}
                self.tokens = read
            elif "eval_loss" in logs:
                values = {"validation_loss": logs["eval_loss"]}
            else:
                return
            value = values.get("loss", values.get("validation_loss"))
            if not math.isfinite(value):
                raise TrainingFailed(
                    f"The loss became {value} at step {state.global_step}, so the model is broken from there on. "
                    f"Lower the learning rate in the plan (it is {plan.learning_rate}) and train again."
                )
            self.write(state.global_step, **values)

        def on_step_end(self, args, state, control, **kwargs):
            step = state.global_step
            if watch and plan.score_every and (step % plan.score_every == 0 or step == plan.steps):
                over = self._score(step) if is_first() else False
                if agreed(over):
                    self.ended, control.should_training_stop = "early", True
            if agreed(asked()) and step < plan.steps:
                self.ended, control.should_save, control.should_training_stop = "stopped", True, True

        def _score(self, step: int) -> bool:
            """Score, keep the weights if they are the best so far, and say whether to end."""
            self.copy = answering_copy(loaded, log, self.copy)
            if self.copy is not loaded:
                found = watch(self.copy, step)
            else:
                training_mode(loaded, False)
                found = watch(loaded, step)
                training_mode(loaded, True)
            score = {"value": found.score.value, "low": found.score.low, "high": found.score.high, "n": found.n}
            _append(folder / "answers.jsonl", {"step": step, "answers": found.answers})
            if progress is not None and hasattr(progress, "answers"):
                progress.answers = found.answers
            self.write(step, score=score)
            best = best_so_far(folder)
            # A tie goes to the later weights: they have seen more.
            if not best or score["value"] >= best["score"]["value"]:
                save_weights(loaded, folder / BEST, plan)
                write_json(folder / BEST / "best.json", {"step": step, "score": score})
                return False
            since = [entry for entry in history if "score" in entry and entry["step"] > best["step"]]
            return bool(plan.patience) and len(since) >= plan.patience and step < plan.steps

        def on_save(self, args, state, control, **kwargs):
            # Called once the checkpoint is on disk; a kill before this leaves it unmarked. The last step's is
            # left so too: resumed there, the trainer would make one step too many.
            wait_for_all()
            if is_first() and state.global_step < plan.steps:
                name = f"checkpoints/checkpoint-{state.global_step}"
                (folder / name / COMPLETE).touch()
                if mirror:
                    self._copy(name, state.global_step)

        def _copy(self, name: str, step: int) -> None:
            try:
                for part in (name, BEST, "steps.jsonl", "attempts.jsonl", "choice.json", "rows", "plan.json"):
                    if (folder / part).exists():
                        copy_whole(folder, mirror, part)
                for old in (mirror / "checkpoints").glob("checkpoint-*"):
                    if not (folder / "checkpoints" / old.name).exists():
                        shutil.rmtree(old, ignore_errors=True)
            except OSError as error:
                # The copy is a second safety; its disk being full or gone must not end the training.
                self.write(step, note=f"The checkpoint could not be copied to {mirror.name} ({error.strerror or error}); "
                           "it is safe on this machine only.")

    return Recorder()


def _append(path: Path, entry: dict) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(entry, ensure_ascii=False) + "\n")


def attempts(folder: Path) -> list[dict]:
    """Every start of a run: from_step, when, batch_size."""
    return list(_whole_lines(folder / "attempts.jsonl"))


def _whole_lines(path: Path) -> Iterator[dict]:
    """The lines of a log that can be read: a killed run may leave half a line."""
    for line in path.read_text(encoding="utf-8").split("\n") if path.exists() else ():
        with contextlib.suppress(ValueError):
            yield json.loads(line)
