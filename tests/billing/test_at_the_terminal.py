"""Billing at a terminal: what an analyst sees of a month, its invoices and their work, and does."""

from dataclasses import dataclass
from decimal import Decimal

import pytest

from sandbox.tryton.customer_desk import CustomerBill
from store.readiness import Invoice
from tests.billing.billing_platform import BillingPlatform
from tests.billing.terminal import more_options, policies, terminal  # noqa: F401  Fixtures.
from tests.cli.conftest import nowhere  # noqa: F401  A fixture.
from tests.cli.terminal import Answered, Terminal

pytestmark = pytest.mark.erp

ENGAGEMENT = "ENG-1001"
CLOSED = "PRJ-1006"


@dataclass
class Analyst:
    """Somebody who bills the firm's month from a terminal."""

    local: BillingPlatform
    terminal: Terminal

    @property
    def month(self) -> str:
        """The month that is billed."""
        return self.local.systems.firm.month.name

    async def readiness(self, command: str, *words: object) -> Answered:
        """Type `ledgerway readiness` and a command about the month."""
        return await self.terminal.type("readiness", command, *words, "--period", self.month)

    async def why(self, name: object) -> str:
        """The story of what has a name."""
        return (await self.terminal.type("why", name)).out

    async def release(self) -> str:
        """Release what is ready; gives the billing event."""
        released = await self.readiness("release", ENGAGEMENT, "--by", "ana", "--json")
        assert released.json["done"], released.out
        (event,) = released.json["events"]
        return str(event)

    async def bill_of(self, invoice: Invoice) -> CustomerBill:
        """An invoice as the ERP has it."""
        number = int(invoice.erp_document_id or 0)
        bills = await self.local.systems.bills(ENGAGEMENT, number - 1)
        return next(one for one in bills if one.id == number)


@pytest.fixture
def analyst(local: BillingPlatform, terminal: Terminal) -> Analyst:  # noqa: F811
    """An analyst of a firm that has agreed on one engagement."""
    local.systems.agreements.agree("PRJ-1001", rate="150.00")
    return Analyst(local, terminal)


async def test_what_is_not_ready_says_why_and_what_is_left_out_holds_nothing_up(
    analyst: Analyst,
) -> None:
    staff = analyst.local.systems.staff
    first, second = staff.enter(hours="2"), staff.enter(hours="3.5", on=1)
    waiting = staff.enter(hours="1", on=2, approved=False)
    await analyst.local.assess()

    listed = await analyst.readiness("list")
    assert (listed.code, "unapproved 150.00" in listed.out) == (1, True)
    shown = await analyst.readiness("show", ENGAGEMENT)
    assert shown.code == 1
    assert "825.00 EUR of 975.00 EUR can be billed" in shown.out
    assert [f"time:harvest:{one}" in shown.out for one in (first, second, waiting)] == [
        *(False, False, True)
    ]
    in_full = await analyst.readiness("show", ENGAGEMENT, "--work")
    assert all(f"time:harvest:{one}" in in_full.out for one in (first, second, waiting))
    refused = await analyst.readiness("release", ENGAGEMENT, "--by", "ana")
    assert refused.code == 1
    assert "Something still blocks it." in refused.out

    left_out = await analyst.readiness(
        *("exclude", ENGAGEMENT, "--by", "ana", "--reason", "not approved in time"),
        *("--work", f"time:harvest:{waiting}"),
    )
    assert (left_out.code, left_out.out) == (0, f"1 left out of the invoice of {analyst.month}.\n")
    now = await analyst.readiness("show", ENGAGEMENT, "--json")
    assert (now.code, now.json["ready"]) == (0, True)
    assert [(one["reason"], one["holds"]) for one in now.json["blocked"]] == [("excluded", False)]


async def test_an_invoice_and_its_work_tell_their_story_by_each_of_their_names(
    analyst: Analyst,
) -> None:
    systems = analyst.local.systems
    systems.staff.enter(hours="2")
    entry = systems.staff.enter(hours="3.5", on=1)
    await analyst.local.assess()
    event = await analyst.release()
    (invoice,) = await analyst.local.posted(ENGAGEMENT)
    bill = await analyst.bill_of(invoice)
    await systems.desk.pay(bill.id, bill.posting_date, Decimal("500.00"))
    await analyst.local.watch()
    credited = await analyst.terminal.type(
        *("invoices", "credit", bill.number, "--by", "ana", "--approved-by", "bo"),
        *("--date", analyst.local.systems.firm.month.last_day.isoformat()),
        *("--reason", "agreed on the phone", "--line", "1", "--hours", "0.5"),
        *("--work", f"time:harvest:{entry}"),
    )
    assert credited.code == 0, credited.out
    await analyst.local.posted(ENGAGEMENT, 2)
    await analyst.local.watch()
    invoice, note = await analyst.local.invoices(ENGAGEMENT)
    await _the_invoice_tells(analyst, invoice, note)
    await _the_credit_note_tells(analyst, invoice, note)
    await _the_work_tells(analyst, entry, invoice, note)
    assert event == invoice.event_id


