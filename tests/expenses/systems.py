"""The systems around a platform that carries expenses: a simulated Concur and the real Tryton."""

import itertools
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import asyncpg
import httpx
from pydantic import SecretStr

from canonical.billing import InvoiceRole
from connectors.base.capabilities import Connected
from connectors.base.http import exact_json, exact_json_text
from connectors.base.rate_budget import Unlimited
from connectors.base.tls import trusted_authorities
from connectors.concur import ConcurOptions
from connectors.concur import connect as connect_concur
from connectors.concur.simulated_company import SimulatedConcur
from connectors.concur.simulated_state import CompanyState, SimulatedDocument, Told
from connectors.concur.simulator import simulated_concur
from connectors.tryton import Tryton, TrytonOptions
from connectors.tryton.client import TrytonClient
from sandbox.expense_month import PER_DIEM_TYPE, Claimant, Entry, ExpenseMonth
from sandbox.firm import MONTHS_PER_YEAR, Employee, Firm, Month, firm_of
from sandbox.tryton.billing_seed import ACCOUNT_OF_ROLE
from sandbox.tryton.expense_desk import Disbursement, ExpenseDesk, SupplierInvoice
from sandbox.tryton.json_rpc import Domain, JsonRpcSession
from sandbox.tryton.server import TrytonServer
from tests.erp_fixtures import last_month
from tests.expenses.faulty_wire import FaultyWire

CONCUR_URL: Final = "http://concur.test"
# What is asked of Tryton.
DRAFT = "model.account.invoice.create"
POST = "model.account.invoice.post"
PASS_ON = "model.project.disbursement.create"
# What is asked of Concur.
LIST = "transactions"
ACKNOWLEDGE = "acknowledgements"
CONFIRM = "postingconfirmations"
CONFIRM_PAYMENT = "paymentconfirmations"

# Reports of one session have numbers of their own: all its tests share one ERP.
_NUMBERS: Final = itertools.count(1)


class _Lasting(Tryton):
    """A connector that stays logged in when its platform closes: a login takes long at Tryton."""

    async def close(self) -> None:
        """Stay open."""

    async def log_off(self) -> None:
        """Let go of all sockets."""
        await super().close()


class _Connectors:
    """Sessions with the ERP, each used by one platform at a time and by the next one again."""

    def __init__(self, erp: TrytonServer, wire: FaultyWire) -> None:
        self._erp = erp
        self._wire = wire
        self._free: list[_Lasting] = []
        self._all: list[_Lasting] = []

    @contextmanager
    def one(self) -> Iterator[Tryton]:
        """A connector that nobody else has, for the length of a block."""
        connector = self._free.pop() if self._free else self._new()
        try:
            yield connector
        finally:
            self._free.append(connector)

    def _new(self) -> _Lasting:
        options = TrytonOptions(
            connection="tryton",
            url=self._erp.url,
            database=self._erp.database,
            user=self._erp.user,
            password=SecretStr(self._erp.password),
            revenue_accounts={InvoiceRole(role): code for role, code in ACCOUNT_OF_ROLE.items()},
        )
        connector = _Lasting(options, TrytonClient(options, Unlimited(), self._wire))
        self._all.append(connector)
        return connector

    async def close(self) -> None:
        """Log off."""
        for connector in self._all:
            await connector.log_off()


