"""Whatever ends a training, nothing is lost: killed, stopped, out of memory or out of disk, it ends with the same adapter.

A model of two narrow layers with random weights is trained: how a run goes on doesn't depend on how good its model is.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time

import pytest

from workbench.dataset import Dataset, Example
from workbench.errors import Prerequisite
from workbench.models import ModelChoice, embedded_model_folder
from workbench.runtime import ROOT
from workbench.train.plan import plan
from workbench.train.recorder import STOP, attempts, last_checkpoint, read_steps
from workbench.train.run import STOPPED, Run, adapter_folder, prepare, train

pytestmark = pytest.mark.model
STEPS, SAVE_EVERY = 8, 2
# Of the adapter's norm. A run that goes on repeats the very sums; one with half batches adds them up in another order.
SAME, SUMMED_OTHERWISE = 1e-6, 0.05
# What torch's allocator for the CPU says, shortened.
NO_MEMORY = (
    "DefaultCPUAllocator: can't allocate memory: you tried to allocate 30198988800 bytes. Error code 12 (Cannot allocate memory)"
)


def rows(name, n):
    sums = ((i, 3 * i) for i in range(n))
    return Dataset(name, tuple(
        Example(f"{name}{a}", (("user", f"What is {a} plus {b}?" + " Please." * (a % 5)),), f"{a + b}") for a, b in sums
    ))  # fmt: skip


TRAIN, VALIDATION = rows("train", 20), rows("validation", 4)


@pytest.fixture(scope="module")
def choice(tmp_path_factory):
    """A small model of the embedded one's kind."""
    import torch
    from transformers import AutoConfig, AutoTokenizer, LlamaForCausalLM

    folder, source = tmp_path_factory.mktemp("model") / "narrow", embedded_model_folder()
    config = AutoConfig.from_pretrained(source)
    config.hidden_size, config.intermediate_size, config.num_hidden_layers = 128, 256, 2
    config.num_attention_heads = config.num_key_value_heads = 2
    config.head_dim = 64
    config.layer_types = None
    torch.manual_seed(0)
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    AutoTokenizer.from_pretrained(source).save_pretrained(folder)
    return ModelChoice(str(folder), "for the test")


@pytest.fixture(scope="module")
def settings(choice):
    return plan(choice, TRAIN, VALIDATION, 10, 4).change(steps=STEPS, save_every=SAVE_EVERY, learning_rate=1e-3)


@pytest.fixture(scope="module")
def start(choice, settings):
    """Trains in a folder, or goes on there."""
    return lambda folder, progress=None: train(settings, choice, TRAIN, VALIDATION, folder, folder.parent / "log", progress)


@pytest.fixture(scope="module")
def undisturbed(start, tmp_path_factory):
    """The folder of a run that nothing came between."""
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    assert start(folder).ended == "steps"
    return folder


def distance(folder, other):
    """How far two runs' adapters lie apart, as a share of the norm of the second."""
    from safetensors.torch import load_file

    one, two = (load_file(adapter_folder(run) / "adapter_model.safetensors") for run in (folder, other))
    assert one.keys() == two.keys()
    apart = sum(float((one[name].double() - two[name].double()).square().sum()) for name in two)
    return (apart / sum(float(weight.double().square().sum()) for weight in two.values())) ** 0.5


def steps_written(folder):
    """The steps in the log as it lies on the disk, in its order."""
    lines = (folder / "steps.jsonl").read_text(encoding="utf-8").splitlines()
    return [entry["step"] for entry in map(json.loads, lines) if "loss" in entry]


def fails_once(monkeypatch, method, error, at):
    """Let the trainer's method raise an error the first time that it is called at a step."""
    from transformers import Trainer

    whole, failed = getattr(Trainer, method), []

    def failing(self, *args, **kwargs):
        if self.state.global_step == at and not failed:
            failed.append(at)
            raise error
        return whole(self, *args, **kwargs)

    monkeypatch.setattr(Trainer, method, failing)
    return failed