async def _the_invoice_tells(analyst: Analyst, invoice: Invoice, note: Invoice) -> None:
    story = await analyst.why(invoice.event_id)
    assert await analyst.why(invoice.reference) == story
    assert story in await analyst.why(invoice.number)
    for fact in (
        f"invoice of engagement {ENGAGEMENT}, {analyst.month} ({invoice.event_id})",
        "released by ana",
        "1. work CL-1001, 5.50 h at 150.00 EUR, 825.00 EUR (VAT19-OUT)",
        f"tryton number {invoice.number}: partial, 500.00 of 981.75 EUR paid",
        f"credited by {note.number} of {note.invoice_date}, -75.00 EUR",
        "contracts: posted, still to be told",
        "contracts: payment partial, still to be told",
        "SENDING → POSTED",
    ):
        assert fact in story


async def _the_credit_note_tells(analyst: Analyst, invoice: Invoice, note: Invoice) -> None:
    story = await analyst.why(note.event_id)
    assert f"credit note of engagement {ENGAGEMENT}, {analyst.month} ({note.event_id})" in story
    assert f"credits {invoice.number} of {invoice.invoice_date}, 825.00 EUR" in story
    assert "contracts: posted, still to be told" in story
    # Nobody pays a credit note, and nobody is told that somebody did.
    assert "contracts: payment" not in story
    listed = await analyst.terminal.type("invoices", "list")
    (row,) = [line for line in listed.out.splitlines() if "│ credit note" in line]
    assert row.strip("│").split("│")[0].strip() == note.number


async def _the_work_tells(analyst: Analyst, entry: int, invoice: Invoice, note: Invoice) -> None:
    story = await analyst.why(entry)
    for fact in (
        f"billed on {invoice.number}, line 1, {invoice.invoice_date}: 3.50 h, 525.00 EUR",
        f"credited by {note.number}, line 1, {note.invoice_date}: -0.50 h, -75.00 EUR of invoice "
        f"{invoice.number}: agreed on the phone",
    ):
        assert fact in story
    (posting,) = (await analyst.terminal.type("why", entry, "--json")).json
    assert [(one["kind"], one["line"], one["seconds"]) for one in posting["billed"]] == [
        ("billed", 1, 12_600),
        ("credited", 1, -1_800),
    ]


async def test_a_stopped_invoice_is_shown_with_its_engagement_and_amount(
    analyst: Analyst,
) -> None:
    systems = analyst.local.systems
    systems.staff.enter(hours="2")
    systems.agreements.change(
        ENGAGEMENT, lambda one: one.model_copy(update={"customer": "CUST-999"})
    )
    systems.agreements.price(ENGAGEMENT, "150.00")
    await analyst.local.assess()
    event = await analyst.release()
    await analyst.local.settled()
    (case,) = await analyst.local.cases()
    shown = await analyst.terminal.type("cases", "show", str(case.case_id)[:8])
    (row,) = [line for line in shown.out.splitlines() if f"{ENGAGEMENT}/{analyst.month}" in line]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert (cells[0], cells[3], cells[4], cells[5]) == (ENGAGEMENT, "", "300.00", "EUR")
    assert f"case {str(case.case_id)[:8]}" in await analyst.why(event)


async def test_a_case_of_left_out_work_is_named_wherever_readiness_is_shown(
    analyst: Analyst,
) -> None:
    """The case holds all of the project's billing, although nothing of it is blocked."""
    local = analyst.local
    local.systems.agreements.agree(CLOSED, name="1001", rate="150.00")
    stopped = local.systems.staff.enter(project=CLOSED)
    await local.assess()
    (case,) = await local.cases()
    left_out = await analyst.readiness(
        *("exclude", ENGAGEMENT, "--by", "ana", "--reason", "on the next invoice"),
        *("--work", f"time:harvest:{stopped}"),
    )
    assert left_out.code == 0, left_out.out
    await local.hear()
    await local.settled()
    view = await local.shown(ENGAGEMENT)
    assert (view.ready, view.open_cases) == (False, (str(case.case_id),))
    named = f"open case {str(case.case_id)[:8]}"
    for command in (("list",), ("show", ENGAGEMENT)):
        answered = await analyst.readiness(*command)
        assert (answered.code, named in answered.out) == (1, True), answered.out
