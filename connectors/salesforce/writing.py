"""Makes and changes Accounts: each once by its external id, changes many at a time."""

from collections.abc import Container, Iterator, Sequence
from typing import Final

from canonical.cross_reference import MasterKind
from canonical.text import same_code
from connectors.base.errors import (
    ConflictError,
    ConnectionConfigError,
    OutcomeUnknownError,
    RejectedError,
    TransientError,
)
from connectors.base.master_writes import (
    MasterAnswer,
    MasterRefused,
    MasterUnsettled,
    MasterWrite,
    MasterWritten,
)
from connectors.base.records import RawRecord, parsed
from connectors.salesforce import mapping, soql, wire
from connectors.salesforce.client import LOCKED, NOT_FOUND, SalesforceClient, reason
from connectors.salesforce.manifest import COLLECTION_MAX
from connectors.salesforce.options import AccountFields
from connectors.salesforce.reading import ACCOUNT

# At the end of an address they say in which format the answer is to be.
_FORMATS: Final = (".json", ".xml")


class MasterWriting:
    """Writes in the order in which they are given, one attempt each."""

    def __init__(self, client: SalesforceClient, fields: AccountFields) -> None:
        self._client: Final = client
        self._fields: Final = fields

    async def write(self, writes: Sequence[MasterWrite]) -> Sequence[MasterAnswer]:
        """Write as many as can be now; raises if that is none."""
        taken = await self._taken([each.code for each in writes if each.id is None])
        told: list[MasterAnswer] = []
        for part in _parts(writes):
            try:
                answers = await self._written(part, taken)
            except OutcomeUnknownError as lost:
                # They went out together, and each may be done or not.
                return [*told, *(MasterUnsettled(str(lost)) for _ in part)]
            except (TransientError, ConflictError, ConnectionConfigError):
                if told:
                    return told
                raise
            told += answers
            if len(answers) < len(part):
                break
        return told

    async def _taken(self, codes: Sequence[str]) -> Container[str]:
        """The external ids, of those to be made, of Accounts that have another code by now.

        An upsert would turn such a one into the new customer.
        """
        own, code = self._fields.external_id, self._fields.code
        if not own or own == code:
            return ()
        taken = set[str]()
        for condition in soql.of(codes, own):
            query = f"SELECT Id, {own}, {code} FROM Account WHERE {condition}"
            for record in await self._client.query(query):
                held = record.value if isinstance(record.value, dict) else {}
                key, named = (same_code(str(held.get(field) or "")) for field in (own, code))
                if key != named:
                    taken.add(key)
        return taken

    async def _written(
        self, part: Sequence[MasterWrite], taken: Container[str]
    ) -> Sequence[MasterAnswer]:
        first = part[0]
        if first.kind is not MasterKind.CUSTOMER:
            return [MasterRefused("kind_not_written", f"no {first.kind} is written")]
        if first.id is None and first.code in taken:
            return [MasterRefused("external_id_taken", "an account with another code has it")]
        if first.id is None:
            return [await self._made(first)]
        return await self._changed(part)

    async def _made(self, write: MasterWrite) -> MasterAnswer:
        external_id = self._fields.external_id
        if not external_id:
            return MasterRefused("no_external_id", "the org has no field for an external id")
        if write.code.casefold().endswith(_FORMATS):
            return MasterRefused("code_not_addressable", "it would be another code and a format")
        body = dict(mapping.account_body(write, self._fields))
        if self._fields.code != external_id:
            body[self._fields.code] = write.code
        try:
            made = await self._client.upsert(ACCOUNT, external_id, write.code, body)
        except RejectedError as refusal:
            # What looks like the ending of a file is "not found" there; else it is the field.
            if refusal.code == NOT_FOUND and "." not in write.code:
                raise ConnectionConfigError(NOT_FOUND, str(refusal)) from refusal
            return MasterRefused(refusal.code, str(refusal))
        return MasterWritten(made) if made else await self._made_before(write.code)

    async def _made_before(self, code: str) -> MasterAnswer:
        """Find the record that an upsert changed, whose answer does not name it."""
        [condition] = soql.of([code], self._fields.external_id)
        try:
            records = await self._client.query(f"SELECT Id FROM Account WHERE {condition}")
        except (TransientError, ConnectionConfigError):
            return MasterUnsettled("it was there before, and was not found again")
        ids = [each.id for each in _refs(records)]
        if len(ids) != 1:
            return MasterUnsettled(f"{len(ids)} records have this external id")
        return MasterWritten(ids[0])

    async def _changed(self, part: Sequence[MasterWrite]) -> Sequence[MasterAnswer]:
        """Change records in one request; locked ones did nothing.

        At the end they count as not tried. One between two others has to be looked at again, since
        answers come in order; where nothing at all was done it is a ConflictError.
        """
        records = [
            {
                "attributes": {"type": ACCOUNT},
                "id": write.id,
                **mapping.account_body(write, self._fields),
            }
            for write in part
        ]
        try:
            results = await self._client.update(records)
        except RejectedError as refusal:
            return [MasterRefused(refusal.code, str(refusal)) for _ in part]
        answers = [_answer(write, saved) for write, saved in zip(part, results, strict=True)]
        while answers and isinstance(answers[-1], MasterUnsettled):
            answers.pop()
        if not answers:
            raise ConflictError(LOCKED)
        return answers


def _answer(write: MasterWrite, saved: wire.Saved) -> MasterAnswer:
    code, words = reason(saved.errors)
    if saved.success and write.id is not None:
        return MasterWritten(write.id)
    if code == LOCKED:
        return MasterUnsettled(LOCKED)
    return MasterRefused(code or "refused", words)


def _parts(writes: Sequence[MasterWrite]) -> Iterator[Sequence[MasterWrite]]:
    """Changes that stand together go out together; each new record by itself."""
    part: list[MasterWrite] = []
    for write in writes:
        alone = write.id is None or write.kind is not MasterKind.CUSTOMER
        if part and (alone or len(part) == COLLECTION_MAX):
            yield part
            part = []
        if alone:
            yield [write]
        else:
            part.append(write)
    if part:
        yield part


def _refs(records: Sequence[RawRecord]) -> Iterator[wire.RecordRef]:
    for record in records:
        found = parsed(record, wire.RecordRef)
        if not isinstance(found, str):
            yield found
