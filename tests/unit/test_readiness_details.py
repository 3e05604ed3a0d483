"""What people read of a month in Temporal's UI says what to do, and can be pasted as it is."""

import json
import re

from canonical.billing import BlockReason
from canonical.billing_messages import (
    Amount,
    BillingRequest,
    BlockedView,
    InvoiceView,
    ReadinessView,
)
from workflows.readiness_details import readiness_details

EUROS = Amount(amount="41747.50", currency="EUR")


def said(**about: object) -> str:
    view = ReadinessView(engagement="ENG-1", period="2026-10").model_copy(update=about)
    return readiness_details(view, stopped=0, uncertain=0, last_answer="")


def test_every_reason_is_shown_with_its_money_and_with_what_ends_it() -> None:
    for reason in BlockReason:
        shown = said(blocked=(BlockedView(reason=reason, amount=EUROS, seconds=5400, lines=3),))
        (row,) = [line for line in shown.splitlines() if line.startswith(f"|{_words(reason)}")]
        cells = [one.strip() for one in row.strip("|").split("|")]
        assert cells[1:4] == ["41,747.50\u00a0EUR", "1.50", "3"]
        assert re.match("until .{15}", cells[4])


def test_columns_bring_their_own_room_because_the_ui_leaves_none() -> None:
    shown = said(
        blocked=(BlockedView(reason="unposted", amount=EUROS),),
        invoices=(InvoiceView(event="e" * 32, state="POSTED", net=EUROS, number="INV-1"),),
    )
    tables = [line for line in shown.splitlines() if line.startswith("|")]
    assert len(tables) == 6
    for line in tables:
        cells = line.strip("|").split("|")
        assert all(one in ("---", "--:") or one.endswith("\u00a0\u00a0") for one in cells)


def test_the_release_that_is_offered_is_the_one_of_this_snapshot() -> None:
    shown = said(ready=True, snapshot="ab" * 32, proposed=(EUROS,), needs_two=True)
    assert "Two different people release it" in shown
    (offered,) = re.findall("```json\n(.*?)```", shown, re.DOTALL)
    assert BillingRequest.model_validate(json.loads(offered)) == BillingRequest(
        kind="release", by="your name", snapshot="ab" * 32
    )


def test_nothing_is_offered_that_would_be_refused() -> None:
    assert "decide" not in said(ready=False, snapshot="ab" * 32, proposed=(EUROS,))
    assert "decide" not in said(ready=True, snapshot="ab" * 32)


def _words(reason: BlockReason) -> str:
    return reason.replace("_", " ")
