"""Ids that say where a thing is: Business Central's own are unique within one table only."""

import re
from dataclasses import dataclass
from typing import Final

from connectors.base.errors import RejectedError
from connectors.business_central.wire import NO_ID

_GUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class DocumentId:
    """A document of one company: `company/entity set/id`."""

    company: str
    entity: str
    id: str

    def __str__(self) -> str:
        return f"{self.company}/{self.entity}/{self.id}"

    @property
    def path(self) -> str:
        """Where it is, below the service's root."""
        return f"{company_path(self.company)}/{self.entity}({self.id})"


def document_id_of(text: str) -> DocumentId:
    """Read a document's id back; raises RejectedError if it is none of ours."""
    company, _, rest = text.partition("/")
    entity, _, own = rest.partition("/")
    if not entity.isalpha():
        raise RejectedError("document_unknown", "not the id of a document in Business Central")
    return DocumentId(guid_of(company, "company"), entity, guid_of(own, "document"))


def guid_of(text: str, what: str) -> str:
    """Take an id that may stand in an address; raises RejectedError."""
    if not _GUID.fullmatch(text.lower()):
        raise RejectedError(f"{what}_unknown", f"not the id of a record of kind '{what}'")
    return text.lower()


def is_guid(text: str) -> bool:
    """Whether it can be an id of a record."""
    return _GUID.fullmatch(text.lower()) is not None


def company_path(company: str) -> str:
    """Where a company's records are."""
    return f"companies({guid_of(company, 'company')})"


def task_of(job: str | None, number: str) -> str:
    """Name a task: the project's id and, behind it, the task's number."""
    return f"{job or NO_ID}/{number}"


def task_parts(task: str) -> tuple[str, str]:
    """Take a task's name apart; raises RejectedError."""
    job, _, number = task.partition("/")
    if not number:
        raise RejectedError("task_unknown", "a task is named by its project's id and its number")
    return guid_of(job, "task"), number


def quoted(text: str) -> str:
    """Write a text as OData filters take it."""
    return "'" + text.replace("'", "''") + "'"


def any_of(member: str, values: list[str]) -> str:
    """A filter for records whose member is one of some written values."""
    return " or ".join(f"{member} eq {value}" for value in values)
