"""The benchmarks for a GPU run in their small size on a CPU, and their sums are right."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "benchmarks" / "gpu"


@pytest.fixture(scope="module")
def modules():
    sys.path.insert(0, str(FOLDER))
    try:
        import qlora
        import seventy_b

        yield qlora, seventy_b
    finally:
        sys.path.remove(str(FOLDER))


def said_by(script: str, *settings: str) -> str:
    environment = {**os.environ, "PYTHONPATH": ".", "PYTHONUTF8": "1", "UNSLOTH_FORCE_CPU": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, f"benchmarks/gpu/{script}", *settings]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_large_shape_has_seventy_billion_parameters_and_the_small_one_its_proportions(modules):
    _, seventy_b = modules
    large, small = seventy_b.SEVENTY, seventy_b.SMALL
    # Llama 3 70B: 70,553,706,496; an adapter of rank 16 on all seven projections: 207,093,760.
    assert (large.parameters, large.adapter) == (70_553_706_496, 207_093_760)
    assert large.intermediate / large.hidden == small.intermediate / small.hidden
    assert large.heads / large.kv_heads == small.heads / small.kv_heads


@pytest.mark.model
def test_the_built_model_holds_what_the_formula_says_and_no_projection_in_16_bits(modules):
    _, seventy_b = modules
    small = seventy_b.SMALL
    model = seventy_b.build(small, "cpu")
    parts = seventy_b.held(model)
    assert parts["projections"] == seventy_b.nf4_bytes(small)
    assert parts["16 bits"] == 2 * (2 * small.vocabulary * small.hidden + (2 * small.layers + 1) * small.hidden)
    assert not any(p.is_meta or p.requires_grad for p in model.parameters())


@pytest.mark.model
def test_the_loss_in_chunks_is_the_models_own_loss(modules, monkeypatch):
    import torch

    _, seventy_b = modules
    monkeypatch.setattr(seventy_b, "CHUNK", 5)
    model = seventy_b.without_unsloth(seventy_b.SMALL, "cpu")
    ids = torch.randint(10, seventy_b.SMALL.vocabulary, (1, 23))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        chunked, whole = seventy_b.chunked_loss(model, ids), model(input_ids=ids, labels=ids).loss
    assert chunked.item() == pytest.approx(whole.item(), rel=1e-3)
    chunked.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters() if p.requires_grad)


def test_the_computed_sum_for_seventy_billion_is_under_the_aim_and_grows_with_the_length(modules):
    _, seventy_b = modules
    short, long = (sum(seventy_b.computed(seventy_b.SEVENTY, n, 4, 8, 56).values()) for n in (512, 2048))
    assert seventy_b.nf4_bytes(seventy_b.SEVENTY) < short < long < seventy_b.AIM


def test_the_comparison_leaves_the_first_steps_out(modules):
    qlora, _ = modules
    steps = [9.0] * qlora.WARM_UP
    report = {"losses": [3.0, 2.0], "memory": {"process": 2.0}, "trainable": 7, "adapter": "bfloat16"}
    reports = {"unsloth": [report | {"seconds": [*steps, 1.0, 1.0]}], "plain": [report | {"seconds": [*steps, 2.0, 2.0]}]}
    lines = qlora.summary(reports, 100)
    assert "100 tokens/s (100 to 100" in lines[0] and "50 tokens/s" in lines[1]
    assert "2.00 times as many tokens" in lines[2] and "1.00 times the other's" in lines[3]


def test_too_few_steps_are_refused_before_anything_is_loaded(modules):
    qlora, _ = modules
    with pytest.raises(SystemExit, match="leaves nothing to measure"):
        qlora.main(["--steps", "3"])


@pytest.mark.model
def test_both_ways_train_the_same_adapter_on_the_same_rows():
    said = said_by("qlora.py", "--tiny", "--steps", "5")
    assert "RANDOM weights in two narrow layers" in said and "device: CPU" in said
    losses = re.findall(r"adapter of 32,768 in \w+; loss (\S+) to (\S+)", said)
    assert len(losses) == 2, said
    assert float(losses[0][0]) == pytest.approx(float(losses[1][0]), abs=0.05)
    assert "times as many tokens per second" in said


@pytest.mark.model
@pytest.mark.parametrize(("way", "words"), [("unsloth", "Unsloth's loader"), ("plain", "PEFT and a plain loop")])
def test_the_small_model_of_the_large_shape_trains_and_the_sum_is_called_computed(way, words):
    said = said_by("seventy_b.py", "--small", "--way", way, "--tokens", "32")
    assert f"way: {words}" in said
    losses = [float(number) for number in re.search(r"loss ([\d., ]+);", said).group(1).split(", ")]
    assert len(losses) == 3 and losses[-1] < losses[0]
    assert said.count("computed, not measured") == 2
    found = re.search(r"projections ([\d,]+) bytes \(the formula says ([\d,]+)\)", said)
    assert found.group(1) == found.group(2)
