"""One tenant's use of Business Central, as configuration states it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr

from canonical.billing import InvoiceRole
from connectors.base.http import Timeouts
from connectors.business_central.manifest import PAGE_SIZE_MAX


@dataclass(frozen=True, slots=True)
class BusinessCentralOptions:
    """An application's credentials, an environment, and what the firm has set up there.

    `register` is the code of a general journal batch of our own in every company: it is the lock
    and the memory of the time we post, and is never posted itself. `project_tasks` are the project
    task numbers that every project has, because v2.0 does not list tasks; `task_names` are their
    names, by which they match a source's (a number is its own name). An employee is paid as the
    vendor whose number is `vendor_prefix` and the employee's number. `untaxed` is the tax
    group whose rate is nothing. `revenue_accounts` are the accounts of invoice lines, by role.
    """

    connection: str
    tenant_id: str
    environment: str
    client_id: str
    client_secret: SecretStr = field(repr=False)
    api_url: str = "https://api.businesscentral.dynamics.com"
    login_url: str = "https://login.microsoftonline.com"
    # The names of the companies that are ours to see; none named: all.
    companies: tuple[str, ...] = ()
    register: str = "LEDGERWAY"
    project_tasks: tuple[str, ...] = ()
    task_names: Mapping[str, str] = field(default_factory=dict)
    cost_centre_dimension: str = "DEPARTMENT"
    # None: the project of an expense line is kept with the document, and on no dimension.
    project_dimension: str | None = None
    vendor_prefix: str = ""
    untaxed: str = "NO VAT"
    revenue_accounts: Mapping[InvoiceRole, str] = field(default_factory=dict)
    page_size: int = 1_000
    timeouts: Timeouts = field(default_factory=Timeouts)

    def __post_init__(self) -> None:
        if not 1 <= self.page_size <= PAGE_SIZE_MAX:
            raise ValueError(f"a page of Business Central has 1 to {PAGE_SIZE_MAX} records")
        if not 1 <= len(self.register) <= 10:  # noqa: PLR2004  Code[10] in every version.
            raise ValueError("the code of a journal has 1 to 10 characters")
