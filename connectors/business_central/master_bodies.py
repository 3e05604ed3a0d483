"""What Business Central is asked to make or change of its masters: from a write to JSON; no I/O."""

from collections.abc import Mapping
from typing import Any, Final

from canonical.cross_reference import MasterKind
from connectors.base.errors import RejectedError
from connectors.base.master_writes import MasterWrite
from connectors.business_central.manifest import MASTER_FIELDS

Body = dict[str, Any]
NO_DAY: Final = "0001-01-01"
NUMBER_LENGTH_MAX: Final = 20
# Members whose text is taken as it is.
_TEXTS: Final[Mapping[MasterKind, Mapping[str, str]]] = {
    MasterKind.CUSTOMER: {
        "name": "displayName",
        "country": "country",
        "tax_number": "taxRegistrationNumber",
        "email": "email",
    },
    MasterKind.EMPLOYEE: {"email": "email", "role": "jobTitle"},
    MasterKind.PROJECT: {"name": "displayName"},
}
_DAYS: Final = {"active_from": "employmentDate", "active_until": "terminationDate"}


def body_of(write: MasterWrite) -> Body:
    """The members for what a write says, as far as the ERP keeps it; raises RejectedError."""
    fields = MASTER_FIELDS[write.kind]
    values = {name: value for name, value in write.values.items() if name in fields}
    texts = _TEXTS[write.kind]
    body: Body = {"number": _number(write.code)} if write.id is None else {}
    body |= {texts[name]: value for name, value in values.items() if name in texts}
    if values.get("name", write.id or "").strip() == "":
        raise RejectedError("name_missing", "Business Central keeps no record without a name")
    match write.kind:
        case MasterKind.CUSTOMER:
            return body | _of_customer(values, is_new=write.id is None)
        case MasterKind.EMPLOYEE:
            return body | _of_employee(values)
        case _:
            return body


def _of_customer(values: Mapping[str, str], *, is_new: bool) -> Body:
    body: Body = {}
    if values.get("currency"):
        body["currencyCode"] = values["currency"]
    elif "currency" in values and not is_new:
        raise RejectedError("currency_needed", "a customer without currency has the company's own")
    if "active" in values:
        body["blocked"] = " " if values["active"] == "yes" else "All"
    return body


def _of_employee(values: Mapping[str, str]) -> Body:
    body: Body = {
        member: values[name] or NO_DAY for name, member in _DAYS.items() if name in values
    }
    if "name" in values:
        first, _, last = " ".join(values["name"].split()).partition(" ")
        body |= {"givenName": first, "surname": last}
    if "active" in values:
        body["status"] = "Active" if values["active"] == "yes" else "Inactive"
    return body


def _number(code: str) -> str:
    """The number of a new record, which the ERP writes in capitals, whatever it is given."""
    if code != code.upper() or len(code) > NUMBER_LENGTH_MAX:
        raise RejectedError(
            "number_not_kept",
            f"a number in Business Central has up to {NUMBER_LENGTH_MAX} characters, in capitals",
        )
    return code
