"""A Run: training that writes down every step, survives a killed kernel, and leaves an adapter."""

from __future__ import annotations

import contextlib
import errno
import gc
import itertools
import os
import shutil
import signal
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.dataset import Dataset
from workbench.errors import Mismatch, Prerequisite
from workbench.files import fingerprint
from workbench.models import ModelChoice, load_for_training, training_mode, with_new_adapter
from workbench.result import Result
from workbench.runtime import noise_to, this_machine, versions
from workbench.train.encode import token_table
from workbench.train.mirror import bring_back, copy_whole
from workbench.train.plan import FULL, Plan
from workbench.train.processes import agreed, is_first, join, share_of, wait_for_all, world_size
from workbench.train.recorder import (
    BEST,
    STOP,
    Progress,
    Watch,
    attempts,
    best_so_far,
    last_checkpoint,
    peak_memory,
    read_steps,
    recorder,
    save_weights,
    weights_name,
)

if TYPE_CHECKING:
    import pandas

EARLY, STOPPED = "early", "stopped"


@dataclass(frozen=True, repr=False)
class Run(Result):
    """What a training run was and left behind.

    Attributes:
        folder: where the weights, the step log and the checkpoints lie; relative to the project.
        plan: the settings, as a dictionary.
        steps: those made.
        loss_first, loss_last: mean training loss of the first and of the last three steps (nats per token).
        validation_loss: the last one; None if the run was stopped before the first.
        seconds: wall time of the steps, over all attempts.
        peak_memory: GiB; of the process on a CPU, of the card on a GPU.
        resumed_at: steps at which a killed run was taken up again.
        ended: "steps" at the planned last one, "early" without a new best, "stopped" by somebody.
        best_step, score: the scoring whose weights were kept (value, low, high, n); 0 and empty without scorings on the way.
        notes: what happened on the way, such as a halved batch, as sentences.
        trainable: parameters that were learnt. artefact_bytes: the size of what was learnt on disk.
        tokens_per_second: input tokens; of the middle step, so that scoring and saving in between don't count.
    """

    folder: str
    plan: dict
    steps: int
    loss_first: float
    loss_last: float
    validation_loss: float | None
    seconds: float
    peak_memory: float
    left_out: int
    resumed_at: tuple[int, ...]
    versions: dict
    machine: str
    ended: str = "steps"
    best_step: int = 0
    score: dict = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    trainable: int = 0
    artefact_bytes: int = 0
    tokens_per_second: float = 0.0

    @classmethod
    def from_dict(cls, fields: dict) -> Run:
        """Read a run back."""
        return cls(**{**fields, "resumed_at": tuple(fields["resumed_at"]), "notes": tuple(fields.get("notes", ()))})

    def __repr__(self) -> str:
        how = {EARLY: f" (ended early; the weights of step {self.best_step} are kept)",
               STOPPED: " (stopped; run the cell again to go on, or go on with the model as it is)"}
        return (
            f"Run: {self.steps} steps in {self.seconds:.0f} s, training loss {self.loss_first:.2f} to "
            f"{self.loss_last:.2f}, peak memory {self.peak_memory:.1f} GiB{how.get(self.ended, '')}"
        )

    @property
    def fingerprint(self) -> str:
        """That of the plan; of a run that was stopped, one that its finished run won't have."""
        whole = Plan(**self.plan).fingerprint
        return fingerprint([whole, self.steps]) if self.ended == STOPPED else whole

    def table(self) -> pandas.DataFrame:
        """The run in numbers."""
        import pandas

        kept = f"{self.score['value']:.3f} [{self.score['low']:.3f}, {self.score['high']:.3f}] at step {self.best_step}" if self.score else "not scored on the way"
        rows = [
            ("steps", f"{self.steps}"),
            ("ended", {"steps": "at the planned last step", EARLY: "early: no new best score", STOPPED: "stopped by you"}[self.ended]),
            ("training loss, first to last", f"{self.loss_first:.3f} to {self.loss_last:.3f}"),
            ("validation loss", "not measured" if self.validation_loss is None else f"{self.validation_loss:.3f}"),
            ("validation score of the weights kept", kept),
            ("time", f"{self.seconds:.0f} s, {self.tokens_per_second:.0f} tokens/s"),
            ("peak memory", f"{self.peak_memory:.2f} GiB"),
            ("parameters learnt", f"{self.trainable:,}; {self.artefact_bytes / 1e6:.1f} MB on disk"),
            ("rows left out for their length", f"{self.left_out}"),
            ("taken up again at step", ", ".join(map(str, self.resumed_at)) or "never stopped"),
            *(("on the way", note) for note in self.notes),
        ]
        return pandas.DataFrame(rows, columns=["what", "value"])


