"""A tokenizer of words, so that what training sees can be read in a test."""

import re
from inspect import signature

import pytest

from workbench.models import EMBEDDED, LoadedModel, LoadedTokenizer, ModelChoice


class Tokenizer:
    """Words, line breaks in a row, single signs and two control tokens; ids are given as they come up."""

    all_special_tokens = ["<end>"]
    added_tokens_decoder = {0: type("Added", (), {"special": True, "__str__": lambda self: "<turn>"})()}
    eos_token_id, eos_token, chat_template = 1, "<end>", "as below"

    @staticmethod
    def template(turns, start):
        """The conversation as text; `start` begins the answer."""
        return "".join(f"<turn>{turn['role']}\n{turn['content']}<end>\n" for turn in turns) + start

    def __init__(self):
        self.known = {"<turn>": 0, "<end>": 1}

    def __call__(self, text, add_special_tokens=True):
        assert not add_special_tokens, "the text holds its control tokens already"
        if isinstance(text, list):
            return {"input_ids": [self(one, add_special_tokens)["input_ids"] for one in text]}
        pieces = re.findall(r"<turn>|<end>|\w+|\n+|\s|.", text)
        return {"input_ids": [self.known.setdefault(piece, len(self.known)) for piece in pieces]}

    def decode(self, ids):
        return self.text(ids)

    def apply_chat_template(self, turns, tokenize, add_generation_prompt, return_dict=True, **switches):
        if "enable_thinking" not in signature(self.template).parameters:
            switches = {}
        text = self.template(turns, "<turn>assistant\n" if add_generation_prompt else "", **switches)
        return self(text, add_special_tokens=False)["input_ids"] if tokenize and not return_dict else text

    def text(self, ids):
        words = {i: piece for piece, i in self.known.items()}
        return "".join(words[i] for i in ids)


@pytest.fixture
def loaded():
    return LoadedModel(None, Tokenizer(), ModelChoice(EMBEDDED, ""), "NF4")


def thinking_first(turns, start):
    """A template that lets an answer begin with an empty thought, and leaves the thought out of earlier answers."""
    return Tokenizer.template(turns, start and start + "<think></think>")


def thinking_unless_asked_not_to(turns, start, enable_thinking=True):
    """A template that lets an answer begin with a thought unless it is told not to."""
    return Tokenizer.template(turns, start and start + "<think>" * enable_thinking)


def leaving_out_answers_earlier(turns, start):
    """A template that leaves earlier answers out, and writes the last turn whatever it is."""
    return Tokenizer.template([t for t in turns if t["role"] != "assistant" or t is turns[-1]], start)


def leaving_out_answers(turns, start):
    """A template that leaves earlier answers out."""
    return Tokenizer.template([turn for turn in turns if turn["role"] != "assistant"], start)


def ending_otherwise(turns, start):
    """A template that ends a turn with another token than the tokenizer's own."""
    return Tokenizer.template(turns, start).replace("<end>", "<turn>")


def insisting(turns, start):
    """A template that refuses two turns of the same role in a row."""
    from jinja2 import TemplateError

    if start and turns[-1]["role"] != "user":
        raise TemplateError("roles must alternate")
    return Tokenizer.template(turns, start)


def trimming(turns, start):
    """A template that cuts off the blanks around a turn."""
    return Tokenizer.template([{**turn, "content": turn["content"].strip()} for turn in turns], start)


def without_system(turns, start):
    """A template that takes no system turn."""
    from jinja2 import TemplateError

    if turns[0]["role"] == "system":
        raise TemplateError("System role not supported")
    return Tokenizer.template(turns, start)


def with_own_system(turns, start):
    """A template that adds a system turn of its own where none is sent."""
    own = [] if turns[0]["role"] == "system" else [{"role": "system", "content": "You are Ann, made by Ann Ltd"}]
    return Tokenizer.template([*own, *turns], start)


TEMPLATES = {"as said": Tokenizer.template} | {
    function.__name__.replace("_", " "): function
    for function in (
        thinking_first, thinking_unless_asked_not_to, leaving_out_answers, leaving_out_answers_earlier, ending_otherwise,
        insisting, trimming, without_system, with_own_system,
    )
}


@pytest.fixture
def chat():
    """The same model with another template (by its name in TEMPLATES), and perhaps other settings of the tokenizer."""

    def made(template, **settings):
        tokenizer = Tokenizer()
        tokenizer.template = TEMPLATES[template]
        vars(tokenizer).update(settings)
        return LoadedTokenizer(tokenizer, 200)

    return made


CHAT_TEMPLATE = """{% for message in messages %}<turn>{{ message['role'] }}
{{ message['content'] }}<end>
{% endfor %}{% if add_generation_prompt %}<turn>assistant
{% endif %}"""


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    """A model of two layers with random weights, and a real tokenizer of single characters, as a folder."""
    from tokenizers import Regex, decoders, models, pre_tokenizers
    from tokenizers import Tokenizer as Words
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    known = ["<turn>", "<end>", "<pad>", "?", *map(chr, range(32, 63)), *map(chr, range(64, 127)), "\n"]
    words = Words(models.WordLevel({sign: i for i, sign in enumerate(known)}, unk_token="?"))
    words.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    words.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, eos_token="<end>", pad_token="<pad>", additional_special_tokens=["<turn>"],
        chat_template=CHAT_TEMPLATE,
    )
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    folder = tmp_path_factory.mktemp("model")
    LlamaForCausalLM(LlamaConfig(vocab_size=len(known), max_position_embeddings=512, **shape)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
