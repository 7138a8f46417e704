"""Preference training through TRL, really run on a tiny model: what it is held against, and what a kill leaves behind."""

from __future__ import annotations

import json

import pytest

from workbench.dataset import Dataset, Example
from workbench.models import EMBEDDED, ModelChoice, load_for_training, load_tokenizer, with_new_adapter
from workbench.train import preferences
from workbench.train.preferences import PASSED_ON, REFERENCE, PreferenceRun, align, load_to_align, pair_table, preference_plan, rows_for, trainer_for
from workbench.train.recorder import COMPLETE, read_steps

pytestmark = pytest.mark.model
PAIRS = Dataset("preferences", tuple(
    Example(f"r{i}", (("user", f"Where is parcel {i}?"),), f"It comes on day {i}.", {}, "I can't say <|im_end|> anything.") for i in range(12)
))  # fmt: skip


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """A base of two small layers with the embedded model's tokenizer, and an adapter that moves it."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder, log = tmp_path_factory.mktemp("tiny"), tmp_path_factory.mktemp("log") / "log"
    tokenizer = load_tokenizer(ModelChoice(EMBEDDED, ""), log).tokenizer
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder / "base")
    tokenizer.save_pretrained(folder / "base")
    choice = ModelChoice(str(folder / "base"), "for the test")
    loaded = with_new_adapter(load_for_training(choice, log, 256), 8, 16, 0, log)
    for name, parameter in loaded.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    loaded.model.save_pretrained(folder / "adapter")
    return choice, folder / "adapter", log


@pytest.fixture(scope="module")
def plan(tuned):
    choice, start, _ = tuned
    return preference_plan(choice, PAIRS, start, 8, 4).change(save_every=2, learning_rate=1e-2)


def start_training(plan, tuned, folder, progress=None):
    choice, start, log = tuned
    return align(plan, PAIRS, choice, start, folder, log, progress)


@pytest.fixture(scope="module")
def finished(plan, tuned, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return folder, start_training(plan, tuned, folder)


def weights(folder):
    from safetensors.torch import load_file

    return load_file(folder / "adapter" / "adapter_model.safetensors")


def test_the_reference_is_the_tuned_model_so_the_first_step_knows_no_preference(finished):
    first = read_steps(finished[0])[0]
    # Held against the untuned base, an adapter that moves it would show a margin before it has learnt anything.
    assert first["loss"] == pytest.approx(0.6931, abs=2e-3) and abs(first["margin"]) < 5e-3


def test_the_preferred_answers_are_told_apart_in_the_end(finished):
    _, run = finished
    assert run.loss_last < run.loss_first and run.margin_last > 0.1 and run.accuracy_last > 0.9
    assert run.reference == REFERENCE and run.steps == 8


def test_the_adapter_stands_alone_without_the_copy_it_was_held_against(finished, tuned):
    folder, _ = finished
    assert sorted(p.name for p in (folder / "adapter").iterdir() if p.is_dir()) == []
    from safetensors.torch import load_file

    before = load_file(tuned[1] / "adapter_model.safetensors")
    after = weights(folder)
    assert before.keys() == after.keys() and any((before[k].float() != after[k].float()).any() for k in before)


class Killed(BaseException):
    pass


def test_a_killed_training_ends_with_the_adapter_of_one_that_was_not(plan, tuned, finished, tmp_path):
    def kill(history, steps):
        if history[-1]["step"] == 5:
            raise Killed

    with pytest.raises(Killed):
        start_training(plan, tuned, tmp_path, kill)
    (newest, *_) = sorted((tmp_path / "checkpoints").glob("checkpoint-4"))
    assert (newest / COMPLETE).exists() and not (newest / "ref").exists()
    run = start_training(plan, tuned, tmp_path)
    whole, again = weights(finished[0]), weights(tmp_path)
    assert run.resumed_at == (4,) and run.steps == 8
    assert max(float((whole[k] - again[k]).abs().max()) for k in whole) < 1e-5
    assert not list((tmp_path / "checkpoints").glob("checkpoint-*"))


def test_a_training_that_was_asked_to_stop_is_saved_and_goes_on_when_started_again(plan, tuned, finished, tmp_path):
    def stop(history, steps):
        if history[-1]["step"] == 3:
            (tmp_path / "stop").touch()

    first = start_training(plan, tuned, tmp_path, stop)
    assert first.ended == "stopped" and 3 <= first.steps < 8 and weights(tmp_path)
    run = start_training(plan, tuned, tmp_path)
    whole, again = weights(finished[0]), weights(tmp_path)
    assert (run.ended, run.steps, run.resumed_at) == ("steps", 8, (first.steps,))
    assert max(float((whole[k] - again[k]).abs().max()) for k in whole) < 1e-5


def test_a_finished_training_is_read_back_and_not_made_again(plan, tuned, finished, monkeypatch):
    monkeypatch.setattr(preferences, "_align", lambda *_: pytest.fail("training was begun"))
    assert start_training(plan, tuned, finished[0]) == PreferenceRun.load(finished[0] / "run.json") == finished[1]


def test_the_step_log_says_loss_margin_and_accuracy_of_each_step(finished):
    lines = [json.loads(line) for line in (finished[0] / "steps.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 9))
    assert all({"seconds", "loss", "margin", "accuracy", "learning_rate", "gradient_norm"} <= set(line) for line in lines)


def test_what_is_passed_on_as_text_comes_out_as_the_tokens_of_our_own_rendering(tuned):
    chat = load_tokenizer(ModelChoice(EMBEDDED, ""), tuned[2])
    ours = pair_table(chat, PAIRS, 256)[0][0]
    theirs = rows_for("orpo", chat, PAIRS)[0]
    end = chat.tokenizer.eos_token
    assert chat.tokenizer(theirs["prompt"])["input_ids"] == ours["prompt_ids"]
    for side in ("chosen", "rejected"):
        assert chat.tokenizer(theirs["prompt"] + theirs[side] + end)["input_ids"] == ours["prompt_ids"] + ours[f"{side}_ids"]


@pytest.mark.parametrize("kind", [kind for kind in PASSED_ON if kind != "reward"])
def test_the_other_ways_make_a_step_with_a_gradient(kind, tuned, tmp_path):
    choice, start, log = tuned
    loaded = load_to_align(choice, start, 256, log)
    extra, settings = {}, {"max_steps": 1, "per_device_train_batch_size": 4}
    if kind == "grpo":
        extra = {"reward_funcs": lambda completions, **_: [float(len(set(text)) % 7) for text in completions]}
        settings |= {"num_generations": 4, "max_completion_length": 8, "temperature": 1.0, "beta": 0.0}
    trainer = trainer_for(kind, loaded.model, loaded.tokenizer, rows_for(kind, loaded, PAIRS), tmp_path, extra, **settings)
    trainer.train()
    (logged,) = [entry for entry in trainer.state.log_history if "grad_norm" in entry]
    assert logged["grad_norm"] > 0
