"""Tryton as the ERP: where time is posted to, its masters, and its calendar."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import httpx

from canonical.billing import CustomerInvoice
from canonical.contracts import ExchangeRate
from canonical.expense_document import DocumentPayments
from canonical.journal import JournalEntry
from canonical.masters import CostRate, Masters
from canonical.posting import PostedDocument, PostingIntent, PostingKind, PostingOutcome
from canonical.posting_period import PostingPeriod
from connectors.base.capabilities import Attachment, GuardEvidence
from connectors.base.errors import ConnectionConfigError
from connectors.base.manifest import Manifest
from connectors.base.master_writes import MasterAnswer, MasterLook, MasterQuery, MasterWrite, joined
from connectors.base.pagination import InTurn
from connectors.base.rate_budget import RateBudget
from connectors.tryton.client import TrytonClient, TrytonOptions
from connectors.tryton.customer_invoices import CustomerInvoices
from connectors.tryton.document_wire import AccountRow, CurrencyRow, TaxRow
from connectors.tryton.expense_documents import ExpenseDocuments
from connectors.tryton.journal_entries import JournalEntries
from connectors.tryton.manifest import manifest_for
from connectors.tryton.master_calls import MasterCalls
from connectors.tryton.master_finding import MasterFinding
from connectors.tryton.master_mapping import Companies, customers, readable, staff_of
from connectors.tryton.master_writing import MasterWriting
from connectors.tryton.payments import payments_of
from connectors.tryton.rates import cost_rates, exchange_rates
from connectors.tryton.receipts import Receipts
from connectors.tryton.time_lines import TimeLines
from connectors.tryton.wire import (
    AnalyticAccountRow,
    CompanyRow,
    CustomerRow,
    EmployeeRow,
    PeriodRow,
    ProjectWorkRow,
    Row,
    TimesheetWorkRow,
)
from connectors.tryton.work_mapping import Works

_SERIES: Final = "8.2"
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "timesheet.work": ("read", "write"),
    "timesheet.line": ("read", "create", "delete"),
    "company.company": ("read", "write"),
    "company.employee": ("read", "write", "create"),
    "company.employee_cost_price": ("read",),
    "project.work": ("read", "write", "create"),
    "analytic_account.account": ("read", "write", "create"),
    **dict.fromkeys(("account.period", "account.account", "account.tax"), ("read",)),
    **dict.fromkeys(("account.journal", "account.configuration"), ("read",)),
    "account.move": ("read", "write", "create", "delete"),
    "account.move.line": ("read", "create", "delete"),
    "account.invoice": ("read", "write", "create", "delete"),
    "project.disbursement": ("read", "write", "create", "delete"),
    **dict.fromkeys(("currency.currency", "currency.currency.rate"), ("read",)),
    "project.work.status": ("read",),
    "party.party": ("read", "write", "create"),
    "ir.attachment": ("read", "create"),
}


class Tryton:
    """All that the manifest says, for one Tryton database; each kind of posting has its module."""

    def __init__(self, options: TrytonOptions, client: TrytonClient) -> None:
        self._options: Final = options
        self._client: Final = client
        self._lines: Final = TimeLines(client, options.timeouts)
        self._documents: Final = ExpenseDocuments(client, options)
        self._invoices: Final = CustomerInvoices(client, options)
        self._entries: Final = JournalEntries(client, options)
        self._finding: Final = MasterFinding(client, options, self._companies)
        self._calls: Final = MasterCalls(client, options, self._finding)
        self._receipts: Final = Receipts(client, options.timeouts)
        self._manifest: Final = manifest_for(options.timeouts)

    @property
    def manifest(self) -> Manifest:
        return self._manifest

    async def close(self) -> None:
        await self._client.close()

    async def check(self) -> str:
        """Prove that the user may do and see all that posting needs; say who we are there.

        A user who sees only one company is refused: look-ups would miss the lines of the others,
        which would then be booked again.
        """
        version = await self._client.server_version()
        if version != _SERIES:
            raise ConnectionConfigError("server_version", f"series {version}, not {_SERIES}")
        seen = await self._client.read("model.res.user.get_preferences", True)  # noqa: FBT003
        if not isinstance(seen, dict) or seen.get("company_filter") != "all":
            raise ConnectionConfigError("company_filter", "the user does not see all companies")
        access = await self._client.read("model.ir.model.access.get_access", list(_NEEDED))
        missing = _missing(access)
        if missing:
            raise ConnectionConfigError("permission_missing", ", ".join(missing))
        companies = await self._companies()
        named = ", ".join(sorted(each.code for each in companies.all)) or "no company"
        return f"{self._options.user} at {self._options.database}, Tryton {version}: {named}"

    async def masters(self) -> Masters:
        """Read all companies' masters, a thousand records a call and none on its own."""
        companies = await self._companies()
        people = await self._all(EmployeeRow, "company.employee")
        parties = await self._all(CustomerRow, "party.party")
        planned = await self._all(ProjectWorkRow, "project.work")
        works = Works(companies, planned)
        tasks = await self._all(TimesheetWorkRow, "timesheet.work")
        centres = await self._all(
            AnalyticAccountRow,
            "analytic_account.account",
            [["root.name", "=", self._options.cost_centre_root], ["type", "=", "normal"]],
        )
        accounts = await self._all(AccountRow, "account.account")
        currencies = await self._all(CurrencyRow, "currency.currency")
        taxes = await self._all(TaxRow, "account.tax", [["parent", "=", None]])
        return Masters(
            legal_entities=companies.all,
            customers=customers(companies, parties, staff_of(people, planned)),
            employees=readable(EmployeeRow, people, companies.employee),
            projects=works.projects(),
            tasks=readable(TimesheetWorkRow, tasks, works.task),
            dimension_values=readable(AnalyticAccountRow, centres, companies.cost_centre),
            accounts=readable(AccountRow, accounts, companies.account),
            tax_codes=readable(TaxRow, taxes, companies.tax_code),
            currencies=readable(CurrencyRow, currencies, companies.currency),
        )

    async def find_masters(self, queries: Sequence[MasterQuery]) -> MasterLook:
        """Look records up by id or exact key, with stamps: theirs, and their parents'."""
        return joined([await self._finding.look(one) for one in queries])

    async def write_masters(
        self, writes: Sequence[MasterWrite], evidence: GuardEvidence
    ) -> Sequence[MasterAnswer]:
        """Make or change records of one kind."""
        return await MasterWriting(self._calls).write(writes, evidence)

    async def posting_periods(self) -> Sequence[PostingPeriod]:
        """Read the months of all companies' calendars; adjustment periods are left out."""
        companies = await self._companies()
        periods = await self._all(PeriodRow, "account.period", [["type", "=", "standard"]])
        return readable(PeriodRow, periods, companies.period)

    async def guard_evidence(self, intents: Sequence[PostingIntent]) -> GuardEvidence:
        """Read the stamps of all tasks of the call, in one call; documents need none."""
        if not intents or _kind(intents) in _DOCUMENTS:
            return {}
        return await self._lines.stamps(intents)

    async def find(
        self, intents: Sequence[PostingIntent]
    ) -> Mapping[str, tuple[PostedDocument, ...]]:
        """Look up by reference, duplicates included; for UNDO by the line to take back."""
        if not intents:
            return {}
        match _kind(intents):
            case PostingKind.TIME:
                return await self._lines.carrying(intents)
            case PostingKind.UNDO:
                return await self._lines.standing(intents)
            case _:
                return await self._keeper(intents[0]).find(intents)

    async def post(
        self,
        intents: Sequence[PostingIntent],
        evidence: GuardEvidence,
        *,
        last_byte_by: float | None = None,
    ) -> Sequence[PostingOutcome]:
        """Bring the intents into the ERP, each kind by its guard, and read back what is there.

        Lines of time are created or deleted by one write, all or nothing; `evidence` has the
        stamps of all their tasks, and without one the call is refused before it leaves. One
        document is drafted and then posted, which is the only write that counts.
        """
        if not intents:
            return ()
        kind = _kind(intents)
        if len(intents) > self._manifest.operation(kind).bulk.lines_max:
            raise ValueError(f"{len(intents)} lines in one call")
        match kind:
            case PostingKind.TIME:
                return await self._lines.book(intents, evidence, last_byte_by)
            case PostingKind.UNDO:
                return await self._lines.take_back(intents, evidence, last_byte_by)
            case _:
                return [await self._keeper(intents[0]).post(intents[0], last_byte_by)]

    def documents_since(self, since: datetime | None) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through what carries our reference; after an error, ask on for the page."""
        return InTurn(
            self._lines.changed_since(since),
            self._documents.changed_since(since),
            self._invoices.changed_since(since),
            self._entries.changed_since(since),
        )

    def documents_between(
        self, legal_entity: str, first: date, last: date
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """List what is ours in one company (its id), for reconciliation.

        Lines of time by the date of the work, documents by the date that they are posted on.
        """
        return InTurn(
            self._lines.between(legal_entity, first, last),
            self._documents.between(legal_entity, first, last),
            self._invoices.between(legal_entity, first, last),
            self._entries.between(legal_entity, first, last),
        )

    async def remove_stray_drafts(self, older_than: datetime) -> int:
        """Delete drafts of ours, and what they pass on, that were made before an instant."""
        keepers = (self._documents, self._invoices, self._entries)
        return sum([await keeper.remove_stray_drafts(older_than) for keeper in keepers])

    async def attached(self, document_id: str) -> frozenset[str]:
        """Say which receipts a document has already."""
        return await self._receipts.attached(document_id)

    async def attach(self, document_id: str, attachments: Sequence[Attachment]) -> None:
        """Add receipts to a document, in one call; a repeat is recognised by `attached`."""
        await self._receipts.attach(document_id, attachments)

    async def payments_of(self, document_ids: Sequence[str]) -> Sequence[DocumentPayments]:
        """Read how far documents are paid, some hundred to a call."""
        return await payments_of(self._client, document_ids)

    async def exchange_rates(self, first: date, last: date) -> Sequence[ExchangeRate]:
        """Read the rates that Tryton dates in a window, one way round for each pair and day."""
        return await exchange_rates(self._client, first, last)

    async def cost_rates(self) -> Sequence[CostRate]:
        """Read all cost prices of all companies' people; one per person and day."""
        return await cost_rates(self._client, await self._companies())

    def _keeper(
        self, intent: PostingIntent
    ) -> ExpenseDocuments | CustomerInvoices | JournalEntries:
        """Whose documents a posting is about; a reversal is of the kind that its body is of."""
        match intent.body:
            case CustomerInvoice():
                return self._invoices
            case JournalEntry():
                return self._entries
            case _:
                return self._documents

    async def _companies(self) -> Companies:
        found = await self._all(CompanyRow, "company.company")
        return Companies(self._options.connection, found)

    async def _all(self, kind: type[Row], model: str, domain: Sequence[Any] = ()) -> list[Any]:
        return await self._finding.all(kind, model, domain)


# What is drafted before it is posted; of lines of time there are no drafts.
_DOCUMENTS: Final = frozenset(PostingKind) - {PostingKind.TIME, PostingKind.UNDO}


def _kind(intents: Sequence[PostingIntent]) -> PostingKind:
    kinds = {intent.kind for intent in intents}
    entities = {intent.body.legal_entity for intent in intents}
    if len(kinds) != 1 or len(entities) != 1:
        raise ValueError("one call has lines of one kind and one legal entity")
    return kinds.pop()


def _missing(access: Any) -> list[str]:
    given = access if isinstance(access, dict) else {}
    return [
        f"{model} {right}"
        for model, rights in _NEEDED.items()
        for right in rights
        if not (given.get(model) or {}).get(right)
    ]


def connect(
    options: TrytonOptions,
    budget: RateBudget,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Tryton:
    """Make the connector of one Tryton database; nothing is sent yet."""
    return Tryton(options, TrytonClient(options, budget, transport))
