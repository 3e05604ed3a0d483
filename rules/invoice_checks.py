"""Invoice checks: whether a released billing event can be posted, and as what."""

from collections.abc import Mapping
from dataclasses import dataclass

from canonical.billing import BillingEvent, CustomerInvoice
from canonical.exception_case import Cause, RootCause
from canonical.masters import Customer
from canonical.money import Money
from canonical.posting_period import PeriodDecision
from rules.facts import Facts
from rules.policies import Policies
from rules.posting_period import PeriodTrouble, decide_period
from rules.time_checks import NO_LEGAL_ENTITY


@dataclass(frozen=True, slots=True)
class Ready:
    """An invoice that may be posted; ids in the body are the ERP's."""

    legal_entity: str
    body: CustomerInvoice
    period: PeriodDecision
    value: Money


@dataclass(frozen=True, slots=True)
class Stopped:
    """An invoice that a person must look at first."""

    root_cause: RootCause
    value: Money


def check_invoice(
    event: BillingEvent, amendments: Mapping[str, str], facts: Facts, policies: Policies
) -> Ready | Stopped:
    """Give an event the ERP's ids and its posting period; its lines stay as they were released."""
    invoice, value = event.invoice, event.invoice.total
    entity = facts.legal_entities.get(invoice.legal_entity)
    if entity is None:
        return Stopped(
            RootCause(
                legal_entity=NO_LEGAL_ENTITY,
                cause=Cause.OTHER_LEGAL_ENTITY,
                subject=invoice.legal_entity,
                sentence=f"Engagement {event.engagement} is billed by legal entity "
                f"{invoice.legal_entity}, which {facts.target} does not have. Correct the "
                "contract, or create the legal entity there and retry.",
            ),
            value,
        )
    customer = _customer(invoice, facts)
    if customer is None or not customer.active:
        return Stopped(
            RootCause(
                legal_entity=entity.code,
                cause=Cause.UNKNOWN_CUSTOMER,
                subject=invoice.customer,
                sentence=f"{facts.target} has no active customer {invoice.customer}, who is to get "
                f"the invoice of engagement {event.engagement}. Create it there, or give one of "
                "its projects that customer, and retry.",
            ),
            value,
        )
    period = decide_period(
        invoice.invoice_date,
        facts.calendars.get(entity.code, ()),
        policies.of(entity.code).closed_period,
        amendments.get("period"),
    )
    if isinstance(period, PeriodTrouble):
        cause = RootCause(
            legal_entity=entity.code,
            cause=period.cause,
            subject=period.subject,
            sentence=period.sentence,
        )
        return Stopped(cause, value)
    body = invoice.model_copy(update={"legal_entity": entity.id, "customer": customer.id})
    return Ready(entity.code, body, period, value)


def _customer(invoice: CustomerInvoice, facts: Facts) -> Customer | None:
    """Whom the legal entity knows by this code: its own record, or one that all share."""
    own = facts.customers.get((invoice.legal_entity, invoice.customer))
    return own or facts.customers.get(("", invoice.customer))
