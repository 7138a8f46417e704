"""Notebooks in JupyterLab, in a real browser: panels answer, pictures show, nothing is clipped or noisy."""

from __future__ import annotations

import re

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.walk]


@pytest.fixture(scope="module")
def lab(walk, open_lab):
    """The lab on the project of the walk."""
    with open_lab(walk[0], "messy", str(walk[0].parent / "messy.csv")) as page:
        yield page


def test_training_notebook_ends_with_its_picture_and_table_visible(lab, run_all, picture_of):
    page = lab("03_train_with_qlora")
    run_all(page)
    picture = page.locator(".jp-OutputArea img[alt^='Training loss']").last
    picture.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    picture_of(page, "03_end")
    box = picture.bounding_box()
    assert box["width"] > 300 and box["x"] + box["width"] <= 1400
    table = page.locator(".jp-OutputArea table", has_text="tuned model").last
    table.scroll_into_view_if_needed()
    picture_of(page, "03_table")
    assert table.is_visible()


def test_no_output_is_clipped_and_none_is_a_warning(lab, run_all):
    page = lab("03_train_with_qlora")
    if not page.locator(".jp-OutputArea img").count():
        run_all(page)
    for i in range(page.locator(".jp-OutputArea-output").count()):
        output = page.locator(".jp-OutputArea-output").nth(i)
        over = output.evaluate("e => e.scrollWidth - e.clientWidth")
        assert over <= 2, f"output {i} is {over} pixels wider than its place: {output.inner_text()[:80]}"
    assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0


def test_a_panel_shows_what_its_inputs_amount_to(lab, run_all, picture_of):
    page = lab("00_start_here")
    run_all(page)
    page.locator(".widget-text input[type=text]").first.fill("another-name")
    page.locator(".widget-text input[type=text]").first.press("Tab")
    page.locator(".jp-OutputArea", has_text=re.compile("another-name")).first.wait_for(timeout=15_000)
    picture_of(page, "00_panel")
    page.locator(".widget-dropdown select").first.select_option("thorough")
    page.locator(".jp-OutputArea", has_text=re.compile("depth='thorough'")).first.wait_for(timeout=15_000)


def test_a_goal_changed_after_scoring_is_marked_as_late(lab, run_all, picture_of):
    page = lab("02_prompt_rag_or_finetune")
    run_all(page, 4)
    goal = page.locator("input[type=number]").first
    goal.fill("0.5")
    goal.press("Tab")
    page.locator(".jp-OutputArea", has_text="changed after test rows had been scored").first.wait_for(timeout=15_000)
    picture_of(page, "02_goal")


def test_the_verdict_shows_its_pictures_within_their_places_and_a_vote_counts(lab, run_all, picture_of):
    page = lab("02_prompt_rag_or_finetune")
    run_all(page)
    for name, start in (("02_arms", "Score of each arm"), ("02_costs", "Score against cost")):
        picture = page.locator(f".jp-OutputArea img[alt^='{start}']").last
        picture.scroll_into_view_if_needed()
        page.wait_for_timeout(500)
        picture_of(page, name)
        box = picture.bounding_box()
        assert box["width"] > 300 and box["x"] + box["width"] <= 1400
    left = page.get_by_role("button", name="Left", exact=True)
    left.scroll_into_view_if_needed()
    left.click()
    page.locator(".jp-OutputArea", has_text=re.compile(r"1 of \d+ voted on")).first.wait_for(timeout=15_000)
    picture_of(page, "02_vote")
