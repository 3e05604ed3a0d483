"""The table of systems for the README, from what the connectors say of themselves."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from connectors.base.capabilities import (
    AcknowledgementSink,
    AttachmentTarget,
    ContractSource,
    CostRateSource,
    ExchangeRateSource,
    ExpenseReportSink,
    ExpenseReportSource,
    InvoiceStatusSink,
    MasterChangeSource,
    MasterDataSource,
    MasterDataTarget,
    MilestoneSource,
    PaymentSource,
    PostingCalendar,
    PostingTarget,
    ReceiptSource,
    TimeEntrySource,
)
from connectors.base.guard import Bulk, Guard, IdempotencyKey
from connectors.base.manifest import Manifest, PostingOperation
from connectors.base.system import System

BEGIN: Final = "<!-- Written by `ledgerway connectors list --markdown`. -->"
END: Final = "<!-- End of what is written. -->"
_DOCS: Final = Path("docs") / "connectors"
# In the order in which people ask for them; what only serves others is left out.
_ROLES: Final[Mapping[type, str]] = {
    TimeEntrySource: "source of time",
    ExpenseReportSource: "source of expenses",
    ContractSource: "source of contracts",
    MilestoneSource: "milestones",
    ReceiptSource: "receipts",
    PostingTarget: "ERP",
    MasterDataSource: "masters",
    MasterChangeSource: "changed masters",
    MasterDataTarget: "masters written",
    PostingCalendar: "calendar",
    AttachmentTarget: "keeps receipts",
    PaymentSource: "tells payments",
    ExchangeRateSource: "exchange rates",
    CostRateSource: "cost rates",
    AcknowledgementSink: "told of postings",
    ExpenseReportSink: "told of postings and payments",
    InvoiceStatusSink: "told of invoices and payments",
}
_GUARDS: Final = {
    "CompareAndSet": "compare-and-set",
    "DraftThenPost": "draft, then post",
    "UniqueReference": "unique reference",
    "Lookup": "look-up after a quiet time",
    "NoGuard": "none",
}
_NOTHING: Final = "\N{EN DASH}"
_MINUTES_OF_AN_HOUR: Final = 60


def markdown_table(systems: Sequence[System], checkout: Path) -> str:
    """The table with its marks; `checkout` is where the pages are that it links to."""
    lines = [
        "| connector | used as | guard of a write | bulk | level | verified against |",
        "|---|---|---|---|---|---|",
    ]
    for system in systems:
        manifest = system.manifest
        if manifest is None:
            continue
        groups = _guarded(manifest.operations)
        cells = (
            _linked(manifest, checkout),
            ", ".join(said for role, said in _ROLES.items() if role in manifest.capabilities),
            "<br>".join(f"{kinds}: {_guard(guard)}" for kinds, guard, _ in groups) or _NOTHING,
            "<br>".join(_bulk(bulk) for *_, bulk in groups) or _pages(manifest),
            str(manifest.level or _NOTHING),
            manifest.verified_against,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([BEGIN, *lines, END])


def _guarded(operations: Sequence[PostingOperation]) -> list[tuple[str, Guard, Bulk]]:
    """Kinds that are guarded and bundled in the same way, together."""

    def way(operation: PostingOperation) -> tuple[str, str]:
        return repr(operation.guard), repr(operation.bulk)

    groups = [list(members) for _, members in groupby(sorted(operations, key=way), key=way)]
    order = [operation.kind for operation in operations]
    groups.sort(key=lambda group: min(order.index(each.kind) for each in group))
    return [
        (", ".join(each.kind for each in group), group[0].guard, group[0].bulk) for group in groups
    ]


def _guard(guard: Guard) -> str:
    if isinstance(guard, IdempotencyKey):
        minutes = guard.ttl_seconds // 60
        if minutes < _MINUTES_OF_AN_HOUR:
            return f"key that lives {minutes} minutes"
        return f"key that lives {minutes // _MINUTES_OF_AN_HOUR} hours"
    return _GUARDS[type(guard).__name__]


def _bulk(bulk: Bulk) -> str:
    match bulk.mode:
        case "NONE":
            return "one by one"
        case "ATOMIC":
            return f"{bulk.lines_max}, all or nothing"
        case "PER_ITEM":
            return f"{bulk.lines_max}, each by itself"


def _pages(manifest: Manifest) -> str:
    return f"pages of {manifest.page_size_max:,}" if manifest.page_size_max else _NOTHING


def _linked(manifest: Manifest, checkout: Path) -> str:
    """The title, with its page; systems of one folder share theirs."""
    for name in (manifest.system, manifest.system.partition("_")[0]):
        page = _DOCS / f"{name}.md"
        if (checkout / page).exists():
            return f"[{manifest.title}]({page.as_posix()})"
    return manifest.title
