"""Reading all master data of an organisation, within a minute's calls."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from canonical.masters import DimensionValue, Masters, Project, Task
from connectors.base.errors import ConnectionConfigError
from connectors.xero import master_mapping as mapping
from connectors.xero.client import XeroClient
from connectors.xero.options import XeroOptions
from connectors.xero.organisation import Organisation


class MasterReading:
    """Reads masters; each project's tasks cost a call, so they are remembered for a while.

    What was read before trouble is remembered too, so that a reading gets to its end.
    """

    def __init__(
        self,
        client: XeroClient,
        options: XeroOptions,
        books: Organisation,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client: Final = client
        self._options: Final = options
        self._books: Final = books
        self._clock: Final = clock
        self._mapping: Final = mapping.MasterMapping(options)
        # By project: when its tasks were read, and what they were.
        self._tasks: Final[dict[str, tuple[float, tuple[Task, ...]]]] = {}

    async def all(self) -> Masters:
        """Read everything that time, expenses and invoices refer to."""
        make = self._mapping
        organisation = await self._books.read()
        contacts = await _gathered(
            self._client.pages("Contacts", {"includeArchived": "true", "summaryOnly": "false"})
        )
        rows = mapping.rows(mapping.ContactRow, contacts)
        users = await _gathered(self._client.project_pages("ProjectsUsers", {}))
        projects = await self._projects()
        accounts = await self._client.whole("Accounts")
        taxes = await self._client.whole("TaxRates")
        currencies = await self._client.whole("Currencies")
        paying = {each.customer for each in projects}
        return Masters(
            legal_entities=(self._books.legal_entity(organisation),),
            customers=tuple(
                make.customer(row) for row in rows if row.is_customer or row.contact_id in paying
            ),
            employees=tuple(make.employees(users, rows)),
            projects=projects,
            tasks=await self._all_tasks(projects),
            dimension_values=await self._options_of_categories(),
            accounts=mapping.readable(mapping.AccountRow, accounts, make.account),
            tax_codes=mapping.readable(mapping.TaxRateRow, taxes, make.tax_code),
            currencies=mapping.readable(mapping.CurrencyRow, currencies, make.currency),
        )

    async def _projects(self) -> tuple[Project, ...]:
        values = await _gathered(self._client.project_pages("Projects", {}))
        return mapping.readable(mapping.ProjectRow, values, self._mapping.project)

    async def _all_tasks(self, projects: tuple[Project, ...]) -> tuple[Task, ...]:
        open_ones = [each.id for each in projects if each.active]
        for project in [*self._tasks]:
            if project not in open_ones:
                del self._tasks[project]
        return tuple([task for each in open_ones for task in await self._tasks_of(each)])

    async def _tasks_of(self, project: str) -> tuple[Task, ...]:
        read_at, known = self._tasks.get(project, (0.0, ()))
        kept_seconds = self._options.tasks_kept_seconds
        if project in self._tasks and self._clock() - read_at < kept_seconds:
            return known
        values = await _gathered(self._client.project_pages(f"Projects/{project}/Tasks", {}))
        tasks = mapping.readable(mapping.TaskRow, values, self._mapping.task)
        self._tasks[project] = (self._clock(), tasks)
        return tasks

    async def _options_of_categories(self) -> tuple[DimensionValue, ...]:
        query = {"includeArchived": "true"}
        values = await self._client.whole("TrackingCategories", query=query)
        rows = mapping.rows(mapping.CategoryRow, values)
        if all(row.name != self._options.cost_centre_category for row in rows):
            raise ConnectionConfigError(
                "cost_centre_category",
                f"there is no tracking category '{self._options.cost_centre_category}'",
            )
        return tuple(each for row in rows for each in self._mapping.options(row))


async def _gathered(pages: AsyncIterator[list[Any]]) -> list[Any]:
    return [value async for page in pages for value in page]
