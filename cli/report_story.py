"""The story of an expense report: who approved it, which rule gave what, and where the money is."""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any, Final

Story = Mapping[str, Any]
# What people wrote, and whom they paid: not for whoever reads a terminal (DOMAIN rule 44).
_WORDS: Final = ("name", "vendor", "note")


def without_words(report: dict[str, Any] | None) -> dict[str, Any] | None:
    """A report as its source shows it, without names and free text."""
    if report is None:
        return None
    items = [_without(item) for item in report.get("items", ())]
    return {**_without(report), "items": items}


def report_called(one: Story) -> str:
    """What people call it, and its id at the source."""
    body = (one["intent"] or {}).get("body", {})
    number = body.get("report_number") or (one["report"] or {}).get("number") or "?"
    return f"report {number} ({one['connection']} {one['source_id']})"


def report_story(one: Story) -> Iterator[str]:
    """Its approval, its claim, every line with the rule that decided it, and its payment."""
    yield from _approval(one)
    yield from _lines(one)
    yield from _rates(one["report"])
    yield from payment_story(one)
    yield from told_story(one)


def told_story(one: Story) -> Iterator[str]:
    """What its source was told, and what it answered."""
    for step in one["told"] or ():
        answer = {"WAITING": "still to be told", "SENT": "told"}.get(step["state"], "refused")
        code = f" ({step['code']})" if step["code"] else ""
        yield f"{one['connection']}: {step['step'].replace('_', ' ')}, {answer}{code}"


def _approval(one: Story) -> Iterator[str]:
    approval = (one["report"] or {}).get("approval") or {}
    approver = approval.get("approver") or "an approver whom the source does not name"
    claim = one["claim"]
    yield f"approved by {approver} in revision {approval.get('revision') or '-'} of the source"
    if claim:
        when = f" {claim['answered_at'][:19]} UTC" if claim["answered_at"] else ""
        yield f"{claim['state'].lower()} at {one['connection']}{when}"


def _lines(one: Story) -> Iterator[str]:
    intent = one["intent"] or {}
    body = intent.get("body", {})
    decisions = intent.get("decisions", ())
    for line, made in zip_longest(body.get("lines", ()), decisions):
        side = "credit" if line["amount"].startswith("-") else "debit"
        objects = ", ".join(filter(None, (line["cost_centre"], line["project"], line["tax"])))
        because = f"  [{made['rule']} {made['version']}] {made['why']}" if made else ""
        yield (
            f"  {side:6} {line['amount'].lstrip('-'):>10} {body['currency']} account "
            f"{line['account']} {line['role'].replace('_', ' ')}"
            f"{f' ({objects})' if objects else ''}{because}"
        )
    for passed_on in body.get("disbursements", ()):
        yield f"  passed on to {passed_on['project']}: {passed_on['amount']} {body['currency']}"


def _rates(report: Mapping[str, Any] | None) -> Iterator[str]:
    for item in (report or {}).get("items", ()):
        if item.get("exchange_rate"):
            spent = item["transaction"]
            yield (
                f"item {item['id']}: {spent['amount']} {spent['currency']} at "
                f"{item['exchange_rate']} on {item['transaction_date']}, from the source"
            )


def payment_story(one: Story) -> Iterator[str]:
    """Its number in the ERP, and how far it is paid."""
    payment = one["payment"]
    if payment is not None:
        due = f", due {payment['due_on']}" if payment["due_on"] else ""
        paid_on = f", last on {payment['last_paid_on']}" if payment["last_paid_on"] else ""
        yield (
            f"{one['target']} number {payment['number']}: {payment['state']}, {payment['paid']} of "
            f"{payment['total']} {payment['currency']} paid{paid_on}{due}"
        )


def _without(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in _WORDS}
