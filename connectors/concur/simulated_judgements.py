"""How the simulated Concur judges acknowledgements and confirmations, document by document.

The codes are those of SAP's page, section Service Codes. What SAP does not say, such as which
payment may follow which, is DOMAIN rule 26: lowered by a reversal only.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from connectors.base.http import exact_json_text
from connectors.concur.simulated_company import Judged, SimulatedConcur
from connectors.concur.simulated_state import DocumentState, SimulatedDocument, Told

Item = Mapping[str, Any]
Judge = Callable[[SimulatedConcur, str, Item, str], int]

# A repeat of a payment that is known by its reference; on the wire it is 298 with NOOP.
_KNOWN_PAYMENT: Final = -298
_TEXTS: Final[Mapping[int, str]] = {
    _KNOWN_PAYMENT: "Payment confirmation already exist.",
    0: "",
    99: "System ID in request does not match system ID in FI database.",
    101: "This document was previously acknowledged by SystemId: {by}.",
    102: "This document has been recalled.",
    103: "This document is not ready.",
    104: "This document does not exist in the FI database.",
    105: "This document is not of type {kind}.",
    111: "This document has not been acknowledged.",
    112: "This document has been recalled.",
    113: "Confirmation has been posted for this document.",
    114: "Document is not in a known state.",
    115: "This document is not of type {kind}.",
    116: "This document does not exist.",
    198: "Invalid request - this same request will not work if tried again.",
    199: "Unknown error, please try again later.",
    213: "Payment confirmation has been posted for this document.",
    298: "Invalid payment request - this same request will not work if tried again.",
}
_PAID_STATES: Final[Mapping[str, DocumentState]] = {
    "PP": "PAYMENT_CONFIRMED_SUCCESS",
    "CP": "PAYMENT_CONFIRMED_SUCCESS",
    "RE": "PAYMENT_CONFIRMED_REVERSED",
    "OB": "PAYMENT_CONFIRMED_OBSOLETE",
}


def acknowledged(company: SimulatedConcur, kind: str, item: Item, system_id: str) -> int:
    """Judge an acknowledgement, and take the document out of the queue if it is good."""
    document = company.found(item["docId"])
    if document is None or document.state == "CANCEL":
        return 104
    if document.kind != kind:
        return 105
    if document.state == "READY":
        company.keep(document.model_copy(update={"state": "ACKNOWLEDGED", "system_id": system_id}))
        return 0
    return {"DELAYED": 103, "RECALLED": 102}.get(document.state, 101)


def posting_confirmed(company: SimulatedConcur, kind: str, item: Item, system_id: str) -> int:
    """Judge a posting confirmation; only the first one of a document counts."""
    document = company.found(item["docId"])
    code = _unfit(document, kind, system_id)
    if document is None or code:
        return code
    if document.state != "ACKNOWLEDGED":
        return 113
    status, messages = item.get("overallPostingStatusCode", ""), item.get("systemMessages", ())
    failed = status == "error"
    if status not in {"success", "error"} or (failed and not messages):
        return 198  # Of a failure without a message nobody could tell what to mend.
    texts = [each.get("messageShortText", "") for each in messages]
    posted = item.get("postingDocs", ())
    told = Told(
        status=status,
        reference=next((each.get("documentNumber", "") for each in posted), ""),
        message=" ".join(texts),
        body=exact_json_text(item),
    )
    _tell(
        company,
        document,
        told,
        "POSTING_CONFIRMED_FAILURE" if failed else "POSTING_CONFIRMED_SUCCESS",
    )
    return 0


def payment_confirmed(company: SimulatedConcur, kind: str, item: Item, system_id: str) -> int:
    """Judge a payment confirmation: of posted documents only, and by its reference only once."""
    document = company.found(item["docId"])
    code = _unfit(document, kind, system_id)
    if document is None or code:
        return code
    if document.state in {"ACKNOWLEDGED", "POSTING_CONFIRMED_FAILURE"}:
        return 111
    status, reference = item.get("processingStatusCode", ""), _reference_of(item)
    payments = [told for told in document.told if told.status in _PAID_STATES]
    if any(told.reference == reference for told in payments):
        return _KNOWN_PAYMENT
    if document.state == "PAYMENT_CONFIRMED_OBSOLETE" or status not in _PAID_STATES:
        return 298
    last = payments[-1].status if payments else None
    if status in {"PP", "CP"} and last == "CP":
        return 213
    if status == "RE" and last not in {"PP", "CP"}:
        return 298
    told = Told(
        status=status,
        reference=reference,
        message=item.get("additionalMessage", ""),
        body=exact_json_text(item),
    )
    _tell(company, document, told, _PAID_STATES[status])
    return 0


def _unfit(document: SimulatedDocument | None, kind: str, system_id: str) -> int:
    """Why nothing can be confirmed on a document; 0 if it can."""
    if document is None or document.state == "CANCEL":
        return 116
    if document.kind != kind:
        return 115
    if document.state in {"READY", "DELAYED"}:
        return 111
    if document.state == "RECALLED":
        return 112
    return 99 if document.system_id != system_id else 0


def _tell(
    company: SimulatedConcur, document: SimulatedDocument, told: Told, state: DocumentState
) -> None:
    company.keep(document.model_copy(update={"state": state, "told": (*document.told, told)}))


def _reference_of(item: Item) -> str:
    details = item.get("clearingDetails") or [{}]
    return str(details[0].get("clearingReference", {}).get("paymentRef", ""))


def judged(
    company: SimulatedConcur, what: str, kind: str, item: Item, system_id: str
) -> dict[str, Any] | None:
    """Judge one document and write what Concur says of it; None if it says nothing."""
    judge, member = _JUDGES[what]
    code = 199 if company.use_up("unknown_errors") else judge(company, kind, item, system_id)
    company.judgements.append(Judged(what, item["docId"], abs(code)))
    if company.use_up("unanswered"):
        return None
    document = company.found(item["docId"])
    none = None if company.quirks.nulls else ""
    answer: dict[str, Any] = {
        "code": abs(code),
        "docId": item["docId"],
        "systemId": (document.system_id if document else "") or none,
        member: _word(what, code),
        "errorMessage": _text(code, kind, document) or none,
    }
    if what == "paymentconfirmations":
        answer["paymentRef"] = _reference_of(item)
    return answer


def _word(what: str, code: int) -> str:
    return "SUCCESS" if code == 0 else _WORDS[what].get(code, "FAILURE")


def _text(code: int, kind: str, document: SimulatedDocument | None) -> str:
    by = (document.system_id if document else "") or "null"
    return _TEXTS[code].format(kind=kind, by=by)


_WORDS: Final[Mapping[str, Mapping[int, str]]] = {
    "acknowledgements": {},
    "postingconfirmations": {
        111: "NOT_YET_ACKNOWLEDGED",
        112: "WAS_RECALLED",
        199: "SYSTEM_ERROR_OCCURRED",
    },
    "paymentconfirmations": {
        111: "NOT_POSTING_CONFIRMED",
        199: "SYSTEM_ERROR_OCCURRED",
        _KNOWN_PAYMENT: "NOOP",
    },
}
_JUDGES: Final[Mapping[str, tuple[Judge, str]]] = {
    "acknowledgements": (acknowledged, "acknowledgeResult"),
    "postingconfirmations": (posting_confirmed, "postingConfirmationResult"),
    "paymentconfirmations": (payment_confirmed, "paymentConfirmationResult"),
}
