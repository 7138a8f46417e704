"""Two processes on this machine, over gloo, through the job file: they train as one does, and go on after a kill."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

import psutil
import pytest

from workbench.dataset import Dataset, Example
from workbench.models import EMBEDDED, ModelChoice
from workbench.runtime import ROOT
from workbench.train.plan import plan
from workbench.train.recorder import COMPLETE, read_steps
from workbench.train.run import Run, prepare
from workbench.train.slurm import write_job

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(os.name == "nt" or not shutil.which("bash"), reason="no bash on this machine"),
]
CHOICE = ModelChoice(EMBEDDED, "for the test")
STARTED = ("WORLD_SIZE", "RANK", "LOCAL_RANK", "SLURM_JOB_ID")
# In 32 bits; in 16, Adam's first steps make a rounding in a gradient as large as the step itself.
ENVIRONMENT = {**{k: v for k, v in os.environ.items() if k not in STARTED}, "UNSLOTH_CPU_BF16": "0", "OMP_NUM_THREADS": "1"}
# Nats per token. Two halves of a batch are padded and summed otherwise than the whole (0.0001 was
# measured), and after a resume, which reads the adapter back in 32 bits and not in 16, 0.0015.
ROUNDING = 0.005


def rows(name, n):
    sums = ((i, 3 * i) for i in range(n))
    return Dataset(name, tuple(
        Example(f"{name}{a}", (("user", f"What is {a} plus {b}?" + " Please." * (a % 5)),), f"{a + b}") for a, b in sums
    ))  # fmt: skip


TRAIN, VALIDATION = rows("train", 20), rows("validation", 8)
PLAN = plan(CHOICE, TRAIN, VALIDATION, 10, 4).change(steps=6, save_every=2)


def write_folder(folder):
    prepare(PLAN, CHOICE, TRAIN, VALIDATION, folder)
    return folder


def finished(command, **settings):
    ended = subprocess.run(command, check=False, capture_output=True, text=True, encoding="utf-8", **settings)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def kill_all(process):
    """End a process and all that it started, wherever they have put themselves, without a warning."""
    everyone = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for one in everyone:
        one.kill()
    psutil.wait_procs(everyone, timeout=30)
    process.communicate()


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The folder of a run on one process, without torchrun."""
    folder = write_folder(tmp_path_factory.mktemp("alone") / "run")
    finished([sys.executable, "-m", "workbench.train.job", str(folder)], cwd=ROOT, env=ENVIRONMENT)
    return folder


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """The folder of a run on two processes that were killed after a checkpoint and started again, and what they printed."""
    place = tmp_path_factory.mktemp("together")
    folder = write_folder(place / "a run")
    script = write_job(folder, place, processes_per_node=2)
    first = subprocess.Popen(["bash", str(script)], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while first.poll() is None and not list(folder.glob(f"checkpoints/*/{COMPLETE}")):
        time.sleep(0.1)
    assert first.poll() is None, f"the job ended before it could be killed:\n{first.stdout.read().decode()}"
    kill_all(first)
    assert not (folder / "run.json").exists()
    return folder, finished(["bash", str(script)], env=ENVIRONMENT)


def losses(folder, kind):
    return {entry["step"]: entry[kind] for entry in read_steps(folder) if kind in entry}


def test_two_processes_have_the_loss_curve_of_one_within_rounding(alone, together):
    folder, _ = together
    assert losses(folder, "loss") == pytest.approx(losses(alone, "loss"), abs=ROUNDING)
    assert losses(folder, "validation_loss") == pytest.approx(losses(alone, "validation_loss"), abs=ROUNDING)
    assert sorted(losses(alone, "loss")) == [1, 2, 3, 4, 5, 6]


def test_after_a_kill_the_job_goes_on_from_its_last_whole_checkpoint(together):
    folder, printed = together
    assert Run.load(folder / "run.json").resumed_at in {(2,), (4,)}
    assert "step 6 of 6" in printed and "step 1 of 6" not in printed


def test_only_one_of_two_processes_writes_and_prints(together):
    folder, printed = together
    lines = [json.loads(line) for line in (folder / "steps.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(lines) == len(read_steps(folder)), "a step stands in the log once"
    assert len((folder / "attempts.jsonl").read_text(encoding="utf-8").splitlines()) == 2
    assert printed.count("step 6 of 6: loss") == 1 and printed.count("Run: 6 steps") == 1


def test_a_job_that_is_done_trains_nothing_when_it_is_run_again(together, tmp_path):
    folder, _ = together
    before = (folder / "steps.jsonl").read_bytes()
    printed = finished(["bash", str(write_job(folder, tmp_path, processes_per_node=2))], env=ENVIRONMENT)
    assert "step" not in printed.replace("6 steps", "") and (folder / "steps.jsonl").read_bytes() == before


def test_two_processes_agree_on_the_first_ones_number(tmp_path):
    code = (
        "import os, pathlib, sys; from workbench.train.processes import agreed, join, leave, wait_for_all\n"
        "join(); join(); rank = int(os.environ['RANK'])\n"
        "if rank == 0: pathlib.Path('written').touch()\n"
        "wait_for_all(); assert pathlib.Path('written').exists()\n"
        "assert agreed(10 + rank) == 10; leave()"
    )
    (tmp_path / "meet.py").write_text(code, encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--nnodes=1", "--nproc-per-node=2",
               "--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0", "meet.py"]  # fmt: skip
    finished(command, cwd=tmp_path, env={**ENVIRONMENT, "PYTHONPATH": str(ROOT)})
