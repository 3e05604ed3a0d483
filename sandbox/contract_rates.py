"""What an hour costs the firm's customers: standard prices, and what was agreed besides."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from canonical.contracts import BillRate, RateCard, RateScope
from canonical.money import HourlyRate
from sandbox.firm import Month

PERSON_WITH_OWN_RATE: Final = "DE01-EMP-001"
# Manager, senior consultant, consultant, and anybody else.
_ROLES: Final = ("Manager", "Senior consultant", "Consultant", None)
_STANDARD: Final = ("EUR", ("190.00", "158.00", "130.00", "150.00"))
# What was agreed with each customer of US01, which has no standard prices.
_US_CUSTOMERS: Final = {
    "CUST-004": ("230.00", "195.00", "168.00", "190.00"),
    "CUST-005": ("228.00", "192.50", "165.00", "188.00"),
    "CUST-006": ("235.00", "198.00", "170.00", "195.00"),
}


@dataclass(frozen=True)
class AgreedRates:
    """The firm's prices in a month; they count for late work of the month before, too."""

    month: Month
    connection: str

    @property
    def since(self) -> date:
        """Since when they count."""
        return self.month.before().first_day

    @property
    def cards(self) -> tuple[RateCard, ...]:
        """Standard prices, and what was agreed with customers, for roles and for one person."""
        year = str(self.month.year)
        cards = {
            "RC-STANDARD": self._by_role(RateScope.STANDARD, *_STANDARD),
            "RC-HALDEN": (self._of_one_person(),),
            "RC-BRIGHTWATER": (
                *self._brightwater("ENG-1003", "GBP", ("165.00", "138.00", "115.00", "132.50")),
                *self._brightwater("ENG-1004", "EUR", ("185.00", "152.50", "126.00", "148.00")),
            ),
            **{
                f"RC-{customer}": self._by_role(
                    RateScope.CUSTOMER, "USD", prices, customer=customer
                )
                for customer, prices in _US_CUSTOMERS.items()
            },
            "RC-LAKESHORE-ADVICE": self._raised_rates(),
        }
        return tuple(
            RateCard(connection=self.connection, id=name, version=year, rates=rates)
            for name, rates in cards.items()
        )

    def _by_role(
        self, scope: RateScope, currency: str, prices: tuple[str, ...], **whose: str
    ) -> tuple[BillRate, ...]:
        return tuple(
            self._rate(scope, price, currency, role=role, **whose)
            for role, price in zip(_ROLES, prices, strict=True)
        )

    def _rate(self, scope: RateScope, price: str, currency: str, **more: Any) -> BillRate:
        rate = HourlyRate(amount=Decimal(price), currency=currency)
        return BillRate(**{"scope": scope, "rate": rate, "valid_from": self.since, **more})

    def _brightwater(
        self, engagement: str, currency: str, prices: tuple[str, ...]
    ) -> tuple[BillRate, ...]:
        return self._by_role(
            RateScope.CUSTOMER, currency, prices, customer="CUST-002", engagement=engagement
        )

    def _of_one_person(self) -> BillRate:
        return self._rate(
            RateScope.PERSON,
            "172.50",
            "EUR",
            engagement="ENG-1001",
            employee=PERSON_WITH_OWN_RATE,
        )

    def _raised_rates(self) -> tuple[BillRate, ...]:
        """Prices of two roles on one contract, higher from the middle of the month on."""
        before = {"engagement": "ENG-1011", "valid_until": self.month.first_day.replace(day=14)}
        after = {"engagement": "ENG-1011", "valid_from": self.month.first_day.replace(day=15)}
        prices = (("Manager", "225.00", "234.00"), ("Senior consultant", "196.00", "203.50"))
        return tuple(
            self._rate(RateScope.ROLE, price, "USD", role=role, **when)
            for role, low, high in prices
            for price, when in ((low, before), (high, after))
        )