class ErpSide:
    """The real Tryton: a way in that may have faults, and a desk that sees what is in the books."""

    def __init__(self, erp: TrytonServer, session: JsonRpcSession) -> None:
        http = httpx.AsyncHTTPTransport(
            verify=trusted_authorities(), limits=httpx.Limits(keepalive_expiry=1)
        )
        self.server = erp
        self.wire = FaultyWire(http, _method_of)
        self.desk = ExpenseDesk(session)
        self.session = session
        self.connectors = _Connectors(erp, self.wire)

    @asynccontextmanager
    async def hired(self, employee: Employee, on: date) -> AsyncIterator[None]:
        """Let somebody have been hired later, for the length of a block."""
        async with self._employed(employee.code, {"start_date": on}):
            yield

    @asynccontextmanager
    async def stays(self, employee: Employee) -> AsyncIterator[None]:
        """Let somebody who left have stayed, for the length of a block."""
        async with self._employed(employee.code, {"end_date": None}):
            yield

    @asynccontextmanager
    async def closed(self, month: Month) -> AsyncIterator[None]:
        """Close a month for all legal entities, for the length of a block."""
        async with self.server.admin() as admin:
            entities = [one.code for one in firm_of(month).legal_entities]
            for entity in entities:
                await admin.close_period(entity, month.name)
            try:
                yield
            finally:
                for entity in entities:
                    await admin.reopen_period(entity, month.name)

    @asynccontextmanager
    async def _employed(self, code: str, news: Mapping[str, object]) -> AsyncIterator[None]:
        whose: Domain = [["party.code", "=", code]]
        (before,) = await self.session.find("company.employee", whose, *news)
        await self.session.write("company.employee", [before["id"]], news)
        try:
            yield
        finally:
            was = {name: before[name] for name in news}
            await self.session.write("company.employee", [before["id"]], was)

    async def let_drafts_age(self, age: timedelta) -> None:
        """Let all drafts be older than they are, which no user of the ERP can."""
        connection = await asyncpg.connect(self.server.database_url)
        try:
            await connection.execute(
                "UPDATE account_invoice SET create_date = create_date - $1::interval "
                "WHERE state = 'draft'",
                age,
            )
        finally:
            await connection.close()

    async def close(self) -> None:
        """Let go of the ERP."""
        await self.connectors.close()
        await self.wire.close()


def _method_of(request: httpx.Request) -> str:
    try:
        return str(json.loads(request.content)["method"])
    except (ValueError, KeyError):
        return request.url.path


