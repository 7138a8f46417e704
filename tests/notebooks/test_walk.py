"""The whole walk, for real: six notebooks, a real model, real training, killed once and taken up again."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.walk


def record(walk) -> dict:
    return json.loads((walk[0] / "messy" / "tour.json").read_text(encoding="utf-8"))


def test_all_six_notebooks_reach_their_end(walk):
    assert [n["status"] for n in record(walk)["notebooks"]] == ["done"] * 6


def test_rows_that_cannot_be_read_are_set_aside_with_line_and_reason(walk):
    quarantined = record(walk)["rows"]["quarantined"]
    assert [q["line"] for q in quarantined] == [9, 22, 124]
    assert "cells" in quarantined[0]["reason"]
    assert "never closed" in quarantined[1]["reason"]
    assert "UTF-8" in quarantined[2]["reason"]


def test_no_row_is_lost_between_file_and_parts(walk):
    rows = record(walk)["rows"]
    assert rows["train"] + rows["validation"] + rows["test"] == 120


def test_every_arm_is_scored_on_the_same_rows_with_an_interval(walk):
    arms = record(walk)["arms"]
    # No documents and no JSON here: the untuned prompts, the one that was searched for, and the pilot.
    assert [arm["arm"].split(" (")[0] for arm in arms] == [
        "Bare input", "Instructions", "Instructions + 5 examples", "Optimised prompt", "Instructions + 5 nearest examples",
        "Pilot fine-tune",
    ]
    assert len({arm["n"] for arm in arms}) == 1
    for arm in arms:
        low, high = arm["interval"]
        assert 0 <= low <= arm["score"] <= high <= 1 and low < high
        assert arm["seconds_per_call"] > 0 and arm["tokens_per_call"] > 1


def test_training_goes_on_at_the_last_checkpoint_after_a_kill(walk):
    training = record(walk)["training"]
    assert training["resumed_at"] and all(10 <= step < training["steps"] for step in training["resumed_at"])
    steps = [json.loads(x) for x in (walk[0] / "messy" / "train" / "steps.jsonl").read_text().splitlines() if x]
    assert {s["step"] for s in steps if "loss" in s} == set(range(1, training["steps"] + 1))


def test_training_lowers_the_loss(walk):
    training = record(walk)["training"]
    assert training["loss_last"] < 0.5 * training["loss_first"]


def test_arms_scored_before_a_kill_are_not_scored_again(walk):
    looks = [look["what"] for look in record(walk)["test_looks"]]
    # Each arm once, and the adapter and the merged model.
    assert len(looks) == len(set(looks)) == len(record(walk)["arms"]) + 2


def test_the_adapter_is_safetensors_and_nothing_is_left_that_needs_unpickling(walk):
    project = walk[0] / "messy"
    assert (project / "train" / "adapter" / "adapter_model.safetensors").exists()
    assert (project / "ship" / "merged" / "model.safetensors").exists()
    kept = [p.name for p in project.rglob("*") if p.suffix in (".bin", ".pt", ".pth", ".pkl")]
    assert kept == []


def test_the_merged_model_was_reloaded_and_compared(walk):
    parity = record(walk)["parity"]
    assert parity["rows"] == record(walk)["arms"][0]["n"]
    assert 0 <= parity["same"] <= parity["rows"]


def test_the_gallery_opens_with_every_notebook_and_the_verdict(walk):
    index = (walk[0] / "messy" / "tour" / "index.html").read_text(encoding="utf-8")
    assert index.count(".html'>") == 6
    assert record(walk)["verdict"]["outcome"] in index
    assert str(walk[0] / "messy" / "tour" / "index.html") in walk[1]


def test_no_library_noise_reaches_the_reader(walk):
    for path in sorted((walk[0] / "messy" / "tour").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            streams = ["".join(o["text"]) for o in cell.get("outputs", []) if o["output_type"] == "stream"]
            noise = [text for text in streams if "arning" in text or "%|" in text or "nsloth" in text]
            assert not noise, f"{path.name}: {noise[0][:200]}"
            bars = [o for o in cell.get("outputs", []) if "it/s" in "".join(o.get("data", {}).get("text/plain", ""))]
            assert not bars, f"{path.name}: a library's progress bar"
    assert (walk[0] / "messy" / "logs" / "libraries.log").stat().st_size > 0


def test_ask_answers_with_what_was_handed_over(walk, monkeypatch):
    import workbench

    monkeypatch.setenv("WORKBENCH_PROJECTS", str(walk[0]))
    project = workbench.open_project("messy")
    assert workbench.ask(project, "Where on earth is my parcel?").strip()
