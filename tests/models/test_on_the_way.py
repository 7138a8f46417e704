"""What happens on a training's way: scoring, keeping the best weights, ending early, every flavour, the tracker.

A model of two narrow layers with random weights is trained: none of this depends on how good a model is.
"""

from __future__ import annotations

import pytest

from workbench.dataset import Dataset, Example
from workbench.files import read_jsonl
from workbench.models import ModelChoice, embedded_model_folder, load_for_answers, load_tokenizer
from workbench.scoring.answers import generate_answers
from workbench.scoring.intervals import Interval
from workbench.train.encode import bare_prompt
from workbench.train.plan import FULL, LORA, QLORA, plan
from workbench.train.preview import RowTokens, first_batch
from workbench.train.recorder import Watched, read_steps
from workbench.train.run import rerun, train, weights_folder

pytestmark = pytest.mark.model


def rows(name, n):
    return Dataset(name, tuple(Example(f"{name}{i}", (("user", f"What is {i} plus {i}?" + " Please." * (i % 5)),), f"{2 * i}") for i in range(n)))


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
    config.head_dim, config.layer_types = 64, None
    torch.manual_seed(0)
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    AutoTokenizer.from_pretrained(source).save_pretrained(folder)
    return ModelChoice(str(folder), "for the test")


def settings(choice, **changed):
    return plan(choice, TRAIN, VALIDATION, 10, 4).change(**{"steps": 6, "save_every": 2, "score_every": 2, **changed})


def weights(folder, name="adapter"):
    from safetensors.torch import load_file

    (path,) = (folder / name).glob("*.safetensors")
    return load_file(path)


def same(one, other):
    return one.keys() == other.keys() and all(bool((one[name] == other[name]).all()) for name in one)


def scored(*values):
    """A watch that finds these scores, one after the other."""
    left = list(values)
    return lambda loaded, step: Watched(Interval(left[0], left[0] - 0.1, left.pop(0) + 0.1), 4, [{"row": "v0", "said": f"at {step}"}])


def test_the_weights_of_the_best_score_are_the_ones_kept(choice, tmp_path):
    run = train(settings(choice), choice, TRAIN, VALIDATION, tmp_path / "best", tmp_path / "log", watch=scored(0.2, 0.9, 0.4))
    assert (run.ended, run.best_step, run.score["value"]) == ("steps", 4, 0.9)
    short = train(settings(choice), choice, TRAIN, VALIDATION, tmp_path / "last", tmp_path / "log", watch=scored(0.2, 0.4, 0.9))
    assert short.best_step == 6
    assert same(weights(tmp_path / "best"), weights(tmp_path / "best", "best"))
    assert not same(weights(tmp_path / "best"), weights(tmp_path / "last"))
    assert [entry["answers"][0]["said"] for entry in read_jsonl(tmp_path / "best" / "answers.jsonl")] == ["at 2", "at 4", "at 6"]


def test_a_run_whose_score_no_longer_rises_ends_early_with_its_best_weights(choice, tmp_path):
    run = train(settings(choice, steps=10, patience=2), choice, TRAIN, VALIDATION, tmp_path / "run", tmp_path / "log",
                watch=scored(0.9, 0.5, 0.4, 0.3, 0.2))  # fmt: skip
    assert (run.ended, run.steps, run.best_step) == ("early", 6, 2)
    assert same(weights(tmp_path / "run"), weights(tmp_path / "run", "best"))


def test_scoring_on_the_way_does_not_change_what_is_learnt(choice, tmp_path):
    def asks(loaded, step):
        generate_answers(loaded, [bare_prompt(example) for example in VALIDATION], 4)
        return Watched(Interval(step / 10, 0.0, 1.0), 4)

    train(settings(choice), choice, TRAIN, VALIDATION, tmp_path / "watched", tmp_path / "log", watch=asks)
    train(settings(choice, score_every=0), choice, TRAIN, VALIDATION, tmp_path / "alone", tmp_path / "log")
    assert same(weights(tmp_path / "watched"), weights(tmp_path / "alone"))


