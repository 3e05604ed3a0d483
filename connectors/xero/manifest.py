"""Facts about Xero; where each is said is in docs/connectors/xero.md."""

import math
from typing import Final

from canonical.identity import REFERENCE_LENGTH
from canonical.posting import PostingKind
from connectors.base.capabilities import (
    MasterDataSource,
    PaymentSource,
    PostingCalendar,
    PostingTarget,
)
from connectors.base.guard import Bulk, Guard, IdempotencyKey, Lookup, UniqueReference
from connectors.base.http import Timeouts
from connectors.base.level import Level
from connectors.base.manifest import Manifest, PostingOperation, RateLimit, ReferenceField

PAGE_SIZE_MAX: Final = 100
PROJECTS_PAGE_SIZE: Final = 500  # Xero answers 400 to more.
# How long a repeated Idempotency-Key is trusted to be recognised.
KEY_SECONDS: Final = 360
# The longest a request may be under way at Xero (F), and until a document can be found (L).
IN_FLIGHT_MAX_SECONDS: Final = 120
LAG_MAX_SECONDS: Final = 30
# Documents of one call; Xero names no limit but advises fifty.
JOURNALS_MAX: Final = 50
_ALONE: Final = Bulk("NONE")
# What a call may look up at once: longer addresses are refused somewhere on the way.
REFERENCES_MAX: Final = 25
IDS_MAX: Final = 40
OVERLAP_SECONDS: Final = 120
MINUTES_MAX: Final = 59_940
CONCURRENT_MAX: Final = 5
RATE_LIMITS: Final = (
    RateLimit(calls=60, per_seconds=60),
    RateLimit(calls=5_000, per_seconds=86_400),
)
CAPABILITIES: Final = frozenset({PostingTarget, MasterDataSource, PostingCalendar, PaymentSource})

_NOTES: Final = (
    "One connection is one organisation. The limits are counted per organisation, and over all"
    " that use it; a sixth call beside five others is refused too.",
    "How long an Idempotency-Key is remembered stands in no specification; configuration says so.",
    "Numbers of bills are not unique in Xero, those of customer invoices are; POST with a known"
    " number changes the document, so that everything is created by PUT.",
    "Projects keep whole minutes, from 1 to 59,940 an entry: other durations are refused, or by"
    " configuration logged in the nearest minute with the seconds beside it. An entry cannot be"
    " found by its text: the days of its project are listed.",
    "Time has no stamp of a change: the sweep lists projects whose minutes moved; an entry whose"
    " text alone was changed shows in a full sweep.",
    "Tax is part of a line in Xero: a recoverable tax is booked on the organisation's own tax"
    " account, whichever the policy names, so both must be the same.",
    "A document has one date: when it counts. The report's date, roles and items stand in the"
    " descriptions of its lines, and so do what customers are passed on.",
    "A cost centre that is no active option of its tracking category is dropped without a word;"
    " the read-back shows it.",
    "Manual journals know no contact and only the base currency; one gets another id when a draft"
    " of it is posted, so documents are known by their narration.",
    "Customer invoices are taken back by credit notes of their own. A credit note is allocated to"
    " what it takes back, as far as that is open; if that fails, a person allocates it.",
    "A lock date closes all modules at once, for advisers' applications too.",
)


def manifest_for(timeouts: Timeouts, key_seconds: int = KEY_SECONDS) -> Manifest:
    """Give the manifest; the send window follows from the connection's time-outs."""
    window = send_window_seconds(timeouts)
    trusted = key_seconds >= 2 * (window + IN_FLIGHT_MAX_SECONDS)
    keyed: Guard = IdempotencyKey(key_seconds) if trusted else Lookup()
    return Manifest(
        system="xero",
        title="Xero (Accounting API 2.0, Projects API 2.0)",
        capabilities=CAPABILITIES,
        verified_against=(
            "a simulator that stays inside the vendor's own OpenAPI description; not against a"
            " Xero organisation"
        ),
        documented_at="https://developer.xero.com/documentation/api/accounting/overview",
        operations=(
            _operation(PostingKind.TIME, keyed, "TimeEntry.description", window),
            # Removing one entry by its id twice removes it once, for ever.
            _operation(PostingKind.UNDO, UniqueReference(), "TimeEntry.timeEntryId", window),
            _operation(PostingKind.EXPENSE, keyed, "Invoice.InvoiceNumber", window),
            _operation(PostingKind.INVOICE, keyed, "Invoice.Reference", window),
            # Many in one call have one key, which no other bundle of them would have.
            _operation(
                PostingKind.JOURNAL,
                Lookup(),
                "ManualJournal.Narration",
                window,
                Bulk("PER_ITEM", JOURNALS_MAX),
            ),
            # The field is that of what is taken back.
            _operation(PostingKind.REVERSAL, keyed, "CreditNote.CreditNoteNumber", window),
        ),
        undone_by_deletion=frozenset({PostingKind.TIME}),
        page_size_max=PAGE_SIZE_MAX,
        overlap_seconds=OVERLAP_SECONDS,
        rate_limits=RATE_LIMITS,
        level=Level.ATTESTED,
        notes=_NOTES,
    )


def _operation(
    kind: PostingKind, guard: Guard, field: str, window_seconds: int, bulk: Bulk = _ALONE
) -> PostingOperation:
    return PostingOperation(
        kind=kind,
        guard=guard,
        bulk=bulk,
        reference=ReferenceField(field, REFERENCE_LENGTH),
        send_window_seconds=window_seconds,
        in_flight_max_seconds=IN_FLIGHT_MAX_SECONDS,
        lag_max_seconds=LAG_MAX_SECONDS,
    )


def send_window_seconds(timeouts: Timeouts) -> int:
    """Bound the time from asking for the claim to the last byte written (W).

    What is read before the write (a token, what is taken back) may take no longer than one read
    in all; the connector gives up beyond that.
    """
    return math.ceil(
        timeouts.pool_seconds
        + timeouts.connect_seconds
        + timeouts.write_seconds
        + timeouts.read_seconds
    )
