"""Facts about Business Central's API v2.0; docs/connectors/business_central.md has the pages."""

import math
from typing import Final

from canonical.cross_reference import MasterKind
from canonical.identity import REFERENCE_LENGTH
from canonical.posting import PostingKind
from connectors.base.capabilities import (
    DraftKeeper,
    ExchangeRateSource,
    MasterDataSource,
    MasterDataTarget,
    PaymentSource,
    PostingCalendar,
    PostingTarget,
)
from connectors.base.guard import Bulk, CompareAndSet, DraftThenPost, UniqueReference
from connectors.base.http import Timeouts
from connectors.base.level import Level
from connectors.base.manifest import (
    Manifest,
    MasterOperation,
    PostingOperation,
    RateLimit,
    ReferenceField,
)

# One $batch takes 100 requests: one moves the register, and each line of time takes two.
BATCH_MAX: Final = 100
LINES_MAX: Final = (BATCH_MAX - 1) // 2
PAGE_SIZE_MAX: Final = 20_000
# Per user, in a sliding window of five minutes.
RATE_LIMITS: Final = (RateLimit(6_000, 300),)
# A request may run for eight minutes, after eight more in the queue.
IN_FLIGHT_MAX_SECONDS: Final = 16 * 60
# A record carries the time its transaction began: one that took long appears behind the cursor.
OVERLAP_SECONDS: Final = 600
# Posting a document takes some six calls; before its last write they may take so many times what
# one read may.
DRAFT_READS: Final = 3
# A draft is made by one request, which has eight minutes.
DOCUMENT_LINES_MAX: Final = 500
# What can be changed; a record's number is its key, which the ERP keeps unique in a company.
MASTER_FIELDS: Final = {
    MasterKind.CUSTOMER: frozenset(
        {"name", "active", "currency", "country", "tax_number", "email"}
    ),
    MasterKind.EMPLOYEE: frozenset(
        {"name", "active", "active_from", "active_until", "email", "role", "cost_centre"}
    ),
    MasterKind.PROJECT: frozenset({"name"}),
}
CAPABILITIES: Final = frozenset(
    {
        PostingTarget,
        MasterDataSource,
        MasterDataTarget,
        PostingCalendar,
        DraftKeeper,
        PaymentSource,
        ExchangeRateSource,
    }
)


def manifest_for(timeouts: Timeouts) -> Manifest:
    """Give the manifest; the send window follows from the connection's time-outs."""
    return Manifest(
        system="business_central",
        title="Dynamics 365 Business Central (API v2.0)",
        capabilities=CAPABILITIES,
        level=Level.ATTESTED,
        verified_against="a simulator inside the documentation's API v2.0; no real environment",
        documented_at="https://learn.microsoft.com/dynamics365/business-central/dev-itpro/api-reference/v2.0/",
        operations=(
            _time_operation(PostingKind.TIME, timeouts),
            _time_operation(PostingKind.UNDO, timeouts),
            _document_operation(PostingKind.EXPENSE, timeouts, "vendorInvoiceNumber"),
            _document_operation(PostingKind.REVERSAL, timeouts, "vendorCreditMemoNumber"),
            _document_operation(PostingKind.INVOICE, timeouts, "externalDocumentNumber"),
            _document_operation(PostingKind.JOURNAL, timeouts, "generalLedgerEntry.documentNumber"),
        ),
        master_operations=tuple(
            MasterOperation(
                kind, fields, UniqueReference(), in_flight_max_seconds=IN_FLIGHT_MAX_SECONDS
            )
            for kind, fields in MASTER_FIELDS.items()
        ),
        undone_by_deletion=frozenset({PostingKind.TIME}),
        page_size_max=PAGE_SIZE_MAX,
        overlap_seconds=OVERLAP_SECONDS,
        rate_limits=RATE_LIMITS,
        notes=(
            "Time becomes entries of a time sheet; v2.0 posts none to the project ledger: people"
            " approve them and post them there.",
            "A time entry has no field for a reference: a line in a journal batch of our own,"
            " written in the same transaction, carries it. That batch must never be posted.",
            "A time entry has no dimensions of an intent: they follow from employee and project.",
            "v2.0 lists no project tasks: which there are is configuration.",
            "A vendor's invoice number is refused a second time when posting; a customer's external"
            " document number only if 'Ext. Doc. No. Mandatory' is set.",
            "What a document has no field for stands in comment lines at its end, each after '~'.",
            "A recoverable tax to the cent needs a tax group of the type 'Full VAT'.",
            "A purchase line has no project: what is passed on to a customer is kept as a fact.",
            "Of a purchase v2.0 tells whether it is paid, not how much of it; payments have no"
            " dates.",
            "A journal entry is a batch of its own, posted as one; a line on an account that keeps"
            " a party is refused.",
            "An expense document is taken back by a credit memo; an invoice by a credit note.",
            "A record's number is its key in one company, in capitals, and is never written anew;"
            " the number series has to allow numbers by hand.",
            "v2.0 tells neither a project's customer nor whether it is open: only its name is"
            " written.",
        ),
    )


def _time_operation(kind: PostingKind, timeouts: Timeouts) -> PostingOperation:
    return PostingOperation(
        kind=kind,
        guard=CompareAndSet(),
        bulk=Bulk("ATOMIC", LINES_MAX),
        reference=ReferenceField("journalLine.externalDocumentNumber", REFERENCE_LENGTH),
        send_window_seconds=send_window_seconds(timeouts),
        in_flight_max_seconds=IN_FLIGHT_MAX_SECONDS,
        # One register per company: two calls at once would cost each other a conflict.
        concurrency_max=1,
    )


def _document_operation(kind: PostingKind, timeouts: Timeouts, reference: str) -> PostingOperation:
    return PostingOperation(
        kind=kind,
        guard=DraftThenPost(),
        bulk=Bulk("NONE"),
        reference=ReferenceField(reference, REFERENCE_LENGTH),
        send_window_seconds=send_window_seconds(timeouts, DRAFT_READS),
        in_flight_max_seconds=IN_FLIGHT_MAX_SECONDS,
        # The number series of posted documents is locked while one is posted.
        concurrency_max=1,
    )


def send_window_seconds(timeouts: Timeouts, reads: int = 1) -> int:
    """Bound the time from asking for the claim to the last byte written (W).

    What happens before the last write (a token, a look, a draft) may take no longer than `reads`
    times `read_seconds`; the connector gives up beyond that.
    """
    return math.ceil(
        timeouts.pool_seconds
        + timeouts.connect_seconds
        + timeouts.write_seconds
        + timeouts.read_seconds * reads
    )
