"""What the simulated service can do with each list: make, change, delete, post."""

from collections.abc import Callable, Mapping
from typing import Final

from connectors.business_central import simulated_documents as documents
from connectors.business_central import simulated_ledger as ledger
from connectors.business_central import simulated_master_writes as masters
from connectors.business_central import simulated_time as times
from connectors.business_central.simulated_books import Company, Kind
from connectors.business_central.simulated_masters import MASTERS
from connectors.business_central.simulated_query import Record, bad_request, not_found

KINDS: Final[Mapping[str, Kind]] = {
    **MASTERS,
    "journals": times.JOURNAL,
    "journalLines": times.JOURNAL_LINE,
    "timeRegistrationEntries": times.TIME_ENTRY,
    **documents.KINDS,
}
Create = Callable[[Company, Record | None, Record], Record]


def _making(entity: str) -> Create:
    return lambda company, _, values: documents.create(company, entity, values)


def _making_lines(entity: str) -> Create:
    return lambda company, parent, values: documents.create_line(
        company, entity, _given(parent), values
    )


def _deleting(entity: str) -> Callable[[Company, Record], None]:
    return lambda company, record: documents.delete(company, entity, record)


def _making_masters(entity: str) -> Create:
    return lambda company, _, values: masters.create(company, entity, values)


def _changing_masters(entity: str) -> Callable[[Company, Record, Record], None]:
    return lambda company, record, values: masters.change(company, entity, record, values)


CREATE: Final[Mapping[str, Create]] = {
    **{entity: _making_masters(entity) for entity in masters.WRITTEN},
    "defaultDimensions": lambda company, parent, values: masters.create_dimension(
        company, _given(parent), values
    ),
    "journals": lambda company, _, values: times.create_journal(company, values),
    "journalLines": lambda company, parent, values: times.create_journal_line(
        company, _given(parent), values
    ),
    "timeRegistrationEntries": lambda company, _, values: times.create_time_entry(company, values),
    **{entity: _making(entity) for entity in documents.PAPERS},
    **{entity: _making_lines(entity) for entity in documents.OF_LINES},
    "dimensionSetLines": lambda company, parent, values: documents.create_dimension(
        company, _given(parent), values
    ),
}
_CHANGE: Final[Mapping[str, Callable[[Company, Record, Record], None]]] = {
    "timeRegistrationEntries": times.change_time_entry,
    "dimensionSetLines": documents.change_dimension,
    **{entity: _changing_masters(entity) for entity in masters.WRITTEN},
    "defaultDimensions": masters.change_dimension,
}
_DELETE: Final[Mapping[str, Callable[[Company, Record], None]]] = {
    "timeRegistrationEntries": times.delete_time_entry,
    "journals": times.delete_journal,
    **{entity: _deleting(entity) for entity in documents.PAPERS},
}
CHANGEABLE: Final = frozenset({"journals", "journalLines"}) | _CHANGE.keys() | _DELETE.keys()


def change(company: Company, name: str, record: Record, values: Record) -> None:
    """Change a record, by the rules of its list."""
    if name in _CHANGE:
        _CHANGE[name](company, record, values)
        return
    if all(record.get(member) == value for member, value in values.items()):
        return  # Nothing is written, so the version stays.
    record.update(values)
    company.touch(name, record)


def delete(company: Company, name: str, record: Record) -> None:
    """Delete a record, by the rules of its list."""
    if name in _DELETE:
        _DELETE[name](company, record)
    else:
        company.delete(name, record["id"])


def act(company: Company, name: str, record: Record, action: str) -> None:
    """Carry a bound action out."""
    if action == "post" and name in documents.PAPERS:
        ledger.post(company, name, record)
    elif action == "post" and name == "journals":
        ledger.post_journal(company, record)
    else:
        raise bad_request("Entity does not support bound actions", "BadRequest_NotFound")


def _given(record: Record | None) -> Record:
    if record is None:
        raise not_found()
    return record
