"""Where are we, what is this machine, what fits on it, how deep do we go; and noise kept in a log."""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partialmethod
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from workbench.errors import BadInput
from workbench.result import Result

if TYPE_CHECKING:
    import pandas

ROOT = Path(__file__).resolve().parent.parent
GIB = 2**30


@dataclass(frozen=True, repr=False)
class Machine(Result):
    """What this machine has. Memory and disk are in GiB; `gpu` is empty where there is none."""

    python: str
    system: str
    where: str
    cores: int
    memory: float
    disk_free: float
    gpu: str
    gpu_memory: float
    fast_bfloat16: bool

    def __repr__(self) -> str:
        gpu = f"{self.gpu} with {self.gpu_memory:.0f} GiB" if self.gpu else "no GPU"
        return f"{self.cores} cores, {self.memory:.0f} GiB memory, {gpu}, {self.system}, Python {self.python}"

    @property
    def backend(self) -> str:
        """Which of Unsloth's backends will train here."""
        if self.gpu:
            return "Unsloth on the GPU"
        return "Unsloth's CPU backend (no GPU needed; small models only)"

    def table(self) -> pandas.DataFrame:
        """One row a fact, with what it means for the walk."""
        import pandas

        small = "enough for the embedded model" if self.memory >= 6 else "tight: close other programs"
        rows = [
            ("Python", self.python, "3.11 to 3.13 work"),
            ("System", self.system, self.where),
            ("Cores", str(self.cores), "training on the CPU uses all of them"),
            ("Memory", f"{self.memory:.1f} GiB", small),
            ("Free disk", f"{self.disk_free:.1f} GiB", "a project takes about 1 GiB with the embedded model"),
            (
                "GPU",
                f"{self.gpu} ({self.gpu_memory:.0f} GiB)" if self.gpu else "none",
                "larger models fit" if self.gpu else "not needed for the embedded model",
            ),
            ("Training", self.backend, ""),
        ]
        return pandas.DataFrame(rows, columns=["what", "found", "what it means"])


@cache
def this_machine() -> Machine:
    """Look at the machine once. Loads no torch, so it is quick."""
    import psutil

    gpu, gpu_memory = _gpu()
    return Machine(
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        where=_where(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory=round(psutil.virtual_memory().total / GIB, 1),
        disk_free=round(shutil.disk_usage(ROOT).free / GIB, 1),
        gpu=gpu,
        gpu_memory=gpu_memory,
        fast_bfloat16=_has_fast_bfloat16(),
    )


def _where() -> str:
    if "COLAB_RELEASE_TAG" in os.environ:
        return "Colab"
    return "Kaggle" if "KAGGLE_KERNEL_RUN_TYPE" in os.environ else "this computer"


def _gpu() -> tuple[str, float]:
    if os.environ.get("UNSLOTH_FORCE_CPU") == "1" or not (tool := shutil.which("nvidia-smi")):
        return "", 0.0
    query = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout
        name, mebibytes = answer.strip().splitlines()[0].rsplit(",", 1)
        return name.strip(), round(float(mebibytes) / 1024, 1)
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return "", 0.0


def _has_fast_bfloat16() -> bool:
    """Whether the CPU multiplies bfloat16 in hardware; without it, bfloat16 is emulated and slow."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def hub_reachable(seconds: float = 3.0) -> bool:
    """Whether the model hub answers. Not tried (and False) when the offline switch is set."""
    if os.environ.get("HF_HUB_OFFLINE") == "1":
        return False
    address = urlsplit(os.environ.get("HF_ENDPOINT", "https://huggingface.co"))
    try:
        port = address.port or (443 if address.scheme == "https" else 80)
        socket.create_connection((address.hostname or "", port), timeout=seconds).close()
    except OSError:
        return False
    return True


@dataclass(frozen=True)
class Depth:
    """How much the walk does: quick is smaller, never fake.

    Rows are counts of examples; steps are optimiser steps of `batch_size` rows; seeds are those of the tuned arms; scorings
    are those on the way of the full training, on `watched_rows` validation rows, ended after `patience` without a new best.
    """

    name: str
    test_rows: int
    validation_rows: int
    pilot_steps: int
    train_steps: int
    batch_size: int
    examples_in_prompt: int
    items_per_skill: int
    seeds: tuple[int, ...]
    scorings: int
    watched_rows: int
    patience: int


DEPTHS = {
    "quick": Depth("quick", 80, 40, 40, 80, 4, 5, 32, (0,), 4, 24, 0),
    "thorough": Depth("thorough", 200, 100, 100, 300, 4, 5, 1_000, (0, 1, 2), 10, 100, 3),
}


def depth(name: str) -> Depth:
    """The settings of a depth, by its name."""
    if name not in DEPTHS:
        raise BadInput(f"Depth {name!r} is unknown; choose one of {', '.join(DEPTHS)}.")
    return DEPTHS[name]


def versions() -> dict[str, str]:
    """Installed versions of the libraries that decide a result."""
    names = ("torch", "unsloth", "unsloth_zoo", "transformers", "trl", "peft", "bitsandbytes", "datasets")
    found = {}
    for name in names:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


class _Tee:
    """A text stream into a log file that looks enough like a terminal for libraries to write to."""

    encoding = "utf-8"

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = path.open("a", encoding="utf-8", errors="replace")

    def write(self, text: str) -> int:
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return False

    def close(self) -> None:
        self._stream.close()


@contextlib.contextmanager
def _no_bars() -> Iterator[None]:
    """Keep tqdm's bars for notebooks away: they are widgets, and heed no setting of the environment."""
    if "ipykernel" not in sys.modules:
        yield
        return
    from tqdm.notebook import tqdm_notebook

    made = tqdm_notebook.__init__
    tqdm_notebook.__init__ = partialmethod(made, disable=True)
    try:
        yield
    finally:
        tqdm_notebook.__init__ = made


@contextlib.contextmanager
def noise_to(log: Path) -> Iterator[None]:
    """Send banners, warnings and library logging to `log` while the block runs.

    Results are shown with IPython's display, which does not pass through here.
    """
    # These bars are drawn as widgets, past the redirection below.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TQDM_DISABLE", "1")
    stream = _Tee(Path(log))
    stream.write(f"\n--- {time.strftime('%Y-%m-%d %H:%M:%S')}\n")
    handler = logging.StreamHandler(stream)
    loggers = [logging.getLogger(n) for n in ("", "transformers", "unsloth", "trl", "datasets", "py.warnings")]
    kept = [(logger, logger.handlers[:], logger.propagate) for logger in loggers]
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream), warnings.catch_warnings(), _no_bars():
        logging.captureWarnings(True)
        for logger in loggers:
            logger.handlers, logger.propagate = [handler], False
        try:
            yield
        finally:
            logging.captureWarnings(False)
            for logger, handlers, propagate in kept:
                logger.handlers, logger.propagate = handlers, propagate
            stream.close()
