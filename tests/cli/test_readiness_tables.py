"""What `ledgerway readiness` and `leakage` print fits a terminal of 80 columns, whole."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from canonical.billing import Blocked, BlockReason, OpenCase, WorkState
from canonical.billing_messages import Amount, BlockedView, ReadinessView
from canonical.billing_period import BillingPeriod
from canonical.contracts import BillingModel
from cli import wip
from cli.billing import in_short
from cli.readiness_tables import blocked_amounts, blocked_work, months, ready_work
from rules.billing_measures import READY_NOT_RELEASED
from rules.invoice_readiness import Readiness
from store.readiness import Assessed, Leaking
from tests.unit.billing_building import (
    card,
    contract_line,
    cost,
    decided,
    due,
    engagement,
    euro,
    hours,
    key,
    rate,
)

COLUMNS = 80
# Neither of work that nobody approved, nor of what is billed in another version.
CAUSES = [
    *(
        BlockReason(one)
        for one in BlockReason
        if "after_billing" not in one and one != "unapproved"
    ),
    READY_NOT_RELEASED,
]
CASE = "1a2b3c4d-0000-4000-8000-000000000000"


def printed(shown: Any) -> list[str]:
    """The lines that a terminal of 80 columns shows; nothing of them is cut off."""
    paper = StringIO()
    Console(file=paper, width=COLUMNS).print(shown)
    lines = [line.rstrip() for line in paper.getvalue().splitlines()]
    assert max(map(len, lines)) <= COLUMNS
    assert not [line for line in lines if "…" in line]
    return lines


def together(lines: Iterable[str]) -> str:
    return "\n".join(lines)


def row(lines: Iterable[str], word: str) -> list[str]:
    """The cells of the one row that has a word."""
    (found,) = [line for line in lines if word in line]
    return [cell.strip() for cell in found.strip("│").split("│")]


def assessed(now: Readiness, name: str = "ENG-1001") -> Assessed:
    return Assessed(
        "contracts", BillingPeriod(name, "2026-10"), now.snapshot, datetime(2026, 11, 2, tzinfo=UTC)
    )


class TestMonths:
    def test_each_engagement_is_a_row_with_what_blocks_it(self) -> None:
        lines = printed(
            months(
                "2026-10",
                [
                    assessed(decided(hours("1", 5, 2))),
                    assessed(decided(), "ENG-1002"),
                    assessed(
                        decided(hours("1", 5, 200), hours("2", 6, state=WorkState.UNPOSTED)),
                        "ENG-1003",
                    ),
                ],
            )
        )
        assert row(lines, "ENG-1001") == ["ENG-1001", "ready", "200.00 EUR", "200.00 EUR", ""]
        assert row(lines, "ENG-1002") == ["ENG-1002", "billed", "", "", ""]
        assert row(lines, "ENG-1003") == [
            *("ENG-1003", "blocked", "20,100.00 EUR", "20,000.00 EUR", "unposted 100.00")
        ]

    def test_amounts_of_several_currencies_stand_below_each_other(self) -> None:
        dollars = contract_line("L-2", currency="USD", projects=("P-2",))
        now = decided(
            hours("1", 5, 800),
            hours("2", 6, 900, project="P-2", state=WorkState.UNPOSTED),
            hours("3", 6, 3, state=WorkState.UNAPPROVED),
            engagement=engagement(contract_line(), dollars),
            rate_cards=(card(rate(100, role="consultant"), rate(90, currency="USD")),),
        )
        assert {one.amount.currency for one in now.snapshot.blocked} >= {"EUR"}
        text = together(printed(months("2026-10", [assessed(now)])))
        for one in (*now.snapshot.billable, *now.snapshot.ready_amounts):
            assert f"{one.amount:,} {one.currency}" in text

    def test_a_case_that_holds_it_is_named_although_no_amount_is_blocked(self) -> None:
        case = OpenCase(id=CASE, project="P-1", work=("9",))
        lines = printed(months("2026-10", [assessed(decided(hours("1", 5), open_cases=(case,)))]))
        assert row(lines, "ENG-1001")[1] == "blocked"
        assert row(lines, "ENG-1001")[-1] == "open case 1a2b3c4d"

    def test_every_reason_at_once_with_large_amounts_is_shown_whole(self) -> None:
        now = decided(hours("1", 5, 2))
        million = euro(1_000_000)
        blocked = tuple(
            Blocked(reason=one, amount=million, seconds=0, lines=1) for one in BlockReason
        )
        snapshot = now.snapshot.model_copy(
            update={
                "ready": False,
                "blocked": blocked,
                "billable": (million,),
                "ready_amounts": (million,),
            }
        )
        shown = Assessed(
            "contracts",
            BillingPeriod("ENGAGEMENT-OF-A-LONG-NAME/2026", "2026-10"),
            snapshot,
            datetime(2026, 11, 2, tzinfo=UTC),
        )
        lines = printed(months("2026-10", [shown]))
        text = " ".join(line.strip("│").split("│")[-1].strip() for line in lines)
        for reason in BlockReason:
            assert f"{in_short(reason)} 1,000,000.00" in text


class TestBlocked:
    def test_each_reason_is_a_row_in_money(self) -> None:
        view = ReadinessView(
            engagement="ENG-1",
            period="2026-10",
            blocked=tuple(
                BlockedView(
                    reason=reason,
                    amount=Amount(amount="1234567.89", currency="EUR"),
                    seconds=3600 * 12_345,
                    lines=49_999,
                    holds=reason.holds_release,
                )
                for reason in BlockReason
            ),
        )
        lines = printed(blocked_amounts(view))
        assert row(lines, "withdrawn after billing") == [
            *("withdrawn after billing", "1,234,567.89", "EUR", "12,345.00", "49,999", "yes")
        ]
        assert row(lines, "over cap")[-1] == "no"

    def test_lines_of_one_reason_share_its_words(self) -> None:
        now = decided(*(hours(str(n), n, 2, state=WorkState.UNPOSTED) for n in (5, 6)))
        (shown,) = blocked_work(now.pieces)
        lines = printed(shown)
        assert lines[0] == "Unposted: approved, and not posted in the ERP"
        assert row(lines, key("5")) == [key("5"), "2026-10-05", "2.00", "200.00", "EUR"]
        assert row(lines, key("6"))[0] == key("6")

    def test_lines_that_each_have_words_of_their_own_say_them(self) -> None:
        now = decided(hours("5", 5), hours("6", 6), rate_cards=())
        (shown,) = blocked_work(now.pieces)
        lines = printed(shown)
        assert lines[0] == "No rate"
        text = " ".join(together(lines).replace("│", " ").split())
        assert f"{key('5')} 2026-10-05" in text
        for day in (5, 6):
            assert f"no rate on 2026-10-0{day}" in text

    def test_a_long_list_says_how_much_of_it_is_not_shown(self) -> None:
        unposted = [
            hours(f"{n:03}", 5, state=WorkState.UNPOSTED if n % 2 else WorkState.UNAPPROVED)
            for n in range(140)
        ]
        first, rest = blocked_work(decided(*unposted).pieces)
        lines = printed(first)
        assert lines[0].startswith("Unapproved: not approved (60 of 70 lines)")
        assert len([line for line in lines if "time:harvest:" in line]) == 60
        assert rest == "80 more blocked lines: --json has all."

    def test_without_blocked_work_nothing_is_printed(self) -> None:
        assert list(blocked_work(decided(hours("1", 5)).pieces)) == []


class TestReady:
    @pytest.fixture
    def now(self) -> Readiness:
        """Hours at two prices, a cost and an instalment, all ready; and hours that are not."""
        fee = contract_line(
            "FEE-1", model=BillingModel.FIXED_FEE, projects=("P-2",), schedule=(due("1", 9, 500),)
        )
        return decided(
            hours("1", 5, 2),
            hours("2", 6, "1.5"),
            hours("3", 6, 1, role="partner"),
            hours("4", 7, 8, state=WorkState.UNPOSTED),
            cost("5", 7, "80.50"),
            engagement=engagement(contract_line(), fee),
            rate_cards=(card(rate(100), rate(250, role="partner")),),
        )

    def test_it_is_grouped_by_contract_line_role_and_price_with_sums(self, now: Readiness) -> None:
        lines = printed(ready_work(now.pieces, line_by_line=False))
        assert row(lines, "350.00") == ["L-1 work", "100", "2", "3.50", "350.00", "EUR"]
        assert not [line for line in lines if "time:harvest" in line]

    def test_its_sums_are_what_is_ready(self, now: Readiness) -> None:
        lines = printed(ready_work(now.pieces, line_by_line=False))
        amounts = [
            Decimal(cells[-2].replace(",", ""))
            for line in lines
            if len(cells := [cell.strip() for cell in line.strip("│").split("│")]) > 1
            and cells[-1] == "EUR"
        ]
        (ready,) = now.snapshot.ready_amounts
        assert sum(amounts) == ready.amount

    def test_line_by_line_every_part_is_there(self, now: Readiness) -> None:
        lines = printed(ready_work(now.pieces, line_by_line=True))
        assert row(lines, key("2")) == [key("2"), "2026-10-06", "1.50", "150.00", "EUR"]
        assert not [line for line in lines if key("4") in line]

    def test_long_names_are_folded_and_money_is_not(self) -> None:
        name = "CONTRACT-LINE-OF-A-VERY-LONG-NAME-2026-10"
        now = decided(
            hours("1", 5, 999),
            engagement=engagement(contract_line(name)),
            rate_cards=(card(rate("1234.56")),),
        )
        lines = printed(ready_work(now.pieces, line_by_line=False))
        assert "1,233,325.44" in together(lines)


class TestLeakage:
    @pytest.mark.parametrize("cause", CAUSES)
    def test_each_cause_fits(self, cause: str) -> None:
        leak = Leaking(
            engagement="ENG-1001",
            project="PRJ-1001",
            work_key="time:harvest:7001001",
            work_date=date(2026, 8, 3),
            age_days=89,
            seconds=2 * 3600,
            amount=Decimal("1234.56"),
            currency="EUR",
            cause=cause,
        )
        lines = printed(wip._leaks([leak]))
        assert row(lines, "1,234.56") == [
            *("time:harvest:7001001", "ENG-1001", "89", "2.00", "1,234.56", "EUR", in_short(cause))
        ]

    def test_a_long_key_goes_on_below_and_nothing_of_it_is_lost(self) -> None:
        key_of_cost = "expense:concur:0E2A3B4C5D6E/item-1234567890/allocation-1"
        leak = Leaking(
            "ENG-1001", "PRJ-1001", key_of_cost, date(2026, 8, 3), 89, 0, Decimal("80.50"), "EUR",
            READY_NOT_RELEASED,
        )  # fmt: skip
        first = [
            line.strip("│").split("│")[0].strip() for line in printed(wip._leaks([leak]))[4:-1]
        ]
        assert "".join(first) == key_of_cost
