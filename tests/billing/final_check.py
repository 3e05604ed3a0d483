"""Whether what the ERP has billed is what was worked: its own invoices against what a test expects.

Written apart from what it checks: it asks Tryton and the tables in their own words, and decides by
nothing but sums. A finding is a sentence; none of them means that all is well.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from tests.billing.billing_platform import BillingPlatform

WORK: Final = "4400"
FEES: Final = "4430"
MILESTONES: Final = "4440"
PREPAYMENTS: Final = "4450"
WRITE_DOWNS: Final = "4490"
# A line that is billed as one says its hours in words.
_HOURS: Final = re.compile(r"^(-?\d+(?:\.\d+)?) h$", re.MULTILINE)
_FACT: Final = re.compile(r"^(id|rate): (.+)$", re.MULTILINE)
_IN_LEDGER: Final = ("posted", "paid", "cancelled")
_SECONDS: Final = 3600


@dataclass(frozen=True)
class ErpLine:
    """One line as the ERP has it; `ours` is the id that it carries of us."""

    ours: str
    account: str
    rate: str
    seconds: int
    amount: Decimal


@dataclass(frozen=True)
class ErpDocument:
    """One customer invoice or credit note, as the ERP has it."""

    id: int
    state: str
    number: str | None
    reference: str
    net: Decimal
    lines: tuple[ErpLine, ...]


@dataclass(frozen=True)
class Part:
    """What the ledger says that a line is made of."""

    invoice_line: str
    work: str
    seconds: int
    amount: Decimal


@dataclass(frozen=True)
class Billed:
    """What of one entry is on invoices in all, credits taken off."""

    rate: str
    seconds: int
    amount: Decimal


@dataclass
class Expected:
    """What a test knows to be billed: hours by entry, and all else by account."""

    entries: dict[int, Billed] = field(default_factory=dict)
    accounts: dict[str, Decimal] = field(default_factory=dict)

    def bill(self, entry: int, rate: str, hours: str, amount: str) -> None:
        """So much of an entry is billed in all from now on."""
        self.entries[entry] = Billed(rate, seconds_of(Decimal(hours)), Decimal(amount))


def seconds_of(hours: Decimal) -> int:
    """Hours in whole seconds; four places of an hour are finer than that."""
    return round(hours * _SECONDS)


async def documents_of(platform: BillingPlatform, engagement: str) -> tuple[ErpDocument, ...]:
    """Ask the ERP for all customer invoices of an engagement, in whatever state."""
    rows = await platform.systems.erp.session.find(
        "account.invoice",
        [["type", "=", "out"], ["reference", "like", f"% {engagement}"]],
        *("state", "number", "reference", "untaxed_amount", "lines.type", "lines.account.code"),
        *("lines.quantity", "lines.amount", "lines.description", "lines.note"),
    )
    return tuple(
        ErpDocument(
            id=row["id"],
            state=row["state"],
            number=row["number"],
            reference=row["reference"].split()[0],
            net=row["untaxed_amount"],
            lines=tuple(_line(line) for line in row["lines."] if line["type"] == "line"),
        )
        for row in rows
    )


def _line(row: Mapping[str, Any]) -> ErpLine:
    facts = dict(_FACT.findall(row["note"] or ""))
    account = row["account."]["code"]
    said = _HOURS.search(row["description"] or "")
    hours = Decimal(said[1]) if said else Decimal(row["quantity"])
    return ErpLine(
        ours=facts.get("id", ""),
        account=account,
        rate=_plainly(facts.get("rate", "")),
        seconds=seconds_of(hours) if account == WORK else 0,
        amount=row["amount"],
    )


def _plainly(rate: str) -> str:
    """An hour's price without the zeros that say nothing: 150 EUR."""
    amount, _, currency = rate.partition(" ")
    return f"{Decimal(amount).normalize():f} {currency}" if currency else rate


async def parts_of(platform: BillingPlatform, engagement: str) -> tuple[Part, ...]:
    """What the ledger says that the lines of an engagement's invoices are made of."""
    rows = await platform.rows(
        "SELECT invoice_line, work_key AS work, seconds, amount FROM standing_allocation "
        "WHERE engagement = $1 AND invoice_line IS NOT NULL",
        engagement,
    )
    return tuple(Part(**dict(row)) for row in rows)


