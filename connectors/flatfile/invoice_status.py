"""The file in which a drop is told what became of its invoices: one JSON line for each step."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from connectors.base.capabilities import InvoiceNews
from connectors.flatfile.telling import ToldSteps, money_text


class InvoiceStatusFile:
    """Appends steps, each of them once, whoever else writes and wherever a writer died."""

    def __init__(self, folder: Path) -> None:
        self._told: Final = ToldSteps(folder, "invoice_status")

    def tell(self, news: Sequence[InvoiceNews]) -> None:
        """Write what is not there yet, on the disk when this returns.

        Raises TransientError if the disk refuses: then a repeat finds what was written.
        """
        self._told.tell(_step(one) for one in news)


def _step(news: InvoiceNews) -> Mapping[str, Any]:
    return {
        "id": news.id,
        "event": news.event,
        "step": news.step.value,
        "engagement": news.engagement,
        "customer": news.customer,
        "legal_entity": news.legal_entity,
        "reference": news.reference,
        "number": news.number,
        "invoice_date": news.invoice_date.isoformat(),
        "due_date": news.due_date and news.due_date.isoformat(),
        "net": money_text(news.net),
        "total": money_text(news.total),
        "lines": [
            {"label": line.label, "seconds": line.seconds, "amount": money_text(line.amount)}
            for line in news.lines
        ],
        "amount": money_text(news.amount),
        "on_date": news.on_date and news.on_date.isoformat(),
        "credits": news.credits,
    }
