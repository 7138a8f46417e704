"""Preference training on a tuned model: of two answers to a row, one preferred (DPO); other ways are passed on to TRL."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from workbench.dataset import Dataset, Example
from workbench.errors import BadInput, Mismatch, Prerequisite
from workbench.files import file_sha256, fingerprint
from workbench.models import ChatFormat, LoadedModel, ModelChoice, load_for_training, training_mode
from workbench.result import Result
from workbench.runtime import noise_to, this_machine, versions
from workbench.train.encode import IGNORED, bare_prompt, encode
from workbench.train.plan import LONGEST_ROW, QLORA, Setting
from workbench.train.recorder import STOP, Progress, attempts, last_checkpoint, peak_memory, read_steps, recorder
from workbench.train.run import STOPPED, adapter_folder

if TYPE_CHECKING:
    import pandas
    from datasets import Dataset as TokenTable

DPO = "dpo"
PLAN = "preference-plan.json"
REFERENCE = "the tuned model as it was before, kept beside as a frozen copy of its adapter; not the untuned base"
# For models under a billion parameters, and for larger ones: a tenth of what an adapter is first tuned with, or less.
RATES = (1e-4, 2e-5)
BETA = 0.1
# More passes over a few hundred pairs and the model learns the pairs by heart: the accuracy stands at 1 and the rest drifts.
PASSES = 3
FEWEST_STEPS = 10
STOPPED_NOTE = " (stopped; run the cell again to go on, or go on with the model as it is)"

PREFERENCE_SETTINGS = {
    "beta": Setting("how dear it is to move away from the tuned model", "0.05 to 0.5; more keeps it closer", 0, 10, False),
    "learning_rate": Setting("how far a step goes", "5e-6 to 2e-4 for adapters", 0, 1, False),
    "steps": Setting("optimiser steps", "1 to 3 passes over the pairs"),
    "batch_size": Setting("pairs at once; each is four passes through the model", "2 to 16"),
    "warmup_steps": Setting("steps over which the learning rate rises; then it falls in a straight line to zero", "about a tenth"),
    "save_every": Setting("steps between checkpoints", "a few minutes' worth of steps"),
    "seed": Setting("decides the order of the pairs", "any", 0),
    "max_length": Setting("longest pair in tokens, prompt and one answer; longer ones are left out and counted", "the longest pair"),
}

# Trainer and configuration of what is passed on to TRL as it stands.
PASSED_ON = {
    "orpo": ("trl.experimental.orpo", "ORPOTrainer", "ORPOConfig"),
    "kto": ("trl", "KTOTrainer", "KTOConfig"),
    "reward": ("trl", "RewardTrainer", "RewardConfig"),
    "grpo": ("trl", "GRPOTrainer", "GRPOConfig"),
}


@dataclass(frozen=True, repr=False)
class PreferencePlan(Result):
    """Settings of a preference training that goes on from a tuned model's adapter.

    Attributes:
        data: fingerprint of the pairs.
        start: fingerprint of the adapter's weights that it goes on from, which are the reference too.
        flavour: how the base under the adapter is held: as it was when the adapter was tuned.
        pairs: how many there are.
        reasons: why a setting is what it is, by its name. No part of the fingerprint.
    """

    model: str
    data: str
    start: str
    pairs: int
    steps: int
    batch_size: int
    learning_rate: float
    warmup_steps: int
    save_every: int
    seed: int = 0
    beta: float = BETA
    max_length: int = LONGEST_ROW
    flavour: str = QLORA
    kind: str = DPO
    reasons: dict = field(default_factory=dict, compare=False)

    def __repr__(self) -> str:
        return f"Preference plan: {self.steps} steps of {self.batch_size} pairs ({self.passes:.1f} passes over {self.pairs} pairs), {self.kind}"

    @property
    def passes(self) -> float:
        """How often each pair is seen."""
        return self.steps * self.batch_size / max(1, self.pairs)

    @property
    def fingerprint(self) -> str:
        """A hash of every setting; a saved run with another one is not taken up again."""
        return fingerprint({name: value for name, value in self.to_dict().items() if name != "reasons"})

    def change(self, **settings: object) -> PreferencePlan:
        """A copy with some settings changed.

        Raises:
            BadInput: there is no such setting, or its value can't be.
        """
        for name, value in settings.items():
            _check(name, value)
        changed = {name: value for name, value in settings.items() if value != getattr(self, name)}
        return replace(self, **changed, reasons={**self.reasons, **dict.fromkeys(changed, "set by you")})

    def table(self) -> pandas.DataFrame:
        """One row a setting: its value, what it does, why it has this value, and what is usual."""
        import pandas

        rows = [
            (name, str(getattr(self, name)), setting.what, self.reasons.get(name, "the usual value"), setting.healthy)
            for name, setting in PREFERENCE_SETTINGS.items()
        ]
        return pandas.DataFrame(rows, columns=["setting", "value", "what it is", "why this value", "healthy"])


def _check(name: str, value: object) -> None:
    setting = PREFERENCE_SETTINGS.get(name)
    if setting is None:
        raise BadInput(f"A preference plan has no setting {name!r}; it has {', '.join(PREFERENCE_SETTINGS)}.")
    if setting.whole and (isinstance(value, bool) or not isinstance(value, int) or value < setting.least):
        raise BadInput(f"{name} = {value!r} can't be; give a whole number{' above 0' if setting.least else ''}.")
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not setting.whole and not (number and setting.least < value < setting.most):
        raise BadInput(f"{name} = {value!r} can't be; give a number between {setting.least} and {setting.most}, such as 0.1.")


def preference_plan(
    choice: ModelChoice, pairs: Dataset, start: Path, steps: int = 0, batch_size: int = 4, seed: int = 0, flavour: str = QLORA
) -> PreferencePlan:
    """Settings that fit the pairs and the model.

    Args:
        choice: the base model.
        pairs: rows with an answer preferred and one rejected.
        start: the folder with the tuned model's adapter.
        steps: at most so many; 0 for as many as the pairs are worth.
        flavour: of the run that tuned the adapter, "qlora" or "lora".

    Raises:
        BadInput: there is no pair, or a row is none.
        Prerequisite: there is no adapter to go on from.
    """
    _check_pairs(pairs)
    worth = max(FEWEST_STEPS, math.ceil(PASSES * len(pairs) / batch_size))
    taken = min(steps, worth) if steps else worth
    short = taken < worth
    return PreferencePlan(
        model=choice.reference,
        data=pairs.fingerprint,
        start=_adapter_fingerprint(start),
        pairs=len(pairs),
        steps=taken,
        batch_size=batch_size,
        learning_rate=RATES[0 if choice.is_small else 1],
        warmup_steps=max(1, taken // 10),
        save_every=10,
        seed=seed,
        flavour=flavour,
        reasons={
            "beta": "the usual value: the paper's and TRL's",
            "learning_rate": "a tenth of what tuning took: the model is to lean, not to learn anew" if choice.is_small
            else "usual for adapters on models of a billion parameters and more",
            "steps": f"what this depth has time for; {worth} would be {PASSES} passes" if short else f"{PASSES} passes over {len(pairs)} pairs",
            "batch_size": "fits small memories: each pair is two rows, and the reference reads them too",
            "warmup_steps": "10 % of the steps",
            "save_every": "at most this many steps are lost when a run is killed",
            "seed": "the first of the seeds",
            "max_length": "nothing that fits the model's window is left out",
        },
    )


def _check_pairs(pairs: Dataset) -> None:
    if not len(pairs):
        raise BadInput("There are no preference pairs, so there is nothing to prefer. Vote on more rows, or draw more answers.")
    for example in pairs:
        if not example.rejected.strip() or example.rejected.strip() == example.answer.strip():
            raise BadInput(
                f"Row {example.row_id!r} has no rejected answer, or the same one as it prefers, so there is nothing to learn from "
                "it. Leave it out, or give it two different answers."
            )


def _adapter_fingerprint(start: Path) -> str:
    weights = Path(start) / "adapter_model.safetensors"
    if not weights.exists():
        raise Prerequisite(
            f"There is no adapter in {start}, and preference training goes on from a tuned model. "
            "Run 03_train_with_qlora.ipynb first (with qlora or lora; of a wholly tuned model there is none)."
        )
    return file_sha256(weights)[:16]


@dataclass(frozen=True, repr=False)
class PreferenceRun(Result):
    """What a finished preference training was and left behind.

    Attributes:
        folder: where the adapter and the step log lie.
        plan: the settings, as a dictionary.
        loss_first, loss_last: mean loss of the first and of the last three steps; log 2 = 0.693 is "no preference yet".
        margin_last: by how much the preferred answer is rewarded more than the rejected one, mean of the last three steps: beta
            times the difference in log-likelihood gained over the reference, in nats.
        accuracy_last: share of the last three steps' pairs whose preferred answer is the more rewarded one.
        reference: what the model is held against.
        seconds: wall time of the steps, over all attempts.
        peak_memory: GiB; of the process on a CPU, of the card on a GPU.
        left_out: pairs longer than max_length.
        resumed_at: steps at which a killed run was taken up again.
        ended: "steps" at the planned last one, "stopped" by somebody.
    """

    folder: str
    plan: dict
    steps: int
    loss_first: float
    loss_last: float
    margin_last: float
    accuracy_last: float
    reference: str
    seconds: float
    peak_memory: float
    left_out: int
    resumed_at: tuple[int, ...]
    versions: dict
    machine: str
    ended: str = "steps"

    @classmethod
    def from_dict(cls, fields: dict) -> PreferenceRun:
        """Read a run back."""
        return cls(**{**fields, "resumed_at": tuple(fields["resumed_at"])})

    def __repr__(self) -> str:
        return (
            f"Preference run: {self.steps} steps in {self.seconds:.0f} s, loss {self.loss_first:.2f} to {self.loss_last:.2f}, "
            f"reward margin {self.margin_last:+.2f}{STOPPED_NOTE if self.ended == STOPPED else ''}"
        )

    def table(self) -> pandas.DataFrame:
        """The run in numbers."""
        import pandas

        rows = [
            ("steps", f"{self.steps}"),
            ("loss, first to last (0.693 is no preference)", f"{self.loss_first:.3f} to {self.loss_last:.3f}"),
            ("reward of preferred less rejected, last steps", f"{self.margin_last:+.3f}"),
            ("pairs told apart, last steps", f"{self.accuracy_last:.0%}"),
            ("held against", self.reference),
            ("time", f"{self.seconds:.0f} s"),
            ("peak memory", f"{self.peak_memory:.2f} GiB"),
            ("pairs left out for their length", f"{self.left_out}"),
            ("ended", "stopped by you" if self.ended == STOPPED else "at the planned last step"),
            ("taken up again at step", ", ".join(map(str, self.resumed_at)) or "never"),
        ]
        return pandas.DataFrame(rows, columns=["what", "value"])


def align(
    plan: PreferencePlan, pairs: Dataset, choice: ModelChoice, start: Path, folder: Path, log: Path, progress: Progress | None = None
) -> PreferenceRun:
    """Train by the plan in `folder` (DPO: Rafailov et al. 2023), or take up what an earlier attempt left there.

    The adapter in `start` is trained on; a frozen copy of it is the reference. A finished run with the same plan is returned as
    it is; an unfinished one goes on from its last whole checkpoint; one with another plan is set aside. A file named "stop" in the
    folder ends it with everything saved.

    Args:
        progress: called with the step log and the number of steps after each step.

    Raises:
        BadInput: the pairs are none, or none fits the plan's max_length.
        Mismatch: the pairs or the adapter are not the ones the plan was made for.
        Prerequisite: another kernel is training in this folder right now.
        TrainingFailed: the loss became infinite or not a number.
    """
    from filelock import FileLock, Timeout

    _check_pairs(pairs)
    for found, planned, what in ((pairs.fingerprint, plan.data, "pairs"), (_adapter_fingerprint(start), plan.start, "a tuned model")):
        if found != planned:
            raise Mismatch(
                f"The plan was made for {what} {planned}, and what is here is {found}: it has changed since. "
                "Make the plan again (run the notebook from the top)."
            )
    folder.mkdir(parents=True, exist_ok=True)
    if hasattr(progress, "attach"):
        progress.attach(folder)
    try:
        with FileLock(folder / "training.lock", timeout=10):
            if (run := _finished(folder, plan)) is not None:
                return run
            _set_other_aside(folder, plan)
            (folder / STOP).unlink(missing_ok=True)
            pairs.save(folder / "rows" / "pairs.jsonl")
            with noise_to(log):
                return _align(plan, pairs, choice, start, folder, log, progress)
    except Timeout as error:
        raise Prerequisite(
            "Another kernel is training in this project right now; two at once would spoil both. "
            "Wait for it, or shut it down (Kernel > Shut Down All Kernels), then run this cell again."
        ) from error


def _finished(folder: Path, plan: PreferencePlan) -> PreferenceRun | None:
    path = folder / "run.json"
    run = PreferenceRun.load(path) if path.exists() else None
    return run if run and run.ended != STOPPED and PreferencePlan(**run.plan).fingerprint == plan.fingerprint else None


def _set_other_aside(folder: Path, plan: PreferencePlan) -> None:
    path = folder / PLAN
    if path.exists() and (other := PreferencePlan.load(path).fingerprint) != plan.fingerprint:
        aside = folder.parent / f"{folder.name}-earlier" / f"{other}-{time.strftime('%Y%m%d-%H%M%S')}"
        aside.mkdir(parents=True)
        # The plan goes last: a kill in between finds the old plan still here and goes on moving.
        for item in sorted(folder.iterdir(), key=lambda item: item.name == PLAN):
            if item.name != "training.lock":
                shutil.move(str(item), str(aside / item.name))
    plan.save(path)


def _align(
    plan: PreferencePlan, pairs: Dataset, choice: ModelChoice, start: Path, folder: Path, log: Path, progress: Progress | None
) -> PreferenceRun:
    loaded = load_to_align(choice, start, plan.max_length, log, plan.flavour)
    rows, left_out = pair_table(loaded, pairs, plan.max_length)
    checkpoint = last_checkpoint(folder)
    at = int(checkpoint.name.rsplit("-", 1)[1]) if checkpoint else 0
    recorded = _recorder(folder, plan, at, progress)
    trainer = _trainer(plan, loaded, rows, folder, recorded)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    # Without its copy from before, so that it is loaded as any other adapter.
    loaded.model.save_pretrained(adapter_folder(folder), selected_adapters=["default"])
    run = _report(plan, folder, left_out, recorded.ended)
    loaded.free()
    run.save(folder / "run.json")
    if run.ended != STOPPED:
        for old in folder.glob("checkpoints/checkpoint-*"):
            shutil.rmtree(old, ignore_errors=True)
    return run


def load_to_align(choice: ModelChoice, start: Path, max_length: int, log: Path, flavour: str = QLORA) -> LoadedModel:
    """The base with the tuned adapter on it, to train on.

    Args:
        start: the adapter's folder.
    """
    loaded = load_for_training(choice, log, max_length, flavour=flavour)
    with noise_to(log):
        from peft import PeftModel

        loaded.model = PeftModel.from_pretrained(loaded.model, str(start), is_trainable=True)
        _patched(loaded.model)
        training_mode(loaded, True)
    return loaded


def _patched(model: Any) -> None:
    """On a GPU, Unsloth's own kernels for an adapter that it didn't make itself."""
    if this_machine().gpu:
        from unsloth import FastLanguageModel

        FastLanguageModel.patch_peft_model(model, use_gradient_checkpointing="unsloth")


def pair_table(loaded: ChatFormat, pairs: Dataset, max_length: int) -> tuple[TokenTable, int]:
    """The pairs as tokens, made as in training on answers and in use, and how many were left out for their length.

    Returns:
        A table with the columns prompt_ids, chosen_ids and rejected_ids (each answer with the token that ends it).

    Raises:
        BadInput: no pair fits.
    """
    from datasets import Dataset as TokenTable

    encoded = [(*_parts(loaded, pair), _parts(loaded, replace(pair, answer=pair.rejected))[1]) for pair in pairs]
    fitting = [row for row in encoded if len(row[0]) + max(len(row[1]), len(row[2])) <= max_length]
    if not fitting:
        raise BadInput(
            f"None of the {len(encoded)} pairs fits into {max_length} tokens, so training would do nothing. "
            "Shorten the rows, or raise max_length in the plan."
        )
    columns = dict(zip(("prompt_ids", "chosen_ids", "rejected_ids"), map(list, zip(*fitting, strict=True)), strict=True))
    return TokenTable.from_dict(columns), len(encoded) - len(fitting)


def _parts(loaded: ChatFormat, example: Example) -> tuple[list[int], list[int]]:
    """Tokens of the prompt and of the answer; earlier answers of a conversation are prompt."""
    row = encode(loaded, example)
    answer = next(i for i, label in enumerate(row.labels) if label != IGNORED)
    return row.input_ids[:answer], row.input_ids[answer:]


def _trainer(plan: PreferencePlan, loaded: LoadedModel, rows: TokenTable, folder: Path, callback: Any) -> Any:
    from transformers import PrinterCallback
    from trl import DPOConfig, DPOTrainer

    class TokensAsTheyAre(DPOTrainer):
        def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
            # TRL would render and cut the text its own way; these tokens are the ones that the model is asked with.
            return dataset

    settings = DPOConfig(
        max_steps=plan.steps,
        per_device_train_batch_size=plan.batch_size,
        learning_rate=plan.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=plan.warmup_steps,
        optim="adamw_torch",
        weight_decay=0.0,
        beta=plan.beta,
        max_length=plan.max_length,
        save_strategy="steps",
        save_steps=plan.save_every,
        save_total_limit=2,
        seed=plan.seed,
        data_seed=plan.seed,
        remove_unused_columns=False,
        **_common(folder),
    )
    trainer = TokensAsTheyAre(
        model=loaded.model, args=settings, train_dataset=rows, processing_class=loaded.tokenizer, callbacks=[callback]
    )
    trainer.remove_callback(PrinterCallback)
    # TRL rounds the adapter of a quantised model to 16 bits, in which steps as small as these come to nothing.
    for parameter in loaded.model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return trainer


def _common(folder: Path) -> dict:
    import torch

    gpu = torch.cuda.is_available()
    bfloat16 = gpu and torch.cuda.is_bf16_supported(including_emulation=False)
    return {
        "output_dir": str(folder / "checkpoints"), "bf16": bfloat16, "fp16": gpu and not bfloat16, "gradient_checkpointing": gpu,
        "logging_steps": 1, "report_to": "none", "disable_tqdm": True,
    }  # fmt: skip


TOLD = {
    "rewards/margins": "margin", "rewards/accuracies": "accuracy", "rewards/chosen": "reward_chosen", "rewards/rejected": "reward_rejected",
}  # fmt: skip


def _recorder(folder: Path, plan: PreferencePlan, at: int, progress: Progress | None) -> Any:
    """The recorder of every training, which here writes down the rewards too."""
    plain = type(recorder(folder, plan, at, progress, asked=(folder / STOP).exists))

    class PreferenceRecorder(plain):
        rewards: ClassVar[dict] = {}

        def on_log(self, args, state, control, logs=None, **kwargs):
            self.rewards = {name: float(logs[theirs]) for theirs, name in TOLD.items() if theirs in (logs or {})}
            super().on_log(args, state, control, logs, **kwargs)

        def write(self, step, **values):
            super().write(step, **values, **(self.rewards if "loss" in values else {}))

        def on_save(self, args, state, control, **kwargs):
            # The reference doesn't change, and it is made anew from where training started. With its copy in the checkpoint the
            # trainer, taking it up again, would load that alone: on from the tuned model, with the steps counted as made.
            shutil.rmtree(Path(args.output_dir) / f"checkpoint-{state.global_step}" / "ref", ignore_errors=True)
            super().on_save(args, state, control, **kwargs)

    return PreferenceRecorder()


def _report(plan: PreferencePlan, folder: Path, left_out: int, ended: str) -> PreferenceRun:
    steps = [entry for entry in read_steps(folder) if "loss" in entry]

    def mean(name: str, entries: Sequence[dict]) -> float:
        return sum(entry[name] for entry in entries) / len(entries)

    return PreferenceRun(
        folder=folder.name,
        plan=asdict(plan),
        steps=len(steps),
        loss_first=mean("loss", steps[:3]),
        loss_last=mean("loss", steps[-3:]),
        margin_last=mean("margin", steps[-3:]),
        accuracy_last=mean("accuracy", steps[-3:]),
        reference=REFERENCE,
        seconds=steps[-1]["seconds"],
        peak_memory=peak_memory(),
        left_out=left_out,
        resumed_at=tuple(entry["from_step"] for entry in attempts(folder)[1:] if entry["from_step"]),
        versions=versions(),
        machine=repr(this_machine()),
        ended=ended,
    )


def rows_for(kind: str, loaded: ChatFormat, pairs: Dataset) -> TokenTable:
    """The pairs as the text columns that a TRL trainer of a kind takes, each prompt as the model is asked in use.

    Args:
        kind: one of PASSED_ON. "orpo" gets prompt, chosen and rejected; "kto" each answer by itself with whether it is wanted;
            "reward" whole conversations, chosen and rejected; "grpo" prompts alone, with the row's id.

    Raises:
        BadInput: there is no such kind.
    """
    from datasets import Dataset as TextTable

    _known(kind)
    rows: list[dict] = []
    for pair in pairs:
        prompt = loaded.chat_text(bare_prompt(pair))
        good, bad = loaded.defused(pair.answer), loaded.defused(pair.rejected)
        rows += {
            "orpo": [{"prompt": prompt, "chosen": good, "rejected": bad}],
            "kto": [{"prompt": prompt, "completion": good, "label": True}, {"prompt": prompt, "completion": bad, "label": False}],
            "reward": [{"chosen": prompt + good, "rejected": prompt + bad}],
            "grpo": [{"prompt": prompt, "row_id": pair.row_id}],
        }[kind]
    return TextTable.from_list(rows)


def trainer_for(kind: str, model: Any, tokenizer: Any, rows: TokenTable, folder: Path, trainer: dict | None = None, **settings: Any) -> Any:
    """A TRL trainer of a kind, its settings passed on as they are; ready to `train()`.

    Args:
        kind: one of PASSED_ON.
        model: a model with an adapter on it, such as `load_to_align` gives; for "reward" one that classifies into one class.
        rows: as `rows_for` gives them.
        trainer: arguments of the trainer itself, such as reward_funcs for "grpo".
        settings: of TRL's configuration of that kind, over what is set here for the hardware.

    Raises:
        BadInput: there is no such kind.
    """
    from transformers import PrinterCallback

    module, trainer_name, config_name = _known(kind)
    found = import_module(module)
    config = getattr(found, config_name)(**{**_common(folder), "save_strategy": "no", **settings})
    made = getattr(found, trainer_name)(model=model, args=config, train_dataset=rows, processing_class=tokenizer, **(trainer or {}))
    made.remove_callback(PrinterCallback)
    return made


def _known(kind: str) -> tuple[str, str, str]:
    if kind not in PASSED_ON:
        raise BadInput(f"{kind!r} is none of the ways that are passed on to TRL ({', '.join(PASSED_ON)}). For {DPO} there is `align`.")
    return PASSED_ON[kind]
