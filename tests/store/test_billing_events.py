"""An invoice is found by any of its names, and every document that has the name is shown."""

from canonical.billing_period import BillingPeriod
from canonical.posting import PostingKind
from canonical.source_line import BILLING_EVENT
from store import billing
from store.database import Database
from tests.store.corner import Corner
from tests.unit.billing_building import decided, hours

GERMAN = "aaaaaaaa1111111122222222333333"
AMERICAN = "aaaaaaaa9999999988888888777777"


async def invoice(
    corner: Corner, event_id: str, engagement: str, number: str, document_id: str
) -> str:
    """Release an event, post it, and let the ERP have given it a number; gives our reference."""
    (event,) = decided(hours("1", 5, 2)).events
    event = event.model_copy(update={"id": event_id, "engagement": engagement})
    async with corner.database.transaction() as connection:
        await billing.release(
            connection, corner.source, BillingPeriod(engagement, "2026-10"), [event], "ana"
        )
    key = await corner.posted(event_id, document_id, kind=PostingKind.INVOICE, object=BILLING_EVENT)
    await corner.database.execute(
        "INSERT INTO document_payment (posting_key, target, document_id, number, state, currency, "
        "total, paid) VALUES ($1, $2, $3, $4, 'none', 'EUR', 300, 0)",
        key,
        corner.target,
        document_id,
        number,
    )
    return str((await corner.row(key))["reference"])


async def named(corner: Corner, name: str) -> list[str]:
    """The ids of the events that have a name."""
    async with corner.database.connection() as connection:
        return [one.event.id for one in await billing.events_named(connection, corner.source, name)]


async def test_an_invoice_is_found_by_its_number_its_reference_and_what_is_shown_of_its_id(
    own_ledger: Database,
) -> None:
    corner = Corner(own_ledger, 1)
    reference = await invoice(corner, GERMAN, "ENG-1", "INV-17", "41")
    for name in (GERMAN, GERMAN[:8], "INV-17", reference):
        assert await named(corner, name) == [GERMAN]
    for name in ("", "a", GERMAN[:7], "INV-1", "41"):
        assert await named(corner, name) == []


async def test_two_legal_entities_with_the_same_number_are_both_shown(own_ledger: Database) -> None:
    corner = Corner(own_ledger, 1)
    await invoice(corner, GERMAN, "ENG-1", "INV-5", "41")
    await invoice(corner, AMERICAN, "ENG-2", "INV-5", "42")
    assert await named(corner, "INV-5") == [GERMAN, AMERICAN]
    assert await named(corner, "aaaaaaaa") == [GERMAN, AMERICAN]
    assert await named(corner, "aaaaaaaa9") == [AMERICAN]


async def test_one_that_the_erp_has_not_numbered_yet_is_not_what_nobody_named(
    own_ledger: Database,
) -> None:
    corner = Corner(own_ledger, 1)
    await invoice(corner, GERMAN, "ENG-1", "", "41")
    assert await named(corner, "") == []
    assert await named(corner, GERMAN[:8]) == [GERMAN]
