"""Columns of the ledger's tables by what they hold, for the models of `store`."""

from typing import Any

from sqlalchemy import BigInteger, DateTime, Numeric, Text
from sqlmodel import Field

# SQLModel's annotation knows classes only; SQLAlchemy takes instances as well.
_UTC: Any = DateTime(timezone=True)


def text_column(**more: Any) -> Any:
    """Text of any length; `more` goes to SQLModel's Field."""
    return Field(sa_type=Text, **more)


def instant_column(**more: Any) -> Any:
    """An instant in UTC (timestamptz); `more` goes to SQLModel's Field."""
    return Field(sa_type=_UTC, **more)


def big_column(**more: Any) -> Any:
    """A whole number of 64 bits; `more` goes to SQLModel's Field."""
    return Field(sa_type=BigInteger, **more)


def number_column(**more: Any) -> Any:
    """An exact decimal of any scale, as money, rates and quantities are kept."""
    return Field(sa_type=Numeric, **more)
