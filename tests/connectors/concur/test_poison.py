"""Documents as Concur should never send them: shown with their trouble, harming no other."""

import json
from collections.abc import Callable
from typing import Any, Final

import pytest

from canonical.expense import ExpenseReport
from connectors.base.capabilities import Claim, SourceRecord
from connectors.base.errors import TransientError
from connectors.base.http import exact_json_text
from connectors.conformance.expense_source import PRIVATE, greeted, records
from tests.connectors.concur.world import ConcurWorld

BAD: Final = "f00d" * 8


def document(world: ConcurWorld, change: Callable[[Any], None]) -> str:
    """A good document, but for what is changed."""
    content = world.content("R1", "10.00", note=PRIVATE)
    change(content)
    head: dict[str, Any] = {"id": BAD, "docType": "expense", "docStatus": "READY"}
    return exact_json_text({**head, "document": content})


async def read(world: ConcurWorld, record: str) -> SourceRecord[ExpenseReport]:
    """Read a page with this record beside good ones; the good ones must come through."""
    good = {world.release("10.00") for _ in range(2 * world.page_size)}
    world.poison(record)
    found = await records(world)
    assert {each.source_id for each in found if each.record} - {BAD} == good
    [bad] = [each for each in found if each.source_id not in good]
    assert (bad.record is None) is (bad.trouble is not None)
    assert PRIVATE not in (bad.trouble or "")
    claimed = await world.connect().claim(sorted(good))
    assert {each.claim for each in claimed} == {Claim.CLAIMED}
    return bad


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda it: it.clear(), id="empty"),
        pytest.param(lambda it: it.pop("report"), id="no report"),
        pytest.param(lambda it: it["report"].update(totalApprovedAmount=PRIVATE), id="text"),
        pytest.param(lambda it: it["report"].update(totalApprovedAmount="10.00"), id="quoted"),
        pytest.param(lambda it: it["report"].update(employeeCurrencyAlphaCode="EURO"), id="euro"),
        pytest.param(lambda it: it["expenseEntry"][0].update(entryIsPersonal="?"), id="flag"),
        pytest.param(lambda it: it["expenseEntry"][0].update(entryDate="28.01.2026"), id="date"),
        pytest.param(lambda it: it["expenseEntry"][0].pop("allocation"), id="no allocation"),
        pytest.param(lambda it: it.update(expenseEntry={"0": 1}), id="no list"),
        pytest.param(lambda it: it["employee"].pop("employeeId"), id="nobody"),
    ],
)
async def test_a_broken_document_is_shown_with_its_id(
    world: ConcurWorld, change: Callable[[Any], None]
) -> None:
    bad = await read(world, document(world, change))
    assert bad.trouble
    assert bad.source_id == BAD


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "1e400", "1e-400", "12345678901234567890", "0.001"]
)
async def test_a_number_of_no_money_is_trouble(world: ConcurWorld, number: str) -> None:
    good = document(world, lambda _: None)
    record = good.replace('"entryApprovedAmount":10.00', f'"entryApprovedAmount":{number}')
    assert record != good
    assert (await read(world, record)).trouble


@pytest.mark.parametrize(
    "record",
    [
        "17",
        "null",
        '"text"',
        "[]",
        "{}",
        "{broken}",
        f'{{"id": "{BAD}"}}',
        f'{{"id": "{BAD}", "docType": "expense", "document": null}}',
        f'{{"id": "{BAD}", "docType": "expense", "document": "no JSON"}}',
        f'{{"id": "{BAD}", "docType": "expense", "document": "[1]"}}',
        f'{{"id": "{BAD}", "docType": "invoice", "document": {{}}}}',
        f'{{"id": 5, "docType": "expense", "document": {{"report": "{PRIVATE}"}}}}',
    ],
)
async def test_what_is_no_document_is_shown_and_kept(world: ConcurWorld, record: str) -> None:
    bad = await read(world, record)
    assert bad.trouble
    assert bad.raw == record


async def test_a_document_as_text_is_read_like_any_other(world: ConcurWorld) -> None:
    head = {"id": BAD, "docType": "expense", "docStatus": "READY"}
    content = exact_json_text(world.content("R1", "70.10"))
    whole = await read(world, json.dumps({**head, "document": content}))
    assert whole.record is not None
    assert str(whole.record.items[0].amount.amount) == "70.10"


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"{}",
        b"[]",
        b'{"content": []}',
        b'{"content": [], "page": {}}',
        b'{"content": [], "page": {"number": -1, "totalPages": 1, "totalElements": 0}}',
        b'{"content": {}, "page": {"number": 0, "totalPages": 1, "totalElements": 0}}',
        b'{"content": [{"id": "1"',
        b"[" * 100_000,
    ],
)
async def test_what_is_no_page_is_transient(world: ConcurWorld, page: bytes) -> None:
    concur = await greeted(world)
    world.network.answer_next(200, body=page)
    with pytest.raises(TransientError):
        async for _ in concur.expense_reports(None):
            pass
    assert len(world.network.requests) == 1


async def test_an_empty_page_ends_a_list_that_promises_more(world: ConcurWorld) -> None:
    concur = await greeted(world)
    facts = b'{"number": 0, "totalPages": 1000000, "totalElements": 100000000}'
    world.network.answer_next(200, body=b'{"content": [], "page": %s}' % facts)
    pages = [page async for page in concur.expense_reports(None)]
    assert [page.records for page in pages] == [(), ()]  # No reports, no cash advances.
