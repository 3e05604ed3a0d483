"""Reading people: the list of employees in bulk, beside it what the list does not have."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from canonical.masters import CostCentreAssignment, DimensionValue, Employee
from connectors.bamboohr import mapping
from connectors.bamboohr.client import BambooHrClient
from connectors.bamboohr.manifest import DATASET_PAGE_MAX, IDS_MAX
from connectors.bamboohr.options import OWN_ID, BambooHrOptions
from connectors.bamboohr.wire import JobRow, Person, Row, StatusRow
from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.base.pagination import Pages
from connectors.base.records import RawRecord

# So few employees are asked for their number one by one: of these it is the newest there is.
FEW: Final = 5
_SIDE_BY_SIDE: Final = 4
_NAMES: Final = ("firstName", "lastName")
_STATUSES: Final = "employmentStatus"
_JOBS: Final = "jobInfo"
_DATASET_PAGES_MAX: Final = 1000


class People:
    """Everybody whom the key may see, or some of them, as our employees."""

    def __init__(self, options: BambooHrOptions, client: BambooHrClient) -> None:
        self._client: Final = client
        self._options: Final = options
        self._by: Final = mapping.Reading.by(options)

    async def everybody(self) -> tuple[Employee, ...]:
        """Read all employees, those who left included; calls grow with pages, not with people."""
        records = [record async for page in self._pages(()) for record in page]
        return await self._employees(records, None)

    async def some(
        self, ids: Sequence[str], changed_since: datetime | None = None
    ) -> tuple[Employee, ...]:
        """Read those with an id; one that is not there any more is not in the answer.

        With `changed_since` all of them changed since then, so that only such rows are read.
        """
        if not ids:
            return ()
        records: list[RawRecord] = []
        for some in _parts(ids, IDS_MAX):
            records += [record async for page in self._pages(some) for record in page]
        return await self._employees(records, changed_since)

    async def cost_centres(self) -> tuple[DimensionValue, ...]:
        """Read what cost centres are called in this company, archived ones included."""
        field = self._options.cost_centre_field
        for each in await self._client.lists():
            if each.alias == field:
                return mapping.converted(
                    each.options, lambda one: mapping.dimension_value(one, self._by), field
                )
        raise ConnectionConfigError(
            "hidden_field", f"the lists of the company do not show {field} to this key"
        )

    async def assignments(self) -> tuple[CostCentreAssignment, ...]:
        """Read the job information of everybody, past rows and coming ones included."""
        rows = await self._client.all_rows(_JOBS)
        mapping.require_seen(rows, ("date", self._options.cost_centre_field), _JOBS)
        return mapping.assignments(mapping.all_read(rows, JobRow, _JOBS), self._by)

    def _pages(self, ids: Sequence[str]) -> Pages[tuple[RawRecord, ...]]:
        async def fetch(after: str) -> tuple[tuple[RawRecord, ...], str | None]:
            page = await self._client.people(
                self._by.asked, limit=self._options.page_size, after=after or None, ids=ids
            )
            return page.records, page.next

        return Pages("", fetch)

    async def _employees(
        self, records: Sequence[RawRecord], changed_since: datetime | None
    ) -> tuple[Employee, ...]:
        mapping.require_seen(records, self._by.needed, "the list of employees")
        # Somebody who moved to a later page while pages were turned comes twice.
        people = {one.id: one for one in mapping.readable(records, Person, "employeeId")}
        statuses = await self._statuses(changed_since) if people else {}
        numbers = await self._numbers(people)
        return mapping.converted(
            (one for one in people.values() if one.id in numbers),
            lambda one: mapping.employee(one, numbers[one.id], statuses.get(one.id, ()), self._by),
            "employee",
        )

    async def _statuses(self, since: datetime | None) -> Mapping[str, list[StatusRow]]:
        if not self._by.knows("active_until"):
            return {}
        rows: Sequence[RawRecord]
        if since is None:
            rows = await self._client.all_rows(_STATUSES)
        else:
            rows = await self._client.changed_rows(_STATUSES, since)
        mapping.require_seen(rows, ("date", _STATUSES), _STATUSES)
        found: dict[str, list[StatusRow]] = {}
        for row in mapping.all_read(rows, StatusRow, _STATUSES):
            found.setdefault(row.employee_id, []).append(row)
        return found

    async def _numbers(self, people: Mapping[str, Person]) -> Mapping[str, str | None]:
        """The code of each; who was deleted meanwhile has none, and is not in the answer."""
        if self._options.code_field == OWN_ID:
            return {one: one for one in people}
        known = await self._dataset(people) if len(people) > FEW else {}
        # A dataset may not have heard of the newest.
        missing = [one for one in people if one not in known]
        return {**known, **await self._one_by_one(missing)}

    async def _dataset(self, people: Mapping[str, Person]) -> Mapping[str, str | None]:
        """The numbers of all whose row is plainly theirs: it says their name, too."""
        options = self._options
        own, code = options.dataset_id_field, options.dataset_code_field
        fields = (own, code, *_NAMES)
        size = min(options.page_size, DATASET_PAGE_MAX)
        found: dict[str, str | None] = {}
        for number in range(1, _DATASET_PAGES_MAX + 1):
            page = await self._client.dataset_page(options.dataset, fields, number, size)
            for row in page.data:
                hidden = [name for name in fields if name not in row.fields]
                if hidden:
                    raise _not_shown(hidden[0], f"the dataset {options.dataset}")
                whose, value = str(row.fields[own]), row.fields[code]
                if _is_of(row, people.get(whose)):
                    found[whose] = None if value is None else str(value)
            if page.meta.page >= page.meta.total_pages:
                return found
        raise TransientError("pages_without_end")

    async def _one_by_one(self, ids: Sequence[str]) -> Mapping[str, str | None]:
        found: dict[str, str | None] = {}
        for some in _parts(ids, _SIDE_BY_SIDE):
            told = await asyncio.gather(*map(self._number_of, some), return_exceptions=True)
            for one in told:
                if isinstance(one, BaseException):
                    raise one
                own, number = one
                if number is not None:
                    found[own] = number or None
        return found

    async def _number_of(self, employee_id: str) -> tuple[str, str | None]:
        """The number of one employee, empty if they have none; None if there is no such one."""
        field = self._options.code_field
        record = await self._client.field_of(employee_id, field)
        if record is None:
            return employee_id, None
        if field not in record:
            raise _not_shown(field, "an employee")
        value = record[field]
        return employee_id, "" if value is None else str(value)


def _is_of(row: Row, person: Person | None) -> bool:
    """Whether a row is this person's: a wrong dataset_id_field must not mix people up."""
    return person is not None and tuple(row.fields[name] or "" for name in _NAMES) == (
        person.first_name or "",
        person.last_name or "",
    )


def _parts(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (ids[at : at + size] for at in range(0, len(ids), size))


def _not_shown(field: str, where: str) -> ConnectionConfigError:
    return ConnectionConfigError(
        "hidden_field", f"{where} does not show {field}: the key may not see it, or it is not there"
    )
