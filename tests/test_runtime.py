"""What is known about the machine, and noise that goes to a log and nowhere else."""

import dataclasses
import logging
import shutil
import socket
import subprocess
import sys
import warnings
from types import ModuleType

import pytest

from workbench import runtime
from workbench.errors import BadInput
from workbench.runtime import DEPTHS, Machine, depth, hub_reachable, noise_to

MACHINE = Machine("3.11.7", "Linux x86_64", "this computer", 2, 7.6, 20.0, "", 0.0, False)


def test_an_unknown_depth_names_the_known_ones():
    with pytest.raises(BadInput, match="'deep'.*quick, thorough"):
        depth("deep")


def test_quick_is_never_more_than_thorough():
    quick, thorough = (dataclasses.asdict(DEPTHS[name]) for name in ("quick", "thorough"))
    assert all(quick[key] <= thorough[key] for key in quick if key != "name")
    assert quick["train_steps"] < thorough["train_steps"]


def test_this_machine_has_cores_memory_and_a_place():
    machine = runtime.this_machine()
    assert machine.cores >= 1 and machine.memory > 0.5 and machine.where
    assert machine.python == ".".join(map(str, sys.version_info[:3]))


def test_a_machine_without_a_gpu_says_so_and_what_trains_there():
    assert "no GPU" in repr(MACHINE) and "CPU" in MACHINE.backend
    assert MACHINE.table().set_index("what").loc["GPU", "found"] == "none"
    with_gpu = dataclasses.replace(MACHINE, gpu="T4", gpu_memory=15.0)
    assert "T4 with 15 GiB" in repr(with_gpu) and "GPU" in with_gpu.backend


@pytest.mark.parametrize("memory, words", [(4.0, "tight"), (16.0, "enough")])
def test_the_table_says_whether_memory_is_enough(memory, words):
    table = dataclasses.replace(MACHINE, memory=memory).table().set_index("what")
    assert words in table.loc["Memory", "what it means"]


@pytest.mark.parametrize(
    "variable, place", [("COLAB_RELEASE_TAG", "Colab"), ("KAGGLE_KERNEL_RUN_TYPE", "Kaggle"), (None, "this computer")]
)
def test_a_hosted_notebook_is_known_by_its_variable(monkeypatch, variable, place):
    for name in ("COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, "1")
    assert runtime._where() == place


@pytest.mark.parametrize(
    "said, found",
    [
        ("Tesla T4, 15360\n", ("Tesla T4", 15.0)),
        ("A, big one, 81920\nB, 1024\n", ("A, big one", 80.0)),
        ("GB10, [N/A]\n", ("", 0.0)),
        ("", ("", 0.0)),
    ],
)
def test_the_gpu_is_read_from_the_tool_that_the_driver_brings(monkeypatch, said, found):
    monkeypatch.delenv("UNSLOTH_FORCE_CPU", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: "nvidia-smi")
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 0, said, ""))
    assert runtime._gpu() == found


def test_a_tool_that_fails_means_no_gpu(monkeypatch):
    def fail(*args, **kwargs):
        raise subprocess.CalledProcessError(9, "nvidia-smi")

    monkeypatch.delenv("UNSLOTH_FORCE_CPU", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: "nvidia-smi")
    monkeypatch.setattr(subprocess, "run", fail)
    assert runtime._gpu() == ("", 0.0)


def test_forcing_the_cpu_hides_the_gpu(monkeypatch):
    monkeypatch.setenv("UNSLOTH_FORCE_CPU", "1")
    monkeypatch.setattr(shutil, "which", lambda name: pytest.fail("the tool was looked up"))
    assert runtime._gpu() == ("", 0.0)


def test_the_hub_is_asked_only_where_that_is_allowed(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        assert hub_reachable()
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        assert not hub_reachable()
    monkeypatch.delenv("HF_HUB_OFFLINE")
    assert not hub_reachable(seconds=1)


def test_noise_goes_to_the_log_and_not_to_the_reader(tmp_path, capsys):
    log = tmp_path / "logs" / "libraries.log"
    logger = logging.getLogger("transformers")
    with noise_to(log):
        print("banner \U0001f9a5")
        print("moan", file=sys.stderr)
        logger.warning("a warning by logging")
        warnings.warn("a warning by warnings", stacklevel=1)
    assert capsys.readouterr() == ("", "")
    text = log.read_text(encoding="utf-8")
    assert all(part in text for part in ("banner \U0001f9a5", "moan", "a warning by logging", "a warning by warnings"))


def test_after_the_noise_all_is_as_before(tmp_path, capsys):
    logger = logging.getLogger("transformers")
    before = (logger.handlers[:], logger.propagate, logging.getLogger().handlers[:], sys.stdout, sys.stderr)
    with pytest.raises(RuntimeError), noise_to(tmp_path / "log"):
        raise RuntimeError("in the middle")
    assert (logger.handlers[:], logger.propagate, logging.getLogger().handlers[:], sys.stdout, sys.stderr) == before
    print("heard again")
    assert "heard again" in capsys.readouterr().out


def test_a_log_is_added_to_and_not_begun_anew(tmp_path):
    for word in ("first", "second"):
        with noise_to(tmp_path / "log"):
            print(word)
    text = (tmp_path / "log").read_text(encoding="utf-8")
    assert text.index("first") < text.index("second")


def test_curating_and_scoring_load_no_torch():
    code = (
        "import sys, workbench, workbench.curate.start, workbench.scoring.answers, workbench.scoring.scorecard\n"
        "print([m for m in ('torch', 'transformers', 'unsloth', 'matplotlib', 'ipywidgets') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=runtime.ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_no_bar_of_a_library_is_drawn_in_a_notebook_while_its_noise_is_kept(tmp_path, monkeypatch):
    from tqdm.notebook import tqdm_notebook

    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    made = tqdm_notebook.__init__
    with noise_to(tmp_path / "log.txt"):
        assert tqdm_notebook(range(2)).disable
    assert tqdm_notebook.__init__ is made
