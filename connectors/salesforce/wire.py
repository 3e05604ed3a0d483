"""Salesforce's JSON, as far as we read it: strict in type, indifferent to unknown members."""

import re
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from connectors.base.dates import moment_of

_ZONE: Final = re.compile(r"([+-][0-9]{2})([0-9]{2})$", re.ASCII)


def read_moment(value: Any) -> datetime:
    """Salesforce writes the zone without a colon: 2026-01-12T09:30:00.000+0000."""
    return moment_of(_ZONE.sub(r"\1:\2", value) if isinstance(value, str) else value)


Moment = Annotated[datetime, BeforeValidator(read_moment)]
# A record's id in its long form, which tells upper and lower case apart by itself.
RecordId = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{18}$")]


class Wire(BaseModel):
    """What all parts share. The vendor may add members at any time."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", hide_input_in_errors=True)


W = TypeVar("W", bound=Wire)


class QueryEnvelope(Wire):
    """What a page of a query says of itself, without its records."""

    total_size: Annotated[int, Field(alias="totalSize", ge=0)]
    done: bool
    # It leads to another page of the same org, and nowhere else.
    next: Annotated[str | None, Field(alias="nextRecordsUrl", pattern="^/services/data/")] = None


class Contact(Wire):
    """The billing contact, as far as it is a customer's."""

    email: Annotated[str | None, Field(alias="Email", repr=False)] = None


class Contacts(Wire):
    """The contacts of one Account."""

    records: Annotated[tuple[Contact, ...], Field(strict=False)] = ()


class Account(Wire):
    """An Account; the fields that configuration names are in `fields`."""

    id: Annotated[RecordId, Field(alias="Id")]
    name: Annotated[str, Field(alias="Name")]
    contacts: Annotated[Contacts | None, Field(alias="Contacts")] = None


class Opportunity(Wire):
    """A deal; won, it is a project."""

    id: Annotated[RecordId, Field(alias="Id")]
    name: Annotated[str, Field(alias="Name")]
    account_id: Annotated[RecordId | None, Field(alias="AccountId")] = None
    is_won: Annotated[bool, Field(alias="IsWon")]


class AccountRef(Wire):
    """Whose a contact is or was; into which Account another one was merged."""

    account_id: Annotated[RecordId | None, Field(alias="AccountId")] = None
    main_id: Annotated[RecordId | None, Field(alias="MasterRecordId")] = None


class RecordRef(Wire):
    """A record by its id."""

    id: Annotated[RecordId, Field(alias="Id")]


class Updated(Wire):
    """The ids of records that were made or changed in a window."""

    ids: Annotated[tuple[RecordId, ...], Field(strict=False)]
    covered: Annotated[Moment, Field(alias="latestDateCovered")]


class DeletedRecord(Wire):
    """One record that was deleted."""

    id: RecordId


class Deleted(Wire):
    """The records that were deleted in a window, and since when deletions are remembered."""

    records: Annotated[tuple[DeletedRecord, ...], Field(alias="deletedRecords", strict=False)]
    earliest: Annotated[Moment, Field(alias="earliestDateAvailable")]
    covered: Annotated[Moment, Field(alias="latestDateCovered")]


class Failure(Wire):
    """Why something was refused; a single request calls the code otherwise than a collection."""

    code: Annotated[str, Field(alias="errorCode")] = ""
    status: Annotated[str, Field(alias="statusCode")] = ""
    message: str = ""


class Saved(Wire):
    """What became of one record of a write."""

    id: RecordId | None = None
    success: bool
    errors: Annotated[tuple[Failure, ...], Field(strict=False)] = ()


class DescribedField(Wire):
    """A field, as the integration user may see it."""

    name: str
    type: str
    external_id: Annotated[bool, Field(alias="externalId")] = False
    unique: bool = False
    case_sensitive: Annotated[bool, Field(alias="caseSensitive")] = False


class Described(Wire):
    """An object, as the integration user may see it."""

    fields: Annotated[tuple[DescribedField, ...], Field(strict=False)]
