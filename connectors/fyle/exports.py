"""Accounting exports: what shows a finance user in Fyle which report is in the ERP, or why not."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from connectors.base.capabilities import ReportNews, ReportStep
from connectors.base.errors import ConnectionConfigError, OutcomeUnknownError, RejectedError
from connectors.fyle import told_wire
from connectors.fyle.client import FyleClient
from connectors.fyle.item_mapping import cut
from connectors.fyle.mapping import readable

_TEXT_MAX: Final = 255
_LINES_OF: Final = "REPORT"
# Codes that a person mends by assigning something; all else is the integration's own trouble.
_MAPPING: Final = ("cost_centre", "project", "tax", "category", "account", "employee", "dimension")


class Exports:
    """The accounting exports of ours: one per legal entity and posting date, found by its name.

    An export that a lost answer left behind is found again, and used. Two workers may make the
    same one twice, which shows one export with no lines: no report is in two.
    """

    def __init__(
        self, client: FyleClient, file_id: str | None, now: Callable[[], datetime]
    ) -> None:
        self._client: Final = client
        self._file_id: Final = file_id
        self._now: Final = now
        self._known: Final[dict[str, str]] = {}

    async def lines(self, reports: Iterable[str]) -> Mapping[str, set[str]]:
        """The references under which reports are in an export already."""
        found = defaultdict(set)
        listed = await self._client.all_with(
            "/admin/accounting_export_lineitems", "object_id", reports
        )
        for line in readable(listed, told_wire.ExportLine):
            found[line.object_id].add(line.reference or "")
        return found

    async def line(self, news: ReportNews) -> Mapping[str, Any]:
        """A report's line in the export of its legal entity and posting date."""
        when = news.posting_date.isoformat() if news.posting_date else "undated"
        name = " ".join(filter(None, ("Ledgerway", news.legal_entity, when)))
        if name not in self._known:
            self._known[name] = await self._found_or_made(name, None)
        return {
            "object_id": news.source_id,
            "object_type": _LINES_OF,
            "reference": reference_of(news),
            "accounting_export_id": self._known[name],
        }

    async def explain(self, news: ReportNews, number: str) -> None:
        """Leave the reason why a report was not posted, under its number."""
        name = cut(f"Not posted: {number} ({news.code or 'failed'}, {news.reference})", _TEXT_MAX)
        await self._found_or_made(name, cut(news.message, _TEXT_MAX))

    async def _found_or_made(self, name: str, description: str | None) -> str:
        page = await self._client.page(
            "/admin/accounting_exports", {"name": f"eq.{name}"}, "id.asc", limit=1
        )
        for export in readable(page.records, told_wire.Export):
            return export.id
        try:
            made = await self._client.make(
                "/admin/accounting_exports",
                {
                    "name": name,
                    "description": description,
                    "exported_at": self._now().astimezone(UTC).isoformat(timespec="milliseconds"),
                    "file_ids": [self._file_id],
                },
            )
        except RejectedError as refusal:
            raise ConnectionConfigError(
                "export_refused", "Fyle wants another accounting export: is export_file_id right?"
            ) from refusal
        if made is None:
            raise OutcomeUnknownError("export_unreadable")
        return made.id


def reference_of(news: ReportNews) -> str:
    """What a line says of the ERP's document: its number for people, and our own reference."""
    ours = _ours(news)
    return " ".join(filter(None, (cut(news.document, _TEXT_MAX - len(ours) - 1), ours)))


def is_line_of(news: ReportNews, shown: str) -> bool:
    """Whether a line is about this posting: only our own reference tells.

    What people know the document by may have become known since the line was written.
    """
    return shown.endswith(_ours(news))


def _ours(news: ReportNews) -> str:
    return f"({news.reference})"


def summary_of(news: ReportNews, status_url: str) -> told_wire.ExportSummary:
    """The export state that each expense of a report shows."""
    url = status_url.replace("{reference}", news.reference)
    if news.step is ReportStep.POSTED:
        return told_wire.ExportSummary(state="COMPLETE", error_type=None, url=url)
    mends = any(word in news.code for word in _MAPPING)
    error = "MAPPING" if mends else "ACCOUNTING_INTEGRATION_ERROR"
    return told_wire.ExportSummary(state="ERROR", error_type=error, url=url)
