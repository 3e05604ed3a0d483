"""Documents that nobody can read stand beside good ones: those are posted, these are shown."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

from connectors.base.http import exact_json, exact_json_text
from tests.expenses.expense_platform import ExpensePlatform
from tests.expenses.systems import ACKNOWLEDGE, CONFIRM, ExpenseSystems

pytestmark = pytest.mark.erp

PRIVATE: Final = "Dinner with Ms Quarrelsome"
# How the text of a document is broken, by what is wrong with it.
BROKEN: Final[Mapping[str, Callable[[str], str]]] = {
    "not a number": lambda text: _with_amount(text, "NaN"),
    "text for an amount": lambda text: _changed(
        text, lambda it: it["report"].update(totalApprovedAmount=PRIVATE)
    ),
    "no report": lambda text: _changed(text, lambda it: it.pop("report")),
    "nobody's": lambda text: _changed(text, lambda it: it["employee"].pop("employeeId")),
    "a list of another shape": lambda text: _changed(
        text, lambda it: it.update(expenseEntry={"0": PRIVATE})
    ),
}
# Records that name no document: nobody can acknowledge them.
NAMELESS: Final = ("17", "null", "{}", '{"id": 5, "docType": "expense"}')


def _with_amount(text: str, number: str) -> str:
    return text.replace('"entryApprovedAmount":', f'"entryApprovedAmount":{number},"was":')


def _changed(text: str, change: Callable[[Any], object]) -> str:
    content = exact_json(text)
    change(content)
    return exact_json_text(content)


def spoil(systems: ExpenseSystems, document: str, how: Callable[[str], str]) -> str:
    """Break a document that waits in Concur; gives what it said before."""
    good = systems.document(document)
    broken = how(good.content)
    assert broken != good.content
    systems.company.keep(good.model_copy(update={"content": broken}))
    return good.content


def mend(systems: ExpenseSystems, document: str, content: str) -> None:
    """Put what a document said before in its place."""
    systems.company.keep(systems.document(document).model_copy(update={"content": content}))


async def test_good_reports_are_posted_beside_bad_ones_which_are_cases_and_dead_letters(
    local: ExpensePlatform,
) -> None:
    systems, company = local.systems, local.systems.company
    good = [systems.taxi(note=PRIVATE) for _ in range(3)]
    bad = {name: systems.taxi(note=PRIVATE) for name in BROKEN}
    torn = systems.taxi()
    mended = spoil(systems, torn, lambda _: "{broken}")
    whole = {bad[name]: spoil(systems, bad[name], how) for name, how in BROKEN.items()}
    company.quirks = company.quirks.model_copy(update={"poison": NAMELESS})

    await local.poll()
    await local.poll()
    await local.tell()

    await systems.posted_once(*good)
    assert [systems.told(one) for one in good] == [["success"]] * len(good)
    await _stand_in_cases(local, list(bad.values()))
    letters = await local.rows("SELECT source_id FROM dead_letter WHERE settled_at IS NULL")
    # Of what is no JSON at all nobody can tell which document it was.
    assert len(letters) == len(NAMELESS) + 1
    assert systems.document(torn).state == "READY"
    company.quirks = company.quirks.model_copy(update={"poison": ()})

    # They go back with a sentence, and come again whole.
    for case in await local.cases():
        await local.resolve(case, kind="reject", reason="Please save it again.")
    await local.tell_all()
    mend(systems, torn, mended)
    again = [torn]
    for document in bad.values():
        (told,) = systems.document(document).told
        assert told.status == "error"
        assert told.message.endswith("Please save it again.")
        assert PRIVATE not in told.message
        mend(systems, document, whole[document])
        again.append(company.resubmit(document))
    await local.poll()
    await local.tell_all()
    await systems.posted_once(*again)
    assert [systems.told(one) for one in again] == [["success"]] * len(again)


async def _stand_in_cases(local: ExpensePlatform, bad: list[str]) -> None:
    """Each bad report is ours, blocks nothing else, and its sentence repeats nothing of it."""
    cases = await local.cases()
    assert {one.cause for one in cases} == {"unreadable_line"}
    assert sum(one.lines for one in cases) == len(bad)
    for case in cases:
        assert PRIVATE not in await local.sentence_of(case)
    judged = [(one.what, one.document, one.code) for one in local.systems.company.judgements]
    for document in bad:
        assert judged.count((ACKNOWLEDGE, document, 0)) == 1
        assert CONFIRM not in {what for what, which, _ in judged if which == document}


async def test_a_page_that_is_cut_off_is_read_again_and_loses_nothing(
    local: ExpensePlatform,
) -> None:
    systems, company = local.systems, local.systems.company
    documents = [systems.taxi() for _ in range(2)]
    company.quirks = company.quirks.model_copy(update={"broken_pages": 1, "nulls": True})
    await local.poll()
    await local.tell()
    assert company.served["broken_pages"] == 1
    await systems.posted_once(*documents)
    assert [systems.told(one) for one in documents] == [["success"]] * 2
