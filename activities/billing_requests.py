"""Billing requests: what a person typed, read and checked; what makes no sense is said in words."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, NoReturn, TypeVar

from pydantic import ValidationError
from temporalio.exceptions import ApplicationError

from canonical.billing import Allocation, BillingEvent, Exclusion
from canonical.billing_messages import BillingRequest, Credited
from canonical.exact import exact_decimal
from canonical.money import Money
from rules.billing_credit import CreditRequest, credit_all, requests_in_order
from rules.policies import Policy

_BY_MAX: Final = 80
T = TypeVar("T")


def exclusion_of(request: BillingRequest, key: str) -> Exclusion:
    return made(lambda: Exclusion(work_key=key, by=request.by, reason=request.reason))


def credit_requests(
    asked: Credited, event: BillingEvent, credited: Sequence[Allocation]
) -> Sequence[CreditRequest]:
    """Turn what a person asks for into parts of invoice lines; work is named, or the latest."""
    if asked.unread:
        refuse(
            f"'{asked.unread[:80]}' says nothing of what is credited; say line, work, "
            "and seconds as a whole number or an amount"
        )
    if not asked.line:
        if asked.work or asked.seconds is not None or asked.amount:
            refuse("say on which line of the invoice that is; without a line all of it is credited")
        return credit_all(event)
    line = _line_of(event, asked.line)
    if asked.work:
        amount = money_of(asked.amount, event.invoice.currency) if asked.amount else None
        return [CreditRequest(line, asked.work, seconds=asked.seconds, amount=amount)]
    if asked.seconds is not None:
        return requests_in_order(event, credited, line, asked.seconds)
    return [one for one in credit_all(event) if one.invoice_line == line]


def _line_of(event: BillingEvent, named: str) -> str:
    """The line of that id, or of that number on the paper."""
    for number, line in enumerate(event.invoice.lines, start=1):
        if named in {line.id, str(number)}:
            return line.id
    return refuse(f"the invoice has no line {named}; it has {len(event.invoice.lines)}")


def authorise(request: BillingRequest, policy: Policy) -> None:
    if not 1 <= len(request.by.strip()) <= _BY_MAX:
        refuse('"by" is missing: say who decides, in at most 80 characters')
    allowed = policy.billing.releasers
    if "*" not in allowed and request.by not in allowed:
        refuse(f"{request.by} may not {request.kind}; these may: {', '.join(allowed)}")


def approver_of(request: BillingRequest) -> str:
    """Who approves that less is earned: somebody else than who asks for it."""
    if not request.reason.strip():
        refuse(f"{request.kind} needs a reason that an auditor can read")
    if not request.approver.strip() or request.approver.casefold() == request.by.casefold():
        refuse(f"{request.kind} needs an approver who is not {request.by}")
    return request.approver


def work_of(request: BillingRequest) -> Sequence[str]:
    if not request.work:
        refuse(f"{request.kind} needs the keys of the work, as `ledgerway readiness show` has them")
    return request.work


def money_of(amount: str, currency: str) -> Money:
    return made(lambda: Money(amount=_decimal(amount), currency=currency))


def _decimal(text: str) -> Decimal:
    try:
        return exact_decimal(text)
    except ValueError:
        refuse(f"'{text}' is no amount")


def day_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        refuse(f"'{text}' is no day such as 2026-10-31")


def made(make: Callable[[], T]) -> T:
    try:
        return make()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        refuse(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")


def refuse(sentence: str) -> NoReturn:
    raise ApplicationError(sentence, type="not_decided", non_retryable=True)
