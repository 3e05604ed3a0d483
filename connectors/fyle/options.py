"""One organisation's use of Fyle, as configuration states it."""

import re
from dataclasses import dataclass, field

from pydantic import SecretStr

from connectors.base.http import Timeouts
from connectors.fyle.manifest import PAGE_SIZE_MAX


@dataclass(frozen=True, slots=True)
class Setting:
    """What configuration says of an organisation, because Fyle does not.

    `receipts_prove_tax`: a receipt that hangs on an expense with tax shows that tax as the law
    asks for. Fyle keeps files and does not say what they prove.
    """

    connection: str
    legal_entity: str | None = None
    home_country: str | None = None
    receipts_prove_tax: bool = False


@dataclass(frozen=True, slots=True)
class FyleOptions:
    """Credentials of an administrator, addresses, and what the organisation has decided.

    `cluster_pattern` is where Fyle may send us and our token: any other cluster is refused.
    `status_url` is what a finance user in Fyle may follow; `{reference}` in it stands for our
    posting's. `export_file_id` is a file in Fyle that accounting exports name, which want one.
    The members from `legal_entity` on are `Setting`'s.
    """

    connection: str
    client_id: str
    client_secret: SecretStr = field(repr=False)
    refresh_token: SecretStr = field(repr=False)
    accounts_url: str = "https://accounts.fylehq.com"
    cluster_pattern: str = r"https://[a-z0-9-]+\.fylehq\.com"
    status_url: str = ""
    export_file_id: str | None = None
    page_size: int = PAGE_SIZE_MAX
    timeouts: Timeouts = field(default=Timeouts())
    legal_entity: str | None = None
    home_country: str | None = None
    receipts_prove_tax: bool = False

    def __post_init__(self) -> None:
        # Each page may begin with the last record of the one before.
        if not 2 <= self.page_size <= PAGE_SIZE_MAX:  # noqa: PLR2004
            raise ValueError(f"a page of Fyle has 2 to {PAGE_SIZE_MAX} records")
        re.compile(self.cluster_pattern)

    @property
    def setting(self) -> Setting:
        """What expenses mean to this organisation."""
        return Setting(
            connection=self.connection,
            legal_entity=self.legal_entity,
            home_country=self.home_country,
            receipts_prove_tax=self.receipts_prove_tax,
        )
