"""What an arm costs is measured quantities times prices with a source; what has no price stays blank."""

from dataclasses import replace

import pytest

from workbench.dataset import Dataset, Example
from workbench.decide.arm_cost import (
    ALWAYS_ON,
    COMBINATION,
    HOURS_PER_MONTH,
    PROMPTING,
    RENTED,
    RETRIEVAL,
    TUNING,
    Usage,
    arm_traits,
)
from workbench.decide.arms import Arm, FixedShots, Form, Lookup, NearestShots, Trained
from workbench.decide.costs import BATCHES, MACHINE_HOURS, WAITING, CostReport, costs
from workbench.decide.prices import Prices, edit_prices, load_prices, read_prices
from workbench.errors import BadInput
from workbench.project import Project
from workbench.scoring.scorecard import Scorecard, ScoredRow
from workbench.scoring.seeds import Seeds

HEAD = "item,unit,price,currency,date,source\n"
TABLE = HEAD + (
    "electricity,kWh,0.36,EUR,2026-01,bill\n"
    "power draw,W,100,,2026-01,meter\n"
    "rented GPU,hour,3.6,EUR,2026-01,list\n"
    "person,hour,60,EUR,2026-01,payroll\n"
    "index hosting,month,30,EUR,2026-01,list\n"
    "endpoint input,million tokens,2,EUR,2026-01,list\n"
    "endpoint output,million tokens,10,EUR,2026-01,list\n"
    "endpoint input: big-1,million tokens,4,EUR,2026-01,list\n"
    "exchange USD,1 USD,0.5,EUR,2026-01,bank\n"
)
SECOND = 0.36 * 100 / 1000 / 3600
ROWS = Dataset("train", tuple(Example(f"t{i}", (("user", f"q{i}"),), "a") for i in range(4)))
LOOKUP = Lookup(search=None)
BARE = Arm("bare", "Bare", Form(), "")
SHOTS = Arm("examples", "Examples", Form("do", FixedShots(ROWS)), "")
NEAREST = Arm("nearest", "Nearest", Form("do", NearestShots(lambda: None, "f", 4)), "")
RAG = Arm("rag", "RAG", Form("do", lookup=LOOKUP), "")
PILOT = Arm("pilot", "Pilot", Form(), "", Trained("pilot", Form()))
RAFT = Arm("raft", "RAFT", Form("do", lookup=LOOKUP), "", Trained("raft", Form("do", lookup=LOOKUP)))
REMOTE = Arm("endpoint", "Big", Form("do", FixedShots(ROWS)), "", endpoint=object())
ARMS = [BARE, SHOTS, NEAREST, RAG, PILOT, RAFT, REMOTE]
USAGE = Usage(1000, 12, 2, 120, 2.0, "EUR", rows_per_change=6, checking_hours=3.0, curating_hours=5.0)
INDEX = {"nearest": 36.0, "rag": 72.0, "raft": 72.0}


def table(tmp_path, text=TABLE):
    path = tmp_path / "prices.csv"
    path.write_text(text, encoding="utf-8")
    return read_prices(path, "here")


def card(arm, right=10, seconds=2.0, training=0.0, rows=20, model="tiny"):
    scored = tuple(ScoredRow(f"r{i}", float(i < right), "said", 100, 10, False) for i in range(rows))
    recipe = f"recipe {arm.key} {seconds}"
    return Scorecard(arm.key, arm.title, recipe, "data", model, "fp32", "label", 64, scored, seconds, training, "2 cores")


def report(tmp_path, arms=ARMS, usage=USAGE, text=TABLE, index=INDEX, **seconds):
    cards = [card(a, seconds=seconds.get(a.key, 2.0), training=1800.0 if a.trained else 0.0) for a in arms]
    return costs(arms, cards, usage, table(tmp_path, text), index)


def lines(arm):
    return {line.what: line for line in arm.lines}