def test_the_model_asked_on_the_way_is_the_one_that_is_learnt(choice, tmp_path):
    """On a CPU answers come from a copy; after full fine-tuning its weights must be those written at the end."""
    seen = {}

    def look(loaded, step):
        seen[step] = {name: weight.clone() for name, weight in loaded.model.state_dict().items()}
        return Watched(Interval(step / 10, 0.0, 1.0), 4)

    plan_ = settings(choice, flavour=FULL)
    train(plan_, choice, TRAIN, VALIDATION, tmp_path / "run", tmp_path / "log", watch=look)
    final = load_for_answers(choice, tmp_path / "log", weights_folder(tmp_path / "run", plan_)).model.state_dict()
    assert all(bool((seen[6][name].to(weight.dtype) == weight).all()) for name, weight in final.items())
    assert not all(bool((seen[2][name] == weight).all()) for name, weight in seen[6].items())


@pytest.mark.parametrize("flavour", [QLORA, LORA, FULL])
def test_every_flavour_learns_and_says_what_it_learnt(choice, tmp_path, flavour):
    chosen = settings(choice, flavour=flavour, steps=10, score_every=0)
    run = train(chosen, choice, TRAIN, VALIDATION, tmp_path / "run", tmp_path / "log")
    assert run.loss_last < run.loss_first and run.trainable > 0 and run.artefact_bytes > 0
    assert weights_folder(tmp_path / "run", chosen).name == ("model" if flavour == FULL else "adapter")
    # Two layers of 128 are small beside an embedding of 49,152 words.
    assert (run.trainable > 5_000_000) == (flavour == FULL)


def test_only_the_last_layers_get_an_adapter_where_the_plan_says_so(choice, tmp_path):
    train(settings(choice, layers=1, score_every=0), choice, TRAIN, VALIDATION, tmp_path / "run", tmp_path / "log")
    assert {name.split(".layers.")[1].split(".")[0] for name in weights(tmp_path / "run")} == {"1"}


def test_the_first_step_reads_the_batch_that_was_shown(choice, tmp_path):
    chosen = settings(choice, score_every=0)
    train(chosen, choice, TRAIN, VALIDATION, tmp_path / "run", tmp_path / "log")
    chat = load_tokenizer(choice, tmp_path / "log")
    shown = first_batch(RowTokens(chat, choice.name, 2048), chosen, TRAIN)
    assert next(entry["tokens"] for entry in read_steps(tmp_path / "run") if entry["step"] == 1) == shown.tokens


def test_a_run_is_made_again_from_its_folder_to_the_last_bit(choice, tmp_path):
    chosen = settings(choice, score_every=0)
    train(chosen, choice, TRAIN, VALIDATION, tmp_path / "run", tmp_path / "log")
    again = rerun(tmp_path / "run", tmp_path / "again", tmp_path / "log")
    assert again.plan == chosen.to_dict() and same(weights(tmp_path / "run"), weights(tmp_path / "again"))


def test_the_tracker_gets_the_losses_when_it_is_asked_for(choice, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(settings(choice, score_every=0), choice, TRAIN, VALIDATION, tmp_path / "run", tmp_path / "log", tracker=True)
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    logged = [entry["loss"] for entry in read_steps(tmp_path / "run") if "loss" in entry]
    assert [event.value for event in events.Scalars("train/loss")] == pytest.approx(logged, rel=1e-5)


def test_a_lost_session_goes_on_from_the_copy_of_its_checkpoints(choice, tmp_path):
    import shutil

    chosen = settings(choice, score_every=0)
    whole = train(chosen, choice, TRAIN, VALIDATION, tmp_path / "whole", tmp_path / "log")

    def stops(history, steps):
        if history[-1]["step"] == 4:
            (tmp_path / "run" / "stop").touch()

    train(chosen, choice, TRAIN, VALIDATION, tmp_path / "run", tmp_path / "log", progress=stops, mirror=tmp_path / "drive")
    shutil.rmtree(tmp_path / "run")
    run = train(chosen, choice, TRAIN, VALIDATION, tmp_path / "run", tmp_path / "log", mirror=tmp_path / "drive")
    assert run.resumed_at and run.steps == whole.steps and same(weights(tmp_path / "whole"), weights(tmp_path / "run"))
    assert same(weights(tmp_path / "run"), weights(tmp_path / "drive"))
