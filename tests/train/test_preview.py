"""What training will see is shown as it is, with the learnt tokens marked; where nothing would be learnt, it is refused."""

from types import SimpleNamespace

import pytest

from workbench.dataset import Dataset, Example
from workbench.errors import BadInput, Mismatch
from workbench.models import ModelChoice, load_tokenizer
from workbench.train import preview
from workbench.train.encode import IGNORED, encode, token_table
from workbench.train.plan import plan
from workbench.train.preview import FirstBatch, RowTokens, TemplateCheck, TokenPreview, as_shipped, check_templates, first_batch

EVIL = "<script>alert('x')</script>"


PLAIN = Example("plain", (("user", "Where is it?"),), "delivery")
OWN = Example("own", (("system", "You are a pirate."), ("user", "Pay me!")), "refund")
TALK = Example("talk", (("user", "Hello"), ("assistant", "Hi?"), ("user", "It broke.")), "defect")


@pytest.fixture
def view(loaded):
    """How a model with a window of so many tokens sees rows."""
    return lambda window=200: RowTokens(loaded, "a model", window)


def test_the_pieces_join_to_the_exact_text_and_the_learnt_ones_to_the_answer(view):
    tokens = view()
    shown = tokens.preview(Dataset("train", (PLAIN, OWN, TALK)), rows=3)
    for row, example in zip(shown.rows, (PLAIN, OWN, TALK), strict=True):
        assert "".join(text for text, _ in row.pieces) == tokens.chat.tokenizer.text(encode(tokens.chat, example).input_ids)
        assert "".join(text for text, learnt in row.pieces if learnt) == example.answer + "<end>"


def test_rows_and_tokens_beyond_the_window_are_counted(view):
    rows = Dataset("train", (PLAIN, Example("long", (("user", "word " * 100),), "yes")))
    lengths = [sum(pair) for pair in view().count(list(rows))]
    shown = view(window=60).preview(rows)
    assert (shown.total, shown.too_long, shown.tokens) == (2, 1, sum(lengths))
    assert shown.cut == lengths[1] - 60
    assert "1 are longer and would lose" in repr(shown) and "all fit" in repr(view(window=1000).preview(rows))


def test_it_is_refused_where_nothing_would_be_learnt(view):
    with pytest.raises(BadInput, match="training would do nothing"):
        view(window=5).preview(Dataset("train", (PLAIN, OWN)))


def test_only_learnt_tokens_are_marked_and_text_is_escaped(view):
    html = view().preview(Dataset("train", (Example("r", (("user", EVIL),), EVIL),)))._repr_html_()
    assert EVIL not in html and "&lt;" in html
    assert html.count("<span style=") == html.count("border-bottom") > 1


def test_personal_data_is_masked_in_what_is_shown(view):
    row = Example("r", (("user", "I am jane@example.org"),), "Noted, jane@example.org")
    shown = view().preview(Dataset("train", (row,)))
    text = "".join(text for text, _ in shown.rows[0].pieces)
    assert "jane" not in text and text.count("EMAIL") == 2


def test_a_preview_survives_its_file(tmp_path, view):
    shown = view().preview(Dataset("train", (PLAIN, TALK)))
    assert TokenPreview.load(shown.save(tmp_path / "preview.json")) == shown
    assert list(shown.table()["learnt"]) == [row.learnt for row in shown.rows]


def test_a_row_is_counted_once(view, monkeypatch):
    asked = []
    monkeypatch.setattr(preview, "count_tokens", lambda chat, rows: asked.append(len(rows)) or [(1, 2)] * len(rows))
    tokens = view()
    assert tokens.count([PLAIN, OWN]) == [(1, 2)] * 2 and tokens.count([OWN, TALK, PLAIN]) == [(1, 2)] * 3
    assert asked == [2, 1]


ROWS = Dataset("train", (
    *(Example(f"r{i}", (("user", f"order {i} " + "now " * (i % 5)),), "refund" if i % 2 else "no") for i in range(19)), OWN, TALK,
))  # fmt: skip


# Tokens that the longer half of the rows has more of, a character a token.
LONG = 90


def planned(rows=ROWS, **settings):
    return plan(ModelChoice("a/model", ""), rows, Dataset("validation", (PLAIN,)), 10, 4).change(**settings)


def trained_first(folder, log, settings, rows):
    """The batches that a real trainer gives a real model in its first step."""
    from transformers import AutoModelForCausalLM, DataCollatorForSeq2Seq, Trainer, TrainingArguments

    chat = load_tokenizer(ModelChoice(str(folder), ""), log)
    model = AutoModelForCausalLM.from_pretrained(folder)
    seen = []

    class Watched(Trainer):
        def training_step(self, model, inputs, *others, **named):
            seen.append({name: values.tolist() for name, values in inputs.items()})
            return super().training_step(model, inputs, *others, **named)

    arguments = TrainingArguments(
        output_dir=str(log.parent / "trained"), max_steps=1, per_device_train_batch_size=settings.batch_size, use_cpu=True,
        gradient_accumulation_steps=settings.accumulation, seed=settings.seed, data_seed=settings.seed, report_to="none",
        disable_tqdm=True, save_strategy="no", remove_unused_columns=False,
    )  # fmt: skip
    table, _ = token_table(chat, rows, settings.max_length, settings.all_answers)
    collator = DataCollatorForSeq2Seq(chat.tokenizer, padding=True, label_pad_token_id=IGNORED)
    Watched(model=model, args=arguments, train_dataset=table, data_collator=collator).train()
    return chat, seen


