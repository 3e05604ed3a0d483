"""The small models about billing that cross Temporal; as `canonical.messages`, amounts as text."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import Field, model_validator

from canonical.messages import DocumentRef, Message
from canonical.money import Money
from canonical.text import storable

# More than a person reads, and far below what a payload may be long.
LISTED_MAX: Final = 200
RELEASE: Final = "release"
CREDIT: Final = "credit"
EXCLUDE: Final = "exclude"
INCLUDE: Final = "include"
WRITE_DOWN: Final = "write_down"
WRITE_OFF: Final = "write_off"
_WHOLE: Final = re.compile(r"-?[0-9]{1,9}", re.ASCII)


class Amount(Message):
    """An amount of money as text."""

    amount: str
    currency: str

    @classmethod
    def of(cls, money: Money) -> "Amount":
        """Say an amount."""
        return cls(amount=f"{money.amount:f}", currency=money.currency)

    @property
    def minor(self) -> int:
        """The amount in minor units (cents), exactly."""
        return Money(amount=Decimal(self.amount), currency=self.currency).amount_minor


class BlockedView(Message):
    """What one reason blocks, in one currency."""

    reason: str
    amount: Amount
    seconds: int = 0
    lines: int = 0
    holds: bool = True


class InvoiceView(Message):
    """A released invoice or credit note."""

    event: str
    state: str
    net: Amount
    number: str = ""
    total: str = ""
    paid: str = ""
    payment: str = ""
    credits: str = ""
    # Posted, paid or credited in all, and its source knows.
    ended: bool = False


class WipView(Message):
    """What of a project is posted and not billed at the cut-off, in one currency."""

    project: str
    opening: str
    posted: str
    billed: str
    written_off: str
    corrections: str
    closing: Amount


class MarginView(Message):
    """What a project came to so far, in one currency."""

    project: str
    billed: str
    wip: str
    cost: str
    margin: Amount


class ReadinessView(Message):
    """How an engagement's month stands: what can be billed, what blocks the rest, what is out."""

    engagement: str
    period: str
    # False: its source shows no such engagement (any more).
    known: bool = True
    # Master data or the calendar is too old to decide by; read it and decide again.
    stale: bool = False
    legal_entity: str = ""
    customer: str = ""
    cut_off_date: date | None = None
    invoice_date: date | None = None
    ready: bool = False
    snapshot: str = ""
    billable: tuple[Amount, ...] = ()
    ready_amounts: tuple[Amount, ...] = ()
    drawn: tuple[Amount, ...] = ()
    blocked: tuple[BlockedView, ...] = ()
    warnings: tuple[str, ...] = ()
    # Cases that hold all of it, by id; or what of its contract cannot be read.
    open_cases: Annotated[tuple[str, ...], Field(max_length=LISTED_MAX)] = ()
    # Invoices that a release would make now, with what each comes to without tax.
    proposed: tuple[Amount, ...] = ()
    invoices: Annotated[tuple[InvoiceView, ...], Field(max_length=LISTED_MAX)] = ()
    releases_itself: bool = False
    needs_two: bool = False
    wip: Annotated[tuple[WipView, ...], Field(max_length=LISTED_MAX)] = ()
    margin: Annotated[tuple[MarginView, ...], Field(max_length=LISTED_MAX)] = ()
    leaking: tuple[Amount, ...] = ()
    # Nothing is left open, and every invoice has ended.
    settled: bool = False

    @property
    def can_be_released(self) -> bool:
        """Whether nothing holds it up, and there is something to bill."""
        return self.ready and bool(self.proposed)


class MonthRef(DocumentRef):
    """A month, and what its workflow goes on with in a new history: what it showed and was told."""

    view: ReadinessView | None = None
    last_answer: str = ""

    @property
    def ref(self) -> DocumentRef:
        """The month alone."""
        return DocumentRef(**{name: getattr(self, name) for name in DocumentRef.model_fields})


class Decided(Message):
    """What a decision about billing came to, in a sentence for the person who made it."""

    done: bool
    message: str
    # The billing events that were made.
    events: tuple[str, ...] = ()


def _text(typed: Any) -> str:
    """Text as somebody meant it: the same name with a blank behind it is nobody else's."""
    return "" if typed is None else storable(str(typed)).strip()


def _listed(typed: Any) -> tuple[Any, ...]:
    """A list, or the one thing that was typed where a list belongs."""
    if typed is None:
        return ()
    return tuple(typed) if isinstance(typed, list | tuple) else (typed,)


class Credited(Message):
    """Which part of an invoice is taken back: of a line, of one work, so many seconds or so much.

    None of them: everything that is left.
    """

    line: str = ""
    work: str = ""
    seconds: int | None = None
    amount: str = ""
    # What was typed and says nothing here: then it may not count as everything that is left.
    unread: str = ""

    @model_validator(mode="before")
    @classmethod
    def _as_typed(cls, typed: Any) -> Any:
        if isinstance(typed, cls):
            return typed
        if not isinstance(typed, dict):
            # A line by its number alone.
            return {"line": _text(typed)}
        known = {name: _text(typed[name]) for name in cls.model_fields if name in typed}
        unread = [_text(name) for name in typed if name not in cls.model_fields]
        seconds = known.pop("seconds", "")
        if seconds and not _WHOLE.fullmatch(seconds):
            unread.append(f"seconds {seconds}")
            seconds = ""
        said = "; ".join(filter(None, [known.pop("unread", ""), *unread]))
        return {**known, "seconds": int(seconds) if seconds else None, "unread": said}


class BillingRequest(Message):
    """What a person types to decide on an engagement's month; flat, to be pasted and edited.

    Whatever is typed can be read, and is answered in words.
    """

    kind: str = ""
    by: str = ""
    reason: str = ""
    # Of whom it also has: a write-down, a write-off and a credit.
    approver: str = ""
    # The hash of the readiness that was looked at.
    snapshot: str = ""
    # An invoice, by its number, our reference or the event's id; and what of it.
    invoice: str = ""
    credits: tuple[Credited, ...] = ()
    on_date: str = ""
    # Work, by keys such as time:harvest:1017.
    work: tuple[str, ...] = ()
    contract_line: str = ""
    project: str = ""
    amount: str = ""
    currency: str = ""

    @model_validator(mode="before")
    @classmethod
    def _as_typed(cls, typed: Any) -> Any:
        if not isinstance(typed, dict):
            return {}
        lists = {name: typed[name] for name in ("credits", "work") if name in typed}
        texts = {name: _text(value) for name, value in typed.items() if name not in lists}
        return texts | {
            "work": tuple(_text(one) for one in _listed(lists.get("work"))),
            "credits": _listed(lists.get("credits")),
        }


class BillingDecision(Message):
    """A request about one billing period; `id` recognises it when it is repeated."""

    id: str
    ref: DocumentRef
    request: BillingRequest
