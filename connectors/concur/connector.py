"""SAP Concur as a source of expense reports, which is told what became of them, and its people."""

from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import Final, TypeVar

import httpx

from canonical.expense import ExpenseReport
from canonical.masters import Masters
from connectors.base.capabilities import (
    Acknowledged,
    Claim,
    Claimed,
    ReportNews,
    ReportStep,
    SourcePage,
)
from connectors.base.errors import (
    ConnectionConfigError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.manifest import Manifest
from connectors.base.pagination import Pages
from connectors.base.rate_budget import RateBudget
from connectors.base.records import RawRecord, parsed
from connectors.concur import mapping, wire
from connectors.concur.answers import CLAIMS, CONTRADICTED_BY, DocumentAnswer, Means
from connectors.concur.client import ConcurClient
from connectors.concur.employees import employees
from connectors.concur.manifest import BATCH_MAX, MANIFEST
from connectors.concur.news import is_payment, payment_confirmation, posting_confirmation
from connectors.concur.options import ConcurOptions

T = TypeVar("T")


class Concur:
    """ExpenseReportSource, ExpenseReportSink and MasterDataSource for one Concur company."""

    def __init__(self, options: ConcurOptions, client: ConcurClient) -> None:
        self._reading: Final = options.reading
        self._kinds: Final = options.document_kinds
        self._system_id: Final = options.system_id
        self._host: Final = httpx.URL(options.base_url).host
        self._client: Final = client

    @property
    def manifest(self) -> Manifest:
        return MANIFEST

    async def close(self) -> None:
        await self._client.close()

    async def check(self) -> str:
        """Take a new token and look into the queue."""
        waiting = await self._client.waiting()
        return (
            f"a company of SAP Concur at {self._host}, as system {self._system_id}; "
            f"{waiting} documents wait"
        )

    def expense_reports(
        self,
        since: datetime | None,  # noqa: ARG002  The queue holds just what waits.
    ) -> AsyncIterator[SourcePage[ExpenseReport]]:
        """Page through what waits to be acknowledged, reports first and then cash advances.

        Whoever claims between two pages shifts them: what slips is in the queue the next time.
        """

        async def fetch(place: str) -> tuple[SourcePage[ExpenseReport], str | None]:
            which, _, number = place.partition("/")
            page = await self._client.documents(self._kinds[int(which)], int(number))
            records = tuple(
                mapping.source_record(record, parsed(record, wire.FinancialDocument), self._reading)
                for record in page.records
            )
            # A count of one kind is none of the whole, where there are more kinds.
            total = page.total if len(self._kinds) == 1 else None
            return SourcePage(records, total), self._behind(int(which), page.following)

        return Pages("0/0", fetch)

    def _behind(self, which: int, following: int | None) -> str | None:
        """The place of the next page: of the same kind, or else the first of the next kind."""
        if following is not None:
            return f"{which}/{following}"
        return f"{which + 1}/0" if which + 1 < len(self._kinds) else None

    async def claim(self, source_ids: Sequence[str]) -> Sequence[Claimed]:
        """Acknowledge documents; what trouble left without an answer is NOT_NOW.

        Raises TransientError or ConnectionConfigError if trouble is all there was.
        """
        claimed: dict[str, Claimed] = {}
        waiting = deque(_batches(tuple(dict.fromkeys(source_ids))))
        while waiting:
            batch = waiting.popleft()
            try:
                answers = await self._client.acknowledge(batch)
            except RejectedError as refusal:
                if len(batch) > 1:
                    waiting.extendleft(reversed(_halves(batch)))
                else:
                    claimed[batch[0]] = Claimed(batch[0], Claim.REFUSED, refusal.code)
                continue
            except OutcomeUnknownError as trouble:
                claimed |= {each: Claimed(each, Claim.NOT_NOW, trouble.code) for each in batch}
                break
            except (TransientError, ConnectionConfigError):
                if not claimed:
                    raise
                break
            claimed |= {each: self._claimed(each, answers.get(each)) for each in batch}
        return tuple(claimed.get(each, Claimed(each, Claim.NOT_NOW)) for each in source_ids)

    def _claimed(self, document: str, answer: DocumentAnswer | None) -> Claimed:
        if answer is None:
            return Claimed(document, Claim.NOT_NOW, "unanswered")
        claim = CLAIMS[answer.means]
        if claim is Claim.CLAIMED_BEFORE and answer.system_id not in {None, "", self._system_id}:
            # Another ERP took it over, so it is none of ours.
            return Claimed(document, Claim.REFUSED, f"{answer.said}_other_system")
        return Claimed(document, claim, answer.said)

    async def tell(self, news: Sequence[ReportNews]) -> Sequence[Acknowledged]:
        """Confirm postings and payments, in as few calls as their order allows.

        After trouble the rest waits: a repeat is recognised. Raises ConnectionConfigError if that
        is all there is to say.
        """
        told: list[Acknowledged] = []
        waiting = deque(_runs(news))
        while waiting:
            run = waiting.popleft()
            try:
                answered = await self._told(run)
            except RejectedError as refusal:
                if len(run) > 1:
                    waiting.extendleft(reversed(_halves(run)))
                    continue
                answered = [_refused(run[0], refusal.code)]
            except (TransientError, OutcomeUnknownError):
                break
            except ConnectionConfigError:
                if not told:
                    raise
                break
            told += answered
            if len(answered) < len(run):
                break
        return tuple(told)

    async def _told(self, run: Sequence[ReportNews]) -> list[Acknowledged]:
        """Tell a run of one kind; the answers up to the first that Concur cannot give now."""
        if is_payment(run[0]):
            payments = {each.source_id: payment_confirmation(each) for each in run}
            answers = await self._client.confirm_payments(payments)
        else:
            postings = {each.source_id: posting_confirmation(each) for each in run}
            answers = await self._client.confirm_postings(postings)
        told: list[Acknowledged] = []
        for each in run:
            answer = answers.get(each.source_id)
            if answer is None or answer.means is Means.NOT_NOW:
                break
            told.append(await self._acknowledged(each, answer))
        return told

    async def _acknowledged(self, news: ReportNews, answer: DocumentAnswer) -> Acknowledged:
        if answer.means is Means.DONE:
            return Acknowledged(news.source_id, accepted=True)
        if answer.means is Means.RECALLED and news.step is ReportStep.FAILED:
            # Its submitter has it back already, which is all that a failure asks for.
            return Acknowledged(news.source_id, accepted=True, code=answer.said)
        if answer.means is not Means.DONE_BEFORE:
            return _refused(news, answer.said)
        if not answer.names_this_one and await self._contradicts(news):
            return _refused(news, f"{answer.said}_otherwise")
        return Acknowledged(news.source_id, accepted=True, code=answer.said)

    async def _contradicts(self, news: ReportNews) -> bool:
        """Whether Concur holds the opposite of what it says that it was told before."""
        return await self._client.state(news.source_id) in CONTRADICTED_BY[news.step]

    async def masters(self) -> Masters:
        """Read all users of the company, those who left too: their last reports are payable."""

        async def fetch(cursor: str) -> tuple[tuple[RawRecord, ...], str | None]:
            page = await self._client.users(cursor)
            return page.records, page.following

        records = [record async for page in Pages("", fetch) for record in page]
        return Masters(employees=employees(records, self._reading.connection))


def _refused(news: ReportNews, code: str) -> Acknowledged:
    return Acknowledged(news.source_id, accepted=False, code=code)


def _batches(items: Sequence[T]) -> list[Sequence[T]]:
    return [items[start : start + BATCH_MAX] for start in range(0, len(items), BATCH_MAX)]


def _halves(items: Sequence[T]) -> list[Sequence[T]]:
    middle = len(items) // 2
    return [items[:middle], items[middle:]]


def _runs(news: Iterable[ReportNews]) -> list[Sequence[ReportNews]]:
    """Split news into calls: one kind each, and no document twice, so that order is kept."""
    runs: list[list[ReportNews]] = []
    for each in news:
        run = runs[-1] if runs else []
        if (
            not run
            or len(run) >= BATCH_MAX
            or is_payment(run[0]) is not is_payment(each)
            or any(other.source_id == each.source_id for other in run)
        ):
            runs.append(run := [])
        run.append(each)
    return list(runs)


def connect(
    options: ConcurOptions,
    budget: RateBudget,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Concur:
    """Make the connector of one Concur company; nothing is sent yet."""
    return Concur(options, ConcurClient(options, budget, transport))