class ExpenseSystems:
    """Concur with the firm's people and not one document, and the ERP; they outlive platforms."""

    def __init__(self, erp: ErpSide) -> None:
        self.firm: Firm = firm_of(last_month())
        self.month = ExpenseMonth(self.firm)
        users = self.month.company().users
        self.company = SimulatedConcur(CompanyState(users=users))
        self.concur_wire = FaultyWire(
            httpx.ASGITransport(simulated_concur(self.company)),
            lambda request: request.url.path.rsplit("/", 1)[-1],
        )
        self.erp = erp
        self.desk = erp.desk
        self._people = self.month.claimants()
        self.numbers: list[str] = []
        # Reports of which something else was booked than Concur says, because a person said so.
        self.excused: set[str] = set()

    @contextmanager
    def connected(self) -> Iterator[dict[str, Connected]]:
        """Connect both; Concur anew, the ERP with a session that nobody else uses."""
        concur = connect_concur(
            ConcurOptions(
                connection="concur",
                client_id=self.company.facts.client_id,
                client_secret=SecretStr(self.company.facts.client_secret),
                refresh_token=SecretStr(self.company.facts.refresh_token),
                base_url=CONCUR_URL,
                per_diem_types=frozenset({PER_DIEM_TYPE}),
                distance_unit="km",
            ),
            Unlimited(),
            self.concur_wire,
        )
        with self.erp.connectors.one() as tryton:
            yield {"concur": concur, "tryton": tryton}

    # People in Concur.

    def claimant(self, number: int = 0, entity: str = "DE01") -> Claimant:
        """Somebody of a legal entity who may claim."""
        return [one for one in self._people if one.employee.legal_entity.code == entity][number]

    def leaver(self, entity: str = "DE01") -> Claimant:
        """Somebody of a legal entity who left in the middle of the month."""
        (one,) = [one for one in self.firm.leavers if one.legal_entity.code == entity]
        return replace(self.claimant(0, entity), employee=one)

    def new_number(self) -> str:
        """A report number that no test of this session has."""
        number = f"T{next(_NUMBERS):05}"
        self.numbers.append(number)
        return number

    def release(self, who: Claimant, entries: Sequence[Entry], **more: Any) -> str:
        """Let a report be approved; gives the id of its document."""
        return self.company.release(self.report(who, entries, **more))

    def report(self, who: Claimant, entries: Sequence[Entry], **more: Any) -> dict[str, Any]:
        """A report that is not released yet."""
        return self.month.report(self.new_number(), who, list(entries), **more)

    def taxi(self, amount: str = "", who: Claimant | None = None, **more: Any) -> str:
        """Release a report of one cash cost; its amount is its own, unless one is given."""
        person = who or self.claimant()
        spent = amount or f"{20 + len(self.numbers)}.35"
        return self.release(person, [person.spent(1, spent, 2, **more)])

    def without_project(self, amount: str = "") -> str:
        """Release a report of a billable cost that names no project."""
        return self.taxi(amount, billable=True)

    def closable(self) -> Month:
        """A month that can be closed and is followed by an open one of the same fiscal year."""
        month = self.firm.month
        return month.before() if month.month == MONTHS_PER_YEAR else month

    @staticmethod
    def dated(content: dict[str, Any], month: Month) -> dict[str, Any]:
        """Let all costs of a report be of one day in a month."""
        for one in content["expenseEntry"]:
            one["entryDate"] = f"{month.working_days()[1].isoformat()}T00:00:00.000Z"
        return content

    @contextmanager
    def shown_anew(self, document: str) -> Iterator[None]:
        """Let a document that is ours wait to be read again, for the length of a block.

        Concur itself makes a new document of each change; other sources change the one they have.
        """
        before = self.document(document)
        self.company.keep(before.model_copy(update={"state": "READY"}))
        yield
        content = self.document(document).content
        self.company.keep(before.model_copy(update={"content": content}))

    def edit(self, document: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change what a document says, by its content."""
        before = self.document(document)
        content: dict[str, Any] = exact_json(before.content)
        change(content)
        news = {"content": exact_json_text(content)}
        self.company.keep(before.model_copy(update=news))

    def set_amount(self, document: str, amount: str) -> None:
        """Let the first cost of a report come to another amount; it has one allocation, no tax."""

        def change(content: dict[str, Any]) -> None:
            first, *others = content["expenseEntry"]
            now = Decimal(amount)
            first["entryApprovedAmount"] = first["reportEntryTransactionAmount"] = now
            for row in first["allocation"][0]["journal"]:
                row["amountGross"] = row["amountNetOfTax"] = row["amountNetOfReclaim"] = now
            total = now + sum(Decimal(one["entryApprovedAmount"]) for one in others)
            content["report"]["totalApprovedAmount"] = total

        self.edit(document, change)

    # What both systems show.

    def document(self, document: str) -> SimulatedDocument:
        """A document as Concur has it."""
        return self.company.document(document)

    def told(self, document: str) -> list[str]:
        """What Concur was told of a document, in order: success, error, PP, CP, RE or OB."""
        return [one.status for one in self.document(document).told]

    @staticmethod
    def amount_told(told: Told) -> Decimal:
        """How much money a payment's confirmation speaks of."""
        (details,) = exact_json(told.body)["clearingDetails"]
        return Decimal(details["clearingAmount"])

    def number_of(self, document: str) -> str:
        """The number of a report, as people call it."""
        content = json.loads(self.document(document).content)
        number: str = (
            content["report"]["reportNumber"]
            if "report" in content
            else content["cashAdvanceData"]["cashAdvanceId"]
        )
        return number

    async def invoices(self, *documents: str) -> tuple[SupplierInvoice, ...]:
        """What the ERP holds of these reports, or of all of this test: drafts too."""
        numbers = [self.number_of(one) for one in documents] or self.numbers
        like = [["reference", "like", f"% {number}%"] for number in numbers]
        return await self.desk.supplier_invoices([["OR", *like]]) if like else ()

    async def invoice(self, document: str) -> SupplierInvoice:
        """The only invoice of a report; anything beside it is a failure."""
        (one,) = await self.invoices(document)
        assert one.posted, one
        return one

    async def posted_once(self, *documents: str) -> None:
        """Hold the ERP to exactly one posted invoice for each report, and not one draft."""
        for document in documents:
            await self.invoice(document)

    async def moved_by(self, invoice: SupplierInvoice) -> dict[str, Decimal]:
        """What an invoice moved in the general ledger: debit less credit, by account."""
        moved: dict[str, Decimal] = defaultdict(Decimal)
        rows = await self.erp.session.find(
            "account.move.line",
            [["move.origin", "=", f"account.invoice,{invoice.id}"]],
            *("account.code", "debit", "credit"),
        )
        for row in rows:
            moved[row["account."]["code"]] += row["debit"] - row["credit"]
        return dict(moved)

    async def passed_on(self, document: str) -> tuple[Disbursement, ...]:
        """The disbursements of a report's invoice."""
        return await self.desk.disbursements((await self.invoice(document)).reference.split()[0])
