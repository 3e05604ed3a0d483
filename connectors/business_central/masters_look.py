"""Looking up single masters: by number, by id, and employees by address, in bulk."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar

from canonical.cross_reference import MasterKind
from canonical.masters import Customer, Employee, Master, Masters, Project
from connectors.base.master_writes import MasterLook, MasterQuery
from connectors.business_central import wire
from connectors.business_central.client import Client
from connectors.business_central.ids import any_of, company_path, is_guid, quoted
from connectors.business_central.master_mapping import readable
from connectors.business_central.masters_reading import WITH_DIMENSIONS, MastersReading

# The entity set of each kind that can be looked for.
ENTITY_OF: Final[Mapping[MasterKind, str]] = {
    MasterKind.CUSTOMER: "customers",
    MasterKind.EMPLOYEE: "employees",
    MasterKind.PROJECT: "projects",
}
# Values of one filter: an address of some two thousand characters is taken everywhere.
_VALUES_MAX: Final = 40
R = TypeVar("R", bound=wire.Row)
M = TypeVar("M", bound=Master)


class MastersLook:
    """Asks each company; a record of another company with the same number is another record."""

    def __init__(self, client: Client, reading: MastersReading) -> None:
        self._client: Final = client
        self._reading: Final = reading

    async def find(self, queries: Sequence[MasterQuery]) -> MasterLook:
        """Find what has one of the ids, numbers or addresses, and the version of each."""
        customers: list[Customer] = []
        employees: list[Employee] = []
        projects: list[Project] = []
        versions: dict[str, str] = {}
        for company in await self._reading.companies():
            mapping = await self._reading.mapping(company)
            payers = await self._rows(company, MasterKind.CUSTOMER, queries, wire.Customer)
            people = await self._rows(company, MasterKind.EMPLOYEE, queries, wire.Employee)
            work = await self._rows(company, MasterKind.PROJECT, queries, wire.Project)
            vendors = await self._vendors(company, [each.number for each in people])
            customers += _made(payers, mapping.customer)
            employees += _made(people, partial(mapping.employee, vendors=vendors))
            projects += _made(work, mapping.project)
            versions |= {row.id: row.etag for row in (*payers, *people, *work)}
        masters = Masters(
            customers=tuple(customers), employees=tuple(employees), projects=tuple(projects)
        )
        return MasterLook(masters, versions)

    async def version(self, company: wire.Company, kind: MasterKind, record: str) -> str | None:
        """The version of one record; None if there is none."""
        query = MasterQuery(kind, ids=(record,))
        rows = await self._rows(company, kind, [query], wire.Row)
        return rows[0].etag if rows else None

    async def is_there(self, company: wire.Company, kind: MasterKind, number: str) -> bool:
        """Whether a company has a record of this number."""
        return bool(await self._rows(company, kind, [MasterQuery(kind, keys=(number,))], wire.Row))

    async def _rows(
        self,
        company: wire.Company,
        kind: MasterKind,
        queries: Iterable[MasterQuery],
        row: type[R],
    ) -> list[R]:
        of_kind = [each for each in queries if each.kind is kind]
        keys = [key for each in of_kind for key in each.keys]
        ids = [one for each in of_kind for one in each.ids if is_guid(one)]
        found = await self._having(company, kind, "id", ids, row)
        found |= await self._having(company, kind, "number", [quoted(key) for key in keys], row)
        if kind is MasterKind.EMPLOYEE:
            addresses = [quoted(key) for key in keys if "@" in key]
            found |= await self._having(company, kind, "email", addresses, row)
        return list(found.values())

    async def _having(
        self,
        company: wire.Company,
        kind: MasterKind,
        member: str,
        values: Sequence[str],
        row: type[R],
    ) -> dict[str, R]:
        path = f"{company_path(company.id)}/{ENTITY_OF[kind]}"
        more = WITH_DIMENSIONS if kind is MasterKind.EMPLOYEE else {}
        found: dict[str, R] = {}
        for some in _batches(list(dict.fromkeys(values))):
            records = await self._client.all_of(path, {"$filter": any_of(member, some), **more})
            found |= {each.id: each for each in readable(row, records, lambda one: one)}
        return found

    async def _vendors(self, company: wire.Company, employees: Sequence[str]) -> dict[str, str]:
        """The vendors by whose numbers the company owes these people money."""
        prefix = self._reading.vendor_prefix
        path = f"{company_path(company.id)}/vendors"
        vendors: dict[str, str] = {}
        for some in _batches([quoted(prefix + number) for number in employees]):
            records = await self._client.all_of(path, {"$filter": any_of("number", some)})
            found = readable(wire.Vendor, records, lambda row: row)
            vendors |= {each.number: each.id for each in found}
        return vendors


def _batches(values: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(values), _VALUES_MAX):
        yield list(values[start : start + _VALUES_MAX])


def _made(rows: Iterable[R], make: Callable[[R], M]) -> Iterator[M]:
    """What can be understood; one record that cannot harms no other."""
    for row in rows:
        try:
            yield make(row)
        except ValueError:
            continue
