"""A folder that tests put files into, and the connector that reads it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from canonical.contracts import ContractRecord
from connectors.base.capabilities import SourcePage, SourceRecord
from connectors.conformance.http_contract import Tokens
from connectors.flatfile import FlatFile, FlatFileOptions, connect
from tests.connectors.flatfile.agreements import CONNECTION

Found = list[SourceRecord[ContractRecord]]


def connected(folder: Path, **options: Any) -> FlatFile:
    """The connector of a folder."""
    return connect(FlatFileOptions(CONNECTION, str(folder), **options), Tokens())


async def all_of(pages: AsyncIterator[SourcePage[ContractRecord]]) -> Found:
    """The records of all pages."""
    return [record async for page in pages for record in page.records]


async def records_in(folder: Path, **options: Any) -> Found:
    """All that a folder says, contracts first and then milestones."""
    source = connected(folder, **options)
    return [*await all_of(source.contracts()), *await all_of(source.milestones())]


class DropWorld:
    """One drop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def put(self, name: str, *lines: str) -> None:
        """Put a file there, whole."""
        (self.folder / name).write_text("".join(f"{line}\n" for line in lines))
