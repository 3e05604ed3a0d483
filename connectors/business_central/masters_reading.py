"""Reading companies, their master data, calendars and rates, in bulk and company by company."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from canonical.contracts import ExchangeRate
from canonical.masters import Masters
from canonical.posting_period import PostingPeriod
from connectors.base.errors import ConnectionConfigError, TransientError
from connectors.base.records import RawRecord
from connectors.business_central import wire
from connectors.business_central.client import Client
from connectors.business_central.ids import company_path, quoted
from connectors.business_central.master_mapping import CompanyMasters, readable
from connectors.business_central.options import BusinessCentralOptions

# An employee's cost centre is a default dimension of theirs.
WITH_DIMENSIONS: Final = {"$expand": "defaultDimensions"}


class MastersReading:
    """Reads what the companies of one environment have."""

    def __init__(self, client: Client, options: BusinessCentralOptions) -> None:
        self._client: Final = client
        self._options: Final = options

    @property
    def vendor_prefix(self) -> str:
        """What stands before an employee's number in that of their vendor."""
        return self._options.vendor_prefix

    async def companies(self) -> list[wire.Company]:
        """Read the companies that are ours to see; each that is named has to be there."""
        records = await self._client.all_of("companies")
        found = readable(wire.Company, records, lambda row: row)
        named = set(self._options.companies)
        if missing := named - {company.name for company in found}:
            raise ConnectionConfigError("company_not_found", ", ".join(sorted(missing)))
        return [company for company in found if not named or company.name in named]

    async def masters(self) -> Masters:
        """Read all companies' masters, a page of records a call and none on its own."""
        all_of_them = [await self._of(company) for company in await self.companies()]
        return Masters(
            legal_entities=tuple(x for one in all_of_them for x in one.legal_entities),
            customers=tuple(x for one in all_of_them for x in one.customers),
            employees=tuple(x for one in all_of_them for x in one.employees),
            projects=tuple(x for one in all_of_them for x in one.projects),
            tasks=tuple(x for one in all_of_them for x in one.tasks),
            dimension_values=tuple(x for one in all_of_them for x in one.dimension_values),
            accounts=tuple(x for one in all_of_them for x in one.accounts),
            tax_codes=tuple(x for one in all_of_them for x in one.tax_codes),
            currencies=tuple(x for one in all_of_them for x in one.currencies),
        )

    async def posting_periods(self) -> Sequence[PostingPeriod]:
        """Read the calendars of all companies."""
        found: list[PostingPeriod] = []
        for company in await self.companies():
            rows = await self._rows(company, "accountingPeriods")
            periods = readable(wire.AccountingPeriod, rows, lambda row: row)
            found += (await self.mapping(company)).periods(periods)
        return found

    async def exchange_rates(self, first: date, last: date) -> Sequence[ExchangeRate]:
        """Read the rates that begin in a window; the same of two companies once."""
        found: dict[ExchangeRate, None] = {}
        for company in await self.companies():
            mapping = await self.mapping(company)
            which = {"$filter": f"startingDate ge {first} and startingDate le {last}"}
            rows = await self._rows(company, "currencyExchangeRates", which)
            rates = readable(wire.ExchangeRate, rows, lambda row: row)
            made = (mapping.exchange_rate(rate, first, last) for rate in rates)
            found |= {rate: None for rate in made if rate is not None}
        return list(found)

    async def _of(self, company: wire.Company) -> Masters:
        mapping = await self.mapping(company)
        vendors = {
            row.number: row.id
            for row in readable(wire.Vendor, await self._rows(company, "vendors"), lambda row: row)
        }
        projects = await self._rows(company, "projects")
        centres = await self._cost_centres(company)
        return Masters(
            legal_entities=(mapping.legal_entity,),
            customers=tuple(
                readable(wire.Customer, await self._rows(company, "customers"), mapping.customer)
            ),
            employees=tuple(
                readable(
                    wire.Employee,
                    await self._rows(company, "employees", WITH_DIMENSIONS),
                    lambda row: mapping.employee(row, vendors),
                )
            ),
            projects=tuple(readable(wire.Project, projects, mapping.project)),
            tasks=tuple(
                task for some in readable(wire.Project, projects, mapping.tasks) for task in some
            ),
            dimension_values=tuple(mapping.cost_centre(row) for row in centres),
            accounts=tuple(
                readable(wire.Account, await self._rows(company, "accounts"), mapping.account)
            ),
            tax_codes=tuple(
                readable(wire.TaxGroup, await self._rows(company, "taxGroups"), mapping.tax_code)
            ),
            currencies=(
                mapping.base_currency(),
                *readable(wire.Currency, await self._rows(company, "currencies"), mapping.currency),
            ),
        )

    async def _cost_centres(self, company: wire.Company) -> list[wire.DimensionValue]:
        code = quoted(self._options.cost_centre_dimension)
        rows = await self._rows(company, "dimensions", {"$filter": f"code eq {code}"})
        axes = readable(wire.Dimension, rows, lambda row: row)
        return [
            value
            for axis in axes
            for value in readable(
                wire.DimensionValue,
                await self._rows(company, f"dimensions({axis.id})/dimensionValues"),
                lambda row: row,
            )
        ]

    async def mapping(self, company: wire.Company) -> CompanyMasters:
        """Read what a company's records need to be understood."""
        found = readable(
            wire.LedgerSetup, await self._rows(company, "generalLedgerSetup"), lambda row: row
        )
        if len(found) != 1:
            raise TransientError("answer_not_understood", "a company without its ledger setup")
        return CompanyMasters(self._options, company, found[0])

    async def _rows(
        self, company: wire.Company, path: str, query: dict[str, str] | None = None
    ) -> list[RawRecord]:
        return await self._client.all_of(f"{company_path(company.id)}/{path}", query)
