"""Where documents are found: by reference, by what changed, and by day; drafts among them."""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from canonical.identity import REFERENCE_PREFIX
from connectors.base.errors import TransientError
from connectors.base.pagination import InTurn
from connectors.base.records import RawRecord
from connectors.business_central.client import Client, Part
from connectors.business_central.families import Family
from connectors.business_central.ids import company_path, quoted
from connectors.business_central.papers import Line, Paper, is_ours, paper_from

_LOG: Final = logging.getLogger(__name__)


class Shelf:
    """Finds documents in one environment."""

    def __init__(self, client: Client) -> None:
        self._client: Final = client

    async def under(self, company: str, families: Sequence[Family], reference: str) -> list[Paper]:
        """Read all documents of a reference, exactly, in whatever state."""
        found: list[Paper] = []
        for family in families:
            which = f"{family.number} eq {quoted(reference)}"
            records = await self._client.all_of(_path(company, family), _query(family, which))
            found += [_exactly(company, family, each) for each in records]
        return found

    async def carrying(
        self, company: str, families: Sequence[Family], references: Sequence[str]
    ) -> list[Paper]:
        """Read all documents of some references, exactly."""
        return [
            paper
            for reference in references
            for paper in await self.under(company, families, reference)
        ]

    def ours(
        self, companies: Sequence[str], families: Sequence[Family], more: str = ""
    ) -> AsyncIterator[Sequence[Paper]]:
        """Page through what carries a reference of ours; what cannot be read counts as missing."""
        return InTurn(
            *(
                _Read(
                    company,
                    family,
                    self._client.pages(
                        _path(company, family),
                        _query(
                            family,
                            f"startswith({family.number},{quoted(REFERENCE_PREFIX)}){more}",
                        ),
                    ),
                )
                for company in companies
                for family in families
            )
        )

    async def delete(self, paper: Paper, not_after: float) -> None:
        """Delete a draft, if it is still the version that was read."""
        await self._client.write("DELETE", paper.where.path, etag=paper.etag, not_after=not_after)

    async def create(self, company: str, family: Family, values: Any, not_after: float) -> None:
        """Make a draft with its lines, in one request."""
        await self._client.write("POST", _path(company, family), values, not_after=not_after)

    async def set_dimensions(
        self, paper: Paper, wanted: Sequence[Mapping[str, str]], not_after: float
    ) -> None:
        """Give the lines of a draft their dimensions, some fifty to a call."""
        parts = [
            _dimension(f"{paper.where.path}/{paper.family.lines}({line.id})", line, code, value)
            for line, axes in zip(paper.lines, wanted, strict=True)
            for code, value in axes.items()
            if line.dimension(code) != value
        ]
        for start in range(0, len(parts), 50):
            await self._client.together(parts[start : start + 50], not_after=not_after)

    async def post(self, paper: Paper, not_after: float) -> None:
        """Post a draft: the one write that counts."""
        await self._client.write(
            "POST", f"{paper.where.path}/Microsoft.NAV.post", not_after=not_after
        )


class _Read(AsyncIterator[Sequence[Paper]]):
    """The pages of one list as documents; an error keeps the place."""

    def __init__(
        self, company: str, family: Family, pages: AsyncIterator[Sequence[RawRecord]]
    ) -> None:
        self._company: Final = company
        self._family: Final = family
        self._pages: Final = pages

    async def __anext__(self) -> Sequence[Paper]:
        found: list[Paper] = []
        for record in await anext(self._pages):
            try:
                paper = paper_from(self._company, self._family, record.value)
            except ValueError as error:
                _LOG.error("business central: %s left out: %s", self._family.entity, error)
                continue
            if is_ours(paper.reference):
                found.append(paper)
        return found


def _dimension(where: str, line: Line, code: str, value: str) -> Part:
    """Set a value on an axis, in place of a default that stands there already."""
    default = line.on_axis(code)
    if default is None:
        return Part("POST", f"{where}/dimensionSetLines", {"code": code, "valueCode": value})
    path = f"{where}/dimensionSetLines({default.id})"
    return Part("PATCH", path, {"valueCode": value}, default.etag)


def changed_since(since: datetime | None) -> str:
    """More of a filter: changed at or after an instant."""
    if since is None:
        return ""
    moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return f" and lastModifiedDateTime ge {moment}"


def posted_between(first: date, last: date) -> str:
    """More of a filter: posted in a window of days."""
    return f" and postingDate ge {first} and postingDate le {last}"


def _path(company: str, family: Family) -> str:
    return f"{company_path(company)}/{family.entity}"


def _query(family: Family, which: str) -> dict[str, str]:
    return {"$filter": which, "$expand": family.expanded}


def _exactly(company: str, family: Family, record: RawRecord) -> Paper:
    """Read one: if that fails it is not absent, or it would be booked again."""
    try:
        return paper_from(company, family, record.value)
    except ValueError as error:
        raise TransientError("answer_not_understood", str(error)) from None
