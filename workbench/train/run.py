"""A Run: training that writes down every step, survives a killed kernel, and leaves an adapter."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.dataset import Dataset
from workbench.errors import Mismatch, Prerequisite, WorkbenchError
from workbench.files import read_jsonl, write_jsonl
from workbench.models import ModelChoice, load_for_training, training_mode, with_new_adapter
from workbench.result import Result
from workbench.runtime import GIB, noise_to, this_machine, versions
from workbench.train.encode import token_table
from workbench.train.plan import Plan

if TYPE_CHECKING:
    import pandas

COMPLETE = "complete"
Progress = Callable[[list[dict], int], None]


class TrainingFailed(WorkbenchError, RuntimeError):
    """Training went wrong in a way that more steps won't mend."""


@dataclass(frozen=True, repr=False)
class Run(Result):
    """What a finished training run was and left behind.

    Attributes:
        folder: where the adapter, the step log and the checkpoints lie; relative to the project.
        plan: the settings, as a dictionary.
        loss_first, loss_last: mean training loss of the first and of the last three steps (nats per token).
        seconds: wall time of the steps, over all attempts.
        peak_memory: GiB; of the process on a CPU, of the card on a GPU.
        resumed_at: steps at which a killed run was taken up again.
    """

    folder: str
    plan: dict
    steps: int
    loss_first: float
    loss_last: float
    validation_loss: float
    seconds: float
    peak_memory: float
    left_out: int
    resumed_at: tuple[int, ...]
    versions: dict
    machine: str

    @classmethod
    def from_dict(cls, fields: dict) -> Run:
        """Read a run back."""
        return cls(**{**fields, "resumed_at": tuple(fields["resumed_at"])})

    def __repr__(self) -> str:
        return (
            f"Run: {self.steps} steps in {self.seconds:.0f} s, training loss {self.loss_first:.2f} to "
            f"{self.loss_last:.2f}, peak memory {self.peak_memory:.1f} GiB"
        )

    def table(self) -> pandas.DataFrame:
        """The run in numbers."""
        import pandas

        rows = [
            ("steps", f"{self.steps}"),
            ("training loss, first to last", f"{self.loss_first:.3f} to {self.loss_last:.3f}"),
            ("validation loss", f"{self.validation_loss:.3f}"),
            ("time", f"{self.seconds:.0f} s"),
            ("peak memory", f"{self.peak_memory:.2f} GiB"),
            ("rows left out for their length", f"{self.left_out}"),
            ("taken up again at step", ", ".join(map(str, self.resumed_at)) or "never stopped"),
        ]
        return pandas.DataFrame(rows, columns=["what", "value"])


def adapter_folder(folder: Path) -> Path:
    """Where a run's adapter lies."""
    return folder / "adapter"


def read_steps(folder: Path) -> list[dict]:
    """The step log: step, loss or validation loss, learning rate, seconds since the start."""
    path = folder / "steps.jsonl"
    if not path.exists():
        return []
    # A killed run may leave half a line at the end; and after a resume, the later entry of a step counts.
    entries: dict[tuple, dict] = {}
    for line in path.read_text(encoding="utf-8").split("\n"):
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            entries[(entry["step"], "validation_loss" in entry)] = entry
    return [entries[key] for key in sorted(entries)]