def test_a_run_that_was_killed_ends_with_the_adapter_of_one_that_was_not(choice, settings, start, undisturbed, tmp_path):
    folder = tmp_path / "run"
    prepare(settings, choice, TRAIN, VALIDATION, folder)
    # Held up after its fifth step, so that the kill comes in the middle on any machine.
    code = (
        "import sys, time; from pathlib import Path; from workbench.dataset import Dataset; from workbench.models import ModelChoice\n"
        "from workbench.train.plan import Plan; from workbench.train.run import train\n"
        "folder = Path(sys.argv[1]); rows = [Dataset.load(folder / 'rows' / f'{name}.jsonl') for name in ('train', 'validation')]\n"
        "wait = lambda history, steps: time.sleep(600) if history[-1]['step'] == 5 else None\n"
        "train(Plan.load(folder / 'plan.json'), ModelChoice.load(folder / 'choice.json'), *rows, folder, folder / 'log', wait)\n"
    )
    noise = tmp_path / "printed"
    with noise.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(folder)], cwd=ROOT, env=os.environ.copy(), stdout=stream, stderr=stream
        )
        while process.poll() is None and not any(entry["step"] == 5 for entry in read_steps(folder)):
            time.sleep(0.05)
        assert process.poll() is None, noise.read_text(encoding="utf-8")
        process.kill()
        process.wait()
    assert not (folder / "run.json").exists() and last_checkpoint(folder).name == "checkpoint-4"
    run = start(folder)
    assert (run.steps, run.resumed_at, run.ended) == (STEPS, (4,), "steps")
    assert steps_written(folder) == list(range(1, STEPS + 1))
    assert distance(folder, undisturbed) <= SAME


def test_a_run_that_was_stopped_is_saved_at_that_step_and_goes_on_from_it(start, undisturbed, tmp_path):
    folder = tmp_path / "run"

    def stop(history, steps):
        if history[-1]["step"] == 2:
            (folder / STOP).touch()

    run = start(folder, stop)
    assert run.ended == STOPPED and run.steps == int(last_checkpoint(folder).name.rsplit("-", 1)[1]) < STEPS
    assert (adapter_folder(folder) / "adapter_model.safetensors").exists(), "a stopped run can be used as it is"
    assert start(folder).ended == "steps" and steps_written(folder) == list(range(1, STEPS + 1))
    assert distance(folder, undisturbed) <= SAME


def test_where_memory_runs_out_the_batch_is_halved_and_said_and_the_run_ends(start, undisturbed, tmp_path, monkeypatch):
    failed = fails_once(monkeypatch, "training_step", RuntimeError(NO_MEMORY), at=5)
    run = start(tmp_path / "run")
    assert failed and run.ended == "steps" and run.resumed_at == (4,)
    assert [note for note in run.notes if "4 rows at once" in note and "2 at once and 2 such batches" in note] == list(run.notes)
    assert [attempt["batch_size"] for attempt in attempts(tmp_path / "run")] == [4, 2]
    assert steps_written(tmp_path / "run") == list(range(1, STEPS + 1))
    assert distance(tmp_path / "run", undisturbed) <= SUMMED_OTHERWISE


def test_where_the_disk_is_full_a_sentence_says_so_and_the_run_goes_on_when_there_is_room(
    start, undisturbed, tmp_path, monkeypatch
):
    folder = tmp_path / "run"
    failed = fails_once(monkeypatch, "_save_optimizer_and_scheduler", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), at=6)
    with pytest.raises(Prerequisite, match=r"disk is full.*goes on from step 4"):
        start(folder)
    assert failed and not (folder / "run.json").exists()
    run = start(folder)
    assert (run.ended, run.resumed_at) == ("steps", (4,)) and Run.load(folder / "run.json") == run
    assert steps_written(folder) == list(range(1, STEPS + 1))
    assert distance(folder, undisturbed) <= SAME
