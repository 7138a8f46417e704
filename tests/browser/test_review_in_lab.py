"""The review panel under a person's hands: ten decisions by clicking, undone, kept over a new kernel."""

from __future__ import annotations

import json

import pytest

from workbench.curate.start import start_project

pytestmark = [pytest.mark.browser, pytest.mark.walk]
SAMPLE = "support_tickets"


@pytest.fixture(scope="module")
def review(walk, open_lab, run_all):
    """Notebook 01 on the sample, run to its end, and the file with what a person decided."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_PROJECTS", str(walk[0]))
        project = start_project("reviewed", SAMPLE)
    project.path("data/rulings.json").unlink(missing_ok=True)
    with open_lab(walk[0], "reviewed", SAMPLE) as lab:
        page = lab("01_curate_a_dataset")
        run_all(page)
        yield page, project.path("data/rulings.json")


def press(page, name: str) -> None:
    """Press a button of the panel as soon as it can be pressed."""
    page.locator(f".jp-OutputArea button:has-text('{name}'):not([disabled])").first.click()


def decided(page, count: int) -> None:
    """Wait until the panel says how many rows a person decided."""
    page.locator(".jp-OutputArea .widget-html", has_text=f"{count} of").first.wait_for(timeout=15_000)


def test_ten_decisions_by_clicking_are_kept_at_once(review, picture_of):
    page, rulings = review
    page.locator(".jp-OutputArea button", has_text="Undo").first.scroll_into_view_if_needed()
    for number in range(10):
        press(page, "Keep" if number % 2 else "Drop")
        decided(page, number + 1)
    picture_of(page, "01_review")
    kept = json.loads(rulings.read_text(encoding="utf-8"))
    assert [r["action"] for r in kept] == ["drop", "keep"] * 5
    assert len({r["row_id"] for r in kept}) == 10


def test_the_last_decision_is_undone(review):
    page, rulings = review
    press(page, "Undo")
    decided(page, 9)
    assert len(json.loads(rulings.read_text(encoding="utf-8"))) == 9


def test_a_row_is_corrected_by_typing(review, picture_of):
    page, rulings = review
    page.locator(".jp-OutputArea :text('Correct this row by hand')").first.click()
    answer = page.locator(".jp-OutputArea textarea").nth(1)
    answer.fill('{"category":"question","urgency":"low","product":"lamp","order":null}')
    picture_of(page, "01_correct")
    press(page, "Save this text")
    decided(page, 10)
    assert json.loads(rulings.read_text(encoding="utf-8"))[-1]["answer"].startswith('{"category":"question"')


def test_no_output_is_wider_than_its_place(review):
    page = review[0]
    for i in range(page.locator(".jp-OutputArea-output").count()):
        output = page.locator(".jp-OutputArea-output").nth(i)
        over = output.evaluate("e => e.scrollWidth - e.clientWidth")
        assert over <= 2, f"output {i} is {over} pixels wider than its place: {output.inner_text()[:80]}"
    assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0


def test_a_new_kernel_starts_from_what_was_decided(review, run_all, picture_of):
    page = review[0]
    page.click("text=Kernel >> nth=0")
    page.click('.lm-Menu-item[data-command="kernelmenu:restart"]')
    page.locator(".jp-Dialog button", has_text="Restart").click()
    # A restarted kernel forgets the numbers of the cells only when they are run again.
    page.wait_for_timeout(2000)
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=60_000)
    run_all(page)
    decided(page, 10)
    picture_of(page, "01_again")
