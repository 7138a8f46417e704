"""The embedded model, really asked: a batch gives the answers that its rows give one by one, and a schema holds."""

from __future__ import annotations

import json

import pytest

from workbench.models import EMBEDDED, SYSTEM, ModelChoice, load_for_answers
from workbench.scoring import decoding
from workbench.scoring.answers import LocalModel, generate_answers
from workbench.scoring.grammar import schema_of

pytestmark = pytest.mark.model
LIMIT = 48
THINGS = ("kettle", "bedside table", "alarm clock", "toaster", "office chair", "lamp that my sister gave me", "pan", "radio")
EVENTS = ("arrived with a crack", "never came", "was billed twice, and I have written about it four times already",
          "doesn't turn on")  # fmt: skip
INPUTS = [f"Hello, the {thing} {event}." for thing in THINGS for event in EVENTS][:26]
SHOTS = [("user", "The mirror came broken."), ("assistant", '{"about": "damage", "thing": "mirror"}'),
         ("user", "Where is my sofa?"), ("assistant", '{"about": "delivery", "thing": "sofa"}')]  # fmt: skip
ARMS = {
    "examples": [[("system", "Answer with JSON."), *SHOTS, ("user", text)] for text in INPUTS],
    "nothing shared": [[("user", f"{i} {text}")] for i, text in enumerate(INPUTS)],
}
BARE = [[("system", SYSTEM), ("user", text)] for text in INPUTS]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    model = load_for_answers(ModelChoice(EMBEDDED, "for the test"), tmp_path_factory.mktemp("log") / "log")
    assert model.model.device.type == "cpu" or pytest.skip("only on a CPU are sums free of the batch's shape")
    return model


@pytest.fixture(scope="module")
def one_by_one(loaded):
    with decoding._exact(loaded.model):  # widened once, not for each row
        return {arm: [generate_answers(loaded, [prompt], LIMIT)[0] for prompt in prompts] for arm, prompts in ARMS.items()}


def said(answers):
    return [(a.text, a.prompt_tokens, a.answer_tokens, a.cut) for a in answers]


@pytest.mark.parametrize("arm", ARMS)
def test_a_batch_answers_as_its_rows_do_one_by_one(loaded, one_by_one, arm):
    together = generate_answers(loaded, ARMS[arm], LIMIT)
    assert len({a.prompt_tokens for a in together}) > 5 and len({a.text for a in together}) > 5
    assert said(together) == said(one_by_one[arm])


def test_the_answers_are_those_of_the_librarys_own_decoding_in_32_bits(loaded, one_by_one):
    with decoding._exact(loaded.model):
        encoded = [loaded.tokens(loaded.chat_text(prompt)) for prompt in ARMS["examples"][:6]]
        plain = [decoding._by_generate(loaded, [row], LIMIT, None)[0] for row in encoded]
    texts = [loaded.tokenizer.decode(tokens, skip_special_tokens=True).strip() for tokens in plain]
    assert texts == [a.text for a in one_by_one["examples"][:6]]


def test_the_path_for_graphics_cards_gives_the_same_answers(loaded, one_by_one, monkeypatch):
    plain = decoding.attend

    class Cuda:  # the tensor says it lies on a graphics card, and is otherwise itself
        is_cuda = True

        def __init__(self, tensor):
            self.tensor, self.shape = tensor, tensor.shape

    import torch

    fused = torch.nn.functional.scaled_dot_product_attention
    used = []

    def attention(query, *rest, **named):
        used.append(named["enable_gqa"])
        return fused(query.tensor, *rest, **named)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", attention)
    monkeypatch.setattr(decoding, "attend", lambda module, query, *rest, **named: plain(module, Cuda(query), *rest, **named))
    assert said(generate_answers(loaded, ARMS["examples"], LIMIT)) == said(one_by_one["examples"]) and used


def test_the_model_is_left_as_it_was(loaded):
    import torch

    before = {name: (p.dtype, p.data_ptr()) for name, p in loaded.model.named_parameters()}
    kind = loaded.model.config._attn_implementation
    generate_answers(loaded, BARE[:3], 4)
    assert {name: (p.dtype, p.data_ptr()) for name, p in loaded.model.named_parameters()} == before
    assert loaded.model.config._attn_implementation == kind and torch.is_grad_enabled()


def test_a_scoring_taken_up_again_makes_the_same_answers(loaded):
    prompts = BARE * 2
    model = LocalModel(loaded, "embedded")
    first, rest = model.answer(prompts, 8)
    assert said(dict(sorted(next(model.answer(prompts, 8, known=first)).items())).values()) == said(dict(sorted(rest.items())).values())


@pytest.mark.parametrize("own", [True, False], ids=["own loop", "library's"])
def test_a_schema_is_kept_to_where_the_model_would_not(loaded, monkeypatch, own):
    if not own:
        monkeypatch.setattr(decoding, "_takes_shared_beginning", lambda model: False)
    schema = schema_of(['{"about": "damage", "urgent": true}', '{"about": "delivery", "urgent": false}'] * 2)
    assert not any(a.text.startswith("{") for a in generate_answers(loaded, BARE[:8], 8))
    for answer in generate_answers(loaded, BARE[:8], LIMIT, schema=schema):
        value = json.loads(answer.text)
        assert not answer.cut and list(value) == ["about", "urgent"]
        assert value["about"] in ("damage", "delivery") and isinstance(value["urgent"], bool)


def test_with_a_schema_a_batch_answers_as_its_rows_do(loaded):
    schema = schema_of(['{"about": "damage", "thing": "x"}', '{"about": "delivery", "thing": "y"}'] * 2)
    schema["properties"]["thing"] = {"type": "string"}
    asked = ARMS["examples"][:8]
    together = generate_answers(loaded, asked, LIMIT, schema=schema)
    assert said(together) == said(generate_answers(loaded, [prompt], LIMIT, schema=schema)[0] for prompt in asked)
