"""What is written for training opens in the trainers' own libraries and reads back as the same rows."""

import json

import pytest

from workbench.curate.reading import guess_columns, read_file, save_training_rows, to_csv, to_dataset, to_training_rows
from workbench.dataset import Dataset, Example
from workbench.errors import BadInput

TALK = Dataset("all", (
    Example("r1", (("system", "Be kind."), ("user", "Größe\n\n=1+1")), "“x” \u2028 <b>"),
    Example("r2", (("user", "q1"), ("assistant", "x1"), ("user", "q2")), '{"k": null}'),
    Example("r3", (("user", "NA"),), "007"),
))  # fmt: skip
PAIRS = Dataset("all", (
    Example("r1", (("system", "s"), ("user", "q")), "good", {}, "bad"), Example("r2", (("user", "q2"),), "better", {}, "worse"),
))  # fmt: skip
each_kind = pytest.mark.parametrize("dataset", [TALK, PAIRS], ids=["conversations", "pairs"])
each_format = pytest.mark.parametrize("ending", ["jsonl", "parquet"])
TEMPLATE = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"


def texts(dataset):
    return [(e.messages, e.answer, e.rejected) for e in dataset]


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    """What the datasets library makes of a written file."""

    def write_and_load(dataset, ending):
        import datasets

        path = save_training_rows(dataset, tmp_path / f"rows.{ending}")
        return datasets.load_dataset({"jsonl": "json"}.get(ending, ending), data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))

    return write_and_load


@each_format
@each_kind
def test_what_is_written_reads_back_as_the_same_rows(dataset, ending, tmp_path):
    raw = read_file(save_training_rows(dataset, tmp_path / f"rows.{ending}"))
    back, quarantine = to_dataset(raw, guess_columns(raw))
    assert texts(back) == texts(dataset) and not len(quarantine)


@each_format
@each_kind
def test_what_is_written_opens_in_the_datasets_library_and_is_conversational_to_the_trainer(dataset, ending, loaded):
    from trl.data_utils import is_conversational, maybe_convert_to_chatml

    opened = loaded(dataset, ending)
    assert [dict(row) for row in opened] == to_training_rows(dataset)
    assert all(is_conversational(row) and maybe_convert_to_chatml(row) == row for row in opened)


@each_kind
def test_the_trainers_template_shows_every_turn(dataset, loaded):
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast
    from trl.data_utils import apply_chat_template

    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]")))
    tokenizer.chat_template = TEMPLATE
    for example, row in zip(dataset, loaded(dataset, "jsonl"), strict=True):
        shown = apply_chat_template(row, tokenizer)
        prompt = "".join(f"[{role}]{content}" for role, content in example.messages) + "[assistant]"
        whole = {"text": prompt + example.answer} if not example.rejected else {
            "prompt": prompt, "chosen": example.answer, "rejected": example.rejected}  # fmt: skip
        assert shown == whole


@pytest.mark.model
def test_unsloth_takes_what_is_written_as_it_is(loaded):
    pytest.importorskip("unsloth")
    from unsloth.chat_templates import standardize_data_formats

    opened = loaded(TALK, "jsonl").rename_column("messages", "conversations")
    assert standardize_data_formats(opened)["conversations"] == [row["messages"] for row in to_training_rows(TALK)]


def test_two_kinds_of_rows_or_another_ending_are_refused(tmp_path):
    with pytest.raises(BadInput, match="Write them to two"):
        save_training_rows(Dataset("all", (TALK.examples[0], PAIRS.examples[1])), tmp_path / "a.jsonl")
    with pytest.raises(BadInput, match="neither"):
        save_training_rows(TALK, tmp_path / "a.txt")
    with pytest.raises(BadInput, match="neither"):
        to_csv(TALK, tmp_path / "a.txt")


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_table_for_a_spreadsheet_has_every_turn(tmp_path, ending):
    raw = read_file(to_csv(TALK, tmp_path / f"a.{ending}").path)
    assert [row["input"] for _, row in raw.rows] == [e.input for e in TALK]
    assert [row["answer"] for _, row in raw.rows] == [e.answer for e in TALK]
    turns = [json.loads(row["messages"]) if row["messages"] else [] for _, row in raw.rows]
    assert [len(found) for found in turns] == [2, 3, 0] and turns[0][0]["content"] == "Be kind."


def test_a_cell_that_a_workbook_would_cut_is_refused(tmp_path):
    long = Dataset("all", (Example("r", (("user", "x" * 32_768),), "y"),))
    with pytest.raises(BadInput, match="Write .csv"):
        to_csv(long, tmp_path / "a.xlsx")
    assert len(read_file(to_csv(long, tmp_path / "a.csv").path).rows) == 1