def test_the_packaged_prices_all_have_a_date_and_a_source_or_are_blank():
    prices = load_prices()
    assert all(row.price is None or (row.date and row.source.strip()) for row in prices.rows)
    assert 3 <= sum(row.value is not None for row in prices.rows) < len(prices.rows)
    assert all("http" in row.source for row in prices.rows if row.value is not None)


def test_the_packaged_prices_price_a_call_on_this_machine():
    assert load_prices().second("EUR", rented=False) > 0 and load_prices().second("EUR", rented=True) > 0


def test_a_price_without_source_or_date_is_not_used_and_the_table_says_why(tmp_path):
    prices = table(tmp_path, HEAD + "person,hour,60,EUR,2026-01,\nrented GPU,hour,1,EUR,,list\nembedding,million tokens,,,,\n")
    assert [prices.price(item, "EUR") for item in ("person", "rented GPU", "embedding")] == [None] * 3
    assert prices.table()["used"].tolist() == ["no: source missing", "no: date missing", "no: price, date, source missing"]


def test_the_projects_own_table_goes_before_the_packaged_one(tmp_path):
    project = Project(tmp_path, {})
    assert load_prices(project).where == "the packaged table"
    path = edit_prices(project)
    path.write_text(TABLE, encoding="utf-8")
    assert edit_prices(project).read_text(encoding="utf-8") == TABLE, "a second call overwrites nothing"
    assert load_prices(project).price("person", "EUR") == 60


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("item,price\n", "line 1, has the columns item, price"),
        ("", "line 1, has the columns none"),
        (HEAD + "person,hour,60,EUR,2026,a, b\n", "line 2, has 7 cells"),
        (HEAD + "person,hour,sixty,EUR,2026,a\n", "line 2, has the price 'sixty'"),
        (HEAD + "person,hour,-1,EUR,2026,a\n", "line 2, has the price '-1'"),
        (HEAD + "person,hour,nan,EUR,2026,a\n", "line 2, has the price 'nan'"),
        (HEAD + "person,hour,6,euro,2026,a\n", "line 2, has the currency 'euro'"),
        (HEAD + "person,hour,6,EUR,yesterday,a\n", "line 2, has the date 'yesterday'"),
        (HEAD + "person,day,6,EUR,2026,a\n", "line 2, prices 'person' per 'day'"),
        (HEAD + "Rented gpu,day,6,EUR,2026,a\n", "per 'hour'"),
        (HEAD + "person,hour,6,EUR,2026,a\n\nperson,hour,7,EUR,2026,a\n", "line 4, prices 'person' a second time"),
    ],
)
def test_a_malformed_table_is_refused_with_the_line_named(tmp_path, text, said):
    with pytest.raises(BadInput, match=said.replace("(", r"\(")):
        table(tmp_path, text)


def test_a_table_saved_by_a_spreadsheet_with_semicolons_and_commas_is_read(tmp_path):
    text = "\ufeff" + HEAD.replace(",", ";") + "person;hour;33,5;EUR;2026;a, b\n"
    assert table(tmp_path, text).price("person", "EUR") == 33.5


def test_a_table_that_is_not_utf8_is_refused(tmp_path):
    (tmp_path / "prices.csv").write_bytes(HEAD.encode() + b"person,hour,6,EUR,2026,B\xe4nk\n")
    with pytest.raises(BadInput, match="not UTF-8"):
        read_prices(tmp_path / "prices.csv", "here")


def test_another_currency_is_converted_only_at_a_rate_that_has_a_source(tmp_path):
    prices = table(tmp_path)
    assert prices.price("person", "USD") == 120 and prices.price("person", "GBP") is None
    unsourced = table(tmp_path, TABLE.replace("2026-01,bank", "2026-01,"))
    assert unsourced.price("person", "USD") is None


def test_the_price_of_a_named_model_goes_before_the_general_one(tmp_path):
    prices = table(tmp_path)
    assert prices.price("endpoint input", "EUR", "big-1") == 4 and prices.price("endpoint input", "EUR", "small") == 2


def test_prices_survive_saving(tmp_path):
    prices = table(tmp_path)
    assert Prices.load(prices.save(tmp_path / "p.json")) == prices