@pytest.mark.parametrize("settings", [
    {"seed": 0}, {"seed": 5, "accumulation": 2, "all_answers": False}, {"seed": 5, "max_length": LONG},
    {"seed": 3, "accumulation": 9},
])  # fmt: skip
def test_the_first_batch_is_what_a_trainer_gives_the_model_first(model_folder, tmp_path, settings):
    settings = planned(**settings)
    chat, seen = trained_first(model_folder, tmp_path / "log", settings, ROWS)
    found = first_batch(RowTokens(chat, "tiny", 512), settings, ROWS)
    given = [
        (number, [i for i, real in zip(ids, whole, strict=True) if real], sum(x != IGNORED for x in labels), whole.count(0))
        for number, batch in enumerate(seen, 1)
        for ids, whole, labels in zip(batch["input_ids"], batch["attention_mask"], batch["labels"], strict=True)
    ]
    assert [(r.batch, len(ids), r.learnt, r.padding) for r, (_, ids, *_) in zip(found.rows, given, strict=True)] == [
        (number, len(ids), learnt, padding) for number, ids, learnt, padding in given
    ]
    assert ["".join(text for text, _ in r.pieces) for r in found.rows] == [chat.tokenizer.decode(ids) for _, ids, *_ in given]
    assert (found.left_out > 0) == (settings.max_length == LONG) and found.total + found.left_out == len(ROWS)


def test_other_seeds_draw_other_rows(view):
    drawn = {tuple(r.row_id for r in first_batch(view(), planned(seed=seed), ROWS).rows) for seed in range(5)}
    assert len(drawn) > 3


def test_every_answer_is_marked_in_the_first_batch_where_all_are_learnt(view):
    talk = Dataset("train", (TALK,))
    for all_answers, learnt in ((True, ["Hi?<end>", "defect<end>"]), (False, ["defect<end>"])):
        (row,) = first_batch(view(), planned(talk, all_answers=all_answers), talk).rows
        assert "".join(text for text, marked in row.pieces if marked) == "".join(learnt)


def test_the_first_batch_counts_rows_as_they_are_and_shows_them_masked_and_escaped(view):
    rows = Dataset("train", (Example("<i>", (("user", f"I am jane@example.org {EVIL}"),), "Noted, jane@example.org"),))
    found = first_batch(view(), planned(rows), rows)
    html, row = found._repr_html_(), found.rows[0]
    assert "jane" not in html and EVIL not in html and "<i>" not in html and "EMAIL" in html
    encoded = encode(view().chat, rows.examples[0])
    assert found.masked and (row.tokens, found.tokens) == (len(encoded.input_ids),) * 2 != (len(row.pieces),) * 2
    assert "the counts are those of the rows as they are" in html
    assert not first_batch(view(), planned(), ROWS).masked


def test_rows_that_the_plan_leaves_out_are_counted_and_not_drawn(view):
    rows = Dataset("train", (PLAIN, Example("long", (("user", "word " * 100),), "yes")))
    found = first_batch(view(), planned(rows, max_length=60), rows)
    assert ([r.row_id for r in found.rows], found.total, found.left_out) == (["plain"], 1, 1)
    with pytest.raises(BadInput, match="2 rows.*5 tokens.*training would do nothing"):
        first_batch(view(), planned(rows, max_length=5), rows)


def test_a_first_batch_of_other_rows_than_the_plan_is_for_is_refused(view):
    with pytest.raises(Mismatch, match="other rows"):
        first_batch(view(), planned(), Dataset("train", (PLAIN,)))


def test_a_first_batch_survives_its_file(tmp_path, view):
    found = first_batch(view(), planned(accumulation=2), ROWS)
    assert FirstBatch.load(found.save(tmp_path / "batch.json")) == found
    assert found.table()["padding"].sum() == found.padding and found.table()["batch"].tolist() == [1] * 4 + [2] * 4


@pytest.fixture
def pair(chat):
    """The chat formats of training and of serving, which give words the same ids."""

    def made(training="as said", serving="as said", **settings):
        one = chat(training)
        return one, chat(serving, **{"known": one.tokenizer.known, **settings})

    return made


def test_templates_agree_where_training_and_serving_are_the_same(pair, tmp_path):
    found = check_templates(*pair(), ROWS, all_answers=True)
    assert [name for name, *_ in found.rows] == ["r0", "own", "talk"]
    assert [learnt for *_, learnt in found.rows] == [2, 2, 5]
    assert (found.end, found.after, found.own_system, found.notes) == ("<end>", "\n", "", ())
    assert "not learnt" in found.table()["found"].str.cat()
    assert TemplateCheck.load(found.save(tmp_path / "check.json")) == found