def weights_folder(folder: Path, plan: Plan | dict) -> Path:
    """Where a run's adapter, or its whole model after full fine-tuning, lies."""
    return folder / weights_name(Plan(**plan) if isinstance(plan, dict) else plan)


def adapter_folder(folder: Path) -> Path:
    """Where a run's adapter lies."""
    return folder / "adapter"


def prepare(plan: Plan, choice: ModelChoice, train_rows: Dataset, validation_rows: Dataset, folder: Path) -> None:
    """Write what a run starts from into its folder, so that it can be made there, or again, without the project.

    Raises:
        Mismatch: the rows are not the ones the plan was made for.
    """
    _need_planned_rows(plan, train_rows, validation_rows)
    _clear_other_plan(folder, plan)
    choice.save(folder / "choice.json")
    train_rows.save(folder / "rows" / "train.jsonl")
    validation_rows.save(folder / "rows" / "validation.jsonl")


def _need_planned_rows(plan: Plan, train_rows: Dataset, validation_rows: Dataset) -> None:
    for rows, planned, what in ((train_rows, plan.data, "training"), (validation_rows, plan.validation, "validation")):
        if rows.fingerprint != planned:
            raise Mismatch(
                f"The plan was made for {what} rows {planned}, and these are {rows.fingerprint}: they have changed "
                "since. Make the plan again (run the notebook from the top)."
            )


def rerun(folder: Path, target: Path, log: Path, progress: Progress | None = None, watch: Watch | None = None) -> Run:
    """Make a run again from its own folder: the same plan, rows, model and seeds.

    Args:
        target: the new run's folder.

    Raises:
        Prerequisite: the folder lacks what a run starts from.
    """
    needed = [folder / "plan.json", folder / "choice.json", folder / "rows" / "train.jsonl", folder / "rows" / "validation.jsonl"]
    if missing := [path.name for path in needed if not path.exists()]:
        raise Prerequisite(
            f"{folder.name} can't be run again, because it holds no {', '.join(missing)}. Runs made before the folder kept its rows "
            "have none; train once more with notebook 03."
        )
    plan, choice = Plan.load(needed[0]), ModelChoice.load(needed[1])
    return train(plan, choice, Dataset.load(needed[2]), Dataset.load(needed[3]), target, log, progress, watch)


