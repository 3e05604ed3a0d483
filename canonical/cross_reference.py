"""Cross-references: our record that one system's id is another system's id."""

from enum import StrEnum
from typing import ClassVar

from canonical.base import Canonical
from canonical.text import Code, ExternalId


class MasterKind(StrEnum):
    """The kinds of master data that are matched across systems."""

    LEGAL_ENTITY = "legal_entity"
    CUSTOMER = "customer"
    EMPLOYEE = "employee"
    PROJECT = "project"
    TASK = "task"
    DIMENSION_VALUE = "dimension_value"
    ACCOUNT = "account"
    TAX_CODE = "tax_code"
    CURRENCY = "currency"


class CrossReference(Canonical):
    """A's id is B's id, and the rule or the person who said so."""

    CONTRACT: ClassVar[str] = "cross_reference/v1"

    kind: MasterKind
    source: Code
    source_id: ExternalId
    target: Code
    target_id: ExternalId
    # 'exact key' or the person who linked them.
    made_by: Code
