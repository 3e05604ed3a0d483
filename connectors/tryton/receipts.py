"""Receipts as attachments of Tryton's documents."""

import base64
import time
from collections.abc import Sequence
from typing import Any, Final

from connectors.base.capabilities import Attachment
from connectors.base.http import Timeouts
from connectors.tryton.client import TrytonClient
from connectors.tryton.document_wire import INVOICE, AttachmentRow
from connectors.tryton.mapping import id_of, one_line
from connectors.tryton.notes import facts_in
from connectors.tryton.wire import row_from

_MODEL: Final = "ir.attachment"
_NAME_MAX: Final = 120
# The name of the fact in an attachment's description that tells which receipt it is.
_RECEIPT: Final = "receipt"


class Receipts:
    """The attachments of documents; each carries the id that the receipt has at its source."""

    def __init__(self, client: TrytonClient, timeouts: Timeouts) -> None:
        self._client: Final = client
        self._timeouts: Final = timeouts

    async def attached(self, document_id: str) -> frozenset[str]:
        """Read which receipts a document has; what people attached by hand is none."""
        domain = [["resource", "=", _resource(document_id)]]
        pages = self._client.pages(AttachmentRow, _MODEL, domain, _receipts_from)
        return frozenset([receipt async for page in pages for receipt in page])

    async def attach(self, document_id: str, attachments: Sequence[Attachment]) -> None:
        """Add all receipts with one call, all or nothing."""
        if not attachments:
            return
        values = [
            {
                "resource": _resource(document_id),
                "type": "data",
                "name": one_line(each.name)[:_NAME_MAX] or each.id,
                "description": f"{_RECEIPT}: {each.id}",
                "data": {
                    "__class__": "bytes",
                    "base64": base64.b64encode(each.data).decode("ascii"),
                },
            }
            for each in attachments
        ]
        await self._client.write(
            f"model.{_MODEL}.create",
            values,
            context={},
            not_after=time.monotonic() + self._timeouts.read_seconds,
        )


def _resource(document_id: str) -> str:
    return f"{INVOICE},{id_of(document_id, 'document')}"


def _receipts_from(page: Sequence[Any]) -> list[str]:
    facts = [facts_in(row_from(AttachmentRow, value).description) for value in page]
    return [each[_RECEIPT] for each in facts if _RECEIPT in each]