def train(
    plan: Plan,
    choice: ModelChoice,
    train_rows: Dataset,
    validation_rows: Dataset,
    folder: Path,
    log: Path,
    progress: Progress | None = None,
    watch: Watch | None = None,
    mirror: Path | None = None,
    tracker: bool = False,
) -> Run:
    """Train by the plan in `folder`, or take up what an earlier attempt left there.

    A finished run with the same plan is returned as it is; an unfinished one goes on from its last
    whole checkpoint; one with another plan is set aside. Under torchrun, every process calls this. A file named "stop" in the
    folder, or an interrupt, ends it with everything saved. Where memory runs out, the batch is halved, as many more are
    summed, and training goes on from its last checkpoint.

    Args:
        progress: called with the step log and the number of steps after each logged entry.
        watch: called with the model and the step every `plan.score_every` steps; the best weights are the ones kept.
        mirror: a folder on another disk, to which whole checkpoints are copied and from which they are fetched.
        tracker: whether TensorBoard's files are written too, in the folder's `tensorboard`.

    Raises:
        Mismatch: the rows are not the ones the plan was made for.
        Prerequisite: another kernel is training in this folder right now, the disk is full, memory doesn't hold one row, or
            TensorBoard isn't installed.
        TrainingFailed: the loss became infinite or not a number.
    """
    from filelock import FileLock, Timeout

    share_of(plan.batch_size)
    join()
    _need_planned_rows(plan, train_rows, validation_rows)
    folder.mkdir(parents=True, exist_ok=True)
    if hasattr(progress, "attach"):
        progress.attach(folder)
    try:
        with FileLock(folder / "training.lock", timeout=10) if is_first() else contextlib.nullcontext():
            run = _finished(folder, plan) if is_first() else None
            if agreed(run is not None):
                return run or Run.load(folder / "run.json")
            if is_first():
                if mirror:
                    bring_back(folder, mirror, plan)
                prepare(plan, choice, train_rows, validation_rows, folder)
                (folder / STOP).unlink(missing_ok=True)
            own_log = log if is_first() else log.with_name(f"{log.stem}-{os.environ['RANK']}{log.suffix}")
            with noise_to(own_log), _interrupts() as interrupted:
                return _train_in_memory(plan, choice, train_rows, validation_rows, folder, log, progress, watch, mirror, tracker, interrupted)
    except Timeout as error:
        raise Prerequisite(
            "Another kernel is training in this project right now; two at once would spoil both. "
            "Wait for it, or shut it down (Kernel > Shut Down All Kernels), then run this cell again."
        ) from error
    except OSError as error:
        # Before the first step and after the last one the disk can be full too, and so can the log's.
        if _disk_full(error):
            raise Prerequisite(_no_room(folder, plan)) from error
        raise
    finally:
        if hasattr(progress, "end"):
            progress.end()


def _finished(folder: Path, plan: Plan) -> Run | None:
    path = folder / "run.json"
    run = Run.load(path) if path.exists() else None
    return run if run and run.ended != STOPPED and Plan(**run.plan).fingerprint == plan.fingerprint else None


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


