"""A tokenizer of words, so that what training sees can be read in a test."""

import re

import pytest

from workbench.models import EMBEDDED, LoadedModel, ModelChoice


class Tokenizer:
    """Words, single signs and two control tokens; ids are given as they come up."""

    all_special_tokens = ["<end>"]
    added_tokens_decoder = {0: type("Added", (), {"special": True, "__str__": lambda self: "<turn>"})()}
    eos_token_id = 1

    def __init__(self):
        self.known = {"<turn>": 0, "<end>": 1}

    def __call__(self, text, add_special_tokens=True):
        assert not add_special_tokens, "the text holds its control tokens already"
        if isinstance(text, list):
            return {"input_ids": [self(one, add_special_tokens)["input_ids"] for one in text]}
        pieces = re.findall(r"<turn>|<end>|\w+|\s|.", text)
        return {"input_ids": [self.known.setdefault(piece, len(self.known)) for piece in pieces]}

    def decode(self, ids):
        return self.text(ids)

    def apply_chat_template(self, turns, tokenize, add_generation_prompt, enable_thinking):
        text = "".join(f"<turn>{turn['role']}\n{turn['content']}<end>\n" for turn in turns)
        return text + "<turn>assistant\n" if add_generation_prompt else text

    def text(self, ids):
        words = {i: piece for piece, i in self.known.items()}
        return "".join(words[i] for i in ids)


@pytest.fixture
def loaded():
    return LoadedModel(None, Tokenizer(), ModelChoice(EMBEDDED, ""), "NF4")
