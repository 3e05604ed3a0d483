"""What `ledgerway readiness` prints: how months stand, and their open work."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from cli.billing import in_short
from cli.output import hours, table

if TYPE_CHECKING:
    from canonical.billing import ReadinessSnapshot
    from canonical.billing_messages import ReadinessView
    from canonical.money import Money
    from rules.billing_pieces import Piece
    from store.readiness import Assessed

_PIECES_SHOWN: Final = 60


def months(month: str, found: "Sequence[Assessed]") -> Any:
    """How engagements stand, one a row; several amounts of one stand below each other."""
    return table(
        f"Engagements in {month}",
        ("Engagement", "", "Billable", "Ready", "Blocked by"),
        [
            (
                one.period.engagement,
                _verdict(one.snapshot),
                _below_each_other(one.snapshot.billable),
                _below_each_other(one.snapshot.ready_amounts),
                "\n".join(_blocked_by(one.snapshot)),
            )
            for one in found
        ],
    )


def blocked_amounts(view: "ReadinessView") -> Any:
    """Each reason in money."""
    return table(
        "Blocked",
        ("Why", "Amount", "", "Hours", "Lines", "Holds"),
        [
            (
                _words(one.reason),
                Decimal(one.amount.amount),
                one.amount.currency,
                hours(one.seconds),
                one.lines,
                one.holds,
            )
            for one in view.blocked
        ],
    )


def blocked_work(pieces: "Sequence[Piece]") -> Iterator[Any]:
    """Blocked work line by line, a table for each reason."""
    left = _PIECES_SHOWN
    for reason in sorted({one.reason for one in pieces if one.reason is not None}):
        of_reason = [one for one in pieces if one.reason is reason]
        because = {one.why for one in of_reason}
        title = _words(reason).capitalize()
        if len(because) == 1:
            title = f"{title}: {of_reason[0].why}"
        if left > 0:
            yield _lines(title, of_reason, left, each_why=len(because) > 1)
        left -= len(of_reason)
    if left < 0:
        yield f"{-left} more blocked lines: --json has all."


def ready_work(pieces: "Sequence[Piece]", *, line_by_line: bool) -> Any:
    """What is ready: by contract line, role and price as on the invoice, or each line."""
    ready = [one for one in pieces if one.reason is None]
    if line_by_line:
        return _lines("Ready", ready, len(ready), each_why=False)
    groups: dict[tuple[str, str, Decimal | None, str], list[Piece]] = {}
    for one in ready:
        role = _words(one.role) + (", prepaid" if one.fund is not None else "")
        price = one.rate.amount if one.rate else None
        key = (one.contract_line or "", role, price, one.amount.currency)
        groups.setdefault(key, []).append(one)
    return table(
        "Ready",
        ("Contract line", "Rate", "Lines", "Hours", "Amount", ""),
        [
            (
                f"{contract_line} {role}",
                price,
                len({one.work.key for one in group}),
                hours(sum(one.seconds for one in group)),
                sum((one.amount.amount for one in group), Decimal(0)),
                currency,
            )
            for (contract_line, role, price, currency), group in groups.items()
        ],
    )


def _lines(title: str, pieces: "Sequence[Piece]", shown: int, *, each_why: bool) -> Any:
    if len(pieces) > shown:
        title = f"{title} ({shown} of {len(pieces)} lines)"
    return table(
        title,
        ("Work", "Date", "Hours", "Amount", ""),
        [
            (
                f"{one.work.key}\n{one.why}" if each_why and one.why else one.work.key,
                one.work_date,
                hours(one.seconds),
                one.amount.amount,
                one.amount.currency,
            )
            for one in pieces[:shown]
        ],
    )


def _verdict(snapshot: "ReadinessSnapshot") -> str:
    if not snapshot.ready:
        return "blocked"
    return "ready" if snapshot.events else "billed"


def _below_each_other(amounts: "Sequence[Money]") -> str:
    return "\n".join(f"{one.amount:,} {one.currency}" for one in amounts)


def _blocked_by(snapshot: "ReadinessSnapshot") -> Iterator[str]:
    from canonical.billing import open_case_called

    several = len({one.amount.currency for one in snapshot.blocked}) > 1
    for one in snapshot.blocked:
        currency = f" {one.amount.currency}" if several else ""
        yield f"{in_short(one.reason)} {one.amount.amount:,}{currency}"
    yield from map(open_case_called, snapshot.open_cases)


def _words(name: str) -> str:
    return name.replace("_", " ")
