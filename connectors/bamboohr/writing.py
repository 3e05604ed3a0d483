"""Writing people: fields that another system owns, and people whom another system has hired."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from canonical.cross_reference import MasterKind
from connectors.bamboohr.client import BambooHrClient
from connectors.bamboohr.manifest import MANIFEST
from connectors.bamboohr.options import OWN_ID
from connectors.base.errors import RejectedError
from connectors.base.in_turn import written_in_turn
from connectors.base.master_writes import MasterAnswer, MasterWrite

# What BambooHR calls our fields when it is told of them; a name is two fields there.
_FIELDS: Final = {"email": "workEmail", "active_from": "hireDate", "role": "jobTitle"}
_MASKED: Final = "…"


class Writing:
    """Makes and changes employees, one attempt each."""

    def __init__(self, client: BambooHrClient, code_field: str) -> None:
        self._client: Final = client
        self._code_field: Final = code_field

    async def write(self, writes: Sequence[MasterWrite]) -> Sequence[MasterAnswer]:
        """Write as many as can be; answers in order, up to the first trouble."""
        return await written_in_turn(writes, self._written)

    async def _written(self, write: MasterWrite) -> str:
        try:
            fields = fields_of(write)
            if write.id is not None:
                await self._client.update(write.id, fields)
                return write.id
            return await self._client.create({**fields, **self._number(write.code)})
        except RejectedError as refusal:
            words = masked(str(refusal), write.values.values())
            raise RejectedError(refusal.code, words) from None

    def _number(self, code: str) -> Mapping[str, str]:
        if self._code_field == OWN_ID:
            raise RejectedError("own_id", "BambooHR numbers its employees itself")
        return {self._code_field: code}


def fields_of(write: MasterWrite) -> Mapping[str, str]:
    """The fields of a write in BambooHR's words; raises RejectedError for what it cannot keep."""
    if write.kind is not MasterKind.EMPLOYEE:
        raise RejectedError("not_written_here", "only employees are written")
    operation = MANIFEST.master_operation(MasterKind.EMPLOYEE)
    known = operation.fields if operation else frozenset()
    fields: dict[str, str] = {}
    if "name" in write.values or write.id is None:
        fields |= names_of(write.values.get("name", ""))
    for name, value in write.values.items():
        if name in _FIELDS and (value or write.id is not None):
            if not value and name == "active_from":
                raise RejectedError("needs_a_day", "BambooHR takes a hire date, and none away")
            fields[_FIELDS[name]] = value
        elif write.id is not None and name not in known:
            raise RejectedError("unknown_field", f"{name} cannot be changed here")
    return fields


def names_of(name: str) -> Mapping[str, str]:
    """First and last name: the last word is the last name, since nothing says where it begins."""
    first, _, last = " ".join(name.split()).rpartition(" ")
    if not first:
        raise RejectedError("needs_two_names", "BambooHR wants a first and a last name")
    return {"firstName": first, "lastName": last}


def masked(said: str, values: Iterable[str]) -> str:
    """A refusal in BambooHR's words, without what we had told it: that is personal data."""
    parts = {part for value in values for part in (value, *value.split())}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) > 1:
            said = said.replace(part, _MASKED)
    return said
