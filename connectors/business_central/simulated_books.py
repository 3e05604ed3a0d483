"""What a simulated environment holds: companies, and their tables."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final

from connectors.business_central.simulated_query import (
    ODataError,
    Record,
    bad_request,
    refused,
)

ETAG: Final = "@odata.etag"
NO_ID: Final = "00000000-0000-0000-0000-000000000000"
NO_DAY: Final = "0001-01-01"


@dataclass(frozen=True, slots=True)
class Kind:
    """A table as the API shows it: its members with the longest text, and which cannot be set."""

    entity: str
    members: Mapping[str, int | None]
    read_only: frozenset[str] = frozenset()
    # By which parent's records it is listed, and the member that names the parent.
    parent: str | None = None
    # Lists of parts that may be made with it, in one request.
    nested: frozenset[str] = frozenset()
    changed: str = "lastModifiedDateTime"


@dataclass(slots=True)
class Table:
    """The records of one kind, in the order they were made."""

    kind: Kind
    records: dict[str, Record] = field(default_factory=dict)


class Company:
    """One company: tables by the name of their entity set."""

    def __init__(
        self, company_id: str, name: str, kinds: Mapping[str, Kind], clock: Callable[[], datetime]
    ) -> None:
        self.id = company_id
        self.name = name
        self.clock = clock
        self.tables = {entity_set: Table(kind) for entity_set, kind in kinds.items()}
        self.facts: dict[str, Any] = {}
        # Members that are dropped silently when a record is made or changed.
        self.dropped: frozenset[str] = frozenset()
        self._version = 0

    def kept(self) -> Any:
        """All that it holds now, to be brought back by `restore`."""
        # Records are changed in place, and hold nothing that could be changed itself.
        return {
            name: {key: dict(record) for key, record in table.records.items()}
            for name, table in self.tables.items()
        }

    def restore(self, kept: Any) -> None:
        """Bring back what was kept; versions go on counting."""
        for name, records in kept.items():
            self.tables[name].records = records

    def insert(self, entity_set: str, values: Record, record_id: str | None = None) -> Record:
        """Add a record; what is not said is blank."""
        kind = self.tables[entity_set].kind
        record: Record = {"id": record_id or _new_id()}
        record |= {name: _BLANK.get(name, "") for name in kind.members}
        record |= {name: value for name, value in values.items() if value is not None}
        self.tables[entity_set].records[record["id"]] = record
        self.touch(entity_set, record)
        return record

    def touch(self, entity_set: str, record: Record) -> None:
        """Give a record its next version."""
        self._version += 1
        record[ETAG] = f'W/"JzQ0O3Zlc{self._version:08d}Jw=="'
        record[self.tables[entity_set].kind.changed] = _instant(self.clock())

    def rows(self, entity_set: str, **having: Any) -> Iterator[Record]:
        """The records of a table that have these values."""
        for record in list(self.tables[entity_set].records.values()):
            if all(record.get(name) == value for name, value in having.items()):
                yield record

    def get(self, entity_set: str, record_id: str) -> Record | None:
        """One record."""
        return self.tables[entity_set].records.get(record_id)

    def one(self, entity_set: str, message: str, **having: Any) -> Record:
        """The record that has these values; refuses with the message if there is none."""
        for record in self.rows(entity_set, **having):
            return record
        raise refused(message)

    def delete(self, entity_set: str, record_id: str) -> None:
        """Remove a record."""
        del self.tables[entity_set].records[record_id]

    def checked(self, entity_set: str, values: Any) -> Record:
        """Look over what a request says of a record, as the service does before any code of AL."""
        kind = self.tables[entity_set].kind
        if not isinstance(values, dict):
            raise bad_request("Invalid Request Body")
        for name, value in values.items():
            if name in kind.nested and isinstance(value, list):
                continue
            if name != "id" and name not in kind.members:
                raise bad_request(
                    f"The property '{name}' does not exist on type 'Microsoft.NAV.{kind.entity}'."
                )
            if name == "id" or name in kind.read_only:
                raise bad_request(f"Control '{name}' is read-only", "BadRequest_InvalidOperation")
            _check_value(name, value, kind.members[name])
        return {name: value for name, value in values.items() if name not in self.dropped}

    def allows(self, day: str) -> bool:
        """Whether something may be posted on a day."""
        (setup,) = self.rows("generalLedgerSetup")
        begins, ends = setup["allowPostingFrom"], setup["allowPostingTo"]
        within = (begins == NO_DAY or begins <= day) and (ends == NO_DAY or day <= ends)
        periods = sorted(self.rows("accountingPeriods"), key=lambda row: row["startingDate"])
        inside = [row for row in periods if row["startingDate"] <= day]
        return within and bool(inside) and not inside[-1]["closed"]


def require_version(record: Record, if_match: str | None) -> None:
    """Refuse a change to a version that is no longer the last."""
    if if_match is None:
        raise bad_request(
            "Could not validate the client concurrency token required by the service."
            " Please provide a valid token in the client request.",
            "BadRequest_InvalidToken",
        )
    if if_match not in ("*", record[ETAG]):
        raise ODataError(
            409, "Request_EntityChanged", "Another user has already changed the record."
        )


def _check_value(name: str, value: Any, longest: int | None) -> None:
    if isinstance(value, str) and longest is not None and len(value) > longest:
        raise refused(
            f"The length of the string is {len(value)}, but it must be less than or equal to"
            f" {longest} characters. Value: {value}",
            "Application_StringExceededLength",
        )
    if name.endswith("Date") or name == "date":
        try:
            date.fromisoformat(value)
        except (TypeError, ValueError):
            raise bad_request("Unable to convert value to Date") from None
    if name.endswith("Id") and value is not None:
        try:
            uuid.UUID(value)
        except (TypeError, ValueError, AttributeError):
            raise bad_request("Invalid format of GUID string.") from None


def _new_id() -> str:
    return str(uuid.uuid4())  # noqa: TID251  The ERP's own.


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


_BLANK: Final[Mapping[str, Any]] = {
    **dict.fromkeys(
        (
            "employeeId", "jobId", "unitOfMeasureId", "accountId", "balancingAccountId",
            "vendorId", "customerId", "currencyId", "invoiceId", "documentId", "itemId",
            "journalId",
        ),
        NO_ID,
    ),
    **dict.fromkeys(
        (
            "date", "postingDate", "invoiceDate", "dueDate", "creditMemoDate", "employmentDate",
            "terminationDate", "allowPostingFrom", "allowPostingTo", "startingDate",
        ),
        NO_DAY,
    ),
    **dict.fromkeys(
        (
            "quantity", "amount", "unitCost", "unitPrice", "lineNumber", "sequence", "taxPercent",
            "amountExcludingTax", "amountIncludingTax", "totalTaxAmount", "totalAmountExcludingTax",
            "totalAmountIncludingTax", "remainingAmount", "debitAmount", "creditAmount",
            "entryNumber",
        ),
        0,
    ),
    **dict.fromkeys(("closed", "newFiscalYear", "dateLocked", "pricesIncludeTax"), False),
    "blocked": " ",
    "category": " ",
    "directPosting": True,
    "accountType": "",
}  # fmt: skip
