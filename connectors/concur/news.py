"""What Concur is told about a document: posting and payment confirmations, as pure functions."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from connectors.base.capabilities import ReportNews, ReportStep
from connectors.concur.manifest import (
    COMPANY_ID_LENGTH_MAX,
    DOCUMENT_NUMBER_LENGTH_MAX,
    MESSAGE_LENGTH_MAX,
)

_PAYMENTS: Final[Mapping[ReportStep, str]] = {
    ReportStep.PARTLY_PAID: "PP",
    ReportStep.PAID: "CP",
    ReportStep.PAYMENT_REVERSED: "RE",
    ReportStep.OBSOLETE: "OB",
}


def is_payment(news: ReportNews) -> bool:
    """Whether it is told as a payment confirmation; otherwise as a posting confirmation."""
    return news.step in _PAYMENTS


def posting_confirmation(news: ReportNews) -> dict[str, Any]:
    """Say that a document is posted, or why not in words for the processor in Concur."""
    if news.step is ReportStep.FAILED:
        return {
            "docId": news.source_id,
            "overallPostingStatusCode": "error",
            "postingDocs": [],
            "systemMessages": [_message(news)],
        }
    posted: dict[str, Any] = {
        "companyId": news.legal_entity[:COMPANY_ID_LENGTH_MAX],
        "documentNumber": (news.document or news.reference)[:DOCUMENT_NUMBER_LENGTH_MAX],
        "paymentRelevantLineItems": [],
    }
    if news.posting_date is not None:
        # The fiscal year is left out: the ERP's need not be the calendar's.
        posted["postingDate"] = news.posting_date.isoformat()
    return {
        "docId": news.source_id,
        "overallPostingStatusCode": "success",
        "postingDocs": [posted],
        "systemMessages": [],
    }


def payment_confirmation(news: ReportNews) -> dict[str, Any]:
    """Say what was paid on a document, or that it no longer is."""
    told: dict[str, Any] = {
        "docId": news.source_id,
        "processingStatusCode": _PAYMENTS[news.step],
        "clearingDetails": [_clearing(news)],
    }
    if news.step in (ReportStep.PAYMENT_REVERSED, ReportStep.OBSOLETE):
        told["additionalMessage"] = _cut(news.message or news.code or news.step.value)
    return told


def _message(news: ReportNews) -> dict[str, str]:
    """One message in the report's audit trail; Concur shows the short text to the processor."""
    reason = news.message or news.code or "no reason was given"
    return {
        "concurTransactionLineItemId": "",
        "messageId": news.code or "POSTING_FAILED",
        "messageLanguage": "EN",
        "messageShortText": _cut(f"The report could not be posted: {reason}"),
        "messageLongText": _cut(f"Code {news.code or 'none'}, reference {news.reference}."),
    }


def _clearing(news: ReportNews) -> dict[str, Any]:
    clearing: dict[str, Any] = {
        # Whom by number only: Concur knows the name, and nobody on the way needs it.
        "receiver": {"receiverId": news.employee, "receiverType": "EMPLOYEE"},
        "clearingReference": {
            "companyCode": news.legal_entity,
            "financialDocumentId": news.document,
            # Unique for each confirmation, so that Concur recognises a repeat by it.
            "paymentRef": news.id,
        },
    }
    if news.amount is not None:
        # A reversal is told by its status, so its amount has no sign.
        taken_back = news.step is ReportStep.PAYMENT_REVERSED
        amount = news.amount.amount
        clearing["clearingAmount"] = abs(amount) if taken_back else amount
        clearing["clearingCurrency"] = news.amount.currency
    if news.on_date is not None:
        clearing["clearingDate"] = _noon(news.on_date)
    return clearing


def _noon(day: date) -> str:
    """An instant that is this day in nearly every zone; midnight would be the day before."""
    return f"{day.isoformat()}T12:00:00Z"


def _cut(text: str) -> str:
    return text if len(text) <= MESSAGE_LENGTH_MAX else text[: MESSAGE_LENGTH_MAX - 1] + "…"
