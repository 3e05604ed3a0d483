"""Facts about Harvest v2, a PSA for time; where they come from is in docs/connectors/harvest.md."""

from typing import Final

from canonical.cross_reference import MasterKind
from connectors.base.capabilities import (
    AcknowledgementSink,
    InvoiceStatusSink,
    MasterChangeSource,
    MasterDataSource,
    MasterDataTarget,
    TimeEntrySource,
)
from connectors.base.guard import Lookup
from connectors.base.level import Level
from connectors.base.manifest import ApprovalEvidence, Manifest, MasterOperation, RateLimit

PAGE_SIZE_MAX: Final = 2000  # Harvest answers 422 to more.
# Instants in Harvest have whole seconds, and a record may become visible just behind the clock.
OVERLAP_SECONDS: Final = 120

MANIFEST: Final = Manifest(
    system="harvest",
    title="Harvest (API v2)",
    capabilities=frozenset(
        {
            TimeEntrySource,
            MasterDataSource,
            MasterChangeSource,
            MasterDataTarget,
            AcknowledgementSink,
            InvoiceStatusSink,
        }
    ),
    verified_against=(
        "a simulator that stays inside the unofficial OpenAPI description of Harvest v2 by "
        "JoliCode; not against a Harvest account"
    ),
    documented_at="https://help.getharvest.com/api-v2/",
    # No page says that a name or a code is taken once only, so nothing is built on it.
    master_operations=(
        MasterOperation(MasterKind.CUSTOMER, frozenset({"name", "active", "currency"}), Lookup()),
        MasterOperation(MasterKind.PROJECT, frozenset({"name", "active"}), Lookup()),
        MasterOperation(
            MasterKind.EMPLOYEE,
            frozenset({"name", "active", "email", "cost_centre", "role"}),
            Lookup(),
        ),
        MasterOperation(MasterKind.TASK, frozenset(), Lookup()),
    ),
    # Harvest says that an entry is approved, but not by whom, when, or which revision of it.
    approval=ApprovalEvidence(approver=False, instant=False, revision=False),
    takes_rejections=False,
    page_size_max=PAGE_SIZE_MAX,
    overlap_seconds=OVERLAP_SECONDS,
    rate_limits=(RateLimit(calls=100, per_seconds=15),),
    level=Level.ATTESTED,
    notes=(
        "There are no webhooks: news is found by polling updated_since.",
        "A deleted entry is simply absent: it is found by comparing the ids of a window.",
        "Whether a withdrawn approval moves updated_at is not documented: windows are compared "
        "by approval too, not only by id.",
        "A time entry names its client without a currency: rates take it from the client.",
        "No list shows a deleted master: changes of masters are read whole once a day.",
        "A new user is invited by Harvest, by mail; a new project is billable, without a budget.",
        "A task can be assigned to a project; those of the account are made by its people.",
        "A client with active projects cannot be archived, and an inactive user's name and address "
        "cannot be changed.",
        "An acknowledgement is the entry's external_reference; it moves updated_at.",
        "Whether an approved entry takes an external_reference is not documented.",
        "Hours are the raw ones, never rounded_hours.",
        "An invoice's number is unique in the account, so that it cannot be made twice; a payment "
        "carries our mark in its notes and is looked for before it is recorded.",
        "There are no credit notes: one becomes a line below nothing on its invoice, and is "
        "refused where less is due than it comes to.",
        "A payment cannot be changed: one that is taken back in part is removed, and the rest "
        "recorded again.",
    ),
)
