"""Finding time that is posted: the register's lines, the entries, and which belongs to which."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeVar

from canonical.posting import PostedDocument
from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.base.pagination import Pages
from connectors.business_central import time_register as register
from connectors.business_central.client import Client
from connectors.business_central.ids import any_of, company_path, quoted
from connectors.business_central.time_register import Entry, Pair, Registered
from connectors.business_central.wire import Journal, row_from

ENTRIES: Final = "timeRegistrationEntries"
# The API gives time entries of at most so many days at once.
_WINDOW_DAYS: Final = 70
# So many values a filter names; a request's address stays below 4,000 characters.
_NAMED_MAX: Final = 50
_FORTNIGHT: Final = 14
_FIRST: Final = "which days"

Documents = dict[str, tuple[PostedDocument, ...]]
T = TypeVar("T")


class TimeShelf:
    """The time of one environment's companies, each with its register."""

    def __init__(self, client: Client, register_code: str) -> None:
        self._client: Final = client
        self._code: Final = register_code
        self._registers: Final[dict[str, str]] = {}

    async def register_of(self, company: str) -> Journal:
        """Read a company's register; ConnectionConfigError if nobody has made it."""
        path = f"{company_path(company)}/journals"
        found = await self._client.all_of(path, {"$filter": f"code eq {quoted(self._code)}"})
        if len(found) != 1:
            raise ConnectionConfigError(
                "register_missing", f"a general journal batch '{self._code}' has to be made"
            )
        journal = _read(found[0].value, lambda value: row_from(Journal, value))
        self._registers[company] = journal.id
        return journal

    async def under(self, company: str, references: Sequence[str]) -> Documents:
        """Find all documents that carry some references."""
        named = await self.registered(company, references)
        documents = await self._standing_on(company, {line.body.work_date for line in named})
        return dict(register.by_reference(one for one in documents if one.reference in references))

    async def registered(self, company: str, references: Sequence[str]) -> list[Registered]:
        """The register's lines that carry some references, whatever became of their entries."""
        return [
            line
            for some in _portions(sorted(references))
            for line in await self._lines(
                company, any_of("externalDocumentNumber", [quoted(one) for one in some])
            )
        ]

    async def is_there(self, company: str, entry: str) -> bool:
        """Whether there is an entry of this id, whoever made it."""
        # One at a time: of several ids in a filter the API loads the first.
        path = f"{company_path(company)}/{ENTRIES}"
        return bool(await self._client.all_of(path, {"$filter": f"id eq {entry}"}))

    def changed_since(
        self, company: str, since: datetime | None
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through what was registered at or after an instant, some days of work a page.

        An entry that only somebody else has changed is seen by `between`.
        """
        moment = since.astimezone(UTC) if since else datetime(2000, 1, 1, tzinfo=UTC)
        changed = f"lastModifiedDateTime ge {moment.strftime('%Y-%m-%dT%H:%M:%S.%fZ')}"
        wanted: set[str] = set()
        days: list[date] = []

        async def fetch(page: str) -> tuple[Sequence[PostedDocument], str | None]:
            if page == _FIRST:
                lines = await self._lines(company, changed)
                wanted.update(line.reference for line in lines)
                days[:] = sorted({line.body.work_date for line in lines})
                return [], "0" if days else None
            start = int(page)
            documents = await self._standing_on(company, days[start : start + _NAMED_MAX])
            more = start + _NAMED_MAX
            ours = [one for one in documents if one.reference in wanted]
            return ours, str(more) if more < len(days) else None

        return Pages(_FIRST, fetch)

    def between(
        self, company: str, first: date, last: date
    ) -> AsyncIterator[Sequence[PostedDocument]]:
        """Page through a company's documents by the date of the work, a fortnight a page."""

        async def fetch(page: str) -> tuple[Sequence[PostedDocument], str | None]:
            start = date.fromisoformat(page)
            end = min(last, start + timedelta(days=_FORTNIGHT - 1))
            lines = await self._lines(company, f"postingDate ge {start} and postingDate le {end}")
            documents = await self._documents(company, lines, start, end)
            following = end + timedelta(days=1)
            return documents, following.isoformat() if following <= last else None

        return Pages(first.isoformat(), fetch)

    async def _standing_on(self, company: str, days: Iterable[date]) -> list[PostedDocument]:
        """All documents of some days; the lines of all of them, since one may speak for another."""
        return [pair.document for pair in await self.pairs_on(company, days)]

    async def pairs_on(self, company: str, days: Iterable[date]) -> list[Pair]:
        """All documents of some days, with the lines that speak for them."""
        pairs: list[Pair] = []
        for some in _close_together(days):
            lines = [
                line
                for portion in _portions(some)
                for line in await self._lines(
                    company, any_of("postingDate", [day.isoformat() for day in portion])
                )
            ]
            pairs += register.paired(lines, await self._entries(company, some[0], some[-1]))
        return pairs

    async def _documents(
        self, company: str, lines: Sequence[Registered], first: date, last: date
    ) -> list[PostedDocument]:
        if not lines:
            return []
        entries = await self._entries(company, first, last)
        return [pair.document for pair in register.paired(lines, entries)]

    async def _lines(self, company: str, which: str) -> list[Registered]:
        found = await self._client.all_of(await self.lines_path(company), {"$filter": which})
        read = (
            _read(each.value, lambda value: register.registered_from(company, value))
            for each in found
        )
        return [line for line in read if line is not None]

    async def _entries(self, company: str, first: date, last: date) -> list[Entry]:
        days = f"date ge {first} and date le {last}"
        path = f"{company_path(company)}/{ENTRIES}"
        found = await self._client.all_of(path, {"$filter": days})
        return [
            _read(each.value, lambda value: register.entry_from(company, value)) for each in found
        ]

    async def lines_path(self, company: str) -> str:
        """Where the lines of a company's register are."""
        return f"{company_path(company)}/journals({await self.register_id(company)})/journalLines"

    async def register_id(self, company: str) -> str:
        """The id of a company's register; it is read once."""
        return self._registers.get(company) or (await self.register_of(company)).id


def _read(value: Any, read: Callable[[Any], T]) -> T:
    """Read a record exactly: one that cannot be read is not absent, or it would be booked again."""
    try:
        return read(value)
    except ValueError as error:
        raise TransientError("answer_not_understood", str(error)) from None


def _portions(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _NAMED_MAX):
        yield values[start : start + _NAMED_MAX]


def _close_together(days: Iterable[date]) -> list[list[date]]:
    """Group days so that each group can be asked for at once."""
    groups: list[list[date]] = []
    for day in sorted(set(days)):
        if groups and (day - groups[-1][0]).days < _WINDOW_DAYS:
            groups[-1].append(day)
        else:
            groups.append([day])
    return groups
