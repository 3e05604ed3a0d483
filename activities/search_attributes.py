"""The typed search attributes by which people find work in Temporal's UI: codes, never names.

A namespace takes at most 10 Keyword attributes and 3 of each other type.
"""

from typing import Any, Final

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

KIND: Final = SearchAttributeKey.for_keyword("LwKind")
STATE: Final = SearchAttributeKey.for_keyword("LwState")
CAUSE: Final = SearchAttributeKey.for_keyword("LwCause")
# What a case is about: a project's code, a period; of a report its number.
SUBJECT: Final = SearchAttributeKey.for_keyword("LwSubject")
LEGAL_ENTITY: Final = SearchAttributeKey.for_keyword("LwLegalEntity")
REGION: Final = SearchAttributeKey.for_keyword("LwRegion")
CONNECTION: Final = SearchAttributeKey.for_keyword("LwConnection")
PERIOD: Final = SearchAttributeKey.for_keyword("LwPeriod")
OWNER: Final = SearchAttributeKey.for_keyword("LwOwner")
AMOUNT_MINOR: Final = SearchAttributeKey.for_int("LwAmountMinor")
LINES: Final = SearchAttributeKey.for_int("LwLines")
DEADLINE: Final = SearchAttributeKey.for_datetime("LwDeadline")

ALL: Final[tuple[SearchAttributeKey[Any], ...]] = (
    *(KIND, STATE, CAUSE, SUBJECT, LEGAL_ENTITY, REGION, CONNECTION, PERIOD, OWNER),
    *(AMOUNT_MINOR, LINES, DEADLINE),
)

# Values of LwState.
RUNNING: Final = "RUNNING"
WAITS_FOR_PERSON: Final = "WAITS_FOR_PERSON"
# Of a report: posted, and not yet in the employee's account.
WAITS_FOR_PAYMENT: Final = "WAITS_FOR_PAYMENT"
# The money has arrived; or there is nothing (any more) to be paid.
REIMBURSED: Final = "REIMBURSED"
CLOSED: Final = "CLOSED"
# Of a billing period: something of it holds the invoice up; it can be released; nothing of it is
# left to be billed, and all of it is paid.
BLOCKED: Final = "BLOCKED"
READY: Final = "READY"
BILLED: Final = "BILLED"
# Of a case beside its own states: open, and its deadline has passed.
ESCALATED: Final = "ESCALATED"


def typed(*pairs: SearchAttributePair[Any]) -> TypedSearchAttributes:
    """Search attributes for the start of a workflow."""
    return TypedSearchAttributes(pairs)
