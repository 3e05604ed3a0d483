"""Whether all is well at the end of a test: invariants, nothing stuck, nobody named, books even."""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal

from temporalio.client import WorkflowExecutionStatus, WorkflowHandle

from connectors.concur.simulated_state import SimulatedDocument
from sandbox.expense_totals import CONFIRMED, expense_totals
from sandbox.tryton.expense_desk import SupplierInvoice
from tests.e2e.final_check import assert_history_is_clean, assert_stands
from tests.expenses.expense_platform import ExpensePlatform, ReportPlatform
from tests.invariants import (
    audit_completeness,
    bijection,
    bodies,
    corrections,
    duplicates,
    partition,
)
from tests.invariants.rows import ErpLine, SourceEntry
from tests.invariants.snapshot import erp_line, read_ledger, report, source_entry

_RUNNING = {WorkflowExecutionStatus.RUNNING}
_ENDED = {WorkflowExecutionStatus.COMPLETED}
# Where a document is that Concur has given over to us for good.
_OURS = CONFIRMED | {"ACKNOWLEDGED"}
# A report's workflow runs as long as something of it waits, or is to be paid, or to be told.
_WORKFLOWS = """
    SELECT d.document_id,
      EXISTS (SELECT FROM posting p WHERE p.connection = d.connection
                AND p.document_id = d.document_id AND (
                  p.state IN ('PENDING', 'SENDING', 'EXCEPTION', 'IN_DOUBT', 'DUPLICATE')
                  OR (p.kind = 'expense' AND p.state = 'POSTED' AND (
                    NOT EXISTS (SELECT FROM document_payment m
                                WHERE m.posting_key = p.key AND m.state = 'paid')
                    OR EXISTS (SELECT FROM outbox o
                               WHERE o.posting_key = p.key AND o.state = 'WAITING'))))) AS waits
    FROM document d WHERE d.dispatched_seq > 0
"""


async def assert_all_is_well(platform: ExpensePlatform, *, corrected: bool = False) -> None:
    """Hold the end state to the invariants, the ERP to Concur, and Temporal to the ledger.

    After a correction that did not come from Concur, its documents no longer say what is booked.
    """
    await platform.settled()
    approved = _as_approved(platform.systems.company.documents)
    await assert_invariants_hold(platform, await platform.systems.invoices(), approved)
    if not corrected:
        await _what_concur_knows_is_booked(platform)
    await assert_nothing_is_stuck(platform)


async def assert_books_are_even(platform: ExpensePlatform) -> None:
    """What is debited is credited, in each legal entity."""
    for entity in platform.firm.legal_entities:
        balance = await platform.systems.desk.trial_balance(entity.code)
        assert not sum(balance.values(), Decimal(0)), (entity.code, balance)


async def assert_invariants_hold(
    platform: ReportPlatform, invoices: Iterable[SupplierInvoice], approved: Iterable[SourceEntry]
) -> None:
    """Hold the ledger to what the source has approved and to what the ERP holds of this test."""
    erp = _as_booked(invoices)
    snapshot = await read_ledger(platform.dsn)
    found = [
        *partition.check(snapshot.ledger, approved),
        *bijection.check(snapshot.ledger, erp),
        *duplicates.check(erp, snapshot.ledger),
        *bodies.check(snapshot.ledger),
        *corrections.check(snapshot.ledger, ()),
        *audit_completeness.check(snapshot.ledger, snapshot.audit, snapshot.cases),
    ]
    assert found == [], report(found)


def _as_booked(found: Iterable[SupplierInvoice]) -> list[ErpLine]:
    """What the ERP holds, posted; a draft that is left over is a failure."""
    invoices = list(found)
    assert [one for one in invoices if one.state == "draft"] == []
    return [
        erp_line(
            document_id=str(one.id),
            reference=one.reference.split()[0],
            seconds=0,
            work_date=one.document_date,
            legal_entity=one.legal_entity,
        )
        for one in invoices
        if one.posted
    ]


def _as_approved(documents: tuple[SimulatedDocument, ...]) -> Iterator[SourceEntry]:
    """Concur's documents; one that another system has acknowledged is approved for that one."""
    for one in documents:
        if one.system_id in {"", "LEDGERWAY"}:
            yield source_entry(
                connection="concur",
                entry_id=one.id,
                approved=one.state in _OURS,
                seconds=0,
                work_date=date.min,
            )


async def _what_concur_knows_is_booked(platform: ExpensePlatform) -> None:
    """To the cent per legal entity, currency, tax code and cost centre, and once."""
    systems = platform.systems
    entity_of = {one.code: one.legal_entity.code for one in systems.firm.employees}
    company = systems.company.state()
    known = tuple(
        one for one in company.documents if one.state in CONFIRMED and one.id not in systems.excused
    )
    numbers = {systems.number_of(one.id) for one in known}
    invoices = await systems.invoices()
    booked = [one for one in invoices if one.reference.split()[-1] in numbers]
    totals = expense_totals(company.model_copy(update={"documents": known}), entity_of, booked)
    assert (totals.differences, totals.duplicates) == ([], 0)


async def assert_nothing_is_stuck(platform: ReportPlatform) -> None:
    """Hold Temporal to the ledger: what waits runs, all else has ended, and nobody is named."""
    people = platform.firm.employees
    personal = [text.encode() for one in people for text in (one.name, one.email)]
    handles: dict[WorkflowHandle[object, object], set[WorkflowExecutionStatus]] = {}
    for row in await platform.rows(_WORKFLOWS):
        handles[platform.workflow(row["document_id"])] = _RUNNING if row["waits"] else _ENDED
    for row in await platform.rows("SELECT id, state FROM exception_case"):
        handle = platform.client.get_workflow_handle(f"exception-case/{row['id']}")
        handles[handle] = _ENDED if row["state"] == "RESOLVED" else _RUNNING
    for handle, expected in handles.items():
        await assert_stands(handle, expected)
        await assert_history_is_clean(handle, personal)