@contextlib.contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """While this lasts, the first interrupt (a notebook's stop button, Ctrl-C) is only noted; a second one interrupts."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: object) -> None:
        if asked.is_set():
            signal.signal(signal.SIGINT, before)
            raise KeyboardInterrupt
        asked.set()

    signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _train_in_memory(
    plan: Plan, choice: ModelChoice, train_rows: Dataset, validation_rows: Dataset, folder: Path, log: Path,
    progress: Progress | None, watch: Watch | None, mirror: Path | None, tracker: bool, interrupted: threading.Event,
) -> Run:
    """Train with as many rows at once as memory holds."""
    # What one process halved need not be divisible among several.
    earlier = [entry.get("batch_size", plan.batch_size) for entry in attempts(folder)] if world_size() == 1 else []
    at_once = min([plan.batch_size, *earlier])
    notes: list[str] = []
    while True:
        now = replace(plan, batch_size=at_once, accumulation=plan.rows_per_step // at_once)
        try:
            return _train(plan, now, choice, train_rows, validation_rows, folder, log, progress, watch, mirror, tracker, interrupted, notes)
        except Exception as error:
            if _disk_full(error):
                raise Prerequisite(_no_room(folder, plan)) from error
            # With several processes the others wait inside the step that failed here, so none can go on.
            if not _out_of_memory(error) or world_size() > 1:
                raise
            if at_once == 1:
                raise Prerequisite(
                    "Memory ran out with one row at a time, so this plan can't be trained on this machine. Shorten the longest "
                    "rows (max_length in the plan), close other programs, or choose a smaller model in notebook 00."
                ) from error
            # The frames of the failed attempt hold its model.
            error.__traceback__ = None
        fewer = next(n for n in range(at_once // 2, 0, -1) if plan.rows_per_step % n == 0)
        notes = [f"Memory ran out with {at_once} rows at once: went on with {fewer} at once and {plan.rows_per_step // fewer} "
                 "such batches a step, which learns the same, more slowly."]
        at_once = fewer
        _let_go()


def _let_go() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _out_of_memory(error: BaseException) -> bool:
    text = str(error).lower()
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or (
        isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)
    )


def _disk_full(error: BaseException) -> bool:
    """Whether a full disk is behind an error; torch and safetensors say so in words only."""
    while error is not None:
        text = str(error).lower()
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "no space left" in text or "disk quota" in text:
            return True
        if "write" in text and ("pytorchstreamwriter" in text or "inline_container" in text):
            return True
        error = error.__cause__ or error.__context__
    return False


def _no_room(folder: Path, plan: Plan) -> str:
    checkpoint = last_checkpoint(folder)
    goes_on = f"from step {checkpoint.name.rsplit('-', 1)[1]}" if checkpoint else "from the start"
    size = sum(path.stat().st_size for path in checkpoint.rglob("*") if path.is_file()) if checkpoint else 0
    need = f"about {max(1, 3 * size // 2**20)} MiB" if size else "some hundred MiB"
    return (
        f"The disk is full, so step {plan.save_every} or a later one could not be saved. Free {need} on the disk that holds "
        f"{folder.name}, and run this cell again: training goes on {goes_on}."
    )


def _train(
    plan: Plan, now: Plan, choice: ModelChoice, train_rows: Dataset, validation_rows: Dataset, folder: Path, log: Path,
    progress: Progress | None, watch: Watch | None, mirror: Path | None, tracker: bool, interrupted: threading.Event, notes: list[str],
) -> Run:
    loaded = load_for_training(choice, log, plan.max_length, flavour=plan.flavour)
    if plan.flavour != FULL:
        loaded = with_new_adapter(loaded, plan.rank, plan.alpha, plan.seed, log, plan.layers)
    training_mode(loaded, True)
    rows, left_out = token_table(loaded, train_rows, plan.max_length, plan.all_answers)
    watched, _ = token_table(loaded, validation_rows, plan.max_length, plan.all_answers)
    checkpoint = last_checkpoint(folder) if is_first() else None
    # A listing can differ between machines that share a disk.
    at = agreed(int(checkpoint.name.rsplit("-", 1)[1]) if checkpoint else 0)
    recorded = recorder(
        folder, plan, at, progress, loaded, watch, mirror,
        lambda: is_first() and (interrupted.is_set() or (folder / STOP).exists()), now.batch_size, log,
    )
    trainer = trainer_for(now, loaded, rows, watched, folder, recorded, tracker)
    recorded.on_train_begin(None, None, None)
    for note in notes:
        recorded.write(at, note=note)
    trainer.train(resume_from_checkpoint=str(folder / "checkpoints" / f"checkpoint-{at}") if at else None)
    if is_first():
        _keep_weights(plan, loaded, folder, recorded.ended)
        run = _report(plan, folder, left_out, recorded.ended, sum(p.numel() for p in loaded.model.parameters() if p.requires_grad))
        run.save(folder / "run.json")
        if mirror:
            with contextlib.suppress(OSError):
                for name in ("steps.jsonl", "plan.json", "run.json", weights_name(plan)):
                    copy_whole(folder, mirror, name)
        if recorded.ended != STOPPED:
            for old in folder.glob("checkpoints/checkpoint-*"):
                shutil.rmtree(old, ignore_errors=True)
    loaded.free()
    wait_for_all()
    return Run.load(folder / "run.json")


def _keep_weights(plan: Plan, loaded: Any, folder: Path, ended: str) -> None:
    """Write the weights as they are, or the best scored ones if the run is at its end and these aren't them."""
    kept, target = best_so_far(folder), folder / weights_name(plan)
    last = max((entry["step"] for entry in read_steps(folder) if "score" in entry), default=0)
    if ended == STOPPED or not kept or kept["step"] == last:
        save_weights(loaded, target, plan)
    else:
        copy_whole(folder, folder / ".kept", BEST)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(folder / ".kept" / BEST, target)
        (folder / ".kept").rmdir()
        (target / "best.json").unlink()


