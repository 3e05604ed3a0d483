"""The lists of the simulated Concur: filters, pages, cursors and links, without HTTP."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from connectors.concur.simulated_company import SimulatedConcur
from connectors.concur.simulated_state import SimulatedDocument, SimulatedUser

Query = Mapping[str, str]
# As in SAP's examples: its links name a server that nobody outside can reach.
_INSIDE: Final = "https://fiserviceurlhere/fi/v4/companies/transactiontypes"
_LIMIT_DEFAULT: Final = 25
_LIST: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
_ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def documents_page(company: SimulatedConcur, kind: str, query: Query, form: str) -> str:
    """Write one page of documents; raises ValueError for a query that Concur refuses."""
    number, limit = int(query.get("page", "0")), int(query.get("limit", str(_LIMIT_DEFAULT)))
    if number < 0 or limit < 1:
        raise ValueError("page and limit must not be negative")
    found = [each for each in company.documents if _fits(each, kind, query)]
    poison = company.quirks.poison if kind == "expense" and "docId" not in query else ()
    pages = max(1, -(-len(found) // limit))
    shown = 0 if company.quirks.circular_pages else number
    records = [
        _document_json(company, each, form) for each in found[shown * limit : (shown + 1) * limit]
    ]
    if shown == 0:
        records = [*poison, *records]
    envelope = {
        "links": _links(kind, shown, pages, limit),
        "page": {
            "size": limit,
            "totalElements": len(found) + len(poison),
            "totalPages": pages,
            "number": shown,
        },
    }
    body = f'{{"content":[{",".join(records)}],{json.dumps(envelope)[1:]}'
    return body[: len(body) // 2] if company.use_up("broken_pages") else body


def users_page(company: SimulatedConcur, query: Query) -> str:
    """Write one page of users; raises ValueError for a query that Concur refuses."""
    count = int(query.get("count", "100"))
    if not 0 <= count <= 1000:  # noqa: PLR2004  The vendor's own number.
        raise ValueError("count must be between 0 and 1000")
    start = int(base64.urlsafe_b64decode(query["cursor"])) if "cursor" in query else 0
    excluded = frozenset(query.get("excludedAttributes", "").split(","))
    users = company.users
    records = [json.dumps(_user(company, each, excluded)) for each in users[start : start + count]]
    if start == 0:
        records = [*company.quirks.poison_users, *records]
    envelope: dict[str, Any] = {
        "schemas": [_LIST],
        "totalResults": len(users),
        "itemsPerPage": len(records),
        "startIndex": start + 1,
    }
    if start + count < len(users):
        envelope["nextCursor"] = base64.urlsafe_b64encode(str(start + count).encode()).decode()
    return f'{{"Resources":[{",".join(records)}],{json.dumps(envelope)[1:]}'


def _fits(document: SimulatedDocument, kind: str, query: Query) -> bool:
    if document.kind != kind:
        return False
    if query.get("ignoreDocumentStatus", "no") != "yes" and document.state != "READY":
        return False
    wanted = query.get("docId")
    if wanted is not None and wanted not in {document.id, *_own_ids(document)}:
        return False
    return query.get("systemId") in {None, document.system_id}


def _own_ids(document: SimulatedDocument) -> Iterable[str]:
    """The ids of the report or advance itself, by which a document can be asked for too."""
    content = json.loads(document.content)
    report, advance = content.get("report", {}), content.get("cashAdvanceData", {})
    return (report.get("reportId", ""), advance.get("cashAdvanceId", ""))


def _document_json(company: SimulatedConcur, document: SimulatedDocument, form: str) -> str:
    """Write a document around its content, which stays as it is, digit by digit."""
    content = json.dumps(document.content) if form == "text" else document.content
    none = None if company.quirks.nulls else ""
    head: dict[str, Any] = {
        "id": document.id,
        "docType": document.kind,
        "companyId": company.facts.company_id,
        "entityId": company.facts.entity_id,
        "companyUuid": company.facts.company_uuid,
        "erpSystemId": document.system_id or none,
        "docStatus": document.state,
        "links": [],
    }
    return f'{{"document":{content},{json.dumps(head)[1:]}'


def _links(kind: str, number: int, pages: int, limit: int) -> Sequence[Mapping[str, str]]:
    places = {"first": 0, "self": number, "last": pages - 1}
    if number + 1 < pages:
        places["next"] = number + 1
    return [
        {
            "rel": rel,
            "href": f"{_INSIDE}/{kind}/transactions?limit={limit}&page={page}&size={limit}",
        }
        for rel, page in places.items()
    ]


def _user(
    company: SimulatedConcur, user: SimulatedUser, excluded: frozenset[str]
) -> dict[str, Any]:
    enterprise = {
        "companyId": company.facts.company_uuid,
        "startDate": f"{user.start_date.isoformat()}T00:00:00Z",
        "employeeNumber": user.employee_number,
        "costCenter": user.cost_centre,
        "legalEntity": user.legal_entity,
        "terminationDate": (
            f"{user.termination_date.isoformat()}T00:00:00Z" if user.termination_date else None
        ),
    }
    written = {
        "schemas": [_CORE, _ENTERPRISE],
        "id": _uuid_of(user.login),
        "userName": user.login,
        "active": user.active,
        "displayName": f"{user.given_name} {user.family_name}",
        "name": {"givenName": user.given_name, "familyName": user.family_name},
        "emails": [{"value": user.email, "type": "work", "verified": True}],
        "dateOfBirth": "1980-01-01",
        "phoneNumbers": [{"value": "+49 30 1234567", "type": "work"}],
        "timezone": "Europe/Berlin",
        "preferredLanguage": "en-US",
        _ENTERPRISE: {name: value for name, value in enterprise.items() if value is not None},
    }
    return {name: value for name, value in written.items() if name not in excluded}


def _uuid_of(login: str) -> str:
    digits = hashlib.sha256(login.encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"
