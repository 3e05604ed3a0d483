"""Journal entries for a real Tryton: intents of every shape, and a desk that sees the books."""

import itertools
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from typing import Any

from canonical.identity import reference_of
from canonical.journal import JournalEntry, JournalLine
from canonical.masters import LegalEntity
from canonical.posting import Executed, PostingIntent, PostingKind, SourceLine
from canonical.posting_period import PeriodDecision
from connectors.tryton import Tryton
from sandbox.firm import Month
from sandbox.tryton.admin import reopen
from sandbox.tryton.intercompany_seed import CHARGE, DUE_FROM
from sandbox.tryton.journal_desk import JournalDesk, LedgerEntry
from tests.connectors.tryton.expense_world import Office

CREATE = "model.account.move.create"
DELETE = "model.account.move.delete"
POST = "model.account.move.post"


def line(account: str, amount: str, **given: Any) -> JournalLine:
    """A line; above nothing it is a debit."""
    content = {"account": account, "amount": Decimal(amount), "label": "Work for another company"}
    return JournalLine(**{**content, **given})


def charge(amount: str) -> tuple[JournalLine, ...]:
    """What the company of a worker charges."""
    return (line(DUE_FROM, amount), line(CHARGE, f"-{amount}"))


class JournalWorld:
    """One test's entries in the ERP; descriptions and references are its own."""

    def __init__(self, office: Office, month: Month) -> None:
        self._office = office
        self._month = month
        self.network = office.network
        self.network.requests.clear()
        self.aim = POST
        self.session = office.desk.session
        self.desk = JournalDesk(self.session)
        self._taken = itertools.count()

    @property
    def aim(self) -> str:
        """Which call of Tryton's the network's troubles are aimed at."""
        return self._office.aim

    @aim.setter
    def aim(self, call: str) -> None:
        self._office.aim = call

    def connect(self) -> Tryton:
        """A connector that this test has not used yet, on the network that may have trouble."""
        return self._office.connector(next(self._taken))

    def sent(self, method: str) -> int:
        """How often a call was sent."""
        asked = f'"method":"{method}"'.encode()
        return sum(asked in request.content for request in self.network.requests)

    def entity(self, currency: str = "EUR") -> LegalEntity:
        """The company that books in a currency."""
        entities = self._office.desk.masters.legal_entities
        return next(each for each in entities if each.currency == currency)

    @property
    def day(self) -> date:
        """A day in an open period."""
        return self._month.first_day.replace(day=20)

    @property
    def next_day(self) -> date:
        """A day in the period after that one, open too."""
        return self._month.next().first_day

    def intent(self, *lines: JournalLine, **given: Any) -> PostingIntent:
        """An entry that the ERP takes; `given` changes the body."""
        content = {
            "legal_entity": self.entity().id,
            "entry_date": self.day,
            "currency": "EUR",
            "description": f"pair {uuid.uuid4().hex[:8]}",  # noqa: TID251  A test's own.
            "lines": lines or charge("100.00"),
        }
        return self.intent_of(JournalEntry(**{**content, **given}))

    def intent_of(self, body: JournalEntry, **given: Any) -> PostingIntent:
        """An intent with a key of its own."""
        key = uuid.uuid4()  # noqa: TID251  A test's own; nothing is ever sent again.
        content = {
            "key": key,
            "reference": reference_of(key),
            "target": "erp",
            "source": SourceLine(connection="psa", object="time_entry", id="1", revision=1),
            "kind": PostingKind.JOURNAL,
            "leg": "charge",
            "legal_entity": next(
                each.code
                for each in self._office.desk.masters.legal_entities
                if each.id == body.legal_entity
            ),
            "period": _period(body.entry_date),
            "value": body.total,
            "body": body,
        }
        return PostingIntent(**{**content, **given})

    def reversal(self, original: PostingIntent, document_id: str, on: date) -> PostingIntent:
        """The taking back of a posted entry."""
        return self.intent_of(
            original.journal_entry,
            kind=PostingKind.REVERSAL,
            corrects=original.key,
            corrects_document=document_id,
            period=_period(on),
        )

    async def posted(self, target: Tryton, intent: PostingIntent) -> str:
        """Post what is certainly taken; gives the document's id."""
        (outcome,) = await target.post([intent], await target.guard_evidence([intent]))
        assert isinstance(outcome, Executed), outcome
        return outcome.document_id

    async def held(self, intent: PostingIntent) -> tuple[LedgerEntry, ...]:
        """Everything in the ERP that carries an intent's reference, drafts too."""
        return await self.desk.entries([["description", "like", f"{intent.reference}%"]])

    @asynccontextmanager
    async def closed(self, entity: LegalEntity, day: date) -> AsyncIterator[None]:
        """The time in which a company's period of a day is closed."""
        within = [["start_date", "<=", day], ["end_date", ">=", day], ["type", "=", "standard"]]
        company = ["company", "=", int(entity.id)]
        period = await self.session.find_one("account.period", [*within, company])
        await self.session.press("account.period", "close", [period])
        try:
            yield
        finally:
            await reopen(self.session, period)


def _period(day: date) -> PeriodDecision:
    return PeriodDecision(posting_date=day, period=f"{day:%Y-%m}", original_date=day)
