"""Documents as Business Central shows them: whole, in any state, with the facts in their comments.

What the ERP has no field for stands in comment lines at the end of a document, each beginning with
a tilde; people can read them, and a report's layout can leave them out.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from canonical.exact import decimal_text
from canonical.identity import REFERENCE_LENGTH, REFERENCE_PREFIX
from connectors.base.http import exact_json
from connectors.base.records import trouble_of
from connectors.business_central.families import Family
from connectors.business_central.ids import DocumentId
from connectors.business_central.wire import Day, Id, Moment, Number

COMMENT: Final = "Comment"
ACCOUNT: Final = "Account"
DRAFT: Final = "Draft"
# In the ledger, whatever became of it since.
BOOKED: Final = frozenset({"Open", "Paid", "Canceled", "Corrective"})
_SIGN: Final = "~"
_TEXT_MAX: Final = 100
Facts = Mapping[str, Any]


class _Part(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )


class DimensionSetLine(_Part):
    """One value of a line on one axis."""

    id: Id
    etag: str = Field(default="", alias="@odata.etag")
    code: str
    value_code: str = ""


class Line(_Part):
    """A line of any document; `price` is by the name that its kind has for it."""

    id: Id
    sequence: int = 0
    line_type: str = ""
    line_object_number: str = ""
    description: str = ""
    quantity: Number = Decimal(0)
    unit_price: Number = Decimal(0)
    unit_cost: Number = Decimal(0)
    amount_excluding_tax: Number = Decimal(0)
    amount_including_tax: Number = Decimal(0)
    tax_code: str = ""
    tax_percent: Number = Decimal(0)
    dimension_set_lines: tuple[DimensionSetLine, ...] = ()

    def dimension(self, code: str | None) -> str | None:
        """The value on an axis."""
        found = self.on_axis(code)
        return found.value_code if found else None

    def on_axis(self, code: str | None) -> DimensionSetLine | None:
        """What stands on an axis, such as the account's default."""
        return next((each for each in self.dimension_set_lines if each.code == code), None)


class _Header(_Part):
    id: Id
    etag: str = Field(default="", alias="@odata.etag")
    number: str = ""
    status: str = ""
    posting_date: Day = None
    due_date: Day = None
    currency_code: str = ""
    total_amount_including_tax: Number = Decimal(0)
    remaining_amount: Number | None = None
    last_modified_date_time: Moment = None
    customer_purchase_order_reference: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """One document; `lines` are those that count, `facts` is what its comments say."""

    company: str
    family: Family
    id: str
    etag: str
    number: str
    status: str
    reference: str
    party: str
    day: date | None
    posting_date: date | None
    due_date: date | None
    currency: str
    total: Decimal
    remaining: Decimal | None
    changed_at: datetime | None
    purchase_order: str
    lines: tuple[Line, ...]
    facts: Facts

    @property
    def booked(self) -> bool:
        """Whether it counts."""
        return self.status in BOOKED

    @property
    def draft(self) -> bool:
        """Whether it could still be posted; one under review is left to those who review it."""
        return self.status == DRAFT

    @property
    def where(self) -> DocumentId:
        """Its place."""
        return DocumentId(self.company, self.family.entity, self.id)

    @property
    def line_facts(self) -> list[Facts]:
        """What the comments say of each line; ValueError if not of each."""
        told = self.facts.get("lines")
        if not isinstance(told, list) or len(told) != len(self.lines):
            raise ValueError(f"document {self.id} does not say what its lines are")
        return told


def is_ours(reference: str) -> bool:
    """Whether a number is a reference of ours."""
    return reference.startswith(REFERENCE_PREFIX) and len(reference) == REFERENCE_LENGTH


def paper_from(company: str, family: Family, value: Any) -> Paper:
    """Read a document; raises ValueError that names members and no value."""
    try:
        head = _Header.model_validate(value)
        lines = [Line.model_validate(each) for each in value.get(family.lines, ())]
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(trouble_of(error) if isinstance(error, ValueError) else "odd") from None
    lines.sort(key=lambda line: line.sequence)
    return Paper(
        company=company,
        family=family,
        id=head.id,
        etag=head.etag,
        number=head.number,
        status=head.status,
        reference=str(value.get(family.number, "")),
        party=str(value.get(family.party, "")).lower(),
        day=_day(value.get(family.day)),
        posting_date=head.posting_date,
        due_date=head.due_date,
        currency=head.currency_code,
        total=head.total_amount_including_tax,
        remaining=head.remaining_amount,
        changed_at=head.last_modified_date_time,
        purchase_order=head.customer_purchase_order_reference,
        lines=tuple(line for line in lines if line.line_type == ACCOUNT),
        facts=_facts_in(lines),
    )


class _JustADay(BaseModel):
    day: Day


def _day(value: Any) -> date | None:
    return _JustADay(day=value).day


def comments(text: str) -> Iterator[Mapping[str, Any]]:
    """Comment lines that people should read, such as a note that the tax law asks for."""
    for start in range(0, len(text), _TEXT_MAX):
        yield {"lineType": COMMENT, "description": text[start : start + _TEXT_MAX].strip()}


def facts_on_wire(facts: Facts) -> Iterator[Mapping[str, Any]]:
    """The comment lines that carry facts: no blank at whose edge a text field would cut."""
    text = json.dumps(_plain(facts), separators=(",", ":")).replace(" ", "\\u0020")
    for start in range(0, len(text), _TEXT_MAX - 1):
        yield {"lineType": COMMENT, "description": _SIGN + text[start : start + _TEXT_MAX - 1]}


def _facts_in(lines: Sequence[Line]) -> Facts:
    text = "".join(
        line.description[1:]
        for line in lines
        if line.line_type == COMMENT and line.description.startswith(_SIGN)
    )
    try:
        told = exact_json(text) if text else {}
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _plain(value: Any) -> Any:
    """Facts as JSON that loses nothing: decimals and days as text, what is None left out."""
    match value:
        case Decimal():
            return decimal_text(value)
        case date():
            return value.isoformat()
        case Mapping():
            return {name: _plain(each) for name, each in value.items() if each is not None}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return value
