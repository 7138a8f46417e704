"""Memory is added up from the architecture, cut where it doesn't fit, and never comes with a speed nobody knows."""

from dataclasses import replace

import pytest

from workbench.errors import BadInput, Prerequisite
from workbench.models import EMBEDDED, MODEL_TABLE, ModelChoice
from workbench.result import html_table
from workbench.runtime import Machine
from workbench.train.memory import (
    CARDS,
    FITS,
    HERE,
    PARTS,
    SHAPES,
    TIGHT,
    TOO_BIG,
    FitTable,
    Memory,
    adjusted,
    card,
    estimate,
    shape_of,
    will_it_fit,
)
from workbench.train.plan import FLAVOURS, FULL, LORA, QLORA, Plan

SMALL, LARGE = SHAPES[EMBEDDED], SHAPES["Qwen/Qwen2.5-7B-Instruct"]
CPU = Machine("3.11", "Linux", "here", 2, 16.0, 100.0, "", 0.0, True)
ROWS = [(90, 38), (40, 20)]
PLAN = Plan(EMBEDDED, "d", "v", 200, 40, 4, 1e-3, 16, 32, 2, 10, 0, 2048)


def memory(plan=PLAN, shape=SMALL, rows=ROWS, machine=CPU, **more):
    return estimate(plan, shape, rows, machine, **more)


@pytest.mark.parametrize("row", MODEL_TABLE, ids=lambda row: row["reference"])
def test_a_model_has_as_many_weights_as_the_table_says(row):
    assert SHAPES[row["reference"]].parameters / 1e9 == pytest.approx(row["billions"], rel=0.05)


def test_an_adapter_has_the_weights_that_peft_counts():
    assert SMALL.adapter(16, 30) == 4_884_480
    assert memory(replace(PLAN, layers=10)).training["optimiser"] == pytest.approx(memory().training["optimiser"] / 3, abs=1e-4)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_more_rows_at_once_need_more_memory(flavour):
    plan = replace(PLAN, flavour=flavour)
    assert memory(replace(plan, batch_size=8)).peak > memory(plan).peak


def test_the_longest_row_that_is_kept_decides():
    longer = memory(rows=[*ROWS, (400, 20)])
    assert longer.peak > memory().peak
    assert memory(replace(PLAN, max_length=300), rows=[*ROWS, (400, 20)]).peak == memory().peak


def test_rows_that_are_all_too_long_are_refused():
    with pytest.raises(BadInput, match="None of the 2 rows has at most 30 tokens"):
        memory(replace(PLAN, max_length=30))


def test_on_a_large_model_four_bits_save_memory_and_full_takes_most():
    machine = card("80 GB (A100)", CPU)
    qlora, lora, full = (memory(replace(PLAN, flavour=f), LARGE, machine=machine) for f in (QLORA, LORA, FULL))
    assert qlora.peak < lora.peak < full.peak
    assert qlora.training["weights"] == pytest.approx(5.1, abs=0.2)
    assert lora.training["weights"] == pytest.approx(2 * LARGE.parameters / 2**30, rel=0.01)
    assert full.training["optimiser"] == pytest.approx(4 * LARGE.parameters / 2**30, rel=0.01)


def test_a_card_without_bfloat16_learns_all_weights_in_32_bits():
    t4, l4 = (memory(replace(PLAN, flavour=FULL), machine=card(name, CPU)) for name in ("T4", "24 GB (L4)"))
    assert t4.training["weights"] == pytest.approx(2 * l4.training["weights"], rel=0.01)


def test_evaluation_needs_no_gradients_and_less_than_training():
    found = memory()
    assert found.evaluation["gradients"] == 0
    assert sum(found.evaluation.values()) < sum(found.training.values())


def test_answers_scored_on_the_way_cost_a_copy_on_a_cpu_only():
    scored, gpu = replace(PLAN, score_every=10), card("T4", CPU)
    copy = memory(scored).training["weights"] - memory().training["weights"]
    assert copy == pytest.approx(4 * SMALL.parameters / 2**30, rel=0.01)
    assert memory(scored, machine=gpu) == memory(machine=gpu)


def test_computing_layers_again_saves_activations():
    assert memory(recompute=True).training["activations"] < memory(recompute=False).training["activations"] / 5


def test_parts_add_up_to_the_peak_and_are_all_named():
    found = memory()
    assert tuple(found.training) == tuple(found.evaluation) == PARTS
    assert found.peak == sum(found.training.values())
    assert f"{found.peak:.2f} GiB" in html_table(found.table())


