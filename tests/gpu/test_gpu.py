"""The same training path on a CUDA card: loss exists, the adapter changes, the base does not."""

from __future__ import annotations

import pytest

from workbench.dataset import Dataset, Example
from workbench.models import EMBEDDED, ModelChoice

pytestmark = pytest.mark.gpu


def rows(name: str, n: int) -> Dataset:
    return Dataset(name, tuple(Example(f"{name}-{i}", (("user", f"Item {i}?"),), f"code {i % 3}") for i in range(n)))


def test_a_few_steps_of_qlora_run_and_lower_the_loss(tmp_path):
    from workbench.train.plan import plan
    from workbench.train.run import adapter_folder, train

    learn, watch = rows("train", 40), rows("validation", 8)
    choice = ModelChoice(EMBEDDED, "for the test")
    run = train(plan(choice, learn, watch, 20, 4), choice, learn, watch, tmp_path, tmp_path / "libraries.log")
    assert run.steps == 20 and run.loss_last < run.loss_first
    assert (adapter_folder(tmp_path) / "adapter_model.safetensors").stat().st_size > 1_000_000
