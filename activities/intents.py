"""Intents: how a decision about a line becomes a posting with its key and its body."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from activities.line_checks import KIND_OF, Ready
from canonical.identity import idempotency_key, reference_of
from canonical.journal import JournalEntry
from canonical.money import NO_CURRENCY, Money
from canonical.posting import Decision, PostingIntent, PostingKind, PostingState, SourceLine
from canonical.posting_period import PeriodDecision
from canonical.source_line import LineVersion
from rules.billing_intercompany import PlannedLeg
from rules.time_checks import NO_LEGAL_ENTITY
from store.postings import NewPosting, Posting

MAIN_LEG = "main"


@dataclass(frozen=True, slots=True)
class Entry:
    """What one leg of a pair says, when it counts, and what decided it."""

    body: JournalEntry
    period: PeriodDecision
    decision: Decision


@dataclass(frozen=True, slots=True)
class Intents:
    """Makes postings of one tenant; `undone` are the kinds that each ERP can only remove."""

    tenant: str
    undone: Mapping[str, Collection[PostingKind]]

    def of(self, line: LineVersion, target: str, ready: Ready, amendment: int) -> NewPosting:
        """A line that may be posted."""
        kind = KIND_OF[line.object]
        key = self._key(line, target, kind, MAIN_LEG, amendment)
        intent = PostingIntent(
            key=key,
            reference=reference_of(key),
            target=target,
            source=SourceLine(
                connection=line.connection,
                object=line.object,
                id=line.source_id,
                revision=line.revision,
            ),
            kind=kind,
            leg=MAIN_LEG,
            amendment=amendment,
            legal_entity=ready.legal_entity,
            period=ready.period,
            dimensions=ready.dimensions,
            value=ready.value,
            body=ready.body,
            accepted=ready.accepted,
            decisions=ready.decisions,
            corrects=ready.corrects,
            corrects_document=ready.corrects_document,
        )
        return self._pending(intent, line.document_id, ready.seconds)

    def pair_key(self, line: LineVersion, target: str) -> UUID:
        """What the pair of a revision is known by: the key of its hours, as first meant."""
        return self._key(line, target, KIND_OF[line.object], MAIN_LEG, 0)

    def entry(
        self, line: LineVersion, target: str, leg: PlannedLeg, made: Entry, amendment: int
    ) -> NewPosting:
        """One leg of an intercompany pair."""
        key = self._key(line, target, PostingKind.JOURNAL, leg.leg, amendment)
        intent = PostingIntent(
            key=key,
            reference=reference_of(key),
            target=target,
            source=SourceLine(
                connection=line.connection,
                object=line.object,
                id=line.source_id,
                revision=line.revision,
            ),
            kind=PostingKind.JOURNAL,
            leg=leg.leg,
            amendment=amendment,
            legal_entity=leg.legal_entity,
            period=made.period,
            value=leg.amount,
            body=made.body,
            decisions=(made.decision,),
        )
        return self._pending(intent, line.document_id, 0)

    def taking_back(
        self, original: Posting, document_id: str, period: PeriodDecision, amendment: int
    ) -> NewPosting:
        """The opposite of a posted line, copied from what was posted (DOMAIN rule 9)."""
        posted = original.intent
        undone = original.kind in self.undone[original.target]
        kind = PostingKind.UNDO if undone else PostingKind.REVERSAL
        key = self._key(original, original.target, kind, original.leg, amendment)
        intent = posted.model_copy(
            update={
                "key": key,
                "reference": reference_of(key),
                "kind": kind,
                "amendment": amendment,
                "period": period,
                "value": -posted.value,
                "corrects": original.key,
                "corrects_document": original.erp_document_id,
            }
        )
        return self._pending(intent, document_id, -original.seconds)

    def stopped(
        self,
        line: LineVersion,
        target: str,
        amendment: int,
        *,
        legal_entity: str = NO_LEGAL_ENTITY,
        seconds: int = 0,
        value: Money | None = None,
    ) -> NewPosting:
        """A line that a person must look at before it can be posted; its body is not known yet."""
        kind = KIND_OF[line.object]
        key = self._key(line, target, kind, MAIN_LEG, amendment)
        return NewPosting(
            key=key,
            reference=reference_of(key),
            tenant=self.tenant,
            target=target,
            connection=line.connection,
            object=line.object,
            source_id=line.source_id,
            revision=line.revision,
            kind=kind,
            leg=MAIN_LEG,
            amendment=amendment,
            document_id=line.document_id,
            legal_entity=legal_entity,
            state=PostingState.EXCEPTION,
            case_id=None,
            seconds=seconds,
            amount=value.amount if value else Decimal(0),
            currency=value.currency if value else NO_CURRENCY,
            period=f"{line.work_date:%Y-%m}" if line.work_date else None,
            original_date=line.work_date,
        )

    def _pending(self, intent: PostingIntent, document_id: str, seconds: int) -> NewPosting:
        return NewPosting(
            key=intent.key,
            reference=intent.reference,
            tenant=self.tenant,
            target=intent.target,
            connection=intent.source.connection,
            object=intent.source.object,
            source_id=intent.source.id,
            revision=intent.source.revision,
            kind=intent.kind,
            leg=intent.leg,
            amendment=intent.amendment,
            document_id=document_id,
            legal_entity=intent.legal_entity,
            state=PostingState.PENDING,
            case_id=None,
            seconds=seconds,
            amount=intent.value.amount,
            currency=intent.value.currency,
            period=intent.period.period,
            posting_date=intent.period.posting_date,
            original_date=intent.period.original_date,
            intent=intent,
            corrects=intent.corrects,
        )

    def _key(
        self, of: LineVersion | Posting, target: str, kind: PostingKind, leg: str, amendment: int
    ) -> UUID:
        return idempotency_key(
            tenant=self.tenant,
            target=target,
            source=of.connection,
            object_name=of.object,
            source_id=of.source_id,
            revision=of.revision,
            kind=kind,
            leg=leg,
            amendment=amendment,
        )
