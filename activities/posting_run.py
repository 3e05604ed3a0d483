"""One run of posting: the protocol of POSTING.md section 2 for the postings of one document.

The order of the steps is the protocol: stamps, then look-up, then claim (committed), then one
send, then the record. Nothing here repeats a write: what was sent and not answered is looked up
before anything is sent again.
"""

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from activities import metrics, posting_causes
from activities.posting_protocol import Step, decide, key_age_max_seconds
from activities.posting_results import (
    Result,
    after,
    executed,
    in_doubt,
    missing,
    not_posted,
    read_back,
    refusal,
    result_of,
)
from activities.recording import Recorder
from canonical.posting import Conflict, NotExecuted, PostingKind
from connectors.base.capabilities import GuardEvidence, PostingTarget
from connectors.base.errors import (
    ConflictError,
    ConnectionConfigError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.manifest import PostingOperation
from store import posting_attempts
from store.database import Database
from store.postings import AttemptClass, Posting

# An optimistic lock that refuses this often is a busy task: come back in a second.
CONFLICTS_MAX: Final = 5
_CONFLICT_PAUSE_SECONDS: Final = 0.03


class PostingRun:
    """One activity's work on the postings of one document, on one ERP."""

    def __init__(
        self, database: Database, target: PostingTarget, recorder: Recorder, lane: str
    ) -> None:
        self._database = database
        self._target = target
        self._recorder = recorder
        self._lane = lane
        # A pause that the ERP asked for: nothing more is sent in this run.
        self.halted = False

    async def settle(self, group: Sequence[Posting]) -> None:
        """Bring postings of one kind and legal entity as far as they can be brought now."""
        for tries in range(CONFLICTS_MAX):
            group = await self._attempt(group)
            if not group or self.halted:
                return
            await asyncio.sleep(random.uniform(1, 2 + tries) * _CONFLICT_PAUSE_SECONDS)  # noqa: S311  Jitter.
        self._recorder.tally.again(1)

    async def _attempt(self, group: Sequence[Posting]) -> Sequence[Posting]:
        """Go through the steps once; gives the postings that a lock refused."""
        operation = self._target.manifest.operation(group[0].kind)
        steps: dict[Step, list[Posting]] = {step: [] for step in Step}
        for posting in group:
            decision = decide(posting, operation, self._lane)
            steps[decision.step].append(posting)
            if decision.step is Step.WAIT:
                self._recorder.tally.uncertain += 1
                self._recorder.tally.again(decision.wait_seconds, exactly=True)
        await self._give_to_person(steps[Step.GIVE_TO_PERSON])
        await self._read_back(steps[Step.ATTEST])
        to_look_up = [*steps[Step.SEND], *steps[Step.LOOK_UP_AND_SEND]]
        # Stamps before the look-up: what commits in between makes the write fail, not double.
        evidence = await self._evidence([*to_look_up, *steps[Step.SEND_AGAIN]])
        absent = await self._adopt([*to_look_up, *steps[Step.LOOK_UP]])
        await self._prove_absent([one for one in steps[Step.LOOK_UP] if one.key in absent])
        to_send = [one for one in to_look_up if one.key in absent] + steps[Step.SEND_AGAIN]
        return await self._send(to_send, evidence) if to_send else ()

    async def _evidence(self, to_send: Sequence[Posting]) -> GuardEvidence:
        if not to_send:
            return {}
        return await self._target.guard_evidence([posting.intent for posting in to_send])

    async def _adopt(self, postings: Sequence[Posting]) -> set[UUID]:
        """Look postings up and adopt what the ERP holds; gives those it does not.

        A posting that was never sent is looked up too: the ledger may have been restored from a
        backup that is older than the document.
        """
        if not postings:
            return set()
        found = await self._target.find([posting.intent for posting in postings])
        adopted: list[Result] = []
        absent: set[UUID] = set()
        for posting in postings:
            documents = found.get(posting.reference, ())
            if posting.kind is PostingKind.UNDO:
                # What is looked for is the document that has to go.
                if documents:
                    absent.add(posting.key)
                else:
                    adopted.append(executed(posting, posting.intent.corrects_document, None))
            elif documents:
                adopted += read_back(posting, documents)
            else:
                absent.add(posting.key)
        await self._recorder.record(adopted)
        return absent

    async def _prove_absent(self, postings: Sequence[Posting]) -> None:
        """Nothing is there and nothing can appear any more: the earlier attempts did nothing."""
        await self._nothing_booked(postings, AttemptClass.PROVEN_ABSENT)
        self._recorder.unlocked = self._recorder.unlocked or bool(postings)

    async def _send(
        self, postings: Sequence[Posting], evidence: GuardEvidence
    ) -> Sequence[Posting]:
        """Claim, send once, record; gives the postings that a lock refused."""
        operation = self._target.manifest.operation(postings[0].kind)
        # Measured before the claim is asked for: a late reply must count against the window.
        started = time.monotonic()
        fences = await self._claim(postings, evidence, operation)
        claimed = [replace(one, fence=fences[one.key]) for one in postings if one.key in fences]
        if len(claimed) < len(postings):
            # Another lane has the rest; it will have settled them when we come back.
            self._recorder.tally.again(2)
        if not claimed:
            return ()
        if time.monotonic() - started > operation.send_window_seconds:
            async with self._database.transaction() as connection:
                await posting_attempts.give_back(connection, fences, self._recorder.who)
            self._recorder.tally.again(1)
            return ()
        return await self._one_attempt(
            claimed, evidence, last_byte_by=started + operation.send_window_seconds
        )

    async def _one_attempt(
        self, claimed: Sequence[Posting], evidence: GuardEvidence, *, last_byte_by: float
    ) -> Sequence[Posting]:
        name = claimed[0].target
        started = time.monotonic()
        try:
            outcomes = await self._target.post(
                [one.intent for one in claimed], evidence, last_byte_by=last_byte_by
            )
        except ConflictError as error:
            metrics.CONFLICTS.labels(name).inc()
            await self._recorder.record(
                [not_posted(o, AttemptClass.CONFLICT, error.code) for o in claimed]
            )
            return [after(one) for one in claimed]
        except OutcomeUnknownError as error:
            metrics.UNANSWERED.labels(name).inc(len(claimed))
            await self._recorder.record(
                [not_posted(o, AttemptClass.UNKNOWN, error.code) for o in claimed]
            )
            self._recorder.tally.again(1)
            return ()
        except (TransientError, ConnectionConfigError) as error:
            await self._nothing_left(claimed, error)
            return ()
        except RejectedError as error:
            await self._refused(claimed, error)
            return ()
        metrics.ANSWER_SECONDS.labels(name).observe(time.monotonic() - started)
        answered = list(zip(claimed, outcomes, strict=True))
        results = [result_of(posting, outcome) for posting, outcome in answered]
        await self._recorder.record(results)
        for outcome in outcomes:
            if isinstance(outcome, NotExecuted) and not outcome.refused:
                self._recorder.tally.again_as_asked(outcome.retry_after_seconds)
        await self._read_back([one.posted for one in results if one.to_be_read_back])
        return [after(one) for one, outcome in answered if isinstance(outcome, Conflict)]

    async def _nothing_left(
        self, claimed: Sequence[Posting], error: TransientError | ConnectionConfigError
    ) -> None:
        """Nothing was done: give the lines back, and stop asking this ERP for now."""
        await self._nothing_booked(claimed, AttemptClass.NOT_EXECUTED, error.code)
        self.halted = True
        if isinstance(error, ConnectionConfigError):
            raise error
        self._recorder.tally.again_as_asked(error.retry_after_seconds)

    async def _refused(self, claimed: Sequence[Posting], error: RejectedError) -> None:
        """A call was refused as a whole: halve it until the bad line stands alone."""
        code = posting_causes.code_of(error)
        if len(claimed) > 1:
            await self._recorder.record(
                [not_posted(o, AttemptClass.NOT_EXECUTED, code) for o in claimed]
            )
            middle = len(claimed) // 2
            again = [after(one) for one in claimed]
            await self.settle(again[:middle])
            await self.settle(again[middle:])
            return
        (line,) = claimed
        await self._recorder.record([refusal(line, error.code, code)])

    async def _nothing_booked(
        self, postings: Sequence[Posting], outcome: AttemptClass, code: str = ""
    ) -> None:
        """Record that an attempt booked nothing, or that nobody knows."""
        await self._recorder.record([not_posted(one, outcome, code) for one in postings])

    async def _read_back(self, postings: Sequence[Posting]) -> None:
        """Attest what was posted and never read back, for instance because a worker died."""
        if not postings:
            return
        found = await self._target.find([posting.intent for posting in postings])
        results: list[Result] = []
        for posting in postings:
            documents = found.get(posting.reference, ())
            results += read_back(posting, documents) if documents else [missing(posting)]
        await self._recorder.record(results)

    async def _give_to_person(self, postings: Sequence[Posting]) -> None:
        await self._recorder.record([in_doubt(posting) for posting in postings])

    async def _claim(
        self, postings: Sequence[Posting], evidence: GuardEvidence, operation: PostingOperation
    ) -> dict[UUID, int]:
        written = json.dumps(evidence, sort_keys=True)
        # One statement: it has committed when it returns.
        async with self._database.connection() as connection:
            return await posting_attempts.claim(
                connection,
                postings,
                self._lane,
                written,
                self._recorder.who,
                key_age_max_seconds=key_age_max_seconds(operation),
            )