def train(
    plan: Plan,
    choice: ModelChoice,
    train_rows: Dataset,
    validation_rows: Dataset,
    folder: Path,
    log: Path,
    progress: Progress | None = None,
) -> Run:
    """Train by the plan in `folder`, or take up what an earlier attempt left there.

    A finished run with the same plan is returned as it is; an unfinished one goes on from its last
    whole checkpoint; one with another plan is replaced.

    Args:
        progress: called with the step log and the number of steps after each logged step.

    Raises:
        Mismatch: the rows are not the ones the plan was made for.
        Prerequisite: another kernel is training in this folder right now.
        TrainingFailed: the loss became infinite or not a number.
    """
    from filelock import FileLock, Timeout

    for rows, planned, what in ((train_rows, plan.data, "training"), (validation_rows, plan.validation, "validation")):
        if rows.fingerprint != planned:
            raise Mismatch(
                f"The plan was made for {what} rows {planned}, and these are {rows.fingerprint}: they have changed "
                "since. Make the plan again (run the notebook from the top)."
            )
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "training.lock", timeout=10):
            if (run := _finished(folder, plan)) is not None:
                return run
            _clear_other_plan(folder, plan)
            with noise_to(log):
                return _train(plan, choice, train_rows, validation_rows, folder, log, progress)
    except Timeout as error:
        raise Prerequisite(
            "Another kernel is training in this project right now; two at once would spoil both. "
            "Wait for it, or shut it down (Kernel > Shut Down All Kernels), then run this cell again."
        ) from error


def _finished(folder: Path, plan: Plan) -> Run | None:
    path = folder / "run.json"
    run = Run.load(path) if path.exists() else None
    return run if run and Plan(**run.plan).fingerprint == plan.fingerprint else None


def _clear_other_plan(folder: Path, plan: Plan) -> None:
    path = folder / "plan.json"
    if path.exists() and (other := Plan.load(path).fingerprint) != plan.fingerprint:
        aside = folder.parent / f"{folder.name}-earlier" / f"{other}-{time.strftime('%Y%m%d-%H%M%S')}"
        aside.mkdir(parents=True)
        # The plan goes last: a kill in between finds the old plan still here and goes on moving.
        for item in sorted(folder.iterdir(), key=lambda item: item.name == "plan.json"):
            if item.name != "training.lock":
                shutil.move(str(item), str(aside / item.name))
    plan.save(path)


def _train(
    plan: Plan, choice: ModelChoice, train_rows: Dataset, validation_rows: Dataset, folder: Path, log: Path,
    progress: Progress | None,
) -> Run:
    loaded = load_for_training(choice, log, plan.max_length)
    loaded = with_new_adapter(loaded, plan.rank, plan.alpha, plan.seed, log)
    training_mode(loaded, True)
    rows, left_out = token_table(loaded, train_rows, plan.max_length)
    watched, _ = token_table(loaded, validation_rows, plan.max_length)
    checkpoint = _last_checkpoint(folder)
    recorder = _recorder(folder, plan, checkpoint, progress)
    trainer = _trainer(plan, loaded, rows, watched, folder, recorder)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    loaded.model.save_pretrained(adapter_folder(folder))
    run = _report(plan, folder, left_out)
    loaded.free()
    run.save(folder / "run.json")
    for old in folder.glob("checkpoints/checkpoint-*"):
        shutil.rmtree(old, ignore_errors=True)
    return run


