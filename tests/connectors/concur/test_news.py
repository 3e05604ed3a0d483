"""What Concur is told, as it arrives there: to the cent, and in words for its processor."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

import pytest

from canonical.money import Money
from connectors.base.capabilities import ReportStep
from connectors.concur.news import payment_confirmation, posting_confirmation
from connectors.conformance.expense_source import REASON, failed, payment, posted
from tests.connectors.concur.world import ConcurWorld

STATUS: Final = {
    ReportStep.PARTLY_PAID: "PP",
    ReportStep.PAID: "CP",
    ReportStep.PAYMENT_REVERSED: "RE",
    ReportStep.OBSOLETE: "OB",
}


def test_a_posting_names_the_erps_document() -> None:
    assert posting_confirmation(posted("doc")) == {
        "docId": "doc",
        "overallPostingStatusCode": "success",
        "postingDocs": [
            {
                "companyId": "FIRM-DE",
                "documentNumber": "SINV-2026-0042",
                "paymentRelevantLineItems": [],
                "postingDate": "2026-01-31",
            }
        ],
        "systemMessages": [],
    }


def test_a_posting_without_a_number_is_named_by_our_reference() -> None:
    told = posting_confirmation(replace(posted("doc"), document="", posting_date=None))
    [document] = told["postingDocs"]
    assert document["documentNumber"] == "LTESTREFERENCE0000001"
    assert "postingDate" not in document


def test_a_failure_is_a_message_that_a_processor_understands() -> None:
    told = posting_confirmation(failed("doc"))
    assert told["overallPostingStatusCode"] == "error"
    assert told["postingDocs"] == []
    [message] = told["systemMessages"]
    assert message["messageId"] == "cost_centre_closed"
    assert message["messageShortText"] == f"The report could not be posted: {REASON}"
    assert message["messageLanguage"] == "EN"
    assert "LTESTREFERENCE0000001" in message["messageLongText"]


def test_a_failure_without_words_still_says_something() -> None:
    [message] = posting_confirmation(replace(failed("doc"), message="", code=""))["systemMessages"]
    assert message["messageShortText"] == "The report could not be posted: no reason was given"


def test_messages_keep_to_concurs_length() -> None:
    told = posting_confirmation(replace(failed("doc"), message="ä" * 5000))
    assert len(told["systemMessages"][0]["messageShortText"]) == 1300
    cancelled = replace(payment("doc", ReportStep.OBSOLETE, "1.00"), message="x" * 5000)
    assert len(payment_confirmation(cancelled)["additionalMessage"]) == 1300


@pytest.mark.parametrize("step", STATUS)
def test_each_step_of_the_money_has_concurs_status(step: ReportStep) -> None:
    told = payment_confirmation(payment("doc", step, "10.00"))
    assert told["processingStatusCode"] == STATUS[step]
    says_why = step in {ReportStep.PAYMENT_REVERSED, ReportStep.OBSOLETE}
    assert ("additionalMessage" in told) is says_why


def test_a_payment_says_how_much_when_to_whom_and_on_what() -> None:
    told = payment_confirmation(payment("doc", ReportStep.PAID, "10.00"))
    assert told["clearingDetails"] == [
        {
            "clearingDate": "2026-02-06T12:00:00Z",
            "clearingAmount": Decimal("10.00"),
            "clearingCurrency": "EUR",
            "receiver": {"receiverId": "E-1001", "receiverType": "EMPLOYEE"},
            "clearingReference": {
                "companyCode": "FIRM-DE",
                "financialDocumentId": "SINV-2026-0042",
                "paymentRef": "doc-paid-1",
            },
        }
    ]


@pytest.mark.parametrize("amount", ["10.00", "-10.00"])
def test_what_is_taken_back_is_told_without_a_sign(amount: str) -> None:
    told = payment_confirmation(payment("doc", ReportStep.PAYMENT_REVERSED, amount))
    assert told["clearingDetails"][0]["clearingAmount"] == Decimal("10.00")


def test_what_a_credit_note_pays_keeps_its_sign() -> None:
    told = payment_confirmation(payment("doc", ReportStep.PAID, "-10.00"))
    assert told["clearingDetails"][0]["clearingAmount"] == Decimal("-10.00")


def test_a_cancelled_document_needs_no_amount() -> None:
    news = replace(payment("doc", ReportStep.OBSOLETE, "1.00"), amount=None, on_date=None)
    [clearing] = payment_confirmation(news)["clearingDetails"]
    assert clearing["clearingReference"]["paymentRef"] == news.id
    assert not {"clearingAmount", "clearingDate"} & clearing.keys()


@pytest.mark.parametrize("amount", ["0.10", "70.10", "999999999999.99", "1234567.89"])
async def test_amounts_arrive_digit_by_digit(world: ConcurWorld, amount: str) -> None:
    report = world.release("10.00")
    concur = world.connect()
    await concur.claim([report])
    paid = payment(report, ReportStep.PAID, amount)
    await concur.tell([posted(report), paid])
    sent = world.network.requests[-1].content.decode()
    assert f'"clearingAmount":{amount},' in sent
    [clearing] = world.body_of(report)["clearingDetails"]
    assert clearing["clearingAmount"] == Decimal(amount)


async def test_a_currency_without_cents_is_told_without_cents(world: ConcurWorld) -> None:
    report = world.release("10.00")
    concur = world.connect()
    await concur.claim([report])
    yen = Money(amount=Decimal(1500), currency="JPY")
    paid = replace(payment(report, ReportStep.PAID, "1.00"), amount=yen, on_date=date(2026, 2, 28))
    answers = await concur.tell([posted(report), paid])
    assert [each.accepted for each in answers] == [True, True]
    clearing: dict[str, Any] = world.body_of(report)["clearingDetails"][0]
    assert (clearing["clearingAmount"], clearing["clearingCurrency"]) == (1500, "JPY")
    assert clearing["clearingDate"].startswith("2026-02-28")


async def test_the_name_of_the_employee_is_told_to_nobody(world: ConcurWorld) -> None:
    report = world.release("10.00")
    concur = world.connect()
    await concur.claim([report])
    await concur.tell([posted(report), payment(report, ReportStep.PAID, "10.00")])
    sent = b"".join(request.content for request in world.network.requests)
    assert b"receiverName" not in sent
    assert b"Allen" not in sent
