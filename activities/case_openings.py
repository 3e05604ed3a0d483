"""How a case opens: who owns it and until when it should be decided."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from canonical.exception_case import Cause, RootCause
from rules.policies import Policies
from store.cases import CaseOpening

_ABOUT_A_PERIOD: Final = frozenset(
    {Cause.CLOSED_PERIOD, Cause.NO_POSTING_PERIOD, Cause.FISCAL_YEAR_CROSSED}
)


@dataclass(frozen=True, slots=True)
class CaseOpenings:
    """Opens cases about one source and one ERP of a tenant, by its policies."""

    tenant: str
    policies: Policies
    connection: str
    target: str

    def of(self, cause: RootCause, now: datetime) -> CaseOpening:
        """Open a case for a root cause, now (UTC)."""
        policy = self.policies.of(cause.legal_entity)
        return CaseOpening(
            root_cause=cause,
            tenant=self.tenant,
            connection=self.connection,
            target=self.target,
            owner=self.policies.owner_of(cause.cause, cause.legal_entity),
            period=cause.subject if cause.cause in _ABOUT_A_PERIOD else None,
            deadline_at=now + timedelta(hours=policy.hours_to_decide),
        )
