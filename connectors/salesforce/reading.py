"""Reads Accounts and Opportunities: all of them, those that changed, and those asked for."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

from canonical.cross_reference import MasterKind
from canonical.masters import Masters
from connectors.base.master_writes import GoneMaster, MasterChanges, MasterQuery
from connectors.base.records import RawRecord, parsed
from connectors.salesforce import mapping, soql, wire
from connectors.salesforce.changes import ChangeFeed, Moved
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.options import SalesforceOptions

ACCOUNT, CONTACT, OPPORTUNITY = "Account", "Contact", "Opportunity"
_IN_ORDER: Final = "ORDER BY SystemModstamp, Id"
# What Salesforce takes for an id of an object; anything else it refuses, with the whole query.
_ID_OF: Final = {
    ACCOUNT: re.compile(r"001[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?", re.ASCII),
    OPPORTUNITY: re.compile(r"006[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?", re.ASCII),
}


class MasterReading:
    """The masters of one org; what is read is whole or an error."""

    def __init__(self, client: SalesforceClient, options: SalesforceOptions) -> None:
        self._client: Final = client
        self._feed: Final = ChangeFeed(client)
        self._connection: Final = options.connection
        self._fields: Final = options.account
        self._project_code: Final = options.project_code
        self._kinds: Final = (
            (ACCOUNT, CONTACT) if options.project_code is None else (ACCOUNT, CONTACT, OPPORTUNITY)
        )

    async def all(self) -> Masters:
        """Everything that there is now."""
        accounts = await self._client.query(f"{soql.accounts(self._fields)} {_IN_ORDER}")
        if self._project_code is None:
            return self._masters(accounts, ())
        won = f"{soql.opportunities(self._project_code)} WHERE IsWon = true {_IN_ORDER}"
        return self._masters(accounts, await self._client.query(won))

    async def changed_since(self, since: datetime, now: datetime) -> MasterChanges:
        """What changed or went; everything, where the feeds do not reach so far."""
        moved = await self._feed.moved(self._kinds, since, now)
        if moved is None:
            until = await self._feed.covered(self._kinds, now)
            return MasterChanges(await self.all(), until, whole=True)
        accounts, contacts = moved[0], moved[1]
        merged_into = await self._merged_into(accounts.deleted)
        asked = accounts.all | merged_into | await self._accounts_of(contacts)
        found = await self._accounts("Id", asked)
        deals = moved[2].all if self._project_code is not None else frozenset[str]()
        won, lost = await self._projects(deals, merged_into)
        gone = (
            *_gone(MasterKind.CUSTOMER, asked - _ids(found)),
            *_gone(MasterKind.PROJECT, lost),
        )
        until = min(each.covered for each in moved)
        return MasterChanges(self._masters(found, won), until, gone)

    async def find(self, queries: Sequence[MasterQuery]) -> Masters:
        """The records with these ids or codes, in as few requests as may be."""
        accounts: list[RawRecord] = []
        deals: list[RawRecord] = []
        for query in queries:
            if query.kind is MasterKind.CUSTOMER:
                accounts += await self._accounts("Id", _only_ids(ACCOUNT, query.ids))
                accounts += await self._accounts(self._fields.code, _spellings(query.keys))
            elif query.kind is MasterKind.PROJECT and self._project_code is not None:
                deals += await self._deals("Id", _only_ids(OPPORTUNITY, query.ids))
                deals += await self._deals(self._project_code, _spellings(query.keys))
        return self._masters(accounts, [each for each in deals if mapping.is_won(each)])

    async def _accounts(self, field: str, values: Collection[str]) -> list[RawRecord]:
        return await self._where(soql.accounts(self._fields), field, values)

    async def _deals(self, field: str, values: Collection[str]) -> list[RawRecord]:
        if self._project_code is None:
            return []
        return await self._where(soql.opportunities(self._project_code), field, values)

    async def _projects(
        self, moved: frozenset[str], merged_into: frozenset[str]
    ) -> tuple[list[RawRecord], frozenset[str]]:
        """The projects among deals that moved, and the ids of those that are none (any more).

        Whether a deal's stamp moves when its Account is merged into another is not documented, so
        those of the Account that is left are read too.
        """
        found = await self._deals("Id", moved)
        found += await self._deals("AccountId", merged_into)
        won = [each for each in found if mapping.is_won(each)]
        # One that cannot be read is left as it was.
        broken = {id_ for each in found if (id_ := _unreadable_deal(each))}
        return won, frozenset(moved | _ids(found)) - _ids(won) - broken

    async def _accounts_of(self, contacts: Moved) -> frozenset[str]:
        """Whose contacts these are, or were before they were deleted."""
        refs = await self._refs("SELECT AccountId FROM Contact", contacts.all)
        return frozenset(ref.account_id for ref in refs if ref.account_id)

    async def _merged_into(self, deleted: Collection[str]) -> frozenset[str]:
        """Into which Accounts these were merged."""
        refs = await self._refs("SELECT MasterRecordId FROM Account", deleted)
        return frozenset(ref.main_id for ref in refs if ref.main_id)

    async def _refs(self, select: str, ids: Collection[str]) -> list[wire.AccountRef]:
        records = await self._where(select, "Id", ids, deleted_too=True)
        found = [parsed(record, wire.AccountRef) for record in records]
        return [each for each in found if not isinstance(each, str)]

    async def _where(
        self, select: str, field: str, values: Collection[str], *, deleted_too: bool = False
    ) -> list[RawRecord]:
        found: list[RawRecord] = []
        for condition in soql.of(sorted(values), field):
            query = f"{select} WHERE {condition} {_IN_ORDER}"
            found += await self._client.query(query, deleted_too=deleted_too)
        return found

    def _masters(self, accounts: Iterable[RawRecord], deals: Iterable[RawRecord]) -> Masters:
        at, fields, code = self._connection, self._fields, self._project_code
        return Masters(
            customers=mapping.readable(accounts, lambda each: mapping.customer(each, at, fields)),
            projects=mapping.readable(deals, lambda each: mapping.project(each, at, code or "")),
        )


def _only_ids(kind: str, values: Iterable[str]) -> list[str]:
    return [value for value in values if _ID_OF[kind].fullmatch(value)]


def _spellings(keys: Iterable[str]) -> frozenset[str]:
    """Codes as they are compared, and as somebody may have typed them, accents apart."""
    return frozenset(form for key in keys for form in (key, unicodedata.normalize("NFD", key)))


def _ids(records: Iterable[RawRecord]) -> frozenset[str]:
    return frozenset(id_ for record in records if (id_ := mapping.id_of(record)))


def _unreadable_deal(record: RawRecord) -> str | None:
    return mapping.id_of(record) if isinstance(parsed(record, wire.Opportunity), str) else None


def _gone(kind: MasterKind, ids: Iterable[str]) -> Iterable[GoneMaster]:
    return (GoneMaster(kind, each) for each in sorted(ids))
