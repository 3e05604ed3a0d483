"""Root causes that only show when the ERP is asked to post: refused, altered, twice, in doubt."""

from canonical.exception_case import Cause, RootCause
from canonical.posting import PostingKind
from canonical.source_line import called
from connectors.base.errors import INVOICED, WARNING, RejectedError
from store.postings import Posting


def refused(posting: Posting, code: str) -> RootCause:
    """The ERP looked at the line and said no."""
    if code == INVOICED:
        return _about(
            posting,
            Cause.INVOICED,
            f"{_called(posting).capitalize()} changed after the customer was invoiced for it "
            f"({posting.reference}). Credit the invoice line and retry, or waive the change.",
        )
    if code.startswith(WARNING):
        return _warned(posting, code.removeprefix(WARNING))
    entry = posting.kind is PostingKind.JOURNAL
    what = "journal entries" if entry else called(posting.object, many=True)
    # Of a pair, both legs.
    whole = f" {posting.intent.decisions[0].why}" if entry and posting.intent.decisions else ""
    return RootCause(
        legal_entity=posting.legal_entity,
        cause=Cause.REFUSED_BY_ERP,
        subject=f"{posting.target}: {code}"[:80],
        sentence=f"{posting.target} refused {what} with the answer '{code}'. `ledgerway cases "
        "show` gives its words. Mend the cause in the ERP and retry, or amend them."
        f"{whole}"[:1000],
    )


def _warned(posting: Posting, warning: str) -> RootCause:
    """The ERP warns, and would do it if a person insists."""
    return RootCause(
        legal_entity=posting.legal_entity,
        cause=Cause.ERP_WARNING,
        # The warning first: it is what an acceptance names.
        subject=f"{warning} {posting.source_id}",
        sentence=f"{posting.target} warns about {_called(posting)}: '{warning}'. `ledgerway cases "
        "show` gives its words. Look into the ERP: if it is right all the same, amend with accept "
        "= erp_warning; else reject it.",
    )


def altered(posting: Posting) -> RootCause:
    """The ERP shows something else than what was sent."""
    return _about(
        posting,
        Cause.ALTERED_IN_ERP,
        f"{posting.target} document {posting.erp_document_id or posting.reference} does not show "
        f"what was sent for {_called(posting)}. Compare both with `ledgerway why "
        f"{posting.reference}`, correct the ERP and retry.",
    )


def twice(posting: Posting) -> RootCause:
    """More than one document carries the reference."""
    return _about(
        posting,
        Cause.DUPLICATE_IN_ERP,
        f"{posting.target} holds more than one document with reference {posting.reference} for "
        f"{_called(posting)}. Remove all but one there and retry.",
    )


def stray(posting: Posting) -> RootCause:
    """The ERP holds a document that should not be there."""
    return _about(
        posting,
        Cause.DUPLICATE_IN_ERP,
        f"{posting.target} holds a document with reference {posting.reference} for "
        f"{_called(posting)}, which is {posting.state.value.lower()} here. Remove it there and "
        "retry.",
    )


def in_doubt(posting: Posting) -> RootCause:
    """It was sent, no answer came, and the ERP cannot be asked."""
    return _about(
        posting,
        Cause.IN_DOUBT,
        f"{_called(posting).capitalize()} was sent to {posting.target} as {posting.reference} and "
        "no answer came. Look there: if it is not booked, retry; if it is, waive it with its "
        "document number.",
    )


def missing(posting: Posting) -> RootCause:
    """The ERP confirmed it once and does not show it any more."""
    return _about(
        posting,
        Cause.MISSING_IN_ERP,
        f"{posting.target} confirmed document {posting.erp_document_id} for {_called(posting)} and "
        "does not show it any more. Somebody removed it there: it is not posted again by itself.",
    )


def code_of(error: RejectedError) -> str:
    """What the ledger keeps of a refusal: the stable code, then the ERP's words."""
    return f"{error.code} {error}"[:500] if str(error) != error.code else error.code


def _about(posting: Posting, cause: Cause, sentence: str) -> RootCause:
    """A cause that only this one posting has."""
    return RootCause(
        legal_entity=posting.legal_entity,
        cause=cause,
        subject=posting.reference,
        sentence=sentence,
    )


def _called(posting: Posting) -> str:
    return f"{called(posting.object)} {posting.source_id}"