def trainer_for(plan: Plan, loaded: Any, rows: Any, watched: Any, folder: Path, callback: Any, tracker: bool = False) -> Any:
    """TRL's trainer with the plan's settings and everything else fixed.

    Raises:
        Prerequisite: TensorBoard is asked for and isn't installed.
    """
    import torch
    from transformers import DataCollatorForSeq2Seq, PrinterCallback
    from trl import SFTConfig, SFTTrainer

    if tracker:
        _need_tensorboard()
        os.environ["TENSORBOARD_LOGGING_DIR"] = str(folder / "tensorboard")
    gpu = torch.cuda.is_available()
    bfloat16 = gpu and torch.cuda.is_bf16_supported(including_emulation=False)
    settings = SFTConfig(
        output_dir=str(folder / "checkpoints"),
        max_steps=plan.steps,
        per_device_train_batch_size=share_of(plan.batch_size),
        gradient_accumulation_steps=plan.accumulation,
        # Evaluation is where memory most often runs out.
        per_device_eval_batch_size=min(4, plan.batch_size),
        # Every weight that is learnt takes part in every step.
        ddp_find_unused_parameters=False if world_size() > 1 else None,
        learning_rate=plan.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=plan.warmup_steps,
        # The trainer's own default recomputes every activation; on a CPU memory is plenty and that costs a third of the time.
        gradient_checkpointing=gpu,
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
        report_to="tensorboard" if tracker else "none",
        disable_tqdm=True,
    )
    trainer = SFTTrainer(
        model=loaded.model,
        args=settings,
        train_dataset=rows,
        eval_dataset=watched,
        processing_class=loaded.tokenizer,
        data_collator=DataCollatorForSeq2Seq(loaded.tokenizer, padding=True, label_pad_token_id=-100),
        callbacks=[callback],
    )
    trainer.remove_callback(PrinterCallback)
    if plan.flavour != FULL:
        # The trainer turns an adapter on a 4-bit base to 16 bits, in which small steps are lost, and a run that is taken up
        # again is not the same.
        for parameter in trainer.model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
    return trainer


def _need_tensorboard() -> None:
    from importlib.util import find_spec

    if find_spec("tensorboard") is None:
        raise Prerequisite(
            "TensorBoard isn't installed, so the run can't be written down for it. Run: pip install tensorboard, "
            "or train without tracker=True; the workbench's own chart needs nothing."
        )


def _report(plan: Plan, folder: Path, left_out: int, ended: str = "steps", trainable: int = 0) -> Run:
    steps = read_steps(folder)
    losses = [entry["loss"] for entry in steps if "loss" in entry]
    validation = [entry["validation_loss"] for entry in steps if "validation_loss" in entry]
    scores = [entry for entry in steps if "score" in entry]
    kept = scores[-1] if ended == STOPPED and scores else best_so_far(folder)
    seconds = max(entry["seconds"] for entry in steps)
    weights = folder / weights_name(plan)
    return Run(
        folder=folder.name,
        plan=plan.to_dict(),
        steps=len(losses),
        loss_first=sum(losses[:3]) / len(losses[:3]),
        loss_last=sum(losses[-3:]) / len(losses[-3:]),
        validation_loss=validation[-1] if validation else None,
        seconds=seconds,
        peak_memory=peak_memory(),
        left_out=left_out,
        resumed_at=tuple(entry["from_step"] for entry in attempts(folder)[1:] if entry["from_step"]),
        versions=versions(),
        machine=repr(this_machine()),
        ended=ended,
        best_step=kept.get("step", 0),
        score=kept.get("score", {}),
        notes=tuple(entry["note"] for entry in steps if "note" in entry),
        trainable=trainable,
        artefact_bytes=sum(path.stat().st_size for path in weights.glob("*.safetensors")),
        tokens_per_second=_pace([entry for entry in steps if "loss" in entry]),
    )


def _pace(steps: list[dict]) -> float:
    paces = [
        after["tokens"] / (after["seconds"] - before["seconds"])
        for before, after in itertools.pairwise(steps)
        if "tokens" in after and after["seconds"] > before["seconds"]
    ]
    return statistics.median(paces) if paces else 0.0