def findings(
    documents: Sequence[ErpDocument], parts: Sequence[Part], expected: Expected
) -> list[str]:
    """Everything that is not as it should be, each in a sentence."""
    return [
        *_documents_stand(documents),
        *_lines_are_their_parts(documents, parts),
        *_work_is_billed_once(documents, expected),
        *_entries_are_billed_once(parts, expected),
    ]


async def assert_billed(
    platform: BillingPlatform, engagement: str, expected: Expected
) -> tuple[ErpDocument, ...]:
    """Hold the ERP to what is expected of an engagement; gives its documents."""
    documents = await documents_of(platform, engagement)
    found = findings(documents, await parts_of(platform, engagement), expected)
    assert found == [], "\n".join(found)
    return documents


def _documents_stand(documents: Sequence[ErpDocument]) -> Iterator[str]:
    """Each is in the books once, under a number of its own, and is the sum of its lines."""
    for one in documents:
        if one.number is None or one.state not in _IN_LEDGER:
            yield f"document {one.id} is {one.state}, and not in the books"
        if one.net != sum((line.amount for line in one.lines), Decimal(0)):
            yield f"document {one.id} comes to {one.net}, and its lines do not"
    for what, values in (
        ("reference", [one.reference for one in documents]),
        ("number", [one.number for one in documents if one.number]),
    ):
        for value, times in Counter(values).items():
            if times > 1:
                yield f"{what} {value} is on {times} documents"


def _lines_are_their_parts(
    documents: Sequence[ErpDocument], parts: Sequence[Part]
) -> Iterator[str]:
    """Each line is the sum of the work that the ledger allocates to it, to the cent."""
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    seconds: dict[str, int] = defaultdict(int)
    for part in parts:
        amounts[part.invoice_line] += part.amount
        seconds[part.invoice_line] += part.seconds
    lines = [line for one in documents for line in one.lines]
    for ours, times in Counter(line.ours for line in lines).items():
        if times > 1:
            yield f"line {ours} is billed {times} times"
    for line in lines:
        if amounts.get(line.ours) != line.amount:
            yield f"line {line.ours} is {line.amount}, its parts {amounts.get(line.ours)}"
        if line.account == WORK and line.seconds != seconds[line.ours]:
            yield f"line {line.ours} is {line.seconds} s, its parts {seconds[line.ours]} s"
    for ours in sorted(amounts.keys() - {line.ours for line in lines}):
        yield f"line {ours} is allocated, and on no document"


def _work_is_billed_once(documents: Sequence[ErpDocument], expected: Expected) -> Iterator[str]:
    """What the ERP's own lines come to, by price and by account."""
    billed, wanted = _Sums(), _Sums()
    for line in (line for one in documents for line in one.lines):
        name = f"work at {line.rate}" if line.account == WORK else f"account {line.account}"
        billed.add(name, line.seconds, line.amount)
    for entry in expected.entries.values():
        wanted.add(f"work at {entry.rate}", entry.seconds, entry.amount)
    for account, amount in expected.accounts.items():
        wanted.add(f"account {account}", 0, amount)
    yield from billed.differences_to(wanted)


def _entries_are_billed_once(parts: Sequence[Part], expected: Expected) -> Iterator[str]:
    """What is allocated of each entry comes to what is expected of it, and of no other."""
    billed, wanted = _Sums(), _Sums()
    for part in parts:
        # What a prepayment paid of an entry has no hours, and is on an account of its own.
        if part.work.startswith("time:") and part.seconds:
            billed.add(f"entry {part.work.rsplit(':', 1)[-1]}", part.seconds, part.amount)
    for entry, of_entry in expected.entries.items():
        wanted.add(f"entry {entry}", of_entry.seconds, of_entry.amount)
    yield from billed.differences_to(wanted)


class _Sums(defaultdict[str, tuple[int, Decimal]]):
    """Seconds and money by name."""

    def __init__(self) -> None:
        super().__init__(lambda: (0, Decimal(0)))

    def add(self, name: str, seconds: int, amount: Decimal) -> None:
        of_seconds, of_amount = self[name]
        self[name] = (of_seconds + seconds, of_amount + amount)

    def differences_to(self, wanted: "_Sums") -> Iterator[str]:
        """Where what is billed is not what is wanted."""
        for name in sorted(self.keys() | wanted.keys()):
            (seconds, amount), (of_seconds, of_amount) = self[name], wanted[name]
            if (seconds, amount) != (of_seconds, of_amount):
                yield (
                    f"{name}: {seconds} s and {amount} are billed, "
                    f"not {of_seconds} s and {of_amount}"
                )