def test_what_an_arm_is_made_of_is_read_off_the_arm():
    traits = {arm.key: arm_traits(arm) for arm in ARMS}
    assert {key: t.technique for key, t in traits.items()} == {
        "bare": PROMPTING, "examples": PROMPTING, "nearest": PROMPTING, "rag": RETRIEVAL, "pilot": TUNING,
        "raft": COMBINATION, "endpoint": PROMPTING,
    }
    assert [key for key, t in traits.items() if t.knows_facts] == ["pilot"]
    assert [key for key, t in traits.items() if t.remote] == ["endpoint"]
    assert traits["examples"].shots == 4 and traits["nearest"].indexes_rows and not traits["examples"].indexes_rows


def test_a_call_costs_its_measured_seconds_on_this_machine_and_its_measured_tokens_on_an_endpoint(tmp_path):
    found = report(tmp_path)
    assert found["bare"].per_1000_calls.money == pytest.approx(2000 * SECOND)
    assert found["bare"].per_1000_calls.seconds == pytest.approx(2000)
    assert found["endpoint"].per_1000_calls.money == pytest.approx(1000 * (100 * 2 + 10 * 10) / 1e6)


def test_seconds_are_said_to_be_those_of_batches_and_of_an_endpoint_those_waited(tmp_path):
    found = report(tmp_path, [BARE, REMOTE], bare=2.0, endpoint=3.0)
    assert found.table()["seconds per call, in batches"].tolist() == ["2.00", "3.00 (waiting)"]
    assert BATCHES in found.notes and WAITING in found.notes and "A single call takes longer" in found._repr_html_()
    assert WAITING not in report(tmp_path, [BARE]).notes and BATCHES not in report(tmp_path, [REMOTE]).notes


def test_labelling_is_paid_by_arms_that_learn_or_look_up_rows_and_by_the_rest_for_their_examples(tmp_path):
    hours = {a.key: lines(a)["labelling"].hours if "labelling" in lines(a) else 0 for a in report(tmp_path).arms}
    four = 4 * 2 / 60
    learning = {"nearest": 4, "pilot": 4, "raft": 4}
    assert hours == pytest.approx({"bare": 0, "examples": four, "rag": 0, "endpoint": four, **learning})


def test_an_arm_that_learnt_the_facts_is_tuned_again_at_every_change_and_one_that_looks_them_up_is_not(tmp_path):
    found = report(tmp_path)
    assert lines(found["pilot"])["training again"].seconds == pytest.approx(1800 * (2 + 12) / 12)
    assert lines(found["raft"])["training again"].seconds == pytest.approx(1800 * 2 / 12)
    assert "training again" not in lines(found["rag"])
    assert lines(found["pilot"])["labelling what changed"].hours == pytest.approx(6 * 2 / 60)
    assert "labelling what changed" not in lines(found["rag"])


def test_an_index_is_embedded_again_at_every_change(tmp_path):
    rag = lines(report(tmp_path)["rag"])
    assert rag["embedding of the index"].seconds == 72 and rag["embedding again"].seconds == pytest.approx(72)


def test_an_index_is_hosted_at_a_price_only_away_from_this_machine(tmp_path):
    assert "hosting of the index" not in lines(report(tmp_path)["rag"])
    rented = report(tmp_path, usage=replace(USAGE, machine=RENTED))
    assert lines(rented["rag"])["hosting of the index"].money == 30 and "hosting of the index" not in lines(rented["pilot"])


def test_an_embedding_that_is_bought_is_priced_by_its_tokens(tmp_path):
    priced = table(tmp_path, TABLE + "embedding,million tokens,8,EUR,2026,list\n")
    found = costs([RAG], [card(RAG)], USAGE, priced, INDEX, {"rag": 500_000})
    assert lines(found["rag"])["embedding of the index"].money == 4


