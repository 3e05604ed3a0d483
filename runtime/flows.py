"""Which flows a source and an ERP can have together, by what both say of themselves; no I/O."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from canonical.posting import PostingKind
from connectors.base.capabilities import (
    AcknowledgementSink,
    ContractSource,
    ExpenseReportSink,
    ExpenseReportSource,
    InvoiceStatusSink,
    MasterDataSource,
    PaymentSource,
    PostingCalendar,
    PostingTarget,
    TimeEntrySource,
)
from connectors.base.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Flow:
    """What a source's documents are, and what is posted of each."""

    name: str
    source: type
    kind: PostingKind
    # Whether somebody is told how far the ERP's document is paid.
    follows_payments: bool


# In the order in which they are read: a connection that could be several sources is the first.
FLOWS: Final = (
    Flow("expenses", ExpenseReportSource, PostingKind.EXPENSE, follows_payments=True),
    Flow("time", TimeEntrySource, PostingKind.TIME, follows_payments=False),
    Flow("invoices", ContractSource, PostingKind.INVOICE, follows_payments=True),
)
# Needed by each flow: nothing finds its counterpart, or its period, without them.
_OF_EACH_ERP: Final = (
    (MasterDataSource, "show its master data"),
    (PostingCalendar, "show which periods are open"),
)


@dataclass(frozen=True, slots=True)
class Side:
    """A connection, as its connector describes itself."""

    name: str
    manifest: Manifest

    def fills(self, role: type) -> bool:
        """Whether it can be used as that."""
        return role in self.manifest.capabilities

    def posts(self, kind: PostingKind) -> bool:
        """Whether it takes postings of that kind."""
        return kind in {each.kind for each in self.manifest.operations}

    def takes_back(self, kind: PostingKind) -> bool:
        """Whether it can undo a posting of that kind: by its opposite, or by removal."""
        if kind in self.manifest.undone_by_deletion:
            return self.posts(PostingKind.UNDO)
        return self.posts(PostingKind.REVERSAL)

    def __str__(self) -> str:
        return f"'{self.name}' ({self.manifest.title})"


def flow_of(source: Side) -> Flow | None:
    """The flow of a source's documents; None if it is no source of any."""
    return next((flow for flow in FLOWS if source.fills(flow.source)), None)


def missing_for(
    source: Side, target: Side, *, acknowledge: bool = True, told: Side | None = None
) -> Iterator[str]:
    """What keeps documents of a source from going to an ERP and back, each in a sentence.

    `told` is who hears of invoices, if not the source itself; `acknowledge` whether a source of
    time is to be told. Each sentence names the role or the kind of posting that is missing.
    """
    flow = flow_of(source)
    if flow is None:
        sources = ", ".join(each.source.__name__ for each in FLOWS)
        yield f"{source} shows no documents to be posted: it is none of {sources}"
        return
    if unread := [each for each in FLOWS if each is not flow and source.fills(each.source)]:
        roles = ", ".join(each.source.__name__ for each in unread)
        yield f"{source} is read for {flow.name} only, not as {roles}: connect it once for each"
    yield from _missing_to_post(flow, target)
    yield from _missing_to_tell(flow, source, acknowledge=acknowledge, told=told)


def _missing_to_post(flow: Flow, target: Side) -> Iterator[str]:
    if not target.fills(PostingTarget):
        yield f"{target} takes no postings (PostingTarget)"
        return
    if not target.posts(flow.kind):
        yield f"{target} takes no postings of kind {flow.kind}, which {flow.name} need"
    elif flow.kind is not PostingKind.INVOICE and not target.takes_back(flow.kind):
        undone = flow.kind in target.manifest.undone_by_deletion
        kind = PostingKind.UNDO if undone else PostingKind.REVERSAL
        yield f"{target} cannot take back what was posted for {flow.name} (kind {kind})"
    for role, does in _OF_EACH_ERP:
        if not target.fills(role):
            yield f"{target} does not {does} ({role.__name__})"


def _missing_to_tell(
    flow: Flow, source: Side, *, acknowledge: bool, told: Side | None
) -> Iterator[str]:
    if flow.source is ExpenseReportSource and not source.fills(ExpenseReportSink):
        yield f"{source} cannot be told what became of its reports (ExpenseReportSink)"
    if flow.source is TimeEntrySource and acknowledge and not source.fills(AcknowledgementSink):
        yield (
            f"{source} cannot be told what was posted (AcknowledgementSink): say acknowledge: false"
        )
    if flow.source is ContractSource:
        hears = told or source
        if not hears.fills(InvoiceStatusSink):
            yield (
                f"{hears} cannot be told of invoices (InvoiceStatusSink): name a connection that "
                "can in status_to"
            )


def limits_of(source: Side, target: Side) -> Iterator[str]:
    """What a pair does without though its documents go their way, each in a sentence."""
    flow = flow_of(source)
    if flow is not None and flow.follows_payments and not target.fills(PaymentSource):
        yield (
            f"{target} does not tell what was paid (PaymentSource): nobody hears whether "
            f"{flow.name} were paid"
        )


def missing_for_intercompany(target: Side) -> Iterator[str]:
    """What keeps an ERP from booking work for another legal entity, where policies have terms."""
    if target.fills(PostingTarget) and not target.posts(PostingKind.JOURNAL):
        yield f"{target} takes no postings of kind journal, which terms between entities need"