BLANKS = Example("blanks", (("user", "a <end>"), ("assistant", "b"), ("user", "c")), " d<end> \n")


@pytest.mark.parametrize("template", ["trimming", "insisting", "as said"])
def test_a_template_that_asks_as_rows_are_learnt_is_taken_whatever_the_text(pair, template):
    found = check_templates(*pair(template, template), Dataset("train", (BLANKS, *ROWS.examples)), all_answers=True)
    assert repr(found) == "Templates agree: 3 rows begin in training as they are asked in use"


def test_a_serving_template_that_differs_is_refused_with_both_texts_at_the_first_difference(pair):
    rows = Dataset("train", (Example("r", (("user", "I am jane@example.org\n" + "word " * 40 + " end"),), "x"),))
    with pytest.raises(BadInput, match="'r' begins in training with another text") as refused:
        check_templates(*pair("as said", "trimming"), Dataset("train", (Example("r", (("user", "jane@example.org "),), "x"),)))
    assert "[EMAIL] <end>\\n" in str(refused.value) and "[EMAIL]<end>\\n" in str(refused.value)
    assert "jane" not in str(refused.value) and "\n" not in str(refused.value)
    assert check_templates(*pair("as said", "trimming"), rows).rows


def test_the_same_text_in_other_tokens_is_refused(pair):
    with pytest.raises(BadInput, match="'r0'.*same text.*other tokens, from number 2 on"):
        check_templates(*pair(known={"<turn>": 0, "<end>": 1, "another": 2}), ROWS)


def test_another_token_to_stop_at_in_use_is_refused(pair):
    with pytest.raises(BadInput, match="ends an answer with '<end>'.*stopped at '<turn>'"):
        check_templates(*pair(eos_token="<turn>", eos_token_id=0), ROWS)


def test_an_end_that_the_template_does_not_write_is_refused(pair):
    with pytest.raises(BadInput, match="another end.*no<end>.*no<turn>.*eos_token"):
        check_templates(*pair("ending otherwise", "ending otherwise"), ROWS)


def test_a_template_that_writes_an_answered_conversation_otherwise_than_it_asks_is_refused(pair):
    with pytest.raises(BadInput, match="learnt otherwise.*<think></think>no"):
        check_templates(*pair("thinking first", "thinking first"), ROWS)


def test_an_earlier_answer_that_can_not_be_learnt_is_refused_only_where_it_is_to_be_learnt(pair):
    talk = Dataset("train", (TALK,))
    assert check_templates(*pair("leaving out answers earlier", "leaving out answers earlier"), talk).rows
    with pytest.raises(BadInput, match="all_answers=False"):
        check_templates(*pair("leaving out answers earlier", "leaving out answers earlier"), talk, all_answers=True)


def test_a_template_that_refuses_the_rows_is_told_in_a_sentence(pair):
    with pytest.raises(BadInput, match="refuses these rows .System role not supported.*Choose another model"):
        check_templates(*pair("without system", "without system"), ROWS)


def test_templates_are_not_compared_where_nothing_would_be_learnt(pair):
    for rows, longest in ((ROWS, 5), (Dataset("train", ()), 1000)):
        with pytest.raises(BadInput, match="training would do nothing"):
            check_templates(*pair(), rows, max_length=longest)


def test_a_system_turn_that_the_template_adds_is_reported(pair):
    found = check_templates(*pair("with own system", "with own system"), ROWS)
    assert found.own_system == "<turn>system\nYou are Ann, made by Ann Ltd<end>\n<turn>user\n"
    assert len(found.notes) == 1 and "always send that turn" in found.notes[0] and "1 to heed" in repr(found)
    assert "&lt;turn&gt;system" in found._repr_html_() and "<turn>" not in found._repr_html_()


def test_a_switch_that_somebody_must_set_to_ask_as_was_learnt_is_reported(pair):
    found = check_templates(*pair("thinking unless asked not to", "thinking unless asked not to"), ROWS)
    assert len(found.notes) == 1 and "enable_thinking=False" in found.notes[0]


def test_a_date_that_the_template_writes_is_reported(pair):
    found = check_templates(*pair(chat_template="{{ strftime_now('%d') }}"), ROWS)
    assert "today's date" in found.notes[0]


def test_what_is_shipped_asks_as_was_trained(model_folder, tmp_path):
    project = SimpleNamespace(settings={"model": {"reference": str(model_folder), "reason": ""}}, log=tmp_path / "log")
    training, shipped = load_tokenizer(ModelChoice(str(model_folder), ""), project.log), as_shipped(project)
    found = check_templates(training, shipped, ROWS, all_answers=True)
    assert (found.end, found.own_system, found.notes) == ("<end>", "", ())
    shipped.tokenizer.chat_template = shipped.tokenizer.chat_template.replace("assistant\n", "assistant:\n")
    with pytest.raises(BadInput, match="assistant:"):
        check_templates(training, shipped, ROWS)
