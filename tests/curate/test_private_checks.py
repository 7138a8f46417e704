"""The checks for personal data count what they find, never show it, and search each row once."""

import pytest

from workbench.curate.checks import private
from workbench.curate.checks.check import FAULT, REVIEW, CheckContext
from workbench.curate.personal import Rules
from workbench.dataset import Dataset, Example

CHECKS = {check.name: check for check in private.CHECKS}


def rows(*texts):
    return Dataset("all", tuple(Example(f"r{i}", (("user", text),), "ok") for i, text in enumerate(texts)))


def evidence(name, dataset, **context):
    return {r.row_id: r.evidence for r in CHECKS[name].find(dataset, CheckContext("text", **context))}


@pytest.mark.parametrize(
    "name, severity, action",
    [("personal data", FAULT, "mask"), ("secret", FAULT, "mask"), ("possible personal data", REVIEW, "keep")],
)
def test_what_is_sure_is_masked_and_the_rest_is_kept_for_a_person(name, severity, action):
    assert (CHECKS[name].severity, CHECKS[name].action) == (severity, action)


def test_each_check_tells_its_own_kind_by_number():
    dataset = rows("a@example.org b@example.org +1 202 555 0123", "password: hunter2!", "my name is Ada Byron", "order E-23098")
    assert evidence("personal data", dataset) == {"r0": "2 e-mail addresses, 1 phone number"}
    assert evidence("secret", dataset) == {"r1": "1 secret"}
    assert evidence("possible personal data", dataset) == {"r2": "1 name of a person"}


def test_every_text_of_the_row_is_looked_at():
    example = Example("r", (("system", "a@example.org"), ("user", "b@example.org")), "c@example.org", {}, "d@example.org")
    assert evidence("personal data", Dataset("all", (example,))) == {"r": "4 e-mail addresses"}


def test_the_chosen_regions_count():
    dataset = rows("so 2125550123 it was")
    assert evidence("possible personal data", dataset) == {}
    assert evidence("possible personal data", dataset, regions=("US",)) == {"r0": "1 phone number"}


def test_the_three_checks_search_the_rows_once(monkeypatch):
    looked = []
    find = Rules.find
    monkeypatch.setattr(Rules, "find", lambda self, text: looked.append(text) or find(self, text))
    dataset, context = rows("a@example.org", "password: hunter2!"), CheckContext("text")
    for check in private.CHECKS:
        list(check.find(dataset, context))
    assert len(looked) == 4


def test_progress_is_told_while_many_rows_are_searched():
    told = []
    dataset = rows(*["hello"] * 4100)
    evidence("personal data", dataset, progress=lambda what, done, total: told.append((done, total)))
    assert told == [(2000, 4100), (4000, 4100), (4100, 4100)]
