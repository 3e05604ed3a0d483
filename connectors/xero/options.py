"""One organisation's use of Xero, as configuration states it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import SecretStr

from canonical.billing import InvoiceRole
from connectors.base.http import Timeouts
from connectors.xero.manifest import KEY_SECONDS, PAGE_SIZE_MAX

_NAMED = frozenset({"code", "name"})
# The first word, where it has a digit, is set off by ":" or a dash, or stands alone. The first word
# of "Project management" is no code, and would match whatever has it for one.
PROJECT_CODE: Final = (
    r"(?P<code>(?=\S*\d)\S+?|\S+?(?=\s*:\s|\s+[-–]\s)|\S+(?=$))"  # noqa: RUF001  As typed.
    r"(?:\s*:|\s+[-–])?(?:\s+(?P<name>.+))?"  # noqa: RUF001  As typed.
)


@dataclass(frozen=True, slots=True)
class XeroOptions:
    """Credentials of a custom connection, and what Xero does not say of the organisation.

    `tenant_id` is the organisation's id in every request, and the id of its legal entity here;
    `legal_entity` is the code that people know that entity by. `timezone` is the organisation's,
    by its IANA name: Xero keeps days of work as instants. `project_code` takes a project's or
    task's name apart into `code` and `name`; where it does not fit, a project has no code, and a
    task is called what it says. `idempotency_key_seconds` is how long Xero is
    trusted to remember a key; 0 trusts it in nothing, and everything is looked up instead.
    """

    connection: str
    tenant_id: str
    client_id: str
    client_secret: SecretStr = field(repr=False)
    legal_entity: str
    # The account of the organisation's tax, on which Xero itself books what lines are taxed with.
    tax_account: str
    # The codes of the accounts that lines of customer invoices are booked on, by their role.
    revenue_accounts: Mapping[InvoiceRole, str] = field(default_factory=dict)
    # The tracking category whose options are cost centres.
    cost_centre_category: str = "Cost Centre"
    # The contact group of those who may be owed expenses without being users of Projects.
    employee_group: str = "Employees"
    project_code: str = PROJECT_CODE
    timezone: str = "UTC"
    # Whether time that is no whole minutes is logged in the nearest one, its seconds beside it;
    # otherwise it is refused.
    round_minutes: bool = False
    payment_days: int = 30
    reimbursement_days: int = 0
    idempotency_key_seconds: int = KEY_SECONDS
    api_url: str = "https://api.xero.com"
    identity_url: str = "https://identity.xero.com"
    scopes: str = (
        "accounting.transactions accounting.contacts.read accounting.settings.read projects"
    )
    page_size: int = PAGE_SIZE_MAX
    # How long the tasks of a project are remembered: each project costs a call of its own.
    tasks_kept_seconds: int = 3600
    timeouts: Timeouts = field(default=Timeouts())

    def __post_init__(self) -> None:
        if not 1 <= self.page_size <= PAGE_SIZE_MAX:
            raise ValueError(f"a page of Xero has 1 to {PAGE_SIZE_MAX} records")
        if not set(re.compile(self.project_code).groupindex) >= _NAMED:
            raise ValueError("project_code names the groups 'code' and 'name'")
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"there is no time zone '{self.timezone}'") from None

    @property
    def zone(self) -> ZoneInfo:
        """The organisation's time zone."""
        return ZoneInfo(self.timezone)