@pytest.mark.parametrize(("room", "verdict"), [(16.0, FITS), (1.5, TIGHT), (1.0, TOO_BIG)])
def test_the_verdict_follows_the_memory_there_is(room, verdict):
    peak = memory().peak
    assert memory(machine=replace(CPU, memory={1.5: peak * 1.05, 1.0: peak * 0.9}.get(room, room))).verdict == verdict


def test_without_a_speed_neither_time_nor_energy_is_made_up():
    found = memory()
    assert found.seconds is None and found.energy is None
    assert list(found.table()["training"]).count("not known") == 2


def test_with_a_speed_time_and_energy_follow_from_the_tokens():
    found = memory(tokens_per_second=100.0)
    assert found.seconds == pytest.approx(40 * 4 * 94 / 100)
    assert found.energy == pytest.approx(2 * 10 * found.seconds / 3600)
    assert "assumed" in found.power


def test_an_unknown_card_has_no_power():
    found = memory(machine=replace(CPU, gpu="Odd card", gpu_memory=8.0), tokens_per_second=100.0)
    assert found.seconds and found.energy is None
    assert found.device == HERE and found.room == 8.0


def test_all_flavours_models_and_devices_are_there():
    found = will_it_fit(ModelChoice(EMBEDDED, ""), PLAN, ROWS, CPU, 100.0)
    assert len(found.estimates) == len(FLAVOURS) * len(MODEL_TABLE) * (1 + len(CARDS))
    assert len(found.table()) == len(FLAVOURS) * (1 + len(CARDS))
    assert len(found.models()) == len(FLAVOURS) * len(MODEL_TABLE)
    assert {m.device for m in found.estimates if m.seconds} == {HERE}
    assert {m.model for m in found.estimates if m.seconds} == {EMBEDDED}
    full = next(m for m in found.estimates if m.model.endswith("32B-Instruct") and m.flavour == FULL and m.device == "T4")
    assert full.verdict == TOO_BIG


def test_a_table_comes_back_from_its_file(tmp_path):
    found = will_it_fit(ModelChoice(EMBEDDED, ""), PLAN, ROWS, CPU)
    assert FitTable.load(found.save(tmp_path / "fit.json")) == found
    assert Memory.load(memory().save(tmp_path / "memory.json")) == memory()
    assert "\n" not in repr(found) and "\n" not in repr(memory())


def test_a_plan_that_fits_is_left_alone():
    assert adjusted(PLAN, SMALL, ROWS, CPU) is PLAN


def test_a_batch_is_halved_and_accumulated_until_it_fits():
    plan = replace(PLAN, batch_size=16)
    machine = replace(CPU, memory=memory(replace(PLAN, accumulation=4)).peak / 0.84)
    found = adjusted(plan, SMALL, ROWS, machine)
    assert (found.batch_size, found.accumulation, found.rows_per_step) == (4, 4, 16)
    assert memory(found, machine=machine).verdict == FITS
    assert "would not fit" in found.reasons["batch_size"]
    assert "set by you" not in found.reasons.values()


def test_an_odd_batch_never_learns_from_fewer_rows():
    machine = replace(CPU, memory=memory(replace(PLAN, batch_size=2, accumulation=3)).peak / 0.849)
    found = adjusted(replace(PLAN, batch_size=5), SMALL, ROWS, machine)
    assert (found.batch_size, found.accumulation) == (2, 3)


@pytest.mark.parametrize(("flavour", "advice"), [(FULL, "flavour='qlora'"), (QLORA, "a smaller model")])
def test_where_not_even_one_row_fits_it_says_what_to_do(flavour, advice):
    with pytest.raises(BadInput, match=advice) as caught:
        adjusted(replace(PLAN, flavour=flavour), LARGE, ROWS, card("T4", CPU) if flavour == FULL else replace(CPU, memory=8.0))
    assert "One row at a time" in str(caught.value)


def test_another_model_is_read_from_its_config(tmp_path):
    (tmp_path / "config.json").write_text(
        '{"model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,'
        ' "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 100, "tie_word_embeddings": true}',
        encoding="utf-8",
    )
    found = shape_of(ModelChoice(str(tmp_path), ""))
    assert (found.layers, found.hidden, found.groups, found.head_size, found.tied) == (2, 64, 2, 16, True)


def test_a_config_that_can_not_be_read_is_a_prerequisite(tmp_path):
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(Prerequisite, match="couldn't be read"):
        shape_of(ModelChoice(str(tmp_path), ""))