def test_a_gpu_rented_around_the_clock_is_paid_for_its_idle_time_too(tmp_path):
    found = report(tmp_path, usage=replace(USAGE, machine=ALWAYS_ON))
    assert found["bare"].amount(calls=1000).money == pytest.approx(HOURS_PER_MONTH * 3.6)
    busy = report(tmp_path, usage=replace(USAGE, machine=ALWAYS_ON, calls_per_month=10_000_000))
    assert busy["bare"].amount(calls=1).seconds == 2.0


def test_what_has_no_price_is_blank_and_named_and_never_nought(tmp_path):
    found = report(tmp_path, text=TABLE.replace("60,EUR,2026-01,payroll", ",,,"))
    pilot = found["pilot"]
    assert lines(pilot)["labelling"].money is None
    assert pilot.once.without == ("labelling", "curating", "checking") and pilot.once.money == pytest.approx(1800 * SECOND)
    assert pilot.once.hours == pytest.approx(4 + 5 + 3), "hours are told without a price"
    row = found.table().set_index("arm").loc["Pilot"]
    assert "labelling" in row["without"]
    nothing = report(tmp_path, text=HEAD)
    assert nothing["pilot"].per_1000_calls.money is None and nothing["pilot"].per_1000_calls.seconds == 2000
    assert (nothing.table()["12 months (EUR)"] == "").all()


def test_a_server_that_counts_no_tokens_costs_blank_and_never_nought(tmp_path):
    silent = card(REMOTE)
    silent = replace(silent, rows=tuple(replace(row, prompt_tokens=0, answer_tokens=0) for row in silent.rows))
    found = costs([REMOTE], [silent], USAGE, table(tmp_path))
    assert found["endpoint"].per_1000_calls.money is None
    assert found["endpoint"].per_1000_calls.without == ("tokens sent", "tokens answered")
    row = found.table().iloc[0]
    assert row["1,000 calls (EUR)"] == "" and row["tokens in, out per call"] == ""
    assert CostReport.load(found.save(tmp_path / "costs.json")) == found


def test_rows_that_a_server_did_not_count_do_not_make_the_others_cheaper(tmp_path):
    half = card(REMOTE)
    uncounted = (replace(row, prompt_tokens=0, answer_tokens=0) for row in half.rows[::2])
    half = replace(half, rows=(*uncounted, *half.rows[1::2]))
    whole, part = (costs([REMOTE], [c], USAGE, table(tmp_path))["endpoint"] for c in (card(REMOTE), half))
    assert part.per_1000_calls.money == whole.per_1000_calls.money and part.tokens_in == 100


def test_an_index_that_was_not_timed_is_named_as_missing(tmp_path):
    assert "embedding of the index" in report(tmp_path, index={})["rag"].once.without


def test_an_arm_of_which_nothing_could_be_scored_has_no_cost_rather_than_none_to_pay(tmp_path):
    dead = replace(card(RAG), rows=(ScoredRow("r0", None, "", 0, 0, False),), seconds_per_call=0.0)
    found = costs([BARE, RAG], [card(BARE), dead], USAGE, table(tmp_path))
    assert [a.key for a in found.arms] == ["bare"] and found.left_out == ("RAG",)
    assert "RAG" in found.notes[-1]


def test_seeds_are_priced_as_one_training(tmp_path):
    seeds = Seeds((card(PILOT, training=100.0, seconds=1.0), card(PILOT, training=300.0, seconds=3.0)))
    found = costs([PILOT], [seeds], USAGE, table(tmp_path))
    assert lines(found["pilot"])["training"].seconds == 200 and found["pilot"].seconds == 2.0


def test_a_year_is_setting_up_and_twelve_months(tmp_path):
    pilot = report(tmp_path)["pilot"]
    assert pilot.year.money == pytest.approx(pilot.once.money + 12 * pilot.month.money)
    assert pilot.month.money == pytest.approx(pilot.per_1000_calls.money * 1 + pilot.amount(months=1).money)


