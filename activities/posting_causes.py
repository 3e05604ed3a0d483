"""Root causes that only show when the ERP is asked to post: refused, altered, twice, in doubt."""

from canonical.exception_case import Cause, RootCause
from connectors.base.errors import RejectedError
from store.postings import Posting

# The code of a connector for a document that is on an invoice and can no longer be removed.
INVOICED = "invoiced"


def refused(posting: Posting, code: str) -> RootCause:
    """The ERP looked at the line and said no."""
    if code == INVOICED:
        return RootCause(
            legal_entity=posting.legal_entity,
            cause=Cause.INVOICED,
            subject=posting.reference,
            sentence=f"Time entry {posting.source_id} changed after the customer was invoiced for "
            f"it ({posting.reference}). Credit the invoice line and retry, or waive the change.",
        )
    return RootCause(
        legal_entity=posting.legal_entity,
        cause=Cause.REFUSED_BY_ERP,
        subject=f"{posting.target}: {code}"[:80],
        sentence=f"{posting.target} refused time lines with the answer '{code}'. `ledgerway cases "
        "show` gives its words. Mend the cause in the ERP and retry, or amend the lines."[:1000],
    )


def altered(posting: Posting) -> RootCause:
    """The ERP shows something else than what was sent."""
    return RootCause(
        legal_entity=posting.legal_entity,
        cause=Cause.ALTERED_IN_ERP,
        subject=posting.reference,
        sentence=f"{posting.target} document {posting.erp_document_id or posting.reference} does "
        f"not show what was sent for time entry {posting.source_id}. Compare both with `ledgerway "
        f"why {posting.reference}`, correct the ERP and retry.",
    )


def twice(posting: Posting) -> RootCause:
    """More than one document carries the reference."""
    return RootCause(
        legal_entity=posting.legal_entity,
        cause=Cause.DUPLICATE_IN_ERP,
        subject=posting.reference,
        sentence=f"{posting.target} holds more than one document with reference "
        f"{posting.reference} for time entry {posting.source_id}. Remove all but one there and "
        "retry.",
    )


def stray(posting: Posting) -> RootCause:
    """The ERP holds a document that should not be there."""
    return RootCause(
        legal_entity=posting.legal_entity,
        cause=Cause.DUPLICATE_IN_ERP,
        subject=posting.reference,
        sentence=f"{posting.target} holds a document with reference {posting.reference} for time "
        f"entry {posting.source_id}, which is {posting.state.value.lower()} here. Remove it there "
        "and retry.",
    )


def in_doubt(posting: Posting) -> RootCause:
    """It was sent, no answer came, and the ERP cannot be asked."""
    return RootCause(
        legal_entity=posting.legal_entity,
        cause=Cause.IN_DOUBT,
        subject=posting.reference,
        sentence=f"Time entry {posting.source_id} was sent to {posting.target} as "
        f"{posting.reference} and no answer came. Look there: if it is not booked, retry; if it "
        "is, waive it with its document number.",
    )


def missing(posting: Posting) -> RootCause:
    """The ERP confirmed it once and does not show it any more."""
    return RootCause(
        legal_entity=posting.legal_entity,
        cause=Cause.MISSING_IN_ERP,
        subject=posting.reference,
        sentence=f"{posting.target} confirmed document {posting.erp_document_id} for time entry "
        f"{posting.source_id} and does not show it any more. Somebody removed it there: it is "
        "not posted again by itself.",
    )


def code_of(error: RejectedError) -> str:
    """What the ledger keeps of a refusal: the stable code, then the ERP's words."""
    return f"{error.code} {error}"[:500] if str(error) != error.code else error.code
