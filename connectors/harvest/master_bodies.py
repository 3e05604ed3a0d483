"""What Harvest is asked to make or change of its masters: pure functions from a write to JSON."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from canonical.text import same_code
from connectors.base.errors import RejectedError
from connectors.base.master_writes import MasterWrite
from connectors.harvest.master_mapping import client_name

Body = dict[str, Any]
# Harvest does not make a project without them; what its hours cost, contracts say and not Harvest.
_NEW_PROJECT: Final[Mapping[str, object]] = {
    "is_billable": True,
    "bill_by": "none",
    "budget_by": "none",
}
# Members of a user that stay as they are while the user is inactive.
OF_THE_ACTIVE: Final = frozenset({"first_name", "last_name", "email"})


def client_body(write: MasterWrite, pattern: re.Pattern[str]) -> Body:
    """A client: its code stands in its name, or is its name."""
    body: Body = {}
    if write.id is None or "name" in write.values:
        name = write.values.get("name") or (write.code if write.id is None else "")
        body["name"] = _with_code(write.code, _needed("name", name), pattern)
    if write.values.get("currency"):
        body["currency"] = write.values["currency"]
    elif "currency" in write.values and write.id is not None:
        raise RejectedError("currency_needed", "a client of Harvest has a currency")
    return body | _active(write)


def project_body(write: MasterWrite) -> Body:
    """A project; a new one needs its client."""
    body: Body = {}
    if write.id is None:
        if write.parent is None:
            raise RejectedError("customer_needed", "a project of Harvest belongs to a client")
        body = {"client_id": record_id(write.parent), "code": write.code, **_NEW_PROJECT}
    if write.id is None or "name" in write.values:
        body["name"] = _needed("name", write.values.get("name", ""))
    return body | _active(write)


def user_body(write: MasterWrite, roles: Sequence[str], cost_centre_role: re.Pattern[str]) -> Body:
    """A person; `roles` are those that they have now, of which others than ours stay."""
    body: Body = {}
    if write.id is None or "name" in write.values:
        first, _, last = " ".join(_needed("name", write.values.get("name", "")).split()).partition(
            " "
        )
        body |= {"first_name": first, "last_name": last}
    if write.id is None or "email" in write.values:
        body["email"] = _needed("email", write.values.get("email", ""))
    news = new_roles(write.values, roles, cost_centre_role)
    if news != list(roles):
        body["roles"] = news
    return body | _active(write)


def new_roles(
    values: Mapping[str, str], roles: Sequence[str], cost_centre_role: re.Pattern[str]
) -> list[str]:
    """A person's roles with another cost centre, another role or both; the rest in its order."""
    found = list(roles)
    if "cost_centre" in values:
        given = values["cost_centre"]
        if given and _cost_centre_in(given, cost_centre_role) != given:
            raise RejectedError(
                "cost_centre_not_in_pattern",
                "a cost centre is found among a person's roles by cost_centre_role_pattern, which "
                "does not find this one",
            )
        theirs = [each for each in found if _cost_centre_in(each, cost_centre_role) is not None]
        found = _replaced(found, theirs, given, at_the_end=True)
    if "role" in values:
        given = values["role"]
        if given and _cost_centre_in(given, cost_centre_role) is not None:
            raise RejectedError("role_is_a_cost_centre", "this role would be read as a cost centre")
        theirs = [each for each in found if _cost_centre_in(each, cost_centre_role) is None]
        found = _replaced(found, theirs, given, at_the_end=False)
    return found


def _replaced(
    found: list[str], theirs: Sequence[str], given: str, *, at_the_end: bool
) -> list[str]:
    """The first of them is what is read, so it becomes the new one; nothing given leaves none."""
    if not given:
        return [each for each in found if each not in theirs]
    if not theirs:
        return [*found, given] if at_the_end else [given, *found]
    place = found.index(theirs[0])
    return [*found[:place], given, *found[place + 1 :]]


def _cost_centre_in(role: str, pattern: re.Pattern[str]) -> str | None:
    found = pattern.search(same_code(role))
    return found.group(1) if found else None


def record_id(text: str) -> int:
    """An id of Harvest's; raises RejectedError for one that can be none."""
    if not text.isdecimal():
        raise RejectedError("no_such_record", "this is no id of Harvest")
    return int(text)


def _with_code(code: str, name: str, pattern: re.Pattern[str]) -> str:
    found = client_name(code, name, pattern)
    if found is None:
        raise RejectedError(
            "code_not_in_pattern",
            "a client's code is found in its name by customer_code_pattern: not this one",
        )
    return found


def _active(write: MasterWrite) -> Body:
    return {"is_active": write.values["active"] == "yes"} if "active" in write.values else {}


def _needed(name: str, value: str) -> str:
    if not value.strip():
        raise RejectedError(f"{name}_needed", f"Harvest keeps no record without {name}")
    return value