def test_the_frontier_holds_the_arms_that_none_beats_on_score_and_cost(tmp_path):
    cards = [card(BARE, 5, 1.0), card(SHOTS, 12, 1.5), card(NEAREST, 18, 2.0), card(PILOT, 18, 1.5), card(RAG, 18, 1.5)]
    found = costs([BARE, SHOTS, NEAREST, PILOT, RAG], cards, USAGE, table(tmp_path), INDEX)
    assert found.frontier(cards) == ("bare", "pilot", "rag"), "equal ones are both on it"


def test_where_one_arm_has_no_price_the_frontier_is_drawn_in_seconds(tmp_path):
    cards = [card(BARE, 5, 1.0), card(REMOTE, 18, 9.0)]
    found = costs([BARE, REMOTE], cards, USAGE, table(tmp_path, TABLE.replace("endpoint output", "something else")))
    assert found.basis([a.per_1000_calls for a in found.arms]) == MACHINE_HOURS
    assert found.frontier(cards) == ("bare", "endpoint")


def test_the_dearer_to_set_up_has_paid_for_itself_when_both_have_cost_the_same(tmp_path):
    found = report(tmp_path, usage=replace(USAGE, calls_per_month=1_000_000), pilot=0.1)
    even = found.break_even("pilot", "endpoint")
    assert (even.first, even.later) == ("endpoint", "pilot") and even.calls == pytest.approx(even.months * 1_000_000)
    spent = [found[key].once.money + even.months * found[key].month.money for key in ("pilot", "endpoint")]
    assert spent[0] == pytest.approx(spent[1])
    assert f"{even.months:,.1f} months" in even.reason and found.break_even("endpoint", "pilot") == even


def test_never_is_said_with_its_reason_and_with_the_calls_from_which_it_would(tmp_path):
    even = report(tmp_path, pilot=0.1).break_even("endpoint", "pilot")
    assert even.months is None and "never pays for itself" in even.reason
    enough = report(tmp_path, usage=replace(USAGE, calls_per_month=even.calls_for_a_year), pilot=0.1)
    assert enough.break_even("endpoint", "pilot").months == pytest.approx(12)


def test_without_prices_break_even_counts_machine_time_and_says_so(tmp_path):
    even = report(tmp_path, text=HEAD, pilot=0.1).break_even("bare", "pilot")
    assert even.basis == MACHINE_HOURS and "no person's hours" in even.reason


def test_an_order_by_upkeep_that_is_not_the_order_by_cost_is_said(tmp_path):
    usage = Usage(1_000_000, 0, 0, 0, 0.0, checking_hours=0.0)
    turned = report(tmp_path, [BARE, SHOTS, PILOT], usage, examples=9.0, pilot=0.5)
    assert "Pilot costs" in turned.order and turned.order == turned.notes[0]
    assert report(tmp_path, [BARE, SHOTS], usage, examples=9.0).order == ""
    assert report(tmp_path, [BARE, SHOTS], usage, examples=1.95).order == "", "a difference within noise is none"


def test_more_changes_of_facts_never_make_anything_cheaper_and_hit_the_tuned_arm_hardest(tmp_path):
    few, many = (report(tmp_path, usage=replace(USAGE, fact_changes_per_year=n)) for n in (0, 52))
    rise = {a.key: many[a.key].year.money - a.year.money for a in few.arms}
    assert min(rise.values()) >= 0 and max(rise, key=rise.get) == "pilot"


@pytest.mark.parametrize("bad", [{"calls_per_month": 0}, {"minutes_per_row": -1.0}, {"machine": "abacus"}, {"currency": "euro"},
                                 {"calls_per_month": float("nan")}])
def test_a_usage_that_can_not_be_is_refused(bad):
    with pytest.raises(BadInput):
        replace(USAGE, **bad)


def test_a_report_survives_saving_and_escapes_titles(tmp_path):
    evil = replace(BARE, title="<script>x</script>")
    found = costs([evil], [replace(card(BARE), title=evil.title)], USAGE, table(tmp_path))
    assert CostReport.load(found.save(tmp_path / "c.json")) == found
    assert "<script" not in found._repr_html_()
    assert len(found.details()) == len(found.arms[0].lines)