def _last_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that was written whole; half-written ones are removed."""
    found = sorted(folder.glob("checkpoints/checkpoint-*"), key=lambda p: int(p.name.rsplit("-", 1)[1]))
    for checkpoint in reversed(found):
        if (checkpoint / COMPLETE).exists():
            return checkpoint
        shutil.rmtree(checkpoint, ignore_errors=True)
    return None


def _trainer(plan: Plan, loaded: Any, rows: Any, watched: Any, folder: Path, recorder: Any) -> Any:
    import torch
    from transformers import DataCollatorForSeq2Seq, PrinterCallback
    from trl import SFTConfig, SFTTrainer

    gpu = torch.cuda.is_available()
    bfloat16 = gpu and torch.cuda.is_bf16_supported(including_emulation=False)
    settings = SFTConfig(
        output_dir=str(folder / "checkpoints"),
        max_steps=plan.steps,
        per_device_train_batch_size=plan.batch_size,
        # Evaluation is where memory most often runs out.
        per_device_eval_batch_size=min(4, plan.batch_size),
        learning_rate=plan.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=plan.warmup_steps,
        optim="adamw_torch",
        weight_decay=0.0,
        bf16=bfloat16,
        fp16=gpu and not bfloat16,
        logging_steps=1,
        eval_strategy="steps",
        eval_steps=2 * plan.save_every,
        save_strategy="steps",
        save_steps=plan.save_every,
        save_total_limit=2,
        seed=plan.seed,
        data_seed=plan.seed,
        max_length=plan.max_length,
        packing=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        report_to="none",
        disable_tqdm=True,
    )
    trainer = SFTTrainer(
        model=loaded.model,
        args=settings,
        train_dataset=rows,
        eval_dataset=watched,
        processing_class=loaded.tokenizer,
        data_collator=DataCollatorForSeq2Seq(loaded.tokenizer, padding=True, label_pad_token_id=-100),
        callbacks=[recorder],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _recorder(folder: Path, plan: Plan, checkpoint: Path | None, progress: Progress | None) -> Any:
    from transformers import TrainerCallback

    at = int(checkpoint.name.rsplit("-", 1)[1]) if checkpoint else 0
    history = [entry for entry in read_steps(folder) if entry["step"] <= at]
    before = max((entry["seconds"] for entry in history), default=0.0)
    # Steps past the checkpoint are made again, and half a line from a kill would spoil the next one.
    write_jsonl(folder / "steps.jsonl", history)
    attempts = folder / "attempts.jsonl"
    with attempts.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps({"from_step": at, "when": time.strftime("%Y-%m-%d %H:%M:%S")}) + "\n")

    class Recorder(TrainerCallback):
        """Writes each step down as it happens, marks whole checkpoints, stops on a broken loss."""

        def on_train_begin(self, args, state, control, **kwargs):
            self.started = time.perf_counter()

        def on_log(self, args, state, control, logs=None, **kwargs):
            entry = {"step": state.global_step, "seconds": round(before + time.perf_counter() - self.started, 2)}
            if "loss" in (logs or {}):
                entry |= {"loss": logs["loss"], "learning_rate": logs["learning_rate"]}
            elif "eval_loss" in (logs or {}):
                entry |= {"validation_loss": logs["eval_loss"]}
            else:
                return
            value = entry.get("loss", entry.get("validation_loss"))
            if not math.isfinite(value):
                raise TrainingFailed(
                    f"The loss became {value} at step {state.global_step}, so the model is broken from there on. "
                    f"Lower the learning rate in the plan (it is {plan.learning_rate}) and train again."
                )
            with (folder / "steps.jsonl").open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(entry) + "\n")
            history.append(entry)
            if progress:
                progress(history, plan.steps)

        def on_save(self, args, state, control, **kwargs):
            # Called once the checkpoint is on disk; a kill before this leaves it unmarked. The last step's is
            # left so too: resumed there, the trainer would make one step too many.
            if state.global_step < plan.steps:
                (Path(args.output_dir) / f"checkpoint-{state.global_step}" / COMPLETE).touch()

    return Recorder()


def _report(plan: Plan, folder: Path, left_out: int) -> Run:
    steps = read_steps(folder)
    losses = [entry["loss"] for entry in steps if "loss" in entry]
    watched = [entry["validation_loss"] for entry in steps if "validation_loss" in entry]
    attempts = [entry["from_step"] for entry in read_jsonl(folder / "attempts.jsonl")]
    return Run(
        folder=folder.name,
        plan=plan.to_dict(),
        steps=len(losses),
        loss_first=sum(losses[:3]) / len(losses[:3]),
        loss_last=sum(losses[-3:]) / len(losses[-3:]),
        validation_loss=watched[-1],
        seconds=max(entry["seconds"] for entry in steps),
        peak_memory=_peak_memory(),
        left_out=left_out,
        resumed_at=tuple(step for step in attempts[1:] if step),
        versions=versions(),
        machine=repr(this_machine()),
    )


def _peak_memory() -> float:
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
